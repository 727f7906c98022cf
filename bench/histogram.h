/* histogram.h: how often each latency was seen, in buckets whose width grows with the value: 32
 * to a power of two, so that a percentile is known to 3 % (the idea of HdrHistogram, Gil Tene,
 * hdrhistogram.org). Adding costs a few nanoseconds and allocates nothing. */
#ifndef STRATA_BENCH_HISTOGRAM_H
#define STRATA_BENCH_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

#define HISTOGRAM_BUCKETS 1920

/* All zero is a valid empty one. */
struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t max_ns;
};

void histogram_add(struct histogram *h, uint64_t ns);
void histogram_merge(struct histogram *h, const struct histogram *other);
/* The latency that `share` (0 to 1) of the operations did not exceed, in nanoseconds; 0 if there
 * are none. */
uint64_t histogram_percentile(const struct histogram *h, double share);
/* A line for every power of two that was seen. */
void histogram_print(const struct histogram *h, FILE *to);

#endif
