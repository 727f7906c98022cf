/* engine.c: stage 10, concurrency.
 *
 * How do readers and writers stop waiting for each other? By versions: a reader that has a snapshot
 * is not disturbed by what is written, and no writer has to wait for it. A snapshot is the number
 * of the last operation that it sees. A read at that number ignores what is newer; and flushes and
 * compactions keep, of each key, the version that each snapshot sees. Tables without such versions
 * are those of stage 9. And by threads: gets take no lock (threads.c), and a thread beside the
 * leader flushes and compacts (work/background.h).
 *
 *     snapshot             its number -> list of snapshots
 *     get                  memtable -> immutable memtable -> tables, each at that number
 *     flush, compaction    of each key the newest version, and the newest for each snapshot listed
 */
#include "07_paced_compaction/tree/tree_engine.h"
#include "08_backup_repair/backup.h"
#include "08_backup_repair/repair/repair.h"
#include "09_fast_paths/fast_parts.h"
#include "09_fast_paths/log/single_op_log.h"
#include "10_concurrency/snapshot_tree.h"
#include "10_concurrency/table/chain_table.h"

extern const struct strata_engine strata_stage_10_concurrency;

static int snapshot_repair(const struct strata_env *env, const struct strata_repair *to,
                           struct strata_repair_sum *sum, struct strata_error *err)
{
    static const struct repair_parts parts = {&strata_stage_10_concurrency, &snapshot_parts,
                                              &chain_salvage};
    return repair_database(env, &parts, to, sum, err);
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {
    &single_op_log_format, &wal_format,    &chain_table_format, &manifest_format,
    &current_format,       &events_format, &tail_format,        NULL};

const struct strata_engine strata_stage_10_concurrency = {
    TREE_ENGINE,
    SNAPSHOT_ENGINE,
    SNAPSHOT_READS,
    .stage = 10,
    .name = "10_concurrency",
    .promises = TREE_PROMISES | STRATA_PROMISE_SNAPSHOT | STRATA_PROMISE_READERS,
    .formats = formats,
    .stats = snapshot_stats,
    .open = snapshot_tree_open,
    .open_unsynced = snapshot_tree_open,
    .write = tree_write,
    .repair = snapshot_repair,
};
