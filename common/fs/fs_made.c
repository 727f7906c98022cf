/* fs_made.c: functions built on the calls of the file layer. See fs.h. A call made here counts as a
 * call at the caller's site. */
#define FS_NO_SITES
#include "base/bytes.h"
#include "fs/fs.h"
#include "strata_engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *fs_join(const char *dir, const char *name)
{
    size_t dir_size = strlen(dir), name_size = strlen(name);
    char *path = malloc(dir_size + name_size + 2);

    if (!path)
        return NULL;
    memcpy(path, dir, dir_size);
    path[dir_size] = '/';
    memcpy(path + dir_size + 1, name, name_size + 1);
    return path;
}

char *fs_join_number(const char *dir, uint64_t number, const char *suffix)
{
    char name[64];
    snprintf(name, sizeof name, "%06" PRIu64 "%s", number, suffix);
    return fs_join(dir, name);
}

bool fs_is_name(const char *name, uint64_t number, const char *suffix)
{
    char again[64];

    if (!strstr(name, suffix)) /* as a rule, and for a tenth of the cost */
        return false;
    snprintf(again, sizeof again, "%06" PRIu64 "%s", number, suffix);
    return strcmp(again, name) == 0;
}

char *fs_parent(const char *path)
{
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/')
        size--;
    while (size && path[size - 1] != '/')
        size--;
    while (size > 1 && path[size - 1] == '/')
        size--;
    return size ? strndup(path, size) : strdup(".");
}

int fs_read_file(struct strata_fs *fs, const char *path, size_t max, struct strata_buffer *to,
                 struct strata_error *err)
{
    struct fs_file *file;
    size_t got = 0;
    int rc;

    strata_buffer_clear(to);
    rc = fs_open(fs, path, FS_READ, &file, err);
    if (rc < 0)
        return rc;
    if (file->end > max) {
        rc = strata_fail(err, STRATA_ERR_CORRUPT, path, max,
                         "the file goes on after %zu bytes, the most it can have", max);
    } else if (buffer_reserve(to, (size_t)file->end) < 0) {
        rc = strata_fail_memory(err, (size_t)file->end);
    } else {
        rc = fs_read_at(file, 0, to->data, (size_t)file->end, &got, err);
        to->size = got;
    }
    fs_close(file, NULL);
    return rc;
}

int fs_open_named(struct strata_fs *fs, const char *path, unsigned flags, const char *missing,
                  struct fs_file **out, struct strata_error *err)
{
    struct strata_error why;
    int rc = fs_open(fs, path, flags, out, &why);

    if (rc == STRATA_ERR_IO && why.sys == ENOENT)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, STRATA_NO_OFFSET, "%s", missing);
    return strata_fail_with(rc, &why, err);
}

int fs_open_in(struct strata_fs *fs, const char *dir, const char *name, unsigned flags,
               struct fs_file **out, struct strata_error *err)
{
    char *path = fs_join(dir, name);
    int rc;

    *out = NULL;
    rc = path ? fs_open(fs, path, flags, out, err) : strata_fail_memory(err, strlen(dir));
    free(path);
    return rc;
}

int fs_read_in(struct strata_fs *fs, const char *dir, const char *name, size_t max,
               struct strata_buffer *to, struct strata_error *err)
{
    char *path = fs_join(dir, name);
    int rc = path ? fs_read_file(fs, path, max, to, err) : strata_fail_memory(err, strlen(dir));

    free(path);
    return rc;
}

/* Writes a whole new file. */
static int write_file(struct strata_fs *fs, const char *path, struct strata_slice bytes,
                      bool durable, struct strata_error *err)
{
    struct fs_file *file;
    int rc = fs_open(fs, path, FS_WRITE | FS_CREATE | FS_TRUNCATE, &file, err), closed;
    if (rc < 0)
        return rc;
    rc = fs_append(file, &bytes, 1, err);
    if (rc == 0 && durable)
        rc = fs_sync(file, err);
    closed = fs_close(file, rc == 0 ? err : NULL);
    return rc < 0 ? rc : closed;
}

int fs_replace(struct strata_fs *fs, const char *dir, const char *name, struct strata_slice bytes,
               bool durable, struct strata_error *err)
{
    char *path = fs_join(dir, name), *temporary = path ? malloc(strlen(path) + 5) : NULL;
    int rc = 0;

    if (!temporary) {
        rc = strata_fail_memory(err, strlen(dir) + strlen(name) + 2);
        goto out;
    }
    sprintf(temporary, "%s.tmp", path);
    rc = write_file(fs, temporary, bytes, durable, err);
    if (rc == 0)
        rc = fs_rename(fs, temporary, path, err); /* the commit */
    if (rc == 0 && durable)
        rc = fs_sync_dir(fs, dir, err);
    if (rc < 0)
        fs_remove(fs, temporary, NULL); /* it may hold the last room there is */
out:
    free(temporary);
    free(path);
    return rc;
}

int fs_read_optional(const struct strata_env *env, const char *name, size_t max,
                     struct strata_buffer *to, struct strata_error *err)
{
    struct strata_error why = {0};
    int rc = fs_read_in(env->fs, env->dir, name, max, to, &why);

    if (rc != STRATA_ERR_IO && rc != STRATA_ERR_CORRUPT)
        return strata_fail_with(rc, &why, err);
    if (why.sys != ENOENT)
        strata_env_warn(env, &why, "%s is ignored", name);
    return STRATA_NOT_FOUND;
}

int fs_remove_if_there(struct strata_fs *fs, const char *dir, const char *name,
                       struct strata_error *err)
{
    char *path = fs_join(dir, name);
    struct strata_error why = {0};
    int rc = path ? fs_remove(fs, path, &why) : strata_fail_memory(&why, strlen(name));

    free(path);
    if (rc == STRATA_ERR_IO && why.sys == ENOENT)
        return 0;
    if (rc < 0 && err)
        *err = why;
    return rc;
}

int fs_remove_dead(struct strata_fs *fs, const char *dir,
                   bool (*is_dead)(const void *arg, const char *name), const void *arg,
                   struct strata_error *err)
{
    struct fs_names names;
    int rc = fs_list(fs, dir, &names, err);

    for (size_t i = 0; rc == 0 && i < names.count; i++)
        if (is_dead(arg, names.names[i]))
            rc = fs_remove_if_there(fs, dir, names.names[i], err);
    fs_names_free(&names);
    return rc;
}

int fs_read_exactly(struct fs_file *file, uint64_t offset, void *to, size_t size,
                    struct strata_error *err)
{
    size_t got;
    int rc = fs_read_at(file, offset, to, size, &got, err);

    if (rc == 0 && got < size)
        rc = strata_fail(err, STRATA_ERR_CORRUPT, file->path, offset + got,
                         "the file was cut short while it was open");
    return rc;
}

int fs_rewrite(struct fs_file *file, uint64_t from, uint64_t to, struct strata_error *err)
{
    enum { WINDOW = 65536 };
    uint8_t *window = from < to ? malloc(WINDOW) : NULL;
    int rc = 0;

    if (from < to && !window)
        return strata_fail_memory(err, WINDOW);
    while (from < to && rc == 0) {
        size_t size = to - from < WINDOW ? (size_t)(to - from) : WINDOW;
        rc = fs_read_exactly(file, from, window, size, err);
        if (rc == 0)
            rc = fs_write_at(file, from, window, size, err);
        from += size;
    }
    free(window);
    return rc;
}

int fs_zeros(struct fs_file *file, uint64_t from, bool *zeros, struct strata_error *err)
{
    enum { WINDOW = 65536 };
    uint8_t *window = malloc(WINDOW);
    int rc = window ? 0 : strata_fail_memory(err, WINDOW);
    size_t got = WINDOW, same = WINDOW;

    for (; rc == 0 && got == WINDOW && same == got; from += got) {
        rc = fs_read_at(file, from, window, WINDOW, &got, err);
        for (same = 0; same < got && window[same] == 0;)
            same++;
    }
    *zeros = rc == 0 && same == got;
    free(window);
    return rc;
}
