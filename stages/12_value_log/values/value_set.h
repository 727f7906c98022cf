/* value_set.h: the value files that are known: who needs them, and the reading of a value.
 *
 * 12.I1: a value file goes when an edit has taken the last table with a pointer into it out of the
 *        version, and nobody holds it any more: each open table holds those that it points into,
 *        and each memtable its logs. So it outlives every version, iterator and compaction that
 *        could read it.
 * 12.I2: a value is checked whole before a byte of it is given out: record head, key, value, and
 *        the pointer's check, all seeded with file number and offset.
 * 12.I3: an edit that names a table is written after the value files it points into are durable,
 *        and their names.
 *
 * 12.I10: a value needs nothing of its file but its record: damage of the header, or of another
 *        record, costs no value but that one. So a repair gives out all others.
 *
 * Threads: all of it by any. */
#ifndef STRATA_12_VALUE_SET_H
#define STRATA_12_VALUE_SET_H

#include "06_leveled_compaction/version/version.h"
#include "07_paced_compaction/tree/obsolete.h"
#include "12_value_log/values/value_ahead.h"
#include "12_value_log/values/value_cache.h"
#include "fs/fs_pool.h"
#include "threads/sync.h"

#define VALUES_SUFFIX ".values"
#define VALUES_MAGIC "STRATVAL" /* of a file that a collection has written */

struct value_file {
    uint64_t number;
    char *path;
    struct fs_pooled pooled;
    _Atomic uint64_t end; /* so many bytes it had when a reader last looked */
    /* Guarded by the set's mutex, as is the path: */
    unsigned holders;
    uint64_t bytes;        /* of the file, when it was last looked at */
    uint64_t live, values; /* in the current version: bytes of records, and how many */
    bool named;            /* a version may have it, or had it */
    bool gone;             /* none has it any more */
    bool damaged;          /* a value could not be read: it is not collected any more */
};

struct value_set {
    const struct strata_env *env;
    struct fs_pool *pool;       /* borrowed, as the next */
    struct clock_cache *blocks; /* of the tables */
    struct value_cache cache;   /* since the first file is known */
    struct sync_mutex mutex;
    struct value_file **files; /* by number */
    size_t count, room;
    _Atomic uint64_t relocated, relocated_bytes; /* values, since open */
};

/* A log becomes a value file at this size, if its memtable is not full before: memtables of
 * pointers hardly fill. No collection writes a file that is much larger. */
uint64_t value_log_bytes(const struct strata_options *options);

/* ---- Which there are (value_set.c) ----------------------------------------------------------- */

/* NO_MEMORY. */
int value_set_new(const struct strata_env *env, struct fs_pool *pool, struct clock_cache *blocks,
                  struct value_set **out, struct strata_error *err);
void value_set_del(struct value_set *set);

/* The file has one holder more. One that is not known yet is opened, under its name with this
 * suffix. CORRUPT: it is missing, or no such file; IO, NO_MEMORY. */
int value_set_hold(struct value_set *set, uint64_t number, const char *suffix,
                   struct value_file **file, struct strata_error *err);
void value_set_release(struct value_set *set, uint64_t number);
/* A log, which is held, gets its name as value file. IO, NO_MEMORY. */
int value_set_link(struct value_set *set, struct value_file *file, struct strata_error *err);

/* ---- Reading (value_read.c) ------------------------------------------------------------------ */

/* Reads the value, into `value`, in place of what it holds; its file is held by somebody. CORRUPT,
 * IO, NO_MEMORY. */
int value_set_read(struct value_set *set, const struct pointer *pointer, struct strata_slice key,
                   struct strata_buffer *value, struct strata_error *err);

/* A value where it lies in the cache, checked. All zero: none. */
struct value_pin {
    struct strata_slice value; /* stays as it is until value_set_unpin */
    struct clock_cache_frame *frame;
};
/* Finds the value in the cache, or reads it into that. Its file is held by somebody, but need not
 * be any more once the value is pinned. `ahead`: of the scan; NULL: it is a get. As above. */
int value_set_pin(struct value_set *set, const struct pointer *pointer, struct strata_slice key,
                  struct value_ahead *ahead, struct value_pin *pin, struct strata_error *err);
/* Any thread; before the set ends. */
void value_set_unpin(const struct value_set *set, struct value_pin *pin);

/* Reads the last bytes of the value, at most `size` of them, unchecked: what is made of them must
 * be found again in the value itself. As above; *size: how many there are. */
int value_set_peek(struct value_set *set, const struct pointer *pointer, size_t key_size,
                   uint8_t *to, size_t *size, struct strata_error *err);

/* ---- What is live (value_live.c) ------------------------------------------------------------- */

/* This version is the current one: what is live is counted anew. O(tables, and their files). */
void value_set_count(struct value_set *set, const struct version *version);
/* Files that are gone, and that nobody holds, become obsolete ones (12.I1). */
void value_set_sweep(struct value_set *set, struct obsolete_files *obsolete);
/* Numbers of the files to collect, ascending; freed by free. NULL: none. NO_MEMORY. */
int value_set_garbage(struct value_set *set, uint64_t **numbers, size_t *count,
                      struct strata_error *err);
/* Are there any? */
bool value_set_has_garbage(struct value_set *set);
/* It could not be read. */
void value_set_blame(struct value_set *set, uint64_t number);
/* A file that is held was written to its end: it has so many bytes. */
void value_set_ended(struct value_set *set, uint64_t number, uint64_t bytes);
/* What was to become a value file, and is held, does not, unless a version has it by now. */
void value_set_give_up(struct value_set *set, uint64_t number);

/* value_report.c: the files of the current version, by number (NO_MEMORY); and
 * figures of all of them. */
int value_set_each(struct value_set *set,
                   void (*each)(void *arg, const struct strata_value_file *file), void *arg,
                   struct strata_error *err);
void value_set_stats(struct value_set *set, void (*each)(void *arg, const struct strata_stat *stat),
                     void *arg);

/* ---- All that a version needs (value_files.c) ------------------------------------------------ */

/* Each file that the version needs, which is pinned, gets a second name in `to`, or is copied. IO,
 * NO_MEMORY. */
int value_set_link_all(struct value_set *set, const struct version *version, const char *to,
                       struct strata_error *err);
/* Each file that the version needs, which is pinned, is there. CORRUPT, IO, NO_MEMORY. */
int value_set_verify(struct value_set *set, const struct version *version,
                     struct strata_error *err);

/* Their annotated dumps: of one that was a log, and of one that a collection wrote
 * (values_inspect.c). */
extern const struct strata_format value_log_format;
extern const struct strata_format value_file_format;

#endif
