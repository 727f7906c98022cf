/* checksum.h: XXH3 (Yann Collet, xxhash.com; Debian's libxxhash), cut to 32 bits.
 *
 * Every check is seeded with file number and offset, so that a whole record at the wrong offset, or
 * in the wrong file, is damage too. */
#ifndef STRATA_COMMON_CHECKSUM_H
#define STRATA_COMMON_CHECKSUM_H

#include "strata.h"

#define XXH_STATIC_LINKING_ONLY /* for the size of the state, fixed since xxhash 0.8.0 */
#include <xxhash.h>

/* The seed of an offset in a file: the seeds of two offsets in one file, or of one offset in two
 * files, always differ (the factor is odd: 2^64 divided by the golden ratio). */
uint64_t checksum_seed(uint64_t file_number, uint64_t offset);

uint32_t checksum(uint64_t seed, struct strata_slice bytes);

/* The same in pieces: begin, add in order, end. */
struct checksum {
    XXH3_state_t state;
};
void checksum_begin(struct checksum *c, uint64_t seed);
void checksum_add(struct checksum *c, struct strata_slice bytes);
uint32_t checksum_end(const struct checksum *c);

#endif
