/* shape_append.c: stage 6's memtable. */
#include "09_fast_paths/memtable/bptree.h"
#include "shape.h"

#define BUDGET ((size_t)64 << 20)

static void *append_make(void)
{
    struct memtable *memtable;
    memtable_new(&memtable_bptree, NULL, BUDGET, &memtable, NULL);
    return memtable;
}

static bool append_add(void *self, uint64_t sequence, struct strata_slice key,
                       struct strata_slice value)
{
    if (memtable_reserve(self, 1, key.size + value.size, NULL) < 0)
        return false;
    memtable_recycle(self); /* as nobody reads */
    memtable_add(self, sequence, STRATA_OP_PUT, key, value);
    return true;
}

static bool append_get(void *self, struct strata_slice key, struct strata_slice *value)
{
    return memtable_get(self, key, UINT64_MAX, value) != 0;
}

static bool append_walk(void *self,
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

static size_t append_used(const void *self)
{
    return memtable_bytes(self);
}

static void append_free(void *self)
{
    memtable_unref(self);
}

const struct shape shape_append = {
    .name = "append leaves",
    .about = "stage 6's: a B+tree whose leaves are appended to, and sorted when they split",
    .make = append_make,
    .add = append_add,
    .get = append_get,
    .walk = append_walk,
    .bytes = append_used,
    .free = append_free,
};
