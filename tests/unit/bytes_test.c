/* bytes_test.c: slices compare as unsigned bytes; buffers grow, and say for good when they could
 * not. */
#include "test.h"

#include "base/bytes.h"

#include <string.h>

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static void bytes_slices_of_text_leave_the_nul_out(void **state)
{
    (void)state;
    assert_int_equal(strata_string("abc").size, 3);
    assert_int_equal(strata_string("").size, 0);
    assert_int_equal(strata_string(NULL).size, 0);
    assert_null(strata_string(NULL).data);
    assert_int_equal(strata_bytes("a\0b", 3).size, 3);
}

static void bytes_compare_as_unsigned_shorter_first(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } sorted[] = {{NULL, 0}, {"\0", 1}, {"\0\0", 2}, {"\0b", 2},  {"a", 1},    {"a\0", 2},
                  {"ab", 2}, {"b", 1},  {"\x7f", 1}, {"\x80", 1}, {"\xff", 1}, {"\xff\0", 2}};
    const size_t count = sizeof sorted / sizeof *sorted;

    (void)state;
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++) {
            int order = strata_compare(strata_bytes(sorted[a].bytes, sorted[a].size),
                                       strata_bytes(sorted[b].bytes, sorted[b].size));
            assert_int_equal(sign(order), (a > b) - (a < b));
        }
    assert_int_equal(strata_compare(strata_bytes(NULL, 0), strata_string("")), 0);
}

static void bytes_buffer_holds_what_was_appended(void **state)
{
    struct strata_buffer buffer = {0};
    uint8_t want[5000];

    (void)state;
    for (size_t i = 0; i < sizeof want; i++)
        want[i] = (uint8_t)(i * 31 >> 3);
    for (size_t size = 0; buffer.size < 4000; size++) {
        assert_int_equal(strata_buffer_append(&buffer, want + buffer.size, size), 0);
        assert_true(buffer.capacity >= buffer.size);
        assert_bytes(strata_buffer_slice(&buffer), strata_bytes(want, buffer.size));
    }
    strata_buffer_free(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.size, 0);
    assert_int_equal(buffer.capacity, 0);
}

static void bytes_buffer_appending_nothing_needs_no_memory(void **state)
{
    struct strata_buffer buffer = {0};
    (void)state;
    assert_int_equal(strata_buffer_append(&buffer, NULL, 0), 0);
    assert_null(buffer.data);
    strata_buffer_free(&buffer);
    strata_buffer_free(&buffer); /* twice is fine */
}

static void bytes_buffer_clear_keeps_the_memory(void **state)
{
    struct strata_buffer buffer = {0};
    size_t capacity;

    (void)state;
    assert_int_equal(strata_buffer_append(&buffer, "0123456789", 10), 0);
    capacity = buffer.capacity;
    strata_buffer_clear(&buffer);
    assert_int_equal(buffer.size, 0);
    assert_int_equal(buffer.capacity, capacity);
    assert_int_equal(strata_buffer_append(&buffer, "ab", 2), 0);
    assert_bytes(strata_buffer_slice(&buffer), strata_string("ab"));
    strata_buffer_free(&buffer);
}

static void bytes_buffer_grows_by_doubling(void **state)
{
    struct strata_buffer buffer = {0};
    size_t grown = 0, capacity = 0;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(strata_buffer_append(&buffer, "x", 1), 0);
        grown += buffer.capacity != capacity;
        capacity = buffer.capacity;
    }
    assert_true(grown < 20);
    strata_buffer_free(&buffer);
}

static void bytes_buffer_out_of_memory_is_sticky_and_keeps_the_bytes(void **state)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 - 3};
    struct strata_buffer buffer = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(strata_buffer_append(&buffer, "kept", 4), 0);
        assert_int_equal(buffer_reserve(&buffer, sizes[i]), STRATA_ERR_NO_MEMORY);
        assert_true(buffer.out_of_memory);
        assert_int_equal(strata_buffer_append(&buffer, "x", 1), STRATA_ERR_NO_MEMORY);
        assert_int_equal(strata_buffer_append(&buffer, NULL, 0), STRATA_ERR_NO_MEMORY);
        assert_bytes(strata_buffer_slice(&buffer), strata_string("kept"));
        strata_buffer_clear(&buffer); /* ends it */
        assert_int_equal(strata_buffer_append(&buffer, "x", 1), 0);
        strata_buffer_clear(&buffer);
    }
    strata_buffer_free(&buffer);
}

/* A value of 1 GiB takes 1 GiB. */
static void bytes_buffer_reserve_of_much_is_exact(void **state)
{
    enum { MUCH = (10 << 20) + 1 };
    struct strata_buffer buffer = {0};
    (void)state;
    assert_int_equal(buffer_reserve(&buffer, MUCH), 0);
    assert_int_equal(buffer.capacity, MUCH);
    buffer.size = MUCH;
    assert_int_equal(buffer_reserve(&buffer, 1), 0);
    assert_true(buffer.capacity <= MUCH + MUCH / 4);
    strata_buffer_free(&buffer);
}

static void bytes_buffer_of_many_appends_grows_seldom(void **state)
{
    struct strata_buffer buffer = {0};
    size_t grown = 0;
    (void)state;
    while (buffer.size < 20 << 20) {
        size_t capacity = buffer.capacity;
        assert_int_equal(strata_buffer_append(&buffer, "some bytes", 10), 0);
        grown += buffer.capacity != capacity;
    }
    assert_true(grown <= 30); /* 14 times to 1 MiB, then by a quarter */
    strata_buffer_free(&buffer);
}

static void bytes_buffer_reserve_makes_room_behind_the_end(void **state)
{
    struct strata_buffer buffer = {0};
    (void)state;
    assert_int_equal(strata_buffer_append(&buffer, "ab", 2), 0);
    assert_int_equal(buffer_reserve(&buffer, 1000), 0);
    assert_int_equal(buffer.size, 2);
    assert_true(buffer.capacity >= 1002);
    memset(buffer.data + 2, 'x', 1000);
    assert_memory_equal(buffer.data, "abx", 3);
    strata_buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_slices_of_text_leave_the_nul_out),
        cmocka_unit_test(bytes_compare_as_unsigned_shorter_first),
        cmocka_unit_test(bytes_buffer_holds_what_was_appended),
        cmocka_unit_test(bytes_buffer_appending_nothing_needs_no_memory),
        cmocka_unit_test(bytes_buffer_clear_keeps_the_memory),
        cmocka_unit_test(bytes_buffer_grows_by_doubling),
        cmocka_unit_test(bytes_buffer_out_of_memory_is_sticky_and_keeps_the_bytes),
        cmocka_unit_test(bytes_buffer_reserve_of_much_is_exact),
        cmocka_unit_test(bytes_buffer_of_many_appends_grows_seldom),
        cmocka_unit_test(bytes_buffer_reserve_makes_room_behind_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
