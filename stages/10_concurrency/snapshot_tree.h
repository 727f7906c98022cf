/* snapshot_tree.h: stage 9's tree with snapshots: its parts, and what is handed in to it so that
 * flushes and compactions keep what snapshots see. */
#ifndef STRATA_10_SNAPSHOT_TREE_H
#define STRATA_10_SNAPSHOT_TREE_H

#include "07_paced_compaction/tree/tree.h"
#include "10_concurrency/snapshot/snapshots.h"

struct snapshot_tree {
    struct tree tree;
    struct snapshots snapshots; /* guarded by tree.reading, as what follows */
    uint64_t stale_from; /* number from which on the oldest snapshot must be for a table to be
                          * stale (10.I9); UINT64_MAX: none would be */
};

extern const struct tree_parts snapshot_parts;

/* The engine's slots. `self` is a struct snapshot_tree. */
int snapshot_take(void *self, void **out, struct strata_error *err);
void snapshot_release(void *self, void *snapshot);
int snapshot_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                   struct strata_error *err);

#endif
