/* engine.c: stage 11, transactions.
 *
 * How do several reads and writes become one step? They read a snapshot and keep their writes to
 * themselves. At the commit the leader looks whether anything that was read has been written since;
 * if not, the writes are a batch as any other. Nothing on disk is new: a transaction is what stage
 * 3 called a batch, with a question asked before it is logged.
 *
 *     get       own writes -> snapshot; noted
 *               for update: lock the key first
 *     put       own writes
 *     commit    queue -> leader: validate, log, memtable; unlock
 */
#include "07_paced_compaction/tree/tree_engine.h"
#include "08_backup_repair/backup.h"
#include "08_backup_repair/repair/repair.h"
#include "09_fast_paths/log/single_op_log.h"
#include "10_concurrency/snapshot_tree.h"
#include "10_concurrency/table/chain_table.h"
#include "11_transactions/commit/commit_txn.h"
#include "11_transactions/commit/txn_engine.h"

extern const struct strata_engine strata_stage_11_transactions;

static int txn_repair(const struct strata_env *env, const struct strata_repair *to,
                      struct strata_repair_sum *sum, struct strata_error *err)
{
    static const struct repair_parts parts = {&strata_stage_11_transactions, &snapshot_parts,
                                              &chain_salvage};
    return repair_database(env, &parts, to, sum, err);
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {
    &single_op_log_format, &wal_format,    &chain_table_format, &manifest_format,
    &current_format,       &events_format, &tail_format,        NULL};

const struct strata_engine strata_stage_11_transactions = {
    TREE_ENGINE,
    SNAPSHOT_ENGINE,
    SNAPSHOT_READS,
    .stage = 11,
    .name = "11_transactions",
    .promises = TXN_PROMISES,
    .formats = formats,
    .stats = txn_stats,
    .open = txn_open,
    .open_unsynced = txn_open,
    .write = commit_plain,
    .repair = txn_repair,
    .transactions = &txn_transactions,
};
