/* section.h: a section: a part of a table file that is read and checked as one: a block, the index,
 * the filter, the properties. Its bytes, packed by LZ4 (Yann Collet, lz4.org: the block format)
 * when that helps, and a tail that says how, with a check. Drawn in section.c. */
#ifndef STRATA_05_SECTION_H
#define STRATA_05_SECTION_H

#include "strata_engine.h"

#define SECTION_TAIL 9 /* bytes */

/* How its bytes are stored. */
enum section_packing { SECTION_PLAIN = 0, SECTION_LZ4 = 1 };

/* What a section says of itself: checked, so that what it says is so. */
struct section {
    struct strata_slice stored; /* without the tail */
    uint32_t size;              /* bytes when unpacked; no more than what is stored can explain */
    uint32_t check;
    enum section_packing packing;
};

/* Appends the section of `bytes` to `to`, where it is to stand at `place` of file `number`; `pack`:
 * packed, if that saves an eighth. NO_MEMORY. */
int section_put(struct strata_buffer *to, uint64_t number, uint64_t place,
                struct strata_slice bytes, bool pack, uint32_t *check, struct strata_error *err);

/* Reads its tail and checks all of it. `bytes`: from its beginning to the end of its tail; they
 * stay borrowed. CORRUPT, at the place; the file is not named. */
int section_open(struct section *section, struct strata_slice bytes, uint64_t number,
                 uint64_t place, struct strata_error *err);
/* Its bytes to `to`, which has room for section->size. CORRUPT: they are not packed so, or of
 * another size. */
int section_unpack(const struct section *section, uint64_t place, uint8_t *to,
                   struct strata_error *err);

#endif
