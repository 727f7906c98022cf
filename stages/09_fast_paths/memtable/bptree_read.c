/* bptree_read.c: gets, and the cursor. A leaf is not sorted: a get looks at all key prefixes in
 * it, and a cursor sorts a leaf once, when it comes to it.
 *
 *   tree     ... | leaf: d a f b | leaf: k h | ...
 *   cursor         slots: a b d f
 *                             ^ at           the next leaf: the one at the fence after this one
 *
 * 9.I6:  a fence between two leaves stays a fence between leaves. So a cursor needs no pointer
 *        from leaf to leaf: it looks for the leaf that begins where its own ends, or ends where
 *        its own begins, whatever the tree has become.
 * 9.I7:  all that a reader may see was there when it began, and each leaf that it finds holds all
 *        of that between its fences (9.I4); what was added since has a larger sequence number than
 *        the reader's, and is skipped. */
#include "bptree_node.h"

#include <assert.h>
#include <stdlib.h>

#define LINE 64    /* bytes of a cache line */
#define VALUE 1024 /* bytes of an entry that a get prefetches */
#define AHEAD 8    /* entries that a cursor prefetches, */
#define USUAL 192  /* and so many bytes of each */

/* ---- Gets ------------------------------------------------------------------------------------ */

static bool has_key(const struct bptree_entry *entry, struct strata_slice key)
{
    return entry->key_size == key.size && strata_compare(bptree_key(entry), key) == 0;
}

/* What is behind its first cache line: the value will be copied, most of the time. */
static void prefetch_value(const struct bptree_entry *entry)
{
    for (size_t i = LINE; i < VALUE; i += LINE)
        __builtin_prefetch((const uint8_t *)entry + i);
}

/* The newest in the leaf; NULL: none. */
static const struct bptree_entry *get_in(const struct bptree_leaf *leaf,
                                         const struct bptree_target *target)
{
    const struct bptree_entry *const *entries = leaf->entries, *best = NULL;
    unsigned count = bptree_count(&leaf->node);
    uint64_t key_prefix = bptree_leaf_prefix(leaf, target->key);

    for (unsigned i = 0; i < count; i++) {
        if (leaf->key_prefixes[i] != key_prefix)
            continue;
        prefetch_value(entries[i]);
        if (entries[i]->sequence <= target->sequence &&
            (!best || entries[i]->sequence > best->sequence) && has_key(entries[i], target->key))
            best = entries[i];
    }
    cost_so_far.comparisons += count;
    return best;
}

/* Versions of a key that are more than a leaf holds go on in the next one. */
static bool continues_after(const struct bptree_fence *high, struct strata_slice key)
{
    return high && high->sequence != BPTREE_ALL && has_key(high->entry, key);
}

/* The newest version up to target->sequence, which is changed; NULL: none. */
static inline const struct bptree_entry *find(const void *self, struct bptree_target *target)
{
    while (true) {
        const struct bptree_fence *high = NULL;
        const struct bptree_leaf *leaf = bptree_find(self, target, NULL, &high);
        const struct bptree_entry *entry = get_in(leaf, target);
        if (entry || !continues_after(high, target->key))
            return entry;
        target->sequence = high->sequence;
    }
}

unsigned bptree_get(const void *self, struct strata_slice key, uint64_t sequence,
                    struct strata_slice *value)
{
    struct bptree_target target = {.key = key, .sequence = sequence};
    const struct bptree_entry *entry = find(self, &target);

    if (!entry)
        return 0;
    *value = bptree_value(entry);
    return entry->type;
}

uint64_t bptree_number(const void *self, struct strata_slice key, uint64_t sequence)
{
    struct bptree_target target = {.key = key, .sequence = sequence};
    const struct bptree_entry *entry = find(self, &target);

    return entry ? entry->sequence : 0;
}

/* ---- The cursor ------------------------------------------------------------------------------ */

struct bptree_cursor {
    struct cursor base;
    const struct bptree *tree;
    uint64_t sequence;             /* newer versions are not seen */
    const uint64_t *readers;       /* of bptree_versions: ascending, */
    size_t reader_count;           /* and how many */
    struct bptree_fence low, high; /* of the leaf */
    unsigned at;                   /* in the slots */
    struct bptree_slots slots;
};

static const struct bptree_entry *entry_at(const struct bptree_cursor *c, unsigned at)
{
    return c->slots.entries[at];
}

/* Entries are in memory in the order in which they were added, not in that of their keys. */
static void prefetch_entry(const struct bptree_entry *entry)
{
    for (size_t i = 0; i < USUAL; i += LINE)
        __builtin_prefetch((const uint8_t *)entry + i);
}

static void load_leaf(struct bptree_cursor *c, const struct bptree_leaf *leaf,
                      const struct bptree_fence *low, const struct bptree_fence *high)
{
    static const struct bptree_fence none = {NULL, 0};

    c->low = low ? *low : none;
    c->high = high ? *high : none;
    bptree_gather(leaf, &c->slots);
    bptree_sort(&c->slots);
    cost_so_far.comparisons += c->slots.count;
}

static void load(struct bptree_cursor *c, const struct bptree_target *target)
{
    const struct bptree_fence *low = NULL, *high = NULL;
    const struct bptree_leaf *leaf = bptree_find(c->tree, target, &low, &high);

    load_leaf(c, leaf, low, high);
}

static void load_last(struct bptree_cursor *c)
{
    const struct bptree_node *node = bptree_root(c->tree);
    const struct bptree_fence *low = NULL;

    while (node->level) {
        const struct bptree_inner *inner = (const struct bptree_inner *)node;
        unsigned count = bptree_count(node);
        low = &inner->fences[count - 1];
        node = bptree_at(inner, count);
    }
    load_leaf(c, (const struct bptree_leaf *)node, low, NULL);
    c->at = c->slots.count;
}

/* The leaf at this place; at its first entry, or behind its last. */
static void load_beside(struct bptree_cursor *c, struct strata_slice key, uint64_t sequence,
                        bool left)
{
    struct bptree_target target = {.key = key, .sequence = sequence, .left = left};

    load(c, &target);
    c->at = left ? c->slots.count : 0;
    for (unsigned i = 0; !left && i < AHEAD && i < c->slots.count; i++)
        prefetch_entry(entry_at(c, i));
}

static int arrive(struct bptree_cursor *c)
{
    const struct bptree_entry *entry = entry_at(c, c->at);

    assert(c->at < c->slots.count && entry->sequence <= c->sequence); /* 9.I7 */
    c->base.iter.key = bptree_key(entry);
    c->base.sequence = entry->sequence;
    c->base.type = entry->type;
    c->base.iter.value = bptree_value(entry);
    c->base.iter.has_value = true;
    if (c->at + AHEAD < c->slots.count)
        prefetch_entry(entry_at(c, c->at + AHEAD));
    return 0;
}

/* ---- Forwards -------------------------------------------------------------------------------- */

/* The leaf behind this one; false: there is none. Of a key that fills leaves those are left out
 * whose versions are too new, or newer than `until` and of the key `but`: a counter may have as
 * many as a memtable holds. */
static bool load_next_leaf(struct bptree_cursor *c, const struct strata_slice *but, uint64_t until)
{
    struct bptree_fence to = c->high;

    if (!to.entry)
        return false;
    if (to.sequence != BPTREE_ALL && but && has_key(to.entry, *but))
        to.sequence = until < to.sequence ? until : to.sequence;
    else if (to.sequence != BPTREE_ALL && to.sequence > c->sequence)
        to.sequence = c->sequence;
    load_beside(c, bptree_key(to.entry), to.sequence, false);
    return true;
}

/* From this place on the first that may be seen, and is not of `but`, a key that was shown; or is,
 * and no newer than `until`. */
static int arrive_from(struct bptree_cursor *c, const struct strata_slice *but, uint64_t until)
{
    while (true) {
        for (; c->at < c->slots.count; c->at++) {
            const struct bptree_entry *entry = entry_at(c, c->at);
            if (entry->sequence <= c->sequence &&
                !(but && entry->sequence > until && has_key(entry, *but)))
                return arrive(c);
        }
        if (!load_next_leaf(c, but, until))
            return STRATA_NOT_FOUND;
    }
}

static bool is_before(const struct bptree_cursor *c, unsigned at, uint64_t key_prefix,
                      struct strata_slice key)
{
    if (c->slots.key_prefixes[at] != key_prefix)
        return c->slots.key_prefixes[at] < key_prefix;
    return strata_compare(bptree_key(entry_at(c, at)), key) < 0;
}

/* The first slot that is not before the key. */
static unsigned place_of(const struct bptree_cursor *c, struct strata_slice key)
{
    unsigned at = 0, n = c->slots.count;
    uint32_t shared = n ? c->slots.prefix : 0;
    int beside = n ? key_beside(key, (struct strata_slice){entry_at(c, 0)->bytes, shared}) : 0;
    uint64_t key_prefix = key_prefix_of(key, shared);

    if (beside)
        return beside < 0 ? 0 : n;
    while (n) {
        unsigned half = n / 2;
        bool behind = is_before(c, at + half, key_prefix, key);
        at = behind ? at + half + 1 : at;
        n = behind ? n - half - 1 : half;
    }
    return at;
}

static int seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct bptree_cursor *c = (struct bptree_cursor *)iter;

    (void)err;
    load(c, &(struct bptree_target){.key = key, .sequence = c->sequence});
    c->at = place_of(c, key);
    return arrive_from(c, NULL, 0);
}

static int pass(struct bptree_cursor *c, uint64_t until)
{
    struct strata_slice key = c->base.iter.key;

    c->at++;
    return arrive_from(c, &key, until);
}

static int next(struct strata_iter *iter, struct strata_error *err)
{
    (void)err;
    return pass((struct bptree_cursor *)iter, 0);
}

/* ---- Backwards ------------------------------------------------------------------------------- */

/* This is a version that may be seen, and those before it may be newer ones of its key. */
static int arrive_newest(struct bptree_cursor *c)
{
    struct strata_slice key = bptree_key(entry_at(c, c->at));

    while (c->at && entry_at(c, c->at - 1)->sequence <= c->sequence &&
           has_key(entry_at(c, c->at - 1), key))
        c->at--;
    if (!c->at && c->low.entry && c->low.sequence != BPTREE_ALL)
        return seek(&c->base.iter, key, NULL); /* they may begin in another leaf */
    return arrive(c);
}

/* The leaf before this one, likewise. */
static bool load_previous_leaf(struct bptree_cursor *c)
{
    struct bptree_fence to = c->low;

    if (!to.entry)
        return false;
    if (to.sequence >= c->sequence)
        to.sequence = BPTREE_ALL;
    load_beside(c, bptree_key(to.entry), to.sequence, true);
    return true;
}

/* The last before this place that may be seen. It is no version of the key that was shown, as that
 * one was the newest. */
static int arrive_before(struct bptree_cursor *c)
{
    while (true) {
        while (c->at)
            if (entry_at(c, --c->at)->sequence <= c->sequence)
                return arrive_newest(c);
        if (!load_previous_leaf(c))
            return STRATA_NOT_FOUND;
    }
}

static int prev(struct strata_iter *iter, struct strata_error *err)
{
    (void)err;
    return arrive_before((struct bptree_cursor *)iter);
}

static int last(struct strata_iter *iter, struct strata_error *err)
{
    (void)err;
    load_last((struct bptree_cursor *)iter);
    return arrive_before((struct bptree_cursor *)iter);
}

/* The newest reader that does not see this version; 0: all see it. */
static uint64_t next_reader(const struct bptree_cursor *c)
{
    size_t n = c->reader_count, low = 0;

    while (low < n) {
        size_t middle = low + (n - low) / 2;
        if (c->readers[middle] < c->base.sequence)
            low = middle + 1;
        else
            n = middle;
    }
    return low ? c->readers[low - 1] : 0;
}

static int next_version(struct strata_iter *iter, struct strata_error *err)
{
    struct bptree_cursor *c = (struct bptree_cursor *)iter;

    (void)err;
    return pass(c, next_reader(c));
}

static void free_cursor(struct strata_iter *iter)
{
    free(iter);
}

static struct cursor *make_cursor(const struct bptree *tree, uint64_t sequence,
                                  const struct strata_iter_ops *ops)
{
    struct bptree_cursor *c = malloc(sizeof *c); /* the slots are not set */

    if (!c)
        return NULL;
    c->base = (struct cursor){.iter.ops = ops};
    c->tree = tree;
    c->sequence = sequence;
    c->readers = NULL;
    c->reader_count = 0;
    return &c->base;
}

struct cursor *bptree_cursor(const void *self, uint64_t sequence)
{
    static const struct strata_iter_ops ops = {seek,       last, next, prev, cursor_has_value,
                                               free_cursor};
    return make_cursor(self, sequence, &ops);
}

struct cursor *bptree_versions(const void *self, const uint64_t *readers, size_t count)
{
    static const struct strata_iter_ops ops = {
        seek, NULL, next_version, NULL, cursor_has_value, free_cursor};
    struct cursor *cursor = make_cursor(self, UINT64_MAX, &ops);

    if (cursor) {
        ((struct bptree_cursor *)cursor)->readers = readers;
        ((struct bptree_cursor *)cursor)->reader_count = count;
    }
    return cursor;
}
