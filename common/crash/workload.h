/* workload.h: the scripts that `strata crash` knows by name. */
#ifndef STRATA_COMMON_CRASH_WORKLOAD_H
#define STRATA_COMMON_CRASH_WORKLOAD_H

#include "crash/script.h"

/* Adds the steps of workload number `index`, from 0, to `script`, and returns its name; NULL past
 * the last one. Only random workloads use `seed`. The stage under test is chosen before. */
const char *workload_fill(size_t index, uint64_t seed, struct script *script);
bool workload_is_drawn(size_t index); /* random */

#endif
