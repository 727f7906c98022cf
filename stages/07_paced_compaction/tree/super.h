/* super.h: all that a reader reads, held together: the memtable, the one before it while that is
 * being flushed, and the version of the tables (RocksDB's SuperVersion). */
#ifndef STRATA_07_SUPER_H
#define STRATA_07_SUPER_H

#include "07_paced_compaction/tree/parts.h"

/* Never changed once made. */
struct super {
    _Atomic unsigned refs;
    const struct tree_parts *parts;
    struct memtable *memtable; /* still written to; newer versions than the reader's are not seen */
    struct memtable *immutable; /* or NULL */
    struct version *version;
};

/* Refers to each once more. NULL: no memory. */
struct super *super_new(const struct tree_parts *parts, struct memtable *memtable,
                        struct memtable *immutable, struct version *version);
void super_ref(struct super *super);
/* Does anybody but its owner refer to it, or to its memtable? Asked where nobody can begin to. */
bool super_is_read(const struct super *super);
void super_unref(struct super *super); /* NULL is fine */

/* All entries as they were at `sequence`, in order. To be freed before the last reference goes. */
int super_cursor(const struct super *super, uint64_t sequence, struct cursor **out,
                 struct strata_error *err);

#endif
