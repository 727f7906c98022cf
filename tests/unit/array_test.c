/* array_test.c: elements are added and inserted, and without memory nothing changes. */
#include "test.h"

#include "base/array.h"

#include <stdlib.h>

struct numbers {
    uint64_t *items;
    size_t count, room;
};

static uint64_t *add(struct numbers *n, uint64_t number)
{
    struct strata_error err;
    uint64_t *last = array_add(&n->items, &n->count, &n->room, sizeof *last, &err);

    assert_non_null(last);
    assert_int_equal(*last, 0);
    *last = number;
    return last;
}

static void array_keeps_what_was_added(void **state)
{
    struct numbers n = {0};

    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t *last = add(&n, i);
        assert_ptr_equal(last, &n.items[i]);
    }
    assert_int_equal(n.count, 1000);
    assert_true(n.room >= n.count && n.room < 2 * n.count + 16);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(n.items[i], i);
    free(n.items);
}

static void array_insert_moves_what_is_behind(void **state)
{
    static const uint64_t expected[] = {7, 1, 8, 2, 9};
    static const struct {
        size_t at;
        uint64_t number;
    } inserts[] = {{0, 7}, {2, 8}, {4, 9}};
    struct numbers n = {0};

    (void)state;
    add(&n, 1);
    add(&n, 2);
    for (size_t i = 0; i < 3; i++) {
        uint64_t *got = array_insert(&n.items, &n.count, &n.room, sizeof *got, inserts[i].at, NULL);
        assert_non_null(got);
        assert_int_equal(*got, 0);
        *got = inserts[i].number;
    }
    assert_int_equal(n.count, 5);
    assert_memory_equal(n.items, expected, sizeof expected);
    free(n.items);
}

static void array_without_memory_is_as_it_was(void **state)
{
    struct numbers n = {0};
    struct strata_error err;

    (void)state;
    assert_null(array_add(&n.items, &n.count, &n.room, SIZE_MAX / 8, &err));
    assert_int_equal(err.code, STRATA_ERR_NO_MEMORY);
    assert_true(!n.items && !n.count && !n.room);
    while (!n.count || n.count < n.room)
        add(&n, n.count);
    assert_null(array_add(&n.items, &n.count, &n.room, SIZE_MAX / 8, &err));
    assert_int_equal(n.count, n.room);
    for (uint64_t i = 0; i < n.count; i++)
        assert_int_equal(n.items[i], i);
    free(n.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(array_keeps_what_was_added),
        cmocka_unit_test(array_insert_moves_what_is_behind),
        cmocka_unit_test(array_without_memory_is_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
