/* 04_merge_iter_test.c: the merge of memtables, against a sorted array of what they hold together:
 * every walk, with steps in both directions. */
#include "test.h"

#include "04_memtable_sstable/memtable/memtable.h"
#include "04_memtable_sstable/iter/cursor.h"
#include "rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define KEYS 40
#define SOURCES 6

struct world {
    struct memtable *sources[SOURCES];
    size_t count;
    uint64_t newest[KEYS]; /* sequence number of the key's newest version; 0: none */
    bool deleted[KEYS];
};

static void make_key(size_t n, char key[16])
{
    sprintf(key, "%02zu", n);
}

static void make_world(struct world *w, struct rng *rng)
{
    uint64_t sequence = 1;

    *w = (struct world){.count = (size_t)rng_below(rng, SOURCES + 1)};
    for (size_t i = 0; i < w->count; i++) {
        assert_int_equal(memtable_new(&memtable_skip, NULL, 4096, &w->sources[i], NULL), 0);
        for (size_t ops = (size_t)rng_below(rng, KEYS); ops > 0; ops--, sequence++) {
            size_t n = (size_t)rng_below(rng, KEYS);
            char key[16];
            make_key(n, key);
            w->newest[n] = sequence;
            w->deleted[n] = rng_below(rng, 3) == 0;
            assert_int_equal(memtable_reserve(w->sources[i], 1, 16, NULL), 0);
            memtable_add(w->sources[i], sequence, w->deleted[n] ? STRATA_OP_DELETE : STRATA_OP_PUT,
                         S(key), w->deleted[n] ? S("") : strata_bytes(&sequence, 8));
        }
    }
}

static void free_world(struct world *w)
{
    for (size_t i = 0; i < w->count; i++)
        memtable_unref(w->sources[i]);
}

static struct cursor *merge_of(const struct world *w, bool tombstones)
{
    struct cursor *sources[SOURCES], *merged;

    for (size_t i = 0; i < w->count; i++)
        sources[i] = memtable_cursor(w->sources[i], UINT64_MAX);
    assert_int_equal(merge_iter_new(sources, w->count, tombstones, &merged, NULL), 0);
    return merged;
}

static bool is_shown(const struct world *w, bool tombstones, size_t n)
{
    return n < KEYS && w->newest[n] && (tombstones || !w->deleted[n]);
}

/* From n on, or down from it; KEYS: there is none. */
static size_t look_up(const struct world *w, bool tombstones, size_t n)
{
    while (n < KEYS && !is_shown(w, tombstones, n))
        n++;
    return n;
}

static size_t look_down(const struct world *w, bool tombstones, size_t n)
{
    while (n < KEYS && !is_shown(w, tombstones, n))
        n--;
    return n < KEYS ? n : KEYS;
}

static void assert_stands(struct cursor *cursor, int rc, const struct world *w, size_t n)
{
    struct strata_slice value;
    char key[16];

    assert_int_equal(rc, n < KEYS ? 0 : STRATA_NOT_FOUND);
    if (n == KEYS)
        return;
    make_key(n, key);
    assert_bytes(cursor->iter.key, S(key));
    assert_int_equal(cursor->sequence, w->newest[n]);
    assert_int_equal(cursor->type, w->deleted[n] ? STRATA_OP_DELETE : STRATA_OP_PUT);
    assert_int_equal(cursor_value(cursor, &value, NULL), 0);
    assert_bytes(value, w->deleted[n] ? S("") : strata_bytes(&w->newest[n], 8));
}

static void walk(const struct world *w, bool tombstones, struct rng *rng)
{
    struct cursor *cursor = merge_of(w, tombstones);

    for (int i = 0; i < 30; i++) {
        size_t at = (size_t)rng_below(rng, KEYS + 1), n;
        char key[16];
        int rc;
        make_key(at, key);
        if (at == KEYS) {
            n = look_down(w, tombstones, KEYS - 1);
            rc = cursor_last(cursor, NULL);
        } else {
            n = look_up(w, tombstones, at);
            rc = cursor_seek(cursor, S(key), NULL);
        }
        assert_stands(cursor, rc, w, n);
        for (int step = 0; n < KEYS && step < 25; step++) {
            bool back = rng_below(rng, 2);
            rc = back ? cursor_prev(cursor, NULL) : cursor_next(cursor, NULL);
            n = back ? look_down(w, tombstones, n - 1) : look_up(w, tombstones, n + 1);
            assert_stands(cursor, rc, w, n);
        }
    }
    cursor_free(cursor);
}

static void merge_iter_agrees_with_a_sorted_array(void **state)
{
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "merge_iter");
    for (int round = 0; round < 200; round++) {
        struct world w;
        make_world(&w, &rng);
        walk(&w, false, &rng);
        walk(&w, true, &rng);
        free_world(&w);
    }
}

/* ---- A source that fails ------------------------------------------------------------------ */

static int refuse(struct strata_iter *iter, struct strata_error *err)
{
    (void)iter;
    return strata_fail(err, STRATA_ERR_CORRUPT, "source", 3, "refused");
}

static int give_one(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    (void)key;
    (void)err;
    iter->key = S("05");
    ((struct cursor *)iter)->type = STRATA_OP_PUT;
    return 0;
}

static void keep(struct strata_iter *iter)
{
    (void)iter;
}

static void merge_iter_stops_at_a_source_that_fails(void **state)
{
    static const struct strata_iter_ops ops = {give_one, refuse, refuse, refuse, NULL, keep};
    struct cursor bad = {.iter.ops = &ops, .sequence = 9}, *sources[] = {&bad, NULL}, *merged;
    struct memtable *memtable;
    struct strata_error err;

    (void)state;
    assert_int_equal(memtable_new(&memtable_skip, NULL, 4096, &memtable, NULL), 0);
    assert_int_equal(memtable_reserve(memtable, 1, 16, NULL), 0);
    memtable_add(memtable, 1, STRATA_OP_PUT, S("04"), S(""));
    sources[1] = memtable_cursor(memtable, 1);
    assert_int_equal(merge_iter_new(sources, 2, false, &merged, NULL), 0);
    assert_int_equal(cursor_first(merged, NULL), 0);
    assert_int_equal(cursor_next(merged, NULL), 0);
    assert_bytes(merged->iter.key, S("05"));
    assert_code(cursor_next(merged, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "refused");
    assert_code(cursor_last(merged, &err), STRATA_ERR_CORRUPT, &err);
    cursor_free(merged);
    memtable_unref(memtable);
}

static int give_one_once(struct strata_iter *iter, struct strata_slice key,
                         struct strata_error *err)
{
    return iter->key.size ? refuse(iter, err) : give_one(iter, key, err);
}

/* To turn round every source is sought anew. */
static void merge_iter_does_not_turn_at_a_source_that_fails(void **state)
{
    static const struct strata_iter_ops ops = {give_one_once, refuse, refuse, refuse, NULL, keep};

    (void)state;
    for (int back = 0; back < 2; back++) {
        struct cursor source = {.iter.ops = &ops, .sequence = 9}, *sources[] = {&source}, *merged;
        struct strata_error err;
        assert_int_equal(merge_iter_new(sources, 1, false, &merged, NULL), 0);
        assert_ok(cursor_first(merged, &err), &err);
        assert_bytes(merged->iter.key, S("05"));
        assert_code(back ? cursor_prev(merged, &err) : cursor_next(merged, &err),
                    STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, "refused");
        cursor_free(merged);
    }
}

static void merge_iter_without_a_source_is_no_memory(void **state)
{
    struct memtable *memtable;
    struct cursor *sources[2] = {NULL, NULL}, *merged;
    struct strata_error err;

    (void)state;
    assert_int_equal(memtable_new(&memtable_skip, NULL, 4096, &memtable, NULL), 0);
    sources[1] = memtable_cursor(memtable, 1); /* freed */
    assert_code(merge_iter_new(sources, 2, false, &merged, &err), STRATA_ERR_NO_MEMORY, &err);
    assert_null(merged);
    memtable_unref(memtable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merge_iter_agrees_with_a_sorted_array),
        cmocka_unit_test(merge_iter_stops_at_a_source_that_fails),
        cmocka_unit_test(merge_iter_does_not_turn_at_a_source_that_fails),
        cmocka_unit_test(merge_iter_without_a_source_is_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
