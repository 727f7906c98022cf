/* keep.h: which versions of a key go on when a memtable is flushed or tables are merged: the
 * newest, and for each snapshot the newest that it sees. */
#ifndef STRATA_10_KEEP_H
#define STRATA_10_KEEP_H

#include "06_leveled_compaction/compaction/compaction.h"

/* A cursor over the entries that go on, of `from`, which has all versions of each key, the newest
 * first, as read_all_versions. Takes `from` and `numbers`, those of the snapshots, ascending; it
 * moves forward only. `c` is the compaction. NULL: no memory, and both are freed. */
struct cursor *keep_new(struct compaction *c, struct cursor *from, uint64_t *numbers, size_t count);

#endif
