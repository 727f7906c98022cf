/* cache.h: the block cache: uncompressed blocks that were read, up to a budget of bytes, the least
 * recently used evicted first. A hash table finds a block by its table and offset; a list has the
 * blocks in the order of their last use (as LevelDB's util/cache.cc). A block that somebody reads
 * is pinned, and pinned blocks are never evicted.
 *
 * Threads: any; one mutex guards it all. */
#ifndef STRATA_05_CACHE_H
#define STRATA_05_CACHE_H

#include "strata_engine.h"

struct cache;

/* A block's bytes in memory, in the cache or private. */
struct cache_block {
    struct cache_block *chain;         /* in the hash table */
    struct cache_block *newer, *older; /* in the list of blocks that are not pinned */
    uint64_t table, offset;            /* its name: file number, and offset in the file */
    uint32_t pins;                     /* users */
    bool cached;                       /* false: it is freed with its last pin */
    uint32_t size;                     /* bytes of data */
    uint8_t data[];
};

/* Takes no memory for blocks yet, but for their hash table: a pointer for each 4 KiB of the budget.
 * NO_MEMORY. */
int cache_new(size_t budget_bytes, struct cache **out, struct strata_error *err);
/* No block is pinned any more. NULL is fine. */
void cache_del(struct cache *cache);

/* A private block, pinned once, to be filled; ended by free(), unless it is put into the cache.
 * NULL: no memory. */
struct cache_block *cache_block_new(uint32_t size);
/* The block, pinned; NULL: it is not in the cache. */
struct cache_block *cache_get(struct cache *cache, uint64_t table, uint64_t offset);
/* Puts a private block that was filled into the cache, and returns it. If another thread has put
 * the same block there meanwhile, that one is returned, pinned, and this one is freed. A block
 * larger than the budget stays private. */
struct cache_block *cache_put(struct cache *cache, uint64_t table, uint64_t offset,
                              struct cache_block *block);
void cache_unpin(struct cache *cache, struct cache_block *block); /* NULL is fine */

struct cache_stats {
    uint64_t hits, misses, evictions; /* since it was made */
    uint64_t blocks, bytes;           /* in it now; memory that they take */
};
void cache_stats(struct cache *cache, struct cache_stats *stats);
/* Its list, its hash table and its sums agree (5.I5, 5.I6). For tests: it costs O(blocks). */
bool cache_check(struct cache *cache);

#endif
