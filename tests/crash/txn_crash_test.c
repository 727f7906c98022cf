/* txn_crash_test.c: a crash while several sessions run transactions. Under drawn schedules
 * (txn_schedule.h), in each state that a kill or a power cut may leave: what is there is what the
 * first commits gave, in the order of their numbers, all that were acknowledged as synced among
 * them, and no transaction is there half. */
#include "test.h"

#include "schedule.h"
#include "txn_schedule.h"

#include "crash/need.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <stdio.h>
#include <string.h>

static void skip_unless_promised(unsigned promise)
{
    if (subject_promises(STRATA_PROMISE_TRANSACTION | promise) && !subject_object())
        return;
    check_skipping("the stage promises no transactions, or the engine has locks of its own");
    skip();
}

struct walk {
    const struct txn_schedule *schedule;
    bool killed;
    char wrong[1500];
};

/* What is there after opening it is as the crash may have left it. */
static bool recover(struct strata_fs *fs, const struct walk *walk, const struct fs_sim_state *info,
                    char *why, size_t capacity)
{
    struct txn_crew_crash crash = {
        .issued = info->issued, .acked = info->acked, .killed = walk->killed};
    struct txn_crew reader = {.isolation = walk->schedule->isolation};
    struct strata_error err = {0};
    bool good;

    if (subject_open(fs, "/db", false, &reader.db, &err) < 0) {
        snprintf(why, capacity, "open: %s", err.message);
        return false;
    }
    txn_crew_init(&reader);
    good = txn_crew_read_all(&reader, reader.db);
    if (!good)
        snprintf(why, capacity, "%s", reader.wrong);
    else
        good = txn_crew_is_prefix(&walk->schedule->crew, &reader.history, &crash, why, capacity);
    if (strata_close(reader.db, &err) < 0 && good) {
        snprintf(why, capacity, "close: %s", err.message);
        good = false;
    }
    txn_crew_free(&reader);
    return good;
}

static int judge(void *arg, struct strata_fs *fs, const struct fs_sim_state *info)
{
    struct walk *walk = arg;
    char why[600] = "";

    /* opened again, it is so still */
    if (recover(fs, walk, info, why, sizeof why) && recover(fs, walk, info, why, sizeof why))
        return 0;
    snprintf(walk->wrong, sizeof walk->wrong, "call %llu (%s %s), %s: %s",
             (unsigned long long)info->call,
             info->kind < FS_CALL_COUNT ? fs_call_name(info->kind) : "after all", info->path,
             info->choice, why);
    return 1;
}

static void crash_each(enum fs_sim_model model)
{
    struct fs_sim_met *met = need(fs_sim_met_new());
    uint64_t first, last, states = 0, fresh = 0, commits = 0;

    schedule_range(check_quick() ? 20 : 200, &first, &last);
    for (uint64_t number = first; number <= last; number++) {
        struct txn_schedule with = {.isolation = number % 2 ? STRATA_SERIALIZABLE
                                                            : STRATA_SNAPSHOT_ISOLATION,
                                    .recorded = true};
        struct txn_schedule *s = txn_schedule_run(number, &with);
        struct walk walk = {.schedule = s, .killed = model == FS_SIM_KILL};
        struct fs_sim_plan plan = {
            .model = model, .stride = 11, .seed = number, .prefix_limit = 1, .met = met};
        struct fs_sim_totals totals;
        unsigned allowed = number % 2 ? 0 : CYCLES_SNAPSHOT_ALLOWS;

        if (!txn_schedule_is_right(s, allowed) ||
            fs_sim_states(s->fs, &plan, judge, &walk, &totals) != 0)
            fail_msg("STRATA_SCHEDULE=%llu: %s", (unsigned long long)number, walk.wrong);
        states += totals.distinct;
        fresh += totals.fresh;
        commits += s->crew.commits;
        txn_schedule_free(s);
    }
    fs_sim_met_free(met);
    print_message("# %llu schedules, %llu commits, %llu states, %llu of them of different shapes\n",
                  (unsigned long long)(last - first + 1), (unsigned long long)commits,
                  (unsigned long long)states, (unsigned long long)fresh);
    assert_true(states > last - first);
}

static void txn_killed_keeps_a_prefix_of_the_commits(void **state)
{
    (void)state;
    skip_unless_promised(STRATA_PROMISE_KILL);
    crash_each(FS_SIM_KILL);
}

static void txn_power_cut_keeps_a_prefix_in_order(void **state)
{
    (void)state;
    skip_unless_promised(STRATA_PROMISE_POWER_CUT);
    crash_each(FS_SIM_ORDERED);
}

static void txn_power_cut_keeps_a_prefix_by_posix(void **state)
{
    (void)state;
    skip_unless_promised(STRATA_PROMISE_POWER_CUT);
    crash_each(FS_SIM_POSIX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(txn_killed_keeps_a_prefix_of_the_commits),
        cmocka_unit_test(txn_power_cut_keeps_a_prefix_in_order),
        cmocka_unit_test(txn_power_cut_keeps_a_prefix_by_posix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
