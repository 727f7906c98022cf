/* contract_view_test.c: values that are borrowed: the same at every stage, whether it lends them or
 * has a copy made. */
#include "test.h"

#include "child.h"
#include "crash/subject.h"
#include "place.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define LARGE 16384 /* bytes: a block of its own, in a table */
#define KEYS 200

static const size_t sizes[] = {0, 1, 100, 1000, 4096, LARGE};

/* `size` bytes that differ from those of another size or `salt`. */
static struct strata_slice value_of(size_t size, unsigned salt)
{
    static uint8_t bytes[LARGE];
    uint64_t start = size * 31 + salt;

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(start + i * (i / 256 + 5));
    return strata_bytes(bytes, size);
}

static struct strata_slice key_of(unsigned n)
{
    static char text[16];

    sprintf(text, "key %04u", n);
    return S(text);
}

static void put(struct strata *db, unsigned n, size_t size, unsigned salt)
{
    struct strata_error err;

    assert_ok(strata_put(db, key_of(n), value_of(size, salt), &err), &err);
}

static void borrow(struct strata *db, unsigned n, struct strata_view *view)
{
    struct strata_error err;

    assert_ok(strata_get_borrowed(db, key_of(n), view, &err), &err);
}

/* Where the stage can. */
static void settle(struct strata *db, bool compact)
{
    struct strata_error err;
    int rc = strata_flush(db, &err);

    if (rc < 0)
        assert_int_equal(rc, STRATA_ERR_NOT_SUPPORTED);
    if (compact && subject_promises(STRATA_PROMISE_COMPACT))
        assert_ok(strata_compact(db, NULL, &err), &err);
}

static void expect_empty(const struct strata_view *view)
{
    assert_int_equal(view->value.size, 0);
    assert_null(view->db);
}

/* ---- One view -------------------------------------------------------------------------------- */

static void contract_view_shows_what_get_copies(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_view view = {0};
    struct strata_error err;

    for (int round = 0; round < 3; round++) { /* in memory, in a table, in one that was merged */
        for (unsigned i = 0; i < 6; i++)
            put(db, i, sizes[i], (unsigned)round);
        settle(db, round == 2);
        for (unsigned i = 0; i < 6; i++) {
            borrow(db, i, &view);
            assert_bytes(view.value, value_of(sizes[i], (unsigned)round));
        }
    }
    assert_code(strata_get_borrowed(db, S("missing"), &view, &err), STRATA_NOT_FOUND, &err);
    expect_empty(&view);
    assert_ok(strata_delete(db, key_of(5), &err), &err);
    assert_code(strata_get_borrowed(db, key_of(5), &view, &err), STRATA_NOT_FOUND, &err);
    expect_empty(&view);
    assert_int_equal(check_stat(db, "gets"), 3 * 6 + 2);
    assert_int_equal(check_stat(db, "gets_found"), 3 * 6);
    strata_view_free(&view);
    strata_view_free(&view);
    strata_view_free(NULL);
    place_close(db);
}

static void contract_view_is_found_by_a_key_that_lies_in_it(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_view view = {0};
    struct strata_error err;
    struct strata_slice link;
    char text[LARGE];

    memset(text, '.', sizeof text);
    memcpy(text, "b", 1);
    assert_ok(strata_put(db, S("a"), strata_bytes(text, sizeof text), &err), &err);
    assert_ok(strata_put(db, S("b"), S("end"), &err), &err);
    for (int round = 0; round < 2; round++) {
        assert_ok(strata_get_borrowed(db, S("a"), &view, &err), &err);
        link = strata_bytes(view.value.data, 1);
        assert_ok(strata_get_borrowed(db, link, &view, &err), &err);
        assert_bytes(view.value, S("end"));
        settle(db, false);
    }
    strata_view_free(&view);
    place_close(db);
}

static void contract_view_of_refused_arguments_is_as_it_was(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_slice nowhere = {NULL, 1};
    struct strata_view view = {0};
    struct strata_error err;

    put(db, 1, 100, 0);
    borrow(db, 1, &view);
    assert_code(strata_get_borrowed(NULL, key_of(1), &view, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_get_borrowed(db, nowhere, &view, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_get_borrowed(db, key_of(1), NULL, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_snapshot_get_borrowed(NULL, key_of(1), &view, &err), STRATA_ERR_INVALID,
                &err);
    assert_bytes(view.value, value_of(100, 0));
    strata_view_free(&view);
    place_close(db);
}

static void contract_view_must_be_given_back_before_the_close(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_view views[2] = {{{NULL, 0}}, {{NULL, 0}}}, moved;
    struct strata_error err;

    put(db, 1, LARGE, 0);
    settle(db, false);
    borrow(db, 1, &views[0]);
    borrow(db, 1, &views[1]);
    assert_code(strata_close(db, &err), STRATA_ERR_BUSY, &err);
    assert_err_says(&err, "2 iterators, snapshots, views");
    moved = views[0];
    strata_view_free(&moved);
    assert_code(strata_close(db, &err), STRATA_ERR_BUSY, &err);
    assert_bytes(views[1].value, value_of(LARGE, 0)); /* all is as before */
    strata_view_free(&views[1]);
    place_close(db);
}

/* ---- What goes on meanwhile ------------------------------------------------------------------ */

/* Of all sizes, in memory and in tables: what is written over them, and what becomes of the tables
 * that they are in, changes nothing. */
static void contract_view_stays_as_it_is(void **state)
{
    static struct strata_view views[2][6];
    struct strata *db = place_open(*state, true);
    struct strata_error err;

    memset(views, 0, sizeof views);
    for (unsigned i = 0; i < 6; i++)
        put(db, i, sizes[i], 0);
    for (unsigned i = 0; i < 6; i++)
        borrow(db, i, &views[0][i]);
    settle(db, false);
    for (unsigned i = 0; i < 6; i++)
        borrow(db, i, &views[1][i]);
    for (unsigned round = 1; round < 5; round++) {
        for (unsigned n = 0; n < KEYS; n++)
            put(db, n, 500, round);
        settle(db, true);
    }
    for (unsigned n = 0; n < KEYS; n++)
        assert_ok(strata_delete(db, key_of(n), &err), &err);
    settle(db, true);
    for (unsigned i = 0; i < 6; i++)
        for (int when = 0; when < 2; when++) {
            assert_bytes(views[when][i].value, value_of(sizes[i], 0));
            strata_view_free(&views[when][i]);
        }
    assert_ok(strata_verify_deep(db, NULL, &err), &err);
    place_close(db);
    db = place_open(*state, false);
    assert_code(strata_get(db, key_of(1), NULL, &err), STRATA_NOT_FOUND, &err);
    place_close(db);
}

/* More of them than the cache has room for. */
static void contract_views_may_be_many(void **state)
{
    struct place *place = *state;
    struct strata_view *views = calloc(KEYS, sizeof *views);
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    assert_non_null(views);
    subject_options(&options, place->fs, true);
    options.cache_bytes = 64 << 10;
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    for (unsigned n = 0; n < KEYS; n++)
        put(db, n, 3000, n);
    settle(db, false);
    for (unsigned n = 0; n < KEYS; n++)
        borrow(db, n, &views[n]);
    for (unsigned n = 0; n < KEYS; n++)
        assert_bytes(views[n].value, value_of(3000, n));
    assert_ok(strata_verify(db, NULL, &err), &err);
    for (unsigned n = 0; n < KEYS; n++)
        strata_view_free(&views[n]);
    free(views);
    place_close(db);
}

static void contract_view_of_a_snapshot_outlives_it(void **state)
{
    struct strata_view old = {0}, now = {0};
    struct strata_snapshot *snapshot;
    struct strata_error err;
    struct strata *db;

    if (!subject_promises(STRATA_PROMISE_SNAPSHOT)) {
        check_skipping("the stage promises no snapshots");
        skip();
    }
    db = place_open(*state, true);
    for (int round = 0; round < 2; round++) {
        put(db, 1, LARGE, 1);
        assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
        put(db, 1, LARGE, 2);
        put(db, 2, LARGE, 2);
        if (round)
            settle(db, true);
        assert_ok(strata_snapshot_get_borrowed(snapshot, key_of(1), &old, &err), &err);
        borrow(db, 1, &now);
        strata_snapshot_free(snapshot);
        put(db, 1, LARGE, 3);
        settle(db, true);
        assert_bytes(old.value, value_of(LARGE, 1));
        assert_bytes(now.value, value_of(LARGE, 2));
    }
    strata_view_free(&old);
    strata_view_free(&now);
    place_close(db);
}

static void contract_view_of_a_value_that_expires_ends_before_its_time(void **state)
{
    struct strata_view view = {0};
    struct strata_error err;
    struct strata *db;

    if (!subject_promises(STRATA_PROMISE_EXPIRY)) {
        check_skipping("the stage promises no values that expire");
        skip();
    }
    db = place_open(*state, true);
    for (int round = 0; round < 2; round++) {
        assert_ok(strata_put_until(db, S("over"), value_of(LARGE, 1), 1, 0, &err), &err);
        assert_ok(strata_put_until(db, S("stays"), value_of(LARGE, 1), INT64_MAX, 0, &err), &err);
        if (round)
            settle(db, false);
        assert_ok(strata_get_borrowed(db, S("stays"), &view, &err), &err);
        assert_bytes(view.value, value_of(LARGE, 1));
        assert_code(strata_get_borrowed(db, S("over"), &view, &err), STRATA_NOT_FOUND, &err);
        expect_empty(&view);
    }
    strata_view_free(&view);
    place_close(db);
}

/* ---- Threads and processes ------------------------------------------------------------------- */

struct reader {
    struct strata *db;
    struct strata_view given; /* by the test, to be freed */
    bool wrong;
};

static void *read_on(void *arg)
{
    struct reader *reader = arg;
    struct strata_view view = {0};

    strata_view_free(&reader->given);
    for (unsigned i = 0; i < 2000; i++) { /* all bytes of a value are the same */
        struct strata_slice *value = &view.value;
        if (strata_get_borrowed(reader->db, S("all"), &view, NULL) != 0 || value->size != 5000 ||
            memcmp(value->data, value->data + 1, 4999) != 0)
            reader->wrong = true;
    }
    strata_view_free(&view);
    return NULL;
}

static void contract_views_are_read_while_others_write(void **state)
{
    static uint8_t bytes[5000];
    struct reader readers[2];
    pthread_t threads[2];
    struct strata_error err;
    struct strata *db;

    if (!subject_promises(STRATA_PROMISE_THREADS)) {
        check_skipping("the stage promises no threads");
        skip();
    }
    db = place_open(*state, true);
    memset(bytes, 1, sizeof bytes);
    assert_ok(strata_put(db, S("all"), strata_bytes(bytes, sizeof bytes), &err), &err);
    settle(db, false);
    for (int i = 0; i < 2; i++) {
        readers[i] = (struct reader){.db = db};
        assert_ok(strata_get_borrowed(db, S("all"), &readers[i].given, &err), &err);
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
    }
    for (int i = 0; i < 40; i++) {
        memset(bytes, i, sizeof bytes);
        assert_ok(strata_put_with(
                      db, S("all"), strata_bytes(bytes, sizeof bytes),
                      subject_promises(STRATA_PROMISE_POWER_CUT) ? STRATA_WRITE_NO_SYNC : 0, &err),
                  &err);
        if (i % 4 == 0)
            settle(db, i % 8 == 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_false(readers[i].wrong);
    }
    place_close(db);
}

static int use_inherited(struct child *self, void *arg)
{
    struct strata_view *view = arg;
    struct strata *db = view->db;

    (void)self;
    if (strata_get_borrowed(db, S("k"), view, NULL) != STRATA_ERR_INVALID)
        return 1;
    strata_view_free(view);
    return view->db == db ? 0 : 2; /* nothing was done */
}

static void contract_view_is_of_no_use_to_a_forked_child(void **state)
{
    static struct strata_view view; /* in the child it is no leak */
    struct strata *db = place_open(*state, true);

    put(db, 1, LARGE, 0);
    settle(db, false);
    borrow(db, 1, &view);
    assert_int_equal(child_run(use_inherited, &view), 0);
    assert_bytes(view.value, value_of(LARGE, 0));
    strata_view_free(&view);
    place_close(db);
}

#define contract_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        contract_test(contract_view_shows_what_get_copies),
        contract_test(contract_view_is_found_by_a_key_that_lies_in_it),
        contract_test(contract_view_of_refused_arguments_is_as_it_was),
        contract_test(contract_view_must_be_given_back_before_the_close),
        contract_test(contract_view_stays_as_it_is),
        contract_test(contract_views_may_be_many),
        contract_test(contract_view_of_a_snapshot_outlives_it),
        contract_test(contract_view_of_a_value_that_expires_ends_before_its_time),
        contract_test(contract_views_are_read_while_others_write),
        contract_test(contract_view_is_of_no_use_to_a_forked_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
