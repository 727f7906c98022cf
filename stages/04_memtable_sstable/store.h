/* store.h: the parts of an open database: the write path with its log and memtable, the tables, and
 * the list on disk that names log and tables; and what changes that list: flush and merge. */
#ifndef STRATA_04_STORE_H
#define STRATA_04_STORE_H

#include "view.h"
#include "write_path.h"

/* What a stage hands in at open. */
struct store_parts {
    const struct memtable_kind *memtable;
    const struct sstable_kind *table;
    int (*make_room)(void *store, size_t operations, size_t bytes,
                     struct strata_error *err); /* write_path.h */
    uint64_t log_left; /* bytes of log that a clean close may leave for the next open to read; of
                        * more it makes a table */
};

struct store {
    const struct strata_env *env;
    const struct store_parts *parts;
    void *common;           /* what its tables have in common: a cache, say; NULL: nothing */
    struct write_path path; /* its mutex guards the rest */
    struct view *view;      /* the present one */
    struct tables tables;   /* as it was written last */
    size_t quarantined;     /* the oldest so many runs are not merged unasked */
    struct replay opened;   /* what opening found in the log */
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

/* ---- Changing it: as the leader, the mutex held; it is free while files are written ---------- */

/* NO_MEMORY: nothing was changed. After another error the store is not to be written any more
 * (write_path_spoil). */

/* Writes the memtable to a run, if there is anything in it, and begins a new one with a new log. */
int store_flush(struct store *store, struct strata_error *err);
/* Merges runs, if there are too many of a size. That one of them cannot be read is only reported to
 * the log. */
int store_merge_due(struct store *store, struct strata_error *err);
/* Makes one run of all, without tombstones. */
int store_merge_all(struct store *store, struct strata_error *err);

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

/* Are view and list the same, and the runs in order of age, and the memtable newer than all? For
 * assertions and tests. */
bool store_check(const struct store *store);

/* ---- For an engine's table of functions (report.c) ------------------------------------------- */

int store_verify(void *store, const struct strata_progress *progress, struct strata_error *err);
int store_check_memory(void *store, struct strata_error *err);
int store_stats(void *store, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                struct strata_error *err);
int store_tables(void *store, void (*each)(void *arg, const struct strata_table *table), void *arg,
                 struct strata_error *err);
int store_approximate_size(void *store, struct strata_slice from, struct strata_slice to,
                           uint64_t *bytes, struct strata_error *err);

#endif
