/* version.h: the tables of a database at one time, level by level (LevelDB's Version). It is never
 * changed once made, but for its counts: a flush or compaction makes the next one, and who has
 * taken hold of an older one goes on reading that, from files that stay until then. */
#ifndef STRATA_06_VERSION_H
#define STRATA_06_VERSION_H

#include "04_memtable_sstable/run/sstable.h"
#include "state.h"

/* A sorted run: tables whose keys do not overlap, in order. Borrowed. */
struct run {
    struct sstable *const *tables;
    size_t count; /* >= 1 */
};

struct version_level {
    struct sstable **tables; /* as in state.h */
    size_t count;
    uint64_t bytes; /* of their files */
};

struct version {
    _Atomic unsigned refs;
    _Atomic uint64_t looked_in; /* tables, by version_get: whose filters did not deny the key */
    struct version_level levels[LEVELS];
    size_t count;        /* of all tables */
    uint64_t tombstones; /* in them */
    void *index;         /* by which a later stage finds tables faster; or NULL */
    void (*index_free)(void *index);
    struct sstable *all[];
};

/* The tables that `state` names, found in `old` (or NULL) and among `more`, each referred to once
 * more; CORRUPT: one is in neither. NO_MEMORY. One reference is the caller's. */
int version_new(const struct state *state, const struct version *old, struct sstable *const *more,
                size_t more_count, struct version **out, struct strata_error *err);
void version_ref(struct version *version);
void version_unref(struct version *version); /* NULL is fine */

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
