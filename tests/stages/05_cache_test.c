/* 05_cache_test.c: the block cache: what it keeps, what it evicts, and who may read meanwhile.
 * After every step its accounts must agree (cache_check). */
#include "test.h"

#include "05_blocks_bloom/cache.h"
#include "rng.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 1000u /* bytes of a block */
#define ROOM(blocks) ((size_t)(blocks) * (SIZE + sizeof(struct cache_block)))

static struct cache *new_cache(size_t budget)
{
    struct cache *cache;
    struct strata_error err;

    assert_ok(cache_new(budget, &cache, &err), &err);
    return cache;
}

/* The byte that a block of this name is filled with. */
static uint8_t fill_of(uint64_t table, uint64_t offset)
{
    return (uint8_t)(table * 31 + offset * 7 + 1);
}

static struct cache_block *make(uint64_t table, uint64_t offset, uint32_t size)
{
    struct cache_block *block = cache_block_new(size);

    assert_non_null(block);
    memset(block->data, fill_of(table, offset), size);
    return block;
}

static struct cache_block *put(struct cache *cache, uint64_t table, uint64_t offset)
{
    struct cache_block *block = cache_put(cache, table, offset, make(table, offset, SIZE));
    assert_true(cache_check(cache));
    return block;
}

static void put_and_unpin(struct cache *cache, uint64_t table, uint64_t offset)
{
    cache_unpin(cache, put(cache, table, offset));
    assert_true(cache_check(cache));
}

static bool has(struct cache *cache, uint64_t table, uint64_t offset)
{
    struct cache_block *block = cache_get(cache, table, offset);
    bool found = block != NULL;

    if (found)
        assert_int_equal(block->data[SIZE - 1], fill_of(table, offset));
    cache_unpin(cache, block);
    assert_true(cache_check(cache));
    return found;
}

static struct cache_stats stats_of(struct cache *cache)
{
    struct cache_stats stats;
    cache_stats(cache, &stats);
    return stats;
}

static void cache_block_that_was_put_is_found_by_its_name_alone(void **state)
{
    struct cache *cache = new_cache(ROOM(10));

    (void)state;
    assert_false(has(cache, 1, 4096));
    put_and_unpin(cache, 1, 4096);
    assert_true(has(cache, 1, 4096));
    assert_false(has(cache, 1, 8192));
    assert_false(has(cache, 2, 4096));
    assert_int_equal(stats_of(cache).hits, 1);
    assert_int_equal(stats_of(cache).misses, 3);
    cache_del(cache);
    cache_del(NULL);
}

static void cache_evicts_what_was_used_least_recently(void **state)
{
    struct cache *cache = new_cache(ROOM(4));

    (void)state;
    for (uint64_t n = 0; n < 4; n++)
        put_and_unpin(cache, 1, n);
    assert_int_equal(stats_of(cache).evictions, 0);
    assert_true(has(cache, 1, 0)); /* now 1 is the oldest */
    put_and_unpin(cache, 1, 4);
    assert_int_equal(stats_of(cache).evictions, 1);
    assert_true(has(cache, 1, 0));
    assert_false(has(cache, 1, 1));
    put_and_unpin(cache, 1, 5);
    assert_false(has(cache, 1, 2));
    assert_true(has(cache, 1, 3));
    assert_true(has(cache, 1, 4));
    assert_true(has(cache, 1, 5));
    cache_del(cache);
}

static void cache_pinned_block_is_never_evicted(void **state)
{
    struct cache *cache = new_cache(ROOM(2));
    struct cache_block *pinned[5];

    (void)state;
    for (uint64_t n = 0; n < 5; n++)
        pinned[n] = put(cache, 1, n);
    assert_int_equal(stats_of(cache).blocks, 5); /* more than its budget: all are being read */
    for (uint64_t n = 0; n < 5; n++)
        assert_int_equal(pinned[n]->data[0], fill_of(1, n));
    for (uint64_t n = 0; n < 5; n++) {
        cache_unpin(cache, pinned[n]);
        assert_true(cache_check(cache));
    }
    assert_int_equal(stats_of(cache).blocks, 2);
    assert_true(stats_of(cache).bytes <= ROOM(2));
    pinned[3] = cache_get(cache, 1, 3); /* the oldest, if it were not pinned again */
    put_and_unpin(cache, 1, 5);
    put_and_unpin(cache, 1, 6);
    assert_int_equal(pinned[3]->data[SIZE - 1], fill_of(1, 3));
    cache_unpin(cache, pinned[3]);
    assert_true(has(cache, 1, 3) && has(cache, 1, 6));
    cache_del(cache);
}

static void cache_block_pinned_twice_stays_until_both_are_done(void **state)
{
    struct cache *cache = new_cache(ROOM(1));
    struct cache_block *first, *second;

    (void)state;
    first = put(cache, 1, 0);
    second = cache_get(cache, 1, 0);
    assert_ptr_equal(first, second);
    cache_unpin(cache, first);
    put_and_unpin(cache, 1, 1); /* has no room but its own */
    assert_int_equal(second->data[SIZE / 2], fill_of(1, 0));
    assert_true(cache_check(cache));
    cache_unpin(cache, second);
    assert_true(cache_check(cache));
    cache_del(cache);
}

static void cache_second_to_put_a_block_gets_the_first_ones(void **state)
{
    struct cache *cache = new_cache(ROOM(4));
    struct cache_block *first = put(cache, 1, 0), *second = put(cache, 1, 0), *third;

    (void)state;
    assert_ptr_equal(first, second);
    assert_int_equal(stats_of(cache).blocks, 1);
    cache_unpin(cache, first);
    cache_unpin(cache, second);
    third = put(cache, 1, 0); /* nobody has it pinned now */
    assert_ptr_equal(first, third);
    cache_unpin(cache, third);
    assert_true(cache_check(cache));
    cache_del(cache);
}

static void cache_without_a_budget_keeps_nothing(void **state)
{
    struct cache *cache = new_cache(0);
    struct cache_block *block = put(cache, 1, 0);

    (void)state;
    assert_int_equal(block->data[0], fill_of(1, 0));
    assert_false(has(cache, 1, 0));
    assert_int_equal(stats_of(cache).bytes, 0);
    cache_unpin(cache, block);
    assert_int_equal(stats_of(cache).blocks, 0);
    cache_del(cache);
}

static void cache_block_larger_than_the_budget_evicts_nothing(void **state)
{
    struct cache *cache = new_cache(ROOM(3));
    struct cache_block *large = make(1, 9, 5 * SIZE);

    (void)state;
    put_and_unpin(cache, 1, 0);
    put_and_unpin(cache, 1, 1);
    assert_ptr_equal(cache_put(cache, 1, 9, large), large);
    assert_int_equal(large->data[5 * SIZE - 1], fill_of(1, 9));
    cache_unpin(cache, large);
    assert_true(has(cache, 1, 0) && has(cache, 1, 1));
    assert_false(has(cache, 1, 9));
    cache_del(cache);
}

static void cache_takes_memory_only_as_it_is_used(void **state)
{
    struct cache *cache = new_cache((size_t)1 << 40);
    uint64_t before = 0;

    (void)state;
    assert_int_equal(stats_of(cache).bytes, 0);
    for (uint64_t n = 0; n < 300; n++) { /* cache_check looks at all of them each time */
        put_and_unpin(cache, 3, n * 4096);
        assert_true(stats_of(cache).bytes > before);
        before = stats_of(cache).bytes;
    }
    assert_true(before < 300 * (SIZE + 2 * sizeof(struct cache_block)));
    for (uint64_t n = 0; n < 300; n++)
        assert_true(has(cache, 3, n * 4096));
    cache_del(cache);
}

/* A model: which blocks were used last. Blocks have different sizes. */
static void cache_agrees_with_a_list(void **state)
{
    enum { NAMES = 60, BUDGET = 30000 };
    uint64_t used[NAMES] = {0}, clock = 0; /* when a block was used last; 0: it is not there */
    struct cache *cache = new_cache(BUDGET);
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "cache");
    for (int step = 0; step < (check_quick() ? 20000 : 200000); step++) {
        uint64_t name = rng_below(&rng, NAMES), oldest = UINT64_MAX;
        struct cache_block *block = cache_get(cache, name % 3, name);
        uint64_t evictions = stats_of(cache).evictions;
        assert_int_equal(block != NULL, used[name] > 0);
        if (!block)
            block =
                cache_put(cache, name % 3, name, make(name % 3, name, 100 + (uint32_t)name * 50));
        assert_int_equal(block->data[block->size - 1], fill_of(name % 3, name));
        used[name] = ++clock;
        for (evictions = stats_of(cache).evictions - evictions; evictions; evictions--) {
            for (uint64_t n = 0; n < NAMES; n++)
                oldest = used[n] && (oldest == UINT64_MAX || used[n] < used[oldest]) ? n : oldest;
            used[oldest] = 0;
            oldest = UINT64_MAX;
        }
        cache_unpin(cache, block);
        assert_true(stats_of(cache).bytes <= BUDGET);
        if (step % 64 == 0)
            assert_true(cache_check(cache));
    }
    assert_true(stats_of(cache).evictions > 1000 && stats_of(cache).hits > 1000);
    cache_del(cache);
}

/* ---- Threads ------------------------------------------------------------------------------------
 */

struct reader {
    struct cache *cache;
    uint64_t seed;
    bool wrong;
};

static void *read_at_random(void *arg)
{
    struct reader *r = arg;
    struct rng rng;

    rng_init(&rng, r->seed);
    for (int i = 0; i < 20000; i++) {
        uint64_t offset = rng_below(&rng, 100);
        struct cache_block *block = cache_get(r->cache, 1, offset);
        if (!block) {
            block = cache_block_new(SIZE);
            memset(block->data, fill_of(1, offset), SIZE);
            block = cache_put(r->cache, 1, offset, block);
        }
        for (size_t at = 0; at < SIZE; at += 99)
            r->wrong |= block->data[at] != fill_of(1, offset);
        cache_unpin(r->cache, block);
    }
    return NULL;
}

static void cache_threads_never_see_another_block(void **state)
{
    struct cache *cache = new_cache(ROOM(20));
    struct reader readers[4];
    pthread_t threads[4];

    (void)state;
    for (uint64_t i = 0; i < 4; i++) {
        readers[i] = (struct reader){cache, i, false};
        assert_int_equal(pthread_create(&threads[i], NULL, read_at_random, &readers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(readers[i].wrong);
    }
    assert_true(cache_check(cache));
    assert_true(stats_of(cache).bytes <= ROOM(20));
    assert_int_equal(stats_of(cache).hits + stats_of(cache).misses, 80000);
    cache_del(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cache_block_that_was_put_is_found_by_its_name_alone),
        cmocka_unit_test(cache_evicts_what_was_used_least_recently),
        cmocka_unit_test(cache_pinned_block_is_never_evicted),
        cmocka_unit_test(cache_block_pinned_twice_stays_until_both_are_done),
        cmocka_unit_test(cache_second_to_put_a_block_gets_the_first_ones),
        cmocka_unit_test(cache_without_a_budget_keeps_nothing),
        cmocka_unit_test(cache_block_larger_than_the_budget_evicts_nothing),
        cmocka_unit_test(cache_takes_memory_only_as_it_is_used),
        cmocka_unit_test(cache_agrees_with_a_list),
        cmocka_unit_test(cache_threads_never_see_another_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
