/* coding_test.c: numbers as bytes, and a decoder that cannot be made to read past its end. */
#include "test.h"

#include "base/coding.h"

static void coding_fixed_widths_are_little_endian(void **state)
{
    uint8_t bytes[15], *at = bytes;
    static const uint8_t expected[15] = {0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f,
                                         0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08};
    struct decoder d;

    (void)state;
    at = put_u8(at, 0x01);
    at = put_u16(at, 0x0203);
    at = put_u32(at, 0x04050607);
    at = put_u64(at, 0x08090a0b0c0d0e0f);
    assert_ptr_equal(at, bytes + sizeof bytes);
    assert_memory_equal(bytes, expected, sizeof bytes);
    decoder_init(&d, strata_bytes(bytes, sizeof bytes));
    assert_int_equal(get_u8(&d), 0x01);
    assert_int_equal(get_u16(&d), 0x0203);
    assert_int_equal(get_u32(&d), 0x04050607);
    assert_int_equal(get_u64(&d), 0x08090a0b0c0d0e0f);
    assert_true(decoder_done(&d));
}

static void coding_varint_every_width_round_trips(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 64; shift++)
        for (int delta = -1; delta <= 1; delta++) {
            uint64_t value = ((uint64_t)1 << shift) + (uint64_t)delta;
            uint8_t bytes[CODING_VARINT_MAX];
            size_t size = (size_t)(put_varint(bytes, value) - bytes);
            struct decoder d;
            assert_int_equal(size, varint_size(value));
            decoder_init(&d, strata_bytes(bytes, size));
            assert_true(get_varint(&d) == value);
            assert_true(decoder_done(&d));
            for (size_t cut = 0; cut < size; cut++) {
                decoder_init(&d, strata_bytes(bytes, cut));
                get_varint(&d);
                assert_true(d.bad);
            }
        }
}

static void expect_bad_varint(const uint8_t *bytes, size_t size)
{
    struct decoder d;
    decoder_init(&d, strata_bytes(bytes, size));
    assert_true(get_varint(&d) == 0);
    assert_true(d.bad);
    assert_int_equal(get_u8(&d), 0); /* bad for good */
    assert_true(get_bytes(&d, 0).data == NULL);
}

static void coding_varint_longer_than_needed_is_bad(void **state)
{
    static const uint8_t padded[] = {0x81, 0x00, 0x05};
    (void)state;
    expect_bad_varint(padded, sizeof padded);
}

static void coding_varint_beyond_64_bits_is_bad(void **state)
{
    static const uint8_t wide[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0x02, 0x00};
    static const uint8_t endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                      0x80, 0x80, 0x80, 0x80, 0x80, 0x01};
    (void)state;
    expect_bad_varint(wide, sizeof wide);
    expect_bad_varint(endless, sizeof endless);
}

static void coding_length_beyond_the_end_is_bad(void **state)
{
    static const uint8_t bytes[] = {0x05, 'a', 'b', 'c', 'd'};
    struct decoder d;

    (void)state;
    decoder_init(&d, strata_bytes(bytes, sizeof bytes));
    assert_int_equal(get_prefixed(&d).size, 0);
    assert_true(d.bad);
    decoder_init(&d, strata_bytes(bytes, sizeof bytes));
    assert_int_equal(get_bytes(&d, UINT64_MAX).size, 0);
    assert_true(d.bad);
}

static void coding_prefixed_bytes_round_trip(void **state)
{
    struct strata_buffer buffer = {0};
    struct decoder d;
    struct strata_slice first, second;

    (void)state;
    assert_int_equal(buffer_put_prefixed(&buffer, strata_string("")), 0);
    assert_int_equal(buffer_put_prefixed(&buffer, strata_string("twelve bytes")), 0);
    assert_int_equal(buffer_put_u32(&buffer, 7), 0);
    assert_int_equal(buffer_put_u64(&buffer, 8), 0);
    assert_int_equal(buffer_put_varint(&buffer, 300), 0);
    decoder_init(&d, strata_buffer_slice(&buffer));
    first = get_prefixed(&d);
    second = get_prefixed(&d);
    assert_int_equal(first.size, 0);
    assert_int_equal(strata_compare(second, strata_string("twelve bytes")), 0);
    assert_int_equal(get_u32(&d), 7);
    assert_int_equal(get_u64(&d), 8);
    assert_int_equal(get_varint(&d), 300);
    assert_true(decoder_done(&d));
    strata_buffer_free(&buffer);
}

static void coding_decoder_is_done_only_when_all_was_good_and_taken(void **state)
{
    struct decoder d;
    (void)state;
    decoder_init(&d, strata_bytes("\1", 1));
    assert_false(decoder_done(&d));
    get_u8(&d);
    assert_true(decoder_done(&d));
    get_u8(&d);
    assert_false(decoder_done(&d)); /* nothing left, but bad */
    decoder_init(&d, strata_bytes(NULL, 0));
    assert_true(decoder_done(&d));
}

static void coding_without_memory_appends_nothing(void **state)
{
    struct strata_buffer buffer = {0};
    (void)state;
    buffer.out_of_memory = true;
    assert_int_equal(buffer_put_prefixed(&buffer, strata_string("x")), STRATA_ERR_NO_MEMORY);
    assert_int_equal(buffer_put_u32(&buffer, 1), STRATA_ERR_NO_MEMORY);
    assert_int_equal(buffer_put_u64(&buffer, 1), STRATA_ERR_NO_MEMORY);
    assert_int_equal(buffer_put_varint(&buffer, 1), STRATA_ERR_NO_MEMORY);
    assert_int_equal(buffer.size, 0);
    assert_null(buffer.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coding_fixed_widths_are_little_endian),
        cmocka_unit_test(coding_varint_every_width_round_trips),
        cmocka_unit_test(coding_varint_longer_than_needed_is_bad),
        cmocka_unit_test(coding_varint_beyond_64_bits_is_bad),
        cmocka_unit_test(coding_length_beyond_the_end_is_bad),
        cmocka_unit_test(coding_prefixed_bytes_round_trip),
        cmocka_unit_test(coding_decoder_is_done_only_when_all_was_good_and_taken),
        cmocka_unit_test(coding_without_memory_appends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
