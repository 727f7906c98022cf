/* rng.h: random numbers that can be had again: splitmix64 (Sebastiano Vigna, public domain,
 * prng.di.unimi.it). */
#ifndef STRATA_TESTS_RNG_H
#define STRATA_TESTS_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

void rng_init(struct rng *rng, uint64_t seed);
/* Seeds from env STRATA_SEED, or the clock when it is not set, and prints "# WHO: STRATA_SEED=..."
 * so that a failure can be replayed. Returns the seed. */
uint64_t rng_init_env(struct rng *rng, const char *who);

uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t bound); /* 0 .. bound - 1; bound > 0 */
void rng_fill(struct rng *rng, void *to, size_t size);

#endif
