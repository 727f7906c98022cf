/* 01_append_log_record_test.c: stage 1's record framing by itself, with records that no engine
 * writes: every check holds, and still the record is wrong. */
#include "test.h"

#include "checksum.h"
#include "coding.h"
#include "fs_sim.h"
#include "rng.h"
#include "01_append_log/record.h"
#include "subject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATH "disk/000007.log"
#define NUMBER 7
#define KEY strata_string("key")
#define VALUE strata_string("value")

struct log {
    struct strata_fs *fs;
    struct fs_file *file;
    struct strata_error err;
};

static int set_up(void **state)
{
    struct log *log = calloc(1, sizeof *log);

    assert_non_null(log);
    log->fs = fs_sim_new();
    assert_int_equal(fs_sim_put_directory(log->fs, "disk"), 0);
    assert_ok(fs_open(log->fs, PATH, FS_WRITE | FS_CREATE, &log->file, &log->err), &log->err);
    assert_ok(record_start_file(log->file, NUMBER, &log->err), &log->err);
    *state = log;
    return 0;
}

static int tear_down(void **state)
{
    struct log *log = *state;
    fs_close(log->file, NULL);
    fs_free(log->fs);
    free(log);
    return 0;
}

static void append(struct log *log, unsigned type, struct strata_slice key,
                   struct strata_slice value)
{
    assert_ok(record_append_typed(log->file, NUMBER, type, key, value, &log->err), &log->err);
}

/* A head whose own check holds, and no body. */
static void append_head(struct log *log, unsigned type, uint32_t key_size, uint32_t value_size)
{
    uint8_t head[RECORD_HEAD], *at = head + 4;
    struct strata_slice part = {head, sizeof head};

    at = put_u8(at, (uint8_t)type);
    at = put_u32(at, key_size);
    at = put_u32(at, value_size);
    put_u32(at, 0);
    put_u32(head, checksum(checksum_seed(NUMBER, log->file->end), strata_bytes(head + 4, 13)));
    assert_ok(fs_append(log->file, &part, 1, &log->err), &log->err);
}

/* What reading the first record returns; `*capacity` of the window is what it allocated. */
static int read_first(struct log *log, unsigned max_type, struct record *record, size_t *capacity)
{
    struct record_reader reader;
    int rc;

    log->err = (struct strata_error){0};
    record_reader_init(&reader, log->file, NUMBER, log->file->end);
    if (max_type)
        reader.max_type = max_type;
    rc = record_next(&reader, record, &log->err);
    if (rc != 0)
        assert_int_equal(reader.at, RECORD_FILE_HEADER);
    *capacity = reader.window_capacity + (reader.key ? STRATA_MAX_KEY : 0);
    record_reader_free(&reader);
    return rc;
}

static void expect_damage(struct log *log, uint64_t offset, const char *words)
{
    struct record record;
    size_t capacity;
    int rc = read_first(log, 0, &record, &capacity);

    assert_int_equal(rc, STRATA_ERR_CORRUPT);
    assert_err_file(&log->err, PATH);
    assert_err_offset(&log->err, offset);
    assert_err_says(&log->err, words);
}

/* ---- Records that cannot be ------------------------------------------------------------ */

static void record_key_longer_than_the_limit_is_damage(void **state)
{
    struct log *log = *state;
    uint8_t *key = calloc(1, STRATA_MAX_KEY + 1);

    append(log, STRATA_OP_PUT, strata_bytes(key, STRATA_MAX_KEY + 1), VALUE);
    expect_damage(log, RECORD_FILE_HEADER + 5, "key of 65537 bytes");
    free(key);
}

static void record_value_longer_than_the_limit_is_damage(void **state)
{
    struct log *log = *state;
    append_head(log, STRATA_OP_PUT, 0, (uint32_t)STRATA_MAX_VALUE + 1);
    expect_damage(log, RECORD_FILE_HEADER + 9, "value of 1073741825 bytes");
}

static void record_delete_with_a_value_is_damage(void **state)
{
    struct log *log = *state;
    append(log, STRATA_OP_DELETE, KEY, VALUE);
    expect_damage(log, RECORD_FILE_HEADER + 9, "value of 5 bytes");
}

static void record_type_that_is_none_is_damage(void **state)
{
    struct log *log = *state;
    append(log, STRATA_OP_DELETE + 1, KEY, strata_bytes(NULL, 0));
    expect_damage(log, RECORD_FILE_HEADER + 4, "record type 3");
}

static void record_type_of_a_later_stage_is_read_by_its_reader(void **state)
{
    struct log *log = *state;
    struct record record;
    size_t capacity;

    append(log, 9, strata_bytes(NULL, 0), strata_bytes(NULL, 0));
    assert_int_equal(read_first(log, 9, &record, &capacity), 0);
    assert_int_equal(record.type, 9);
    assert_int_equal(read_first(log, 8, &record, &capacity), STRATA_ERR_CORRUPT);
}

static void record_type_zero_is_damage(void **state)
{
    struct log *log = *state;
    append(log, 0, KEY, strata_bytes(NULL, 0));
    expect_damage(log, RECORD_FILE_HEADER + 4, "record type 0");
}

/* ---- Lengths that the file does not have ----------------------------------------------- */

static void record_of_a_gigabyte_in_a_short_file_is_torn_and_allocates_nothing_like_it(void **state)
{
    struct log *log = *state;
    struct record record;
    size_t capacity;

    append_head(log, STRATA_OP_PUT, (uint32_t)STRATA_MAX_KEY, (uint32_t)STRATA_MAX_VALUE);
    assert_int_equal(read_first(log, 0, &record, &capacity), RECORD_TORN);
    assert_true(capacity <= log->file->end);
}

static void record_value_that_goes_beyond_the_limit_is_damage(void **state)
{
    struct log *log = *state;
    struct strata_buffer value = {0};

    append(log, STRATA_OP_PUT, KEY, VALUE);
    assert_code(record_value(log->file, NUMBER, RECORD_FILE_HEADER, log->file->end - 1, KEY, &value,
                             &log->err),
                STRATA_ERR_CORRUPT, &log->err);
    assert_err_offset(&log->err, RECORD_FILE_HEADER);
    assert_int_equal(value.capacity, 0);
    assert_ok(
        record_value(log->file, NUMBER, RECORD_FILE_HEADER, log->file->end, KEY, &value, &log->err),
        &log->err);
    assert_bytes(strata_buffer_slice(&value), VALUE);
    strata_buffer_free(&value);
}

static void record_value_where_no_record_can_be_is_damage(void **state)
{
    struct log *log = *state;
    struct strata_buffer value = {0};
    const uint64_t offsets[] = {RECORD_FILE_HEADER + 9, 1000, UINT64_MAX, UINT64_MAX - 8};

    append(log, STRATA_OP_PUT, KEY, VALUE);
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        assert_code(
            record_value(log->file, NUMBER, offsets[i], log->file->end, KEY, &value, &log->err),
            STRATA_ERR_CORRUPT, &log->err);
        assert_err_offset(&log->err, offsets[i]);
        assert_int_equal(value.size, 0);
    }
    strata_buffer_free(&value);
}

/* ---- Valid records, wrongly asked for -------------------------------------------------- */

static void record_value_of_another_key_is_damage(void **state)
{
    struct log *log = *state;
    struct strata_buffer value = {0};

    append(log, STRATA_OP_PUT, KEY, VALUE);
    assert_code(record_value(log->file, NUMBER, RECORD_FILE_HEADER, log->file->end,
                             strata_string("kez"), &value, &log->err),
                STRATA_ERR_CORRUPT, &log->err);
    assert_err_says(&log->err, "not the one that was looked for");
    assert_int_equal(value.size, 0);
    strata_buffer_free(&value);
}

static void record_value_of_a_delete_is_damage(void **state)
{
    struct log *log = *state;
    struct strata_buffer value = {0};

    append(log, STRATA_OP_DELETE, KEY, strata_bytes(NULL, 0));
    assert_code(
        record_value(log->file, NUMBER, RECORD_FILE_HEADER, log->file->end, KEY, &value, &log->err),
        STRATA_ERR_CORRUPT, &log->err);
    assert_int_equal(value.size, 0);
    strata_buffer_free(&value);
}

static void record_of_another_file_is_damage(void **state)
{
    struct log *log = *state;
    struct record_reader reader;
    struct record record;

    append(log, STRATA_OP_PUT, KEY, VALUE);
    record_reader_init(&reader, log->file, NUMBER + 1, log->file->end);
    assert_code(record_next(&reader, &record, &log->err), STRATA_ERR_CORRUPT, &log->err);
    assert_err_says(&log->err, "record head check");
    record_reader_free(&reader);
}

/* ---- The file's header ----------------------------------------------------------------- */

/* Writes a header of these fields, its check right. */
static void write_header_to(struct fs_file *file, uint16_t version, uint16_t reserved,
                            uint64_t number)
{
    struct strata_error err;
    uint8_t header[RECORD_FILE_HEADER] = RECORD_MAGIC, *at = header + 8;
    at = put_u16(at, version);
    at = put_u16(at, reserved);
    at = put_u64(at, number);
    put_u32(at, checksum(checksum_seed(number, 0), strata_bytes(header, 20)));
    assert_ok(fs_write_at(file, 0, header, sizeof header, &err), &err);
}

static void write_header(struct log *log, uint16_t version, uint16_t reserved, uint64_t number)
{
    write_header_to(log->file, version, reserved, number);
}

static void expect_bad_file(struct log *log, uint64_t offset, const char *words)
{
    assert_code(record_check_file(log->file, NUMBER, &log->err), STRATA_ERR_CORRUPT, &log->err);
    assert_err_file(&log->err, PATH);
    assert_err_offset(&log->err, offset);
    assert_err_says(&log->err, words);
}

static void record_file_header_of_today_is_fine(void **state)
{
    struct log *log = *state;
    assert_ok(record_check_file(log->file, NUMBER, &log->err), &log->err);
    write_header(log, 1, 0, NUMBER); /* so the tests below change one thing only */
    assert_ok(record_check_file(log->file, NUMBER, &log->err), &log->err);
}

static void record_file_of_a_later_version_is_refused(void **state)
{
    write_header(*state, 2, 0, NUMBER);
    expect_bad_file(*state, 8, "append log version 2");
}

static void record_file_with_reserved_bytes_is_refused(void **state)
{
    write_header(*state, 1, 1, NUMBER);
    expect_bad_file(*state, 8, "version");
}

static void record_file_under_another_name_is_refused(void **state)
{
    write_header(*state, 1, 0, NUMBER + 1);
    expect_bad_file(*state, 12, "the file says it is number 8, its name 7");
}

static void record_file_that_ends_in_its_header_is_refused(void **state)
{
    struct log *log = *state;
    for (uint64_t size = 0; size < RECORD_FILE_HEADER; size++) {
        write_header(log, 1, 0, NUMBER);
        assert_ok(fs_truncate(log->file, size, &log->err), &log->err);
        expect_bad_file(log, size, "ends inside its header");
    }
}

/* Before a record of it is read: the next version may mean something else by the same bytes. */
static void record_file_of_a_later_version_is_refused_when_opened(void **state)
{
    struct log *log = *state;
    struct fs_file *file;
    struct strata *db;

    assert_ok(subject_open(log->fs, "disk/db", true, &db, &log->err), &log->err);
    assert_ok(strata_close(db, &log->err), &log->err);
    assert_ok(fs_open(log->fs, "disk/db/000001.log", FS_WRITE, &file, &log->err), &log->err);
    write_header_to(file, 2, 0, 1);
    assert_ok(fs_close(file, &log->err), &log->err);
    assert_code(subject_open(log->fs, "disk/db", false, &db, &log->err), STRATA_ERR_CORRUPT,
                &log->err);
    assert_err_offset(&log->err, 8);
    assert_err_says(&log->err, "append log version 2");
}

/* ---- Valid ones ------------------------------------------------------------------------ */

static void record_append_is_one_call_of_the_file_layer(void **state)
{
    struct log *log = *state;
    uint64_t before = atomic_load(&log->fs->calls[FS_CALL_APPEND]);

    append(log, STRATA_OP_PUT, KEY, VALUE);
    append(log, STRATA_OP_DELETE, KEY, strata_bytes(NULL, 0));
    assert_int_equal(atomic_load(&log->fs->calls[FS_CALL_APPEND]) - before, 2);
}

/* Sizes about the reader's window of 128 KiB, so that heads, keys and bodies lie across its end
 * in every way; and bodies that are larger. */
static void record_of_any_size_is_read_back(void **state)
{
    static const size_t around[] = {0, 1, 17, 200, 65535, 131072 - 17, 131072, 131072 + 17, 300000};
    struct log *log = *state;
    uint8_t *bytes = malloc(400000);
    struct record_reader reader;
    struct record record;
    struct rng rng, again;

    rng_init(&again, rng_init_env(&rng, "record sizes"));
    rng_fill(&rng, bytes, 400000);
    rng_fill(&again, bytes, 400000);
    for (int i = 0; i < 60; i++) {
        size_t key = (size_t)rng_below(&rng, i % 3 ? 40 : STRATA_MAX_KEY + 1);
        size_t value = around[rng_below(&rng, 9)] + (size_t)rng_below(&rng, 40);
        append(log, STRATA_OP_PUT, strata_bytes(bytes + i, key), strata_bytes(bytes + i, value));
    }
    record_reader_init(&reader, log->file, NUMBER, log->file->end);
    for (int i = 0; i < 60; i++) {
        size_t key = (size_t)rng_below(&again, i % 3 ? 40 : STRATA_MAX_KEY + 1);
        size_t value = around[rng_below(&again, 9)] + (size_t)rng_below(&again, 40);
        struct strata_buffer got = {0};
        assert_ok(record_next(&reader, &record, &log->err), &log->err);
        assert_bytes(record.key, strata_bytes(bytes + i, key));
        assert_int_equal(record.value_size, value);
        assert_int_equal(record.next - record.offset, RECORD_HEAD + key + value);
        assert_ok(record_value(log->file, NUMBER, record.offset, log->file->end,
                               strata_bytes(bytes + i, key), &got, &log->err),
                  &log->err);
        assert_bytes(strata_buffer_slice(&got), strata_bytes(bytes + i, value));
        strata_buffer_free(&got);
    }
    assert_int_equal(record_next(&reader, &record, &log->err), STRATA_NOT_FOUND);
    assert_int_equal(reader.at, log->file->end);
    record_reader_free(&reader);
    free(bytes);
}

/* I1 and I2 of engine.c: a failed append is behind the end, and is not read. */
static void record_that_could_not_be_written_is_not_in_the_log(void **state)
{
    struct log *log = *state;
    struct strata *db;
    uint64_t before;

    assert_ok(subject_open(log->fs, "disk/db", true, &db, &log->err), &log->err);
    assert_ok(strata_put(db, KEY, VALUE, &log->err), &log->err);
    before = check_stat(db, "log_bytes");
    fs_sim_set_disk(log->fs, 0); /* what is there stays */
    assert_code(strata_put(db, KEY, strata_string("other"), &log->err), STRATA_ERR_IO, &log->err);
    assert_int_equal(log->err.sys, ENOSPC);
    assert_int_equal(check_stat(db, "log_bytes"), before);
    assert_int_equal(check_stat(db, "log_records"), 1);
    assert_get(db, "key", "value");
    assert_ok(strata_close(db, &log->err), &log->err);
}

static void record_that_was_written_in_half_is_not_in_the_log(void **state)
{
    struct log *log = *state;
    struct strata_buffer bytes = {0};
    struct strata *db;
    uint64_t before;

    assert_ok(subject_open(log->fs, "disk/db", true, &db, &log->err), &log->err);
    assert_ok(strata_put(db, KEY, VALUE, &log->err), &log->err);
    before = check_stat(db, "log_bytes");
    fs_sim_set_disk(log->fs, before + 20 + 32 + RECORD_FILE_HEADER); /* the marker; the other log */
    assert_code(strata_put(db, KEY, strata_string("other"), &log->err), STRATA_ERR_IO, &log->err);
    assert_int_equal(fs_sim_get(log->fs, "disk/db/000001.log", &bytes), 0);
    assert_int_equal(bytes.size, before + 20);
    assert_int_equal(check_stat(db, "log_bytes"), before);
    assert_ok(strata_verify(db, NULL, &log->err), &log->err);
    assert_get(db, "key", "value");
    assert_ok(strata_close(db, &log->err), &log->err);
    strata_buffer_free(&bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(record_key_longer_than_the_limit_is_damage),
        TEST(record_value_longer_than_the_limit_is_damage),
        TEST(record_delete_with_a_value_is_damage),
        TEST(record_type_that_is_none_is_damage),
        TEST(record_type_of_a_later_stage_is_read_by_its_reader),
        TEST(record_type_zero_is_damage),
        TEST(record_of_a_gigabyte_in_a_short_file_is_torn_and_allocates_nothing_like_it),
        TEST(record_value_that_goes_beyond_the_limit_is_damage),
        TEST(record_value_where_no_record_can_be_is_damage),
        TEST(record_value_of_another_key_is_damage),
        TEST(record_value_of_a_delete_is_damage),
        TEST(record_of_another_file_is_damage),
        TEST(record_file_header_of_today_is_fine),
        TEST(record_file_of_a_later_version_is_refused),
        TEST(record_file_with_reserved_bytes_is_refused),
        TEST(record_file_under_another_name_is_refused),
        TEST(record_file_that_ends_in_its_header_is_refused),
        TEST(record_file_of_a_later_version_is_refused_when_opened),
        TEST(record_append_is_one_call_of_the_file_layer),
        TEST(record_of_any_size_is_read_back),
        TEST(record_that_could_not_be_written_is_not_in_the_log),
        TEST(record_that_was_written_in_half_is_not_in_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
