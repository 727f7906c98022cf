/* 11_read_set_test.c: keys and ranges that were read, as a set. */
#include "11_transactions/txn/read_set.h"
#include "base/prng.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define S(text) strata_string(text)
#define KEYS 500

static void add(struct read_set *set, const char *low, const char *high)
{
    struct read_range range = {S(low), S(high ? high : ""), !high};
    struct strata_error err;

    assert_ok(read_set_add(set, &range, &err), &err);
}

static void read_set_joins_ranges_that_overlap(void **state)
{
    struct read_set set = {0};
    struct strata_error err;

    (void)state;
    read_set_sort(&set);
    assert_false(read_set_has(&set, S("")));
    add(&set, "d", "f");
    add(&set, "b", "e");
    add(&set, "m", "m");
    add(&set, "x", NULL);
    add(&set, "z", "zz");
    assert_ok(read_set_add_key(&set, S("m"), &err), &err);
    assert_ok(read_set_add_key(&set, S(""), &err), &err);
    read_set_sort(&set);
    assert_int_equal(set.count, 4); /* "", b to f, m, from x on */
    assert_true(read_set_has(&set, S("")));
    assert_false(read_set_has(&set, S("a")));
    assert_true(read_set_has(&set, S("b")));
    assert_true(read_set_has(&set, S("f")));
    assert_false(read_set_has(&set, S("fa")));
    assert_true(read_set_has(&set, S("m")));
    assert_false(read_set_has(&set, S("ma")));
    assert_true(read_set_has(&set, S("zzz")));
    read_set_free(&set);
}

/* Against a table of what was read. */
static void read_set_has_what_was_added(void **state)
{
    struct prng prng = {7};

    (void)state;
    for (int round = 0; round < 20; round++) {
        bool read[KEYS + 1] = {false};
        struct read_set set = {0};
        char low[8], high[8];
        for (int i = 0; i < 40 * round; i++) {
            unsigned from = (unsigned)prng_below(&prng, KEYS);
            unsigned to = from + (unsigned)prng_below(&prng, 3) * (unsigned)prng_below(&prng, 4);
            bool endless = prng_below(&prng, 300) == 0;
            if (to >= KEYS || endless)
                to = KEYS;
            sprintf(low, "%04u", from);
            sprintf(high, "%04u", to);
            add(&set, low, endless ? NULL : high);
            for (unsigned k = from; k <= to; k++)
                read[k] = true;
        }
        read_set_sort(&set);
        for (unsigned k = 0; k <= KEYS; k++) {
            sprintf(low, "%04u", k);
            assert_int_equal(read_set_has(&set, S(low)), read[k]);
        }
        for (size_t i = 1; i < set.count; i++)
            assert_false(read_range_reaches(&set.all[i - 1], set.all[i].low));
        read_set_free(&set);
    }
}

/* To read the same again and again takes no more memory. */
static void read_set_is_as_large_as_what_was_read(void **state)
{
    struct read_set set = {0};
    struct strata_error err;
    char key[16];

    (void)state;
    for (int i = 0; i < 100000; i++) {
        sprintf(key, "key %d", i % 10);
        assert_ok(read_set_add_key(&set, S(key), &err), &err);
    }
    assert_in_range(set.room, 10, 64);
    assert_in_range(set.bytes.taken, 1, 8192);
    read_set_sort(&set);
    assert_int_equal(set.count, 10);
    read_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_set_joins_ranges_that_overlap),
        cmocka_unit_test(read_set_has_what_was_added),
        cmocka_unit_test(read_set_is_as_large_as_what_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
