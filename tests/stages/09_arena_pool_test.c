/* 09_arena_pool_test.c: where a memtable's chunks come from. */
#include "test.h"

#include "09_fast_paths/memtable/arena_pool.h"

#define MIB ((size_t)1 << 20)

static struct arena_source *pool_of(size_t memtable_bytes)
{
    struct strata_options options = {.memtable_bytes = memtable_bytes};
    struct strata_env env = {.options = &options};
    struct arena_source *pool;

    assert_int_equal(arena_pool_new(&env, &pool, NULL), 0);
    return pool;
}

static void arena_large_chunks_are_mapped_and_given_back(void **state)
{
    struct arena arena = {.source = pool_of(64 * MIB), .chunk_bytes = 8 * MIB};
    uint8_t *piece;

    (void)state;
    assert_int_equal(arena_reserve(&arena, 20 * MIB, NULL), 0);
    piece = arena_take(&arena, 20 * MIB);
    piece[0] = piece[20 * MIB - 1] = 1;
    assert_int_equal(arena.taken % (2 * MIB), 0);
    arena_free(&arena);
    arena_pool_del(arena.source);
}

/* Of a memtable of 16 MiB 18 MiB are kept: two chunks of 8. */
static void arena_pool_keeps_chunks_for_the_next(void **state)
{
    struct arena arena = {.source = pool_of(16 * MIB), .chunk_bytes = 8 * MIB};
    const struct arena_pool *pool = (const struct arena_pool *)arena.source;
    uint8_t *piece;

    (void)state;
    for (int i = 0; i < 3; i++) { /* of which two are kept */
        assert_int_equal(arena_reserve(&arena, 6 * MIB, NULL), 0);
        piece = arena_take(&arena, 6 * MIB);
        piece[100] = (uint8_t)(i + 1);
    }
    assert_int_equal(arena_reserve(&arena, 12 * MIB, NULL), 0); /* and not one of another size */
    arena_take(&arena, 12 * MIB);
    arena_free(&arena);
    for (size_t left = 16; left > 0; left -= 8) {
        assert_int_equal(pool->bytes, left * MIB);
        assert_int_equal(arena_reserve(&arena, 6 * MIB, NULL), 0);
        piece = arena_take(&arena, 6 * MIB);
        assert_in_range(piece[100], 1, 3); /* as it was left */
    }
    assert_int_equal(pool->bytes, 0);
    arena_free(&arena);
    arena_pool_del(arena.source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_large_chunks_are_mapped_and_given_back),
        cmocka_unit_test(arena_pool_keeps_chunks_for_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
