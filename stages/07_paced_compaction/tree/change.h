/* change.h: a change of the version: an edit is made, checked, written, and then
 * the tree is as it says. */
#ifndef STRATA_07_CHANGE_H
#define STRATA_07_CHANGE_H

#include "07_paced_compaction/tree/tree.h"

/* All zero, but for `immutable`, changes nothing. */
struct change {
    struct edit edit;
    struct memtable *immutable;    /* from now on; borrowed */
    struct sstable *const *tables; /* new ones, that the edit adds; borrowed */
    size_t count;
    struct version *version; /* this and below: made by change_install */
    struct super *super;
};

void change_free(struct change *change);
/* The edit adds this table. NO_MEMORY. */
int change_add(struct change *change, unsigned level, const struct sstable *table,
               struct strata_error *err);
/* Makes the change, which is freed in any case. NO_MEMORY, CORRUPT: nothing was changed; IO, and
 * with versions.uncertain any error: it may have been made or not. */
int change_install(struct tree *tree, struct change *change, struct strata_error *err);

#endif
