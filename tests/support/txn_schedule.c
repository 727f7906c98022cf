/* txn_schedule.c: see txn_schedule.h. */
#include "test.h"

#include "schedule.h"
#include "txn_schedule.h"

#include "base/prng.h"
#include "crash/need.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_LEAST 60u /* of a transaction, about */

static void draw(struct txn_schedule *s, uint64_t number)
{
    struct prng random = {number};
    struct txn_crew *crew = &s->crew;

    crew->seed = number;
    crew->isolation = s->isolation;
    crew->sessions = 2 + (unsigned)prng_below(&random, TXN_CREW_MOST - 1);
    crew->transactions = 2 + (unsigned)prng_below(&random, 6);
    crew->plain = !s->recorded;
    crew->unsynced = prng_below(&random, 2);
    crew->blind = !s->engine && subject_promises(TXN_CREW_BLIND);
    crew->upkeep = !s->engine && prng_below(&random, 3) == 0;
    if (s->faults && prng_below(&random, 4) == 0)
        s->fails_at = 1 + prng_below(&random, 80);
    crew->may_fail = s->fails_at > 0;
    s->large_memory = prng_below(&random, 2);
    s->background = (unsigned)prng_below(&random, 3);
}

static int open_it(struct txn_schedule *s, struct strata_error *err)
{
    struct strata_options options;

    if (s->engine) {
        strata_options_init(&options);
        options.fs = s->fs;
        options.create = true;
        options.engine = s->engine;
        return strata_open("/db", &options, &s->crew.db, err);
    }
    subject_options(&options, s->fs, true);
    if (s->large_memory)
        options.memtable_bytes = 16 << 10;
    if (s->background == SCHEDULE_THREAD)
        options.background_threads = 1;
    if (s->background == SCHEDULE_SEEDED)
        options.background_seed = s->crew.seed;
    return strata_open("/db", &options, &s->crew.db, err);
}

static void fail_a_call(const struct txn_schedule *s)
{
    static const enum fs_sim_fault_kind kinds[] = {FS_SIM_EIO, FS_SIM_ENOSPC, FS_SIM_SHORT,
                                                   FS_SIM_EINTR};
    struct fs_sim_fault fault = {
        .kind = kinds[s->crew.seed % 4], .at = s->fails_at, .for_ever = s->fails_at % 2};

    if (s->fails_at)
        fs_sim_fail(s->fs, &fault);
}

static void say(struct txn_schedule *s, const char *what, const struct strata_error *err)
{
    if (!s->crew.wrong[0])
        snprintf(s->crew.wrong, sizeof s->crew.wrong, "%s: %.300s", what, err->message);
}

static void work_on_it(void *arg)
{
    struct txn_schedule *s = arg;
    struct strata_error err = {0};

    if (open_it(s, &err) < 0) {
        say(s, "open", &err);
        return;
    }
    if (s->recorded)
        need(fs_sim_record(s->fs) == 0 ? s : NULL);
    fail_a_call(s);
    txn_crew_run(&s->crew);
    if (strata_close(s->crew.db, &err) < 0 && !s->fails_at)
        say(s, "close", &err);
    if (s->recorded)
        fs_sim_record_stop(s->fs);
}

struct txn_schedule *txn_schedule_run(uint64_t number, const struct txn_schedule *with)
{
    struct txn_schedule *s = need(calloc(1, sizeof *s));
    struct baton_options options = {.seed = number, .depth = (unsigned)(number % SCHEDULE_DEPTHS)};

    s->isolation = with->isolation;
    s->engine = with->engine;
    s->recorded = with->recorded;
    s->faults = with->faults;
    draw(s, number);
    options.steps = (uint64_t)s->crew.sessions * s->crew.transactions * STEPS_LEAST << number % 3;
    txn_crew_init(&s->crew);
    s->fs = need(fs_sim_new());
    s->crew.sim = s->recorded ? s->fs : NULL;
    schedule_note_running(number);
    baton_run(&options, work_on_it, s, &s->result);
    schedule_note_running(0);
    if (s->result.end == BATON_DONE && !s->crew.wrong[0])
        cycles_check(&s->crew.history, true, &s->found);
    return s;
}

void txn_schedule_free(struct txn_schedule *s)
{
    txn_crew_free(&s->crew);
    fs_free(s->fs);
    free(s);
}

bool txn_schedule_is_right(const struct txn_schedule *s, unsigned allowed)
{
    if (s->result.end == BATON_DONE && !s->crew.wrong[0] && !(s->found.found & ~allowed))
        return true;
    print_error("%s%s\n%s", s->result.report, s->crew.wrong, s->found.why);
    return false;
}
