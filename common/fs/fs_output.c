/* fs_output.c: see fs_output.h. A call made here counts as a call at the caller's site. */
#define FS_NO_SITES
#include "fs/fs_output.h"
#include "base/bytes.h"
#include "strata_engine.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)64 << 10) /* bytes of one call */
#define WRITE_BACK 16            /* pieces that are written back together */

int fs_output_open(struct fs_output *out, struct strata_fs *fs, const char *dir, uint64_t number,
                   const char *suffix, struct strata_error *err)
{
    *out = (struct fs_output){.fs = fs, .piece_bytes = PIECE};
    out->path = fs_join_number(dir, number, suffix);
    out->temporary = out->path ? malloc(strlen(out->path) + sizeof ".tmp") : NULL;
    if (!out->temporary)
        return strata_fail_memory(err, strlen(dir) + 32);
    sprintf(out->temporary, "%s.tmp", out->path);
    return fs_open(fs, out->temporary, FS_WRITE | FS_CREATE | FS_TRUNCATE, &out->file, err);
}

int fs_output_flush(struct fs_output *out, struct strata_error *err)
{
    struct strata_slice bytes = strata_buffer_slice(&out->bytes);
    int rc = fs_append(out->file, &bytes, 1, err);

    if (rc < 0)
        return rc;
    strata_buffer_clear(&out->bytes);
    fs_write_back_since(out->file, &out->written_back, WRITE_BACK * out->piece_bytes);
    return 0;
}

/* Up to an offset that is a multiple of a call's bytes: what is written so, the system keeps in
 * pages as large as that, and finds again in less time. */
int fs_output_flush_due(struct fs_output *out, struct strata_error *err)
{
    size_t unit = out->piece_bytes, due = unit - (size_t)(out->file->end % unit);
    struct strata_slice rest;
    int rc;

    if (out->bytes.size < due)
        return 0;
    due += (out->bytes.size - due) / unit * unit;
    rest = slice_behind(strata_buffer_slice(&out->bytes), due);
    out->bytes.size = due;
    rc = fs_output_flush(out, err);
    if (rc < 0)
        return rc;
    memmove(out->bytes.data, rest.data, rest.size);
    out->bytes.size = rest.size;
    return 0;
}

int fs_output_publish(struct fs_output *out, struct strata_error *err)
{
    int rc;

    assert(out->bytes.size == 0 && !out->published);
    rc = fs_sync(out->file, err); /* before it has a name that counts */
    if (rc == 0) {
        rc = fs_close(out->file, err);
        out->file = NULL;
    }
    if (rc == 0)
        rc = fs_rename(out->fs, out->temporary, out->path, err);
    out->published = rc == 0;
    return rc;
}

void fs_output_close(struct fs_output *out, bool keep)
{
    fs_close(out->file, NULL);
    if (!keep && out->temporary) /* else, or if that fails, the next open removes it */
        fs_remove(out->fs, out->published ? out->path : out->temporary, NULL);
    strata_buffer_free(&out->bytes);
    free(out->temporary);
    free(out->path);
    *out = (struct fs_output){0};
}
