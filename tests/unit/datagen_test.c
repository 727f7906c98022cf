/* datagen_test.c: numbers and records that must be the same on every machine and for ever: the
 * constants here were taken once; a change of one of them is a change of every data set. */
#include "test.h"

#include "base/checksum.h"
#include "text/datagen.h"

#include <stdlib.h>
#include <string.h>

static void prng_is_splitmix64(void **state)
{
    struct prng prng = {1234567};

    (void)state;
    assert_int_equal(prng_next(&prng), 6457827717110365317u);
    assert_int_equal(prng_next(&prng), 3203168211198807973u);
    assert_int_equal(prng_next(&prng), 9817491932198370423u);
}

static void prng_below_is_below_and_even(void **state)
{
    unsigned counts[7] = {0};
    struct prng prng = {1};

    (void)state;
    for (int i = 0; i < 70000; i++) {
        uint64_t number = prng_below(&prng, 7);
        assert_in_range(number, 0, 6);
        counts[number]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(counts[i], 9700, 10300);
    for (int i = 0; i < 100; i++) { /* more than half of all numbers: many are thrown away */
        assert_true(prng_below(&prng, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
        assert_int_equal(prng_below(&prng, 1), 0);
        prng_below(&prng, UINT64_MAX);
    }
}

static bool near(double a, double b, double relative)
{
    double difference = a > b ? a - b : b - a;
    return difference <= relative * (b > 0 ? b : -b);
}

/* The sums, by another program that adds them exactly (Python's math.fsum). */
static void zipf_zeta_is_the_sum(void **state)
{
    static const struct {
        uint64_t n;
        double theta, zeta;
    } sums[] = {{1, .99, 1.0},
                {2, .5, 1.7071067811865475},
                {1000, .99, 7.728953217284738},
                {1001, .99, 7.730023676840314},
                {1000000, .99, 15.391849746036804},
                {1000000, .5, 1998.5401454911487},
                {1000000, 0, 1000000},
                {3000000, .999, 15.603036351829834}};

    (void)state;
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        struct zipf zipf;
        zipf_init(&zipf, sums[i].n, sums[i].theta);
        assert_true(near(zipf.zeta, sums[i].zeta, 1e-11));
    }
}

/* How often each of the first numbers is drawn, against 1 / (r + 1)^theta / zeta. */
static void zipf_draws_as_often_as_it_must(void **state)
{
    enum { DRAWS = 1000000, N = 10000 };
    unsigned *counts = calloc(N, sizeof *counts);
    struct prng prng = {42};
    struct zipf zipf;
    double first_100 = 0;

    (void)state;
    assert_non_null(counts);
    zipf_init(&zipf, N, 0.99);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t number = zipf_next(&zipf, &prng);
        assert_in_range(number, 0, N - 1);
        counts[number]++;
        first_100 += number < 100;
    }
    assert_true(near(counts[0], DRAWS / zipf.zeta, 0.02));
    assert_true(near(counts[1], DRAWS / zipf.zeta * zipf.half, 0.02));
    /* 5.2945688 is the sum of i^-0.99 for i from 1 to 100. */
    assert_true(near(first_100, DRAWS / zipf.zeta * 5.2945688, 0.05));
    free(counts);
}

static void zipf_of_few_stays_in_range(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 4; n++)
        for (int theta = 0; theta < 4; theta++) {
            struct prng prng = {n};
            struct zipf zipf;
            uint64_t seen = 0;
            zipf_init(&zipf, n, theta * 0.333);
            for (int i = 0; i < 2000; i++) {
                uint64_t number = zipf_next(&zipf, &prng);
                assert_true(number < n);
                seen |= UINT64_C(1) << number;
            }
            assert_int_equal(seen, (UINT64_C(1) << n) - 1);
        }
}

static void zipf_of_very_many_stays_in_range(void **state)
{
    struct prng prng = {5};
    struct zipf zipf;
    uint64_t largest = 0;

    (void)state;
    zipf_init(&zipf, UINT64_C(1000000000000000), 0.999);
    for (int i = 0; i < 10000; i++) {
        uint64_t number = zipf_next(&zipf, &prng);
        assert_true(number < zipf.n);
        largest = number > largest ? number : largest;
    }
    assert_true(largest > UINT64_C(1000000000));
}

/* ---- Records --------------------------------------------------------------------------- */

/* Of `count` entries. */
static uint32_t sum_of(const struct datagen_wishes *wishes, int count)
{
    struct strata_slice key, value;
    struct datagen datagen;
    uint32_t sum = 0;

    assert_null(datagen_check(wishes));
    assert_int_equal(datagen_init(&datagen, wishes), 0);
    for (int i = 0; i < count; i++) {
        datagen_next(&datagen, &key, &value);
        assert_int_equal(key.size, wishes->key_size);
        assert_int_equal(value.size, wishes->value_size);
        sum = checksum(sum, key);
        sum = checksum(sum, value);
    }
    datagen_free(&datagen);
    return sum;
}

static void datagen_is_the_same_for_ever(void **state)
{
    struct datagen_wishes wishes = {.keys = 1000, .key_size = 16, .value_size = 100, .seed = 1};

    (void)state;
    assert_int_equal(sum_of(&wishes, 5000), 0xa7ae27bf);
    wishes.distribution = DATAGEN_UNIFORM;
    assert_int_equal(sum_of(&wishes, 5000), 0x777d07bf);
    wishes.distribution = DATAGEN_ZIPFIAN;
    wishes.theta = 0.99;
    assert_int_equal(sum_of(&wishes, 5000), 0x2b473a51);
    wishes.seed = 2;
    wishes.compressible = 500000;
    wishes.value_size = 10000;
    assert_int_equal(sum_of(&wishes, 500), 0x29a591be);
    wishes.keys = UINT64_C(1000000000000);
    wishes.theta = 0.7;
    wishes.value_size = 0;
    assert_int_equal(sum_of(&wishes, 5000), 0xe89cff8f);
}

static void datagen_sizes_of_values_do_not_change_keys(void **state)
{
    struct datagen_wishes small = {
        .keys = 1000, .key_size = 4, .value_size = 1, .distribution = DATAGEN_UNIFORM, .seed = 9};
    struct datagen_wishes large = small;
    struct strata_slice a, b, unused;
    struct datagen first, second;

    (void)state;
    large.value_size = 999;
    assert_int_equal(datagen_init(&first, &small), 0);
    assert_int_equal(datagen_init(&second, &large), 0);
    for (int i = 0; i < 100; i++) {
        datagen_next(&first, &a, &unused);
        datagen_next(&second, &b, &unused);
        assert_memory_equal(a.data, b.data, 4);
    }
    datagen_free(&first);
    datagen_free(&second);
}

static void datagen_share_of_a_value_repeats(void **state)
{
    struct datagen_wishes wishes = {
        .keys = 1, .key_size = 1, .value_size = 10000, .compressible = 750000, .seed = 3};
    struct strata_slice key, value;
    struct datagen datagen;

    (void)state;
    assert_int_equal(datagen_init(&datagen, &wishes), 0);
    datagen_next(&datagen, &key, &value);
    for (size_t i = 1024; i < 4096; i++)
        assert_int_equal(value.data[i], value.data[i - 1024]);
    assert_memory_not_equal(value.data, value.data + 4096, 64); /* the next chunk is another */
    datagen_free(&datagen);
    wishes.compressible = 1000000; /* all of it: one letter */
    assert_int_equal(datagen_init(&datagen, &wishes), 0);
    datagen_next(&datagen, &key, &value);
    for (size_t i = 1; i < 4096; i++)
        assert_int_equal(value.data[i], value.data[0]);
    datagen_free(&datagen);
}

static void datagen_impossible_settings_are_reported(void **state)
{
    struct datagen_wishes wishes = {.keys = 1000, .key_size = 3};

    (void)state;
    assert_null(datagen_check(&wishes));
    wishes.keys = 1001;
    assert_non_null(datagen_check(&wishes));
    wishes = (struct datagen_wishes){.keys = 1};
    assert_null(datagen_check(&wishes)); /* the empty key */
    wishes.keys = 0;
    assert_non_null(datagen_check(&wishes));
    wishes = (struct datagen_wishes){.keys = 1, .key_size = STRATA_MAX_KEY + 1};
    assert_non_null(datagen_check(&wishes));
    wishes = (struct datagen_wishes){.keys = 1, .value_size = STRATA_MAX_VALUE + 1};
    assert_non_null(datagen_check(&wishes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prng_is_splitmix64),
        cmocka_unit_test(prng_below_is_below_and_even),
        cmocka_unit_test(zipf_zeta_is_the_sum),
        cmocka_unit_test(zipf_draws_as_often_as_it_must),
        cmocka_unit_test(zipf_of_few_stays_in_range),
        cmocka_unit_test(zipf_of_very_many_stays_in_range),
        cmocka_unit_test(datagen_is_the_same_for_ever),
        cmocka_unit_test(datagen_sizes_of_values_do_not_change_keys),
        cmocka_unit_test(datagen_share_of_a_value_repeats),
        cmocka_unit_test(datagen_impossible_settings_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
