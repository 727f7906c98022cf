/* arena.h: memory that is handed out piece by piece and given back all at once. A memtable only
 * grows until it is dropped whole, so nothing has to remember where a piece began or ended, and
 * handing one out costs an addition.
 *
 * One thread hands out; the pieces may be read by any. */
#ifndef STRATA_04_ARENA_H
#define STRATA_04_ARENA_H

#include "strata.h"

#include <pthread.h>

#define ARENA_ALIGN ((size_t)8) /* every piece begins at a multiple of it */

struct arena_chunk;

/* Large chunks of arenas that have ended, for the next ones with the same chunk_bytes: the system
 * has given them their memory, and need not set it to zero again. Any thread. */
struct arena_pool {
    pthread_mutex_t mutex;
    size_t most; /* bytes that it keeps at most */
    size_t bytes;
    struct arena_chunk *chunks;
};

/* All zero but chunk_bytes is a valid empty arena. */
struct arena {
    struct arena_pool *pool;    /* borrowed; NULL: none */
    size_t chunk_bytes;         /* taken at a time, after a small first one; 0: a small default */
    struct arena_chunk *chunks; /* the newest first; pieces come from it */
    uint8_t *at;                /* in the newest: where the next piece begins */
    size_t left;                /* bytes behind `at` */
    struct arena_chunk *spare;  /* for what does not fit there; or NULL */
    size_t used;                /* bytes handed out */
    size_t taken;               /* bytes taken from the system */
};

/* So many bytes, in any number of pieces, can be handed out now: arena_take cannot fail for them.
 * Each piece counts as its size rounded up to ARENA_ALIGN. NO_MEMORY: nothing was changed. */
int arena_reserve(struct arena *arena, size_t bytes, struct strata_error *err);
/* A piece of what was reserved; its bytes are not set. */
void *arena_take(struct arena *arena, size_t size);
/* Gives everything back, to the pool or the system; the arena is empty then. */
void arena_free(struct arena *arena);

int arena_pool_init(struct arena_pool *pool, size_t most, struct strata_error *err); /* NO_MEMORY */
/* No arena has it any more. */
void arena_pool_free(struct arena_pool *pool);

#endif
