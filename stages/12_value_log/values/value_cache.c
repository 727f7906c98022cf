/* value_cache.c: see value_cache.h.
 *
 * Stage 9's cache finds a block by its place in its table's directory. A value has no such place,
 * only a pointer. So all value files have one directory, and file number and offset say, hashed,
 * which two neighbouring slots of it a value may be in:
 *
 *   5 @24, hashed -> | slot 6 | slot 7 |      slot 6: the frame of 5 @24
 *                                              slot 7: empty, or that of another value
 *
 * A frame says which value it has. A value whose two slots are taken is not kept: slots are many,
 * so there are few such. What is in a file that has gone is never asked for again, and so evicted.
 *
 * 12.I11: a frame is filled with a record that was checked whole, and is found by a pointer that is
 *        equal to the one it was checked with, and the same key: so 12.I2 holds of it. */
#include "value_cache.h"
#include "base/coding.h"

#include <string.h>

#define PIECE 4096u /* bytes of the budget, a value at least: ... */
#define SLOTS 4u    /* ... so many slots each */
#define LEAST 64u   /* slots */
#define MOST (1u << 26)
#define KEY_SIZE 5 /* where it is in a record's head (01_append_log/record.c) */

int value_cache_init(struct value_cache *cache, struct clock_cache *blocks, size_t budget,
                     struct strata_error *err)
{
    uint32_t slots = LEAST;
    int rc;

    while (slots < MOST && slots < budget / PIECE * SLOTS)
        slots *= 2;
    rc = clock_cache_directory_init(&cache->slots, slots, err);
    cache->blocks = rc == 0 ? blocks : NULL;
    cache->budget = budget;
    return rc;
}

void value_cache_free(struct value_cache *cache)
{
    if (cache->blocks)
        clock_cache_directory_free(cache->blocks, &cache->slots);
}

static uint32_t slot_of(const struct value_cache *cache, const struct pointer *p)
{
    uint64_t hash = (p->offset ^ p->number << 40) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(hash >> 32) & (cache->slots.blocks - 1); /* a power of two */
}

/* 12.I11. */
static bool is(const struct clock_cache_frame *frame, const struct pointer *p,
               struct strata_slice key)
{
    const struct value_cached *c = value_cached_of(frame);

    return c->of.number == p->number && c->of.offset == p->offset && c->of.size == p->size &&
           c->of.check == p->check && load_u32(c->record + KEY_SIZE) == key.size &&
           memcmp(c->record + RECORD_HEAD, key.data, key.size) == 0;
}

struct clock_cache_frame *value_cache_find(const struct value_cache *cache,
                                           const struct pointer *pointer, struct strata_slice key)
{
    uint32_t slot = slot_of(cache, pointer);

    for (uint32_t i = 0; cache->blocks && i < 2; i++) {
        struct clock_cache_frame *frame = clock_cache_get(cache->blocks, &cache->slots, slot ^ i);
        if (frame && is(frame, pointer, key))
            return frame;
        clock_cache_release(cache->blocks, frame);
    }
    return NULL;
}

int value_cache_take(const struct value_cache *cache, const struct pointer *pointer, uint64_t size,
                     struct clock_cache_frame **out, struct strata_error *err)
{
    int rc = clock_cache_take(cache->blocks, sizeof(struct value_cached) + size, out, err);

    if (rc == 0)
        value_cached_of(*out)->of = *pointer;
    return rc;
}

struct clock_cache_frame *value_cache_put(const struct value_cache *cache,
                                          struct clock_cache_frame *frame, struct strata_slice key)
{
    const struct pointer pointer = value_cached_of(frame)->of;
    uint32_t slot = slot_of(cache, &pointer);

    if (clock_cache_has(&cache->slots, slot))
        slot ^= 1;
    if (clock_cache_has(&cache->slots, slot))
        return frame;
    frame = clock_cache_put(cache->blocks, &cache->slots, slot, frame);
    if (is(frame, &pointer, key))
        return frame;
    clock_cache_release(cache->blocks, frame);
    return NULL;
}

/* One that was not put is locked, and no directory's. */
void value_cache_release(struct clock_cache *blocks, struct clock_cache_frame *frame)
{
    if (frame && frame->span && !frame->entry)
        clock_cache_abandon(blocks, frame);
    else
        clock_cache_release(blocks, frame);
}
