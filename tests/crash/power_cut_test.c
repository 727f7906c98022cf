/* power_cut_test.c: a power cut at every call of the file layer, under the models `ordered` and
 * `posix`, on fs_sim: at a stage that promises the power cut nothing acknowledged as synced may
 * be missing, and what comes back is a prefix. A stage that does not promise it is not asked
 * here; what it loses is a test of its own (weak_...). The long work is killed too: it meets
 * what the short scripts of kill_model_test.c do not (segments that fill, merges, checkpoints). */
#include "test.h"

#include "crash/explore/explore.h"
#include "crash/subject.h"
#include "work.h"

#include <inttypes.h>
#include <stdio.h>

static void print_result(const char *model, const char *name, const struct explore *e)
{
    printf("# %s model, stage %u, %s: %" PRIu64 " states, %" PRIu64 " distinct, %" PRIu64
           " of a second crash; %" PRIu64 " violations\n",
           model, subject_info()->stage, name, e->totals.states, e->totals.distinct,
           e->again.distinct, e->violations);
    fflush(stdout);
}

static void explore_without_violation(const char *model, const char *name, struct explore *e)
{
    if (explore_run(e) < 0)
        fail_msg("%s: %s", name, e->example);
    print_result(model, name, e);
    if (e->violations)
        fail_msg("%s: %s", name, e->example);
}

static void skip_unless_promised(void)
{
    if (subject_promises(STRATA_PROMISE_POWER_CUT))
        return;
    check_skipping("the stage does not promise to survive a power cut");
    skip();
}

/* All built-in scripts under one model; returns the distinct states. */
static uint64_t explore_scripts(enum fs_sim_model model, const char *word, unsigned twice)
{
    uint64_t distinct = 0;
    for (size_t i = 0;; i++) {
        struct script script = {0};
        struct explore e = {.script = &script, .twice = twice};
        const char *name = script_builtin(i, &script);
        if (!name)
            return distinct;
        e.plan.model = model;
        explore_without_violation(word, name, &e);
        distinct += e.totals.distinct + e.again.distinct;
        script_free(&script);
    }
}

static void power_cut_ordered_loses_nothing_synced(void **state)
{
    (void)state;
    skip_unless_promised();
    assert_enough(explore_scripts(FS_SIM_ORDERED, "ordered", 0), 200);
}

static void power_cut_posix_loses_nothing_synced(void **state)
{
    (void)state;
    skip_unless_promised();
    assert_enough(explore_scripts(FS_SIM_POSIX, "posix", 0), 200);
}

/* One state in so many is crashed again; fewer from stage 4 on, as in kill_model_test.c. */
static unsigned sampled(void)
{
    bool tree = subject_info()->stage >= 4;
    return check_sanitized() ? 97 : check_quick() ? (tree ? 61 : 31) : tree ? 17 : 3;
}

static void power_cut_during_recovery_loses_nothing_synced(void **state)
{
    (void)state;
    skip_unless_promised();
    assert_enough(explore_scripts(FS_SIM_POSIX, "posix", sampled()), 1000);
}

/* ---- Long work ------------------------------------------------------------------------- */

/* One work under `kill`, whose states are many times those of the others. */
static void explore_long(enum fs_sim_model model, const char *word, uint64_t floor)
{
    bool quick = check_quick() || check_sanitized();
    uint64_t seeds = check_whole() && !quick && model != FS_SIM_KILL ? 3 : 1, distinct = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct script script = {0};
        struct explore e = {.script = &script};
        char name[32];
        snprintf(name, sizeof name, "long work %d", (int)seed);
        work_long(&script, seed, quick ? 60 : 150);
        e.plan.model = model;
        e.plan.prefix_limit = 1;
        explore_without_violation(word, name, &e);
        distinct += e.totals.distinct;
        script_free(&script);
    }
    assert_enough(distinct, floor);
}

static void kill_in_long_work_loses_nothing_acknowledged(void **state)
{
    (void)state;
    explore_long(FS_SIM_KILL, "kill", 1000);
}

static void power_cut_in_long_work_loses_nothing_synced(void **state)
{
    (void)state;
    skip_unless_promised();
    explore_long(FS_SIM_ORDERED, "ordered", 400); /* stage 4 has one dirty file at a time */
    explore_long(FS_SIM_POSIX, "posix", 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_cut_ordered_loses_nothing_synced),
        cmocka_unit_test(power_cut_posix_loses_nothing_synced),
        cmocka_unit_test(power_cut_during_recovery_loses_nothing_synced),
        cmocka_unit_test(kill_in_long_work_loses_nothing_acknowledged),
        cmocka_unit_test(power_cut_in_long_work_loses_nothing_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
