/* fs.c: the wrappers around the calls of struct fs_ops on files: loops for short and interrupted
 * calls, poisoning, errors with file and offset, counters. Those on names are in fs_names.c. See
 * fs.h for the invariants. */
#define FS_NO_SITES
#include "fs/fs_inside.h"
#include "base/bytes.h"
#include "base/cost.h"
#include "strata_engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 8 /* of one fs_append */
#define OPEN_MAX_USUAL 1024

_Thread_local const struct fs_site *fs_site_now;

/* Made by the linker, if there is a site at all. */
extern const struct fs_site __start_strata_sites[] __attribute__((weak));
extern const struct fs_site __stop_strata_sites[] __attribute__((weak));

size_t fs_sites(const struct fs_site **first)
{
    *first = __start_strata_sites;
    return ((uintptr_t)__stop_strata_sites - (uintptr_t)__start_strata_sites) / sizeof **first;
}

const char *fs_call_name(enum fs_call call)
{
    static const char *const names[FS_CALL_COUNT] = {
        "open",   "read", "append", "write", "sync", "truncate", "allocate", "size", "close",
        "rename", "link", "remove", "mkdir", "list", "sync_dir", "lock",     "map"};
    return names[call];
}

int fs_refused(struct strata_error *err, int sys, const char *path, uint64_t offset,
               const char *doing)
{
    if (sys == ENOMEM)
        return strata_fail(err, STRATA_ERR_NO_MEMORY, path, offset, "%s: no memory", doing);
    return strata_fail_sys(err, sys, path, offset, doing);
}

void fs_free(struct strata_fs *fs)
{
    if (fs)
        fs->ops->free(fs);
}

uint64_t fs_now(struct strata_fs *fs)
{
    return fs->ops->now(fs);
}

uint64_t fs_random(struct strata_fs *fs)
{
    return fs->ops->random(fs);
}

uint64_t fs_boot(struct strata_fs *fs)
{
    return fs->ops->boot ? fs->ops->boot(fs) : 0;
}

size_t fs_open_max(struct strata_fs *fs)
{
    return fs->ops->open_max ? fs->ops->open_max(fs) : OPEN_MAX_USUAL;
}

/* ---- Files ----------------------------------------------------------------------------- */

/* Gives an implementation's new file its path; the file is closed when there is no room. */
static int adopt(struct fs_file *file, struct strata_fs *fs, const char *path, unsigned flags,
                 struct fs_file **out, struct strata_error *err)
{
    file->fs = fs;
    file->room = 0;
    file->failed = 0;
    file->torn_at = UINT64_MAX;
    file->writable = flags & FS_WRITE;
    file->ahead = flags & FS_AHEAD && fs->ahead;
    file->path = strdup(path);
    if (!file->path) {
        fs->ops->close(file);
        return strata_fail_memory(err, strlen(path) + 1);
    }
    *out = file;
    return 0;
}

int fs_open(struct strata_fs *fs, const char *path, unsigned flags, struct fs_file **out,
            struct strata_error *err)
{
    struct fs_file *file = NULL;
    uint64_t end;
    int rc;

    *out = NULL;
    do {
        fs_count(fs, FS_CALL_OPEN);
        rc = fs->ops->open(fs, path, flags, &file);
    } while (rc == -EINTR);
    if (rc < 0)
        return fs_refused(err, -rc, path, STRATA_NO_OFFSET, "open");
    rc = adopt(file, fs, path, flags, out, err);
    if (rc < 0)
        return rc;
    rc = fs_size(file, &end, err);
    if (rc < 0) {
        *out = NULL;
        fs_close(file, NULL);
        return rc;
    }
    file->end = end;
    return 0;
}

int fs_read_at(struct fs_file *file, uint64_t offset, void *to, size_t size, size_t *got,
               struct strata_error *err)
{
    size_t done = 0;
    *got = 0;
    while (done < size) {
        ssize_t n;
        fs_count(file->fs, FS_CALL_READ);
        n = file->fs->ops->read_at(file, offset + done, (uint8_t *)to + done, size - done);
        if (n == -EINTR)
            continue;
        if (n < 0)
            return fs_refused(err, (int)-n, file->path, offset + done, "read");
        if (n == 0)
            break; /* a short read is not the end of the file; reading nothing is */
        done += (size_t)n;
        atomic_fetch_add_explicit(&file->fs->bytes_read, (uint64_t)n, memory_order_relaxed);
        cost_so_far.bytes_read += (uint64_t)n;
    }
    *got = done;
    return 0;
}

/* I1: every changing call checks this first. */
static int may_change(const struct fs_file *file, struct strata_error *err)
{
    if (!file->writable)
        return strata_fail(err, STRATA_ERR_READ_ONLY, file->path, STRATA_NO_OFFSET,
                           "the file was opened for reading only");
    if (file->failed) {
        strata_fail_sys(err, file->failed, file->path, STRATA_NO_OFFSET, "earlier");
        strata_error_prefix(err, "refused since a write or sync of this file failed; ");
        return STRATA_ERR_IO;
    }
    return 0;
}

static int poison(struct fs_file *file, int sys, uint64_t offset, const char *doing,
                  struct strata_error *err)
{
    file->failed = sys;
    return strata_fail_sys(err, sys, file->path, offset, doing);
}

static void wrote(struct fs_file *file, uint64_t offset, size_t size)
{
    atomic_fetch_add_explicit(&file->fs->bytes_written, size, memory_order_relaxed);
    if (offset + size > file->end)
        file->end = offset + size;
}

/* Drops the first `size` bytes of the parts. */
static void advance(struct strata_slice **parts, size_t *count, size_t size)
{
    while (*count && size >= (*parts)->size) {
        size -= (*parts)->size;
        ++*parts;
        --*count;
    }
    if (*count) {
        (*parts)->data += size;
        (*parts)->size -= size;
    }
}

/* Makes the file `size` bytes long; -errno. */
static int allocate(struct fs_file *file, uint64_t size)
{
    int rc;
    do {
        fs_count(file->fs, FS_CALL_ALLOCATE);
        rc = file->fs->ops->allocate(file, size);
    } while (rc == -EINTR);
    return rc;
}

/* FS_AHEAD. Allocation also fails when the disk is full; that is no error here: the append itself
 * fails if it must. */
static void make_room(struct fs_file *file, uint64_t more)
{
    uint64_t ahead = file->fs->ahead;

    if (!file->ahead || file->end + more <= file->room)
        return;
    file->room = (file->end + more + ahead - 1) / ahead * ahead;
    file->ahead = allocate(file, file->room) == 0;
}

static uint64_t bytes_of(const struct strata_slice *parts, size_t count_parts)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count_parts; i++)
        bytes += parts[i].size;
    return bytes;
}

int fs_append(struct fs_file *file, const struct strata_slice *parts, size_t count_parts,
              struct strata_error *err)
{
    struct strata_slice copy[PARTS_MAX], *left = copy;
    uint64_t begin = file->end;
    int rc = may_change(file, err);

    if (rc < 0)
        return rc;
    if (count_parts > PARTS_MAX)
        return strata_fail(err, STRATA_ERR_INVALID, file->path, file->end,
                           "append of %zu parts; at most %d", count_parts, PARTS_MAX);
    if (count_parts)
        memcpy(copy, parts, count_parts * sizeof *parts);
    make_room(file, bytes_of(parts, count_parts));
    for (advance(&left, &count_parts, 0); count_parts;) {
        ssize_t n;
        fs_count(file->fs, FS_CALL_APPEND);
        n = file->fs->ops->append(file, left, count_parts);
        if (n == -EINTR)
            continue;
        if (n == -ENOSPC || n == -EDQUOT)
            file->torn_at = begin;
        if (n <= 0)
            return poison(file, n ? (int)-n : EIO, file->end, "append", err);
        wrote(file, file->end, (size_t)n);
        advance(&left, &count_parts, (size_t)n);
    }
    return 0;
}

int fs_write_at(struct fs_file *file, uint64_t offset, const void *from, size_t size,
                struct strata_error *err)
{
    const uint8_t *at = from;
    int rc = may_change(file, err);

    while (rc == 0 && size) {
        ssize_t n;
        fs_count(file->fs, FS_CALL_WRITE);
        n = file->fs->ops->write_at(file, offset, at, size);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return poison(file, n ? (int)-n : EIO, offset, "write", err);
        wrote(file, offset, (size_t)n);
        offset += (uint64_t)n;
        at += n;
        size -= (size_t)n;
    }
    return rc;
}

int fs_sync(struct fs_file *file, struct strata_error *err)
{
    int rc = may_change(file, err);
    if (rc < 0)
        return rc;
    do { /* an interrupted sync has not failed: the kernel dropped no page */
        fs_count(file->fs, FS_CALL_SYNC);
        rc = file->fs->ops->sync(file);
    } while (rc == -EINTR);
    return rc < 0 ? poison(file, -rc, STRATA_NO_OFFSET, "sync", err) : 0;
}

void fs_write_back(struct fs_file *file, uint64_t offset, uint64_t size)
{
    if (file->fs->ops->write_back && file->writable && !file->failed)
        file->fs->ops->write_back(file, offset, size);
}

void fs_write_back_since(struct fs_file *file, uint64_t *from, uint64_t least)
{
    if (file->end < *from + least)
        return;
    fs_write_back(file, *from, file->end - *from);
    *from = file->end;
}

int fs_truncate(struct fs_file *file, uint64_t size, struct strata_error *err)
{
    int rc = may_change(file, err);
    if (rc < 0)
        return rc;
    do {
        fs_count(file->fs, FS_CALL_TRUNCATE);
        rc = file->fs->ops->truncate(file, size);
    } while (rc == -EINTR);
    if (rc < 0)
        return poison(file, -rc, size, "truncate", err);
    file->end = size;
    file->room = 0;
    return 0;
}

int fs_cut_back(struct fs_file *file, struct strata_error *err)
{
    uint64_t size = file->torn_at;
    int rc;

    if (size == UINT64_MAX)
        return may_change(file, err);
    file->failed = 0;
    file->torn_at = UINT64_MAX;
    rc = (fs_truncate)(file, size, err);
    return rc == 0 ? (fs_sync)(file, err) : rc;
}

int fs_trim(struct fs_file *file, struct strata_error *err)
{
    file->ahead = false;
    return file->room > file->end ? (fs_truncate)(file, file->end, err) : 0;
}

int fs_allocate(struct fs_file *file, uint64_t size, struct strata_error *err)
{
    int rc = may_change(file, err);
    if (rc < 0 || size <= file->end)
        return rc;
    rc = allocate(file, size);
    if (rc < 0)
        return poison(file, -rc, size, "allocate", err);
    file->end = size;
    return 0;
}

int fs_size(struct fs_file *file, uint64_t *size, struct strata_error *err)
{
    int rc;
    do {
        fs_count(file->fs, FS_CALL_SIZE);
        rc = file->fs->ops->size(file, size);
    } while (rc == -EINTR);
    return rc < 0 ? fs_refused(err, -rc, file->path, STRATA_NO_OFFSET, "size") : 0;
}

int fs_links(struct fs_file *file, uint64_t *links, struct strata_error *err)
{
    int rc = -ENOTSUP;

    while (file->fs->ops->links && (rc == -ENOTSUP || rc == -EINTR)) {
        fs_count(file->fs, FS_CALL_SIZE);
        rc = file->fs->ops->links(file, links);
    }
    return rc < 0 ? fs_refused(err, -rc, file->path, STRATA_NO_OFFSET, "count the names of") : 0;
}

int fs_map(struct fs_file *file, uint64_t size, const uint8_t **bytes, struct strata_error *err)
{
    int rc;

    *bytes = NULL;
    if (!file->fs->ops->map)
        return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, file->path, STRATA_NO_OFFSET,
                           "this file layer maps no files");
    if (!size || size > file->end || size > SIZE_MAX)
        return strata_fail(err, STRATA_ERR_INVALID, file->path, file->end,
                           "%llu bytes cannot be mapped of a file of %llu",
                           (unsigned long long)size, (unsigned long long)file->end);
    fs_count(file->fs, FS_CALL_MAP);
    rc = file->fs->ops->map(file, size, bytes);
    return rc < 0 ? fs_refused(err, -rc, file->path, STRATA_NO_OFFSET, "map") : 0;
}

void fs_unmap(struct strata_fs *fs, const uint8_t *bytes, uint64_t size)
{
    if (bytes)
        fs->ops->unmap(fs, bytes, size);
}

int fs_close(struct fs_file *file, struct strata_error *err)
{
    char *path;
    int rc;

    if (!file)
        return 0;
    path = file->path;
    fs_count(file->fs, FS_CALL_CLOSE);
    rc = file->fs->ops->close(file); /* EINTR: on Linux the file is closed anyway */
    if (rc < 0 && rc != -EINTR)
        rc = strata_fail_sys(err, -rc, path, STRATA_NO_OFFSET, "close");
    else
        rc = 0;
    free(path);
    return rc;
}

int fs_lock(struct strata_fs *fs, const char *path, enum fs_lock kind, struct fs_file **out,
            struct strata_error *err)
{
    struct fs_file *file = NULL;
    int rc;

    *out = NULL;
    do {
        fs_count(fs, FS_CALL_LOCK);
        rc = fs->ops->lock(fs, path, kind, &file);
    } while (rc == -EINTR);
    if (rc == -EWOULDBLOCK)
        return strata_fail(err, STRATA_ERR_LOCKED, path, STRATA_NO_OFFSET,
                           "another handle, of this process or another, has the database open");
    if (rc < 0)
        return fs_refused(err, -rc, path, STRATA_NO_OFFSET, "lock");
    return adopt(file, fs, path, FS_READ, out, err);
}
