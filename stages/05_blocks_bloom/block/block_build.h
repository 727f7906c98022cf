/* block_build.h: makes a block (block.h) of entries that come in key order. */
#ifndef STRATA_05_BLOCK_BUILD_H
#define STRATA_05_BLOCK_BUILD_H

#include "strata_engine.h"

#define BLOCK_RESTART_INTERVAL 16 /* entries, in data blocks */

/* All zero but `interval` is a valid empty one. */
struct block_builder {
    uint32_t interval;             /* a restart point at every entry of this number */
    uint32_t count;                /* entries so far */
    struct strata_buffer bytes;    /* the entries so far */
    struct strata_buffer restarts; /* their restart points, 4 bytes each */
    struct strata_buffer last;     /* the last key */
};

void block_builder_free(struct block_builder *builder);
/* An upper bound on the size of the block with one more entry. */
size_t block_builder_size_with(const struct block_builder *builder, struct strata_slice key,
                               size_t value_size);
/* `key` is after the last one; type is STRATA_OP_PUT, or STRATA_OP_DELETE with an empty value.
 * INVALID: the block would have 4 GiB; NO_MEMORY. */
int block_builder_add(struct block_builder *builder, unsigned type, struct strata_slice key,
                      struct strata_slice value, struct strata_error *err);
/* The block, borrowed until block_builder_reset. It has at least one entry. NO_MEMORY. */
int block_builder_finish(struct block_builder *builder, struct strata_slice *block,
                         struct strata_error *err);
/* Begins the next block. The last key stays readable until the next add. */
void block_builder_reset(struct block_builder *builder);

#endif
