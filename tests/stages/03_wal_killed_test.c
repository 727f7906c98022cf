/* 03_wal_killed_test.c: a process is killed, another one goes on, and then the power is cut. What
 * the killed one wrote and did not sync is still in the kernel: the next opener sees it, builds on
 * it, and must not take it for safe. And the power cut alone, under less than "always". */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <stdio.h>

#define S(text) strata_string(text)

enum { OPENED = 1, WRITTEN = 2 }; /* what the second life has done: all that it saw is safe */

struct life {
    struct strata_fs *fs;
    enum strata_sync sync;
    int stored;   /* puts acknowledged */
    int safe;     /* ... as synced */
    int failures; /* states that lost something */
    char example[900];
};

static struct strata_options options_of(struct strata_fs *fs, enum strata_sync sync)
{
    struct strata_options options;
    subject_options(&options, fs, true);
    options.segment_bytes = 250;
    options.sync = sync;
    return options;
}

/* Works until a call fails: then it was killed there. */
static void first_life(struct life *life)
{
    struct strata_options options = options_of(life->fs, life->sync);
    struct strata *db;
    int rc = strata_open("db", &options, &db, NULL);

    life->stored = life->safe = 0;
    if (rc < 0)
        return;
    for (int i = 0; rc == 0 && i < 8; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%d", i);
        rc = strata_delete(db, S("again"), NULL);
        if (rc == 0)
            rc = strata_put(db, S("again"), S("and again"), NULL);
        if (rc == 0)
            rc = strata_put(db, S(key), S(key), NULL);
        if (rc == 0)
            life->stored = i + 1;
        if (rc == 0 && life->sync == STRATA_SYNC_ALWAYS)
            life->safe = i + 1;
        if (rc == 0 && i == 5)
            rc = strata_compact(db, NULL, NULL);
    }
    strata_close(db, NULL);
}

static int holds(struct strata *db, int count)
{
    for (int i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%d", i);
        if (strata_get(db, S(key), NULL, NULL) != 0)
            return 0;
    }
    return 1;
}

static void second_life(struct life *life)
{
    struct strata_options options = options_of(life->fs, STRATA_SYNC_ALWAYS);
    struct strata_error err = {0};
    struct strata *db;

    fs_sim_start(life->fs, OPENED);
    assert_ok(strata_open("db", &options, &db, &err), &err);
    fs_sim_ack(life->fs, OPENED, true);
    assert_true(holds(db, life->stored));
    fs_sim_start(life->fs, WRITTEN);
    assert_ok(strata_put(db, S("after"), S("the kill"), &err), &err);
    fs_sim_ack(life->fs, WRITTEN, true);
    strata_close(db, NULL);
}

static int judge(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct life *life = arg;
    struct strata_options options = options_of(state, STRATA_SYNC_ALWAYS);
    struct strata_error err = {0};
    struct strata *db = NULL;
    char text[600] = "something is gone";
    int rc = strata_open("db", &options, &db, &err);

    if (rc < 0)
        strata_error_text(&err, text, sizeof text);
    if (rc < 0 || !holds(db, info->synced >= OPENED ? life->stored : life->safe) ||
        (info->synced >= WRITTEN && strata_get(db, S("after"), NULL, NULL) != 0)) {
        if (life->failures++ == 0)
            snprintf(life->example, sizeof life->example, "call %d %s %s, %s: %s", (int)info->call,
                     info->kind < FS_CALL_COUNT ? fs_call_name(info->kind) : "end", info->path,
                     info->choice, text);
    }
    strata_close(db, NULL);
    return 0;
}

/* The first life ends at call `at`; false: it had not so many. */
static bool killed_at(uint64_t at, enum strata_sync sync, enum fs_sim_model model)
{
    struct life life = {.fs = fs_sim_new(), .sync = sync};
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = at, .for_ever = true};
    struct fs_sim_plan plan = {.model = model};
    struct fs_sim_totals totals;
    bool struck;

    assert_int_equal(fs_sim_record(life.fs), 0);
    fs_sim_fail(life.fs, &fault);
    first_life(&life);
    struck = fs_sim_failed(life.fs) > 0;
    fs_sim_fail(life.fs, NULL);
    plan.from = fs_sim_trace_calls(life.fs) + 1;
    second_life(&life);
    fs_sim_record_stop(life.fs);
    assert_int_equal(fs_sim_states(life.fs, &plan, judge, &life, &totals), 0);
    if (life.failures)
        fail_msg("killed at call %d, then %d of %d states lost something; %s", (int)at,
                 life.failures, (int)totals.distinct, life.example);
    fs_free(life.fs);
    return struck;
}

static void kill_everywhere(enum strata_sync sync, enum fs_sim_model model)
{
    uint64_t at = 1;
    while (killed_at(at, sync, model))
        at++;
    assert_true(at > 100);
}

static void killed_then_cut_ordered_loses_nothing(void **state)
{
    (void)state;
    kill_everywhere(STRATA_SYNC_ALWAYS, FS_SIM_ORDERED);
}

static void killed_then_cut_posix_loses_nothing(void **state)
{
    (void)state;
    kill_everywhere(STRATA_SYNC_ALWAYS, FS_SIM_POSIX);
}

/* Whatever was not synced by the first, is by the second, before it acknowledges. */
static void killed_unsynced_then_cut_loses_nothing(void **state)
{
    (void)state;
    kill_everywhere(STRATA_SYNC_NEVER, FS_SIM_ORDERED);
    kill_everywhere(STRATA_SYNC_NEVER, FS_SIM_POSIX);
}

/* ---- Less than "always" ---------------------------------------------------------------- */

enum { PUTS = 30 };

struct unsynced {
    int failures, fewer; /* states that are no prefix or too short; ... shorter than all puts */
    char example[900];
};

/* Puts without waiting, with a sync in the middle; every state holds the first few of them. */
static int judge_prefix(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct unsynced *unsynced = arg;
    struct strata_options options = options_of(state, STRATA_SYNC_ALWAYS);
    struct strata_error err = {0};
    struct strata *db = NULL;
    int rc = strata_open("db", &options, &db, &err), there = 0, first = PUTS;

    for (int i = 0; rc == 0 && i < PUTS; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%d", i);
        if (strata_get(db, S(key), NULL, NULL) == 0)
            there++;
        else if (first == PUTS)
            first = i;
    }
    unsynced->fewer += rc == 0 && there < PUTS;
    if ((rc < 0 || there != first || there < (int)info->synced) && unsynced->failures++ == 0)
        snprintf(unsynced->example, sizeof unsynced->example,
                 "call %d, %s: %d, the first missing is %d, synced %d; %s", (int)info->call,
                 info->choice, there, first, (int)info->synced, err.message);
    strata_close(db, NULL);
    return 0;
}

static void cut_before_the_sync(enum strata_sync sync, enum fs_sim_model model)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options = options_of(fs, sync);
    struct fs_sim_plan plan = {.model = model};
    struct unsynced unsynced = {0};
    struct fs_sim_totals totals;
    struct strata_error err;
    struct strata *db;

    options.segment_bytes = 2000; /* some sectors, and more than one segment */
    options.sync_interval_bytes = 400;
    assert_ok(strata_open("db", &options, &db, &err), &err);
    assert_int_equal(fs_sim_record(fs), 0);
    for (int i = 0; i < PUTS; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%d", i);
        fs_sim_start(fs, (uint64_t)i + 1);
        assert_ok(strata_put(db, S(key), S("a value"), &err), &err);
        fs_sim_ack(fs, (uint64_t)i + 1, false);
        if (i == PUTS / 2) {
            assert_ok(strata_sync(db, &err), &err);
            fs_sim_ack(fs, (uint64_t)i + 1, true);
        }
    }
    fs_sim_record_stop(fs);
    assert_int_equal(fs_sim_states(fs, &plan, judge_prefix, &unsynced, &totals), 0);
    if (unsynced.failures)
        fail_msg("%d of %d states; %s", unsynced.failures, (int)totals.distinct, unsynced.example);
    assert_true(unsynced.fewer > PUTS);
    assert_int_equal(strata_close(db, NULL), 0);
    fs_free(fs);
}

static void cut_with_less_than_always_leaves_a_prefix(void **state)
{
    (void)state;
    cut_before_the_sync(STRATA_SYNC_NEVER, FS_SIM_ORDERED);
    cut_before_the_sync(STRATA_SYNC_NEVER, FS_SIM_POSIX);
    cut_before_the_sync(STRATA_SYNC_INTERVAL, FS_SIM_POSIX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_then_cut_ordered_loses_nothing),
        cmocka_unit_test(killed_then_cut_posix_loses_nothing),
        cmocka_unit_test(killed_unsynced_then_cut_loses_nothing),
        cmocka_unit_test(cut_with_less_than_always_leaves_a_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
