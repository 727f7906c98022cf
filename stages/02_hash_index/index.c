/* index.c: open addressing with linear probing.
 *
 *   home(b) = 2                        remove b: what follows moves back if its home allows
 *   0     1     2     3     4          0     1     2     3     4
 *   [   ] [   ] [ b ] [ c ] [ a ]  ->  [   ] [   ] [ c ] [ a ] [   ]
 *
 * 2.I3: from a key's home slot to its own there is no empty slot. So a search ends at the first
 *     empty one, and removing must close the gap (no markers of the removed: Knuth, The Art of
 *     Computer Programming 3, 6.4, algorithm R).
 * 2.I4: at most 3/4 of the slots are in use; so searches are short, and each entry costs 16 bytes
 *     / load: 21 to 43. */
#include "index.h"
#include "strata_engine.h"

#include <assert.h>
#include <stdlib.h>

#include <xxhash.h>

uint64_t index_hash(struct strata_slice key)
{
    return XXH3_64bits(key.data, key.size);
}

void index_free(struct index *index)
{
    free(index->slots);
    *index = (struct index){0};
}

static size_t home(const struct index *index, uint64_t hash)
{
    return (size_t)hash & (index->capacity - 1);
}

static size_t after(const struct index *index, size_t slot)
{
    return (slot + 1) & (index->capacity - 1);
}

void index_add(struct index *index, uint64_t hash, uint64_t position)
{
    size_t slot = home(index, hash);

    assert(position && index->count < index->capacity / 4 * 3); /* 2.I4 */
    while (index->slots[slot].position)
        slot = after(index, slot);
    index->slots[slot] = (struct index_slot){hash, position};
    index->count++;
}

int index_reserve(struct index *index, size_t more, struct strata_error *err)
{
    struct index bigger = {NULL, index->capacity ? index->capacity : 16, 0};

    if (more > SIZE_MAX / 64 - index->count)
        return strata_fail_memory(err, more);
    while (index->count + more > bigger.capacity / 4 * 3)
        bigger.capacity *= 2;
    if (bigger.capacity == index->capacity)
        return 0;
    bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
    if (!bigger.slots)
        return strata_fail_memory(err, bigger.capacity * sizeof *bigger.slots);
    for (size_t i = 0; i < index->capacity; i++)
        if (index->slots[i].position)
            index_add(&bigger, index->slots[i].hash, index->slots[i].position);
    assert(bigger.count == index->count &&
           bigger.count + more <= bigger.capacity / 4 * 3); /* 2.I4 */
    index_free(index);
    *index = bigger;
    return 0;
}

bool index_find(const struct index *index, uint64_t hash, size_t *slot)
{
    size_t at;
    if (index->count == 0)
        return false;
    at = *slot == SIZE_MAX ? home(index, hash) : after(index, *slot);
    for (; index->slots[at].position; at = after(index, at))
        if (index->slots[at].hash == hash) {
            *slot = at;
            return true;
        }
    return false;
}

void index_remove(struct index *index, size_t gap)
{
    size_t mask = index->capacity - 1;

    assert(index->count && gap < index->capacity && index->slots[gap].position);
    for (size_t at = after(index, gap); index->slots[at].position; at = after(index, at)) {
        /* May it move back to the gap? Not if its home lies between gap and itself (2.I3). */
        size_t from_home = (at - home(index, index->slots[at].hash)) & mask;
        if (from_home >= ((at - gap) & mask)) {
            index->slots[gap] = index->slots[at];
            gap = at;
        }
    }
    index->slots[gap].position = 0;
    index->count--;
}
