/* memtable.c: a kind's entries, in an arena of their own. See memtable.h.
 *
 * 4.I1: what memtable_add takes was reserved before the batch was logged: it cannot fail.
 * 4.I5: entries are added in the order of their sequence numbers: so all versions up to the number
 *       that a reader has are there when it reads. */
#include "04_memtable_sstable/memtable/memtable.h"

#include <assert.h>
#include <stdlib.h>

#define CHUNK_LEAST ((size_t)16 << 10)

int memtable_new(const struct memtable_kind *kind, struct arena_source *source, size_t budget,
                 struct memtable **out, struct strata_error *err)
{
    struct memtable *memtable = calloc(1, sizeof *memtable + kind->self_bytes);
    int rc;

    *out = NULL;
    if (!memtable)
        return strata_fail_memory(err, sizeof *memtable);
    memtable->refs = 1;
    memtable->first = UINT64_MAX;
    memtable->kind = kind;
    memtable->self = memtable + 1;
    memtable->arena.source = source;
    memtable->arena.chunk_bytes = budget < MEMTABLE_CHUNK ? budget : MEMTABLE_CHUNK;
    if (budget < CHUNK_LEAST)
        memtable->arena.chunk_bytes = CHUNK_LEAST;
    rc = kind->init(memtable->self, &memtable->arena, err);
    if (rc < 0)
        free(memtable);
    else
        *out = memtable;
    return rc;
}

void memtable_ref(struct memtable *memtable)
{
    assert(memtable->refs > 0);
    atomic_fetch_add_explicit(&memtable->refs, 1, memory_order_relaxed);
}

void memtable_unref(struct memtable *memtable)
{
    assert(!memtable || memtable->refs > 0);
    if (!memtable || atomic_fetch_sub_explicit(&memtable->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (memtable->release)
        memtable->release(memtable->held);
    arena_free(&memtable->arena);
    free(memtable);
}

int memtable_reserve(struct memtable *memtable, size_t operations, size_t bytes,
                     struct strata_error *err)
{
    return arena_reserve(&memtable->arena, memtable->kind->room(memtable->self, operations, bytes),
                         err);
}

void memtable_add(struct memtable *memtable, uint64_t sequence, unsigned type,
                  struct strata_slice key, struct strata_slice value)
{
    assert(memtable->first > memtable->last || sequence > memtable->last); /* 4.I5 */
    assert(type);
    memtable->kind->add(memtable->self, sequence, type, key, value);
    if (memtable->first > sequence)
        memtable->first = sequence;
    memtable->last = sequence;
    atomic_store_explicit(&memtable->count, memtable_count(memtable) + 1, memory_order_relaxed);
}

bool memtable_check(const struct memtable *memtable)
{
    return memtable->kind->check(memtable->self) &&
           (!memtable_count(memtable) || memtable->first <= memtable->last);
}
