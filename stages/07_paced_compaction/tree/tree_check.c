/* tree_check.c: everything that is relied on, read again: the manifest, which says the version that
 * is in memory, and whose edits are checked (version_builder.c: order, no overlap, sequence
 * numbers); the logs; every table. Damage of the event log is only a warning. */
#include "07_paced_compaction/tree/tree_engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- In memory ------------------------------------------------------------------------------- */

static int broken(const char *what, uint64_t number, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET,
                       "the tree in memory is wrong: %s, file %" PRIu64, what, number);
}

int tree_check(const struct tree *tree, struct strata_error *err)
{
    const struct version *v = tree->versions.current;
    const struct super *super = tree->super;
    bool immutable = super->immutable != NULL;

    if (super->version != v) /* 7.I3 */
        return broken("readers see another version than the manifest's", 0, err);
    if (super->memtable != tree->path.memtable)
        return broken("writers have another memtable than readers", 0, err);
    if (immutable != (tree->immutable.file != NULL)) /* 7.I1 */
        return broken("an immutable memtable and its log", tree->immutable.number, err);
    if (tree->live.number != tree->path.log.number)
        return broken("the live log is another", tree->path.log.number, err);
    if (tree->log_named && v->logs[v->log_count - 1].number != tree->live.number)
        return broken("the live log is not the last of the version", tree->live.number, err);
    if (tree->log_named && immutable && v->logs[0].number != tree->immutable.number)
        return broken("the version does not name this log", tree->immutable.number, err);
    if (v->next > tree->versions.next)
        return broken("a number is used before it is given away", v->next, err);
    return 0;
}

bool tree_is_whole(struct tree *tree)
{
    bool whole;

    sync_lock(&tree->installing);
    whole = tree_check(tree, NULL) == 0;
    sync_unlock(&tree->installing);
    return whole;
}

/* ---- Are there others? ------------------------------------------------------ */

static bool makes(const struct compact *work, uint64_t number)
{
    if (work && work->of.writer && work->of.writer->number == number)
        return true;
    for (size_t i = 0; work && i < work->of.output_count; i++)
        if (work->of.outputs[i]->number == number)
            return true;
    return false;
}

/* By a table. */
static bool is_needed(const struct tree *tree, uint64_t number)
{
    const struct version *v = tree->versions.current;

    for (size_t i = 0; v && i < v->count; i++)
        if (tree->parts->needs(v->all[i], number))
            return true;
    return false;
}

bool tree_is_obsolete(const struct tree *tree, const char *name)
{
    const char *beside = tree->parts->beside;
    uint64_t number = strtoull(name, NULL, 10);

    return version_set_is_obsolete(&tree->versions, name) ||
           (beside && fs_is_name(name, number, beside) && !is_needed(tree, number));
}

/* Of work in progress; or a log that is not named yet; or an obsolete file. */
static bool is_known(const struct tree *tree, const char *name)
{
    uint64_t number = strtoull(name, NULL, 10);

    for (size_t i = 0; i < tree->obsolete.count; i++) {
        if (strcmp(strrchr(tree->obsolete.files[i].path, '/') + 1, name) == 0)
            return true;
    }
    return number == tree->live.number || number == tree->versions.replaced ||
           makes(tree->flush, number) || makes(tree->compaction, number);
}

/* That there are others is only logged; of a process that writes meanwhile not even that. */
static int verify_names(const struct tree *tree, struct strata_error *err)
{
    const char *first = "";
    size_t others = 0;
    struct fs_names names;
    int rc = fs_list(tree->env->fs, tree->env->dir, &names, err);

    for (size_t i = 0; rc == 0 && i < names.count; i++)
        if (tree_is_obsolete(tree, names.names[i]) && !is_known(tree, names.names[i]) && !others++)
            first = names.names[i];
    if (others && !strata_env_is_written(tree->env))
        strata_env_log(tree->env, STRATA_LOG_WARNING,
                       "%s: %zu files that the manifest does not name, %s the first: the next open "
                       "for writing removes them",
                       tree->env->dir, others, first);
    fs_names_free(&names);
    return rc;
}

int tree_check_memory(void *self, struct strata_error *err)
{
    struct tree *tree = self;
    const struct super *super;
    int rc;

    tree_be_alone(tree);
    super = tree->super;
    rc = tree_check(tree, err);
    if (rc == 0)
        rc = version_check(super->version, err);
    if (rc == 0 && !memtable_check(super->memtable))
        rc = broken("the memtable", tree->path.log.number, err);
    if (rc == 0 && super->immutable && !memtable_check(super->immutable))
        rc = broken("the immutable memtable", tree->immutable.number, err);
    if (rc == 0 && !sstable_common_check(tree->kind, tree->common))
        rc = broken("the block cache", 0, err);
    tree_end_alone(tree, false);
    return rc;
}

/* ---- On disk --------------------------------------------------------------------------------- */

static int verify_logs(const struct tree *tree, struct strata_error *err)
{
    const struct version *v = tree->versions.current;
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < v->log_count; i++) {
        bool live = v->logs[i].number == tree->path.log.number;
        rc = log_verify(tree_log(tree, v->logs[i].number), &v->logs[i],
                        live ? tree->path.sequence : v->logs[i].sequence, err);
    }
    return rc;
}

static int verify_tables(struct tree *tree, const struct strata_progress *progress,
                         struct strata_error *err)
{
    struct super *super = tree_pin(tree);
    int rc = sstable_verify_all(super->version->all, super->version->count, progress, err);

    if (rc == 0 && tree->parts->verify_beside)
        rc = tree->parts->verify_beside(tree, super->version, err);
    super_unref(super);
    return rc;
}

int tree_verify(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    struct tree *tree = self;
    int rc;

    tree_be_alone(tree); /* the mutex is free: readers need not wait for files */
    rc = tree_check(tree, err);
    if (rc == 0)
        rc = version_check(tree->versions.current, err);
    if (rc == 0)
        rc = version_set_verify(&tree->versions, err);
    if (rc == 0)
        rc = verify_names(tree, err);
    if (rc == 0)
        rc = verify_logs(tree, err);
    events_check(tree->env);
    tree_end_alone(tree, false);
    return rc < 0 ? rc : verify_tables(tree, progress, err);
}
