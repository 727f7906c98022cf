/* contract_iter_test.c: iterators: every position, every change of direction, every kind of seek,
 * and a view that no later write changes. */
#include "test.h"

#include "place.h"
#include "crash/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN 6 /* moves of an exhaustive walk */
#define OUTSIDE SIZE_MAX

static struct strata_iter *new_iter(struct strata *db)
{
    struct strata_iter *iter;
    struct strata_error err;
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    assert_false(strata_iter_positioned(iter));
    return iter;
}

/* A move returned `rc`: the iterator must stand on entry `at` of the model, or nowhere. */
static void expect_at(struct strata_iter *iter, int rc, const struct strata_error *err,
                      const struct model *model, size_t at, bool look)
{
    struct strata_slice value;
    struct strata_error why;

    if (at >= model->count) {
        check_code(rc, STRATA_NOT_FOUND, err, "a move out", __FILE__, __LINE__);
        assert_false(strata_iter_positioned(iter));
        assert_int_equal(strata_iter_key(iter).size, 0);
        assert_code(strata_iter_value(iter, &value, &why), STRATA_ERR_INVALID, &why);
        assert_code(strata_iter_next(iter, &why), STRATA_ERR_INVALID, &why);
        assert_code(strata_iter_prev(iter, &why), STRATA_ERR_INVALID, &why);
        return;
    }
    check_code(rc, STRATA_OK, err, "a move", __FILE__, __LINE__);
    assert_true(strata_iter_positioned(iter));
    assert_bytes(strata_iter_key(iter), model->entries[at].key);
    for (int again = 0; look && again < 2; again++) {
        assert_ok(strata_iter_value(iter, &value, &why), &why);
        assert_bytes(value, model->entries[at].value);
    }
}

static void expect_seek(struct strata_iter *iter, const struct model *model,
                        struct strata_slice key)
{
    struct strata_error err = {0};
    size_t at = model_seek(model, key);
    int rc = strata_iter_seek(iter, key, &err);

    expect_at(iter, rc, &err, model, at, true);
    if (rc == 0) {
        rc = strata_iter_prev(iter, &err);
        expect_at(iter, rc, &err, model, at - 1, true);
    }
    rc = strata_iter_seek_before(iter, key, &err);
    expect_at(iter, rc, &err, model, at - 1, true);
    if (rc == 0) {
        rc = strata_iter_next(iter, &err);
        expect_at(iter, rc, &err, model, at, true);
    }
}

/* ---- Databases of one content and different layouts ------------------------------------- */

static const char *const small_keys[] = {"", "a", "a\x01", "ab", "b", "\xff"};

/* Where a stage has several files, these spread the writes over them. */
static void stir(struct strata *db)
{
    struct strata_error err;
    int rc = strata_flush(db, &err);
    assert_true(rc == 0 || rc == STRATA_ERR_NOT_SUPPORTED);
    rc = strata_compact(db, NULL, &err);
    assert_true(rc == 0 || rc == STRATA_ERR_NOT_SUPPORTED);
}

static void put_both(struct strata *db, struct model *model, const char *key, const char *value)
{
    assert_put(db, key, value);
    model_put(model, strata_string(key), strata_string(value));
}

/* The first `count` of the small keys, in one of LAYOUTS ways. */
#define LAYOUTS 4
static struct strata *build(struct place *place, struct model *model, size_t count, int layout)
{
    struct strata *db = place_open(place, true);

    for (size_t i = 0; i < count; i++) {
        size_t at = layout == 1 ? count - 1 - i : i;
        char value[32];
        if (layout >= 2) { /* older values, and deleted keys between */
            char ghost[16];
            assert_put(db, small_keys[at], "old");
            snprintf(ghost, sizeof ghost, "%s!", small_keys[at]);
            assert_put(db, ghost, "ghost");
            assert_delete(db, ghost);
            if (i % 2)
                assert_delete(db, small_keys[at]);
        }
        if (layout == 3 && i % 2 == 0)
            stir(db);
        snprintf(value, sizeof value, "value %zu", at);
        put_both(db, model, small_keys[at], value);
    }
    if (layout == 3) {
        place_close(db);
        db = place_open(place, false);
    }
    return db;
}

static void on_every_layout(struct place *place,
                            void (*check)(struct strata *db, const struct model *model))
{
    struct strata_error err;

    for (size_t count = 0; count <= sizeof small_keys / sizeof *small_keys; count++)
        for (int layout = 0; layout < LAYOUTS; layout++) {
            struct model model = {0};
            struct strata *db = build(place, &model, count, layout);
            check(db, &model);
            for (size_t i = 0; i < model.count; i++)
                assert_ok(strata_delete(db, model.entries[i].key, &err), &err);
            place_close(db);
            model_free(&model);
        }
}

/* ---- Walks ------------------------------------------------------------------------------ */

static void check_both_scans(struct strata *db, const struct model *model)
{
    assert_model(model, db);
}

static void iter_scans_are_the_sorted_keys_on_every_layout(void **state)
{
    on_every_layout(*state, check_both_scans);
}

/* From entry `from`, a pattern of moves: bit i of `pattern` says next or prev. */
static void walk(struct strata_iter *iter, const struct model *model, size_t from, unsigned pattern,
                 unsigned moves, bool look)
{
    struct strata_error err = {0};
    int rc = strata_iter_seek(iter, model->entries[from].key, &err);
    size_t at = from;

    expect_at(iter, rc, &err, model, at, look);
    for (unsigned i = 0; i < moves && at < model->count; i++) {
        bool forwards = pattern >> i & 1;
        rc = forwards ? strata_iter_next(iter, &err) : strata_iter_prev(iter, &err);
        at = forwards ? at + 1 : at - 1; /* before the first: OUTSIDE */
        expect_at(iter, rc, &err, model, at, look);
    }
}

static void check_every_pattern(struct strata *db, const struct model *model)
{
    struct strata_iter *iter = new_iter(db);

    for (size_t from = 0; from < model->count; from++)
        for (unsigned pattern = 0; pattern < 1u << PATTERN; pattern++) {
            walk(iter, model, from, pattern, PATTERN, pattern % 2);
            if (pattern % 16 == 0) { /* a new one has no past that could hide a fault */
                strata_iter_free(iter);
                iter = new_iter(db);
                walk(iter, model, from, pattern, PATTERN, true);
            }
        }
    strata_iter_free(iter);
}

static void iter_direction_changes_at_every_position(void **state)
{
    on_every_layout(*state, check_every_pattern);
}

static void check_ends(struct strata *db, const struct model *model)
{
    struct strata_iter *iter = new_iter(db);
    struct strata_error err = {0};

    for (int again = 0; again < 2; again++) {
        int rc = strata_iter_first(iter, &err);
        expect_at(iter, rc, &err, model, 0, true);
        rc = strata_iter_last(iter, &err);
        expect_at(iter, rc, &err, model, model->count - 1, true);
        if (rc == 0)
            expect_at(iter, strata_iter_next(iter, &err), &err, model, OUTSIDE, true);
        rc = strata_iter_first(iter, &err);
        if (rc == 0)
            expect_at(iter, strata_iter_prev(iter, &err), &err, model, OUTSIDE, true);
    }
    strata_iter_free(iter);
}

static void iter_past_either_end_is_unpositioned_and_can_return(void **state)
{
    on_every_layout(*state, check_ends);
}

static void check_seeks(struct strata *db, const struct model *model)
{
    struct strata_iter *iter = new_iter(db);

    expect_seek(iter, model, strata_bytes(NULL, 0));
    expect_seek(iter, model, strata_string("\xff\xff\xff"));
    expect_seek(iter, model, strata_bytes("\0", 1));
    for (size_t i = 0; i < model->count; i++) {
        uint8_t key[16];
        struct strata_slice at = model->entries[i].key;
        memcpy(key, at.data, at.size);
        key[at.size] = 0;
        expect_seek(iter, model, at);
        expect_seek(iter, model, strata_bytes(key, at.size + 1)); /* the very next key */
        key[at.size] = 0xff;
        expect_seek(iter, model, strata_bytes(key, at.size + 1));
        if (at.size == 0)
            continue;
        expect_seek(iter, model, strata_bytes(key, at.size - 1));
        key[at.size - 1]--;
        key[at.size] = 0xff;
        expect_seek(iter, model, strata_bytes(key, at.size + 1)); /* just before it */
        expect_seek(iter, model, strata_bytes(key, at.size));
    }
    strata_iter_free(iter);
}

static void iter_seek_finds_the_neighbours_of_every_key(void **state)
{
    on_every_layout(*state, check_seeks);
}

static void iter_keys_sort_as_unsigned_bytes_shorter_first(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } sorted[] = {{"", 0},         {"\0", 1},       {"\0\0", 2},        {"\0\x01", 2},
                  {"\x01", 1},     {"\x7f", 1},     {"\x7f\0", 2},      {"\x80", 1},
                  {"\xfe", 1},     {"\xff", 1},     {"\xff\0", 2},      {"\xff\x7f", 2},
                  {"\xff\x80", 2}, {"\xff\xff", 2}, {"\xff\xff\xff", 3}};
    const size_t count = sizeof sorted / sizeof *sorted;
    struct strata *db = place_open(*state, true);
    struct strata_error err = {0};
    struct strata_iter *iter;
    int rc;

    for (size_t i = 0; i < count; i++) { /* put in a scattered order */
        size_t at = i * 7 % count;
        assert_ok(strata_put(db, strata_bytes(sorted[at].bytes, sorted[at].size),
                             strata_bytes(sorted[at].bytes, sorted[at].size), &err),
                  &err);
    }
    iter = new_iter(db);
    rc = strata_iter_first(iter, &err);
    for (size_t i = 0; i < count; i++, rc = strata_iter_next(iter, &err)) {
        assert_int_equal(rc, 0);
        assert_bytes(strata_iter_key(iter), strata_bytes(sorted[i].bytes, sorted[i].size));
    }
    assert_int_equal(rc, STRATA_NOT_FOUND);
    strata_iter_free(iter);
    place_close(db);
}

/* ---- A view of the past ----------------------------------------------------------------- */

static void change_everything(struct strata *db)
{
    for (size_t i = 0; i < sizeof small_keys / sizeof *small_keys; i++) {
        char key[16];
        snprintf(key, sizeof key, "%sz", small_keys[i]);
        assert_put(db, key, "new key");
        if (i % 2)
            assert_delete(db, small_keys[i]);
        else
            assert_put(db, small_keys[i], "new value, longer than the old one");
    }
}

static void iter_sees_the_database_as_it_was_when_made(void **state)
{
    for (int layout = 0; layout < LAYOUTS; layout++) {
        struct model model = {0};
        struct strata *db = build(*state, &model, 6, layout);
        struct strata_iter *iter = new_iter(db);
        struct strata_error err = {0};

        change_everything(db);
        if (layout % 2)
            stir(db);
        for (size_t from = 0; from < model.count; from++)
            for (unsigned pattern = 0; pattern < 1u << PATTERN; pattern++)
                walk(iter, &model, from, pattern, PATTERN, true);
        expect_seek(iter, &model, strata_string("az")); /* new, so not there */
        expect_seek(iter, &model, strata_string("a"));
        strata_iter_free(iter);
        iter = new_iter(db); /* a newer one sees what is new */
        assert_ok(strata_iter_seek(iter, strata_string("az"), &err), &err);
        assert_bytes(strata_iter_key(iter), strata_string("az"));
        strata_iter_free(iter);
        place_close(db);
        model_free(&model);
        db = place_open(*state, false);
        for (int c = 0; c < 2; c++) { /* empty it for the next layout */
            struct model rest = {0};
            assert_ok(model_read(&rest, db, &err), &err);
            for (size_t i = 0; i < rest.count; i++)
                assert_ok(strata_delete(db, rest.entries[i].key, &err), &err);
            assert_true(c == 0 || rest.count == 0);
            model_free(&rest);
        }
        place_close(db);
    }
}

static void iter_continues_while_every_step_is_followed_by_a_write(void **state)
{
    struct model model = {0};
    struct strata *db = build(*state, &model, 6, 2);
    struct strata_iter *iter = new_iter(db);
    struct strata_error err = {0};
    int rc = strata_iter_first(iter, &err);

    for (size_t at = 0; at < 2 * model.count; at++) {
        size_t entry = at < model.count ? at : 2 * model.count - 1 - at;
        char key[32];
        snprintf(key, sizeof key, "new %zu", at);
        assert_delete(db, small_keys[entry]); /* under its feet */
        assert_put(db, key, "value");
        if (at % 3 == 2)
            stir(db);
        expect_at(iter, rc, &err, &model, entry, true);
        if (at + 1 == model.count)
            rc = strata_iter_last(iter, &err);
        else
            rc = at < model.count ? strata_iter_next(iter, &err) : strata_iter_prev(iter, &err);
    }
    expect_at(iter, rc, &err, &model, OUTSIDE, true);
    strata_iter_free(iter);
    place_close(db);
    model_free(&model);
}

static void iter_value_read_late_is_the_one_of_its_time(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_iter *old, *new;
    struct strata_slice value, again;
    struct strata_error err = {0};

    assert_put(db, "k", "first");
    old = new_iter(db);
    assert_ok(strata_iter_first(old, &err), &err);
    assert_put(db, "k", "second");
    new = new_iter(db);
    assert_ok(strata_iter_seek(new, strata_string("k"), &err), &err);
    assert_delete(db, "k");
    stir(db);
    assert_ok(strata_iter_value(new, &value, &err), &err);
    assert_bytes(value, strata_string("second"));
    assert_ok(strata_iter_value(old, &again, &err), &err);
    assert_bytes(again, strata_string("first"));
    assert_bytes(value, strata_string("second")); /* the other iterator's is still there */
    assert_get(db, "k", NULL);
    strata_iter_free(old);
    assert_bytes(value, strata_string("second"));
    strata_iter_free(new);
    place_close(db);
}

static void iter_key_and_value_stay_until_it_moves(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_iter *iter;
    struct strata_slice key, value;
    struct strata_error err = {0};

    for (int i = 0; i < 100; i++) {
        char text[8];
        snprintf(text, sizeof text, "%02d", i);
        assert_put(db, text, text);
    }
    iter = new_iter(db);
    assert_ok(strata_iter_seek(iter, strata_string("50"), &err), &err);
    key = strata_iter_key(iter);
    assert_ok(strata_iter_value(iter, &value, &err), &err);
    for (int i = 0; i < 100; i++) {
        char text[8];
        snprintf(text, sizeof text, "%02d", i);
        assert_delete(db, text);
        assert_get(db, text, NULL);
    }
    stir(db);
    assert_bytes(key, strata_string("50"));
    assert_bytes(value, strata_string("50"));
    strata_iter_free(iter);
    place_close(db);
}

/* A database of several files, if its stage has such, each larger than what is read at once; values
 * look like keys. */
static struct strata *build_pointers(struct place *place, struct model *model)
{
    struct strata *db = place_open(place, true);
    struct strata_error err;

    for (int i = 0; i < 1500; i++) {
        char key[400], value[400];
        snprintf(key, sizeof key, "%04d %.*d", i * 7 % 1500, 10 + i % 300, 0);
        snprintf(value, sizeof value, "%04d %300d", i * 77 % 1500, i);
        put_both(db, model, key, value);
        if (i == 500 || i == 1000)
            assert_true(strata_flush(db, &err) == 0 || err.code == STRATA_ERR_NOT_SUPPORTED);
    }
    return db;
}

/* Part of the key or the value at hand; `of` has the same bytes elsewhere. */
static struct strata_slice lent_part(struct strata_iter *iter, const struct model_entry *of,
                                     int way, struct strata_slice *same)
{
    struct strata_slice own = strata_iter_key(iter);
    struct strata_error err;

    *same = of->key;
    if (way % 2) {
        assert_ok(strata_iter_value(iter, &own, &err), &err);
        *same = of->value;
    }
    if (way / 2 % 2) { /* its end, or its beginning */
        own.data++, own.size--;
        same->data++, same->size--;
    } else if (way / 4 % 2) {
        own.size = same->size = 3;
    }
    return own;
}

/* What the iterator itself lent is as good a key as any. */
static void iter_seeks_by_what_it_lent_itself(void **state)
{
    struct model model = {0};
    struct strata *db = build_pointers(*state, &model);
    struct strata_error err = {0};

    for (int round = 0; round < 2; round++) {
        struct strata_iter *iter = new_iter(db);
        for (size_t i = 0; i < model.count; i += 3)
            for (int way = 0; way < 8; way++) {
                struct strata_slice own, same;
                assert_ok(strata_iter_seek(iter, model.entries[i].key, &err), &err);
                own = lent_part(iter, &model.entries[i], way, &same);
                expect_at(iter, strata_iter_seek(iter, own, &err), &err, &model,
                          model_seek(&model, same), true);
            }
        strata_iter_free(iter);
        stir(db); /* one file */
    }
    place_close(db);
    model_free(&model);
}

static void iter_many_at_once_do_not_disturb_each_other(void **state)
{
    enum { MANY = 40 };
    struct strata *db = place_open(*state, true);
    struct model models[MANY] = {{0}};
    struct strata_iter *iters[MANY];
    struct strata_error err = {0};

    for (size_t i = 0; i < MANY; i++) {
        char key[8];
        snprintf(key, sizeof key, "%02zu", i * 7 % MANY);
        if (i)
            model_copy(&models[i], &models[i - 1]);
        put_both(db, &models[i], key, "value");
        iters[i] = new_iter(db);
    }
    for (size_t step = 0; step < MANY; step++)
        for (size_t i = 0; i < MANY; i++)
            if (step <= i) {
                int rc = step ? strata_iter_prev(iters[i], &err) : strata_iter_last(iters[i], &err);
                expect_at(iters[i], rc, &err, &models[i], i - step, step == i);
            }
    for (size_t i = 0; i < MANY; i++) {
        strata_iter_free(iters[i * 3 % MANY]);
        model_free(&models[i]);
    }
    place_close(db);
}

/* ---- The handle ------------------------------------------------------------------------- */

static void iter_still_open_keeps_the_database_open(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_iter *iter;
    struct strata_error err = {0};

    assert_put(db, "k", "v");
    iter = new_iter(db);
    assert_code(strata_close(db, &err), STRATA_ERR_BUSY, &err);
    assert_err_file(&err, ((struct place *)*state)->dir);
    assert_ok(strata_iter_first(iter, &err), &err); /* both work on */
    assert_put(db, "k2", "v2");
    assert_get(db, "k2", "v2");
    strata_iter_free(iter);
    place_close(db);
}

static void iter_unpositioned_answers_without_moving(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_iter *iter;
    struct strata_slice value;
    struct strata_error err = {0};

    assert_put(db, "k", "v");
    iter = new_iter(db);
    assert_code(strata_iter_next(iter, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "not positioned");
    assert_code(strata_iter_prev(iter, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "not positioned");
    assert_code(strata_iter_value(iter, &value, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "not positioned");
    assert_int_equal(strata_iter_key(iter).size, 0);
    assert_ok(strata_iter_first(iter, &err), &err);
    strata_iter_free(iter);
    place_close(db);
}

#define iter_test(f) cmocka_unit_test_setup_teardown(f, place_setup_sim, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        iter_test(iter_scans_are_the_sorted_keys_on_every_layout),
        iter_test(iter_direction_changes_at_every_position),
        iter_test(iter_past_either_end_is_unpositioned_and_can_return),
        iter_test(iter_seek_finds_the_neighbours_of_every_key),
        iter_test(iter_keys_sort_as_unsigned_bytes_shorter_first),
        iter_test(iter_sees_the_database_as_it_was_when_made),
        iter_test(iter_continues_while_every_step_is_followed_by_a_write),
        iter_test(iter_value_read_late_is_the_one_of_its_time),
        iter_test(iter_key_and_value_stay_until_it_moves),
        iter_test(iter_seeks_by_what_it_lent_itself),
        iter_test(iter_many_at_once_do_not_disturb_each_other),
        iter_test(iter_still_open_keeps_the_database_open),
        iter_test(iter_unpositioned_answers_without_moving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
