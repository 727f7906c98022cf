/* shape_skip.c: stage 4's own memtable. */
#include "04_memtable_sstable/memtable/memtable.h"
#include "04_memtable_sstable/memtable/skip.h"
#include "shape.h"

#define BUDGET ((size_t)64 << 20)

static void *skip_make(void)
{
    struct memtable *memtable;
    memtable_new(&memtable_skip, NULL, BUDGET, &memtable, NULL);
    return memtable;
}

static bool skip_add_one(void *self, uint64_t sequence, struct strata_slice key,
                         struct strata_slice value)
{
    if (memtable_reserve(self, 1, key.size + value.size, NULL) < 0)
        return false;
    memtable_add(self, sequence, STRATA_OP_PUT, key, value);
    return true;
}

static bool skip_get(void *self, struct strata_slice key, struct strata_slice *value)
{
    return memtable_get(self, key, UINT64_MAX, value) != 0;
}

static bool skip_walk(void *self,
                      void (*each)(void *arg, struct strata_slice key, struct strata_slice value),
                      void *arg)
{
    const struct skip_node *node =
        skip_seek(((struct memtable *)self)->self, strata_bytes(NULL, 0), UINT64_MAX);

    for (; node; node = skip_next(node))
        each(arg, skip_key(node), skip_value(node));
    return true;
}

static size_t skip_used(const void *self)
{
    return memtable_bytes(self);
}

static void skip_free(void *self)
{
    memtable_unref(self);
}

const struct shape shape_skip = {
    .name = "skip list",
    .about = "stage 4's: a node an entry, pointers to the next ones on each level",
    .make = skip_make,
    .add = skip_add_one,
    .get = skip_get,
    .walk = skip_walk,
    .bytes = skip_used,
    .free = skip_free,
};
