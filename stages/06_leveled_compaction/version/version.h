/* version.h: which files a database has at one time: tables, level by level, the live logs, and
 * what else the edits of a manifest say together (LevelDB's Version). It is never changed once
 * made, but for its counts: an edit makes the next one, and readers that have pinned an older one
 * go on reading that, from files that stay until then.
 *
 * An edit is checked against the version that it follows, when it is made and when it is read back:
 * by the same code, with the same words. */
#ifndef STRATA_06_VERSION_H
#define STRATA_06_VERSION_H

#include "04_memtable_sstable/run/sstable.h"
#include "06_leveled_compaction/manifest/edit.h"

/* A sorted run: tables whose keys do not overlap, in order. Borrowed. */
struct run {
    struct sstable *const *tables;
    size_t count; /* >= 1 */
};

struct version_level {
    struct sstable **tables; /* level 0: the newest first; below it in order of their keys */
    size_t count;
    uint64_t bytes; /* of their files */
};

struct version {
    _Atomic unsigned refs;
    _Atomic uint64_t looked_in; /* tables that gets have searched */
    uint64_t next;              /* file numbers from here on were never given away */
    struct edit_log logs[2];    /* the live ones */
    uint32_t log_count;
    struct strata_buffer cursors[LEVELS]; /* where a level's next compaction begins: behind it */
    struct version_level levels[LEVELS];
    size_t count;        /* of all tables */
    uint64_t tombstones; /* in them */
    void *index;         /* by which a later stage finds tables faster; or NULL */
    void (*index_free)(void *index);
    size_t numbered;            /* of by_number: all of them, but while an edit is applied */
    struct sstable **by_number; /* all tables, their numbers ascending; behind `all` */
    struct sstable *all[];      /* all tables, level by level */
};

/* ---- Its life ----------------------------------------------------------------------------- */

/* The version that follows on *version (NULL: nothing is there yet) takes its place. Tables that
 * the edit adds are those of `opened`, or of *version, with their numbers; one that is in neither
 * is made from the edit's entry: it can be asked what it is, not read (version_open).
 * CORRUPT: the edit cannot follow on this version; NO_MEMORY. Then *version is as it was. */
int version_apply(struct version **version, const struct edit *edit, struct sstable *const *opened,
                  size_t opened_count, struct strata_error *err);
/* As a table kind's open. */
typedef int version_open_table(const struct strata_env *env, void *common, uint64_t number,
                               struct sstable **out, struct strata_error *err);
/* Opens all tables that were made from entries; nobody reads the version yet. CORRUPT: a file is
 * not the table that the edit added. Or an error of `open`. */
int version_open(struct version *version, version_open_table *open, const struct strata_env *env,
                 void *common, struct strata_error *err);
void version_ref(struct version *version);
void version_unref(struct version *version); /* NULL is fine */

/* The edit that makes this version of an empty one; its keys are the version's. To be freed in any
 * case. NO_MEMORY. */
int version_tell(const struct version *version, struct edit *edit, struct strata_error *err);
/* What an edit says to add a table to a level. */
struct edit_table version_entry(unsigned level, const struct sstable *table);
/* The edit adds this table. NO_MEMORY. */
int version_add(struct edit *edit, unsigned level, const struct sstable *table,
                struct strata_error *err);
/* Is it the table that the entry describes? On whatever level. */
bool version_is(const struct sstable *table, const struct edit_table *entry);
/* Do 6.I9 to 6.I11 hold, and are its counts those of its tables? CORRUPT: our own bug. O(tables).
 */
int version_check(const struct version *version, struct strata_error *err);
/* Do they say the same? `next` is not compared: of numbers given away a file may not know yet. */
bool version_same(const struct version *a, const struct version *b);

/* ---- Looking things up ----------------------------------------------------------------------- */

/* Where in by_number the table of this number is, or belongs. */
size_t version_find_number(const struct version *version, uint64_t number);
/* The table of this number, or NULL. */
struct sstable *version_table(const struct version *version, uint64_t number);
/* Of a level >= 1: the first table whose largest key is not before `key`; count: there is none. */
size_t version_find(const struct version_level *level, struct strata_slice key);

/* The newest version of `key`: its type, and its value into `value`, which is
 * empty before. NOT_FOUND; CORRUPT, IO, NO_MEMORY. */
int version_get(struct version *version, struct strata_slice key, unsigned *type,
                struct strata_buffer *value, struct strata_error *err);

/* How many sorted runs all of it is: tables of level 0, and deeper levels that have tables. */
size_t version_run_count(const struct version *version);
/* Tells them, the newest first. They borrow the version. */
void version_runs(const struct version *version, struct run *out);

#endif
