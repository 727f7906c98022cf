/* read_set.c: see read_set.h. Ranges are appended as they come; when there is no more room they are
 * put in order, and those that overlap become one:
 *
 *     [b..d] [x..x] [c..f] [x..x] [a..a]   ->   [a..a] [b..f] [x..x]
 *
 * Only if that does not give half of the room back it is doubled. So the room is bounded by what
 * was read, not by how often, and adding is O(log n), amortized.
 *
 * 11.I4: what was added stays covered: sorting changes how it is said, and a rollback takes nothing
 *        away, since what was read may have decided what the program did next. */
#include "11_transactions/txn/read_set.h"
#include "base/bytes.h"
#include "strata_engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 16
#define CHUNK 960 /* bytes of keys at a time: most transactions read few */

void read_set_free(struct read_set *set)
{
    arena_free(&set->bytes);
    free(set->all);
    *set = (struct read_set){0};
}

/* ---- In order -------------------------------------------------------------------------------- */

static int by_low(const void *a, const void *b)
{
    return strata_compare(((const struct read_range *)a)->low, ((const struct read_range *)b)->low);
}

/* `next` begins in `range` or behind its beginning: true if it is a part of it now. */
static bool join(struct read_range *range, const struct read_range *next)
{
    assert(strata_compare(range->low, next->low) <= 0);
    if (!read_range_reaches(range, next->low))
        return false;
    if (next->endless || (!range->endless && strata_compare(next->high, range->high) > 0)) {
        range->endless = next->endless;
        range->high = next->high;
    }
    return true;
}

void read_set_sort(struct read_set *set)
{
    size_t kept = 0;

    if (set->sorted == set->count)
        return;
    qsort(set->all, set->count, sizeof *set->all, by_low);
    for (size_t i = 1; i < set->count; i++)
        if (!join(&set->all[kept], &set->all[i]))
            set->all[++kept] = set->all[i];
    set->count = set->sorted = kept + 1;
}

bool read_set_has(const struct read_set *set, struct strata_slice key)
{
    size_t at = 0;

    assert(set->sorted == set->count);
    for (size_t n = set->count; n;) { /* the first that begins behind the key */
        size_t half = n / 2;
        bool is_before = strata_compare(set->all[at + half].low, key) <= 0;
        at += is_before ? half + 1 : 0;
        n = is_before ? n - half - 1 : half;
    }
    return at && read_range_reaches(&set->all[at - 1], key);
}

/* ---- Adding ---------------------------------------------------------------------------------- */

static struct strata_slice copy(struct read_set *set, struct strata_slice key)
{
    uint8_t *to = arena_take(&set->bytes, key.size);

    if (key.size)
        memcpy(to, key.data, key.size);
    return strata_bytes(to, key.size);
}

static size_t bytes_of(const struct read_range *range)
{
    return range->low.size + range->high.size + 2 * ARENA_ALIGN;
}

/* A key's bytes are kept once: low and high are the same. */
static void put(struct read_set *set, struct read_range *to, const struct read_range *range)
{
    bool is_key = read_range_is_key(range);

    to->low = copy(set, range->low);
    to->high = is_key ? to->low : copy(set, range->high);
    to->endless = range->endless;
    to->hash = is_key ? read_set_hash(range->low) : 0;
}

/* Leaves the bytes of ranges that have become parts of others. */
static int repack(struct read_set *set, struct strata_error *err)
{
    struct arena old = set->bytes;
    size_t bytes = 0;
    int rc;

    for (size_t i = 0; i < set->count; i++)
        bytes += bytes_of(&set->all[i]);
    set->bytes = (struct arena){.chunk_bytes = CHUNK};
    rc = arena_reserve(&set->bytes, bytes, err);
    if (rc < 0) {
        set->bytes = old;
        return rc;
    }
    for (size_t i = 0; i < set->count; i++) {
        const struct read_range range = set->all[i];
        put(set, &set->all[i], &range);
    }
    arena_free(&old);
    return 0;
}

static int make_room(struct read_set *set, struct strata_error *err)
{
    size_t room = set->room ? 2 * set->room : ROOM_FIRST;
    struct read_range *all;

    read_set_sort(set);
    if (set->room && set->count <= set->room / 2)
        return repack(set, err);
    all = realloc(set->all, room * sizeof *all);
    if (!all)
        return strata_fail_memory(err, room * sizeof *all);
    set->all = all;
    set->room = room;
    return 0;
}

int read_set_add(struct read_set *set, const struct read_range *range, struct strata_error *err)
{
    int rc = set->count == set->room ? make_room(set, err) : 0;

    set->bytes.chunk_bytes = CHUNK;

    assert(range->endless || strata_compare(range->low, range->high) <= 0);
    if (rc == 0)
        rc = arena_reserve(&set->bytes, bytes_of(range), err);
    if (rc == 0)
        put(set, &set->all[set->count++], range);
    if (set->count == 1)
        set->sorted = 1;
    return rc;
}

int read_set_add_key(struct read_set *set, struct strata_slice key, struct strata_error *err)
{
    return read_set_add(set, &(struct read_range){.low = key, .high = key}, err);
}
