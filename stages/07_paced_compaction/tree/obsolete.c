/* obsolete.c: see obsolete.h.
 *
 * 7.I26: a table is cut only when it is referred to here alone: no version has it, so no reader
 * will; a log when no backup is being made, which has it open. 7.I27: a file that has another name,
 * of a backup by hard links say, is not cut, but removed at once. A crash leaves files that no edit
 * names, cut or not: the next open removes them. */
#include "obsolete.h"
#include "base/array.h"

#include <assert.h>
#include <stdlib.h>

#define FILES 16 /* removed at a time, at most: each may be a wait for the device */

void obsolete_add(struct obsolete_files *obsolete, const struct strata_env *env, char *path,
                  uint64_t bytes, struct sstable *table)
{
    struct obsolete_file *file = NULL;

    if (path)
        file = array_add(&obsolete->files, &obsolete->count, &obsolete->room, sizeof *file, NULL);
    if (!file) {
        strata_env_log(env, STRATA_LOG_WARNING,
                       "%s: an obsolete file is left to the next open, as memory is short",
                       path ? path : env->dir);
        free(path);
        return;
    }
    *file = (struct obsolete_file){path, bytes, table};
    obsolete->bytes += bytes;
    if (table)
        sstable_ref(table);
}

/* 7.I26. */
static bool is_read(const struct obsolete_files *obsolete, const struct obsolete_file *file)
{
    if (!file->table)
        return atomic_load_explicit(&obsolete->log_readers, memory_order_acquire) > 0;
    return atomic_load_explicit(&file->table->refs, memory_order_acquire) > 1;
}

/* Cuts bytes off its end. < 0: it cannot be cut (7.I27). */
static int cut(const struct obsolete_file *f, struct strata_fs *fs, uint64_t bytes)
{
    struct fs_file *file;
    uint64_t links;
    int rc = fs_open(fs, f->path, FS_WRITE, &file, NULL);

    assert(bytes < f->bytes);
    if (rc < 0)
        return rc;
    rc = fs_links(file, &links, NULL);
    if (rc == 0)
        rc = links == 1 ? fs_truncate(file, f->bytes - bytes, NULL) : STRATA_ERR_INVALID;
    fs_close(file, NULL);
    return rc;
}

/* It is removed, or left to the next open. */
static void forget(struct obsolete_files *obsolete, size_t at)
{
    struct obsolete_file *f = &obsolete->files[at];

    assert(obsolete->bytes >= f->bytes);
    obsolete->bytes -= f->bytes;
    sstable_unref(f->table);
    free(f->path);
    *f = obsolete->files[--obsolete->count]; /* in any order: there may be many */
}

static bool remove_some(struct obsolete_files *obsolete, struct strata_fs *fs, uint64_t *bytes,
                        uint64_t least)
{
    bool went = false;

    for (size_t at = 0; *bytes && at < obsolete->count;) {
        struct obsolete_file *f = &obsolete->files[at];
        if (is_read(obsolete, f)) {
            at++;
            continue;
        }
        went = true;
        if (f->bytes > *bytes && cut(f, fs, *bytes) == 0) {
            f->bytes -= *bytes;
            obsolete->bytes -= *bytes;
            *bytes = 0;
        } else {
            uint64_t went_by = f->bytes > least ? f->bytes : least;
            *bytes -= went_by < *bytes ? went_by : *bytes;
            fs_remove(fs, f->path, NULL);
            forget(obsolete, at);
        }
    }
    return went;
}

bool obsolete_remove(struct obsolete_files *obsolete, struct strata_fs *fs, uint64_t bytes)
{
    uint64_t least = bytes == UINT64_MAX ? 0 : bytes / FILES;
    bool went = false, again = true;

    if (!bytes || (obsolete->stay && obsolete->stay(obsolete->arg)))
        return false;
    while (again) {
        again = remove_some(obsolete, fs, &bytes, least);
        went |= again;
        again = again && obsolete->more && obsolete->more(obsolete->arg);
    }
    return went;
}

void obsolete_free(struct obsolete_files *obsolete, struct strata_fs *fs)
{
    obsolete_remove(obsolete, fs, UINT64_MAX);
    while (obsolete->count)
        forget(obsolete, obsolete->count - 1);
    free(obsolete->files);
    obsolete->files = NULL;
    obsolete->room = 0;
}
