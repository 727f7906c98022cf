/* table_index.h: the sparse index of a table: for each data block a separator, which is not before
 * any key of the block and before all keys of the next one, and where the block is. It is a block
 * itself, with a restart point at every entry, and is searched as it is stored. */
#ifndef STRATA_05_TABLE_INDEX_H
#define STRATA_05_TABLE_INDEX_H

#include "05_blocks_bloom/block/block.h"

/* All zero is a valid empty one. */
struct table_index {
    struct strata_buffer bytes;
    struct block block;
    uint32_t count; /* of data blocks, >= 1 */
};

/* One entry of it, borrowed. */
struct table_index_entry {
    struct strata_slice separator;
    uint64_t offset, size; /* of the data block, as it is stored */
};

/* A short separator between `last` and `next`, the first key of the next block; a slice of one
 * of them. */
struct strata_slice table_index_separator(struct strata_slice last, struct strata_slice next);
/* Adds an entry to a builder with the interval 1. */
int table_index_add(struct block_builder *builder, const struct table_index_entry *entry,
                    struct strata_error *err);

/* Takes the bytes, even if they are wrong, and checks them: the data blocks fill the file from
 * `begin` to `end`. `scratch` has room for as many bytes. NULL: done; else what is wrong. Ended by
 * table_index_free in any case. */
const char *table_index_open(struct table_index *index, struct strata_buffer *bytes,
                             uint8_t *scratch, uint64_t begin, uint64_t end);
void table_index_free(struct table_index *index);

struct table_index_entry table_index_at(const struct table_index *index, uint32_t n);
/* The number of the only block that may hold `key`; `count`: the key is after all of them. */
static inline uint32_t table_index_find(const struct table_index *index, struct strata_slice key)
{
    return block_find_restart(&index->block, key);
}

#endif
