/* engine.c: stage 7.
 *
 * How does it stay fast for ever? Tables stand on levels, each ten times as large as the one above
 * it. A flush adds a table to level 0; from level 1 on no two tables of a level overlap, so a read
 * asks one of each. When a level has too much, one of its tables is merged with those it overlaps
 * on the next. What is merged is small, whatever the database's size; and a write does a little of
 * it, so that no write waits for long. A manifest tells, edit by edit, which tables are where.
 *
 * Any thread may call anything. What the calls do stands in leveled.c; a table is stage 5's. */
#include "06_leveled_compaction/current.h"
#include "04_memtable_sstable/log.h"
#include "08_backup_repair/backup.h"
#include "09_fast_paths/fast_parts.h"
#include "09_fast_paths/table/pax_table.h"
#include "09_fast_paths/log/single_op_log.h"
#include "07_paced_compaction/leveled.h"
#include "08_backup_repair/repair.h"

static int open_tables(const struct strata_env *env, void **self, struct strata_error *err)
{
    return leveled_open(env, &fast_parts, false, self, err);
}

static int open_unsynced(const struct strata_env *env, void **self, struct strata_error *err)
{
    return leveled_open(env, &fast_parts, true, self, err);
}

static const struct strata_format *const formats[] = {
    &single_op_log_format, &wal_format,    &pax_table_format, &manifest_format,
    &current_format,       &events_format, &tail_format,      NULL};

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
    .open = open_tables,
    .close = leveled_close,
    .get = leveled_get,
    .write = leveled_write,
    .iter = leveled_iter,
    .sync = leveled_sync,
    .flush = leveled_flush,
    .compact = leveled_compact,
    .verify = tree_verify,
    .backup = backup_tree,
    .stats = tree_report_stats,
    .tables = tree_report_tables,
    .compact_range = leveled_compact_range,
    .repair = repair_database,
    .events = tree_report_events,
    .open_unsynced = open_unsynced,
    .approximate_size = tree_approximate_size,
    .manifest = CURRENT_NAME,
};
