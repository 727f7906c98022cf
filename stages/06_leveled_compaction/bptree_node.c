/* bptree_node.c: see bptree_node.h. A search in a node makes no jump that the processor would have
 * to guess: heads are counted, not branched on. */
#include "bptree_node.h"

size_t bptree_shared(struct strata_slice a, struct strata_slice b)
{
    size_t both = a.size < b.size ? a.size : b.size, n = 0;

    while (n + 8 <= both && memcmp(a.data + n, b.data + n, 8) == 0)
        n += 8;
    while (n < both && a.data[n] == b.data[n])
        n++;
    return n;
}

/* ---- Inner nodes ----------------------------------------------------------------------------- */

bool bptree_before(const struct bptree_target *target, const struct bptree_fence *fence)
{
    int order = strata_compare(target->key, bptree_key(fence->entry));

    if (order)
        return order < 0;
    return target->sequence > fence->sequence ||
           (target->left && target->sequence == fence->sequence);
}

/* The first of n numbers in order that is not below `head`. */
static unsigned first_not_below(const uint64_t *heads, unsigned n, uint64_t head)
{
    const uint64_t *from = heads;

    while (n > 1) {
        unsigned half = n / 2;
        from += from[half - 1] < head ? half : 0;
        n -= half;
    }
    return (unsigned)(from - heads) + (n && *from < head);
}

/* Of fences with the target's head, from `at` on, the first that the target is before. */
static unsigned among_equal(const struct bptree_inner *inner, const struct bptree_target *target,
                            uint64_t head, unsigned at)
{
    unsigned count = bptree_count(&inner->node), n = 0;

    while (at + n < count && inner->heads[at + n] == head)
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
    uint64_t head;

    if (beside)
        return beside < 0 ? 0 : count;
    head = bptree_head(target->key, prefix->size);
    at = first_not_below(inner->heads, count, head);
    cost_so_far.comparisons += cost_halvings(count);
    return at < count && inner->heads[at] == head ? among_equal(inner, target, head, at) : at;
}

/* ---- Leaves ---------------------------------------------------------------------------------- */

void bptree_gather(const struct bptree_leaf *leaf, struct bptree_slots *slots)
{
    slots->count = bptree_count(&leaf->node);
    memcpy(slots->heads, leaf->heads, slots->count * sizeof *slots->heads);
    memcpy(slots->entries, bptree_entries(leaf), slots->count * sizeof *slots->entries);
}

static bool is_ascending(const struct bptree_slots *slots)
{
    bool ascending = true;

    for (unsigned i = 1; i < slots->count; i++)
        ascending &= slots->heads[i - 1] < slots->heads[i];
    return ascending;
}

static bool comes_before(const struct bptree_entry *a, const struct bptree_entry *b)
{
    int order = strata_compare(bptree_key(a), bptree_key(b));
    return order ? order < 0 : a->sequence > b->sequence;
}

/* Entries with one head. They come the newest first, so that versions of a key are in order. */
static void sort_equal(const struct bptree_entry **entries, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        const struct bptree_entry *entry = entries[i];
        unsigned at = 0, n = i;
        if (comes_before(entries[i - 1], entry))
            continue;
        while (n) {
            unsigned half = n / 2;
            bool behind = comes_before(entries[at + half], entry);
            at = behind ? at + half + 1 : at;
            n = behind ? n - half - 1 : half;
        }
        memmove(entries + at + 1, entries + at, (i - at) * sizeof *entries);
        entries[at] = entry;
    }
}

/* A head's place is the number of those below it. */
static void sort_by_rank(const struct bptree_slots *slots, struct bptree_slots *sorted)
{
    unsigned count = slots->count;
    uint8_t same[BPTREE_LEAF + 1] = {0}; /* with the head whose first place this is */

    for (unsigned i = count; i-- > 0;) {
        uint64_t head = slots->heads[i];
        unsigned below = 0, to;
        for (unsigned j = 0; j < count; j++)
            below += slots->heads[j] < head;
        to = below + same[below]++;
        sorted->heads[to] = head;
        sorted->entries[to] = slots->entries[i];
    }
    for (unsigned i = 0; i < count; i += same[i])
        if (same[i] > 1)
            sort_equal(sorted->entries + i, same[i]);
}

void bptree_sort(const struct bptree_slots *slots, struct bptree_slots *sorted)
{
    sorted->count = slots->count;
    if (!is_ascending(slots)) {
        sort_by_rank(slots, sorted);
        return;
    }
    memcpy(sorted->heads, slots->heads, slots->count * sizeof *slots->heads);
    memcpy(sorted->entries, slots->entries, slots->count * sizeof *slots->entries);
}
