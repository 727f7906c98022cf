/* 01_append_log_window_test.c: reading the log: records at every alignment to the reader's window
 * and larger than it, one value at its place, and files that fail or shrink under the reader. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "record_log.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW 131072 /* of record.c */

/* ---- The window ------------------------------------------------------------------------- */

/* Three records; the second begins `before` bytes before the end of the reader's first window and
 * has these sizes. */
static void straddle(struct record_log *log, const uint8_t *bytes, size_t before, size_t key_size,
                     size_t value_size)
{
    struct strata_slice key = strata_bytes(bytes + 7, key_size);
    struct strata_slice value = strata_bytes(bytes + 11, value_size);
    size_t first_size = WINDOW - before - RECORD_HEAD - 1;
    struct record_reader reader;
    struct record record;
    struct strata_error err;

    record_log_start(log);
    record_log_add(log, STRATA_OP_PUT, strata_string("1"), strata_bytes(bytes, first_size));
    record_log_add(log, STRATA_OP_PUT, key, value);
    record_log_put(log, "3", "three");
    record_reader_init(&reader, log->file, RECORD_LOG_NUMBER, log->file->end);
    record_log_next(&reader, STRATA_OP_PUT, strata_string("1"), first_size);
    record_log_next(&reader, STRATA_OP_PUT, key, value_size);
    record_log_next(&reader, STRATA_OP_PUT, strata_string("3"), 5);
    assert_code(record_next(&reader, &record, &err), STRATA_NOT_FOUND, &err);
    record_reader_free(&reader);
    record_log_value(log, RECORD_FILE_HEADER + WINDOW - before, key, value);
}

static void record_straddling_the_window_at_every_alignment_is_read(void **state)
{
    uint8_t *bytes = record_log_pattern(400000);

    for (size_t before = 0; before <= RECORD_HEAD + 5 + 9 + RECORD_HEAD + 8; before++)
        straddle(*state, bytes, before, 5, 9);
    free(bytes);
}

static void record_larger_than_the_window_at_every_alignment_is_read(void **state)
{
    uint8_t *bytes = record_log_pattern(400000);

    for (size_t before = 0; before <= RECORD_HEAD + 8; before++) {
        straddle(*state, bytes, before, 5, WINDOW);
        straddle(*state, bytes, before, 0, 2 * WINDOW + 1);
        straddle(*state, bytes, before, STRATA_MAX_KEY, WINDOW - STRATA_MAX_KEY);
    }
    straddle(*state, bytes, 30000, STRATA_MAX_KEY, 0);
    straddle(*state, bytes, 0, STRATA_MAX_KEY, 3 * WINDOW - 70000);
    free(bytes);
}

/* Around the size at which a record stops fitting into the window. */
static void record_as_large_as_the_window_is_read(void **state)
{
    struct record_log *log = *state;
    uint8_t *bytes = record_log_pattern(400000);

    for (size_t size = WINDOW - 3; size <= WINDOW + 3; size++) {
        size_t value_size = size - RECORD_HEAD - 4;
        struct strata_slice key = strata_bytes(bytes, 4);
        struct record_reader reader;
        record_log_start(log);
        for (int i = 0; i < 3; i++)
            record_log_add(log, STRATA_OP_PUT, key, strata_bytes(bytes + i, value_size));
        record_reader_init(&reader, log->file, RECORD_LOG_NUMBER, log->file->end);
        for (uint64_t i = 0; i < 3; i++) {
            record_log_next(&reader, STRATA_OP_PUT, key, value_size);
            record_log_value(log, RECORD_FILE_HEADER + i * size, key,
                             strata_bytes(bytes + i, value_size));
        }
        record_reader_free(&reader);
    }
    free(bytes);
}

static void record_flipped_bit_beyond_the_window_is_damage(void **state)
{
    static const size_t places[] = {0, 3, 4, WINDOW - 60, WINDOW, WINDOW + 1, 2 * WINDOW + 3};
    struct record_log *log = *state;
    uint8_t *bytes = record_log_pattern(400000);
    struct strata_buffer whole;

    record_log_start(log);
    record_log_put(log, "before", "");
    record_log_add(log, STRATA_OP_PUT, strata_bytes(bytes, 4), strata_bytes(bytes, 2 * WINDOW));
    record_log_put(log, "behind", "");
    whole = record_log_bytes(log);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        check_case(i);
        struct strata_error err = {0};
        uint64_t at;
        int rc;
        whole.data[47 + RECORD_HEAD + places[i]] ^= 0x10;
        record_log_set(log, whole.data, whole.size);
        assert_int_equal(record_log_read(log, &rc, &at, &err), 1);
        assert_int_equal(rc, STRATA_ERR_CORRUPT);
        assert_err_offset(&err, 47 + RECORD_HEAD);
        whole.data[47 + RECORD_HEAD + places[i]] ^= 0x10;
    }
    strata_buffer_free(&whole);
    free(bytes);
}

/* A small log must not cost a large window. */
static void record_reader_reads_no_byte_twice_and_allocates_no_more_than_there_is(void **state)
{
    struct record_log *log = *state;
    struct record_reader reader;
    struct record record;
    struct strata_error err;
    uint64_t before;

    record_log_start(log);
    for (int i = 0; i < 50; i++)
        record_log_put(log, "key", "value");
    before = log->fs->bytes_read;
    record_reader_init(&reader, log->file, RECORD_LOG_NUMBER, log->file->end);
    while (record_next(&reader, &record, &err) == 0)
        assert_true(reader.window_capacity <= log->file->end);
    assert_int_equal(log->fs->bytes_read - before, log->file->end - RECORD_FILE_HEADER);
    record_reader_free(&reader);
}

/* ---- One value -------------------------------------------------------------------------- */

static void expect_no_value(struct record_log *log, uint64_t at, uint64_t limit, const char *key,
                            uint64_t offset, const char *words)
{
    struct strata_buffer value = {0};
    struct strata_error err;

    assert_int_equal(strata_buffer_append(&value, "old", 3), 0);
    assert_code(record_value(log->file, RECORD_LOG_NUMBER, at, limit, STRATA_OP_PUT,
                             strata_string(key), &value, &err),
                STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, RECORD_LOG_PATH);
    assert_err_offset(&err, offset);
    assert_err_says(&err, words);
    strata_buffer_free(&value);
}

static void record_value_of_another_record_is_refused(void **state)
{
    struct record_log *log = *state;
    struct strata_buffer bytes = record_log_three(log);

    record_log_value(log, 24, strata_string("key"), strata_string("value"));
    record_log_value(log, 68, strata_string("b"), strata_string("last"));
    expect_no_value(log, 24, 90, "kex", 24, "another key than the one looked for");
    expect_no_value(log, 24, 90, "ke", 24, "another key than the one looked for");
    expect_no_value(log, 24, 90, "keyv", 24, "another key than the one looked for");
    expect_no_value(log, 49, 90, "ab", 53, "type 2"); /* a delete */
    expect_no_value(log, 25, 90, "key", 25, "record head check");
    expect_no_value(log, 90, 90, "b", 90, "no record is here");
    expect_no_value(log, 80, 90, "b", 80, "no record is here");
    expect_no_value(log, 91, 90, "b", 91, "no record is here");
    expect_no_value(log, UINT64_MAX, 90, "b", UINT64_MAX, "no record is here");
    expect_no_value(log, 68, 89, "b", 68, "beyond the file's valid part");
    strata_buffer_free(&bytes);
}

static void record_value_with_a_flipped_bit_is_refused(void **state)
{
    struct record_log *log = *state;
    struct strata_buffer bytes = record_log_three(log);

    for (size_t bit = 8 * (24 + RECORD_HEAD); bit < 8 * 49; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        record_log_set(log, bytes.data, bytes.size);
        expect_no_value(log, 24, 90, "key", 24 + RECORD_HEAD, "record body check");
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    strata_buffer_free(&bytes);
}

/* ---- Files that fail or shrink ---------------------------------------------------------- */

static void record_log_cut_while_open_is_damage(void **state)
{
    struct record_log *log = *state;
    struct strata_buffer bytes = record_log_three(log);
    struct strata_error err = {0};
    uint64_t at;
    int rc;

    record_log_set(log, bytes.data, bytes.size);
    assert_int_equal(fs_sim_put(log->fs, RECORD_LOG_PATH, strata_bytes(bytes.data, 60)), 0);
    record_log_read(log, &rc, &at, &err); /* up to the end that was there at open */
    assert_int_equal(rc, STRATA_ERR_CORRUPT);
    assert_err_says(&err, "cut short while it was open");
    expect_no_value(log, 68, 90, "b", 68, "cut short while it was open");
    strata_buffer_free(&bytes);
}

static void record_read_error_is_reported_and_ends_the_reading(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .calls = 1u << FS_CALL_READ};
    struct record_log *log = *state;
    struct strata_buffer value = {0}, bytes = record_log_three(log);
    struct strata_error err = {0};
    uint64_t at;
    int rc;

    fs_sim_fail(log->fs, &fault);
    assert_int_equal(record_log_read(log, &rc, &at, &err), 0);
    assert_int_equal(rc, STRATA_ERR_IO);
    assert_err_file(&err, RECORD_LOG_PATH);
    fs_sim_fail(log->fs, &fault);
    assert_code(record_check_kind(log->file, RECORD_MAGIC, RECORD_LOG_NUMBER, &err), STRATA_ERR_IO,
                &err);
    for (fault.at = 1; fault.at <= 2; fault.at++) {
        fs_sim_fail(log->fs, &fault);
        assert_code(record_value(log->file, RECORD_LOG_NUMBER, 24, 90, STRATA_OP_PUT,
                                 strata_string("key"), &value, &err),
                    STRATA_ERR_IO, &err);
        assert_int_equal(value.size, 0);
    }
    strata_buffer_free(&value);
    strata_buffer_free(&bytes);
}

/* Each read of a log with large and small records fails once. */
static void record_each_read_may_fail(void **state)
{
    struct record_log *log = *state;
    uint8_t *bytes = record_log_pattern(3 * WINDOW);
    uint64_t failures = 0;
    bool clean = false;

    record_log_start(log);
    for (int i = 0; i < 3; i++) {
        record_log_put(log, "small", "value");
        record_log_add(log, STRATA_OP_PUT, strata_bytes(bytes, STRATA_MAX_KEY),
                       strata_bytes(bytes, 3 * WINDOW));
    }
    for (; !clean; failures++) {
        struct fs_sim_fault fault = {
            .kind = FS_SIM_EIO, .at = failures + 1, .calls = 1u << FS_CALL_READ};
        struct strata_error err = {0};
        uint64_t at;
        size_t count;
        int rc;
        fs_sim_fail(log->fs, &fault);
        count = record_log_read(log, &rc, &at, &err);
        clean = fs_sim_failed(log->fs) == 0;
        fs_sim_fail(log->fs, NULL);
        assert_int_equal(rc, clean ? STRATA_NOT_FOUND : STRATA_ERR_IO);
        assert_true(clean ? count == 6 : count < 6);
        if (!clean) {
            assert_err_file(&err, RECORD_LOG_PATH);
            assert_true(err.offset >= at && err.offset < log->file->end);
        }
    }
    assert_true(failures > 6); /* each record is read at once */
    free(bytes);
}

/* The head stands in the window, its key does not. */
static void record_read_that_fails_between_head_and_key_is_reported(void **state)
{
    const struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 2, .calls = 1u << FS_CALL_READ};
    size_t first_size = WINDOW - (RECORD_HEAD + 3) - RECORD_HEAD - 1;
    uint8_t *bytes = record_log_pattern(WINDOW);
    struct record_log *log = *state;
    struct strata_error err = {0};
    uint64_t at;
    int rc;

    record_log_start(log);
    record_log_add(log, STRATA_OP_PUT, strata_string("1"), strata_bytes(bytes, first_size));
    record_log_put(log, "key", "value");
    fs_sim_fail(log->fs, &fault);
    assert_int_equal(record_log_read(log, &rc, &at, &err), 1);
    assert_int_equal(fs_sim_failed(log->fs), 1);
    fs_sim_fail(log->fs, NULL);
    assert_int_equal(rc, STRATA_ERR_IO);
    assert_err_file(&err, RECORD_LOG_PATH);
    free(bytes);
}

#define record_test(f) cmocka_unit_test_setup_teardown(f, record_log_setup, record_log_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        record_test(record_straddling_the_window_at_every_alignment_is_read),
        record_test(record_larger_than_the_window_at_every_alignment_is_read),
        record_test(record_as_large_as_the_window_is_read),
        record_test(record_flipped_bit_beyond_the_window_is_damage),
        record_test(record_reader_reads_no_byte_twice_and_allocates_no_more_than_there_is),
        record_test(record_value_of_another_record_is_refused),
        record_test(record_value_with_a_flipped_bit_is_refused),
        record_test(record_log_cut_while_open_is_damage),
        record_test(record_each_read_may_fail),
        record_test(record_read_that_fails_between_head_and_key_is_reported),
        record_test(record_read_error_is_reported_and_ends_the_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
