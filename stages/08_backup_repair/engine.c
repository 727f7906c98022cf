/* engine.c: stage 8, backup and repair.
 *
 * What is left when the device lies? Stage 7 says which byte is wrong, and refuses. Here a copy can
 * be made at any time, while writes go on (backup.c); and of a damaged database everything is saved
 * that can still be read (repair/repair.c). For that each table notes where it came from when a
 * compaction writes it (lineage/): with the manifest lost, these notes say which tables are live,
 * and in which order.
 *
 *     write, read   as in stage 7
 *     compaction    writes its lineage into every table        <- the only cost while nothing is
 * wrong backup        capture, copy logs, link tables, new manifest repair        examine, choose,
 * write, new manifest
 *
 * Any thread may call anything, as in stage 7; repair works on a database that is not open. */
#include "05_blocks_bloom/table/table.h"
#include "07_paced_compaction/tree/tree_check.h"
#include "07_paced_compaction/tree/tree_engine.h"
#include "07_paced_compaction/tree/tree_open.h"
#include "backup.h"
#include "lineage/lineage_notes.h"
#include "repair/repair.h"
#include "salvage/table_salvage.h"

/* ---- Parts ----------------------------------------------------------------------------------- */

/* In the table's user properties. */
static int note_lineage(const struct compaction *c, struct strata_error *err)
{
    return lineage_notes(c, table_writer_user(c->writer), err);
}

static const struct tree_parts safe_parts = {
    .table = &table_kind,
    .memtable = &memtable_skip,
    .merge = level_merge_new,
    .get = version_get,
    .properties = note_lineage,
};

/* ---- Opening and closing --------------------------------------------------------------------- */

static int safe_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    return tree_new(env, &safe_parts, false, self, err);
}

static int safe_open_unsynced(const struct strata_env *env, void **self, struct strata_error *err)
{
    return tree_new(env, &safe_parts, true, self, err);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* One of the threads that write leads: it does the quota of work of all, appends their batches to
 * the log, syncs it if asked for, and adds them to the memtable. */
static int safe_write(void *self, const struct strata_op *ops, size_t count, bool sync,
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

static int safe_sync(void *self, struct strata_error *err)
{
    return safe_write(self, NULL, 0, true, err);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int safe_get(void *self, struct strata_slice key, struct strata_buffer *value,
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

/* ---- Repair ---------------------------------------------------------------------------------- */

extern const struct strata_engine strata_stage_08_backup_repair;

static int safe_repair(const struct strata_env *env, const struct strata_repair *to,
                       struct strata_repair_sum *sum, struct strata_error *err)
{
    static const struct repair_parts parts = {.engine = &strata_stage_08_backup_repair,
                                              .tree = &safe_parts,
                                              .salvage = &table_salvage,
                                              .notes = table_user,
                                              .writer_notes = table_writer_user};
    return repair_database(env, &parts, to, sum, err);
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {
    &wal_format,  &table_format, &manifest_format, &current_format, &events_format,
    &tail_format, NULL};

const struct strata_engine strata_stage_08_backup_repair = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 8,
    .format = 1,
    .name = "08_backup_repair",
    .survives = "clean exit, kill -9, power cut",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_POWER_CUT |
                STRATA_PROMISE_BATCH | STRATA_PROMISE_DAMAGE | STRATA_PROMISE_COMPACT |
                STRATA_PROMISE_THREADS,
    .formats = formats,
    .open = safe_open,
    .close = tree_close,
    .get = safe_get,
    .write = safe_write,
    .iter = tree_iter,
    .sync = safe_sync,
    .flush = tree_flush,
    .compact = tree_compact,
    .verify = tree_verify,
    .check = tree_check_memory,
    .backup = backup_tree,
    .stats = tree_report_stats,
    .tables = tree_report_tables,
    .compact_range = tree_compact_keys,
    .repair = safe_repair,
    .events = tree_report_events,
    .open_unsynced = safe_open_unsynced,
    .approximate_size = tree_approximate_size,
    .manifest = CURRENT_NAME,
    .is_writable = tree_is_writable,
};
