/* bptree_node.h: the nodes of bptree.h's tree, and how a key is looked for in one.
 *
 *   inner    key prefixes [ p0   p1   p2 ]       fence i: where the entries of child i + 1 begin
 *            fences       [ f0   f1   f2 ]
 *            children   [ c0   c1   c2   c3 ]
 *
 *   leaf     key prefixes [ p p p p p . . . ]    in the order in which the entries were added;
 *            entries      [ e e e e e . . . ]    `count` of them
 *
 * Key prefixes (key_prefix.h) skip a common prefix that all keys below the node have: the first
 * bytes of neighbours are alike.
 *
 * 9.I1:  an inner node does not change, except for its children: each is the node that holds what
 *        is between its fences.
 * 9.I2:  entries of a leaf do not change; entries are added after them. */
#ifndef STRATA_09_BPTREE_NODE_H
#define STRATA_09_BPTREE_NODE_H

#include "09_fast_paths/block/key_prefix.h"
#include "bptree.h"
#include "base/cost.h"

#include <string.h>

#define BPTREE_LEAF 64   /* entries of a leaf at most */
#define BPTREE_FENCES 32 /* of an inner node at most */

/* A place between entries: before (key of `entry`, sequence). Before all versions of the key with
 * BPTREE_ALL. Without an entry: the end of all, on either side. */
struct bptree_fence {
    const struct bptree_entry *entry;
    uint64_t sequence;
};

#define BPTREE_ALL UINT64_MAX

struct bptree_prefix {
    const uint8_t *bytes; /* NULL: what is looked for here has it, by the fences on both sides */
    uint32_t size;        /* bytes */
};

struct bptree_node {
    struct bptree_prefix prefix;
    unsigned level;         /* 0: a leaf */
    _Atomic uint32_t count; /* of a leaf: entries; of an inner node: fences */
    struct bptree_node *next_free;
};

struct bptree_leaf {
    struct bptree_node node;
    uint64_t key_prefixes[BPTREE_LEAF];
    const struct bptree_entry *entries[BPTREE_LEAF];
};

struct bptree_inner {
    struct bptree_node node;
    uint64_t key_prefixes[BPTREE_FENCES];
    struct bptree_fence fences[BPTREE_FENCES];
    _Atomic(struct bptree_node *) children[BPTREE_FENCES + 1];
};

/* The prefix size of a leaf at an end of the tree, of whose keys nothing is known: their last 8
 * bytes are kept, which say whether a key may be the one that is looked for, and not in what order.
 */
#define BPTREE_UNKNOWN UINT32_MAX

static inline uint64_t bptree_leaf_prefix(const struct bptree_leaf *leaf, struct strata_slice key)
{
    if (leaf->node.prefix.size != BPTREE_UNKNOWN)
        return key_prefix_of(key, leaf->node.prefix.size);
    return key_prefix_of(key, key.size > 8 ? key.size - 8 : 0);
}

/* What is looked for: the place before (key, sequence). */
struct bptree_target {
    struct strata_slice key;
    uint64_t sequence;
    bool left; /* where that is a fence: the node that ends there, not the one that begins */
};

/* Entries that are being sorted: one more than a leaf has. */
struct bptree_slots {
    unsigned count;
    uint32_t prefix; /* bytes that all keys share and their key prefixes skip; or as a leaf's */
    uint64_t key_prefixes[BPTREE_LEAF + 1];
    const struct bptree_entry *entries[BPTREE_LEAF + 1];
};

static inline unsigned bptree_count(const struct bptree_node *node)
{
    return atomic_load_explicit(&node->count, memory_order_acquire);
}

/* Is the target before the fence? */
bool bptree_before(const struct bptree_target *target, const struct bptree_fence *fence);
/* Which child to look in: the number of fences that are not behind the target. */
unsigned bptree_child(const struct bptree_inner *inner, const struct bptree_target *target);
/* What is in the leaf, unsorted. */
void bptree_gather(const struct bptree_leaf *leaf, struct bptree_slots *slots);
/* Into order. */
void bptree_sort(struct bptree_slots *slots);

static inline struct bptree_node *bptree_root(const struct bptree *tree)
{
    return atomic_load_explicit(&((struct bptree *)(uintptr_t)tree)->root, memory_order_acquire);
}

static inline struct bptree_node *bptree_at(const struct bptree_inner *inner, unsigned at)
{
    return atomic_load_explicit((_Atomic(struct bptree_node *) *)(uintptr_t)&inner->children[at],
                                memory_order_acquire);
}

/* The leaf for the target. *low and *high, unless NULL, become its fences, or stay what they are.
 */
static inline struct bptree_leaf *bptree_find(const struct bptree *tree,
                                              const struct bptree_target *target,
                                              const struct bptree_fence **low,
                                              const struct bptree_fence **high)
{
    struct bptree_node *node = bptree_root(tree);

    while (node->level) {
        const struct bptree_inner *inner = (const struct bptree_inner *)node;
        unsigned at = bptree_child(inner, target);
        if (low && at)
            *low = &inner->fences[at - 1];
        if (high && at < bptree_count(node))
            *high = &inner->fences[at];
        node = bptree_at(inner, at);
    }
    return (struct bptree_leaf *)node;
}

#endif
