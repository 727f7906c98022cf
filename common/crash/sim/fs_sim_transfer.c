/* fs_sim_transfer.c: trees between a simulated file system and another, through the other's
 * wrappers (fs.h). */
#include "crash/sim/fs_sim.h"
#include "strata_engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COPY_BYTES_MAX ((size_t)1 << 32)

static int read_in_file(struct strata_fs *fs, const char *to, struct strata_fs *from,
                        const char *path, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    int rc = fs_read_file(from, path, COPY_BYTES_MAX, &bytes, err), raw;

    if (rc == 0) {
        raw = fs_sim_put(fs, to, strata_buffer_slice(&bytes));
        rc = raw < 0 ? strata_fail_sys(err, -raw, to, STRATA_NO_OFFSET, "put") : 0;
    }
    strata_buffer_free(&bytes);
    return rc;
}

static int make_path(struct strata_fs *fs, const char *path, struct strata_error *err)
{
    int rc = fs_sim_put_directory(fs, path);
    return rc < 0 ? strata_fail_sys(err, -rc, path, STRATA_NO_OFFSET, "mkdir") : 0;
}

/* What is at `path` is copied as a directory if it can be listed, else as a file. */
static int read_in(struct strata_fs *fs, const char *to, struct strata_fs *from, const char *path,
                   struct strata_error *err)
{
    struct fs_names names;
    struct strata_error why = {0};
    int rc = fs_list(from, path, &names, &why);

    if (rc < 0 && why.sys == ENOTDIR)
        return read_in_file(fs, to, from, path, err);
    if (rc < 0 && err)
        *err = why;
    if (rc == 0)
        rc = make_path(fs, to, err);
    for (size_t i = 0; i < names.count && rc == 0; i++) {
        char *name_to = fs_join(to, names.names[i]), *name = fs_join(path, names.names[i]);
        rc = name_to && name ? read_in(fs, name_to, from, name, err)
                             : strata_fail_memory(err, strlen(path));
        free(name);
        free(name_to);
    }
    fs_names_free(&names);
    return rc;
}

int fs_sim_read_in(struct strata_fs *fs, const char *to, struct strata_fs *from, const char *dir,
                   struct strata_error *err)
{
    struct fs_names names;
    int rc = fs_list(from, dir, &names, err); /* a directory, not a file */

    fs_names_free(&names);
    return rc < 0 ? rc : read_in(fs, to, from, dir, err);
}

static int write_out_file(struct strata_fs *to, const char *path, struct strata_slice bytes,
                          struct strata_error *err)
{
    struct fs_file *file;
    int rc = fs_open(to, path, FS_WRITE | FS_CREATE | FS_TRUNCATE, &file, err), closed;

    if (rc < 0)
        return rc;
    rc = fs_append(file, &bytes, 1, err);
    closed = fs_close(file, rc == 0 ? err : NULL);
    return rc < 0 ? rc : closed;
}

static int write_out_directory(struct strata_fs *to, const char *path, struct strata_error *err)
{
    struct strata_error why = {0};
    int rc = fs_mkdir(to, path, &why);

    if (rc < 0 && why.sys == EEXIST)
        return 0;
    if (rc < 0 && err)
        *err = why;
    return rc;
}

/* One entry of fs_sim_paths, below `from`, goes below `dir`. */
static int write_out(struct strata_fs *fs, const char *from, const char *name, struct strata_fs *to,
                     const char *dir, struct strata_error *err)
{
    char *path = fs_join(from, name), *target = fs_join(dir, name);
    struct strata_buffer bytes = {0};
    int rc;

    if (!path || !target)
        rc = strata_fail_memory(err, strlen(name));
    else if (name[strlen(name) - 1] == '/')
        rc = write_out_directory(to, target, err);
    else if ((rc = fs_sim_get(fs, path, &bytes)) < 0)
        rc = strata_fail_sys(err, -rc, path, STRATA_NO_OFFSET, "get");
    else
        rc = write_out_file(to, target, strata_buffer_slice(&bytes), err);
    strata_buffer_free(&bytes);
    free(target);
    free(path);
    return rc;
}

int fs_sim_write_out(struct strata_fs *fs, const char *from, struct strata_fs *to, const char *dir,
                     struct strata_error *err)
{
    struct fs_names paths;
    int rc = fs_sim_paths(fs, from, &paths);

    rc = rc < 0 ? strata_fail_sys(err, -rc, from, STRATA_NO_OFFSET, "list")
                : write_out_directory(to, dir, err);
    for (size_t i = 0; i < paths.count && rc == 0; i++)
        rc = write_out(fs, from, paths.names[i], to, dir, err);
    fs_names_free(&paths);
    return rc;
}
