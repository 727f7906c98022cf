/* pax_table.h: stage 5's kind of sorted table: entries stand in blocks, and in memory are an index
 * with one entry a block and a Bloom filter. So a key that is there costs one block, from the cache
 * or the device, and one that is not costs none, but for one in a hundred. The file is drawn in
 * pax_table_layout.c. */
#ifndef STRATA_09_PAX_TABLE_H
#define STRATA_09_PAX_TABLE_H

#include "04_memtable_sstable/run/sstable.h"

#define PAX_TABLE_MAGIC "STRATBLK"

extern const struct sstable_kind pax_table_kind;

/* As the kind's open, but index and filter are read, and checked, when they are needed. */
int pax_table_open_later(const struct strata_env *env, void *common, uint64_t number,
                         struct sstable **out, struct strata_error *err);
/* What its maker noted in it; borrowed. */
struct strata_slice pax_table_notes(const struct sstable *table);

/* Noted in the table when it is finished; to be appended to. */
struct strata_buffer *pax_table_writer_notes(struct sstable_writer *writer);

extern const struct strata_format pax_table_format; /* inspect.c */

#endif
