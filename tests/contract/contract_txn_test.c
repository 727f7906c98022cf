/* contract_txn_test.c: transactions, for every stage that promises them. Most tests run three
 * times: what was written since the snapshot is in the memtable, in a table of level 0, or in
 * tables that were compacted. */
#include "test.h"

#include "base/prng.h"
#include "crash/subject.h"
#include "place.h"

#include <stdio.h>
#include <string.h>

#define S(text) strata_string(text)

enum { IN_MEMORY, FLUSHED, COMPACTED, SETTLINGS };

static void skip_unless_promised(void)
{
    if (!subject_promises(STRATA_PROMISE_TRANSACTION)) {
        check_skipping("the stage promises no transactions");
        skip();
    }
}

static struct strata_txn *begin_with(struct strata *db, enum strata_isolation isolation,
                                     bool read_only)
{
    struct strata_txn_options options;
    struct strata_error err;
    struct strata_txn *txn;

    strata_txn_options_init(&options);
    options.isolation = isolation;
    options.read_only = read_only;
    options.lock_timeout_ms = 20;
    assert_ok(strata_begin(db, &options, &txn, &err), &err);
    return txn;
}

static struct strata_txn *begin(struct strata *db, enum strata_isolation isolation)
{
    return begin_with(db, isolation, false);
}

/* NULL: it is not there. */
static void expect(struct strata_txn *txn, const char *key, const char *want)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    int rc = strata_txn_get(txn, S(key), &value, &err);

    assert_int_equal(rc, want ? 0 : STRATA_NOT_FOUND);
    if (want)
        assert_bytes(strata_buffer_slice(&value), S(want));
    strata_buffer_free(&value);
}

static void put(struct strata_txn *txn, const char *key, const char *value)
{
    struct strata_error err;
    assert_ok(strata_txn_put(txn, S(key), S(value), &err), &err);
}

static void erase(struct strata_txn *txn, const char *key)
{
    struct strata_error err;
    assert_ok(strata_txn_delete(txn, S(key), &err), &err);
}

/* Commits and frees it. */
static void commit(struct strata_txn *txn, int want)
{
    struct strata_error err;

    assert_int_equal(strata_txn_commit(txn, 0, NULL, &err), want);
    strata_txn_free(txn);
}

static void settle(struct strata *db, int how)
{
    struct strata_error err;

    if (how >= FLUSHED)
        assert_ok(strata_flush(db, &err), &err);
    if (how == COMPACTED)
        assert_ok(strata_compact(db, NULL, &err), &err);
}

/* "a=1 b=2 " of all that an iterator of the transaction shows, forward and backward. */
static void expect_all(struct strata_txn *txn, const char *want)
{
    char forward[400] = "", backward[400] = "", entry[500];
    struct strata_slice value;
    struct strata_error err;
    struct strata_iter *iter;
    int rc;

    assert_ok(strata_txn_iter(txn, &iter, &err), &err);
    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        struct strata_slice key = strata_iter_key(iter);
        assert_ok(strata_iter_value(iter, &value, &err), &err);
        sprintf(entry, "%.*s=%.*s ", (int)key.size, (const char *)key.data, (int)value.size,
                (const char *)value.data);
        strcat(forward, entry);
    }
    assert_int_equal(rc, STRATA_NOT_FOUND);
    for (rc = strata_iter_last(iter, &err); rc == 0; rc = strata_iter_prev(iter, &err)) {
        struct strata_slice key = strata_iter_key(iter);
        assert_ok(strata_iter_value(iter, &value, &err), &err);
        sprintf(entry, "%.*s=%.*s %s", (int)key.size, (const char *)key.data, (int)value.size,
                (const char *)value.data, backward);
        strcpy(backward, entry);
    }
    assert_int_equal(rc, STRATA_NOT_FOUND);
    assert_string_equal(forward, want);
    assert_string_equal(backward, want);
    strata_iter_free(iter);
}

/* ---- What it sees, and what others see ------------------------------------------------------- */

static void contract_txn_is_seen_when_it_is_committed(void **state)
{
    struct strata_txn *txn;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    assert_put(db, "a", "1");
    assert_put(db, "b", "1");
    txn = begin(db, STRATA_SERIALIZABLE);
    put(txn, "a", "2");
    erase(txn, "b");
    put(txn, "c", "2");
    expect(txn, "a", "2");
    expect(txn, "b", NULL);
    expect(txn, "c", "2");
    expect_all(txn, "a=2 c=2 ");
    assert_get(db, "a", "1");
    assert_get(db, "c", NULL);
    commit(txn, 0);
    assert_get(db, "a", "2");
    assert_get(db, "b", NULL);
    assert_get(db, "c", "2");
    place_close(db);
}

static void contract_txn_that_is_freed_changes_nothing(void **state)
{
    struct strata_txn *txn;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    txn = begin(db, STRATA_SERIALIZABLE);
    put(txn, "a", "2");
    strata_txn_free(txn);
    strata_txn_free(NULL);
    assert_get(db, "a", NULL);
    place_close(db);
    db = place_open(*state, false);
    assert_get(db, "a", NULL);
    place_close(db);
}

/* From the first read on. */
static void contract_txn_reads_one_snapshot(void **state)
{
    skip_unless_promised();
    for (int how = 0; how < SETTLINGS; how++) {
        struct strata *db = place_open(*state, how == 0);
        struct strata_txn *txn = begin_with(db, STRATA_SNAPSHOT_ISOLATION, true);
        assert_put(db, "a", "1");
        assert_put(db, "b", "1");
        expect(txn, "a", "1");
        assert_put(db, "b", "2");
        settle(db, how);
        expect(txn, "b", "1");
        expect_all(txn, "a=1 b=1 ");
        commit(txn, 0);
        place_close(db);
    }
}

static void contract_txn_iter_sees_the_writes_before_it(void **state)
{
    struct strata_iter *iter;
    struct strata_error err;
    struct strata_txn *txn;
    struct strata *db;
    uint64_t mark;

    skip_unless_promised();
    db = place_open(*state, true);
    assert_put(db, "a", "1");
    txn = begin(db, STRATA_SERIALIZABLE);
    put(txn, "b", "2");
    assert_ok(strata_txn_savepoint(txn, &mark, &err), &err);
    put(txn, "c", "2");
    assert_ok(strata_txn_iter(txn, &iter, &err), &err);
    put(txn, "d", "2");
    put(txn, "c", "3");
    assert_ok(strata_txn_rollback_to(txn, mark, &err), &err);
    assert_ok(strata_iter_last(iter, &err), &err);
    assert_bytes(strata_iter_key(iter), S("c"));
    assert_ok(strata_iter_prev(iter, &err), &err);
    assert_bytes(strata_iter_key(iter), S("b"));
    assert_ok(strata_iter_next(iter, &err), &err);
    assert_bytes(strata_iter_key(iter), S("c"));
    expect_all(txn, "a=1 b=2 ");
    commit(txn, 0);
    assert_ok(strata_iter_first(iter, &err), &err); /* it outlives the transaction */
    assert_bytes(strata_iter_key(iter), S("a"));
    strata_iter_free(iter);
    place_close(db);
}

static void contract_txn_savepoint(void **state)
{
    struct strata_error err;
    struct strata_txn *txn;
    struct strata *db;
    uint64_t first, second;

    skip_unless_promised();
    db = place_open(*state, true);
    txn = begin(db, STRATA_SERIALIZABLE);
    put(txn, "a", "1");
    assert_ok(strata_txn_savepoint(txn, &first, &err), &err);
    for (int i = 0; i < 20; i++) {
        char key[16];
        sprintf(key, "b%02d", i);
        put(txn, key, "2");
    }
    put(txn, "a", "2");
    assert_ok(strata_txn_savepoint(txn, &second, &err), &err);
    erase(txn, "a");
    expect(txn, "a", NULL);
    assert_ok(strata_txn_rollback_to(txn, second, &err), &err);
    expect(txn, "a", "2");
    expect(txn, "b19", "2");
    assert_ok(strata_txn_rollback_to(txn, first, &err), &err);
    expect(txn, "a", "1");
    expect(txn, "b19", NULL);
    assert_code(strata_txn_rollback_to(txn, second, &err), STRATA_ERR_INVALID, &err);
    put(txn, "c", "3");
    commit(txn, 0);
    assert_get(db, "a", "1");
    assert_get(db, "b00", NULL);
    assert_get(db, "c", "3");
    place_close(db);
}

/* ---- Conflicts ------------------------------------------------------------------------------- */

static void contract_txn_lost_update_is_a_conflict(void **state)
{
    const enum strata_isolation levels[] = {STRATA_SNAPSHOT_ISOLATION, STRATA_SERIALIZABLE};

    skip_unless_promised();
    for (int how = 0; how < 2 * SETTLINGS; how++) {
        struct strata *db = place_open(*state, how == 0);
        struct strata_txn *one = begin(db, levels[how % 2]), *two = begin(db, levels[how % 2]);
        assert_put(db, "a", "1");
        expect(one, "a", "1");
        expect(two, "a", "1");
        put(one, "a", "2");
        put(two, "a", "3");
        commit(one, 0);
        settle(db, how / 2);
        commit(two, STRATA_CONFLICT);
        assert_get(db, "a", "2");
        place_close(db);
    }
}

/* A plain write counts as a transaction. */
static void contract_txn_conflicts_with_a_plain_write(void **state)
{
    skip_unless_promised();
    for (int how = 0; how < SETTLINGS; how++) {
        struct strata *db = place_open(*state, how == 0);
        struct strata_txn *txn = begin(db, STRATA_SERIALIZABLE);
        assert_put(db, "a", "1");
        expect(txn, "a", "1");
        put(txn, "b", "1");
        assert_put(db, "a", "1"); /* the same value */
        settle(db, how);
        commit(txn, STRATA_CONFLICT);
        place_close(db);
    }
}

static void contract_txn_a_missing_key_was_read(void **state)
{
    skip_unless_promised();
    for (int how = 0; how < SETTLINGS; how++) {
        struct strata *db = place_open(*state, how == 0);
        struct strata_txn *txn = begin(db, STRATA_SERIALIZABLE);
        char key[16];
        sprintf(key, "new %d", how);
        expect(txn, key, NULL);
        put(txn, "b", "1");
        assert_put(db, key, "1");
        settle(db, how);
        commit(txn, STRATA_CONFLICT);
        place_close(db);
    }
}

static void contract_txn_a_delete_is_a_write(void **state)
{
    skip_unless_promised();
    for (int how = 0; how < SETTLINGS; how++) {
        struct strata *db = place_open(*state, how == 0);
        struct strata_txn *txn = begin(db, STRATA_SERIALIZABLE);
        assert_put(db, "a", "1");
        settle(db, how);
        expect(txn, "a", "1");
        put(txn, "b", "1");
        assert_delete(db, "a");
        settle(db, how);
        commit(txn, STRATA_CONFLICT);
        place_close(db);
    }
}

/* Each reads what the other one writes. */
static void skew(struct strata *db, enum strata_isolation isolation, int how, int want)
{
    struct strata_txn *one, *two;

    assert_put(db, "a", "on call");
    assert_put(db, "b", "on call");
    one = begin(db, isolation);
    two = begin(db, isolation);
    expect(one, "b", "on call");
    expect(two, "a", "on call");
    put(one, "a", "at home");
    put(two, "b", "at home");
    commit(one, 0);
    settle(db, how);
    commit(two, want);
    assert_get(db, "b", want ? "on call" : "at home");
}

static void contract_txn_serializable_has_no_write_skew(void **state)
{
    skip_unless_promised();
    for (int how = 0; how < SETTLINGS; how++) {
        struct strata *db = place_open(*state, how == 0);
        skew(db, STRATA_SERIALIZABLE, how, STRATA_CONFLICT);
        place_close(db);
    }
}

/* This is what the level allows; a test that it happens shows what the other one prevents. */
static void weak_contract_txn_snapshot_isolation_has_write_skew(void **state)
{
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    skew(db, STRATA_SNAPSHOT_ISOLATION, IN_MEMORY, 0);
    place_close(db);
}

/* What is read for update counts at both levels. */
static void contract_txn_for_update_prevents_write_skew(void **state)
{
    struct strata_error err;
    struct strata_txn *one;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    assert_put(db, "b", "on call");
    one = begin(db, STRATA_SNAPSHOT_ISOLATION);
    assert_ok(strata_txn_get_for_update(one, S("b"), NULL, &err), &err);
    put(one, "a", "at home");
    assert_put(db, "b", "at home");
    commit(one, STRATA_CONFLICT);
    place_close(db);
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

/* What an iterator does; and which keys it read: keys[0] up to keys[1], "~" is the end of all. */
struct scan {
    const char *moves; /* f first, l last, n next, p prev, s seek "d", b seek before "d" */
    const char *from, *to;
};

/* There are b, d, f. */
static const struct scan scans[] = {
    {"f", "", "b"},    {"fn", "", "d"},  {"fnnn", "", "~"},  {"s", "d", "d"},   {"sn", "d", "f"},
    {"snn", "d", "~"}, {"l", "f", "~"},  {"lp", "d", "~"},   {"lppp", "", "~"}, {"b", "b", "d"},
    {"sp", "b", "d"},  {"spp", "", "d"}, {"snpp", "b", "f"}, {"fnpn", "", "d"},
};

static void run_scan(struct strata_txn *txn, const char *moves)
{
    struct strata_error err;
    struct strata_iter *iter;
    int rc = 0;

    assert_ok(strata_txn_iter(txn, &iter, &err), &err);
    for (; *moves; moves++)
        switch (*moves) {
        case 'f':
            rc = strata_iter_first(iter, &err);
            break;
        case 'l':
            rc = strata_iter_last(iter, &err);
            break;
        case 'n':
            rc = strata_iter_next(iter, &err);
            break;
        case 'p':
            rc = strata_iter_prev(iter, &err);
            break;
        case 's':
            rc = strata_iter_seek(iter, S("d"), &err);
            break;
        default:
            rc = strata_iter_seek_before(iter, S("d"), &err);
        }
    assert_true(rc >= 0);
    strata_iter_free(iter);
}

/* A key that was not there is written in the range, or beside it. */
static void contract_txn_a_range_was_read_with_what_is_not_in_it(void **state)
{
    const char *writes[] = {"a", "b", "c", "d", "e", "f", "g"};
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    for (size_t i = 0; i < sizeof scans / sizeof *scans; i++)
        for (size_t w = 0; w < sizeof writes / sizeof *writes; w++) {
            const struct scan *scan = &scans[i];
            bool inside = strcmp(writes[w], scan->from) >= 0 && strcmp(writes[w], scan->to) <= 0;
            struct strata_txn *txn;
            for (size_t k = 0; k < sizeof writes / sizeof *writes; k++)
                if (k % 2)
                    assert_put(db, writes[k], "1");
                else
                    assert_delete(db, writes[k]);
            txn = begin(db, STRATA_SERIALIZABLE);
            run_scan(txn, scan->moves);
            erase(txn, "none");
            assert_put(db, writes[w], "2");
            if (check_quick() ? w == 2 : w % 2 == 0)
                settle(db, 1 + (int)w % 2);
            check_case(i);
            commit(txn, inside ? STRATA_CONFLICT : 0);
        }
    place_close(db);
}

/* Also of an iterator that is still open at the commit. */
static void contract_txn_open_iterators_count(void **state)
{
    struct strata_iter *iter;
    struct strata_error err;
    struct strata_txn *txn;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    txn = begin(db, STRATA_SERIALIZABLE);
    assert_ok(strata_txn_iter(txn, &iter, &err), &err);
    assert_int_equal(strata_iter_first(iter, &err), STRATA_NOT_FOUND); /* an empty database */
    put(txn, "x", "1");
    assert_put(db, "phantom", "1");
    assert_int_equal(strata_txn_commit(txn, 0, NULL, &err), STRATA_CONFLICT);
    strata_txn_free(txn);
    assert_int_equal(strata_iter_first(iter, &err), STRATA_NOT_FOUND);
    strata_iter_free(iter);
    place_close(db);
}

/* A rollback takes writes back, not what was read. */
static void contract_txn_rollback_keeps_what_was_read(void **state)
{
    struct strata_error err;
    struct strata_txn *txn;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    txn = begin(db, STRATA_SERIALIZABLE);
    expect(txn, "a", NULL);
    put(txn, "b", "1");
    assert_ok(strata_txn_rollback_to(txn, 0, &err), &err);
    put(txn, "c", "1");
    assert_put(db, "a", "1");
    commit(txn, STRATA_CONFLICT);
    place_close(db);
}

/* ---- No conflicts ---------------------------------------------------------------------------- */

static void contract_txn_without_overlap_passes(void **state)
{
    skip_unless_promised();
    for (int how = 0; how < SETTLINGS; how++) {
        struct strata *db = place_open(*state, how == 0);
        struct strata_txn *blind = begin(db, STRATA_SERIALIZABLE);
        struct strata_txn *other = begin(db, STRATA_SERIALIZABLE);
        struct strata_txn *reader = begin(db, STRATA_SERIALIZABLE);
        assert_put(db, "b", "1");
        expect(other, "b", "1");
        expect(reader, "a", how ? "2" : NULL);
        put(blind, "a", "2");
        put(other, "b", "2");
        assert_put(db, "a", "3"); /* who has read nothing comes after it */
        settle(db, how);
        commit(blind, 0);
        commit(other, 0);
        commit(reader, 0); /* it writes nothing: it comes before all of them */
        assert_get(db, "a", "2");
        assert_get(db, "b", "2");
        place_close(db);
    }
}

/* The snapshot moves if it makes no difference. */
static void contract_txn_for_update_sees_the_present(void **state)
{
    skip_unless_promised();
    for (int how = 0; how < SETTLINGS; how++) {
        struct strata *db = place_open(*state, how == 0);
        struct strata_error err;
        struct strata_buffer value = {0};
        struct strata_txn *txn = begin(db, STRATA_SERIALIZABLE);
        assert_put(db, "a", "1");
        assert_put(db, "b", "1");
        assert_ok(strata_txn_get_for_update(txn, S("a"), NULL, &err), &err);
        assert_put(db, "b", "2");
        settle(db, how);
        assert_ok(strata_txn_get_for_update(txn, S("b"), &value, &err), &err);
        assert_bytes(strata_buffer_slice(&value), S("2"));
        put(txn, "b", "3");
        commit(txn, 0);
        assert_get(db, "b", "3");
        txn = begin(db, STRATA_SERIALIZABLE);
        expect(txn, "a", "1");
        assert_put(db, "a", "2");
        assert_put(db, "b", "4");
        settle(db, how);
        assert_int_equal(strata_txn_get_for_update(txn, S("b"), &value, &err), STRATA_CONFLICT);
        assert_int_equal(value.size, 0);
        assert_code(strata_txn_get(txn, S("b"), &value, &err), STRATA_ERR_INVALID, &err);
        strata_txn_free(txn);
        strata_buffer_free(&value);
        place_close(db);
    }
}

/* At snapshot isolation a plain get is not noted, so the snapshot cannot move after it. */
static void contract_txn_for_update_after_an_untracked_read(void **state)
{
    struct strata_error err;
    struct strata_txn *txn;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    txn = begin(db, STRATA_SNAPSHOT_ISOLATION);
    expect(txn, "a", NULL);
    assert_put(db, "b", "1");
    assert_int_equal(strata_txn_get_for_update(txn, S("b"), NULL, &err), STRATA_CONFLICT);
    strata_txn_free(txn);
    place_close(db);
}

/* ---- What is refused ------------------------------------------------------------------------- */

static void contract_txn_that_is_over_is_only_freed(void **state)
{
    struct strata_iter *iter = NULL;
    struct strata_error err;
    struct strata_txn *txn;
    struct strata *db;
    uint64_t number, mark;

    skip_unless_promised();
    db = place_open(*state, true);
    assert_put(db, "a", "1");
    txn = begin(db, STRATA_SERIALIZABLE);
    put(txn, "b", "1");
    put(txn, "c", "1");
    assert_code(strata_txn_commit(txn, STRATA_WRITE_SYNC | STRATA_WRITE_NO_SYNC, NULL, &err),
                STRATA_ERR_INVALID, &err); /* which it outlives */
    assert_ok(strata_txn_commit(txn, 0, &number, &err), &err);
    assert_int_equal(number, 3);
    assert_code(strata_txn_get(txn, S("a"), NULL, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_txn_put(txn, S("a"), S(""), &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_txn_delete(txn, S("a"), &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_txn_iter(txn, &iter, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_txn_savepoint(txn, &mark, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_txn_rollback_to(txn, 0, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_txn_commit(txn, 0, NULL, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_close(db, &err), STRATA_ERR_BUSY, &err);
    strata_txn_free(txn);
    place_close(db);
}

static void contract_txn_read_only_writes_nothing(void **state)
{
    struct strata_error err;
    struct strata_txn *txn;
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    txn = begin_with(db, STRATA_SERIALIZABLE, true);
    assert_code(strata_txn_put(txn, S("a"), S(""), &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_txn_delete(txn, S("a"), &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_txn_get_for_update(txn, S("a"), NULL, &err), STRATA_ERR_INVALID, &err);
    expect(txn, "a", NULL);
    commit(txn, 0);
    place_close(db);
}

/* ---- Again and again ------------------------------------------------------------------------- */

struct rounds {
    struct strata *db;
    int runs, conflicts;
};

static int add_one(struct strata_txn *txn, void *arg, struct strata_error *err)
{
    struct rounds *rounds = arg;
    int rc = strata_txn_get(txn, S("a"), NULL, err);

    if (rounds->runs++ < rounds->conflicts)
        assert_put(rounds->db, "a", "0");
    return rc < 0 ? rc : strata_txn_put(txn, S("a"), S("1"), err);
}

static int give_up(struct strata_txn *txn, void *arg, struct strata_error *err)
{
    (void)arg;
    assert_ok(strata_txn_put(txn, S("b"), S("1"), err), err);
    return STRATA_NOT_FOUND;
}

static void contract_txn_is_tried_again(void **state)
{
    struct strata_txn_options options;
    struct rounds rounds = {0};
    struct strata_error err;

    skip_unless_promised();
    rounds.db = place_open(*state, true);
    rounds.conflicts = 3;
    assert_ok(strata_transact(rounds.db, NULL, add_one, &rounds, &err), &err);
    assert_int_equal(rounds.runs, 4);
    assert_get(rounds.db, "a", "1");
    strata_txn_options_init(&options);
    options.tries = 2;
    rounds.runs = 0;
    assert_int_equal(strata_transact(rounds.db, &options, add_one, &rounds, &err), STRATA_CONFLICT);
    assert_int_equal(rounds.runs, 2);
    assert_get(rounds.db, "a", "0");
    assert_int_equal(strata_transact(rounds.db, NULL, give_up, NULL, &err), STRATA_NOT_FOUND);
    assert_get(rounds.db, "b", NULL);
    place_close(rounds.db);
}

/* ---- At random ------------------------------------------------------------------------------- */

#define KEYS 40

/* What the transaction should see. */
struct mirror {
    int now[KEYS]; /* 0: absent */
};

static void check_mirror(struct strata_txn *txn, const struct mirror *mirror)
{
    char want[KEYS * 10] = "", entry[24];

    for (int i = 0; i < KEYS; i++)
        if (mirror->now[i]) {
            sprintf(entry, "%02d=%d ", i, mirror->now[i]);
            strcat(want, entry);
        }
    expect_all(txn, want);
}

static void step(struct strata_txn *txn, struct mirror *mirror, struct prng *prng)
{
    int key = (int)prng_below(prng, KEYS), value = 1 + (int)prng_below(prng, 9);
    char name[12], text[12];

    sprintf(name, "%02d", key);
    sprintf(text, "%d", value);
    switch (prng_below(prng, 4)) {
    case 0:
        erase(txn, name);
        mirror->now[key] = 0;
        break;
    case 1:
        sprintf(text, "%d", mirror->now[key]);
        expect(txn, name, mirror->now[key] ? text : NULL);
        break;
    default:
        put(txn, name, text);
        mirror->now[key] = value;
    }
}

/* One transaction after the other, with savepoints, against a mirror. */
static void contract_txn_sees_what_it_should(void **state)
{
    struct mirror committed = {{0}};
    struct prng prng = {11};
    struct strata *db;

    skip_unless_promised();
    db = place_open(*state, true);
    for (int round = 0; round < (check_quick() ? 40 : 200); round++) {
        struct strata_txn *txn =
            begin(db, round % 2 ? STRATA_SERIALIZABLE : STRATA_SNAPSHOT_ISOLATION);
        struct mirror mine = committed, saved = committed;
        struct strata_error err;
        uint64_t mark = 0;
        for (uint64_t n = prng_below(&prng, 60); n; n--) {
            step(txn, &mine, &prng);
            if (prng_below(&prng, 10) == 0) {
                assert_ok(strata_txn_savepoint(txn, &mark, &err), &err);
                saved = mine;
            }
            if (prng_below(&prng, 10) == 0) {
                assert_ok(strata_txn_rollback_to(txn, mark, &err), &err);
                mine = saved;
            }
        }
        check_mirror(txn, &mine);
        if (prng_below(&prng, 3)) {
            commit(txn, 0);
            committed = mine;
        } else {
            strata_txn_free(txn);
        }
        settle(db, round % 7 ? IN_MEMORY : round % 2 ? FLUSHED : COMPACTED);
    }
    place_close(db);
}

#define contract_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        contract_test(contract_txn_is_seen_when_it_is_committed),
        contract_test(contract_txn_that_is_freed_changes_nothing),
        contract_test(contract_txn_reads_one_snapshot),
        contract_test(contract_txn_iter_sees_the_writes_before_it),
        contract_test(contract_txn_savepoint),
        contract_test(contract_txn_lost_update_is_a_conflict),
        contract_test(contract_txn_conflicts_with_a_plain_write),
        contract_test(contract_txn_a_missing_key_was_read),
        contract_test(contract_txn_a_delete_is_a_write),
        contract_test(contract_txn_serializable_has_no_write_skew),
        contract_test(weak_contract_txn_snapshot_isolation_has_write_skew),
        contract_test(contract_txn_for_update_prevents_write_skew),
        contract_test(contract_txn_a_range_was_read_with_what_is_not_in_it),
        contract_test(contract_txn_open_iterators_count),
        contract_test(contract_txn_rollback_keeps_what_was_read),
        contract_test(contract_txn_without_overlap_passes),
        contract_test(contract_txn_for_update_sees_the_present),
        contract_test(contract_txn_for_update_after_an_untracked_read),
        contract_test(contract_txn_that_is_over_is_only_freed),
        contract_test(contract_txn_read_only_writes_nothing),
        contract_test(contract_txn_is_tried_again),
        contract_test(contract_txn_sees_what_it_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
