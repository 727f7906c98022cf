/* bptree_read.h: reading a bptree, with a memtable's calls. */
#ifndef STRATA_09_BPTREE_READ_H
#define STRATA_09_BPTREE_READ_H

#include "bptree.h"

/* As struct memtable_kind's; `self` is the tree. */
unsigned bptree_get(const void *self, struct strata_slice key, uint64_t sequence,
                    struct strata_slice *value);
uint64_t bptree_number(const void *self, struct strata_slice key, uint64_t sequence);
struct cursor *bptree_cursor(const void *self, uint64_t sequence);
struct cursor *bptree_versions(const void *self, const uint64_t *readers, size_t count);

#endif
