/* schedule_crash_test.c: a crash while many threads write. Under drawn schedules (schedule.h), in
 * each state that a kill or a power cut may leave: what was acknowledged as synced is there,
 * batches are whole, and what is there has before it all that was acknowledged before it was
 * issued. */
#include "test.h"

#include "schedule.h"

#include "crash/need.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <stdio.h>
#include <string.h>

static void skip_unless_promised(unsigned promise)
{
    if (subject_promises(STRATA_PROMISE_THREADS | promise) && !subject_object())
        return;
    check_skipping("the stage promises one thread a handle, or the engine has locks of its own");
    skip();
}

struct walk {
    const struct schedule *schedule;
    bool killed;
    char wrong[4096];
};

/* What is there after opening it; opening it again finds the same. */
static bool recover(struct strata_fs *fs, uint64_t *values, char *why, size_t capacity)
{
    struct strata_error err = {0};
    struct strata *db;
    bool good;

    if (subject_open(fs, "/db", false, &db, &err) < 0) {
        snprintf(why, capacity, "open: %s", err.message);
        return false;
    }
    good = crew_read_all(db, values, why, capacity);
    if (strata_close(db, &err) < 0 && good) {
        snprintf(why, capacity, "close: %s", err.message);
        return false;
    }
    return good;
}

static int judge(void *arg, struct strata_fs *fs, const struct fs_sim_state *info)
{
    struct walk *walk = arg;
    struct linear_crash crash = {
        .issued = info->issued, .acked = info->acked, .killed = walk->killed};
    uint64_t again[LINEAR_KEYS];
    struct linear_result result;
    char why[600] = "";

    if (recover(fs, crash.values, why, sizeof why) && recover(fs, again, why, sizeof why)) {
        linear_check_crash(&walk->schedule->crew.history, &crash, &result);
        if (result.verdict == LINEAR_RIGHT && memcmp(crash.values, again, sizeof again) == 0)
            return 0;
        if (result.verdict == LINEAR_RIGHT)
            snprintf(why, sizeof why, "opened again, it holds something else");
    }
    snprintf(walk->wrong, sizeof walk->wrong, "call %llu (%s %s), %s: %s%s",
             (unsigned long long)info->call,
             info->kind < FS_CALL_COUNT ? fs_call_name(info->kind) : "after all", info->path,
             info->choice, why, why[0] ? "" : result.why);
    return 1;
}

/* All states of some schedules, or some of them of more. */
static void crash_each(enum fs_sim_model model, uint64_t schedules, uint64_t stride)
{
    struct fs_sim_met *met = need(fs_sim_met_new());
    uint64_t first, last, states = 0, fresh = 0;

    schedule_range(schedules, &first, &last);
    for (uint64_t number = first; number <= last; number++) {
        struct schedule *s = schedule_run(number, true, false);
        struct walk walk = {.schedule = s, .killed = model == FS_SIM_KILL};
        struct fs_sim_plan plan = {
            .model = model, .stride = stride, .seed = number, .prefix_limit = 1, .met = met};
        struct fs_sim_totals totals;

        if (!schedule_is_right(s) || fs_sim_states(s->fs, &plan, judge, &walk, &totals) != 0)
            fail_msg("STRATA_SCHEDULE=%llu: %s", (unsigned long long)number, walk.wrong);
        states += totals.distinct;
        fresh += totals.fresh;
        schedule_free(s);
    }
    fs_sim_met_free(met);
    print_message("# %llu schedules, %llu states, %llu of them of different shapes\n",
                  (unsigned long long)(last - first + 1), (unsigned long long)states,
                  (unsigned long long)fresh);
    assert_true(states > last - first);
}

static void schedule_killed_keeps_what_was_acknowledged(void **state)
{
    (void)state;
    skip_unless_promised(STRATA_PROMISE_KILL);
    crash_each(FS_SIM_KILL, check_quick() ? 20 : 200, 11);
}

static void schedule_power_cut_keeps_what_was_synced_in_order(void **state)
{
    (void)state;
    skip_unless_promised(STRATA_PROMISE_POWER_CUT);
    crash_each(FS_SIM_ORDERED, check_quick() ? 20 : 200, 11);
}

static void schedule_power_cut_keeps_what_was_synced_by_posix(void **state)
{
    (void)state;
    skip_unless_promised(STRATA_PROMISE_POWER_CUT);
    crash_each(FS_SIM_POSIX, check_quick() ? 20 : 200, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedule_killed_keeps_what_was_acknowledged),
        cmocka_unit_test(schedule_power_cut_keeps_what_was_synced_in_order),
        cmocka_unit_test(schedule_power_cut_keeps_what_was_synced_by_posix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
