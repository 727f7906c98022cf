/* engine.c: stage 7, paced compaction.
 *
 * How does no write pay for all the others? In stage 6 the writer whose memtable is full waits for
 * the flush, and for every compaction that is due. Here a full memtable becomes immutable, and a
 * new one takes its place at once; flush and compactions go in small steps, and each write does its
 * quota of the debt (compaction/pace.c), so that it is paid when it must be, and evenly.
 *
 *     write   quota of work -> log -> (sync) -> memtable
 *     read    memtable -> immutable memtable -> tables, level by level
 *
 * Any thread may call anything. Two mutexes: the group's is held to write, as in stage 4; a reader
 * takes a reference to what there is under another one, which a writer holds for some instructions,
 * to publish what it has done. So a get never waits for a write that is logged meanwhile. */
#include "05_blocks_bloom/table/table.h"
#include "compaction/pace.h"
#include "plain_parts.h"
#include "tree/tree_check.h"
#include "tree/tree_open.h"

#include <stdlib.h>

#define GROUP_BYTES ((size_t)1 << 20) /* gathered for one append */
#define ENTRY_BYTES ((size_t)64)      /* that an operation takes beside key and value, about */

/* ---- Opening and closing --------------------------------------------------------------------- */

static int paced_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    return tree_new(env, &plain_parts, false, self, err);
}

static int paced_open_unsynced(const struct strata_env *env, void **self, struct strata_error *err)
{
    return tree_new(env, &plain_parts, true, self, err);
}

/* A clean close flushes what is in memory, and finishes a compaction that is nearly done: it writes
 * no more than 1.5 times memtable_bytes. */
static int paced_close(void *self, struct strata_error *err)
{
    struct tree *tree = self;
    struct strata_error why = {0};
    int rc = 0, freed;

    if (!tree->failed && !tree->env->options->read_only) {
        rc = tree_enter(tree, &why);
        if (rc == 0)
            rc = pace_close(tree, &why);
        tree_leave(tree, rc, &why, err);
    }
    freed = tree_del(tree, rc == 0 ? err : NULL);
    return rc < 0 ? rc : freed;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* The writes do their quota of work, and will fit into memtable. */
static int make_room(struct tree *tree, const struct group_commit *list, bool *sync,
                     struct strata_error *err)
{
    size_t operations = 0, bytes = 0;
    int rc = tree_usable(tree, err);

    for (const struct group_commit *c = list; c; c = c->next) {
        operations += c->count;
        *sync |= c->sync;
        for (size_t i = 0; i < c->count; i++)
            bytes += c->ops[i].key.size + c->ops[i].value.size;
    }
    /* A sync without operations is one of what came before, too. */
    if (rc == 0 && (operations || pace_is_first(tree)))
        rc = pace_write(tree, operations * ENTRY_BYTES + bytes, err);
    if (rc == 0)
        rc = memtable_reserve(tree->super->memtable, operations, bytes, err);
    if (rc == 0)
        tree->stats.bytes_in += bytes;
    return rc;
}

/* Durable before it is acknowledged, if it was asked for. (An immutable memtable's log is.) */
static int append_to_log(struct tree *tree, const struct group_commit *list, bool sync,
                         struct strata_error *err)
{
    struct log *log = &tree->live.log;
    uint64_t end = log->end;
    int rc;

    log_mark(log, &tree->marker, list);
    rc = log_append(log, list, tree->sequence, err);
    tree->stats.log_bytes += log->end - end;
    if (rc == 0 && (sync || log_due(log)))
        return log_sync(log, &tree->marker, &tree->group.mutex, err);
    if (rc == 0)
        log_write_back(log);
    return rc;
}

/* In steps that cannot fail; then readers may see it. Where there are no readers now, those that
 * begin later find nothing of what was replaced until now. */
static void add_to_memtable(struct tree *tree, const struct group_commit *list)
{
    struct memtable *memtable = tree->super->memtable;
    uint64_t sequence = tree->sequence;
    bool is_read;

    for (const struct group_commit *c = list; c; c = c->next)
        for (size_t i = 0; i < c->count; i++)
            memtable_add(memtable, sequence++, c->ops[i].type, c->ops[i].key, c->ops[i].value);
    pthread_mutex_lock(&tree->reading);
    tree->sequence = sequence;
    is_read = super_is_read(tree->super);
    pthread_mutex_unlock(&tree->reading);
    if (!is_read && memtable->kind->recycle)
        memtable->kind->recycle(memtable->self);
}

/* What the leader of a group does, for all of it. */
static void commit_group(void *arg, struct group_commit *list)
{
    struct tree *tree = arg;
    struct strata_error err; /* not zeroed: 528 bytes, for every put */
    bool sync = false;
    int rc = make_room(tree, list, &sync, &err);

    if (rc == 0)
        rc = tree_note_failure(tree, append_to_log(tree, list, sync, &err), &err);
    if (rc == 0)
        add_to_memtable(tree, list);
    for (struct group_commit *c = list; c; c = c->next) {
        c->rc = rc;
        if (rc < 0)
            c->err = err;
    }
}

static int paced_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                       struct strata_error *err)
{
    struct tree *tree = self;
    struct group_commit commit; /* its error is not zeroed for every put */
    int rc;

    commit.ops = ops;
    commit.count = count;
    commit.sync = sync;
    rc = group_submit(&tree->group, &commit, GROUP_BYTES, commit_group, tree);
    if (rc < 0 && err)
        *err = commit.err;
    return rc;
}

static int paced_sync(void *self, struct strata_error *err)
{
    return paced_write(self, NULL, 0, true, err);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int paced_get(void *self, struct strata_slice key, struct strata_buffer *value,
                     struct strata_error *err)
{
    uint64_t sequence;
    struct super *super = tree_pin(self, 1, &sequence);
    struct strata_slice found;
    unsigned type = memtable_get(super->memtable, key, sequence, &found);
    int rc = 0;

    if (!type && super->immutable)
        type = memtable_get(super->immutable, key, sequence, &found);
    if (!type)
        rc = version_get(super->version, key, &type, value, err);
    else if (strata_buffer_append(value, found.data, found.size) < 0)
        rc = strata_fail_memory(err, found.size);
    super_unref(super);
    return rc == 0 && type == STRATA_OP_DELETE ? STRATA_NOT_FOUND : rc;
}

/* What an iterator reads from. */
struct pinned {
    struct tree *tree;
    struct super *super;
};

static void release(void *arg)
{
    struct pinned *pinned = arg;

    super_unref(pinned->super);
    tree_remove_unread(pinned->tree);
    free(pinned);
}

static int paced_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    struct pinned *pinned = malloc(sizeof *pinned);
    struct cursor *cursor;
    uint64_t sequence;
    int rc;

    if (!pinned)
        return strata_fail_memory(err, sizeof *pinned);
    *pinned = (struct pinned){self, tree_pin(self, 0, &sequence)};
    rc = super_cursor(pinned->super, sequence, &cursor, err);
    if (rc < 0) {
        release(pinned);
        return rc;
    }
    cursor_hold(cursor, pinned, release);
    *out = &cursor->iter;
    return 0;
}

/* ---- Upkeep ---------------------------------------------------------------------------------- */

static int paced_flush(void *self, struct strata_error *err)
{
    struct strata_error why;
    int rc = tree_enter(self, &why);

    if (rc == 0)
        rc = pace_flush(self, &why);
    if (rc == 0)
        rc = pace_drain(self, &why);
    return tree_leave(self, rc, &why, err);
}

static int paced_compact(void *self, const struct strata_progress *progress,
                         struct strata_error *err)
{
    struct strata_error why;
    int rc = tree_enter(self, &why);

    if (rc == 0)
        rc = pace_flush(self, &why);
    if (rc == 0)
        rc = tree_compact_all(self, progress, &why);
    if (rc == 0)
        rc = pace_drain(self, &why);
    rc = tree_leave(self, rc, &why, err);
    if (rc == 0 && progress)
        progress->tick(progress->arg, 1, 1);
    return rc;
}

static int paced_compact_range(void *self, struct strata_slice from, struct strata_slice to,
                               const struct strata_progress *progress, struct strata_error *err)
{
    struct strata_error why;
    int rc = tree_enter(self, &why);

    if (rc == 0)
        rc = pace_flush(self, &why);
    if (rc == 0)
        rc = tree_compact_range(self, from, to, progress, &why);
    rc = tree_leave(self, rc, &why, err);
    if (rc == 0 && progress)
        progress->tick(progress->arg, 1, 1);
    return rc;
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {
    &wal_format,  &table_format, &manifest_format, &current_format, &events_format,
    &tail_format, NULL};

const struct strata_engine strata_stage_07_paced_compaction = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 7,
    .format = 1,
    .name = "07_paced_compaction",
    .survives = "clean exit, kill -9, power cut",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_POWER_CUT |
                STRATA_PROMISE_BATCH | STRATA_PROMISE_DAMAGE | STRATA_PROMISE_COMPACT |
                STRATA_PROMISE_THREADS,
    .formats = formats,
    .open = paced_open,
    .close = paced_close,
    .get = paced_get,
    .write = paced_write,
    .iter = paced_iter,
    .sync = paced_sync,
    .flush = paced_flush,
    .compact = paced_compact,
    .verify = tree_verify,
    .check = tree_check_memory,
    .stats = tree_report_stats,
    .tables = tree_report_tables,
    .compact_range = paced_compact_range,
    .events = tree_report_events,
    .open_unsynced = paced_open_unsynced,
    .approximate_size = tree_approximate_size,
    .manifest = CURRENT_NAME,
};
