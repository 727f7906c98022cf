/* fs_pool.h: files that are opened when they are read. A process may have some hundred files open,
 * and a database may have thousands; so a file is opened by who reads it, and stays open until
 * others need the descriptor more (LevelDB: max_open_files; RocksDB: its table cache). */
#ifndef STRATA_COMMON_FS_POOL_H
#define STRATA_COMMON_FS_POOL_H

#include "fs/fs.h"

/* One file. All zero but `pool` and `path` is a valid closed one; it may also begin with an open
 * `file`, which then is not the pool's to close until fs_pooled_retire. */
struct fs_pooled {
    struct fs_pool *pool;
    const char *path;             /* borrowed; fs_pooled_rename changes it */
    struct fs_file *_Atomic file; /* NULL: not open at the moment; readers go by fs_pooled_use */
    _Atomic unsigned users;       /* who keep the file open */
    _Atomic bool recent;          /* read since the clock's hand came by */
    bool listed;                  /* open, and the pool may close it */
    size_t slot;                  /* in the list, if it is listed */
};

/* A quarter of the files that the process may have open, at least 8. NO_MEMORY. Ended by
 * fs_pool_del, when no file of it is left. */
int fs_pool_new(struct strata_fs *fs, struct fs_pool **out, struct strata_error *err);
void fs_pool_del(struct fs_pool *pool);

/* Opens the file, if it is not open, and keeps it so until fs_pooled_done: in between f->file may
 * be read. Costs two atomic additions when it is open. IO (EMFILE among others), NO_MEMORY; then
 * there is nothing to be done with. Any thread. */
int fs_pooled_use(const struct fs_pooled *f, struct strata_error *err);
void fs_pooled_done(const struct fs_pooled *f);

/* The file has this name now. */
void fs_pooled_rename(struct fs_pooled *f, const char *path);
/* The file is about to lose its name: it is opened and stays open. IO, NO_MEMORY. */
int fs_pooled_hold(struct fs_pooled *f, struct strata_error *err);
/* The open file is written no more: it is closed, and opened again by who reads it. */
int fs_pooled_retire(struct fs_pooled *f, struct strata_error *err);
/* Closes it for good; nobody uses it. */
int fs_pooled_close(struct fs_pooled *f, struct strata_error *err);

#endif
