/* bptree_make.c: see bptree_make.h.
 *
 * The memory that n more entries need, beside the entries, is bounded by the nodes that are
 * made. A leaf made by a split is full after BPTREE_LEAF / 2 - 1 more entries, one opened at the
 * right end after BPTREE_LEAF - 1; with a wrong guess (9.I5) each is made once more: 4 for each
 * BPTREE_LEAF / 2 entries at most. And each leaf that there is may be full already. */
#include "bptree_make.h"
#include "strata_engine.h"

#define SLACK                                                                                      \
    4u /* bytes of a key prefix that neighbours may share before it is worth making it anew */

enum { LEAF, INNER };

/* ---- Memory ---------------------------------------------------------------------------------- */

size_t bptree_leaf_bytes(unsigned room)
{
    return sizeof(struct bptree_leaf) + room * (sizeof(uint64_t) + sizeof(struct bptree_entry *));
}

size_t bptree_room(const struct bptree *tree, size_t operations, size_t bytes)
{
    size_t each = sizeof(struct bptree_entry) + ARENA_ALIGN;
    size_t most = tree->leaves + operations / (BPTREE_LEAF / 8) + 4;
    size_t changes = operations < most ? operations : most;
    size_t splits = tree->inners + changes / (BPTREE_FENCES / 4) + 1, inners;

    if (bytes > SIZE_MAX / 4 ||
        operations > SIZE_MAX / 4 / (each + 2 * bptree_leaf_bytes(BPTREE_LEAF)))
        return SIZE_MAX;
    if (splits > changes * (tree->height + 1))
        splits = changes * (tree->height + 1);
    inners = changes + 2 * splits;
    return operations * each + bytes + changes * 2 * bptree_leaf_bytes(BPTREE_LEAF) +
           inners * sizeof(struct bptree_inner);
}

static void *take(struct bptree *tree, int kind, size_t size)
{
    struct bptree_node *node = tree->spare[kind];

    if (!node)
        return arena_take(tree->arena, size);
    tree->spare[kind] = node->next_free;
    return node;
}

void bptree_replaced(struct bptree *tree, struct bptree_node *node)
{
    *(node->level ? &tree->inners : &tree->leaves) -= 1;
    node->next_free = tree->replaced;
    tree->replaced = node;
}

void bptree_recycle(struct bptree *tree)
{
    struct bptree_node *node, *next;

    for (node = tree->replaced; node; node = next) {
        next = node->next_free;
        if (!node->level && node->room < BPTREE_LEAF)
            continue; /* two of the first leaf's */
        node->next_free = tree->spare[node->level > 0];
        tree->spare[node->level > 0] = node;
    }
    tree->replaced = NULL;
}

struct bptree_leaf *bptree_new_leaf(struct bptree *tree, unsigned room, struct bptree_prefix prefix)
{
    struct bptree_leaf *leaf = room == BPTREE_LEAF
                                   ? take(tree, LEAF, bptree_leaf_bytes(room))
                                   : arena_take(tree->arena, bptree_leaf_bytes(room));

    leaf->node = (struct bptree_node){.prefix = prefix, .room = (uint16_t)room};
    tree->leaves++;
    return leaf;
}

/* ---- Prefixes (9.I5) -------------------------------------------------------------- */

struct bptree_prefix bptree_guess(struct strata_slice key, size_t shared)
{
    size_t size = shared > 3 ? shared - 3 : 0;
    size_t most = key.size > 8 ? key.size - 8 : 0;

    size = size < most ? size : most;
    return (struct bptree_prefix){size ? key.data : NULL, (uint32_t)size};
}

static bool is_bounded(const struct bptree_fence *low, const struct bptree_fence *high)
{
    return low->entry && high->entry;
}

static struct bptree_prefix between(const struct bptree_fence *low, const struct bptree_fence *high)
{
    size_t shared = key_shared_size(bptree_key(low->entry), bptree_key(high->entry));
    return (struct bptree_prefix){NULL, (uint32_t)shared};
}

/* The key prefixes are worth keeping: not many bytes more are shared now. */
static bool is_near(const struct bptree_prefix *old, const struct bptree_prefix *now)
{
    return old->size <= now->size && now->size < old->size + SLACK;
}

/* ---- Leaves ---------------------------------------------------------------------------------- */

struct bptree_leaf *bptree_make_leaf(struct bptree *tree, unsigned room,
                                     const struct bptree_slots *slots, unsigned from,
                                     unsigned count, struct bptree_prefix old,
                                     const struct bptree_fence *low,
                                     const struct bptree_fence *high)
{
    struct strata_slice first = bptree_key(slots->entries[from]);
    struct strata_slice last = bptree_key(slots->entries[from + count - 1]);
    struct bptree_prefix prefix = is_bounded(low, high)
                                      ? between(low, high)
                                      : bptree_guess(first, key_shared_size(first, last));
    bool keep = is_near(&old, &prefix);
    struct bptree_leaf *leaf;

    if (keep)
        prefix = (struct bptree_prefix){prefix.bytes && old.size ? prefix.bytes : NULL, old.size};
    leaf = bptree_new_leaf(tree, room, prefix);
    for (unsigned i = 0; i < count; i++)
        leaf->key_prefixes[i] =
            keep ? slots->key_prefixes[from + i]
                 : key_prefix_of(bptree_key(slots->entries[from + i]), prefix.size);
    memcpy(bptree_entries(leaf), slots->entries + from, count * sizeof *slots->entries);
    atomic_init(&leaf->node.count, count);
    if (!high->entry)
        tree->rightmost = leaf;
    return leaf;
}

/* ---- Inner nodes ----------------------------------------------------------------------------- */

static struct bptree_prefix family_prefix(const struct bptree_fence *fences, unsigned count,
                                          const struct bptree_fence *low,
                                          const struct bptree_fence *high)
{
    struct strata_slice first = bptree_key(fences[0].entry);
    size_t shared;

    if (is_bounded(low, high))
        return between(low, high);
    shared = key_shared_size(first, bptree_key(fences[count - 1].entry));
    return (struct bptree_prefix){shared ? first.data : NULL, (uint32_t)shared};
}

struct bptree_node *bptree_make_inner(struct bptree *tree, unsigned level,
                                      const struct bptree_family *family, unsigned from,
                                      unsigned count, const struct bptree_fence *low,
                                      const struct bptree_fence *high)
{
    const struct bptree_fence *fences = family->fences + from;
    struct bptree_inner *inner = take(tree, INNER, sizeof *inner);
    struct bptree_prefix prefix = family_prefix(fences, count, low, high);

    inner->node = (struct bptree_node){.prefix = prefix, .level = (uint16_t)level, .count = count};
    memcpy(inner->fences, fences, count * sizeof *fences);
    for (unsigned i = 0; i < count; i++)
        inner->key_prefixes[i] = key_prefix_of(bptree_key(fences[i].entry), prefix.size);
    for (unsigned i = 0; i <= count; i++)
        atomic_init(&inner->children[i], family->children[from + i]);
    tree->inners++;
    return &inner->node;
}

void bptree_family_of(const struct bptree_inner *old, unsigned at, struct bptree_node *left,
                      struct bptree_fence fence, struct bptree_node *right, struct bptree_family *f)
{
    unsigned count = bptree_count(&old->node);

    f->count = count + 1;
    memcpy(f->fences, old->fences, at * sizeof fence);
    f->fences[at] = fence;
    memcpy(f->fences + at + 1, old->fences + at, (count - at) * sizeof fence);
    for (unsigned i = 0; i < at; i++)
        f->children[i] = bptree_at(old, i);
    f->children[at] = left;
    f->children[at + 1] = right;
    for (unsigned i = at + 1; i <= count; i++)
        f->children[i + 1] = bptree_at(old, i);
}
