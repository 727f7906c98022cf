/* 05_bloom_test.c: no key that was added is denied, and absent keys pass as often as theory says.
 */
#include "test.h"

#include "02_hash_index/index.h"
#include "05_blocks_bloom/bloom.h"
#include "../../bench/bloom_theory.h"
#include "rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Key i of a set: sets are disjoint. */
static uint64_t hash_of(char set, uint64_t i)
{
    char key[40];
    return index_hash(strata_bytes(key, (size_t)sprintf(key, "%c%016d", set, (int)i)));
}

static uint8_t *build(size_t keys, unsigned bits, struct bloom *bloom)
{
    size_t size = bloom_bytes(keys, bits);
    uint64_t *hashes = malloc((keys + 1) * sizeof *hashes);
    uint8_t *bytes = malloc(size);
    struct strata_error err;

    assert_non_null(hashes);
    assert_non_null(bytes);
    for (size_t i = 0; i < keys; i++)
        hashes[i] = hash_of('a', i);
    bloom_build(bytes, size, bloom_probes(bits), hashes, keys);
    free(hashes);
    assert_ok(bloom_open(bloom, strata_bytes(bytes, size), bloom_probes(bits), &err), &err);
    return bytes;
}

static void bloom_contains_every_key_that_was_added(void **state)
{
    static const size_t counts[] = {0, 1, 2, 50, 51, 52, 1000, 20000};

    (void)state;
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
        for (unsigned bits = 1; bits <= 20; bits++) {
            struct bloom bloom;
            uint8_t *bytes = build(counts[c], bits, &bloom);
            for (size_t i = 0; i < counts[c]; i++)
                assert_true(bloom_may_contain(&bloom, hash_of('a', i)));
            free(bytes);
        }
}

static void bloom_empty_filter_passes_nothing(void **state)
{
    struct bloom bloom;
    uint8_t *bytes = build(0, 10, &bloom);

    (void)state;
    assert_int_equal(bloom.count, 1);
    for (uint64_t i = 0; i < 100000; i++)
        assert_false(bloom_may_contain(&bloom, hash_of('b', i)));
    free(bytes);
}

/* The rates at 5, 10 and 16 bits a key are printed beside theory; they must lie within four
 * standard deviations, and a twentieth, of it. */
static void bloom_false_positives_are_as_many_as_theory_says(void **state)
{
    static const unsigned all_bits[] = {5, 10, 16};
    const uint64_t keys = 50000, asked = check_sanitized() ? 400000 : 2000000;

    (void)state;
    printf("#  bits  probes  bytes/key  passed %%  theory %%  classic %%\n");
    for (int b = 0; b < 3; b++) {
        struct bloom bloom;
        unsigned bits = all_bits[b];
        uint8_t *bytes = build(keys, bits, &bloom);
        double theory = bloom_theory(keys, bloom.count, bloom.probes), off, passed = 0;

        for (uint64_t i = 0; i < asked; i++)
            passed += bloom_may_contain(&bloom, hash_of('b', i));
        passed /= (double)asked;
        printf("#  %4u  %6u  %9.2f  %8.4f  %8.4f  %9.4f\n", bits, bloom.probes,
               (double)bloom.count * BLOOM_LINE / keys, 100 * passed, 100 * theory,
               100 * bloom_theory_classic(keys, bloom.count, bloom.probes));
        off = passed - theory;
        assert_true((off < 0 ? -off : off) < theory / 20 ||
                    (off - theory / 20) * (off - theory / 20) < 16 * theory / (double)asked);
        free(bytes);
    }
}

static void bloom_theory_is_that_of_the_textbook(void **state)
{
    (void)state;
    /* (1 - e^(-k/b))^k at 10 bits a key and 7 probes: 0.00819 */
    assert_true(bloom_theory_classic(512000, 10000, 7) > 0.00818);
    assert_true(bloom_theory_classic(512000, 10000, 7) < 0.00820);
    /* in one line the kinds are the same; lines that differ cost a little */
    assert_true(bloom_theory(50, 1, 6) == bloom_theory_classic(50, 1, 6));
    assert_true(bloom_theory(512000, 10000, 6) > 0.0095);
    assert_true(bloom_theory(512000, 10000, 6) < 0.0097);
}

static void bloom_size_follows_from_the_count(void **state)
{
    (void)state;
    assert_int_equal(bloom_bytes(0, 10), 64);
    assert_int_equal(bloom_bytes(51, 10), 64);
    assert_int_equal(bloom_bytes(52, 10), 128);
    assert_int_equal(bloom_bytes(1000000, 10), 1250048);
    assert_int_equal(bloom_bytes(UINT64_MAX, 10), 0);
    assert_int_equal(bloom_bytes((uint64_t)1 << 45, 10), 0);
    assert_int_equal(bloom_probes(0), 1);
    assert_int_equal(bloom_probes(1), 1);
    assert_int_equal(bloom_probes(10), 6);
    assert_int_equal(bloom_probes(64), BLOOM_PROBES_MAX);
}

static void bloom_bytes_that_are_no_filter_do_not_open(void **state)
{
    uint8_t line[2 * BLOOM_LINE] = {0};
    struct strata_error err;
    struct bloom bloom;

    (void)state;
    assert_code(bloom_open(&bloom, strata_bytes(line, 0), 6, &err), STRATA_ERR_CORRUPT, &err);
    assert_code(bloom_open(&bloom, strata_bytes(line, 65), 6, &err), STRATA_ERR_CORRUPT, &err);
    assert_code(bloom_open(&bloom, strata_bytes(line, 64), 0, &err), STRATA_ERR_CORRUPT, &err);
    assert_code(bloom_open(&bloom, strata_bytes(line, 64), 17, &err), STRATA_ERR_CORRUPT, &err);
    assert_code(bloom_open(&bloom, strata_bytes(line, (size_t)1 << 40), 6, &err),
                STRATA_ERR_CORRUPT, &err);
    assert_ok(bloom_open(&bloom, strata_bytes(line, 128), 16, &err), &err);
}

/* The bytes are the file's: the same on every machine. */
static void bloom_bytes_are_what_the_format_says(void **state)
{
    uint64_t hashes[] = {0xffffffff00000001, 0x0000000000000001};
    uint8_t bytes[2 * BLOOM_LINE], want[2 * BLOOM_LINE] = {0};
    uint32_t bits = 0x9e3779b9;

    (void)state;
    for (int p = 0; p < 2; p++, bits *= 0x9e3779b9)
        for (size_t line = 0; line < 2; line++)
            want[line * 64 + (bits >> 23) / 8] |= (uint8_t)(1 << (bits >> 23) % 8);
    bloom_build(bytes, sizeof bytes, 2, hashes, 2);
    assert_memory_equal(bytes, want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bloom_contains_every_key_that_was_added),
        cmocka_unit_test(bloom_empty_filter_passes_nothing),
        cmocka_unit_test(bloom_false_positives_are_as_many_as_theory_says),
        cmocka_unit_test(bloom_theory_is_that_of_the_textbook),
        cmocka_unit_test(bloom_size_follows_from_the_count),
        cmocka_unit_test(bloom_bytes_that_are_no_filter_do_not_open),
        cmocka_unit_test(bloom_bytes_are_what_the_format_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
