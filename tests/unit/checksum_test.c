/* checksum_test.c: the check of bytes at a place: every bit and the place itself matter, and
 * pieces give what the whole gives. */
#include "test.h"

#include "base/checksum.h"

#include <stdlib.h>
#include <string.h>

#define SIZE 700 /* beyond every size at which XXH3 changes its way: 16, 128, 240, 512 */

static void fill(uint8_t bytes[SIZE])
{
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i * 167 + (i >> 5));
}

/* Golden: what is on people's disks must be checked alike for ever. */
static void checksum_of_known_bytes_never_changes(void **state)
{
    uint8_t bytes[SIZE];

    (void)state;
    fill(bytes);
    assert_int_equal(checksum(0, strata_bytes(NULL, 0)), 0x15d514c7);
    assert_int_equal(checksum(checksum_seed(1, 24), strata_string("strata")), 0x07357c6a);
    assert_int_equal(checksum(checksum_seed(7, 1 << 20), strata_bytes(bytes, SIZE)), 0x3ead6a42);
}

static void checksum_every_bit_matters(void **state)
{
    static const size_t sizes[] = {1, 3, 8, 13, 16, 17, 128, 129, 240, 241, SIZE};
    uint8_t bytes[SIZE];

    (void)state;
    fill(bytes);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        uint32_t whole = checksum(5, strata_bytes(bytes, sizes[s]));
        for (size_t bit = 0; bit < 8 * sizes[s]; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_not_equal(checksum(5, strata_bytes(bytes, sizes[s])), whole);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_int_equal(checksum(5, strata_bytes(bytes, sizes[s])), whole);
    }
}

static void checksum_length_matters(void **state)
{
    static const uint8_t zeros[SIZE];
    (void)state;
    for (size_t size = 0; size < SIZE; size++)
        assert_int_not_equal(checksum(0, strata_bytes(zeros, size)),
                             checksum(0, strata_bytes(zeros, size + 1)));
}

static void checksum_place_matters(void **state)
{
    struct strata_slice bytes = strata_string("the same bytes");
    uint32_t here = checksum(checksum_seed(1, 24), bytes);

    (void)state;
    for (unsigned shift = 0; shift < 44; shift++) {
        assert_int_not_equal(checksum(checksum_seed(1, 24 ^ (uint64_t)1 << shift), bytes), here);
        assert_int_not_equal(checksum(checksum_seed(1 ^ (uint64_t)1 << shift, 24), bytes), here);
    }
}

static int compare_seeds(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void checksum_seeds_of_many_places_all_differ(void **state)
{
    enum { FILES = 300, OFFSETS = 300 };
    static uint64_t seeds[FILES * OFFSETS];

    (void)state;
    for (uint64_t file = 0; file < FILES; file++)
        for (uint64_t at = 0; at < OFFSETS; at++)
            seeds[file * OFFSETS + at] = checksum_seed(file, at * 4093);
    qsort(seeds, FILES * OFFSETS, sizeof *seeds, compare_seeds);
    for (size_t i = 1; i < FILES * OFFSETS; i++)
        assert_true(seeds[i] != seeds[i - 1]);
}

static void checksum_pieces_equal_the_whole(void **state)
{
    uint8_t bytes[SIZE];
    uint32_t whole;

    (void)state;
    fill(bytes);
    whole = checksum(99, strata_bytes(bytes, SIZE));
    for (size_t cut = 0; cut <= SIZE; cut++)
        for (size_t second = cut; second <= SIZE; second += 61) {
            struct checksum c;
            checksum_begin(&c, 99);
            checksum_add(&c, strata_bytes(bytes, cut));
            checksum_add(&c, strata_bytes(bytes + cut, second - cut));
            checksum_add(&c, strata_bytes(NULL, 0));
            checksum_add(&c, strata_bytes(bytes + second, SIZE - second));
            assert_int_equal(checksum_end(&c), whole);
        }
}

static void checksum_pieces_in_another_order_differ(void **state)
{
    struct checksum c;
    (void)state;
    checksum_begin(&c, 0);
    checksum_add(&c, strata_string("b"));
    checksum_add(&c, strata_string("a"));
    assert_int_not_equal(checksum_end(&c), checksum(0, strata_string("ab")));
    assert_int_equal(checksum_end(&c), checksum(0, strata_string("ba")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum_of_known_bytes_never_changes),
        cmocka_unit_test(checksum_every_bit_matters),
        cmocka_unit_test(checksum_length_matters),
        cmocka_unit_test(checksum_place_matters),
        cmocka_unit_test(checksum_seeds_of_many_places_all_differ),
        cmocka_unit_test(checksum_pieces_equal_the_whole),
        cmocka_unit_test(checksum_pieces_in_another_order_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
