/* bptree_make.c: see bptree_make.h.
 *
 * The memory that n more entries need, beside the entries, is bounded by the nodes that are
 * made. A leaf made by a split is full after BPTREE_LEAF / 2 - 1 more entries, the one at the right
 * end after BPTREE_LEAF - 1, and what it leaves behind is full: fewer than 4 splits for each
 * BPTREE_LEAF / 2 entries. And each leaf that there is may be full already. */
#include "bptree_make.h"
#include "strata_engine.h"

#define SLACK 4u /* bytes more that keys may share before their key prefixes are made anew */

enum { LEAF, INNER };

/* ---- Memory ---------------------------------------------------------------------------------- */

size_t bptree_room(const void *self, size_t operations, size_t bytes)
{
    const struct bptree *tree = self;
    size_t each = sizeof(struct bptree_entry) + ARENA_ALIGN;
    size_t most = tree->leaves + operations / (BPTREE_LEAF / 8) + 4;
    size_t changes = operations < most ? operations : most;
    size_t splits = tree->inners + changes / (BPTREE_FENCES / 4) + 1, inners;

    if (bytes > SIZE_MAX / 4 || operations > SIZE_MAX / 4 / (each + 2 * sizeof(struct bptree_leaf)))
        return SIZE_MAX;
    if (splits > changes * (tree->height + 1))
        splits = changes * (tree->height + 1);
    inners = changes + 2 * splits;
    return operations * each + bytes + changes * 2 * sizeof(struct bptree_leaf) +
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
    assert(node->level ? tree->inners : tree->leaves);
    *(node->level ? &tree->inners : &tree->leaves) -= 1;
    node->next_free = tree->replaced;
    tree->replaced = node;
}

void bptree_recycle(void *self)
{
    struct bptree *tree = self;
    struct bptree_node *node;

    while ((node = tree->waiting)) {
        struct bptree_node **list = &tree->spare[node->level ? INNER : LEAF];
        tree->waiting = node->next_free;
        node->next_free = *list;
        *list = node;
    }
    tree->waiting = tree->replaced;
    tree->replaced = NULL;
}

/* ---- Leaves ---------------------------------------------------------------------------------- */

static bool is_bounded(const struct bptree_fence *low, const struct bptree_fence *high)
{
    return low->entry && high->entry;
}

static struct bptree_prefix between(const struct bptree_fence *low, const struct bptree_fence *high)
{
    size_t shared = key_shared_size(bptree_key(low->entry), bptree_key(high->entry));
    return (struct bptree_prefix){NULL, (uint32_t)shared};
}

struct bptree_leaf *bptree_make_leaf(struct bptree *tree, const struct bptree_slots *slots,
                                     unsigned from, unsigned count, const struct bptree_fence *low,
                                     const struct bptree_fence *high)
{
    struct bptree_leaf *leaf = take(tree, LEAF, sizeof *leaf);
    struct bptree_prefix prefix = {NULL, BPTREE_UNKNOWN};

    assert(count && count <= BPTREE_LEAF && from + count <= slots->count);
    if (is_bounded(low, high))
        prefix = between(low, high);
    if (slots->prefix <= prefix.size && prefix.size < slots->prefix + SLACK)
        prefix.size = slots->prefix;
    leaf->node = (struct bptree_node){.prefix = prefix, .count = count};
    for (unsigned i = 0; i < count; i++)
        leaf->key_prefixes[i] =
            prefix.size == slots->prefix
                ? slots->key_prefixes[from + i]
                : bptree_leaf_prefix(leaf, bptree_key(slots->entries[from + i]));
    memcpy(leaf->entries, slots->entries + from, count * sizeof *slots->entries);
    if (!high->entry)
        tree->rightmost = leaf;
    tree->leaves++;
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

    assert(count && count <= BPTREE_FENCES && from + count <= family->count);

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

    assert(at <= count && count <= BPTREE_FENCES);
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
