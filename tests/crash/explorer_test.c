/* explorer_test.c: a sample of what `make crash` does, and that the explorer itself can be relied
 * on: it names a state so that it is found again, shortens what it finds, and is quick enough. */
#include "test.h"

#include "crash/explore/campaign.h"
#include "crash/explore/shrink.h"
#include "crash/subject.h"
#include "crash/workload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* States opened in a second, at least; far less than on any machine that we know. */
#define RATE_LEAST 300

static void fill(struct workload *workload, const char *wanted)
{
    *workload = (struct workload){.name = wanted, .seed = 1};
    for (size_t i = 0;; i++) {
        const char *name = workload_fill(i, 1, &workload->script);
        assert_non_null(name);
        if (strcmp(name, wanted) == 0)
            return;
        script_free(&workload->script);
        workload->script = (struct script){0};
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- The sample ------------------------------------------------------------------------ */

static const struct {
    const char *name;
    enum fs_sim_model model;
    unsigned promise;
    uint64_t distinct; /* at least, where it is promised */
} models[] = {{"kill", FS_SIM_KILL, STRATA_PROMISE_KILL, 800},
              {"ordered", FS_SIM_ORDERED, STRATA_PROMISE_POWER_CUT, 500},
              {"posix", FS_SIM_POSIX, STRATA_PROMISE_POWER_CUT, 500}};

static void explore_model(size_t model, const struct workload *workloads, size_t count)
{
    struct campaign c = {.workloads = workloads, .count = count, .promised = true};
    struct explore *e = &c.explore;
    double seconds = now(), rate;
    uint64_t opened, distinct;

    c.depth = check_whole() && !check_sanitized() ? CAMPAIGN_USUAL : CAMPAIGN_QUICK;
    e->plan.model = models[model].model;
    e->plan.met = fs_sim_met_new();
    assert_non_null(e->plan.met);
    if (campaign_run(&c) < 0)
        fail_msg("%s: %s", c.now->name, e->example);
    fs_sim_met_free(e->plan.met);
    seconds = now() - seconds;
    opened = e->totals.distinct + e->again.distinct;
    distinct = e->totals.fresh + e->again.fresh;
    rate = (double)opened / (seconds > 0 ? seconds : 1);
    printf("# crash: stage=%u model=%s states=%" PRIu64 " opened=%" PRIu64 " distinct=%" PRIu64
           " violations=%" PRIu64 "; %.0f a second\n",
           subject_info()->stage, models[model].name, e->totals.states + e->again.states, opened,
           distinct, e->violations, rate);
    fflush(stdout);
    if (e->violations)
        fail_msg("%s", e->example);
    if (c.depth == CAMPAIGN_USUAL)
        assert_true(distinct >= models[model].distinct);
    if (!check_sanitized())
        assert_true(rate >= RATE_LEAST);
}

static void explorer_sample_keeps_every_promise(void **state)
{
    static const char *const names[] = {"merge", "mixed", "unsynced"};
    struct workload workloads[3];
    size_t count = subject_promises(STRATA_PROMISE_POWER_CUT) ? 3 : 2;

    (void)state;
    for (size_t i = 0; i < count; i++)
        fill(&workloads[i], names[i]);
    for (size_t m = 0; m < sizeof models / sizeof *models; m++)
        if (subject_promises(models[m].promise))
            explore_model(m, workloads, count);
    for (size_t i = 0; i < count; i++)
        script_free(&workloads[i].script);
}

/* ---- One state ------------------------------------------------------------------------- */

static void explorer_place_is_read_as_written(void **state)
{
    static const char *const right[] = {"1.0", "25.3+4.1", "kill57/60.2", "eio1/2.3+44.500"};
    static const char *const wrong[] = {"",     "1",     "1.",      ".1",         "1.2+",
                                        "+1.2", "kill.", "kill5/1", "eio/1.1",    "1.1.1",
                                        "1.1 ", "x1.1",  "-1.1",    "1.1+2.2+3.3"};
    struct explore_place place;
    char text[100];

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_true(explore_place_parse(right[i], &place));
        assert_string_equal(explore_place_text(&place, text), right[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (explore_place_parse(wrong[i], &place))
            fail_msg("\"%s\" was taken for a place", wrong[i]);
}

/* Holds a power cut to all that was acknowledged, synced or not, so that there is a loss at every
 * stage. */
static bool find_loss(const struct script *script, struct explore *e)
{
    *e = (struct explore){.script = script, .acknowledged = true};
    e->plan.model = FS_SIM_POSIX;
    e->stop = ORACLE_LOST;
    assert_int_equal(explore_run(e), 0);
    return e->verdicts[ORACLE_LOST] > 0;
}

/* Unsynced writes are lost, and two steps show it. */
static void explorer_loss_is_shown_by_few_steps_and_made_again(void **state)
{
    struct explore *e = calloc(1, sizeof *e), *again = calloc(1, sizeof *again);
    struct explore_case shorter;
    struct workload workload;
    struct script few = {0};

    (void)state;
    assert_true(e && again);
    fill(&workload, "unsynced");
    assert_true(find_loss(&workload.script, e));
    shrink(e, &e->cases[ORACLE_LOST], &few, &shorter, NULL, NULL);
    assert_true(few.count >= 1);
    assert_true(few.count <= 3);
    assert_int_equal(shorter.report.verdict, ORACLE_LOST);
    *again = (struct explore){.script = &few, .acknowledged = true, .one = &shorter.place};
    again->plan.model = FS_SIM_POSIX;
    assert_int_equal(explore_run(again), 0);
    assert_int_equal(again->verdicts[ORACLE_LOST], 1);
    assert_int_equal(again->totals.states > 0, 1);
    assert_string_equal(again->cases[ORACLE_LOST].choice, shorter.choice);
    script_free(&few);
    script_free(&workload.script);
    free(e);
    free(again);
}

static unsigned kept;

static void keep(void *arg, struct strata_fs *state)
{
    (void)arg;
    assert_non_null(state);
    kept++;
}

/* The state of a second crash is made again by the names of both; and no other is. */
static void explorer_second_crash_is_made_again(void **state)
{
    struct explore *all = calloc(1, sizeof *all), *one = calloc(1, sizeof *one);
    struct explore_place place = {.call = 20, .again = true, .call_again = 1, .ordinal_again = 0};
    struct workload workload;
    char text[100];

    (void)state;
    assert_true(all && one);
    fill(&workload, "writes");
    *all = (struct explore){.script = &workload.script, .twice = 1, .stop = ORACLE_LOST};
    all->plan.model = FS_SIM_KILL;
    all->plan.from = all->plan.to = place.call;
    all->plan.prefix_limit = 1;
    assert_int_equal(explore_run(all), 0);
    assert_true(all->again.distinct > 1);
    assert_int_equal(all->violations, 0);
    for (int to_keep = 0; to_keep < 2; to_keep++) {
        *one = (struct explore){.script = &workload.script, .one = &place};
        one->keep = to_keep ? keep : NULL;
        one->plan.model = FS_SIM_KILL;
        one->plan.prefix_limit = 1;
        kept = 0;
        assert_int_equal(explore_run(one), 0);
        assert_int_equal(kept, to_keep);
        assert_int_equal(one->verdicts[ORACLE_FINE], 2); /* of the first crash, of the second */
        assert_string_equal(explore_place_text(&one->cases[ORACLE_FINE].place, text), "20.0+1.0");
    }
    place.ordinal_again = 100000;
    *one = (struct explore){.script = &workload.script, .one = &place, .keep = keep};
    one->plan.model = FS_SIM_KILL;
    assert_int_equal(explore_run(one), 0);
    assert_int_equal(kept, 1); /* none more */
    assert_int_equal(one->verdicts[ORACLE_FINE], 1);
    script_free(&workload.script);
    free(all);
    free(one);
}

/* Shares of the work, told while it is done. */
static void campaign_share_is_from_0_to_1(void **state)
{
    struct workload workloads[2] = {{.name = "first"}, {.name = "second"}};
    double weights[] = {1, 3};
    struct campaign c = {.workloads = workloads,
                         .count = 2,
                         .promised = true,
                         .now = workloads,
                         .to = 1,
                         .weights = weights};

    (void)state;
    c.explore.plan.model = FS_SIM_POSIX;
    assert_true(campaign_share(&c, 5, 9) == 0); /* nothing is to be done */
    c.weight = 4;
    assert_true(campaign_share(&c, 5, 9) == 0.5 / 4);
    assert_true(campaign_share(&c, 20, 9) == 1.0 / 4); /* more than it looked like */
    c.now = &workloads[1];
    assert_true(campaign_share(&c, 5, 9) == (1 + 0.5 * 3) / 4);
    c.promised = false; /* without a promise later calls leave more states ... */
    assert_true(campaign_share(&c, 5, 9) == (1 + 0.25 * 3) / 4);
    c.explore.plan.model = FS_SIM_KILL; /* ... but not of a kill */
    assert_true(campaign_share(&c, 5, 9) == (1 + 0.5 * 3) / 4);
}

/* A script that is killed beyond its last call was not killed. */
static void explorer_tells_when_a_script_has_no_such_call(void **state)
{
    struct workload workload;
    struct explore e = {.way = EXPLORE_KILLED, .at = 1};

    (void)state;
    fill(&workload, "merge");
    e.script = &workload.script;
    e.plan.model = FS_SIM_ORDERED;
    assert_int_equal(explore_run(&e), 0);
    assert_true(e.parts[EXPLORE_AFTER_KILL].distinct > 0);
    e.at = 100000;
    assert_int_equal(explore_run(&e), STRATA_NOT_FOUND);
    script_free(&workload.script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explorer_sample_keeps_every_promise),
        cmocka_unit_test(explorer_place_is_read_as_written),
        cmocka_unit_test(explorer_loss_is_shown_by_few_steps_and_made_again),
        cmocka_unit_test(explorer_second_crash_is_made_again),
        cmocka_unit_test(campaign_share_is_from_0_to_1),
        cmocka_unit_test(explorer_tells_when_a_script_has_no_such_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
