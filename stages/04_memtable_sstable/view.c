/* view.c: see view.h. All that is newer stands before all that is older: memtable, newest run, ...,
 * oldest run. */
#include "view.h"
#include "04_memtable_sstable/iter/merge_iter.h"

#include <stdlib.h>

struct view *view_new(struct memtable *memtable, struct sstable *const *runs, size_t count)
{
    struct view *view = malloc(sizeof *view + count * sizeof(struct sstable *));

    if (!view)
        return NULL;
    view->refs = 1;
    view->memtable = memtable;
    memtable_ref(memtable);
    view->count = count;
    for (size_t i = 0; i < count; i++) {
        view->runs[i] = runs[i];
        sstable_ref(runs[i]);
    }
    return view;
}

void view_ref(struct view *view)
{
    atomic_fetch_add_explicit(&view->refs, 1, memory_order_relaxed);
}

void view_unref(struct view *view)
{
    if (!view || atomic_fetch_sub_explicit(&view->refs, 1, memory_order_acq_rel) != 1)
        return;
    memtable_unref(view->memtable);
    for (size_t i = 0; i < view->count; i++)
        sstable_unref(view->runs[i]);
    free(view);
}

/* ---- One key --------------------------------------------------------------------------------- */

/* The first that has a version has the newest. */
static int get_from_runs(const struct view *view, struct strata_slice key, unsigned *type,
                         struct strata_buffer *value, struct strata_error *err)
{
    int rc = STRATA_NOT_FOUND;

    for (size_t i = 0; rc == STRATA_NOT_FOUND && i < view->count; i++) {
        struct sstable *run = view->runs[i];
        if (sstable_compare_key(run, key) == 0)
            rc = run->kind->get(run, key, type, value, err);
    }
    return rc;
}

int view_get(const struct view *view, uint64_t sequence, struct strata_slice key,
             struct strata_buffer *value, struct strata_error *err)
{
    struct strata_slice found;
    unsigned type = memtable_get(view->memtable, key, sequence, &found);
    int rc = 0;

    if (!type)
        rc = get_from_runs(view, key, &type, value, err);
    else if (strata_buffer_append(value, found.data, found.size) < 0)
        rc = strata_fail_memory(err, found.size);
    return rc == 0 && type == STRATA_OP_DELETE ? STRATA_NOT_FOUND : rc;
}

/* ---- Iterating ------------------------------------------------------------------------------- */

static int merge_view(const struct view *view, uint64_t sequence, struct cursor **out,
                      struct strata_error *err)
{
    struct cursor **sources;
    int rc;

    sources = malloc((view->count + 1) * sizeof(struct cursor *));
    if (!sources)
        return strata_fail_memory(err, (view->count + 1) * sizeof(struct cursor *));
    sources[0] = memtable_cursor(view->memtable, sequence);
    for (size_t i = 0; i < view->count; i++)
        sources[i + 1] = view->runs[i]->kind->cursor(view->runs[i], false);
    rc = merge_iter_new(sources, view->count + 1, false, out, err);
    free(sources);
    return rc;
}

static void release(void *view)
{
    view_unref(view);
}

int view_iter(struct view *view, uint64_t sequence, struct strata_iter **out,
              struct strata_error *err)
{
    struct cursor *cursor;
    int rc = merge_view(view, sequence, &cursor, err);

    if (rc < 0)
        return rc;
    view_ref(view);
    cursor_hold(cursor, view, release);
    *out = &cursor->iter;
    return 0;
}
