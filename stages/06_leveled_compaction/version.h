/* version.h: the tables of a database at one time, level by level (LevelDB's Version). It is never
 * changed once made, but for its counts: a flush or compaction makes the next one, and readers that
 * have pinned an older one go on reading that, from files that stay until then. */
#ifndef STRATA_06_VERSION_H
#define STRATA_06_VERSION_H

#include "04_memtable_sstable/run/sstable.h"
#include "state.h"

struct version_level {
    struct sstable **tables; /* level 0: the newest first; below it in order of their keys */
    size_t count;
    uint64_t bytes; /* of their files */
};

struct version {
    _Atomic unsigned refs;
    _Atomic uint64_t looked_in; /* tables that gets have searched */
    struct version_level levels[LEVELS];
    size_t count;        /* of all tables */
    uint64_t tombstones; /* in them */
    /* A stage that finds tables faster may attach what it needs for that, before anybody reads. */
    void *index;
    void (*index_free)(void *index); /* NULL: there is none */
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

/* The newest version of `key`: its type, and its value into `value`, which is empty before.
 * NOT_FOUND; CORRUPT, IO, NO_MEMORY. */
int version_get(struct version *version, struct strata_slice key, unsigned *type,
                struct strata_buffer *value, struct strata_error *err);

#endif
