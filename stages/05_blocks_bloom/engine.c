/* engine.c: stage 5, tables of blocks, with an index, Bloom filters and a block cache.
 *
 * How does a read touch one block, not one table? A table is a sequence of blocks of about 4 KiB,
 * each compressed and checked as a whole. A sparse index, with one entry for each block, and a
 * Bloom filter of all keys stay in memory: the filter says of most absent keys that they are
 * absent, and the index says which block may have the others. Blocks that were read stay in a
 * cache, up to a budget.
 *
 * Any thread may call anything. Log, memtable, flush and merge are stage 4's. A clean close leaves
 * no log to be read: it costs one more table, and tables are cheap to read now. */
#include "04_memtable_sstable/store.h"
#include "table/table.h"

static int open_tables(const struct strata_env *env, void **self, struct strata_error *err)
{
    static const struct store_parts parts = {&table_kind, 0};
    return store_open(env, &parts, self, err);
}

static const struct strata_format *const formats[] = {&wal_format, &table_format, &tables_format,
                                                      &tail_format, NULL};

const struct strata_engine strata_stage_05_blocks_bloom = {
    STORE_ENGINE,
    .stage = 5,
    .format = 2,
    .name = "05_blocks_bloom",
    .survives = "clean exit, kill -9, power cut",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_POWER_CUT |
                STRATA_PROMISE_BATCH | STRATA_PROMISE_DAMAGE | STRATA_PROMISE_COMPACT |
                STRATA_PROMISE_THREADS,
    .formats = formats,
    .open = open_tables,
};
