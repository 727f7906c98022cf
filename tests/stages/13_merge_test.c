/* 13_merge_test.c: a group of merges, transactions and plain writes, as its leader sees it. */
#include "11_transactions/commit/commit_txn.h"
#include "13_blind_writes/merge/merge_commit.h"
#include "db/batch.h"
#include "db/db.h"
#include "place.h"
#include "test.h"

#include <string.h>

#define S(text) strata_string(text)
#define MEMBERS 7

/* Waiting in the queue. */
struct member {
    struct commit commit;
    struct strata_op op;
};

static void queue(struct member *m, struct member *before, enum strata_op_type type,
                  const char *key, const char *value)
{
    m->op = (struct strata_op){type, S(key), S(value)};
    m->commit = (struct commit){.base = {.ops = &m->op, .count = 1}};
    m->commit.merges = op_is_merge(&m->op);
    if (before)
        before->commit.base.next = &m->commit.base;
}

static void lead(struct strata *db, struct member *first)
{
    struct snapshot_tree *tree = db->self;

    group_enter(&tree->tree.path.group);
    merge_lead(tree, &first->commit.base);
    group_leave(&tree->tree.path.group);
}

static void expect(struct strata *db, const char *key, const char *want)
{
    struct strata_buffer value = {0};
    struct strata_error err;

    assert_ok(strata_get(db, S(key), &value, &err), &err);
    assert_bytes(strata_buffer_slice(&value), S(want));
    strata_buffer_free(&value);
}

static void group_merges_see_those_before_them(void **state)
{
    struct strata *db = place_open(*state, true);
    struct member m[MEMBERS];
    struct strata_error err;

    assert_ok(strata_put(db, S("n"), S("7"), &err), &err);
    queue(&m[0], NULL, STRATA_OP_ADD, "n", "1");
    queue(&m[1], &m[0], STRATA_OP_ADD, "n", "1");
    queue(&m[2], &m[1], STRATA_OP_ADD, "n", "x"); /* is refused */
    queue(&m[3], &m[2], STRATA_OP_APPEND, "n", "0");
    queue(&m[4], &m[3], STRATA_OP_PUT, "k", "5");
    queue(&m[5], &m[4], STRATA_OP_ADD, "k", "1");
    queue(&m[6], &m[5], STRATA_OP_ADD, "n", "2");
    lead(db, m);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(m[i].commit.base.rc, i == 2 ? STRATA_ERR_INVALID : 0);
    expect(db, "n", "92");
    expect(db, "k", "6");
    place_close(db);
}

/* The second one has read what the first one adds to: what it would have merged is not there for
 * the third one. */
static void group_merge_of_who_conflicts_is_not_seen(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_buffer value = {0};
    struct strata_txn_options options;
    struct strata_error err;
    struct member m[3];
    void *self;
    struct txn *txn;

    assert_ok(strata_put(db, S("n"), S("7"), &err), &err);
    strata_txn_options_init(&options);
    assert_ok(txn_begin(db->self, &options, &self, &err), &err);
    txn = self;
    assert_ok(merge_txn_get(txn, S("n"), &value, &err), &err);
    strata_buffer_free(&value);
    queue(&m[0], NULL, STRATA_OP_ADD, "n", "1");
    queue(&m[1], &m[0], STRATA_OP_ADD, "n", "10");
    assert_ok(merge_txn_write(txn, &m[1].op, &err), &err);
    m[1].commit.txn = txn;
    m[1].commit.base.ops = batch_ops(txn->own.batch);
    queue(&m[2], &m[1], STRATA_OP_ADD, "n", "100");
    lead(db, m);
    assert_int_equal(m[0].commit.base.rc, 0);
    assert_int_equal(m[1].commit.base.rc, STRATA_CONFLICT);
    assert_int_equal(m[2].commit.base.rc, 0);
    expect(db, "n", "108");
    txn_free(txn);
    place_close(db);
}

#define stage_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(group_merges_see_those_before_them),
        stage_test(group_merge_of_who_conflicts_is_not_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
