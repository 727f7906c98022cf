/* contract_range_test.c: range deletes, for every stage that promises them; the others refuse
 * them. */
#include "test.h"

#include "base/prng.h"
#include "crash/model.h"
#include "crash/subject.h"
#include "place.h"

#include <stdio.h>
#include <string.h>

#define S(text) strata_string(text)
#define END strata_bytes(NULL, 0)

static void skip_unless_promised(void)
{
    if (!subject_promises(STRATA_PROMISE_RANGE)) {
        check_skipping("the stage promises no range deletes");
        skip();
    }
}

static void put(struct strata *db, const char *key, const char *value)
{
    struct strata_error err;

    assert_ok(strata_put(db, S(key), S(value), &err), &err);
}

/* A key for each letter. */
static void put_letters(struct strata *db, const char *letters)
{
    struct strata_error err;

    for (; *letters; letters++)
        assert_ok(strata_put(db, strata_bytes(letters, 1), strata_bytes(letters, 1), &err), &err);
}

static void delete_range(struct strata *db, const char *from, const char *to)
{
    struct strata_error err;

    assert_ok(strata_delete_range(db, S(from), S(to), 0, &err), &err);
}

/* The first letters of all keys, by an iterator forwards; and backwards the same. */
static void expect_iter(struct strata_iter *iter, const char *want)
{
    struct strata_error err;
    char found[64];
    size_t count = 0;
    int rc;

    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        assert_true(count < sizeof found - 1);
        found[count++] = (char)strata_iter_key(iter).data[0];
    }
    assert_code(rc, STRATA_NOT_FOUND, &err);
    found[count] = 0;
    assert_string_equal(found, want);
    for (rc = strata_iter_last(iter, &err); rc == 0; rc = strata_iter_prev(iter, &err))
        assert_int_equal(strata_iter_key(iter).data[0], want[--count]);
    assert_int_equal(count, 0);
    strata_iter_free(iter);
}

static void expect_scan(struct strata *db, const char *want)
{
    struct strata_iter *iter;
    struct strata_error err;

    assert_ok(strata_iter_new(db, &iter, &err), &err);
    expect_iter(iter, want);
}

/* The same of keys of one letter, which are got, too. */
static void expect(struct strata *db, const char *want)
{
    struct strata_error err;

    expect_scan(db, want);
    for (char letter = 'a'; letter <= 'z'; letter++)
        assert_code(strata_get(db, strata_bytes(&letter, 1), NULL, &err),
                    strchr(want, letter) ? 0 : STRATA_NOT_FOUND, &err);
}

static void holds(struct strata *db, const char *key, const char *want)
{
    struct strata_buffer value = {0};
    struct strata_error err;

    assert_ok(strata_get(db, S(key), &value, &err), &err);
    assert_bytes(strata_buffer_slice(&value), S(want));
    strata_buffer_free(&value);
}

static struct strata_txn *begin(struct strata *db, enum strata_isolation isolation)
{
    struct strata_txn_options options;
    struct strata_error err;
    struct strata_txn *txn;

    strata_txn_options_init(&options);
    options.isolation = isolation;
    assert_ok(strata_begin(db, &options, &txn, &err), &err);
    return txn;
}

static void commit(struct strata_txn *txn, int code)
{
    struct strata_error err;

    assert_code(strata_txn_commit(txn, 0, NULL, &err), code, &err);
    strata_txn_free(txn);
}

/* ---- One at a time --------------------------------------------------------------------------- */

static void contract_range_is_refused_where_it_is_not_promised(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;

    put(db, "a", "1");
    assert_code(strata_batch_delete_range(batch, S("b"), S("a"), &err), STRATA_ERR_INVALID, &err);
    assert_int_equal(strata_batch_count(batch), 0);
    if (!subject_promises(STRATA_PROMISE_RANGE)) {
        assert_code(strata_delete_range(db, S("a"), S("z"), 0, &err), STRATA_ERR_NOT_SUPPORTED,
                    &err);
        assert_ok(strata_batch_delete_range(batch, S("a"), S("z"), &err), &err);
        assert_code(strata_write(db, batch, 0, &err), STRATA_ERR_NOT_SUPPORTED, &err);
        if (subject_promises(STRATA_PROMISE_TRANSACTION)) {
            struct strata_txn *txn = begin(db, STRATA_SERIALIZABLE);
            assert_code(strata_txn_delete_range(txn, S("a"), S("z"), &err),
                        STRATA_ERR_NOT_SUPPORTED, &err);
            strata_txn_free(txn);
        }
    }
    holds(db, "a", "1");
    strata_batch_free(batch);
    place_close(db);
}

static void contract_range_has_its_first_key_and_not_its_end(void **state)
{
    struct strata *db;
    struct strata_error err;

    skip_unless_promised();
    db = place_open(*state, true);
    put_letters(db, "abcdefgh");
    delete_range(db, "b", "d");
    expect(db, "adefgh");
    delete_range(db, "d", "d");
    delete_range(db, "b", "d");
    delete_range(db, "x", "z");
    expect(db, "adefgh");
    assert_code(strata_delete_range(db, S("e"), S("d"), 0, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_delete_range(db, S("a"), S("z"), 77, &err), STRATA_ERR_INVALID, &err);
    expect(db, "adefgh");
    assert_ok(strata_delete_range(db, S("g"), END, STRATA_WRITE_SYNC, &err), &err);
    expect(db, "adef");
    delete_range(db, "ca", "e");
    expect(db, "aef");
    assert_ok(strata_delete_range(db, END, END, STRATA_WRITE_NO_SYNC, &err), &err);
    expect(db, "");
    put_letters(db, "c");
    expect(db, "c");
    place_close(db);
}

/* In tables and memtables, before and after a reopen. */
static void contract_range_stays_deleted(void **state)
{
    struct strata *db;
    struct strata_error err;

    skip_unless_promised();
    db = place_open(*state, true);
    put_letters(db, "abcdef");
    assert_ok(strata_flush(db, &err), &err);
    put_letters(db, "bxyz");
    delete_range(db, "b", "y");
    expect(db, "ayz");
    place_close(db);
    db = place_open(*state, false);
    expect(db, "ayz");
    assert_ok(strata_flush(db, &err), &err);
    put_letters(db, "c");
    expect(db, "acyz");
    assert_ok(strata_compact(db, NULL, &err), &err);
    expect(db, "acyz");
    place_close(db);
    db = place_open(*state, false);
    expect(db, "acyz");
    place_close(db);
}

static void contract_range_leaves_snapshots_as_they_were(void **state)
{
    struct strata *db;
    struct strata_snapshot *before, *after;
    struct strata_iter *iter, *open;
    struct strata_error err;

    skip_unless_promised();
    db = place_open(*state, true);
    put_letters(db, "abcd");
    assert_ok(strata_flush(db, &err), &err);
    put_letters(db, "ef");
    assert_ok(strata_snapshot_new(db, &before, &err), &err);
    assert_ok(strata_iter_new(db, &open, &err), &err);
    delete_range(db, "b", "f");
    assert_ok(strata_snapshot_new(db, &after, &err), &err);
    put_letters(db, "c");
    for (int round = 0; round < 3; round++) {
        assert_ok(strata_snapshot_iter(before, &iter, &err), &err);
        expect_iter(iter, "abcdef");
        assert_ok(strata_snapshot_get(before, S("c"), NULL, &err), &err);
        assert_ok(strata_snapshot_iter(after, &iter, &err), &err);
        expect_iter(iter, "af");
        assert_code(strata_snapshot_get(after, S("c"), NULL, &err), STRATA_NOT_FOUND, &err);
        expect(db, "acf");
        assert_ok(round ? strata_compact(db, NULL, &err) : strata_flush(db, &err), &err);
    }
    expect_iter(open, "abcdef");
    strata_snapshot_free(before);
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_ok(strata_snapshot_iter(after, &iter, &err), &err);
    expect_iter(iter, "af");
    strata_snapshot_free(after);
    expect(db, "acf");
    place_close(db);
}

#define MANY 10000 /* more than two steps of keys */

static void put_many(struct strata *db)
{
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;
    char key[20];

    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "m%06d", i);
        assert_ok(strata_batch_put(batch, S(key), S("v"), &err), &err);
    }
    assert_ok(strata_write(db, batch, 0, &err), &err);
    strata_batch_free(batch);
}

static void contract_range_of_many_keys_is_deleted_to_its_end(void **state)
{
    struct strata *db;
    struct strata_error err;

    skip_unless_promised();
    db = place_open(*state, true);
    put_letters(db, "lz");
    put_many(db);
    delete_range(db, "m000001", "m009999");
    assert_code(strata_get(db, S("m004096"), NULL, &err), STRATA_NOT_FOUND, &err);
    expect_scan(db, "lmmz");
    delete_range(db, "m", "n");
    expect_scan(db, "lz");
    place_close(db);
}

/* Keys so long that a step has a MiB of them before it has many. */
static void contract_range_of_long_keys_is_deleted_to_its_end(void **state)
{
    static char key[STRATA_MAX_KEY];
    struct strata *db;
    struct strata_error err;

    skip_unless_promised();
    db = place_open(*state, true);
    memset(key, 'k', sizeof key);
    for (char i = 'a'; i < 'a' + 20; i++) {
        key[sizeof key - 1] = i;
        assert_ok(strata_put(db, strata_bytes(key, sizeof key), S("v"), &err), &err);
    }
    key[sizeof key - 1] = 'a' + 19;
    assert_ok(strata_delete_range(db, S("k"), strata_bytes(key, sizeof key), 0, &err), &err);
    expect_scan(db, "k");
    place_close(db);
}

/* ---- Batches --------------------------------------------------------------------------------- */

static void contract_range_in_a_batch_deletes_what_is_before_it(void **state)
{
    struct strata *db;
    struct strata_batch *batch;
    struct strata_error err;

    skip_unless_promised();
    batch = strata_batch_new();
    db = place_open(*state, true);
    put_letters(db, "abcdn");
    assert_ok(strata_batch_put(batch, S("bb"), S("1"), &err), &err);
    assert_ok(strata_batch_put(batch, S("x"), S("1"), &err), &err);
    assert_ok(strata_batch_merge(batch, STRATA_OP_APPEND, S("n"), S("2"), &err), &err);
    assert_ok(strata_batch_delete_range(batch, S("b"), S("d"), &err), &err);
    assert_ok(strata_batch_put(batch, S("c"), S("after"), &err), &err);
    assert_ok(strata_batch_merge(batch, STRATA_OP_APPEND, S("b"), S("2"), &err), &err);
    assert_ok(strata_batch_delete_range(batch, S("n"), S("o"), &err), &err);
    assert_ok(strata_batch_merge(batch, STRATA_OP_APPEND, S("n"), S("3"), &err), &err);
    assert_ok(strata_write(db, batch, 0, &err), &err);
    expect(db, "abcdnx");
    holds(db, "b", "2");
    holds(db, "c", "after");
    holds(db, "n", "3");
    assert_ok(strata_write(db, batch, 0, &err), &err);
    expect(db, "abcdnx");
    holds(db, "b", "2");
    strata_batch_free(batch);
    place_close(db);
}

static void contract_range_beyond_the_limits_changes_nothing(void **state)
{
    struct strata *db;
    struct strata_batch *batch;
    struct strata_error err;
    char key[20];

    skip_unless_promised();
    batch = strata_batch_new();
    db = place_open(*state, true);
    put_letters(db, "ab");
    for (int i = 0; i < 65; i++)
        assert_ok(strata_batch_delete_range(batch, S("a"), S("b"), &err), &err);
    assert_code(strata_write(db, batch, 0, &err), STRATA_ERR_INVALID, &err);
    expect(db, "ab");
    strata_batch_clear(batch);
    for (int i = 0; i < 65537; i++) {
        snprintf(key, sizeof key, "m%06d", i);
        assert_ok(strata_batch_put(batch, S(key), S("v"), &err), &err);
    }
    assert_ok(strata_write(db, batch, 0, &err), &err);
    strata_batch_clear(batch);
    assert_ok(strata_batch_put(batch, S("c"), S("1"), &err), &err);
    assert_ok(strata_batch_delete_range(batch, S("b"), END, &err), &err);
    assert_code(strata_write(db, batch, 0, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "65536 keys");
    assert_ok(strata_get(db, S("m065536"), NULL, &err), &err);
    assert_code(strata_get(db, S("c"), NULL, &err), STRATA_NOT_FOUND, &err);
    delete_range(db, "m000000", "m000003");
    assert_ok(strata_write(db, batch, 0, &err), &err); /* 65536, with b and c */
    expect(db, "a");
    strata_batch_free(batch);
    place_close(db);
}

/* ---- Transactions ---------------------------------------------------------------------------- */

static void contract_range_conflicts_with_who_has_read_a_key_of_it(void **state)
{
    struct strata *db;
    struct strata_txn *in, *out, *absent, *range;
    struct strata_iter *iter;
    struct strata_error err;

    skip_unless_promised();
    db = place_open(*state, true);
    put_letters(db, "abc");
    in = begin(db, STRATA_SERIALIZABLE);
    out = begin(db, STRATA_SERIALIZABLE);
    absent = begin(db, STRATA_SERIALIZABLE);
    range = begin(db, STRATA_SERIALIZABLE);
    assert_ok(strata_txn_get(in, S("b"), NULL, &err), &err);
    assert_ok(strata_txn_get(out, S("c"), NULL, &err), &err);
    assert_code(strata_txn_get(absent, S("bb"), NULL, &err), STRATA_NOT_FOUND, &err);
    assert_ok(strata_txn_iter(range, &iter, &err), &err);
    assert_ok(strata_iter_seek(iter, S("aa"), &err), &err);
    strata_iter_free(iter);
    delete_range(db, "b", "c");
    assert_ok(strata_txn_put(in, S("x"), S("1"), &err), &err);
    assert_ok(strata_txn_put(out, S("y"), S("1"), &err), &err);
    assert_ok(strata_txn_put(absent, S("z"), S("1"), &err), &err);
    assert_ok(strata_txn_put(range, S("w"), S("1"), &err), &err);
    commit(in, STRATA_CONFLICT);
    commit(out, 0);
    commit(absent, 0);
    commit(range, STRATA_CONFLICT);
    expect(db, "acyz");
    place_close(db);
}

static void contract_range_in_a_transaction_is_of_what_it_sees(void **state)
{
    struct strata *db;
    struct strata_txn *txn, *other;
    struct strata_iter *iter;
    struct strata_error err;
    uint64_t mark;

    skip_unless_promised();
    db = place_open(*state, true);
    put_letters(db, "abcdn");
    txn = begin(db, STRATA_SERIALIZABLE);
    assert_ok(strata_txn_put(txn, S("bb"), S("1"), &err), &err);
    assert_ok(strata_txn_merge(txn, STRATA_OP_APPEND, S("c"), S("1"), &err), &err);
    assert_ok(strata_txn_merge(txn, STRATA_OP_APPEND, S("n"), S("1"), &err), &err);
    assert_ok(strata_txn_savepoint(txn, &mark, &err), &err);
    assert_ok(strata_txn_delete_range(txn, S("a"), END, &err), &err);
    assert_ok(strata_txn_rollback_to(txn, mark, &err), &err);
    assert_code(strata_txn_delete_range(txn, S("d"), S("a"), &err), STRATA_ERR_INVALID, &err);
    assert_ok(strata_txn_delete_range(txn, S("b"), S("d"), &err), &err);
    assert_code(strata_txn_get(txn, S("b"), NULL, &err), STRATA_NOT_FOUND, &err);
    assert_ok(strata_txn_put(txn, S("b"), S("again"), &err), &err);
    assert_ok(strata_txn_iter(txn, &iter, &err), &err);
    expect_iter(iter, "abdn");
    expect(db, "abcdn");
    commit(txn, 0);
    expect(db, "abdn");
    holds(db, "b", "again");
    holds(db, "n", "n1");

    /* Who puts a key into the range of a serializable one disturbs it. */
    txn = begin(db, STRATA_SERIALIZABLE);
    other = begin(db, STRATA_SNAPSHOT_ISOLATION);
    assert_ok(strata_txn_delete_range(txn, S("b"), S("d"), &err), &err);
    assert_ok(strata_txn_delete_range(other, S("a"), S("b"), &err), &err);
    put_letters(db, "c");
    commit(txn, STRATA_CONFLICT);
    commit(other, 0);
    expect(db, "bcdn");
    place_close(db);
}

/* ---- Against a map --------------------------------------------------------------------------- */

#define KEYS 40
#define STEPS 400

static void model_delete_range(struct model *model, struct strata_slice from,
                               struct strata_slice to)
{
    size_t at = model_seek(model, from);

    while (at < model->count && (!to.size || strata_compare(model->entries[at].key, to) < 0)) {
        char key[20];
        size_t size = model->entries[at].key.size;
        memcpy(key, model->entries[at].key.data, size);
        model_delete(model, strata_bytes(key, size));
    }
}

/* A batch, a transaction, or one after the other; each operation to the model as well. */
static void step(struct strata *db, struct model *model, struct prng *prng)
{
    struct strata_batch *batch = strata_batch_new();
    uint64_t how = prng_below(prng, 3);
    struct strata_txn *txn = how == 0 ? begin(db, STRATA_SERIALIZABLE) : NULL;
    size_t count = 1 + prng_below(prng, 8);
    struct strata_error err;

    for (size_t i = 0; i < count; i++) {
        char from[20], to[20];
        int a = (int)prng_below(prng, KEYS), b = a + (int)prng_below(prng, 9);
        struct strata_slice end;
        snprintf(from, sizeof from, "k%02d", a);
        snprintf(to, sizeof to, "k%02d", b);
        end = b < KEYS ? S(to) : END;
        if (prng_below(prng, 4)) {
            assert_ok(txn        ? strata_txn_put(txn, S(from), S(to), &err)
                      : how == 1 ? strata_batch_put(batch, S(from), S(to), &err)
                                 : strata_put(db, S(from), S(to), &err),
                      &err);
            model_put(model, S(from), S(to));
        } else {
            assert_ok(txn        ? strata_txn_delete_range(txn, S(from), end, &err)
                      : how == 1 ? strata_batch_delete_range(batch, S(from), end, &err)
                                 : strata_delete_range(db, S(from), end, 0, &err),
                      &err);
            model_delete_range(model, S(from), end);
        }
    }
    if (txn)
        commit(txn, 0);
    else
        assert_ok(strata_write(db, batch, STRATA_WRITE_NO_SYNC, &err), &err);
    strata_batch_free(batch);
}

static void contract_range_does_what_a_map_does(void **state)
{
    skip_unless_promised();
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct place *place = *state;
        struct strata *db = place_open(place, seed == 1);
        struct model model = {0};
        struct strata_snapshot *snapshot = NULL;
        struct prng prng = {seed};
        struct strata_error err;
        char why[400];

        assert_ok(model_read(&model, db, &err), &err);
        for (int i = 0; i < STEPS; i++) {
            uint64_t what = prng_below(&prng, 40);
            step(db, &model, &prng);
            if (what == 0)
                assert_ok(strata_flush(db, &err), &err);
            if (what == 1)
                assert_ok(strata_compact(db, NULL, &err), &err);
            if (what == 2 && !snapshot)
                assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
            if (what == 3) {
                strata_snapshot_free(snapshot);
                snapshot = NULL;
                place_close(db);
                db = place_open(place, false);
            }
            if (model_compare(&model, db, why, sizeof why))
                fail_msg("seed %d, step %d: %s", (int)seed, i, why);
        }
        strata_snapshot_free(snapshot);
        model_free(&model);
        place_close(db);
    }
}

/* Those that the batch itself has put count, too. */
static void range_of_a_batch_of_too_many_own_keys_is_refused(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;
    char key[16];

    for (int i = 0; i <= 65536; i++) {
        snprintf(key, sizeof key, "q%06d", i);
        assert_ok(strata_batch_put(batch, strata_string(key), strata_string("v"), &err), &err);
    }
    assert_ok(strata_batch_delete_range(batch, strata_string("q"), strata_string("r"), &err), &err);
    if (subject_promises(STRATA_PROMISE_RANGE)) {
        assert_code(strata_write(db, batch, 0, &err), STRATA_ERR_INVALID, &err);
        assert_code(strata_get(db, strata_string("q000000"), NULL, &err), STRATA_NOT_FOUND, &err);
    }
    strata_batch_free(batch);
    place_close(db);
}

#define contract_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(range_of_a_batch_of_too_many_own_keys_is_refused,
                                        place_setup, place_teardown),
        contract_test(contract_range_is_refused_where_it_is_not_promised),
        contract_test(contract_range_has_its_first_key_and_not_its_end),
        contract_test(contract_range_stays_deleted),
        contract_test(contract_range_leaves_snapshots_as_they_were),
        contract_test(contract_range_of_many_keys_is_deleted_to_its_end),
        contract_test(contract_range_of_long_keys_is_deleted_to_its_end),
        contract_test(contract_range_in_a_batch_deletes_what_is_before_it),
        contract_test(contract_range_beyond_the_limits_changes_nothing),
        contract_test(contract_range_conflicts_with_who_has_read_a_key_of_it),
        contract_test(contract_range_in_a_transaction_is_of_what_it_sees),
        contract_test(contract_range_does_what_a_map_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
