/* edit.c: an edit's bytes, all varints but the digest, which is 8 bytes, little-endian:
 *
 *   ordinal | next
 *   logs    | { number | first | end | sequence } ...
 *   removed | { level | number } ...
 *   added   | { level | number | bytes | digest 8 | records | tombstones | first | last |
 *             |   size | smallest | size | largest } ...
 *   cursors | { level | size | key } ...
 *
 * logs, removed, added and cursors say how many follow. logs is 0 (unchanged), 1 or 2.
 *
 * Valid iff the bytes end there, every level is below 7, every number is at most 2^63 - 1, every
 * file number is above 0 and below next, keys have at most STRATA_MAX_KEY bytes, a table's numbers
 * and keys are ranges and it has no more tombstones than records, logs and the cursors' levels
 * ascend. A varint has one form only; so of every valid edit encode makes the same bytes again. */
#include "edit.h"
#include "base/array.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

void edit_free(struct edit *edit)
{
    free(edit->removed);
    free(edit->added);
    *edit = (struct edit){0};
}

int edit_remove(struct edit *edit, uint32_t level, uint64_t number, struct strata_error *err)
{
    struct edit_removed *removed =
        array_add(&edit->removed, &edit->removed_count, &edit->removed_room, sizeof *removed, err);

    if (!removed)
        return STRATA_ERR_NO_MEMORY;
    *removed = (struct edit_removed){level, number};
    return 0;
}

int edit_add(struct edit *edit, const struct edit_table *table, struct strata_error *err)
{
    struct edit_table *added =
        array_add(&edit->added, &edit->added_count, &edit->added_room, sizeof *added, err);

    if (!added)
        return STRATA_ERR_NO_MEMORY;
    *added = *table;
    return 0;
}

void edit_set_cursor(struct edit *edit, uint32_t level, struct strata_slice key)
{
    assert(level < LEVELS);
    edit->has_cursor[level] = true;
    edit->cursors[level] = key;
}

/* ---- To bytes ------------------------------------------------------------------------------ */

/* A buffer that ran out of memory takes no more, and says so at the end. */
struct writing {
    struct strata_buffer *to;
    uint64_t largest; /* number so far */
};

static void put_numbers(struct writing *w, const uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_put_varint(w->to, numbers[i]);
        w->largest = numbers[i] > w->largest ? numbers[i] : w->largest;
    }
}

static void put_table(struct writing *w, const struct edit_table *t)
{
    put_numbers(w, (uint64_t[]){t->level, t->number, t->bytes}, 3);
    buffer_put_u64(w->to, t->sum.digest);
    put_numbers(w, (uint64_t[]){t->sum.records, t->sum.tombstones, t->sum.first, t->sum.last}, 4);
    buffer_put_prefixed(w->to, t->smallest);
    buffer_put_prefixed(w->to, t->largest);
}

static void put_cursors(struct writing *w, const struct edit *edit)
{
    uint64_t count = 0;

    for (uint64_t level = 0; level < LEVELS; level++)
        count += edit->has_cursor[level];
    put_numbers(w, &count, 1);
    for (uint64_t level = 0; level < LEVELS; level++)
        if (edit->has_cursor[level]) {
            put_numbers(w, &level, 1);
            buffer_put_prefixed(w->to, edit->cursors[level]);
        }
}

int edit_encode(const struct edit *edit, struct strata_buffer *to, struct strata_error *err)
{
    struct writing w = {.to = to};
    uint32_t logs = edit->has_logs ? edit->log_count : 0;

    assert(logs <= 2);
    put_numbers(&w, (uint64_t[]){edit->ordinal, edit->next, logs}, 3);
    for (const struct live_log *l = edit->logs; l < edit->logs + logs; l++)
        put_numbers(&w, (uint64_t[]){l->number, l->first, l->end, l->sequence}, 4);
    buffer_put_varint(to, edit->removed_count);
    for (size_t i = 0; i < edit->removed_count; i++)
        put_numbers(&w, (uint64_t[]){edit->removed[i].level, edit->removed[i].number}, 2);
    buffer_put_varint(to, edit->added_count);
    for (size_t i = 0; i < edit->added_count; i++)
        put_table(&w, &edit->added[i]);
    put_cursors(&w, edit);
    if (w.largest > CODING_NUMBER_MAX)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "write an edit with the number %" PRIu64 ", too large to be read again",
                           w.largest);
    return to->out_of_memory ? strata_fail_memory(err, to->capacity) : 0;
}

/* ---- From bytes ---------------------------------------------------------------------------- */

struct reading {
    struct decoder d;
    const char *wrong; /* what is, or NULL */
};

/* The first thing that is wrong makes the decoder bad, at its offset. */
static void expect(struct reading *r, bool holds, const char *wrong)
{
    if (r->d.bad || !holds) {
        if (!r->wrong)
            r->wrong =
                r->d.bad ? "it ends early, or a number has a longer form than it needs" : wrong;
        r->d.bad = true;
    }
}

/* Sums of two cannot wrap. */
static uint64_t read_value(struct reading *r)
{
    uint64_t value = get_varint(&r->d);
    expect(r, value <= CODING_NUMBER_MAX, "a number that is too large");
    return value;
}

static uint32_t read_level(struct reading *r)
{
    uint64_t level = get_varint(&r->d);
    expect(r, level < LEVELS, "there is no such level");
    return r->d.bad ? 0 : (uint32_t)level;
}

static uint64_t read_number(struct reading *r, uint64_t next)
{
    uint64_t number = get_varint(&r->d);
    expect(r, number > 0 && number < next, "a file number that was never given away");
    return number;
}

static struct strata_slice read_key(struct reading *r)
{
    struct strata_slice key = get_prefixed(&r->d);
    expect(r, key.size <= STRATA_MAX_KEY, "a key that is too long");
    return key;
}

static void read_logs(struct reading *r, struct edit *edit)
{
    uint64_t count = get_varint(&r->d);

    expect(r, count <= 2, "more than two logs");
    edit->has_logs = !r->d.bad && count > 0;
    for (uint64_t i = 0; i < count && !r->d.bad; i++) {
        struct live_log *log = &edit->logs[i];
        log->number = read_number(r, edit->next);
        log->first = read_value(r);
        log->end = read_value(r);
        log->sequence = read_value(r);
        expect(r, log->first <= log->sequence, "a log that ends before it begins");
        expect(r, i == 0 || log->number > edit->logs[0].number, "logs that are not in order");
        edit->log_count++;
    }
}

static void read_table(struct reading *r, uint64_t next, struct edit_table *t)
{
    t->level = read_level(r);
    t->number = read_number(r, next);
    t->bytes = read_value(r);
    t->sum.digest = get_u64(&r->d);
    t->sum.records = read_value(r);
    t->sum.tombstones = read_value(r);
    t->sum.first = read_value(r);
    t->sum.last = read_value(r);
    t->smallest = read_key(r);
    t->largest = read_key(r);
    expect(r, t->sum.tombstones <= t->sum.records, "more tombstones than records");
    expect(r,
           t->sum.first <= t->sum.last &&
               (r->d.bad || strata_compare(t->smallest, t->largest) <= 0),
           "a table that ends before it begins");
}

/* 6.I3: memory is allocated for what was read, not for as many as are said to follow. */
static int read_removed(struct reading *r, struct edit *edit, struct strata_error *err)
{
    int rc = 0;

    for (uint64_t left = get_varint(&r->d); rc == 0 && left && !r->d.bad; left--) {
        uint32_t level = read_level(r);
        rc = edit_remove(edit, level, read_number(r, edit->next), err);
    }
    return rc;
}

static int read_added(struct reading *r, struct edit *edit, struct strata_error *err)
{
    int rc = 0;

    for (uint64_t left = get_varint(&r->d); rc == 0 && left && !r->d.bad; left--) {
        struct edit_table table = {.table = NULL};
        read_table(r, edit->next, &table);
        rc = edit_add(edit, &table, err);
    }
    return rc;
}

static void read_cursors(struct reading *r, struct edit *edit)
{
    uint64_t count = get_varint(&r->d);

    expect(r, count <= LEVELS, "more cursors than levels");
    for (uint32_t least = 0; count-- && !r->d.bad; least++) {
        uint32_t level = read_level(r);
        edit_set_cursor(edit, level, read_key(r));
        expect(r, level >= least, "cursors that are not in order");
        least = level;
    }
}

int edit_decode(struct strata_slice bytes, struct edit *edit, struct strata_error *err)
{
    struct reading r = {.wrong = NULL};
    int rc;

    *edit = (struct edit){0};
    decoder_init(&r.d, bytes);
    edit->ordinal = read_value(&r);
    edit->next = read_value(&r);
    read_logs(&r, edit);
    rc = read_removed(&r, edit, err);
    if (rc == 0)
        rc = read_added(&r, edit, err);
    if (rc < 0)
        return rc;
    read_cursors(&r, edit);
    expect(&r, decoder_done(&r.d), "bytes follow it");
    return r.wrong ? strata_fail(err, STRATA_ERR_CORRUPT, NULL, bytes.size - r.d.left,
                                 "no edit of the manifest: %s", r.wrong)
                   : 0;
}
