/* draw.c: the random numbers and the keys of a workload's operations. */
#include "bench.h"

/* splitmix64's numbers from 64 * i on: no operation needs more. */
struct prng draw_random(const struct bench *b, uint64_t i)
{
    return (struct prng){b->salt + i * 64 * 0x9e3779b97f4a7c15u};
}

uint64_t draw_key_at(const struct bench *b, uint64_t place)
{
    return b->filled_shuffled ? b->data.shuffled[place] : place;
}

uint64_t draw_key(const struct bench *b, struct prng *random)
{
    return draw_key_at(b, prng_below(random, b->filled));
}
