/* bptree_node.c: see bptree_node.h. A search in a node has no branch that the processor could
 * mispredict: key prefixes are counted. */
#include "bptree_node.h"

#define LANES 4 /* numbers in a vector */
#define VECTORS ((BPTREE_LEAF + LANES) / LANES)

typedef int32_t lanes __attribute__((vector_size(LANES * sizeof(int32_t))));

/* ---- Inner nodes ----------------------------------------------------------------------------- */

bool bptree_before(const struct bptree_target *target, const struct bptree_fence *fence)
{
    int order = strata_compare(target->key, bptree_key(fence->entry));

    if (order)
        return order < 0;
    return target->sequence > fence->sequence ||
           (target->left && target->sequence == fence->sequence);
}

/* The first of n numbers in order that is not below `key_prefix`. */
static unsigned first_not_below(const uint64_t *key_prefixes, unsigned n, uint64_t key_prefix)
{
    const uint64_t *from = key_prefixes;

    while (n > 1) {
        unsigned half = n / 2;
        from += from[half - 1] < key_prefix ? half : 0;
        n -= half;
    }
    return (unsigned)(from - key_prefixes) + (n && *from < key_prefix);
}

/* Of fences with the target's key prefix, from `at` on, the first that the target is before. */
static unsigned among_equal(const struct bptree_inner *inner, const struct bptree_target *target,
                            uint64_t key_prefix, unsigned at)
{
    unsigned count = bptree_count(&inner->node), n = 0;

    while (at + n < count && inner->key_prefixes[at + n] == key_prefix)
        n++;
    while (n) {
        unsigned half = n / 2;
        if (bptree_before(target, &inner->fences[at + half])) {
            n = half;
        } else {
            at += half + 1;
            n -= half + 1;
        }
    }
    return at;
}

unsigned bptree_child(const struct bptree_inner *inner, const struct bptree_target *target)
{
    const struct bptree_prefix *prefix = &inner->node.prefix;
    unsigned count = bptree_count(&inner->node), at;
    int beside = prefix->bytes ? bptree_beside(prefix, target->key) : 0;
    uint64_t key_prefix;

    if (beside)
        return beside < 0 ? 0 : count;
    key_prefix = key_prefix_of(target->key, prefix->size);
    at = first_not_below(inner->key_prefixes, count, key_prefix);
    cost_so_far.comparisons += cost_halvings(count);
    return at < count && inner->key_prefixes[at] == key_prefix
               ? among_equal(inner, target, key_prefix, at)
               : at;
}

/* ---- Leaves ---------------------------------------------------------------------------------- */

void bptree_gather(const struct bptree_leaf *leaf, struct bptree_slots *slots)
{
    slots->count = bptree_count(&leaf->node);
    memcpy(slots->key_prefixes, leaf->key_prefixes, slots->count * sizeof *slots->key_prefixes);
    memcpy(slots->entries, bptree_entries(leaf), slots->count * sizeof *slots->entries);
}

static bool is_ascending(const struct bptree_slots *slots)
{
    bool ascending = true;

    for (unsigned i = 1; i < slots->count; i++)
        ascending &= slots->key_prefixes[i - 1] < slots->key_prefixes[i];
    return ascending;
}

static bool comes_before(const struct bptree_slots *slots, unsigned at, uint64_t key_prefix,
                         const struct bptree_entry *entry)
{
    const struct bptree_entry *other = slots->entries[at];
    int order;

    if (slots->key_prefixes[at] != key_prefix)
        return slots->key_prefixes[at] < key_prefix;
    order = strata_compare(bptree_key(other), bptree_key(entry));
    return order ? order < 0 : other->sequence > entry->sequence;
}

/* Where the slot at `to` belongs among those from `from` on, which are in order. */
static unsigned place_among(const struct bptree_slots *slots, unsigned from, unsigned to)
{
    uint64_t key_prefix = slots->key_prefixes[to];
    const struct bptree_entry *entry = slots->entries[to];
    unsigned n = to - from;

    if (comes_before(slots, to - 1, key_prefix, entry))
        return to;
    while (n) {
        unsigned half = n / 2;
        bool behind = comes_before(slots, from + half, key_prefix, entry);
        from = behind ? from + half + 1 : from;
        n = behind ? n - half - 1 : half;
    }
    return from;
}

/* Slots of one rank. They come the newest first, so that versions of a key are in order. */
static void sort_equal(struct bptree_slots *slots, unsigned from, unsigned count)
{
    for (unsigned i = from + 1; i < from + count; i++) {
        unsigned at = place_among(slots, from, i);
        uint64_t key_prefix = slots->key_prefixes[i];
        const struct bptree_entry *entry = slots->entries[i];
        memmove(slots->key_prefixes + at + 1, slots->key_prefixes + at,
                (i - at) * sizeof key_prefix);
        memmove(slots->entries + at + 1, slots->entries + at, (i - at) * sizeof entry);
        slots->key_prefixes[at] = key_prefix;
        slots->entries[at] = entry;
    }
}

/* The upper 31 bits in which the key prefixes differ, and in their order. What is behind them is
 * not below any. */
static void narrow_key_prefixes(const struct bptree_slots *slots, int32_t narrow[LANES * VECTORS])
{
    uint64_t least = UINT64_MAX, most = 0;
    unsigned shift = 0;

    for (unsigned i = 0; i < slots->count; i++) {
        least = slots->key_prefixes[i] < least ? slots->key_prefixes[i] : least;
        most = slots->key_prefixes[i] > most ? slots->key_prefixes[i] : most;
    }
    while ((most - least) >> shift > INT32_MAX)
        shift++;
    for (unsigned i = 0; i < slots->count; i++)
        narrow[i] = (int32_t)((slots->key_prefixes[i] - least) >> shift);
    for (unsigned i = slots->count; i < LANES * VECTORS; i++)
        narrow[i] = INT32_MAX;
}

/* How many of them are below this one; some at once, as any processor can with numbers so small. */
static unsigned rank_of(const int32_t narrow[LANES * VECTORS], int32_t one)
{
    lanes below = {0}, all = {one, one, one, one};

    for (unsigned i = 0; i < VECTORS; i++) {
        lanes some;
        memcpy(&some, narrow + i * LANES, sizeof some);
        below -= some < all;
    }
    return (unsigned)(below[0] + below[1] + below[2] + below[3]);
}

/* A key prefix's place is the number of those below it. */
static void sort_by_rank(const struct bptree_slots *slots, struct bptree_slots *sorted)
{
    unsigned count = slots->count;
    uint8_t same[BPTREE_LEAF + 1] = {0}; /* of the rank whose first place this is */
    int32_t narrow[LANES * VECTORS];

    narrow_key_prefixes(slots, narrow);
    for (unsigned i = count; i-- > 0;) {
        unsigned below = rank_of(narrow, narrow[i]), to = below + same[below]++;
        sorted->key_prefixes[to] = slots->key_prefixes[i];
        sorted->entries[to] = slots->entries[i];
    }
    for (unsigned i = 0; i < count; i += same[i])
        if (same[i] > 1)
            sort_equal(sorted, i, same[i]);
}

void bptree_sort(const struct bptree_slots *slots, struct bptree_slots *sorted)
{
    sorted->count = slots->count;
    if (!is_ascending(slots)) {
        sort_by_rank(slots, sorted);
        return;
    }
    memcpy(sorted->key_prefixes, slots->key_prefixes, slots->count * sizeof *slots->key_prefixes);
    memcpy(sorted->entries, slots->entries, slots->count * sizeof *slots->entries);
}
