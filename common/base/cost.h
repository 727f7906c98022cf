/* cost.h: what a thread's operations cost (struct strata_counters). Each thread counts for itself,
 * so that counting is an addition to memory that no other thread touches. */
#ifndef STRATA_COMMON_COST_H
#define STRATA_COMMON_COST_H

#include "strata.h"

/* Of the calling thread since its start. The TLS model makes counting one addition without a call,
 * also in a shared library. */
extern _Thread_local struct strata_counters cost_so_far __attribute__((tls_model("initial-exec")));

/* Steps of a search that halves `count` until one is left. */
static inline uint64_t cost_halvings(uint64_t count)
{
    return count > 1 ? 64 - (uint64_t)__builtin_clzll(count - 1) : 0;
}

#endif
