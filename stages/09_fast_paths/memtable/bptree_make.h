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

size_t bptree_leaf_bytes(unsigned room);
/* An empty one. */
struct bptree_leaf *bptree_new_leaf(struct bptree *tree, unsigned room,
                                    struct bptree_prefix prefix);
/* A leaf of `count` of the slots, in order, from `from` on, between two fences; `old` is the prefix
 * of their key_prefixes. Behind the last fence it is the rightmost. */
struct bptree_leaf *bptree_make_leaf(struct bptree *tree, unsigned room,
                                     const struct bptree_slots *slots, unsigned from,
                                     unsigned count, struct bptree_prefix old,
                                     const struct bptree_fence *low,
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

/* Of keys like this one that have so many bytes in common: fewer, as the next ones may have; and a
 * key prefix as long as the key has bytes for it. */
struct bptree_prefix bptree_guess(struct strata_slice key, size_t shared);

static inline bool bptree_has_prefix(const struct bptree_node *node, struct strata_slice key)
{
    return !node->prefix.bytes || bptree_beside(&node->prefix, key) == 0;
}

/* The leaf has room for it, and it has the prefix. */
static inline void bptree_append(struct bptree_leaf *leaf, const struct bptree_entry *entry)
{
    unsigned count = atomic_load_explicit(&leaf->node.count, memory_order_relaxed);

    assert(count < leaf->node.room && bptree_has_prefix(&leaf->node, bptree_key(entry)));
    leaf->key_prefixes[count] = key_prefix_of(bptree_key(entry), leaf->node.prefix.size);
    bptree_entries(leaf)[count] = entry;
    atomic_store_explicit(&leaf->node.count, count + 1, memory_order_release); /* 9.I3 */
}

#endif
