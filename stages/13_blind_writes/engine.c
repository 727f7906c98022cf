/* engine.c: stage 13, blind writes.
 *
 * How does a write change what it has not read? At stage 11 a program that adds one to a counter
 * reads it first, and what was read must be the same at the commit. A blind write says what is to
 * be done, and is done when its turn comes. The stage is stage 12 with
 *
 *     merge     the leader reads the newest value, and logs a put of the result
 *     expiry    what has expired is left out by every read, at once
 *     filter    compactions meet what has expired, and ask the program what else may go; the
 *               leader deletes it
 *     range     the leader deletes the keys that are there
 */
#include "07_paced_compaction/tree/tree_engine.h"
#include "08_backup_repair/backup.h"
#include "08_backup_repair/repair/repair.h"
#include "09_fast_paths/log/single_op_log.h"
#include "10_concurrency/snapshot_tree.h"
#include "11_transactions/commit/commit_txn.h"
#include "11_transactions/commit/txn_engine.h"
#include "11_transactions/txn/txn_iter.h"
#include "12_value_log/value_tree.h"
#include "13_blind_writes/expiry/expiry.h"
#include "13_blind_writes/filter/filter.h"
#include "13_blind_writes/merge/merge_commit.h"
#include "13_blind_writes/range/range.h"

extern const struct strata_engine strata_stage_13_blind_writes;

static int blind_repair(const struct strata_env *env, const struct strata_repair *to,
                        struct strata_repair_sum *sum, struct strata_error *err)
{
    static const struct repair_parts parts = {&strata_stage_13_blind_writes, &value_parts,
                                              &value_salvage};
    return repair_database(env, &parts, to, sum, err);
}

static void free_shared(void *later)
{
    filter_free(((struct txn_shared *)later)->filter);
    txn_shared_free(later);
}

static int blind_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    struct filter *filter = NULL;
    struct snapshot_tree *tree;
    struct txn_shared *shared;
    int rc;

    if (!env->options->read_only && !(filter = filter_new()))
        return strata_fail_memory(err, sizeof *filter);
    rc = txn_open_parts(env, &value_parts, self, err);
    if (rc < 0) {
        filter_free(filter);
        return rc;
    }
    tree = *self;
    shared = txn_shared_of(tree);
    shared->lead = merge_lead;
    shared->resolve = merge_resolve;
    if (!filter)
        return 0;
    shared->filter = filter;
    filter->keep = tree->tree.work.keep;
    tree->later_free = free_shared;
    tree->tree.work.keep = filter_keep; /* nothing is in the background yet */
    return 0;
}

static int blind_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat),
                       void *arg, struct strata_error *err)
{
    const struct filter *filter = txn_shared_of(self)->filter;
    const struct strata_stat stats[] = {
        {"filter_asked", "", "entries that flushes and compactions have shown to options.filter",
         filter ? filter->asked : 0},
        {"filter_deletes", "", "of what it has dropped", filter ? filter->deletes : 0},
    };
    int rc = txn_stats(self, each, arg, err);

    for (size_t i = 0; rc == 0 && i < sizeof stats / sizeof *stats; i++)
        each(arg, &stats[i]);
    return rc;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static const struct strata_options *options_of(const struct snapshot_tree *tree)
{
    return tree->tree.env->options;
}

static int blind_get(void *self, struct strata_slice key, struct strata_buffer *value,
                     struct strata_error *err)
{
    return expiry_found(options_of(self), snapshot_engine_get(self, key, value, err), value);
}

static int blind_get_until(void *self, struct strata_slice key, struct strata_buffer *value,
                           uint64_t *until, struct strata_error *err)
{
    return expiry_found_until(options_of(self), snapshot_engine_get(self, key, value, err), value,
                              until);
}

static int blind_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    return expiry_iter(options_of(self), tree_iter(self, out, err), out, err);
}

static int blind_snapshot_get(void *self, void *snapshot, struct strata_slice key,
                              struct strata_buffer *value, struct strata_error *err)
{
    return expiry_found(options_of(self), snapshot_get(self, snapshot, key, value, err), value);
}

static int blind_snapshot_iter(void *self, void *snapshot, struct strata_iter **out,
                               struct strata_error *err)
{
    return expiry_iter(options_of(self), snapshot_iter(self, snapshot, out, err), out, err);
}

/* ---- The table of functions ------------------------------------------------------------------ */

static const struct strata_format *const formats[] = {&single_op_log_format, &wal_format,
                                                      &value_table_format,   &manifest_format,
                                                      &value_log_format,     &value_file_format,
                                                      &current_format,       &events_format,
                                                      &tail_format,          NULL};

static const struct strata_transactions transactions = {
    .begin = txn_begin,
    .get = merge_txn_get,
    .get_for_update = merge_txn_get_for_update,
    .write = merge_txn_write,
    .iter = merge_txn_iter,
    .mark = txn_mark,
    .rollback_to = txn_rollback_to,
    .commit = commit_txn,
    .free = txn_free,
    .age = txn_age,
};

const struct strata_engine strata_stage_13_blind_writes = {
    TREE_ENGINE,
    SNAPSHOT_ENGINE,
    .stage = 13,
    .name = "13_blind_writes",
    .promises = TXN_PROMISES | STRATA_PROMISE_MERGE | STRATA_PROMISE_EXPIRY | STRATA_PROMISE_RANGE,
    .formats = formats,
    .stats = blind_stats,
    .open = blind_open,
    .open_unsynced = blind_open,
    .write = merge_write,
    .delete_some = range_delete_some,
    .get = blind_get,
    .iter = blind_iter,
    .snapshot_get = blind_snapshot_get,
    .snapshot_iter = blind_snapshot_iter,
    .repair = blind_repair,
    .transactions = &transactions,
    .get_until = blind_get_until,
    .txn_get_until = merge_txn_get_until,
    .iter_until = expiry_iter_until,
    .value_files = value_report_files,
};
