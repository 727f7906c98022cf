/* play.c: see play.h. The runner is the first thread of baton.h, with turns: after sync_yield each
 * session has done what it can. A session has a step, or waits for one at `go`; it posts `ended`
 * after each. */
#include "scenario/play.h"
#include "scenario/savepoints.h"

#include "crash/concurrency/baton.h"
#include "strata_engine.h"
#include "threads/sync.h"

#include <stdlib.h>
#include <string.h>

#define STEPS_MOST 100000000u /* of the threads: far more than any schedule has */

struct session {
    struct run *run;
    struct sync_thread thread;
    struct sync_sem go, ended;
    bool started;

    const struct scenario_step *step; /* NULL: no more */
    const struct scenario_step *late; /* has waited, and what it returned is to be reported */
    bool busy;                        /* it does its step */
    uint64_t ended_at;                /* in the order of all ends */

    struct strata_txn *txn; /* NULL: none */
    bool over;              /* it has ended, but for its commit or abort */
    struct savepoints savepoints;
    struct strata_buffer value, result; /* result: text, with a NUL behind it */
    struct strata_buffer waited;        /* what the step that waited returned last */
    int rc;                             /* < 0: the step failed */
    struct strata_error err;
};

struct run {
    struct play *play;
    struct strata *db;
    struct session sessions[SCENARIO_SESSIONS_MOST];
    uint64_t ends; /* of steps */
    int rc;
    struct strata_error err;
    bool anomaly_failed; /* an anomaly= did not hold */
};

/* ---- What a session does --------------------------------------------------------------------- */

static void say(struct session *s, const char *outcome)
{
    strata_buffer_clear(&s->result);
    strata_buffer_append(&s->result, outcome, strlen(outcome));
}

static void leave_transaction(struct session *s)
{
    strata_txn_free(s->txn);
    s->txn = NULL;
    savepoints_clear(&s->savepoints);
}

static int begin(struct session *s)
{
    struct strata_txn_options options;

    strata_txn_options_init(&options);
    options.isolation =
        s->step->isolation ? (enum strata_isolation)s->step->isolation : s->run->play->isolation;
    options.read_only = s->step->read_only;
    return strata_begin(s->run->db, &options, &s->txn, &s->err);
}

static int get(struct session *s)
{
    struct strata_slice key = s->step->operands[0];
    int rc;

    if (s->step->verb == SCENARIO_GET_FOR_UPDATE)
        rc = strata_txn_get_for_update(s->txn, key, &s->value, &s->err);
    else if (s->txn)
        rc = strata_txn_get(s->txn, key, &s->value, &s->err);
    else
        rc = strata_get(s->run->db, key, &s->value, &s->err);
    if (rc == 0) {
        strata_buffer_clear(&s->result);
        scenario_put_word(&s->result, strata_buffer_slice(&s->value));
    }
    return rc;
}

/* Appends the entries with keys >= from and < to; without `to`, to the last one. */
static int list(struct strata_iter *iter, struct strata_slice from, const struct strata_slice *to,
                struct strata_buffer *out, struct strata_error *err)
{
    int rc = strata_iter_seek(iter, from, err);

    strata_buffer_clear(out);
    while (rc == 0) {
        struct strata_slice key = strata_iter_key(iter), value;
        if (to && strata_compare(key, *to) >= 0)
            break;
        rc = strata_iter_value(iter, &value, err);
        if (rc < 0)
            break;
        if (out->size)
            strata_buffer_append(out, " ", 1);
        scenario_put_entry(out, key, value);
        rc = strata_iter_next(iter, err);
    }
    if (rc >= 0 && !out->size)
        strata_buffer_append(out, "empty", 5);
    return rc < 0 ? rc : 0;
}

static int scan(struct session *s)
{
    const struct scenario_step *step = s->step;
    struct strata_slice none = {NULL, 0};
    struct strata_iter *iter;
    int rc = s->txn ? strata_txn_iter(s->txn, &iter, &s->err)
                    : strata_iter_new(s->run->db, &iter, &s->err);

    if (rc < 0)
        return rc;
    rc = list(iter, step->count ? step->operands[0] : none,
              step->count > 1 ? &step->operands[1] : NULL, &s->result, &s->err);
    strata_iter_free(iter);
    return rc;
}

static int put(struct session *s)
{
    const struct strata_slice *o = s->step->operands;
    return s->txn ? strata_txn_put(s->txn, o[0], o[1], &s->err)
                  : strata_put(s->run->db, o[0], o[1], &s->err);
}

static int delete_key(struct session *s)
{
    struct strata_slice key = s->step->operands[0];
    return s->txn ? strata_txn_delete(s->txn, key, &s->err)
                  : strata_delete(s->run->db, key, &s->err);
}

static int merge(struct session *s)
{
    const struct strata_slice *o = s->step->operands;
    enum strata_op_type how = scenario_operator(o[1]);

    return s->txn ? strata_txn_merge(s->txn, how, o[0], o[2], &s->err)
                  : strata_merge(s->run->db, how, o[0], o[2], 0, &s->err);
}

static int delete_range(struct session *s)
{
    const struct strata_slice *o = s->step->operands;
    return s->txn ? strata_txn_delete_range(s->txn, o[0], o[1], &s->err)
                  : strata_delete_range(s->run->db, o[0], o[1], 0, &s->err);
}

static int end_transaction(struct session *s)
{
    int rc = 0;

    if (s->over)
        say(s, s->step->verb == SCENARIO_COMMIT ? "over" : "ok");
    else if (s->step->verb == SCENARIO_COMMIT)
        rc = strata_txn_commit(s->txn, 0, NULL, &s->err);
    s->over = false;
    leave_transaction(s);
    return rc;
}

static int use_savepoint(struct session *s)
{
    const char *name = s->step->count ? (const char *)s->step->operands[0].data : "";
    int rc;

    if (s->step->verb == SCENARIO_SAVEPOINT)
        return savepoints_add(&s->savepoints, s->txn, name, &s->err);
    rc = savepoints_return(&s->savepoints, s->txn, name, &s->err);
    if (rc == STRATA_NOT_FOUND)
        say(s, "none");
    return rc == STRATA_NOT_FOUND ? 0 : rc;
}

static int do_verb(struct session *s)
{
    switch (s->step->verb) {
    case SCENARIO_BEGIN:
        return begin(s);
    case SCENARIO_GET:
    case SCENARIO_GET_FOR_UPDATE:
        return get(s);
    case SCENARIO_SCAN:
        return scan(s);
    case SCENARIO_PUT:
        return put(s);
    case SCENARIO_DELETE:
        return delete_key(s);
    case SCENARIO_MERGE:
        return merge(s);
    case SCENARIO_DELRANGE:
        return delete_range(s);
    case SCENARIO_SAVEPOINT:
    case SCENARIO_ROLLBACK_TO:
        return use_savepoint(s);
    default:
        return end_transaction(s);
    }
}

static void do_step(struct session *s)
{
    static const char *const outcomes[] = {[STRATA_NOT_FOUND] = "none",
                                           [STRATA_CONFLICT] = "conflict",
                                           [STRATA_DEADLOCK] = "deadlock",
                                           [STRATA_TIMEOUT] = "timeout"};
    bool ends = s->step->verb == SCENARIO_COMMIT || s->step->verb == SCENARIO_ABORT;

    say(s, "ok");
    if (s->over && !ends) {
        say(s, "over");
        return;
    }
    s->rc = do_verb(s);
    if (s->rc > 0)
        say(s, outcomes[s->rc]);
    if (s->rc > STRATA_NOT_FOUND && s->txn) {
        leave_transaction(s);
        s->over = true;
    }
}

static void *run_session(void *arg)
{
    struct session *s = arg;

    for (;;) {
        sync_take(&s->go);
        if (!s->step)
            break;
        do_step(s);
        strata_buffer_append(&s->result, "", 1);
        s->busy = false;
        s->ended_at = ++s->run->ends;
        sync_post(&s->ended);
    }
    leave_transaction(s);
    return NULL;
}

/* ---- The runner ------------------------------------------------------------------------------ */

static bool is_expected(const struct run *run, const struct scenario_step *step, const char *result,
                        const char **expected)
{
    enum scenario_expectation level = run->play->isolation == STRATA_SERIALIZABLE
                                          ? SCENARIO_AT_SERIALIZABLE
                                          : SCENARIO_AT_SNAPSHOT;

    *expected = step->expected[level] ? step->expected[level] : step->expected[SCENARIO_ALWAYS];
    return !*expected || strcmp(*expected, result) == 0;
}

/* What the step returned, against what the line expects that is `by`. */
static void judge(struct run *run, const struct scenario_step *by, const char *result,
                  struct play_event *event)
{
    const char *anomaly = by->expected[SCENARIO_ANOMALY];

    if (is_expected(run, by, result, &event->expected))
        event->expected = NULL;
    else
        run->play->wrong++;
    if (anomaly && strcmp(anomaly, result) != 0)
        run->anomaly_failed = true;
}

/* Has the session's step failed? Then the run has. */
static bool fail_at(struct run *run, const struct session *s)
{
    if (s->rc >= 0)
        return false;
    if (run->rc == 0) {
        run->rc = s->rc;
        run->err = s->err;
        run->play->line = s->step->line;
    }
    return true;
}

static void report(struct run *run, struct session *s, const struct scenario_step *step,
                   const char *result, bool late)
{
    struct play_event event = {.step = step, .result = result, .late = late};

    if (fail_at(run, s))
        return;
    if (!late)
        judge(run, step, result, &event);
    run->play->each(run->play->arg, &event);
    if (late) {
        strata_buffer_clear(&s->waited);
        strata_buffer_append(&s->waited, result, strlen(result) + 1);
    }
}

static const char *result_of(struct session *s)
{
    if (s->result.out_of_memory) {
        s->rc = strata_fail_memory(&s->err, 0);
        return "";
    }
    return (const char *)s->result.data;
}

/* The one that ended first of those that waited and no longer do; NULL: there is none. */
static struct session *next_late(struct run *run)
{
    struct session *next = NULL;

    for (size_t i = 0; i < run->play->scenario->sessions; i++) {
        struct session *s = &run->sessions[i];
        if (s->late && !s->busy && (!next || s->ended_at < next->ended_at))
            next = s;
    }
    return next;
}

static void report_late(struct run *run)
{
    struct session *s;

    while ((s = next_late(run)) != NULL) {
        const struct scenario_step *step = s->late;
        sync_take(&s->ended);
        s->late = NULL;
        report(run, s, step, result_of(s), true);
    }
}

/* Until the session's step has ended: if nobody can run, time passes. */
static void wait_for(struct run *run, struct session *s)
{
    if (s->busy) {
        sync_take(&s->ended);
        sync_post(&s->ended); /* report_late takes it */
    }
    sync_yield();
    report_late(run);
}

static void give_step(struct session *s, const struct scenario_step *step)
{
    s->step = step;
    s->busy = step != NULL;
    s->rc = 0;
    sync_post(&s->go);
    sync_yield();
}

/* `NAME: = RESULT`. */
static void take_result(struct run *run, struct session *s, const struct scenario_step *step)
{
    const char *result = s->waited.size ? (const char *)s->waited.data : "nothing has waited";
    struct play_event event = {.step = step, .result = result};

    judge(run, step, result, &event);
    if (event.expected)
        run->play->each(run->play->arg, &event);
    strata_buffer_clear(&s->waited);
}

static int start(struct run *run, struct session *s)
{
    int sys;

    s->run = run;
    sync_sem_init(&s->go);
    sync_sem_init(&s->ended);
    sys = sync_start(&s->thread, run_session, s);
    if (sys)
        return strata_fail_sys(&run->err, sys, NULL, STRATA_NO_OFFSET, "start a thread");
    s->started = true;
    return 0;
}

static void do_line(struct run *run, const struct scenario_step *step)
{
    struct session *s = &run->sessions[step->session];

    if (!s->started)
        run->rc = start(run, s);
    if (run->rc < 0)
        return;
    if (s->late)
        wait_for(run, s);
    if (run->rc < 0)
        return;
    if (step->verb == SCENARIO_RESULT) {
        take_result(run, s, step);
        return;
    }
    strata_buffer_clear(&s->waited);
    give_step(s, step);
    if (s->busy) {
        s->late = step;
        report(run, s, step, "waits", false);
    } else {
        sync_take(&s->ended);
        report(run, s, step, result_of(s), false);
    }
    report_late(run);
}

/* ---- A run ----------------------------------------------------------------------------------- */

/* Those that wait go on when the others have left, or time passes. */
static void end_sessions(struct run *run)
{
    size_t count = run->play->scenario->sessions;

    for (size_t i = 0; i < count; i++)
        if (run->sessions[i].started && !run->sessions[i].busy)
            give_step(&run->sessions[i], NULL);
    report_late(run);
    for (size_t i = 0; i < count; i++) {
        struct session *s = &run->sessions[i];
        if (!s->started)
            continue;
        if (s->step) {
            wait_for(run, s);
            give_step(s, NULL);
        }
        sync_join(&s->thread);
        strata_buffer_free(&s->value);
        strata_buffer_free(&s->result);
        strata_buffer_free(&s->waited);
        sync_sem_free(&s->go);
        sync_sem_free(&s->ended);
    }
}

static int report_all(struct run *run)
{
    struct strata_buffer text = {0};
    struct play_event event = {0};
    struct strata_iter *iter;
    int rc = strata_iter_new(run->db, &iter, &run->err);

    if (rc < 0)
        return rc;
    rc = list(iter, strata_bytes(NULL, 0), NULL, &text, &run->err);
    strata_iter_free(iter);
    strata_buffer_append(&text, "", 1);
    if (rc == 0 && text.out_of_memory)
        rc = strata_fail_memory(&run->err, text.size);
    event.result = (const char *)text.data;
    if (rc == 0)
        run->play->each(run->play->arg, &event);
    strata_buffer_free(&text);
    return rc;
}

static void run_all(void *arg)
{
    struct run *run = arg;
    struct play *play = run->play;
    struct strata_error err;

    play->options.background_threads = 0;
    play->options.background_seed = 0;
    run->rc = strata_open(play->dir, &play->options, &run->db, &run->err);
    if (run->rc < 0)
        return;
    for (size_t i = 0; i < play->scenario->count && run->rc == 0; i++) {
        const struct scenario_step *step = &play->scenario->steps[i];
        play->asked = play->asked || step->expected[SCENARIO_ANOMALY];
        do_line(run, step);
    }
    end_sessions(run);
    if (run->rc == 0)
        run->rc = report_all(run);
    play->happened = play->asked && !run->anomaly_failed;
    if (strata_close(run->db, &err) < 0 && run->rc == 0)
        run->rc = strata_fail_with(err.code, &err, &run->err);
}

int play_run(struct play *play, struct strata_error *err)
{
    struct run *run = calloc(1, sizeof *run);
    struct baton_options options = {.steps = 1, .steps_most = STEPS_MOST, .in_turn = true};
    struct baton_result result;
    int rc;

    if (!run)
        return strata_fail_memory(err, sizeof *run);
    play->wrong = 0;
    play->asked = play->happened = false;
    play->line = 0;
    run->play = play;
    baton_run(&options, run_all, run, &result);
    if (result.end != BATON_DONE) /* the threads are there for ever, and so is *run */
        return strata_fail(err, STRATA_ERR_BUSY, NULL, STRATA_NO_OFFSET,
                           "the sessions wait for each other for ever: %s", result.report);
    rc = strata_fail_with(run->rc, &run->err, err);
    free(run);
    return rc;
}
