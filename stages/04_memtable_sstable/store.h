/* store.h: the parts of an open database: the write path with its log and memtable, the tables, and
 * the list on disk that names log and tables; and what changes that list: flush and merge. */
#ifndef STRATA_04_STORE_H
#define STRATA_04_STORE_H

#include "04_memtable_sstable/run/sstable.h"
#include "write_path.h"

/* What a reader reads: a memtable and runs, sorted tables. The store makes a new one when it
 * flushes or merges; a reader that pinned an older one goes on reading that. */
struct view {
    _Atomic unsigned refs;
    struct memtable *memtable; /* still written to; newer versions than the reader's are not seen */
    size_t count;
    struct sstable *runs[]; /* the newest first */
};

/* What a stage hands in at open. */
struct store_parts {
    const struct sstable_kind *table;
    uint64_t log_left; /* bytes of log that a clean close may leave for the next open to read; of
                        * more it makes a table */
};

struct store {
    struct write_path path; /* its mutex guards the rest */
    const struct strata_env *env;
    const struct store_parts *parts;
    void *common;         /* what its tables have in common: a cache, say; NULL: nothing */
    struct view *view;    /* the present one */
    struct tables tables; /* as it was written last */
    bool unknown;         /* replacing the list failed: which one is on the device? */
    size_t quarantined;   /* the oldest so many runs are not merged unasked */
    struct replay opened; /* what opening found in the log */
    uint64_t flushes, merges, merged_bytes; /* since open */
};

/* Reads the list of files, opens the tables, replays the log into the memtable, and removes what
 * the list does not name. When the log's end is not as a clean close left it, what it held is
 * flushed: nothing is appended to a log that a crash may have torn. With env->is_new everything is
 * made anew.
 * CORRUPT, IO, NO_MEMORY. */
int store_open(const struct strata_env *env, const struct store_parts *parts, void **store,
               struct strata_error *err);
/* Leaves a short log, durable, and a list that says where it ends; or, of a long one, a table.
 * Frees the store whatever it returns. */
int store_close(void *store, struct strata_error *err);

/* The database as it is now, pinned, and the number of the last operation in it. */
struct view *store_pin(struct store *store, uint64_t *sequence);
void view_unref(void *view); /* NULL is fine */

/* ---- Changing it: as the leader, the mutex held; it is free while files are written ---------- */

/* After an error nothing was changed. Where it is not known what is on the device, the store
 * refuses further writes (store_failed). */

/* Writes the memtable to a run, if there is anything in it, and begins a new one with a new log. */
int store_flush_memtable(struct store *store, struct strata_error *err);
/* Merges runs, if there are too many of a size. A failure that does not end all writing is only
 * logged. */
int store_merge_due(struct store *store, struct strata_error *err);
/* What is in the memtable becomes a run; then runs of a size are merged, or, with `all`, all runs
 * become one without tombstones. */
int store_flush_and_merge(struct store *store, bool all, struct strata_error *err);
/* Of the write path: asked by the leader before it logs; a full memtable makes way. */
int store_make_room(void *store, size_t operations, size_t bytes, struct strata_error *err);

/* With room for `count` runs, to be set. One reference is the caller's. NULL: no memory. */
struct view *view_new(struct memtable *memtable, size_t count);
void view_set(struct view *view, size_t at, struct sstable *run); /* refers to it once more */

/* ---- For flush and merge --------------------------------------------------------------------- */

/* The merge of these sources, which are freed, as a new run of the operations from range[0] to
 * range[1]; *out is NULL when nothing is left of them. */
int store_write_run(struct store *store, struct cursor *const *sources, size_t count,
                    bool tombstones, const uint64_t range[2], struct sstable **out,
                    struct strata_error *err);

/* The newest `count` runs are replaced by one, or by none. */
struct store_change {
    size_t count;
    struct sstable *run;       /* or NULL */
    struct memtable *memtable; /* a new one, with its log; or NULL: as before */
    struct log log;
};
/* Makes the change, or, when it fails, takes its files away again. Takes what is in it. */
int store_install(struct store *store, struct store_change *change, struct strata_error *err);

/* The run that could not be read, by its index in the view; its length: it was none. */
size_t store_unreadable_run(const struct store *store, const struct strata_error *err);
/* A flush or merge returned `rc`, which is passed on. A run that could not be read, or a lack of
 * memory, disk space or descriptors, left everything as it was, and a later try may do better.
 * After another failure nothing more is written. */
int store_failed(struct store *store, int rc, const struct strata_error *err);

/* Are view and list the same, and the runs in order of age, and the memtable newer than all? For
 * assertions and tests. */
bool store_check(const struct store *store);

/* ---- For an engine's table of functions (store.c, report.c) ---------------------------------- */

/* The slots of an engine whose `self` is a store; `open` is the stage's own. */
#define STORE_ENGINE                                                                               \
    .size = sizeof(struct strata_engine), .abi = STRATA_ENGINE_ABI, .close = store_close,          \
    .get = store_get, .write = write_path_write, .iter = store_iter, .flush = store_flush,         \
    .compact = store_compact, .verify = store_verify, .check = store_check_memory,                 \
    .stats = store_stats, .tables = store_tables, .manifest = TABLES_NAME,                         \
    .is_writable = write_path_is_writable

int store_get(void *store, struct strata_slice key, struct strata_buffer *value,
              struct strata_error *err);
int store_iter(void *store, struct strata_iter **out, struct strata_error *err);
int store_flush(void *store, struct strata_error *err);
int store_compact(void *store, const struct strata_progress *progress, struct strata_error *err);
int store_verify(void *store, const struct strata_progress *progress, struct strata_error *err);
int store_check_memory(void *store, struct strata_error *err);
int store_stats(void *store, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                struct strata_error *err);
int store_tables(void *store, void (*each)(void *arg, const struct strata_table *table), void *arg,
                 struct strata_error *err);

#endif
