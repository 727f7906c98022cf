/* engine.c: stage 13, blind writes.
 *
 * How does a write change what it has not read? At stage 11 a program that adds one to a counter
 * reads it first, and what was read must be the same at the commit. A blind write says what is to
 * be done, and is done when its turn comes. The stage begins as stage 11, whose table this is; each
 * of its promises comes with what keeps it.
 */
#include "07_paced_compaction/tree/tree_engine.h"
#include "08_backup_repair/backup.h"
#include "08_backup_repair/repair/repair.h"
#include "09_fast_paths/log/single_op_log.h"
#include "10_concurrency/snapshot_tree.h"
#include "10_concurrency/table/chain_table.h"
#include "11_transactions/commit/commit_txn.h"
#include "11_transactions/commit/txn_engine.h"

extern const struct strata_engine strata_stage_13_blind_writes;

static int blind_repair(const struct strata_env *env, const struct strata_repair *to,
                        struct strata_repair_sum *sum, struct strata_error *err)
{
    static const struct repair_parts parts = {&strata_stage_13_blind_writes, &snapshot_parts,
                                              &chain_salvage};
    return repair_database(env, &parts, to, sum, err);
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {
    &single_op_log_format, &wal_format,    &chain_table_format, &manifest_format,
    &current_format,       &events_format, &tail_format,        NULL};

const struct strata_engine strata_stage_13_blind_writes = {
    TREE_ENGINE,
    SNAPSHOT_ENGINE,
    .stage = 13,
    .name = "13_blind_writes",
    .promises = TXN_PROMISES,
    .formats = formats,
    .stats = txn_stats,
    .open = txn_open,
    .open_unsynced = txn_open,
    .write = commit_plain,
    .repair = blind_repair,
    .transactions = &txn_transactions,
};
