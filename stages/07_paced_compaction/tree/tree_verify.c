/* tree_verify.c: everything that is relied on is read again: the manifest, which tells the state
 * that is in memory, and whose every edit is checked (state.c: order, no overlap, sequence
 * numbers); the logs; every table; and whether the files that it names are all there. The event log
 * is read too, but only warned of. */
#include "07_paced_compaction/leveled.h"
#include "07_paced_compaction/tree/tree_files.h"
#include "07_paced_compaction/tree/tree_open.h"

/* It is read as if nothing were to be written. */
static int verify_manifest(const struct tree *tree, struct strata_error *err)
{
    struct strata_options options = *tree->env->options;
    struct strata_env env = *tree->env;
    struct manifest manifest;
    struct version *version;
    uint64_t torn;
    int rc;

    options.read_only = true;
    env.options = &options;
    rc = tree_read_version(&env, &manifest, &version, &torn, err);
    if (rc == 0 && !tree->failed && !version_same(version, tree->version))
        rc = strata_fail(err, STRATA_ERR_CORRUPT, manifest.path, STRATA_NO_OFFSET,
                         "it is whole, but does not tell what was written last");
    manifest_close(&manifest);
    version_unref(version);
    return rc;
}

/* Of a log that is live: which one the tree has open. */
static const struct log *find_log(const struct tree *tree, uint64_t number)
{
    return number == tree->live.log.number        ? &tree->live.log
           : number == tree->immutable.log.number ? &tree->immutable.log
                                                  : &tree->older.log;
}

static int verify_logs(const struct tree *tree, struct strata_error *err)
{
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < tree->version->log_count; i++) {
        const struct edit_log *entry = &tree->version->logs[i];
        struct tables known = tree_log_known(entry);
        bool live = entry->number == tree->live.log.number;
        rc = log_verify(find_log(tree, entry->number), &known,
                        live ? tree->sequence : entry->sequence, err);
    }
    return rc;
}

int tree_verify(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    struct tree *tree = self;
    uint64_t sequence;
    struct super *super;
    const struct version *v;
    int rc;

    group_enter(&tree->group);
    pthread_mutex_unlock(&tree->group.mutex); /* nobody need wait for files */
    rc = verify_manifest(tree, err);
    if (rc == 0)
        rc = tree_check_files(tree, err);
    if (rc == 0)
        rc = verify_logs(tree, err);
    events_check(tree->env);
    pthread_mutex_lock(&tree->group.mutex);
    group_leave(&tree->group);
    super = tree_pin(tree, &sequence);
    v = super->version;
    for (size_t i = 0; rc == 0 && i <= v->count; i++) {
        if (progress)
            progress->tick(progress->arg, i + 1, v->count + 1);
        rc = i < v->count ? tree->kind->verify(v->all[i], err) : 0;
    }
    super_unref(super);
    return rc;
}
