/* fs_fake.c: see fs_fake.h. */
#include "test.h"

#include "fs_fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void note(struct fs_fake *fake, const char *format,
                                                       ...)
{
    size_t used = strlen(fake->log);
    va_list args;
    va_start(args, format);
    vsnprintf(fake->log + used, sizeof fake->log - used, format, args);
    va_end(args);
}

/* What a raw call is to return instead of working; 0: let it work. */
static int trouble(struct strata_fs *fs, enum fs_call call)
{
    struct fs_fake *fake = (struct fs_fake *)fs;
    if (fake->interrupted < fake->interrupts) {
        fake->interrupted++;
        return -EINTR;
    }
    fake->interrupted = 0;
    if (fake->fails != call || !fake->fails_with || fake->fails_after-- > 0)
        return 0;
    fake->fails_after = 0;
    return -fake->fails_with;
}

static int new_file(struct strata_fs *fs, struct fs_file **out)
{
    *out = calloc(1, sizeof **out);
    ((struct fs_fake *)fs)->open_files++;
    return *out ? 0 : -ENOMEM;
}

static int fake_open(struct strata_fs *fs, const char *path, unsigned flags, struct fs_file **out)
{
    struct fs_fake *fake = (struct fs_fake *)fs;
    int rc = trouble(fs, FS_CALL_OPEN);
    if (rc < 0)
        return rc;
    note(fake, "open %s|", path);
    if (flags & FS_TRUNCATE)
        fake->size = 0;
    return new_file(fs, out);
}

static size_t moved(const struct fs_fake *fake, size_t size)
{
    return fake->at_most && size > fake->at_most ? fake->at_most : size;
}

static ssize_t fake_read_at(struct fs_file *file, uint64_t offset, void *to, size_t size)
{
    struct fs_fake *fake = (struct fs_fake *)file->fs;
    int rc = trouble(file->fs, FS_CALL_READ);
    if (rc < 0 || offset >= fake->size)
        return rc;
    if (size > fake->size - offset)
        size = fake->size - offset;
    size = moved(fake, size);
    memcpy(to, fake->bytes + offset, size);
    return (ssize_t)size;
}

static ssize_t put_bytes(struct fs_fake *fake, uint64_t offset, const void *from, size_t size)
{
    memcpy(fake->bytes + offset, from, size);
    if (offset + size > fake->size)
        fake->size = offset + size;
    return (ssize_t)size;
}

static ssize_t fake_append(struct fs_file *file, const struct strata_slice *parts, size_t count)
{
    struct fs_fake *fake = (struct fs_fake *)file->fs;
    uint8_t all[256];
    size_t size = 0;
    int rc = trouble(file->fs, FS_CALL_APPEND);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        memcpy(all + size, parts[i].data ? (const void *)parts[i].data : "", parts[i].size);
        size += parts[i].size;
    }
    size = moved(fake, size);
    note(fake, "append %zu|", size);
    return put_bytes(fake, file->end, all, size);
}

static ssize_t fake_write_at(struct fs_file *file, uint64_t offset, const void *from, size_t size)
{
    struct fs_fake *fake = (struct fs_fake *)file->fs;
    int rc = trouble(file->fs, FS_CALL_WRITE);
    return rc < 0 ? rc : put_bytes(fake, offset, from, moved(fake, size));
}

static int fake_sync(struct fs_file *file)
{
    int rc = trouble(file->fs, FS_CALL_SYNC);
    if (rc == 0)
        note((struct fs_fake *)file->fs, "sync|");
    return rc;
}

static int resize(struct fs_file *file, enum fs_call call, uint64_t size)
{
    int rc = trouble(file->fs, call);
    if (rc == 0)
        ((struct fs_fake *)file->fs)->size = (size_t)size;
    return rc;
}

static int fake_truncate(struct fs_file *file, uint64_t size)
{
    return resize(file, FS_CALL_TRUNCATE, size);
}

static int fake_allocate(struct fs_file *file, uint64_t size)
{
    return resize(file, FS_CALL_ALLOCATE, size);
}

static int fake_size(struct fs_file *file, uint64_t *size)
{
    *size = ((struct fs_fake *)file->fs)->size;
    return trouble(file->fs, FS_CALL_SIZE);
}

static int fake_close(struct fs_file *file)
{
    struct fs_fake *fake = (struct fs_fake *)file->fs;
    int rc = trouble(file->fs, FS_CALL_CLOSE);
    note(fake, "close|");
    fake->open_files--;
    fake->interrupted = 0; /* a close is not to be tried again */
    free(file);
    return rc;
}

static int name_call(struct strata_fs *fs, enum fs_call call, const char *path, const char *to)
{
    int rc = trouble(fs, call);
    if (rc == 0)
        note((struct fs_fake *)fs, "%s %s%s%s|", fs_call_name(call), path, to ? " " : "",
             to ? to : "");
    return rc;
}

static int fake_rename(struct strata_fs *fs, const char *from, const char *to)
{
    return name_call(fs, FS_CALL_RENAME, from, to);
}

static int fake_link(struct strata_fs *fs, const char *from, const char *to)
{
    return name_call(fs, FS_CALL_LINK, from, to);
}

static int fake_remove(struct strata_fs *fs, const char *path)
{
    return name_call(fs, FS_CALL_REMOVE, path, NULL);
}

static int fake_mkdir(struct strata_fs *fs, const char *path)
{
    return name_call(fs, FS_CALL_MKDIR, path, NULL);
}

static int fake_sync_dir(struct strata_fs *fs, const char *path)
{
    return name_call(fs, FS_CALL_SYNC_DIR, path, NULL);
}

/* Interrupted after some names were told already. */
static int fake_list(struct strata_fs *fs, const char *path, struct fs_names *names)
{
    (void)path;
    if (fs_names_add(names, "b") < 0 || fs_names_add(names, "c") < 0 ||
        fs_names_add(names, "a") < 0)
        return -ENOMEM;
    return trouble(fs, FS_CALL_LIST);
}

static int fake_lock(struct strata_fs *fs, const char *path, enum fs_lock kind,
                     struct fs_file **out)
{
    int rc = trouble(fs, FS_CALL_LOCK);
    (void)path;
    (void)kind;
    return rc < 0 ? rc : new_file(fs, out);
}

static uint64_t fake_now(struct strata_fs *fs)
{
    (void)fs;
    return 42;
}

static void fake_free(struct strata_fs *fs)
{
    ((struct fs_fake *)fs)->open_files = -1;
}

const struct fs_ops fs_fake_ops = {
    .name = "fake",
    .open = fake_open,
    .read_at = fake_read_at,
    .append = fake_append,
    .write_at = fake_write_at,
    .sync = fake_sync,
    .truncate = fake_truncate,
    .allocate = fake_allocate,
    .size = fake_size,
    .close = fake_close,
    .rename = fake_rename,
    .link = fake_link,
    .remove = fake_remove,
    .mkdir = fake_mkdir,
    .list = fake_list,
    .sync_dir = fake_sync_dir,
    .lock = fake_lock,
    .now = fake_now,
    .random = fake_now,
    .free = fake_free,
};

struct fs_fake fs_fake_new(void)
{
    struct fs_fake fake = {.base.ops = &fs_fake_ops, .bytes = "0123456789", .size = 10};
    return fake;
}

struct fs_file *fs_fake_open(struct fs_fake *fake)
{
    struct strata_error err;
    struct fs_file *file;
    assert_ok(fs_open(&fake->base, "dir/file", FS_WRITE, &file, &err), &err);
    fake->log[0] = '\0';
    return file;
}

void fs_fake_close(struct fs_file *file)
{
    struct fs_fake *fake = (struct fs_fake *)file->fs;
    assert_int_equal(fs_close(file, NULL), 0);
    assert_int_equal(fake->open_files, 0);
}

struct strata_slice fs_fake_bytes(const struct fs_fake *fake)
{
    return strata_bytes(fake->bytes, fake->size);
}

uint64_t fs_fake_calls(const struct fs_fake *fake, enum fs_call call)
{
    return fake->base.calls[call];
}
