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
 *       when there is no reader (bptree_recycle).
 * 9.I5:  all keys in a node have its common prefix. Where two fences bound the node, that is what
 *       the fences share; at either end of the tree it is guessed from the keys that are there
 *       (`bytes` is set), and a key without it has the leaf made again without a prefix. */
#include "bptree_make.h"
#include "strata_engine.h"

#include <assert.h>

#define LEVELS_MOST 16 /* of inner nodes: 16 children each are 2^64 leaves */
#define FIRST_ROOM 4   /* entries of the first leaf; */
#define GROWTH 4       /* and so often more, up to BPTREE_LEAF */

_Static_assert(FIRST_ROOM *GROWTH *GROWTH == BPTREE_LEAF, "a leaf grows to full size");

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
    return (struct bptree_fence){b, same ? b->sequence : BPTREE_ALL};
}

/* Behind all: the full leaf stays as it is. */
static void open_leaf(struct bptree *tree, struct path *path, const struct bptree_entry *largest,
                      const struct bptree_entry *entry)
{
    struct strata_slice key = bptree_key(entry);
    size_t shared = key_shared_size(bptree_key(bptree_entries(path->leaf)[0]), key);
    struct bptree_leaf *leaf = bptree_new_leaf(tree, BPTREE_LEAF, bptree_guess(key, shared));

    bptree_append(leaf, entry);
    tree->rightmost = leaf;
    put_two(tree, path, path->depth, &path->leaf->node, fence_between(largest, entry), &leaf->node);
}

/* The leaf's entries and one more; with key prefixes behind the prefix that is returned. */
static struct bptree_prefix gather_with(const struct bptree_leaf *leaf,
                                        const struct bptree_entry *entry,
                                        struct bptree_slots *slots)
{
    struct bptree_prefix prefix = leaf->node.prefix;

    bptree_gather(leaf, slots);
    slots->entries[slots->count++] = entry;
    if (bptree_has_prefix(&leaf->node, bptree_key(entry))) {
        slots->key_prefixes[slots->count - 1] = key_prefix_of(bptree_key(entry), prefix.size);
        return prefix;
    }
    for (unsigned i = 0; i < slots->count; i++)
        slots->key_prefixes[i] = key_prefix_of(bptree_key(slots->entries[i]), 0);
    return (struct bptree_prefix){NULL, 0};
}

/* The entry has not the prefix that was guessed (9.I5). */
static void drop_prefix(struct bptree *tree, struct path *path, const struct bptree_slots *slots)
{
    unsigned room = path->leaf->node.room;
    struct bptree_leaf *leaf = bptree_new_leaf(tree, room, (struct bptree_prefix){NULL, 0});

    memcpy(leaf->key_prefixes, slots->key_prefixes, slots->count * sizeof *slots->key_prefixes);
    memcpy(bptree_entries(leaf), slots->entries, slots->count * sizeof *slots->entries);
    atomic_init(&leaf->node.count, slots->count);
    if (!path->high.entry)
        tree->rightmost = leaf;
    put(tree, path, path->depth, &leaf->node);
}

/* The first leaf of a tree, which is small, becomes a larger one; another becomes two. */
static void split_leaf(struct bptree *tree, struct path *path, const struct bptree_slots *slots,
                       struct bptree_prefix prefix)
{
    unsigned room = path->leaf->node.room, half = slots->count / 2;
    struct bptree_slots sorted;
    struct bptree_leaf *left, *right;
    struct bptree_fence fence;

    bptree_sort(slots, &sorted);
    if (room < BPTREE_LEAF) {
        left = bptree_make_leaf(tree, room * GROWTH, &sorted, 0, sorted.count, prefix, &path->low,
                                &path->high);
        put(tree, path, path->depth, &left->node);
        return;
    }
    fence = fence_between(sorted.entries[half - 1], sorted.entries[half]);
    left = bptree_make_leaf(tree, room, &sorted, 0, half, prefix, &path->low, &fence);
    right = bptree_make_leaf(tree, room, &sorted, half, sorted.count - half, prefix, &fence,
                             &path->high);
    put_two(tree, path, path->depth, &left->node, fence, &right->node);
}

/* The leaf is full, or the entry has not its prefix. `largest`: of those before this entry. */
static void change(struct bptree *tree, const struct bptree_target *target,
                   const struct bptree_entry *largest, const struct bptree_entry *entry)
{
    struct path path = path_to(tree, target);
    struct bptree_leaf *old = path.leaf;
    struct bptree_slots slots;
    struct bptree_prefix prefix;

    if (entry == tree->largest && bptree_count(&old->node) == BPTREE_LEAF) {
        open_leaf(tree, &path, largest, entry);
        return;
    }
    prefix = gather_with(old, entry, &slots);
    if (slots.count <= old->node.room)
        drop_prefix(tree, &path, &slots);
    else
        split_leaf(tree, &path, &slots, prefix);
    bptree_replaced(tree, &old->node);
}

/* ---- Adding ---------------------------------------------------------------------------------- */

static struct bptree_entry *new_entry(struct bptree *tree, struct strata_slice key,
                                      uint64_t sequence, unsigned type, struct strata_slice value)
{
    struct bptree_entry *entry =
        arena_take(tree->arena, offsetof(struct bptree_entry, bytes) + key.size + value.size);

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

void bptree_add(struct bptree *tree, struct strata_slice key, uint64_t sequence, unsigned type,
                struct strata_slice value)
{
    struct bptree_entry *entry = new_entry(tree, key, sequence, type, value);
    struct bptree_target target = {.key = key, .sequence = sequence};
    const struct bptree_entry *largest = tree->largest;
    struct bptree_leaf *leaf = tree->rightmost;

    if (is_largest(tree, &target))
        tree->largest = entry;
    else
        leaf = bptree_find(tree, &target, NULL, NULL);
    if (bptree_count(&leaf->node) < leaf->node.room && bptree_has_prefix(&leaf->node, key))
        bptree_append(leaf, entry);
    else
        change(tree, &target, largest, entry);
}

int bptree_init(struct bptree *tree, struct arena *arena, struct strata_error *err)
{
    int rc = arena_reserve(arena, bptree_leaf_bytes(FIRST_ROOM), err);

    if (rc < 0)
        return rc;
    *tree = (struct bptree){.arena = arena};
    tree->rightmost = bptree_new_leaf(tree, FIRST_ROOM, (struct bptree_prefix){NULL, 0});
    atomic_init(&tree->root, &tree->rightmost->node);
    return 0;
}
