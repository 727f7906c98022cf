/* value_ahead.c: see value_ahead.h.
 *
 *   values, in the order of a scan   @100   @16600   @33100   @49600   @66100   @82600 ...
 *   reads                            1      1        1 of 64 KiB                1 of 128 KiB
 *
 * Two in a row tell that a scan is in the order of the file, forwards or backwards. After that a
 * piece is read, then one of twice as many bytes. A read that fails is no error: the value is read
 * by itself then, and that is one. */
#include "value_ahead.h"
#include "base/bytes.h"
#include "strata_engine.h"

#define FEWEST ((size_t)64 << 10) /* bytes */
#define MOST ((size_t)128 << 10)
#define GAP 256u /* between two records side by side: a frame's head and end */

void value_ahead_free(struct value_ahead *ahead)
{
    strata_buffer_free(&ahead->bytes);
    *ahead = (struct value_ahead){0};
}

static const uint8_t *held(const struct value_ahead *a, uint64_t number, uint64_t from, uint64_t to)
{
    bool holds =
        a->bytes.size && number == a->number && from >= a->at && to <= a->at + a->bytes.size;

    return holds ? a->bytes.data + (from - a->at) : NULL;
}

/* 1: the record comes after the last one, -1: before it, 0: neither. */
static int side(const struct value_ahead *a, uint64_t number, uint64_t from, uint64_t to)
{
    if (number != a->number)
        return 0;
    if (from >= a->to && from - a->to <= GAP)
        return 1;
    return to <= a->from && a->from - to <= GAP ? -1 : 0;
}

static int read_piece(struct value_ahead *a, const struct fs_pooled *file, uint64_t at, size_t size,
                      struct strata_error *err)
{
    strata_buffer_clear(&a->bytes);
    a->at = at;
    if (buffer_reserve(&a->bytes, size) < 0)
        return strata_fail_memory(err, size);
    if (fs_read_exactly(file->file, at, a->bytes.data, size, NULL) == 0)
        a->bytes.size = size;
    else
        a->piece = 0;
    return 0;
}

int value_ahead_record(struct value_ahead *a, const struct fs_pooled *file, uint64_t number,
                       uint64_t offset, uint64_t size, uint64_t end, const uint8_t **record,
                       struct strata_error *err)
{
    uint64_t to = offset + size;
    int where, rc;

    *record = held(a, number, offset, to);
    where = *record ? 0 : side(a, number, offset, to);

    if (number != a->number)
        strata_buffer_clear(&a->bytes);
    a->number = number;
    a->from = offset;
    a->to = to;
    if (*record)
        return 0;
    a->piece = !where ? 0 : a->piece < FEWEST ? FEWEST : MOST;
    if (2 * size > a->piece)
        return 0;
    if (where > 0)
        rc = read_piece(a, file, offset,
                        end - offset < a->piece ? (size_t)(end - offset) : a->piece, err);
    else
        rc = read_piece(a, file, to < a->piece ? 0 : to - a->piece,
                        to < a->piece ? (size_t)to : a->piece, err);
    *record = held(a, number, offset, to);
    return rc;
}
