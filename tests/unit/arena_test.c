/* arena_test.c: pieces of memory that are handed out one by one and given back all at once. */
#include "test.h"

#include "base/arena.h"

#include <string.h>

static void arena_pieces_do_not_overlap_and_are_aligned(void **state)
{
    struct arena arena = {.chunk_bytes = 1000};
    uint8_t *pieces[300];

    (void)state;
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(arena_reserve(&arena, i + 8, NULL), 0);
        pieces[i] = arena_take(&arena, i);
        assert_int_equal((uintptr_t)pieces[i] % ARENA_ALIGN, 0);
        memset(pieces[i], (int)i, i);
    }
    for (size_t i = 0; i < 300; i++)
        for (size_t j = 0; j < i; j++)
            assert_int_equal(pieces[i][j], (uint8_t)i);
    assert_true(arena.used >= 299 * 300 / 2 && arena.taken >= arena.used);
    arena_free(&arena);
    assert_int_equal(arena.taken, 0);
}

static void arena_reserve_lasts_for_all_that_was_reserved(void **state)
{
    struct arena arena = {.chunk_bytes = 256};

    (void)state;
    assert_int_equal(arena_reserve(&arena, 100, NULL), 0);
    assert_int_equal(arena_reserve(&arena, 10000, NULL), 0);
    for (int i = 0; i < 1250; i++) /* asserts inside */
        memset(arena_take(&arena, 8), i, 8);
    arena_free(&arena);
}

/* A chunk is used up, though more was reserved each time than was left in it. */
static void arena_reserve_of_much_more_than_is_taken(void **state)
{
    struct arena arena = {.chunk_bytes = 4096};
    uint8_t *pieces[1000];

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(arena_reserve(&arena, i % 100 ? 3000 : 8000, NULL), 0);
        pieces[i] = arena_take(&arena, 100);
        memset(pieces[i], (int)(i % 256), 100);
        assert_true(arena.taken < arena.used + 2 * 8200 + arena.used / 10);
    }
    for (size_t i = 0; i < 1000; i++)
        assert_true(pieces[i][0] == i % 256 && pieces[i][99] == i % 256);
    assert_int_equal(arena_reserve(&arena, 8000, NULL), 0);
    for (size_t i = 0; i < 1000; i++) /* in any number of pieces */
        memset(arena_take(&arena, 8), 0, 8);
    arena_free(&arena); /* the spare one, too */
    assert_int_equal(arena.taken, 0);
}

static void arena_too_large_a_piece_is_an_error(void **state)
{
    struct arena arena = {.chunk_bytes = 256};
    struct strata_error err;

    (void)state;
    assert_code(arena_reserve(&arena, SIZE_MAX - 100, &err), STRATA_ERR_NO_MEMORY, &err);
    assert_int_equal(arena.taken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_pieces_do_not_overlap_and_are_aligned),
        cmocka_unit_test(arena_reserve_lasts_for_all_that_was_reserved),
        cmocka_unit_test(arena_reserve_of_much_more_than_is_taken),
        cmocka_unit_test(arena_too_large_a_piece_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
