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
 */
#include "skip.h"
#include "strata_engine.h"
#include "base/cost.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#define BRANCHING 3 /* one node in so many is a level higher */

typedef _Atomic(struct skip_node *) skip_link;

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

size_t skip_bytes(size_t key_size, size_t value_size)
{
    return node_bytes(SKIP_HEIGHT, key_size, value_size);
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

struct strata_slice skip_key(const struct skip_node *node)
{
    return strata_bytes(node->bytes, node->key_size);
}

struct strata_slice skip_value(const struct skip_node *node)
{
    return strata_bytes(node->bytes + node->key_size, node->value_size);
}

static bool is_before(const struct skip_node *node, struct strata_slice key, uint64_t sequence)
{
    int order = strata_compare(skip_key(node), key);
    return order ? order < 0 : node->sequence > sequence;
}

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

const struct skip_node *skip_before(const struct skip *skip, struct strata_slice key,
                                    uint64_t sequence)
{
    const struct skip_node *node = find(skip, key, sequence, NULL);
    return node == skip->first ? NULL : node;
}

const struct skip_node *skip_seek(const struct skip *skip, struct strata_slice key,
                                  uint64_t sequence)
{
    struct skip_node *next = next_of(find(skip, key, sequence, NULL), 0);

    while (next && is_before(next, key, sequence)) /* added since */
        next = next_of(next, 0);
    return next;
}

const struct skip_node *skip_last(const struct skip *skip)
{
    const struct skip_node *node = skip->first, *next;

    for (int level = height_of(skip) - 1; level >= 0; level--)
        while ((next = next_of(node, level)) != NULL)
            node = next;
    return node == skip->first ? NULL : node;
}

const struct skip_node *skip_next(const struct skip_node *node)
{
    return next_of(node, 0);
}

int skip_init(void *self, struct arena *arena, struct strata_error *err)
{
    struct skip *skip = self;
    int rc = arena_reserve(arena, skip_bytes(0, 0), err);

    if (rc < 0)
        return rc;
    *skip = (struct skip){.arena = arena, .height = 1, .prng = {1}};
    skip->first = new_node(arena, SKIP_HEIGHT, strata_bytes(NULL, 0), strata_bytes(NULL, 0));
    return 0;
}

static int draw_height(struct prng *prng)
{
    int height = 1;
    while (height < SKIP_HEIGHT && (uint32_t)prng_next(prng) < UINT32_MAX / BRANCHING)
        height++;
    return height;
}

void skip_add(void *self, uint64_t sequence, unsigned type, struct strata_slice key,
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

bool skip_check(const void *self)
{
    const struct skip *skip = self;
    bool good = true;

    for (int level = 0; good && level < height_of(skip); level++) {
        const struct skip_node *below = level ? next_of(skip->first, level - 1) : NULL, *next;
        for (const struct skip_node *n = next_of(skip->first, level); good && n; n = next) {
            next = next_of(n, level);
            good = !next || is_before(n, skip_key(next), next->sequence);
            while (level && below && below != n)
                below = next_of(below, level - 1);
            good = good && (!level || below == n);
        }
    }
    return good;
}
