/* base64_test.c: what a decoder of base64 refuses. (That it takes all that the encoder writes, the
 * round trips of entries_test.c show; what the lines around it say, jsonl_test.c.) */
#include "test.h"

#include "text/base64.h"

static void expect(const char *text, size_t size, size_t limit, enum text_fault fault, size_t place)
{
    struct strata_buffer to = {0};
    struct base64 b = {0};
    size_t at;

    assert_int_equal(base64_feed(&b, strata_bytes(text, size), limit, &to, &at), fault);
    assert_int_equal(at, place);
    assert_true(to.size <= limit);
    strata_buffer_free(&to);
}

static void base64_other_bytes_are_refused(void **state)
{
    (void)state;
    expect("YWJj", 4, 3, TEXT_FINE, 4);
    expect("YW\0j", 4, 3, TEXT_BAD_BASE64, 2);
    expect("=", 1, 3, TEXT_BAD_BASE64, 0);
    expect("YQ==Y", 5, 3, TEXT_BAD_BASE64, 4);
}

static void base64_more_than_the_limit_is_refused(void **state)
{
    struct strata_buffer to = {0};
    struct base64 b = {0};
    size_t at;

    (void)state;
    expect("YWJj", 4, 2, TEXT_TOO_LONG, 3);
    expect("YWJjZA==", 8, 4, TEXT_FINE, 8);
    expect("YWJjZGU=", 8, 4, TEXT_TOO_LONG, 7);
    /* what is there already is more */
    assert_int_equal(strata_buffer_append(&to, "more", 4), 0);
    assert_int_equal(base64_feed(&b, strata_string("YQ=="), 3, &to, &at), TEXT_TOO_LONG);
    assert_int_equal(to.size, 4);
    strata_buffer_free(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_other_bytes_are_refused),
        cmocka_unit_test(base64_more_than_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
