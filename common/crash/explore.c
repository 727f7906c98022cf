/* explore.c: see explore.h.
 *
 *   script on fs_sim, recorded --> states --> oracle: came back as n
 *                                    |
 *                                    +--> recovery and two writes, recorded --> states --> oracle
 *
 * In the second round n counts as acknowledged and synced: it was read from what the first crash
 * had left for good. */
#include "explore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void end(const char *what)
{
    fprintf(stderr, "explore: %s: %s\n", what, strerror(errno));
    exit(7);
}

static void *need(void *made, const char *what)
{
    if (!made)
        end(what);
    return made;
}

/* ---- What the calls were made for ------------------------------------------------------ */

struct span {
    uint64_t from; /* number of the first call */
    enum script_doing doing;
};

struct spans {
    struct strata_fs *fs; /* recording */
    struct span *spans;   /* in order; one without calls ends where it begins */
    size_t count, capacity;
};

static void add_span(void *arg, enum script_doing doing)
{
    struct spans *s = arg;

    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 64;
        s->spans = need(realloc(s->spans, s->capacity * sizeof *s->spans), "spans");
    }
    s->spans[s->count++] = (struct span){fs_sim_trace_calls(s->fs) + 1, doing};
}

static enum script_doing doing_at(const struct spans *s, uint64_t call)
{
    size_t from = 0, to = s->count;

    while (to - from > 1) {
        size_t middle = from + (to - from) / 2;
        if (s->spans[middle].from <= call)
            from = middle;
        else
            to = middle;
    }
    return s->spans[from].doing;
}

/* Runs `run` on `fs`, recorded. 0 or < 0, as it. */
static int record(struct strata_fs *fs, struct script_run *run)
{
    int rc;
    if (fs_sim_record(fs) < 0)
        end("record");
    rc = script_run(run);
    fs_sim_record_stop(fs);
    return rc;
}

/* ---- One state ------------------------------------------------------------------------- */

struct walk {
    struct explore *explore;
    const struct history *history;
    uint64_t base;             /* writes that were safe before the recording began */
    const struct spans *spans; /* of the first crash; NULL in a second one */
    uint64_t visited;          /* states so far */
    const char *before;        /* of a second crash: the first, in words; else "" */
};

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void add_totals(struct fs_sim_totals *to, const struct fs_sim_totals *more)
{
    to->states += more->states;
    to->distinct += more->distinct;
    to->duplicates += more->duplicates;
}

static void keep_example(struct walk *walk, const struct fs_sim_state *info,
                         const struct oracle_report *report)
{
    struct explore *e = walk->explore;
    char *to = e->examples[report->verdict];

    snprintf(to, sizeof *e->examples,
             "%scut at call %" PRIu64 " (%s %s), state %" PRIu64 " (%s); writes issued %" PRIu64
             ", acknowledged %" PRIu64 ", synced %" PRIu64 ": %s: %s",
             walk->before, info->call,
             info->kind == FS_CALL_COUNT ? "after all" : fs_call_name(info->kind), info->path,
             info->ordinal, info->choice, info->issued, info->acked, info->synced,
             oracle_verdict_name(report->verdict), report->what);
    if (!e->example)
        e->example = to;
}

static void keep_case(struct walk *walk, enum script_doing doing, const struct fs_sim_state *info,
                      const struct oracle *oracle, const struct oracle_report *report)
{
    struct explore_case *c = &walk->explore->cases[report->verdict];

    *c = (struct explore_case){.script = walk->explore->script,
                               .doing = doing,
                               .state = *info,
                               .floor = oracle->floor,
                               .report = *report};
    snprintf(c->path, sizeof c->path, "%s", info->path);
    snprintf(c->choice, sizeof c->choice, "%s", info->choice);
    c->state.issued = oracle->issued;
    c->state.acked = larger(info->acked, walk->base);
    c->state.path = c->path;
    c->state.choice = c->choice;
}

static void count_part(struct walk *walk, const struct fs_sim_state *info,
                       const struct oracle *oracle, const struct oracle_report *report)
{
    struct explore *e = walk->explore;
    enum script_doing doing = doing_at(walk->spans, info->call);
    struct explore_part *part = &e->parts[doing];
    bool found = report->verdict == ORACLE_FINE || report->verdict == ORACLE_LOST;

    part->verdicts[report->verdict]++;
    if (found)
        part->missing = larger(part->missing, oracle->issued - report->n);
    if (report->verdict != ORACLE_FINE && !e->examples[report->verdict][0])
        keep_case(walk, doing, info, oracle, report);
    if (e->tick)
        e->tick(e->arg, info->call, e->calls, walk->visited);
}

static void count(struct walk *walk, const struct fs_sim_state *info, const struct oracle *oracle,
                  const struct oracle_report *report)
{
    struct explore *e = walk->explore;
    if (walk->spans)
        count_part(walk, info, oracle, report);
    e->verdicts[report->verdict]++;
    e->at[info->kind]++;
    e->torn += report->torn > 0;
    e->absent += report->absent;
    e->unacknowledged += report->verdict == ORACLE_FINE && report->n > oracle->floor;
    e->violations += report->verdict != ORACLE_FINE;
    if (report->verdict != ORACLE_FINE && !e->examples[report->verdict][0])
        keep_example(walk, info, report);
}

static void ask_oracle(struct walk *walk, struct strata_fs *state, const struct fs_sim_state *info,
                       struct oracle_report *report)
{
    bool power_cut = walk->explore->plan.model != FS_SIM_KILL && !walk->explore->acknowledged;
    struct oracle oracle = {.fs = state,
                            .dir = EXPLORE_DIR,
                            .history = walk->history,
                            .floor = larger(power_cut ? info->synced : info->acked, walk->base),
                            .issued = larger(info->issued, walk->base)};
    oracle_check(&oracle, report);
    if (fs_sim_open_files(state)) {
        report->verdict = ORACLE_ERROR;
        snprintf(report->what, sizeof report->what, "%zu files were left open",
                 fs_sim_open_files(state));
    }
    count(walk, info, &oracle, report);
}

static int visit_again(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct oracle_report report;
    ask_oracle(arg, state, info, &report);
    return 0;
}

/* ---- The second crash ------------------------------------------------------------------ */

/* `fs` is a crashed state that comes back as `n`. */
static void crash_again(struct walk *first, struct strata_fs *fs, const struct fs_sim_state *info,
                        uint64_t n)
{
    struct explore *e = first->explore;
    struct fs_sim_plan plan = e->plan;
    struct fs_sim_totals totals = {0};
    struct script script = {0};
    struct script_run run;
    char before[200];
    struct walk walk = {.explore = e, .history = &script.history, .base = n, .before = before};

    history_view(&script.history, first->history, (size_t)n);
    script_put(&script, "apple", "after the crash");
    script_delete(&script, "common");
    script_run_init(&run, &script, fs, EXPLORE_DIR, true);
    run.issued = run.acknowledged = run.synced = n;
    plan.from = plan.to = 0;
    plan.stride = 1;
    plan.cuts = NULL;
    snprintf(before, sizeof before, "crashed at call %" PRIu64 ", state %" PRIu64 "; then ",
             info->call, info->ordinal);
    if (record(fs, &run) < 0) { /* the oracle has told what is wrong, on its own copy */
        script_free(&script);
        return;
    }
    if (fs_sim_states(fs, &plan, visit_again, &walk, &totals) < 0)
        end("states of the second crash");
    add_totals(&e->again, &totals);
    script_free(&script);
}

static int visit(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct walk *walk = arg;
    unsigned twice = walk->explore->twice;
    bool chosen = twice && walk->visited % twice == 0;
    struct strata_fs *copy = chosen ? need(fs_sim_copy(state), "copy") : NULL;
    struct oracle_report report;

    walk->visited++;
    ask_oracle(walk, state, info, &report);
    if (chosen && report.verdict == ORACLE_FINE)
        crash_again(walk, copy, info, report.n);
    fs_free(copy);
    return 0;
}

/* ---- All of them ----------------------------------------------------------------------- */

/* Counts of the states by call become counts by what the calls were made for. */
static void sum_parts(struct explore *e, const struct spans *spans, const struct fs_sim_cut *cuts)
{
    for (uint64_t call = 1; call <= e->calls + 1; call++) {
        const struct fs_sim_cut *cut = &cuts[call - 1];
        struct explore_part *part = &e->parts[doing_at(spans, call)];
        part->cuts += cut->states > 0;
        part->states += cut->states;
        part->distinct += cut->distinct;
    }
}

/* `fs` holds the trace of the script. */
static void crash(struct explore *e, struct strata_fs *fs, const struct spans *spans,
                  uint64_t settled)
{
    struct walk walk = {.explore = e,
                        .history = &e->script->history,
                        .base = settled,
                        .spans = spans,
                        .before = ""};
    struct fs_sim_plan plan = e->plan;
    struct fs_sim_totals totals;

    e->calls = fs_sim_trace_calls(fs);
    plan.cut_count = (size_t)e->calls + 1;
    plan.cuts = need(calloc(plan.cut_count, sizeof *plan.cuts), "cuts");
    if (fs_sim_states(fs, &plan, visit, &walk, &totals) < 0)
        end("states");
    add_totals(&e->totals, &totals);
    sum_parts(e, spans, plan.cuts);
    free(plan.cuts);
}

int explore_run(struct explore *explore)
{
    struct strata_fs *fs = need(fs_sim_new(), "fs_sim_new");
    struct spans spans = {.fs = fs};
    struct script_run run;
    uint64_t settled;
    int rc;

    if (fs_sim_put_directory(fs, "disk") < 0)
        end("put directory");
    script_run_init(&run, explore->script, fs, EXPLORE_DIR, true);
    run.about_to = add_span;
    run.arg = &spans;
    rc = script_settle_run(&run);
    settled = run.acknowledged;
    if (rc == 0)
        rc = record(fs, &run);
    if (rc < 0)
        explore->example =
            strata_error_text(&run.err, explore->examples[ORACLE_ERROR], sizeof *explore->examples);
    else
        crash(explore, fs, &spans, settled);
    free(spans.spans);
    fs_free(fs);
    return rc;
}
