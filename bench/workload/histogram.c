/* histogram.c: a bucket's number is the value itself below 32; above, five bits below the leading
 * one, and the place of the leading one in front of them. */
#include "histogram.h"

#include <inttypes.h>

#define SUB_BITS 5
#define SUBS (1u << SUB_BITS)
#define BAR 50 /* columns */

static unsigned bucket_of(uint64_t ns)
{
    unsigned power;

    if (ns < SUBS)
        return (unsigned)ns;
    power = 63 - (unsigned)__builtin_clzll(ns);
    return (power - SUB_BITS + 1) * SUBS + (unsigned)(ns >> (power - SUB_BITS) & (SUBS - 1));
}

/* The largest value that falls into a bucket. */
static uint64_t bucket_last(unsigned bucket)
{
    unsigned row = bucket / SUBS;
    uint64_t next = bucket % SUBS + 1;

    return row == 0 ? bucket : ((SUBS + next) << (row - 1)) - 1;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    h->buckets[bucket_of(ns)]++;
    h->count++;
    if (ns > h->max_ns)
        h->max_ns = ns;
}

void histogram_merge(struct histogram *h, const struct histogram *other)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        h->buckets[i] += other->buckets[i];
    h->count += other->count;
    if (other->max_ns > h->max_ns)
        h->max_ns = other->max_ns;
}

uint64_t histogram_percentile(const struct histogram *h, double share)
{
    double wanted = share * (double)h->count;
    uint64_t seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen && (double)seen >= wanted)
            return bucket_last(i) < h->max_ns ? bucket_last(i) : h->max_ns;
    }
    return 0;
}

static uint64_t row_count(const struct histogram *h, unsigned row)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < SUBS; i++)
        count += h->buckets[row * SUBS + i];
    return count;
}

void histogram_print(const struct histogram *h, FILE *to)
{
    uint64_t seen = 0;

    for (unsigned row = 0; row < HISTOGRAM_BUCKETS / SUBS; row++) {
        uint64_t count = row_count(h, row);
        double share = h->count ? (double)count / (double)h->count : 0;
        if (!count)
            continue;
        seen += count;
        fprintf(to, "    <= %12.3f us  %12" PRIu64 "  %7.3f %%  %7.3f %%  ",
                (double)bucket_last(row * SUBS + SUBS - 1) / 1000, count, share * 100,
                (double)seen / (double)h->count * 100);
        for (int i = 0; i < (int)(share * BAR + 0.5); i++)
            fputc('#', to);
        fputc('\n', to);
    }
}
