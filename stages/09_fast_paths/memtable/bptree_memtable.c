/* bptree_memtable.c: the calls of a memtable, for a bptree. */
#include "bptree.h"

static int init(void *self, struct arena *arena, struct strata_error *err)
{
    return bptree_init(self, arena, err);
}

static size_t room(const void *self, size_t operations, size_t bytes)
{
    return bptree_room(self, operations, bytes);
}

static void add(void *self, uint64_t sequence, unsigned type, struct strata_slice key,
                struct strata_slice value_of)
{
    bptree_add(self, key, sequence, type, value_of);
}

static unsigned get(const void *self, struct strata_slice key, uint64_t sequence,
                    struct strata_slice *found)
{
    const struct bptree_entry *entry = bptree_get(self, key, sequence);

    if (!entry)
        return 0;
    *found = bptree_value(entry);
    return entry->type;
}

static void recycle(void *self)
{
    bptree_recycle(self);
}

static struct cursor *cursor_of(const void *self, uint64_t sequence)
{
    return bptree_cursor(self, sequence);
}

static bool check(const void *self)
{
    return bptree_check(self);
}

const struct memtable_kind memtable_bptree = {
    .self_bytes = sizeof(struct bptree),
    .init = init,
    .room = room,
    .add = add,
    .get = get,
    .cursor = cursor_of,
    .recycle = recycle,
    .check = check,
};
