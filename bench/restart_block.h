/* restart_block.h: the classic layout of a block, for comparison with stage 5's: each key as its
 * difference to the one before, and whole at every sixteenth, the restart points, whose places
 * stand at the end (LevelDB's doc/pax_table_format.md and table/pax_block_builder.cc). Here an
 * entry has a byte for its type, where LevelDB's have eight for type and sequence number.
 *
 * For blocks that this program built itself: bytes of a file would have to be checked entry by
 * entry as they are read, as LevelDB does. */
#ifndef STRATA_BENCH_RESTART_BLOCK_H
#define STRATA_BENCH_RESTART_BLOCK_H

#include "strata.h"

#define RESTART_EVERY 16 /* entries */

struct restart_builder {
    struct strata_buffer bytes, last; /* of entries; the last key, whole */
    struct strata_buffer restarts;    /* four bytes each */
    uint32_t count;
};

void restart_builder_free(struct restart_builder *builder);
/* Bytes that the block would have with one more entry, at most. */
size_t restart_builder_with(const struct restart_builder *builder, struct strata_slice key,
                            size_t value_size);
void restart_builder_add(struct restart_builder *builder, unsigned type, struct strata_slice key,
                         struct strata_slice value);
/* The block, the builder's until the next add, which begins a new one. */
struct strata_slice restart_builder_finish(struct restart_builder *builder);

/* An entry being stood on; its key in memory of the caller's, long enough for every key. */
struct restart_place {
    struct strata_slice block;
    const uint8_t *next, *end; /* the entry after it; of all entries */
    uint8_t *key;
    size_t key_size;
    struct strata_slice value;
    unsigned type;
};

void restart_open(struct restart_place *place, struct strata_slice block, uint8_t *key);
bool restart_next(struct restart_place *place); /* false: there is none */
/* To the first entry not before `key`. */
bool restart_seek(struct restart_place *place, struct strata_slice key);

#endif
