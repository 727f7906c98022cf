/* 13_range_test.c: range deletes as the leader of a group sees them, and what a crash leaves. */
#include "../crash/allocations.h"
#include "11_transactions/commit/commit_txn.h"
#include "13_blind_writes/merge/merge_commit.h"
#include "13_blind_writes/range/range.h"
#include "base/prng.h"
#include "crash/model.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"
#include "db/batch.h"
#include "db/db.h"
#include "place.h"
#include "test.h"
#include "threads/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)

/* ---- A group --------------------------------------------------------------------------------- */

#define MEMBERS 6

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
    m->commit.merges = op_is_merge(&m->op) || op_is_range(&m->op);
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

static void group_range_deletes_what_is_written_before_it(void **state)
{
    struct strata *db = place_open(*state, true);
    struct member m[MEMBERS];
    struct strata_error err;

    assert_ok(strata_put(db, S("b"), S("7"), &err), &err);
    queue(&m[0], NULL, STRATA_OP_PUT, "c", "1");
    queue(&m[1], &m[0], STRATA_OP_ADD, "d", "1");
    queue(&m[2], &m[1], STRATA_OP_DELETE_RANGE, "b", "e");
    queue(&m[3], &m[2], STRATA_OP_ADD, "b", "2"); /* to what is no longer there */
    queue(&m[4], &m[3], STRATA_OP_PUT, "c", "3");
    queue(&m[5], &m[4], STRATA_OP_ADD, "c", "1");
    lead(db, m);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(m[i].commit.base.rc, 0);
    expect(db, "b", "2");
    expect(db, "c", "4");
    expect(db, "d", NULL);
    place_close(db);
}

/* A member of the group before it has deleted what it has read. */
static void group_range_conflicts_with_who_comes_after_it(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_txn_options options;
    struct strata_buffer value = {0};
    struct strata_error err;
    struct member m[2];
    void *self;

    assert_ok(strata_put(db, S("b"), S("7"), &err), &err);
    strata_txn_options_init(&options);
    assert_ok(txn_begin(db->self, &options, &self, &err), &err);
    assert_ok(merge_txn_get(self, S("b"), &value, &err), &err);
    strata_buffer_free(&value);
    queue(&m[0], NULL, STRATA_OP_DELETE_RANGE, "a", "c");
    queue(&m[1], &m[0], STRATA_OP_PUT, "x", "1");
    m[1].commit.txn = self;
    lead(db, m);
    assert_int_equal(m[0].commit.base.rc, 0);
    assert_int_equal(m[1].commit.base.rc, STRATA_CONFLICT);
    expect(db, "b", NULL);
    expect(db, "x", NULL);
    txn_free(self);
    place_close(db);
}

static void group_range_step_stops_where_it_says(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_batch *batch = strata_batch_new();
    struct strata_buffer rest = {0};
    struct strata_error err;
    bool more = false;
    char key[20];

    for (unsigned i = 0; i < RANGE_STEP + 10; i++) {
        snprintf(key, sizeof key, "k%06u", i);
        assert_ok(strata_batch_put(batch, S(key), S("v"), &err), &err);
    }
    assert_ok(strata_write(db, batch, 0, &err), &err);
    strata_batch_free(batch);
    assert_ok(range_delete_some(db->self, S("k"), S("l"), false, &rest, &more, &err), &err);
    assert_true(more);
    assert_bytes(strata_buffer_slice(&rest), S("k004096"));
    expect(db, "k004095", NULL);
    expect(db, "k004096", "v");
    assert_ok(range_delete_some(db->self, S("k004096"), S("l"), false, &rest, &more, &err), &err);
    assert_false(more);
    expect(db, "k004105", NULL);
    strata_buffer_free(&rest);
    place_close(db);
}

/* ---- Crashes --------------------------------------------------------------------------------- */

#define WRITES 90
#define KEYS 25

static void open_in(struct strata_fs *fs, bool create, struct strata **out)
{
    struct strata_options options;
    struct strata_error err;

    subject_options(&options, fs, create);
    assert_ok(strata_open("/db", &options, out, &err), &err);
}

/* What a crash leaves is as after some of the writes, those that were synced among them. */
static int judge(void *arg, struct strata_fs *fs, const struct fs_sim_state *info)
{
    const struct model *after = arg;
    struct model now = {0};
    struct strata_error err;
    struct strata *db;
    bool found = false;

    open_in(fs, false, &db);
    assert_ok(model_read(&now, db, &err), &err);
    for (uint64_t n = info->synced; n <= info->issued && !found; n++)
        found = model_equal(&now, &after[n]);
    model_free(&now);
    assert_ok(strata_delete_range(db, S("a"), S("z"), 0, &err), &err); /* and goes on */
    assert_ok(model_read(&now, db, &err), &err);
    assert_int_equal(now.count, 0);
    model_free(&now);
    place_close(db);
    return !found;
}

static void write_one(struct strata *db, struct model *model, struct prng *prng, unsigned flags,
                      int n)
{
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;
    char key[20], to[20], value[60];
    int at = (int)prng_below(prng, KEYS);

    snprintf(key, sizeof key, "key%02d", at);
    snprintf(to, sizeof to, "key%02d", at + 1 + (int)prng_below(prng, 6));
    snprintf(value, sizeof value, "value %d, and some more that fills memtables", n);
    if (prng_below(prng, 3) == 0) {
        assert_ok(strata_batch_delete_range(batch, S(key), S(to), &err), &err);
        for (char gone[20]; strcmp(key, to) < 0; snprintf(key, sizeof key, "key%02d", ++at)) {
            memcpy(gone, key, sizeof gone);
            model_delete(model, S(gone));
        }
    }
    assert_ok(strata_batch_put(batch, S(key), S(value), &err), &err);
    model_put(model, S(key), S(value));
    assert_ok(strata_write(db, batch, flags, &err), &err);
    strata_batch_free(batch);
}

static void crash_it(enum fs_sim_model kind)
{
    struct fs_sim_plan plan = {.model = kind, .stride = check_quick() ? 13 : 3, .prefix_limit = 1};
    struct model *after = calloc(WRITES + 1, sizeof *after);
    struct strata_fs *fs = fs_sim_new();
    struct fs_sim_totals totals;
    struct prng prng = {5};
    struct strata *db;

    open_in(fs, true, &db);
    assert_int_equal(fs_sim_record(fs), 0);
    for (int n = 1; n <= WRITES; n++) {
        bool synced = prng_below(&prng, 2);
        model_copy(&after[n], &after[n - 1]);
        fs_sim_start(fs, (uint64_t)n);
        write_one(db, &after[n], &prng, synced ? STRATA_WRITE_SYNC : STRATA_WRITE_NO_SYNC, n);
        fs_sim_ack(fs, (uint64_t)n, synced);
    }
    fs_sim_record_stop(fs);
    place_close(db);
    assert_int_equal(fs_sim_states(fs, &plan, judge, after, &totals), 0);
    print_message("# %llu distinct states\n", (unsigned long long)totals.distinct);
    assert_true(totals.distinct > 300);
    for (int n = 0; n <= WRITES; n++)
        model_free(&after[n]);
    free(after);
    fs_free(fs);
}

static void range_killed_anywhere_is_deleted_or_not(void **state)
{
    (void)state;
    crash_it(FS_SIM_KILL);
}

static void range_power_cut_anywhere_is_deleted_or_not(void **state)
{
    (void)state;
    crash_it(FS_SIM_POSIX);
}

/* ---- Without memory -------------------------------------------------------------------------- */

/* Whichever allocation fails: all of the batch is done, or nothing, and the next one works. */
static void range_without_memory_changes_nothing(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;

    assert_ok(strata_batch_put(batch, S("c"), S("1"), &err), &err);
    assert_ok(strata_batch_delete_range(batch, S("b"), S("d"), &err), &err);
    assert_ok(strata_batch_put(batch, S("x"), S("1"), &err), &err);
    for (uint64_t at = 1, failed = 1; failed; at++) {
        int rc;

        assert_ok(strata_put(db, S("b"), S("1"), &err), &err);
        assert_ok(strata_delete(db, S("x"), &err), &err);
        allocations.failed = 0;
        allocations.at = at;
        allocations.on = true;
        rc = strata_write(db, batch, 0, &err);
        allocations.on = false;
        failed = allocations.failed;
        allocations.at = 0;
        assert_true(rc == 0 || (failed && rc == STRATA_ERR_NO_MEMORY));
        expect(db, "b", rc == 0 ? NULL : "1");
        expect(db, "c", NULL);
        expect(db, "x", rc == 0 ? "1" : NULL);
        assert_ok(strata_delete_range(db, S("b"), S("d"), 0, &err), &err);
        expect(db, "b", NULL);
    }
    strata_batch_free(batch);
    place_close(db);
}

/* ---- Threads --------------------------------------------------------------------------------- */

#define ROUNDS 300

/* A batch puts two keys, and another deletes both: nobody finds one alone. */
static void *put_pairs(void *arg)
{
    struct strata_batch *put = strata_batch_new(), *gone = strata_batch_new();
    struct strata_error err;

    assert_ok(strata_batch_put(put, S("pair1"), S("v"), &err), &err);
    assert_ok(strata_batch_put(put, S("pair2"), S("v"), &err), &err);
    assert_ok(strata_batch_delete_range(gone, S("pair"), S("pais"), &err), &err);
    for (int i = 0; i < ROUNDS; i++)
        assert_ok(strata_write(arg, i % 2 ? gone : put, 0, &err), &err);
    strata_batch_free(put);
    strata_batch_free(gone);
    return NULL;
}

static void *delete_pairs(void *arg)
{
    struct strata_error err;

    for (int i = 0; i < ROUNDS; i++)
        assert_ok(strata_delete_range(arg, S("pair"), S("pais"), 0, &err), &err);
    return NULL;
}

static void range_beside_threads_leaves_no_half(void **state)
{
    struct strata *db = place_open(*state, true);
    struct sync_thread threads[3];
    struct strata_error err;

    assert_int_equal(sync_start(&threads[0], put_pairs, db), 0);
    assert_int_equal(sync_start(&threads[1], put_pairs, db), 0);
    assert_int_equal(sync_start(&threads[2], delete_pairs, db), 0);
    for (int i = 0; i < ROUNDS; i++) {
        struct strata_iter *iter;
        int count = 0;
        assert_ok(strata_iter_new(db, &iter, &err), &err);
        for (int rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err))
            count++;
        assert_int_equal(count % 2, 0);
        strata_iter_free(iter);
    }
    for (int i = 0; i < 3; i++)
        sync_join(&threads[i]);
    place_close(db);
}

#define stage_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(group_range_deletes_what_is_written_before_it),
        stage_test(group_range_conflicts_with_who_comes_after_it),
        stage_test(group_range_step_stops_where_it_says),
        cmocka_unit_test(range_killed_anywhere_is_deleted_or_not),
        cmocka_unit_test(range_power_cut_anywhere_is_deleted_or_not),
        stage_test(range_without_memory_changes_nothing),
        stage_test(range_beside_threads_leaves_no_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
