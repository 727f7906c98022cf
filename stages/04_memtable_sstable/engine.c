/* engine.c: stage 4, memtable and sorted tables: a log-structured merge tree (O'Neil, Cheng,
 * Gawlick, O'Neil: The Log-Structured Merge-Tree, 1996).
 *
 * How does data outgrow memory, in order? Writes gather in memory, in order, and in a log; when
 * there are enough of them they are written to a sorted file, a run, which never changes, and log
 * and memory begin anew. A read asks the memtable and then the runs, the newest first; a scan
 * merges them all. Runs of a size are merged now and then, so that they stay few.
 *
 * Any thread may call anything. One mutex, as in stage 3, but it is only held to write, and by a
 * reader to pin a view: memtable and runs are read without it. Flush and merge are done by the
 * thread whose write found the memtable full. */
#include "04_memtable_sstable/run/run.h"
#include "store.h"

static int open_runs(const struct strata_env *env, void **self, struct strata_error *err)
{
    static const struct store_parts parts = {&run_kind, (uint64_t)1 << 16};
    return store_open(env, &parts, self, err);
}

static const struct strata_format *const formats[] = {&wal_format, &run_format, &tables_format,
                                                      &tail_format, NULL};

const struct strata_engine strata_stage_04_memtable_sstable = {
    STORE_ENGINE,
    .stage = 4,
    .format = 1,
    .name = "04_memtable_sstable",
    .survives = "clean exit, kill -9, power cut",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_POWER_CUT |
                STRATA_PROMISE_BATCH | STRATA_PROMISE_DAMAGE | STRATA_PROMISE_COMPACT |
                STRATA_PROMISE_THREADS,
    .formats = formats,
    .open = open_runs,
};
