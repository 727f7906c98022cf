/* tree_open.c: opening.
 *
 * 7.I5: nothing is removed before everything that the manifest names was found whole: with a wrong
 *       file in its place the others are still there to be rescued.
 * 7.I6: a log or manifest that was not closed cleanly is never written to again: a new manifest
 *       tells the state, the memtable is flushed, and a new log begins. What comes after a torn
 *       tail may be lost (leveldb #1287, duckdb #14785), and a sync of the old log would not do:
 *       after one that failed, in a process that is gone, the next one may report success for
 *       pages that are not durable.
 * 7.I7: a log behind those that are named holds no operation (7.I2), or the end of the manifest is
 *       lost, which is damage.
 * 7.I8: with parts->deferred_recovery the flush of a single log waits for the first write, sync or
 *       close; until then nothing is written, and the log does not grow, however often the process
 *       is killed. Two logs are flushed at once: open never reads more than two memtables. With
 *       STRATA_SYNC_ALWAYS it does not wait: there, what a get returns is durable.
 * 7.I9: names in the directory may not be durable, when whoever made them was killed: the directory
 *       is synced before anything is removed, or written that needs those names. */
#include "07_paced_compaction/tree/tree_open.h"
#include "07_paced_compaction/tree/change.h"
#include "07_paced_compaction/tree/tree_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- A log that no edit names (7.I7) -----------------------------------------------------------
 */

static int note_operations(void *arg, const struct wal_frame *frame, struct record_reader *reader,
                           struct strata_error *err)
{
    (void)reader;
    (void)err;
    *(bool *)arg |= frame->count > 0;
    return 0;
}

/* What is no log, or a torn one, holds none. */
static int holds_operations(const struct tree *tree, const char *path, uint64_t number, bool *holds,
                            struct strata_error *err)
{
    struct replay replay = {
        .number = number, .kind = tree->parts->log, .apply = note_operations, .arg = holds};
    struct strata_error why;
    int rc = fs_open(tree->env->fs, path, FS_READ, &replay.file, &why);

    if (rc == 0)
        rc = log_check_header(replay.file, number, &replay.kind, &why);
    if (rc == 0)
        rc = replay_log(&replay, &why);
    fs_close(replay.file, NULL);
    if (rc < 0 && rc != STRATA_ERR_CORRUPT && err)
        *err = why;
    return rc == STRATA_ERR_CORRUPT ? 0 : rc;
}

static int check_unnamed_log(const struct tree *tree, const char *name, uint64_t number,
                             struct strata_error *err)
{
    char *path = fs_join(tree->env->dir, name);
    bool holds = false;
    int rc = path ? holds_operations(tree, path, number, &holds, err) : strata_fail_memory(err, 64);

    if (rc == 0 && holds)
        rc = strata_fail(err, STRATA_ERR_CORRUPT, path, STRATA_NO_OFFSET,
                         "the log holds operations, and the manifest does not name it: its end is "
                         "lost");
    free(path);
    return rc;
}

static int check_unnamed_logs(const struct tree *tree, const struct fs_names *names,
                              struct strata_error *err)
{
    const struct version *v = tree->version;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < names->count; i++) {
        uint64_t number = strtoull(names->names[i], NULL, 10);
        if (tree_is_name(names->names[i], number, ".log") &&
            number > v->logs[v->log_count - 1].number)
            rc = check_unnamed_log(tree, names->names[i], number, err);
    }
    return rc;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static int make_super(struct tree *tree, struct strata_error *err)
{
    struct memtable *memtable = NULL;
    int rc = memtable_new(tree->parts->memtable, tree->memory, tree->env->options->memtable_bytes,
                          &memtable, err);

    if (rc == 0)
        rc = version_open(tree->version, tree->parts->open ? tree->parts->open : tree->kind->open,
                          tree->env, tree->common, err);
    if (rc == 0 && tree->parts->index)
        rc = tree->parts->index(tree->version, err);
    if (rc == 0) {
        tree->super = super_new(tree->parts, memtable, NULL, tree->version);
        rc = tree->super ? 0 : strata_fail_memory(err, sizeof *tree->super);
    }
    memtable_unref(memtable);
    return rc;
}

/* ---- Logs ------------------------------------------------------------------------------------ */

struct tables tree_log_known(const struct edit_log *log)
{
    return (struct tables){.log = log->number,
                           .log_first = log->first,
                           .log_end = log->end,
                           .sequence = log->sequence};
}

static int read_log(struct tree *tree, const struct edit_log *entry, struct tree_log *log,
                    struct strata_error *err)
{
    struct tables known = tree_log_known(entry);
    struct replay *opened = &tree->opened;
    int rc = log_open(&log->log, tree->env, tree->parts->log, &known, tree->super->memtable, opened,
                      err);

    if (rc < 0)
        return rc;
    log->first = entry->first;
    log->made = entry->end;
    tree->sequence = opened->sequence;
    tree->marker.there |= mark_is(&log->log.tail);
    replay_report_torn(opened, tree->env);
    return 0;
}

static int read_logs(struct tree *tree, struct strata_error *err)
{
    const struct version *v = tree->version;
    int rc = 0;

    if (v->log_count == 2) {
        rc = read_log(tree, &v->logs[0], &tree->older, err);
        if (rc == 0 && tree->sequence != v->logs[1].first)
            rc = strata_fail(err, STRATA_ERR_CORRUPT, tree->older.log.path, tree->opened.end,
                             "the log continues after operation %" PRIu64 ", where the next begins",
                             v->logs[1].first);
    }
    if (rc == 0)
        rc = read_log(tree, &v->logs[v->log_count - 1], &tree->live, err);
    tree->log_named = rc == 0;
    return rc;
}

/* As a clean close leaves it, or one that was just made. */
static bool ended_cleanly(const struct tree *tree)
{
    return tree->version->log_count == 1 && tree->opened.end == tree->live.made &&
           tree->live.log.file->end == tree->live.made;
}

/* ---- The tree -------------------------------------------------------------------------------- */

static int apply(void *arg, const struct edit *edit, struct strata_error *err)
{
    return version_apply(arg, edit, NULL, 0, err);
}

int tree_read_version(const struct strata_env *env, struct manifest *manifest,
                      struct version **version, uint64_t *torn, struct strata_error *err)
{
    int rc;

    *version = NULL;
    rc = manifest_open(manifest, env, apply, version, torn, err);
    if (rc == 0 && !*version)
        rc = strata_fail(err, STRATA_ERR_CORRUPT, manifest->path, 0, "the manifest has no edit");
    return rc;
}

/* Log 1, and a manifest that names it. */
static int make_anew(struct tree *tree, struct strata_error *err)
{
    struct edit edit = {.has_logs = true, .log_count = 1};
    int rc = tree_remove_all_dead(tree, err); /* nothing is live: all of it */

    tree->next = 2;
    tree->sequence = 1;
    if (rc == 0)
        rc = log_create(&tree->live.log, tree->env, tree->parts->log, 1, 1, err);
    tree->live.first = 1;
    tree->live.made = tree->stats.log_bytes = tree->live.log.end;
    edit.logs[0] = (struct edit_log){1, 1, tree->live.made, 1};
    edit.next = tree->next;
    if (rc == 0)
        rc = version_apply(&tree->version, &edit, NULL, 0, err);
    if (rc == 0)
        rc = make_super(tree, err);
    if (rc == 0)
        rc = change_roll_over(tree, err); /* syncs the directory, then names it */
    tree->log_named = rc == 0;
    return rc;
}

/* The other files of the directory. */
static int look_around(struct tree *tree, struct fs_names *names, struct strata_error *err)
{
    int rc = fs_list(tree->env->fs, tree->env->dir, names, err);

    if (rc == 0)
        rc = check_unnamed_logs(tree, names, err);
    tree_pass_numbers(tree, names);
    return rc;
}

static int read_all(struct tree *tree, uint64_t *torn, struct fs_names *names,
                    struct strata_error *err)
{
    int rc = tree_read_version(tree->env, &tree->manifest, &tree->version, torn, err);

    if (rc < 0)
        return rc;
    tree->next = tree->version->next;
    rc = make_super(tree, err);
    if (rc == 0)
        rc = read_logs(tree, err);
    if (rc == 0)
        rc = look_around(tree, names, err);
    if (rc == 0 && *torn)
        strata_env_log(tree->env, STRATA_LOG_WARNING, "%s: %s a torn edit of %" PRIu64 " bytes",
                       tree->manifest.path, tree->env->options->read_only ? "ignored" : "dropped",
                       *torn);
    return rc;
}

/* 7.I6. */
static int begin_log(struct tree *tree, struct strata_error *err)
{
    int rc = tree_switch_memtable(tree, err);

    while (rc == 0) {
        uint64_t budget = UINT64_MAX;
        rc = tree_flush_step(tree, &budget, err);
    }
    return rc < 0 ? rc : 0;
}

/* 7.I8. */
static bool may_wait(const struct tree *tree)
{
    return tree->parts->deferred_recovery && tree->version->log_count == 1 &&
           tree->env->options->sync != STRATA_SYNC_ALWAYS;
}

static int make_writable(struct tree *tree, bool torn, const struct fs_names *names,
                         struct strata_error *err)
{
    int rc = 0;

    if (!torn && manifest_is_settled(&tree->manifest)) {
        rc = tree_remove_dead(tree, names, err);
    } else { /* 7.I6 */
        rc = change_roll_over(tree, err);
        if (rc == 0)
            rc = tree_remove_all_dead(tree, err);
    }
    if (rc < 0 || ended_cleanly(tree))
        return rc;
    tree->recovery_pending = may_wait(tree);
    return tree->recovery_pending ? 0 : begin_log(tree, err);
}

static int open_files(struct tree *tree, struct strata_error *err)
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

/* ---- Its life -------------------------------------------------------------------------------- */

int tree_del(struct tree *tree, struct strata_error *err)
{
    int rc = log_close(&tree->live.log, false, err);

    log_close(&tree->immutable.log, false, NULL);
    log_close(&tree->older.log, false, NULL);
    mark_end(&tree->marker, tree->env, false);
    tree_abandon(tree);
    events_free(&tree->events);
    policy_quarantine_clear(&tree->quarantined);
    super_unref(tree->super);
    version_unref(tree->version);
    obsolete_free(&tree->obsolete, tree->env->fs);
    if (tree->common)
        tree->kind->common_del(tree->common);
    manifest_close(&tree->manifest);
    if (tree->memory)
        tree->parts->memory_free(tree->memory);
    pthread_mutex_destroy(&tree->reading);
    group_free(&tree->group);
    free(tree);
    return rc;
}

/* What threads need; on failure nothing of it is left. */
static int init_threads(struct tree *tree, struct strata_error *err)
{
    int rc = group_init(&tree->group, err);

    if (rc < 0)
        return rc;
    if (tree->parts->delay)
        rc = tree->parts->delay(&tree->group, err);
    if (rc == 0 && pthread_mutex_init(&tree->reading, NULL) != 0)
        rc = strata_fail_memory(err, sizeof tree->reading);
    if (rc < 0)
        group_free(&tree->group);
    return rc;
}

static int open_parts(struct tree *tree, struct strata_error *err)
{
    int rc = tree->parts->memory_new ? tree->parts->memory_new(tree->env, &tree->memory, err) : 0;

    if (rc == 0 && tree->kind->common_new)
        rc = tree->kind->common_new(tree->env, &tree->common, err);
    return rc < 0 ? rc : open_files(tree, err);
}

int tree_new(const struct strata_env *env, const struct tree_parts *parts, bool unsynced,
             void **out, struct strata_error *err)
{
    struct tree *tree = calloc(1, sizeof *tree);
    struct strata_error why;
    int rc;

    if (!tree)
        return strata_fail_memory(err, sizeof *tree);
    tree->env = env;
    tree->parts = parts;
    tree->kind = parts->table;
    tree->names_unsynced = unsynced;
    rc = init_threads(tree, err);
    if (rc < 0) {
        free(tree);
        return rc;
    }
    events_init(&tree->events, env);
    tree_notify(tree, (struct strata_event){.type = STRATA_EVENT_OPEN}, NULL);
    rc = open_parts(tree, &why);
    if (rc == 0) {
        *out = tree;
        return 0;
    }
    tree_del(tree, NULL);
    if (err)
        *err = why;
    return rc;
}
