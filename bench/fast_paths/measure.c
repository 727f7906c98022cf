/* measure.c: what the works and their table share: see fast_paths.h. */
#include "fast_paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void must(int rc, const struct strata_error *err, const char *doing)
{
    char text[600] = "wrong";

    if (rc >= 0)
        return;
    if (err)
        strata_error_text(err, text, sizeof text);
    fprintf(stderr, "strata-fast-paths: %s: %s\n", doing, text);
    exit(7);
}

static double begun;
static clockid_t which;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

__attribute__((noinline)) void measure_begin(bool passing)
{
    which = passing ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID;
    begun = now_ns();
}

__attribute__((noinline)) void measure_end(struct bench *bench, uint64_t operations)
{
    bench->value = (now_ns() - begun) / (double)operations;
    bench->operations = operations;
}
