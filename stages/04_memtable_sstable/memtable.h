/* memtable.h: writes that are in the log and not yet in a run, in order, in memory. It holds every
 * version that was written since it was made; a reader who came at sequence number s sees those up
 * to s, whatever is added later.
 *
 * Threads: as skip.h says. It is dropped when the last one who refers to it lets go. */
#ifndef STRATA_04_MEMTABLE_H
#define STRATA_04_MEMTABLE_H

#include "cursor.h"
#include "skip.h"

#include <stdatomic.h>

struct memtable {
    _Atomic unsigned refs;
    struct arena arena;
    struct skip skip;
    uint64_t first, last; /* sequence numbers in it; the writer's alone; first > last: none */
    uint64_t tombstones;
};

/* `budget` is how many bytes it is expected to hold. NO_MEMORY. One reference is the caller's. */
int memtable_new(size_t budget, struct memtable **out, struct strata_error *err);
void memtable_ref(struct memtable *memtable);
void memtable_unref(struct memtable *memtable); /* NULL is fine */

/* Memory in use, bytes. */
size_t memtable_bytes(const struct memtable *memtable);
/* So many more operations, with so many bytes of keys and values, fit: memtable_add cannot fail.
 * NO_MEMORY. */
int memtable_reserve(struct memtable *memtable, size_t operations, size_t bytes,
                     struct strata_error *err);
/* Sequence numbers ascend. */
void memtable_add(struct memtable *memtable, uint64_t sequence, unsigned type,
                  struct strata_slice key, struct strata_slice value);

/* The newest version of `key` up to `sequence`: its type, and its value, which lives as long as
 * the memtable. 0: it has none here. */
unsigned memtable_get(const struct memtable *memtable, struct strata_slice key, uint64_t sequence,
                      struct strata_slice *value);
/* Over the newest version of each key up to `sequence`. Borrows the memtable. NULL: no memory. */
struct cursor *memtable_cursor(const struct memtable *memtable, uint64_t sequence);

#endif
