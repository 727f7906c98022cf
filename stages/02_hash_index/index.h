/* index.h: the hash index: the position of the record of each live key. It keeps the key's hash and
 * the position, 16 bytes, and never the key: the key is on disk, at the position. */
#ifndef STRATA_02_INDEX_H
#define STRATA_02_INDEX_H

#include "strata.h"

#include <assert.h>

/* A position in the database: the number of a segment, then the offset in it. Never 0. */
#define POSITION_OFFSET_BITS 40
static inline uint64_t position_make(uint32_t segment, uint64_t offset)
{
    assert(offset >> POSITION_OFFSET_BITS == 0);
    return (uint64_t)segment << POSITION_OFFSET_BITS | offset;
}
static inline uint32_t position_segment(uint64_t position)
{
    return (uint32_t)(position >> POSITION_OFFSET_BITS);
}
static inline uint64_t position_offset(uint64_t position)
{
    return position & (((uint64_t)1 << POSITION_OFFSET_BITS) - 1);
}

struct index_slot {
    uint64_t hash;
    uint64_t position; /* 0: the slot is empty */
};

/* All zero is a valid empty index. */
struct index {
    struct index_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;    /* slots in use; at most 3/4 of capacity */
};

uint64_t index_hash(struct strata_slice key);
void index_free(struct index *index);

/* Room for `more` entries, so that index_add cannot fail. 0 or STRATA_ERR_NO_MEMORY. */
int index_reserve(struct index *index, size_t more, struct strata_error *err);
/* Adds an entry, also where there is one with this hash already. Room must be reserved. */
void index_add(struct index *index, uint64_t hash, uint64_t position);

/* Walks over the slots with this hash: begin with *slot = SIZE_MAX, and each call that returns
 * true has moved *slot to the next one. Adding and removing end the walk. Costs O(1). */
bool index_find(const struct index *index, uint64_t hash, size_t *slot);
void index_remove(struct index *index, size_t slot);

#endif
