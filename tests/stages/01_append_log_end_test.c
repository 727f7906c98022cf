/* 01_append_log_end_test.c: where the valid part of stage 1's log ends: I1 to I3 of engine.c when
 * an append fails, and a file that must not be read at all. */
#include "test.h"

#include "01_append_log/record.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <errno.h>

#define DIR "disk/db"
#define LOG DIR "/000001.log"
#define MARKER_BYTES 32
#define KEY strata_string("key")

static int set_up(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    assert_non_null(fs);
    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    *state = fs;
    return 0;
}

static int tear_down(void **state)
{
    assert_int_equal(fs_sim_open_files(*state), 0);
    fs_free(*state);
    return 0;
}

/* A database of one put, open. */
static struct strata *with_one_put(struct strata_fs *fs)
{
    struct strata_error err;
    struct strata *db;
    assert_ok(subject_open(fs, DIR, true, &db, &err), &err);
    assert_ok(strata_put(db, KEY, strata_string("value"), &err), &err);
    return db;
}

/* Room for `more` bytes of the next record. */
static void fail_a_put_after(struct strata_fs *fs, uint64_t more)
{
    struct strata *db = with_one_put(fs);
    uint64_t end = check_stat(db, "log_bytes");
    struct strata_buffer bytes = {0};
    struct strata_error err;

    fs_sim_set_disk(fs, MARKER_BYTES + end + more);
    assert_code(strata_put(db, KEY, strata_string("other"), &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, ENOSPC);
    assert_int_equal(fs_sim_get(fs, LOG, &bytes), 0);
    assert_int_equal(bytes.size, end + more);
    assert_int_equal(check_stat(db, "log_bytes"), end);
    assert_int_equal(check_stat(db, "log_records"), 1);
    assert_ok(strata_verify(db, NULL, &err), &err);
    assert_get(db, "key", "value");
    assert_ok(strata_close(db, &err), &err);
    strata_buffer_free(&bytes);
}

static void end_stays_when_nothing_could_be_appended(void **state)
{
    fail_a_put_after(*state, 0);
}

static void end_stays_when_half_a_record_was_appended(void **state)
{
    fail_a_put_after(*state, RECORD_HEAD + 3);
}

/* Before a record is read: the next version may mean something else by the same bytes. */
static void end_is_not_looked_for_in_a_file_of_a_later_version(void **state)
{
    uint8_t header[RECORD_FILE_HEADER] = RECORD_MAGIC, *at = header + 8;
    struct strata_error err;
    struct fs_file *file;
    struct strata *db = with_one_put(*state);

    assert_ok(strata_close(db, &err), &err);
    at = put_u16(at, 2);
    at = put_u16(at, 0);
    at = put_u64(at, 1);
    put_u32(at, checksum(checksum_seed(1, 0), strata_bytes(header, 20)));
    assert_ok(fs_open(*state, LOG, FS_WRITE, &file, &err), &err);
    assert_ok(fs_write_at(file, 0, header, sizeof header, &err), &err);
    assert_ok(fs_close(file, &err), &err);
    assert_code(subject_open(*state, DIR, false, &db, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, LOG);
    assert_err_offset(&err, 8);
    assert_err_says(&err, "version 2");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(end_stays_when_nothing_could_be_appended),
        TEST(end_stays_when_half_a_record_was_appended),
        TEST(end_is_not_looked_for_in_a_file_of_a_later_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
