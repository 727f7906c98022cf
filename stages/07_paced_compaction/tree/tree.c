/* tree.c: memtables, their logs, and how one becomes a table: see tree.h. */
#include "tree.h"
#include "change.h"

#include <assert.h>
#include <string.h>

/* ---- Memtables and logs ---------------------------------------------------------------------- */

/* The log as it was made: of what it holds no more is known for sure. */
static int make_log(struct tree *tree, struct log *log, struct live_log *entry,
                    struct strata_error *err)
{
    uint64_t sequence = tree->path.sequence, number = tree->versions.next++;
    int rc = log_create(log, tree->env, tree->parts->log, number, sequence, false, err);

    *entry = (struct live_log){number, sequence, log->end, sequence};
    if (rc < 0)
        log_close(log, true, NULL);
    return rc;
}

/* A super with a new memtable, and the log that goes with that. */
static int make_memtable(struct tree *tree, struct super **super, struct log *log,
                         struct live_log *entry, struct strata_error *err)
{
    const struct super *old = tree->super;
    struct memtable *memtable;
    int rc = memtable_new(tree->parts->memtable, tree->memory, tree->env->options->memtable_bytes,
                          &memtable, err);

    if (rc < 0)
        return rc;
    *super = super_new(tree, memtable, old->memtable, old->version);
    memtable_unref(memtable); /* super has it */
    rc = *super ? make_log(tree, log, entry, err) : strata_fail_memory(err, sizeof **super);
    if (rc < 0)
        super_unref(*super);
    return rc;
}

static void swap_memtable(struct tree *tree, struct super *super, const struct log *log,
                          const struct live_log *entry)
{
    struct super *old = tree->super;
    struct strata_event event = {.type = STRATA_EVENT_SEAL,
                                 .bytes = memtable_bytes(super->immutable),
                                 .records = memtable_count(super->immutable)};

    assert(!old->immutable && !tree->immutable.file); /* 7.I1 */
    sync_lock(&tree->path.group.mutex);
    tree_publish(tree, super);
    tree->immutable = tree->path.log;
    tree->path.log = *log;
    tree->live = *entry;
    tree->log_named = false;
    tree->stats.of.log_bytes += tree->immutable.end;
    sync_unlock(&tree->path.group.mutex);
    tree_retire(tree, old);
    tree_notify(tree, event, NULL);
}

int tree_switch_memtable(struct tree *tree, struct strata_error *err)
{
    struct super *super;
    struct live_log entry;
    struct log log;
    int rc;

    sync_lock(&tree->installing);
    rc = make_memtable(tree, &super, &log, &entry, err);
    if (rc == 0)
        swap_memtable(tree, super, &log, &entry);
    sync_unlock(&tree->installing);
    return rc;
}

/* One that no edit has named is made durable first (7.I4). */
static int add_live_log(const struct tree *tree, struct edit *edit, struct strata_error *err)
{
    edit->has_logs = true;
    edit->logs[edit->log_count++] = tree->live;
    return tree->log_named ? 0 : fs_sync(tree->path.log.file, err);
}

static int sync_immutable(struct tree *tree, struct strata_error *err)
{
    struct write_path *path = &tree->path;
    int rc;

    sync_lock(&path->group.mutex);
    rc = log_sync(&tree->immutable, &path->marker, &path->group.mutex, err);
    sync_unlock(&path->group.mutex);
    assert(rc < 0 || tree->immutable.synced == tree->immutable.end); /* 7.I2 */
    return rc;
}

/* The immutable one is durable (7.I2). */
static int add_immutable_log(struct tree *tree, struct edit *edit, struct strata_error *err)
{
    const struct version *v = tree->versions.current;
    struct live_log *log = &edit->logs[edit->log_count++];

    *log = v->logs[v->log_count - 1];
    assert(log->number == tree->immutable.number);
    log->end = tree->immutable.end;
    log->sequence = tree->live.first;
    return sync_immutable(tree, err);
}

int tree_name_log(struct tree *tree, struct strata_error *err)
{
    struct change c = {.new_files = false};
    int rc = 0;

    sync_lock(&tree->installing);
    if (tree->super->immutable)
        rc = add_immutable_log(tree, &c.edit, err);
    if (rc == 0) /* after the one before it: that sync takes this file's metadata with it */
        rc = add_live_log(tree, &c.edit, err);
    rc = change_install(tree, &c, rc, err);
    tree->log_named = rc == 0;
    sync_unlock(&tree->installing);
    return rc;
}

/* 7.I4: it may be that the device has the edit that names the outputs. */
int tree_end_work(struct tree *tree, struct compact **work, int rc, const struct strata_error *why)
{
    struct compact *ended = *work;

    if (rc == 0 || !ended)
        return rc;
    if (rc < 0) {
        struct strata_event event =
            tree_event_of(ended, STRATA_EVENT_GIVEN_UP, STRATA_EVENT_GIVEN_UP);
        event.error = why ? (uint64_t)strata_error_sys(why) : 0;
        tree_notify(tree, event, ended);
    }
    assert(rc < 0 || tree_is_whole(tree));
    *work = NULL;
    compact_del(ended, rc > 0 || tree->versions.uncertain);
    return rc;
}

/* No step failed: any error ends it. */
void tree_abandon(struct tree *tree)
{
    tree_end_work(tree, &tree->flush, STRATA_ERR_INVALID, NULL);
    tree_end_work(tree, &tree->compaction, STRATA_ERR_INVALID, NULL);
}

/* ---- Flush ----------------------------------------------------------------------------------- */

static void drop_log(struct tree *tree, struct log *log)
{
    if (log->path)
        obsolete_add(&tree->obsolete, tree->env, strdup(log->path), log->end, NULL);
    log_close(log, false, NULL);
}

static int install_flush(struct tree *tree, struct strata_error *err)
{
    const struct compaction *flush = &tree->flush->of;
    struct change c = {.flushed = true, .new_files = flush->output_count > 0};
    int rc = flush->output_count ? version_add(&c.edit, 0, flush->outputs[0], err) : 0;

    assert(flush->output_count <= 1);
    if (rc == 0 && tree->parts->flushed)
        rc = tree->parts->flushed(tree, flush->memtable, err);
    if (rc == 0)
        rc = add_live_log(tree, &c.edit, err);
    rc = change_install(tree, &c, rc, err);
    if (rc < 0)
        return rc;
    tree->log_named = true;
    tree->recovery_pending = false; /* that one goes */
    tree->compaction_paused = false;
    drop_log(tree, &tree->immutable); /* the table holds all of it */
    drop_log(tree, &tree->older);
    tree_notify_ended(tree, tree->flush);
    return COMPACT_DONE;
}

static int begin_flush(struct tree *tree, struct strata_error *err)
{
    struct super *super = tree_pin(tree);
    int rc;

    assert(super->immutable);
    rc = compact_new(&tree->work, super->version, NULL, super->immutable, true, &tree->flush, err);
    super_unref(super);
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
    if (rc == COMPACT_DONE) {
        sync_lock(&tree->installing);
        rc = install_flush(tree, err);
        sync_unlock(&tree->installing);
    }
    return tree_end_work(tree, &tree->flush, rc, err);
}
