/* contract_txn_lock_test.c: keys that are read for update are locked until the transaction's end.
 */
#include "test.h"

#include "crash/subject.h"
#include "place.h"
#include "threads/sync.h"

#include <stdio.h>
#include <stdlib.h>

#define S(text) strata_string(text)
#define LONG 20000u /* ms: what comes so late does not come */

static struct strata_txn *begin(struct strata *db, unsigned timeout_ms)
{
    struct strata_txn_options options;
    struct strata_error err;
    struct strata_txn *txn;

    strata_txn_options_init(&options);
    options.lock_timeout_ms = timeout_ms;
    assert_ok(strata_begin(db, &options, &txn, &err), &err);
    return txn;
}

static int lock(struct strata_txn *txn, const char *key)
{
    struct strata_error err;
    int rc = strata_txn_get_for_update(txn, S(key), NULL, &err);
    return rc == STRATA_NOT_FOUND ? 0 : rc;
}

static void put(struct strata_txn *txn, const char *key, const char *value)
{
    struct strata_error err;
    assert_ok(strata_txn_put(txn, S(key), S(value), &err), &err);
}

static int commit(struct strata_txn *txn)
{
    struct strata_error err;
    int rc = strata_txn_commit(txn, 0, NULL, &err);

    strata_txn_free(txn);
    return rc;
}

static bool is_locked(struct strata *db, const char *key)
{
    struct strata_txn *txn = begin(db, 0);
    int rc = lock(txn, key);

    assert_true(rc == 0 || rc == STRATA_TIMEOUT);
    strata_txn_free(txn);
    return rc != 0;
}

static struct strata *open_it(void **state)
{
    if (!subject_promises(STRATA_PROMISE_TRANSACTION)) {
        check_skipping("the stage promises no transactions");
        skip();
    }
    return place_open(*state, true);
}

/* ---- One thread ------------------------------------------------------------------------------ */

static void contract_txn_lock_keeps_others_out_for_their_timeout(void **state)
{
    struct strata *db = open_it(state);
    struct strata_txn *one = begin(db, LONG), *two = begin(db, 30);
    struct strata_error err;
    uint64_t began = sync_now();

    assert_int_equal(lock(one, "a"), 0);
    assert_int_equal(lock(two, "b"), 0);
    assert_int_equal(lock(two, "a"), STRATA_TIMEOUT);
    assert_true(sync_now() - began >= 30000000);
    assert_code(strata_txn_put(two, S("b"), S(""), &err), STRATA_ERR_INVALID, &err);
    assert_false(is_locked(db, "b")); /* it is over */
    assert_true(is_locked(db, "a"));
    assert_int_equal(lock(one, "a"), 0); /* its own */
    strata_txn_free(two);
    assert_put(db, "a", "1"); /* a plain write is not kept out, but found out */
    put(one, "c", "1");
    assert_int_equal(commit(one), STRATA_CONFLICT);
    assert_false(is_locked(db, "a"));
    place_close(db);
}

static void contract_txn_lock_ends_with_the_transaction(void **state)
{
    struct strata *db = open_it(state);
    struct strata_error err;
    struct strata_txn *txn;

    txn = begin(db, LONG); /* freed */
    assert_int_equal(lock(txn, "a"), 0);
    assert_int_equal(lock(txn, "b"), 0);
    assert_true(is_locked(db, "a") && is_locked(db, "b"));
    strata_txn_free(txn);
    assert_false(is_locked(db, "a") || is_locked(db, "b"));

    txn = begin(db, LONG); /* committed, and not freed yet */
    assert_int_equal(lock(txn, "a"), 0);
    put(txn, "a", "1");
    assert_ok(strata_txn_commit(txn, 0, NULL, &err), &err);
    assert_false(is_locked(db, "a"));
    strata_txn_free(txn);

    txn = begin(db, LONG); /* a commit without writes */
    assert_int_equal(lock(txn, "a"), 0);
    assert_ok(strata_txn_commit(txn, 0, NULL, &err), &err);
    assert_false(is_locked(db, "a"));
    strata_txn_free(txn);

    txn = begin(db, LONG); /* a conflict at the commit, and at a lock */
    assert_int_equal(lock(txn, "a"), 0);
    assert_put(db, "a", "2");
    put(txn, "b", "1");
    assert_int_equal(strata_txn_commit(txn, 0, NULL, &err), STRATA_CONFLICT);
    assert_false(is_locked(db, "a"));
    strata_txn_free(txn);
    txn = begin(db, LONG);
    assert_int_equal(lock(txn, "a"), 0);
    assert_put(db, "a", "3");
    assert_put(db, "b", "3");
    assert_int_equal(lock(txn, "b"), STRATA_CONFLICT);
    assert_false(is_locked(db, "a") || is_locked(db, "b"));
    strata_txn_free(txn);
    place_close(db);
}

static void contract_txn_lock_stays_after_a_rollback(void **state)
{
    struct strata *db = open_it(state);
    struct strata_txn *txn = begin(db, LONG);
    struct strata_error err;
    uint64_t mark;

    assert_ok(strata_txn_savepoint(txn, &mark, &err), &err);
    assert_int_equal(lock(txn, "a"), 0);
    put(txn, "a", "1");
    assert_ok(strata_txn_rollback_to(txn, mark, &err), &err);
    assert_true(is_locked(db, "a"));
    assert_int_equal(commit(txn), 0);
    assert_get(db, "a", NULL);
    assert_false(is_locked(db, "a"));
    place_close(db);
}

/* ---- Threads --------------------------------------------------------------------------------- */

#define THREADS 4u
#define ROUNDS (check_quick() || check_sanitized() ? 50u : 300u)

struct counting {
    struct strata *db;
    _Atomic unsigned tries, failed;
};

static int add_one(struct strata_txn *txn, void *arg, struct strata_error *err)
{
    struct counting *c = arg;
    struct strata_buffer value = {0};
    char text[20];
    int rc = strata_txn_get_for_update(txn, S("count"), &value, err);

    atomic_fetch_add(&c->tries, 1);
    if (rc == 0 && strata_buffer_append(&value, "", 1) == 0) {
        snprintf(text, sizeof text, "%d", atoi((const char *)value.data) + 1);
        rc = strata_txn_put(txn, S("count"), S(text), err);
    }
    strata_buffer_free(&value);
    return rc;
}

static void *count_up(void *arg)
{
    struct counting *c = arg;
    struct strata_txn_options options;
    struct strata_error err;

    strata_txn_options_init(&options);
    options.lock_timeout_ms = LONG;
    options.flags = STRATA_WRITE_NO_SYNC;
    for (unsigned i = 0; i < ROUNDS; i++)
        if (strata_transact(c->db, &options, add_one, c, &err) != 0)
            atomic_fetch_add(&c->failed, 1);
    return NULL;
}

/* Who has waited reads what it has waited for: no try is in vain. */
static void contract_txn_lock_leaves_no_conflicts(void **state)
{
    struct counting c = {.db = open_it(state)};
    struct sync_thread threads[THREADS];
    char text[20];

    assert_put(c.db, "count", "0");
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(sync_start(&threads[i], count_up, &c), 0);
    for (unsigned i = 0; i < THREADS; i++)
        sync_join(&threads[i]);
    snprintf(text, sizeof text, "%u", THREADS * ROUNDS);
    assert_get(c.db, "count", text);
    assert_int_equal(c.failed, 0);
    assert_int_equal(c.tries, THREADS * ROUNDS);
    place_close(c.db);
}

/* A transaction that locks one key, and then another, once the other one has that. */
struct pair {
    struct strata_txn *txn;
    const char *first, *second;
    _Atomic bool *mine, *others;
    int rc;
};

static void *lock_both(void *arg)
{
    struct pair *p = arg;
    struct strata_error err;

    p->rc = lock(p->txn, p->first);
    atomic_store(p->mine, true);
    while (!atomic_load(p->others))
        sync_yield();
    if (p->rc == 0)
        p->rc = lock(p->txn, p->second);
    if (p->rc == 0)
        p->rc = strata_txn_put(p->txn, S(p->second), S(p->first), &err);
    if (p->rc == 0)
        p->rc = strata_txn_commit(p->txn, 0, NULL, &err);
    strata_txn_free(p->txn);
    return NULL;
}

static void contract_txn_lock_deadlock_ends_the_youngest(void **state)
{
    struct strata *db = open_it(state);

    for (int round = 0; round < 20; round++) {
        _Atomic bool has[2] = {false, false};
        struct strata_txn *older = begin(db, LONG), *younger = begin(db, LONG);
        struct pair pairs[2] = {{older, "a", "b", &has[0], &has[1], 1},
                                {younger, "b", "a", &has[1], &has[0], 1}};
        struct sync_thread threads[2];
        for (int i = 0; i < 2; i++)
            assert_int_equal(sync_start(&threads[i], lock_both, &pairs[(i + round) % 2]), 0);
        for (int i = 0; i < 2; i++)
            sync_join(&threads[i]);
        assert_int_equal(pairs[0].rc, 0);
        assert_int_equal(pairs[1].rc, STRATA_DEADLOCK);
        assert_get(db, "b", "a");
        assert_get(db, "a", NULL);
    }
    place_close(db);
}

struct again {
    struct strata *db;
    struct pair pairs[2]; /* the one that is tried again, and the other one */
    struct sync_thread other;
    unsigned tries;
};

static int try_both(struct strata_txn *txn, void *arg, struct strata_error *err)
{
    struct again *a = arg;
    struct pair *mine = &a->pairs[0];

    (void)err;
    if (++a->tries == 1) { /* it is older than the other one only if its first try counts */
        a->pairs[1].txn = begin(a->db, LONG);
        return STRATA_CONFLICT;
    }
    if (a->tries > 2)
        return 0;
    assert_int_equal(sync_start(&a->other, lock_both, &a->pairs[1]), 0);
    assert_int_equal(lock(txn, mine->first), 0);
    atomic_store(mine->mine, true);
    while (!atomic_load(mine->others))
        sync_yield();
    mine->rc = lock(txn, mine->second);
    return mine->rc;
}

static void contract_txn_lock_next_try_is_as_old_as_the_first(void **state)
{
    struct again a = {.db = open_it(state)};
    _Atomic bool has[2] = {false, false};
    struct strata_txn_options options;
    struct strata_error err;

    a.pairs[0] = (struct pair){NULL, "a", "b", &has[0], &has[1], 1};
    a.pairs[1] = (struct pair){NULL, "b", "a", &has[1], &has[0], 1};
    strata_txn_options_init(&options);
    options.lock_timeout_ms = LONG;
    assert_ok(strata_transact(a.db, &options, try_both, &a, &err), &err);
    sync_join(&a.other);
    assert_int_equal(a.pairs[0].rc, 0);
    assert_int_equal(a.pairs[1].rc, STRATA_DEADLOCK);
    assert_int_equal(a.tries, 2);
    place_close(a.db);
}

#define contract_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        contract_test(contract_txn_lock_keeps_others_out_for_their_timeout),
        contract_test(contract_txn_lock_ends_with_the_transaction),
        contract_test(contract_txn_lock_stays_after_a_rollback),
        contract_test(contract_txn_lock_leaves_no_conflicts),
        contract_test(contract_txn_lock_deadlock_ends_the_youngest),
        contract_test(contract_txn_lock_next_try_is_as_old_as_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
