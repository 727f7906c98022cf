/* table.h: stage 5's kind of sorted table: entries in blocks of about options.block_bytes, a sparse
 * index with one entry a block, and a Bloom filter. Index and filter stay in memory. So a get reads
 * one block, from the cache or the file, and a get of a key that the table does not have reads
 * none, but for one in a hundred. The file is drawn in table_format.c. */
#ifndef STRATA_05_TABLE_H
#define STRATA_05_TABLE_H

#include "04_memtable_sstable/run/sstable.h"
#include "fs/fs_pool.h"

#define TABLE_SUFFIX ".sst"
#define TABLE_MAGIC "STRATSST"

extern const struct sstable_kind table_kind;

extern const struct strata_format table_format; /* inspect.c */

/* A table's file is opened when it is read, and closed while others need the descriptor more. Here
 * as sstable_opened. */
int table_check_file(struct sstable *table, const struct fs_pooled *file, struct strata_error *err);

#endif
