/* wal.c: a frame, in the record framing of stage 1 (01_append_log/record.c), little-endian:
 *
 *   +-------------------------------------------------------------------+---------+---------+
 *   | record of type 6: no key, value =                                 | record  | record  |
 *   | sequence 8 | synced 8 | bytes 8 | count 4 | salt 8                | 1 to 5  |   ...   |
 *   +-------------------------------------------------------------------+---------+---------+
 *   |<-- 17 + 36 bytes                                                -->|<--   bytes     -->|
 *
 * A frame is valid iff its head is, `count` valid records follow, and they fill `bytes` exactly.
 *
 * 3.I1: a frame is written by one append; so kill -9 leaves a whole one or a torn one.
 * 3.I2: `synced` never says more than a sync that returned 0 has promised. So bytes below the
 *     largest `synced` of any valid frame are damaged if they do not read back; above it they
 *     may be torn.
 *     Bytes of a value may be chosen to look like a frame that says so; the salt, which is drawn
 *     for each file and is in its first frame, tells them apart (as in SQLite's WAL).
 * 3.I3: nothing of a frame is applied before all of it was checked. */
#include "wal.h"
#include "02_hash_index/segment.h"
#include "base/bytes.h"
#include "base/coding.h"
#include "strata_engine.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_VALUE (WAL_HEAD - RECORD_HEAD)
#define TYPE_PLACE 4          /* bytes of a record before its type */
#define LARGE ((size_t)65536) /* a value from here on is not copied, if it is the last */

uint64_t wal_salt(struct strata_fs *fs)
{
    return fs_random(fs) | 1;
}

void wal_group_begin(struct wal_group *group, uint64_t number, uint64_t salt, uint64_t offset)
{
    assert(offset >= RECORD_FILE_HEADER);
    strata_buffer_clear(&group->bytes);
    group->number = number;
    group->salt = salt;
    group->offset = offset;
    group->large = strata_bytes(NULL, 0);
}

void wal_group_free(struct wal_group *group)
{
    strata_buffer_free(&group->bytes);
}

void wal_frame_begin(struct wal_group *group, uint64_t sequence, uint64_t synced)
{
    assert(synced <= group->offset && !group->large.size); /* 3.I2 */
    group->frame = (struct wal_frame){.sequence = sequence,
                                      .synced = synced,
                                      .salt = group->salt,
                                      .offset = group->offset + group->bytes.size};
    if (buffer_reserve(&group->bytes, WAL_HEAD) == 0)
        group->bytes.size += WAL_HEAD; /* filled in by wal_frame_end */
}

uint64_t wal_frame_add(struct wal_group *group, unsigned type, struct strata_slice key,
                       struct strata_slice value, bool last)
{
    struct strata_buffer *to = &group->bytes;
    uint64_t offset = group->offset + to->size;
    bool large = last && value.size >= LARGE;
    uint8_t *head;

    group->frame.bytes += RECORD_HEAD + key.size + value.size;
    group->frame.count++;
    if (large)
        group->large = value;
    if (buffer_reserve(to, RECORD_HEAD + key.size + (large ? 0 : value.size)) < 0)
        return offset;
    head = to->data + to->size;
    to->size += RECORD_HEAD;
    strata_buffer_append(to, key.data, key.size);
    key.data = head + RECORD_HEAD; /* side by side, their check costs less */
    if (!large) {
        strata_buffer_append(to, value.data, value.size);
        value.data = key.data + key.size;
    }
    record_head(group->number, offset, type, key, value, head);
    return offset;
}

void wal_frame_end(struct wal_group *group)
{
    uint8_t value[HEAD_VALUE], *at = value, *head;
    const struct wal_frame *frame = &group->frame;

    if (group->bytes.out_of_memory)
        return;
    head = group->bytes.data + (frame->offset - group->offset);
    assert(group->offset + group->bytes.size + group->large.size ==
           frame->offset + WAL_HEAD + frame->bytes);
    at = put_u64(at, frame->sequence);
    at = put_u64(at, frame->synced);
    at = put_u64(at, frame->bytes);
    at = put_u32(at, frame->count);
    put_u64(at, frame->salt);
    record_head(group->number, frame->offset, WAL_FRAME, strata_bytes(NULL, 0),
                strata_bytes(value, sizeof value), head);
    memcpy(head + RECORD_HEAD, value, sizeof value);
}

int wal_group_write(struct wal_group *group, struct fs_file *file, struct strata_error *err)
{
    struct strata_slice parts[2] = {strata_buffer_slice(&group->bytes), group->large};
    int rc = group->bytes.out_of_memory
                 ? strata_fail_memory(err, group->bytes.capacity)
                 : fs_append(file, parts, group->large.size ? 2 : 1, err); /* 3.I1 */

    assert(rc < 0 || file->end == group->offset + group->bytes.size + group->large.size);
    if (rc < 0)
        group->frame = (struct wal_frame){0}; /* it is not in the file */
    return rc;
}

/* ---- Reading --------------------------------------------------------------------------- */

static int decode_head(const struct fs_file *file, uint64_t offset, struct strata_slice value,
                       struct wal_frame *frame, struct strata_error *err)
{
    struct decoder d;
    decoder_init(&d, value);
    frame->sequence = get_u64(&d);
    frame->synced = get_u64(&d);
    frame->bytes = get_u64(&d);
    frame->count = get_u32(&d);
    frame->salt = get_u64(&d);
    frame->offset = offset;
    frame->first = offset + WAL_HEAD;
    frame->end = frame->first + frame->bytes;
    if (!decoder_done(&d) || frame->sequence > CODING_NUMBER_MAX ||
        frame->bytes > CODING_NUMBER_MAX || frame->synced > offset)
        return strata_fail(err, STRATA_ERR_CORRUPT, file->path, offset + RECORD_HEAD,
                           "the frame's head is none: sequence %" PRIu64 ", synced %" PRIu64
                           ", %" PRIu64 " bytes",
                           frame->sequence, frame->synced, frame->bytes);
    return 0;
}

/* The head at the reader's offset, or all of a frame that has none. */
static int read_head(struct record_reader *reader, const struct wal_kind *kind,
                     struct wal_frame *frame, struct strata_error *err)
{
    struct record record;
    int rc = record_next(reader, &record, err);

    if (rc != 0)
        return rc;
    if (kind && record.type >= kind->min_type)
        return kind->decode(reader->file, &record, frame, err);
    if (record.type != WAL_FRAME || record.key.size)
        return WAL_OTHER;
    return decode_head(reader->file, record.offset, record.value, frame, err);
}

/* All records of the frame whose head was read: `count` of them, to its end exactly. */
static int check_records(struct record_reader *reader, const struct wal_frame *frame,
                         struct strata_error *err)
{
    uint64_t limit = reader->limit;
    struct record record;
    uint32_t count = 0;
    int rc;

    if (frame->end > limit)
        return RECORD_TORN;
    reader->limit = frame->end;
    while ((rc = record_next(reader, &record, err)) == 0 && record.type < WAL_FRAME &&
           record.type != SEGMENT_SEAL)
        count++;
    reader->limit = limit;
    if (rc < 0)
        return rc;
    if (rc != STRATA_NOT_FOUND || count != frame->count)
        return strata_fail(err, STRATA_ERR_CORRUPT, reader->file->path, frame->offset,
                           "the frame does not hold the %" PRIu32 " records it tells of",
                           frame->count);
    return 0;
}

int wal_next(struct record_reader *reader, const struct wal_kind *kind, struct wal_frame *frame,
             struct strata_error *err)
{
    uint64_t begin = reader->at;
    struct wal_frame before = *frame;
    int rc = read_head(reader, kind, frame, err);

    if (rc == 0 && frame->first > frame->offset) /* it has a head */
        rc = check_records(reader, frame, err);
    if (rc != 0) {
        reader->at = begin;
        *frame = before;
    }
    return rc;
}

/* ---- Evidence -------------------------------------------------------------------------- */

/* Is there a frame's head at this place, where a frame's type stands? */
static bool head_at(struct fs_file *file, uint64_t number, uint64_t offset, const uint8_t *bytes,
                    struct wal_frame *frame)
{
    struct strata_slice value = strata_bytes(bytes + RECORD_HEAD, HEAD_VALUE);
    uint8_t head[RECORD_HEAD];

    record_head(number, offset, WAL_FRAME, strata_bytes(NULL, 0), value, head);
    return memcmp(head, bytes, sizeof head) == 0 &&
           decode_head(file, offset, value, frame, NULL) == 0;
}

int wal_evidence(struct fs_file *file, uint64_t number, uint64_t salt, uint64_t from,
                 uint64_t *synced, struct strata_error *err)
{
    enum { WINDOW = 65536 };
    uint8_t *window = malloc(WINDOW);
    int rc = 0;

    *synced = 0;
    if (!window)
        return strata_fail_memory(err, WINDOW);
    for (uint64_t at = from; rc == 0; at += WINDOW - WAL_HEAD + 1) {
        struct wal_frame frame;
        size_t got;
        rc = fs_read_at(file, at, window, WINDOW, &got, err);
        if (rc < 0 || got < WAL_HEAD)
            break;
        for (const uint8_t *p = window, *end = window + got - WAL_HEAD + 1; p < end; p++) {
            p = memchr(p + TYPE_PLACE, WAL_FRAME, (size_t)(end - p));
            if (!p)
                break;
            p -= TYPE_PLACE;
            if (head_at(file, number, at + (uint64_t)(p - window), p, &frame) &&
                (!salt || frame.salt == salt) && frame.synced > *synced)
                *synced = frame.synced;
        }
    }
    free(window);
    return rc;
}

/* ---- What a kill leaves ------------------------------------------------------------------ */

/* Reads on to the first record that does not hold, at most to the end of the frame at `at`. */
static int torn_record(struct record_reader *reader, struct record *record, uint64_t *end,
                       struct strata_error *err)
{
    uint64_t from = reader->at;
    struct wal_frame frame;
    int rc = record_next(reader, record, err);

    if (rc != 0 || record->type != WAL_FRAME || record->key.size ||
        decode_head(reader->file, from, record->value, &frame, NULL) < 0)
        return rc;
    if (frame.end < reader->limit)
        reader->limit = frame.end;
    while ((rc = record_next(reader, record, err)) == 0)
        ;
    if (frame.end > reader->file->end)
        *end = reader->file->end; /* cut short between two records */
    return rc;
}

int wal_torn_end(struct fs_file *file, uint64_t number, uint64_t from, uint64_t *end,
                 struct strata_error *err)
{
    struct record_reader reader;
    struct record record;
    int rc;

    record_reader_init(&reader, file, number, file->end);
    reader.max_type = UINT8_MAX; /* a whole record of any type is no torn one */
    reader.at = from;
    *end = from;
    rc = torn_record(&reader, &record, end, err);
    record_reader_free(&reader);
    if (rc != RECORD_TORN && rc != STRATA_ERR_CORRUPT)
        return rc < 0 ? rc : 0;
    *end = record.next - 1; /* its last byte is missing at least */
    return 0;
}
