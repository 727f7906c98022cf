/* shape_memtable.c: the memtables of stages 4 and 9. */
#include "09_fast_paths/memtable/bptree.h"
#include "shape.h"

#define BUDGET ((size_t)64 << 20)

static void *make(const struct memtable_kind *kind)
{
    struct memtable *memtable;
    memtable_new(kind, NULL, BUDGET, &memtable, NULL);
    return memtable;
}

static void *skip_make(void)
{
    return make(&memtable_skip);
}

static void *append_make(void)
{
    return make(&memtable_bptree);
}

static bool shape_add(void *self, uint64_t sequence, struct strata_slice key,
                      struct strata_slice value)
{
    if (memtable_reserve(self, 1, key.size + value.size, NULL) < 0)
        return false;
    memtable_recycle(self); /* as nobody reads; of a skip list nothing */
    memtable_add(self, sequence, STRATA_OP_PUT, key, value);
    return true;
}

static bool shape_get(void *self, struct strata_slice key, struct strata_slice *value)
{
    return memtable_get(self, key, UINT64_MAX, value) != 0;
}

static bool shape_walk(void *self,
                       void (*each)(void *arg, struct strata_slice key, struct strata_slice value),
                       void *arg)
{
    struct cursor *cursor = memtable_cursor(self, UINT64_MAX);
    int rc;

    if (!cursor)
        return false;
    for (rc = cursor_first(cursor, NULL); rc == 0; rc = cursor_next(cursor, NULL))
        each(arg, cursor->iter.key, cursor->iter.value);
    cursor_free(cursor);
    return true;
}

static size_t shape_used(const void *self)
{
    return memtable_bytes(self);
}

static void shape_free(void *self)
{
    memtable_unref(self);
}

const struct shape shape_skip = {
    .name = "skip list",
    .about = "stage 4's: a node an entry, pointers to the next ones on each level",
    .make = skip_make,
    .add = shape_add,
    .get = shape_get,
    .walk = shape_walk,
    .bytes = shape_used,
    .free = shape_free,
};

const struct shape shape_append = {
    .name = "append leaves",
    .about = "stage 9's: a B+tree whose leaves are appended to, and sorted when they split",
    .make = append_make,
    .add = shape_add,
    .get = shape_get,
    .walk = shape_walk,
    .bytes = shape_used,
    .free = shape_free,
};
