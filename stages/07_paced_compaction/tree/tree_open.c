/* tree_open.c: opening.
 *
 * 7.I5: nothing is removed before everything that the manifest names was found whole (as 6.I24).
 * 7.I6: a log or manifest that was not closed cleanly is never written to again (6.I25 says why): a
 *       new manifest has the whole version, the memtable is flushed, and a new log begins.
 * 7.I8: with parts->deferred_recovery the flush of a single log waits for the first write, sync or
 *       close; until then nothing is written, and the log does not grow, however often the process
 *       is killed. Two logs are flushed at once: open never reads more than two memtables. With
 *       STRATA_SYNC_ALWAYS it does not wait: there, what a get returns is durable.
 * 7.I9: names in the directory may not be durable, when the process that made them was killed: the
 * directory is synced before anything is removed, or written that needs those names. */
#include "07_paced_compaction/compaction/pace.h"
#include "07_paced_compaction/tree/change.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int make_super(struct tree *tree, struct strata_error *err)
{
    const struct tree_parts *parts = tree->parts;
    struct version *v = tree->versions.current;
    struct memtable *memtable = NULL;
    int rc = memtable_new(parts->memtable, tree->memory, tree->env->options->memtable_bytes,
                          &memtable, err);

    if (rc == 0)
        rc = version_open(v, parts->open ? parts->open : tree->kind->open, tree->env, tree->common,
                          err);
    if (rc == 0 && parts->index)
        rc = parts->index(v, err);
    if (rc == 0) {
        tree->super = super_new(tree, memtable, NULL, v);
        rc = tree->super ? 0 : strata_fail_memory(err, sizeof *tree->super);
    }
    tree->path.memtable = memtable; /* which super has */
    memtable_unref(memtable);
    return rc;
}

/* ---- A new one ------------------------------------------------------------------------------- */

/* Log 1, and a manifest that names it. Nothing is named yet: files are of an earlier attempt. */
static int make_anew(struct tree *tree, const struct fs_names *names, struct strata_error *err)
{
    struct version_set *set = &tree->versions;
    struct edit edit = {.has_logs = true, .log_count = 1};
    int rc = version_set_remove_obsolete(set, names, err);

    set->next = 2;
    tree->path.sequence = 1;
    if (rc == 0)
        rc = log_create(&tree->path.log, tree->env, tree->parts->log, 1, 1, true, err);
    edit.logs[0] = tree->live = (struct live_log){1, 1, tree->path.log.end, 1};
    if (rc == 0)
        rc = version_set_prepare(set, &edit, &set->current, err);
    if (rc == 0)
        rc = make_super(tree, err);
    if (rc == 0) /* syncs the directory, then CURRENT */
        rc = version_set_write_manifest(set, set->current, err);
    tree->log_named = rc == 0;
    return rc;
}

/* ---- One that is there ----------------------------------------------------------------------- */

static int read_log(struct tree *tree, const struct live_log *entry, struct log *log,
                    struct strata_error *err)
{
    log_add *add = tree->parts->log_add;
    int rc = log_open(log, tree->env, tree->parts->log, entry, add ? add : log_fill,
                      add ? (void *)tree : tree->path.memtable, &tree->opened, err);

    if (rc < 0)
        return rc;
    tree->path.sequence = tree->opened.sequence;
    tree->path.marker.there |= mark_is(&log->tail);
    replay_report_torn(&tree->opened, tree->env);
    return 0;
}

static int read_logs(struct tree *tree, struct strata_error *err)
{
    const struct version *v = tree->versions.current;
    int rc = 0;

    if (v->log_count == 2) {
        rc = read_log(tree, &v->logs[0], &tree->older, err);
        if (rc == 0 && tree->path.sequence != v->logs[1].first)
            rc = strata_fail(err, STRATA_ERR_CORRUPT, tree->older.path, tree->opened.end,
                             "the log continues after operation %" PRIu64 ", where the next begins",
                             v->logs[1].first);
    }
    tree->live = v->logs[v->log_count - 1];
    if (rc == 0)
        rc = read_log(tree, &tree->live, &tree->path.log, err);
    tree->stats.of.log_bytes = 0 - tree->path.log.end; /* it was not written since open */
    tree->log_named = rc == 0;
    return rc;
}

static int read_all(struct tree *tree, const struct fs_names *names, struct strata_error *err)
{
    int rc = version_set_recover(&tree->versions, err);

    if (rc == 0)
        rc = make_super(tree, err);
    if (rc == 0)
        rc = read_logs(tree, err);
    if (rc < 0)
        return rc;
    if (tree->parts->installed)
        tree->parts->installed(tree);
    rc = version_set_check_logs(&tree->versions, names, err);
    return rc < 0 && strata_env_is_written(tree->env) ? 0 : rc; /* it is named by now */
}

/* As a clean close leaves it, or one that was just made. */
static bool ended_cleanly(const struct tree *tree)
{
    return tree->versions.current->log_count == 1 && tree->opened.end == tree->live.end &&
           tree->path.log.file->end == tree->live.end;
}

/* 7.I8. */
static bool may_wait(const struct tree *tree)
{
    return tree->parts->deferred_recovery && tree->versions.current->log_count == 1 &&
           tree->env->options->sync != STRATA_SYNC_ALWAYS;
}

/* What is not complete goes at once: nobody reads it, and its name may be used again. */
static int drop_name(struct tree *tree, const char *name, struct strata_error *err)
{
    int rc = tree->names_unsynced ? tree_sync_names(tree, err) : 0; /* 7.I9 */

    if (rc < 0)
        return rc;
    if (strstr(name, ".tmp"))
        return fs_remove_if_there(tree->env->fs, tree->env->dir, name, err);
    obsolete_add(&tree->obsolete, tree->env, fs_join(tree->env->dir, name), 0, NULL);
    return 0;
}

static int remove_obsolete(struct tree *tree, const struct fs_names *names,
                           struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < names->count; i++)
        if (tree_is_obsolete(tree, names->names[i]))
            rc = drop_name(tree, names->names[i], err);
    obsolete_remove(&tree->obsolete, tree->env->fs, UINT64_MAX);
    return rc;
}

static int make_writable(struct tree *tree, const struct fs_names *names, struct strata_error *err)
{
    struct version_set *set = &tree->versions;
    int rc = 0;

    version_set_pass_numbers(set, names);
    if (!manifest_is_settled(&set->manifest)) /* 7.I6 */
        rc = version_set_write_manifest(set, set->current, err);
    if (rc == 0)
        rc = remove_obsolete(tree, names, err);
    if (rc < 0 || ended_cleanly(tree))
        return rc;
    tree->recovery_pending = true;
    return may_wait(tree) ? 0 : pace_flush(tree, err); /* 7.I6 */
}

static int open_files(struct tree *tree, struct strata_error *err)
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

/* ---- Its life -------------------------------------------------------------------------------- */

int tree_del(struct tree *tree, struct strata_error *err)
{
    int rc;

    tree_abandon(tree);
    log_close(&tree->immutable, false, NULL);
    log_close(&tree->older, false, NULL);
    rc = write_path_close(&tree->path, err);
    events_free(&tree->events);
    policy_quarantine_clear(&tree->quarantined);
    super_unref(tree->super);
    version_set_free(&tree->versions);
    obsolete_free(&tree->obsolete, tree->env->fs);
    if (tree->common)
        tree->kind->common_del(tree->common);
    if (tree->memory)
        tree->parts->memory_free(tree->memory);
    if (tree->parts->end)
        tree->parts->end(tree);
    sync_mutex_free(&tree->listening);
    sync_mutex_free(&tree->installing);
    sync_mutex_free(&tree->reading);
    free(tree);
    return rc;
}

static int open_parts(struct tree *tree, struct strata_error *err)
{
    const struct tree_parts *parts = tree->parts;
    int rc = parts->memory_new ? parts->memory_new(tree->env, &tree->memory, err) : 0;

    if (rc == 0 && parts->delay)
        rc = parts->delay(&tree->path.group, err);
    if (rc == 0 && tree->kind->common_new)
        rc = tree->kind->common_new(tree->env, &tree->common, err);
    tree->work =
        (struct compaction_env){tree->env,    tree->kind,        tree->common, &tree->versions.next,
                                parts->merge, parts->properties, parts->keep,  tree};
    return rc < 0 ? rc : open_files(tree, err);
}

int tree_new(const struct strata_env *env, const struct tree_parts *parts, void **out,
             struct strata_error *err)
{
    size_t size = parts->tree_bytes ? parts->tree_bytes : sizeof(struct tree);
    struct tree *tree = calloc(1, size);
    struct strata_error why;
    int rc;

    if (!tree)
        return strata_fail_memory(err, size);
    tree->env = tree->path.env = tree->versions.env = env;
    tree->parts = parts;
    tree->kind = tree->versions.kind = parts->table;
    tree->versions.log = parts->log;
    tree->path.make_room = pace_write;
    tree->path.store = tree;
    tree->names_unsynced = /* 7.I9: whenever open_unsynced is called; perhaps once too often */
        !env->is_new && !env->options->read_only && env->options->sync != STRATA_SYNC_ALWAYS;
    tree->reading = tree->installing = tree->listening = (struct sync_mutex)SYNC_MUTEX_INIT;
    rc = group_init(&tree->path.group, err);
    if (rc < 0) {
        free(tree);
        return rc;
    }
    if (parts->begin)
        parts->begin(tree);
    events_init(&tree->events, env);
    tree_notify(tree, (struct strata_event){.type = STRATA_EVENT_OPEN}, NULL);
    rc = open_parts(tree, &why);
    if (rc == 0) {
        assert(tree_check(tree, NULL) == 0);
        *out = tree;
        return 0;
    }
    tree_del(tree, NULL);
    return strata_fail_with(rc, &why, err);
}
