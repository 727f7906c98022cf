/* memtable.c: a skip list, or what else keeps entries in order, in an arena of its own. See
 * memtable.h.
 *
 * I1: entries are added in the order of their sequence numbers, so all versions up to a number
 *     that a reader was told are there when it reads.
 * I2: of a key's versions, which stand side by side, the newest first, a reader takes the first
 *     that is not newer than its own number. */
#include "04_memtable_sstable/memtable/memtable.h"
#include "04_memtable_sstable/memtable/skip.h"

#include <stdlib.h>

#define CHUNK_LEAST ((size_t)16 << 10)

int memtable_new(const struct memtable_kind *kind, struct arena_source *source, size_t budget,
                 struct memtable **out, struct strata_error *err)
{
    struct memtable *memtable = calloc(1, sizeof *memtable + kind->self_bytes);
    int rc;

    *out = NULL;
    if (!memtable)
        return strata_fail_memory(err, sizeof *memtable);
    memtable->refs = 1;
    memtable->first = UINT64_MAX;
    memtable->kind = kind;
    memtable->self = memtable + 1;
    memtable->arena.source = source;
    memtable->arena.chunk_bytes = budget < MEMTABLE_CHUNK ? budget : MEMTABLE_CHUNK;
    if (budget < CHUNK_LEAST)
        memtable->arena.chunk_bytes = CHUNK_LEAST;
    rc = kind->init(memtable->self, &memtable->arena, err);
    if (rc < 0)
        free(memtable);
    else
        *out = memtable;
    return rc;
}

void memtable_ref(struct memtable *memtable)
{
    atomic_fetch_add_explicit(&memtable->refs, 1, memory_order_relaxed);
}

void memtable_unref(struct memtable *memtable)
{
    if (!memtable || atomic_fetch_sub_explicit(&memtable->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_free(&memtable->arena);
    free(memtable);
}

uint64_t memtable_count(const struct memtable *memtable)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)&memtable->count,
                                memory_order_relaxed);
}

size_t memtable_bytes(const struct memtable *memtable)
{
    return memtable->arena.used;
}

int memtable_reserve(struct memtable *memtable, size_t operations, size_t bytes,
                     struct strata_error *err)
{
    return arena_reserve(&memtable->arena, memtable->kind->room(memtable->self, operations, bytes),
                         err);
}

void memtable_add(struct memtable *memtable, uint64_t sequence, unsigned type,
                  struct strata_slice key, struct strata_slice value)
{
    memtable->kind->add(memtable->self, sequence, type, key, value);
    if (memtable->first > sequence)
        memtable->first = sequence;
    memtable->last = sequence;
    atomic_store_explicit(&memtable->count, memtable_count(memtable) + 1, memory_order_relaxed);
}

void memtable_recycle(struct memtable *memtable)
{
    if (memtable->kind->recycle)
        memtable->kind->recycle(memtable->self);
}

unsigned memtable_get(const struct memtable *memtable, struct strata_slice key, uint64_t sequence,
                      struct strata_slice *value)
{
    return memtable->kind->get(memtable->self, key, sequence, value);
}

struct cursor *memtable_cursor(const struct memtable *memtable, uint64_t sequence)
{
    return memtable->kind->cursor(memtable->self, sequence);
}

/* ---- A skip list as one ---------------------------------------------------------------- */

static int init(void *self, struct arena *arena, struct strata_error *err)
{
    return skip_init(self, arena, err);
}

static size_t room(const void *self, size_t operations, size_t bytes)
{
    size_t each = skip_bytes(0, 0) + ARENA_ALIGN;

    (void)self;
    return operations > (SIZE_MAX - bytes) / each ? SIZE_MAX : operations * each + bytes;
}

static void add(void *self, uint64_t sequence, unsigned type, struct strata_slice key,
                struct strata_slice value)
{
    skip_add(self, key, sequence, type, value);
}

static bool has_key(const struct skip_node *node, struct strata_slice key)
{
    return node && strata_compare(skip_key(node), key) == 0;
}

static unsigned get(const void *self, struct strata_slice key, uint64_t sequence,
                    struct strata_slice *value)
{
    const struct skip_node *node = skip_seek(self, key, sequence); /* I2 */

    if (!has_key(node, key))
        return 0;
    *value = skip_value(node);
    return node->type;
}

/* ---- The cursor ------------------------------------------------------------------------ */

struct memtable_cursor {
    struct cursor base;
    const struct skip *skip;
    const struct skip_node *node;
    uint64_t sequence; /* newer versions are not seen */
};

static int arrive(struct memtable_cursor *c, const struct skip_node *node)
{
    c->node = node;
    if (!node)
        return STRATA_NOT_FOUND;
    c->base.iter.key = skip_key(node);
    c->base.iter.value = skip_value(node);
    c->base.iter.has_value = true;
    c->base.sequence = node->sequence;
    c->base.type = node->type;
    return 0;
}

/* From a node on, the first that may be seen. */
static int arrive_visible(struct memtable_cursor *c, const struct skip_node *node)
{
    while (node && node->sequence > c->sequence)
        node = skip_next(node);
    return arrive(c, node);
}

static int memtable_seek(struct strata_iter *iter, struct strata_slice key,
                         struct strata_error *err)
{
    struct memtable_cursor *c = (struct memtable_cursor *)iter;
    (void)err;
    return arrive_visible(c, skip_seek(c->skip, key, c->sequence));
}

static int memtable_next(struct strata_iter *iter, struct strata_error *err)
{
    struct memtable_cursor *c = (struct memtable_cursor *)iter;
    const struct skip_node *node = skip_next(c->node);

    (void)err;
    while (has_key(node, iter->key)) /* older versions */
        node = skip_next(node);
    return arrive_visible(c, node);
}

/* Going back, a key is met at its oldest version: whether one may be seen is asked from its
 * newest on. */
static int arrive_from_behind(struct memtable_cursor *c, const struct skip_node *node)
{
    while (node && node->sequence > c->sequence)
        node = skip_before(c->skip, skip_key(node), UINT64_MAX);
    return arrive(c, node ? skip_seek(c->skip, skip_key(node), c->sequence) : NULL);
}

static int memtable_prev(struct strata_iter *iter, struct strata_error *err)
{
    struct memtable_cursor *c = (struct memtable_cursor *)iter;
    (void)err;
    return arrive_from_behind(c, skip_before(c->skip, iter->key, UINT64_MAX));
}

static int memtable_last(struct strata_iter *iter, struct strata_error *err)
{
    struct memtable_cursor *c = (struct memtable_cursor *)iter;
    (void)err;
    return arrive_from_behind(c, skip_last(c->skip));
}

/* After a user's iterator has dropped it. */
static int memtable_value(struct strata_iter *iter, struct strata_error *err)
{
    (void)err;
    iter->has_value = true;
    return 0;
}

static void memtable_cursor_free(struct strata_iter *iter)
{
    free(iter);
}

static struct cursor *cursor_of(const void *self, uint64_t sequence)
{
    static const struct strata_iter_ops ops = {memtable_seek, memtable_last,  memtable_next,
                                               memtable_prev, memtable_value, memtable_cursor_free};
    struct memtable_cursor *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->base.iter.ops = &ops;
    c->skip = self;
    c->sequence = sequence;
    return &c->base;
}

const struct memtable_kind memtable_skip = {
    .self_bytes = sizeof(struct skip),
    .init = init,
    .room = room,
    .add = add,
    .get = get,
    .cursor = cursor_of,
};
