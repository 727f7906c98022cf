/* files.c: what writing, syncing and reading a file costs, by the shortest sequence of system calls
 * that does it. */
#define _GNU_SOURCE
#include "limits.h"
#include "base/prng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20)  /* bytes that are written, or mapped, at once */
#define RECORDS ((size_t)300000) /* of 132 bytes, at most */
#define SYNCS 100

static int file = -1;
static uint64_t file_bytes;
static uint8_t piece[PIECE];
static struct prng prng;

/* ---- A file without a name ------------------------------------------------------------- */

static int take_file(const struct limit_size *size)
{
    char path[4096];

    if ((size_t)snprintf(path, sizeof path, "%s/limits.XXXXXX", size->dir) >= sizeof path)
        return ENAMETOOLONG;
    file = mkstemp(path);
    if (file < 0)
        return errno;
    unlink(path);
    memset(piece, 'a', sizeof piece);
    return 0;
}

static void give_back(void)
{
    if (file >= 0)
        close(file);
    file = -1;
}

/* Empty again, with room for so many bytes. */
static int renew(uint64_t room)
{
    if (ftruncate(file, 0) < 0 || lseek(file, 0, SEEK_SET) < 0)
        return errno;
    if (room && fallocate(file, 0, 0, (off_t)room) < 0)
        return errno;
    return fdatasync(file) < 0 ? errno : 0;
}

static int write_all(size_t size)
{
    ssize_t written = write(file, piece, size);
    return written < 0 ? errno : (size_t)written == size ? 0 : ENOSPC;
}

static size_t records(const struct limit_size *size)
{
    return size->file_bytes / LIMIT_RECORD < RECORDS ? size->bytes / LIMIT_RECORD : RECORDS;
}

/* ---- Writing --------------------------------------------------------------------------- */

static int write_file(const struct limit_size *size, bool sync, double *value)
{
    double begun;
    size_t at = 0;
    int sys = renew(0);

    begun = limit_now();
    for (; sys == 0 && at + PIECE <= size->file_bytes; at += PIECE)
        sys = write_all(PIECE);
    if (sys == 0 && sync && fdatasync(file) < 0)
        sys = errno;
    *value = (double)at / (limit_now() - begun) / 1e6;
    return sys;
}

static int measure_write(const struct limit_size *size, double *value)
{
    return write_file(size, false, value);
}

static int measure_write_synced(const struct limit_size *size, double *value)
{
    return write_file(size, true, value);
}

static int measure_calls(const struct limit_size *size, double *value)
{
    size_t count = records(size);
    int sys = renew(0);
    double begun = limit_cpu();

    for (size_t i = 0; i < count && sys == 0; i++)
        sys = write_all(LIMIT_RECORD);
    *value = (limit_cpu() - begun) * 1e9 / (double)count;
    return sys;
}

/* Fills the window that begins at `at` of the file. */
static int store_window(uint64_t at, size_t *left)
{
    uint8_t *to =
        mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, (off_t)at);

    if (to == MAP_FAILED)
        return errno;
    for (size_t i = 0; i + LIMIT_RECORD <= PIECE && *left; i += LIMIT_RECORD, --*left) {
        memcpy(to + i, piece + i, LIMIT_RECORD);
        limit_use(to[i]);
    }
    munmap(to, PIECE);
    return 0;
}

/* A window after the other, each with its pages made before it is filled. */
static int measure_stores(const struct limit_size *size, double *value)
{
    size_t count = records(size), left = count;
    int sys = renew((count / (PIECE / LIMIT_RECORD) + 1) * PIECE);
    double begun = limit_cpu();

    for (uint64_t at = 0; left && sys == 0; at += PIECE)
        sys = store_window(at, &left);
    *value = (limit_cpu() - begun) * 1e9 / (double)count;
    return sys;
}

/* ---- Syncing --------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int sync_one(double *took)
{
    double begun = limit_now();
    int sys = write_all(LIMIT_RECORD);

    if (sys == 0 && fdatasync(file) < 0)
        sys = errno;
    *took = limit_now() - begun;
    return sys;
}

/* The median of as many as the time allows. */
static int sync_records(const struct limit_size *size, uint64_t room, double *value)
{
    double took[SYNCS], begun;
    int count = 0, sys = renew(room);

    begun = limit_now();
    while (sys == 0 && count < SYNCS && (count < 5 || limit_now() - begun < 2 * size->seconds))
        sys = sync_one(&took[count++]);
    if (sys)
        return sys;
    qsort(took, (size_t)count, sizeof took[0], by_value);
    *value = took[count / 2] * 1e9;
    return 0;
}

static int measure_sync(const struct limit_size *size, double *value)
{
    return sync_records(size, 0, value);
}

static int measure_sync_in_room(const struct limit_size *size, double *value)
{
    return sync_records(size, PIECE, value);
}

/* ---- Reading --------------------------------------------------------------------------- */

static int take_full_file(const struct limit_size *size)
{
    int sys = take_file(size);

    for (file_bytes = 0; sys == 0 && file_bytes + PIECE <= size->file_bytes; file_bytes += PIECE)
        sys = write_all(PIECE);
    return sys;
}

static void read_blocks(uint64_t count)
{
    static uint8_t to[LIMIT_BLOCK];
    uint64_t blocks = file_bytes / LIMIT_BLOCK;

    for (uint64_t i = 0; i < count; i++) {
        off_t at = (off_t)(prng_below(&prng, blocks) * LIMIT_BLOCK);
        limit_use((uint64_t)pread(file, to, LIMIT_BLOCK, at));
    }
}

static int measure_reads(const struct limit_size *size, double *value)
{
    *value = limit_each(read_blocks, size);
    return 0;
}

const struct limit limits_of_files[] = {
    {"pread_4k", "ns", "4 KiB of a file, from the page cache", take_full_file, measure_reads,
     give_back},
    {"write_132", "ns", "132 bytes appended by write(2)", take_file, measure_calls, give_back},
    {"store_132", "ns", "132 bytes stored into a mapped file, pages made by the MiB", take_file,
     measure_stores, give_back},
    {"write_seq", "MB/s", "a file written, by the MiB", take_file, measure_write, give_back},
    {"write_seq_synced", "MB/s", "and synced", take_file, measure_write_synced, give_back},
    {"fdatasync_append", "ns", "132 bytes appended and fdatasync, median", take_file, measure_sync,
     give_back},
    {"fdatasync_room", "ns", "the same into room that was made by fallocate", take_file,
     measure_sync_in_room, give_back},
    {NULL, NULL, NULL, NULL, NULL, NULL}};
