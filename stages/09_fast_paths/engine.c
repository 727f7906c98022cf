/* engine.c: stage 9, fast paths.
 *
 * What does the processor wait for? For memory, for system calls and for branches that it guessed
 * wrong. So stage 8's tree gets other parts (fast_parts.c): its memtable is a B+tree, its tables
 * are columnar, gets ask filters in batches, and a scan merges without copies. */
#include "07_paced_compaction/tree/tree_check.h"
#include "07_paced_compaction/tree/tree_engine.h"
#include "07_paced_compaction/tree/tree_open.h"
#include "08_backup_repair/backup.h"
#include "08_backup_repair/repair/repair.h"
#include "09_fast_paths/fast_parts.h"
#include "09_fast_paths/log/single_op_log.h"
#include "09_fast_paths/table/pax_salvage.h"
#include "09_fast_paths/table/pax_table.h"

/* ---- Opening and closing --------------------------------------------------------------------- */

static int fast_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    return tree_new(env, &fast_parts, false, self, err);
}

static int fast_open_unsynced(const struct strata_env *env, void **self, struct strata_error *err)
{
    return tree_new(env, &fast_parts, true, self, err);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* One of the threads that write leads: it does the quota of work of all, appends their batches to
 * the log, syncs it if asked for, and adds them to the memtable. */
static int fast_write(void *self, const struct strata_op *ops, size_t count, bool sync,
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

static int fast_sync(void *self, struct strata_error *err)
{
    return fast_write(self, NULL, 0, true, err);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int fast_engine_get(void *self, struct strata_slice key, struct strata_buffer *value,
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
        rc = super->parts->get(super->version, key, &type, value, err);
    else if (strata_buffer_append(value, found.data, found.size) < 0)
        rc = strata_fail_memory(err, found.size);
    super_unref(super);
    return rc == 0 && type == STRATA_OP_DELETE ? STRATA_NOT_FOUND : rc;
}

extern const struct strata_engine strata_stage_09_fast_paths;

static int fast_repair(const struct strata_env *env, const struct strata_repair *to,
                       struct strata_repair_sum *sum, struct strata_error *err)
{
    static const struct repair_parts parts = {&strata_stage_09_fast_paths, &fast_parts,
                                              &pax_salvage, pax_table_notes,
                                              pax_table_writer_notes};
    return repair_database(env, &parts, to, sum, err);
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {
    &single_op_log_format, &wal_format,    &pax_table_format, &manifest_format,
    &current_format,       &events_format, &tail_format,      NULL};

/* Before the fast paths had a stage of their own, stage 6 wrote the very same files. */
static const struct strata_engine_format older[] = {{6, 1}, {0, 0}};

const struct strata_engine strata_stage_09_fast_paths = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 9,
    .format = 1,
    .name = "09_fast_paths",
    .survives = "clean exit, kill -9, power cut",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_POWER_CUT |
                STRATA_PROMISE_BATCH | STRATA_PROMISE_DAMAGE | STRATA_PROMISE_COMPACT |
                STRATA_PROMISE_THREADS,
    .formats = formats,
    .open = fast_open,
    .close = tree_close,
    .get = fast_engine_get,
    .write = fast_write,
    .iter = tree_iter,
    .sync = fast_sync,
    .flush = tree_flush,
    .compact = tree_compact,
    .verify = tree_verify,
    .check = tree_check_memory,
    .backup = backup_tree,
    .stats = tree_report_stats,
    .tables = tree_report_tables,
    .compact_range = tree_compact_keys,
    .repair = fast_repair,
    .events = tree_report_events,
    .open_unsynced = fast_open_unsynced,
    .approximate_size = tree_approximate_size,
    .manifest = CURRENT_NAME,
    .is_writable = tree_is_writable,
    .reads = older,
};
