/* cursor_iter.c: see cursor_iter.h. */
#include "04_memtable_sstable/iter/cursor_iter.h"
#include "base/bytes.h"

#include <stdlib.h>

struct cursor_iter {
    struct strata_iter base;
    struct cursor *cursor;
    void *held;
    void (*release)(void *held);
    struct strata_buffer sought; /* a copy of a key that was lent by the iterator itself */
};

static int arrive(struct cursor_iter *it, int rc)
{
    if (rc == 0) {
        slice_pass_on(&it->base.key, &it->cursor->key);
        slice_pass_on(&it->base.value, &it->cursor->value);
        it->base.has_value = it->cursor->has_value;
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
    struct cursor_iter *it = (struct cursor_iter *)iter;

    if (lies_in(iter->key, key) || lies_in(iter->value, key)) {
        strata_buffer_clear(&it->sought);
        if (strata_buffer_append(&it->sought, key.data, key.size) < 0)
            return strata_fail_memory(err, key.size);
        key = strata_buffer_slice(&it->sought);
    }
    return arrive(it, it->cursor->ops->seek(it->cursor, key, err));
}

static int iter_last(struct strata_iter *iter, struct strata_error *err)
{
    struct cursor_iter *it = (struct cursor_iter *)iter;
    return arrive(it, it->cursor->ops->last(it->cursor, err));
}

static int iter_next(struct strata_iter *iter, struct strata_error *err)
{
    struct cursor_iter *it = (struct cursor_iter *)iter;
    return arrive(it, it->cursor->ops->next(it->cursor, err));
}

static int iter_prev(struct strata_iter *iter, struct strata_error *err)
{
    struct cursor_iter *it = (struct cursor_iter *)iter;
    return arrive(it, it->cursor->ops->prev(it->cursor, err));
}

static int iter_value(struct strata_iter *iter, struct strata_error *err)
{
    struct cursor_iter *it = (struct cursor_iter *)iter;
    int rc = cursor_value(it->cursor, &iter->value, err);
    iter->has_value = rc == 0;
    return rc;
}

static void iter_free(struct strata_iter *iter)
{
    struct cursor_iter *it = (struct cursor_iter *)iter;
    it->cursor->ops->free(it->cursor);
    it->release(it->held);
    strata_buffer_free(&it->sought);
    free(it);
}

int cursor_iter_new(struct cursor *cursor, void *held, void (*release)(void *held),
                    struct strata_iter **out, struct strata_error *err)
{
    static const struct strata_iter_ops ops = {iter_seek, iter_last,  iter_next,
                                               iter_prev, iter_value, iter_free};
    struct cursor_iter *it = calloc(1, sizeof *it);

    if (!it) {
        cursor->ops->free(cursor);
        release(held);
        return strata_fail_memory(err, sizeof *it);
    }
    it->base.ops = &ops;
    it->cursor = cursor;
    it->held = held;
    it->release = release;
    *out = &it->base;
    return 0;
}
