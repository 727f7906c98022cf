/* contract_snapshot_test.c: snapshots, for every stage that promises them: what is written,
 * deleted, flushed and compacted after one was taken changes nothing that it shows. */
#include "test.h"

#include "crash/subject.h"
#include "place.h"

#include <stdio.h>
#include <string.h>

#define S(text) strata_string(text)
#define KEYS 60

static void skip_unless_promised(void)
{
    if (!subject_promises(STRATA_PROMISE_SNAPSHOT)) {
        check_skipping("the stage promises no snapshots");
        skip();
    }
}

static struct strata_snapshot *take(struct strata *db)
{
    struct strata_snapshot *snapshot;
    struct strata_error err;

    assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
    return snapshot;
}

static void expect_get(struct strata_snapshot *snapshot, const char *key, const char *want)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    int rc = strata_snapshot_get(snapshot, S(key), &value, &err);

    assert_int_equal(rc, want ? 0 : STRATA_NOT_FOUND);
    if (want)
        assert_bytes(strata_buffer_slice(&value), S(want));
    strata_buffer_free(&value);
}

/* All keys have this value; NULL: there are none. */
static void expect_all(struct strata_iter *iter, const char *want)
{
    struct strata_error err;
    int count = 0, rc;

    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        struct strata_slice value;
        assert_ok(strata_iter_value(iter, &value, &err), &err);
        assert_bytes(value, S(want ? want : "nothing"));
        count++;
    }
    assert_int_equal(rc, STRATA_NOT_FOUND);
    assert_int_equal(count, want ? KEYS : 0);
    for (rc = strata_iter_last(iter, &err); rc == 0; rc = strata_iter_prev(iter, &err))
        count--;
    assert_int_equal(count, 0);
}

static void expect_state(struct strata_snapshot *snapshot, const char *want)
{
    struct strata_iter *iter;
    struct strata_error err;

    expect_get(snapshot, "key 00", want);
    expect_get(snapshot, "key 59", want);
    assert_ok(strata_snapshot_iter(snapshot, &iter, &err), &err);
    expect_all(iter, want);
    strata_iter_free(iter);
}

static void put_all(struct strata *db, const char *value)
{
    char key[16];

    for (int n = 0; n < KEYS; n++) {
        sprintf(key, "key %02d", n);
        assert_put(db, key, value);
    }
}

static void delete_all(struct strata *db)
{
    char key[16];

    for (int n = 0; n < KEYS; n++) {
        sprintf(key, "key %02d", n);
        assert_delete(db, key);
    }
}

static void flush(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_flush(db, &err), &err);
}

static void compact(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_compact(db, NULL, &err), &err);
}

static void contract_snapshot_of_an_empty_database_stays_empty(void **state)
{
    struct strata_snapshot *snapshot;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    snapshot = take(db);
    put_all(db, "later");
    expect_state(snapshot, NULL);
    flush(db);
    expect_state(snapshot, NULL);
    compact(db);
    expect_state(snapshot, NULL);
    strata_snapshot_free(snapshot);
    place_close(db);
}

/* Each is as it was, in whatever order the others go. */
static void contract_snapshots_stay_as_they_were(void **state)
{
    struct strata_snapshot *list[4];
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    put_all(db, "first");
    list[0] = take(db);
    put_all(db, "second");
    flush(db);
    list[1] = take(db);
    delete_all(db);
    list[2] = take(db);
    flush(db);
    put_all(db, "third");
    list[3] = take(db);
    put_all(db, "fourth");
    for (int round = 0; round < 2; round++) {
        expect_state(list[0], "first");
        expect_state(list[1], "second");
        expect_state(list[2], NULL);
        expect_state(list[3], "third");
        compact(db);
    }
    strata_snapshot_free(list[2]);
    compact(db);
    expect_state(list[0], "first");
    expect_state(list[1], "second");
    expect_state(list[3], "third");
    strata_snapshot_free(list[0]);
    compact(db);
    expect_state(list[1], "second");
    strata_snapshot_free(list[3]);
    compact(db);
    expect_state(list[1], "second");
    strata_snapshot_free(list[1]);
    compact(db);
    assert_get(db, "key 00", "fourth");
    place_close(db);
}

/* An iterator needs its snapshot only to be made. */
static void contract_snapshot_iter_outlives_its_snapshot(void **state)
{
    struct strata_snapshot *snapshot;
    struct strata_iter *iter;
    struct strata_error err;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    put_all(db, "old");
    snapshot = take(db);
    put_all(db, "new");
    flush(db);
    assert_ok(strata_snapshot_iter(snapshot, &iter, &err), &err);
    strata_snapshot_free(snapshot);
    compact(db);
    expect_all(iter, "old");
    assert_code(strata_close(db, &err), STRATA_ERR_BUSY, &err);
    strata_iter_free(iter);
    place_close(db);
}

/* A deleted key does not come back, neither for the snapshot nor after it. */
static void contract_snapshot_does_not_bring_deleted_keys_back(void **state)
{
    struct strata_snapshot *before, *after;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    put_all(db, "below");
    compact(db);
    before = take(db);
    delete_all(db);
    after = take(db);
    flush(db);
    put_all(db, "again");
    flush(db);
    delete_all(db);
    compact(db);
    expect_state(before, "below");
    expect_state(after, NULL);
    strata_snapshot_free(before);
    compact(db);
    expect_state(after, NULL);
    strata_snapshot_free(after);
    compact(db);
    assert_get(db, "key 00", NULL);
    place_close(db);
}

/* What an earlier handle's snapshots kept is not seen. */
static void contract_snapshots_end_with_their_handle(void **state)
{
    struct strata_snapshot *snapshot;
    struct strata_error err;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    put_all(db, "old");
    snapshot = take(db);
    delete_all(db);
    flush(db);
    strata_snapshot_free(snapshot);
    place_close(db);
    db = place_open(*state, false);
    assert_ok(strata_verify_deep(db, NULL, &err), &err);
    assert_get(db, "key 00", NULL);
    snapshot = take(db);
    expect_state(snapshot, NULL);
    strata_snapshot_free(snapshot);
    place_close(db);
}

static uint64_t number_now(struct strata *db)
{
    struct strata_snapshot *snapshot = take(db);
    uint64_t number = strata_snapshot_number(snapshot);

    strata_snapshot_free(snapshot);
    return number;
}

/* It counts operations, and goes on when the database is opened again. */
static void contract_snapshot_number_is_of_its_last_operation(void **state)
{
    struct strata_snapshot *old;
    struct strata *db;
    uint64_t first;

    skip_unless_promised();
    db = place_open(*state, true);
    old = take(db);
    first = strata_snapshot_number(old);
    assert_put(db, "one", "1");
    assert_int_equal(number_now(db), first + 1);
    assert_int_equal(number_now(db), first + 1);
    put_all(db, "some");
    delete_all(db);
    flush(db);
    compact(db);
    assert_int_equal(number_now(db), first + 1 + 2 * KEYS);
    assert_int_equal(strata_snapshot_number(old), first);
    assert_int_equal(strata_snapshot_number(NULL), 0);
    strata_snapshot_free(old);
    place_close(db);
    db = place_open(*state, false);
    assert_true(number_now(db) >= first + 1 + 2 * KEYS);
    place_close(db);
}

#define contract_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        contract_test(contract_snapshot_of_an_empty_database_stays_empty),
        contract_test(contract_snapshots_stay_as_they_were),
        contract_test(contract_snapshot_iter_outlives_its_snapshot),
        contract_test(contract_snapshot_does_not_bring_deleted_keys_back),
        contract_test(contract_snapshots_end_with_their_handle),
        contract_test(contract_snapshot_number_is_of_its_last_operation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
