/* pax_table.h: a sorted table as stage 5's, of columnar blocks: in memory are an index with one
 * entry a block and a Bloom filter. So a key that is there costs one block, from the cache
 * or the device, and one that is not costs none, but for one in a hundred. The file is drawn in
 * pax_table_layout.c. */
#ifndef STRATA_09_PAX_TABLE_H
#define STRATA_09_PAX_TABLE_H

#include "04_memtable_sstable/run/sstable.h"

#define PAX_TABLE_SUFFIX ".table"
#define PAX_TABLE_MAGIC "STRATBLK"

extern const struct sstable_kind pax_table_kind;

/* As the kind's open, but index and filter are read, and checked, when they are needed. */
int pax_table_open_later(const struct strata_env *env, void *common, uint64_t number,
                         struct sstable **out, struct strata_error *err);

extern const struct strata_format pax_table_format; /* inspect.c */

#endif
