/* value_iter.c: a cursor that shows values where the one that it takes shows pointers. A value is
 * read when it is asked for: a scan of keys reads no value file. */
#include "12_value_log/value_tree.h"

#include <stdlib.h>

struct value_iter {
    struct cursor base;
    struct cursor *from;
    struct value_set *set;
    struct value_ahead ahead;
    struct value_pin pin; /* the last value that was asked for */
};

static int show(struct value_iter *v, int rc)
{
    if (rc != 0)
        return rc;
    v->base.iter.key = v->from->iter.key;
    v->base.sequence = v->from->sequence;
    v->base.iter.has_value = v->from->type != SSTABLE_CODED && v->from->iter.has_value;
    v->base.iter.value = v->from->iter.value;
    v->base.type = v->from->type == SSTABLE_CODED ? STRATA_OP_PUT : v->from->type;
    return 0;
}

static int iter_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct value_iter *v = (struct value_iter *)iter;
    return show(v, cursor_seek(v->from, key, err));
}

static int iter_last(struct strata_iter *iter, struct strata_error *err)
{
    struct value_iter *v = (struct value_iter *)iter;
    return show(v, cursor_last(v->from, err));
}

static int iter_next(struct strata_iter *iter, struct strata_error *err)
{
    struct value_iter *v = (struct value_iter *)iter;
    return show(v, cursor_next(v->from, err));
}

static int iter_prev(struct strata_iter *iter, struct strata_error *err)
{
    struct value_iter *v = (struct value_iter *)iter;
    return show(v, cursor_prev(v->from, err));
}

static int iter_value(struct strata_iter *iter, struct strata_error *err)
{
    struct value_iter *v = (struct value_iter *)iter;
    struct strata_slice found;
    struct pointer pointer;
    int rc = cursor_value(v->from, &found, err);

    if (rc == 0 && v->from->type == SSTABLE_CODED) {
        value_set_unpin(v->set, &v->pin);
        pointer_decode(found, &pointer);
        rc = value_set_pin(v->set, &pointer, v->from->iter.key, &v->ahead, &v->pin, err);
        found = v->pin.value;
    }
    if (rc < 0)
        return rc;
    iter->value = found;
    iter->has_value = true;
    return 0;
}

static void iter_free(struct strata_iter *iter)
{
    struct value_iter *v = (struct value_iter *)iter;

    value_set_unpin(v->set, &v->pin);
    value_ahead_free(&v->ahead);
    cursor_free(v->from);
    cursor_end(&v->base);
}

static bool has_pointers(const struct super *super)
{
    if (super->memtable->held || (super->immutable && super->immutable->held))
        return true;
    for (size_t i = 0; super->version->tombstones && i < super->version->count; i++)
        if (pax_table_of(super->version->all[i])->coded)
            return true;
    return false;
}

int value_fetch_all(const struct super *super, struct cursor **cursor, struct strata_error *err)
{
    static const struct strata_iter_ops ops = {iter_seek, iter_last,  iter_next,
                                               iter_prev, iter_value, iter_free};
    struct value_iter *v;

    if (!has_pointers(super))
        return 0;
    v = calloc(1, sizeof *v);
    if (!v) {
        cursor_free(*cursor);
        return strata_fail_memory(err, sizeof *v);
    }
    v->base.iter.ops = &ops;
    v->from = *cursor;
    v->set = value_set_of(super->tree->common);
    *cursor = &v->base;
    return 0;
}
