/* fs_pool.h: files that are opened when they are read. A process may have some hundred files open,
 * and a database may have thousands; so the reader opens a file, and the file stays open until its
 * descriptor is needed for another one (LevelDB: max_open_files; RocksDB: its table cache). */
#ifndef STRATA_COMMON_FS_POOL_H
#define STRATA_COMMON_FS_POOL_H

#include "fs/fs.h"

/* One file. With `pool` and `path` set and the rest zero it is a valid closed file. It may also
 * begin with an open `file`, which the pool does not close before fs_pooled_retire. */
struct fs_pooled {
    struct fs_pool *pool;
    const char *path;             /* borrowed; fs_pooled_rename changes it */
    struct fs_file *_Atomic file; /* NULL: not open now; readers call fs_pooled_use */
    _Atomic unsigned users;       /* readers that keep the file open */
    _Atomic bool recent;          /* read since the clock's hand passed */
    bool listed;                  /* open, and the pool may close it */
    size_t slot;                  /* in the list, if it is listed */
};

/* A quarter of the files that the process may have open, at least 8. NO_MEMORY. Ended by
 * fs_pool_del, when no file of it is left. */
int fs_pool_new(struct strata_fs *fs, struct fs_pool **out, struct strata_error *err);
void fs_pool_del(struct fs_pool *pool);

/* Opens the file, if it is not open, and keeps it so until fs_pooled_done: in between f->file may
 * be read. Costs two atomic additions when it is open. IO (EMFILE among others), NO_MEMORY; then
 * fs_pooled_done must not be called. Any thread. */
int fs_pooled_use(const struct fs_pooled *f, struct strata_error *err);
void fs_pooled_done(const struct fs_pooled *f);
/* As fs_read_exactly, with the file in use meanwhile. */
int fs_pooled_read(const struct fs_pooled *f, uint64_t offset, void *to, size_t size,
                   struct strata_error *err);

/* The file has this name now. */
void fs_pooled_rename(struct fs_pooled *f, const char *path);
/* The file is about to lose its name: it is opened and stays open. IO, NO_MEMORY. */
int fs_pooled_hold(struct fs_pooled *f, struct strata_error *err);
/* The open file is complete, nothing more is written to it: it is closed, and opened again by the
 * next reader. */
int fs_pooled_retire(struct fs_pooled *f, struct strata_error *err);
/* Closes it for good; it has no users. */
int fs_pooled_close(struct fs_pooled *f, struct strata_error *err);

#endif
