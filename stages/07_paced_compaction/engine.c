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
#include "tree/tree_check.h"
#include "tree/tree_engine.h"
#include "tree/tree_open.h"

/* ---- Opening and closing --------------------------------------------------------------------- */

static const struct tree_parts parts = {
    .table = &table_kind,
    .memtable = &memtable_skip,
    .merge = level_merge_new,
    .get = version_get,
};

static int paced_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    return tree_new(env, &parts, false, self, err);
}

static int paced_open_unsynced(const struct strata_env *env, void **self, struct strata_error *err)
{
    return tree_new(env, &parts, true, self, err);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* One of the threads that write leads: it does the quota of work of all, appends their batches to
 * the log, syncs it if asked for, and adds them to the memtable. */
static int paced_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                       struct strata_error *err)
{
    struct tree *tree = self;
    struct group_commit commit; /* its error is not zeroed for every put */
    int rc;

    commit.ops = ops;
    commit.count = count;
    commit.sync = sync;
    rc = group_submit(&tree->path.group, &commit, GROUP_BYTES, tree_commit, tree);
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
    .close = tree_close,
    .get = paced_get,
    .write = paced_write,
    .iter = tree_iter,
    .sync = paced_sync,
    .flush = tree_flush,
    .compact = tree_compact,
    .verify = tree_verify,
    .check = tree_check_memory,
    .stats = tree_report_stats,
    .tables = tree_report_tables,
    .compact_range = tree_compact_keys,
    .events = tree_report_events,
    .open_unsynced = paced_open_unsynced,
    .approximate_size = tree_approximate_size,
    .manifest = CURRENT_NAME,
    .is_writable = tree_is_writable,
};
