/* fs_copy.c: copies of files. See fs.h. A call made here counts as a call at the caller's site. */
#define FS_NO_SITES
#include "fs/fs.h"
#include "strata_engine.h"

#include <errno.h>
#include <stdlib.h>

#define PIECE ((size_t)256 << 10) /* bytes copied at a time */

static int copy_piece(struct fs_file *from, uint64_t offset, size_t size, uint8_t *piece,
                      struct fs_file *to, struct strata_error *err)
{
    struct strata_slice part = {piece, size};
    size_t got = 0;
    int rc = fs_read_at(from, offset, piece, size, &got, err);

    if (rc == 0 && got < size)
        return strata_fail(err, STRATA_ERR_CORRUPT, from->path, offset + got,
                           "the file ends before it did");
    return rc < 0 ? rc : fs_append(to, &part, 1, err);
}

static int copy_bytes(struct fs_file *from, uint64_t size, struct fs_file *to,
                      const struct fs_copied *copied, struct strata_error *err)
{
    uint8_t *piece = malloc(PIECE);
    int rc = piece ? 0 : strata_fail_memory(err, PIECE);

    for (uint64_t at = 0; rc == 0 && at < size;) {
        size_t part = size - at < PIECE ? (size_t)(size - at) : PIECE;
        rc = copy_piece(from, at, part, piece, to, err);
        at += part;
        if (rc == 0 && copied)
            copied->tick(copied->arg, part);
    }
    free(piece);
    return rc < 0 ? rc : fs_sync(to, err);
}

int fs_copy(struct fs_file *from, uint64_t size, const char *to, const struct fs_copied *copied,
            struct strata_error *err)
{
    struct fs_file *file;
    int rc = fs_open(from->fs, to, FS_WRITE | FS_CREATE | FS_EXCLUSIVE, &file, err), closed;

    if (rc < 0)
        return rc;
    rc = copy_bytes(from, size, file, copied, err);
    closed = fs_close(file, rc == 0 ? err : NULL);
    if (rc < 0)
        fs_remove(from->fs, to, NULL);
    return rc < 0 ? rc : closed;
}

/* Two file systems, a file system without links, or a file that has the maximum number of links. */
static bool cannot_be_linked(const struct strata_error *err)
{
    return err->sys == EXDEV || err->sys == EPERM || err->sys == EMLINK || err->sys == ENOSYS ||
           err->sys == EOPNOTSUPP;
}

static int copy_file(struct strata_fs *fs, const char *from, uint64_t size, const char *to,
                     const struct fs_copied *copied, struct strata_error *err)
{
    struct fs_file *file;
    int rc = fs_open(fs, from, FS_READ, &file, err);

    if (rc < 0)
        return rc;
    rc = fs_copy(file, size == FS_WHOLE ? file->end : size, to, copied, err);
    fs_close(file, NULL); /* it was only read */
    return rc;
}

int fs_link_or_copy(struct strata_fs *fs, const char *from, uint64_t size, const char *to,
                    const struct fs_copied *copied, struct strata_error *err)
{
    struct strata_error why = {0};
    int rc = fs_link(fs, from, to, &why);

    if (rc == STRATA_ERR_IO && cannot_be_linked(&why))
        return copy_file(fs, from, size, to, copied, err);
    if (rc < 0 && err)
        *err = why;
    return rc;
}
