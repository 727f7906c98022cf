/* 08_lineage_test.c: what a table notes of others: bytes and back, and bytes that are no notes. */
#include "test.h"

#include "08_backup_repair/lineage/lineage.h"

#include "base/coding.h"

static struct lineage sample(void)
{
    struct lineage lineage = {.level = 3, .group = 300, .ordinal = 2, .last = true};

    for (uint64_t number = 100; number < 140; number++)
        assert_int_equal(lineage_add(&lineage, number >= 138, number, NULL), 0);
    return lineage;
}

static void lineage_comes_back_as_it_was(void **state)
{
    struct lineage lineage = sample(), got;
    struct strata_buffer bytes = {0}, again = {0};
    struct strata_error err;

    (void)state;
    assert_ok(lineage_encode(&lineage, &bytes, &err), &err);
    assert_ok(lineage_decode(strata_buffer_slice(&bytes), &got, &err), &err);
    assert_int_equal(got.level, 3);
    assert_false(got.repaired);
    assert_int_equal(got.group, 300);
    assert_int_equal(got.ordinal, 2);
    assert_true(got.last);
    assert_true(lineage_is_source(&got, 100) && lineage_is_source(&got, 137));
    assert_false(lineage_is_source(&got, 138) || lineage_is_above(&got, 137));
    assert_true(lineage_is_above(&got, 138) && lineage_is_above(&got, 139));
    assert_ok(lineage_encode(&got, &again, &err), &err);
    assert_bytes(strata_buffer_slice(&again), strata_buffer_slice(&bytes));
    lineage_free(&lineage);
    lineage_free(&got);
    strata_buffer_free(&bytes);
    strata_buffer_free(&again);
}

static void lineage_of_no_bytes_is_a_flush(void **state)
{
    struct lineage got;
    struct strata_error err;

    (void)state;
    assert_ok(lineage_decode(strata_bytes(NULL, 0), &got, &err), &err);
    assert_true(got.group == 0 && got.level == 0 && got.sources == 0 && got.above == 0);
    assert_false(lineage_is_above(&got, 1) || lineage_is_source(&got, 1));
}

static void lineage_cut_or_longer_is_refused(void **state)
{
    struct lineage lineage = sample(), got;
    struct strata_buffer bytes = {0};
    struct strata_error err;

    (void)state;
    assert_ok(lineage_encode(&lineage, &bytes, &err), &err);
    strata_buffer_append(&bytes, "\1", 1);
    for (size_t size = 1; size <= bytes.size; size++) {
        int rc = lineage_decode(strata_bytes(bytes.data, size), &got, &err);
        assert_int_equal(rc, size + 1 == bytes.size ? 0 : STRATA_ERR_CORRUPT);
        lineage_free(&got);
    }
    lineage_free(&lineage);
    strata_buffer_free(&bytes);
}

static void lineage_that_cannot_be_is_refused(void **state)
{
    static const uint64_t wrong[][6] = {
        {14, 1, 3, 0, 0},                    /* a level that is none */
        {0, 0, 3, 0, 0},                     /* of no compaction */
        {0, 1, 1, 0, 0},                     /* at no place of it */
        {0, 1, 3, 2, UINT64_MAX - 1},        /* counts that add up to 0, which is what follows */
        {0, 1, 3, 1, 0, 0},                  /* file 0 */
        {0, 1, 3, 1, 0, UINT64_MAX / 2 + 1}, /* numbers that were never given away */
        {0, UINT64_MAX / 2 + 1, 3, 1, 0, 5}, /* likewise, of a compaction */
        {0, 1, 3, UINT64_MAX, 1},            /* more files than bytes */
        {0, 1, 3, 1, UINT64_MAX},            /* likewise */
        {0, 1, 3, 2, UINT64_MAX - 1, 5},     /* they add up to 0 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_case(i);
        struct strata_buffer bytes = {0};
        struct strata_error err;
        struct lineage got;
        for (size_t at = 0; at < 6; at++)
            buffer_put_varint(&bytes, wrong[i][at]);
        bytes.size -= i < 4; /* no file */
        assert_code(lineage_decode(strata_buffer_slice(&bytes), &got, &err), STRATA_ERR_CORRUPT,
                    &err);
        lineage_free(&got);
        strata_buffer_free(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lineage_comes_back_as_it_was),
        cmocka_unit_test(lineage_of_no_bytes_is_a_flush),
        cmocka_unit_test(lineage_cut_or_longer_is_refused),
        cmocka_unit_test(lineage_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
