/* bptree_check.c: the invariants of the tree, for tests: 9.I1 to 9.I5. It costs O(entries). */
#include "bptree_node.h"

struct check {
    const struct bptree *tree;
    size_t leaves, inners;
    const struct bptree_entry *largest;
};

static bool is_after(const struct bptree_entry *a, const struct bptree_entry *b)
{
    int order = b ? strata_compare(bptree_key(a), bptree_key(b)) : 1;
    return order ? order > 0 : a->sequence < b->sequence;
}

/* low <= entry < high, and it has the node's prefix. */
static bool belongs(const struct bptree_leaf *leaf, const struct bptree_entry *entry,
                    uint64_t key_prefix, const struct bptree_fence *low,
                    const struct bptree_fence *high)
{
    struct bptree_target target = {.key = bptree_key(entry), .sequence = entry->sequence};

    if ((low && bptree_before(&target, low)) || (high && !bptree_before(&target, high)))
        return false;
    return key_prefix == bptree_leaf_prefix(leaf, target.key);
}

static bool check_leaf(struct check *c, const struct bptree_leaf *leaf,
                       const struct bptree_fence *low, const struct bptree_fence *high)
{
    unsigned count = bptree_count(&leaf->node);
    bool sound = count <= BPTREE_LEAF && (!high) == (leaf == c->tree->rightmost);

    for (unsigned i = 0; sound && i < count; i++) {
        const struct bptree_entry *entry = leaf->entries[i];
        sound = belongs(leaf, entry, leaf->key_prefixes[i], low, high);
        if (is_after(entry, c->largest))
            c->largest = entry;
    }
    c->leaves++;
    return sound;
}

static bool check_node(struct check *c, const struct bptree_node *node, unsigned level,
                       const struct bptree_fence *low, const struct bptree_fence *high)
{
    const struct bptree_inner *inner = (const struct bptree_inner *)node;
    unsigned count = bptree_count(node);
    bool sound = node->level == level && (level || count <= BPTREE_LEAF);

    if (!level)
        return sound && check_leaf(c, (const struct bptree_leaf *)node, low, high);
    sound &= count > 0 && count <= BPTREE_FENCES;
    c->inners++;
    for (unsigned i = 0; sound && i <= count; i++) {
        const struct bptree_fence *end = i < count ? &inner->fences[i] : high;
        sound = check_node(c, bptree_at(inner, i), level - 1, i ? &inner->fences[i - 1] : low, end);
        if (sound && i < count)
            sound = inner->key_prefixes[i] ==
                    key_prefix_of(bptree_key(inner->fences[i].entry), node->prefix.size);
    }
    return sound;
}

bool bptree_check(const void *self)
{
    const struct bptree *tree = self;
    struct check c = {.tree = tree};

    return check_node(&c, bptree_root(tree), tree->height, NULL, NULL) &&
           c.leaves == tree->leaves && c.inners == tree->inners && c.largest == tree->largest;
}
