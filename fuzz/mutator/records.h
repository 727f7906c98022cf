/* records.h: mutations of whole records, for files that are a header and records one after another
 * (the logs of stages 1 to 3, runs), or a header and entries of one size (hints, INDEX, TABLES):
 * what a fuzzer that sees only bytes rarely does without breaking everything behind. Tables of
 * stage 5 go to sections.h. */
#ifndef STRATA_FUZZ_RECORDS_H
#define STRATA_FUZZ_RECORDS_H

#include "base/prng.h"

#include <stddef.h>
#include <stdint.h>

/* How many there are; 0 for bytes of another kind. */
size_t records_in(const uint8_t *data, size_t size);

/* Doubles, removes, swaps or empties a record, takes one out of `other`, changes the type or a
 * length in its head, or cuts the file inside it. There is a record in `data`, which has room for
 * `capacity` bytes. Returns the new size, > 0. */
size_t records_mutate(struct prng *prng, uint8_t *data, size_t size, size_t capacity,
                      const uint8_t *other, size_t other_size);

/* Where one of the file's checks is, and of how many bytes; 0: there is none. */
size_t records_check(struct prng *prng, const uint8_t *data, size_t size, size_t *bytes);

#endif
