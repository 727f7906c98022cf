/* view.h: what a reader reads: a memtable and runs, sorted tables. The store makes a new one when
 * it flushes or merges; who has taken hold of an older one goes on reading that. */
#ifndef STRATA_04_VIEW_H
#define STRATA_04_VIEW_H

#include "04_memtable_sstable/memtable/memtable.h"
#include "04_memtable_sstable/run/sstable.h"

/* Never changed once made. */
struct view {
    _Atomic unsigned refs;
    struct memtable *memtable; /* still written to; newer versions than the reader's are not seen */
    size_t count;
    struct sstable *runs[]; /* the newest first */
};

/* A view with these runs, and the memtable, each referred to once more. NULL: no memory. */
struct view *view_new(struct memtable *memtable, struct sstable *const *runs, size_t count);
void view_ref(struct view *view);
void view_unref(struct view *view); /* NULL is fine */

/* The newest version of `key` up to `sequence`, into `value`, which is empty before. NOT_FOUND;
 * CORRUPT, IO, NO_MEMORY. */
int view_get(const struct view *view, uint64_t sequence, struct strata_slice key,
             struct strata_buffer *value, struct strata_error *err);
/* All entries as they were at `sequence`. Holds on to the view. */
int view_iter(struct view *view, uint64_t sequence, struct strata_iter **out,
              struct strata_error *err);

#endif
