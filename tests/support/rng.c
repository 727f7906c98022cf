/* rng.c: see rng.h. */
#include "rng.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void rng_init(struct rng *rng, uint64_t seed)
{
    rng->state = seed;
}

uint64_t rng_init_env(struct rng *rng, const char *who)
{
    const char *given = getenv("STRATA_SEED");
    struct timespec now;
    uint64_t seed;

    clock_gettime(CLOCK_REALTIME, &now);
    seed = (uint64_t)now.tv_sec * 1000000007u ^ (uint64_t)now.tv_nsec;
    if (given && *given)
        seed = strtoull(given, NULL, 0);
    rng_init(rng, seed);
    printf("# %s: STRATA_SEED=%" PRIu64 "\n", who, seed);
    fflush(stdout);
    return seed;
}

uint64_t rng_next(struct rng *rng)
{
    uint64_t z = rng->state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    return rng_next(rng) % bound; /* the bias is of no matter to a test */
}

void rng_fill(struct rng *rng, void *to, size_t size)
{
    uint8_t *at = to;
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)rng_next(rng);
}
