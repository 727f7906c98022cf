/* engine.c: stage 10, concurrency.
 *
 * How do readers and writers stop waiting for each other? By versions: a reader that has a snapshot
 * is not disturbed by what is written, and no writer has to wait for it. A snapshot is the number
 * of the last operation that it sees. A read at that number ignores what is newer; and flushes and
 * compactions keep, of each key, the version that each snapshot sees. Tables without such versions
 * are those of stage 9. (So far all of it is on the caller's thread; flushes and compactions on
 * threads of their own come next.)
 *
 *     snapshot             its number -> list of snapshots
 *     get                  memtable -> immutable memtable -> tables, each at that number
 *     flush, compaction    of each key the newest version, and the newest for each snapshot listed
 */
#include "07_paced_compaction/tree/tree_check.h"
#include "07_paced_compaction/tree/tree_engine.h"
#include "07_paced_compaction/tree/tree_open.h"
#include "08_backup_repair/backup.h"
#include "08_backup_repair/repair/repair.h"
#include "09_fast_paths/fast_parts.h"
#include "09_fast_paths/log/single_op_log.h"
#include "09_fast_paths/table/pax_salvage.h"
#include "10_concurrency/snapshot_tree.h"
#include "10_concurrency/table/chain_table.h"

/* ---- Opening and closing --------------------------------------------------------------------- */

static int snapshot_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    return tree_new(env, &snapshot_parts, false, self, err);
}

static int snapshot_open_unsynced(const struct strata_env *env, void **self,
                                  struct strata_error *err)
{
    return tree_new(env, &snapshot_parts, true, self, err);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* One of the threads that write leads: it does the quota of work of all, appends their batches to
 * the log, syncs it if asked for, and adds them to the memtable. */
static int snapshot_write(void *self, const struct strata_op *ops, size_t count, bool sync,
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

static int snapshot_sync(void *self, struct strata_error *err)
{
    return snapshot_write(self, NULL, 0, true, err);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* At a number, UINT64_MAX: now. The tree is pinned first, and its number read with it: a number
 * read before could be of a memtable that was flushed since. */
static int get_at(struct tree *tree, uint64_t number, struct strata_slice key,
                  struct strata_buffer *value, struct strata_error *err)
{
    uint64_t sequence;
    struct super *super = tree_pin(tree, 1, &sequence);
    struct strata_slice found;
    unsigned type;
    int rc = 0;

    if (number < sequence)
        sequence = number;
    type = memtable_get(super->memtable, key, sequence, &found);
    if (!type && super->immutable)
        type = memtable_get(super->immutable, key, sequence, &found);
    if (!type)
        rc = fast_get_at(super->version, key, sequence, &type, value, err);
    else if (strata_buffer_append(value, found.data, found.size) < 0)
        rc = strata_fail_memory(err, found.size);
    super_unref(super);
    return rc == 0 && type == STRATA_OP_DELETE ? STRATA_NOT_FOUND : rc;
}

static int snapshot_engine_get(void *self, struct strata_slice key, struct strata_buffer *value,
                               struct strata_error *err)
{
    return get_at(self, UINT64_MAX, key, value, err);
}

static int snapshot_get(void *self, void *snapshot, struct strata_slice key,
                        struct strata_buffer *value, struct strata_error *err)
{
    return get_at(self, ((const struct snapshot *)snapshot)->number, key, value, err);
}

static int snapshot_iter(void *self, void *snapshot, struct strata_iter **out,
                         struct strata_error *err)
{
    return tree_iter_at(self, ((const struct snapshot *)snapshot)->number, out, err);
}

extern const struct strata_engine strata_stage_10_concurrency;

static int snapshot_repair(const struct strata_env *env, const struct strata_repair *to,
                           struct strata_repair_sum *sum, struct strata_error *err)
{
    static const struct repair_parts parts = {&strata_stage_10_concurrency, &snapshot_parts,
                                              &pax_salvage, pax_table_notes,
                                              pax_table_writer_notes};
    return repair_database(env, &parts, to, sum, err);
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {
    &single_op_log_format, &wal_format,    &chain_table_format, &manifest_format,
    &current_format,       &events_format, &tail_format,        NULL};

const struct strata_engine strata_stage_10_concurrency = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 10,
    .format = 1,
    .name = "10_concurrency",
    .survives = "clean exit, kill -9, power cut",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_POWER_CUT |
                STRATA_PROMISE_BATCH | STRATA_PROMISE_DAMAGE | STRATA_PROMISE_COMPACT |
                STRATA_PROMISE_THREADS | STRATA_PROMISE_SNAPSHOT,
    .formats = formats,
    .open = snapshot_open,
    .close = tree_close,
    .get = snapshot_engine_get,
    .write = snapshot_write,
    .iter = tree_iter,
    .snapshot = snapshot_take,
    .snapshot_free = snapshot_release,
    .snapshot_get = snapshot_get,
    .snapshot_iter = snapshot_iter,
    .sync = snapshot_sync,
    .flush = tree_flush,
    .compact = tree_compact,
    .verify = tree_verify,
    .check = tree_check_memory,
    .backup = backup_tree,
    .stats = snapshot_stats,
    .tables = tree_report_tables,
    .compact_range = tree_compact_keys,
    .repair = snapshot_repair,
    .events = tree_report_events,
    .open_unsynced = snapshot_open_unsynced,
    .approximate_size = tree_approximate_size,
    .manifest = CURRENT_NAME,
    .is_writable = tree_is_writable,
};
