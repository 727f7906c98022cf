/* engine.c: stage 5, tables of blocks, with Bloom filters and a block cache.
 *
 * How does a read touch one block, not one table? A table is cut into blocks of about 4 KiB, each
 * packed and checked as one. An index with one entry a block and a Bloom filter stay in memory: the
 * one tells which block may hold a key, the other, most of the time, that none does. Blocks that
 * were read are kept in a cache of so many bytes.
 *
 * Any thread may call anything. All but the table is stage 4's; and a clean close leaves no log to
 * be read. */
#include "04_memtable_sstable/tables.h"
#include "04_memtable_sstable/log.h"
#include "04_memtable_sstable/lsm.h"
#include "table/table.h"

#define LOG_LEFT ((uint64_t)0) /* bytes */

static int open_tables(const struct strata_env *env, void **self, struct strata_error *err)
{
    return lsm_open(env, &table_kind, LOG_LEFT, self, err);
}

static const struct strata_format *const formats[] = {&wal_format, &table_format, &tables_format,
                                                      &tail_format, NULL};

const struct strata_engine strata_stage_05_blocks_bloom = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 5,
    .format = 2,
    .name = "05_blocks_bloom",
    .survives = "clean exit, kill -9, power cut",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_POWER_CUT |
                STRATA_PROMISE_BATCH | STRATA_PROMISE_DAMAGE | STRATA_PROMISE_COMPACT |
                STRATA_PROMISE_THREADS,
    .formats = formats,
    .open = open_tables,
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
