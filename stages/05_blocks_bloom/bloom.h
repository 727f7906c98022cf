/* bloom.h: a Bloom filter: a few bits for each key. It says of most absent keys that they are
 * absent, and never of a key that is there (Burton Bloom: Space/Time Trade-offs in Hash Coding with
 * Allowable Errors, CACM 13(7), 1970). All bits of a key are in one cache line (Felix Putze, Peter
 * Sanders, Johannes Singler: Cache-, Hash- and Space-Efficient Bloom Filters, JEA 14, 2009;
 * RocksDB's util/bloom_impl.h): so a question costs one access to memory, and the filter has a few
 * more false positives, for the lines that happen to have more keys than others.
 *
 * Keys come as 64-bit hashes. The bytes are those of the file, whatever the machine.
 *
 * Threads: a filter that was built does not change. */
#ifndef STRATA_05_BLOOM_H
#define STRATA_05_BLOOM_H

#include "strata_engine.h"

#define BLOOM_LINE ((size_t)64)   /* bytes; a filter in memory should begin at a multiple of it */
#define BLOOM_BITS_PER_KEY_MAX 64 /* 10 is usual: of 1000 absent keys 9 or 10 pass */
#define BLOOM_PROBES_MAX 16

struct bloom {
    const uint8_t *lines; /* borrowed */
    uint64_t count;       /* of lines, 1 .. 2^32 - 1 */
    unsigned probes;      /* bits set for each key, 1 .. BLOOM_PROBES_MAX */
};

/* Bytes of a filter for so many keys: a multiple of BLOOM_LINE, never 0. 0: that many are too many
 * (2^32 lines, 256 GiB). 1 <= bits_per_key <= BLOOM_BITS_PER_KEY_MAX. */
size_t bloom_bytes(uint64_t keys, unsigned bits_per_key);
/* Bits to set for each key, for the fewest false positives. */
unsigned bloom_probes(unsigned bits_per_key);

/* Sets `size` bytes, as bloom_bytes says, to the filter of these hashes. */
void bloom_build(uint8_t *bytes, size_t size, unsigned probes, const uint64_t *hashes,
                 size_t count);
/* A filter over bytes that were read, and checked; they are borrowed. CORRUPT: no filter has this
 * size or so many probes (err->offset is not set, the file is not named). */
int bloom_open(struct bloom *bloom, struct strata_slice bytes, unsigned probes,
               struct strata_error *err);

/* The line of a hash. */
static inline const uint8_t *bloom_line(const struct bloom *bloom, uint64_t hash)
{
    return bloom->lines + ((hash >> 32) * bloom->count >> 32) * BLOOM_LINE;
}

/* false: no key with this hash was added. */
bool bloom_may_contain(const struct bloom *bloom, uint64_t hash);

#endif
