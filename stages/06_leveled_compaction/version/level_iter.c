/* level_iter.c: see level_iter.h. One table has a cursor at a time: the one that the iterator
 * stands in; a step out of it opens the next one. */
#include "level_iter.h"
#include "04_memtable_sstable/iter/merge_iter.h"
#include "base/cost.h"

#include <assert.h>
#include <stdlib.h>

struct level_iter {
    struct cursor base;
    struct sstable *const *tables;
    size_t count, at;    /* tables; the one that `from` is of */
    struct cursor *from; /* or NULL */
    uint64_t age;
    bool once;
};

/* A cursor of table `at`, which stands nowhere yet. */
static int enter(struct level_iter *it, size_t at, struct strata_error *err)
{
    if (it->from && it->at == at)
        return 0;
    if (it->from)
        it->from->ops->free(it->from);
    it->at = at;
    it->from = it->tables[at]->kind->cursor(it->tables[at], it->once);
    return it->from ? 0 : strata_fail_memory(err, sizeof *it->from);
}

static int show(struct level_iter *it)
{
    it->base.key = it->from->key;
    it->base.sequence = it->age;
    it->base.type = it->from->type;
    it->base.has_value = it->from->has_value;
    it->base.value = it->from->value;
    return 0;
}

/* `rc`: of a move in the present table. At its end: to the next one's first entry. */
static int forward(struct level_iter *it, int rc, struct strata_error *err)
{
    while (rc == STRATA_NOT_FOUND && it->at + 1 < it->count) {
        rc = enter(it, it->at + 1, err);
        if (rc == 0)
            rc = cursor_first(it->from, err);
    }
    return rc == 0 ? show(it) : rc;
}

static int backward(struct level_iter *it, int rc, struct strata_error *err)
{
    while (rc == STRATA_NOT_FOUND && it->at > 0) {
        rc = enter(it, it->at - 1, err);
        if (rc == 0)
            rc = it->from->ops->last(it->from, err);
    }
    return rc == 0 ? show(it) : rc;
}

/* The first table whose largest key is not before `key`. */
static size_t find_table(const struct level_iter *it, struct strata_slice key)
{
    size_t low = 0, high = it->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        cost_so_far.comparisons++;
        if (strata_compare(strata_buffer_slice(&it->tables[middle]->largest), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int level_seek(struct cursor *cursor, struct strata_slice key, struct strata_error *err)
{
    struct level_iter *it = (struct level_iter *)cursor;
    size_t at = find_table(it, key);
    int rc = at < it->count ? enter(it, at, err) : STRATA_NOT_FOUND;

    if (rc != 0)
        return rc;
    return forward(it, it->from->ops->seek(it->from, key, err), err);
}

static int level_last(struct cursor *cursor, struct strata_error *err)
{
    struct level_iter *it = (struct level_iter *)cursor;
    int rc = enter(it, it->count - 1, err);

    return rc < 0 ? rc : backward(it, it->from->ops->last(it->from, err), err);
}

static int level_next(struct cursor *cursor, struct strata_error *err)
{
    struct level_iter *it = (struct level_iter *)cursor;
    return forward(it, it->from->ops->next(it->from, err), err);
}

static int level_prev(struct cursor *cursor, struct strata_error *err)
{
    struct level_iter *it = (struct level_iter *)cursor;
    return backward(it, it->from->ops->prev(it->from, err), err);
}

static int level_value(struct cursor *cursor, struct strata_slice *value, struct strata_error *err)
{
    return cursor_value(((struct level_iter *)cursor)->from, value, err);
}

static void level_free(struct cursor *cursor)
{
    struct level_iter *it = (struct level_iter *)cursor;

    if (it->from)
        it->from->ops->free(it->from);
    free(it);
}

struct cursor *level_iter_new(struct sstable *const *tables, size_t count, uint64_t age, bool once)
{
    static const struct cursor_ops ops = {level_seek, level_last,  level_next,
                                          level_prev, level_value, level_free};
    struct level_iter *it = calloc(1, sizeof *it);

    if (!it)
        return NULL;
    assert(count > 0);
    it->base.ops = &ops;
    it->tables = tables;
    it->count = count;
    it->age = age;
    it->once = once;
    return &it->base;
}

/* ---- All levels ------------------------------------------------------------------------------ */

/* Tables have at least one operation each, none of which another has, and the memtable's are newer:
 * so its sequence numbers are larger than the number of tables, from which ages count down. */
int level_merge_new(const struct level_merge *of, struct cursor **out, struct strata_error *err)
{
    size_t most = of->count[0] + LEVELS, n = 0;
    struct cursor **sources = malloc((most + 1) * sizeof(struct cursor *));
    uint64_t age = 0;
    int rc;

    if (!sources) {
        if (of->newest)
            of->newest->ops->free(of->newest);
        return strata_fail_memory(err, (most + 1) * sizeof(struct cursor *));
    }
    for (unsigned level = 0; level < LEVELS; level++)
        age += of->count[level];
    if (of->has_newest)
        sources[n++] = of->newest;
    for (size_t i = 0; i < of->count[0]; i++)
        sources[n++] = level_iter_new(of->tables[0] + i, 1, age--, of->once);
    for (unsigned level = 1; level < LEVELS; level++)
        if (of->count[level])
            sources[n++] = level_iter_new(of->tables[level], of->count[level], age--, of->once);
    rc = merge_iter_new(sources, n, of->tombstones, out, err);
    free(sources);
    return rc;
}
