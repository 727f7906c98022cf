/* schedule.c: see schedule.h. */
#include "test.h"

#include "schedule.h"
#include "schedule_trace.h"

#include "base/prng.h"
#include "crash/need.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEPS_LEAST 30u /* of an operation, about; MODE=points: four times as many */

static uint64_t number_from(const char *name)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : 0;
}

void schedule_range(uint64_t count, uint64_t *first, uint64_t *last)
{
    uint64_t only = number_from("STRATA_SCHEDULE"), all = number_from("STRATA_SCHEDULES");
    uint64_t from = number_from("STRATA_SCHEDULES_FROM");

    *first = only ? only : from ? from : 1;
    *last = only ? only : all ? all : count;
}

/* ---- An engine's failed assertion ------------------------------------------------------------ */

static volatile sig_atomic_t running;

static void print_number(int signal_number)
{
    char text[100];
    int size = snprintf(text, sizeof text, "\nSTRATA_SCHEDULE=%ld\n", (long)running);

    if (running && write(2, text, (size_t)size) < 0)
        _exit(signal_number);
    schedule_trace_end();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void schedule_note_running(uint64_t number)
{
    running = (sig_atomic_t)number;
    signal(SIGABRT, print_number);
    signal(SIGSEGV, print_number);
}

/* ---- What is done ---------------------------------------------------------------------------- */

static void draw(struct schedule *s, uint64_t number, bool faults)
{
    struct prng random = {number};
    struct crew *crew = &s->crew;

    crew->seed = number;
    crew->threads = 2 + (unsigned)prng_below(&random, 3);
    crew->operations = 4 + (unsigned)prng_below(&random, 6);
    crew->writes = 6 + (unsigned)prng_below(&random, 8);
    crew->unsynced = prng_below(&random, 2);
    crew->upkeep = prng_below(&random, 3) == 0;
    crew->snapshots = subject_promises(STRATA_PROMISE_SNAPSHOT);
    if (faults && prng_below(&random, 4) == 0)
        s->fails_at = 1 + prng_below(&random, 80);
    crew->may_fail = s->fails_at > 0;
    s->filler = prng_below(&random, 2) ? 0 : (unsigned)prng_below(&random, 150);
    s->small_cache = prng_below(&random, 2);
    s->large_memory = prng_below(&random, 2);
    if (subject_info()->stage >= 10)
        s->background = (enum schedule_background)prng_below(&random, 3);
}

static void fail_a_call(const struct schedule *s)
{
    static const enum fs_sim_fault_kind kinds[] = {FS_SIM_EIO, FS_SIM_ENOSPC, FS_SIM_SHORT,
                                                   FS_SIM_EINTR, FS_SIM_SYNC_DROPS};
    struct fs_sim_fault fault = {
        .kind = kinds[s->crew.seed % 5], .at = s->fails_at, .for_ever = s->fails_at % 2};

    if (fault.kind == FS_SIM_SYNC_DROPS) /* there are fewer of them */
        fault.at = 1 + fault.at / 8;
    if (s->fails_at)
        fs_sim_fail(s->fs, &fault);
}

static void say(struct schedule *s, const char *what, const struct strata_error *err)
{
    if (!s->crew.wrong[0])
        snprintf(s->crew.wrong, sizeof s->crew.wrong, "%s: %.300s", what, err->message);
}

static bool open_it(struct schedule *s, struct strata_error *err)
{
    struct strata_options options;

    subject_options(&options, s->fs, true);
    if (s->small_cache)
        options.cache_bytes = 1024;
    if (s->large_memory)
        options.memtable_bytes = 16 << 10;
    if (s->background == SCHEDULE_THREAD)
        options.background_threads = 1;
    if (s->background == SCHEDULE_SEEDED)
        options.background_seed = s->crew.seed;
    if (!s->recorded && s->crew.seed % 2) /* crashes would have its lines in every state or not */
        options.event_log_bytes = 8 << 10;
    if (strata_open("/db", &options, &s->crew.db, err) < 0)
        return false;
    return !s->filler || crew_fill(s->crew.db, s->filler, err);
}

static void work_on_it(void *arg)
{
    struct schedule *s = arg;
    struct strata_error err = {0};

    if (!open_it(s, &err)) {
        say(s, "open", &err);
        return;
    }
    if (s->recorded)
        need(fs_sim_record(s->fs) == 0 ? s : NULL);
    fail_a_call(s);
    crew_run(&s->crew);
    if (strata_close(s->crew.db, &err) < 0 && !s->fails_at)
        say(s, "close", &err);
    if (s->recorded)
        fs_sim_record_stop(s->fs);
}

struct schedule *schedule_run(uint64_t number, bool recorded, bool faults)
{
    struct schedule *s = need(calloc(1, sizeof *s));
    struct baton_options options = {.seed = number, .depth = (unsigned)(number % SCHEDULE_DEPTHS)};

    draw(s, number, faults);
    options.steps = (uint64_t)s->crew.threads * s->crew.operations * STEPS_LEAST << number % 3;
    crew_init(&s->crew);
    s->fs = need(fs_sim_new());
    s->recorded = recorded;
    s->crew.sim = recorded ? s->fs : NULL;
    schedule_note_running(number);
    schedule_trace_begin(&options, &s->crew);
    baton_run(&options, work_on_it, s, &s->result);
    schedule_trace_end();
    schedule_note_running(0);
    return s;
}

void schedule_free(struct schedule *s)
{
    crew_free(&s->crew);
    fs_free(s->fs);
    free(s);
}

bool schedule_is_right(const struct schedule *s)
{
    struct linear_result result = {.verdict = LINEAR_RIGHT};

    if (s->result.end == BATON_DONE && !s->crew.wrong[0])
        linear_check(&s->crew.history, &result);
    if (s->result.end == BATON_DONE && !s->crew.wrong[0] && result.verdict == LINEAR_RIGHT)
        return true;
    print_error("%s%s%s%s\n", s->result.report, s->crew.wrong, result.why,
                result.verdict == LINEAR_UNDECIDED ? "not decided" : "");
    return false;
}
