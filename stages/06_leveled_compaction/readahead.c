/* readahead.c: see readahead.h.
 *
 * A scan that goes on reads 1 block, then as many whole ones as FEWEST bytes hold, then twice as
 * many bytes each time, up to MOST: who takes a few entries reads little that he does not want.
 *
 *   blocks   | n | n+1 n+2 n+3 | n+4 n+5 n+6 n+7 n+8 n+9 | ...
 *            seek, or 1         twice as many
 *
 * I1: a piece ends where the table's blocks do. What cannot be read is no error here: the block
 * that is wanted may be sound, and is then read by itself. */
#include "readahead.h"

#include <stdlib.h>

#define FEWEST ((size_t)16 << 10) /* bytes */
#define MOST ((size_t)64 << 10)

void readahead_free(struct readahead *ahead)
{
    free(ahead->bytes);
    *ahead = (struct readahead){0};
}

void readahead_pause(struct readahead *ahead)
{
    ahead->piece = 0;
}

/* May block `n` be read along with its neighbour? */
static bool is_wanted(const struct table *t, uint32_t n, bool once)
{
    return once || !cache_has(&t->directory, n);
}

/* As many blocks as `piece` bytes hold, but one at least. */
static void choose(struct readahead *a, const struct table *t, uint32_t n, bool back, bool once)
{
    const uint64_t *places = t->fence.places;

    a->first = n;
    a->end = n + 1;
    if (back)
        while (a->first && places[a->end] - places[a->first - 1] <= a->piece &&
               is_wanted(t, a->first - 1, once))
            a->first--;
    else
        while (a->end < t->fence.count && places[a->end + 1] - places[a->first] <= a->piece &&
               is_wanted(t, a->end, once))
            a->end++;
}

static bool reserve(struct readahead *a, size_t size)
{
    uint8_t *bytes;

    if (size <= a->capacity)
        return true;
    bytes = malloc(size);
    if (!bytes)
        return false;
    free(a->bytes);
    a->bytes = bytes;
    a->capacity = size;
    return true;
}

static bool holds(const struct readahead *a, const struct table *t, uint32_t n)
{
    return a->table == t && n >= a->first && n < a->end;
}

static void grow(struct readahead *a)
{
    if (!a->piece)
        a->piece = 1;
    else
        a->piece = a->piece < FEWEST ? FEWEST : a->piece < MOST ? 2 * a->piece : MOST;
}

/* false: they are not there. */
static bool read_piece(struct readahead *a, const struct table *t)
{
    uint64_t place = t->fence.places[a->first];
    size_t size = (size_t)(t->fence.places[a->end] - place);
    struct strata_error unused; /* I1 */

    a->table = NULL;
    if (a->first + 1 == a->end || !reserve(a, size) ||
        table_read_at(t, place, a->bytes, size, &unused) < 0)
        return false;
    a->table = t;
    return true;
}

const uint8_t *readahead_block(struct readahead *a, const struct table *t, uint32_t n, bool back,
                               bool once)
{
    if (t->mapped)
        return NULL;
    if (!holds(a, t, n)) {
        grow(a);
        choose(a, t, n, back, once);
        if (!read_piece(a, t))
            return NULL;
    }
    return a->bytes + (t->fence.places[n] - t->fence.places[a->first]);
}
