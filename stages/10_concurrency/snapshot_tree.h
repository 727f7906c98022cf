/* snapshot_tree.h: stage 9's tree with snapshots: its parts, and what is handed in to it so that
 * flushes and compactions keep what snapshots see. */
#ifndef STRATA_10_SNAPSHOT_TREE_H
#define STRATA_10_SNAPSHOT_TREE_H

#include "07_paced_compaction/tree/tree.h"
#include "10_concurrency/snapshot/snapshots.h"
#include "10_concurrency/work/background.h"
#include "10_concurrency/work/readers.h"

struct snapshot_tree {
    struct tree tree;
    struct readers *readers;       /* NULL: it is being opened or closed, and there are none */
    struct background *background; /* NULL: who writes does the work, as at stage 7 */
    struct snapshots snapshots;    /* guarded by tree.reading, as what follows */
    uint64_t stale_from; /* number from which on the oldest snapshot must be for a table to be
                          * stale (10.I9); UINT64_MAX: none would be */
};

/* As an engine's slot `open`. */
int snapshot_tree_open(const struct strata_env *env, void **self, struct strata_error *err);

extern const struct tree_parts snapshot_parts;

/* The engine's slots. `self` is a struct snapshot_tree. */
int snapshot_take(void *self, void **out, struct strata_error *err);
void snapshot_release(void *self, void *snapshot);
uint64_t snapshot_number(void *self, void *snapshot);
int snapshot_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                   struct strata_error *err);

#endif
