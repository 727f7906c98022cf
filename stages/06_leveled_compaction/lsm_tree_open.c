/* lsm_tree_open.c: opening.
 *
 *   CURRENT -> manifest -> edits -> which tables, which log
 *                                   open the tables     replay the log into a memtable
 *
 * 6.I24: nothing is removed before everything that the manifest names was found whole: with a wrong
 *     manifest in its place, from an earlier time say, the files are still there to be rescued.
 * 6.I25: a log or manifest that was not closed cleanly is never appended to: a new manifest gets
 * the whole state; the memtable is flushed, and a new log begins. What comes after a torn tail may
 *     be lost (leveldb #1287, duckdb #14785). A sync of the old log would not do: after a sync that
 *     failed, in a process that is gone, the next one may succeed without having written.
 * 6.I26: a log is written to after an edit has named it: a log behind the one that is named holds
 *     no operation, or the end of the manifest is lost. */
#include "lsm_tree.h"

#include <assert.h>
#include <inttypes.h>

/* ---- A new one ------------------------------------------------------------------------------- */

/* Log 1, and a manifest that names it. Nothing is named yet: files are of an earlier attempt. */
static int make_anew(struct lsm_tree *tree, const struct fs_names *names, struct strata_error *err)
{
    int rc = version_set_remove_obsolete(&tree->versions, names, err);

    tree->versions.next = 1;
    tree->path.sequence = 1;
    return rc < 0 ? rc : lsm_tree_flush(tree, err);
}

/* ---- One that is there ----------------------------------------------------------------------- */

static int read_log(struct lsm_tree *tree, struct strata_error *err)
{
    struct write_path *path = &tree->path;
    int rc = log_open(&path->log, tree->env, NULL, lsm_tree_entry(tree), log_fill, path->memtable,
                      &tree->opened, err);

    if (rc < 0)
        return rc;
    path->sequence = tree->opened.sequence;
    tree->figures.log_bytes = 0 - tree->opened.end; /* it was not written since open */
    path->marker.there = mark_is(&path->log.tail);
    replay_report_torn(&tree->opened, tree->env);
    return 0;
}

static int read_all(struct lsm_tree *tree, const struct fs_names *names, struct strata_error *err)
{
    struct version_set *set = &tree->versions;
    int rc = version_set_recover(set, err);

    if (rc == 0 && set->current->log_count != 1)
        rc = strata_fail(err, STRATA_ERR_CORRUPT, set->manifest.path, 0,
                         "the manifest names %" PRIu32 " logs, and this stage has one",
                         set->current->log_count);
    if (rc == 0)
        rc = version_open(set->current, set->kind->open, tree->env, tree->work.common, err);
    if (rc == 0)
        rc = memtable_new(&memtable_skip, NULL, tree->env->options->memtable_bytes,
                          &tree->path.memtable, err);
    if (rc == 0)
        rc = read_log(tree, err);
    return rc < 0 ? rc : version_set_check_logs(set, names, err);
}

/* As a clean close leaves it, or as it was made. */
static bool ended_cleanly(const struct lsm_tree *tree)
{
    return tree->opened.end == lsm_tree_entry(tree)->end &&
           tree->path.log.file->end == lsm_tree_entry(tree)->end;
}

static int make_writable(struct lsm_tree *tree, const struct fs_names *names,
                         struct strata_error *err)
{
    struct version_set *set = &tree->versions;
    int rc = 0;

    assert(tree->path.log.number == lsm_tree_entry(tree)->number);
    version_set_pass_numbers(set, names);
    if (!manifest_is_settled(&set->manifest))
        rc = version_set_write_manifest(set, set->current, err); /* 6.I25 */
    if (rc == 0)
        rc = version_set_remove_obsolete(set, names, err);                 /* 6.I24 */
    return rc < 0 || ended_cleanly(tree) ? rc : lsm_tree_flush(tree, err); /* 6.I25 */
}

int lsm_tree_open(struct lsm_tree *tree, struct strata_error *err)
{
    const struct strata_env *env = tree->env;
    struct fs_names names;
    int rc = fs_list(env->fs, env->dir, &names, err);

    if (rc == 0 && env->is_new)
        rc = make_anew(tree, &names, err);
    else if (rc == 0) {
        rc = read_all(tree, &names, err);
        if (rc == 0 && !env->options->read_only)
            rc = make_writable(tree, &names, err);
    }
    fs_names_free(&names);
    return rc;
}
