/* arena.h: memory that is handed out piece by piece and given back all at once. What only
 * grows until it is dropped whole, as a memtable does, needs no more: nothing has to remember where
 * a piece begins or ends, and handing one out costs an addition.
 *
 * Threads: one takes pieces; any number may read them. */
#ifndef STRATA_COMMON_ARENA_H
#define STRATA_COMMON_ARENA_H

#include "strata.h"

#define ARENA_ALIGN ((size_t)8) /* every piece begins at a multiple of it */

/* Where chunks come from, if not from malloc. */
struct arena_source {
    /* A chunk of *bytes or more, aligned as malloc's; *bytes becomes its size. NULL: no memory. */
    void *(*get)(struct arena_source *source, size_t *bytes);
    void (*put)(struct arena_source *source, void *chunk, size_t bytes); /* gives it back */
};

struct arena_chunk;

/* All zero is a valid empty arena. */
struct arena {
    struct arena_source *source; /* borrowed; NULL: malloc and free */
    size_t chunk_bytes;         /* taken at a time, after a small first chunk; 0: a small default */
    struct arena_chunk *chunks; /* the newest first; pieces come from it */
    uint8_t *at;                /* in the newest: where the next piece begins */
    size_t left;                /* bytes after `at` */
    struct arena_chunk *spare;  /* for what does not fit there; or NULL */
    size_t used;                /* bytes handed out */
    size_t taken;               /* bytes of all chunks */
};

/* Makes sure that so many bytes, in any number of pieces, can be handed out: arena_take cannot fail
 * for them. Each piece counts as its size rounded up to ARENA_ALIGN. NO_MEMORY: nothing changed. */
int arena_reserve(struct arena *arena, size_t bytes, struct strata_error *err);
/* A piece of what was reserved; its bytes are not set. */
void *arena_take(struct arena *arena, size_t size);
/* Gives every chunk back; the arena is empty then. */
void arena_free(struct arena *arena);

#endif
