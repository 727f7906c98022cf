/* fs_same_test.c: what the file layer does, asked of the real file system and of the simulated
 * one: the same table for both. What tests learn from fs_sim is worth as much as this table. */
#include "test.h"

#include "fs/fs_posix.h"
#include "crash/sim/fs_sim.h"
#include "rng.h"
#include "tmpdir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct where {
    struct strata_fs *fs;
    char *root; /* "/tmp/..." or "root" */
    bool on_disk;
    char path[4][300]; /* the last four that at() made */
    unsigned next;
};

static int setup_posix(void **state)
{
    struct where *w = calloc(1, sizeof *w);
    w->fs = fs_posix_new();
    w->root = tmpdir_new();
    w->on_disk = true;
    *state = w;
    return 0;
}

static int setup_sim(void **state)
{
    struct where *w = calloc(1, sizeof *w);
    w->fs = fs_sim_new();
    w->root = strdup("root");
    *state = w;
    return fs_mkdir(w->fs, w->root, NULL);
}

static int teardown(void **state)
{
    struct where *w = *state;
    int leaked = !w->on_disk && fs_sim_open_files(w->fs);
    fs_free(w->fs);
    if (w->on_disk)
        tmpdir_del(w->root);
    else
        free(w->root);
    free(w);
    return leaked;
}

/* "root/name" */
static const char *at(struct where *w, const char *name)
{
    char *path = w->path[w->next++ % 4];
    snprintf(path, sizeof w->path[0], "%s/%s", w->root, name);
    return path;
}

/* A wrapper's result as errno; 0: done. */
static int sys_of(int rc, const struct strata_error *err)
{
    if (rc == STRATA_ERR_LOCKED)
        return EWOULDBLOCK;
    return rc == 0 ? 0 : rc == STRATA_ERR_IO ? err->sys : -1;
}

#define FAILS(call, sys) assert_int_equal(sys_of((call), &err), (sys))
#define WORKS(call) FAILS(call, 0)

static struct fs_file *opened(struct where *w, const char *name, unsigned flags)
{
    struct strata_error err;
    struct fs_file *file;
    assert_ok(fs_open(w->fs, at(w, name), flags, &file, &err), &err);
    return file;
}

static void append(struct fs_file *file, const char *text)
{
    struct strata_slice part = strata_string(text);
    struct strata_error err;
    assert_ok(fs_append(file, &part, 1, &err), &err);
}

static void put(struct where *w, const char *name, const char *text)
{
    struct fs_file *file = opened(w, name, FS_WRITE | FS_CREATE | FS_TRUNCATE);
    append(file, text);
    assert_int_equal(fs_close(file, NULL), 0);
}

static void expect_bytes(struct where *w, const char *name, const void *bytes, size_t size)
{
    struct strata_buffer got = {0};
    struct strata_error err;
    assert_ok(fs_read_file(w->fs, at(w, name), 8 << 20, &got, &err), &err);
    assert_bytes(strata_buffer_slice(&got), strata_bytes(bytes, size));
    strata_buffer_free(&got);
}

static void expect(struct where *w, const char *name, const char *text)
{
    expect_bytes(w, name, text, strlen(text));
}

/* The names in a directory, with a space after each. */
static void expect_names(struct where *w, const char *name, const char *want)
{
    struct fs_names names;
    struct strata_error err;
    char got[300] = "";
    assert_ok(fs_list(w->fs, at(w, name), &names, &err), &err);
    for (size_t i = 0; i < names.count; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s ", names.names[i]);
    fs_names_free(&names);
    assert_string_equal(got, want);
}

/* ---- Opening --------------------------------------------------------------------------- */

static void fs_missing_file_is_enoent(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *file = (void *)1;
    FAILS(fs_open(w->fs, at(w, "a"), FS_READ, &file, &err), ENOENT);
    assert_null(file);
    FAILS(fs_open(w->fs, at(w, "a"), FS_WRITE, &file, &err), ENOENT);
    FAILS(fs_remove(w->fs, at(w, "a"), &err), ENOENT);
    FAILS(fs_rename(w->fs, at(w, "a"), at(w, "b"), &err), ENOENT);
    FAILS(fs_link(w->fs, at(w, "a"), at(w, "b"), &err), ENOENT);
    FAILS(fs_lock(w->fs, at(w, "a"), FS_LOCK_SHARED, &file, &err), ENOENT);
    FAILS(fs_open(w->fs, "", FS_READ, &file, &err), ENOENT);
}

static void fs_missing_parent_is_enoent(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *file;
    struct fs_names names;
    put(w, "a", "x");
    FAILS(fs_open(w->fs, at(w, "d/a"), FS_WRITE | FS_CREATE, &file, &err), ENOENT);
    FAILS(fs_mkdir(w->fs, at(w, "d/e"), &err), ENOENT);
    FAILS(fs_rename(w->fs, at(w, "a"), at(w, "d/a"), &err), ENOENT);
    FAILS(fs_link(w->fs, at(w, "a"), at(w, "d/a"), &err), ENOENT);
    FAILS(fs_list(w->fs, at(w, "d"), &names, &err), ENOENT);
    FAILS(fs_sync_dir(w->fs, at(w, "d"), &err), ENOENT);
    FAILS(fs_lock(w->fs, at(w, "d/a"), FS_LOCK_EXCLUSIVE, &file, &err), ENOENT);
}

static void fs_file_as_directory_is_enotdir(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *file;
    struct fs_names names;
    put(w, "a", "x");
    FAILS(fs_open(w->fs, at(w, "a/b"), FS_READ, &file, &err), ENOTDIR);
    FAILS(fs_open(w->fs, at(w, "a/b"), FS_WRITE | FS_CREATE, &file, &err), ENOTDIR);
    FAILS(fs_open(w->fs, at(w, "a/"), FS_READ, &file, &err), ENOTDIR);
    FAILS(fs_mkdir(w->fs, at(w, "a/b"), &err), ENOTDIR);
    FAILS(fs_list(w->fs, at(w, "a"), &names, &err), ENOTDIR);
    FAILS(fs_sync_dir(w->fs, at(w, "a"), &err), ENOTDIR);
    FAILS(fs_remove(w->fs, at(w, "a/"), &err), ENOTDIR);
    FAILS(fs_remove(w->fs, at(w, "a/.."), &err), ENOTDIR);
    expect(w, "a", "x");
}

static void fs_directory_as_file_is_eisdir(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *file;
    WORKS(fs_mkdir(w->fs, at(w, "d"), &err));
    FAILS(fs_open(w->fs, at(w, "d"), FS_READ, &file, &err), EISDIR);
    FAILS(fs_open(w->fs, at(w, "d"), FS_WRITE, &file, &err), EISDIR);
    FAILS(fs_open(w->fs, at(w, "d"), FS_WRITE | FS_CREATE, &file, &err), EISDIR);
    FAILS(fs_open(w->fs, at(w, "."), FS_READ, &file, &err), EISDIR);
    FAILS(fs_open(w->fs, at(w, "n/"), FS_WRITE | FS_CREATE, &file, &err), EISDIR);
    FAILS(fs_lock(w->fs, at(w, "d"), FS_LOCK_EXCLUSIVE, &file, &err), EISDIR);
    FAILS(fs_remove(w->fs, at(w, "d"), &err), EISDIR);
    FAILS(fs_link(w->fs, at(w, "d"), at(w, "e"), &err), EPERM);
}

static void fs_exclusive_create_of_existing_is_eexist(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *file = opened(w, "a", FS_WRITE | FS_CREATE | FS_EXCLUSIVE);
    append(file, "kept");
    assert_int_equal(fs_close(file, NULL), 0);
    FAILS(fs_open(w->fs, at(w, "a"), FS_WRITE | FS_CREATE | FS_EXCLUSIVE, &file, &err), EEXIST);
    FAILS(
        fs_open(w->fs, at(w, "a"), FS_WRITE | FS_CREATE | FS_EXCLUSIVE | FS_TRUNCATE, &file, &err),
        EEXIST);
    expect(w, "a", "kept");
    WORKS(fs_mkdir(w->fs, at(w, "d"), &err));
    FAILS(fs_mkdir(w->fs, at(w, "d"), &err), EEXIST);
    FAILS(fs_mkdir(w->fs, at(w, "a"), &err), EEXIST);
    FAILS(fs_open(w->fs, at(w, "d"), FS_WRITE | FS_CREATE | FS_EXCLUSIVE, &file, &err), EEXIST);
}

static void fs_open_with_create_keeps_and_with_truncate_empties(void **state)
{
    struct where *w = *state;
    struct fs_file *file;
    put(w, "a", "kept");
    file = opened(w, "a", FS_WRITE | FS_CREATE);
    assert_int_equal(file->end, 4);
    append(file, "!");
    fs_close(file, NULL);
    expect(w, "a", "kept!");
    file = opened(w, "a", FS_WRITE | FS_TRUNCATE);
    assert_int_equal(file->end, 0);
    fs_close(file, NULL);
    expect(w, "a", "");
}

static void fs_long_name_is_enametoolong(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *file;
    char name[257], path[5000];
    memset(name, 'n', 256);
    name[256] = 0;
    FAILS(fs_open(w->fs, at(w, name), FS_WRITE | FS_CREATE, &file, &err), ENAMETOOLONG);
    name[255] = 0;
    WORKS(fs_mkdir(w->fs, at(w, name), &err));
    memset(path, '/', sizeof path);
    path[4096] = 0;
    FAILS(fs_mkdir(w->fs, path, &err), ENAMETOOLONG);
}

static void fs_raw_write_on_a_reader_is_refused(void **state)
{
    struct where *w = *state;
    struct strata_slice part = strata_string("x");
    struct fs_file *file;
    put(w, "a", "kept");
    file = opened(w, "a", FS_READ);
    assert_int_equal(w->fs->ops->append(file, &part, 1), -EBADF);
    assert_int_equal(w->fs->ops->write_at(file, 0, "x", 1), -EBADF);
    assert_int_equal(w->fs->ops->truncate(file, 0), -EINVAL);
    assert_int_equal(w->fs->ops->allocate(file, 9), -EBADF);
    assert_int_equal(w->fs->ops->sync(file), 0);
    fs_close(file, NULL);
    expect(w, "a", "kept");
}

/* ---- Bytes ----------------------------------------------------------------------------- */

static void fs_append_of_parts_goes_to_the_end(void **state)
{
    struct where *w = *state;
    struct strata_slice parts[] = {strata_string("one"), {NULL, 0}, strata_string("two")};
    struct strata_error err;
    struct fs_file *file = opened(w, "a", FS_WRITE | FS_CREATE);
    WORKS(fs_append(file, parts, 3, &err));
    assert_int_equal(file->end, 6);
    WORKS(fs_append(file, parts, 1, &err));
    WORKS(fs_append(file, parts, 0, &err));
    assert_int_equal(file->end, 9);
    assert_int_equal(w->fs->ops->append(file, parts + 1, 1), 0);
    fs_close(file, NULL);
    expect(w, "a", "onetwoone");
}

static void fs_read_stops_at_the_end(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *file;
    char to[8] = "-------";
    size_t got;
    put(w, "a", "hello");
    file = opened(w, "a", FS_READ);
    WORKS(fs_read_at(file, 3, to, 7, &got, &err));
    assert_int_equal(got, 2);
    assert_string_equal(to, "lo-----");
    WORKS(fs_read_at(file, 5, to, 7, &got, &err));
    assert_int_equal(got, 0);
    WORKS(fs_read_at(file, 500, to, 7, &got, &err));
    assert_int_equal(got, 0);
    WORKS(fs_read_at(file, 0, to, 0, &got, &err));
    assert_int_equal(w->fs->ops->read_at(file, (uint64_t)INT64_MAX + 1, to, 1), -EINVAL);
    fs_close(file, NULL);
}

static void fs_write_at_overwrites_and_leaves_zeros_behind_the_end(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *file;
    put(w, "a", "hello");
    file = opened(w, "a", FS_WRITE);
    WORKS(fs_write_at(file, 1, "E", 1, &err));
    WORKS(fs_write_at(file, 8, "xyz", 3, &err));
    assert_int_equal(file->end, 11);
    WORKS(fs_write_at(file, 10, "ZZ", 2, &err));
    append(file, "!");
    fs_close(file, NULL);
    expect_bytes(w, "a", "hEllo\0\0\0xyZZ!", 13);
}

static void fs_truncate_cuts_and_adds_zeros(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *file;
    put(w, "a", "hello");
    file = opened(w, "a", FS_WRITE);
    WORKS(fs_truncate(file, 2, &err));
    WORKS(fs_truncate(file, 4, &err));
    append(file, "!");
    fs_close(file, NULL);
    expect_bytes(w, "a", "he\0\0!", 5);
    file = opened(w, "a", FS_WRITE);
    assert_int_equal(w->fs->ops->truncate(file, (uint64_t)INT64_MAX + 1), -EINVAL);
    fs_close(file, NULL);
}

static void fs_allocate_grows_by_zeros_and_never_shrinks(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *file;
    uint64_t size;
    put(w, "a", "hello");
    file = opened(w, "a", FS_WRITE);
    WORKS(fs_allocate(file, 8, &err));
    WORKS(fs_allocate(file, 3, &err));
    WORKS(fs_size(file, &size, &err));
    assert_int_equal(size, 8);
    WORKS(fs_write_at(file, 5, "!", 1, &err));
    WORKS(fs_sync(file, &err));
    fs_close(file, NULL);
    expect_bytes(w, "a", "hello!\0\0", 8);
}

/* Bytes on the disk, whatever the handle thinks. */
static uint64_t size_of(struct where *w, const char *name)
{
    struct fs_file *file = opened(w, name, FS_READ);
    uint64_t size = file->end;
    fs_close(file, NULL);
    return size;
}

static void room_ahead_is_made_and_given_back(struct where *w, unsigned how)
{
    uint64_t ahead = w->fs->ahead;
    uint64_t allocations = atomic_load(&w->fs->calls[FS_CALL_ALLOCATE]);
    struct strata_error err;
    struct fs_file *file, *reader;
    char byte[2] = {0};
    size_t got;

    put(w, "a", "hello");
    file = opened(w, "a", FS_WRITE | how);
    reader = opened(w, "a", FS_READ);
    append(file, "Hello");
    assert_int_equal(file->end, 10);
    assert_int_equal(size_of(w, "a"), ahead);
    for (uint64_t i = 0; i < ahead; i += 16) { /* into the next piece of room */
        append(file, "xxxxxxxxxxxxxxxx");
        if (i % 4096 == 0) {
            WORKS(fs_read_at(reader, file->end - 1, byte, 2, &got, &err));
            assert_int_equal(byte[0], 'x'); /* every other handle sees it at once */
            assert_int_equal(byte[1], 0);
        }
    }
    assert_int_equal(size_of(w, "a"), 2 * ahead);
    assert_int_equal(atomic_load(&w->fs->calls[FS_CALL_ALLOCATE]), allocations + 2);
    WORKS(fs_sync(file, &err));
    WORKS(fs_truncate(file, 7, &err));
    assert_int_equal(size_of(w, "a"), 7);
    append(file, "y");
    WORKS(fs_trim(file, &err));
    assert_int_equal(file->end, 8);
    assert_int_equal(size_of(w, "a"), 8);
    append(file, "z"); /* room is not made again */
    WORKS(fs_trim(file, &err));
    fs_close(file, NULL);
    fs_close(reader, NULL);
    expect_bytes(w, "a", "helloHeyz", 9);
}

static void fs_room_ahead_is_made_and_given_back(void **state)
{
    room_ahead_is_made_and_given_back(*state, FS_AHEAD);
    room_ahead_is_made_and_given_back(*state, FS_AHEAD | FS_MAPPED);
}

/* To the last byte; then there is nothing to give back, and none is made. */
static void fs_room_ahead_may_be_used_up_exactly(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *file;

    put(w, "a", "");
    file = opened(w, "a", FS_WRITE | FS_AHEAD | FS_MAPPED);
    for (uint64_t i = 0; i < w->fs->ahead; i += 16)
        append(file, "xxxxxxxxxxxxxxxx");
    assert_int_equal(size_of(w, "a"), w->fs->ahead);
    WORKS(fs_trim(file, &err));
    append(file, "z");
    for (int i = 0; i < 3000; i++)
        append(file, "zz"); /* behind it all, pages of it */
    assert_int_equal(size_of(w, "a"), w->fs->ahead + 6001);
    fs_close(file, NULL);
}

/* One append larger than the room that is made at a time, of several parts, an empty one too. */
static void fs_room_ahead_holds_a_large_append(void **state)
{
    struct where *w = *state;
    size_t large = (size_t)(3 * w->fs->ahead) + 5;
    struct strata_slice parts[3] = {strata_string("ab"), {NULL, 0}, {NULL, large}};
    struct strata_error err;
    char *bytes = malloc(large + 3);
    struct fs_file *file;

    assert_non_null(bytes);
    memset(bytes, 'v', large + 3);
    parts[2].data = (const uint8_t *)bytes;
    put(w, "a", "");
    file = opened(w, "a", FS_WRITE | FS_AHEAD | FS_MAPPED);
    WORKS(fs_append(file, parts, 3, &err));
    append(file, "c");
    assert_int_equal(file->end, large + 3);
    assert_int_equal(size_of(w, "a"), 4 * w->fs->ahead);
    WORKS(fs_trim(file, &err));
    fs_close(file, NULL);
    bytes[0] = 'a';
    bytes[1] = 'b';
    bytes[large + 2] = 'c';
    expect_bytes(w, "a", bytes, large + 3);
    free(bytes);
}

#define SIDE_BY_SIDE ((size_t)6 << 20) /* bytes */

/* Stored or written, whatever is cheaper: each goes behind the one before, and changes nothing
 * else.
 */
static void appends_stand_side_by_side(struct fs_file *file, uint8_t *want)
{
    static const size_t sizes[] = {1,     100,   4095,  4096,  4097,  16383,  16384,
                                   16385, 65535, 65536, 65537, 70000, 131072, 300000};
    uint8_t *seen = malloc(SIDE_BY_SIDE);
    struct strata_error err;
    size_t end = 0, got;
    struct rng rng;

    assert_non_null(seen);
    rng_init_env(&rng, "fs_room_ahead_takes_appends_of_all_sizes");
    for (size_t i = 0; end + 300000 < SIDE_BY_SIDE; i++) {
        size_t size = sizes[rng_below(&rng, i % 40 < 20 ? 3 : 14)], cut = size / 3;
        struct strata_slice parts[2];
        for (size_t k = 0; k < size; k++)
            want[end + k] = (uint8_t)(1 + (end + k + i) % 251);
        parts[0] = strata_bytes(want + end, cut);
        parts[1] = strata_bytes(want + end + cut, size - cut);
        WORKS(fs_append(file, parts, 2, &err));
        end += size;
        if (i % 50 == 0)
            WORKS(fs_sync(file, &err));
        if (i % 32 == 0)
            fs_write_back(file, end / 2, end - end / 2);
    }
    assert_int_equal(file->end, end);
    WORKS(fs_read_at(file, 0, seen, SIDE_BY_SIDE, &got, &err));
    assert_true(got >= end);
    assert_memory_equal(seen, want, end);
    for (size_t i = end; i < got; i++)
        assert_int_equal(seen[i], 0);
    free(seen);
}

static void fs_room_ahead_takes_appends_of_all_sizes(void **state)
{
    struct where *w = *state;
    uint8_t *want = malloc(SIDE_BY_SIDE);
    struct strata_error err;
    struct fs_file *file;
    uint64_t end;

    assert_non_null(want);
    put(w, "a", "");
    file = opened(w, "a", FS_WRITE | FS_AHEAD | FS_MAPPED);
    appends_stand_side_by_side(file, want);
    end = file->end;
    WORKS(fs_trim(file, &err));
    fs_close(file, NULL);
    expect_bytes(w, "a", want, (size_t)end);
    free(want);
}

static void fs_zeros_are_told_from_bytes(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *file;
    bool zeros;

    put(w, "a", "ab");
    file = opened(w, "a", FS_WRITE);
    for (uint64_t size = 65530; size < 65545; size++) { /* the window's border */
        WORKS(fs_truncate(file, 2, &err));
        WORKS(fs_truncate(file, size, &err));
        WORKS(fs_zeros(file, 2, &zeros, &err));
        assert_true(zeros);
        WORKS(fs_zeros(file, 1, &zeros, &err));
        assert_false(zeros);
        WORKS(fs_write_at(file, size - 1, "c", 1, &err));
        WORKS(fs_zeros(file, 2, &zeros, &err));
        assert_false(zeros);
        WORKS(fs_zeros(file, size, &zeros, &err)); /* nothing at all */
        assert_true(zeros);
    }
    fs_close(file, NULL);
}

static void fs_two_handles_see_one_file(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *writer = opened(w, "a", FS_WRITE | FS_CREATE),
                   *reader = opened(w, "a", FS_READ);
    char to[4] = "";
    size_t got;
    append(writer, "abc");
    WORKS(fs_read_at(reader, 0, to, 3, &got, &err));
    assert_string_equal(to, "abc");
    fs_close(reader, NULL);
    fs_close(writer, NULL);
}

static void fs_huge_offset_is_refused(void **state)
{
    struct where *w = *state;
    struct fs_file *file = opened(w, "a", FS_WRITE | FS_CREATE);
    assert_int_equal(w->fs->ops->write_at(file, (uint64_t)INT64_MAX + 1, "x", 1), -EINVAL);
    assert_true(w->fs->ops->write_at(file, INT64_MAX, "x", 1) < 0);
    fs_close(file, NULL);
    expect(w, "a", "");
}

/* ---- Names ----------------------------------------------------------------------------- */

static void fs_removed_file_stays_readable_while_open(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *old, *file;
    char to[6] = "";
    size_t got;
    put(w, "a", "hello");
    old = opened(w, "a", FS_WRITE);
    WORKS(fs_remove(w->fs, at(w, "a"), &err));
    FAILS(fs_open(w->fs, at(w, "a"), FS_READ, &file, &err), ENOENT);
    put(w, "a", "new");
    append(old, "!");
    WORKS(fs_read_at(old, 0, to, 6, &got, &err));
    assert_memory_equal(to, "hello!", 6);
    fs_close(old, NULL);
    expect(w, "a", "new");
}

static void fs_rename_replaces_a_file(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *old;
    char to[3];
    size_t got;
    put(w, "a", "new");
    put(w, "b", "old");
    old = opened(w, "b", FS_READ);
    WORKS(fs_rename(w->fs, at(w, "a"), at(w, "b"), &err));
    expect(w, "b", "new");
    WORKS(fs_read_at(old, 0, to, 3, &got, &err));
    assert_memory_equal(to, "old", 3);
    fs_close(old, NULL);
    expect_names(w, ".", "b ");
    WORKS(fs_rename(w->fs, at(w, "b"), at(w, "b"), &err));
    expect(w, "b", "new");
}

static void fs_rename_of_hard_links_does_nothing(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    put(w, "a", "x");
    WORKS(fs_link(w->fs, at(w, "a"), at(w, "b"), &err));
    WORKS(fs_rename(w->fs, at(w, "a"), at(w, "b"), &err));
    expect_names(w, ".", "a b ");
}

static void fs_link_makes_a_second_name(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *file;
    put(w, "a", "x");
    WORKS(fs_mkdir(w->fs, at(w, "d"), &err));
    WORKS(fs_link(w->fs, at(w, "a"), at(w, "d/b"), &err));
    FAILS(fs_link(w->fs, at(w, "a"), at(w, "d/b"), &err), EEXIST);
    FAILS(fs_link(w->fs, at(w, "a"), at(w, "d"), &err), EEXIST);
    FAILS(fs_link(w->fs, at(w, "a"), at(w, "new/"), &err), ENOENT);
    file = opened(w, "a", FS_WRITE);
    append(file, "y");
    fs_close(file, NULL);
    WORKS(fs_remove(w->fs, at(w, "a"), &err));
    expect(w, "d/b", "xy");
}

static void fs_rename_of_directories_follows_linux(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    WORKS(fs_mkdir(w->fs, at(w, "d"), &err));
    WORKS(fs_mkdir(w->fs, at(w, "d/e"), &err));
    WORKS(fs_mkdir(w->fs, at(w, "f"), &err));
    put(w, "d/e/a", "x");
    FAILS(fs_rename(w->fs, at(w, "d"), at(w, "d/e/g"), &err), EINVAL);
    FAILS(fs_rename(w->fs, at(w, "d"), at(w, "d/e/a"), &err), EINVAL);
    FAILS(fs_rename(w->fs, at(w, "d/e"), at(w, "d"), &err), ENOTEMPTY);
    FAILS(fs_rename(w->fs, at(w, "d/e/a"), at(w, "d"), &err), ENOTEMPTY);
    FAILS(fs_rename(w->fs, at(w, "d/e/a"), at(w, "f"), &err), EISDIR);
    FAILS(fs_rename(w->fs, at(w, "f"), at(w, "d/e/a"), &err), ENOTDIR);
    FAILS(fs_rename(w->fs, at(w, "f"), at(w, "d"), &err), ENOTEMPTY);
    FAILS(fs_rename(w->fs, at(w, "d/."), at(w, "g"), &err), EBUSY);
    FAILS(fs_rename(w->fs, at(w, "d"), at(w, "f/.."), &err), EBUSY);
    FAILS(fs_rename(w->fs, at(w, "d/e/a"), at(w, "g/"), &err), ENOTDIR);
    WORKS(fs_rename(w->fs, at(w, "d/e"), at(w, "f"), &err));
    expect(w, "f/a", "x");
    expect(w, "f/../f/./a", "x");
    WORKS(fs_rename(w->fs, at(w, "f"), at(w, "d/h"), &err));
    expect(w, "d/h/../../d//h/a", "x");
    expect_names(w, ".", "d ");
}

static void fs_list_is_sorted_without_dots(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    put(w, "b", "");
    put(w, "ab", "");
    put(w, "a", "");
    put(w, "\xff", "");
    put(w, "..c", "");
    WORKS(fs_mkdir(w->fs, at(w, "B"), &err));
    expect_names(w, ".", "..c B a ab b \xff ");
    expect_names(w, "B/", "");
}

static void fs_dots_name_directories_only(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    WORKS(fs_mkdir(w->fs, at(w, "d/"), &err));
    FAILS(fs_mkdir(w->fs, at(w, "d/."), &err), EEXIST);
    FAILS(fs_remove(w->fs, at(w, "d/.."), &err), EISDIR);
    put(w, "d/../a", "x");
    expect(w, "d/./.././a", "x");
    FAILS(fs_link(w->fs, at(w, "a"), at(w, "d/."), &err), EEXIST);
    WORKS(fs_sync_dir(w->fs, at(w, "d/."), &err));
}

/* ---- Locks ----------------------------------------------------------------------------- */

static void fs_exclusive_lock_keeps_all_others_out(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *first, *second;
    WORKS(fs_lock(w->fs, at(w, "l"), FS_LOCK_EXCLUSIVE, &first, &err));
    FAILS(fs_lock(w->fs, at(w, "l"), FS_LOCK_EXCLUSIVE, &second, &err), EWOULDBLOCK);
    FAILS(fs_lock(w->fs, at(w, "l"), FS_LOCK_SHARED, &second, &err), EWOULDBLOCK);
    second = opened(w, "l", FS_WRITE); /* closing another handle of it gives nothing back */
    fs_close(second, NULL);
    FAILS(fs_lock(w->fs, at(w, "l"), FS_LOCK_EXCLUSIVE, &second, &err), EWOULDBLOCK);
    fs_close(first, NULL);
    WORKS(fs_lock(w->fs, at(w, "l"), FS_LOCK_EXCLUSIVE, &first, &err));
    fs_close(first, NULL);
}

static void fs_shared_locks_go_together(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *first, *second, *third;
    put(w, "l", "");
    WORKS(fs_lock(w->fs, at(w, "l"), FS_LOCK_SHARED, &first, &err));
    WORKS(fs_lock(w->fs, at(w, "l"), FS_LOCK_SHARED, &second, &err));
    FAILS(fs_lock(w->fs, at(w, "l"), FS_LOCK_EXCLUSIVE, &third, &err), EWOULDBLOCK);
    fs_close(first, NULL);
    FAILS(fs_lock(w->fs, at(w, "l"), FS_LOCK_EXCLUSIVE, &third, &err), EWOULDBLOCK);
    fs_close(second, NULL);
    WORKS(fs_lock(w->fs, at(w, "l"), FS_LOCK_EXCLUSIVE, &third, &err));
    fs_close(third, NULL);
}

static void fs_lock_follows_the_file_not_the_name(void **state)
{
    struct where *w = *state;
    struct strata_error err;
    struct fs_file *first, *second;
    WORKS(fs_lock(w->fs, at(w, "l"), FS_LOCK_EXCLUSIVE, &first, &err));
    WORKS(fs_rename(w->fs, at(w, "l"), at(w, "m"), &err));
    FAILS(fs_lock(w->fs, at(w, "m"), FS_LOCK_EXCLUSIVE, &second, &err), EWOULDBLOCK);
    WORKS(fs_lock(w->fs, at(w, "l"), FS_LOCK_EXCLUSIVE, &second, &err));
    fs_close(second, NULL);
    fs_close(first, NULL);
}

static void fs_time_goes_on(void **state)
{
    struct where *w = *state;
    uint64_t before = fs_now(w->fs);
    assert_true(fs_now(w->fs) >= before);
}

/* ---- Anything -------------------------------------------------------------------------- */

#define HANDLES 3

struct pair {
    struct where *real, *sim;
    struct fs_file *files[2][HANDLES];
    struct rng rng;
};

static const char *const random_names[] = {
    "a",     "b",      "a/",     "a/b", "d", "d/",  "d/.",      "d/a", "d/b",    "d/e", "d/f",
    "d/e/a", "d/../a", "d//e//", ".",   "f", "f/a", "f/../d/e", "x/y", "d/e/..", "f/d", "d/e/f",
};

static const char *random_name(struct pair *pair)
{
    return random_names[rng_below(&pair->rng, sizeof random_names / sizeof *random_names)];
}

/* One random call on one side; what is random was drawn before. */
struct draw {
    unsigned call, handle, flags;
    const char *name, *to;
    uint64_t offset;
    size_t size;
};

static int call_on_name(struct where *w, const struct draw *d, struct strata_error *err)
{
    struct fs_names names;
    int rc;
    switch (d->call) {
    case 0:
        return fs_rename(w->fs, at(w, d->name), at(w, d->to), err);
    case 1:
        return fs_link(w->fs, at(w, d->name), at(w, d->to), err);
    case 2:
        return fs_remove(w->fs, at(w, d->name), err);
    case 3:
        return fs_mkdir(w->fs, at(w, d->name), err);
    default:
        rc = fs_list(w->fs, at(w, d->name), &names, err);
        rc = rc < 0 ? rc : (int)names.count;
        fs_names_free(&names);
        return rc;
    }
}

static int call_on_file(struct fs_file **file, struct where *w, const struct draw *d,
                        struct strata_error *err)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog";
    struct strata_slice part = strata_bytes(text, d->size);
    char to[64];
    uint64_t size;
    size_t got;
    int rc;

    if (!*file && d->call % 3)
        return fs_open(w->fs, at(w, d->name), d->flags, file, err);
    if (!*file)
        return fs_lock(w->fs, at(w, d->name), FS_LOCK_EXCLUSIVE, file, err);
    switch (d->call) {
    case 5:
        return fs_append(*file, &part, 1, err);
    case 6:
        return fs_write_at(*file, d->offset, text, d->size, err);
    case 7:
        return fs_truncate(*file, d->offset, err);
    case 8:
        return fs_allocate(*file, d->offset, err);
    case 9:
        rc = fs_size(*file, &size, err);
        return rc < 0 ? rc : (int)size;
    case 10:
        rc = fs_read_at(*file, d->offset, to, d->size, &got, err);
        for (size_t i = 0; rc >= 0 && i < got; i++)
            rc = rc * 31 % 100003 + to[i];
        return rc;
    default:
        rc = fs_close(*file, err);
        *file = NULL;
        return rc;
    }
}

static void draw(struct pair *pair, struct draw *d)
{
    d->call = (unsigned)rng_below(&pair->rng, 12);
    d->handle = (unsigned)rng_below(&pair->rng, HANDLES);
    d->flags = (unsigned)rng_below(&pair->rng, 16) | FS_WRITE;
    d->name = random_name(pair);
    d->to = random_name(pair);
    d->offset = rng_below(&pair->rng, 100);
    d->size = (size_t)rng_below(&pair->rng, 40);
}

static void step(struct pair *pair, int number)
{
    struct where *sides[2] = {pair->real, pair->sim};
    struct strata_error err[2] = {{0}, {0}};
    struct draw d;
    int rc[2];

    draw(pair, &d);
    for (int i = 0; i < 2; i++)
        rc[i] = d.call < 5 ? call_on_name(sides[i], &d, &err[i])
                           : call_on_file(&pair->files[i][d.handle], sides[i], &d, &err[i]);
    if (rc[0] != rc[1] || err[0].sys != err[1].sys) {
        print_error("step %d, call %u %s %s: real %d %s, simulated %d %s\n", number, d.call, d.name,
                    d.to, rc[0], err[0].message, rc[1], err[1].message);
        fail();
    }
}

static void compare_trees(struct pair *pair)
{
    struct strata_fs *copy = fs_sim_new();
    struct fs_sim_hash real, sim;
    struct strata_error err;
    assert_ok(fs_sim_read_in(copy, "root", pair->real->fs, pair->real->root, &err), &err);
    real = fs_sim_hash_of(copy);
    sim = fs_sim_hash_of(pair->sim->fs);
    assert_true(real.low == sim.low && real.high == sim.high);
    fs_free(copy);
}

static void fs_random_calls_are_answered_alike(void **state)
{
    void *real, *sim;
    struct pair pair = {0};
    (void)state;
    rng_init_env(&pair.rng, "fs_random_calls_are_answered_alike");
    for (int round = 0; round < (check_quick() ? 5 : 40); round++) {
        setup_posix(&real);
        setup_sim(&sim);
        pair.real = real;
        pair.sim = sim;
        for (int i = 0; i < 400; i++)
            step(&pair, i);
        compare_trees(&pair);
        for (int i = 0; i < HANDLES; i++) {
            fs_close(pair.files[0][i], NULL);
            fs_close(pair.files[1][i], NULL);
            pair.files[0][i] = pair.files[1][i] = NULL;
        }
        assert_int_equal(teardown(&real), 0);
        assert_int_equal(teardown(&sim), 0);
    }
}

#define BOTH(test)                                                                                 \
    {#test ", real", test, setup_posix, teardown, NULL},                                           \
    {                                                                                              \
#test ", simulated", test, setup_sim, teardown, NULL                                       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(fs_missing_file_is_enoent),
        BOTH(fs_missing_parent_is_enoent),
        BOTH(fs_file_as_directory_is_enotdir),
        BOTH(fs_directory_as_file_is_eisdir),
        BOTH(fs_exclusive_create_of_existing_is_eexist),
        BOTH(fs_open_with_create_keeps_and_with_truncate_empties),
        BOTH(fs_long_name_is_enametoolong),
        BOTH(fs_raw_write_on_a_reader_is_refused),
        BOTH(fs_append_of_parts_goes_to_the_end),
        BOTH(fs_read_stops_at_the_end),
        BOTH(fs_write_at_overwrites_and_leaves_zeros_behind_the_end),
        BOTH(fs_truncate_cuts_and_adds_zeros),
        BOTH(fs_allocate_grows_by_zeros_and_never_shrinks),
        BOTH(fs_room_ahead_is_made_and_given_back),
        BOTH(fs_room_ahead_may_be_used_up_exactly),
        BOTH(fs_room_ahead_holds_a_large_append),
        BOTH(fs_room_ahead_takes_appends_of_all_sizes),
        BOTH(fs_zeros_are_told_from_bytes),
        BOTH(fs_two_handles_see_one_file),
        BOTH(fs_huge_offset_is_refused),
        BOTH(fs_removed_file_stays_readable_while_open),
        BOTH(fs_rename_replaces_a_file),
        BOTH(fs_rename_of_hard_links_does_nothing),
        BOTH(fs_link_makes_a_second_name),
        BOTH(fs_rename_of_directories_follows_linux),
        BOTH(fs_list_is_sorted_without_dots),
        BOTH(fs_dots_name_directories_only),
        BOTH(fs_exclusive_lock_keeps_all_others_out),
        BOTH(fs_shared_locks_go_together),
        BOTH(fs_lock_follows_the_file_not_the_name),
        BOTH(fs_time_goes_on),
        cmocka_unit_test(fs_random_calls_are_answered_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
