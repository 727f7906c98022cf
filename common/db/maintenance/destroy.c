/* destroy.c: removes a database, and nothing else.
 *
 *   LOCK taken, marker read   refused unless there is a database, or what is left of one; or while
 *                             there are readers (lease.c)
 *   STRATA = filling          <- the commit: from here on nobody can open it
 *   its files removed         a crash leaves any of them; the next call continues here
 *   directory synced
 *   STRATA removed            from here on there is no database
 *   directory synced
 *   LOCK removed
 * I1: a file is removed only if its name and its first bytes belong to the stage that wrote the
 *     directory.
 * I2: no data file is durable when the marker is not: data without a marker would be damage. */
#include "db/db.h"
#include "fs/fs_posix.h"
#include "fs/lock.h"
#include "db/marker.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC 8 /* bytes */
#define TMP ".tmp"

struct removal {
    struct strata_fs *fs;
    const char *dir;
    const struct strata_engine *engine;
    void (*left)(void *arg, const char *name);
    void *arg;
};

/* ---- Which files are its own ----------------------------------------------------------- */

/* A directory, a pipe, or a link to nothing: by fs_open's error. */
static bool is_no_file(const struct strata_error *err)
{
    return err->sys == EISDIR || err->sys == EINVAL || err->sys == ENOENT || err->sys == ELOOP;
}

/* Does the file begin with the magic of that format? Of a file that a crash cut short the bytes
 * that exist must fit; zeros fit, too: room allocated ahead. */
static int begins_as(struct removal *removal, const char *path, const char *magic, bool *is,
                     struct strata_error *err)
{
    static const uint8_t zeros[MAGIC];
    uint8_t bytes[MAGIC];
    struct strata_error why = {0};
    struct fs_file *file;
    size_t got = 0;
    int rc = fs_open(removal->fs, path, FS_READ, &file, &why);

    if (rc == STRATA_ERR_IO && is_no_file(&why))
        return 0;
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    rc = fs_read_at(file, 0, bytes, MAGIC, &got, err);
    fs_close(file, NULL);
    *is = memcmp(bytes, magic, got) == 0 || memcmp(bytes, zeros, got) == 0;
    return rc;
}

/* "000004.table.tmp" is named as "000004.table" is, and "EVENTS.old" as "EVENTS". */
static bool fits(const char *glob, const char *name)
{
    static const char *const behind[] = {"", TMP, ".old"};
    size_t size = strlen(name);
    char stem[64];

    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
        size_t more = strlen(behind[i]);
        if (size < more || size - more >= sizeof stem || strcmp(name + size - more, behind[i]) != 0)
            continue;
        memcpy(stem, name, size - more);
        stem[size - more] = '\0';
        if (fnmatch(glob, stem, 0) == 0)
            return true;
    }
    return false;
}

/* Marker and lock are removed apart. */
static bool is_commons(const char *name)
{
    return strcmp(name, MARKER_NAME) == 0 || strcmp(name, LOCK_NAME) == 0;
}

/* I1. A file that cannot be read is an error: it may belong to the database, and must not stay
 * without a marker. */
static int is_own(struct removal *removal, const char *name, const char *path, bool *is,
                  struct strata_error *err)
{
    int rc = 0;

    *is = strcmp(name, MARKER_NAME TMP) == 0;
    for (const struct strata_format *const *f = removal->engine->formats;
         rc == 0 && !*is && f && *f; f++)
        if (fits((*f)->glob, name))
            rc = begins_as(removal, path, (*f)->magic, is, err);
    return rc;
}

/* ---- Removing --------------------------------------------------------------------------- */

static int remove_name(struct removal *removal, const char *name, bool only_own,
                       struct strata_error *err)
{
    char *path = fs_join(removal->dir, name);
    bool is = true;
    int rc = 0;

    if (!path)
        return strata_fail_memory(err, strlen(removal->dir) + strlen(name) + 2);
    if (only_own)
        rc = is_own(removal, name, path, &is, err);
    if (rc == 0 && is)
        rc = fs_remove(removal->fs, path, err);
    else if (rc == 0 && removal->left)
        removal->left(removal->arg, name);
    free(path);
    return rc;
}

static int remove_data(struct removal *removal, struct strata_error *err)
{
    struct fs_names names;
    int rc = fs_list(removal->fs, removal->dir, &names, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < names.count; i++)
        if (!is_commons(names.names[i]))
            rc = remove_name(removal, names.names[i], true, err);
    fs_names_free(&names);
    return rc < 0 ? rc : fs_sync_dir(removal->fs, removal->dir, err); /* I2 */
}

/* The database is locked. */
static int remove_all(struct removal *removal, const struct marker *marker,
                      struct strata_error *err)
{
    const struct marker gone = {marker->stage, marker->format, MARKER_FILLING};
    int rc = marker_write(removal->fs, removal->dir, &gone, true, err);

    if (rc == 0)
        rc = remove_data(removal, err);
    if (rc == 0)
        rc = remove_name(removal, MARKER_NAME, false, err);
    if (rc == 0)
        rc = fs_sync_dir(removal->fs, removal->dir, err);
    return rc < 0 ? rc : remove_name(removal, LOCK_NAME, false, err);
}

static int read_marker(struct removal *removal, struct marker *marker, struct strata_error *err)
{
    int rc = marker_read(removal->fs, removal->dir, marker, err);

    if (rc == STRATA_NOT_FOUND)
        return strata_fail(err, STRATA_ERR_ABSENT, removal->dir, STRATA_NO_OFFSET,
                           "there is no database: no marker " MARKER_NAME);
    return rc < 0 ? rc : db_marked_engine(removal->dir, marker, true, &removal->engine, err);
}

/* The marker is read before the lock, which would leave a file in a foreign directory, and again
 * under it. */
static int lock_and_remove(struct removal *removal, struct strata_error *err)
{
    char *path = fs_join(removal->dir, LOCK_NAME);
    struct fs_file *lock, *alone = NULL;
    struct marker marker;
    int rc;

    if (!path)
        return strata_fail_memory(err, strlen(removal->dir) + sizeof LOCK_NAME + 1);
    rc = read_marker(removal, &marker, err);
    if (rc == 0)
        rc = fs_lock(removal->fs, path, FS_LOCK_EXCLUSIVE, &lock, err);
    free(path);
    if (rc < 0)
        return rc;
    rc = read_marker(removal, &marker, err);
    if (rc == 0)
        rc = db_refuse_leases(removal->fs, removal->dir, &alone, err);
    if (rc == 0)
        rc = remove_all(removal, &marker, err);
    fs_close(alone, NULL);
    fs_close(lock, NULL); /* nothing was written to it */
    return rc;
}

int strata_destroy(const char *dir, const struct strata_options *options,
                   void (*left)(void *arg, const char *name), void *arg, struct strata_error *err)
{
    struct removal removal = {.dir = dir, .left = left, .arg = arg};
    struct strata taken = {0}; /* for its options alone */
    int rc;

    if (!dir || !*dir)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "strata_destroy: the directory is NULL");
    rc = db_take_options(&taken, options, err);
    if (rc == 0)
        rc = db_asked_engine(&taken.options, &removal.engine, err);
    if (rc < 0)
        return rc;
    lock_forks();
    removal.fs = taken.options.fs ? taken.options.fs : fs_posix_new();
    if (!removal.fs)
        return strata_fail_memory(err, sizeof *removal.fs);
    rc = lock_and_remove(&removal, err);
    if (!taken.options.fs)
        fs_free(removal.fs);
    return rc;
}
