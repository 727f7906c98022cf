/* 11_scenario_test.c: schedules of several sessions (common/scenario): drawn ones, each of whose
 * transactions must have read and written as in some order one after another; and how a runner
 * shows steps that wait. */
#include "test.h"

#include "crash/need.h"
#include "crash/sim/fs_sim.h"
#include "rng.h"
#include "scenario/play.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAGE 11
#define KEYS 4u
#define SESSIONS 3u
#define STATES_MOST 200u /* of the database in a run */
#define STEPS_MOST 64u   /* of a transaction */

/* ---- A model --------------------------------------------------------------------------------- */

/* What each key has; 0: it is not there. */
struct state {
    unsigned values[KEYS];
};

/* What a session has done since its begin. */
struct transaction {
    bool open, over;
    size_t began; /* number of the state then */
    struct {
        const struct scenario_step *step;
        char result[100];
    } steps[STEPS_MOST];
    size_t count;
};

struct serial {
    const struct scenario *scenario;
    enum strata_isolation isolation;
    struct state states[STATES_MOST]; /* after each commit, the first one is empty */
    size_t count;
    struct transaction open[SESSIONS];
    uint64_t seed;
    char *wrong; /* the first thing that is, to be freed; the runner is no thread of cmocka's */
    size_t *commits, *conflicts, *waits, *deadlocks;
};

static unsigned key_of(const struct scenario_step *step)
{
    return step->operands[0].data[0] - (unsigned)'a';
}

static void write(struct state *state, const struct scenario_step *step)
{
    unsigned value = step->verb == SCENARIO_PUT
                         ? (unsigned)strtoul((const char *)step->operands[1].data, NULL, 10)
                         : 0;
    state->values[key_of(step)] = value;
}

/* What a step that reads must return in that state. */
static void read_state(const struct state *state, const struct scenario_step *step, char *to,
                       size_t room)
{
    size_t used = 0;

    if (step->verb != SCENARIO_SCAN) {
        unsigned value = state->values[key_of(step)];
        snprintf(to, room, value ? "%u" : "none", value);
        return;
    }
    for (unsigned k = 0; k < KEYS; k++) {
        char key = (char)('a' + (int)k);
        bool inside = (step->count < 1 || key >= (char)step->operands[0].data[0]) &&
                      (step->count < 2 || key < (char)step->operands[1].data[0]);
        if (inside && state->values[k])
            used += (size_t)snprintf(to + used, room - used, "%s%c=%u", used ? " " : "", key,
                                     state->values[k]);
    }
    if (!used)
        snprintf(to, room, "empty");
}

static bool reads(const struct scenario_step *step)
{
    return step->verb == SCENARIO_GET || step->verb == SCENARIO_GET_FOR_UPDATE ||
           step->verb == SCENARIO_SCAN;
}

/* What a transaction makes of a state. */
struct outcome {
    struct state state;
    bool written[KEYS]; /* by it, and not rolled back */
    bool wrote;         /* any */
    bool right;         /* its reads returned what is there */
};

/* A rollback keeps the savepoint that it returns to. */
static struct outcome run_in(const struct transaction *txn, const struct state *state)
{
    struct outcome view = {.state = *state, .right = true}, saved[STEPS_MOST];
    size_t depth = 0;

    for (size_t i = 0; i < txn->count; i++) {
        const struct scenario_step *step = txn->steps[i].step;
        char wanted[100];
        if (step->verb == SCENARIO_SAVEPOINT) {
            saved[depth++] = view;
        } else if (step->verb == SCENARIO_ROLLBACK_TO && depth) {
            saved[depth - 1].right = view.right; /* what was read has been read */
            view = saved[depth - 1];
        } else if (step->verb == SCENARIO_PUT || step->verb == SCENARIO_DELETE) {
            write(&view.state, step);
            view.wrote = view.written[key_of(step)] = true;
        } else if (reads(step)) {
            read_state(&view.state, step, wanted, sizeof wanted);
            view.right = view.right && strcmp(wanted, txn->steps[i].result) == 0;
        }
    }
    return view;
}

/* ---- A run against it ------------------------------------------------------------------------ */

static void fail_run(struct serial *m, const struct scenario_step *step, const char *why)
{
    struct strata_buffer text = {0};

    if (m->wrong)
        return;
    scenario_put(&text, m->scenario);
    m->wrong = need(malloc(text.size + 200));
    snprintf(m->wrong, text.size + 200, "seed %llu, %s, step %u: %s\n%.*s",
             (unsigned long long)m->seed,
             m->isolation == STRATA_SERIALIZABLE ? "serializable" : "snapshot", step->line, why,
             (int)text.size, (const char *)text.data);
    strata_buffer_free(&text);
}

static void add_state(struct serial *m, struct state state)
{
    assert(m->count < STATES_MOST);
    m->states[m->count++] = state;
}

/* Was there a state since its begin that it has read, and of which it replaces nothing that
 * somebody else wrote? */
static bool has_a_snapshot(const struct serial *m, const struct transaction *txn)
{
    const struct state *now = &m->states[m->count - 1];

    for (size_t i = txn->began; i < m->count; i++) {
        struct outcome view = run_in(txn, &m->states[i]);
        for (unsigned k = 0; k < KEYS; k++)
            if (view.written[k] && m->states[i].values[k] != now->values[k])
                view.right = false;
        if (view.right)
            return true;
    }
    return false;
}

/* One that has written is, if serializable, the last one so far. */
static void check_commit(struct serial *m, struct transaction *txn,
                         const struct scenario_step *step)
{
    struct state next = m->states[m->count - 1];
    struct outcome view = run_in(txn, &next);

    (*m->commits)++;
    if (view.wrote && m->isolation == STRATA_SERIALIZABLE && !view.right)
        fail_run(m, step, "it committed, and has not read what was there at its commit");
    if (!has_a_snapshot(m, txn))
        fail_run(m, step, "it committed, and there was no state that it has read");
    for (unsigned k = 0; k < KEYS; k++)
        if (view.written[k])
            next.values[k] = view.state.values[k];
    if (view.wrote)
        add_state(m, next);
}

/* An operation of its own. */
static void check_plain(struct serial *m, const struct scenario_step *step, const char *result)
{
    struct state state = m->states[m->count - 1];
    char wanted[100];

    if (reads(step)) {
        read_state(&state, step, wanted, sizeof wanted);
        if (strcmp(wanted, result) != 0)
            fail_run(m, step, "a read without a transaction is not of the present");
    } else {
        write(&state, step);
        add_state(m, state);
    }
}

static void note(struct transaction *txn, const struct scenario_step *step, const char *result)
{
    assert(txn->count < STEPS_MOST);
    txn->steps[txn->count].step = step;
    snprintf(txn->steps[txn->count++].result, sizeof txn->steps->result, "%s", result);
}

static void check_end(struct serial *m, const char *result)
{
    const struct scenario_step all = {.verb = SCENARIO_SCAN};
    char wanted[100];

    read_state(&m->states[m->count - 1], &all, wanted, sizeof wanted);
    if (strcmp(result, wanted) != 0)
        fail_run(m, &all, "at the end the database is not what was committed");
}

static void check(void *arg, const struct play_event *event)
{
    struct serial *m = arg;
    const struct scenario_step *step = event->step;
    struct transaction *txn;

    if (!step) {
        check_end(m, event->result);
        return;
    }
    txn = &m->open[step->session];
    *m->waits += strcmp(event->result, "waits") == 0;
    *m->deadlocks += strcmp(event->result, "deadlock") == 0;
    *m->conflicts += strcmp(event->result, "conflict") == 0;
    if (strcmp(event->result, "waits") == 0)
        return;
    if (step->verb == SCENARIO_BEGIN)
        *txn = (struct transaction){.open = true, .began = m->count - 1};
    else if (!txn->open)
        check_plain(m, step, event->result);
    else if (step->verb == SCENARIO_COMMIT && strcmp(event->result, "ok") == 0)
        check_commit(m, txn, step);
    else
        note(txn, step, event->result);
    if (step->verb == SCENARIO_COMMIT || step->verb == SCENARIO_ABORT)
        txn->open = false;
}

/* ---- Drawn schedules ------------------------------------------------------------------------- */

static void draw_step(struct rng *rng, FILE *to, unsigned session, bool *open, unsigned value)
{
    char name = (char)('x' + (int)session), key = (char)('a' + (int)rng_below(rng, KEYS));
    unsigned what = (unsigned)rng_below(rng, 24);

    fprintf(to, "%c: ", name);
    if (!*open && what < 16) {
        fprintf(to, "begin\n");
        *open = true;
    } else if (*open && (what < 4 || what == 11 || what == 12)) {
        fprintf(to, "get-for-update %c\n", key);
    } else if (*open && what < 8) {
        fprintf(to, what < 7 ? "commit\n" : "abort\n");
        *open = false;
    } else if (*open && what < 10) {
        fprintf(to, "savepoint\n");
    } else if (*open && what < 11) {
        fprintf(to, "rollback-to\n");
    } else if (what < 15) {
        fprintf(to, "get %c\n", key);
    } else if (what < 18) {
        fprintf(to, what < 16 ? "scan\n" : "scan %c %c\n", key, key + 2);
    } else if (what < 22) {
        fprintf(to, "put %c %u\n", key, value);
    } else {
        fprintf(to, "delete %c\n", key);
    }
}

static struct strata_buffer draw(uint64_t seed)
{
    struct rng rng;
    char *text = NULL;
    size_t size = 0;
    FILE *to = need(open_memstream(&text, &size));
    bool open[SESSIONS] = {false};
    struct strata_buffer drawn = {0};

    rng_init(&rng, seed);
    for (unsigned i = 0; i < 40; i++) {
        unsigned session = (unsigned)rng_below(&rng, SESSIONS);
        draw_step(&rng, to, session, &open[session], i + 1);
    }
    fclose(to);
    strata_buffer_append(&drawn, text, size);
    free(text);
    return drawn;
}

static void parse(struct scenario *scenario, struct strata_slice text)
{
    struct scenario_fault fault;

    if (scenario_parse(scenario, text, &fault) < 0)
        fail_msg("line %llu: %s", (unsigned long long)fault.line, fault.message);
}

static void run(struct play *play)
{
    struct strata_error err;

    strata_options_init(&play->options);
    play->options.stage = STAGE;
    play->options.create = true;
    play->options.fs = need(fs_sim_new());
    play->dir = "db";
    if (play_run(play, &err) < 0)
        fail_msg("line %llu: %s", (unsigned long long)play->line, err.message);
    fs_free(play->options.fs);
}

static void run_drawn(enum strata_isolation isolation)
{
    uint64_t runs = check_quick() ? 300 : 3000;
    size_t commits = 0, conflicts = 0, waits = 0, deadlocks = 0;

    for (uint64_t seed = 1; seed <= runs; seed++) {
        struct strata_buffer text = draw(seed);
        struct scenario scenario = {0};
        struct serial *m = need(calloc(1, sizeof *m));
        struct play play = {.scenario = &scenario, .isolation = isolation, .each = check, .arg = m};
        *m = (struct serial){.scenario = &scenario,
                             .isolation = isolation,
                             .count = 1,
                             .seed = seed,
                             .commits = &commits,
                             .conflicts = &conflicts,
                             .waits = &waits,
                             .deadlocks = &deadlocks};
        parse(&scenario, strata_buffer_slice(&text));
        run(&play);
        if (m->wrong)
            fail_msg("%s", m->wrong);
        scenario_free(&scenario);
        strata_buffer_free(&text);
        free(m);
    }
    assert_enough(commits, runs);
    assert_enough(conflicts, runs / 2);
    assert_enough(waits, runs / 4);
    assert_enough(deadlocks, runs / 150);
}

static void scenario_drawn_ones_are_serial(void **state)
{
    (void)state;
    run_drawn(STRATA_SERIALIZABLE);
}

static void scenario_drawn_ones_read_snapshots(void **state)
{
    (void)state;
    run_drawn(STRATA_SNAPSHOT_ISOLATION);
}

/* ---- Steps that wait ------------------------------------------------------------------------- */

/* The events as lines: "b get-for-update x: waits". */
static void list(void *arg, const struct play_event *event)
{
    struct strata_buffer *to = arg;

    if (!event->step)
        return;
    strata_buffer_append(to, event->late ? "late " : "", event->late ? 5 : 0);
    scenario_put_step(to, event->step);
    strata_buffer_append(to, ": ", 2);
    strata_buffer_append(to, event->result, strlen(event->result));
    strata_buffer_append(to, "\n", 1);
}

static void check_events(const char *text, const char *wanted)
{
    struct scenario scenario = {0};
    struct strata_buffer got = {0};
    struct play play = {
        .scenario = &scenario, .isolation = STRATA_SERIALIZABLE, .each = list, .arg = &got};

    parse(&scenario, strata_string(text));
    run(&play);
    strata_buffer_append(&got, "", 1);
    assert_string_equal((char *)got.data, wanted);
    scenario_free(&scenario);
    strata_buffer_free(&got);
}

static void scenario_step_that_waits_goes_on(void **state)
{
    (void)state;
    check_events("a: begin\nb: begin\na: get-for-update x\nb: get-for-update x\nc: put y 1\n"
                 "a: put x 1\na: commit\nb: commit\n",
                 "begin: ok\nbegin: ok\nget-for-update x: none\nget-for-update x: waits\n"
                 "put y 1: ok\nput x 1: ok\ncommit: ok\nlate get-for-update x: 1\ncommit: ok\n");
}

/* Its next step is done when the one that waits has ended: time passes until then. */
static void scenario_next_step_lets_time_pass(void **state)
{
    (void)state;
    check_events("a: begin\nb: begin\na: get-for-update x\nb: get-for-update x\nb: put x 2\n"
                 "b: commit\na: commit",
                 "begin: ok\nbegin: ok\nget-for-update x: none\nget-for-update x: waits\n"
                 "late get-for-update x: timeout\nput x 2: over\ncommit: over\ncommit: ok\n");
}

static void scenario_end_frees_who_waits(void **state)
{
    (void)state;
    check_events("a: begin\nb: begin\nc: begin\na: get-for-update x\nb: get-for-update x\n"
                 "c: get-for-update x\n",
                 "begin: ok\nbegin: ok\nbegin: ok\nget-for-update x: none\n"
                 "get-for-update x: waits\nget-for-update x: waits\n"
                 "late get-for-update x: none\nlate get-for-update x: none\n");
}

/* ---- What a run is judged by ----------------------------------------------------------------- */

static struct play judged(const char *text, enum strata_isolation isolation)
{
    struct scenario scenario = {0};
    struct strata_buffer got = {0};
    struct play play = {.scenario = &scenario, .isolation = isolation, .each = list, .arg = &got};

    parse(&scenario, strata_string(text));
    run(&play);
    scenario_free(&scenario);
    strata_buffer_free(&got);
    return play;
}

#define SKEW "a: begin\nb: begin\na: get x\nb: get y\na: put y 1\nb: put x 1\na: commit\nb: commit"

static void scenario_begin_has_the_level_of_the_run(void **state)
{
    (void)state;
    assert_true(judged(SKEW " anomaly= ok", STRATA_SNAPSHOT_ISOLATION).happened);
    assert_false(judged(SKEW " anomaly= ok", STRATA_SERIALIZABLE).happened);
}

static void scenario_anomaly_needs_all_its_steps(void **state)
{
    struct play some =
        judged("a: get x anomaly= 1\na: put x 1\na: get x anomaly= 1\n", STRATA_SERIALIZABLE);

    (void)state;
    assert_true(some.asked);
    assert_false(some.happened);
    assert_true(judged("a: put x 1\na: get x anomaly= 1", STRATA_SERIALIZABLE).happened);
    assert_false(judged("a: put x 1\na: get x", STRATA_SERIALIZABLE).asked);
}

static void scenario_wrong_results_are_counted(void **state)
{
    const char *text = SKEW " snapshot= ok serializable= conflict";

    (void)state;
    assert_int_equal(judged(text, STRATA_SNAPSHOT_ISOLATION).wrong, 0);
    assert_int_equal(judged(text, STRATA_SERIALIZABLE).wrong, 0);
    assert_int_equal(judged(SKEW " = ok", STRATA_SERIALIZABLE).wrong, 1);
    assert_int_equal(judged("a: get x = 1\na: = none\na: get x = none", STRATA_SERIALIZABLE).wrong,
                     2);
}

static void scenario_savepoints_have_names(void **state)
{
    (void)state;
    assert_int_equal(judged("a: begin\na: savepoint s\na: put x 1\na: savepoint s\na: put x 2\n"
                            "a: savepoint t\na: put x 3\na: rollback-to s\na: get x = 1\n"
                            "a: rollback-to t = none\na: rollback-to\na: get x = 1\n",
                            STRATA_SERIALIZABLE)
                         .wrong,
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenario_drawn_ones_are_serial),
        cmocka_unit_test(scenario_drawn_ones_read_snapshots),
        cmocka_unit_test(scenario_step_that_waits_goes_on),
        cmocka_unit_test(scenario_next_step_lets_time_pass),
        cmocka_unit_test(scenario_end_frees_who_waits),
        cmocka_unit_test(scenario_begin_has_the_level_of_the_run),
        cmocka_unit_test(scenario_anomaly_needs_all_its_steps),
        cmocka_unit_test(scenario_wrong_results_are_counted),
        cmocka_unit_test(scenario_savepoints_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
