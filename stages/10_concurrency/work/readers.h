/* readers.h: readers of a tree take no lock: they look at the current super in a section (epoch.h),
 * copy what they found, and leave it; or refer to it, for longer. */
#ifndef STRATA_10_READERS_H
#define STRATA_10_READERS_H

#include "07_paced_compaction/tree/tree.h"
#include "10_concurrency/work/epoch.h"

struct readers {
    struct epoch epoch;
    /* The leader's: */
    uint64_t ticket; /* of a period since nodes of the memtable were last recycled */
    uint64_t looked; /* sequence number when that was last asked for */
};

/* NO_MEMORY. */
int readers_new(struct readers **out, struct strata_error *err);
/* There are none. NULL is fine. */
void readers_del(struct readers *readers);

/* The current super, referred to once more, and the number of the last operation in it. */
struct super *readers_pin(struct readers *readers, struct tree *tree, uint64_t *sequence);
/* As `committed` of tree_threads. */
void readers_recycle(struct readers *readers, struct tree *tree);

#endif
