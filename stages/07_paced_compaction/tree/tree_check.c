/* tree_check.c: everything that is relied on, read again: the manifest, which tells the version
 * that is in memory, and whose every edit is checked (version_apply.c: order, no overlap, sequence
 * numbers); the logs; every table; and whether the files that it names are all there. The event log
 * is read too, but damage there is only a warning. */
#include "tree_check.h"
#include "tree_files.h"
#include "tree_open.h"

#include <inttypes.h>

/* ---- In memory ------------------------------------------------------------------------------- */

static int broken(const char *what, uint64_t number, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET,
                       "the tree in memory is wrong: %s, file %" PRIu64, what, number);
}

/* Level 0: from the newest to the oldest; below it by their keys, without overlap. */
static bool in_order(const struct sstable *a, const struct sstable *b, unsigned level)
{
    if (level == 0)
        return a->sum.first > b->sum.last;
    return strata_compare(strata_buffer_slice(&a->largest), strata_buffer_slice(&b->smallest)) < 0;
}

/* 7.I3. */
static int check_level(const struct tree *tree, unsigned level, struct strata_error *err)
{
    const struct version_level *v = &tree->super->version->levels[level];
    uint64_t bytes = 0;

    for (size_t i = 0; i < v->count; i++) {
        if (version_table(tree->version, v->tables[i]->number) != v->tables[i])
            return broken("a table's number is not its own", v->tables[i]->number, err);
        if (i && !in_order(v->tables[i - 1], v->tables[i], level))
            return broken("a table is out of order on its level", v->tables[i]->number, err);
        bytes += v->tables[i]->bytes;
    }
    return bytes == v->bytes ? 0 : broken("a level's bytes are not its tables'", 0, err);
}

int tree_check(const struct tree *tree, struct strata_error *err)
{
    const struct version *v = tree->version;
    bool immutable = tree->super->immutable != NULL;
    int rc = 0;

    if (v != tree->super->version)
        return broken("readers see another version than the manifest names", 0, err);
    if (immutable != (tree->immutable.log.file != NULL)) /* 7.I1 */
        return broken("an immutable memtable and its log", tree->immutable.log.number, err);
    if (tree->log_named && v->logs[v->log_count - 1].number != tree->live.log.number)
        return broken("the live log is not the last of the version", tree->live.log.number, err);
    if (tree->log_named && immutable && v->logs[0].number != tree->immutable.log.number)
        return broken("the version does not name this log", tree->immutable.log.number, err);
    if (tree->super->version != v) /* 7.I3 */
        return broken("readers are given another version than the manifest's", 0, err);
    for (unsigned level = 0; rc == 0 && level < LEVELS; level++)
        rc = check_level(tree, level, err);
    return rc;
}

int tree_check_memory(void *self, struct strata_error *err)
{
    struct tree *tree = self;
    const struct super *super;
    int rc;

    group_enter(&tree->group);
    super = tree->super;
    rc = tree_check(tree, err);
    if (rc == 0 && !memtable_check(super->memtable))
        rc = broken("the memtable", tree->live.log.number, err);
    if (rc == 0 && super->immutable && !memtable_check(super->immutable))
        rc = broken("the immutable memtable", tree->immutable.log.number, err);
    if (rc == 0 && !sstable_common_check(tree->kind, tree->common))
        rc = broken("the block cache", 0, err);
    group_leave(&tree->group);
    return rc;
}

/* ---- On disk --------------------------------------------------------------------------------- */

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

static int verify_tables(struct tree *tree, const struct strata_progress *progress,
                         struct strata_error *err)
{
    uint64_t sequence;
    struct super *super = tree_pin(tree, 0, &sequence);
    const struct version *v = super->version;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i <= v->count; i++) {
        if (progress)
            progress->tick(progress->arg, i + 1, v->count + 1);
        rc = i < v->count ? tree->kind->verify(v->all[i], err) : 0;
    }
    super_unref(super);
    return rc;
}

int tree_verify(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    struct tree *tree = self;
    int rc;

    group_enter(&tree->group);
    pthread_mutex_unlock(&tree->group.mutex); /* nobody need wait for files */
    rc = tree_check(tree, err);
    if (rc == 0)
        rc = verify_manifest(tree, err);
    if (rc == 0)
        rc = tree_check_files(tree, err);
    if (rc == 0)
        rc = verify_logs(tree, err);
    events_check(tree->env);
    pthread_mutex_lock(&tree->group.mutex);
    group_leave(&tree->group);
    return rc < 0 ? rc : verify_tables(tree, progress, err);
}
