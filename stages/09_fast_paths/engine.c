/* engine.c: stage 9, fast paths.
 *
 * What does the processor wait for? For memory, for system calls and for branches that it guessed
 * wrong. So stage 8's tree gets other parts (fast_parts.c): its memtable is a B+tree, its tables
 * are columnar, gets ask filters in batches, and a scan merges without copies. */
#include "07_paced_compaction/tree/tree_engine.h"
#include "08_backup_repair/backup.h"
#include "08_backup_repair/repair/repair.h"
#include "09_fast_paths/fast_parts.h"
#include "09_fast_paths/log/single_op_log.h"
#include "09_fast_paths/table/pax_salvage.h"
#include "09_fast_paths/table/pax_table.h"

/* ---- Opening and repair ---------------------------------------------------------------------- */

static int fast_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    return tree_new(env, &fast_parts, self, err);
}

extern const struct strata_engine strata_stage_09_fast_paths;

static int fast_repair(const struct strata_env *env, const struct strata_repair *to,
                       struct strata_repair_sum *sum, struct strata_error *err)
{
    static const struct repair_parts parts = {&strata_stage_09_fast_paths, &fast_parts,
                                              &pax_salvage};
    return repair_database(env, &parts, to, sum, err);
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {
    &single_op_log_format, &wal_format,    &pax_table_format, &manifest_format,
    &current_format,       &events_format, &tail_format,      NULL};

/* Before the fast paths had a stage of their own, stage 6 wrote the very same files. */
static const struct strata_engine_format older[] = {{6, 1}, {0, 0}};

const struct strata_engine strata_stage_09_fast_paths = {
    TREE_ENGINE,
    .stage = 9,
    .name = "09_fast_paths",
    .promises = TREE_PROMISES,
    .formats = formats,
    .open = fast_open,
    .open_unsynced = fast_open,
    .get = tree_get,
    .iter = tree_iter,
    .write = tree_write,
    .stats = tree_report_stats,
    .backup = backup_tree,
    .repair = fast_repair,
    .reads = older,
    .can_read = pax_table_is_plain,
};
