/* misses.h: cache misses of this thread, where the system lets a program count them. */
#ifndef STRATA_BENCH_MISSES_H
#define STRATA_BENCH_MISSES_H

#include <stdbool.h>
#include <stdint.h>

/* False, and *why says why, if they are not counted here (no counter in a virtual machine, or
 * /proc/sys/kernel/perf_event_paranoid). */
bool misses_open(const char **why);
uint64_t misses_now(void); /* since misses_open; 0 without it */
void misses_close(void);

#endif
