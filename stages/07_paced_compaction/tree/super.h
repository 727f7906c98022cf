/* super.h: all that a reader reads, held together: the memtable, the one before it while that is
 * being flushed, and the version of the tables (RocksDB's SuperVersion). */
#ifndef STRATA_07_SUPER_H
#define STRATA_07_SUPER_H

#include "07_paced_compaction/tree/parts.h"

/* Never changed once made. */
struct super {
    _Atomic unsigned refs;
    struct tree *tree;
    struct memtable *memtable; /* still written to; newer versions than the reader's are not seen */
    struct memtable *immutable; /* or NULL */
    struct version *version;
};

/* Refers to each once more. NULL: no memory. */
struct super *super_new(struct tree *tree, struct memtable *memtable, struct memtable *immutable,
                        struct version *version);
void super_ref(struct super *super);
void super_unref(struct super *super); /* NULL is fine */

#endif
