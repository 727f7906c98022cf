/* fs_names.c: the wrappers around the calls of struct fs_ops on names and directories. */
#define FS_NO_SITES
#include "fs/fs_inside.h"
#include "base/array.h"
#include "strata_engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int raw_name_call(struct strata_fs *fs, enum fs_call call, const char *path, const char *to)
{
    switch (call) {
    case FS_CALL_RENAME:
        return fs->ops->rename(fs, path, to);
    case FS_CALL_LINK:
        return fs->ops->link(fs, path, to);
    case FS_CALL_REMOVE:
        return fs->ops->remove(fs, path);
    default:
        return fs->ops->mkdir(fs, path);
    }
}

/* A call on one or two names, repeated while it is interrupted. */
static int name_call(struct strata_fs *fs, enum fs_call call, const char *path, const char *to,
                     struct strata_error *err)
{
    int rc;
    do {
        fs_count(fs, call);
        rc = raw_name_call(fs, call, path, to);
    } while (rc == -EINTR);
    return rc < 0 ? fs_refused(err, -rc, path, STRATA_NO_OFFSET, fs_call_name(call)) : 0;
}

int fs_rename(struct strata_fs *fs, const char *from, const char *to, struct strata_error *err)
{
    return name_call(fs, FS_CALL_RENAME, from, to, err);
}

int fs_link(struct strata_fs *fs, const char *from, const char *to, struct strata_error *err)
{
    return name_call(fs, FS_CALL_LINK, from, to, err);
}

int fs_remove(struct strata_fs *fs, const char *path, struct strata_error *err)
{
    return name_call(fs, FS_CALL_REMOVE, path, NULL, err);
}

int fs_mkdir(struct strata_fs *fs, const char *path, struct strata_error *err)
{
    return name_call(fs, FS_CALL_MKDIR, path, NULL, err);
}

/* Never STRATA_ERR_NO_MEMORY, which means "nothing changed": the directory has changed already, and
 * it is not known whether the change is durable. */
int fs_sync_dir(struct strata_fs *fs, const char *path, struct strata_error *err)
{
    int rc;
    do {
        fs_count(fs, FS_CALL_SYNC_DIR);
        rc = fs->ops->sync_dir(fs, path);
    } while (rc == -EINTR);
    return rc < 0 ? strata_fail_sys(err, -rc, path, STRATA_NO_OFFSET, "sync_dir") : 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int fs_list(struct strata_fs *fs, const char *path, struct fs_names *names,
            struct strata_error *err)
{
    int rc;
    *names = (struct fs_names){0};
    do {
        fs_names_free(names);
        fs_count(fs, FS_CALL_LIST);
        rc = fs->ops->list(fs, path, names);
    } while (rc == -EINTR);
    if (rc < 0) {
        fs_names_free(names);
        return fs_refused(err, -rc, path, STRATA_NO_OFFSET, "list");
    }
    if (names->count)
        qsort(names->names, names->count, sizeof *names->names, compare_names);
    return 0;
}

int fs_names_add(struct fs_names *names, const char *name)
{
    char *copy = strdup(name), **to;

    to = copy ? array_add(&names->names, &names->count, &names->capacity, sizeof *to, NULL) : NULL;
    if (!to) {
        free(copy);
        return -ENOMEM;
    }
    *to = copy;
    return 0;
}

void fs_names_free(struct fs_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    *names = (struct fs_names){0};
}
