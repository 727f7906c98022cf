/* cache.c: see cache.h.
 *
 *   table + offset -> hash table -> block <-> block <-> block      not pinned, by last use
 *                                   newest               oldest    evicted from this end
 *
 * 5.I4: a pinned block is never freed: it is not in the list, and only blocks of the list are
 *       evicted.
 * 5.I5: a block is in the list if and only if it is cached and has no pins.
 * 5.I6: `bytes` is what the blocks in the hash table take. It exceeds the budget only while pinned
 *       blocks do. */
#include "cache.h"
#include "threads/sync.h"

#include <assert.h>
#include <stdlib.h>

#define BUCKETS_LEAST 16
#define BUCKETS_MOST ((size_t)1 << 20)
#define BUCKET_BYTES 4096 /* of the budget for each bucket: about a block */

struct cache {
    struct sync_mutex mutex; /* guards all below */
    size_t budget, bytes;
    size_t blocks;
    struct cache_block *newest, *oldest;
    uint64_t hits, misses, evictions;
    size_t bucket_count; /* a power of two; it does not change */
    struct cache_block *buckets[];
};

int cache_new(size_t budget_bytes, struct cache **out, struct strata_error *err)
{
    struct cache *cache;
    size_t count = BUCKETS_LEAST;

    while (count < BUCKETS_MOST && count < budget_bytes / BUCKET_BYTES)
        count *= 2;
    cache = calloc(1, sizeof *cache + count * sizeof(struct cache_block *));
    if (!cache || sync_mutex_init(&cache->mutex) != 0) {
        free(cache);
        return strata_fail_memory(err, sizeof *cache);
    }
    cache->budget = budget_bytes;
    cache->bucket_count = count;
    *out = cache;
    return 0;
}

struct cache_block *cache_block_new(uint32_t size)
{
    struct cache_block *block = malloc(sizeof *block + size);

    if (block)
        *block = (struct cache_block){.pins = 1, .size = size};
    return block;
}

static size_t charge(const struct cache_block *block)
{
    return sizeof *block + block->size;
}

/* ---- The list of blocks without pins --------------------------------------------------------- */

static void list_remove(struct cache *cache, struct cache_block *block)
{
    assert(block->newer ? block->newer->older == block : cache->newest == block); /* 5.I5 */
    *(block->newer ? &block->newer->older : &cache->newest) = block->older;
    *(block->older ? &block->older->newer : &cache->oldest) = block->newer;
    block->newer = block->older = NULL;
}

static void list_add(struct cache *cache, struct cache_block *block)
{
    assert(!block->pins && !block->newer && !block->older);
    block->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = block;
    cache->newest = block;
}

/* ---- The hash table -------------------------------------------------------------------------- */

static size_t bucket_of(const struct cache *cache, uint64_t table, uint64_t offset)
{
    uint64_t hash = (offset ^ table * 0xc2b2ae3d27d4eb4fu) * 0x9e3779b97f4a7c15u;
    return (hash >> 32) & (cache->bucket_count - 1);
}

/* Where the pointer to the block is, or, if it is not there, to be put. */
static struct cache_block **find(struct cache *cache, uint64_t table, uint64_t offset)
{
    struct cache_block **at = &cache->buckets[bucket_of(cache, table, offset)];

    while (*at && ((*at)->table != table || (*at)->offset != offset))
        at = &(*at)->chain;
    return at;
}

static void forget(struct cache *cache, struct cache_block *block)
{
    struct cache_block **at = find(cache, block->table, block->offset);

    assert(*at == block);
    *at = block->chain;
    block->cached = false;
    cache->blocks--;
    cache->bytes -= charge(block);
}

/* Evicts from the end of the list until the budget holds (5.I4). */
static void evict(struct cache *cache)
{
    while (cache->bytes > cache->budget && cache->oldest) {
        struct cache_block *block = cache->oldest;
        assert(block->cached && !block->pins);
        list_remove(cache, block);
        forget(cache, block);
        free(block);
        cache->evictions++;
    }
    assert(cache->bytes <= cache->budget || !cache->oldest); /* 5.I6 */
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static void pin(struct cache *cache, struct cache_block *block)
{
    if (block->pins++ == 0)
        list_remove(cache, block);
}

struct cache_block *cache_get(struct cache *cache, uint64_t table, uint64_t offset)
{
    struct cache_block *block;

    sync_lock(&cache->mutex);
    block = *find(cache, table, offset);
    if (block)
        pin(cache, block);
    cache->hits += block != NULL;
    cache->misses += block == NULL;
    sync_unlock(&cache->mutex);
    return block;
}

/* With the mutex: the block that has this name from now on. */
static struct cache_block *put(struct cache *cache, struct cache_block *block)
{
    struct cache_block **at;

    if (charge(block) > cache->budget)
        return block;
    at = find(cache, block->table, block->offset);
    if (*at) {
        pin(cache, *at);
        return *at;
    }
    *at = block;
    block->cached = true;
    cache->blocks++;
    cache->bytes += charge(block);
    evict(cache);
    return block;
}

struct cache_block *cache_put(struct cache *cache, uint64_t table, uint64_t offset,
                              struct cache_block *block)
{
    struct cache_block *kept;

    assert(block->pins == 1 && !block->cached);
    block->table = table;
    block->offset = offset;
    sync_lock(&cache->mutex);
    kept = put(cache, block);
    sync_unlock(&cache->mutex);
    if (kept != block)
        free(block);
    return kept;
}

void cache_unpin(struct cache *cache, struct cache_block *block)
{
    bool last;

    if (!block)
        return;
    sync_lock(&cache->mutex);
    assert(block->pins > 0);
    last = --block->pins == 0 && !block->cached;
    if (block->cached && block->pins == 0) {
        list_add(cache, block);
        evict(cache);
    }
    sync_unlock(&cache->mutex);
    if (last)
        free(block);
}

void cache_del(struct cache *cache)
{
    if (!cache)
        return;
    cache->budget = 0;
    evict(cache);
    assert(cache->blocks == 0); /* none is pinned */
    sync_mutex_free(&cache->mutex);
    free(cache);
}

void cache_stats(struct cache *cache, struct cache_stats *stats)
{
    sync_lock(&cache->mutex);
    *stats = (struct cache_stats){cache->hits, cache->misses, cache->evictions, cache->blocks,
                                  cache->bytes};
    sync_unlock(&cache->mutex);
}

bool cache_check(struct cache *cache)
{
    size_t bytes = 0, blocks = 0, unpinned = 0, listed = 0;
    bool sound = true;

    sync_lock(&cache->mutex);
    for (size_t i = 0; i < cache->bucket_count; i++)
        for (struct cache_block *block = cache->buckets[i]; block; block = block->chain) {
            sound &= block->cached && bucket_of(cache, block->table, block->offset) == i;
            bytes += charge(block);
            blocks++;
            unpinned += !block->pins;
        }
    for (struct cache_block *block = cache->newest; block; block = block->older, listed++)
        sound &= !block->pins && block->cached && (block->older || block == cache->oldest);
    sound &= bytes == cache->bytes && blocks == cache->blocks && listed == unpinned;
    sound &= cache->bytes <= cache->budget || !cache->oldest;
    sync_unlock(&cache->mutex);
    return sound;
}
