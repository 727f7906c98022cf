/* kill_model_test.c: kill -9 at every call of the file layer and after every byte of every write,
 * on fs_sim; nothing acknowledged may be missing, at any stage. */
#include "test.h"

#include "crash/explore/explore.h"
#include "crash/subject.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_result(const char *name, const struct explore *e)
{
    printf("# kill model, stage %u, \"%s\": %" PRIu64 " states, %" PRIu64 " distinct, %" PRIu64
           " of a second crash; %" PRIu64 " with a torn tail, %" PRIu64
           " with no database yet, %" PRIu64 " with an unacknowledged write; %" PRIu64
           " violations\n",
           subject_info()->stage, name, e->totals.states, e->totals.distinct, e->again.distinct,
           e->torn, e->absent, e->unacknowledged, e->violations);
    fflush(stdout);
}

/* Explores built-in script `index` with these settings, expecting no violation. */
static void explore_builtin(size_t index, struct explore *e)
{
    struct script script = {0};
    const char *name = script_builtin(index, &script);

    assert_non_null(name);
    e->script = &script;
    e->plan.model = FS_SIM_KILL;
    if (explore_run(e) < 0)
        fail_msg("%s: %s", name, e->example);
    print_result(name, e);
    if (e->violations)
        fail_msg("%s: %s", name, e->example);
    e->script = NULL;
    script_free(&script);
}

/* Index of the built-in script of that name. */
static size_t find(const char *wanted)
{
    for (size_t i = 0;; i++) {
        struct script script = {0};
        const char *name = script_builtin(i, &script);
        script_free(&script);
        assert_non_null(name);
        if (strcmp(name, wanted) == 0)
            return i;
    }
}

/* How many of the states are crashed once more: one in `often`, and where time is dear in `quick`;
 * fewer of a tree of tables, stage 4 and later ones that promise as much, whose states are many and
 * whose opening is more work (`make crash-full` leaves none out). (Not a multiple of two: states
 * are made in a rhythm.) */
static unsigned sampled(unsigned often, unsigned quick)
{
    const struct strata_stage_info *info = subject_info();
    bool tree = info->stage >= 4 && (info->promises & STRATA_PROMISE_POWER_CUT);

    if (tree && info->stage >= 5)
        quick *= 5;
    if (tree && check_quick())
        quick *= 3;
    return check_quick() || check_sanitized() || tree ? quick : often;
}

static void kill_model_at_creation_leaves_no_database_or_an_empty_one(void **state)
{
    struct explore e = {.twice = sampled(3, 23)};

    (void)state;
    explore_builtin(find("nothing"), &e);
    assert_true(e.absent > 0);
    assert_true(e.absent < e.totals.distinct + e.again.distinct);
    assert_enough(e.totals.distinct, 8);
    assert_enough(e.again.distinct, 100);
}

static void kill_model_at_any_byte_of_any_write_loses_nothing_acknowledged(void **state)
{
    struct explore e = {0};

    (void)state;
    explore_builtin(find("writes"), &e);
    assert_enough(e.totals.distinct, 300);
    assert_enough(e.torn, 200);
}

static void kill_model_across_reopening_loses_nothing_acknowledged(void **state)
{
    struct explore e = {0};

    (void)state;
    explore_builtin(find("reopens"), &e);
    assert_enough(e.totals.distinct, 300);
    assert_enough(e.torn, 200);
}

static void kill_model_within_a_large_value_drops_it_whole(void **state)
{
    struct explore e = {.plan.prefix_limit = 4096};

    (void)state;
    explore_builtin(find("large"), &e);
    assert_enough(e.totals.distinct, 300);
    assert_enough(e.torn, 250);
}

/* After a torn tail recovery repairs, writes go on, and all of that is killed again. */
static void kill_model_during_recovery_loses_nothing_acknowledged(void **state)
{
    static const char *const names[] = {"writes", "reopens"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct explore e = {.twice = sampled(13, 61)};
        explore_builtin(find(names[i]), &e);
        assert_enough(e.again.distinct, 600);
        assert_enough(e.torn, 700);
    }
}

static void kill_model_during_recovery_from_half_a_large_value_loses_nothing(void **state)
{
    struct explore e = {.plan.prefix_limit = 4096, .twice = sampled(97, 211)};

    (void)state;
    explore_builtin(find("large"), &e);
    assert_enough(e.again.distinct, 20);
}

/* A marker is replaced by a rename; a kill before it leaves the new one under another name. */
static void kill_model_leftover_of_a_replaced_marker_is_removed(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct script script = {0};
    struct script_run run;
    struct oracle_report report;
    struct oracle oracle = {.fs = fs, .dir = EXPLORE_DIR, .history = &script.history};

    (void)state;
    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    script_builtin(find("writes"), &script);
    script_run_init(&run, &script, fs, EXPLORE_DIR, true);
    assert_ok(script_run(&run), &run.err);
    assert_int_equal(fs_sim_put(fs, EXPLORE_DIR "/STRATA.tmp", strata_string("half a ma")), 0);
    oracle.floor = oracle.issued = run.acknowledged;
    if (oracle_check(&oracle, &report))
        fail_msg("%s", report.what);
    fs_free(fs);
    script_free(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kill_model_at_creation_leaves_no_database_or_an_empty_one),
        cmocka_unit_test(kill_model_at_any_byte_of_any_write_loses_nothing_acknowledged),
        cmocka_unit_test(kill_model_across_reopening_loses_nothing_acknowledged),
        cmocka_unit_test(kill_model_within_a_large_value_drops_it_whole),
        cmocka_unit_test(kill_model_leftover_of_a_replaced_marker_is_removed),
        cmocka_unit_test(kill_model_during_recovery_loses_nothing_acknowledged),
        cmocka_unit_test(kill_model_during_recovery_from_half_a_large_value_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
