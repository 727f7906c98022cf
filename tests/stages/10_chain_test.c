/* 10_chain_test.c: chains of versions: what was written comes back at every number, and bytes that
 * nobody wrote are refused; and the list of snapshots. */
#include "test.h"

#include "10_concurrency/snapshot/chain.h"
#include "10_concurrency/snapshot/snapshots.h"
#include "rng.h"

#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define MOST 20

struct written {
    struct chain_version versions[MOST];
    size_t count;
    struct strata_buffer bytes;
};

static void write_chain(struct written *w)
{
    struct strata_error err;

    strata_buffer_clear(&w->bytes);
    assert_ok(chain_encode(w->versions, w->count, &w->bytes, &err), &err);
    assert_null(chain_check(strata_buffer_slice(&w->bytes), w->versions[0].number));
}

static void draw(struct rng *rng, struct written *w)
{
    static uint8_t bytes[300];
    uint64_t number = 1 + rng_below(rng, rng_below(rng, 2) ? 100 : (uint64_t)1 << 40);

    rng_fill(rng, bytes, sizeof bytes);
    w->count = 1 + (size_t)rng_below(rng, MOST);
    for (size_t i = 0; i < w->count; i++) {
        bool gone = rng_below(rng, 4) == 0;
        w->versions[i] = (struct chain_version){
            number, gone ? STRATA_OP_DELETE : STRATA_OP_PUT,
            strata_bytes(bytes, gone ? 0 : (size_t)rng_below(rng, sizeof bytes))};
        if (number == 0)
            w->count = i + 1;
        if (number)
            number = rng_below(rng, number);
    }
    if (w->count == 1 && !w->versions[0].number)
        w->versions[0].number = 1;
}

static void chain_comes_back_at_every_number(void **state)
{
    struct written w = {.count = 0};
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "chains");
    for (int round = 0; round < 500; round++) {
        struct chain chain;
        struct chain_version got;
        draw(&rng, &w);
        write_chain(&w);
        chain_open(&chain, strata_buffer_slice(&w.bytes));
        for (size_t i = 0; i < w.count; i++) {
            const struct chain_version *v = &w.versions[i];
            struct strata_slice value;
            assert_true(chain_next(&chain, &got));
            assert_int_equal(got.number, v->number);
            assert_int_equal(got.type, v->type);
            assert_bytes(got.value, v->value);
            assert_int_equal(chain_read(strata_buffer_slice(&w.bytes), v->number, &value), v->type);
            assert_bytes(value, v->value);
            if (i) { /* up to just before the newer one */
                assert_int_equal(
                    chain_read(strata_buffer_slice(&w.bytes), v[-1].number - 1, &value), v->type);
                assert_bytes(value, v->value);
            }
        }
        assert_false(chain_next(&chain, &got));
        if (got.number)
            assert_int_equal(chain_read(strata_buffer_slice(&w.bytes), got.number - 1, &got.value),
                             0);
    }
    strata_buffer_free(&w.bytes);
}

/* Any other bytes are refused, or are a chain that can be walked; in memory of just their size, so
 * that ASan sees the byte behind it. */
static void chain_of_other_bytes_is_refused_or_whole(void **state)
{
    struct written w = {.count = 0};
    struct rng rng;
    unsigned whole = 0;

    (void)state;
    rng_init_env(&rng, "other chains");
    for (int round = 0; round < 20000; round++) {
        struct strata_slice bytes;
        uint8_t *copy;
        if (round % 50 == 0) {
            draw(&rng, &w);
            write_chain(&w);
        }
        bytes.size = rng_below(&rng, 3) ? w.bytes.size : (size_t)rng_below(&rng, w.bytes.size + 1);
        bytes.data = copy = malloc(bytes.size ? bytes.size : 1);
        assert_non_null(copy);
        memcpy(copy, w.bytes.data, bytes.size);
        for (uint64_t flips = 1 + rng_below(&rng, 3); bytes.size && flips; flips--)
            copy[rng_below(&rng, bytes.size < 40 ? bytes.size : 40)] ^=
                (uint8_t)(1 << rng_below(&rng, 8));
        if (!chain_check(bytes, CODING_NUMBER_MAX)) {
            struct chain chain;
            struct chain_version v;
            size_t values = 0, count = 0;
            for (chain_open(&chain, bytes); chain_next(&chain, &v); count++)
                values += v.value.size;
            assert_int_equal(chain_size(count, values), bytes.size);
            whole++;
        }
        free(copy);
    }
    assert_true(whole > 50);
    strata_buffer_free(&w.bytes);
}

/* The bytes of such a chain, whatever they are. */
struct forged {
    unsigned kind, count;
    struct {
        unsigned number, is_delete, end;
    } heads[3];
    unsigned written; /* heads */
    const char *values;
};

static void forge(const struct forged *f, struct strata_buffer *to)
{
    uint8_t kind = (uint8_t)f->kind;

    strata_buffer_clear(to);
    strata_buffer_append(to, &kind, 1);
    buffer_put_u32(to, f->count);
    for (unsigned i = 0; i < f->written; i++) {
        buffer_put_u64(to, f->heads[i].number << 1 | f->heads[i].is_delete);
        buffer_put_u32(to, f->heads[i].end);
    }
    strata_buffer_append(to, f->values, strlen(f->values));
}

static void chain_that_breaks_a_rule_is_told(void **state)
{
    static const struct {
        struct forged forged;
        const char *says;
    } cases[] = {
        {{2, 1, {{5, 0, 0}}, 1, ""}, "unknown kind"},
        {{1, 0, {{0}}, 0, ""}, "impossible number"},
        {{1, 2, {{5, 0, 0}}, 1, ""}, "impossible number"},
        {{1, 0xffffffff, {{5, 0, 0}}, 1, ""}, "impossible number"},
        {{1, 2, {{10, 0, 0}, {10, 0, 0}}, 2, ""}, "not in order"}, /* twice the same */
        {{1, 2, {{9, 0, 0}, {10, 0, 0}}, 2, ""}, "not in order"},  /* the older first */
        {{1, 1, {{0, 0, 0}}, 1, ""}, "not in order"},              /* alone, and seen by all */
        {{1, 2, {{10, 0, 0}, {0, 0, 0}}, 2, ""}, NULL},            /* right */
        {{1, 3, {{10, 0, 0}, {0, 0, 0}, {0, 0, 0}}, 3, ""}, "not in order"}, /* not the last */
        {{1, 1, {{12, 0, 0}}, 1, ""}, "not in order"}, /* of a table that ends at 11 */
        {{1, 1, {{10, 0, 3}}, 1, "ab"}, "impossible size"},
        {{1, 1, {{10, 0, 0xffffffff}}, 1, "ab"}, "impossible size"},
        {{1, 2, {{10, 0, 2}, {9, 0, 1}}, 2, "ab"},
         "impossible size"},                               /* it ends before it begins */
        {{1, 1, {{10, 1, 1}}, 1, "a"}, "impossible size"}, /* of a delete */
        {{1, 1, {{10, 0, 1}}, 1, "ab"}, "another size"},
        {{1, 2, {{10, 0, 1}, {9, 0, 2}}, 2, "ab"}, NULL},
        {{1, 1, {{10, 1, 0}}, 1, ""}, NULL},
    };
    struct strata_buffer bytes = {0};

    (void)state;
    assert_true(strstr(chain_check(strata_bytes(NULL, 0), 11), "unknown kind"));
    assert_true(strstr(chain_check(S("\001..."), 11), "ends within"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *wrong;
        forge(&cases[i].forged, &bytes);
        wrong = chain_check(strata_buffer_slice(&bytes), 11);
        if (!cases[i].says)
            assert_null(wrong);
        else
            assert_true(wrong && strstr(wrong, cases[i].says));
    }
    strata_buffer_free(&bytes);
}

/* ---- The list of snapshots ------------------------------------------------------------------- */

static void assert_numbers(const struct snapshots *list, size_t count, const uint64_t *want)
{
    uint64_t numbers[10];

    assert_in_range(list->count, 0, 10);
    assert_int_equal(snapshots_copy(list, numbers), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(numbers[i], want[i]);
    assert_int_equal(snapshots_oldest(list), count ? want[0] : UINT64_MAX);
}

static void snapshots_are_listed_in_order_each_number_once(void **state)
{
    struct snapshots list = {.count = 0};
    struct snapshot s[4];

    (void)state;
    assert_numbers(&list, 0, NULL);
    snapshots_add(&list, &s[0], 5);
    snapshots_add(&list, &s[1], 5);
    snapshots_add(&list, &s[2], 8);
    snapshots_add(&list, &s[3], 9);
    assert_int_equal(list.count, 4);
    assert_numbers(&list, 3, (const uint64_t[]){5, 8, 9});
    snapshots_remove(&list, &s[2]);
    assert_numbers(&list, 2, (const uint64_t[]){5, 9});
    snapshots_remove(&list, &s[0]);
    assert_numbers(&list, 2, (const uint64_t[]){5, 9});
    snapshots_remove(&list, &s[3]);
    assert_numbers(&list, 1, (const uint64_t[]){5});
    snapshots_remove(&list, &s[1]);
    assert_numbers(&list, 0, NULL);
    snapshots_add(&list, &s[0], 2);
    assert_numbers(&list, 1, (const uint64_t[]){2});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_comes_back_at_every_number),
        cmocka_unit_test(chain_of_other_bytes_is_refused_or_whole),
        cmocka_unit_test(chain_that_breaks_a_rule_is_told),
        cmocka_unit_test(snapshots_are_listed_in_order_each_number_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
