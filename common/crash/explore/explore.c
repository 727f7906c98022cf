/* explore.c: see explore.h.
 *
 *   script on fs_sim, recorded --> states --> oracle: came back as n
 *                                    |
 *                                    +--> recovery and two writes, recorded --> states --> oracle
 * In the second round n counts as acknowledged and synced: it was read from the durable state that
 * the first crash left. After a kill, n counts as synced once the second process has opened the
 * database. */
#include "crash/explore/explore.h"
#include "crash/explore/explore_inside.h"
#include "crash/need.h"
#include "crash/subject.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- The states of one trace ----------------------------------------------------------- */

static int walk_states(struct explore_walk *walk, struct strata_fs *fs,
                       const struct fs_sim_plan *plan,
                       int (*visit)(void *, struct strata_fs *, const struct fs_sim_state *),
                       struct fs_sim_totals *sum)
{
    struct fs_sim_plan own = *plan;
    struct fs_sim_totals totals;
    int rc;

    walk->calls = fs_sim_trace_calls(fs);
    own.cut_count = (size_t)walk->calls + 1;
    own.cuts = need(calloc(own.cut_count, sizeof *own.cuts));
    rc = fs_sim_states(fs, &own, visit, walk, &totals);
    need(rc < 0 ? NULL : fs);
    if (!walk->uncounted) {
        explore_add_totals(sum, &totals);
        explore_sum(walk, fs, own.cuts);
    }
    free(own.cuts);
    return rc;
}

/* ---- The second crash ------------------------------------------------------------------ */

static int visit_again(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct explore_walk *walk = arg;
    struct explore *e = walk->explore;
    struct oracle_report report;

    if (e->one && (info->call != e->one->call_again || info->ordinal != e->one->ordinal_again))
        return 0;
    if (e->one && e->keep)
        e->keep(e->arg, state);
    explore_ask(walk, state, info, &report);
    return e->one || (e->stop && e->verdicts[e->stop]);
}

/* Two writes more. */
static void add_writes(struct script *script, const struct history *history, uint64_t n)
{
    history_view(&script->history, history, (size_t)n);
    script_put(script, "apple", "after the crash");
    script_delete(script, "common");
}

/* `fs` is a crashed state that comes back as `n`. */
static int crash_again(struct explore_walk *first, struct strata_fs *fs,
                       const struct fs_sim_state *info, uint64_t n)
{
    struct explore *e = first->explore;
    struct fs_sim_plan plan = e->plan;
    struct script script = {0};
    struct script_run run;
    struct explore_walk walk = {.explore = e, .history = &script.history, .base = n};
    int rc = 0;

    add_writes(&script, explore_history(first, info), n);
    script_run_init(&run, &script, fs, EXPLORE_DIR, true);
    run.issued = run.acknowledged = run.synced = n;
    plan.from = plan.to = e->one ? e->one->call_again : 0;
    plan.stride = 1;
    walk.place = (struct explore_place){e->way, e->at, info->call, info->ordinal, true, 0, 0};
    need(fs_sim_record(fs) < 0 ? NULL : fs);
    if (script_run(&run) == 0) { /* else the oracle reported the fault, on its own copy */
        fs_sim_record_stop(fs);
        rc = walk_states(&walk, fs, &plan, visit_again, &e->again);
    } else {
        need_memory(&run.err);
    }
    script_free(&script);
    return rc;
}

static bool crashed_twice(const struct explore_walk *walk)
{
    const struct explore *e = walk->explore;
    return e->one ? e->one->again : e->twice && walk->visited % e->twice == 0;
}

static int visit(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct explore_walk *walk = arg;
    struct explore *e = walk->explore;
    struct strata_fs *copy = NULL;
    struct oracle_report report;
    int rc = 0;

    if (e->one && (info->call != e->one->call || info->ordinal != e->one->ordinal))
        return 0;
    if (walk->uncounted && !crashed_twice(walk)) {
        walk->visited++;
        return 0;
    }
    if (crashed_twice(walk))
        copy = need(fs_sim_copy(state));
    else if (e->one && e->keep)
        e->keep(e->arg, state);
    walk->visited++;
    explore_ask(walk, state, info, &report);
    if (copy && report.verdict == ORACLE_FINE)
        rc = crash_again(walk, copy, info, report.n);
    fs_free(copy);
    return rc || e->one || (e->stop && e->verdicts[e->stop]);
}

/* ---- The processes before the crash ---------------------------------------------------- */

struct lives {
    struct explore *explore;
    struct strata_fs *fs;
    struct explore_spans spans;
    struct script_run first, second;
    struct script later; /* what the second does, on the history that it found */
    uint64_t settled;    /* writes that were done before the recording */
    uint64_t from;       /* the first call to be cut */
    bool two;
};

/* How many writes `db` holds: a number that the first life may have left. False: none. */
static bool find_state(const struct lives *lives, struct strata *db, uint64_t *n)
{
    const struct history *history = &lives->explore->script->history;
    struct model got = {0}, model = {0};
    struct strata_error err;
    bool found = false;

    if (model_read(&got, db, &err) < 0)
        need_memory(&err);
    else
        for (*n = lives->first.issued + 1; (*n)-- > lives->first.acknowledged;) {
            history_model(history, (size_t)*n, &model);
            found = model_equal(&model, &got);
            if (found)
                break;
        }
    model_free(&got);
    model_free(&model);
    return found;
}

/* Opens the database again on the same file system, where all that was done is still there. An
 * error here is reported by the oracle: a state with every call done is among those that follow. */
static void live_again(struct lives *lives)
{
    struct script_run *run = &lives->second;
    struct strata_error err;
    struct strata *db;
    uint64_t n;

    lives->two = true;
    explore_spans_add(&lives->spans, SCRIPT_OPEN);
    if (subject_open(lives->fs, EXPLORE_DIR, true, &db, &err) < 0) {
        need_memory(&err);
        return;
    }
    if (!find_state(lives, db, &n)) {
        strata_close(db, NULL);
        return;
    }
    add_writes(&lives->later, &lives->explore->script->history, n);
    script_run_init(run, &lives->later, lives->fs, EXPLORE_DIR, true);
    run->about_to = explore_spans_add;
    run->arg = &lives->spans;
    run->db = db;
    run->made = true;
    run->marks_from = EXPLORE_LATER;
    run->issued = run->acknowledged = n;
    fs_sim_start(lives->fs, EXPLORE_LATER + n);
    fs_sim_ack(lives->fs, EXPLORE_LATER + n, subject_promises(STRATA_PROMISE_POWER_CUT));
    if (script_run(run) < 0)
        need_memory(&run->err);
}

/* A wrong answer before any crash: no crash state would show it. */
static int check_answers(struct lives *lives, int rc)
{
    const struct explore *e = lives->explore;
    struct script_run *run = &lives->first;
    char when[60] = "";

    if (!run->answers.wrong)
        return rc;
    if (e->way != EXPLORE_WHOLE)
        snprintf(when, sizeof when, " after call %" PRIu64 " failed", e->at);
    return strata_fail(&run->err, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET,
                       "a wrong answer%s: %s", when, run->answers.first_wrong);
}

/* Runs the script, with the kill or error at the chosen call. */
static int live(struct lives *lives)
{
    const struct explore *e = lives->explore;
    struct fs_sim_fault fault = {
        .kind = FS_SIM_EIO, .at = e->at, .for_ever = e->way == EXPLORE_KILLED};
    int rc;

    need(fs_sim_record(lives->fs) < 0 ? NULL : lives->fs);
    if (e->way != EXPLORE_WHOLE)
        fs_sim_fail(lives->fs, &fault);
    rc = script_run(&lives->first);
    if (e->way == EXPLORE_WHOLE || lives->first.answers.wrong) {
        fs_sim_record_stop(lives->fs);
        return check_answers(lives, rc);
    }
    if (rc < 0)
        need_memory(&lives->first.err);
    rc = fs_sim_failed(lives->fs) ? 0 : STRATA_NOT_FOUND;
    fs_sim_fail(lives->fs, NULL);
    lives->from = e->way == EXPLORE_KILLED ? fs_sim_trace_calls(lives->fs) + 1 : e->at;
    if (rc == 0)
        live_again(lives);
    fs_sim_record_stop(lives->fs);
    return rc;
}

static void crash(struct lives *lives)
{
    struct explore *e = lives->explore;
    struct explore_walk walk = {.explore = e,
                                .history = &e->script->history,
                                .later = lives->two ? &lives->later.history : NULL,
                                .base = lives->settled,
                                .spans = &lives->spans,
                                .uncounted = e->only_twice};
    struct fs_sim_plan plan = e->plan;

    if (plan.from < lives->from)
        plan.from = lives->from;
    if (e->one)
        plan.from = plan.to = e->one->call;
    walk_states(&walk, lives->fs, &plan, visit, &e->totals);
}

static int begin(struct lives *lives)
{
    lives->fs = need(fs_sim_new());
    lives->spans.fs = lives->fs;
    lives->spans.run = &lives->first;
    need(fs_sim_put_directory(lives->fs, EXPLORE_DISK) < 0 ? NULL : lives->fs);
    script_run_init(&lives->first, lives->explore->script, lives->fs, EXPLORE_DIR, true);
    lives->first.about_to = explore_spans_add;
    lives->first.arg = &lives->spans;
    return script_settle_run(&lives->first);
}

int explore_run(struct explore *explore)
{
    struct lives lives = {.explore = explore};
    struct explore_now before = explore_now;
    int rc;

    explore_now = (struct explore_now){explore->script, {.way = explore->way, .at = explore->at}};
    rc = begin(&lives);
    lives.settled = lives.first.acknowledged;
    if (rc == 0)
        rc = live(&lives);
    explore->calls = fs_sim_trace_calls(lives.fs);
    explore->answered_wrongly = lives.first.answers.wrong > 0;
    if (rc < 0)
        explore->example = strata_error_text(&lives.first.err, explore->examples[ORACLE_ERROR],
                                             sizeof *explore->examples);
    else if (rc == 0 &&
             (!explore->only_new_sites || explore_comes_by_new_site(explore, lives.fs, lives.from)))
        crash(&lives);
    script_close(&lives.first);
    script_free(&lives.later);
    free(lives.spans.spans);
    fs_free(lives.fs);
    explore_now = before;
    return rc;
}
