/* fs_test.c: the wrappers around the raw calls on files: short and interrupted calls are made
 * whole, a failed change poisons. What is done with a real file system is in fs_same_test.c. */
#include "test.h"

#include "fs_fake.h"

#include <errno.h>
#include <string.h>

/* ---- Reading ---------------------------------------------------------------------------- */

static void fs_read_short_or_interrupted_is_joined(void **state)
{
    (void)state;
    for (size_t at_most = 1; at_most <= 11; at_most++)
        for (unsigned interrupts = 0; interrupts < 3; interrupts++) {
            struct fs_fake fake = fs_fake_new();
            struct fs_file *file = fs_fake_open(&fake);
            struct strata_error err;
            uint8_t to[10];
            size_t got;
            fake.at_most = at_most;
            fake.interrupts = interrupts;
            assert_ok(fs_read_at(file, 2, to, 7, &got, &err), &err);
            assert_bytes(strata_bytes(to, got), strata_string("2345678"));
            assert_int_equal(fake.base.bytes_read, 7);
            assert_int_equal(fs_fake_calls(&fake, FS_CALL_READ),
                             (interrupts + 1) * ((7 + at_most - 1) / at_most));
            fake.interrupts = 0;
            fs_fake_close(file);
        }
}

static void fs_read_ends_where_the_file_ends(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct fs_file *file = fs_fake_open(&fake);
    struct strata_error err;
    uint8_t to[20];
    size_t got = 99;

    (void)state;
    fake.at_most = 3;
    assert_ok(fs_read_at(file, 4, to, sizeof to, &got, &err), &err);
    assert_bytes(strata_bytes(to, got), strata_string("456789"));
    assert_ok(fs_read_at(file, 10, to, sizeof to, &got, &err), &err);
    assert_int_equal(got, 0);
    assert_ok(fs_read_at(file, 1000, to, sizeof to, &got, &err), &err);
    assert_int_equal(got, 0);
    assert_ok(fs_read_at(file, 3, to, 0, &got, &err), &err);
    assert_int_equal(got, 0);
    fs_fake_close(file);
}

static void fs_read_refused_names_file_and_offset(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct fs_file *file = fs_fake_open(&fake);
    struct strata_error err;
    uint8_t to[10];
    size_t got = 99;

    (void)state;
    fake.at_most = 2;
    fake.fails = FS_CALL_READ;
    fake.fails_with = EIO;
    fake.fails_after = 2;
    assert_code(fs_read_at(file, 1, to, 8, &got, &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, EIO);
    assert_err_file(&err, "dir/file");
    assert_err_offset(&err, 5); /* two reads of two bytes went well */
    assert_err_says(&err, "read");
    assert_int_equal(got, 0);
    fake.fails_with = 0;
    assert_ok(fs_read_at(file, 1, to, 8, &got, &err), &err); /* a failed read poisons nothing */
    assert_int_equal(got, 8);
    fs_fake_close(file);
}

/* ---- Writing ---------------------------------------------------------------------------- */

static const struct strata_slice parts[] = {{NULL, 0},
                                            {(const uint8_t *)"abcde", 5},
                                            {NULL, 0},
                                            {(const uint8_t *)"f", 1},
                                            {(const uint8_t *)"ghijklm", 7},
                                            {NULL, 0}};

static void fs_append_short_or_interrupted_at_every_byte_is_whole(void **state)
{
    (void)state;
    for (size_t at_most = 1; at_most <= 14; at_most++)
        for (unsigned interrupts = 0; interrupts < 3; interrupts++) {
            struct fs_fake fake = fs_fake_new();
            struct fs_file *file = fs_fake_open(&fake);
            struct strata_error err;
            fake.at_most = at_most;
            fake.interrupts = interrupts;
            assert_ok(fs_append(file, parts, 6, &err), &err);
            assert_bytes(fs_fake_bytes(&fake), strata_string("0123456789abcdefghijklm"));
            assert_int_equal(file->end, 23);
            assert_int_equal(fake.base.bytes_written, 13);
            assert_int_equal(fs_fake_calls(&fake, FS_CALL_APPEND),
                             (interrupts + 1) * ((13 + at_most - 1) / at_most));
            fake.interrupts = 0;
            fs_fake_close(file);
        }
}

/* One call for all parts, when the system takes them. */
static void fs_append_is_one_call(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct fs_file *file = fs_fake_open(&fake);
    struct strata_error err;

    (void)state;
    assert_ok(fs_append(file, parts, 6, &err), &err);
    assert_string_equal(fake.log, "append 13|");
    fs_fake_close(file);
}

static void fs_append_of_nothing_makes_no_call(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct fs_file *file = fs_fake_open(&fake);
    const struct strata_slice empty[2] = {{NULL, 0}, {(const uint8_t *)"", 0}};
    struct strata_error err;

    (void)state;
    assert_ok(fs_append(file, NULL, 0, &err), &err);
    assert_ok(fs_append(file, empty, 2, &err), &err);
    assert_int_equal(fs_fake_calls(&fake, FS_CALL_APPEND), 0);
    assert_int_equal(file->end, 10);
    fs_fake_close(file);
}

static void fs_append_of_too_many_parts_is_refused_unwritten(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct fs_file *file = fs_fake_open(&fake);
    struct strata_slice many[9];
    struct strata_error err;

    (void)state;
    for (size_t i = 0; i < 9; i++)
        many[i] = strata_string("x");
    assert_code(fs_append(file, many, 9, &err), STRATA_ERR_INVALID, &err);
    assert_err_file(&err, "dir/file");
    assert_int_equal(fake.size, 10);
    assert_ok(fs_append(file, many, 8, &err), &err);
    assert_bytes(fs_fake_bytes(&fake), strata_string("0123456789xxxxxxxx"));
    fs_fake_close(file);
}

static void fs_write_at_short_or_interrupted_is_whole(void **state)
{
    (void)state;
    for (size_t at_most = 1; at_most <= 7; at_most++) {
        struct fs_fake fake = fs_fake_new();
        struct fs_file *file = fs_fake_open(&fake);
        struct strata_error err;
        fake.at_most = at_most;
        fake.interrupts = at_most % 3;
        assert_ok(fs_write_at(file, 2, "ABC", 3, &err), &err);
        assert_int_equal(file->end, 10);
        assert_ok(fs_write_at(file, 8, "DEFGHI", 6, &err), &err);
        assert_int_equal(file->end, 14);
        assert_bytes(fs_fake_bytes(&fake), strata_string("01ABC567DEFGHI"));
        fake.interrupts = 0;
        fs_fake_close(file);
    }
}

static void fs_resize_moves_the_end(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct fs_file *file = fs_fake_open(&fake);
    struct strata_slice more = strata_string("xyz");
    struct strata_error err;

    (void)state;
    fake.interrupts = 2;
    assert_ok(fs_truncate(file, 4, &err), &err);
    assert_int_equal(file->end, 4);
    assert_ok(fs_append(file, &more, 1, &err), &err);
    assert_bytes(fs_fake_bytes(&fake), strata_string("0123xyz"));
    assert_ok(fs_allocate(file, 20, &err), &err);
    assert_int_equal(file->end, 20);
    assert_ok(fs_allocate(file, 20, &err), &err); /* it has that room already */
    assert_ok(fs_allocate(file, 5, &err), &err);
    assert_int_equal(fs_fake_calls(&fake, FS_CALL_ALLOCATE), 3);
    assert_int_equal(file->end, 20);
    fake.interrupts = 0;
    fs_fake_close(file);
}

static void fs_map_where_nothing_is_mapped_is_refused(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct fs_file *file = fs_fake_open(&fake);
    struct strata_error err;
    const uint8_t *bytes;

    (void)state;
    assert_code(fs_map(file, 10, &bytes, &err), STRATA_ERR_NOT_SUPPORTED, &err);
    assert_err_file(&err, "dir/file");
    assert_null(bytes);
    fs_fake_close(file);
}

/* Where there is no room to be had, appends go on without, and it is not asked for again. */
static void fs_room_ahead_refused_is_no_failure(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct strata_slice more = strata_string("xyz");
    struct strata_error err;
    struct fs_file *file;

    (void)state;
    fake.base.ahead = 16;
    fake.fails = FS_CALL_ALLOCATE;
    fake.fails_with = ENOSPC;
    fake.interrupts = 1;
    assert_ok(fs_open(&fake.base, "dir/file", FS_WRITE | FS_AHEAD, &file, &err), &err);
    assert_ok(fs_append(file, &more, 1, &err), &err);
    assert_ok(fs_append(file, &more, 1, &err), &err);
    assert_int_equal(file->end, 16);
    assert_int_equal(fs_fake_calls(&fake, FS_CALL_ALLOCATE), 2); /* one, and one interrupted */
    assert_bytes(fs_fake_bytes(&fake), strata_string("0123456789xyzxyz"));
    fake.interrupts = 0;
    assert_ok(fs_trim(file, &err), &err); /* a refused call may have made some room */
    assert_bytes(fs_fake_bytes(&fake), strata_string("0123456789xyzxyz"));
    fs_fake_close(file);
}

static void fs_room_ahead_is_asked_for_when_it_is_used_up(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct strata_slice more = strata_string("xyz");
    struct strata_error err;
    struct fs_file *file;

    (void)state;
    fake.base.ahead = 16;
    assert_ok(fs_open(&fake.base, "dir/file", FS_WRITE | FS_AHEAD, &file, &err), &err);
    for (int i = 0; i < 2; i++)
        assert_ok(fs_append(file, &more, 1, &err), &err);
    assert_bytes(fs_fake_bytes(&fake), strata_string("0123456789xyzxyz"));
    assert_int_equal(fs_fake_calls(&fake, FS_CALL_ALLOCATE), 1);
    assert_ok(fs_append(file, &more, 1, &err), &err);
    assert_int_equal(fs_fake_calls(&fake, FS_CALL_ALLOCATE), 2);
    assert_int_equal(fake.size, 32);
    fake.fails = FS_CALL_TRUNCATE;
    fake.fails_with = EIO;
    assert_code(fs_trim(file, &err), STRATA_ERR_IO, &err);
    assert_code(fs_append(file, &more, 1, &err), STRATA_ERR_IO, &err);
    fs_fake_close(file);
}

/* ---- Poison ----------------------------------------------------------------------------- */

/* Every call that changes the file; `which` of them. */
static int change(struct fs_file *file, enum fs_call which, struct strata_error *err)
{
    struct strata_slice part = strata_string("abcdef");
    switch (which) {
    case FS_CALL_APPEND:
        return fs_append(file, &part, 1, err);
    case FS_CALL_WRITE:
        return fs_write_at(file, 3, "abcdef", 6, err);
    case FS_CALL_SYNC:
        return fs_sync(file, err);
    case FS_CALL_TRUNCATE:
        return fs_truncate(file, 5, err);
    default:
        return fs_allocate(file, 50, err);
    }
}

static const enum fs_call changes[] = {FS_CALL_APPEND, FS_CALL_WRITE, FS_CALL_SYNC,
                                       FS_CALL_TRUNCATE, FS_CALL_ALLOCATE};
static const char *const doings[] = {"append", "write", "sync", "truncate", "allocate"};

static uint64_t all_calls(const struct fs_fake *fake)
{
    uint64_t sum = 0;
    for (int i = 0; i < FS_CALL_COUNT; i++)
        sum += fake->base.calls[i];
    return sum;
}

/* The error of the first failure, its errno in every later refusal, and no call to the system:
 * above all no second sync. */
static void fs_failed_change_poisons_the_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct fs_fake fake = fs_fake_new();
        struct fs_file *file = fs_fake_open(&fake);
        struct strata_error err;
        uint64_t made;
        uint8_t to[10];
        size_t got;
        fake.fails = changes[i];
        fake.fails_with = i == 2 ? EIO : ENOSPC;
        assert_code(change(file, changes[i], &err), STRATA_ERR_IO, &err);
        assert_int_equal(err.sys, fake.fails_with);
        assert_err_file(&err, "dir/file");
        assert_err_says(&err, doings[i]);
        assert_int_equal(fs_fake_calls(&fake, changes[i]), 1);
        fake.fails_with = 0; /* the system would do it now */
        made = all_calls(&fake);
        for (size_t j = 0; j < 5; j++) {
            assert_code(change(file, changes[j], &err), STRATA_ERR_IO, &err);
            assert_int_equal(err.sys, i == 2 ? EIO : ENOSPC);
            assert_err_file(&err, "dir/file");
            assert_err_says(&err, "refused since");
        }
        assert_true(all_calls(&fake) == made);
        assert_bytes(fs_fake_bytes(&fake), strata_string("0123456789"));
        assert_ok(fs_read_at(file, 0, to, 10, &got, &err), &err); /* reading goes on */
        assert_int_equal(got, 10);
        fs_fake_close(file);
    }
}

static void fs_disk_full_in_the_middle_of_an_append_tells_where(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct fs_file *file = fs_fake_open(&fake);
    struct strata_error err;

    (void)state;
    fake.at_most = 4;
    fake.fails = FS_CALL_APPEND;
    fake.fails_with = ENOSPC;
    fake.fails_after = 2;
    assert_code(fs_append(file, parts, 6, &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, ENOSPC);
    assert_err_offset(&err, 18);
    assert_int_equal(file->end, 18); /* what is there is known */
    assert_bytes(fs_fake_bytes(&fake), strata_string("0123456789abcdefgh"));
    fs_fake_close(file);
}

static ssize_t append_nothing(struct fs_file *file, const struct strata_slice *given, size_t count)
{
    (void)file;
    (void)given;
    (void)count;
    return 0;
}

static ssize_t write_nothing(struct fs_file *file, uint64_t offset, const void *from, size_t size)
{
    (void)file;
    (void)offset;
    (void)from;
    (void)size;
    return 0;
}

/* Not an endless loop, and not success. */
static void fs_write_that_moves_nothing_is_an_error(void **state)
{
    struct fs_ops ops = fs_fake_ops;

    (void)state;
    ops.append = append_nothing;
    ops.write_at = write_nothing;
    for (size_t i = 0; i < 2; i++) {
        struct fs_fake fake = fs_fake_new();
        struct fs_file *file = fs_fake_open(&fake);
        struct strata_error err;
        fake.base.ops = &ops;
        assert_code(change(file, changes[i], &err), STRATA_ERR_IO, &err);
        assert_int_equal(err.sys, EIO);
        assert_code(change(file, FS_CALL_SYNC, &err), STRATA_ERR_IO, &err);
        fs_fake_close(file);
    }
}

static void fs_interrupted_sync_is_tried_again(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct fs_file *file = fs_fake_open(&fake);
    struct strata_error err;

    (void)state;
    fake.interrupts = 3;
    assert_ok(fs_sync(file, &err), &err);
    assert_int_equal(fs_fake_calls(&fake, FS_CALL_SYNC), 4);
    assert_string_equal(fake.log, "sync|");
    fake.interrupts = 0;
    fs_fake_close(file);
}

static void fs_file_opened_for_reading_refuses_changes(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct strata_error err;
    struct fs_file *file;

    (void)state;
    assert_ok(fs_open(&fake.base, "dir/file", FS_READ, &file, &err), &err);
    for (size_t i = 0; i < 5; i++) {
        assert_code(change(file, changes[i], &err), STRATA_ERR_READ_ONLY, &err);
        assert_err_file(&err, "dir/file");
        assert_int_equal(fs_fake_calls(&fake, changes[i]), 0);
    }
    fs_fake_close(file);
}

/* ---- Opening and closing ---------------------------------------------------------------- */

static void fs_open_knows_path_and_end(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct strata_error err;
    struct fs_file *file;
    char path[] = "dir/file";

    (void)state;
    fake.interrupts = 2;
    assert_ok(fs_open(&fake.base, path, FS_WRITE, &file, &err), &err);
    memset(path, 'x', 3); /* the file has a copy */
    assert_string_equal(file->path, "dir/file");
    assert_int_equal(file->end, 10);
    assert_true(file->writable);
    assert_int_equal(fs_fake_calls(&fake, FS_CALL_OPEN), 3);
    fake.interrupts = 0;
    fs_fake_close(file);
}

static void fs_open_refused_gives_no_file(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct strata_error err;
    struct fs_file *file = (struct fs_file *)&fake;

    (void)state;
    fake.fails = FS_CALL_OPEN;
    fake.fails_with = EACCES;
    assert_code(fs_open(&fake.base, "dir/file", FS_WRITE, &file, &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, EACCES);
    assert_err_file(&err, "dir/file");
    assert_err_offset(&err, STRATA_NO_OFFSET);
    assert_null(file);
    fake.fails = FS_CALL_SIZE; /* opened, but of no use */
    file = (struct fs_file *)&fake;
    assert_code(fs_open(&fake.base, "dir/file", FS_WRITE, &file, &err), STRATA_ERR_IO, &err);
    assert_err_file(&err, "dir/file");
    assert_null(file);
    assert_int_equal(fake.open_files, 0);
}

static void fs_close_tells_an_error_and_closes_all_the_same(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct fs_file *file = fs_fake_open(&fake);
    struct strata_error err;

    (void)state;
    fake.fails = FS_CALL_CLOSE;
    fake.fails_with = EDQUOT;
    assert_code(fs_close(file, &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, EDQUOT);
    assert_err_file(&err, "dir/file");
    assert_int_equal(fake.open_files, 0);
    fake.fails_with = 0;
    file = fs_fake_open(&fake);
    fake.interrupts = 1; /* on Linux the file is closed then: once is enough */
    assert_ok(fs_close(file, &err), &err);
    assert_int_equal(fake.open_files, 0);
    assert_int_equal(fs_fake_calls(&fake, FS_CALL_CLOSE), 2);
    assert_ok(fs_close(NULL, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fs_read_short_or_interrupted_is_joined),
        cmocka_unit_test(fs_read_ends_where_the_file_ends),
        cmocka_unit_test(fs_read_refused_names_file_and_offset),
        cmocka_unit_test(fs_append_short_or_interrupted_at_every_byte_is_whole),
        cmocka_unit_test(fs_append_is_one_call),
        cmocka_unit_test(fs_append_of_nothing_makes_no_call),
        cmocka_unit_test(fs_append_of_too_many_parts_is_refused_unwritten),
        cmocka_unit_test(fs_write_at_short_or_interrupted_is_whole),
        cmocka_unit_test(fs_resize_moves_the_end),
        cmocka_unit_test(fs_map_where_nothing_is_mapped_is_refused),
        cmocka_unit_test(fs_room_ahead_refused_is_no_failure),
        cmocka_unit_test(fs_room_ahead_is_asked_for_when_it_is_used_up),
        cmocka_unit_test(fs_failed_change_poisons_the_file),
        cmocka_unit_test(fs_disk_full_in_the_middle_of_an_append_tells_where),
        cmocka_unit_test(fs_write_that_moves_nothing_is_an_error),
        cmocka_unit_test(fs_interrupted_sync_is_tried_again),
        cmocka_unit_test(fs_file_opened_for_reading_refuses_changes),
        cmocka_unit_test(fs_open_knows_path_and_end),
        cmocka_unit_test(fs_open_refused_gives_no_file),
        cmocka_unit_test(fs_close_tells_an_error_and_closes_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
