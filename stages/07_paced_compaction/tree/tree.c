/* tree.c: memtables, their logs, and how one becomes a table: see tree.h. */
#include "tree.h"
#include "change.h"
#include "tree_check.h"

#include <assert.h>

#define UNREAD ((uint64_t)1 << 20) /* bytes of files that are removed at a time */

/* ---- Failure --------------------------------------------------------------------------------- */

int tree_note_failure(struct tree *tree, int rc, const struct strata_error *err)
{
    if (rc < 0 &&
        ((rc != STRATA_ERR_NO_MEMORY && rc != STRATA_ERR_CORRUPT) || tree->edit_uncertain))
        tree->failed = err->sys ? err->sys : -1;
    return rc;
}

int tree_usable(const struct tree *tree, struct strata_error *err)
{
    if (!tree->failed)
        return 0;
    if (tree->failed > 0)
        strata_fail_sys(err, tree->failed, tree->env->dir, STRATA_NO_OFFSET, "earlier");
    else
        strata_fail(err, STRATA_ERR_IO, tree->env->dir, STRATA_NO_OFFSET, "earlier failure");
    strata_error_prefix(err, "refused since a write or sync failed; open it again; ");
    return STRATA_ERR_IO;
}

/* ---- Alone with the tree --------------------------------------------------------------------- */

int tree_enter(struct tree *tree, struct strata_error *why)
{
    group_enter(&tree->group);
    pthread_mutex_unlock(&tree->group.mutex);
    return tree_usable(tree, why);
}

int tree_leave(struct tree *tree, int rc, const struct strata_error *why, struct strata_error *err)
{
    if (rc == 0)
        obsolete_remove(&tree->obsolete, tree->env->fs, UINT64_MAX);
    else
        tree_note_failure(tree, rc, why);
    pthread_mutex_lock(&tree->group.mutex);
    group_leave(&tree->group);
    if (rc < 0 && err)
        *err = *why;
    return rc;
}

int tree_sync_names(struct tree *tree, struct strata_error *err)
{
    int rc = fs_sync_dir(tree->env->fs, tree->env->dir, err);

    if (rc == 0)
        tree->names_unsynced = false;
    return rc;
}

/* ---- Memtables and logs ---------------------------------------------------------------------- */

static int make_log(struct tree *tree, struct tree_log *log, struct strata_error *err)
{
    int rc = log_create(&log->log, tree->env, tree->parts->log, tree->next++, tree->sequence, err);

    log->first = tree->sequence;
    log->made = log->log.end;
    pthread_mutex_lock(&tree->group.mutex);
    tree->stats.log_bytes += log->made;
    pthread_mutex_unlock(&tree->group.mutex);
    if (rc < 0)
        log_close(&log->log, true, NULL);
    return rc;
}

void tree_publish(struct tree *tree, struct super *super)
{
    pthread_mutex_lock(&tree->reading);
    tree->super = super;
    pthread_mutex_unlock(&tree->reading);
}

int tree_switch_memtable(struct tree *tree, struct strata_error *err)
{
    struct super *old = tree->super, *super = NULL;
    struct memtable *memtable;
    struct tree_log log;
    int rc = memtable_new(tree->parts->memtable, tree->memory, tree->env->options->memtable_bytes,
                          &memtable, err);

    if (rc < 0)
        return rc;
    assert(!old->immutable && !tree->immutable.log.file); /* 7.I1 */
    super = super_new(tree->parts, memtable, old->memtable, old->version);
    memtable_unref(memtable); /* super has it */
    rc = super ? make_log(tree, &log, err) : strata_fail_memory(err, sizeof *super);
    if (rc < 0) {
        super_unref(super);
        return rc;
    }
    pthread_mutex_lock(&tree->group.mutex);
    tree_publish(tree, super);
    tree->immutable = tree->live;
    tree->live = log;
    tree->log_named = false;
    pthread_mutex_unlock(&tree->group.mutex);
    super_unref(old);
    tree_notify(tree,
                (struct strata_event){.type = STRATA_EVENT_SEAL,
                                      .bytes = memtable_bytes(super->immutable),
                                      .records = memtable_count(super->immutable)},
                NULL);
    return 0;
}

/* The log as it was made: of what it holds no more is known for sure. */
static void add_live_log(const struct tree *tree, struct edit *edit)
{
    const struct tree_log *l = &tree->live;

    edit->has_logs = true;
    edit->logs[edit->log_count++] = (struct edit_log){l->log.number, l->first, l->made, l->first};
}

static int sync_immutable(struct tree *tree, struct strata_error *err)
{
    int rc;

    pthread_mutex_lock(&tree->group.mutex);
    rc = log_sync(&tree->immutable.log, &tree->marker, &tree->group.mutex, err);
    pthread_mutex_unlock(&tree->group.mutex);
    return rc;
}

int tree_name_log(struct tree *tree, struct strata_error *err)
{
    const struct tree_log *immutable = &tree->immutable;
    struct change c = {.immutable = tree->super->immutable};
    int rc = c.immutable ? sync_immutable(tree, err) : 0; /* 7.I2 */

    if (rc < 0)
        return rc;
    if (c.immutable)
        c.edit.logs[c.edit.log_count++] = (struct edit_log){immutable->log.number, immutable->first,
                                                            immutable->log.end, tree->live.first};
    add_live_log(tree, &c.edit);
    rc = change_install(tree, &c, err);
    tree->log_named = rc == 0;
    return rc;
}

/* 7.I4: it may be that the device has the edit that names the outputs. */
int tree_end_work(struct tree *tree, struct compact **work, int rc)
{
    if (rc == 0)
        return 0;
    if (rc < 0)
        tree_notify_given_up(tree, *work);
    else
        assert(tree_check(tree, NULL) == 0);
    compact_del(*work, rc > 0 || tree->edit_uncertain);
    *work = NULL;
    return rc;
}

static void give_up(struct tree *tree, struct compact **work)
{
    if (!*work)
        return;
    tree_notify_given_up(tree, *work);
    compact_del(*work, false);
    *work = NULL;
}

void tree_abandon(struct tree *tree)
{
    give_up(tree, &tree->flush);
    give_up(tree, &tree->compaction);
}

/* ---- Flush ----------------------------------------------------------------------------------- */

static void drop_log(struct tree *tree, struct log *log)
{
    if (log->path)
        obsolete_add_log(&tree->obsolete, tree->env, log->path, log->end);
    log_close(log, false, NULL);
}

static int install_flush(struct tree *tree, struct strata_error *err)
{
    struct compact *flush = tree->flush;
    struct change c = {.tables = flush->outputs, .count = flush->output_count};
    int rc = flush->output_count ? change_add(&c, 0, flush->outputs[0], err) : 0;

    add_live_log(tree, &c.edit);
    if (rc < 0)
        change_free(&c);
    else
        rc = change_install(tree, &c, err);
    if (rc < 0)
        return rc;
    tree->log_named = true;
    tree->recovery_pending = false; /* that one goes */
    tree->compaction_paused = false;
    drop_log(tree, &tree->immutable.log); /* the table holds all of it */
    drop_log(tree, &tree->older.log);
    tree_notify_ended(tree, flush);
    return COMPACT_DONE;
}

static int begin_flush(struct tree *tree, struct strata_error *err)
{
    int rc = compact_new_flush(tree->env, tree->parts, tree->common, &tree->next,
                               tree->super->version, tree->super->immutable, &tree->flush, err);

    assert(tree->super->immutable);
    if (rc == 0)
        tree_notify_begun(tree, tree->flush);
    return rc;
}

int tree_flush_step(struct tree *tree, uint64_t *budget, struct strata_error *err)
{
    int rc = tree->flush ? 0 : begin_flush(tree, err);

    if (rc < 0)
        return rc;
    rc = compact_step(tree->flush, budget, err);
    if (rc == COMPACT_DONE)
        rc = install_flush(tree, err);
    return tree_end_work(tree, &tree->flush, rc);
}

/* ---- Readers --------------------------------------------------------------------------------- */

struct super *tree_pin(struct tree *tree, unsigned gets, uint64_t *sequence)
{
    struct super *super;

    pthread_mutex_lock(&tree->reading);
    super = tree->super;
    super_ref(super);
    *sequence = tree->sequence - 1;
    tree->gets += gets;
    pthread_mutex_unlock(&tree->reading);
    return super;
}

/* A piece at a time: a writer who comes meanwhile waits no longer than that. */
void tree_remove_unread(struct tree *tree)
{
    struct group *group = &tree->group;
    bool more = true;

    while (more) {
        pthread_mutex_lock(&group->mutex);
        if (group->busy || group->first || !tree->obsolete.count) {
            pthread_mutex_unlock(&group->mutex);
            return;
        }
        group->busy = true;
        pthread_mutex_unlock(&group->mutex);
        more = obsolete_remove(&tree->obsolete, tree->env->fs, UNREAD);
        pthread_mutex_lock(&group->mutex);
        group_leave(group);
    }
}
