/* record.c: the append-only log's bytes, little-endian, fixed width.
 *
 * A file begins with
 *
 *   +---------+-----------+------------+----------+---------+
 *   | magic 8 | version 2 | reserved 2 | number 8 | check 4 |
 *   +---------+-----------+------------+----------+---------+
 *
 * magic is "STRATLOG"; check covers the 20 bytes before it. Then come records:
 *
 *   +--------------+--------+--------+--------+--------------+-----+-------+
 *   | head_check 4 | type 1 | klen 4 | vlen 4 | body_check 4 | key | value |
 *   +--------------+--------+--------+--------+--------------+-----+-------+
 *
 * head_check covers the 13 bytes after it, body_check key and value; both are XXH3 seeded with
 * file number and offset, so a record in the wrong place is damage. type is 1 put, 2 delete (vlen
 * is 0 then); a later stage may know more types, and says so to the reader.
 *
 * A record is valid iff its head check holds, type and lengths are within their limits, and its
 * body check holds. The tail is torn iff the file ends inside a record; a complete head whose
 * check fails is damage, wherever it is: the length has a check of its own, so that a flipped
 * length is not taken for a torn tail (what hides everything after it in LevelDB's log).
 *
 * 1.I1: offsets only grow. 1.I2: written bytes never change. 1.I3: no length is used before its
 * check.
 * Append costs O(record), finding a key O(file). */
#include "record.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "strata_engine.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define FILE_CHECK_OFFSET 20

static int corrupt(const struct fs_file *file, uint64_t offset, const char *what, uint32_t stored,
                   uint32_t computed, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, file->path, offset,
                       "%s check %08" PRIx32 ", computed %08" PRIx32, what, stored, computed);
}

/* ---- The file's header ----------------------------------------------------------------- */

static void encode_file_header(const char *magic, uint64_t number, uint8_t to[RECORD_FILE_HEADER])
{
    uint8_t *at = to + 8;
    memcpy(to, magic, 8);
    at = put_u16(at, VERSION);
    at = put_u16(at, 0);
    at = put_u64(at, number);
    put_u32(at, checksum(checksum_seed(number, 0), strata_bytes(to, FILE_CHECK_OFFSET)));
}

int record_start_kind(struct fs_file *file, const char *magic, uint64_t number,
                      struct strata_error *err)
{
    uint8_t header[RECORD_FILE_HEADER];
    struct strata_slice part = {header, sizeof header};
    encode_file_header(magic, number, header);
    return fs_append(file, &part, 1, err);
}

int record_check_kind(struct fs_file *file, const char *magic, uint64_t number,
                      struct strata_error *err)
{
    uint8_t header[RECORD_FILE_HEADER];
    struct decoder d;
    struct strata_slice found;
    uint32_t version, reserved, check, computed;
    uint64_t stored;
    size_t got;
    int rc = fs_read_at(file, 0, header, sizeof header, &got, err);

    if (rc < 0)
        return rc;
    decoder_init(&d, strata_bytes(header, got));
    found = get_bytes(&d, 8);
    version = get_u16(&d);
    reserved = get_u16(&d);
    stored = get_u64(&d);
    check = get_u32(&d);
    if (d.bad || file->end < RECORD_FILE_HEADER) /* another process may have written it by now */
        return strata_fail(err, STRATA_ERR_CORRUPT, file->path, d.bad ? got : file->end,
                           "the file ends inside its header of %d bytes", RECORD_FILE_HEADER);
    if (memcmp(found.data, magic, 8) != 0)
        return strata_fail(err, STRATA_ERR_CORRUPT, file->path, 0,
                           "not such a log: it does not begin with %s", magic);
    computed = checksum(checksum_seed(stored, 0), strata_bytes(header, FILE_CHECK_OFFSET));
    if (check != computed)
        return corrupt(file, FILE_CHECK_OFFSET, "file header", check, computed, err);
    if (version != VERSION || reserved)
        return strata_fail(err, STRATA_ERR_CORRUPT, file->path, 8,
                           "append log version %" PRIu32 "; this build reads version %d", version,
                           VERSION);
    if (stored != number)
        return strata_fail(err, STRATA_ERR_CORRUPT, file->path, 12,
                           "the file says it is number %" PRIu64 ", its name %" PRIu64, stored,
                           number);
    return 0;
}

/* ---- Writing --------------------------------------------------------------------------- */

static uint32_t check_of_body(uint64_t seed, struct strata_slice key, struct strata_slice value)
{
    struct checksum c;

    if (!key.size)
        return checksum(seed, value);
    if (!value.size || value.data == key.data + key.size)
        return checksum(seed, strata_bytes(key.data, key.size + value.size));
    checksum_begin(&c, seed);
    checksum_add(&c, key);
    checksum_add(&c, value);
    return checksum_end(&c);
}

void record_head(uint64_t number, uint64_t offset, unsigned type, struct strata_slice key,
                 struct strata_slice value, uint8_t head[RECORD_HEAD])
{
    uint64_t seed = checksum_seed(number, offset);
    uint8_t *at = head + 4;

    assert(type >= STRATA_OP_PUT && type <= UINT8_MAX && key.size <= STRATA_MAX_KEY);
    at = put_u8(at, (uint8_t)type);
    at = put_u32(at, (uint32_t)key.size);
    at = put_u32(at, (uint32_t)value.size);
    put_u32(at, check_of_body(seed, key, value));
    put_u32(head, checksum(seed, strata_bytes(head + 4, RECORD_HEAD - 4)));
}

int record_append_typed(struct fs_file *file, uint64_t number, unsigned type,
                        struct strata_slice key, struct strata_slice value,
                        struct strata_error *err)
{
    uint8_t head[RECORD_HEAD];
    struct strata_slice parts[3] = {{head, sizeof head}, key, value};

    assert(file->end >= RECORD_FILE_HEADER);
    record_head(number, file->end, type, key, value, head);
    return fs_append(file, parts, 3, err);
}

/* ---- Reading --------------------------------------------------------------------------- */

struct head {
    uint32_t check, type, key_size, value_size, body_check;
};

/* Checks a complete head. From here on its lengths may be used (1.I3). */
static int decode_head(const struct fs_file *file, uint64_t number, uint64_t offset,
                       unsigned max_type, const uint8_t bytes[RECORD_HEAD], struct head *head,
                       struct strata_error *err)
{
    uint32_t computed =
        checksum(checksum_seed(number, offset), strata_bytes(bytes + 4, RECORD_HEAD - 4));
    struct decoder d;

    decoder_init(&d, strata_bytes(bytes, RECORD_HEAD));
    head->check = get_u32(&d);
    head->type = get_u8(&d);
    head->key_size = get_u32(&d);
    head->value_size = get_u32(&d);
    head->body_check = get_u32(&d);
    if (head->check != computed)
        return corrupt(file, offset, "record head", head->check, computed, err);
    if (head->type < STRATA_OP_PUT || head->type > max_type)
        return strata_fail(err, STRATA_ERR_CORRUPT, file->path, offset + 4,
                           "record type %" PRIu32 " is none", head->type);
    if (head->key_size > STRATA_MAX_KEY)
        return strata_fail(err, STRATA_ERR_CORRUPT, file->path, offset + 5,
                           "key of %" PRIu32 " bytes; at most %zu", head->key_size, STRATA_MAX_KEY);
    if (head->value_size > (head->type == STRATA_OP_DELETE ? 0 : STRATA_MAX_VALUE))
        return strata_fail(err, STRATA_ERR_CORRUPT, file->path, offset + 9,
                           "value of %" PRIu32 " bytes in a record of type %" PRIu32,
                           head->value_size, head->type);
    return 0;
}

/* The head at `offset`, and that the record lies below `limit`. */
static int read_head(struct fs_file *file, uint64_t number, uint64_t offset, uint64_t limit,
                     unsigned max_type, struct head *head, struct strata_error *err)
{
    uint8_t bytes[RECORD_HEAD];
    int rc;

    if (offset > limit || limit - offset < RECORD_HEAD)
        return strata_fail(err, STRATA_ERR_CORRUPT, file->path, offset, "no record is here");
    rc = fs_read_exactly(file, offset, bytes, sizeof bytes, err);
    if (rc == 0)
        rc = decode_head(file, number, offset, max_type, bytes, head, err);
    if (rc == 0 && (uint64_t)head->key_size + head->value_size > limit - offset - RECORD_HEAD)
        rc = strata_fail(err, STRATA_ERR_CORRUPT, file->path, offset,
                         "the record goes beyond the file's valid part");
    return rc;
}

/* The first `size` bytes of the body of the record whose head was read. */
static int read_body(struct fs_file *file, uint64_t offset, size_t size, struct strata_buffer *to,
                     struct strata_error *err)
{
    int rc;

    strata_buffer_clear(to);
    if (buffer_reserve(to, size) < 0)
        return strata_fail_memory(err, size);
    rc = fs_read_exactly(file, offset + RECORD_HEAD, to->data, size, err);
    to->size = rc == 0 ? size : 0;
    return rc;
}

/* Key and value, against the check in the head. */
static int check_bytes(const struct fs_file *file, uint64_t number, uint64_t offset, uint32_t check,
                       struct strata_slice bytes, struct strata_error *err)
{
    uint32_t computed = checksum(checksum_seed(number, offset), bytes);

    return computed == check
               ? 0
               : corrupt(file, offset + RECORD_HEAD, "record body", check, computed, err);
}

static void describe(const struct head *head, uint64_t offset, const uint8_t *key,
                     struct record *record)
{
    *record = (struct record){
        .offset = offset,
        .next = offset + RECORD_HEAD + head->key_size + head->value_size,
        .type = head->type,
        .value_size = head->value_size,
        .key = {key, head->key_size},
    };
}

int record_at(struct fs_file *file, uint64_t number, uint64_t offset, uint64_t limit,
              unsigned max_type, struct strata_buffer *body, struct record *record,
              struct strata_error *err)
{
    struct head head;
    int rc = read_head(file, number, offset, limit, max_type, &head, err);

    if (rc == 0)
        rc = read_body(file, offset, (size_t)head.key_size + head.value_size, body, err);
    if (rc == 0)
        rc = check_bytes(file, number, offset, head.body_check, strata_buffer_slice(body), err);
    if (rc < 0)
        return rc;
    describe(&head, offset, body->data, record);
    if (record->value_size) /* of nothing there is no place */
        record->value = strata_bytes(body->data + record->key.size, record->value_size);
    return 0;
}

int record_key_at(struct fs_file *file, uint64_t number, uint64_t offset, uint64_t limit,
                  unsigned max_type, struct strata_buffer *key, struct record *record,
                  struct strata_error *err)
{
    struct head head;
    int rc = read_head(file, number, offset, limit, max_type, &head, err);

    if (rc == 0)
        rc = read_body(file, offset, head.key_size, key, err);
    if (rc == 0)
        describe(&head, offset, key->data, record);
    return rc;
}

int record_value(struct fs_file *file, uint64_t number, uint64_t offset, uint64_t limit,
                 unsigned max_type, struct strata_slice key, struct strata_buffer *value,
                 struct strata_error *err)
{
    struct record record;
    int rc = record_at(file, number, offset, limit, max_type, value, &record, err);

    if (rc == 0 && strata_compare(record.key, key) != 0)
        rc = strata_fail(err, STRATA_ERR_CORRUPT, file->path, offset,
                         "the record here has another key than the one looked for");
    if (rc == 0)
        record_keep_value(&record, value);
    else
        strata_buffer_clear(value);
    return rc;
}

void record_keep_value(const struct record *record, struct strata_buffer *body)
{
    if (record->value_size)
        memmove(body->data, body->data + record->key.size, record->value_size);
    body->size = record->value_size;
}

/* ---- Reading one after another --------------------------------------------------------- */

void record_reader_init(struct record_reader *reader, struct fs_file *file, uint64_t number,
                        uint64_t limit)
{
    *reader = (struct record_reader){.file = file,
                                     .number = number,
                                     .at = RECORD_FILE_HEADER,
                                     .limit = limit,
                                     .max_type = STRATA_OP_DELETE};
}

void record_reader_free(struct record_reader *reader)
{
    free(reader->window);
    reader->window = NULL;
}

/* Makes the window hold `size` bytes from `offset` on, all below limit. It is as large as the
 * largest record so far, whose lengths were checked (1.I3). */
static int fill_window(struct record_reader *r, uint64_t offset, size_t size,
                       struct strata_error *err)
{
    uint64_t left = r->limit - offset;
    size_t want = left < RECORD_WINDOW ? (size_t)left : RECORD_WINDOW;
    int rc;

    assert(size <= left);
    if (offset >= r->window_at && size <= r->window_size &&
        offset - r->window_at <= r->window_size - size)
        return 0;
    want = want > size ? want : size;
    r->window_size = 0;
    if (want > r->window_capacity) {
        free(r->window);
        r->window = malloc(want);
        r->window_capacity = r->window ? want : 0;
        if (!r->window)
            return strata_fail_memory(err, want);
    }
    rc = fs_read_at(r->file, offset, r->window, want, &want, err);
    if (rc == 0 && want < size) /* what is below is there: another process may cut the end off */
        rc = strata_fail(err, STRATA_ERR_CORRUPT, r->file->path, offset + want,
                         "the file was cut short while it was open");
    if (rc < 0)
        return rc;
    r->window_at = offset;
    r->window_size = want;
    return 0;
}

static const uint8_t *in_window(const struct record_reader *r, uint64_t offset)
{
    assert(offset >= r->window_at && offset - r->window_at <= r->window_size);
    return r->window + (offset - r->window_at);
}

static int check_body(struct record_reader *r, const struct head *head, struct record *record,
                      struct strata_error *err)
{
    size_t size = (size_t)head->key_size + head->value_size;
    int rc = fill_window(r, r->at, RECORD_HEAD + size, err);

    if (rc < 0)
        return rc;
    describe(head, r->at, in_window(r, r->at) + RECORD_HEAD, record);
    record->value = strata_bytes(record->key.data + head->key_size, head->value_size);
    return check_bytes(r->file, r->number, r->at, head->body_check,
                       strata_bytes(record->key.data, size), err);
}

int record_next(struct record_reader *r, struct record *record, struct strata_error *err)
{
    uint64_t left = r->limit - r->at, size;
    struct head head;
    int rc;

    assert(r->at <= r->limit);
    if (left == 0)
        return STRATA_NOT_FOUND;
    record->next = r->at + RECORD_HEAD;
    if (left < RECORD_HEAD)
        return RECORD_TORN;
    rc = fill_window(r, r->at, RECORD_HEAD, err);
    if (rc == 0)
        rc = decode_head(r->file, r->number, r->at, r->max_type, in_window(r, r->at), &head, err);
    if (rc < 0)
        return rc;
    size = RECORD_HEAD + (uint64_t)head.key_size + head.value_size;
    record->next = r->at + size;
    if (size > left)
        return RECORD_TORN;
    rc = check_body(r, &head, record, err);
    if (rc < 0)
        return rc;
    assert(record->next <= r->limit); /* 1.I3 */
    r->at = record->next;
    return 0;
}
