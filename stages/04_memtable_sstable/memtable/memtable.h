/* memtable.h: writes that are in the log and not yet in a run, in order, in memory. It holds every
 * version that was written since it was made; a reader who came at sequence number s sees those up
 * to s, whatever is added later.
 *
 * Threads: one at a time adds; any number read meanwhile, without a lock. It is freed with the last
 * reference. */
#ifndef STRATA_04_MEMTABLE_H
#define STRATA_04_MEMTABLE_H

#include "04_memtable_sstable/iter/cursor.h"
#include "base/arena.h"

#include <stdatomic.h>

/* What keeps its entries in order: a skip list (skip.h), or what a later stage hands in. The calls
 * are those of the memtable, described below; `self` lies behind it, and what it needs besides it
 * takes from the arena. */
struct memtable_kind {
    size_t self_bytes;
    int (*init)(void *self, struct arena *arena, struct strata_error *err);
    size_t (*room)(const void *self, size_t operations, size_t bytes); /* SIZE_MAX: too much */
    void (*add)(void *self, uint64_t sequence, unsigned type, struct strata_slice key,
                struct strata_slice value);
    unsigned (*get)(const void *self, struct strata_slice key, uint64_t sequence,
                    struct strata_slice *value);
    struct cursor *(*cursor)(const void *self, uint64_t sequence);
    /* Over several versions of each key, the newest first: that one, and the newest that each of
     * these readers sees, who came at sequence numbers in ascending order (borrowed). It moves
     * forward only. NULL: there is none, and the engine has no snapshots. */
    struct cursor *(*versions)(const void *self, const uint64_t *readers, size_t count);
    /* The number of the version that `get` finds; 0: none. NULL: there is none, and the engine has
     * no transactions. */
    uint64_t (*number)(const void *self, struct strata_slice key, uint64_t sequence);
    /* Every reader that began before the last call of this has ended: memory that only those could
     * still look at may be used again. NULL: there is none. */
    void (*recycle)(void *self);
    /* Its invariants hold: entries are in order. O(entries); nobody adds meanwhile. */
    bool (*check)(const void *self);
};

extern const struct memtable_kind memtable_skip; /* skip.c */

struct memtable {
    _Atomic unsigned refs;
    const struct memtable_kind *kind;
    void *self; /* the kind's */
    struct arena arena;
    _Atomic uint64_t count; /* of entries; memtable_count */
    uint64_t first, last;   /* sequence numbers in it; the writer's alone; first > last: none */
    /* What its user has it keep, and what is called with that after the last reference; or NULL. */
    _Atomic(void *) held;
    void (*release)(void *held);
};

/* `budget` is how many bytes it is expected to hold; `source`, which outlives it, is where its
 * memory comes from (NULL: malloc). NO_MEMORY. One reference is the caller's. */
#define MEMTABLE_CHUNK ((size_t)8 << 20) /* bytes of memory taken at a time, at most */
int memtable_new(const struct memtable_kind *kind, struct arena_source *source, size_t budget,
                 struct memtable **out, struct strata_error *err);
void memtable_ref(struct memtable *memtable);
void memtable_unref(struct memtable *memtable); /* NULL is fine */

/* As the kind's. */
bool memtable_check(const struct memtable *memtable);
/* Entries in it; a reader may see a smaller number than there are by now. */
static inline uint64_t memtable_count(const struct memtable *memtable)
{
    return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)&memtable->count,
                                memory_order_relaxed);
}
/* Memory in use, bytes. */
static inline size_t memtable_bytes(const struct memtable *memtable)
{
    return memtable->arena.used;
}
/* So many more operations, with so many bytes of keys and values, fit: memtable_add cannot fail.
 * NO_MEMORY. */
int memtable_reserve(struct memtable *memtable, size_t operations, size_t bytes,
                     struct strata_error *err);
/* Sequence numbers ascend. */
void memtable_add(struct memtable *memtable, uint64_t sequence, unsigned type,
                  struct strata_slice key, struct strata_slice value);
/* As the kind's. */
static inline void memtable_recycle(struct memtable *memtable)
{
    if (memtable->kind->recycle)
        memtable->kind->recycle(memtable->self);
}
/* Nobody reads, and who begins to will see all that was added. */
static inline void memtable_recycle_all(struct memtable *memtable)
{
    memtable_recycle(memtable);
    memtable_recycle(memtable); /* who began before the first call has ended */
}

/* The newest version of `key` up to `sequence`: its type, and its value, which lives as long as
 * the memtable. 0: it has none here. */
static inline unsigned memtable_get(const struct memtable *memtable, struct strata_slice key,
                                    uint64_t sequence, struct strata_slice *value)
{
    return memtable->kind->get(memtable->self, key, sequence, value);
}
/* Over the newest version of each key up to `sequence`. Borrows the memtable. NULL: no memory. */
static inline struct cursor *memtable_cursor(const struct memtable *memtable, uint64_t sequence)
{
    return memtable->kind->cursor(memtable->self, sequence);
}

#endif
