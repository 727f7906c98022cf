/* bptree.c: adding. Most entries are appended to their leaf:
 *
 *        [ root ]                    the leaf     | d | a | f | . |        count 3
 *        /   |   \                   + entry b    | d | a | f | b |        count 4: readers see it
 *     [ ]   [ ]   [ ]
 *     /|\   /|\   /|\
 *    leaves, unsorted                a full leaf becomes two: | a | b | . | . |  | d | f | . | . |
 *
 * A full leaf is sorted and split; its parent (9.I1) is copied with one more fence, and one
 * pointer, to the copy, is stored. A full parent is split likewise, and so on up to the root.
 *
 * 9.I3:  a node is complete before the pointer to it is stored (release), and an entry before the
 *       count.
 * 9.I4:  a replaced node stays as it is for readers that are in it: it holds all that was added
 *       before it was replaced, and readers that began before may see no more. It is reused only
 *       after two calls of bptree_recycle: readers that began before the first one have ended by
 *       the second, and who began later cannot have come to it.
 * 9.I5:  all keys in a node have its common prefix, which is what the two fences share that bound
 *        the node, or less. At either end of the tree nothing is known of a leaf's keys
 *        (BPTREE_UNKNOWN), and an inner node has the prefix of its own fences (`bytes` is set): a
 *        key without it goes to the first child or the last. */
#include "bptree_make.h"
#include "strata_engine.h"

#include <assert.h>

#define LEVELS_MOST 16 /* of inner nodes: 16 children each are 2^64 leaves */

/* An inner node on the way to a leaf, the child that the way goes on in, and its fences. */
struct step {
    struct bptree_inner *inner;
    unsigned at;
    struct bptree_fence low, high;
};

struct path {
    struct step steps[LEVELS_MOST];
    unsigned depth;
    struct bptree_leaf *leaf;
    struct bptree_fence low, high; /* of the leaf */
};

/* ---- Changes --------------------------------------------------------------------------------- */

static struct path path_to(const struct bptree *tree, const struct bptree_target *target)
{
    struct path path = {.depth = 0};
    struct bptree_node *node = bptree_root(tree);

    while (node->level) {
        struct step *step = &path.steps[path.depth++];
        assert(path.depth < LEVELS_MOST);
        *step = (struct step){(struct bptree_inner *)node, 0, path.low, path.high};
        step->at = bptree_child(step->inner, target);
        if (step->at)
            path.low = step->inner->fences[step->at - 1];
        if (step->at < bptree_count(node))
            path.high = step->inner->fences[step->at];
        node = bptree_at(step->inner, step->at);
    }
    path.leaf = (struct bptree_leaf *)node;
    return path;
}

/* What the way of `depth` steps leads to is `node` now (9.I3). */
static void put(struct bptree *tree, struct path *path, unsigned depth, struct bptree_node *node)
{
    struct step *step = path->steps + depth - 1;

    atomic_store_explicit(depth ? &step->inner->children[step->at] : &tree->root, node,
                          memory_order_release);
}

/* At the right end, where entries come in order, the left node is left full. */
static unsigned middle_of(const struct bptree_family *family, unsigned at)
{
    return at + 1 == family->count ? at - 1 : family->count / 2;
}

/* What the way of `depth` steps leads to became two. */
static void put_two(struct bptree *tree, struct path *path, unsigned depth,
                    struct bptree_node *left, struct bptree_fence fence, struct bptree_node *right)
{
    struct bptree_family family;

    assert(depth <= tree->height);
    for (; depth; depth--) {
        const struct step *step = &path->steps[depth - 1];
        struct bptree_inner *old = step->inner;
        unsigned level = old->node.level, middle;

        bptree_family_of(old, step->at, left, fence, right, &family);
        bptree_replaced(tree, &old->node);
        if (family.count <= BPTREE_FENCES) {
            put(tree, path, depth - 1,
                bptree_make_inner(tree, level, &family, 0, family.count, &step->low, &step->high));
            return;
        }
        middle = middle_of(&family, step->at);
        fence = family.fences[middle];
        left = bptree_make_inner(tree, level, &family, 0, middle, &step->low, &fence);
        right = bptree_make_inner(tree, level, &family, middle + 1, family.count - middle - 1,
                                  &fence, &step->high);
    }
    family = (struct bptree_family){.count = 1, .fences = {fence}, .children = {left, right}};
    tree->height++;
    put(tree, path, 0,
        bptree_make_inner(tree, tree->height, &family, 0, 1, &(struct bptree_fence){0},
                          &(struct bptree_fence){0}));
}

/* Between two neighbours; only between versions of one key the sequence number matters. */
static struct bptree_fence fence_between(const struct bptree_entry *a, const struct bptree_entry *b)
{
    bool same = strata_compare(bptree_key(a), bptree_key(b)) == 0;

    assert(!same || a->sequence > b->sequence);
    return (struct bptree_fence){b, same ? b->sequence : BPTREE_ALL};
}

/* A full leaf, and an entry more, become two. At the right end, where entries come in order, the
 * left one is left full. */
static void split_leaf(struct bptree *tree, const struct bptree_target *target,
                       const struct bptree_entry *entry)
{
    struct path path = path_to(tree, target);
    struct bptree_leaf *old = path.leaf, *left, *right;
    struct bptree_slots slots;
    struct bptree_fence fence;
    unsigned middle;

    assert(bptree_count(&old->node) == BPTREE_LEAF);
    bptree_gather(old, &slots);
    slots.entries[slots.count] = entry;
    slots.key_prefixes[slots.count++] = bptree_leaf_prefix(old, target->key);
    bptree_sort(&slots);
    middle = entry == tree->largest ? slots.count - 1 : slots.count / 2;
    assert(middle > 0 && middle < slots.count);
    fence = fence_between(slots.entries[middle - 1], slots.entries[middle]);
    left = bptree_make_leaf(tree, &slots, 0, middle, &path.low, &fence);
    right = bptree_make_leaf(tree, &slots, middle, slots.count - middle, &fence, &path.high);
    put_two(tree, &path, path.depth, &left->node, fence, &right->node);
    bptree_replaced(tree, &old->node);
}

/* ---- Adding ---------------------------------------------------------------------------------- */

static struct bptree_entry *new_entry(struct bptree *tree, struct strata_slice key,
                                      uint64_t sequence, unsigned type, struct strata_slice value)
{
    struct bptree_entry *entry =
        arena_take(tree->arena, offsetof(struct bptree_entry, bytes) + key.size + value.size);

    assert(key.size <= STRATA_MAX_KEY && value.size <= STRATA_MAX_VALUE);
    entry->sequence = sequence;
    entry->value_size = (uint32_t)value.size;
    entry->key_size = (uint32_t)key.size & 0xffffff;
    entry->type = type & 0xff;
    if (key.size)
        memcpy(entry->bytes, key.data, key.size);
    if (value.size)
        memcpy(entry->bytes + key.size, value.data, value.size);
    return entry;
}

static bool is_largest(const struct bptree *tree, const struct bptree_target *target)
{
    struct bptree_fence end = {tree->largest, 0};

    if (!end.entry)
        return true;
    end.sequence = end.entry->sequence;
    return !bptree_before(target, &end);
}

static void add(void *self, uint64_t sequence, unsigned type, struct strata_slice key,
                struct strata_slice value)
{
    struct bptree *tree = self;
    struct bptree_entry *entry = new_entry(tree, key, sequence, type, value);
    struct bptree_target target = {.key = key, .sequence = sequence};
    struct bptree_leaf *leaf = tree->rightmost;

    if (is_largest(tree, &target))
        tree->largest = entry;
    else
        leaf = bptree_find(tree, &target, NULL, NULL);
    if (bptree_count(&leaf->node) < BPTREE_LEAF)
        bptree_append(leaf, entry);
    else
        split_leaf(tree, &target, entry);
}

/* The first leaf is behind the tree, so that a small memtable takes nothing but entries from its
 * arena. */
struct tree_and_leaf {
    struct bptree tree;
    struct bptree_leaf first;
};

static int init(void *self, struct arena *arena, struct strata_error *err)
{
    struct tree_and_leaf *both = self;

    (void)err;
    both->first.node = (struct bptree_node){.prefix.size = BPTREE_UNKNOWN};
    both->tree = (struct bptree){.arena = arena, .rightmost = &both->first, .leaves = 1};
    atomic_init(&both->tree.root, &both->first.node);
    return 0;
}

const struct memtable_kind memtable_bptree = {
    .self_bytes = sizeof(struct tree_and_leaf),
    .init = init,
    .room = bptree_room,
    .add = add,
    .get = bptree_get,
    .cursor = bptree_cursor,
    .versions = bptree_versions,
    .number = bptree_number,
    .recycle = bptree_recycle,
    .check = bptree_check,
};
