/* sections.h: mutations of a table of stage 5 (05_blocks_bloom/pax_table_layout.c), section by
 * section. Its footer and its properties tell where the sections stand, and its index how long the
 * blocks are: bytes put in or taken out elsewhere leave nothing of it but an error at the door.
 * Where they are not compressed, these offsets are kept right. */
#ifndef STRATA_FUZZ_SECTIONS_H
#define STRATA_FUZZ_SECTIONS_H

#include "base/prng.h"

#include <stddef.h>
#include <stdint.h>

/* As in records.h. */
size_t sections_in(const uint8_t *data, size_t size);
size_t sections_mutate(struct prng *prng, uint8_t *data, size_t size, size_t capacity,
                       const uint8_t *other, size_t other_size);
size_t sections_check(struct prng *prng, const uint8_t *data, size_t size, size_t *bytes);

#endif
