/* block.h: a block of entries in key order, prefix-compressed, with restart points (LevelDB's
 * doc/table_format.md and table/block.cc; the format is drawn in block_build.c). Data blocks and
 * the index are blocks of this kind.
 *
 * Bytes of a file are checked once, when they are read (block_check). Everything else here relies
 * on that: finding and iterating check no bounds.
 *
 * Threads: a block does not change; a block_iter is used by one thread at a time. */
#ifndef STRATA_05_BLOCK_H
#define STRATA_05_BLOCK_H

#include "strata_engine.h"

/* Bytes of a block of one entry. */
#define BLOCK_MAX_ENTRY (STRATA_MAX_KEY + STRATA_MAX_VALUE + 64)

/* ---- Building (block_build.c) ---------------------------------------------------------------- */

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

/* ---- Reading ----------------------------------------------------------------------------------
 */

/* A block that was checked; the bytes are borrowed. */
struct block {
    const uint8_t *data;
    uint32_t entries_end; /* bytes of entries; the restart points follow */
    uint32_t restarts;    /* number of restart points, >= 1 */
};

/* What block_check learned. */
struct block_facts {
    uint32_t entries;         /* >= 1 */
    struct strata_slice last; /* key, in the scratch memory */
};

/* Checks everything that reading relies on: the lengths, the restart points, the types and that
 * keys ascend. `scratch` has room for bytes.size bytes. NULL: the block is sound. Else what is
 * wrong with it. */
const char *block_check(struct strata_slice bytes, uint8_t *scratch, struct block_facts *facts);

/* Of bytes that block_check found sound. */
struct block block_of(struct strata_slice bytes);

/* The key at restart point n, which is stored there in full, and its value, if that is not NULL. */
struct strata_slice block_restart(const struct block *block, uint32_t n,
                                  struct strata_slice *value);

/* The number of the first restart point whose key is not before `key`; block->restarts: all are. */
uint32_t block_find_restart(const struct block *block, struct strata_slice key);

/* ---- Iterating ------------------------------------------------------------------------------- */

/* A position in a block. All zero is a valid empty one. */
struct block_iter {
    struct block block;
    uint32_t at, next; /* offsets of the entry and of the one after it */
    uint32_t restart;  /* the restart point at or before `at` */
    unsigned type;     /* enum strata_op_type */
    struct strata_buffer key;
    struct strata_slice value; /* borrowed from the block */
};

/* To another block, at no entry. Keeps the key's memory for reuse. NO_MEMORY. */
int block_iter_enter(struct block_iter *iter, struct block block, struct strata_error *err);
void block_iter_free(struct block_iter *iter);
/* false: there is no such entry, and the iterator is at none. */
void block_iter_first(struct block_iter *iter);
void block_iter_last(struct block_iter *iter);
bool block_iter_seek(struct block_iter *iter, struct strata_slice key); /* first key >= `key` */
bool block_iter_next(struct block_iter *iter);
bool block_iter_prev(struct block_iter *iter);

#endif
