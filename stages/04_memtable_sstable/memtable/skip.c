/* skip.c: a node in the arena, one piece:
 *
 *   +-----------+-----+---------+---------+----------+-------+-------+------+-----+-------+
 *   | next[h-1] | ... | next[1] | next[0] | sequence | ksize | vsize | type | key | value |
 *   +-----------+-----+---------+---------+----------+-------+-------+------+-----+-------+
 *                                         ^ the node's address
 *
 * The key is in the node, not behind a pointer: a step of a search waits for one cache line less.
 *
 * 4.I3: on every level the nodes are in order, and a level's nodes are all on the level below.
 * 4.I4: a node is complete before any pointer leads to it: pointers are stored with release and
 *       read with acquire, the lowest level first; so a reader on any level finds the level below.
 * 4.I6: of a key's versions, which are side by side, the newest first, a reader takes the first
 *       that is not newer than its own number. */
#include "skip.h"
#include "memtable.h"
#include "base/cost.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BRANCHING 3 /* one node in so many is a level higher */

/* Bytes before it: the pointers to the next nodes, level 0 nearest. */
struct skip_node {
    uint64_t sequence;   /* of the operation */
    uint32_t key_size;   /* bytes */
    uint32_t value_size; /* bytes */
    uint8_t type;        /* enum strata_op_type */
    uint8_t bytes[];     /* key, value */
};

typedef _Atomic(struct skip_node *) skip_link;

/* ---- Nodes --------------------------------------------------------------------------------- */

static skip_link *link_of(const struct skip_node *node, int level)
{
    return (skip_link *)(uintptr_t)node - 1 - level;
}

static struct skip_node *next_of(const struct skip_node *node, int level)
{
    return atomic_load_explicit(link_of(node, level), memory_order_acquire);
}

/* Who sees an older height begins lower: a level below has all that one above has (4.I3). */
static int height_of(const struct skip *skip)
{
    return atomic_load_explicit(&skip->height, memory_order_relaxed);
}

static size_t node_bytes(int height, size_t key_size, size_t value_size)
{
    size_t size = (size_t)height * sizeof(skip_link) + offsetof(struct skip_node, bytes);
    size += key_size + value_size;
    return (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

static struct skip_node *new_node(struct arena *arena, int height, struct strata_slice key,
                                  struct strata_slice value)
{
    skip_link *links = arena_take(arena, node_bytes(height, key.size, value.size));
    struct skip_node *node = (struct skip_node *)(links + height);

    assert(height >= 1 && height <= SKIP_HEIGHT);

    for (int i = 0; i < height; i++)
        atomic_init(links + i, NULL);
    node->key_size = (uint32_t)key.size;
    node->value_size = (uint32_t)value.size;
    if (key.size)
        memcpy(node->bytes, key.data, key.size);
    if (value.size)
        memcpy(node->bytes + key.size, value.data, value.size);
    return node;
}

static struct strata_slice key_of(const struct skip_node *node)
{
    return strata_bytes(node->bytes, node->key_size);
}

static struct strata_slice value_of(const struct skip_node *node)
{
    return strata_bytes(node->bytes + node->key_size, node->value_size);
}

static bool is_before(const struct skip_node *node, struct strata_slice key, uint64_t sequence)
{
    int order = strata_compare(key_of(node), key);
    return order ? order < 0 : node->sequence > sequence;
}

/* ---- Finding and adding -------------------------------------------------------------------- */

/* The last node before (key, sequence); with `path`, on every level. */
static struct skip_node *find(const struct skip *skip, struct strata_slice key, uint64_t sequence,
                              struct skip_node **path)
{
    struct skip_node *node = skip->first;
    const struct skip_node *behind = NULL; /* known not to be before it, from the level above */
    uint64_t steps = 0;

    for (int level = height_of(skip) - 1; level >= 0; level--) {
        struct skip_node *next = next_of(node, level);
        while (next && next != behind) {
            steps++;
            if (!is_before(next, key, sequence))
                break;
            node = next;
            next = next_of(node, level);
        }
        behind = next;
        if (path)
            path[level] = node;
    }
    cost_so_far.comparisons += steps;
    return node;
}

/* The first node at or behind (key, sequence): with the largest sequence number, the key's newest
 * version. */
static const struct skip_node *find_from(const struct skip *skip, struct strata_slice key,
                                         uint64_t sequence)
{
    const struct skip_node *node = next_of(find(skip, key, sequence, NULL), 0);

    while (node && is_before(node, key, sequence)) /* added since */
        node = next_of(node, 0);
    return node;
}

/* The last node before all versions of `key`. NULL: there is none. */
static const struct skip_node *find_before(const struct skip *skip, struct strata_slice key)
{
    const struct skip_node *node = find(skip, key, UINT64_MAX, NULL);
    return node == skip->first ? NULL : node;
}

static const struct skip_node *find_last(const struct skip *skip)
{
    const struct skip_node *node = skip->first, *next;

    for (int level = height_of(skip) - 1; level >= 0; level--)
        while ((next = next_of(node, level)) != NULL)
            node = next;
    return node == skip->first ? NULL : node;
}

static int skip_init(void *self, struct arena *arena, struct strata_error *err)
{
    struct skip *skip = self;
    int rc = arena_reserve(arena, node_bytes(SKIP_HEIGHT, 0, 0), err);

    if (rc < 0)
        return rc;
    *skip = (struct skip){.arena = arena, .height = 1, .prng = {1}};
    skip->first = new_node(arena, SKIP_HEIGHT, strata_bytes(NULL, 0), strata_bytes(NULL, 0));
    return 0;
}

/* What skip_add takes of the arena, at most. */
static size_t skip_room(const void *self, size_t operations, size_t bytes)
{
    size_t each = node_bytes(SKIP_HEIGHT, 0, 0) + ARENA_ALIGN;

    (void)self;
    return operations > (SIZE_MAX - bytes) / each ? SIZE_MAX : operations * each + bytes;
}

static int draw_height(struct prng *prng)
{
    int height = 1;
    while (height < SKIP_HEIGHT && (uint32_t)prng_next(prng) < UINT32_MAX / BRANCHING)
        height++;
    return height;
}

static void skip_add(void *self, uint64_t sequence, unsigned type, struct strata_slice key,
                     struct strata_slice value)
{
    struct skip *skip = self;
    int height = draw_height(&skip->prng);
    struct skip_node *node = new_node(skip->arena, height, key, value), *path[SKIP_HEIGHT];

    node->sequence = sequence;
    node->type = (uint8_t)type;
    for (int i = height_of(skip); i < height; i++)
        path[i] = skip->first;
    find(skip, key, sequence, path);
    if (height > height_of(skip))
        atomic_store_explicit(&skip->height, height, memory_order_relaxed);
    for (int i = 0; i < height; i++) { /* 4.I4 */
        struct skip_node *next = next_of(path[i], i);
        assert(!next || !is_before(next, key, sequence)); /* 4.I3 */
        atomic_store_explicit(link_of(node, i), next, memory_order_relaxed);
        atomic_store_explicit(link_of(path[i], i), node, memory_order_release);
    }
}

static bool has_key(const struct skip_node *node, struct strata_slice key)
{
    return node && strata_compare(key_of(node), key) == 0;
}

static unsigned skip_get(const void *self, struct strata_slice key, uint64_t sequence,
                         struct strata_slice *value)
{
    const struct skip_node *node = find_from(self, key, sequence); /* 4.I6 */

    if (!has_key(node, key))
        return 0;
    *value = value_of(node);
    return node->type;
}

/* ---- The cursor ---------------------------------------------------------------------------- */

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
    c->base.iter.key = key_of(node);
    c->base.iter.value = value_of(node);
    c->base.iter.has_value = true;
    c->base.sequence = node->sequence;
    c->base.type = node->type;
    return 0;
}

/* From a node on, the first that may be seen. */
static int arrive_visible(struct skip_cursor *c, const struct skip_node *node)
{
    while (node && node->sequence > c->sequence)
        node = next_of(node, 0);
    return arrive(c, node);
}

static int skip_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct skip_cursor *c = (struct skip_cursor *)iter;
    (void)err;
    return arrive_visible(c, find_from(c->skip, key, c->sequence));
}

static int skip_next(struct strata_iter *iter, struct strata_error *err)
{
    struct skip_cursor *c = (struct skip_cursor *)iter;
    const struct skip_node *node = next_of(c->node, 0);

    assert(c->node->sequence <= c->sequence); /* 4.I6 */
    (void)err;
    while (has_key(node, iter->key)) /* older versions */
        node = next_of(node, 0);
    return arrive_visible(c, node);
}

/* Going back, a key is met at its oldest version: whether one may be seen is asked from its newest
 * on. */
static int arrive_from_behind(struct skip_cursor *c, const struct skip_node *node)
{
    while (node && node->sequence > c->sequence)
        node = find_before(c->skip, key_of(node));
    return arrive(c, node ? find_from(c->skip, key_of(node), c->sequence) : NULL);
}

static int skip_prev(struct strata_iter *iter, struct strata_error *err)
{
    struct skip_cursor *c = (struct skip_cursor *)iter;
    (void)err;
    return arrive_from_behind(c, find_before(c->skip, iter->key));
}

static int skip_last(struct strata_iter *iter, struct strata_error *err)
{
    struct skip_cursor *c = (struct skip_cursor *)iter;
    (void)err;
    return arrive_from_behind(c, find_last(c->skip));
}

static void skip_cursor_free(struct strata_iter *iter)
{
    free(iter);
}

static struct cursor *skip_cursor(const void *self, uint64_t sequence)
{
    static const struct strata_iter_ops ops = {skip_seek, skip_last,        skip_next,
                                               skip_prev, cursor_has_value, skip_cursor_free};
    struct skip_cursor *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->base.iter.ops = &ops;
    c->skip = self;
    c->sequence = sequence;
    return &c->base;
}

/* Is every level in order, and on the level below it (4.I3)? */
static bool skip_check(const void *self)
{
    const struct skip *skip = self;
    bool good = true;

    for (int level = 0; good && level < height_of(skip); level++) {
        const struct skip_node *below = level ? next_of(skip->first, level - 1) : NULL, *next;
        for (const struct skip_node *n = next_of(skip->first, level); good && n; n = next) {
            next = next_of(n, level);
            good = !next || is_before(n, key_of(next), next->sequence);
            while (level && below && below != n)
                below = next_of(below, level - 1);
            good = good && (!level || below == n);
        }
    }
    return good;
}

const struct memtable_kind memtable_skip = {
    .self_bytes = sizeof(struct skip),
    .init = skip_init,
    .room = skip_room,
    .add = skip_add,
    .get = skip_get,
    .cursor = skip_cursor,
    .check = skip_check,
};
