/* value_cache.h: values that were read and checked, in the block cache of the tables (stage 9's),
 * so within the same budget. */
#ifndef STRATA_12_VALUE_CACHE_H
#define STRATA_12_VALUE_CACHE_H

#include "09_fast_paths/cache/clock_cache.h"
#include "12_value_log/values/pointer.h"

/* All zero is a valid empty one, in which nothing is found. */
struct value_cache {
    struct clock_cache *blocks; /* borrowed */
    struct clock_cache_directory slots;
    size_t budget; /* of all blocks, bytes */
};

/* A larger record takes too much of the cache to be kept in it. */
static inline bool value_cache_keeps(const struct value_cache *cache, uint64_t size)
{
    return size <= cache->budget / 16;
}

/* What a frame has: the record, and which one it is. */
struct value_cached {
    struct pointer of;
    uint8_t record[]; /* head, key and value */
};

static inline struct value_cached *value_cached_of(const struct clock_cache_frame *frame)
{
    return (struct value_cached *)(void *)frame->data;
}

/* NO_MEMORY. Ended by value_cache_free, before the blocks are. */
int value_cache_init(struct value_cache *cache, struct clock_cache *blocks, size_t budget,
                     struct strata_error *err);
void value_cache_free(struct value_cache *cache);

/* The record, pinned; NULL: it is not here. Any thread, as all below. */
struct clock_cache_frame *value_cache_find(const struct value_cache *cache,
                                           const struct pointer *pointer, struct strata_slice key);
/* A frame for a record of so many bytes, to be filled and put, or to be released. NO_MEMORY. */
int value_cache_take(const struct value_cache *cache, const struct pointer *pointer, uint64_t size,
                     struct clock_cache_frame **out, struct strata_error *err);
/* Makes a filled frame known, if there is a place for it. Returns the one to read, pinned; NULL:
 * another thread took the place, and the frame is gone. */
struct clock_cache_frame *value_cache_put(const struct value_cache *cache,
                                          struct clock_cache_frame *frame, struct strata_slice key);
/* Ends a pin. NULL is fine. */
void value_cache_release(struct clock_cache *blocks, struct clock_cache_frame *frame);

#endif
