/* script_test.c: the scripts that databases are crashed with: each step does what it says, a script
 * that fails says so, and a history can be cut back to nothing. */
#include "test.h"

#include "crash/explore/campaign.h"
#include "crash/sim/fs_sim.h"
#include "crash/script.h"
#include "crash/subject.h"
#include "crash/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIR "disk/db"
#define S(text) strata_string(text)

static int set_up(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    assert_non_null(fs);
    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    *state = fs;
    return 0;
}

static int tear_down(void **state)
{
    assert_int_equal(fs_sim_open_files(*state), 0);
    fs_free(*state);
    return 0;
}

/* The number of the workload of that name. */
static size_t number_of(const char *wanted)
{
    for (size_t i = 0;; i++) {
        struct script script = {0};
        const char *name = workload_fill(i, 1, &script);
        script_free(&script);
        assert_non_null(name);
        if (strcmp(name, wanted) == 0)
            return i;
    }
}

static void expect_model(struct strata_fs *fs, const struct script *script)
{
    struct model model = {0};
    struct strata_error err;
    struct strata *db;

    history_model(&script->history, script->history.count, &model);
    assert_ok(subject_open(fs, DIR, false, &db, &err), &err);
    assert_model(&model, db);
    assert_ok(strata_close(db, &err), &err);
    model_free(&model);
}

/* On a file layer that keeps no trace, as the real one, and on one that does. */
static void script_of_every_kind_leaves_what_it_wrote(void **state)
{
    (void)state;
    for (int sim = 0; sim <= 1; sim++)
        for (size_t i = 0;; i++) {
            struct script script = {0};
            struct script_run run;
            void *fs;
            if (!workload_fill(i, 1, &script))
                break;
            set_up(&fs);
            script_run_init(&run, &script, fs, DIR, sim);
            assert_ok(script_run(&run), &run.err);
            assert_int_equal(run.acknowledged, script.history.count);
            assert_int_equal(run.answers.wrong + run.answers.errors, 0);
            expect_model(fs, &script);
            script_free(&script);
            tear_down(&fs);
        }
}

static void script_may_hold_twice_and_release_what_is_not_held(void **state)
{
    struct script script = {0};
    struct script_run run;

    script_put(&script, "a", "1");
    script_add(&script, SCRIPT_RELEASE);
    script_add(&script, SCRIPT_HOLD);
    script_put(&script, "b", "2");
    script_add(&script, SCRIPT_HOLD);
    script_run_init(&run, &script, *state, DIR, true);
    assert_ok(script_run(&run), &run.err); /* what is held still goes when it is closed */
    assert_null(run.held);
    expect_model(*state, &script);
    script_free(&script);
}

/* What it must show is what there was when it was made; here it is said to be more. */
static void script_held_iterator_that_shows_something_else_is_noticed(void **state)
{
    for (uint64_t more = 0; more <= 1; more++) {
        struct script script = {0};
        struct script_run run;

        script_put(&script, "a", "1");
        script_add(&script, SCRIPT_HOLD);
        script_put(&script, "a", "2");
        script_add(&script, SCRIPT_COMPACT);
        script_add(&script, SCRIPT_RELEASE);
        script_run_init(&run, &script, *state, more ? DIR : "disk/other", true);
        for (int i = 0; i < 4; i++)
            assert_ok(script_step(&run), &run.err);
        run.held_at += more;
        assert_ok(script_step(&run), &run.err);
        assert_int_equal(run.answers.wrong,
                         subject_promises(STRATA_PROMISE_SNAPSHOT) ? 2 * more : more);
        assert_ok(script_close(&run), &run.err);
        script_free(&script);
    }
}

static void script_synced_write_is_synced_alone(void **state)
{
    struct strata_fs *fs = *state;
    struct script script = {.unsynced = true};
    struct script_run run;
    uint64_t syncs = 0;

    script_put(&script, "a", "1");
    script_put(&script, "b", "2");
    script_add(&script, SCRIPT_SYNCED);
    script_put(&script, "c", "3");
    script_put(&script, "d", "4");
    script_run_init(&run, &script, fs, DIR, true);
    for (size_t i = 0; i < script.count; i++) {
        assert_ok(script_step(&run), &run.err);
        if (i == 0)
            syncs = fs->calls[FS_CALL_SYNC]; /* of the files that were made */
        assert_int_equal(fs->calls[FS_CALL_SYNC] - syncs, i >= 3);
        assert_int_equal(run.synced, i >= 3 ? 3 : 0);
    }
    assert_ok(script_close(&run), &run.err);
    script_free(&script);
}

static void script_grows(void **state)
{
    struct script script = {0};
    char key[16];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "%d", i);
        script_put(&script, key, key);
    }
    assert_int_equal(script.count, 1000);
    assert_int_equal(script.history.count, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(script.steps[i], SCRIPT_WRITE);
    assert_bytes(script.history.ops[999].key, S("999"));
    script_free(&script);
}

static void script_skips_a_step_of_any_kind(void **state)
{
    struct script script = {0};
    struct script_run run;

    script_add(&script, SCRIPT_COMPACT);
    script_put(&script, "a", "1");
    script_run_init(&run, &script, *state, DIR, true);
    script_skip(&run);
    assert_int_equal(run.acknowledged, 0);
    script_skip(&run);
    assert_int_equal(run.acknowledged, 1);
    assert_int_equal(script_step(&run), STRATA_NOT_FOUND);
    assert_int_equal(script_close(&run), 0);
    script_free(&script);
}

static void script_that_fails_stops_where_it_is(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1, .for_ever = true};
    struct script script = {0};
    struct script_run run;

    script_put(&script, "a", "1");
    script_settle(&script);
    script_run_init(&run, &script, *state, DIR, true);
    fs_sim_fail(*state, &fault);
    assert_code(script_settle_run(&run), STRATA_ERR_IO, &run.err);
    assert_int_equal(run.at, 0);
    fs_sim_fail(*state, NULL);
    assert_ok(script_settle_run(&run), &run.err);
    assert_int_equal(run.acknowledged, 1);
    assert_int_equal(script_close(&run), 0);
    script_free(&script);
}

static void script_with_a_step_that_is_none_is_invalid(void **state)
{
    struct script script = {0};
    struct script_run run;

    script_add(&script, (enum script_step)99);
    script_run_init(&run, &script, *state, DIR, true);
    assert_int_equal(script_run(&run), STRATA_ERR_INVALID);
    script_free(&script);
}

static void workload_is_drawn_by_a_seed_or_is_not(void **state)
{
    (void)state;
    assert_false(workload_is_drawn(number_of("writes")));
    assert_false(workload_is_drawn(number_of("merge")));
    assert_false(workload_is_drawn(number_of("held")));
    assert_true(workload_is_drawn(number_of("mixed")));
    assert_true(workload_is_drawn(number_of("unsynced")));
}

/* ---- A campaign of several ------------------------------------------------------------- */

/* The first workload fails before any crash: that ends the campaign, and it says which. */
static void campaign_ends_with_a_workload_that_fails(void **state)
{
    static const enum fs_sim_model models[] = {FS_SIM_KILL, FS_SIM_POSIX};

    (void)state;
    for (int depth = CAMPAIGN_QUICK; depth <= CAMPAIGN_USUAL; depth++)
        for (size_t m = 0; m < 2; m++) {
            struct workload workloads[2] = {{.name = "bad"}, {.name = "never begun"}};
            struct campaign *c = calloc(1, sizeof *c);
            assert_non_null(c);
            script_add(&workloads[0].script, (enum script_step)99);
            script_put(&workloads[1].script, "a", "1");
            c->workloads = workloads;
            c->count = 2;
            c->promised = true;
            c->depth = (enum campaign_depth)depth;
            c->explore.plan.model = models[m];
            assert_int_equal(campaign_run(c), STRATA_ERR_INVALID);
            assert_ptr_equal(c->now, &workloads[0]);
            assert_non_null(c->explore.example);
            assert_int_equal(c->explore.totals.states, 0);
            script_free(&workloads[0].script);
            script_free(&workloads[1].script);
            free(c);
        }
}

/* ---- Histories ------------------------------------------------------------------------- */

static void history_is_cut_back_to_nothing(void **state)
{
    struct history history = {0};
    struct model model = {0};

    (void)state;
    history_put(&history, S("a"), S("1"));
    history_put(&history, S("b"), S("2"));
    history_cut(&history, 1);
    assert_int_equal(history.count, 1);
    assert_int_equal(history.op_count, 1);
    history_cut(&history, 0);
    assert_int_equal(history.count, 0);
    assert_int_equal(history.op_count, 0);
    history_put(&history, S("c"), S("3"));
    history_model(&history, 1, &model);
    assert_int_equal(model.count, 1);
    assert_bytes(model.entries[0].key, S("c"));
    model_free(&model);
    history_free(&history);
}

#define ON_SIM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(script_of_every_kind_leaves_what_it_wrote),
        ON_SIM(script_may_hold_twice_and_release_what_is_not_held),
        ON_SIM(script_held_iterator_that_shows_something_else_is_noticed),
        ON_SIM(script_synced_write_is_synced_alone),
        cmocka_unit_test(script_grows),
        ON_SIM(script_skips_a_step_of_any_kind),
        ON_SIM(script_that_fails_stops_where_it_is),
        ON_SIM(script_with_a_step_that_is_none_is_invalid),
        cmocka_unit_test(workload_is_drawn_by_a_seed_or_is_not),
        cmocka_unit_test(campaign_ends_with_a_workload_that_fails),
        cmocka_unit_test(history_is_cut_back_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
