/* 13_filter_test.c: the program's filter: what it drops is deleted, some time later. */
#include "../crash/allocations.h"
#include "base/prng.h"
#include "crash/history.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"
#include "place.h"
#include "strata.h"
#include "test.h"
#include "threads/sync.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define S(text) strata_string(text)

static _Atomic bool keeps_all; /* the filter */
static _Atomic uint64_t hour;

static uint64_t read_clock(void *arg)
{
    (void)arg;
    return hour;
}

/* Drops values that begin with "old". */
static enum strata_filter drop_old(void *arg, struct strata_slice key, struct strata_slice value)
{
    (void)arg, (void)key;
    return !keeps_all && value.size >= 3 && memcmp(value.data, "old", 3) == 0 ? STRATA_FILTER_DROP
                                                                              : STRATA_FILTER_KEEP;
}

static struct strata *open_in(struct strata_fs *fs, const char *dir, bool create)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    keeps_all = false;
    subject_options(&options, fs, create);
    options.filter = drop_old;
    options.clock = read_clock;
    assert_ok(strata_open(dir, &options, &db, &err), &err);
    return db;
}

static struct strata *open_filtered(struct place *place, bool create)
{
    return open_in(place->fs, place->dir, create);
}

static void put(struct strata *db, const char *key, const char *value)
{
    struct strata_error err;

    assert_ok(strata_put(db, S(key), S(value), &err), &err);
}

static int get(struct strata *db, const char *key)
{
    struct strata_error err;
    int rc = strata_get(db, S(key), NULL, &err);

    assert_ok(rc < 0 ? rc : 0, &err);
    return rc;
}

static void flush(struct strata *db)
{
    struct strata_error err;

    assert_ok(strata_flush(db, &err), &err);
}

static void filter_drops_with_the_next_write(void **state)
{
    struct strata *db = open_filtered(*state, true);
    struct strata_error err;
    uint64_t deletes;

    put(db, "a", "old");
    put(db, "b", "new");
    put(db, "c", "older");
    assert_ok(strata_delete(db, S("d"), &err), &err);
    assert_int_equal(get(db, "a"), 0); /* nothing has been rewritten */
    flush(db);
    put(db, "a", "new"); /* 13.I6 */
    assert_int_equal(get(db, "a"), 0);
    assert_int_equal(get(db, "b"), 0);
    assert_int_equal(get(db, "c"), STRATA_NOT_FOUND);
    assert_ok(strata_property(db, "filter_deletes", &deletes, &err), &err);
    assert_int_equal(deletes, 1);
    place_close(db);
    db = place_open(*state, false);
    assert_int_equal(get(db, "c"), STRATA_NOT_FOUND);
    assert_int_equal(get(db, "a"), 0);
    place_close(db);
}

static void filter_is_asked_of_what_a_merge_leaves(void **state)
{
    struct strata *db = open_filtered(*state, true);
    struct strata_error err;

    put(db, "a", "old");
    put(db, "b", "old");
    flush(db);
    keeps_all = true; /* it may change its mind */
    put(db, "x", "");
    assert_int_equal(get(db, "a"), 0);
    keeps_all = false;
    put(db, "a", "old");
    put(db, "b", "old");
    flush(db);
    assert_ok(strata_merge(db, STRATA_OP_APPEND, S("a"), S("er"), 0, &err), &err);
    assert_int_equal(get(db, "a"), STRATA_NOT_FOUND);
    assert_int_equal(get(db, "b"), STRATA_NOT_FOUND);
    place_close(db);
}

/* 13.I8. */
static void filter_deletes_what_has_expired(void **state)
{
    struct strata *db = open_filtered(*state, true);
    struct strata_error err;
    uint64_t deletes;

    hour = 1;
    for (const char *key = "abcd"; *key; key++)
        assert_ok(strata_put_until(db, strata_bytes(key, 1), S("new"), 2, 0, &err), &err);
    assert_ok(strata_put_until(db, S("d"), S("new"), 3, 0, &err), &err);
    flush(db);
    put(db, "x", "");
    hour = 2;
    assert_ok(strata_put_until(db, S("b"), S("newer"), 3, 0, &err), &err);
    flush(db);
    put(db, "b", "newest");
    assert_ok(strata_compact(db, NULL, &err), &err);
    put(db, "x", "");
    assert_ok(strata_property(db, "filter_deletes", &deletes, &err), &err);
    assert_true(deletes >= 2);
    hour = 1; /* what is there now, if nothing expired */
    assert_int_equal(get(db, "a"), STRATA_NOT_FOUND);
    assert_int_equal(get(db, "b"), 0);
    assert_int_equal(get(db, "c"), STRATA_NOT_FOUND);
    assert_int_equal(get(db, "d"), 0);
    place_close(db);
}

/* 13.I5. */
static void filter_leaves_snapshots_as_they_were(void **state)
{
    struct strata *db = open_filtered(*state, true);
    struct strata_snapshot *snapshot;
    struct strata_txn *txn;
    struct strata_error err;

    put(db, "a", "old");
    assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
    assert_ok(strata_begin(db, NULL, &txn, &err), &err);
    assert_ok(strata_txn_get(txn, S("a"), NULL, &err), &err);
    assert_ok(strata_txn_put(txn, S("b"), S("a was there"), &err), &err);
    put(db, "a", "older"); /* two versions in one table */
    flush(db);
    put(db, "x", "");
    assert_int_equal(get(db, "a"), STRATA_NOT_FOUND);
    flush(db);
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_ok(strata_snapshot_get(snapshot, S("a"), NULL, &err), &err);
    assert_ok(strata_txn_get(txn, S("a"), NULL, &err), &err);
    assert_code(strata_txn_commit(txn, 0, NULL, &err), STRATA_CONFLICT, &err);
    strata_txn_free(txn);
    strata_snapshot_free(snapshot);
    place_close(db);
}

static void filter_drop_conflicts_with_who_has_read(void **state)
{
    struct strata *db = open_filtered(*state, true);
    struct strata_txn *txn;
    struct strata_error err;

    put(db, "a", "old");
    flush(db);
    assert_ok(strata_begin(db, NULL, &txn, &err), &err);
    assert_ok(strata_txn_get(txn, S("a"), NULL, &err), &err);
    assert_ok(strata_txn_put(txn, S("b"), S("a was there"), &err), &err);
    put(db, "x", "");
    assert_int_equal(get(db, "a"), STRATA_NOT_FOUND);
    assert_code(strata_txn_commit(txn, 0, NULL, &err), STRATA_CONFLICT, &err);
    strata_txn_free(txn);
    place_close(db);
}

/* What the filter keeps is as the model has it; what it drops is so, or gone. */
static bool agrees(const struct model *now, const struct model *model)
{
    size_t kept = 0, wanted = 0;

    for (size_t i = 0; i < now->count; i++) {
        const struct model_entry *want = model_get(model, now->entries[i].key);
        if (!want || strata_compare(now->entries[i].value, want->value) != 0)
            return false;
        kept += drop_old(NULL, want->key, want->value) == STRATA_FILTER_KEEP;
    }
    for (size_t i = 0; i < model->count; i++)
        wanted +=
            drop_old(NULL, model->entries[i].key, model->entries[i].value) == STRATA_FILTER_KEEP;
    return kept == wanted;
}

static void compare(struct strata *db, const struct model *model)
{
    struct model now = {0};
    struct strata_error err;

    assert_ok(model_read(&now, db, &err), &err);
    assert_true(agrees(&now, model));
    model_free(&now);
}

static void filter_keeps_what_it_does_not_drop(void **state)
{
    struct strata *db = open_filtered(*state, true);
    struct model model = {0};
    struct prng prng = {7};
    struct strata_error err;
    char key[20], value[40];
    uint64_t deletes;

    for (int i = 0; i < 4000; i++) {
        snprintf(key, sizeof key, "key%03d", (int)prng_below(&prng, 150));
        snprintf(value, sizeof value, "%s %d", prng_below(&prng, 3) ? "new" : "old", i);
        if (prng_below(&prng, 8) == 0) {
            assert_ok(strata_delete(db, S(key), &err), &err);
            model_delete(&model, S(key));
        } else {
            put(db, key, value);
            model_put(&model, S(key), S(value));
        }
        if (prng_below(&prng, 200) == 0)
            compare(db, &model);
        if (prng_below(&prng, 900) == 0) {
            place_close(db);
            db = open_filtered(*state, false);
        }
    }
    compare(db, &model);
    for (int i = 0; i < 12; i++) { /* each group deletes some of them */
        assert_ok(strata_flush(db, &err), &err);
        assert_ok(strata_compact(db, NULL, &err), &err);
        put(db, "last", "new");
    }
    model_put(&model, S("last"), S("new"));
    compare(db, &model);
    assert_ok(strata_property(db, "filter_deletes", &deletes, &err), &err);
    assert_true(deletes > 0);
    place_close(db);
    model_free(&model);
}

/* ---- Crashes --------------------------------------------------------------------------------- */

#define WRITES 110

/* What a crash leaves is as after some of the writes, those that were synced among them, but for
 * what the filter drops. */
static int judge(void *arg, struct strata_fs *fs, const struct fs_sim_state *info)
{
    const struct history *history = arg;
    struct strata *db = open_in(fs, "/db", false);
    struct model now = {0}, model = {0};
    struct strata_error err;
    bool found = false;

    assert_ok(model_read(&now, db, &err), &err);
    for (uint64_t n = info->synced; n <= info->issued && !found; n++) {
        history_model(history, (size_t)n, &model);
        found = agrees(&now, &model);
    }
    model_free(&now);
    model_free(&model);
    put(db, "last", "new"); /* and goes on */
    place_close(db);
    return !found;
}

static void crash_it(enum fs_sim_model kind)
{
    struct fs_sim_plan plan = {.model = kind, .stride = check_quick() ? 13 : 3, .prefix_limit = 1};
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_in(fs, "/db", true);
    struct history history = {0};
    struct fs_sim_totals totals;
    struct prng prng = {3};
    struct strata_error err;
    uint64_t deletes;

    assert_int_equal(fs_sim_record(fs), 0);
    for (uint64_t n = 1; n <= WRITES; n++) {
        char key[20], value[60];
        bool synced = prng_below(&prng, 2);
        snprintf(key, sizeof key, "key%02d", (int)prng_below(&prng, 25));
        snprintf(value, sizeof value, "%s %d, and some more that fills memtables",
                 prng_below(&prng, 2) ? "new" : "old", (int)n);
        history_put(&history, S(key), S(value));
        fs_sim_start(fs, n);
        assert_ok(strata_put_with(db, S(key), S(value),
                                  synced ? STRATA_WRITE_SYNC : STRATA_WRITE_NO_SYNC, &err),
                  &err);
        fs_sim_ack(fs, n, synced);
    }
    assert_ok(strata_property(db, "filter_deletes", &deletes, &err), &err);
    assert_true(deletes > 5);
    fs_sim_record_stop(fs);
    place_close(db);
    assert_int_equal(fs_sim_states(fs, &plan, judge, &history, &totals), 0);
    print_message("# %llu deletes of the filter, %llu distinct states\n",
                  (unsigned long long)deletes, (unsigned long long)totals.distinct);
    assert_true(totals.distinct > 300);
    history_free(&history);
    fs_free(fs);
}

static void filter_killed_anywhere_loses_nothing_that_it_keeps(void **state)
{
    (void)state;
    crash_it(FS_SIM_KILL);
}

static void filter_power_cut_anywhere_loses_nothing_that_it_keeps(void **state)
{
    (void)state;
    crash_it(FS_SIM_POSIX);
}

/* ---- Without memory -------------------------------------------------------------------------- */

/* Whichever allocation fails: what is kept is there, and what is dropped is so in the end. */
static void filter_without_memory_drops_later(void **state)
{
    for (uint64_t at = 1, failed = 1; failed; at++) {
        struct strata *db = open_filtered(*state, at == 1);
        struct strata_error err;
        int rc;

        put(db, "a", "old");
        put(db, "b", "new");
        flush(db);
        put(db, "a", "old");
        allocations.failed = 0;
        allocations.at = at;
        allocations.on = true;
        rc = strata_flush(db, &err);
        if (rc == 0)
            rc = strata_put(db, S("c"), S("new"), &err);
        allocations.on = false;
        failed = allocations.failed;
        allocations.at = 0;
        assert_true(rc == 0 || (failed && rc == STRATA_ERR_NO_MEMORY));
        assert_int_equal(get(db, "b"), 0);
        put(db, "a", "old");
        flush(db);
        put(db, "c", "new");
        assert_int_equal(get(db, "a"), STRATA_NOT_FOUND);
        assert_int_equal(get(db, "b"), 0);
        place_close(db);
    }
}

#define THREADS 4

static void *write_some(void *arg)
{
    static _Atomic int numbers;
    int number = atomic_fetch_add(&numbers, 1);
    struct strata *db = arg;
    struct strata_error err;
    char key[20];

    for (int i = 0; i < 400; i++) {
        snprintf(key, sizeof key, "key%03d", (i + number) % 60);
        put(db, key, i % 3 ? "new" : "old");
        assert_ok(strata_merge(db, STRATA_OP_APPEND, S(key), S("x"), 0, &err), &err);
    }
    return NULL;
}

static void filter_beside_threads_that_write(void **state)
{
    struct strata *db = open_filtered(*state, true);
    struct sync_thread threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(sync_start(&threads[i], write_some, db), 0);
    for (int i = 0; i < THREADS; i++)
        sync_join(&threads[i]);
    flush(db);
    place_close(db);
}

#define stage_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(filter_drops_with_the_next_write),
        stage_test(filter_is_asked_of_what_a_merge_leaves),
        stage_test(filter_deletes_what_has_expired),
        stage_test(filter_leaves_snapshots_as_they_were),
        stage_test(filter_drop_conflicts_with_who_has_read),
        stage_test(filter_keeps_what_it_does_not_drop),
        cmocka_unit_test(filter_killed_anywhere_loses_nothing_that_it_keeps),
        cmocka_unit_test(filter_power_cut_anywhere_loses_nothing_that_it_keeps),
        stage_test(filter_without_memory_drops_later),
        stage_test(filter_beside_threads_that_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
