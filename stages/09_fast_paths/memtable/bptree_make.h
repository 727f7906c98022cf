/* bptree_make.h: how nodes of bptree.h's tree are made: where their memory comes from, and their
 * common prefix. Each is complete before any reader sees it (9.I3). */
#ifndef STRATA_09_BPTREE_MAKE_H
#define STRATA_09_BPTREE_MAKE_H

#include "bptree_node.h"

#include <assert.h>

/* What an inner node is made of: one more than it can have. */
struct bptree_family {
    unsigned count; /* of fences */
    struct bptree_fence fences[BPTREE_FENCES + 1];
    struct bptree_node *children[BPTREE_FENCES + 2];
};

size_t bptree_room(const void *self, size_t operations, size_t bytes);
void bptree_recycle(void *self);
/* A leaf of `count` of the slots, in order, from `from` on, between two fences. Behind the last
 * fence it is the rightmost. */
struct bptree_leaf *bptree_make_leaf(struct bptree *tree, const struct bptree_slots *slots,
                                     unsigned from, unsigned count, const struct bptree_fence *low,
                                     const struct bptree_fence *high);
/* Of `count` fences from `from` on and the children around them. */
struct bptree_node *bptree_make_inner(struct bptree *tree, unsigned level,
                                      const struct bptree_family *family, unsigned from,
                                      unsigned count, const struct bptree_fence *low,
                                      const struct bptree_fence *high);
/* What `old` becomes when its child at `at` became two. */
void bptree_family_of(const struct bptree_inner *old, unsigned at, struct bptree_node *left,
                      struct bptree_fence fence, struct bptree_node *right,
                      struct bptree_family *f);
/* It has been replaced (9.I4). */
void bptree_replaced(struct bptree *tree, struct bptree_node *node);

/* The leaf has room for it. */
static inline void bptree_append(struct bptree_leaf *leaf, const struct bptree_entry *entry)
{
    unsigned count = atomic_load_explicit(&leaf->node.count, memory_order_relaxed);

    assert(count < BPTREE_LEAF);
    leaf->key_prefixes[count] = bptree_leaf_prefix(leaf, bptree_key(entry));
    leaf->entries[count] = entry;
    atomic_store_explicit(&leaf->node.count, count + 1, memory_order_release); /* 9.I3 */
}

#endif
