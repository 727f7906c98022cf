/* checksum.c: see checksum.h. */
#include "base/checksum.h"

uint64_t checksum_seed(uint64_t file_number, uint64_t offset)
{
    return file_number * UINT64_C(0x9e3779b97f4a7c15) ^ offset;
}

/* Both halves are used: XXH3 does not promise that one half of its result is as good as the whole.
 */
static uint32_t fold(uint64_t hash)
{
    return (uint32_t)(hash ^ (hash >> 32));
}

#if defined(__x86_64__) && defined(__ELF__)
/* The same by the widest vectors that the processor has, where the library was built with it, as
 * Debian's is: half the time for 2 KiB. (xxh_x86dispatch.h) */
__attribute__((weak)) XXH64_hash_t XXH3_64bits_withSeed_dispatch(const void *bytes, size_t size,
                                                                 XXH64_hash_t seed);
#define WIDE_LEAST 512 /* bytes; below it the choice costs what it saves */
#endif

uint32_t checksum(uint64_t seed, struct strata_slice bytes)
{
#ifdef WIDE_LEAST
    if (bytes.size >= WIDE_LEAST && XXH3_64bits_withSeed_dispatch)
        return fold(XXH3_64bits_withSeed_dispatch(bytes.data, bytes.size, seed));
#endif
    return fold(XXH3_64bits_withSeed(bytes.data, bytes.size, seed));
}

void checksum_begin(struct checksum *c, uint64_t seed)
{
    XXH3_INITSTATE(&c->state);
    XXH3_64bits_reset_withSeed(&c->state, seed);
}

void checksum_add(struct checksum *c, struct strata_slice bytes)
{
    XXH3_64bits_update(&c->state, bytes.data, bytes.size);
}

uint32_t checksum_end(const struct checksum *c)
{
    return fold(XXH3_64bits_digest(&c->state));
}
