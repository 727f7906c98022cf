/* strata_engine.h: what the author of a stage implements: one table of functions.
 *
 * Only common/db/ calls through the table. It has checked every argument first (sizes, NULLs,
 * read-only handles, promises), so an engine need not; and it answers for a slot that is NULL
 * with STRATA_ERR_NOT_SUPPORTED, so an engine need not have it. Slots marked "required" are
 * checked at open.
 *
 * An engine reaches files only through env->fs (common/fs/fs.h), so that the same code runs on the
 * real file system and on the simulated one that cuts the power.
 *
 * A built-in stage in stages/NN_name/ defines `const struct strata_engine strata_stage_NN_name`.
 * A shared object of your own defines `const struct strata_engine strata_engine`.
 */
#ifndef STRATA_ENGINE_H
#define STRATA_ENGINE_H

#include "strata.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rises when the table, or a struct in it, changes its meaning. */
#define STRATA_ENGINE_ABI 2u

/* What an engine is opened with. Lives as long as the handle. */
struct strata_env {
    struct strata_fs *fs;
    const char *dir;                      /* the database directory; it exists and is locked */
    const struct strata_options *options; /* checked; every default filled in, `sync` too */
    bool is_new;    /* no write was ever acknowledged here: create the files, overwrite leftovers */
    bool is_leased; /* read_only, and another process may write meanwhile */
};

/* Passes a message to options->log, if there is one. printf's format; cut at 500 bytes. */
void strata_env_log(const struct strata_env *env, enum strata_log_level level, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));
/* The same as a warning, with what an error says behind it: "no hint file was written: I/O error:
 * ...". */
void strata_env_warn(const struct strata_env *env, const struct strata_error *why,
                     const char *format, ...) __attribute__((format(printf, 3, 4)));

/* An engine's iterator has this as its first member. common/db/ keeps `positioned` and drops
 * `has_value` before every move; the engine sets key, value and has_value. */
struct strata_iter_ops;
struct strata_iter {
    const struct strata_iter_ops *ops; /* set by the engine */
    struct strata_slice key;           /* set by every move that returns 0 */
    struct strata_slice value;         /* valid when has_value */
    bool has_value;
    bool positioned; /* this and the rest belong to common/db/ */
    uint32_t moves;  /* not yet added to the counter of the database: few */
    struct strata *db;
};

/* Moves return 0 (positioned), STRATA_NOT_FOUND or < 0. The key of a seek is not one that the
 * iterator itself lent. next and prev are called only on a
 * positioned iterator, value only on a positioned one without has_value. */
struct strata_iter_ops {
    int (*seek)(struct strata_iter *iter, struct strata_slice key, struct strata_error *err);
    int (*last)(struct strata_iter *iter, struct strata_error *err);
    int (*next)(struct strata_iter *iter, struct strata_error *err);
    int (*prev)(struct strata_iter *iter, struct strata_error *err);
    int (*value)(struct strata_iter *iter, struct strata_error *err); /* sets value, has_value */
    void (*free)(struct strata_iter *iter);
};

struct fs_file;
struct inspect; /* common/inspect/inspect.h: where an annotated dump goes */

/* A file format that `strata inspect` can annotate. */
struct strata_format {
    const char *name;  /* "append log" */
    const char *magic; /* the first 8 bytes of such a file */
    const char *glob;  /* pattern of its file names, for fnmatch: "*.log" */
    /* Reports every field to `to`. (In an engine of your own it may be NULL.) Damage is not an
     * error: report it with inspect_stop and return 0. Errors: the file cannot be read, or there is
     * no memory. */
    int (*inspect)(struct fs_file *file, struct inspect *to, struct strata_error *err);
};

/* A stage and a version of its file format, as in the marker. */
struct strata_engine_format {
    unsigned stage, format;
};

/* Transactions. `txn` is the engine's own. A transaction is over after CONFLICT, DEADLOCK or
 * TIMEOUT, and after `commit`, whatever that returned: only `free` follows. */
struct strata_transactions {
    /* `options` is complete and checked; borrowed for the call. */
    int (*begin)(void *self, const struct strata_txn_options *options, void **txn,
                 struct strata_error *err);
    int (*get)(void *txn, struct strata_slice key, struct strata_buffer *value,
               struct strata_error *err);
    int (*get_for_update)(void *txn, struct strata_slice key, struct strata_buffer *value,
                          struct strata_error *err);
    int (*write)(void *txn, const struct strata_op *op, struct strata_error *err);
    int (*iter)(void *txn, struct strata_iter **out, struct strata_error *err);
    uint64_t (*mark)(void *txn); /* how many writes there are */
    int (*rollback_to)(void *txn, uint64_t mark, struct strata_error *err); /* NO_MEMORY */
    int (*commit)(void *txn, bool sync, uint64_t *number, struct strata_error *err);
    void (*free)(void *txn);
    /* Of a transaction that has done nothing yet: *age 0: it becomes the transaction's own, above
     * 0; else the transaction has this one from now on. Where transactions wait for each other in a
     * circle the one with the largest gives up. NULL: there are none. */
    void (*age)(void *txn, uint64_t *age);
};

struct strata_engine {
    size_t size;          /* sizeof(struct strata_engine), or that of an older header: see below */
    unsigned abi;         /* STRATA_ENGINE_ABI */
    unsigned stage;       /* 1, 2, ...: as in the directory's name */
    unsigned format;      /* version of the files, written into the marker */
    const char *name;     /* "01_append_log" */
    const char *survives; /* one line for people: "clean exit, kill -9" */
    unsigned promises;    /* bits of enum strata_promise */
    const struct strata_format *const *formats; /* NULL-terminated; may be NULL */

    /* Required. `*self` is the engine's own handle, given to every other slot. After a failed
     * open nothing is left open. */
    int (*open)(const struct strata_env *env, void **self, struct strata_error *err);
    /* Required. Frees `self` whatever it returns. */
    int (*close)(void *self, struct strata_error *err);
    /* Required. Replaces what `value` held; `value` is never NULL here. */
    int (*get)(void *self, struct strata_slice key, struct strata_buffer *value,
               struct strata_error *err);
    /* Required; the only path that changes data. count >= 1, and 1 without PROMISE_BATCH.
     * `sync`: durable before it returns, with all writes before it (only with PROMISE_POWER_CUT).
     * If the slot `sync` is NULL, count may be 0 then: only to sync. */
    int (*write)(void *self, const struct strata_op *ops, size_t count, bool sync,
                 struct strata_error *err);
    /* Required. Entries in key order, of the database as it is now: later writes are not seen. The
     * new iterator is not positioned. */
    int (*iter)(void *self, struct strata_iter **out, struct strata_error *err);

    /* Makes every acknowledged write durable. If the slot is NULL, `write` does that. */
    int (*sync)(void *self, struct strata_error *err);
    /* Writes the memtable to a sorted table. */
    int (*flush)(void *self, struct strata_error *err);
    /* Frees dead space. `progress` may be NULL; else it is called as the work goes on, at least
     * once if the database is not empty. */
    int (*compact)(void *self, const struct strata_progress *progress, struct strata_error *err);
    /* Reads and checks every byte that is relied on; CORRUPT names the first damage. `progress` as
     * in compact. */
    int (*verify)(void *self, const struct strata_progress *progress, struct strata_error *err);
    /* Creates all files of a copy of the database, as it is now, in the directory `to`, which
     * exists and holds only marker and lock. Files and names are durable when it returns: the
     * marker that says "complete" is written next. `progress` may be NULL. If the slot is NULL,
     * every entry is copied with `iter`. */
    int (*backup)(void *self, const char *to, const struct strata_progress *progress,
                  struct strata_error *err);
    /* Calls `each` with one statistic after another; no string is NULL. */
    int (*stats)(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                 struct strata_error *err);

    int (*snapshot)(void *self, void **out, struct strata_error *err);
    void (*snapshot_free)(void *self, void *snapshot);
    int (*snapshot_get)(void *self, void *snapshot, struct strata_slice key,
                        struct strata_buffer *value, struct strata_error *err);
    int (*snapshot_iter)(void *self, void *snapshot, struct strata_iter **out,
                         struct strata_error *err);

    /* Slots added later. A table built against an older header has a smaller `size` and ends before
     * them: these slots then count as NULL. */
#define STRATA_ENGINE_SIZE_LEAST offsetof(struct strata_engine, tables)
    /* Calls `each` with one sorted table after another, in the order that strata_tables promises.
     */
    int (*tables)(void *self, void (*each)(void *arg, const struct strata_table *table), void *arg,
                  struct strata_error *err);
    /* As compact, for the keys in [from, to); from <= to; an empty key is no bound. If the slot is
     * NULL, `compact` compacts everything. */
    int (*compact_range)(void *self, struct strata_slice from, struct strata_slice to,
                         const struct strata_progress *progress, struct strata_error *err);
    /* Does what strata_repair promises, for a database that is not open. With
     * env->options->read_only it changes nothing. No function of `to` is NULL, and `sum` is all
     * zero. */
    int (*repair)(const struct strata_env *env, const struct strata_repair *to,
                  struct strata_repair_sum *sum, struct strata_error *err);
    /* As strata_events. */
    int (*events)(void *self, void (*each)(void *arg, const struct strata_event *event), void *arg,
                  struct strata_error *err);
    /* As open, for an existing database that is opened for writing and whose directory entries may
     * not be durable yet: the process that made them may have been killed before it synced the
     * directory. The engine syncs the directory before it writes or removes anything. If the slot
     * is NULL, and always with STRATA_SYNC_ALWAYS, the directory is synced before `open`. */
    int (*open_unsynced)(const struct strata_env *env, void **self, struct strata_error *err);
    /* As strata_approximate_size, for the keys in [from, to); from <= to; an empty key is no bound.
     * If the slot is NULL, the entries of the range are read. */
    int (*approximate_size)(void *self, struct strata_slice from, struct strata_slice to,
                            uint64_t *bytes, struct strata_error *err);
    /* The file that names the other files of a database: "CURRENT". NULL: there is none.
     * strata_repair uses it to tell apart stages that have the same file formats. */
    const char *manifest;
    /* Stages and formats of older directories whose files this engine can read; the list ends with
     * stage 0. Such a directory can be opened read-only, repaired and destroyed; its marker is not
     * changed. NULL: none. */
    const struct strata_engine_format *reads;
    /* What the engine holds in memory agrees with itself and with its files: for
     * strata_verify_deep, after `verify`. May cost O(entries). CORRUPT: it does not, which is our
     * own bug. NULL: there is nothing that gets and scans do not show. */
    int (*check)(void *self, struct strata_error *err);
    /* After flush, compact or compact_range has failed with STRATA_ERR_IO: may writes go on? True
     * where that changed nothing: it failed in reading, or for want of disk space or descriptors.
     * If the slot is NULL, all later writes are refused. */
    bool (*is_writable)(void *self);
    /* False: the file has the name and the first bytes of one of the formats, and is of a later
     * form that this stage cannot read. To tell apart stages that have the same file formats, as
     * `manifest`. If the slot is NULL, no file is. */
    bool (*can_read)(struct fs_file *file);
    /* As strata_snapshot_number. */
    uint64_t (*snapshot_number)(void *self, void *snapshot);
    /* As is_writable, after a write or sync has failed with STRATA_ERR_IO: true where it only
     * waited in vain for work in the background. */
    bool (*write_again)(void *self);
    /* Of a stage that promises STRATA_PROMISE_TRANSACTION; complete. */
    const struct strata_transactions *transactions;
    /* Of a stage that promises STRATA_PROMISE_RANGE. Deletes the keys in [from, to), or as many of
     * them, the first ones, as one write may delete: then *more is true, and *rest the first that
     * is left, which `from` is no part of. An empty `to` is no bound. Atomic, and `sync` as in
     * `write`. */
    int (*delete_some)(void *self, struct strata_slice from, struct strata_slice to, bool sync,
                       struct strata_buffer *rest, bool *more, struct strata_error *err);
    /* Of a stage that promises STRATA_PROMISE_EXPIRY: as `get`, and *until is set if that returns
     * 0; the same of a transaction; and when the entry expires at which an iterator stands, of
     * whichever slot it is. */
    int (*get_until)(void *self, struct strata_slice key, struct strata_buffer *value,
                     uint64_t *until, struct strata_error *err);
    int (*txn_get_until)(void *txn, struct strata_slice key, struct strata_buffer *value,
                         uint64_t *until, struct strata_error *err);
    uint64_t (*iter_until)(const struct strata_iter *iter);
    /* As `get`, or with a snapshot as `snapshot_get`, but the value may stay where it lies:
     * view->value is set, and view->release, which is called once, by any thread, before `close`;
     * view->pinned is the engine's. Or view->release stays NULL, and the value is put into
     * view->copy, which is empty. When it does not return 0 nothing is pinned. If the slot is NULL,
     * the value is copied. */
    int (*get_borrowed)(void *self, void *snapshot, struct strata_slice key,
                        struct strata_view *view, struct strata_error *err);
    /* As strata_value_files. */
    int (*value_files)(void *self, void (*each)(void *arg, const struct strata_value_file *file),
                       void *arg, struct strata_error *err);
};

/* ---- Readers beside a writer (common/db/lease.c) ------------------------------------------- */

/* Of a stage that promises STRATA_PROMISE_READERS, before it removes, cuts, renames or writes anew
 * files that became obsolete before: may a reader that was opened earlier need them? True, too, if
 * that cannot be found out: then a warning is logged, unless `*warned` says that one was. It is set
 * for the next look; NULL: there is none. */
bool strata_env_is_read(const struct strata_env *env, bool *warned);
/* Of a handle that was opened read-only: another one has the database open for writing, so files
 * may change under it. */
bool strata_env_is_written(const struct strata_env *env);

/* ---- Helpers for engines (common/base/error.c) ---------------------------------------------- */

/* Fills `err` (if not NULL) and returns `code`. `file` may be NULL. */
int strata_fail(struct strata_error *err, int code, const char *file, uint64_t offset,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same for a failed system call: STRATA_ERR_IO with errno `sys` and its text. `doing` is what
 * was tried: "open", "write 4096 bytes". */
int strata_fail_sys(struct strata_error *err, int sys, const char *file, uint64_t offset,
                    const char *doing);
int strata_fail_memory(struct strata_error *err, size_t bytes);
/* An errno for a failure: that of the system call; else ENOMEM for memory, EIO. */
int strata_error_sys(const struct strata_error *err);
/* Returns `rc`; if it is < 0, `err` (if not NULL) becomes `*why`. For callers that look at an error
 * before they pass it on. */
int strata_fail_with(int rc, const struct strata_error *why, struct strata_error *err);
/* Puts a text before the message of a filled error; the rest stays. For callers that know more. */
void strata_error_prefix(struct strata_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif

#endif
