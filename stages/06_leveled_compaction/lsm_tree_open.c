/* lsm_tree_open.c: opening, and the files of a tree by their names.
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Files by their names ------------------------------------------------------------------- */

/* Is it the name of file `number`, with this suffix and nothing or ".tmp" behind it? */
static bool is_name(const char *name, uint64_t number, const char *suffix, const char *behind)
{
    char again[64];
    snprintf(again, sizeof again, "%06" PRIu64 "%s%s", number, suffix, behind);
    return strcmp(again, name) == 0;
}

/* Is it a name that this tree makes, and of no file that the manifest names? */
static bool is_obsolete(const struct lsm_tree *tree, const char *name)
{
    const char *suffix = tree->kind->suffix;
    const struct version *v = tree->version;
    uint64_t number = strtoull(name, NULL, 10);

    if (is_name(name, number, ".log", ""))
        return !v || number != v->logs[0].number;
    if (is_name(name, number, ".manifest", ""))
        return number != tree->manifest.number;
    if (is_name(name, number, suffix, ""))
        return !v || !version_table(v, number);
    return is_name(name, number, suffix, ".tmp") || strcmp(name, CURRENT_NAME ".tmp") == 0;
}

static int remove_obsolete(const struct lsm_tree *tree, struct strata_error *err)
{
    struct fs_names names;
    int rc = fs_list(tree->env->fs, tree->env->dir, &names, err);

    for (size_t i = 0; rc == 0 && i < names.count; i++) {
        char *path;
        if (!is_obsolete(tree, names.names[i]))
            continue;
        path = fs_join(tree->env->dir, names.names[i]);
        rc = path ? fs_remove(tree->env->fs, path, err) : strata_fail_memory(err, 64);
        free(path);
    }
    fs_names_free(&names);
    return rc;
}

/* 6.I23: no number that a file's name begins with is given away again. */
static void pass_numbers(struct lsm_tree *tree, const struct fs_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        uint64_t number = strtoull(names->names[i], NULL, 10);
        if (number >= tree->next && number < UINT64_MAX / 2)
            tree->next = number + 1;
    }
}

/* ---- Logs that no edit names (6.I26) --------------------------------------------------------- */

static int note_operations(void *arg, const struct wal_frame *frame, struct record_reader *reader,
                           struct strata_error *err)
{
    (void)reader;
    (void)err;
    *(bool *)arg |= frame->count > 0;
    return 0;
}

/* What is no log, or a torn one, holds none. */
static int check_unnamed_log(struct strata_fs *fs, const char *path, uint64_t number,
                             struct strata_error *err)
{
    bool holds = false;
    struct replay replay = {.number = number, .apply = note_operations, .arg = &holds};
    struct strata_error why;
    int rc = fs_open(fs, path, FS_READ, &replay.file, &why);

    if (rc == 0)
        rc = log_check_header(replay.file, number, &replay.kind, &why);
    if (rc == 0)
        rc = replay_log(&replay, &why);
    fs_close(replay.file, NULL);
    if (holds)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, STRATA_NO_OFFSET,
                           "the log holds operations, and the manifest does not name it: its end "
                           "is lost");
    if (rc < 0 && rc != STRATA_ERR_CORRUPT && err)
        *err = why;
    return rc == STRATA_ERR_CORRUPT ? 0 : rc;
}

static int check_unnamed_logs(const struct lsm_tree *tree, const struct fs_names *names,
                              struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < names->count; i++) {
        uint64_t number = strtoull(names->names[i], NULL, 10);
        char *path;
        if (number <= lsm_tree_entry(tree)->number || !is_name(names->names[i], number, ".log", ""))
            continue;
        path = fs_join(tree->env->dir, names->names[i]);
        rc = path ? check_unnamed_log(tree->env->fs, path, number, err)
                  : strata_fail_memory(err, 64);
        free(path);
    }
    return rc;
}

/* ---- The log --------------------------------------------------------------------------------- */

struct tables lsm_tree_log_known(const struct lsm_tree *tree)
{
    const struct edit_log *entry = lsm_tree_entry(tree);
    return (struct tables){.log = entry->number,
                           .log_first = entry->first,
                           .log_end = entry->end,
                           .sequence = entry->sequence};
}

static int make_memtable(struct lsm_tree *tree, struct strata_error *err)
{
    return memtable_new(&memtable_skip, NULL, tree->env->options->memtable_bytes,
                        &tree->path.memtable, err);
}

static int read_log(struct lsm_tree *tree, struct strata_error *err)
{
    struct tables known = lsm_tree_log_known(tree);
    int rc =
        log_open(&tree->path.log, tree->env, NULL, &known, tree->path.memtable, &tree->opened, err);

    if (rc < 0)
        return rc;
    tree->path.sequence = tree->opened.sequence;
    tree->stats.log_bytes = 0 - tree->opened.end; /* it was not written since open */
    tree->path.marker.there = mark_is(&tree->path.log.tail);
    replay_report_torn(&tree->opened, tree->env);
    return 0;
}

/* As a clean close leaves it, or as it was made. */
static bool ended_cleanly(const struct lsm_tree *tree)
{
    return tree->opened.end == lsm_tree_entry(tree)->end &&
           tree->path.log.file->end == lsm_tree_entry(tree)->end;
}

/* ---- The tree -------------------------------------------------------------------------------- */

static int apply(void *arg, const struct edit *edit, struct strata_error *err)
{
    return version_apply(arg, edit, NULL, 0, err);
}

int lsm_tree_read_version(const struct strata_env *env, struct manifest *manifest,
                          struct version **version, uint64_t *torn, struct strata_error *err)
{
    int rc;

    *version = NULL;
    rc = manifest_open(manifest, env, apply, version, torn, err);
    if (rc == 0 && (*version)->log_count != 1)
        rc = strata_fail(err, STRATA_ERR_CORRUPT, manifest->path, 0,
                         "the manifest names %" PRIu32 " logs, and this stage has one",
                         (*version)->log_count);
    return rc;
}

/* Log 1, and a manifest that names it. */
static int make_anew(struct lsm_tree *tree, struct strata_error *err)
{
    struct edit edit = {.has_logs = true, .log_count = 1};
    int rc = remove_obsolete(tree, err); /* nothing is named: all files of an earlier attempt */

    tree->next = 2;
    tree->path.sequence = 1;
    if (rc == 0)
        rc = log_create(&tree->path.log, tree->env, NULL, 1, 1, err);
    edit.logs[0] = (struct edit_log){1, 1, tree->path.log.end, 1};
    edit.next = tree->next;
    if (rc == 0)
        rc = version_apply(&tree->version, &edit, NULL, 0, err);
    if (rc == 0)
        rc = make_memtable(tree, err);
    return rc < 0 ? rc
                  : lsm_tree_write_manifest(tree, tree->version,
                                            err); /* syncs the directory, then CURRENT */
}

static int read_all(struct lsm_tree *tree, uint64_t *torn, struct fs_names *names,
                    struct strata_error *err)
{
    int rc = lsm_tree_read_version(tree->env, &tree->manifest, &tree->version, torn, err);

    if (rc < 0)
        return rc;
    tree->next = tree->version->next;
    rc = version_open(tree->version, tree->kind->open, tree->env, tree->common, err);
    if (rc == 0)
        rc = make_memtable(tree, err);
    if (rc == 0)
        rc = read_log(tree, err);
    if (rc == 0)
        rc = fs_list(tree->env->fs, tree->env->dir, names, err);
    if (rc == 0)
        rc = check_unnamed_logs(tree, names, err);
    if (rc == 0 && *torn)
        strata_env_log(tree->env, STRATA_LOG_WARNING, "%s: %s a torn edit of %" PRIu64 " bytes",
                       tree->manifest.path, tree->env->options->read_only ? "ignored" : "dropped",
                       *torn);
    return rc;
}

static int make_writable(struct lsm_tree *tree, bool torn, const struct fs_names *names,
                         struct strata_error *err)
{
    int rc = 0;

    assert(tree->path.log.number == lsm_tree_entry(tree)->number);
    pass_numbers(tree, names);
    if (torn || !manifest_is_settled(&tree->manifest))
        rc = lsm_tree_write_manifest(tree, tree->version, err); /* 6.I25 */
    if (rc == 0)
        rc = remove_obsolete(tree, err);                                   /* 6.I24 */
    return rc < 0 || ended_cleanly(tree) ? rc : lsm_tree_flush(tree, err); /* 6.I25 */
}

int lsm_tree_open(struct lsm_tree *tree, struct strata_error *err)
{
    struct fs_names names = {0};
    uint64_t torn;
    int rc;

    if (tree->env->is_new)
        return make_anew(tree, err);
    rc = read_all(tree, &torn, &names, err);
    if (rc == 0 && !tree->env->options->read_only)
        rc = make_writable(tree, torn > 0, &names, err);
    fs_names_free(&names);
    return rc;
}
