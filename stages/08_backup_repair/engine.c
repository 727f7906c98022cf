/* engine.c: stage 8, backup and repair.
 *
 * What is left when the device lies? Stage 7 says which byte is wrong, and refuses. Here a copy can
 * be made at any time, while writes go on (backup.c); and of a damaged database everything is saved
 * that can still be read (repair/repair.c). For that each table notes where it came from when a
 * compaction writes it (lineage/): with the manifest lost, these notes say which tables are live,
 * and in which order.
 *
 *     write, read   as in stage 7
 *     compaction    writes its lineage into every table: the only cost while nothing is wrong
 *     backup        capture, copy logs, link tables, new manifest
 *     repair        examine, choose, write, new manifest
 *
 * Any thread may call anything, as in stage 7; repair works on a database that is not open. */
#include "05_blocks_bloom/table/table.h"
#include "07_paced_compaction/tree/tree_engine.h"
#include "backup.h"
#include "lineage/lineage_notes.h"
#include "repair/repair.h"
#include "salvage/table_salvage.h"

/* ---- Parts ----------------------------------------------------------------------------------- */

static const struct tree_parts safe_parts = {
    .table = &table_kind,
    .memtable = &memtable_skip,
    .merge = level_merge_new,
    .get = version_get,
    .properties = lineage_notes,
};

/* ---- Opening and closing --------------------------------------------------------------------- */

static int safe_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    return tree_new(env, &safe_parts, self, err);
}

/* ---- Repair ---------------------------------------------------------------------------------- */

extern const struct strata_engine strata_stage_08_backup_repair;

static int safe_repair(const struct strata_env *env, const struct strata_repair *to,
                       struct strata_repair_sum *sum, struct strata_error *err)
{
    static const struct repair_parts parts = {
        .engine = &strata_stage_08_backup_repair, .tree = &safe_parts, .salvage = &table_salvage};
    return repair_database(env, &parts, to, sum, err);
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {
    &wal_format,  &table_format, &manifest_format, &current_format, &events_format,
    &tail_format, NULL};

const struct strata_engine strata_stage_08_backup_repair = {
    TREE_ENGINE,
    .stage = 8,
    .name = "08_backup_repair",
    .promises = TREE_PROMISES,
    .formats = formats,
    .open = safe_open,
    .open_unsynced = safe_open,
    .get = tree_get,
    .iter = tree_iter,
    .write = tree_write,
    .stats = tree_report_stats,
    .backup = backup_tree,
    .repair = safe_repair,
};
