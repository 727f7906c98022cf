/* contract_schedule_test.c: many threads on one handle: what they are answered is as if their
 * operations had been done one after another (linear.h). Under schedules that are drawn (baton.h),
 * on a simulated file system; and with free threads on the real one.
 *
 *     STRATA_SCHEDULES=100000   so many schedules; the depths 0 to 5 take turns
 *     STRATA_SCHEDULE=1234      only this one, as a failure printed it */
#include "test.h"

#include "crew.h"
#include "place.h"

#include "crash/concurrency/baton.h"
#include "crash/need.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTHS 6u

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static void skip_unless_promised(void)
{
    if (subject_promises(STRATA_PROMISE_THREADS))
        return;
    check_skipping("the stage promises one thread a handle");
    skip();
}

/* What a seed says is to be done. */
static struct crew crew_of(uint64_t seed)
{
    return (struct crew){.seed = seed,
                         .threads = 2 + (unsigned)(seed / DEPTHS % 3),
                         .operations = 4 + (unsigned)(seed / 7 % 5),
                         .writes = 6 + (unsigned)(seed / 11 % 8),
                         .unsynced = seed / 5 % 2,
                         .upkeep = seed / 3 % 4 == 0,
                         .snapshots = subject_promises(STRATA_PROMISE_SNAPSHOT)};
}

/* ---- Under the baton ------------------------------------------------------------------------- */

/* On the heap: after a deadlock it stays. */
struct schedule {
    struct crew crew;
    struct strata_fs *fs;
    struct baton_result result;
};

/* A failed assertion of the engine ends the program: then the schedule is printed. */
static volatile sig_atomic_t running;

static void print_number(int signal_number)
{
    char text[100];
    int size = snprintf(text, sizeof text, "\nSTRATA_SCHEDULE=%ld\n", (long)running);

    (void)signal_number;
    if (running && write(2, text, (size_t)size) < 0)
        return;
}

static void work_on_it(void *arg)
{
    struct schedule *s = arg;
    struct strata_error err = {0};
    struct strata *db;

    if (subject_open(s->fs, "/db", true, &db, &err) < 0) {
        snprintf(s->crew.wrong, sizeof s->crew.wrong, "open: %.300s", err.message);
        return;
    }
    s->crew.db = db;
    crew_run(&s->crew);
    if (strata_close(db, &err) < 0 && !s->crew.wrong[0])
        snprintf(s->crew.wrong, sizeof s->crew.wrong, "close: %.300s", err.message);
}

static struct schedule *run_schedule(uint64_t seed, unsigned depth, uint64_t steps)
{
    struct schedule *s = need(calloc(1, sizeof *s));
    struct baton_options options = {.seed = seed, .depth = depth, .steps = steps};

    s->crew = crew_of(seed);
    crew_init(&s->crew);
    s->fs = need(fs_sim_new());
    running = (sig_atomic_t)seed;
    baton_run(&options, work_on_it, s, &s->result);
    running = 0;
    return s;
}

static void schedule_free(struct schedule *s)
{
    crew_free(&s->crew);
    fs_free(s->fs);
    free(s);
}

/* Prints the history if something is wrong with it. */
static bool is_right(struct schedule *s)
{
    struct linear_result result = {.verdict = LINEAR_RIGHT};

    if (s->result.end == BATON_DONE && !s->crew.wrong[0])
        linear_check(&s->crew.history, &result);
    if (s->result.end == BATON_DONE && !s->crew.wrong[0] && result.verdict == LINEAR_RIGHT)
        return true;
    print_error("%s%s%s\n", s->result.report, s->crew.wrong, result.why);
    return false;
}

static void contract_schedules_are_linearizable(void **state)
{
    uint64_t only = number_from("STRATA_SCHEDULE", 0);
    uint64_t count = number_from("STRATA_SCHEDULES", check_quick() ? 120 : 400);
    uint64_t steps = 2000, all_steps = 0;

    (void)state;
    skip_unless_promised();
    for (uint64_t seed = only ? only : 1; seed <= (only ? only : count); seed++) {
        struct schedule *s = run_schedule(seed, (unsigned)(seed % DEPTHS), steps);
        if (!is_right(s))
            fail_msg("STRATA_SCHEDULE=%llu", (unsigned long long)seed);
        all_steps += s->result.steps;
        schedule_free(s);
    }
    print_message("# %llu schedules of depth 0 to %u, %llu steps\n", (unsigned long long)count,
                  DEPTHS - 1, (unsigned long long)all_steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contract_schedules_are_linearizable),
    };
    signal(SIGABRT, print_number);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
