/* count.c: see guard.h. The linker leads the calls named in GUARD_WRAP here. */
#define _GNU_SOURCE
#include "base/cost.h"
#include "guard.h"

#include <gnu/libc-version.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <xxhash.h>

static uint64_t allocations, allocated, calls;

/* The function `name`, counted as `count` says, under the names that the linker gives it. */
#define WRAP(type, name, parameters, arguments, count)                                             \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        count;                                                                                     \
        return __real_##name arguments;                                                            \
    }
#define ALLOCATES(size) (allocations++, allocated += (size))
#define CALLS calls++

WRAP(void *, malloc, (size_t size), (size), ALLOCATES(size))
WRAP(void *, calloc, (size_t count, size_t size), (count, size), ALLOCATES(count *size))
WRAP(void *, realloc, (void *old, size_t size), (old, size), ALLOCATES(size))
WRAP(void *, aligned_alloc, (size_t line, size_t size), (line, size), ALLOCATES(size))

/* glibc's names where file offsets have 64 bits. The calls that every operation could make; those
 * with a variable number of arguments (open, fcntl) are followed by a fstat or close, which are
 * counted. */
WRAP(ssize_t, pread64, (int fd, void *to, size_t size, off_t at), (fd, to, size, at), CALLS)
WRAP(ssize_t, pwrite64, (int fd, const void *from, size_t size, off_t at), (fd, from, size, at),
     CALLS)
WRAP(ssize_t, pwritev64, (int fd, const struct iovec *parts, int count, off_t at),
     (fd, parts, count, at), CALLS)
WRAP(int, fdatasync, (int fd), (fd), CALLS)
WRAP(int, fsync, (int fd), (fd), CALLS)
WRAP(int, sync_file_range, (int fd, off_t at, off_t size, unsigned flags), (fd, at, size, flags),
     CALLS)
WRAP(int, ftruncate64, (int fd, off_t size), (fd, size), CALLS)
WRAP(int, fallocate64, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size), CALLS)
WRAP(int, fstat64, (int fd, struct stat *status), (fd, status), CALLS)
WRAP(int, close, (int fd), (fd), CALLS)
WRAP(int, renameat, (int from_dir, const char *from, int to_dir, const char *to),
     (from_dir, from, to_dir, to), CALLS)
WRAP(int, linkat, (int from_dir, const char *from, int to_dir, const char *to, int flags),
     (from_dir, from, to_dir, to, flags), CALLS)
WRAP(int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags), CALLS)
WRAP(int, mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), CALLS)
WRAP(void *, mmap64, (void *wish, size_t size, int may, int how, int fd, off_t at),
     (wish, size, may, how, fd, at), CALLS)
WRAP(int, munmap, (void *from, size_t size), (from, size), CALLS)
WRAP(int, madvise, (void *from, size_t size, int advice), (from, size, advice), CALLS)

static uint64_t syncs(const struct strata_fs *fs)
{
    return fs->calls[FS_CALL_SYNC] + fs->calls[FS_CALL_SYNC_DIR];
}

static void read_figures(struct guard_row *row, const struct strata_fs *fs)
{
    const struct strata_counters *cost = &cost_so_far;
    const uint64_t figures[GUARD_FILES] = {cost->comparisons,
                                           cost->filter_probes,
                                           cost->blocks,
                                           cost->blocks_loaded,
                                           allocations,
                                           allocated,
                                           calls,
                                           fs->bytes_read,
                                           fs->bytes_written,
                                           syncs(fs)};

    memcpy(row->figures, figures, sizeof figures);
    row->figures[GUARD_FILES] = row->figures[GUARD_INSTRUCTIONS] = GUARD_UNKNOWN;
}

/* Functions of their own, by whose names Callgrind knows when to count. */
__attribute__((noinline)) void guard_begin(struct guard_row *row, const struct strata_fs *fs)
{
    read_figures(row, fs);
}

__attribute__((noinline)) void guard_end(struct guard_row *row, const struct strata_fs *fs)
{
    struct guard_row before = *row;

    read_figures(row, fs);
    for (int i = 0; i < GUARD_FILES; i++)
        row->figures[i] -= before.figures[i];
}

/* ---- Where ----------------------------------------------------------------------------- */

/* The second of two appends: is it a call? */
static int append_twice(struct fs_file *file, bool *mapped, struct strata_error *err)
{
    struct strata_slice part = strata_string("guard");
    uint64_t before;
    int rc = fs_append(file, &part, 1, err);

    before = calls;
    if (rc == 0)
        rc = fs_append(file, &part, 1, err);
    *mapped = calls == before;
    return rc;
}

int guard_maps_appends(struct strata_fs *fs, const char *path, bool *mapped,
                       struct strata_error *err)
{
    struct fs_file *file;
    int rc = fs_open(fs, path, FS_WRITE | FS_CREATE | FS_AHEAD | FS_MAPPED, &file, err), closed;

    if (rc < 0)
        return rc;
    rc = append_twice(file, mapped, err);
    closed = fs_close(file, rc < 0 ? NULL : err);
    return rc < 0 ? rc : closed;
}

static uint64_t compared;

static int compare_bytes(const void *a, const void *b)
{
    compared++;
    return *(const uint8_t *)a - *(const uint8_t *)b;
}

/* Of 250 bytes in an order that is none. */
uint64_t guard_sorts(void)
{
    uint8_t bytes[250];

    compared = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 151 + 7);
    qsort(bytes, sizeof bytes, 1, compare_bytes);
    return compared;
}

/* ---- By what --------------------------------------------------------------------------- */

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* Which of the library's memcpy and the like is taken. */
static const char *vectors(void)
{
#ifdef __x86_64__
    return __builtin_cpu_supports("avx2") ? ", AVX2" : ", no AVX2";
#else
    return "";
#endif
}

void guard_built(char *to, size_t capacity)
{
    snprintf(to, capacity, "%s %s, glibc %s, xxhash %u, lz4 %s%s", COMPILER, GUARD_FLAGS,
             gnu_get_libc_version(), XXH_versionNumber(), LZ4_versionString(), vectors());
}
