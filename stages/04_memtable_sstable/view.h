/* view.h: what a reader reads: a memtable and runs, sorted tables. The store makes a new one when
 * it flushes or merges; who has pinned an older one goes on reading that. */
#ifndef STRATA_04_VIEW_H
#define STRATA_04_VIEW_H

#include "04_memtable_sstable/memtable/memtable.h"
#include "04_memtable_sstable/run/sstable.h"

/* Never changed once the store has it. */
struct view {
    _Atomic unsigned refs;
    struct memtable *memtable; /* still written to; newer versions than the reader's are not seen */
    size_t count;
    struct sstable *runs[]; /* the newest first */
};

/* With room for `count` runs, to be set. One reference is the caller's. NULL: no memory. */
struct view *view_new(struct memtable *memtable, size_t count);
void view_set(struct view *view, size_t at, struct sstable *run); /* refers to it once more */
void view_ref(struct view *view);
void view_unref(void *view); /* NULL is fine */

#endif
