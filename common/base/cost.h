/* cost.h: what a thread's operations cost, in steps that do not depend on the machine: keys that
 * were compared, blocks that were looked at. The idea is RocksDB's perf context: each thread counts
 * for itself, over all handles, so that counting is an addition to memory that no other thread
 * touches. The cost of one operation is the difference of two readings. */
#ifndef STRATA_COMMON_COST_H
#define STRATA_COMMON_COST_H

#include <stdint.h>

struct cost {
    uint64_t comparisons;   /* of keys, or of their first bytes as numbers */
    uint64_t filter_probes; /* queries of a filter */
    uint64_t blocks;        /* read from the cache or a file */
    uint64_t blocks_loaded; /* of these: read from a file, checked and uncompressed */
};

/* Of the calling thread since its start. The TLS model makes counting one addition without a call,
 * also in a shared library. */
extern _Thread_local struct cost cost_so_far __attribute__((tls_model("initial-exec")));

/* Steps of a search that halves `count` until one is left. */
static inline uint64_t cost_halvings(uint64_t count)
{
    return count > 1 ? 64 - (uint64_t)__builtin_clzll(count - 1) : 0;
}

#endif
