/* fs_sim_test.c: what the simulated file system does besides behaving like the real one
 * (fs_same_test.c): failing, filling up, recording, copying. What a crash leaves is the matter
 * of fs_sim_states_test.c. */
#include "test.h"

#include "fs/fs_posix.h"
#include "crash/sim/fs_sim.h"
#include "tmpdir.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
    *state = fs_sim_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    int leaked = fs_sim_open_files(*state) > 0;
    fs_free(*state);
    return leaked;
}

static struct fs_file *opened(struct strata_fs *fs, const char *path, unsigned flags)
{
    struct strata_error err;
    struct fs_file *file;
    assert_ok(fs_open(fs, path, flags, &file, &err), &err);
    return file;
}

static int append(struct fs_file *file, const char *text, struct strata_error *err)
{
    struct strata_slice part = strata_string(text);
    return fs_append(file, &part, 1, err);
}

static void put(struct strata_fs *fs, const char *path, const char *text)
{
    assert_int_equal(fs_sim_put(fs, path, strata_string(text)), 0);
}

static void expect(struct strata_fs *fs, const char *path, const char *text)
{
    struct strata_buffer got = {0};
    assert_int_equal(fs_sim_get(fs, path, &got), 0);
    assert_bytes(strata_buffer_slice(&got), strata_string(text));
    strata_buffer_free(&got);
}

static void expect_paths(struct strata_fs *fs, const char *dir, const char *want)
{
    struct fs_names paths;
    char got[300] = "";
    assert_int_equal(fs_sim_paths(fs, dir, &paths), 0);
    for (size_t i = 0; i < paths.count; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s ", paths.names[i]);
    fs_names_free(&paths);
    assert_string_equal(got, want);
}

static bool same_tree(struct strata_fs *a, struct strata_fs *b)
{
    struct fs_sim_hash x = fs_sim_hash_of(a), y = fs_sim_hash_of(b);
    return x.low == y.low && x.high == y.high;
}

/* ---- Files put in and taken out -------------------------------------------------------- */

static void sim_put_makes_directories_and_get_reads(void **state)
{
    struct strata_fs *fs = *state;
    struct strata_buffer got = {0};
    put(fs, "/db/sub/a", "hello");
    put(fs, "db/b", "");
    expect(fs, "db/sub/a", "hello");
    put(fs, "db/sub/a", "hi");
    expect(fs, "db/sub/a", "hi");
    expect(fs, "db/b", "");
    expect_paths(fs, "/", "db/ db/b db/sub/ db/sub/a ");
    expect_paths(fs, "db", "b sub/ sub/a ");
    assert_int_equal(fs_sim_put(fs, "db/b/c", strata_string("x")), -ENOTDIR);
    assert_int_equal(fs_sim_put(fs, "db", strata_string("x")), -EISDIR);
    assert_int_equal(fs_sim_put(fs, "", strata_string("x")), -ENOENT);
    assert_int_equal(fs_sim_put_directory(fs, "x/y/"), 0);
    assert_int_equal(fs_sim_put_directory(fs, "x/y"), 0);
    assert_int_equal(fs_sim_put_directory(fs, "db/b"), -ENOTDIR);
    assert_int_equal(fs_sim_get(fs, "db", &got), -EISDIR);
    assert_int_equal(fs_sim_get(fs, "none", &got), -ENOENT);
    expect_paths(fs, "x", "y/ ");
    assert_int_equal(fs_sim_calls(fs), 0);
    strata_buffer_free(&got);
}

static void sim_hash_depends_on_names_and_bytes_only(void **state)
{
    struct strata_fs *fs = *state, *other = fs_sim_new();
    struct strata_error err;
    struct fs_file *file;
    put(fs, "db/a", "hello");
    put(fs, "db/b", "");
    put(other, "db/b", "");
    file = opened(other, "db/c", FS_WRITE | FS_CREATE);
    assert_ok(append(file, "hel", &err), &err);
    assert_ok(fs_truncate(file, 9, &err), &err);
    assert_ok(fs_write_at(file, 3, "lo", 2, &err), &err);
    assert_ok(fs_truncate(file, 5, &err), &err);
    fs_close(file, NULL);
    assert_false(same_tree(fs, other));
    assert_ok(fs_rename(other, "db/c", "db/a", &err), &err);
    assert_true(same_tree(fs, other));
    put(other, "db/b", "x");
    assert_false(same_tree(fs, other));
    put(other, "db/b", "");
    put(other, "db/a", "hello\n");
    assert_false(same_tree(fs, other));
    put(other, "db/a", "hello");
    assert_int_equal(fs_sim_put_directory(other, "e"), 0);
    assert_false(same_tree(fs, other));
    fs_free(other);
}

static void sim_zeros_written_and_zeros_grown_hash_alike(void **state)
{
    struct strata_fs *fs = *state, *other = fs_sim_new();
    struct strata_error err;
    struct fs_file *file = opened(fs, "a", FS_WRITE | FS_CREATE);
    assert_ok(fs_truncate(file, 4, &err), &err);
    fs_close(file, NULL);
    assert_int_equal(fs_sim_put(other, "a", strata_bytes("\0\0\0\0", 4)), 0);
    assert_true(same_tree(fs, other));
    assert_int_equal(fs_sim_put(other, "a", strata_bytes("\0\0\0", 3)), 0);
    assert_false(same_tree(fs, other));
    fs_free(other);
}

static void sim_copy_shares_nothing_that_is_written_later(void **state)
{
    struct strata_fs *fs = *state, *copy, *second;
    struct strata_error err;
    struct fs_file *file, *copied;
    put(fs, "db/a", "hello");
    copy = fs_sim_copy(fs);
    second = fs_sim_copy(copy);
    file = opened(fs, "db/a", FS_WRITE);
    copied = opened(copy, "db/a", FS_WRITE);
    assert_ok(append(file, "1", &err), &err);
    assert_ok(append(copied, "22", &err), &err);
    assert_ok(fs_write_at(file, 0, "H", 1, &err), &err);
    assert_ok(fs_truncate(copied, 6, &err), &err);
    assert_ok(append(copied, "3", &err), &err);
    fs_close(file, NULL);
    fs_close(copied, NULL);
    assert_ok(fs_rename(copy, "db/a", "db/b", &err), &err);
    expect(fs, "db/a", "Hello1");
    expect(copy, "db/b", "hello23");
    expect(second, "db/a", "hello");
    fs_free(second);
    fs_free(copy);
}

static void sim_copy_leaves_open_removed_and_locked_behind(void **state)
{
    struct strata_fs *fs = *state, *copy;
    struct strata_error err;
    struct fs_file *file, *lock, *second;
    put(fs, "a", "hello");
    file = opened(fs, "a", FS_WRITE);
    assert_ok(fs_remove(fs, "a", &err), &err);
    assert_ok(fs_lock(fs, "l", FS_LOCK_EXCLUSIVE, &lock, &err), &err);
    copy = fs_sim_copy(fs);
    expect_paths(copy, "/", "l ");
    assert_int_equal(fs_sim_open_files(copy), 0);
    assert_ok(fs_lock(copy, "l", FS_LOCK_EXCLUSIVE, &second, &err), &err);
    assert_int_equal(fs_sim_open_files(fs), 2);
    fs_close(second, NULL);
    fs_free(copy);
    fs_close(lock, NULL);
    fs_close(file, NULL);
}

static void sim_trees_go_to_a_real_directory_and_back(void **state)
{
    struct strata_fs *fs = *state, *back = fs_sim_new(), *real = fs_posix_new();
    struct strata_error err;
    char *root = tmpdir_new(), *dir = tmpdir_path(root, "out");
    put(fs, "db/a", "hello");
    put(fs, "db/sub/b", "");
    assert_int_equal(fs_sim_put_directory(fs, "db/empty"), 0);
    assert_ok(fs_sim_write_out(fs, "db", real, dir, &err), &err);
    assert_ok(fs_sim_write_out(fs, "db", real, dir, &err), &err); /* over what is there */
    assert_ok(fs_sim_read_in(back, "db", real, dir, &err), &err);
    assert_true(same_tree(fs, back));
    assert_code(fs_sim_write_out(fs, "none", real, dir, &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, ENOENT);
    assert_code(fs_sim_read_in(back, "db", real, "/none/such", &err), STRATA_ERR_IO, &err);
    assert_code(fs_sim_write_out(fs, "db", real, "/none/such", &err), STRATA_ERR_IO, &err);
    assert_ok(fs_sim_read_in(back, "x/y", fs, "db/sub", &err), &err); /* from another fs_sim */
    expect(back, "x/y/b", "");
    assert_code(fs_sim_read_in(back, "x", fs, "db/a", &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, ENOTDIR);
    assert_int_equal(fs_sim_record(back), 0);
    assert_code(fs_sim_read_in(back, "x", real, dir, &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, EBUSY);
    free(dir);
    tmpdir_del(root);
    fs_free(real);
    fs_free(back);
}

/* Copies a tree out (or in), failing the k-th call of the other side for every k. */
static unsigned each_transfer_fails(struct strata_fs *fs, bool out)
{
    for (unsigned k = 1;; k++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = k};
        struct strata_fs *copy = fs_sim_copy(fs), *other = out ? fs_sim_new() : fs_sim_copy(fs);
        struct strata_error err = {0};
        uint64_t strikes;
        int rc;
        fs_sim_fail(other, &fault);
        rc = out ? fs_sim_write_out(copy, "db", other, "db", &err)
                 : fs_sim_read_in(copy, "again", other, "db", &err);
        strikes = fs_sim_failed(other);
        assert_int_equal(fs_sim_open_files(other), 0);
        fs_free(copy);
        fs_free(other);
        if (strikes == 0) {
            assert_int_equal(rc, 0);
            return k - 1;
        }
        if (rc == 0) /* closing a file that was only read */
            assert_false(out);
        else
            assert_int_equal(err.sys, EIO);
    }
}

static void sim_transfer_reports_each_failing_call(void **state)
{
    struct strata_fs *fs = *state;
    put(fs, "db/a", "hello");
    put(fs, "db/sub/b", "world");
    assert_int_equal(each_transfer_fails(fs, true), 2 + 2 * 4);      /* mkdir; open, size, ... */
    assert_int_equal(each_transfer_fails(fs, false), 1 + 4 + 2 * 4); /* list, also of files */
}

/* ---- The disk and the clock ------------------------------------------------------------ */

static void sim_full_disk_takes_a_part_then_nothing(void **state)
{
    struct strata_fs *fs = *state;
    struct strata_slice part = strata_string("12345678");
    struct strata_error err;
    struct fs_file *a = opened(fs, "a", FS_WRITE | FS_CREATE), *b;
    fs_sim_set_disk(fs, 20);
    assert_int_equal(fs->ops->append(a, &part, 1), 8);
    a->end = 8;
    b = opened(fs, "b", FS_WRITE | FS_CREATE);
    assert_int_equal(fs->ops->write_at(b, 2, "12345678", 8), 8); /* size 10: 2 are free */
    assert_int_equal(fs->ops->append(a, &part, 1), 2);
    a->end = 10;
    assert_int_equal(fs->ops->append(a, &part, 1), -ENOSPC);
    assert_int_equal(fs->ops->append(a, NULL, 0), 0);
    assert_int_equal(fs->ops->write_at(a, 8, "xyz", 3), 2); /* overwriting takes no room */
    assert_int_equal(fs->ops->allocate(b, 11), -ENOSPC);
    assert_ok(fs_truncate(a, 5, &err), &err);
    assert_int_equal(fs->ops->allocate(b, 15), 0);
    assert_int_equal(fs->ops->append(a, &part, 1), -ENOSPC); /* at 10: beyond all room */
    expect(fs, "a", "12345");
    fs_close(a, NULL);
    assert_ok(fs_remove(fs, "a", &err), &err);
    assert_int_equal(fs->ops->allocate(b, 20), 0);
    fs_close(b, NULL);
}

static void sim_full_disk_poisons_through_the_wrapper(void **state)
{
    struct strata_fs *fs = *state;
    struct strata_error err;
    struct fs_file *file = opened(fs, "a", FS_WRITE | FS_CREATE);
    fs_sim_set_disk(fs, 10);
    assert_code(append(file, "123456789012", &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, ENOSPC);
    assert_code(append(file, "x", &err), STRATA_ERR_IO, &err);
    fs_close(file, NULL);
    expect(fs, "a", "1234567890");
}

static void sim_file_of_zeros_may_be_larger_than_the_disk(void **state)
{
    struct strata_fs *fs = *state;
    struct strata_error err;
    struct fs_file *file = opened(fs, "a", FS_WRITE | FS_CREATE);
    uint64_t size;
    uint8_t byte = 9;
    size_t got;
    assert_ok(fs_truncate(file, (uint64_t)1 << 50, &err), &err);
    assert_ok(fs_size(file, &size, &err), &err);
    assert_true(size == (uint64_t)1 << 50);
    assert_ok(fs_read_at(file, ((uint64_t)1 << 50) - 1, &byte, 1, &got, &err), &err);
    assert_int_equal(got, 1);
    assert_int_equal(byte, 0);
    assert_int_equal(fs->ops->write_at(file, (uint64_t)1 << 49, "x", 1), -ENOSPC);
    assert_int_equal(fs->ops->truncate(file, INT64_MAX), 0);
    assert_int_equal(fs->ops->append(file, NULL, 0), 0);
    fs_close(file, NULL);
}

static void sim_clock_goes_by_calls_and_by_hand(void **state)
{
    struct strata_fs *fs = *state;
    uint64_t now = fs_now(fs);
    assert_true(fs_now(fs) - now == 1000);
    fs_mkdir(fs, "d", NULL);
    fs_sim_advance(fs, 5000000);
    assert_true(fs_now(fs) - now == 5003000);
}

/* ---- Faults ---------------------------------------------------------------------------- */

struct life {
    struct strata_fs *fs;
    struct fs_file *file, *lock;
    struct strata_error err;
};

static int close_one(struct fs_file **file, struct strata_error *err)
{
    struct fs_file *closing = *file;
    *file = NULL;
    return fs_close(closing, err);
}

/* Each kind of call at least once, up to the first that fails. */
static int calls_on_files(struct life *l)
{
    struct strata_slice parts[2] = {strata_string("hello"), strata_string("world")};
    const uint8_t *bytes = NULL;
    uint64_t size;
    size_t got = 0;
    char to[20];

    if (fs_mkdir(l->fs, "d", &l->err) < 0 ||
        fs_lock(l->fs, "d/l", FS_LOCK_EXCLUSIVE, &l->lock, &l->err) < 0 ||
        fs_open(l->fs, "d/a", FS_WRITE | FS_CREATE, &l->file, &l->err) < 0 ||
        fs_append(l->file, parts, 2, &l->err) < 0 ||
        fs_write_at(l->file, 0, "HELLO", 5, &l->err) < 0 || fs_truncate(l->file, 9, &l->err) < 0 ||
        fs_allocate(l->file, 12, &l->err) < 0 || fs_sync(l->file, &l->err) < 0 ||
        fs_size(l->file, &size, &l->err) < 0 || fs_read_at(l->file, 0, to, 9, &got, &l->err) < 0 ||
        fs_map(l->file, 9, &bytes, &l->err) < 0)
        return -1;
    assert_memory_equal(bytes, to, 9);
    fs_unmap(l->fs, bytes, 9);
    assert_int_equal(got, 9);
    assert_memory_equal(to, "HELLOworl", 9);
    return close_one(&l->file, &l->err);
}

static int calls_on_names(struct life *l)
{
    struct fs_names names = {0};
    int rc = fs_rename(l->fs, "d/a", "d/b", &l->err) < 0 ||
             fs_link(l->fs, "d/b", "d/c", &l->err) < 0 || fs_remove(l->fs, "d/b", &l->err) < 0 ||
             fs_list(l->fs, "d", &names, &l->err) < 0 || fs_sync_dir(l->fs, "d", &l->err) < 0;
    fs_names_free(&names);
    return rc ? -1 : close_one(&l->lock, &l->err);
}

/* Returns errno of the call that failed, or 0. */
static int life(struct strata_fs *fs)
{
    struct life l = {.fs = fs};
    if (calls_on_files(&l) == 0)
        calls_on_names(&l);
    fs_close(l.file, NULL);
    fs_close(l.lock, NULL);
    assert_int_equal(fs_sim_open_files(fs), 0);
    return l.err.code == 0 || l.err.sys ? l.err.sys : -1;
}

/* Fails the k-th call for every k, each in a new file system, till none is hit. Returns how many
 * calls can be hit. */
static unsigned each_call_fails(enum fs_sim_fault_kind kind, bool for_ever, int sys)
{
    for (unsigned k = 1;; k++) {
        struct fs_sim_fault fault = {.kind = kind, .at = k, .for_ever = for_ever};
        struct strata_fs *fs = fs_sim_new();
        uint64_t strikes, number = 0;
        int rc;
        fs_sim_fail(fs, &fault);
        rc = life(fs);
        strikes = fs_sim_failed(fs);
        assert_true((fs_sim_struck(fs, &number) == FS_CALL_COUNT) == (strikes == 0));
        assert_true(strikes == 0 || (number >= k && (kind != FS_SIM_EIO || number == k)));
        fs_free(fs);
        assert_true(rc ? strikes >= 1 && (for_ever || strikes == 1) : strikes == 0);
        if (rc == 0)
            return k - 1;
        assert_int_equal(rc, sys);
    }
}

static void sim_each_call_fails_in_its_turn(void **state)
{
    (void)state;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        /* each kind of call, and a second close, and the size that opening asks for */
        assert_int_equal(each_call_fails(FS_SIM_EIO, for_ever, EIO), FS_CALL_COUNT + 2);
        assert_int_equal(each_call_fails(FS_SIM_ENOSPC, for_ever, ENOSPC), 10);
        assert_int_equal(each_call_fails(FS_SIM_EMFILE, for_ever, EMFILE), 4);
        assert_int_equal(each_call_fails(FS_SIM_SYNC_DROPS, for_ever, EIO), 1);
    }
}

static void sim_short_and_interrupted_calls_are_tried_again(void **state)
{
    static const enum fs_sim_fault_kind kinds[] = {FS_SIM_SHORT, FS_SIM_EINTR};
    (void)state;
    for (int i = 0; i < 2; i++)
        for (int for_ever = 0; for_ever < 2; for_ever++)
            for (uint64_t k = 1; k < 30; k++) {
                struct fs_sim_fault fault = {.kind = kinds[i], .at = k, .for_ever = for_ever};
                struct strata_fs *fs = fs_sim_new();
                fs_sim_fail(fs, &fault);
                assert_int_equal(life(fs), 0);
                if (k == 1)
                    assert_true(fs_sim_failed(fs) >= 1);
                assert_true(fs_sim_failed(fs) <= 1 || for_ever);
                fs_free(fs);
            }
}

static void sim_short_call_does_half(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_SHORT, .at = 1, .for_ever = true};
    struct strata_fs *fs = *state;
    struct strata_slice parts[] = {strata_string("abc"), strata_string("def")};
    struct fs_file *file = opened(fs, "a", FS_WRITE | FS_CREATE);
    char to[4];
    fs_sim_fail(fs, &fault);
    assert_int_equal(fs->ops->append(file, parts, 2), 3);
    expect(fs, "a", "abc");
    assert_int_equal(fs->ops->append(file, parts, 1), 1);
    assert_int_equal(fs->ops->write_at(file, 0, "XYZ", 3), 1);
    assert_int_equal(fs->ops->write_at(file, 0, "Z", 1), 1);
    assert_int_equal(fs->ops->read_at(file, 0, to, 4), 2);
    assert_int_equal(fs_sim_failed(fs), 4);
    expect(fs, "a", "Zbc");
    fs_close(file, NULL);
}

static void sim_fault_hits_only_the_calls_it_names(void **state)
{
    struct fs_sim_fault fault = {
        .kind = FS_SIM_EIO, .at = 2, .for_ever = true, .calls = 1u << FS_CALL_SYNC};
    struct strata_fs *fs = *state;
    struct strata_error err;
    struct fs_file *file;
    fs_sim_fail(fs, &fault);
    file = opened(fs, "a", FS_WRITE | FS_CREATE);
    assert_ok(fs_sync(file, &err), &err);
    assert_ok(append(file, "x", &err), &err);
    assert_int_equal(fs->ops->sync(file), -EIO);
    assert_int_equal(fs->ops->sync(file), -EIO);
    assert_int_equal(fs_sim_failed(fs), 2);
    fs_sim_fail(fs, NULL);
    assert_ok(fs_sync(file, &err), &err);
    assert_int_equal(fs_sim_failed(fs), 0);
    fs_close(file, NULL);
}

static void sim_enospc_hits_an_open_only_if_it_may_create(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_ENOSPC, .at = 1};
    struct strata_fs *fs = *state;
    struct strata_error err;
    struct fs_file *file;
    put(fs, "a", "x");
    fs_sim_fail(fs, &fault);
    file = opened(fs, "a", FS_WRITE);
    fs_close(file, NULL);
    assert_ok(fs_lock(fs, "a", FS_LOCK_SHARED, &file, &err), &err);
    fs_close(file, NULL);
    assert_code(fs_open(fs, "a", FS_WRITE | FS_CREATE, &file, &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, ENOSPC);
}

static void sim_failed_call_changes_nothing(void **state)
{
    static const enum fs_call calls[] = {FS_CALL_OPEN, FS_CALL_APPEND, FS_CALL_RENAME,
                                         FS_CALL_REMOVE, FS_CALL_TRUNCATE};
    struct strata_fs *fs = *state, *before;
    struct strata_error err;
    struct fs_file *file, *other;
    put(fs, "a", "hello");
    before = fs_sim_copy(fs);
    file = opened(fs, "a", FS_WRITE);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .calls = 1u << calls[i]};
        fs_sim_fail(fs, &fault);
        file->failed = 0;
        if (calls[i] == FS_CALL_OPEN)
            assert_true(fs_open(fs, "n", FS_WRITE | FS_CREATE, &other, &err) < 0);
        if (calls[i] == FS_CALL_APPEND)
            assert_true(append(file, "x", &err) < 0);
        if (calls[i] == FS_CALL_RENAME)
            assert_true(fs_rename(fs, "a", "b", &err) < 0);
        if (calls[i] == FS_CALL_REMOVE)
            assert_true(fs_remove(fs, "a", &err) < 0);
        if (calls[i] == FS_CALL_TRUNCATE)
            assert_true(fs_truncate(file, 1, &err) < 0);
        assert_int_equal(fs_sim_failed(fs), 1);
        assert_true(same_tree(fs, before));
    }
    fs_close(file, NULL);
    fs_free(before);
}

/* ---- Recording ------------------------------------------------------------------------- */

static void expect_call(struct strata_fs *fs, uint64_t number, enum fs_call kind, const char *path,
                        uint64_t offset, uint64_t size, int64_t result)
{
    struct fs_sim_call call = {0};
    assert_int_equal(fs_sim_trace_call(fs, number, &call), 0);
    assert_string_equal(fs_call_name(call.kind), fs_call_name(kind));
    assert_string_equal(call.path, path);
    assert_int_equal(call.offset, offset);
    assert_int_equal(call.size, size);
    assert_int_equal(call.result, result);
}

static void sim_trace_tells_every_call(void **state)
{
    struct strata_fs *fs = *state;
    struct strata_error err;
    struct fs_sim_call call = {0};
    struct fs_file *file;
    char to[9];
    size_t got;
    fs_mkdir(fs, "before", NULL);
    assert_int_equal(fs_sim_record(fs), 0);
    assert_int_equal(fs_sim_put(fs, "a", strata_string("x")), -EBUSY);
    assert_int_equal(fs_sim_put_directory(fs, "a"), -EBUSY);
    assert_int_equal(fs_sim_start(fs, 1), 0);
    file = opened(fs, "a", FS_WRITE | FS_CREATE);
    assert_ok(append(file, "hello", &err), &err);
    assert_int_equal(fs_sim_ack(fs, 1, true), 0);
    assert_int_equal(fs_sim_start(fs, 2), 0);
    assert_ok(fs_read_at(file, 3, to, 9, &got, &err), &err);
    assert_ok(fs_rename(fs, "a", "b", &err), &err);
    assert_true(fs_remove(fs, "a", &err) < 0);
    fs_close(file, NULL);
    fs_sim_record_stop(fs);
    fs_mkdir(fs, "after", NULL);
    assert_int_equal(fs_sim_trace_calls(fs), 8);
    expect_call(fs, 1, FS_CALL_OPEN, "a", 0, 0, 0);
    expect_call(fs, 2, FS_CALL_SIZE, "a", 0, 0, 0);
    expect_call(fs, 3, FS_CALL_APPEND, "a", 0, 5, 5);
    expect_call(fs, 4, FS_CALL_READ, "a", 3, 2, 2);
    expect_call(fs, 5, FS_CALL_READ, "a", 5, 0, 0);
    expect_call(fs, 6, FS_CALL_RENAME, "a", 0, 0, 0);
    expect_call(fs, 7, FS_CALL_REMOVE, "a", 0, 0, -ENOENT);
    expect_call(fs, 8, FS_CALL_CLOSE, "a", 0, 0, 0);
    assert_int_equal(fs_sim_trace_call(fs, 6, &call), 0);
    assert_string_equal(call.to, "b");
    assert_int_equal(fs_sim_trace_call(fs, 0, &call), -EINVAL);
    assert_int_equal(fs_sim_trace_call(fs, 9, &call), -EINVAL);
    assert_int_equal(fs_sim_record(fs), 0); /* anew */
    assert_int_equal(fs_sim_trace_calls(fs), 0);
}

/* The line of a call in this file is its site; what fs.c calls on behalf of it is so too. */
static void sim_trace_tells_the_site_of_a_call(void **state)
{
    struct strata_fs *fs = *state;
    const struct fs_site *all;
    struct fs_sim_call call = {0};
    size_t count = fs_sites(&all), listed = 0;
    int line;
    assert_int_equal(fs_sim_record(fs), 0);
    line = __LINE__ + 1;
    assert_int_equal(fs_replace(fs, "/", "a", strata_string("x"), true, NULL), 0);
    fs_sim_record_stop(fs);
    assert_true(fs_sim_trace_calls(fs) >= 6);
    for (uint64_t i = 1; i <= fs_sim_trace_calls(fs); i++) {
        assert_int_equal(fs_sim_trace_call(fs, i, &call), 0);
        assert_string_equal(call.site->call, "fs_replace");
        assert_string_equal(call.site->function, __func__);
        assert_non_null(strstr(call.site->file, "fs_sim_test.c"));
        assert_int_equal(call.site->line, line);
    }
    for (size_t i = 0; i < count; i++)
        listed += &all[i] == call.site;
    assert_int_equal(listed, 1);
    assert_true(count > 50); /* the stages' too: the library is linked whole */
}

static void sim_marks_and_states_without_a_trace(void **state)
{
    struct strata_fs *fs = *state;
    struct fs_sim_plan plan = {.model = FS_SIM_KILL};
    struct fs_sim_totals totals = {1, 1, 1};
    assert_int_equal(fs_sim_start(fs, 1), 0);
    assert_int_equal(fs_sim_ack(fs, 1, true), 0);
    assert_int_equal(fs_sim_trace_calls(fs), 0);
    assert_int_equal(fs_sim_states(fs, &plan, NULL, NULL, &totals), -EINVAL);
    assert_int_equal(totals.states, 0);
}

/* ---- Threads --------------------------------------------------------------------------- */

static void *append_many(void *arg)
{
    struct fs_file *file = arg;
    struct strata_error err;
    for (int i = 0; i < 200; i++)
        if (append(file, "x", &err) < 0 || fs_sync(file, &err) < 0)
            return arg;
    return NULL;
}

static void sim_threads_may_call_at_once(void **state)
{
    struct strata_fs *fs = *state;
    pthread_t threads[4];
    struct fs_file *files[4];
    uint64_t size;
    char name[] = "0";
    assert_int_equal(fs_sim_record(fs), 0);
    for (int i = 0; i < 4; i++) {
        name[0] = (char)('0' + i);
        files[i] = opened(fs, name, FS_WRITE | FS_CREATE);
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, files[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
        assert_int_equal(fs_size(files[i], &size, NULL), 0);
        assert_int_equal(size, 200);
        fs_close(files[i], NULL);
    }
    assert_int_equal(fs_sim_trace_calls(fs), 4 * (400 + 4));
}

#define SIM(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM(sim_put_makes_directories_and_get_reads),
        SIM(sim_hash_depends_on_names_and_bytes_only),
        SIM(sim_zeros_written_and_zeros_grown_hash_alike),
        SIM(sim_copy_shares_nothing_that_is_written_later),
        SIM(sim_copy_leaves_open_removed_and_locked_behind),
        SIM(sim_trees_go_to_a_real_directory_and_back),
        SIM(sim_transfer_reports_each_failing_call),
        SIM(sim_full_disk_takes_a_part_then_nothing),
        SIM(sim_full_disk_poisons_through_the_wrapper),
        SIM(sim_file_of_zeros_may_be_larger_than_the_disk),
        SIM(sim_clock_goes_by_calls_and_by_hand),
        SIM(sim_each_call_fails_in_its_turn),
        SIM(sim_short_and_interrupted_calls_are_tried_again),
        SIM(sim_short_call_does_half),
        SIM(sim_fault_hits_only_the_calls_it_names),
        SIM(sim_enospc_hits_an_open_only_if_it_may_create),
        SIM(sim_failed_call_changes_nothing),
        SIM(sim_trace_tells_every_call),
        SIM(sim_trace_tells_the_site_of_a_call),
        SIM(sim_marks_and_states_without_a_trace),
        SIM(sim_threads_may_call_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
