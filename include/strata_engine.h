/* strata_engine.h: what the author of a stage implements: one table of functions.
 *
 * Only common/db/db.c calls through the table. It has checked every argument first (sizes, NULLs,
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

/* Grows when the table or a struct in it changes its meaning. */
#define STRATA_ENGINE_ABI 2u

/* What an engine is opened with. Lives as long as the handle. */
struct strata_env {
    struct strata_fs *fs;
    const char *dir;                      /* the database directory; it exists and is locked */
    const struct strata_options *options; /* checked; every default filled in, `sync` too */
    bool is_new; /* no write was ever acknowledged here: make the files anew, over leftovers */
};

/* Tells options->log, if there is one. printf's format; cut at 500 bytes. */
void strata_env_log(const struct strata_env *env, enum strata_log_level level, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));

/* An engine's iterator has this as its first member. common/db/db.c keeps `positioned` and drops
 * `has_value` before every move; the engine sets key, value and has_value. */
struct strata_iter_ops;
struct strata_iter {
    const struct strata_iter_ops *ops; /* set by the engine */
    struct strata_slice key;           /* set by every move that returns 0 */
    struct strata_slice value;         /* valid when has_value */
    bool has_value;
    bool positioned; /* common/db/db.c's, as what follows */
    uint32_t moves;  /* that its database has not counted yet: few */
    struct strata *db;
};

/* Moves return 0 (positioned), STRATA_NOT_FOUND or < 0. next and prev are called only on a
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
    const char *glob;  /* its names in a database directory, as for fnmatch: "*.log" */
    /* Tells every field to `to`. (In an engine of your own it may be NULL.) Damage is not an error:
     * it is told with inspect_stop, and 0 returned; an error is one of reading the file or of
     * memory. */
    int (*inspect)(struct fs_file *file, struct inspect *to, struct strata_error *err);
};

/* What a marker may say: the stage and its file format. */
struct strata_engine_format {
    unsigned stage, format;
};

struct strata_engine {
    size_t size;          /* sizeof(struct strata_engine); an older header's will do, see below */
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
     * `sync`: on the device before it returns (only with PROMISE_POWER_CUT). */
    int (*write)(void *self, const struct strata_op *ops, size_t count, bool sync,
                 struct strata_error *err);
    /* Required. In order, and over the database as it is now, whatever is written later. Stands
     * nowhere yet. */
    int (*iter)(void *self, struct strata_iter **out, struct strata_error *err);

    /* What was acknowledged is on the device. */
    int (*sync)(void *self, struct strata_error *err);
    /* What is in memory is written to a sorted table. */
    int (*flush)(void *self, struct strata_error *err);
    /* Gives dead space back. `progress` may be NULL; else it is told, at least once. */
    int (*compact)(void *self, const struct strata_progress *progress, struct strata_error *err);
    /* Reads and checks every byte that is relied on; CORRUPT names the first damage. `progress` may
     * be NULL; else it is told, at least once. */
    int (*verify)(void *self, const struct strata_progress *progress, struct strata_error *err);
    /* Makes all files of a copy of the database, as it is now, in the directory `to`, which is
     * there and has nothing but marker and lock, and brings them and their names to the device: the
     * marker that calls the copy whole comes next. `progress` may be NULL. Where the slot is NULL
     * every entry is copied, by `iter`. */
    int (*backup)(void *self, const char *to, const struct strata_progress *progress,
                  struct strata_error *err);
    /* Tells `each` one figure after another, with no string that is NULL. */
    int (*stats)(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                 struct strata_error *err);

    int (*snapshot)(void *self, void **out, struct strata_error *err);
    void (*snapshot_free)(void *self, void *snapshot);
    int (*snapshot_get)(void *self, void *snapshot, struct strata_slice key,
                        struct strata_buffer *value, struct strata_error *err);
    int (*snapshot_iter)(void *self, void *snapshot, struct strata_iter **out,
                         struct strata_error *err);

    /* Slots from here on came later. A table built against an older header ends before them, as its
     * `size` says, and is taken as if they were NULL. */
#define STRATA_ENGINE_SIZE_LEAST offsetof(struct strata_engine, tables)
    /* Tells `each` one sorted table after another, in the order that strata_tables promises. */
    int (*tables)(void *self, void (*each)(void *arg, const struct strata_table *table), void *arg,
                  struct strata_error *err);
    /* As compact, of the keys from `from` on and before `to`, which is not before it; one without
     * bytes is no bound. Where the slot is NULL everything is compacted, by `compact`. */
    int (*compact_range)(void *self, struct strata_slice from, struct strata_slice to,
                         const struct strata_progress *progress, struct strata_error *err);
    /* What strata_repair promises, of a database that is not open. With env->options->read_only it
     * only looks. No function of `to` is NULL, and `sum` is all zero. */
    int (*repair)(const struct strata_env *env, const struct strata_repair *to,
                  struct strata_repair_sum *sum, struct strata_error *err);
    /* As strata_events. */
    int (*events)(void *self, void (*each)(void *arg, const struct strata_event *event), void *arg,
                  struct strata_error *err);
    /* As open, of a database that is there, to be written, and whose names may not be on the
     * device yet: who made them may have been killed before. The engine syncs the directory before
     * it builds on them: before it writes or removes anything. Where the slot is NULL, and always
     * with STRATA_SYNC_ALWAYS, that is done before `open`. */
    int (*open_unsynced)(const struct strata_env *env, void **self, struct strata_error *err);
    /* As strata_approximate_size, of keys from `from` on and before `to`, which is not before it;
     * one without bytes is no bound. Where the slot is NULL the entries of the range are read. */
    int (*approximate_size)(void *self, struct strata_slice from, struct strata_slice to,
                            uint64_t *bytes, struct strata_error *err);
    /* The file of each of its databases that names the others: "CURRENT". NULL: there is none. By
     * it strata_repair knows the files of this stage from those of one with the same formats. */
    const char *manifest;
    /* Older directories that have the same files, under another stage or format in the marker; the
     * list ends with stage 0. They can be opened read-only, repaired and destroyed, and the marker
     * stays as it is. NULL: none. */
    const struct strata_engine_format *reads;
};

/* ---- Helpers for engines (common/base/error.c) ---------------------------------------------- */

/* Fills `err` (if not NULL) and returns `code`. `file` may be NULL. */
int strata_fail(struct strata_error *err, int code, const char *file, uint64_t offset,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same for a refused system call: STRATA_ERR_IO with errno `sys` and its text. `doing` is
 * what was tried: "open", "write 4096 bytes". */
int strata_fail_sys(struct strata_error *err, int sys, const char *file, uint64_t offset,
                    const char *doing);
int strata_fail_memory(struct strata_error *err, size_t bytes);
/* Puts a text before the message of a filled error; the rest stays. For parents. */
void strata_error_prefix(struct strata_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif

#endif
