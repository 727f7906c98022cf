/* each.c: what the measurements share: the clocks, and one operation's time. */
#include "limits.h"

#include <time.h>

static volatile uint64_t used;

void limit_use(uint64_t number)
{
    used = number;
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double limit_now(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double limit_cpu(void)
{
    return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

double limit_each(void (*some)(uint64_t count), const struct limit_size *size)
{
    for (uint64_t count = 1;; count *= 2) {
        double begun = limit_cpu(), took;
        some(count);
        took = limit_cpu() - begun;
        if (took >= size->seconds)
            return took * 1e9 / (double)count;
    }
}
