/* bptree.c: adding. Most entries go behind the others of their leaf:
 *
 *        [ root ]                    the leaf     | d | a | f | . |        count 3
 *        /   |   \                   + entry b    | d | a | f | b |        count 4: now it is seen
 *     [ ]   [ ]   [ ]
 *     /|\   /|\   /|\
 *    leaves, unsorted                a full one   becomes | a | b | . | . |  | d | f | . | . |
 *
 * A full leaf is sorted and becomes two; their parent, whose fences do not change (I1 of
 * bptree_node.h), is made anew with one fence more, and one pointer, to the new parent, is stored.
 * A full parent becomes two likewise, and so up to the root.
 *
 * I3: a node is complete before the pointer to it is stored (release), and so is an entry before
 *     the count. I4: what was replaced stays as it is, for readers who are in it: it holds all that
 *     was added before it was replaced, which is all that they may see, as they began before.
 *     It is used again only when there is no reader (bptree_quiet).
 * I5: all keys in a node have its prefix. Where two fences bound it, that is what they share; at
 *     either end of the tree it is guessed from the keys that are there (bytes is set), and when
 *     one comes without it the leaf is made anew with none.
 *
 * What adding n entries takes, beside the entries, is bounded by the nodes that it makes. A leaf
 * that was made by halving is full after BPTREE_LEAF / 2 - 1 more; one that was begun at the right
 * end after BPTREE_LEAF - 1; either, and a guess in it, is one change more: 4 for each
 * BPTREE_LEAF / 2 entries at most. And each of the leaves that there were may be full already. */
#include "bptree_node.h"
#include "strata_engine.h"

#include <assert.h>

#define LEVELS_MOST 16 /* of inner nodes: 16 children each are 2^64 leaves */
#define FIRST_ROOM 4   /* entries; */
#define GROWTH 4       /* and so often more, up to BPTREE_LEAF */
#define SLACK 4u /* bytes of a head that neighbours may share before it is worth making it anew */

_Static_assert(FIRST_ROOM *GROWTH *GROWTH == BPTREE_LEAF, "a leaf grows to full size");

enum { LEAF, INNER };

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

/* ---- Memory ---------------------------------------------------------------------------------- */

static size_t leaf_bytes(unsigned room)
{
    return sizeof(struct bptree_leaf) + room * (sizeof(uint64_t) + sizeof(struct bptree_entry *));
}

size_t bptree_room(const struct bptree *tree, size_t operations, size_t bytes)
{
    size_t each = sizeof(struct bptree_entry) + ARENA_ALIGN;
    size_t most = tree->leaves + operations / (BPTREE_LEAF / 8) + 4;
    size_t changes = operations < most ? operations : most;
    size_t splits = tree->inners + changes / (BPTREE_FENCES / 4) + 1, inners;

    if (bytes > SIZE_MAX / 4 || operations > SIZE_MAX / 4 / (each + 2 * leaf_bytes(BPTREE_LEAF)))
        return SIZE_MAX;
    if (splits > changes * (tree->height + 1))
        splits = changes * (tree->height + 1);
    inners = changes + 2 * splits;
    return operations * each + bytes + changes * 2 * leaf_bytes(BPTREE_LEAF) +
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

/* I4. */
static void replaced(struct bptree *tree, struct bptree_node *node)
{
    *(node->level ? &tree->inners : &tree->leaves) -= 1;
    node->next_free = tree->replaced;
    tree->replaced = node;
}

void bptree_quiet(struct bptree *tree)
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

static struct bptree_leaf *new_leaf(struct bptree *tree, unsigned room, struct bptree_prefix prefix)
{
    struct bptree_leaf *leaf = room == BPTREE_LEAF ? take(tree, LEAF, leaf_bytes(room))
                                                   : arena_take(tree->arena, leaf_bytes(room));

    leaf->node = (struct bptree_node){.prefix = prefix, .room = (uint16_t)room};
    tree->leaves++;
    return leaf;
}

int bptree_new(struct arena *arena, struct bptree **out, struct strata_error *err)
{
    int rc = arena_reserve(arena, sizeof(struct bptree) + leaf_bytes(FIRST_ROOM), err);
    struct bptree *tree;

    if (rc < 0)
        return rc;
    tree = *out = arena_take(arena, sizeof *tree);
    *tree = (struct bptree){.arena = arena};
    tree->rightmost = new_leaf(tree, FIRST_ROOM, (struct bptree_prefix){NULL, 0});
    atomic_init(&tree->root, &tree->rightmost->node);
    return 0;
}

/* ---- Prefixes (I5) --------------------------------------------------------------------------- */

/* Of keys that have so much in common: less, as the next ones may have; and a head as long as the
 * key has bytes for it. */
static struct bptree_prefix guess(struct strata_slice key, size_t shared)
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
    size_t shared = bptree_shared(bptree_key(low->entry), bptree_key(high->entry));
    return (struct bptree_prefix){NULL, (uint32_t)shared};
}

/* The heads are worth keeping: not many bytes more are shared now. */
static bool is_near(const struct bptree_prefix *old, const struct bptree_prefix *new)
{
    return old->size <= new->size &&new->size < old->size + SLACK;
}

static bool has_prefix(const struct bptree_node *node, struct strata_slice key)
{
    return !node->prefix.bytes || bptree_beside(&node->prefix, key) == 0;
}

/* ---- Leaves ---------------------------------------------------------------------------------- */

static void append(struct bptree_leaf *leaf, const struct bptree_entry *entry)
{
    unsigned count = atomic_load_explicit(&leaf->node.count, memory_order_relaxed);

    leaf->heads[count] = bptree_head(bptree_key(entry), leaf->node.prefix.size);
    bptree_entries(leaf)[count] = entry;
    atomic_store_explicit(&leaf->node.count, count + 1, memory_order_release); /* I3 */
}

/* A leaf of `count` of the slots, in order, from `from` on; `old` is the prefix of their heads. */
static struct bptree_leaf *make_leaf(struct bptree *tree, unsigned room,
                                     const struct bptree_slots *slots, unsigned from,
                                     unsigned count, struct bptree_prefix old,
                                     const struct bptree_fence *low,
                                     const struct bptree_fence *high)
{
    struct strata_slice first = bptree_key(slots->entries[from]);
    struct strata_slice last = bptree_key(slots->entries[from + count - 1]);
    struct bptree_prefix prefix =
        is_bounded(low, high) ? between(low, high) : guess(first, bptree_shared(first, last));
    bool keep = is_near(&old, &prefix);
    struct bptree_leaf *leaf;

    if (keep)
        prefix = (struct bptree_prefix){prefix.bytes && old.size ? prefix.bytes : NULL, old.size};
    leaf = new_leaf(tree, room, prefix);
    for (unsigned i = 0; i < count; i++)
        leaf->heads[i] = keep ? slots->heads[from + i]
                              : bptree_head(bptree_key(slots->entries[from + i]), prefix.size);
    memcpy(bptree_entries(leaf), slots->entries + from, count * sizeof *slots->entries);
    atomic_init(&leaf->node.count, count);
    if (!high->entry)
        tree->rightmost = leaf;
    return leaf;
}

/* ---- Inner nodes ----------------------------------------------------------------------------- */

/* What an inner node is made of. */
struct family {
    unsigned count; /* of fences */
    struct bptree_fence fences[BPTREE_FENCES + 1];
    struct bptree_node *children[BPTREE_FENCES + 2];
};

static struct bptree_prefix family_prefix(const struct bptree_fence *fences, unsigned count,
                                          const struct bptree_fence *low,
                                          const struct bptree_fence *high)
{
    struct strata_slice first = bptree_key(fences[0].entry);
    size_t shared;

    if (is_bounded(low, high))
        return between(low, high);
    shared = bptree_shared(first, bptree_key(fences[count - 1].entry));
    return (struct bptree_prefix){shared ? first.data : NULL, (uint32_t)shared};
}

/* Of `count` fences from `from` on and the children around them. */
static struct bptree_node *make_inner(struct bptree *tree, unsigned level,
                                      const struct family *family, unsigned from, unsigned count,
                                      const struct bptree_fence *low,
                                      const struct bptree_fence *high)
{
    const struct bptree_fence *fences = family->fences + from;
    struct bptree_inner *inner = take(tree, INNER, sizeof *inner);
    struct bptree_prefix prefix = family_prefix(fences, count, low, high);

    inner->node = (struct bptree_node){.prefix = prefix, .level = (uint16_t)level, .count = count};
    memcpy(inner->fences, fences, count * sizeof *fences);
    for (unsigned i = 0; i < count; i++)
        inner->heads[i] = bptree_head(bptree_key(fences[i].entry), prefix.size);
    for (unsigned i = 0; i <= count; i++)
        atomic_init(&inner->children[i], family->children[from + i]);
    tree->inners++;
    return &inner->node;
}

/* A copy with a fence more, whose prefix the new fence has, too: the heads are the old ones. */
static struct bptree_node *widen(struct bptree *tree, const struct bptree_inner *old,
                                 const struct family *family, unsigned at)
{
    struct bptree_inner *inner = take(tree, INNER, sizeof *inner);
    unsigned count = family->count;
    struct strata_slice key = bptree_key(family->fences[at].entry);

    inner->node = old->node;
    atomic_init(&inner->node.count, count);
    memcpy(inner->fences, family->fences, count * sizeof *family->fences);
    memcpy(inner->heads, old->heads, at * sizeof *old->heads);
    inner->heads[at] = bptree_head(key, old->node.prefix.size);
    memcpy(inner->heads + at + 1, old->heads + at, (count - 1 - at) * sizeof *old->heads);
    for (unsigned i = 0; i <= count; i++)
        atomic_init(&inner->children[i], family->children[i]);
    tree->inners++;
    return &inner->node;
}

/* The child of `old` at `at` became two. */
static void gather_family(const struct bptree_inner *old, unsigned at, struct bptree_node *left,
                          struct bptree_fence fence, struct bptree_node *right, struct family *f)
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

/* What the way of `depth` steps leads to is `node` now (I3). */
static void put(struct bptree *tree, struct path *path, unsigned depth, struct bptree_node *node)
{
    struct step *step = path->steps + depth - 1;

    atomic_store_explicit(depth ? &step->inner->children[step->at] : &tree->root, node,
                          memory_order_release);
}

/* At the right end, where entries come in order, the left node is left full. */
static unsigned middle_of(const struct family *family, unsigned at)
{
    return at + 1 == family->count ? at - 1 : family->count / 2;
}

/* What the way of `depth` steps leads to became two. */
static void put_two(struct bptree *tree, struct path *path, unsigned depth,
                    struct bptree_node *left, struct bptree_fence fence, struct bptree_node *right)
{
    struct family family;

    for (; depth; depth--) {
        const struct step *step = &path->steps[depth - 1];
        struct bptree_inner *old = step->inner;
        unsigned level = old->node.level, middle;

        gather_family(old, step->at, left, fence, right, &family);
        replaced(tree, &old->node);
        if (family.count <= BPTREE_FENCES) {
            bool keep = has_prefix(&old->node, bptree_key(fence.entry));
            put(tree, path, depth - 1,
                keep ? widen(tree, old, &family, step->at)
                     : make_inner(tree, level, &family, 0, family.count, &step->low, &step->high));
            return;
        }
        middle = middle_of(&family, step->at);
        fence = family.fences[middle];
        left = make_inner(tree, level, &family, 0, middle, &step->low, &fence);
        right = make_inner(tree, level, &family, middle + 1, family.count - middle - 1, &fence,
                           &step->high);
    }
    family = (struct family){.count = 1, .fences = {fence}, .children = {left, right}};
    tree->height++;
    put(tree, path, 0,
        make_inner(tree, tree->height, &family, 0, 1, &(struct bptree_fence){0},
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
    size_t shared = bptree_shared(bptree_key(bptree_entries(path->leaf)[0]), key);
    struct bptree_leaf *leaf = new_leaf(tree, BPTREE_LEAF, guess(key, shared));

    append(leaf, entry);
    tree->rightmost = leaf;
    put_two(tree, path, path->depth, &path->leaf->node, fence_between(largest, entry), &leaf->node);
}

/* The leaf's entries and one more; with heads behind the prefix that is returned. */
static struct bptree_prefix gather_with(const struct bptree_leaf *leaf,
                                        const struct bptree_entry *entry,
                                        struct bptree_slots *slots)
{
    struct bptree_prefix prefix = leaf->node.prefix;

    bptree_gather(leaf, slots);
    slots->entries[slots->count++] = entry;
    if (has_prefix(&leaf->node, bptree_key(entry))) {
        slots->heads[slots->count - 1] = bptree_head(bptree_key(entry), prefix.size);
        return prefix;
    }
    for (unsigned i = 0; i < slots->count; i++)
        slots->heads[i] = bptree_head(bptree_key(slots->entries[i]), 0);
    return (struct bptree_prefix){NULL, 0};
}

/* The entry has not the prefix that was guessed (I5). */
static void drop_prefix(struct bptree *tree, struct path *path, const struct bptree_slots *slots)
{
    unsigned room = path->leaf->node.room;
    struct bptree_leaf *leaf = new_leaf(tree, room, (struct bptree_prefix){NULL, 0});

    memcpy(leaf->heads, slots->heads, slots->count * sizeof *slots->heads);
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
        left = make_leaf(tree, room * GROWTH, &sorted, 0, sorted.count, prefix, &path->low,
                         &path->high);
        put(tree, path, path->depth, &left->node);
        return;
    }
    fence = fence_between(sorted.entries[half - 1], sorted.entries[half]);
    left = make_leaf(tree, room, &sorted, 0, half, prefix, &path->low, &fence);
    right = make_leaf(tree, room, &sorted, half, sorted.count - half, prefix, &fence, &path->high);
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
    replaced(tree, &old->node);
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
    if (bptree_count(&leaf->node) < leaf->node.room && has_prefix(&leaf->node, key))
        append(leaf, entry);
    else
        change(tree, &target, largest, entry);
}
