/* live.c: the bytes of a table's list of value files, little-endian, at the beginning of its notes:
 *
 *   +-------------+--------+-------------------------------------------+---------+
 *   | marker 0x7f | size 4 | of each file: number 8, bytes 8, values 8 | lineage |
 *   +-------------+--------+-------------------------------------------+---------+
 *
 * No lineage begins with the marker (08_backup_repair/lineage/lineage.c). A table without pointers
 * has no list. A list is valid iff it is within the notes, has a file at least, numbers ascend and
 * are above 0, and each file has a value, and its records have at least a head's bytes each.
 *
 * Widths are fixed, so a writer counts in the very bytes that it will write. */
#include "live.h"
#include "01_append_log/record.h"
#include "08_backup_repair/lineage/lineage.h"
#include "base/bytes.h"
#include "base/coding.h"

#include <assert.h>
#include <string.h>

#define HEAD 5u
#define EACH 24u

static struct decoder open_notes(const struct strata_buffer *notes, size_t from, size_t size)
{
    struct decoder d;

    decoder_init(&d, strata_bytes(notes->data + from, size));
    return d;
}

size_t live_count(const struct strata_buffer *notes)
{
    struct decoder d;

    if (notes->size < HEAD || notes->data[0] != LINEAGE_OTHER)
        return 0;
    d = open_notes(notes, 1, 4);
    return get_u32(&d) / EACH;
}

struct live live_at(const struct strata_buffer *notes, size_t at)
{
    struct decoder d = open_notes(notes, HEAD + at * EACH, EACH);
    struct live live;

    live.number = get_u64(&d);
    live.bytes = get_u64(&d);
    live.values = get_u64(&d);
    return live;
}

static void put(struct strata_buffer *notes, size_t at, const struct live *live)
{
    uint8_t *to = notes->data + HEAD + at * EACH;

    put_u64(put_u64(put_u64(to, live->number), live->bytes), live->values);
}

/* The first that is not before `number`. */
static size_t find(const struct strata_buffer *notes, uint64_t number)
{
    size_t at = 0, n = live_count(notes);

    while (n) {
        size_t half = n / 2;
        bool before = live_at(notes, at + half).number < number;
        at += before ? half + 1 : 0;
        n = before ? n - half - 1 : half;
    }
    return at;
}

/* Room for one more, at `at`. */
static int insert(struct strata_buffer *notes, size_t at, struct strata_error *err)
{
    static const uint8_t none[HEAD] = {LINEAGE_OTHER};
    size_t count = live_count(notes);
    uint8_t *place;

    assert(notes->size == (count ? HEAD + count * EACH : 0)); /* nothing is behind it yet */
    if (buffer_reserve(notes, HEAD + EACH) < 0)
        return strata_fail_memory(err, EACH);
    if (!count)
        strata_buffer_append(notes, none, HEAD);
    place = notes->data + HEAD + at * EACH;
    memmove(place + EACH, place, (count - at) * EACH);
    notes->size += EACH;
    put_u32(notes->data + 1, (uint32_t)((count + 1) * EACH));
    return 0;
}

int live_add(struct strata_buffer *notes, uint64_t number, uint64_t bytes, struct strata_error *err)
{
    size_t at = find(notes, number);
    struct live live = {number, 0, 0};

    if (at < live_count(notes) && live_at(notes, at).number == number)
        live = live_at(notes, at);
    else if (insert(notes, at, err) < 0)
        return STRATA_ERR_NO_MEMORY;
    live.bytes += bytes;
    live.values++;
    put(notes, at, &live);
    return 0;
}

struct live live_of(const struct strata_buffer *notes, uint64_t number)
{
    size_t at = find(notes, number);
    struct live live = {number, 0, 0};

    if (at < live_count(notes) && live_at(notes, at).number == number)
        live = live_at(notes, at);
    return live;
}

static bool is_possible(const struct live *live, uint64_t before)
{
    return live->number > before && live->number <= CODING_NUMBER_MAX && live->values &&
           live->bytes <= CODING_NUMBER_MAX && live->bytes / RECORD_HEAD >= live->values;
}

const char *live_check(const struct strata_buffer *notes)
{
    uint64_t before = 0;
    struct decoder d;
    uint32_t size;

    if (!notes->size || notes->data[0] != LINEAGE_OTHER)
        return NULL;
    d = open_notes(notes, 1, notes->size - 1);
    size = get_u32(&d);
    if (d.bad || !size || size % EACH || size > d.left)
        return "the list of value files has an impossible size";
    for (size_t i = 0; i < size / EACH; i++) {
        struct live live = live_at(notes, i);
        if (!is_possible(&live, before))
            return "the list of value files is not in order, or has impossible numbers";
        before = live.number;
    }
    return NULL;
}
