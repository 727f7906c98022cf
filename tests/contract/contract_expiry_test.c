/* contract_expiry_test.c: values that expire, for every stage that promises them; the others refuse
 * them. */
#include "test.h"

#include "base/prng.h"
#include "crash/subject.h"
#include "place.h"

#include <stdio.h>
#include <string.h>

#define S(text) strata_string(text)
#define MARK "\xf4\x1c\x86\xdb\x93\x0e\xa7\xff" /* stage 13's: expiry.c */

static _Atomic uint64_t hour; /* what the clock shows */
static _Atomic bool runs;     /* by one with each look at it */
static _Atomic bool falls;    /* back, likewise */

static uint64_t read_clock(void *arg)
{
    (void)arg;
    if (falls)
        return atomic_fetch_sub(&hour, 1);
    return runs ? atomic_fetch_add(&hour, 1) : hour;
}

static struct strata *open_it(struct place *place, bool create)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    if (!subject_promises(STRATA_PROMISE_EXPIRY)) {
        check_skipping("the stage promises no values that expire");
        skip();
    }
    runs = falls = false;
    if (create)
        hour = 99;
    subject_options(&options, place->fs, create);
    options.clock = read_clock;
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    return db;
}

static void put(struct strata *db, const char *key, const char *value, uint64_t until)
{
    struct strata_error err;

    assert_ok(strata_put_until(db, S(key), S(value), until, 0, &err), &err);
}

static void check_value(int rc, struct strata_buffer *value, const char *want,
                        struct strata_error *err)
{
    assert_code(rc, want ? 0 : STRATA_NOT_FOUND, err);
    assert_bytes(strata_buffer_slice(value), S(want ? want : ""));
    strata_buffer_free(value);
}

/* NULL: it is not there. */
static void expect(struct strata *db, const char *key, const char *want)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    int rc = strata_get(db, S(key), &value, &err);

    check_value(rc, &value, want, &err);
}

static void txn_expect(struct strata_txn *txn, const char *key, const char *want)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    int rc = strata_txn_get(txn, S(key), &value, &err);

    check_value(rc, &value, want, &err);
}

/* The iterator shows these keys, each one letter, in both directions. It is freed. */
static void walk(struct strata_iter *iter, const char *keys)
{
    size_t count = strlen(keys), at = 0;
    struct strata_error err;
    int rc;

    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        assert_true(at < count);
        assert_bytes(strata_iter_key(iter), strata_bytes(&keys[at++], 1));
    }
    assert_code(rc, STRATA_NOT_FOUND, &err);
    assert_int_equal(at, count);
    for (rc = strata_iter_last(iter, &err); rc == 0; rc = strata_iter_prev(iter, &err)) {
        assert_true(at > 0);
        assert_bytes(strata_iter_key(iter), strata_bytes(&keys[--at], 1));
    }
    assert_code(rc, STRATA_NOT_FOUND, &err);
    assert_int_equal(at, 0);
    strata_iter_free(iter);
}

static void scan(struct strata *db, const char *keys)
{
    struct strata_iter *iter;
    struct strata_error err;

    assert_ok(strata_iter_new(db, &iter, &err), &err);
    walk(iter, keys);
}

static void expiry_hides_from_its_time_on(void **state)
{
    struct strata *db = open_it(*state, true);
    struct strata_error err;

    put(db, "a", "1", 100);
    put(db, "b", "2", 0);
    put(db, "c", "", 100);
    put(db, "d", "4", 101);
    for (int pass = 0; pass < 3; pass++) {
        hour = 99;
        expect(db, "a", "1");
        expect(db, "c", "");
        scan(db, "abcd");
        hour = 100;
        expect(db, "a", NULL);
        expect(db, "b", "2");
        expect(db, "d", "4");
        scan(db, "bd");
        hour = 99;
        if (pass == 0)
            assert_ok(strata_flush(db, &err), &err);
        if (pass == 1) {
            place_close(db);
            db = open_it(*state, false);
        }
    }
    put(db, "a", "new", 0);
    put(db, "b", "new", 100);
    hour = 100;
    expect(db, "a", "new");
    expect(db, "b", NULL);
    place_close(db);
}

/* 13.I7. */
static void expiry_leaves_every_value_as_it_is(void **state)
{
    static const char *const values[] = {MARK, "1234567" MARK, "12345678" MARK, "a longer one" MARK,
                                         MARK MARK};
    struct strata *db = open_it(*state, true);
    struct strata_batch *batch = strata_batch_new();
    struct strata_txn *txn;
    struct strata_error err;

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_ok(strata_put(db, S("a"), S(values[i]), &err), &err);
        expect(db, "a", values[i]);
        put(db, "a", values[i], 100);
        expect(db, "a", values[i]);
        strata_batch_clear(batch);
        assert_ok(strata_batch_put(batch, S("x"), S("1"), &err), &err);
        assert_ok(strata_batch_put(batch, S("b"), S(values[i]), &err), &err);
        assert_ok(strata_batch_put_until(batch, S("c"), S(values[i]), 100, &err), &err);
        assert_ok(strata_batch_merge(batch, STRATA_OP_APPEND, S("c"), S(MARK), &err), &err);
        assert_ok(strata_write(db, batch, 0, &err), &err);
        expect(db, "b", values[i]);
        assert_ok(strata_begin(db, NULL, &txn, &err), &err);
        assert_ok(strata_txn_put(txn, S("d"), S(values[i]), &err), &err);
        txn_expect(txn, "d", values[i]);
        assert_ok(strata_txn_commit(txn, 0, NULL, &err), &err);
        strata_txn_free(txn);
        expect(db, "d", values[i]);
    }
    expect(db, "c", MARK MARK MARK);
    assert_ok(strata_flush(db, &err), &err);
    scan(db, "abcdx");
    hour = 100;
    scan(db, "bdx");
    strata_batch_free(batch);
    place_close(db);
}

/* 13.I8. */
static void expiry_is_seen_by_open_snapshots_and_iterators(void **state)
{
    struct strata *db = open_it(*state, true);
    struct strata_snapshot *snapshot;
    struct strata_iter *iter, *now;
    struct strata_error err;

    put(db, "a", "1", 100);
    put(db, "b", "2", 0);
    assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
    put(db, "a", "later", 0);
    assert_ok(strata_flush(db, &err), &err);
    assert_ok(strata_snapshot_iter(snapshot, &iter, &err), &err);
    assert_ok(strata_snapshot_iter(snapshot, &now, &err), &err);
    assert_ok(strata_snapshot_get(snapshot, S("a"), NULL, &err), &err);
    walk(iter, "ab");
    hour = 100;
    assert_code(strata_snapshot_get(snapshot, S("a"), NULL, &err), STRATA_NOT_FOUND, &err);
    walk(now, "b");
    expect(db, "a", "later");
    strata_snapshot_free(snapshot);
    place_close(db);
}

static void expiry_in_a_transaction(void **state)
{
    struct strata *db = open_it(*state, true);
    struct strata_buffer value = {0};
    struct strata_txn *txn;
    struct strata_iter *iter;
    struct strata_error err;

    put(db, "a", "1", 100);
    assert_ok(strata_begin(db, NULL, &txn, &err), &err);
    txn_expect(txn, "a", "1");
    assert_ok(strata_txn_get_for_update(txn, S("a"), &value, &err), &err);
    assert_bytes(strata_buffer_slice(&value), S("1"));
    assert_ok(strata_txn_put_until(txn, S("b"), S("2"), 100, &err), &err);
    assert_ok(strata_txn_put_until(txn, S("c"), S("3"), 101, &err), &err);
    txn_expect(txn, "b", "2");
    assert_ok(strata_txn_iter(txn, &iter, &err), &err);
    walk(iter, "abc");
    hour = 100;
    txn_expect(txn, "a", NULL);
    txn_expect(txn, "b", NULL);
    assert_code(strata_txn_get_for_update(txn, S("a"), &value, &err), STRATA_NOT_FOUND, &err);
    assert_ok(strata_txn_iter(txn, &iter, &err), &err);
    walk(iter, "c");
    assert_ok(strata_txn_commit(txn, 0, NULL, &err), &err); /* the time is no write */
    strata_txn_free(txn);
    strata_buffer_free(&value);
    scan(db, "c");
    hour = 99;
    expect(db, "b", "2");
    place_close(db);
}

static void add(struct strata *db, const char *key, const char *operand)
{
    struct strata_error err;

    assert_ok(strata_merge(db, STRATA_OP_ADD, S(key), S(operand), 0, &err), &err);
}

/* 13.I9. */
static void expiry_stays_with_what_a_merge_makes(void **state)
{
    struct strata *db = open_it(*state, true);
    struct strata_batch *batch = strata_batch_new();
    struct strata_txn *txn;
    struct strata_error err;

    put(db, "a", "5", 100);
    put(db, "b", "5", 100);
    assert_ok(strata_batch_put_until(batch, S("c"), S("5"), 100, &err), &err);
    for (int i = 0; i < 2; i++)
        assert_ok(strata_batch_merge(batch, STRATA_OP_ADD, S("c"), S("1"), &err), &err);
    assert_ok(strata_write(db, batch, 0, &err), &err);
    add(db, "a", "2");
    assert_ok(strata_begin(db, NULL, &txn, &err), &err);
    assert_ok(strata_txn_merge(txn, STRATA_OP_ADD, S("b"), S("3"), &err), &err);
    txn_expect(txn, "b", "8");
    assert_ok(strata_txn_commit(txn, 0, NULL, &err), &err);
    strata_txn_free(txn);
    expect(db, "a", "7");
    expect(db, "b", "8");
    expect(db, "c", "7");
    hour = 100;
    scan(db, "");
    add(db, "a", "1"); /* of what has expired nothing is left, nor its time */
    expect(db, "a", "1");
    hour = UINT64_MAX;
    expect(db, "a", "1");
    strata_batch_free(batch);
    place_close(db);
}

/* The entry of each key, each one letter, that the iterator meets has this time. It is freed. */
static void check_times(struct strata_iter *iter, const char *keys, const uint64_t *until)
{
    struct strata_error err;

    assert_int_equal(strata_iter_until(iter), 0); /* not positioned */
    for (size_t i = 0; keys[i]; i++) {
        assert_ok(strata_iter_seek(iter, strata_bytes(&keys[i], 1), &err), &err);
        assert_bytes(strata_iter_key(iter), strata_bytes(&keys[i], 1));
        assert_true(strata_iter_until(iter) == until[i]);
    }
    for (size_t i = strlen(keys); i-- > 0;) {
        assert_true(strata_iter_until(iter) == until[i]);
        assert_code(strata_iter_prev(iter, &err), i ? 0 : STRATA_NOT_FOUND, &err);
    }
    assert_int_equal(strata_iter_until(iter), 0);
    strata_iter_free(iter);
}

static void expect_until(int rc, struct strata_buffer *value, const char *want, uint64_t until,
                         uint64_t want_until, struct strata_error *err)
{
    check_value(rc, value, want, err);
    assert_true(until == want_until);
}

static void expiry_times_can_be_read(void **state)
{
    static const struct {
        const char *key, *value;
        uint64_t until;
    } all[] = {
        {"a", "1", 100}, {"b", "2", 0}, {"c", "", UINT64_MAX}, {"d", MARK, 0}, {"e", MARK, 101}};
    static const uint64_t before[] = {100, 0, UINT64_MAX, 0, 101, 102};
    struct strata *db = open_it(*state, true);
    struct strata_buffer value = {0};
    struct strata_snapshot *snapshot;
    struct strata_txn *txn;
    struct strata_iter *iter;
    struct strata_error err;
    uint64_t until;
    int rc;

    for (size_t i = 0; i < 5; i++)
        put(db, all[i].key, all[i].value, all[i].until);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < 5; i++) {
            until = 77;
            rc = strata_get_until(db, S(all[i].key), &value, &until, &err);
            expect_until(rc, &value, all[i].value, until, all[i].until, &err);
        }
        assert_ok(strata_flush(db, &err), &err);
    }
    until = 77;
    assert_code(strata_get_until(db, S("x"), NULL, &until, &err), STRATA_NOT_FOUND, &err);
    assert_int_equal(until, 0);
    assert_ok(strata_get_until(db, S("a"), NULL, &until, &err), &err);
    assert_int_equal(until, 100);
    assert_code(strata_get_until(db, S("a"), NULL, NULL, &err), STRATA_ERR_INVALID, &err);
    assert_ok(strata_begin(db, NULL, &txn, &err), &err);
    assert_ok(strata_txn_put_until(txn, S("f"), S("6"), 102, &err), &err);
    assert_ok(strata_txn_merge(txn, STRATA_OP_ADD, S("a"), S("1"), &err), &err);
    rc = strata_txn_get_until(txn, S("a"), &value, &until, &err);
    expect_until(rc, &value, "2", until, 100, &err);
    rc = strata_txn_get_until(txn, S("f"), &value, &until, &err);
    expect_until(rc, &value, "6", until, 102, &err);
    assert_ok(strata_txn_iter(txn, &iter, &err), &err);
    check_times(iter, "abcdef", before);
    strata_txn_free(txn);
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    check_times(iter, "abcde", before);
    assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
    assert_ok(strata_snapshot_iter(snapshot, &iter, &err), &err);
    check_times(iter, "abcde", before);
    strata_snapshot_free(snapshot);
    hour = 100;
    until = 77;
    assert_code(strata_get_until(db, S("a"), &value, &until, &err), STRATA_NOT_FOUND, &err);
    assert_int_equal(until, 0);
    strata_buffer_free(&value); /* empty, and yet with its room */
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    check_times(iter, "bcde", &before[1]);
    place_close(db);
}

static void expiry_keeps_room_for_its_time(void **state)
{
    struct strata *db = open_it(*state, true);
    struct strata_error err;
    struct strata_slice large = {(const uint8_t *)"", STRATA_MAX_VALUE - 15}; /* it is not read */

    assert_code(strata_put_until(db, S("a"), large, 100, 0, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "a value that expires of 1073741809 bytes; at most 1073741808");
    assert_code(strata_put_until(db, S("a"), S("1"), 100, 77, &err), STRATA_ERR_INVALID, &err);
    expect(db, "a", NULL);
    place_close(db);
}

static void expiry_is_refused_where_it_is_not_promised(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_batch *batch = strata_batch_new();
    struct strata_iter *iter;
    struct strata_error err;
    uint64_t until = 77;

    if (!subject_promises(STRATA_PROMISE_EXPIRY)) {
        assert_code(strata_put_until(db, S("a"), S("1"), 100, 0, &err), STRATA_ERR_NOT_SUPPORTED,
                    &err);
        assert_ok(strata_batch_put_until(batch, S("a"), S("1"), 100, &err), &err);
        assert_code(strata_write(db, batch, 0, &err), STRATA_ERR_NOT_SUPPORTED, &err);
        assert_code(strata_get(db, S("a"), NULL, &err), STRATA_NOT_FOUND, &err);
        assert_ok(strata_put(db, S("a"), S("1"), &err), &err);
        assert_ok(strata_get_until(db, S("a"), NULL, &until, &err), &err);
        assert_int_equal(until, 0);
        assert_ok(strata_iter_new(db, &iter, &err), &err);
        assert_ok(strata_iter_first(iter, &err), &err);
        assert_int_equal(strata_iter_until(iter), 0);
        strata_iter_free(iter);
    }
    strata_batch_free(batch);
    place_close(db);
}

/* Each look at the clock is later: what a scan meets a get may miss, and a scan backwards. */
static void expiry_between_two_looks_is_no_damage(void **state)
{
    struct strata *db = open_it(*state, true);
    struct strata_error err;
    char key[8];

    for (uint64_t i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "k%03d", (int)(i * 7 % 300));
        put(db, key, "1", 100 + 3 * i);
    }
    put(db, "last", "1", 0);
    runs = true;
    assert_ok(strata_verify_deep(db, NULL, &err), &err);
    assert_true(hour > 400);
    runs = false;
    expect(db, "last", "1");
    place_close(db);
}

/* What had expired at the seek is there again at the step back from it. */
static void expiry_of_a_clock_that_is_put_back(void **state)
{
    struct strata *db = open_it(*state, true);
    struct strata_iter *iter;
    struct strata_error err;
    char key[8];

    put(db, "a", "1", 0);
    put(db, "b", "2", 100);
    for (int more = 0; more < 2; more++) { /* the seek finds none, or the next one */
        if (more)
            put(db, "c", "3", 0);
        hour = 100;
        falls = true;
        assert_ok(strata_iter_new(db, &iter, &err), &err);
        assert_ok(strata_iter_seek_before(iter, S("b"), &err), &err);
        assert_bytes(strata_iter_key(iter), S("a"));
        falls = false;
        strata_iter_free(iter);
    }
    for (uint64_t i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "k%03d", (int)(i * 7 % 300));
        put(db, key, "1", 100 + 3 * i);
    }
    hour = 1000;
    falls = true;
    assert_ok(strata_verify_deep(db, NULL, &err), &err);
    falls = false;
    place_close(db);
}

/* ---- Against a model ------------------------------------------------------------------------- */

#define KEYS 40

struct expected {
    uint64_t until; /* 0: never */
    int number;     /* the value; 0: there is none */
};

static bool is_there(const struct expected *e)
{
    return e->number && (!e->until || hour < e->until);
}

static void compare(struct strata *db, const struct expected *model)
{
    struct strata_iter *iter;
    struct strata_error err;
    char key[8], value[16];
    int rc;

    assert_ok(strata_iter_new(db, &iter, &err), &err);
    rc = strata_iter_first(iter, &err);
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "k%02d", i);
        snprintf(value, sizeof value, "%d", model[i].number);
        expect(db, key, is_there(&model[i]) ? value : NULL);
        if (!is_there(&model[i]))
            continue;
        assert_code(rc, 0, &err);
        assert_bytes(strata_iter_key(iter), S(key));
        rc = strata_iter_next(iter, &err);
    }
    assert_code(rc, STRATA_NOT_FOUND, &err);
    strata_iter_free(iter);
}

static void step(struct strata *db, struct prng *prng, struct expected *e, const char *key, int n)
{
    struct strata_error err;
    char value[16];

    snprintf(value, sizeof value, "%d", n);
    switch (prng_below(prng, 4)) {
    case 0:
        assert_ok(strata_delete(db, S(key), &err), &err);
        *e = (struct expected){0, 0};
        break;
    case 1:
        add(db, key, "7");
        *e = is_there(e) ? (struct expected){e->until, e->number + 7} : (struct expected){0, 7};
        break;
    default:
        e->until = prng_below(prng, 2) ? hour + 1 + prng_below(prng, 60) : 0;
        e->number = n;
        put(db, key, value, e->until);
    }
}

static void expiry_agrees_with_a_model(void **state)
{
    struct strata *db = open_it(*state, true);
    struct expected model[KEYS] = {{0}};
    struct prng prng = {5};
    struct strata_error err;
    char key[8];

    for (int n = 1; n <= 3000; n++) {
        size_t at = prng_below(&prng, KEYS);
        snprintf(key, sizeof key, "k%02zu", at);
        step(db, &prng, &model[at], key, n);
        hour += prng_below(&prng, 3) == 0;
        if (n % 50 == 0)
            compare(db, model);
        if (n % 170 == 0)
            assert_ok(strata_flush(db, &err), &err);
        if (n % 700 == 0)
            assert_ok(strata_compact(db, NULL, &err), &err);
        if (n % 900 == 0) {
            place_close(db);
            db = open_it(*state, false);
        }
    }
    place_close(db);
}

#define contract_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        contract_test(expiry_hides_from_its_time_on),
        contract_test(expiry_leaves_every_value_as_it_is),
        contract_test(expiry_is_seen_by_open_snapshots_and_iterators),
        contract_test(expiry_in_a_transaction),
        contract_test(expiry_stays_with_what_a_merge_makes),
        contract_test(expiry_times_can_be_read),
        contract_test(expiry_keeps_room_for_its_time),
        contract_test(expiry_is_refused_where_it_is_not_promised),
        contract_test(expiry_between_two_looks_is_no_damage),
        contract_test(expiry_of_a_clock_that_is_put_back),
        contract_test(expiry_agrees_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
