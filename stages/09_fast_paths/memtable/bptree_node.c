/* bptree_node.c: see bptree_node.h. A search in a node has no branch that the processor could
 * mispredict: key prefixes are counted. */
#include "bptree_node.h"

#include <assert.h>

/* ---- Inner nodes ----------------------------------------------------------------------------- */

bool bptree_before(const struct bptree_target *target, const struct bptree_fence *fence)
{
    int order = strata_compare(target->key, bptree_key(fence->entry));

    if (order)
        return order < 0;
    return target->sequence > fence->sequence ||
           (target->left && target->sequence == fence->sequence);
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
    struct strata_slice common = {prefix->bytes, prefix->size};
    int beside = prefix->bytes ? key_beside(target->key, common) : 0;
    uint64_t key_prefix;

    if (beside)
        return beside < 0 ? 0 : count;
    key_prefix = key_prefix_of(target->key, prefix->size);
    at = (unsigned)key_prefix_find(inner->key_prefixes, count, key_prefix);
    cost_so_far.comparisons += cost_halvings(count);
    return at < count && inner->key_prefixes[at] == key_prefix
               ? among_equal(inner, target, key_prefix, at)
               : at;
}

/* ---- Leaves ---------------------------------------------------------------------------------- */

void bptree_gather(const struct bptree_leaf *leaf, struct bptree_slots *slots)
{
    slots->count = bptree_count(&leaf->node);
    slots->prefix = leaf->node.prefix.size;
    assert(slots->count <= BPTREE_LEAF);
    memcpy(slots->key_prefixes, leaf->key_prefixes, slots->count * sizeof *slots->key_prefixes);
    memcpy(slots->entries, leaf->entries, slots->count * sizeof *slots->entries);
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

/* Where the slot at `to` belongs among those before it, which are in order. */
static unsigned place_among(const struct bptree_slots *slots, unsigned to)
{
    uint64_t key_prefix = slots->key_prefixes[to];
    const struct bptree_entry *entry = slots->entries[to];
    unsigned at = 0;

    for (unsigned n = to; n;) {
        unsigned half = n / 2;
        bool behind = comes_before(slots, at + half, key_prefix, entry);
        at = behind ? at + half + 1 : at;
        n = behind ? n - half - 1 : half;
    }
    return at;
}

/* In a leaf of which nothing is known: what its keys do share. */
static void skip_shared(struct bptree_slots *slots)
{
    struct strata_slice first = bptree_key(slots->entries[0]);
    size_t shared = first.size;

    for (unsigned i = 1; i < slots->count; i++) {
        size_t now = key_shared_size(first, bptree_key(slots->entries[i]));
        shared = now < shared ? now : shared;
    }
    slots->prefix = (uint32_t)shared;
    for (unsigned i = 0; i < slots->count; i++)
        slots->key_prefixes[i] = key_prefix_of(bptree_key(slots->entries[i]), shared);
}

/* By insertion: what came in order stays where it is. */
void bptree_sort(struct bptree_slots *slots)
{
    if (slots->prefix == BPTREE_UNKNOWN && slots->count)
        skip_shared(slots);
    for (unsigned i = 1; i < slots->count; i++) {
        uint64_t key_prefix = slots->key_prefixes[i];
        const struct bptree_entry *entry = slots->entries[i];
        unsigned at;
        if (comes_before(slots, i - 1, key_prefix, entry))
            continue;
        at = place_among(slots, i);
        assert(at < i);
        memmove(slots->key_prefixes + at + 1, slots->key_prefixes + at,
                (i - at) * sizeof key_prefix);
        memmove(slots->entries + at + 1, slots->entries + at, (i - at) * sizeof entry);
        slots->key_prefixes[at] = key_prefix;
        slots->entries[at] = entry;
    }
}
