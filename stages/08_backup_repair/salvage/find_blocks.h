/* find_blocks.h: the blocks of a table whose index is lost, found by what their bytes are: stored
 * blocks (05_blocks_bloom/block/stored_block.h), which follow each other. */
#ifndef STRATA_08_FIND_BLOCKS_H
#define STRATA_08_FIND_BLOCKS_H

#include "strata_engine.h"

/* What a stored block is. */
enum block_class {
    BLOCK_OTHER,   /* no block of entries */
    BLOCK_ENTRIES, /* one */
    BLOCK_BEHIND   /* what is in the file behind all blocks of entries */
};

struct block_finder {
    struct strata_slice file; /* borrowed: up to where blocks may be */
    uint64_t number;          /* of the file: seeds the checksums */
    /* `bytes` are uncompressed, and were stored at `offset`. An enum block_class, or NO_MEMORY. */
    int (*classify)(void *arg, struct strata_slice bytes, uint64_t offset,
                    struct strata_error *err);
    void *arg;
    size_t *ends; /* where a stored block may end, ascending */
    size_t count, room;
    size_t next;   /* of the ends: those before it are passed */
    size_t at;     /* in the file */
    bool ended;    /* no block of entries follows */
    bool begins;   /* a block begins at `at`: the first one does, and what follows a block */
    uint64_t work; /* bytes that were looked at in vain, about */
};

/* `file`, `number`, `classify` and `arg` are set, the rest is zero. To be freed in any case.
 * NO_MEMORY. */
int block_finder_init(struct block_finder *finder, struct strata_error *err);
void block_finder_free(struct block_finder *finder);
/* The next one, uncompressed to `bytes`; `*gap`: bytes before it are no block. NOT_FOUND: there are
 * no more, or looking for them takes too long (8.I5); NO_MEMORY. */
int block_finder_next(struct block_finder *finder, struct strata_buffer *bytes, bool *gap,
                      struct strata_error *err);

/* Bytes that may be looked at in vain: more than a few damaged blocks of a table cost. */
static inline uint64_t block_finder_work_max(const struct block_finder *finder)
{
    return ((uint64_t)1 << 29) + 256 * (uint64_t)finder->file.size;
}

#endif
