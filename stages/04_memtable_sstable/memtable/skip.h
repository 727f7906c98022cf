/* skip.h: a skip list: entries in order, found and added in O(log n) steps without ever moving one.
 * William Pugh: Skip Lists: A Probabilistic Alternative to Balanced Trees, CACM 33(6), 1990; with
 * one writer and readers that never wait, as in LevelDB's db/skiplist.h. It is stage 4's kind of
 * memtable: memtable_skip (memtable.h), and is reached by that alone.
 *
 * Entries are ordered by key, ascending, and then by sequence number, descending: of several
 * versions of a key the newest comes first. Nothing is removed or changed. */
#ifndef STRATA_04_SKIP_H
#define STRATA_04_SKIP_H

#include "base/arena.h"
#include "base/prng.h"

#define SKIP_HEIGHT 16 /* levels; with one node in three a level higher: 40 million entries */

struct skip {
    struct arena *arena;     /* borrowed */
    struct skip_node *first; /* before all entries, of full height */
    struct prng prng;
    _Atomic int height; /* levels in use; a reader may see an older number, which is as good */
};

#endif
