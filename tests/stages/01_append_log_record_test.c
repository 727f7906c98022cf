/* 01_append_log_record_test.c: the log's bytes: as drawn in record.c, cut at every byte, every bit
 * flipped, moved, and with lengths that lie. */
#include "test.h"

#include "base/checksum.h"
#include "base/coding.h"
#include "record_log.h"

#include <stdlib.h>
#include <string.h>

/* ---- The bytes -------------------------------------------------------------------------- */

static void record_put_and_delete_are_exactly_these_bytes(void **state)
{
    static const uint8_t golden[] = {
        0x53, 0x54, 0x52, 0x41, 0x54, 0x4c, 0x4f, 0x47, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xd5, 0xa1, 0x25, 0x90, 0x9f, 0x5e, 0x61, 0xa9,
        0x01, 0x03, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0xbc, 0x95, 0x77, 0x71, 0x6b,
        0x65, 0x79, 0x76, 0x61, 0x6c, 0x75, 0x65, 0x7b, 0x90, 0x94, 0x30, 0x02, 0x03, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xbd, 0x5e, 0x30, 0xf4, 0x6b, 0x65, 0x79,
    };
    struct record_log *log = *state;
    struct strata_buffer bytes;

    record_log_start(log);
    record_log_put(log, "key", "value");
    record_log_add(log, STRATA_OP_DELETE, strata_string("key"), strata_bytes(NULL, 0));
    bytes = record_log_bytes(log);
    assert_bytes(strata_buffer_slice(&bytes), strata_bytes(golden, sizeof golden));
    strata_buffer_free(&bytes);
}

/* The same, field by field, from what record.c says of them. */
static void record_fields_are_as_drawn(void **state)
{
    struct record_log *log = *state;
    struct strata_buffer bytes;
    struct decoder d;
    uint32_t head_check, body_check;

    record_log_start(log);
    record_log_put(log, "key", "value");
    bytes = record_log_bytes(log);
    decoder_init(&d, strata_buffer_slice(&bytes));
    assert_bytes(get_bytes(&d, 8), strata_string("STRATLOG"));
    assert_int_equal(get_u16(&d), 1);
    assert_int_equal(get_u16(&d), 0);
    assert_int_equal(get_u64(&d), RECORD_LOG_NUMBER);
    assert_int_equal(get_u32(&d),
                     checksum(checksum_seed(RECORD_LOG_NUMBER, 0), strata_bytes(bytes.data, 20)));
    head_check = get_u32(&d);
    assert_int_equal(head_check, checksum(checksum_seed(RECORD_LOG_NUMBER, 24),
                                          strata_bytes(bytes.data + 28, 13)));
    assert_int_equal(get_u8(&d), STRATA_OP_PUT);
    assert_int_equal(get_u32(&d), 3);
    assert_int_equal(get_u32(&d), 5);
    body_check = get_u32(&d);
    assert_int_equal(body_check,
                     checksum(checksum_seed(RECORD_LOG_NUMBER, 24), strata_string("keyvalue")));
    assert_bytes(get_bytes(&d, 8), strata_string("keyvalue"));
    assert_true(decoder_done(&d));
    strata_buffer_free(&bytes);
}

/* One write call a record: a kill cannot come between its parts. */
static void record_append_is_one_call(void **state)
{
    struct record_log *log = *state;
    uint64_t before;

    record_log_start(log);
    before = log->fs->calls[FS_CALL_APPEND];
    record_log_put(log, "key", "value");
    record_log_add(log, STRATA_OP_DELETE, strata_string("key"), strata_bytes(NULL, 0));
    record_log_put(log, "", "");
    assert_int_equal(log->fs->calls[FS_CALL_APPEND] - before, 3);
    assert_int_equal(log->fs->calls[FS_CALL_WRITE] + log->fs->calls[FS_CALL_SYNC], 0);
}

static void record_what_was_appended_is_read_in_order(void **state)
{
    struct record_log *log = *state;
    struct record_reader reader;
    struct record record;
    struct strata_error err;

    record_log_start(log);
    record_log_put(log, "a", "1");
    record_log_put(log, "", "of the empty key");
    record_log_put(log, "b", "");
    record_log_add(log, STRATA_OP_DELETE, strata_string("a"), strata_bytes(NULL, 0));
    record_reader_init(&reader, log->file, RECORD_LOG_NUMBER, log->file->end);
    record_log_next(&reader, STRATA_OP_PUT, strata_string("a"), 1);
    record_log_next(&reader, STRATA_OP_PUT, strata_string(""), 16);
    record_log_next(&reader, STRATA_OP_PUT, strata_string("b"), 0);
    record_log_next(&reader, STRATA_OP_DELETE, strata_string("a"), 0);
    for (int i = 0; i < 2; i++)
        assert_code(record_next(&reader, &record, &err), STRATA_NOT_FOUND, &err);
    assert_int_equal(reader.at, log->file->end);
    record_reader_free(&reader);
    record_log_value(log, 24, strata_string("a"), strata_string("1"));
    record_log_value(log, 43, strata_string(""), strata_string("of the empty key"));
    record_log_value(log, 76, strata_string("b"), strata_string(""));
}

static void record_empty_log_has_no_records(void **state)
{
    struct record_log *log = *state;
    struct strata_error err;
    uint64_t at;
    int rc;

    record_log_start(log);
    assert_ok(record_check_kind(log->file, RECORD_MAGIC, RECORD_LOG_NUMBER, &err), &err);
    assert_int_equal(record_log_read(log, &rc, &at, &err), 0);
    assert_int_equal(rc, STRATA_NOT_FOUND);
    assert_int_equal(at, RECORD_FILE_HEADER);
}

/* ---- Cut and flipped -------------------------------------------------------------------- */

static void record_log_cut_at_every_byte_is_torn_or_shorter(void **state)
{
    struct record_log *log = *state;
    struct strata_buffer bytes = record_log_three(log);

    assert_int_equal(bytes.size, record_log_ends[3]);
    for (size_t size = RECORD_FILE_HEADER; size <= bytes.size; size++) {
        struct strata_error err = {0};
        size_t whole = 0;
        uint64_t at;
        int rc;
        while (whole < 3 && record_log_ends[whole + 1] <= size)
            whole++;
        record_log_set(log, bytes.data, size);
        assert_int_equal(record_log_read(log, &rc, &at, &err), whole);
        assert_int_equal(at, record_log_ends[whole]);
        assert_int_equal(rc, size == record_log_ends[whole] ? STRATA_NOT_FOUND : RECORD_TORN);
    }
    strata_buffer_free(&bytes);
}

static void record_header_cut_at_every_byte_is_damage(void **state)
{
    struct record_log *log = *state;
    struct strata_buffer bytes = record_log_three(log);
    struct strata_error err;

    for (size_t size = 0; size < RECORD_FILE_HEADER; size++) {
        record_log_set(log, bytes.data, size);
        assert_code(record_check_kind(log->file, RECORD_MAGIC, RECORD_LOG_NUMBER, &err),
                    STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, RECORD_LOG_PATH);
        assert_err_offset(&err, size);
        assert_err_says(&err, "inside its header");
    }
    strata_buffer_free(&bytes);
}

/* Never torn, never shorter: a flipped length has a check of its own. */
static void record_every_flipped_bit_is_damage_at_its_record(void **state)
{
    struct record_log *log = *state;
    struct strata_buffer bytes = record_log_three(log);

    for (size_t bit = 8 * RECORD_FILE_HEADER; bit < 8 * bytes.size; bit++) {
        struct strata_error err = {0};
        size_t byte = bit / 8, record = byte < record_log_ends[1]   ? 0
                                        : byte < record_log_ends[2] ? 1
                                                                    : 2;
        bool in_head = byte - record_log_ends[record] < RECORD_HEAD - 4;
        bool in_body_check = !in_head && byte - record_log_ends[record] < RECORD_HEAD;
        uint64_t at;
        int rc;
        bytes.data[byte] ^= (uint8_t)(1u << bit % 8);
        record_log_set(log, bytes.data, bytes.size);
        assert_int_equal(record_log_read(log, &rc, &at, &err), record);
        assert_int_equal(rc, STRATA_ERR_CORRUPT);
        assert_int_equal(at, record_log_ends[record]);
        assert_err_file(&err, RECORD_LOG_PATH);
        assert_err_offset(&err, in_head || in_body_check ? record_log_ends[record]
                                                         : record_log_ends[record] + RECORD_HEAD);
        assert_err_says(&err, in_head || in_body_check ? "record head check" : "record body check");
        bytes.data[byte] ^= (uint8_t)(1u << bit % 8);
    }
    strata_buffer_free(&bytes);
}

static void record_every_flipped_bit_of_the_header_is_damage(void **state)
{
    struct record_log *log = *state;
    struct strata_buffer bytes = record_log_three(log);
    struct strata_error err;

    for (size_t bit = 0; bit < 8 * RECORD_FILE_HEADER; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        record_log_set(log, bytes.data, bytes.size);
        assert_code(record_check_kind(log->file, RECORD_MAGIC, RECORD_LOG_NUMBER, &err),
                    STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, RECORD_LOG_PATH);
        assert_err_offset(&err, bit < 64 ? 0 : 20);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    strata_buffer_free(&bytes);
}

static void set_header_check(uint8_t *bytes, uint64_t number)
{
    put_u32(bytes + 20, checksum(checksum_seed(number, 0), strata_bytes(bytes, 20)));
}

static void record_header_of_another_version_or_number_is_named(void **state)
{
    struct record_log *log = *state;
    struct strata_buffer bytes = record_log_three(log);
    struct strata_error err;

    assert_code(record_check_kind(log->file, RECORD_MAGIC, RECORD_LOG_NUMBER + 1, &err),
                STRATA_ERR_CORRUPT, &err);
    assert_err_offset(&err, 12);
    assert_err_says(&err, "number 1, its name 2");
    bytes.data[8] = 2;
    set_header_check(bytes.data, RECORD_LOG_NUMBER);
    record_log_set(log, bytes.data, bytes.size);
    assert_code(record_check_kind(log->file, RECORD_MAGIC, RECORD_LOG_NUMBER, &err),
                STRATA_ERR_CORRUPT, &err);
    assert_err_offset(&err, 8);
    assert_err_says(&err, "version 2");
    bytes.data[8] = 1;
    bytes.data[10] = 1; /* reserved */
    set_header_check(bytes.data, RECORD_LOG_NUMBER);
    record_log_set(log, bytes.data, bytes.size);
    assert_code(record_check_kind(log->file, RECORD_MAGIC, RECORD_LOG_NUMBER, &err),
                STRATA_ERR_CORRUPT, &err);
    strata_buffer_free(&bytes);
}

/* Opened when it was empty: what another handle writes then is no part of it. */
static void record_header_written_after_the_open_is_not_there(void **state)
{
    struct record_log *log = *state;
    struct strata_error err;
    struct fs_file *early;

    assert_ok(fs_open(log->fs, "early", FS_WRITE | FS_CREATE, &log->file, &err), &err);
    assert_ok(fs_open(log->fs, "early", FS_READ, &early, &err), &err);
    assert_ok(record_start_kind(log->file, RECORD_MAGIC, RECORD_LOG_NUMBER, &err), &err);
    assert_code(record_check_kind(early, RECORD_MAGIC, RECORD_LOG_NUMBER, &err), STRATA_ERR_CORRUPT,
                &err);
    assert_err_offset(&err, 0);
    assert_err_says(&err, "ends inside its header");
    fs_close(early, NULL);
}

/* Whole and unharmed, but elsewhere: the seed of the checks is the place. */
static void record_moved_to_another_place_is_damage(void **state)
{
    struct record_log *log = *state;
    struct strata_error err = {0};
    struct strata_buffer bytes;
    uint64_t at;
    int rc;

    record_log_start(log);
    record_log_put(log, "key1", "value1");
    record_log_put(log, "key2", "value2"); /* of the same size */
    bytes = record_log_bytes(log);
    memcpy(bytes.data + 24, bytes.data + 51, 27);
    record_log_set(log, bytes.data, bytes.size);
    assert_int_equal(record_log_read(log, &rc, &at, &err), 0);
    assert_int_equal(rc, STRATA_ERR_CORRUPT);
    assert_err_offset(&err, 24);
    strata_buffer_free(&bytes);
}

static void record_of_another_file_is_damage(void **state)
{
    struct record_log *log = *state;
    struct strata_op op = {STRATA_OP_PUT, strata_string("key"), strata_string("value")};
    struct strata_error err = {0};
    uint64_t at;
    int rc;

    record_log_start(log);
    assert_ok(
        record_append_typed(log->file, RECORD_LOG_NUMBER + 1, op.type, op.key, op.value, &err),
        &err);
    assert_int_equal(record_log_read(log, &rc, &at, &err), 0);
    assert_int_equal(rc, STRATA_ERR_CORRUPT);
    assert_err_offset(&err, 24);
    assert_err_says(&err, "record head check");
}

/* ---- Lengths that lie ------------------------------------------------------------------- */

/* A log of one head with these fields, its check right, and `more` bytes behind it. */
static void set_head(struct record_log *log, unsigned type, uint32_t key_size, uint32_t value_size,
                     size_t more)
{
    uint8_t head[RECORD_HEAD], *at = head + 4, *body = record_log_pattern(more);
    struct strata_slice parts[2] = {{head, sizeof head}, {body, more}};
    struct strata_error err;

    record_log_start(log);
    at = put_u8(at, (uint8_t)type);
    at = put_u32(at, key_size);
    at = put_u32(at, value_size);
    put_u32(at, checksum(checksum_seed(RECORD_LOG_NUMBER, 24), strata_bytes(body, more)));
    put_u32(head, checksum(checksum_seed(RECORD_LOG_NUMBER, 24),
                           strata_bytes(head + 4, RECORD_HEAD - 4)));
    assert_ok(fs_append(log->file, parts, 2, &err), &err);
    free(body);
}

static void record_fields_beyond_their_limits_are_damage(void **state)
{
    static const struct {
        unsigned type;
        uint32_t key_size, value_size;
        uint64_t offset;
        const char *words;
    } cases[] = {
        {0, 1, 1, 4, "type 0"},
        {3, 1, 1, 4, "type 3"},
        {255, 1, 1, 4, "type 255"},
        {1, STRATA_MAX_KEY + 1, 0, 5, "key of 65537 bytes"},
        {2, STRATA_MAX_KEY + 1, 0, 5, "key of 65537 bytes"},
        {1, UINT32_MAX, 1, 5, "key of 4294967295 bytes"},
        {1, 1, STRATA_MAX_VALUE + 1, 9, "value of 1073741825 bytes"},
        {1, 1, UINT32_MAX, 9, "value of 4294967295 bytes"},
        {1, UINT32_MAX, UINT32_MAX, 5, "key of"},
        {2, 1, 1, 9, "value of 1 bytes"}, /* a delete has none */
    };
    struct record_log *log = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(i);
        struct strata_buffer value = {0};
        struct strata_error err = {0};
        uint64_t at;
        int rc;
        set_head(log, cases[i].type, cases[i].key_size, cases[i].value_size, 40);
        assert_int_equal(record_log_read(log, &rc, &at, &err), 0);
        assert_int_equal(rc, STRATA_ERR_CORRUPT);
        assert_err_offset(&err, 24 + cases[i].offset);
        assert_err_says(&err, cases[i].words);
        assert_code(record_value(log->file, RECORD_LOG_NUMBER, 24, log->file->end, STRATA_OP_PUT,
                                 strata_string("k"), &value, &err),
                    STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, RECORD_LOG_PATH);
        assert_int_equal(value.capacity, 0); /* rejected before it was used */
    }
}

/* As large as allowed, with little of it there: a torn tail, and nothing is allocated for it. */
static void record_at_the_limits_with_a_short_file_is_torn(void **state)
{
    struct record_log *log = *state;
    struct strata_buffer value = {0};
    struct strata_error err = {0};
    uint64_t at;
    int rc;

    set_head(log, STRATA_OP_PUT, STRATA_MAX_KEY, STRATA_MAX_VALUE, 40);
    assert_int_equal(record_log_read(log, &rc, &at, &err), 0);
    assert_int_equal(rc, RECORD_TORN);
    assert_code(record_value(log->file, RECORD_LOG_NUMBER, 24, log->file->end, STRATA_OP_PUT,
                             strata_string("k"), &value, &err),
                STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "beyond the file's valid part");
    assert_int_equal(value.capacity, 0);
}

/* A later stage's own types pass where that stage says so. */
static void record_type_of_a_later_stage_is_damage_unless_known(void **state)
{
    struct record_log *log = *state;
    struct strata_error err = {0};
    struct record_reader reader;
    struct record record;
    uint64_t at;
    int rc;

    record_log_start(log);
    assert_ok(record_append_typed(log->file, RECORD_LOG_NUMBER, 3, strata_string("k"),
                                  strata_string("vw"), &err),
              &err);
    assert_int_equal(record_log_read(log, &rc, &at, &err), 0);
    assert_int_equal(rc, STRATA_ERR_CORRUPT);
    record_reader_init(&reader, log->file, RECORD_LOG_NUMBER, log->file->end);
    reader.max_type = 3;
    assert_ok(record_next(&reader, &record, &err), &err);
    assert_int_equal(record.type, 3);
    assert_int_equal(record.value_size, 2);
    record_reader_free(&reader);
}

#define record_test(f) cmocka_unit_test_setup_teardown(f, record_log_setup, record_log_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        record_test(record_put_and_delete_are_exactly_these_bytes),
        record_test(record_fields_are_as_drawn),
        record_test(record_append_is_one_call),
        record_test(record_what_was_appended_is_read_in_order),
        record_test(record_empty_log_has_no_records),
        record_test(record_log_cut_at_every_byte_is_torn_or_shorter),
        record_test(record_header_cut_at_every_byte_is_damage),
        record_test(record_every_flipped_bit_is_damage_at_its_record),
        record_test(record_every_flipped_bit_of_the_header_is_damage),
        record_test(record_header_written_after_the_open_is_not_there),
        record_test(record_header_of_another_version_or_number_is_named),
        record_test(record_moved_to_another_place_is_damage),
        record_test(record_of_another_file_is_damage),
        record_test(record_fields_beyond_their_limits_are_damage),
        record_test(record_at_the_limits_with_a_short_file_is_torn),
        record_test(record_type_of_a_later_stage_is_damage_unless_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
