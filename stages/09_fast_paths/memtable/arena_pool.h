/* arena_pool.h: where a memtable's chunks come from: large ones are mapped on huge pages, and those
 * of memtables that have ended are kept for the next memtable: the system has given them their
 * memory, and need not set it to zero again. Any thread. */
#ifndef STRATA_09_ARENA_POOL_H
#define STRATA_09_ARENA_POOL_H

#include "base/arena.h"
#include "strata_engine.h"
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

/* A pool that keeps what one memtable takes, its last chunk included. NO_MEMORY. */
int arena_pool_new(const struct strata_env *env, struct arena_source **out,
                   struct strata_error *err);
/* No arena has any of its chunks any more. */
void arena_pool_del(struct arena_source *source);

#endif
