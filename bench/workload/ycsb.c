/* ycsb.c: the core workloads of YCSB (Brian Cooper et al.: Benchmarking Cloud Serving Systems with
 * YCSB, SoCC 2010; github.com/brianfrankcooper/YCSB, workloads/workload[a-f]), of whole records.
 *
 * Keys are drawn by Zipf's law with 0.99 (common/base/prng.h). For A, B, C, E and F the law's
 * numbers are scattered over the keys, so that those which are asked for often are no neighbours; D
 * takes the newest most often. Of twenty operations of D and E exactly one, its place drawn,
 * inserts: so the number of the newest key follows from an operation's number. */
#include "bench.h"

#define GROUP 20
#define SCAN_MOST 100
#define SHARE_HALF 0.5
#define SHARE_FEW 0.05

static uint64_t scattered(const struct bench *b, struct prng *random)
{
    struct prng hash = {zipf_next(&b->zipf, random)};
    return draw_key(b, &hash);
}

static void mix(const struct bench *b, uint64_t i, struct op *op, double share, enum act other)
{
    struct prng random = draw_random(b, i);
    enum act act = prng_unit(&random) < share ? other : ACT_GET;

    *op = (struct op){.act = act, .number = scattered(b, &random)};
}

void ycsb_a(const struct bench *b, uint64_t i, struct op *op)
{
    mix(b, i, op, SHARE_HALF, ACT_PUT);
}

void ycsb_b(const struct bench *b, uint64_t i, struct op *op)
{
    mix(b, i, op, SHARE_FEW, ACT_PUT);
}

void ycsb_c(const struct bench *b, uint64_t i, struct op *op)
{
    mix(b, i, op, 0, ACT_PUT);
}

void ycsb_f(const struct bench *b, uint64_t i, struct op *op)
{
    mix(b, i, op, SHARE_HALF, ACT_MODIFY);
}

/* Does operation i insert? Before it there were `*before` inserts. */
static bool inserts(const struct bench *b, uint64_t i, uint64_t *before)
{
    struct prng group = draw_random(b, ~(i / GROUP));
    uint64_t place = prng_below(&group, GROUP);

    *before = i / GROUP + (i % GROUP > place);
    return i % GROUP == place;
}

void ycsb_d(const struct bench *b, uint64_t i, struct op *op)
{
    struct prng random = draw_random(b, i);
    uint64_t before, back = zipf_next(&b->zipf, &random);

    *op = (struct op){.act = ACT_PUT};
    if (inserts(b, i, &before)) {
        op->number = b->first_new + before;
        return;
    }
    op->act = ACT_GET;
    op->number = back < before ? b->first_new + before - 1 - back
                               : draw_key_at(b, b->filled - 1 - (back - before));
}

void ycsb_e(const struct bench *b, uint64_t i, struct op *op)
{
    struct prng random = draw_random(b, i);
    uint64_t before;

    *op = (struct op){.act = ACT_PUT};
    if (inserts(b, i, &before)) {
        op->number = b->first_new + before;
        return;
    }
    op->act = ACT_SEEK;
    op->number = scattered(b, &random);
    op->entries = 1 + prng_below(&random, SCAN_MOST);
}
