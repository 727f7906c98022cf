/* arena_pool.h: where a memtable's chunks come from: large ones are mapped on huge pages, and those
 * of memtables that have ended are kept for the next memtable: the system has given them their
 * memory, and need not set it to zero again. Any thread. */
#ifndef STRATA_09_ARENA_POOL_H
#define STRATA_09_ARENA_POOL_H

#include "base/arena.h"
#include "threads/sync.h"

struct arena_pool_chunk;

struct arena_pool {
    struct arena_source source; /* for memtable_new */
    struct sync_mutex mutex;
    size_t usual; /* bytes of the chunks that are kept */
    size_t most;  /* bytes that it keeps at most */
    size_t bytes; /* that it keeps now */
    struct arena_pool_chunk *chunks;
};

/* Keeps chunks that were asked for as `usual` bytes, `most` bytes of them at most. NO_MEMORY. */
int arena_pool_init(struct arena_pool *pool, size_t usual, size_t most, struct strata_error *err);
/* No arena has any of its chunks any more. */
void arena_pool_free(struct arena_pool *pool);

#endif
