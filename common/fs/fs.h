/* fs.h: the file layer. Every system call that touches a file goes through one table, so that
 * the same engine runs on the real file system (fs_posix.h) and on a simulated one that records
 * calls, makes them fail and cuts the power (fs_sim.h).
 * There are two layers. An implementation fills struct fs_ops with raw calls that behave like the
 * system's: they may be short, be interrupted, or fail with -errno. fs.c wraps them: it alone
 * handles short reads, short writes and EINTR, adds file and offset to errors, and counts calls.
 *
 * I1: after a failed write, truncate, sync or close of a file, every further call that changes
 *     it fails (but see fs_cut_back). A failed sync is never tried again: the kernel may have
 *     dropped the pages and would report success (the lesson of "fsyncgate", 2018).
 * I2: a call either has its whole effect and returns 0, or returns < 0 with `err` filled.
 * I3: paths are handed through as given; names in a directory are never "." or "..".
 *
 * Threads: a strata_fs may be used by many; a fs_file by one at a time, but for fs_read_at.
 */
#ifndef STRATA_COMMON_FS_H
#define STRATA_COMMON_FS_H

#include "strata.h"

#include <stdatomic.h>
#include <sys/types.h>

enum fs_flags {
    FS_READ = 0, /* reading is always allowed */
    FS_WRITE = 1 << 0,
    FS_CREATE = 1 << 1,    /* make it if it is not there (with FS_WRITE) */
    FS_EXCLUSIVE = 1 << 2, /* with FS_CREATE: EEXIST if it is there */
    FS_TRUNCATE = 1 << 3,  /* drop what is in it (with FS_WRITE) */
    FS_AHEAD = 1 << 4,     /* make room ahead of appends: see fs_append */
    FS_MAPPED = 1 << 5 /* with FS_AHEAD: the implementation may store appends into that room by a
                        * mapping. No call to the system, then; but if the device cannot read a
                        * page back that it was given, or the file system has shut down after an
                        * error, the process gets SIGBUS, not an error */
};

enum fs_lock {
    FS_LOCK_SHARED,
    FS_LOCK_EXCLUSIVE, /* makes the file, if it is not there */
    FS_LOCK_ALONE      /* exclusive, too, of a file that is there */
};

struct fs_file {
    struct strata_fs *fs;
    char *path;       /* owned by fs.c */
    uint64_t end;     /* where the next append goes: the size at open, then kept by fs.c */
    uint64_t room;    /* the file may be this long, zeros from `end` on (FS_AHEAD); else 0 */
    int failed;       /* errno of the call that poisoned the file (I1), or 0 */
    uint64_t torn_at; /* an append that found no space failed, which began there; else UINT64_MAX */
    bool writable;
    bool ahead; /* FS_AHEAD, and allocation has not failed yet */
};

/* The names in a directory, sorted; freed by fs_names_free. */
struct fs_names {
    char **names;
    size_t count, capacity;
};

/* Raw calls: >= 0 or -errno. Paths and files as given to the wrappers below. */
struct fs_ops {
    const char *name;
    int (*open)(struct strata_fs *fs, const char *path, unsigned flags, struct fs_file **out);
    ssize_t (*read_at)(struct fs_file *file, uint64_t offset, void *to, size_t size);
    /* At file->end, one call for all parts. */
    ssize_t (*append)(struct fs_file *file, const struct strata_slice *parts, size_t count);
    ssize_t (*write_at)(struct fs_file *file, uint64_t offset, const void *from, size_t size);
    int (*sync)(struct fs_file *file);
    /* May be NULL: a hint. */
    void (*write_back)(struct fs_file *file, uint64_t offset, uint64_t size);
    int (*truncate)(struct fs_file *file, uint64_t size);
    int (*allocate)(struct fs_file *file, uint64_t size);
    int (*size)(struct fs_file *file, uint64_t *size);
    int (*links)(struct fs_file *file, uint64_t *count); /* may be NULL: not known */
    /* Both may be NULL: it maps nothing. */
    int (*map)(struct fs_file *file, uint64_t size, const uint8_t **bytes);
    void (*unmap)(struct strata_fs *fs, const uint8_t *bytes, uint64_t size);
    int (*close)(struct fs_file *file); /* frees the file, but not its path, whatever it returns */
    int (*rename)(struct strata_fs *fs, const char *from, const char *to);
    int (*link)(struct strata_fs *fs, const char *from, const char *to);
    int (*remove)(struct strata_fs *fs, const char *path);
    int (*mkdir)(struct strata_fs *fs, const char *path);
    int (*list)(struct strata_fs *fs, const char *path, struct fs_names *names);
    int (*sync_dir)(struct strata_fs *fs, const char *path);
    /* EWOULDBLOCK: someone else holds it. Closing the file gives the lock back. */
    int (*lock)(struct strata_fs *fs, const char *path, enum fs_lock kind, struct fs_file **out);
    uint64_t (*now)(struct strata_fs *fs);    /* nanoseconds, monotonic */
    uint64_t (*random)(struct strata_fs *fs); /* a number that cannot be guessed */
    uint64_t (*boot)(struct strata_fs *fs);   /* may be NULL: see fs_boot */
    void (*free)(struct strata_fs *fs);
    size_t (*open_max)(struct strata_fs *fs); /* may be NULL: see fs_open_max */
};

enum fs_call {
    FS_CALL_OPEN,
    FS_CALL_READ,
    FS_CALL_APPEND,
    FS_CALL_WRITE,
    FS_CALL_SYNC,
    FS_CALL_TRUNCATE,
    FS_CALL_ALLOCATE,
    FS_CALL_SIZE,
    FS_CALL_CLOSE,
    FS_CALL_RENAME,
    FS_CALL_LINK,
    FS_CALL_REMOVE,
    FS_CALL_MKDIR,
    FS_CALL_LIST,
    FS_CALL_SYNC_DIR,
    FS_CALL_LOCK,
    FS_CALL_MAP,
    FS_CALL_COUNT
};
const char *fs_call_name(enum fs_call call); /* "open", "read", ... */

/* First member of every implementation. */
struct strata_fs {
    const struct fs_ops *ops;
    _Atomic uint64_t calls[FS_CALL_COUNT]; /* raw calls made, failed ones too */
    _Atomic uint64_t bytes_read, bytes_written;
    uint64_t ahead; /* bytes of room that FS_AHEAD makes at a time; 0: none */
};

void fs_free(struct strata_fs *fs); /* ends one made by fs_posix_new or the like; NULL is fine */

/* ---- Files ----------------------------------------------------------------------------- */

/* Opens a regular file. `*out` is NULL on failure; a missing file is STRATA_ERR_IO with sys
 * ENOENT. Ended by fs_close. */
int fs_open(struct strata_fs *fs, const char *path, unsigned flags, struct fs_file **out,
            struct strata_error *err);
/* Reads up to `size` bytes; `*got` is less only where the file ends. */
int fs_read_at(struct fs_file *file, uint64_t offset, void *to, size_t size, size_t *got,
               struct strata_error *err);
/* Reads `size` bytes that were there when the caller measured the file. CORRUPT: it has become
 * shorter; IO. */
int fs_read_exactly(struct fs_file *file, uint64_t offset, void *to, size_t size,
                    struct strata_error *err);
/* Writes the parts one after another at file->end with one system call, unless the system takes
 * less, and moves file->end. No buffer is kept: when it returns 0 the kernel has every byte.
 * FS_AHEAD: the file is first made longer by zeros, many appends' worth at once: a sync then finds
 * the file's size unchanged, and need not write it too. A reader of the file, also after a crash,
 * finds zeros behind the appended bytes. If no room can be allocated (the disk is full, or the file
 * system cannot allocate), each append makes the file longer. */
int fs_append(struct fs_file *file, const struct strata_slice *parts, size_t count,
              struct strata_error *err);
/* Overwrites within or beyond the file; file->end moves when it grew. */
int fs_write_at(struct fs_file *file, uint64_t offset, const void *from, size_t size,
                struct strata_error *err);
int fs_sync(struct fs_file *file, struct strata_error *err); /* bytes and size on the device */
/* Asks the system to begin to write these bytes to the device, so that a later fs_sync has less to
 * wait for. A hint: it promises nothing, cannot fail and is not counted. */
void fs_write_back(struct fs_file *file, uint64_t offset, uint64_t size);
/* The same of what was appended since `*from`, which moves to the end; once it is `least` bytes. */
void fs_write_back_since(struct fs_file *file, uint64_t *from, uint64_t least);
int fs_truncate(struct fs_file *file, uint64_t size, struct strata_error *err); /* moves end */
/* After an append that failed for want of space (ENOSPC, EDQUOT): what there is of it is cut off,
 * on the device, so that it never comes back, and the file may be written to again. Of any other
 * file: 0 if it may be written to. IO. */
int fs_cut_back(struct fs_file *file, struct strata_error *err);
/* Frees the room behind file->end, and allocates none any more. */
int fs_trim(struct fs_file *file, struct strata_error *err);
/* Grows the file to `size` bytes of zeros and allocates their blocks: ENOSPC now, not later. */
int fs_allocate(struct fs_file *file, uint64_t size, struct strata_error *err);
int fs_size(struct fs_file *file, uint64_t *size, struct strata_error *err);
/* How many names it has: what is written to it, or cut off, is seen under all of them.
 * NOT_SUPPORTED, IO. (Counted as a call for its size; no site, as fs_map.) */
int fs_links(struct fs_file *file, uint64_t *count, struct strata_error *err);
/* The file's first `size` bytes, to be read in place until fs_unmap, also after fs_close. The file
 * must have at least `size` bytes and must not be truncated while it is mapped: reading behind its
 * end, or bytes that the device cannot read, raises SIGBUS, not an error. Bytes written to the file
 * while it is mapped may be seen or not. INVALID: it is shorter, or no bytes are asked for;
 * NOT_SUPPORTED; IO. (Neither is a site: they change nothing that a crash could leave.) */
int fs_map(struct fs_file *file, uint64_t size, const uint8_t **bytes, struct strata_error *err);
void fs_unmap(struct strata_fs *fs, const uint8_t *bytes, uint64_t size); /* NULL bytes are fine */
/* Always frees. Fails if the system says so (then earlier writes may be lost). NULL is fine. */
int fs_close(struct fs_file *file, struct strata_error *err);

/* ---- Names ----------------------------------------------------------------------------- */

int fs_rename(struct strata_fs *fs, const char *from, const char *to, struct strata_error *err);
int fs_link(struct strata_fs *fs, const char *from, const char *to, struct strata_error *err);
int fs_remove(struct strata_fs *fs, const char *path, struct strata_error *err);
int fs_mkdir(struct strata_fs *fs, const char *path, struct strata_error *err);
int fs_list(struct strata_fs *fs, const char *path, struct fs_names *names,
            struct strata_error *err);
int fs_names_add(struct fs_names *names, const char *name); /* copies; 0 or -ENOMEM */
void fs_names_free(struct fs_names *names);
/* Names made, renamed and removed in it are on the device. IO, whatever the cause. */
int fs_sync_dir(struct strata_fs *fs, const char *path, struct strata_error *err);
/* STRATA_ERR_LOCKED when another holds it. fs_close releases it. */
int fs_lock(struct strata_fs *fs, const char *path, enum fs_lock kind, struct fs_file **out,
            struct strata_error *err);
uint64_t fs_now(struct strata_fs *fs);
/* A number that cannot be guessed by those who choose keys and values; on fs_sim the same in every
 * run. */
uint64_t fs_random(struct strata_fs *fs);
/* Identifies the boot of the machine: with the same number there was no power cut in between. 0:
 * not known. */
uint64_t fs_boot(struct strata_fs *fs);

/* How many files a process may have open. */
size_t fs_open_max(struct strata_fs *fs);

/* ---- Built on the functions above ------------------------------------------------------ */

/* "dir/name" on the heap; NULL: out of memory. */
char *fs_join(const char *dir, const char *name);
/* "dir/000002.run", likewise: file `number`, with the suffix ".run". */
char *fs_join_number(const char *dir, uint64_t number, const char *suffix);
/* Is the name that of file `number`, with this suffix? */
bool fs_is_name(const char *name, uint64_t number, const char *suffix);
/* The directory that holds `path`, on the heap: "." when there is no slash. */
char *fs_parent(const char *path);
/* Reads a whole file of at most `max` bytes into `to`; a larger one is STRATA_ERR_CORRUPT. */
int fs_read_file(struct strata_fs *fs, const char *path, size_t max, struct strata_buffer *to,
                 struct strata_error *err);
/* As fs_open, of a file that something else names: where it is missing, that is damage. CORRUPT,
 * with the message `missing`; IO. */
int fs_open_named(struct strata_fs *fs, const char *path, unsigned flags, const char *missing,
                  struct fs_file **out, struct strata_error *err);
/* fs_open and fs_read_file of dir/name. NO_MEMORY, too. */
int fs_open_in(struct strata_fs *fs, const char *dir, const char *name, unsigned flags,
               struct fs_file **out, struct strata_error *err);
int fs_read_in(struct strata_fs *fs, const char *dir, const char *name, size_t max,
               struct strata_buffer *to, struct strata_error *err);
/* The same of a file that is a help and no data, in the database's directory. STRATA_NOT_FOUND:
 * there is none; or it cannot be read or has more than `max` bytes, which is logged. NO_MEMORY. */
struct strata_env;
int fs_read_optional(const struct strata_env *env, const char *name, size_t max,
                     struct strata_buffer *to, struct strata_error *err);
/* Removes dir/name; a missing file is no error. */
int fs_remove_if_there(struct strata_fs *fs, const char *dir, const char *name,
                       struct strata_error *err);
/* Reads the bytes from `from` to before `to`, and writes the same bytes in the same place: so the
 * system counts them as not yet on the device. CORRUPT: the file has become shorter; IO, NO_MEMORY.
 */
int fs_rewrite(struct fs_file *file, uint64_t from, uint64_t to, struct strata_error *err);
/* Removes the files of a directory whose names `is_dead` is true for. */
int fs_remove_dead(struct strata_fs *fs, const char *dir,
                   bool (*is_dead)(const void *arg, const char *name), const void *arg,
                   struct strata_error *err);
/* Is the file nothing but zeros from `from` to its end on the disk, as room made ahead is? */
int fs_zeros(struct fs_file *file, uint64_t from, bool *zeros, struct strata_error *err);
/* Puts `bytes` at dir/name in one step: written to dir/name.tmp, renamed over. With `durable`,
 * the bytes are synced before the rename and the directory after it, so that a power cut leaves
 * the old file or the new one. */
int fs_replace(struct strata_fs *fs, const char *dir, const char *name, struct strata_slice bytes,
               bool durable, struct strata_error *err);

/* Called with the number of bytes copied since the last call. */
struct fs_copied {
    void (*tick)(void *arg, uint64_t bytes);
    void *arg;
};
/* Copies the first `size` bytes of `from` to a new file `to`, and syncs that. `copied` may be NULL.
 * CORRUPT: `from` is shorter; IO (EEXIST: there is a file `to`), NO_MEMORY. */
int fs_copy(struct fs_file *from, uint64_t size, const char *to, const struct fs_copied *copied,
            struct strata_error *err);
/* Gives the file a second name, `to`. Where the file system cannot do that, makes a copy of its
 * first `size` bytes; FS_WHOLE: of all. IO (EEXIST: there is a file `to`), NO_MEMORY; CORRUPT: it
 * is shorter. */
#define FS_WHOLE UINT64_MAX
int fs_link_or_copy(struct strata_fs *fs, const char *from, uint64_t size, const char *to,
                    const struct fs_copied *copied, struct strata_error *err);

#include "fs/fs_site.h"

#endif
