/* hint.c: NAME.hint beside NAME.log, little-endian:
 *
 *   +---------+-----------+------------+-----------+---------------+-----------+----------+
 *   | magic 8 | version 2 | reserved 2 | segment 8 | segment_end 8 | records 8 | digest 8 |
 *   +---------+-----------+------------+-----------+---------------+-----------+----------+
 *   | check 4 |  then, for each record:  | hash 8 | type << 56 | offset 8 |
 *   +---------+                          +--------+-----------------------+
 *
 * check covers all other bytes, the header's first. segment is the segment's file number,
 * segment_end its length in bytes; records and digest are its seal's. A hint is valid iff check,
 * version and sizes hold, segment and segment_end are those of the segment, and the entries stand
 * in the records' order (which the digest does not tell: replayed in another, an older put of a key
 * might come last), add up to records and digest, and these are the seal's. */
#include "hint.h"
#include "index.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/coding.h"

#include <assert.h>
#include <string.h>

#define VERSION 1
#define CHECK_OFFSET 44
#define ENTRY 16

uint32_t hint_checksum(uint64_t id, struct strata_slice bytes)
{
    struct checksum c;
    checksum_begin(&c, checksum_seed(id, 0));
    checksum_add(&c, strata_bytes(bytes.data, CHECK_OFFSET));
    checksum_add(&c, strata_bytes(bytes.data + HINT_HEADER, bytes.size - HINT_HEADER));
    return checksum_end(&c);
}

/* ---- Writing --------------------------------------------------------------------------- */

static int add_entry(void *arg, const struct segment *segment, const struct record *record,
                     uint64_t hash, struct strata_error *err)
{
    struct strata_buffer *to = arg;

    (void)segment;
    buffer_put_u64(to, hash);
    buffer_put_u64(to, (uint64_t)record->type << 56 | record->offset);
    return to->out_of_memory ? strata_fail_memory(err, to->capacity) : 0;
}

static void fill_header(const struct segment *segment, struct strata_buffer *bytes)
{
    uint8_t *at = bytes->data;
    memcpy(at, HINT_MAGIC, 8);
    at = put_u16(at + 8, VERSION);
    at = put_u16(at, 0);
    at = put_u64(at, segment_id(segment));
    at = put_u64(at, segment->end);
    at = put_u64(at, segment->sum.records);
    at = put_u64(at, segment->sum.digest);
    put_u32(at, hint_checksum(segment_id(segment), strata_buffer_slice(bytes)));
}

int hint_write(const struct segments *set, const struct segment *segment, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    uint8_t header[HINT_HEADER] = {0};
    char name[SEGMENT_NAME];
    int rc;

    assert(segment->sealed);
    segment_name(segment->first, segment->last, ".hint", name);
    rc = strata_buffer_append(&bytes, header, sizeof header) < 0
             ? strata_fail_memory(err, HINT_HEADER)
             : segment_read(set, segment, add_entry, &bytes, err);
    if (rc == 0) {
        fill_header(segment, &bytes);
        rc = fs_replace(set->env->fs, set->env->dir, name, strata_buffer_slice(&bytes), false, err);
    }
    strata_buffer_free(&bytes);
    return rc;
}

void hint_try(const struct segments *set, const struct segment *segment)
{
    struct strata_error why;

    if (hint_write(set, segment, &why) < 0)
        strata_env_warn(set->env, &why, "no hint file was written");
}

/* ---- Reading --------------------------------------------------------------------------- */

static bool entries_add_up(struct strata_slice entries, const struct segment_sum *sealed)
{
    struct segment_sum sum = {0};
    uint64_t before = 0;
    struct decoder d;

    decoder_init(&d, entries);
    while (d.left >= ENTRY) {
        uint64_t hash = get_u64(&d), place = get_u64(&d), offset = place & (UINT64_MAX >> 8);
        if (offset <= before)
            return false;
        before = offset;
        sum.records++;
        sum.digest += segment_digest(hash, offset, (unsigned)(place >> 56));
    }
    return decoder_done(&d) && sum.records == sealed->records && sum.digest == sealed->digest;
}

static bool fits(const struct segment *segment, struct strata_slice bytes)
{
    struct decoder d;
    struct strata_slice magic;
    uint64_t reserved, id, end, records, digest;
    uint32_t check;

    decoder_init(&d, bytes);
    magic = get_bytes(&d, 8);
    reserved = get_u32(&d); /* version, then zeros */
    id = get_u64(&d);
    end = get_u64(&d);
    records = get_u64(&d);
    digest = get_u64(&d);
    check = get_u32(&d);
    return !d.bad && memcmp(magic.data, HINT_MAGIC, 8) == 0 && reserved == VERSION &&
           id == segment_id(segment) && end == segment->end && records == segment->sum.records &&
           digest == segment->sum.digest && check == hint_checksum(id, bytes) &&
           entries_add_up(strata_bytes(d.at, d.left), &segment->sum);
}

static int replay(const struct segment *segment, struct strata_slice entries, segment_each *each,
                  void *arg, struct strata_error *err)
{
    struct decoder d;
    int rc = 0;

    decoder_init(&d, entries);
    while (rc == 0 && d.left) {
        uint64_t hash = get_u64(&d), place = get_u64(&d);
        struct record record = {.type = (unsigned)(place >> 56),
                                .offset = place & (UINT64_MAX >> 8)};
        rc = each(arg, segment, &record, hash, err);
    }
    return rc;
}

int hint_read(const struct segments *set, const struct segment *segment, segment_each *each,
              void *arg, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    uint64_t max = HINT_HEADER + segment->end / RECORD_HEAD * ENTRY;
    char name[SEGMENT_NAME];
    int rc;

    segment_name(segment->first, segment->last, ".hint", name);
    rc = fs_read_optional(set->env, name, (size_t)max, &bytes, err);
    if (rc == 0 && fits(segment, strata_buffer_slice(&bytes))) {
        rc =
            replay(segment, slice_behind(strata_buffer_slice(&bytes), HINT_HEADER), each, arg, err);
    } else if (rc == 0) {
        strata_env_log(set->env, STRATA_LOG_WARNING, "%s/%s: ignored: it does not fit its segment",
                       set->env->dir, name);
        rc = STRATA_NOT_FOUND;
    }
    strata_buffer_free(&bytes);
    return rc;
}
