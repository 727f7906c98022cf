/* view.c: see view.h. */
#include "view.h"

#include <stdlib.h>

struct view *view_new(struct memtable *memtable, size_t count)
{
    struct view *view = calloc(1, sizeof *view + count * sizeof(struct sstable *));

    if (!view)
        return NULL;
    view->refs = 1;
    view->memtable = memtable;
    memtable_ref(memtable);
    view->count = count;
    return view;
}

void view_set(struct view *view, size_t at, struct sstable *run)
{
    sstable_ref(run);
    view->runs[at] = run;
}

void view_ref(struct view *view)
{
    atomic_fetch_add_explicit(&view->refs, 1, memory_order_relaxed);
}

void view_unref(void *self)
{
    struct view *view = self;

    if (!view || atomic_fetch_sub_explicit(&view->refs, 1, memory_order_acq_rel) != 1)
        return;
    memtable_unref(view->memtable);
    for (size_t i = 0; i < view->count; i++)
        sstable_unref(view->runs[i]);
    free(view);
}
