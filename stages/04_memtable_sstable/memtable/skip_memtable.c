/* skip_memtable.c: a skip list as a memtable.
 *
 * 4.I6: of a key's versions, which are side by side, the newest first, a reader takes the first
 *       that is not newer than its own number. */
#include "memtable.h"
#include "skip.h"

#include <assert.h>
#include <stdlib.h>

static size_t room(const void *self, size_t operations, size_t bytes)
{
    size_t each = skip_bytes(0, 0) + ARENA_ALIGN;

    (void)self;
    return operations > (SIZE_MAX - bytes) / each ? SIZE_MAX : operations * each + bytes;
}

static bool has_key(const struct skip_node *node, struct strata_slice key)
{
    return node && strata_compare(skip_key(node), key) == 0;
}

static unsigned get(const void *self, struct strata_slice key, uint64_t sequence,
                    struct strata_slice *value)
{
    const struct skip_node *node = skip_seek(self, key, sequence); /* 4.I6 */

    if (!has_key(node, key))
        return 0;
    *value = skip_value(node);
    return node->type;
}

struct skip_cursor {
    struct cursor base;
    const struct skip *skip;
    const struct skip_node *node;
    uint64_t sequence; /* newer versions are not seen */
};

static int arrive(struct skip_cursor *c, const struct skip_node *node)
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
static int arrive_visible(struct skip_cursor *c, const struct skip_node *node)
{
    while (node && node->sequence > c->sequence)
        node = skip_next(node);
    return arrive(c, node);
}

static int seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct skip_cursor *c = (struct skip_cursor *)iter;
    (void)err;
    return arrive_visible(c, skip_seek(c->skip, key, c->sequence));
}

static int next(struct strata_iter *iter, struct strata_error *err)
{
    struct skip_cursor *c = (struct skip_cursor *)iter;
    const struct skip_node *node = skip_next(c->node);

    assert(c->node->sequence <= c->sequence); /* 4.I6 */
    (void)err;
    while (has_key(node, iter->key)) /* older versions */
        node = skip_next(node);
    return arrive_visible(c, node);
}

/* Going back, a key is met at its oldest version: whether one may be seen is asked from its newest
 * on. */
static int arrive_from_behind(struct skip_cursor *c, const struct skip_node *node)
{
    while (node && node->sequence > c->sequence)
        node = skip_before(c->skip, skip_key(node), UINT64_MAX);
    return arrive(c, node ? skip_seek(c->skip, skip_key(node), c->sequence) : NULL);
}

static int prev(struct strata_iter *iter, struct strata_error *err)
{
    struct skip_cursor *c = (struct skip_cursor *)iter;
    (void)err;
    return arrive_from_behind(c, skip_before(c->skip, iter->key, UINT64_MAX));
}

static int last(struct strata_iter *iter, struct strata_error *err)
{
    struct skip_cursor *c = (struct skip_cursor *)iter;
    (void)err;
    return arrive_from_behind(c, skip_last(c->skip));
}

static void free_cursor(struct strata_iter *iter)
{
    free(iter);
}

static struct cursor *cursor(const void *self, uint64_t sequence)
{
    static const struct strata_iter_ops ops = {seek,       last, next, prev, cursor_has_value,
                                               free_cursor};
    struct skip_cursor *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->base.iter.ops = &ops;
    c->skip = self;
    c->sequence = sequence;
    return &c->base;
}

const struct memtable_kind memtable_skip = {
    .self_bytes = sizeof(struct skip),
    .init = skip_init,
    .room = room,
    .add = skip_add,
    .get = get,
    .cursor = cursor,
    .check = skip_check,
};
