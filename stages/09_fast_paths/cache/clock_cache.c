/* clock_cache.c: one piece of memory, the frames' headers first and their payloads after them:
 *
 *   | header 0 | header 1 | ... | header n-1 | payload 0 | payload 1 | ... | payload n-1 |
 *
 * The system gives memory to a page when it is first written. Frames from `fresh` on were never
 * used, and are not written before all others are in use: so the cache takes memory as it fills.
 *
 * A header is one cache line. A payload is an odd number of lines, so that the beginnings of
 * blocks, which are read most, do not compete for the same few sets of the processor's cache.
 *
 * A block takes span >= 1 frames side by side, whose payloads are contiguous; the header of the
 * first is the block's.
 *
 * A header's state is one word, changed by atomic additions:
 *
 *   | hits 40 | lock 1 | pins 23 |
 *
 * 9.I8:  entry, data and span change only while the frame is locked, and it is locked only while
 *        it has no pins. So a thread that has pinned a frame and saw no lock may read them, and
 *        the payload, until it releases the frame.
 * 9.I9:  *entry is the frame's number + 1 from clock_cache_put until eviction, and 0 before its
 *        table's directory is freed. So if entry is the word that led here, this frame is that
 *        block.
 * 9.I10: a reader that comes too late, with the number of a frame that is locked or another
 *        block's by now, has added a pin and a hit, and subtracts both. What writes the word
 *        must keep them: lock by exchange of a word without pins, everything else by addition.
 * 9.I11: headers tile the frames: frame 0 is a header, and `span` frames after a header is the
 *        next, up to `fresh`. The hand is at one. A free frame is locked, a header of span 1.
 *
 * All but hits, pins and releases is under the mutex. Hits are counted in the word that a hit
 * must change anyway; a block was used since the hand passed if its count has changed. A new
 * block counts as not used yet, so a scan's blocks are evicted first. */
#include "clock_cache.h"
#include "base/pages.h"
#include "threads/sync.h"

#include <assert.h>
#include <stdlib.h>

#define LINE ((size_t)64)
#define PIN ((uint64_t)1)
#define LOCK ((uint64_t)1 << 23)
#define HIT ((uint64_t)1 << 24)
#define PINS (LOCK - 1)
#define HUGE_BUDGET (4 * PAGES_HUGE) /* below it, small pages: rounding down would waste much */
#define PREFETCHED ((size_t)256)     /* bytes of a payload, by a hit */

struct clock_cache {
    struct clock_cache_frame *frames; /* count of them */
    uint8_t *payloads;
    size_t payload;      /* bytes of a frame's */
    size_t mapped_bytes; /* of both; 0: they are malloc's */
    size_t budget;
    uint32_t count;

    struct sync_mutex mutex; /* guards the rest, but for what is atomic */
    uint32_t fresh;          /* frames that were used at least once */
    uint32_t hand;           /* a frame's number */
    uint32_t first_free;     /* number + 1 */
    uint64_t hits;           /* of blocks that are no longer here */
    uint64_t misses, evictions, blocks;
    _Atomic uint64_t private_bytes;
};

/* ---- Making and ending --------------------------------------------------------------------- */

static size_t round_up(size_t size, size_t to)
{
    return (size + to - 1) / to * to;
}

static size_t frame_bytes(const struct clock_cache *cache)
{
    return sizeof(struct clock_cache_frame) + cache->payload;
}

/* Half as much, and so on, where the system has no more. */
static void map_frames(struct clock_cache *cache)
{
    size_t bytes = cache->budget / PAGES_HUGE * PAGES_HUGE;

    while (bytes && !(cache->frames = pages_map(bytes)))
        bytes = bytes / 2 / PAGES_HUGE * PAGES_HUGE;
    cache->mapped_bytes = bytes;
}

static int take_memory(struct clock_cache *cache, struct strata_error *err)
{
    size_t frame = frame_bytes(cache), bytes = cache->budget / frame * frame, count;

    if (cache->budget >= HUGE_BUDGET) {
        map_frames(cache);
        bytes = cache->mapped_bytes;
    } else if (bytes && !(cache->frames = aligned_alloc(LINE, bytes))) {
        return strata_fail_memory(err, bytes);
    }
    count = bytes / frame;
    cache->count = count < UINT32_MAX / 2 ? (uint32_t)count : UINT32_MAX / 2;
    if (cache->count)
        cache->payloads = (uint8_t *)(cache->frames + cache->count);
    return 0;
}

int clock_cache_new(size_t budget, size_t payload, struct clock_cache **out,
                    struct strata_error *err)
{
    struct clock_cache *cache = calloc(1, sizeof *cache);
    int rc;

    *out = NULL;
    if (!cache)
        return strata_fail_memory(err, sizeof *cache);
    if (payload > SIZE_MAX / 4)
        payload = SIZE_MAX / 4;
    cache->mutex = (struct sync_mutex)SYNC_MUTEX_INIT;
    cache->budget = budget;
    cache->payload = round_up(payload ? payload : 1, LINE) | LINE; /* an odd number of lines */
    rc = take_memory(cache, err);
    if (rc < 0)
        clock_cache_del(cache);
    else
        *out = cache;
    return rc;
}

void clock_cache_del(struct clock_cache *cache)
{
    if (!cache)
        return;
    if (cache->mapped_bytes)
        pages_unmap(cache->frames, cache->mapped_bytes);
    else
        free(cache->frames);
    sync_mutex_free(&cache->mutex);
    free(cache);
}

static const uint8_t *payload_at(const struct clock_cache *cache, uint32_t number)
{
    return cache->payloads + (size_t)number * cache->payload;
}

/* ---- Free frames --------------------------------------------------------------------------- */

/* Frames that are locked and no block's. */
static void add_free(struct clock_cache *cache, uint32_t first, uint32_t count)
{
    for (uint32_t number = first; number < first + count; number++) {
        struct clock_cache_frame *frame = &cache->frames[number];
        assert(number < cache->fresh && frame->number == number && !frame->is_free);
        assert(atomic_load_explicit(&frame->state, memory_order_relaxed) & LOCK); /* 9.I11 */
        frame->span = 1;
        frame->entry = NULL;
        frame->is_free = true;
        frame->prev = 0;
        frame->next = cache->first_free;
        if (frame->next)
            cache->frames[frame->next - 1].prev = number + 1;
        cache->first_free = number + 1;
    }
}

static void remove_free(struct clock_cache *cache, struct clock_cache_frame *frame)
{
    assert(frame->is_free);
    if (frame->prev)
        cache->frames[frame->prev - 1].next = frame->next;
    else
        cache->first_free = frame->next;
    if (frame->next)
        cache->frames[frame->next - 1].prev = frame->prev;
    frame->is_free = false;
}

/* The frame, which was just locked, is no block's any more. */
static void forget(struct clock_cache *cache, struct clock_cache_frame *frame, uint64_t hits)
{
    assert(atomic_load_explicit(frame->entry, memory_order_relaxed) ==
           frame->number + 1); /* 9.I9 */
    cache->hits += hits;
    cache->blocks--;
    atomic_store_explicit(frame->entry, 0, memory_order_release);
    frame->entry = NULL;
}

/* ---- Choosing a frame ------------------------------------------------------------------------ */

/* Takes the frame, if it is free or was not used since the hand passed. */
static bool evict(struct clock_cache *cache, struct clock_cache_frame *frame)
{
    uint64_t state = atomic_load_explicit(&frame->state, memory_order_relaxed);

    if (frame->is_free) {
        remove_free(cache, frame);
        return true;
    }
    if (state & (LOCK | PINS))
        return false;
    if (state / HIT != frame->seen) {
        frame->seen = state / HIT;
        return false;
    }
    if (!atomic_compare_exchange_strong_explicit(&frame->state, &state, LOCK, memory_order_acquire,
                                                 memory_order_relaxed))
        return false;
    forget(cache, frame, state / HIT);
    cache->evictions++;
    return true;
}

/* The first of `got` frames that are locked and no block's becomes the header of `span`. */
static struct clock_cache_frame *join(struct clock_cache *cache, uint32_t first, uint32_t got,
                                      uint32_t span)
{
    struct clock_cache_frame *frame = &cache->frames[first];

    assert(first + got <= cache->fresh && span <= got);
    for (uint32_t i = 1; i < span; i++)
        frame[i].span = 0;
    add_free(cache, first + span, got - span);
    assert(!frame->entry && !frame->is_free); /* 9.I8 */
    frame->span = span;
    frame->data = (uint8_t *)payload_at(cache, first);
    return frame;
}

/* Moves the hand on until it has passed enough frames side by side that could be taken. Two turns:
 * after the first every block that is not pinned counts as not used. */
static struct clock_cache_frame *sweep(struct clock_cache *cache, uint32_t span)
{
    uint32_t first = cache->hand, got = 0;

    assert(cache->fresh == cache->count);
    for (uint64_t looked = 0; looked <= 2 * (uint64_t)cache->count + span && got < span;) {
        bool at_end = cache->hand == cache->count;
        uint32_t passed = at_end ? 0 : cache->frames[cache->hand].span;
        bool taken = !at_end && evict(cache, &cache->frames[cache->hand]);
        cache->hand = at_end ? 0 : cache->hand + passed;
        looked += passed;
        got += taken ? passed : 0;
        if (!taken) {
            add_free(cache, first, got);
            first = cache->hand;
            got = 0;
        }
    }
    if (got >= span)
        return join(cache, first, got, span);
    add_free(cache, first, got);
    return NULL;
}

/* Frames that were never used, locked. Returns the number of the first. */
static uint32_t take_fresh(struct clock_cache *cache, uint32_t count)
{
    uint32_t first = cache->fresh;

    assert(count <= cache->count - first);
    for (cache->fresh += count; count--;) {
        struct clock_cache_frame *frame = &cache->frames[first + count];
        *frame = (struct clock_cache_frame){.number = first + count};
        atomic_init(&frame->state, LOCK);
    }
    return first;
}

static struct clock_cache_frame *find_frame(struct clock_cache *cache, uint32_t span)
{
    uint32_t first = cache->first_free, left = cache->count - cache->fresh;

    if (span == 1 && first) {
        remove_free(cache, &cache->frames[first - 1]);
        return join(cache, first - 1, 1, 1);
    }
    if (span <= left)
        return join(cache, take_fresh(cache, span), span, span);
    if (left)
        add_free(cache, take_fresh(cache, left), left);
    return sweep(cache, span);
}

/* ---- Misses -------------------------------------------------------------------------------- */

/* Memory that is freed with its one pin. */
static int take_private(struct clock_cache *cache, size_t size, struct clock_cache_frame **out,
                        struct strata_error *err)
{
    struct clock_cache_frame *frame = NULL;
    size_t bytes = sizeof *frame;

    if (size <= SIZE_MAX / 2) {
        bytes = round_up(sizeof *frame + size, LINE);
        frame = aligned_alloc(LINE, bytes);
    }
    if (!frame)
        return strata_fail_memory(err, size);
    *frame = (struct clock_cache_frame){.data = (uint8_t *)(frame + 1), .bytes = bytes};
    atomic_fetch_add_explicit(&cache->private_bytes, bytes, memory_order_relaxed);
    *out = frame;
    return 0;
}

static void free_private(struct clock_cache *cache, struct clock_cache_frame *frame)
{
    atomic_fetch_sub_explicit(&cache->private_bytes, frame->bytes, memory_order_relaxed);
    free(frame);
}

int clock_cache_take(struct clock_cache *cache, size_t size, struct clock_cache_frame **out,
                     struct strata_error *err)
{
    size_t span = size / cache->payload + (size % cache->payload != 0 || size == 0);
    uint32_t most = cache->count / 8 ? cache->count / 8 : cache->count != 0;

    *out = NULL;
    sync_lock(&cache->mutex);
    cache->misses++;
    if (span <= most)
        *out = find_frame(cache, (uint32_t)span);
    sync_unlock(&cache->mutex);
    return *out ? 0 : take_private(cache, size, out, err);
}

void clock_cache_abandon(struct clock_cache *cache, struct clock_cache_frame *frame)
{
    if (!frame->span) {
        free_private(cache, frame);
        return;
    }
    sync_lock(&cache->mutex);
    add_free(cache, frame->number, frame->span);
    sync_unlock(&cache->mutex);
}

/* What is in a directory while the mutex is held stays there. */
struct clock_cache_frame *clock_cache_put(struct clock_cache *cache,
                                          const struct clock_cache_directory *directory,
                                          uint32_t block, struct clock_cache_frame *frame)
{
    _Atomic uint32_t *entry = &directory->frames[block];
    uint32_t there;

    if (!frame->span)
        return frame;
    sync_lock(&cache->mutex);
    assert(!frame->is_free && !frame->entry);
    there = atomic_load_explicit(entry, memory_order_relaxed);
    if (there) {
        add_free(cache, frame->number, frame->span);
        frame = &cache->frames[there - 1];
        atomic_fetch_add_explicit(&frame->state, PIN, memory_order_relaxed);
    } else {
        cache->blocks++;
        frame->entry = entry;
        frame->seen = 0;
        atomic_fetch_add_explicit(&frame->state, PIN - LOCK, memory_order_release);
        atomic_store_explicit(entry, frame->number + 1, memory_order_release);
    }
    sync_unlock(&cache->mutex);
    return frame;
}

/* ---- Hits ---------------------------------------------------------------------------------- */

struct clock_cache_frame *clock_cache_get(struct clock_cache *cache,
                                          const struct clock_cache_directory *directory,
                                          uint32_t block)
{
    _Atomic uint32_t *entry = &directory->frames[block];
    uint32_t number = atomic_load_explicit(entry, memory_order_acquire);
    struct clock_cache_frame *frame;
    const uint8_t *payload;
    uint64_t state;

    assert(block < directory->blocks);
    if (!number)
        return NULL;
    frame = &cache->frames[number - 1];
    payload = payload_at(cache, number - 1);
    for (size_t i = 0; i < PREFETCHED; i += LINE) /* while the header is waited for */
        __builtin_prefetch(payload + i);
    state = atomic_fetch_add_explicit(&frame->state, HIT + PIN, memory_order_acquire);
    if (!(state & LOCK) && frame->entry == entry) /* 9.I8, 9.I9 */
        return frame;
    atomic_fetch_sub_explicit(&frame->state, HIT + PIN, memory_order_release); /* 9.I10 */
    return NULL;
}

void clock_cache_prefetch(const struct clock_cache *cache,
                          const struct clock_cache_directory *directory, uint32_t block,
                          size_t bytes)
{
    uint32_t number = atomic_load_explicit(&directory->frames[block], memory_order_acquire);
    const uint8_t *payload;

    if (!number)
        return;
    payload = payload_at(cache, number - 1);
    __builtin_prefetch(&cache->frames[number - 1]);
    for (size_t i = 0; i < bytes && i < cache->payload; i += LINE)
        __builtin_prefetch(payload + i);
}

void clock_cache_release(struct clock_cache *cache, struct clock_cache_frame *frame)
{
    if (frame && frame->span) {
        uint64_t state = atomic_fetch_sub_explicit(&frame->state, PIN, memory_order_release);
        assert(state & PINS);
        (void)state;
    } else if (frame) {
        free_private(cache, frame);
    }
}

/* ---- Directories --------------------------------------------------------------------------- */

int clock_cache_directory_init(struct clock_cache_directory *directory, uint32_t blocks,
                               struct strata_error *err)
{
    *directory = (struct clock_cache_directory){0};
    directory->frames = calloc(blocks ? blocks : 1, sizeof *directory->frames);
    if (!directory->frames)
        return strata_fail_memory(err, blocks * sizeof *directory->frames);
    directory->blocks = blocks;
    return 0;
}

/* Readers of other tables who come too late may have pinned it (9.I10): they see the lock and
 * release it. */
static void drop(struct clock_cache *cache, _Atomic uint32_t *entry)
{
    uint32_t number = atomic_load_explicit(entry, memory_order_acquire);
    struct clock_cache_frame *frame;
    uint64_t state;

    if (!number)
        return; /* evicted meanwhile */
    frame = &cache->frames[number - 1];
    assert(frame->entry == entry); /* 9.I9 */
    state = atomic_fetch_or_explicit(&frame->state, LOCK, memory_order_acquire);
    while (state & PINS) {
        sync_yield();
        state = atomic_load_explicit(&frame->state, memory_order_acquire);
    }
    atomic_fetch_sub_explicit(&frame->state, state / HIT * HIT, memory_order_relaxed);
    forget(cache, frame, state / HIT);
    add_free(cache, frame->number, frame->span);
}

void clock_cache_directory_free(struct clock_cache *cache, struct clock_cache_directory *directory)
{
    for (uint32_t i = 0; i < directory->blocks; i++) {
        if (!atomic_load_explicit(&directory->frames[i], memory_order_acquire))
            continue;
        sync_lock(&cache->mutex);
        drop(cache, &directory->frames[i]);
        sync_unlock(&cache->mutex);
    }
    free((void *)directory->frames);
    *directory = (struct clock_cache_directory){0};
}

void clock_cache_stats(struct clock_cache *cache, struct clock_cache_stats *out)
{
    sync_lock(&cache->mutex);
    *out = (struct clock_cache_stats){
        .hits = cache->hits,
        .misses = cache->misses,
        .evictions = cache->evictions,
        .blocks = cache->blocks,
        .bytes = cache->fresh * frame_bytes(cache),
        .private_bytes = atomic_load_explicit(&cache->private_bytes, memory_order_relaxed),
    };
    for (uint32_t i = 0; i < cache->fresh; i++)
        out->hits += atomic_load_explicit(&cache->frames[i].state, memory_order_relaxed) / HIT;
    sync_unlock(&cache->mutex);
}

/* ---- Checking ------------------------------------------------------------------------------ */

/* The directory's word names the frame (9.I9), and a free frame is locked (9.I11). */
static bool is_sound(const struct clock_cache_frame *frame, uint32_t number)
{
    uint64_t state = atomic_load_explicit(&((struct clock_cache_frame *)(uintptr_t)frame)->state,
                                          memory_order_relaxed);

    if (frame->number != number || !frame->span)
        return false;
    if (frame->is_free)
        return frame->span == 1 && !frame->entry && state & LOCK;
    return !frame->entry || atomic_load_explicit(frame->entry, memory_order_relaxed) == number + 1;
}

bool clock_cache_check(struct clock_cache *cache)
{
    uint64_t blocks = 0, free_frames = 0, listed = 0;
    uint32_t at = 0;
    bool sound = true;

    sync_lock(&cache->mutex);
    while (sound && at < cache->fresh) { /* 9.I11 */
        const struct clock_cache_frame *frame = &cache->frames[at];
        sound = is_sound(frame, at);
        blocks += frame->entry != NULL;
        free_frames += frame->is_free;
        at += frame->span;
    }
    sound &= at == cache->fresh && cache->fresh <= cache->count && cache->hand <= cache->count;
    for (at = cache->first_free; sound && at; at = cache->frames[at - 1].next)
        listed++;
    sound &= blocks == cache->blocks && listed == free_frames;
    sound &= cache->count * frame_bytes(cache) <= cache->budget;
    sync_unlock(&cache->mutex);
    return sound;
}
