/* contract_merge_test.c: merges, for every stage that promises them; the others refuse them. */
#include "test.h"

#include "base/prng.h"
#include "crash/model.h"
#include "crash/subject.h"
#include "place.h"
#include "threads/sync.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)

static void skip_unless_promised(void)
{
    if (!subject_promises(STRATA_PROMISE_MERGE)) {
        check_skipping("the stage promises no merges");
        skip();
    }
}

static void merge(struct strata *db, enum strata_op_type how, const char *key, const char *operand)
{
    struct strata_error err;

    assert_ok(strata_merge(db, how, S(key), S(operand), 0, &err), &err);
}

static void refused(struct strata *db, enum strata_op_type how, const char *key,
                    const char *operand, const char *why)
{
    struct strata_error err;

    assert_code(strata_merge(db, how, S(key), S(operand), 0, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, why);
}

/* NULL: it is not there. */
static void expect(struct strata *db, const char *key, const char *want)
{
    struct strata_buffer value = {0};
    struct strata_error err;

    assert_code(strata_get(db, S(key), &value, &err), want ? 0 : STRATA_NOT_FOUND, &err);
    if (want)
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

static void txn_merge(struct strata_txn *txn, enum strata_op_type how, const char *key,
                      const char *operand)
{
    struct strata_error err;

    assert_ok(strata_txn_merge(txn, how, S(key), S(operand), &err), &err);
}

static void txn_expect(struct strata_txn *txn, const char *key, const char *want)
{
    struct strata_buffer value = {0};
    struct strata_error err;

    assert_code(strata_txn_get(txn, S(key), &value, &err), want ? 0 : STRATA_NOT_FOUND, &err);
    if (want)
        assert_bytes(strata_buffer_slice(&value), S(want));
    strata_buffer_free(&value);
}

static void commit(struct strata_txn *txn, int code)
{
    struct strata_error err;

    assert_code(strata_txn_commit(txn, 0, NULL, &err), code, &err);
    strata_txn_free(txn);
}

/* ---- One at a time --------------------------------------------------------------------------- */

static void contract_merge_is_refused_where_it_is_not_promised(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;

    assert_code(strata_merge(db, STRATA_OP_PUT, S("a"), S("1"), 0, &err),
                subject_promises(STRATA_PROMISE_MERGE) ? STRATA_ERR_INVALID
                                                       : STRATA_ERR_NOT_SUPPORTED,
                &err);
    assert_code(strata_batch_merge(batch, STRATA_OP_DELETE, S("a"), S("1"), &err),
                STRATA_ERR_INVALID, &err);
    if (!subject_promises(STRATA_PROMISE_MERGE)) {
        assert_code(strata_merge(db, STRATA_OP_ADD, S("a"), S("1"), 0, &err),
                    STRATA_ERR_NOT_SUPPORTED, &err);
        assert_ok(strata_batch_merge(batch, STRATA_OP_ADD, S("a"), S("1"), &err), &err);
        assert_code(strata_write(db, batch, 0, &err), STRATA_ERR_NOT_SUPPORTED, &err);
        expect(db, "a", NULL);
    }
    if (subject_promises(STRATA_PROMISE_TRANSACTION) && !subject_promises(STRATA_PROMISE_MERGE)) {
        struct strata_txn *txn = begin(db, STRATA_SERIALIZABLE);
        assert_code(strata_txn_merge(txn, STRATA_OP_ADD, S("a"), S("1"), &err),
                    STRATA_ERR_NOT_SUPPORTED, &err);
        strata_txn_free(txn);
    }
    strata_batch_free(batch);
    place_close(db);
}

static void contract_merge_operators_do_what_they_say(void **state)
{
    struct strata *db;
    struct strata_error err;

    skip_unless_promised();
    db = place_open(*state, true);
    merge(db, STRATA_OP_ADD, "n", "-5");
    expect(db, "n", "-5");
    merge(db, STRATA_OP_ADD, "n", "12");
    expect(db, "n", "7");
    merge(db, STRATA_OP_MAX, "n", "3");
    expect(db, "n", "7");
    merge(db, STRATA_OP_MAX, "n", "30");
    expect(db, "n", "30");
    merge(db, STRATA_OP_MAX, "m", "-9223372036854775808");
    expect(db, "m", "-9223372036854775808");
    merge(db, STRATA_OP_ADD, "m", "9223372036854775807");
    expect(db, "m", "-1");
    merge(db, STRATA_OP_APPEND, "text", "ab");
    merge(db, STRATA_OP_APPEND, "text", "");
    merge(db, STRATA_OP_APPEND, "text", "c");
    expect(db, "text", "abc");
    merge(db, STRATA_OP_APPEND, "empty", "");
    expect(db, "empty", "");
    assert_ok(strata_delete(db, S("n"), &err), &err);
    merge(db, STRATA_OP_ADD, "n", "1");
    expect(db, "n", "1");
    place_close(db);
    db = place_open(*state, false);
    expect(db, "n", "1");
    expect(db, "text", "abc");
    place_close(db);
}

static void contract_merge_that_fails_changes_nothing(void **state)
{
    static const char *const no_numbers[] = {"",
                                             "-",
                                             "1x",
                                             "+1",
                                             " 1",
                                             "12345678901234567890",
                                             "9223372036854775808",
                                             "-9223372036854775809",
                                             "0x1"};
    struct strata_batch *batch;
    struct strata_error err;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    for (size_t i = 0; i < sizeof no_numbers / sizeof *no_numbers; i++)
        refused(db, STRATA_OP_ADD, "n", no_numbers[i], "operand is no number");
    expect(db, "n", NULL);
    merge(db, STRATA_OP_ADD, "n", "9223372036854775807");
    refused(db, STRATA_OP_ADD, "n", "1", "beyond 64 bits");
    merge(db, STRATA_OP_ADD, "low", "-9223372036854775808");
    refused(db, STRATA_OP_ADD, "low", "-1", "beyond 64 bits");
    assert_ok(strata_put(db, S("text"), S("abc"), &err), &err);
    refused(db, STRATA_OP_ADD, "text", "1", "value of the key is no number");
    refused(db, STRATA_OP_MAX, "text", "1", "value of the key is no number");
    refused(db, STRATA_OP_MERGE, "text", "\001????xyz", "refused it");
    expect(db, "n", "9223372036854775807");
    expect(db, "low", "-9223372036854775808");
    expect(db, "text", "abc");
    batch = strata_batch_new();
    assert_ok(strata_batch_put(batch, S("other"), S("1"), &err), &err);
    assert_ok(strata_batch_merge(batch, STRATA_OP_ADD, S("text"), S("1"), &err), &err);
    assert_code(strata_write(db, batch, 0, &err), STRATA_ERR_INVALID, &err);
    strata_batch_free(batch);
    expect(db, "other", NULL);
    merge(db, STRATA_OP_ADD, "other", "2"); /* the next one is not refused */
    expect(db, "other", "2");
    place_close(db);
}

/* In a batch each sees what those before it have left. */
static void contract_merge_in_a_batch_sees_what_is_before_it(void **state)
{
    struct strata_batch *batch;
    struct strata_error err;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    merge(db, STRATA_OP_ADD, "a", "100");
    merge(db, STRATA_OP_ADD, "b", "100");
    merge(db, STRATA_OP_ADD, "c", "100");
    batch = strata_batch_new();
    assert_ok(strata_batch_merge(batch, STRATA_OP_ADD, S("a"), S("1"), &err), &err);
    assert_ok(strata_batch_delete(batch, S("b"), &err), &err);
    assert_ok(strata_batch_merge(batch, STRATA_OP_ADD, S("b"), S("1"), &err), &err);
    assert_ok(strata_batch_merge(batch, STRATA_OP_ADD, S("a"), S("1"), &err), &err);
    assert_ok(strata_batch_put(batch, S("c"), S("5"), &err), &err);
    assert_ok(strata_batch_merge(batch, STRATA_OP_ADD, S("c"), S("1"), &err), &err);
    assert_ok(strata_batch_merge(batch, STRATA_OP_APPEND, S("c"), S("0"), &err), &err);
    assert_ok(strata_batch_merge(batch, STRATA_OP_ADD, S("d"), S("1"), &err), &err);
    assert_ok(strata_batch_put(batch, S("d"), S("9"), &err), &err);
    assert_ok(strata_batch_merge(batch, STRATA_OP_ADD, S("e"), S("1"), &err), &err);
    assert_ok(strata_batch_delete(batch, S("e"), &err), &err);
    assert_ok(strata_write(db, batch, 0, &err), &err);
    strata_batch_free(batch);
    expect(db, "a", "102");
    expect(db, "b", "1");
    expect(db, "c", "60");
    expect(db, "d", "9");
    expect(db, "e", NULL);
    place_close(db);
}

static void contract_merge_leaves_snapshots_as_they_were(void **state)
{
    struct strata_snapshot *snapshot;
    struct strata_buffer value = {0};
    struct strata_error err;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    merge(db, STRATA_OP_ADD, "a", "1");
    assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
    merge(db, STRATA_OP_ADD, "a", "1");
    assert_ok(strata_flush(db, &err), &err);
    merge(db, STRATA_OP_ADD, "a", "1");
    assert_ok(strata_compact(db, NULL, &err), &err);
    merge(db, STRATA_OP_ADD, "a", "1");
    expect(db, "a", "4");
    assert_ok(strata_snapshot_get(snapshot, S("a"), &value, &err), &err);
    assert_bytes(strata_buffer_slice(&value), S("1"));
    strata_buffer_free(&value);
    strata_snapshot_free(snapshot);
    place_close(db);
}

/* ---- Transactions ---------------------------------------------------------------------------- */

static void contract_merge_of_two_transactions_is_no_conflict(void **state)
{
    skip_unless_promised();
    for (int level = STRATA_SNAPSHOT_ISOLATION; level <= STRATA_SERIALIZABLE; level++) {
        struct strata *db = place_open(*state, level == STRATA_SNAPSHOT_ISOLATION);
        struct strata_txn *a = begin(db, (enum strata_isolation)level);
        struct strata_txn *b = begin(db, (enum strata_isolation)level);
        struct strata_error err;

        assert_ok(strata_put(db, S("n"), S("10"), &err), &err);
        txn_expect(a, "other", NULL); /* both have snapshots */
        txn_expect(b, "other", NULL);
        txn_merge(a, STRATA_OP_ADD, "n", "1");
        txn_merge(b, STRATA_OP_ADD, "n", "2");
        commit(a, 0);
        merge(db, STRATA_OP_ADD, "n", "4");
        commit(b, 0);
        expect(db, "n", "17");
        place_close(db);
    }
}

/* Who reads the key has read it, before or after the merge; who puts it depends on it. */
static void contract_merge_conflicts_with_who_has_read(void **state)
{
    skip_unless_promised();
    for (int level = STRATA_SNAPSHOT_ISOLATION; level <= STRATA_SERIALIZABLE; level++) {
        struct strata *db = place_open(*state, level == STRATA_SNAPSHOT_ISOLATION);
        struct strata_txn *reader, *seer;
        struct strata_error err;

        assert_ok(strata_put(db, S("n"), S("10"), &err), &err);
        reader = begin(db, (enum strata_isolation)level);
        seer = begin(db, (enum strata_isolation)level);
        txn_expect(reader, "n", "10");
        assert_ok(strata_txn_put(reader, S("n"), S("11"), &err), &err);
        txn_merge(seer, STRATA_OP_ADD, "n", "5");
        txn_expect(seer, "n", "15");
        merge(db, STRATA_OP_ADD, "n", "1");
        txn_expect(seer, "n", "15");
        commit(reader, STRATA_CONFLICT);
        commit(seer, STRATA_CONFLICT);
        expect(db, "n", "11");
        place_close(db);
    }
}

/* Of many writes, too, which are looked up in another way. */
static void contract_merge_is_seen_by_its_transaction(void **state)
{
    skip_unless_promised();
    for (int many = 0; many < 2; many++) {
        struct strata *db = place_open(*state, many == 0);
        struct strata_txn *txn = begin(db, STRATA_SERIALIZABLE);
        struct strata_buffer value = {0};
        struct strata_iter *iter;
        struct strata_error err;
        struct strata_slice shown;
        uint64_t mark;
        char key[20];

        assert_ok(strata_put(db, S("n"), S("10"), &err), &err);
        assert_ok(strata_delete(db, S("m"), &err), &err);
        for (int i = 0; i < 20 * many; i++) {
            snprintf(key, sizeof key, "x%02d", i);
            txn_merge(txn, STRATA_OP_ADD, key, "1");
        }
        txn_merge(txn, STRATA_OP_ADD, "n", "1");
        assert_ok(strata_txn_savepoint(txn, &mark, &err), &err);
        txn_merge(txn, STRATA_OP_ADD, "n", "1");
        txn_merge(txn, STRATA_OP_APPEND, "m", "x");
        assert_ok(strata_txn_get_for_update(txn, S("n"), &value, &err), &err);
        assert_bytes(strata_buffer_slice(&value), S("12"));
        strata_buffer_free(&value);
        txn_merge(txn, STRATA_OP_ADD, "n", "1");
        assert_ok(strata_txn_iter(txn, &iter, &err), &err);
        assert_ok(strata_iter_seek(iter, S("m"), &err), &err);
        assert_ok(strata_iter_value(iter, &shown, &err), &err);
        assert_bytes(shown, S("x"));
        assert_ok(strata_iter_next(iter, &err), &err);
        assert_ok(strata_iter_value(iter, &shown, &err), &err);
        assert_bytes(shown, S("13"));
        strata_iter_free(iter);
        assert_ok(strata_txn_rollback_to(txn, mark, &err), &err);
        txn_expect(txn, "n", "11");
        txn_expect(txn, "m", NULL);
        txn_merge(txn, STRATA_OP_APPEND, "n", "0");
        commit(txn, 0);
        expect(db, "n", "110");
        expect(db, "m", NULL);
        expect(db, "x07", many ? "1" : NULL);
        place_close(db);
    }
}

/* At the commit, when the value turns out to be none, nothing of the transaction is done. */
static void contract_merge_that_fails_fails_its_transaction(void **state)
{
    struct strata_txn *txn;
    struct strata_error err;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    assert_ok(strata_put(db, S("text"), S("abc"), &err), &err);
    txn = begin(db, STRATA_SERIALIZABLE);
    assert_code(strata_txn_merge(txn, STRATA_OP_ADD, S("n"), S("x"), &err), STRATA_ERR_INVALID,
                &err);
    assert_ok(strata_txn_put(txn, S("n"), S("1"), &err), &err);
    txn_merge(txn, STRATA_OP_ADD, "text", "1");
    assert_code(strata_txn_get(txn, S("text"), NULL, &err), STRATA_ERR_INVALID, &err);
    commit(txn, STRATA_ERR_INVALID);
    expect(db, "n", NULL);
    expect(db, "text", "abc");
    place_close(db);
}

/* A range that was read has what a merge has added to it since. */
static void contract_merge_is_a_write_of_its_key(void **state)
{
    struct strata_iter *iter;
    struct strata_txn *txn;
    struct strata_error err;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    txn = begin(db, STRATA_SERIALIZABLE);
    assert_ok(strata_txn_iter(txn, &iter, &err), &err);
    assert_int_equal(strata_iter_seek(iter, S("a"), &err), STRATA_NOT_FOUND);
    strata_iter_free(iter);
    assert_ok(strata_txn_put(txn, S("z"), S("1"), &err), &err);
    merge(db, STRATA_OP_APPEND, "k", "phantom");
    commit(txn, STRATA_CONFLICT);
    place_close(db);
}

/* ---- Many ------------------------------------------------------------------------------------ */

#define THREADS 8
#define ADDS 300
#define HOT 3

static void *count_up(void *arg)
{
    struct strata *db = arg;
    static _Atomic unsigned numbers;
    struct prng prng = {atomic_fetch_add(&numbers, 1) + 1};
    struct strata_error err;
    char key[2] = "0";

    for (int i = 0; i < ADDS; i++) {
        uint64_t way = prng_below(&prng, 8);
        key[0] = (char)('0' + i % HOT);
        if (way == 0) {
            struct strata_txn *txn = begin(db, STRATA_SERIALIZABLE);
            txn_merge(txn, STRATA_OP_ADD, key, "1");
            commit(txn, 0);
        } else if (way == 1) {
            struct strata_batch *batch = strata_batch_new();
            assert_ok(strata_batch_merge(batch, STRATA_OP_ADD, S(key), S("3"), &err), &err);
            assert_ok(strata_batch_merge(batch, STRATA_OP_ADD, S(key), S("-2"), &err), &err);
            assert_ok(strata_write(db, batch, STRATA_WRITE_NO_SYNC, &err), &err);
            strata_batch_free(batch);
        } else {
            assert_ok(strata_merge(db, STRATA_OP_ADD, S(key), S("1"), STRATA_WRITE_NO_SYNC, &err),
                      &err);
        }
        if (way == 2) /* one that fails, in a group with others */
            assert_code(strata_merge(db, STRATA_OP_ADD, S("text"), S("1"), 0, &err),
                        STRATA_ERR_INVALID, &err);
    }
    return NULL;
}

static void contract_merge_of_many_threads_loses_none(void **state)
{
    struct sync_thread threads[THREADS];
    struct strata_error err;
    struct strata *db;
    char sum[20];

    skip_unless_promised();
    db = place_open(*state, true);
    assert_ok(strata_put(db, S("text"), S("abc"), &err), &err);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(sync_start(&threads[i], count_up, db), 0);
    for (int i = 0; i < THREADS; i++)
        sync_join(&threads[i]);
    snprintf(sum, sizeof sum, "%d", THREADS * ADDS / HOT);
    expect(db, "0", sum);
    expect(db, "1", sum);
    expect(db, "2", sum);
    place_close(db);
}

/* ---- Against a map --------------------------------------------------------------------------- */

#define KEYS 12
#define STEPS 600

/* What the merge makes of the model; false: it is refused. */
static bool merge_model(struct model *model, const struct strata_op *op)
{
    const struct model_entry *now = model_get(model, op->key);
    char text[400];
    long long sum;

    snprintf(text, sizeof text, "%.*s", now ? (int)now->value.size : 0,
             now ? (const char *)now->value.data : "");
    sum = strtoll(text, NULL, 10);

    if (op->type == STRATA_OP_PUT) {
        model_put(model, op->key, op->value);
        return true;
    }
    if (op->type == STRATA_OP_DELETE) {
        model_delete(model, op->key);
        return true;
    }
    if (op->type == STRATA_OP_APPEND) {
        if ((now ? now->value.size : 0) + op->value.size > 15) /* it stays a number */
            return false;
        snprintf(text, sizeof text, "%.*s%.*s", now ? (int)now->value.size : 0,
                 now ? (const char *)now->value.data : "", (int)op->value.size,
                 (const char *)op->value.data);
    } else {
        long long operand = strtoll((const char *)op->value.data, NULL, 10);
        if (op->type == STRATA_OP_MAX)
            sum = !now || operand > sum ? operand : sum;
        else
            sum += operand;
        snprintf(text, sizeof text, "%lld", sum);
    }
    model_put(model, op->key, S(text));
    return true;
}

static struct strata_op draw(struct prng *prng, char *key, char *operand)
{
    static const enum strata_op_type types[] = {STRATA_OP_PUT, STRATA_OP_DELETE, STRATA_OP_ADD,
                                                STRATA_OP_MAX, STRATA_OP_APPEND};
    struct strata_op op = {types[prng_below(prng, 5)]};

    snprintf(key, 20, "k%02d", (int)prng_below(prng, KEYS));
    snprintf(operand, 20, "%d", (int)prng_below(prng, 9));
    op.key = S(key);
    if (op.type != STRATA_OP_DELETE)
        op.value = S(operand);
    return op;
}

static void add_op(struct strata_batch *batch, const struct strata_op *op)
{
    struct strata_error err;
    int rc = op->type == STRATA_OP_PUT ? strata_batch_put(batch, op->key, op->value, &err)
             : op->type == STRATA_OP_DELETE
                 ? strata_batch_delete(batch, op->key, &err)
                 : strata_batch_merge(batch, op->type, op->key, op->value, &err);
    assert_ok(rc, &err);
}

static void txn_op(struct strata_txn *txn, const struct strata_op *op)
{
    struct strata_error err;
    int rc = op->type == STRATA_OP_PUT ? strata_txn_put(txn, op->key, op->value, &err)
             : op->type == STRATA_OP_DELETE
                 ? strata_txn_delete(txn, op->key, &err)
                 : strata_txn_merge(txn, op->type, op->key, op->value, &err);
    assert_ok(rc, &err);
}

/* A batch or a transaction of some operations; with reads in between, which must agree. */
static void step(struct strata *db, struct model *model, struct prng *prng)
{
    struct strata_batch *batch = strata_batch_new();
    struct strata_txn *txn = prng_below(prng, 2) ? begin(db, STRATA_SERIALIZABLE) : NULL;
    size_t count = 1 + prng_below(prng, prng_below(prng, 4) ? 3 : 20);
    struct strata_error err;

    for (size_t i = 0; i < count; i++) {
        char key[20], operand[20];
        struct strata_op op = draw(prng, key, operand);
        if (!merge_model(model, &op))
            continue;
        if (txn)
            txn_op(txn, &op);
        else
            add_op(batch, &op);
        if (txn && prng_below(prng, 4) == 0) {
            const struct model_entry *want = model_get(model, op.key);
            struct strata_buffer value = {0};
            assert_code(strata_txn_get(txn, op.key, &value, &err), want ? 0 : STRATA_NOT_FOUND,
                        &err);
            if (want)
                assert_bytes(strata_buffer_slice(&value), want->value);
            strata_buffer_free(&value);
        }
    }
    if (txn)
        commit(txn, 0);
    else
        assert_ok(strata_write(db, batch, STRATA_WRITE_NO_SYNC, &err), &err);
    strata_batch_free(batch);
}

static void contract_merge_does_what_a_map_does(void **state)
{
    skip_unless_promised();
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct place *place = *state;
        struct strata *db = place_open(place, seed == 1);
        struct model model = {0}, before = {0};
        struct strata_snapshot *snapshot = NULL;
        struct prng prng = {seed};
        struct strata_error err;
        char why[400];

        assert_ok(model_read(&model, db, &err), &err);
        for (int i = 0; i < STEPS; i++) {
            uint64_t what = prng_below(&prng, 60);
            step(db, &model, &prng);
            if (what == 0)
                assert_ok(strata_flush(db, &err), &err);
            if (what == 1)
                assert_ok(strata_compact(db, NULL, &err), &err);
            if (what == 2 && !snapshot) {
                assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
                model_copy(&before, &model);
            }
            if ((what == 3 || what == 4) && snapshot) {
                for (size_t k = 0; k < before.count; k++) {
                    struct strata_buffer value = {0};
                    assert_ok(strata_snapshot_get(snapshot, before.entries[k].key, &value, &err),
                              &err);
                    assert_bytes(strata_buffer_slice(&value), before.entries[k].value);
                    strata_buffer_free(&value);
                }
                strata_snapshot_free(snapshot);
                snapshot = NULL;
            }
            if (what == 4) {
                place_close(db);
                db = place_open(place, false);
            }
            if (what < 8 && model_compare(&model, db, why, sizeof why))
                fail_msg("seed %d, step %d: %s", (int)seed, i, why);
        }
        strata_snapshot_free(snapshot);
        model_free(&model);
        model_free(&before);
        place_close(db);
    }
}

#define contract_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        contract_test(contract_merge_is_refused_where_it_is_not_promised),
        contract_test(contract_merge_operators_do_what_they_say),
        contract_test(contract_merge_that_fails_changes_nothing),
        contract_test(contract_merge_in_a_batch_sees_what_is_before_it),
        contract_test(contract_merge_leaves_snapshots_as_they_were),
        contract_test(contract_merge_of_two_transactions_is_no_conflict),
        contract_test(contract_merge_conflicts_with_who_has_read),
        contract_test(contract_merge_is_seen_by_its_transaction),
        contract_test(contract_merge_that_fails_fails_its_transaction),
        contract_test(contract_merge_is_a_write_of_its_key),
        contract_test(contract_merge_of_many_threads_loses_none),
        contract_test(contract_merge_does_what_a_map_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
