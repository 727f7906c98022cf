/* snapshots.h: the sequence numbers of all snapshots that exist, in order. A snapshot is no more
 * than its number: what it reads is kept because the number is in this list.
 *
 * Threads: the caller locks. */
#ifndef STRATA_10_SNAPSHOTS_H
#define STRATA_10_SNAPSHOTS_H

#include "strata_engine.h"

struct snapshot {
    uint64_t number; /* of the last operation that it sees */
    struct snapshot *older, *newer;
};

/* All zero is an empty one. */
struct snapshots {
    struct snapshot *oldest, *newest;
    size_t count;
};

/* Numbers of snapshots never descend. The list borrows the snapshot until it is removed. */
void snapshots_add(struct snapshots *list, struct snapshot *snapshot, uint64_t number);
void snapshots_remove(struct snapshots *list, struct snapshot *snapshot);
/* UINT64_MAX: there is none. */
uint64_t snapshots_oldest(const struct snapshots *list);
/* Writes the numbers in ascending order, each once, to `numbers`, which has room for list->count.
 * Returns how many. */
size_t snapshots_copy(const struct snapshots *list, uint64_t *numbers);

#endif
