/* fs_posix_test.c: what only the real file system can show. */
#define _GNU_SOURCE
#include "test.h"

#include "fs/fs_posix.h"
#include "fs/fs_window.h"
#include "tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <unistd.h>

/* In a child, so that the streams of the tests stay. */
static int write_with_closed_streams(const char *path)
{
    struct strata_fs *fs = fs_posix_new();
    struct fs_file *file;
    int bad;

    close(0);
    close(1);
    close(2);
    if (fs_open(fs, path, FS_WRITE | FS_CREATE, &file, NULL) < 0)
        return 1;
    bad = fcntl(0, F_GETFD) >= 0 || fcntl(1, F_GETFD) >= 0 || fcntl(2, F_GETFD) >= 0;
    fs_close(file, NULL);
    fs_free(fs);
    return bad;
}

static void fs_posix_files_keep_away_from_the_standard_streams(void **state)
{
    char *dir = tmpdir_new(), *path = tmpdir_path(dir, "file");
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0)
        _exit(write_with_closed_streams(path));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    free(path);
    tmpdir_del(dir);
}

/* Refused at open, without waiting for someone at a pipe's other end. */
static void fs_posix_what_is_no_regular_file_is_refused_at_open(void **state)
{
    struct strata_fs *fs = fs_posix_new();
    char *dir = tmpdir_new(), *pipe = tmpdir_path(dir, "pipe");
    const char *const paths[] = {pipe, "/dev/null", dir};
    struct strata_error err;
    struct fs_file *file;

    (void)state;
    assert_int_equal(mkfifo(pipe, 0666), 0);
    for (size_t i = 0; i < 3; i++)
        for (int write = 0; write < 2; write++) {
            assert_code(fs_open(fs, paths[i], write ? FS_WRITE : FS_READ, &file, &err),
                        STRATA_ERR_IO, &err);
            assert_int_equal(err.sys, i == 2 ? EISDIR : EINVAL);
            assert_err_file(&err, paths[i]);
            assert_int_equal(fs->calls[FS_CALL_SIZE], 0);
        }
    free(pipe);
    tmpdir_del(dir);
    fs_free(fs);
}

/* What the device does of it cannot be seen here; that it changes nothing else can. */
static void fs_posix_write_back_changes_no_byte_and_poisons_nothing(void **state)
{
    struct strata_fs *fs = fs_posix_new();
    char *dir = tmpdir_new(), *path = tmpdir_path(dir, "file");
    static uint8_t bytes[10000], back[sizeof bytes];
    struct strata_slice part = strata_bytes(bytes, sizeof bytes);
    struct fs_file *file;
    size_t got;

    (void)state;
    memset(bytes, 7, sizeof bytes);
    assert_int_equal(fs_open(fs, path, FS_WRITE | FS_CREATE, &file, NULL), 0);
    fs_write_back(file, 0, 0);
    assert_int_equal(fs_append(file, &part, 1, NULL), 0);
    fs_write_back(file, 0, sizeof bytes);
    fs_write_back(file, 5000, 100);          /* no whole page */
    fs_write_back(file, 1u << 20, 1u << 20); /* beyond the end */
    assert_int_equal(fs_append(file, &part, 1, NULL), 0);
    assert_int_equal(fs_sync(file, NULL), 0);
    assert_int_equal(fs_read_at(file, sizeof bytes, back, sizeof back, &got, NULL), 0);
    assert_int_equal(got, sizeof back);
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_int_equal(file->end, 2 * sizeof bytes);
    fs_close(file, NULL);
    fs_free(fs);
    free(path);
    tmpdir_del(dir);
}

/* Bytes that nobody has written are no reason for the signal that tells of the limit. */
static void fs_posix_room_ahead_beyond_the_size_limit_is_done_without(void **state)
{
    struct strata_fs *fs = fs_posix_new();
    char *dir = tmpdir_new(), *path = tmpdir_path(dir, "file");
    struct strata_slice part = strata_string("some bytes");
    struct rlimit limit, lower;
    struct strata_error err;
    struct fs_file *file;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    lower = (struct rlimit){.rlim_cur = fs->ahead / 2, .rlim_max = limit.rlim_max};
    assert_int_equal(fs_open(fs, path, FS_WRITE | FS_CREATE | FS_AHEAD, &file, &err), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &lower), 0);
    assert_int_equal(fs_append(file, &part, 1, &err), 0);
    assert_int_equal(fs_append(file, &part, 1, &err), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    fs_close(file, NULL);
    assert_int_equal(fs_open(fs, path, FS_READ, &file, &err), 0);
    assert_int_equal(file->end, 2 * part.size);
    fs_close(file, NULL);
    fs_free(fs);
    free(path);
    tmpdir_del(dir);
}

/* From Linux 5.14 on. */
static bool pages_can_be_asked_for(void)
{
#ifdef MADV_POPULATE_WRITE
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool can = page != MAP_FAILED && madvise(page, 4096, MADV_POPULATE_WRITE) == 0;

    if (page != MAP_FAILED)
        munmap(page, 4096);
    return can;
#else
    return false;
#endif
}

/* What was made ahead is gone: the next page is not stored to, but written by a call. */
static void fs_posix_room_that_was_cut_away_is_no_signal(void **state)
{
    struct strata_fs *fs = fs_posix_new();
    char *dir = tmpdir_new(), *path = tmpdir_path(dir, "file");
    static uint8_t bytes[4096], back[sizeof bytes];
    struct strata_slice part = strata_bytes(bytes, sizeof bytes);
    struct strata_error err;
    struct fs_file *file;
    size_t got;

    (void)state;
    if (!pages_can_be_asked_for()) {
        fs_free(fs);
        free(path);
        tmpdir_del(dir);
        skip();
    }
    memset(bytes, 7, sizeof bytes);
    assert_ok(fs_open(fs, path, FS_WRITE | FS_CREATE | FS_AHEAD | FS_MAPPED, &file, &err), &err);
    assert_ok(fs_append(file, &part, 1, &err), &err);
    assert_ok(fs_sync(file, &err), &err); /* no zeros are written before the next pages */
    assert_int_equal(truncate(path, 64 << 10), 0);
    for (int i = 1; i < 40; i++)
        assert_ok(fs_append(file, &part, 1, &err), &err);
    for (uint64_t i = 0; i < 40; i++) {
        assert_ok(fs_read_at(file, i * sizeof bytes, back, sizeof back, &got, &err), &err);
        assert_int_equal(got, sizeof back);
        assert_memory_equal(back, bytes, sizeof bytes);
    }
    fs_close(file, NULL);
    fs_free(fs);
    free(path);
    tmpdir_del(dir);
}

#define STORED 333

/* Is room mapped there? (common/fs/fs_posix.c) */
static bool keeps_room(int fd)
{
    struct statfs status;
    return fstatfs(fd, &status) == 0 &&
           (status.f_type == 0xef53 || status.f_type == 0x58465342 || status.f_type == 0x01021994);
}

/* In the child: an append that maps the room, then, traced, one that is stored to it. */
static void append_traced(const char *path)
{
    struct strata_fs *fs = fs_posix_new();
    static uint8_t bytes[STORED];
    struct strata_slice parts[2] = {strata_bytes(bytes, 31), strata_bytes(bytes + 31, STORED - 31)};
    struct fs_file *file;

    memset(bytes, 7, sizeof bytes);
    if (fs_open(fs, path, FS_WRITE | FS_CREATE | FS_AHEAD | FS_MAPPED, &file, NULL) < 0 ||
        fs_append(file, parts, 1, NULL) < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        _exit(1);
    raise(SIGSTOP);
    if (fs_append(file, parts, 2, NULL) < 0)
        _exit(2);
    raise(SIGSTOP);
    _exit(0);
}

/* How many of the second append's bytes are there; they are the first ones. */
static size_t stored_so_far(int fd)
{
    uint8_t back[STORED] = {0};
    size_t n = 0, rest;

    assert_true(pread(fd, back, sizeof back, 31) >= 0);
    while (n < STORED && back[n] == 7)
        n++;
    for (rest = n; rest < STORED && back[rest] == 0;)
        rest++;
    assert_int_equal(rest, STORED);
    return n;
}

/* A process that is killed between any two instructions of an append leaves the beginning of it. */
static void fs_posix_append_that_is_stored_is_killed_at_its_beginning(void **state)
{
    char *dir = tmpdir_new(), *path = tmpdir_path(dir, "file");
    size_t seen = 0, last = 0, changes = 0;
    pid_t child = fork();
    int status, fd;

    (void)state;
    assert_true(child >= 0);
    if (child == 0)
        append_traced(path);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSTOPPED(status)) {
        free(path);
        tmpdir_del(dir);
        check_skipping("a process may not be traced here");
        skip();
    }
    fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    for (int stops = 1; stops < 1000000 && seen < STORED; stops++) {
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSTOPPED(status));
        seen = stored_so_far(fd);
        changes += seen != last;
        last = seen;
    }
    assert_int_equal(seen, STORED);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    if (keeps_room(fd))
        assert_true(changes > 10); /* it was stored, and seen in parts */
    close(fd);
    free(path);
    tmpdir_del(dir);
}

static void fs_posix_start_of_the_machine_does_not_change(void **state)
{
    struct strata_fs *fs = fs_posix_new(), *other = fs_posix_new();

    (void)state;
    assert_true(fs_boot(fs) == fs_boot(other));
    assert_int_equal(fs_boot(fs) != 0, access("/proc/sys/kernel/random/boot_id", R_OK) == 0);
    fs_free(fs);
    fs_free(other);
}

/* Bytes from `offset` on up to the first that is only reserved; 0: the file system does not tell.
 */
static uint64_t written_behind(const char *path, uint64_t offset)
{
    int fd = open(path, O_RDONLY);
    struct statfs status;
    off_t hole = 0;

    assert_true(fd >= 0);
    if (fstatfs(fd, &status) == 0 && status.f_type == 0xef53) /* ext4 */
        hole = lseek(fd, (off_t)offset, SEEK_HOLE);
    close(fd);
    return hole > 0 ? (uint64_t)hole - offset : 0;
}

/* Where each append is synced: a sync meets blocks that have been written once, and behind what was
 * appended are zeros, whatever the sizes are. */
static void fs_posix_room_of_what_is_synced_was_written_before(void **state)
{
    enum { BYTES = 400000 };
    static const size_t sizes[] = {132, 60000, 5404, 65536, 100, 131072, 4096, 1};
    struct strata_fs *fs = fs_posix_new();
    char *dir = tmpdir_new(), *path = tmpdir_path(dir, "file");
    uint8_t *bytes = malloc(BYTES), *back = malloc(BYTES);
    size_t end = 0, got;
    uint64_t behind;
    struct strata_error err;
    struct fs_file *file;

    (void)state;
    assert_true(bytes && back);
    memset(bytes, 0, BYTES);
    assert_ok(fs_open(fs, path, FS_WRITE | FS_CREATE | FS_AHEAD, &file, &err), &err);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct strata_slice part = {bytes + end, sizes[i]};
        memset(bytes + end, (int)i + 1, sizes[i]);
        end += sizes[i];
        assert_ok(fs_append(file, &part, 1, &err), &err);
        assert_ok(fs_sync(file, &err), &err);
    }
    behind = written_behind(path, end); /* pages that were read count, too */
    if (behind)
        assert_int_equal(behind, FS_WINDOW_PIECE - end % FS_WINDOW_PIECE);
    assert_ok(fs_read_at(file, 0, back, BYTES, &got, &err), &err);
    assert_int_equal(got, BYTES);
    assert_memory_equal(back, bytes, BYTES);
    fs_close(file, NULL);
    fs_free(fs);
    free(bytes);
    free(back);
    free(path);
    tmpdir_del(dir);
}

/* Also when the file is closed and its name is gone. */
static void fs_posix_mapped_file_is_read_in_place(void **state)
{
    struct strata_fs *fs = fs_posix_new();
    char *dir = tmpdir_new(), *path = tmpdir_path(dir, "file");
    struct strata_slice hello = strata_string("hello");
    const uint8_t *bytes;
    struct strata_error err;
    struct fs_file *file;

    (void)state;
    assert_ok(fs_open(fs, path, FS_WRITE | FS_CREATE, &file, &err), &err);
    assert_code(fs_map(file, 0, &bytes, &err), STRATA_ERR_INVALID, &err);
    assert_ok(fs_append(file, &hello, 1, &err), &err);
    assert_code(fs_map(file, 6, &bytes, &err), STRATA_ERR_INVALID, &err);
    assert_err_file(&err, path);
    assert_null(bytes);
    assert_ok(fs_map(file, 5, &bytes, &err), &err);
    assert_int_equal(fs->calls[FS_CALL_MAP], 1);
    assert_int_equal(fs_close(file, NULL), 0);
    assert_ok(fs_remove(fs, path, &err), &err);
    assert_memory_equal(bytes, "hello", 5);
    fs_unmap(fs, bytes, 5);
    fs_unmap(fs, NULL, 5);
    fs_free(fs);
    free(path);
    tmpdir_del(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fs_posix_files_keep_away_from_the_standard_streams),
        cmocka_unit_test(fs_posix_what_is_no_regular_file_is_refused_at_open),
        cmocka_unit_test(fs_posix_write_back_changes_no_byte_and_poisons_nothing),
        cmocka_unit_test(fs_posix_room_that_was_cut_away_is_no_signal),
        cmocka_unit_test(fs_posix_append_that_is_stored_is_killed_at_its_beginning),
        cmocka_unit_test(fs_posix_start_of_the_machine_does_not_change),
        cmocka_unit_test(fs_posix_room_of_what_is_synced_was_written_before),
        cmocka_unit_test(fs_posix_mapped_file_is_read_in_place),
        cmocka_unit_test(fs_posix_room_ahead_beyond_the_size_limit_is_done_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
