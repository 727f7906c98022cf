/* view.c: see view.h. All that is newer stands before all that is older: memtable, newest run, ...,
 * oldest run. */
#include "view.h"
#include "02_hash_index/index.h"
#include "merge_iter.h"

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
    uint64_t hash = index_hash(key); /* once for all of them */
    int rc = STRATA_NOT_FOUND;

    for (size_t i = 0; rc == STRATA_NOT_FOUND && i < view->count; i++) {
        struct sstable *run = view->runs[i];
        if (sstable_compare_key(run, key) == 0)
            rc = run->kind->get(run, key, hash, type, value, err);
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

struct view_iter {
    struct strata_iter base;
    struct cursor *merged;
    struct view *view;
    struct strata_buffer sought; /* a copy of a key that was lent by the iterator itself */
};

static int arrive(struct view_iter *it, int rc)
{
    if (rc == 0) {
        it->base.key = it->merged->key;
        it->base.value = it->merged->value;
        it->base.has_value = it->merged->has_value;
    }
    return rc;
}

static bool lies_in(struct strata_slice whole, struct strata_slice part)
{
    return (uintptr_t)part.data - (uintptr_t)whole.data < whole.size;
}

/* What the iterator lent stays until it moves: the first source that does takes it from the next.
 */
static int iter_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct view_iter *it = (struct view_iter *)iter;

    if (lies_in(iter->key, key) || lies_in(iter->value, key)) {
        strata_buffer_clear(&it->sought);
        if (strata_buffer_append(&it->sought, key.data, key.size) < 0)
            return strata_fail_memory(err, key.size);
        key = strata_buffer_slice(&it->sought);
    }
    return arrive(it, it->merged->ops->seek(it->merged, key, err));
}

static int iter_last(struct strata_iter *iter, struct strata_error *err)
{
    struct view_iter *it = (struct view_iter *)iter;
    return arrive(it, it->merged->ops->last(it->merged, err));
}

static int iter_next(struct strata_iter *iter, struct strata_error *err)
{
    struct view_iter *it = (struct view_iter *)iter;
    return arrive(it, it->merged->ops->next(it->merged, err));
}

static int iter_prev(struct strata_iter *iter, struct strata_error *err)
{
    struct view_iter *it = (struct view_iter *)iter;
    return arrive(it, it->merged->ops->prev(it->merged, err));
}

static int iter_value(struct strata_iter *iter, struct strata_error *err)
{
    struct view_iter *it = (struct view_iter *)iter;
    int rc = cursor_value(it->merged, &iter->value, err);
    iter->has_value = rc == 0;
    return rc;
}

static void iter_free(struct strata_iter *iter)
{
    struct view_iter *it = (struct view_iter *)iter;
    if (it->merged)
        it->merged->ops->free(it->merged);
    view_unref(it->view);
    strata_buffer_free(&it->sought);
    free(it);
}

/* One run with no tombstones, and nothing in memory that was there at the time: it needs no merge.
 */
static bool is_one_run(const struct view *view)
{
    return view->count == 1 && view->runs[0]->sum.tombstones == 0 &&
           !skip_first(&view->memtable->skip);
}

static int merge_view(const struct view *view, uint64_t sequence, struct cursor **out,
                      struct strata_error *err)
{
    struct cursor **sources;
    int rc;

    if (is_one_run(view)) {
        *out = view->runs[0]->kind->cursor(view->runs[0], false);
        return *out ? 0 : strata_fail_memory(err, sizeof **out);
    }
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

int view_iter(struct view *view, uint64_t sequence, struct strata_iter **out,
              struct strata_error *err)
{
    static const struct strata_iter_ops ops = {iter_seek, iter_last,  iter_next,
                                               iter_prev, iter_value, iter_free};
    struct view_iter *it = calloc(1, sizeof *it);
    int rc;

    if (!it)
        return strata_fail_memory(err, sizeof *it);
    it->base.ops = &ops;
    it->view = view;
    view_ref(view);
    rc = merge_view(view, sequence, &it->merged, err);
    if (rc < 0)
        iter_free(&it->base);
    else
        *out = &it->base;
    return rc;
}
