/* clock_cache.h: the block cache: blocks that were read, checked and uncompressed, within a
 * budget of bytes, and found without a search and without a lock: each table has a directory, an
 * array that says in which frame each of its blocks is. Evicted is by CLOCK (Fernando Corbató: A
 * Paging Experiment with the Multics System, 1968).
 *
 * A block of any size may be cached: one that fits a frame takes one, larger ones several side by
 * side. Frames are in one piece of memory, on huge pages where the system has them: address space
 * of the budget, and memory as frames are used, which is not given back before the end. Where the
 * system has less, the budget is less.
 *
 * A block that cannot be cached (the budget is 0 or small, the block is larger than an eighth of
 * the frames, or every frame is pinned) gets private memory, freed when it is released: that
 * alone comes on top of the budget (clock_cache_stats.private_bytes).
 *
 * Reading a block:
 *
 *     frame = clock_cache_get(cache, &table->directory, block);       a hit: pinned
 *     if (!frame) {                                                   a miss:
 *         rc = clock_cache_take(cache, size, &frame, err);            memory of the caller's own
 *         if (rc == 0 && (rc = read(... frame->data)) < 0)
 *             clock_cache_abandon(cache, frame);                      damage is never cached
 *         else if (rc == 0)
 *             frame = clock_cache_put(cache, &table->directory, block, frame);    pinned, shared
 *     }
 *     ... frame->data ...
 *     clock_cache_release(cache, frame);
 *
 * Threads: any number, anything. A hit takes no lock and never waits. Misses share a mutex,
 * which is not held while a block is read. Two threads that miss one block at once both read it,
 * and the second one's memory is freed. */
#ifndef STRATA_09_CLOCK_CACHE_H
#define STRATA_09_CLOCK_CACHE_H

#include "strata_engine.h"

#include <stdatomic.h>

/* A frame's header; its payload is elsewhere. Never freed while the cache is there, so that a
 * reader who comes too late with a frame's number finds a frame. */
struct clock_cache_frame {
    _Alignas(64) uint8_t *data; /* the payload, at a multiple of 64: all that users look at */
    _Atomic uint64_t state;     /* pins, lock and hits: clock_cache.c */
    _Atomic uint32_t *entry;    /* the directory's word that names it; NULL: none does */
    uint64_t seen;              /* hits when the hand passed */
    uint32_t span;              /* frames side by side that it is; 0: a later one, or private */
    uint32_t number;
    uint32_t next, prev; /* in the list of free frames, number + 1 */
    bool is_free;
    uint64_t bytes; /* of a private one */
};

/* Which frame each block of a table is in: 4 bytes a block, not part of the budget. */
struct clock_cache_directory {
    _Atomic uint32_t *frames; /* number + 1; 0: not in the cache */
    uint32_t blocks;
};

struct clock_cache;

struct clock_cache_stats {
    uint64_t hits, misses;  /* misses: calls of clock_cache_take */
    uint64_t evictions;     /* blocks that made room for others */
    uint64_t blocks;        /* kept now */
    uint64_t bytes;         /* of memory taken for frames: <= budget */
    uint64_t private_bytes; /* on top of it now: blocks that are read and cannot be kept */
};

/* `budget` bytes, headers included; `payload` is the usual size of a block's payload: a
 * frame's. NO_MEMORY. */
int clock_cache_new(size_t budget, size_t payload, struct clock_cache **out,
                    struct strata_error *err);
/* No block is pinned, no directory is left. NULL is fine. */
void clock_cache_del(struct clock_cache *cache);

/* For a table of so many blocks, none of them in the cache. NO_MEMORY. */
int clock_cache_directory_init(struct clock_cache_directory *directory, uint32_t blocks,
                               struct strata_error *err);
/* The table is no longer read, and no block of it is pinned: its frames are free. A zeroed
 * directory is fine. */
void clock_cache_directory_free(struct clock_cache *cache, struct clock_cache_directory *directory);

/* The block's frame, pinned, if it is in the cache: a hit. NULL: it is not. block < blocks. */
struct clock_cache_frame *clock_cache_get(struct clock_cache *cache,
                                          const struct clock_cache_directory *directory,
                                          uint32_t block);
/* Is the block in the cache, as far as it can be said without holding it? It is no hit. */
static inline bool clock_cache_has(const struct clock_cache_directory *directory, uint32_t block)
{
    return atomic_load_explicit(&directory->frames[block], memory_order_relaxed) != 0;
}
/* Prefetches, if the block is in the cache, its frame's header and the payload's first `bytes`, at
 * most a frame's. It is no hit and pins nothing. */
void clock_cache_prefetch(const struct clock_cache *cache,
                          const struct clock_cache_directory *directory, uint32_t block,
                          size_t bytes);
/* A frame with room for `size` bytes, not set, which nobody else sees: to be filled and then put or
 * abandoned. Counts a miss. NO_MEMORY. */
int clock_cache_take(struct clock_cache *cache, size_t size, struct clock_cache_frame **out,
                     struct strata_error *err);
/* Makes a filled frame the block's. Returns the one to read, pinned: this one, or that of another
 * thread who was faster. */
struct clock_cache_frame *clock_cache_put(struct clock_cache *cache,
                                          const struct clock_cache_directory *directory,
                                          uint32_t block, struct clock_cache_frame *frame);
void clock_cache_abandon(struct clock_cache *cache, struct clock_cache_frame *frame);
/* Ends a pin of clock_cache_get or clock_cache_put. NULL is fine. */
void clock_cache_release(struct clock_cache *cache, struct clock_cache_frame *frame);

/* Each number is right at some time during the call. Costs O(frames). */
void clock_cache_stats(struct clock_cache *cache, struct clock_cache_stats *out);
/* Its invariants hold, and its sums add up. For tests: it costs O(frames), and nobody misses
 * meanwhile. */
bool clock_cache_check(struct clock_cache *cache);

#endif
