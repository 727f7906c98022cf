/* 11_commit_test.c: a group of transactions and plain writes, as its leader sees it. */
#include "11_transactions/commit/commit_txn.h"
#include "11_transactions/commit/read_watch.h"
#include "11_transactions/txn/txn_iter.h"
#include "../crash/allocations.h"
#include "base/prng.h"
#include "db/batch.h"
#include "db/db.h"
#include "place.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define S(text) strata_string(text)

/* Reads `reads`, writes `writes`: waiting in the queue. */
struct member {
    struct commit commit;
    struct strata_op op;
};

static struct snapshot_tree *tree_of(struct strata *db)
{
    return db->self;
}

static struct txn *begin(struct strata *db)
{
    struct strata_txn_options options;
    struct strata_error err;
    void *txn;

    strata_txn_options_init(&options);
    assert_ok(txn_begin(db->self, &options, &txn, &err), &err);
    return txn;
}

static void read_key(struct txn *txn, const char *key)
{
    struct strata_buffer value = {0};
    struct strata_error err;

    assert_true(txn_get(txn, S(key), &value, &err) >= 0);
    strata_buffer_free(&value);
}

static void queue(struct member *m, struct member *before, struct txn *txn, const char *reads,
                  const char *writes)
{
    struct strata_error err;

    m->op = (struct strata_op){STRATA_OP_PUT, S(writes), S("new")};
    m->commit = (struct commit){.base = {.ops = &m->op, .count = 1}, .txn = txn};
    if (txn) {
        if (reads)
            read_key(txn, reads);
        assert_ok(txn_write(txn, &m->op, &err), &err);
        m->commit.base.ops = batch_ops(txn->own.batch);
    }
    if (before)
        before->commit.base.next = &m->commit.base;
}

static void lead(struct strata *db, struct member *first)
{
    struct group *group = &tree_of(db)->tree.path.group;

    group_enter(group);
    commit_group(db->self, &first->commit.base);
    group_leave(group);
}

/* The second one reads what the first one writes; the third what the second one would have written,
 * which did not pass; the last one what a plain write wrote. */
static void group_members_are_validated_in_order(void **state)
{
    struct strata *db = place_open(*state, true);
    struct member list[5];
    struct txn *txns[4];

    for (int i = 0; i < 4; i++)
        txns[i] = begin(db);
    queue(&list[0], NULL, txns[0], "a", "b");
    queue(&list[1], &list[0], txns[1], "b", "c");
    queue(&list[2], &list[1], txns[2], "c", "d");
    queue(&list[3], &list[2], NULL, NULL, "e");
    queue(&list[4], &list[3], txns[3], "e", "f");
    lead(db, list);
    assert_int_equal(list[0].commit.base.rc, 0);
    assert_int_equal(list[1].commit.base.rc, STRATA_CONFLICT);
    assert_int_equal(list[2].commit.base.rc, 0);
    assert_int_equal(list[3].commit.base.rc, 0);
    assert_int_equal(list[4].commit.base.rc, STRATA_CONFLICT);
    for (int i = 0; i < 4; i++) { /* the leader's list is whole */
        assert_ptr_equal(list[i].commit.base.next, &list[i + 1].commit.base);
        txn_free(txns[i]);
    }
    assert_null(list[4].commit.base.next);
    assert_get(db, "b", "new");
    assert_get(db, "c", NULL);
    assert_get(db, "d", "new");
    assert_get(db, "e", "new");
    assert_get(db, "f", NULL);
    place_close(db);
}

static void group_members_have_numbers_of_their_own(void **state)
{
    struct strata *db = place_open(*state, true);
    struct txn *one = begin(db), *two = begin(db);
    struct member list[3];

    queue(&list[0], NULL, one, NULL, "a");
    queue(&list[1], &list[0], NULL, NULL, "b");
    queue(&list[2], &list[1], two, NULL, "c");
    lead(db, list);
    assert_int_equal(one->number, 1);
    assert_int_equal(two->number, 3);
    txn_free(one);
    txn_free(two);
    place_close(db);
}

/* Nothing is left to be written. */
static void group_of_conflicts_writes_nothing(void **state)
{
    struct strata *db = place_open(*state, true);
    struct txn *txn = begin(db);
    struct member member;

    queue(&member, NULL, txn, "a", "b");
    assert_put(db, "a", "1");
    lead(db, &member);
    assert_int_equal(member.commit.base.rc, STRATA_CONFLICT);
    assert_int_equal(tree_last(&tree_of(db)->tree), 1);
    txn_free(txn);
    place_close(db);
}

/* What was written since the snapshot is in the memtable that waits to be flushed. */
static void group_asks_the_immutable_memtable(void **state)
{
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err;
    struct strata_txn *txn;
    struct strata *db;
    char value[512] = "";

    strata_options_init(&options);
    options.fs = place->fs;
    options.stage = 11;
    options.create = true;
    options.memtable_bytes = 64 << 10;
    options.background_threads = 0;
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    assert_ok(strata_begin(db, NULL, &txn, &err), &err);
    assert_int_equal(strata_txn_get(txn, S("a"), NULL, &err), STRATA_NOT_FOUND);
    assert_ok(strata_txn_put(txn, S("b"), S(""), &err), &err);
    assert_put(db, "a", "1");
    while (!tree_of(db)->tree.super->immutable)
        assert_ok(strata_put(db, S("filler"), strata_bytes(value, sizeof value), &err), &err);
    assert_int_equal(strata_txn_commit(txn, 0, NULL, &err), STRATA_CONFLICT);
    assert_non_null(tree_of(db)->tree.super->immutable);
    strata_txn_free(txn);
    place_close(db);
}

static void group_outcomes_are_counted(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_error err;
    struct strata_txn *txn;

    for (int i = 0; i < 4; i++) { /* two of them conflict */
        assert_ok(strata_begin(db, NULL, &txn, &err), &err);
        assert_true(strata_txn_get(txn, S("a"), NULL, &err) >= 0);
        assert_ok(strata_txn_put(txn, S("b"), S(""), &err), &err);
        if (i % 2)
            assert_put(db, "a", "1");
        assert_int_equal(strata_txn_commit(txn, 0, NULL, &err), i % 2 ? STRATA_CONFLICT : 0);
        strata_txn_free(txn);
    }
    assert_int_equal(check_stat(db, "txn_begun"), 4);
    assert_int_equal(check_stat(db, "txn_committed"), 2);
    assert_int_equal(check_stat(db, "txn_conflicts"), 2);
    assert_int_equal(check_stat(db, "txn_deadlocks"), 0);
    assert_int_equal(check_stat(db, "txn_timeouts"), 0);
    place_close(db);
}

/* An iterator's next move finds no memory for what it reads: what it has read before still counts.
 */
static void range_is_kept_without_memory(void **state)
{
    static const char *const moves[] = {"next", "seek", "last"};
    struct strata *db = place_open(*state, true);
    struct strata_error err;
    struct strata_txn *txn;
    struct strata_iter *iter;
    char longer[2000] = "b";

    memset(longer + 1, 'x', sizeof longer - 2);
    assert_put(db, "a", "1");
    assert_put(db, longer, "1");
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        int rc;
        assert_ok(strata_begin(db, NULL, &txn, &err), &err);
        assert_ok(strata_txn_iter(txn, &iter, &err), &err);
        assert_ok(strata_iter_seek(iter, S("a"), &err), &err);
        allocations.at = 1;
        allocations.on = true;
        rc = i == 0   ? strata_iter_next(iter, &err)
             : i == 1 ? strata_iter_seek(iter, S("c"), &err)
                      : strata_iter_last(iter, &err);
        allocations.on = false;
        assert_int_equal(rc, STRATA_ERR_NO_MEMORY);
        assert_put(db, "a", moves[i]);
        assert_ok(strata_txn_put(txn, S("z"), S(""), &err), &err);
        assert_int_equal(strata_txn_commit(txn, 0, NULL, &err), STRATA_CONFLICT);
        strata_iter_free(iter);
        strata_txn_free(txn);
    }
    place_close(db);
}

/* A range that was read, and could not be noted, cannot be shown to be unchanged. */
static void range_lost_without_memory_keeps_the_snapshot(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_error err;
    struct strata_txn *txn;
    struct strata_iter *iter;

    assert_ok(strata_begin(db, NULL, &txn, &err), &err);
    assert_ok(strata_txn_iter(txn, &iter, &err), &err);
    assert_int_equal(strata_iter_seek(iter, S("a"), &err), STRATA_NOT_FOUND);
    allocations.at = 1;
    allocations.on = true;
    strata_iter_free(iter);
    allocations.on = false;
    assert_put(db, "b", "1");
    assert_int_equal(strata_txn_get_for_update(txn, S("b"), NULL, &err), STRATA_CONFLICT);
    strata_txn_free(txn);
    place_close(db);
}

/* Savepoint, writes, rollback, and again. */
static void rollbacks_give_memory_back(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_error err;
    char value[1000] = "";
    int64_t living = 0;
    size_t largest = 0;

    for (int isolation = STRATA_SNAPSHOT_ISOLATION; isolation <= STRATA_SERIALIZABLE; isolation++) {
        struct strata_txn_options options;
        struct strata_txn *txn;
        uint64_t mark;
        strata_txn_options_init(&options);
        options.isolation = (enum strata_isolation)isolation;
        assert_ok(strata_begin(db, &options, &txn, &err), &err);
        assert_ok(strata_txn_put(txn, S("kept"), S("1"), &err), &err);
        assert_ok(strata_txn_savepoint(txn, &mark, &err), &err);
        for (int round = 0; round < 300; round++) {
            if (round == 30) {
                living = allocations.living;
                allocations.largest = 0;
            }
            for (int i = 0; i < 40; i++) /* more than one chunk of a batch */
                assert_ok(strata_txn_put(txn, strata_bytes(&i, 1), strata_bytes(value, 1000), &err),
                          &err);
            largest = allocations.largest;
            assert_ok(strata_txn_rollback_to(txn, mark, &err), &err);
        }
        assert_in_range(allocations.living, 0, living + 2);
        assert_in_range(largest, 1, 64 << 10);
        assert_ok(strata_txn_commit(txn, 0, NULL, &err), &err);
        strata_txn_free(txn);
    }
    assert_get(db, "kept", "1");
    place_close(db);
}

/* ---- Against a model ------------------------------------------------------------------------- */

#define KEYS 12
#define MEMBERS 4
#define OPEN 8 /* transactions */

/* A transaction of which the model knows what it read; -1: nothing. */
struct drawn {
    struct txn *txn;
    unsigned reads[3];
    size_t count;
    size_t began; /* writes until its first read */
};

struct mirror {
    struct strata *db;
    struct prng random;
    unsigned writes[20000]; /* keys, in the order of their commits */
    size_t count;
    struct drawn open[OPEN];
};

/* Of different lengths; the last two share a slot. */
static const char *name_of(unsigned key)
{
    static const char *const names[KEYS - 1] = {
        "",  "a",  "aa", "b", "k1", "k2", "the key of a customer with a long name",
        "z", "za", "zb", "y"};
    static char shares[20];

    for (unsigned i = 0; !*shares; i++) {
        snprintf(shares, sizeof shares, "%u", i);
        if ((read_set_hash(S(shares)) - read_set_hash(S("y"))) % NEWEST_SLOTS)
            *shares = '\0';
    }
    return key < KEYS - 1 ? names[key] : shares;
}

static void read_more(struct mirror *m, struct drawn *d)
{
    if (d->count == sizeof d->reads / sizeof *d->reads)
        return;
    if (!d->count)
        d->began = m->count;
    d->reads[d->count] = (unsigned)prng_below(&m->random, KEYS);
    read_key(d->txn, name_of(d->reads[d->count]));
    d->count++;
}

static bool is_changed(const struct mirror *m, const struct drawn *d)
{
    for (size_t i = d->began; d->count && i < m->count; i++)
        for (size_t k = 0; k < d->count; k++)
            if (m->writes[i] == d->reads[k])
                return true;
    return false;
}

/* Some of the open transactions, and plain writes, as one group. */
static void lead_some(struct mirror *m)
{
    struct member list[MEMBERS];
    struct drawn *of[MEMBERS] = {NULL};
    unsigned writes[MEMBERS];
    size_t count = 1 + prng_below(&m->random, MEMBERS);

    for (size_t i = 0; i < count; i++) {
        struct drawn *d = &m->open[prng_below(&m->random, OPEN)];
        writes[i] = (unsigned)prng_below(&m->random, KEYS);
        for (size_t k = 0; k < i; k++)
            d = d == of[k] ? NULL : d;
        of[i] = prng_below(&m->random, 3) ? d : NULL;
        queue(&list[i], i ? &list[i - 1] : NULL, of[i] ? of[i]->txn : NULL, NULL,
              name_of(writes[i]));
    }
    lead(m->db, list);
    for (size_t i = 0; i < count; i++) {
        bool conflict = of[i] && is_changed(m, of[i]);
        assert_int_equal(list[i].commit.base.rc, conflict ? STRATA_CONFLICT : 0);
        if (!conflict)
            m->writes[m->count++] = writes[i];
    }
    for (size_t i = 0; i < count; i++)
        if (of[i]) {
            txn_free(of[i]->txn);
            *of[i] = (struct drawn){.txn = begin(m->db)};
        }
}

/* Flushes move what was written into tables. */
static void group_outcomes_are_those_of_a_model(void **state)
{
    static struct mirror m;

    m = (struct mirror){.db = place_open(*state, true), .random = {11}};
    for (size_t i = 0; i < OPEN; i++)
        m.open[i].txn = begin(m.db);
    for (int i = 0; i < 4000; i++) {
        if (prng_below(&m.random, 2))
            read_more(&m, &m.open[prng_below(&m.random, OPEN)]);
        else
            lead_some(&m);
        if (i % 500 == 499)
            assert_ok(strata_flush(m.db, &(struct strata_error){0}), &(struct strata_error){0});
    }
    for (size_t i = 0; i < OPEN; i++)
        txn_free(m.open[i].txn);
    place_close(m.db);
}

static void newest_writes_of_a_batch_are_all_noted(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;
    struct txn *txn;
    struct member member;

    txn = begin(db); /* the first one, since which writes are noted */
    queue(&member, NULL, txn, "x", "y");
    lead(db, &member);
    txn_free(txn);
    assert_ok(strata_batch_put(batch, S("a"), S(""), &err), &err);
    assert_ok(strata_batch_delete(batch, S("b"), &err), &err);
    assert_ok(strata_batch_put(batch, S("c"), S(""), &err), &err);
    for (size_t i = 0; i < 3; i++) {
        txn = begin(db);
        queue(&member, NULL, txn, (const char *[]){"a", "b", "c"}[i], "y");
        assert_ok(strata_write(db, batch, 0, &err), &err);
        lead(db, &member);
        assert_int_equal(member.commit.base.rc, STRATA_CONFLICT);
        txn_free(txn);
    }
    strata_batch_free(batch);
    place_close(db);
}

/* What was written before it is not noted: the number of the first transaction's group is the first
 * one that is. */
static void group_snapshot_before_the_first_transaction_is_asked_exactly(void **state)
{
    struct strata *db = place_open(*state, true);
    struct txn *one = begin(db), *other = begin(db);
    struct member list[2];

    read_key(one, "a");
    assert_put(db, "a", "1");
    assert_null(txn_shared_of(tree_of(db))->newest.slots);
    queue(&list[0], NULL, other, "x", "y");
    queue(&list[1], &list[0], one, NULL, "b");
    lead(db, list);
    assert_non_null(txn_shared_of(tree_of(db))->newest.slots);
    assert_int_equal(list[0].commit.base.rc, 0);
    assert_int_equal(list[1].commit.base.rc, STRATA_CONFLICT);
    txn_free(one);
    txn_free(other);
    place_close(db);
}

/* ---- Who has read much ----------------------------------------------------------------------- */

static void read_range(struct txn *txn, const char *from)
{
    struct strata_iter *iter;
    struct strata_error err;
    int rc;

    assert_ok(txn_iter_new(txn, &iter, &err), &err);
    for (rc = iter->ops->seek(iter, S(from), &err); rc == 0; rc = iter->ops->next(iter, &err))
        ;
    assert_int_equal(rc, STRATA_NOT_FOUND);
    iter->ops->free(iter);
}

/* What was there as it began to watch the transaction has validated itself: the leader does not
 * look. */
static void watch_has_what_is_written_since(void **state)
{
    static const struct {
        const char *before, *since;
        int rc;
    } cases[] = {{"m", NULL, 0}, {NULL, "a", 0}, {NULL, "m", STRATA_CONFLICT}};
    struct strata *db = place_open(*state, true);
    struct strata_error err;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct txn *txn = begin(db);
        struct member member;
        uint64_t number;
        read_range(txn, "k");
        assert_ok(txn_write(txn, &(struct strata_op){STRATA_OP_PUT, S("b"), S("")}, &err), &err);
        if (cases[i].before)
            assert_put(db, cases[i].before, "");
        number = read_watch_begin(txn);
        assert_int_equal(number, tree_last(&tree_of(db)->tree));
        if (cases[i].since)
            assert_put(db, cases[i].since, "");
        member = (struct member){
            .commit = {.base = {.ops = batch_ops(txn->own.batch), .count = 1}, .txn = txn}};
        lead(db, &member);
        assert_int_equal(member.commit.base.rc, cases[i].rc);
        read_watch_end(txn);
        assert_null(txn_shared_of(tree_of(db))->watches);
        txn_free(txn);
    }
    place_close(db);
}

/* A member of its group wrote in the range, before it. */
static void watch_is_compared_with_its_group(void **state)
{
    struct strata *db = place_open(*state, true);
    struct txn *txn = begin(db);
    struct member list[2];

    read_range(txn, "k");
    queue(&list[0], NULL, NULL, NULL, "m");
    queue(&list[1], &list[0], txn, NULL, "b");
    read_watch_begin(txn);
    lead(db, list);
    read_watch_end(txn);
    assert_int_equal(list[0].commit.base.rc, 0);
    assert_int_equal(list[1].commit.base.rc, STRATA_CONFLICT);
    txn_free(txn);
    place_close(db);
}

/* The commit watches for what has ranges or many keys, and finds what was written before. */
static void watch_is_for_those_that_read_much(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_error err;
    char key[20];

    for (unsigned keys = READ_WATCH_KEYS; keys <= READ_WATCH_KEYS + 1; keys++)
        for (int conflict = 0; conflict < 2; conflict++) {
            struct txn *txn = begin(db);
            for (unsigned i = 0; i < keys; i++) {
                snprintf(key, sizeof key, "%u", i);
                read_key(txn, key);
            }
            assert_put(db, conflict ? "7" : "other", "");
            assert_int_equal(read_watch_validate(txn, &err),
                             conflict && keys > READ_WATCH_KEYS ? STRATA_CONFLICT : 0);
            assert_int_equal(txn->watch.set != NULL, keys > READ_WATCH_KEYS);
            read_watch_end(txn);
            txn_free(txn);
        }
    place_close(db);
}

#define commit_test(f) cmocka_unit_test_setup_teardown(f, place_setup_sim, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        commit_test(group_members_are_validated_in_order),
        commit_test(group_members_have_numbers_of_their_own),
        commit_test(group_of_conflicts_writes_nothing),
        commit_test(group_asks_the_immutable_memtable),
        commit_test(group_outcomes_are_counted),
        commit_test(range_is_kept_without_memory),
        commit_test(range_lost_without_memory_keeps_the_snapshot),
        commit_test(rollbacks_give_memory_back),
        commit_test(group_outcomes_are_those_of_a_model),
        commit_test(group_snapshot_before_the_first_transaction_is_asked_exactly),
        commit_test(newest_writes_of_a_batch_are_all_noted),
        commit_test(watch_has_what_is_written_since),
        commit_test(watch_is_compared_with_its_group),
        commit_test(watch_is_for_those_that_read_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
