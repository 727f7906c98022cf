/* fence.h: the sparse index of a table, one entry a block, kept in memory: where the block is,
 * and a separator: a key, as short as possible, that is greater than all keys of the blocks
 * before it and not greater than any of its own (Rudolf Bayer, Karl Unterauer: Prefix B-Trees,
 * TODS 2(1), 1977; "fence pointers" in the literature on LSM trees).
 *
 * A search looks at flat key prefixes, not at the separators, and halves without a branch that
 * the processor could mispredict.
 *
 * Threads: not changed once it is open. */
#ifndef STRATA_09_FENCE_H
#define STRATA_09_FENCE_H

#include "strata_engine.h"

/* All zero is a valid empty one. */
struct fence {
    uint64_t *key_prefixes; /* of the separators */
    uint64_t *offsets; /* where the blocks begin in the file; one more: where the last one ends */
    uint32_t *at;      /* where the separators stand in bytes */
    uint32_t count;    /* of blocks, >= 1 */
    uint32_t prefix;   /* bytes that all keys of the table begin with */
    struct strata_buffer bytes; /* as in the file */
};

/* Appends the entry of a block of `size` bytes. NO_MEMORY. */
int fence_put(struct strata_buffer *to, uint64_t size, struct strata_slice separator,
              struct strata_error *err);
/* What separates a block from the one before it: of its first key as much as tells it from the last
 * key there. */
struct strata_slice fence_separator(struct strata_slice last, struct strata_slice first);

/* Takes the bytes, whatever comes of it, and checks them: `count` blocks that fill the file from
 * `begin` to `end`, and separators that ascend, within smallest and largest. CORRUPT, without a
 * offset; NO_MEMORY. To be freed in any case. */
int fence_open(struct fence *fence, struct strata_buffer *bytes, uint64_t count, uint64_t begin,
               uint64_t end, struct strata_slice smallest, struct strata_slice largest,
               struct strata_error *err);
void fence_free(struct fence *fence);

/* Borrowed from the index; the first block's is empty. */
struct strata_slice fence_at(const struct fence *fence, uint32_t block);
/* The only block that may hold `key`, which is between the smallest and the largest. */
uint32_t fence_find(const struct fence *fence, struct strata_slice key);

#endif
