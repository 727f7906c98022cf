/* readahead.c: see readahead.h.
 *
 * A scan reads 1 block, then as many whole ones as FEWEST bytes hold, then twice as many bytes
 * each time, up to readahead_bytes: a scan of a few entries reads little in vain.
 *
 *   blocks   | n | n+1 n+2 n+3 | n+4 n+5 n+6 n+7 n+8 n+9 | ...
 *            seek, or 1         twice as many
 *
 * 9.I32: a piece ends where the table's blocks do. A read that fails is reported at once, also
 *        where the wanted block may be sound: a seek can still find it, as that reads one block
 *        alone. */
#include "readahead.h"
#include "base/bytes.h"

#include <assert.h>

#define FEWEST ((size_t)16 << 10) /* bytes */

void readahead_free(struct readahead *ahead)
{
    strata_buffer_free(&ahead->bytes);
    *ahead = (struct readahead){0};
}

void readahead_pause(struct readahead *ahead)
{
    ahead->piece = 0;
}

/* May block `n` be read along with its neighbour? */
static bool is_wanted(const struct pax_table *t, uint32_t n, bool once)
{
    return once || !clock_cache_has(&t->directory, n);
}

/* As many blocks as `piece` bytes hold, but one at least. */
static void choose(struct readahead *a, const struct pax_table *t, uint32_t n, bool back, bool once)
{
    const uint64_t *offsets = t->fence.offsets;

    a->first = n;
    a->end = n + 1;
    if (back)
        while (a->first && offsets[a->end] - offsets[a->first - 1] <= a->piece &&
               is_wanted(t, a->first - 1, once))
            a->first--;
    else
        while (a->end < t->fence.count && offsets[a->end + 1] - offsets[a->first] <= a->piece &&
               is_wanted(t, a->end, once))
            a->end++;
}

static bool holds(const struct readahead *a, const struct pax_table *t, uint32_t n)
{
    return a->table == t && n >= a->first && n < a->end;
}

static void grow(struct readahead *a, size_t most)
{
    if (!a->piece)
        a->piece = 1;
    else
        a->piece = a->piece < FEWEST ? FEWEST : a->piece < most ? 2 * a->piece : most;
}

/* 9.I32. */
static int read_piece(struct readahead *a, const struct pax_table *t, struct strata_error *err)
{
    uint64_t offset = t->fence.offsets[a->first];
    size_t size = (size_t)(t->fence.offsets[a->end] - offset);
    int rc;

    assert(a->first < a->end && a->end <= t->fence.count); /* 9.I32 */
    a->table = NULL;
    strata_buffer_clear(&a->bytes);
    if (buffer_reserve(&a->bytes, size) < 0)
        rc = strata_fail_memory(err, size);
    else
        rc = fs_pooled_read(&t->file, offset, a->bytes.data, size, err);
    if (rc < 0)
        a->piece = 0;
    else
        a->table = t;
    return rc;
}

int readahead_block(struct readahead *a, const struct pax_table *t, uint32_t n, bool back,
                    bool once, const uint8_t **stored, struct strata_error *err)
{
    size_t most = t->common ? t->common->readahead_bytes : READAHEAD_BYTES;

    assert(n < t->fence.count);
    *stored = NULL;
    if (t->mapped || !most)
        return 0;
    if (!holds(a, t, n)) {
        int rc;
        grow(a, most);
        choose(a, t, n, back, once);
        if (a->first + 1 == a->end) {
            a->table = NULL;
            return 0;
        }
        rc = read_piece(a, t, err);
        if (rc < 0)
            return rc;
    }
    assert(holds(a, t, n));
    *stored = a->bytes.data + (t->fence.offsets[n] - t->fence.offsets[a->first]);
    return 0;
}
