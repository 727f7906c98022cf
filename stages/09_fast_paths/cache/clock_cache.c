/* clock_cache.c: slabs of memory, each with its frames' headers first and their payloads after
 * them:
 *
 *   | header 0 | header 1 | ... | header n-1 | payload 0 | payload 1 | ... | payload n-1 |
 *
 * The cache begins without a slab. When all frames are used and the budget is not, it maps one
 * more slab, as large as all before it together: 256 MiB are nine slabs at most. (A small budget
 * is one slab, allocated at once.) A frame's number is its slab's number and its index in the
 * slab.
 *
 * A header is one cache line. A payload is an odd number of lines, so that the beginnings of
 * blocks, which are read most, do not compete for the same few sets of the processor's cache.
 * Frames of the newest slab from `fresh` on were never used, and their memory was not touched.
 *
 * A block takes span >= 1 frames of one slab side by side, whose payloads are contiguous; the
 * header of the first is the block's.
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
 *        block's by now, has added a pin and a hit, and subtracts both. Whoever writes the word
 *        must keep them: lock by exchange of a word without pins, everything else by addition.
 * 9.I11: headers tile the frames of a slab: frame 0 is a header, and `span` frames after a header
 *        is the next, up to `fresh`. The hand is at one. A free frame is locked, a header of span
 *        1.
 * 9.I12: a slab never moves or goes while the cache lives, and its entry in `slabs` is written
 *        before any number of its frames is in a directory: who has a number finds the slab
 *        without the mutex.
 *
 * All but hits, pins and releases is under the mutex. Hits are counted in the word that a hit
 * must change anyway; a block was used since the hand passed if its count has changed. A new
 * block counts as not used yet, so a scan's blocks are evicted first. */
#include "clock_cache.h"
#include "base/pages.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define LINE ((size_t)64)
#define PIN ((uint64_t)1)
#define LOCK ((uint64_t)1 << 23)
#define HIT ((uint64_t)1 << 24)
#define PINS (LOCK - 1)
#define HUGE_BUDGET (4 * PAGES_HUGE) /* below it, small pages: rounding down would waste much */
#define NEAR ((size_t)256)           /* bytes of a payload that a hit brings near */
#define SLABS 32u                    /* at most */
#define INDEX_BITS 27                /* of a frame's number; the slab's number is above them */
#define INDEX_MASK (((uint32_t)1 << INDEX_BITS) - 1)

struct slab {
    struct clock_cache_frame *frames; /* count of them: where the slab begins */
    uint8_t *payloads;
    size_t mapped_bytes; /* 0: it is malloc's */
    uint32_t count;      /* < INDEX_MASK */
};

struct clock_cache {
    struct slab slabs[SLABS]; /* 9.I12 */
    size_t budget;
    size_t payload; /* bytes of a frame's */

    pthread_mutex_t mutex; /* guards the rest, but for what is atomic */
    uint32_t slab_count;
    uint32_t fresh;           /* frames of the newest slab that were used at least once */
    uint64_t frames;          /* of all slabs */
    uint64_t most_frames;     /* when it is as large as it can become */
    size_t left;              /* bytes of the budget for further slabs */
    uint32_t hand_slab, hand; /* the hand: a slab, and an index in it */
    uint32_t first_free;      /* number + 1 */
    uint64_t hits;            /* of blocks that are no longer here */
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

/* One slab more, of memory that is not touched yet. */
static void add_slab(struct clock_cache *cache, void *memory, size_t bytes, bool mapped)
{
    struct slab *slab = &cache->slabs[cache->slab_count];
    size_t count = bytes / frame_bytes(cache);

    if (count >= INDEX_MASK)
        count = INDEX_MASK - 1;
    *slab = (struct slab){.frames = memory,
                          .payloads = (uint8_t *)memory + count * sizeof(struct clock_cache_frame),
                          .mapped_bytes = mapped ? bytes : 0,
                          .count = (uint32_t)count};
    cache->slab_count++;
    cache->frames += count;
    cache->fresh = 0;
    cache->left -= bytes;
}

/* A small budget is taken whole, of a large one nothing yet. */
static int take_budget(struct clock_cache *cache, struct strata_error *err)
{
    size_t frame = frame_bytes(cache), count = cache->budget / frame;
    void *memory;

    cache->left = cache->budget / PAGES_HUGE * PAGES_HUGE;
    if (cache->budget >= HUGE_BUDGET)
        count = cache->left / frame;
    cache->most_frames = count;
    if (cache->budget >= HUGE_BUDGET || !count)
        return 0;
    memory = aligned_alloc(LINE, count * frame);
    if (!memory)
        return strata_fail_memory(err, count * frame);
    cache->left = count * frame;
    add_slab(cache, memory, count * frame, false);
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
    cache->budget = budget;
    cache->payload = round_up(payload ? payload : 1, LINE);
    cache->payload |= LINE; /* an odd number of lines */
    if (pthread_mutex_init(&cache->mutex, NULL) != 0) {
        free(cache);
        return strata_fail_memory(err, sizeof cache->mutex);
    }
    rc = take_budget(cache, err);
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
    for (uint32_t i = 0; i < cache->slab_count; i++) {
        const struct slab *slab = &cache->slabs[i];
        if (slab->mapped_bytes)
            pages_unmap(slab->frames, slab->mapped_bytes);
        else
            free(slab->frames);
    }
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

/* ---- Numbers of frames ----------------------------------------------------------------------- */

static inline struct clock_cache_frame *frame_at(const struct clock_cache *cache, uint32_t number)
{
    return &cache->slabs[number >> INDEX_BITS].frames[number & INDEX_MASK];
}

static inline const uint8_t *payload_at(const struct clock_cache *cache, uint32_t number)
{
    return cache->slabs[number >> INDEX_BITS].payloads +
           (size_t)(number & INDEX_MASK) * cache->payload;
}

/* ---- Free frames --------------------------------------------------------------------------- */

static void add_free(struct clock_cache *cache, uint32_t number)
{
    struct clock_cache_frame *frame = frame_at(cache, number);

    frame->span = 1;
    frame->entry = NULL;
    frame->is_free = true;
    frame->prev = 0;
    frame->next = cache->first_free;
    if (frame->next)
        frame_at(cache, frame->next - 1)->prev = number + 1;
    cache->first_free = number + 1;
}

static void remove_free(struct clock_cache *cache, struct clock_cache_frame *frame)
{
    if (frame->prev)
        frame_at(cache, frame->prev - 1)->next = frame->next;
    else
        cache->first_free = frame->next;
    if (frame->next)
        frame_at(cache, frame->next - 1)->prev = frame->prev;
    frame->is_free = false;
}

/* All of them are locked. */
static void add_all_free(struct clock_cache *cache, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        add_free(cache, first + i);
}

/* ---- Choosing what goes -------------------------------------------------------------------- */

/* The frame, just locked, is no block's any more. */
static void forget(struct clock_cache *cache, struct clock_cache_frame *frame, uint64_t hits)
{
    cache->hits += hits;
    cache->blocks--;
    atomic_store_explicit(frame->entry, 0, memory_order_release);
    frame->entry = NULL;
}

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

/* `got` frames are locked and no block's: the first `span` of them become one head. */
static struct clock_cache_frame *join(struct clock_cache *cache, uint32_t first, uint32_t got,
                                      uint32_t span)
{
    struct clock_cache_frame *frame = frame_at(cache, first);

    for (uint32_t i = 1; i < span; i++)
        frame[i].span = 0;
    add_all_free(cache, first + span, got - span);
    frame->span = span;
    frame->data = (uint8_t *)payload_at(cache, first);
    return frame;
}

static bool has_room_for(const struct clock_cache *cache, uint32_t span)
{
    for (uint32_t i = 0; i < cache->slab_count; i++)
        if (cache->slabs[i].count >= span)
            return true;
    return false;
}

static void next_slab(struct clock_cache *cache)
{
    cache->hand_slab = (cache->hand_slab + 1) % cache->slab_count;
    cache->hand = 0;
}

/* Moves the hand on until it has passed enough frames side by side that could be taken. Two turns:
 * after the first every block that is not pinned counts as not used. Slabs that are too small are
 * left out. */
static struct clock_cache_frame *sweep(struct clock_cache *cache, uint32_t span)
{
    uint32_t first = cache->hand_slab << INDEX_BITS | cache->hand, got = 0;

    if (!has_room_for(cache, span))
        return NULL;
    for (uint64_t looked = 0; looked <= 2 * cache->frames + span && got < span;) {
        const struct slab *slab = &cache->slabs[cache->hand_slab];
        uint32_t passed;
        if (cache->hand == slab->count || slab->count < span) {
            add_all_free(cache, first, got);
            next_slab(cache);
            first = cache->hand_slab << INDEX_BITS;
            got = 0;
            continue;
        }
        passed = slab->frames[cache->hand].span;
        if (evict(cache, &slab->frames[cache->hand])) {
            got += passed;
        } else {
            add_all_free(cache, first, got);
            first = cache->hand_slab << INDEX_BITS | (cache->hand + passed);
            got = 0;
        }
        cache->hand += passed;
        looked += passed;
    }
    if (got >= span)
        return join(cache, first, got, span);
    add_all_free(cache, first, got);
    return NULL;
}

/* ---- Growing --------------------------------------------------------------------------------- */

/* A slab with `span` frames or more; of half the size, and so on, where the system has not as much.
 */
static bool grow(struct clock_cache *cache, uint32_t span)
{
    size_t least = round_up(span * frame_bytes(cache), PAGES_HUGE);
    size_t bytes = (cache->budget - cache->left) / PAGES_HUGE * PAGES_HUGE;
    void *memory = NULL;

    if (cache->slab_count == SLABS || least > cache->left)
        return false;
    bytes = bytes > least ? bytes : least;
    bytes = bytes < cache->left ? bytes : cache->left;
    while (!(memory = pages_map(bytes)) && bytes > least) {
        bytes = bytes / 2 / PAGES_HUGE * PAGES_HUGE;
        bytes = bytes > least ? bytes : least;
    }
    if (memory) {
        add_slab(cache, memory, bytes, true);
    } else if (span == 1) { /* it stays as large as it is */
        cache->left = 0;
        cache->most_frames = cache->frames;
    }
    return memory != NULL;
}

static uint32_t fresh_left(const struct clock_cache *cache)
{
    return cache->slab_count ? cache->slabs[cache->slab_count - 1].count - cache->fresh : 0;
}

/* Frames of the newest slab that were never used, locked. Returns the number of the first. */
static uint32_t take_fresh(struct clock_cache *cache, uint32_t count)
{
    uint32_t first = (cache->slab_count - 1) << INDEX_BITS | cache->fresh;

    for (uint32_t i = 0; i < count; i++) {
        struct clock_cache_frame *frame = frame_at(cache, first + i);
        *frame = (struct clock_cache_frame){.number = first + i};
        atomic_init(&frame->state, LOCK);
    }
    cache->fresh += count;
    return first;
}

static struct clock_cache_frame *find_frame(struct clock_cache *cache, uint32_t span)
{
    uint32_t first = cache->first_free, left = fresh_left(cache);

    if (span == 1 && first) {
        remove_free(cache, frame_at(cache, first - 1));
        return join(cache, first - 1, 1, 1);
    }
    if (span > left) {
        if (left)
            add_all_free(cache, take_fresh(cache, left), left);
        if (!grow(cache, span))
            return sweep(cache, span);
    }
    return join(cache, take_fresh(cache, span), span, span);
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
    size_t span = size / cache->payload + (size % cache->payload != 0);
    uint64_t most;

    span += span == 0;
    *out = NULL;
    pthread_mutex_lock(&cache->mutex);
    cache->misses++;
    most = cache->most_frames / 8 ? cache->most_frames / 8 : cache->most_frames != 0;
    most = most < INDEX_MASK - 1 ? most : INDEX_MASK - 1;
    if (span <= most)
        *out = find_frame(cache, (uint32_t)span);
    pthread_mutex_unlock(&cache->mutex);
    return *out ? 0 : take_private(cache, size, out, err);
}

static void give_back(struct clock_cache *cache, struct clock_cache_frame *frame)
{
    add_all_free(cache, frame->number, frame->span);
}

void clock_cache_abandon(struct clock_cache *cache, struct clock_cache_frame *frame)
{
    if (!frame->span) {
        free_private(cache, frame);
        return;
    }
    pthread_mutex_lock(&cache->mutex);
    give_back(cache, frame);
    pthread_mutex_unlock(&cache->mutex);
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
    pthread_mutex_lock(&cache->mutex);
    there = atomic_load_explicit(entry, memory_order_relaxed);
    if (there) {
        give_back(cache, frame);
        frame = frame_at(cache, there - 1);
        atomic_fetch_add_explicit(&frame->state, PIN, memory_order_relaxed);
    } else {
        cache->blocks++;
        frame->entry = entry;
        frame->seen = 0;
        atomic_fetch_add_explicit(&frame->state, PIN - LOCK, memory_order_release);
        atomic_store_explicit(entry, frame->number + 1, memory_order_release);
    }
    pthread_mutex_unlock(&cache->mutex);
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
    frame = frame_at(cache, number - 1);
    payload = payload_at(cache, number - 1);
    for (size_t i = 0; i < NEAR; i += LINE) /* while the head is waited for */
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
    __builtin_prefetch(frame_at(cache, number - 1));
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

/* Readers of other tables who come too late may hold it for a moment (9.I10): they see the lock and
 * let go. */
static void drop(struct clock_cache *cache, _Atomic uint32_t *entry)
{
    uint32_t number = atomic_load_explicit(entry, memory_order_acquire);
    struct clock_cache_frame *frame;
    uint64_t state;

    if (!number)
        return; /* evicted meanwhile */
    frame = frame_at(cache, number - 1);
    state = atomic_fetch_or_explicit(&frame->state, LOCK, memory_order_acquire);
    while (state & PINS) {
        sched_yield();
        state = atomic_load_explicit(&frame->state, memory_order_acquire);
    }
    atomic_fetch_sub_explicit(&frame->state, state / HIT * HIT, memory_order_relaxed);
    forget(cache, frame, state / HIT);
    give_back(cache, frame);
}

void clock_cache_directory_free(struct clock_cache *cache, struct clock_cache_directory *directory)
{
    for (uint32_t i = 0; i < directory->blocks; i++) {
        if (!atomic_load_explicit(&directory->frames[i], memory_order_acquire))
            continue;
        pthread_mutex_lock(&cache->mutex);
        drop(cache, &directory->frames[i]);
        pthread_mutex_unlock(&cache->mutex);
    }
    free((void *)directory->frames);
    *directory = (struct clock_cache_directory){0};
}

static uint64_t hits_of(const struct slab *slab, uint32_t used)
{
    uint64_t hits = 0;

    for (uint32_t i = 0; i < used; i++)
        hits += atomic_load_explicit(&slab->frames[i].state, memory_order_relaxed) / HIT;
    return hits;
}

void clock_cache_stats(struct clock_cache *cache, struct clock_cache_stats *out)
{
    pthread_mutex_lock(&cache->mutex);
    *out = (struct clock_cache_stats){
        .hits = cache->hits,
        .misses = cache->misses,
        .evictions = cache->evictions,
        .blocks = cache->blocks,
        .bytes = (cache->frames - fresh_left(cache)) * frame_bytes(cache),
        .budget = cache->budget,
        .private_bytes = atomic_load_explicit(&cache->private_bytes, memory_order_relaxed),
    };
    for (uint32_t i = 0; i < cache->slab_count; i++)
        out->hits += hits_of(&cache->slabs[i],
                             i + 1 < cache->slab_count ? cache->slabs[i].count : cache->fresh);
    pthread_mutex_unlock(&cache->mutex);
}

/* ---- Checking ------------------------------------------------------------------------------ */

/* The word that names the frame says so (9.I9), and a free frame is locked (9.I11). */
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
    uint64_t blocks = 0, free_frames = 0, listed = 0, frames = 0;
    bool sound = true;

    pthread_mutex_lock(&cache->mutex);
    for (uint32_t i = 0; i < cache->slab_count; i++) {
        const struct slab *slab = &cache->slabs[i];
        uint32_t used = i + 1 < cache->slab_count ? slab->count : cache->fresh, at = 0;
        while (sound && at < used) { /* 9.I11 */
            const struct clock_cache_frame *frame = &slab->frames[at];
            sound = is_sound(frame, i << INDEX_BITS | at);
            blocks += frame->entry != NULL;
            free_frames += frame->is_free;
            at += frame->span;
        }
        sound &= at == used;
        frames += slab->count;
    }
    for (uint32_t at = cache->first_free; at; at = frame_at(cache, at - 1)->next)
        listed++;
    sound &= blocks == cache->blocks && listed == free_frames && frames == cache->frames;
    sound &= cache->frames * frame_bytes(cache) <= cache->budget;
    pthread_mutex_unlock(&cache->mutex);
    return sound;
}
