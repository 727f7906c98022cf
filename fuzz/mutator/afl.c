/* afl.c: the mutator as AFL++ loads it, a shared object (AFL_CUSTOM_MUTATOR_LIBRARY; docs: AFL++,
 * docs/custom_mutators.md).
 *
 * afl_custom_post_process is called on whatever AFL++ is about to run, and repairs it, off one time
 * in eight. Called on its own result it must change nothing, as AFL++ runs and saves that again:
 * repair_some decides by what the repair does not change.
 *
 * afl_custom_fuzz has mutations of its own: of whole records (records.h), of one bit and nothing
 * else, which AFL++'s own, several at once, hardly ever are, and of a check where all else is
 * right. */
#include "records.h"
#include "repair.h"

#include "base/prng.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY ((size_t)1 << 20) /* what AFL++ hands out at most */
#define TRIES 64                   /* of afl_custom_fuzz for an input with records */
#define BITS 16                    /* ... without */

struct mutator {
    struct prng prng;
    uint8_t repaired[CAPACITY], mutated[CAPACITY];
};

void *afl_custom_init(void *afl, unsigned int seed);
void afl_custom_deinit(void *data);
unsigned int afl_custom_fuzz_count(void *data, const uint8_t *bytes, size_t size);
size_t afl_custom_fuzz(void *data, uint8_t *bytes, size_t size, uint8_t **out, uint8_t *other,
                       size_t other_size, size_t max_size);
size_t afl_custom_post_process(void *data, uint8_t *bytes, size_t size, uint8_t **out);

void *afl_custom_init(void *afl, unsigned int seed)
{
    struct mutator *mutator = calloc(1, sizeof *mutator);

    (void)afl;
    if (mutator)
        mutator->prng.state = seed;
    return mutator;
}

void afl_custom_deinit(void *data)
{
    free(data);
}

unsigned int afl_custom_fuzz_count(void *data, const uint8_t *bytes, size_t size)
{
    (void)data;
    return records_in(bytes, size) ? TRIES : BITS;
}

/* One bit of `bytes` from `first` on, if possible one that no repair will be made for. */
static size_t flip(struct mutator *mutator, size_t first, size_t bytes, size_t size)
{
    for (unsigned tries = 16; tries; tries--) {
        uint8_t *at = mutator->mutated + first + prng_below(&mutator->prng, bytes);
        uint8_t bit = (uint8_t)(1u << prng_below(&mutator->prng, 8));
        *at ^= bit;
        if (tries == 1 || repair_passes_over(mutator->mutated, size))
            break;
        *at ^= bit;
    }
    return size;
}

/* One bit of a check. */
static size_t spoil(struct mutator *mutator, size_t size)
{
    size_t bytes, first = records_check(&mutator->prng, mutator->mutated, size, &bytes);

    if (!bytes)
        return flip(mutator, 0, size, size);
    repair(mutator->mutated, size, REPAIR_CHECKS);
    return flip(mutator, first, bytes, size);
}

size_t afl_custom_fuzz(void *data, uint8_t *bytes, size_t size, uint8_t **out, uint8_t *other,
                       size_t other_size, size_t max_size)
{
    struct mutator *mutator = data;
    size_t capacity = max_size < CAPACITY ? max_size : CAPACITY;

    *out = mutator->mutated;
    if (size > capacity)
        size = capacity;
    memcpy(mutator->mutated, bytes, size);
    if (prng_below(&mutator->prng, 8) == 0)
        return spoil(mutator, size);
    if (prng_below(&mutator->prng, 2) || !records_in(bytes, size))
        return flip(mutator, 0, size, size);
    return records_mutate(&mutator->prng, mutator->mutated, size, capacity, other, other_size);
}

size_t afl_custom_post_process(void *data, uint8_t *bytes, size_t size, uint8_t **out)
{
    struct mutator *mutator = data;

    *out = bytes;
    if (size > CAPACITY)
        return size;
    memcpy(mutator->repaired, bytes, size);
    repair_some(mutator->repaired, size);
    *out = mutator->repaired;
    return size;
}
