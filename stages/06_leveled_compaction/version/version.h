/* version.h: which files a database has at one time: tables, level by level, the live logs, and
 * what else the edits of a manifest say together (LevelDB's Version). It is never changed once
 * made, but for its counts: an edit makes the next one, and readers that have pinned an older one
 * go on reading that, from files that stay until then.
 *
 * An edit is checked against the version that it follows, when it is made and when it is read back:
 * by the same code, with the same words. */
#ifndef STRATA_06_VERSION_H
#define STRATA_06_VERSION_H

#include "02_hash_index/index.h"
#include "04_memtable_sstable/run/sstable.h"
#include "06_leveled_compaction/manifest/edit.h"

/* Tables of one level: all that a version has there, or the inputs of a compaction. */
struct version_level {
    struct sstable **tables; /* level 0: the newest first; below it in order of their keys */
    size_t count;
    uint64_t bytes; /* of their files */
};

struct version {
    _Atomic unsigned refs;
    _Atomic uint64_t looked_in; /* tables that gets have searched */
    uint64_t next;              /* file numbers from here on were never given away */
    struct live_log logs[2];    /* the live ones */
    uint32_t log_count;
    struct strata_buffer cursors[LEVELS]; /* where a level's next compaction begins: behind it */
    struct version_level levels[LEVELS];
    size_t count;        /* of all tables */
    uint64_t tombstones; /* in them */
    void *index;         /* by which a later stage finds tables faster; or NULL */
    void (*index_free)(void *index);
    struct sstable **all; /* all tables, level by level */
    struct index numbers; /* of each table's number: 1 + where it is in `all` */
};

/* ---- Its life ----------------------------------------------------------------------------- */

void version_ref(struct version *version);
void version_unref(struct version *version); /* NULL is fine */

/* The version that the edit makes of `base` (NULL: nothing is there yet); one reference is the
 * caller's. A table that the edit adds without having it open is made from the edit's entry
 * (version_make_table). CORRUPT: the edit cannot follow on this version; NO_MEMORY. */
int version_apply(const struct version *base, const struct edit *edit, struct version **out,
                  struct strata_error *err);

struct version_entry {
    struct sstable *table;
    unsigned level;
    bool removed;
    uint64_t offset; /* of the edit that added it */
};

/* The same of many edits: the version is built once, at their end (LevelDB's VersionSet::Builder).
 * To be freed in any case, also when init failed. */
struct version_builder {
    struct version *made; /* it has no tables yet; its numbers are of entries not removed */
    struct version_entry *entries; /* the first `old` of them are those of the version before */
    size_t count, room, old;
};
/* `base`: the version before, which is borrowed; NULL: none. NO_MEMORY. */
int version_builder_init(struct version_builder *builder, const struct version *base,
                         struct strata_error *err);
/* Checks all but the order of the tables. As version_apply; after an error it is only to be freed.
 * As manifest_apply: `builder` is a struct version_builder. */
int version_builder_add(void *builder, const struct edit *edit, struct strata_error *err);
/* CORRUPT: tables of a level overlap; err->offset is that of the edit that added the second one.
 * NO_MEMORY. One reference is the caller's; it is only to be freed. */
int version_builder_finish(struct version_builder *builder, struct version **out,
                           struct strata_error *err);
void version_builder_free(struct version_builder *builder);

/* ---- As edits (version_edit.c) --------------------------------------------------------------- */

/* The table of an entry: the one that is open, or one made from the entry, which can be asked what
 * it is, and not read. One reference is the caller's. NULL: no memory. */
struct sstable *version_make_table(const struct edit_table *entry);
/* As a table kind's open. */
typedef int version_open_table(const struct strata_env *env, void *common, uint64_t number,
                               struct sstable **out, struct strata_error *err);
/* Opens all tables that were made from entries; nobody reads the version yet. CORRUPT: a file is
 * not the table that the edit added. Or an error of `open`. */
int version_open(struct version *version, version_open_table *open, const struct strata_env *env,
                 void *common, struct strata_error *err);
/* The edit that makes this version of an empty one; its keys are the version's. To be freed in any
 * case. NO_MEMORY. */
int version_tell(const struct version *version, struct edit *edit, struct strata_error *err);
/* What an edit says to add a table to a level. */
struct edit_table version_edit_table(unsigned level, const struct sstable *table);
/* The edit adds this table, which is open. NO_MEMORY. */
int version_add(struct edit *edit, unsigned level, struct sstable *table, struct strata_error *err);
/* Is it the table that the entry describes? On whatever level. */
bool version_is(const struct sstable *table, const struct edit_table *entry);
/* Does the edit that makes all of it make the same again: do 6.I9 to 6.I12 hold, are its counts
 * those of its tables? CORRUPT: our own bug. NO_MEMORY. */
int version_check(const struct version *version, struct strata_error *err);
/* Do they say the same? `next` is not compared: of numbers given away a file may not know yet. */
bool version_same(const struct version *a, const struct version *b);

/* ---- Looking things up ----------------------------------------------------------------------- */

/* The table of this number, or NULL. */
struct sstable *version_table(const struct version *version, uint64_t number);
/* Of a level >= 1: the first table whose largest key is not before `key`; count: there is none. */
size_t version_find(const struct version_level *level, struct strata_slice key);

/* The newest version of `key`: its type, and its value into `value`, which is
 * empty before. NOT_FOUND; CORRUPT, IO, NO_MEMORY. */
int version_get(struct version *version, struct strata_slice key, unsigned *type,
                struct strata_buffer *value, struct strata_error *err);

#endif
