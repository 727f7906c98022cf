/* 09_clock_cache_test.c: the block cache against what was put there: never another block's bytes,
 * never more memory than the budget; and threads who read, miss and drop tables at once (for
 * MODE=tsan above all). */
#include "test.h"

#include "09_fast_paths/cache/clock_cache.h"
#include "child.h"
#include "rng.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAYLOAD 448 /* bytes of a frame: with its head 512 */
#define FRAME 512

struct pax_table {
    uint64_t id;
    struct clock_cache_directory directory;
    atomic_int refs;
};

static void table_init(struct pax_table *table, uint64_t id, uint32_t blocks)
{
    struct strata_error err;

    table->id = id;
    table->refs = 1;
    assert_ok(clock_cache_directory_init(&table->directory, blocks, &err), &err);
}

static struct clock_cache *new_cache(size_t budget)
{
    struct strata_error err;
    struct clock_cache *cache;

    assert_ok(clock_cache_new(budget, PAYLOAD, &cache, &err), &err);
    return cache;
}

static struct clock_cache_stats stats_of(struct clock_cache *cache)
{
    struct clock_cache_stats stats;
    clock_cache_stats(cache, &stats);
    return stats;
}

/* What stands in a block: its table and number, all through. */
static uint64_t word_of(const struct pax_table *table, uint32_t block, size_t i)
{
    return table->id << 40 ^ (uint64_t)block << 16 ^ i;
}

static void fill(const struct clock_cache_frame *frame, const struct pax_table *table,
                 uint32_t block, size_t size)
{
    for (size_t i = 0; i < size / 8; i++) {
        uint64_t word = word_of(table, block, i);
        memcpy(frame->data + 8 * i, &word, 8);
    }
}

static bool holds(const struct clock_cache_frame *frame, const struct pax_table *table,
                  uint32_t block, size_t size)
{
    for (size_t i = 0; i < size / 8; i++) {
        uint64_t word = word_of(table, block, i);
        if (memcmp(frame->data + 8 * i, &word, 8) != 0)
            return false;
    }
    return true;
}

/* Reads a block as a table does. NULL: it was abandoned (asked for by `fail`). */
static struct clock_cache_frame *read_block(struct clock_cache *cache,
                                            const struct pax_table *table, uint32_t block,
                                            size_t size, bool fail)
{
    struct clock_cache_frame *frame = clock_cache_get(cache, &table->directory, block);

    if (frame)
        return frame;
    if (clock_cache_take(cache, size, &frame, NULL) < 0)
        return NULL;
    fill(frame, table, block, size);
    if (!fail)
        return clock_cache_put(cache, &table->directory, block, frame);
    clock_cache_abandon(cache, frame);
    return NULL;
}

/* Reads and lets go. */
static void touch(struct clock_cache *cache, const struct pax_table *table, uint32_t block,
                  size_t size)
{
    struct clock_cache_frame *frame = read_block(cache, table, block, size, false);

    assert_non_null(frame);
    assert_true(holds(frame, table, block, size));
    assert_int_equal((uintptr_t)frame->data % 64, 0);
    clock_cache_release(cache, frame);
}

static bool is_cached(struct clock_cache *cache, const struct pax_table *table, uint32_t block)
{
    struct clock_cache_frame *frame = clock_cache_get(cache, &table->directory, block);

    clock_cache_release(cache, frame);
    return frame != NULL;
}

/* ---- One thing at a time --------------------------------------------------------------------- */

static void cache_block_that_was_put_is_a_hit(void **state)
{
    struct clock_cache *cache = new_cache(16 * FRAME);
    struct pax_table a, b;

    (void)state;
    table_init(&a, 1, 10);
    table_init(&b, 2, 10);
    assert_false(is_cached(cache, &a, 3));
    touch(cache, &a, 3, PAYLOAD);
    clock_cache_prefetch(cache, &a.directory, 3, 1000);
    clock_cache_prefetch(cache, &a.directory, 3, 1);
    clock_cache_prefetch(cache, &a.directory, 4, 1000);
    touch(cache, &a, 3, PAYLOAD);
    assert_true(is_cached(cache, &a, 3));
    assert_false(is_cached(cache, &a, 4));
    assert_false(is_cached(cache, &b, 3));
    assert_int_equal(stats_of(cache).hits, 2);
    assert_int_equal(stats_of(cache).misses, 1);
    assert_int_equal(stats_of(cache).blocks, 1);
    clock_cache_directory_free(cache, &a.directory);
    clock_cache_directory_free(cache, &b.directory);
    assert_int_equal(stats_of(cache).blocks, 0);
    assert_int_equal(stats_of(cache).hits, 2);
    clock_cache_del(cache);
}

static void cache_takes_memory_as_it_is_used(void **state)
{
    struct clock_cache *cache = new_cache((size_t)64 << 20);
    struct pax_table table;

    (void)state;
    table_init(&table, 1, 1000);
    assert_int_equal(stats_of(cache).bytes, 0);
    for (uint32_t i = 0; i < 1000; i++)
        touch(cache, &table, i, PAYLOAD);
    assert_int_equal(stats_of(cache).bytes, 1000 * FRAME);
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(is_cached(cache, &table, i));
    clock_cache_directory_free(cache, &table.directory);
    clock_cache_del(cache);
}

static void cache_block_that_was_abandoned_is_not_there(void **state)
{
    struct clock_cache *cache = new_cache(8 * FRAME);
    struct pax_table table;

    (void)state;
    table_init(&table, 1, 100);
    for (uint32_t i = 0; i < 100; i++) {
        assert_null(read_block(cache, &table, i, PAYLOAD, true));
        assert_false(is_cached(cache, &table, i));
    }
    assert_int_equal(stats_of(cache).bytes, FRAME); /* the same one each time */
    assert_int_equal(stats_of(cache).evictions, 0);
    clock_cache_directory_free(cache, &table.directory);
    clock_cache_del(cache);
}

/* Two threads miss at once: the second one's work is for nothing. */
static void cache_second_to_put_a_block_reads_the_first_ones(void **state)
{
    struct clock_cache *cache = new_cache(8 * FRAME);
    struct clock_cache_frame *first, *second, *got;
    struct strata_error err;
    struct pax_table table;

    (void)state;
    table_init(&table, 1, 10);
    assert_ok(clock_cache_take(cache, PAYLOAD, &first, &err), &err);
    assert_ok(clock_cache_take(cache, PAYLOAD, &second, &err), &err);
    fill(first, &table, 7, PAYLOAD);
    assert_ptr_equal(clock_cache_put(cache, &table.directory, 7, first), first);
    got = clock_cache_put(cache, &table.directory, 7, second);
    assert_ptr_equal(got, first);
    assert_true(holds(got, &table, 7, PAYLOAD));
    assert_int_equal(stats_of(cache).blocks, 1);
    clock_cache_release(cache, first);
    clock_cache_release(cache, got);
    clock_cache_directory_free(cache, &table.directory);
    clock_cache_del(cache);
}

/* A reader who was interrupted after it had read a directory: by now the frame is being filled, or
 * is another block's. The directory's word is put back to make it so. */
static void cache_reader_who_comes_too_late_finds_nothing(void **state)
{
    struct clock_cache *cache = new_cache(FRAME);
    struct clock_cache_frame *frame;
    struct pax_table table;
    uint32_t number;

    (void)state;
    table_init(&table, 1, 10);
    touch(cache, &table, 3, PAYLOAD);
    number = table.directory.frames[3];
    assert_int_equal(clock_cache_take(cache, PAYLOAD, &frame, NULL), 0); /* evicts it */
    assert_int_equal(table.directory.frames[3], 0);
    table.directory.frames[3] = number;
    assert_null(clock_cache_get(cache, &table.directory, 3));
    fill(frame, &table, 4, PAYLOAD);
    frame = clock_cache_put(cache, &table.directory, 4, frame);
    assert_int_equal(table.directory.frames[4], number); /* the same one */
    assert_null(clock_cache_get(cache, &table.directory, 3));
    table.directory.frames[3] = 0;
    assert_true(holds(frame, &table, 4, PAYLOAD));
    clock_cache_release(cache, frame);
    touch(cache, &table, 5, PAYLOAD); /* it has no pin too many: it can be evicted */
    assert_int_equal(table.directory.frames[5], number);
    assert_int_equal(stats_of(cache).hits, 0);
    clock_cache_directory_free(cache, &table.directory);
    clock_cache_del(cache);
}

/* 0, and less than a frame. */
static void cache_without_a_budget_serves_private_memory(void **state)
{
    static const size_t budgets[] = {0, 1, FRAME - 1};

    (void)state;
    for (int b = 0; b < 3; b++) {
        struct clock_cache *cache = new_cache(budgets[b]);
        struct clock_cache_frame *frame;
        struct pax_table table;

        table_init(&table, 1, 10);
        frame = read_block(cache, &table, 5, 3000, false);
        assert_non_null(frame);
        assert_true(holds(frame, &table, 5, 3000));
        assert_true(stats_of(cache).private_bytes >= 3000);
        assert_false(is_cached(cache, &table, 5));
        clock_cache_release(cache, frame);
        assert_null(read_block(cache, &table, 5, 3000, true));
        assert_int_equal(stats_of(cache).private_bytes, 0);
        assert_int_equal(stats_of(cache).bytes, 0);
        assert_int_equal(stats_of(cache).misses, 2);
        clock_cache_directory_free(cache, &table.directory);
        clock_cache_del(cache);
    }
}

static void cache_pinned_blocks_stay_and_what_comes_is_private(void **state)
{
    struct clock_cache *cache = new_cache(8 * FRAME);
    struct clock_cache_frame *pinned[8], *more;
    struct pax_table table;

    (void)state;
    table_init(&table, 1, 100);
    for (uint32_t i = 0; i < 8; i++)
        pinned[i] = read_block(cache, &table, i, PAYLOAD, false);
    more = read_block(cache, &table, 50, PAYLOAD, false);
    assert_true(stats_of(cache).private_bytes > 0);
    assert_int_equal(stats_of(cache).bytes, 8 * FRAME);
    clock_cache_release(cache, more);
    assert_int_equal(stats_of(cache).private_bytes, 0);
    assert_false(is_cached(cache, &table, 50));
    clock_cache_release(cache, pinned[3]);
    touch(cache, &table, 51, PAYLOAD); /* takes that one's place */
    assert_true(is_cached(cache, &table, 51));
    assert_false(is_cached(cache, &table, 3));
    for (uint32_t i = 0; i < 8; i++)
        if (i != 3) {
            assert_true(holds(pinned[i], &table, i, PAYLOAD));
            assert_true(is_cached(cache, &table, i));
            clock_cache_release(cache, pinned[i]);
        }
    clock_cache_directory_free(cache, &table.directory);
    clock_cache_del(cache);
}

/* A scan passes through the cache; what is used all along stays. */
static void cache_scan_does_not_push_out_what_is_used(void **state)
{
    struct clock_cache *cache = new_cache(32 * FRAME);
    struct clock_cache_stats stats;
    struct pax_table table;

    (void)state;
    table_init(&table, 1, 2000);
    for (uint32_t i = 0; i < 8; i++)
        touch(cache, &table, i, PAYLOAD);
    for (uint32_t i = 8; i < 2000; i++) {
        for (uint32_t used = 0; used < 8; used++)
            assert_true(is_cached(cache, &table, used));
        touch(cache, &table, i, PAYLOAD);
    }
    stats = stats_of(cache);
    assert_int_equal(stats.misses, 2000);
    assert_int_equal(stats.evictions, 2000 - 32);
    assert_int_equal(stats.blocks, 32);
    clock_cache_directory_free(cache, &table.directory);
    clock_cache_del(cache);
}

static void cache_frames_of_a_dropped_table_are_used_first(void **state)
{
    struct clock_cache *cache = new_cache(32 * FRAME);
    struct pax_table a, b;

    (void)state;
    table_init(&a, 1, 16);
    table_init(&b, 2, 100);
    for (uint32_t i = 0; i < 16; i++) {
        touch(cache, &a, i, PAYLOAD);
        touch(cache, &b, i, PAYLOAD);
    }
    clock_cache_directory_free(cache, &a.directory);
    for (uint32_t i = 16; i < 32; i++)
        touch(cache, &b, i, PAYLOAD);
    assert_int_equal(stats_of(cache).evictions, 0);
    for (uint32_t i = 0; i < 32; i++)
        assert_true(is_cached(cache, &b, i));
    clock_cache_directory_free(cache, &b.directory);
    clock_cache_del(cache);
}

/* 64 frames: up to eight side by side are one block's. */
static void cache_large_blocks_take_frames_side_by_side(void **state)
{
    struct clock_cache *cache = new_cache(64 * FRAME);
    struct clock_cache_frame *frame;
    struct pax_table table;

    (void)state;
    table_init(&table, 1, 100);
    for (uint32_t i = 0; i < 60; i++)
        touch(cache, &table, i, PAYLOAD);
    touch(cache, &table, 60, 8 * PAYLOAD); /* four frames are left: it goes round */
    assert_true(is_cached(cache, &table, 60));
    assert_int_equal(stats_of(cache).evictions, 8);
    assert_int_equal(stats_of(cache).private_bytes, 0);
    touch(cache, &table, 61, PAYLOAD); /* into what was left */
    assert_int_equal(stats_of(cache).evictions, 8);
    frame = read_block(cache, &table, 62, 8 * PAYLOAD + 1, false);
    assert_true(stats_of(cache).private_bytes > 8 * PAYLOAD);
    clock_cache_release(cache, frame);
    for (uint32_t i = 63; i < 100; i++)
        touch(cache, &table, i, 5 * PAYLOAD + 3);
    assert_int_equal(stats_of(cache).bytes, 64 * FRAME);
    assert_true(is_cached(cache, &table, 99));
    clock_cache_directory_free(cache, &table.directory);
    clock_cache_del(cache);
}

static void cache_more_than_there_is_is_no_memory(void **state)
{
    struct clock_cache *cache = new_cache(8 * FRAME), *none;
    struct clock_cache_frame *frame;
    struct strata_error err;

    (void)state;
    assert_code(clock_cache_take(cache, SIZE_MAX, &frame, &err), STRATA_ERR_NO_MEMORY, &err);
    assert_int_equal(stats_of(cache).private_bytes, 0);
    clock_cache_del(cache);
    assert_ok(clock_cache_new(1000, SIZE_MAX, &none, &err), &err); /* frames that large: none */
    clock_cache_del(none);
    clock_cache_del(NULL);
}

static void cache_table_without_blocks_and_blocks_without_bytes_are_fine(void **state)
{
    struct pax_table none, table;
    struct strata_error err;
    struct clock_cache *cache;

    (void)state;
    assert_ok(clock_cache_new(4096, 0, &cache, &err), &err);
    table_init(&none, 1, 0);
    table_init(&table, 2, 1);
    touch(cache, &table, 0, 0);
    assert_true(is_cached(cache, &table, 0));
    clock_cache_directory_free(cache, &none.directory);
    clock_cache_directory_free(cache, &none.directory); /* zeroed by now */
    clock_cache_directory_free(cache, &table.directory);
    clock_cache_del(cache);
}

/* ---- A large budget ------------------------------------------------------------------------- */

#define MIB ((size_t)1 << 20)
#define PAGE_PAYLOAD 4096
#define PAGE_FRAME (64 + PAGE_PAYLOAD + 64) /* the payload is an odd number of lines */

/* Bytes of address space that the process has. */
static size_t address_space(void)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    if (statm && fscanf(statm, "%lu", &pages) != 1)
        pages = 0;
    if (statm)
        fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* It is filled, and its blocks are evicted; and the largest blocks have room. */
static void cache_of_many_blocks_keeps_what_fits_its_budget(void **state)
{
    uint32_t fit = 60 * MIB / PAGE_FRAME, many = 2 * 64 * MIB / PAGE_FRAME;
    struct strata_error err;
    struct clock_cache *cache;
    struct pax_table table;

    (void)state;
    table_init(&table, 1, many + 8);
    assert_ok(clock_cache_new(65 * MIB, PAGE_PAYLOAD, &cache, &err), &err);
    for (int turn = 0; turn < 2; turn++)
        for (uint32_t i = 0; i < fit; i++)
            touch(cache, &table, i, PAGE_PAYLOAD);
    assert_int_equal(stats_of(cache).misses, fit);
    assert_int_equal(stats_of(cache).hits, fit);
    assert_int_equal(stats_of(cache).blocks, fit);
    for (uint32_t i = 0; i < many; i++)
        touch(cache, &table, i, PAGE_PAYLOAD);
    assert_true(stats_of(cache).bytes > 63 * MIB);
    assert_true(stats_of(cache).blocks > fit);
    for (uint32_t i = many; i < many + 8; i++) {
        touch(cache, &table, i, 7 * MIB);
        assert_true(is_cached(cache, &table, i));
    }
    assert_int_equal(stats_of(cache).private_bytes, 0);
    for (uint32_t i = 0; i < many; i += 7)
        touch(cache, &table, i, PAGE_PAYLOAD);
    clock_cache_directory_free(cache, &table.directory);
    clock_cache_del(cache);
}

/* A large block among small ones. */
static void cache_large_block_takes_as_many_frames_as_it_needs(void **state)
{
    struct strata_error err;
    struct clock_cache *cache;
    struct pax_table table;

    (void)state;
    table_init(&table, 1, 10000);
    assert_ok(clock_cache_new(64 * MIB, PAGE_PAYLOAD, &cache, &err), &err);
    touch(cache, &table, 0, PAGE_PAYLOAD);
    touch(cache, &table, 1, 7 * MIB);
    for (uint32_t i = 2; i < 1 + 2 * MIB / PAGE_FRAME; i++)
        touch(cache, &table, i, PAGE_PAYLOAD);
    assert_true(stats_of(cache).bytes <= 10 * MIB);
    assert_int_equal(stats_of(cache).evictions, 0);
    assert_true(is_cached(cache, &table, 0));
    assert_true(is_cached(cache, &table, 1));
    clock_cache_directory_free(cache, &table.directory);
    clock_cache_del(cache);
}

/* In a child whose address space is limited: 0, or which check failed. */
static int work_within_a_limit(struct child *self, void *arg)
{
    size_t now = address_space();
    struct rlimit limit = {now + 24 * MIB, now + 24 * MIB};
    struct clock_cache_stats stats;
    struct pax_table table = {.id = 1, .refs = 1};
    struct clock_cache *cache;
    uint32_t many = 64 * MIB / PAGE_FRAME;

    (void)self;
    (void)arg;
    if (setrlimit(RLIMIT_AS, &limit) != 0 ||
        clock_cache_directory_init(&table.directory, many, NULL) < 0 ||
        clock_cache_new(1024 * MIB, PAGE_PAYLOAD, &cache, NULL) < 0)
        return 1;
    for (int turn = 0; turn < 2; turn++)
        for (uint32_t i = 0; i < many; i++) {
            struct clock_cache_frame *frame = read_block(cache, &table, i, PAGE_PAYLOAD, false);
            if (!frame || !holds(frame, &table, i, PAGE_PAYLOAD))
                return 2;
            clock_cache_release(cache, frame);
        }
    clock_cache_stats(cache, &stats);
    if (stats.bytes < 15 * MIB || stats.bytes > 24 * MIB)
        return 3;
    if (stats.private_bytes || stats.evictions < many)
        return 4;
    clock_cache_directory_free(cache, &table.directory);
    clock_cache_del(cache);
    return 0;
}

static void cache_takes_what_the_system_has(void **state)
{
    (void)state;
    if (check_sanitized()) {
        check_skipping("a sanitizer takes address space of its own");
        skip();
    }
    assert_int_equal(child_run(work_within_a_limit, NULL), 0);
}

/* ---- Random work against what is known --------------------------------------------------------
 */

#define TABLES 4
#define BLOCKS 60
#define HELD 12

static size_t size_of_block(uint32_t block)
{
    return block % 10 == 0   ? 3 * PAYLOAD
           : block % 17 == 0 ? 40 * PAYLOAD
                             : 8 * (block + 1) % PAYLOAD;
}

static void assert_adds_up(struct clock_cache *cache, const struct pax_table *tables)
{
    uint64_t there = 0;

    for (int t = 0; t < TABLES; t++)
        for (uint32_t b = 0; b < BLOCKS; b++)
            there += tables[t].directory.frames[b] != 0;
    assert_int_equal(stats_of(cache).blocks, there);
    assert_true(clock_cache_check(cache));
}

static void cache_agrees_with_what_was_put(void **state)
{
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "cache");
    for (int round = 0; round < 40; round++) {
        size_t frames = (size_t)rng_below(&rng, rng_below(&rng, 2) ? 20 : 200);
        struct clock_cache *cache = new_cache(frames * FRAME);
        struct held {
            struct clock_cache_frame *frame;
            uint32_t table, block;
        } held[HELD] = {{0}};
        struct pax_table tables[TABLES];
        uint64_t ids = 0, hits = 0, misses = 0;

        for (int t = 0; t < TABLES; t++)
            table_init(&tables[t], ++ids, BLOCKS);
        for (int step = 0; step < 3000; step++) {
            struct held *h = &held[rng_below(&rng, HELD)];
            size_t size = size_of_block(h->block);
            bool fail;

            if (h->frame) {
                assert_true(holds(h->frame, &tables[h->table], h->block, size));
                clock_cache_release(cache, h->frame);
                h->frame = NULL;
                continue;
            }
            h->table = (uint32_t)rng_below(&rng, TABLES);
            h->block = (uint32_t)rng_below(&rng, rng_below(&rng, 2) ? BLOCKS : BLOCKS / 6);
            size = size_of_block(h->block);
            fail = rng_below(&rng, 20) == 0;
            *(tables[h->table].directory.frames[h->block] ? &hits : &misses) += 1;
            h->frame = read_block(cache, &tables[h->table], h->block, size, fail);
            assert_true(fail || (h->frame && holds(h->frame, &tables[h->table], h->block, size)));
            if (rng_below(&rng, 300) == 0) {
                uint32_t t = (uint32_t)rng_below(&rng, TABLES);
                for (int i = 0; i < HELD; i++)
                    if (held[i].frame && held[i].table == t) {
                        clock_cache_release(cache, held[i].frame);
                        held[i].frame = NULL;
                    }
                clock_cache_directory_free(cache, &tables[t].directory);
                table_init(&tables[t], ++ids, BLOCKS);
            }
            if (step % 50 == 0)
                assert_adds_up(cache, tables);
        }
        assert_int_equal(stats_of(cache).hits, hits);
        assert_int_equal(stats_of(cache).misses, misses);
        for (int i = 0; i < HELD; i++)
            clock_cache_release(cache, held[i].frame);
        for (int t = 0; t < TABLES; t++)
            clock_cache_directory_free(cache, &tables[t].directory);
        assert_int_equal(stats_of(cache).blocks, 0);
        assert_int_equal(stats_of(cache).private_bytes, 0);
        clock_cache_del(cache);
    }
}

/* ---- Threads -----------------------------------------------------------------------------------
 */

#define THREADS 4

struct shared {
    struct clock_cache *cache;
    pthread_mutex_t mutex; /* guards tables */
    struct pax_table *tables[TABLES];
    uint64_t ids;
    _Atomic uint64_t bad, reads;
};

static struct pax_table *hold_table(struct shared *s, uint32_t t)
{
    struct pax_table *table;

    pthread_mutex_lock(&s->mutex);
    table = s->tables[t];
    atomic_fetch_add(&table->refs, 1);
    pthread_mutex_unlock(&s->mutex);
    return table;
}

static void let_go(struct shared *s, struct pax_table *table)
{
    if (atomic_fetch_sub(&table->refs, 1) != 1)
        return;
    clock_cache_directory_free(s->cache, &table->directory);
    free(table);
}

/* As a merge does: another table in its place; who reads the old one goes on. */
static void replace_table(struct shared *s, uint32_t t)
{
    struct pax_table *table = malloc(sizeof *table), *old;

    pthread_mutex_lock(&s->mutex);
    table->id = ++s->ids;
    table->refs = 1;
    clock_cache_directory_init(&table->directory, BLOCKS, NULL);
    old = s->tables[t];
    s->tables[t] = table;
    pthread_mutex_unlock(&s->mutex);
    let_go(s, old);
}

static void *work(void *arg)
{
    struct shared *s = arg;
    struct rng rng = {(uint64_t)(uintptr_t)&rng};
    int steps = check_quick() || check_sanitized() ? 20000 : 200000;

    for (int step = 0; step < steps; step++) {
        uint32_t t = (uint32_t)rng_below(&rng, TABLES), b = (uint32_t)rng_below(&rng, BLOCKS);
        struct pax_table *table = hold_table(s, t);
        struct clock_cache_frame *frame;

        clock_cache_prefetch(s->cache, &table->directory, (b + 1) % BLOCKS, 64);
        frame = read_block(s->cache, table, b, size_of_block(b), rng_below(&rng, 50) == 0);

        if (frame) {
            s->bad += !holds(frame, table, b, size_of_block(b));
            s->reads++;
        }
        if (frame && rng_below(&rng, 8) == 0) { /* a second one while it is pinned */
            uint32_t other = (uint32_t)rng_below(&rng, BLOCKS);
            struct clock_cache_frame *second =
                read_block(s->cache, table, other, size_of_block(other), false);
            s->bad += !second || !holds(second, table, other, size_of_block(other));
            s->bad += !holds(frame, table, b, size_of_block(b));
            clock_cache_release(s->cache, second);
        }
        clock_cache_release(s->cache, frame);
        let_go(s, table);
        if (rng_below(&rng, 500) == 0)
            replace_table(s, t);
    }
    return NULL;
}

static void work_together(struct clock_cache *cache)
{
    struct shared s = {.cache = cache};
    pthread_t threads[THREADS];
    struct clock_cache_stats stats;

    pthread_mutex_init(&s.mutex, NULL);
    for (uint32_t t = 0; t < TABLES; t++) {
        s.tables[t] = malloc(sizeof *s.tables[t]);
        assert_non_null(s.tables[t]);
        table_init(s.tables[t], ++s.ids, BLOCKS);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &s), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(s.bad, 0);
    stats = stats_of(s.cache);
    assert_true(stats.hits && stats.misses && stats.evictions);
    assert_int_equal(stats.private_bytes, 0);
    for (uint32_t t = 0; t < TABLES; t++)
        let_go(&s, s.tables[t]);
    assert_int_equal(stats_of(s.cache).blocks, 0);
    pthread_mutex_destroy(&s.mutex);
    clock_cache_del(s.cache);
}

static void cache_threads_never_see_another_block(void **state)
{
    static const size_t frames[] = {3, 20, 100, 400};

    (void)state;
    for (int round = 0; round < 4; round++)
        work_together(new_cache(frames[round] * FRAME));
}

/* Large frames, of which some are taken for the first time while others are read. */
static void cache_threads_read_while_it_fills(void **state)
{
    struct strata_error err;
    struct clock_cache *cache;

    (void)state;
    for (int round = 0; round < 3; round++) {
        assert_ok(clock_cache_new(8 * MIB, 60 << 10, &cache, &err), &err);
        work_together(cache);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cache_block_that_was_put_is_a_hit),
        cmocka_unit_test(cache_takes_memory_as_it_is_used),
        cmocka_unit_test(cache_block_that_was_abandoned_is_not_there),
        cmocka_unit_test(cache_second_to_put_a_block_reads_the_first_ones),
        cmocka_unit_test(cache_reader_who_comes_too_late_finds_nothing),
        cmocka_unit_test(cache_without_a_budget_serves_private_memory),
        cmocka_unit_test(cache_pinned_blocks_stay_and_what_comes_is_private),
        cmocka_unit_test(cache_scan_does_not_push_out_what_is_used),
        cmocka_unit_test(cache_frames_of_a_dropped_table_are_used_first),
        cmocka_unit_test(cache_large_blocks_take_frames_side_by_side),
        cmocka_unit_test(cache_more_than_there_is_is_no_memory),
        cmocka_unit_test(cache_table_without_blocks_and_blocks_without_bytes_are_fine),
        cmocka_unit_test(cache_of_many_blocks_keeps_what_fits_its_budget),
        cmocka_unit_test(cache_large_block_takes_as_many_frames_as_it_needs),
        cmocka_unit_test(cache_takes_what_the_system_has),
        cmocka_unit_test(cache_agrees_with_what_was_put),
        cmocka_unit_test(cache_threads_never_see_another_block),
        cmocka_unit_test(cache_threads_read_while_it_fills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
