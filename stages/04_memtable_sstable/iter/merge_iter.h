/* merge_iter.h: several sources in order, as one: of each key the newest version, in both
 * directions, which may change at any place. It is a cursor itself. */
#ifndef STRATA_04_MERGE_ITER_H
#define STRATA_04_MERGE_ITER_H

#include "04_memtable_sstable/iter/cursor.h"

/* Over `count` sources, which are freed with it, or at once when it fails (NO_MEMORY); one that is
 * NULL could not be made, and is NO_MEMORY too. `tombstones`: they are shown, as they still hide
 * what is older elsewhere. */
int merge_iter_new(struct cursor *const *sources, size_t count, bool tombstones,
                   struct cursor **out, struct strata_error *err);

#endif
