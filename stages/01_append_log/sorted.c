/* sorted.c: see sorted.h.
 *
 *   added, in the log's order        sorted: one entry a key, the newest; no deleted ones
 *   b@24  a@43  b@62  a deleted  ->  b@62
 *
 * 1.I7: entries[0..count) have strictly ascending keys once sorted.
 * 1.I8: nothing here changes after that, so the iterator sees the database as it was made. */
#include "sorted.h"
#include "base/array.h"

#include <assert.h>
#include <stdlib.h>

int sorted_add(struct sorted *list, struct strata_slice key, uint64_t position, bool deleted,
               struct strata_error *err)
{
    size_t order = list->count, key_at = list->keys.size;
    struct sorted_entry *entry;

    if (strata_buffer_append(&list->keys, key.data, key.size) < 0)
        return strata_fail_memory(err, key.size);
    entry = array_add(&list->entries, &list->count, &list->capacity, sizeof *entry, err);
    if (!entry)
        return STRATA_ERR_NO_MEMORY;
    *entry = (struct sorted_entry){.key_at = key_at,
                                   .position = position,
                                   .order = order,
                                   .key_size = (uint32_t)key.size,
                                   .deleted = deleted};
    return 0;
}

void sorted_free(struct sorted *list)
{
    free(list->entries);
    strata_buffer_free(&list->keys);
    *list = (struct sorted){0};
}

static struct strata_slice key_of(const struct sorted_entry *entry)
{
    return (struct strata_slice){entry->key, entry->key_size};
}

static int compare(const void *a, const void *b)
{
    const struct sorted_entry *x = a, *y = b;
    int order = strata_compare(key_of(x), key_of(y));
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* Sorts, and keeps the last entry of each key unless it is a delete. */
static void sort_and_keep_newest(struct sorted *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        list->entries[i].key = list->keys.data ? list->keys.data + list->entries[i].key_at : NULL;
    if (list->count)
        qsort(list->entries, list->count, sizeof *list->entries, compare);
    for (size_t i = 0; i < list->count; i++) {
        const struct sorted_entry *entry = &list->entries[i];
        bool last = i + 1 == list->count || strata_compare(key_of(entry), key_of(entry + 1)) != 0;
        if (!last || entry->deleted)
            continue;
        assert(kept <= i); /* 1.I7: qsort has ordered them, and of equal keys the last stays */
        list->entries[kept++] = *entry;
    }
    list->count = kept;
}

/* ---- The iterator ---------------------------------------------------------------------- */

struct sorted_iter {
    struct strata_iter base;
    struct sorted list;
    struct sorted_source source;
    size_t at; /* index of the entry it is positioned on */
    struct strata_buffer value;
};

static int position_at(struct sorted_iter *iter, size_t at)
{
    if (at >= iter->list.count)
        return STRATA_NOT_FOUND;
    iter->at = at;
    iter->base.key = key_of(&iter->list.entries[at]);
    return 0;
}

/* The first entry whose key is >= `key`. */
static int iter_seek(struct strata_iter *base, struct strata_slice key, struct strata_error *err)
{
    struct sorted_iter *iter = (struct sorted_iter *)base;
    size_t low = 0, high = iter->list.count;

    (void)err;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strata_compare(key_of(&iter->list.entries[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return position_at(iter, low);
}

static int iter_last(struct strata_iter *base, struct strata_error *err)
{
    struct sorted_iter *iter = (struct sorted_iter *)base;
    (void)err;
    return position_at(iter, iter->list.count - 1); /* none: SIZE_MAX is past every end */
}

static int iter_next(struct strata_iter *base, struct strata_error *err)
{
    struct sorted_iter *iter = (struct sorted_iter *)base;
    (void)err;
    return position_at(iter, iter->at + 1);
}

static int iter_prev(struct strata_iter *base, struct strata_error *err)
{
    struct sorted_iter *iter = (struct sorted_iter *)base;
    (void)err;
    return position_at(iter, iter->at - 1);
}

static int iter_value(struct strata_iter *base, struct strata_error *err)
{
    struct sorted_iter *iter = (struct sorted_iter *)base;
    int rc = iter->source.read(iter->source.arg, iter->list.entries[iter->at].position, base->key,
                               &iter->value, err);
    if (rc < 0)
        return rc;
    base->value = strata_buffer_slice(&iter->value);
    base->has_value = true;
    return 0;
}

static void iter_free(struct strata_iter *base)
{
    struct sorted_iter *iter = (struct sorted_iter *)base;
    if (iter->source.release)
        iter->source.release(iter->source.arg);
    sorted_free(&iter->list);
    strata_buffer_free(&iter->value);
    free(iter);
}

static const struct strata_iter_ops iter_ops = {
    .seek = iter_seek,
    .last = iter_last,
    .next = iter_next,
    .prev = iter_prev,
    .value = iter_value,
    .free = iter_free,
};

int sorted_iter_new(struct sorted *list, const struct sorted_source *source,
                    struct strata_iter **out, struct strata_error *err)
{
    struct sorted_iter *iter = calloc(1, sizeof *iter);
    if (!iter) {
        if (source->release)
            source->release(source->arg);
        sorted_free(list);
        return strata_fail_memory(err, sizeof *iter);
    }
    iter->base.ops = &iter_ops;
    iter->source = *source;
    iter->list = *list;
    *list = (struct sorted){0};
    sort_and_keep_newest(&iter->list);
    *out = &iter->base;
    return 0;
}
