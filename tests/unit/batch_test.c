/* batch_test.c: a batch owns copies, in the order in which they were added, at addresses that stay.
 */
#include "test.h"

#include "db/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void batch_keeps_operations_in_order(void **state)
{
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;
    struct strata_op op;

    (void)state;
    assert_int_equal(strata_batch_count(batch), 0);
    assert_int_equal(strata_batch_bytes(batch), 0);
    assert_ok(strata_batch_put(batch, strata_string("b"), strata_string("two"), &err), &err);
    assert_ok(strata_batch_delete(batch, strata_string("a"), &err), &err);
    assert_ok(strata_batch_put(batch, strata_string("b"), strata_string(""), &err), &err);
    assert_int_equal(strata_batch_count(batch), 3);
    assert_int_equal(strata_batch_bytes(batch), 4 + 1 + 1);
    op = strata_batch_at(batch, 0);
    assert_int_equal(op.type, STRATA_OP_PUT);
    assert_bytes(op.key, strata_string("b"));
    assert_bytes(op.value, strata_string("two"));
    op = strata_batch_at(batch, 1);
    assert_int_equal(op.type, STRATA_OP_DELETE);
    assert_bytes(op.key, strata_string("a"));
    assert_int_equal(op.value.size, 0);
    op = strata_batch_at(batch, 2);
    assert_int_equal(op.type, STRATA_OP_PUT);
    assert_int_equal(op.value.size, 0);
    strata_batch_free(batch);
}

/* The slices given stay where they are however much is added. */
static void batch_owns_copies_that_do_not_move(void **state)
{
    enum { MANY = 3000 };
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;
    const uint8_t *first[MANY];
    char key[32], value[64];

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "key %zu", i);
        snprintf(value, sizeof value, "the value of %zu", i);
        assert_ok(strata_batch_put(batch, strata_string(key), strata_string(value), &err), &err);
        first[i] = strata_batch_at(batch, i).key.data;
    }
    memset(key, 0, sizeof key);
    for (size_t i = 0; i < MANY; i++) {
        struct strata_op op = strata_batch_at(batch, i);
        snprintf(key, sizeof key, "key %zu", i);
        snprintf(value, sizeof value, "the value of %zu", i);
        assert_ptr_equal(op.key.data, first[i]);
        assert_bytes(op.key, strata_string(key));
        assert_bytes(op.value, strata_string(value));
        assert_ptr_equal(batch_ops(batch)[i].key.data, first[i]);
    }
    strata_batch_free(batch);
}

static void batch_takes_values_of_every_size_around_its_chunks(void **state)
{
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;
    uint8_t *bytes = malloc(200000);
    size_t added = 0, sum = 0;

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < 200000; i++)
        bytes[i] = (uint8_t)(i * i >> 5);
    for (size_t size = 16384 - 20; size < 16384 + 20; sum += size + 1, size++, added++)
        assert_ok(
            strata_batch_put(batch, strata_bytes(bytes + size, 1), strata_bytes(bytes, size), &err),
            &err);
    assert_ok(
        strata_batch_put(batch, strata_bytes(bytes, 65536), strata_bytes(bytes, 134464), &err),
        &err);
    assert_int_equal(strata_batch_bytes(batch), sum + 200000);
    for (size_t i = 0; i < added; i++) {
        size_t size = 16384 - 20 + i;
        assert_bytes(strata_batch_at(batch, i).key, strata_bytes(bytes + size, 1));
        assert_bytes(strata_batch_at(batch, i).value, strata_bytes(bytes, size));
    }
    assert_bytes(strata_batch_at(batch, added).key, strata_bytes(bytes, 65536));
    assert_bytes(strata_batch_at(batch, added).value, strata_bytes(bytes, 134464));
    strata_batch_free(batch);
    free(bytes);
}

/* The last byte of a chunk, and one byte more than it has (which ASan sees when it is taken). */
static void batch_chunk_filled_to_its_last_byte_is_not_overrun(void **state)
{
    static const uint8_t bytes[16384];
    struct strata_error err;

    (void)state;
    for (size_t left = 0; left < 20; left++)
        for (size_t size = left; size <= left + 2; size++) {
            struct strata_batch *batch = strata_batch_new();
            assert_ok(strata_batch_put(batch, strata_bytes(bytes, 0),
                                       strata_bytes(bytes, sizeof bytes - left), &err),
                      &err);
            assert_ok(strata_batch_put(batch, strata_bytes("k", size > 0),
                                       strata_bytes(bytes, size - (size > 0)), &err),
                      &err);
            assert_ok(strata_batch_delete(batch, strata_string("next"), &err), &err);
            assert_int_equal(strata_batch_bytes(batch), sizeof bytes - left + size + 4);
            assert_bytes(strata_batch_at(batch, 1).key, strata_bytes("k", size > 0));
            assert_bytes(strata_batch_at(batch, 2).key, strata_string("next"));
            strata_batch_free(batch);
        }
}

static void batch_cleared_is_empty_and_takes_more(void **state)
{
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;
    uint8_t large[50000] = {0};

    (void)state;
    for (int round = 0; round < 3; round++) {
        strata_batch_clear(batch);
        assert_int_equal(strata_batch_count(batch), 0);
        assert_int_equal(strata_batch_bytes(batch), 0);
        for (int i = 0; i < 40; i++)
            assert_ok(strata_batch_put(batch, strata_string("k"),
                                       strata_bytes(large, i % 2 ? 3 : sizeof large), &err),
                      &err);
        assert_int_equal(strata_batch_count(batch), 40);
        assert_int_equal(strata_batch_at(batch, 39).value.size, 3);
    }
    strata_batch_free(batch);
}

static void batch_empty_keys_and_values_are_operations(void **state)
{
    struct strata_batch *batch = strata_batch_new();
    struct strata_slice none = {NULL, 0};
    struct strata_error err;

    (void)state;
    assert_ok(strata_batch_put(batch, none, none, &err), &err);
    assert_ok(strata_batch_delete(batch, none, &err), &err);
    assert_int_equal(strata_batch_count(batch), 2);
    assert_int_equal(strata_batch_bytes(batch), 0);
    assert_int_equal(strata_batch_at(batch, 1).type, STRATA_OP_DELETE);
    strata_batch_free(batch);
}

/* Refused by size or address alone; what was in the batch stays. */
static void batch_beyond_the_limits_is_refused_and_unchanged(void **state)
{
    struct strata_batch *batch = strata_batch_new();
    struct strata_slice key = strata_string("k"), nowhere = {NULL, 1};
    struct strata_slice long_key = strata_bytes("", STRATA_MAX_KEY + 1);
    struct strata_slice long_value = strata_bytes("", STRATA_MAX_VALUE + 1);
    struct strata_error err;

    (void)state;
    assert_ok(strata_batch_put(batch, key, key, &err), &err);
    assert_code(strata_batch_put(batch, long_key, key, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "key of 65537 bytes; at most 65536");
    assert_code(strata_batch_put(batch, key, long_value, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "value of 1073741825 bytes; at most 1073741824");
    assert_code(strata_batch_delete(batch, long_key, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_batch_put(batch, nowhere, key, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "key of 1 bytes at NULL");
    assert_code(strata_batch_put(batch, key, nowhere, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "value of 1 bytes at NULL");
    assert_code(strata_batch_delete(batch, nowhere, &err), STRATA_ERR_INVALID, &err);
    assert_int_equal(strata_batch_count(batch), 1);
    assert_int_equal(strata_batch_bytes(batch), 2);
    strata_batch_free(batch);
}

static void batch_missing_is_an_invalid_argument(void **state)
{
    struct strata_slice key = strata_string("k");
    struct strata_error err;

    (void)state;
    assert_code(strata_batch_put(NULL, key, key, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_batch_delete(NULL, key, &err), STRATA_ERR_INVALID, &err);
    strata_batch_free(NULL);
}

static void expect_ops(const struct strata_batch *batch, const char *want)
{
    char got[200] = "";

    for (size_t i = 0; i < strata_batch_count(batch); i++) {
        struct strata_op op = strata_batch_at(batch, i);
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%.*s%.*s ",
                 op.type == STRATA_OP_PUT ? "+" : "-", (int)op.key.size, (const char *)op.key.data,
                 (int)op.value.size, (const char *)op.value.data);
    }
    assert_string_equal(got, want);
}

static void batch_appended_to_another_comes_behind_it(void **state)
{
    struct strata_batch *a = strata_batch_new(), *b = strata_batch_new();
    struct strata_error err;

    (void)state;
    assert_ok(strata_batch_append(a, b, &err), &err);
    assert_int_equal(strata_batch_count(a), 0);
    assert_ok(strata_batch_put(a, strata_string("k"), strata_string("1"), &err), &err);
    assert_ok(strata_batch_delete(b, strata_string("k"), &err), &err);
    assert_ok(strata_batch_put(b, strata_string("l"), strata_string("2"), &err), &err);
    assert_ok(strata_batch_append(a, b, &err), &err);
    expect_ops(b, "-k +l2 ");
    strata_batch_free(b); /* a has copies */
    expect_ops(a, "+k1 -k +l2 ");
    assert_int_equal(strata_batch_bytes(a), 5);
    assert_ok(strata_batch_append(a, a, &err), &err);
    expect_ops(a, "+k1 -k +l2 +k1 -k +l2 ");
    assert_int_equal(strata_batch_bytes(a), 10);
    assert_code(strata_batch_append(a, NULL, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_batch_append(NULL, a, &err), STRATA_ERR_INVALID, &err);
    strata_batch_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_keeps_operations_in_order),
        cmocka_unit_test(batch_owns_copies_that_do_not_move),
        cmocka_unit_test(batch_takes_values_of_every_size_around_its_chunks),
        cmocka_unit_test(batch_chunk_filled_to_its_last_byte_is_not_overrun),
        cmocka_unit_test(batch_cleared_is_empty_and_takes_more),
        cmocka_unit_test(batch_empty_keys_and_values_are_operations),
        cmocka_unit_test(batch_beyond_the_limits_is_refused_and_unchanged),
        cmocka_unit_test(batch_missing_is_an_invalid_argument),
        cmocka_unit_test(batch_appended_to_another_comes_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
