/* fs_names_test.c: the wrappers around the raw calls on names, and what is made of them. */
#include "test.h"

#include "fs_fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Names ------------------------------------------------------------------------------ */

static int call_by_name(struct strata_fs *fs, enum fs_call call, struct strata_error *err)
{
    switch (call) {
    case FS_CALL_RENAME:
        return fs_rename(fs, "d/a", "d/b", err);
    case FS_CALL_LINK:
        return fs_link(fs, "d/a", "d/b", err);
    case FS_CALL_REMOVE:
        return fs_remove(fs, "d/a", err);
    case FS_CALL_MKDIR:
        return fs_mkdir(fs, "d/a", err);
    default:
        return fs_sync_dir(fs, "d/a", err);
    }
}

static void fs_calls_on_names_are_handed_through(void **state)
{
    static const enum fs_call name_calls[] = {FS_CALL_RENAME, FS_CALL_LINK, FS_CALL_REMOVE,
                                              FS_CALL_MKDIR, FS_CALL_SYNC_DIR};
    static const char *const logs[] = {"rename d/a d/b|", "link d/a d/b|", "remove d/a|",
                                       "mkdir d/a|", "sync_dir d/a|"};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct fs_fake fake = fs_fake_new();
        struct strata_error err;
        fake.interrupts = 2;
        assert_ok(call_by_name(&fake.base, name_calls[i], &err), &err);
        assert_string_equal(fake.log, logs[i]);
        assert_int_equal(fs_fake_calls(&fake, name_calls[i]), 3);
        fake.fails = name_calls[i];
        fake.fails_with = EROFS;
        assert_code(call_by_name(&fake.base, name_calls[i], &err), STRATA_ERR_IO, &err);
        assert_int_equal(err.sys, EROFS);
        assert_err_file(&err, "d/a");
        assert_err_says(&err, fs_call_name(name_calls[i]));
    }
}

static void fs_list_is_sorted_and_told_once(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct fs_names names;
    struct strata_error err;

    (void)state;
    fake.interrupts = 2; /* names told before an interruption do not count */
    assert_ok(fs_list(&fake.base, "d", &names, &err), &err);
    assert_int_equal(names.count, 3);
    assert_string_equal(names.names[0], "a");
    assert_string_equal(names.names[1], "b");
    assert_string_equal(names.names[2], "c");
    fs_names_free(&names);
    assert_int_equal(names.count, 0);
    fake.fails = FS_CALL_LIST;
    fake.fails_with = EIO;
    assert_code(fs_list(&fake.base, "d", &names, &err), STRATA_ERR_IO, &err);
    assert_err_file(&err, "d");
    assert_int_equal(names.count, 0);
    assert_null(names.names);
}

static void fs_names_grow_and_are_copies(void **state)
{
    struct fs_names names = {0};
    char name[8];

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%u", i);
        assert_int_equal(fs_names_add(&names, name), 0);
    }
    assert_int_equal(names.count, 100);
    assert_string_equal(names.names[0], "0");
    assert_string_equal(names.names[99], "99");
    fs_names_free(&names);
    fs_names_free(&names);
}

static void fs_lock_held_elsewhere_is_locked(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct strata_error err;
    struct fs_file *lock;

    (void)state;
    fake.interrupts = 1;
    assert_ok(fs_lock(&fake.base, "d/LOCK", FS_LOCK_EXCLUSIVE, &lock, &err), &err);
    assert_string_equal(lock->path, "d/LOCK");
    assert_false(lock->writable);
    fake.interrupts = 0;
    fs_fake_close(lock);
    fake.fails = FS_CALL_LOCK;
    fake.fails_with = EWOULDBLOCK;
    assert_code(fs_lock(&fake.base, "d/LOCK", FS_LOCK_SHARED, &lock, &err), STRATA_ERR_LOCKED,
                &err);
    assert_err_file(&err, "d/LOCK");
    assert_null(lock);
    fake.fails_with = ENOLCK;
    assert_code(fs_lock(&fake.base, "d/LOCK", FS_LOCK_SHARED, &lock, &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, ENOLCK);
    assert_null(lock);
}

/* ---- Made of the above ------------------------------------------------------------------ */

static void fs_join_puts_one_slash_between(void **state)
{
    char *path = fs_join("dir", "name");
    (void)state;
    assert_string_equal(path, "dir/name");
    free(path);
}

static void fs_parent_is_the_directory_that_holds_it(void **state)
{
    static const char *const pairs[][2] = {
        {"a", "."},         {"a/", "."},    {"a//", "."},   {"a/b", "a"}, {"a/b/", "a"},
        {"a//b", "a"},      {"a/b//", "a"}, {"/a", "/"},    {"//a", "/"}, {"/", "/"},
        {"/a/b/c", "/a/b"}, {"./a", "."},   {"../a", ".."}, {"", "."},    {".", "."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char *parent = fs_parent(pairs[i][0]);
        assert_string_equal(parent, pairs[i][1]);
        free(parent);
    }
}

static void fs_read_file_takes_all_up_to_a_limit(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct strata_buffer to = {0};
    struct strata_error err;

    (void)state;
    fake.at_most = 3;
    fake.interrupts = 1;
    assert_int_equal(strata_buffer_append(&to, "old", 3), 0);
    assert_ok(fs_read_file(&fake.base, "f", 10, &to, &err), &err);
    assert_bytes(strata_buffer_slice(&to), strata_string("0123456789"));
    assert_code(fs_read_file(&fake.base, "f", 9, &to, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, "f");
    assert_err_offset(&err, 9);
    assert_int_equal(to.size, 0);
    fake.fails = FS_CALL_READ;
    fake.fails_with = EIO;
    assert_code(fs_read_file(&fake.base, "f", 10, &to, &err), STRATA_ERR_IO, &err);
    assert_err_offset(&err, 0);
    assert_int_equal(to.size, 0);
    assert_int_equal(fake.open_files, 0);
    fake.fails_with = 0;
    fake.size = 0;
    assert_ok(fs_read_file(&fake.base, "f", 0, &to, &err), &err);
    assert_int_equal(to.size, 0);
    strata_buffer_free(&to);
}

static void fs_replace_syncs_before_and_after_the_rename_when_durable(void **state)
{
    struct fs_fake fake = fs_fake_new();
    struct strata_error err;

    (void)state;
    assert_ok(fs_replace(&fake.base, "d", "f", strata_string("new"), true, &err), &err);
    assert_string_equal(fake.log,
                        "open d/f.tmp|append 3|sync|close|rename d/f.tmp d/f|sync_dir d|");
    assert_bytes(fs_fake_bytes(&fake), strata_string("new"));
    fake = fs_fake_new();
    assert_ok(fs_replace(&fake.base, "d", "f", strata_string("new"), false, &err), &err);
    assert_string_equal(fake.log, "open d/f.tmp|append 3|close|rename d/f.tmp d/f|");
}

/* Whatever fails before the rename, the rename is not made; the error is told; nothing is open,
 * and no new file is left. */
static void fs_replace_that_fails_leaves_the_old_file(void **state)
{
    static const enum fs_call steps[] = {FS_CALL_OPEN,    FS_CALL_SIZE,  FS_CALL_APPEND,
                                         FS_CALL_SYNC,    FS_CALL_CLOSE, FS_CALL_RENAME,
                                         FS_CALL_SYNC_DIR};
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct fs_fake fake = fs_fake_new();
        struct strata_error err;
        fake.fails = steps[i];
        fake.fails_with = EIO;
        assert_code(fs_replace(&fake.base, "d", "f", strata_string("new"), true, &err),
                    STRATA_ERR_IO, &err);
        assert_err_file(&err, steps[i] == FS_CALL_SYNC_DIR ? "d" : "d/f.tmp");
        assert_true((strstr(fake.log, "rename") != NULL) == (steps[i] == FS_CALL_SYNC_DIR));
        assert_non_null(strstr(fake.log, "remove d/f.tmp|")); /* it may hold the last room */
        assert_int_equal(fake.open_files, 0);
    }
}

static void fs_every_call_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < FS_CALL_COUNT; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(fs_call_name((enum fs_call)a), fs_call_name((enum fs_call)b));
}

static void fs_now_and_free_are_the_implementations(void **state)
{
    struct fs_fake fake = fs_fake_new();
    (void)state;
    assert_int_equal(fs_now(&fake.base), 42);
    fs_free(&fake.base);
    assert_int_equal(fake.open_files, -1);
    fs_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fs_calls_on_names_are_handed_through),
        cmocka_unit_test(fs_list_is_sorted_and_told_once),
        cmocka_unit_test(fs_names_grow_and_are_copies),
        cmocka_unit_test(fs_lock_held_elsewhere_is_locked),
        cmocka_unit_test(fs_join_puts_one_slash_between),
        cmocka_unit_test(fs_parent_is_the_directory_that_holds_it),
        cmocka_unit_test(fs_read_file_takes_all_up_to_a_limit),
        cmocka_unit_test(fs_replace_syncs_before_and_after_the_rename_when_durable),
        cmocka_unit_test(fs_replace_that_fails_leaves_the_old_file),
        cmocka_unit_test(fs_every_call_has_a_name_of_its_own),
        cmocka_unit_test(fs_now_and_free_are_the_implementations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
