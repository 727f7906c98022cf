/* sstable.h: a sorted table file as the store sees it: entries in order of their keys, each key
 * once, written at one go and never changed. How its bytes are laid out is the business of a kind:
 * the run (run.h) here, a later stage's own there.
 *
 * Threads: a finished one may be read by any number at once; a cursor by one at a time. */
#ifndef STRATA_04_SSTABLE_H
#define STRATA_04_SSTABLE_H

#include "04_memtable_sstable/iter/cursor.h"
#include "fs/fs_output.h"

#include <stdatomic.h>

/* A type beside those of enum strata_op_type, of kinds that have it: a value coded by the user of
 * the tables, as several versions of a key. */
#define SSTABLE_CODED 3u

/* What it holds. */
struct sstable_sum {
    uint64_t records, tombstones; /* all entries; those that a merge may drop or make smaller:
                                   * deletes, and coded values */
    uint64_t digest;              /* of them, the kind's own: another table has another */
    uint64_t first, last; /* sequence numbers of the operations that it has the outcome of */
    uint64_t coded;       /* entries with a coded value */
    uint64_t old_bytes;   /* of those, beside the newest version of their keys */
};

struct sstable_kind;

/* The first member of every kind of table. */
struct sstable {
    const struct sstable_kind *kind;
    _Atomic unsigned refs;
    _Atomic bool obsolete; /* its file goes with the last reference */
    struct strata_fs *fs;
    char *path;
    uint64_t number; /* of the file, in its name and in the checks' seeds */
    uint64_t bytes;  /* of the file */
    struct sstable_sum sum;
    struct strata_buffer smallest, largest; /* keys */
    struct strata_buffer user;              /* as its writer's */
};

/* A table being written, under a temporary name until it is whole. The first member of every kind
 * of writer. */
struct sstable_writer {
    const struct strata_env *env;
    struct fs_output out;
    uint64_t number;
    struct sstable_sum sum;    /* so far; the kind counts */
    struct strata_buffer user; /* user properties (RocksDB's user-collected properties): bytes that
                                * the caller may add before it is finished, and read again. The run
                                * has no place for them */
};

struct sstable_kind {
    const char *suffix; /* of its files' names: ".run" */
    const char *magic;  /* their first 8 bytes */
    /* What all tables of a store have in common, a cache say, and its figures. NULL: nothing. */
    int (*common_new)(const struct strata_env *env, void **common, struct strata_error *err);
    void (*common_del)(void *common);
    bool (*common_check)(
        void *common); /* its accounts agree; O(its size). NULL: nothing to check */
    void (*stats)(void *common, void (*each)(void *arg, const struct strata_stat *stat), void *arg);

    /* Opens table `number` and checks that it is whole, not every entry. CORRUPT, also when it is
     * missing; IO, NO_MEMORY: `*out` is NULL then. One reference is the caller's. */
    int (*open)(const struct strata_env *env, void *common, uint64_t number, struct sstable **out,
                struct strata_error *err);
    void (*close)(struct sstable *table); /* for sstable_unref: frees it */
    /* Looks for a key within its range: its type, and the value of a put into `value`, replacing
     * what that held; of a delete it is empty. NOT_FOUND, CORRUPT, IO, NO_MEMORY. */
    int (*get)(struct sstable *table, struct strata_slice key, unsigned *type,
               struct strata_buffer *value, struct strata_error *err);
    /* About where in the file its entries from `key` on begin, a key within its range. CORRUPT, IO,
     * NO_MEMORY. NULL: sstable_add_sizes is not asked. */
    int (*offset)(struct sstable *table, struct strata_slice key, uint64_t *offset,
                  struct strata_error *err);
    /* Over all entries. Borrows the table. `once`: for a merge; what is read need not be kept in
     * memory. NULL: no memory. */
    struct cursor *(*cursor)(struct sstable *table, bool once);
    /* Checks every byte of what has its name now. CORRUPT, IO, NO_MEMORY. */
    int (*verify)(struct sstable *table, struct strata_error *err);

    /* IO, NO_MEMORY; then there is nothing to be freed. */
    int (*writer_new)(const struct strata_env *env, uint64_t number, struct sstable_writer **out,
                      struct strata_error *err);
    int (*writer_add)(struct sstable_writer *writer, unsigned type, struct strata_slice key,
                      struct strata_slice value, struct strata_error *err); /* keys ascend */
    /* Writes what remains; fs_output_publish comes next. `first`, `last`: as in the sum. */
    int (*writer_finish)(struct sstable_writer *writer, uint64_t first, uint64_t last,
                         struct strata_error *err);
    /* `keep`: the table is published and stays. Else its file is removed. */
    void (*writer_del)(struct sstable_writer *writer, bool keep);
};

void sstable_ref(struct sstable *table);
void sstable_unref(struct sstable *table); /* NULL is fine */
/* No list names it: the file is removed when nobody reads it any longer. NULL is fine. */
void sstable_remove(struct sstable *table);
/* As the kind's. */
static inline bool sstable_common_check(const struct sstable_kind *kind, void *common)
{
    return !kind->common_check || kind->common_check(common);
}
/* < 0, > 0: the key lies before, behind all of its keys. */
int sstable_compare_key(const struct sstable *table, struct strata_slice key);

/* ---- Of a list of tables --------------------------------------------------------------------- */

/* Verifies each. `progress`, or NULL: one step a table, and one before them. As the kind's verify.
 */
int sstable_verify_all(struct sstable *const *tables, size_t count,
                       const struct strata_progress *progress, struct strata_error *err);
/* Calls `each` for each of them, as a table of this level. */
void sstable_report_all(struct sstable *const *tables, size_t count, uint32_t level,
                        void (*each)(void *arg, const struct strata_table *table), void *arg);
/* Adds to `*bytes` about what their entries from `from` on and before `to` take of the files; a key
 * without bytes is no bound. As the kind's offset. */
int sstable_add_sizes(struct sstable *const *tables, size_t count, struct strata_slice from,
                      struct strata_slice to, uint64_t *bytes, struct strata_error *err);
/* Which of the tables the error is about, by its file's name, as an error has the end of a long
 * path alone. `count`: none of them. */
size_t sstable_blamed(struct sstable *const *tables, size_t count, const struct strata_error *err);

/* ---- For the kinds ------------------------------------------------------------------------- */

/* What every kind has: number, name. NO_MEMORY. */
int sstable_init(struct sstable *table, const struct sstable_kind *kind,
                 const struct strata_env *env, uint64_t number, struct strata_error *err);
void sstable_free(struct sstable *table); /* of a kind's close, at its end: frees `table` too */
/* For a kind's verify: opens what has the table's name now, and checks it with `verify`. CORRUPT,
 * also when it is another table than the one that was opened; IO, NO_MEMORY. */
int sstable_verify_anew(const struct sstable *table, const struct strata_env *env, void *common,
                        int (*verify)(struct sstable *again, struct strata_error *err),
                        struct strata_error *err);
int sstable_corrupt(const struct sstable *table, uint64_t offset, const char *what,
                    struct strata_error *err);
/* Its file was opened, with this outcome: takes its size and checks its header (stage 1's).
 * CORRUPT, also when it is missing; IO. */
int sstable_opened(struct sstable *table, struct fs_file *file, int rc,
                   const struct strata_error *why, struct strata_error *err);
/* For a kind's writer_new, with the kind's suffix and magic: `bytes` of memory, all zero but for
 * the writer at their beginning, and the file with its header. IO, NO_MEMORY; then there is nothing
 * to be freed. */
int sstable_writer_begin(const char *suffix, const char *magic, size_t bytes,
                         const struct strata_env *env, uint64_t number, struct sstable_writer **out,
                         struct strata_error *err);
void sstable_writer_free(struct sstable_writer *writer, bool keep); /* as in writer_del */

#endif
