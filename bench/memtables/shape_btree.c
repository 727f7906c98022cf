/* shape_btree.c: a B+tree, the textbook's: sorted leaves, each linked to the next one.
 *
 *   inner   heads[0..count)   entries[0..count)   children[0..count)
 *   leaf    heads[0..count)   entries[0..count)                        next
 *
 * A node has FANOUT places. A child's entries are not before the entry beside it; the first child's
 * may be. Full nodes are split in half on the way down, so that a parent always has a place.
 *
 * An insertion moves up to FANOUT heads and pointers: so a reader needs a lock, or must notice that
 * it was disturbed. The skip list does not need that, and this comparison leaves it out. */
#include "base/arena.h"
#include "shape.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define FANOUT 64
#define CHUNK ((size_t)8 << 20)

struct node {
    uint32_t count;
    bool is_leaf;
    struct node *next; /* leaf: the one behind it, or NULL */
    struct head heads[FANOUT];
    const struct entry *entries[FANOUT];
    struct node *children[]; /* inner: FANOUT of them */
};

struct btree {
    struct arena arena; /* nodes and entries */
    struct node *root;
};

static struct node *new_node(struct btree *tree, bool is_leaf)
{
    size_t size = sizeof(struct node) + (is_leaf ? 0 : FANOUT * sizeof(struct node *));
    struct node *node;

    if (arena_reserve(&tree->arena, size, NULL) < 0)
        return NULL;
    node = arena_take(&tree->arena, size);
    node->count = 0;
    node->is_leaf = is_leaf;
    node->next = NULL;
    return node;
}

static void *btree_make(void)
{
    struct btree *tree = calloc(1, sizeof *tree);

    if (!tree)
        return NULL;
    tree->arena.chunk_bytes = CHUNK;
    tree->root = new_node(tree, true);
    if (!tree->root) {
        free(tree);
        return NULL;
    }
    return tree;
}

static void btree_free(void *self)
{
    struct btree *tree = self;
    arena_free(&tree->arena);
    free(tree);
}

/* The first place in [from, count) whose entry is not before (key, sequence). */
static uint32_t find(const struct node *node, uint32_t from, const struct head *head,
                     struct strata_slice key, uint64_t sequence)
{
    uint32_t size = node->count - from;

    while (size > 0) {
        uint32_t half = size / 2, middle = from + half;
        bool before =
            shape_before(&node->heads[middle], node->entries[middle], head, key, sequence);
        from = before ? middle + 1 : from;
        size = before ? size - half - 1 : half;
    }
    return from;
}

/* The child in which (key, sequence) is, if anywhere: the last one that does not begin behind it.
 */
static uint32_t find_child(const struct node *node, const struct head *head,
                           struct strata_slice key, uint64_t sequence)
{
    uint32_t at = find(node, 1, head, key, sequence);
    bool same = at < node->count && node->entries[at]->sequence == sequence &&
                strata_compare(shape_key(node->entries[at]), key) == 0;
    return same ? at : at - 1;
}

/* ---- Adding ---------------------------------------------------------------------------------- */

static void put_at(struct node *node, uint32_t at, const struct head *head,
                   const struct entry *entry, struct node *child)
{
    size_t behind = node->count - at;

    memmove(node->heads + at + 1, node->heads + at, behind * sizeof *node->heads);
    memmove(node->entries + at + 1, node->entries + at, behind * sizeof *node->entries);
    node->heads[at] = *head;
    node->entries[at] = entry;
    if (!node->is_leaf) {
        memmove(node->children + at + 1, node->children + at, behind * sizeof *node->children);
        node->children[at] = child;
    }
    node->count++;
}

/* The upper half of the child at `at`, which is full, becomes the next child. */
static bool split(struct btree *tree, struct node *parent, uint32_t at)
{
    struct node *left = parent->children[at], *right = new_node(tree, left->is_leaf);
    const uint32_t half = FANOUT / 2;

    if (!right)
        return false;
    right->count = left->count - half;
    memcpy(right->heads, left->heads + half, right->count * sizeof *right->heads);
    memcpy(right->entries, left->entries + half, right->count * sizeof *right->entries);
    if (!left->is_leaf)
        memcpy(right->children, left->children + half, right->count * sizeof *right->children);
    left->count = half;
    right->next = left->next;
    left->next = right;
    put_at(parent, at + 1, &right->heads[0], right->entries[0], right);
    return true;
}

static bool split_root(struct btree *tree)
{
    struct node *root = new_node(tree, false);

    if (!root)
        return false;
    put_at(root, 0, &tree->root->heads[0], tree->root->entries[0], tree->root);
    tree->root = root;
    return split(tree, root, 0);
}

static struct entry *new_entry(struct btree *tree, uint64_t sequence, struct strata_slice key,
                               struct strata_slice value)
{
    size_t size = offsetof(struct entry, bytes) + key.size + value.size;
    struct entry *entry;

    if (arena_reserve(&tree->arena, size + ARENA_ALIGN, NULL) < 0)
        return NULL;
    entry = arena_take(&tree->arena, size);
    entry->sequence = sequence;
    entry->key_size = (uint32_t)key.size;
    entry->value_size = (uint32_t)value.size;
    memcpy(entry->bytes, key.data, key.size);
    memcpy(entry->bytes + key.size, value.data, value.size);
    return entry;
}

static bool btree_add(void *self, uint64_t sequence, struct strata_slice key,
                      struct strata_slice value)
{
    struct btree *tree = self;
    struct head head = shape_head(key);
    struct entry *entry = new_entry(tree, sequence, key, value);
    struct node *node;

    if (!entry || (tree->root->count == FANOUT && !split_root(tree)))
        return false;
    node = tree->root;
    while (!node->is_leaf) {
        uint32_t at = find_child(node, &head, key, sequence);
        if (node->children[at]->count == FANOUT) {
            if (!split(tree, node, at))
                return false;
            at = find_child(node, &head, key, sequence);
        }
        node = node->children[at];
    }
    put_at(node, find(node, 0, &head, key, sequence), &head, entry, NULL);
    return true;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool btree_get(void *self, struct strata_slice key, struct strata_slice *value)
{
    const struct node *node = ((struct btree *)self)->root;
    struct head head = shape_head(key);
    uint32_t at;

    while (!node->is_leaf)
        node = node->children[find_child(node, &head, key, UINT64_MAX)];
    at = find(node, 0, &head, key, UINT64_MAX);
    if (at == node->count) {
        node = node->next;
        at = 0;
    }
    if (!node || at >= node->count || strata_compare(shape_key(node->entries[at]), key) != 0)
        return false;
    *value = shape_value(node->entries[at]);
    return true;
}

static bool btree_walk(void *self,
                       void (*each)(void *arg, struct strata_slice key, struct strata_slice value),
                       void *arg)
{
    const struct node *node = ((struct btree *)self)->root;

    while (!node->is_leaf)
        node = node->children[0];
    for (; node; node = node->next)
        for (uint32_t i = 0; i < node->count; i++)
            each(arg, shape_key(node->entries[i]), shape_value(node->entries[i]));
    return true;
}

static size_t btree_used(const void *self)
{
    return ((const struct btree *)self)->arena.used;
}

const struct shape shape_btree = {
    .name = "B+tree",
    .about = "sorted leaves of 64; an insertion moves the entries after it in its leaf",
    .make = btree_make,
    .add = btree_add,
    .get = btree_get,
    .walk = btree_walk,
    .bytes = btree_used,
    .free = btree_free,
};
