/* 09_arena_pool_test.c: where a memtable's chunks come from. */
#include "test.h"

#include "09_fast_paths/memtable/arena_pool.h"

static void arena_large_chunks_are_mapped_and_given_back(void **state)
{
    struct arena_pool pool;
    struct arena arena = {.source = &pool.source, .chunk_bytes = (size_t)8 << 20};
    uint8_t *piece;

    (void)state;
    assert_int_equal(arena_pool_init(&pool, (size_t)8 << 20, 0, NULL), 0);
    assert_int_equal(arena_reserve(&arena, (size_t)20 << 20, NULL), 0);
    piece = arena_take(&arena, (size_t)20 << 20);
    piece[0] = piece[(20u << 20) - 1] = 1;
    assert_int_equal(arena.taken % ((size_t)2 << 20), 0);
    arena_free(&arena);
    arena_pool_free(&pool);
}

static void arena_pool_keeps_chunks_for_the_next(void **state)
{
    const size_t mib = (size_t)1 << 20;
    struct arena_pool pool;
    struct arena arena = {.source = &pool.source, .chunk_bytes = 2 * mib};
    uint8_t *piece;

    (void)state;
    assert_int_equal(arena_pool_init(&pool, 2 * mib, 5 * mib, NULL), 0);
    for (int i = 0; i < 3; i++) { /* of which two are kept */
        assert_int_equal(arena_reserve(&arena, mib + mib / 2, NULL), 0);
        piece = arena_take(&arena, mib + mib / 2);
        piece[100] = (uint8_t)(i + 1);
    }
    assert_int_equal(arena_reserve(&arena, 3 * mib, NULL), 0); /* and not one of another size */
    arena_take(&arena, 3 * mib);
    arena_free(&arena);
    assert_int_equal(pool.bytes, 4 * mib);
    for (size_t left = 4; left > 0; left -= 2) {
        assert_int_equal(pool.bytes, left * mib);
        assert_int_equal(arena_reserve(&arena, mib + mib / 2, NULL), 0);
        piece = arena_take(&arena, mib + mib / 2);
        assert_in_range(piece[100], 1, 3); /* as it was left */
    }
    assert_int_equal(pool.bytes, 0);
    arena_free(&arena);
    arena_pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_large_chunks_are_mapped_and_given_back),
        cmocka_unit_test(arena_pool_keeps_chunks_for_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
