/* table_inside.h: what the parts of a table share: reading (table.c), its cursor, its verification,
 * its writer and its annotated dump. */
#ifndef STRATA_05_TABLE_INSIDE_H
#define STRATA_05_TABLE_INSIDE_H

#include "05_blocks_bloom/block/block.h"
#include "fs/fs_pool.h"
#include "05_blocks_bloom/bloom.h"
#include "05_blocks_bloom/cache.h"
#include "table.h"
#include "table_format.h"
#include "table_index.h"

#include <stdatomic.h>

/* What the tables of a database have in common. */
struct table_common {
    const struct strata_env *env;
    struct cache *cache;
    struct fs_pool *files;            /* their descriptors, which are limited */
    _Atomic uint64_t filtered;        /* gets that a filter answered */
    _Atomic uint64_t false_positives; /* gets that passed the filter and found nothing */
};

struct table {
    struct sstable base;
    struct table_common *common;
    struct fs_pooled file;
    uint64_t raw_bytes; /* of all data blocks, uncompressed */
    struct table_footer footer;
    struct table_index index;
    struct bloom bloom; /* of the filter */
    uint8_t *filter;    /* as it is in the file; NULL: there is none */
};

/* Reads and checks all but the data blocks, into a table whose base (path, number, bytes) and file
 * are set. To be freed by table_free_parts in any case. CORRUPT, IO, NO_MEMORY. */
int table_read_parts(struct table *table, struct strata_error *err);
void table_free_parts(struct table *table);

/* Data block n, checked and pinned: from the cache or through it. CORRUPT, IO, NO_MEMORY. */
int table_pin(struct table *table, uint32_t n, struct cache_block **out, struct strata_error *err);
/* The same past the cache, always from the file: a private block. *check: its checksum. */
int table_load(struct table *table, uint32_t n, struct cache_block **out, uint32_t *check,
               struct strata_error *err);
static inline struct block table_block(const struct cache_block *block)
{
    return block_of(strata_bytes(block->data, block->size));
}

/* Every data block is what index, filter and properties say. */
int table_verify_blocks(struct sstable *table, struct strata_error *err);

/* As the functions of the kind. */
struct cursor *table_cursor(struct sstable *table, bool once);
int table_writer_new(const struct strata_env *env, uint64_t number, struct sstable_writer **out,
                     struct strata_error *err);
int table_writer_add(struct sstable_writer *writer, unsigned type, struct strata_slice key,
                     struct strata_slice value, struct strata_error *err);
int table_writer_finish(struct sstable_writer *writer, uint64_t first, uint64_t last,
                        struct strata_error *err);
void table_writer_del(struct sstable_writer *writer, bool keep);

#endif
