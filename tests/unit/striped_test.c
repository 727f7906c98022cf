/* striped_test.c: counts of many threads. */
#include "threads/striped.h"
#include "threads/sync.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <setjmp.h>
#include <cmocka.h>

#define THREADS 40 /* more than there are stripes */
#define ROUNDS 1000

static struct striped all;

static void *count(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        striped_add(&all, 0, 1);
        striped_add(&all, STRIPED_COUNTS - 1, 3);
    }
    *(unsigned *)arg = striped_me();
    return NULL;
}

static void striped_threads_lose_no_count(void **state)
{
    struct sync_thread threads[THREADS];
    unsigned numbers[THREADS];

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(sync_start(&threads[i], count, &numbers[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        sync_join(&threads[i]);
    assert_int_equal(striped_sum(&all, 0), THREADS * ROUNDS);
    assert_int_equal(striped_sum(&all, 1), 0);
    assert_int_equal(striped_sum(&all, STRIPED_COUNTS - 1), THREADS * ROUNDS * 3);
    for (size_t i = 0; i < THREADS; i++)
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(numbers[i], numbers[j]);
}

static void striped_thread_keeps_its_stripe(void **state)
{
    struct striped mine = {0};
    unsigned stripes = 0;

    (void)state;
    for (int i = 0; i < ROUNDS; i++)
        striped_add(&mine, 1, 1);
    for (size_t i = 0; i < STRIPED_STRIPES; i++)
        stripes += mine.stripes[i].counts[1] > 0;
    assert_int_equal(stripes, 1);
}

/* Wherever it begins: 64 bytes is a cache line. */
static void striped_stripes_share_no_cache_line(void **state)
{
    static struct striped s;
    const char *end = (char *)&s.stripes[0].counts[STRIPED_COUNTS];

    (void)state;
    assert_true((const char *)&s.stripes[1].counts[0] - end >= 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(striped_threads_lose_no_count),
        cmocka_unit_test(striped_thread_keeps_its_stripe),
        cmocka_unit_test(striped_stripes_share_no_cache_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
