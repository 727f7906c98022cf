/* engine.c: stage 4, memtable and sorted tables.
 *
 * How does data outgrow memory, in order? Writes gather in memory, in order, and in a log; when
 * there are enough of them they are written to a sorted file, a run, which never changes, and log
 * and memory begin anew. A read asks the memtable and then the runs, the newest first; a scan
 * merges them all. Runs of a size are merged now and then, so that they stay few.
 *
 * Any thread may call anything. What the calls do stands in lsm.c; here is what is this stage's
 * alone: a table is a run, and a short log is left to be read by the next open. */
#include "tables.h"
#include "log.h"
#include "lsm.h"
#include "04_memtable_sstable/run/run.h"

#define LOG_LEFT ((uint64_t)1 << 16) /* bytes */

static int open_runs(const struct strata_env *env, void **self, struct strata_error *err)
{
    return lsm_open(env, &run_kind, LOG_LEFT, self, err);
}

static const struct strata_format *const formats[] = {&wal_format, &run_format, &tables_format,
                                                      &tail_format, NULL};

const struct strata_engine strata_stage_04_memtable_sstable = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 4,
    .format = 1,
    .name = "04_memtable_sstable",
    .survives = "clean exit, kill -9, power cut",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_POWER_CUT |
                STRATA_PROMISE_BATCH | STRATA_PROMISE_DAMAGE | STRATA_PROMISE_COMPACT |
                STRATA_PROMISE_THREADS,
    .formats = formats,
    .open = open_runs,
    .close = lsm_close,
    .get = lsm_get,
    .write = lsm_write,
    .iter = lsm_iter,
    .sync = lsm_sync,
    .flush = lsm_flush,
    .compact = lsm_compact,
    .verify = lsm_verify,
    .stats = lsm_stats,
    .tables = lsm_tables,
    .approximate_size = lsm_approximate_size,
    .manifest = TABLES_NAME,
};
