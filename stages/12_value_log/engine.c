/* engine.c: stage 12, the value log.
 *
 * Why should a large value be rewritten with every merge? It need not be: it is in the log already.
 * So the log is kept, as a value file, and memtables and tables have a pointer in place of the
 * value. What is dead in value files is counted exactly, from the tables, and compactions collect
 * it.
 *
 *     put          log -> memtable: a pointer
 *     get          stage 11's -> pointer -> value file
 *     flush        the log gets a second name, as a value file
 *     compaction   pointers are merged; values in files with much garbage are relocated
 */
#include "07_paced_compaction/tree/tree_engine.h"
#include "08_backup_repair/backup.h"
#include "08_backup_repair/repair/repair.h"
#include "09_fast_paths/log/single_op_log.h"
#include "11_transactions/commit/commit_txn.h"
#include "11_transactions/commit/txn_engine.h"
#include "12_value_log/value_tree.h"

extern const struct strata_engine strata_stage_12_value_log;

static int value_repair(const struct strata_env *env, const struct strata_repair *to,
                        struct strata_repair_sum *sum, struct strata_error *err)
{
    static const struct repair_parts parts = {&strata_stage_12_value_log, &value_parts,
                                              &value_salvage};
    return repair_database(env, &parts, to, sum, err);
}

static int value_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    return txn_open_parts(env, &value_parts, self, err);
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {&single_op_log_format, &wal_format,
                                                      &value_table_format,   &manifest_format,
                                                      &value_log_format,     &value_file_format,
                                                      &current_format,       &events_format,
                                                      &tail_format,          NULL};

const struct strata_engine strata_stage_12_value_log = {
    TREE_ENGINE,
    SNAPSHOT_ENGINE,
    SNAPSHOT_READS,
    .stage = 12,
    .name = "12_value_log",
    .promises = TXN_PROMISES,
    .formats = formats,
    .stats = txn_stats,
    .open = value_open,
    .open_unsynced = value_open,
    .write = commit_plain,
    .repair = value_repair,
    .transactions = &txn_transactions,
    .get_borrowed = value_borrow,
    .value_files = value_report_files,
};
