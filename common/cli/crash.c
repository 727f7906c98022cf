/* crash.c: crash: runs workloads on a simulated disk, makes every state that a kill or a power cut
 * may leave, opens each again, and prints a table of what came back. */
#include "cli.h"
#include "crash/explore.h"
#include "crash/subject.h"
#include "crash/workload.h"

#include <inttypes.h>
#include <string.h>

#define WORKLOADS_MOST 8
#define LONG_WRITE 4096 /* bytes; of longer ones the kill model looks at some prefixes only */

struct model_row {
    const char *name;
    enum fs_sim_model model;
    unsigned promise;
    const char *promised; /* what the stage promises where it does */
    const char *about;
};

static const struct model_row models[] = {
    {"kill", FS_SIM_KILL, STRATA_PROMISE_KILL, "that writes survive kill -9",
     "kill -9; of the write being made any number of bytes is there"},
    {"ordered", FS_SIM_ORDERED, STRATA_PROMISE_POWER_CUT, "that writes survive a power cut",
     "a power cut; changes of names reach the device in the order they were made"},
    {"posix", FS_SIM_POSIX, STRATA_PROMISE_POWER_CUT, "that writes survive a power cut",
     "a power cut; a name is safe only after a sync of its directory"},
};
#define MODELS (sizeof models / sizeof *models)

struct workload {
    const char *name;
    struct script script;
};

struct crash {
    struct cli *cli;
    struct strata_stage_info stage;
    const struct model_row *only; /* NULL: all */
    uint64_t seed;
    struct workload workloads[WORKLOADS_MOST];
    size_t count;

    size_t done, total; /* runs of a workload under a model */
    uint64_t distinct;  /* states in those that are done */
    bool broken;        /* a promise was */
};

/* ---- Options --------------------------------------------------------------------------- */

static int read_model(struct crash *c)
{
    const char *name = c->cli->given[CLI_MODEL];

    if (!name)
        return CLI_OK;
    for (size_t i = 0; i < MODELS; i++)
        if (strcmp(models[i].name, name) == 0) {
            c->only = &models[i];
            return CLI_OK;
        }
    return cli_usage(c->cli, "--model: \"%s\" is none of kill, ordered, posix", name);
}

static void tell_workloads(struct crash *c, char *to, size_t capacity)
{
    to[0] = '\0';
    for (size_t i = 0;; i++) {
        struct script script = {0};
        const char *name = workload_fill(i, c->seed, &script);
        size_t length = strlen(to);
        script_free(&script);
        if (!name)
            return;
        snprintf(to + length, capacity - length, "%s%s", i ? ", " : "", name);
    }
}

/* The workload that is asked for, or all. */
static int read_workloads(struct crash *c)
{
    const char *wanted = c->cli->given[CLI_WORKLOAD];
    char names[200];

    for (size_t i = 0; c->count < WORKLOADS_MOST; i++) {
        struct workload *w = &c->workloads[c->count];
        w->name = workload_fill(i, c->seed, &w->script);
        if (!w->name)
            break;
        if (!wanted || strcmp(w->name, wanted) == 0)
            c->count++;
        else
            script_free(&w->script);
    }
    if (c->count)
        return CLI_OK;
    tell_workloads(c, names, sizeof names);
    return cli_usage(c->cli, "--workload: \"%s\" is none of %s", wanted, names);
}

static int read_options(struct crash *c)
{
    int code = cli_stage_asked(c->cli, &c->stage);

    c->seed = 1;
    if (code == CLI_OK)
        code = cli_number(c->cli, CLI_SEED, 0, UINT64_MAX, &c->seed);
    if (code == CLI_OK)
        code = read_model(c);
    if (code != CLI_OK)
        return code;
    subject_choose(&c->stage);
    return read_workloads(c);
}

/* ---- The table ------------------------------------------------------------------------- */

static void put_verdicts(FILE *to, const uint64_t *verdicts)
{
    const char *before = "";

    for (int v = ORACLE_FINE + 1; v < ORACLE_VERDICTS; v++)
        if (verdicts[v]) {
            fprintf(to, "%s%" PRIu64 " %s", before, verdicts[v],
                    oracle_verdict_name((enum oracle_verdict)v));
            before = ", ";
        }
    fputs(*before ? "\n" : "fine\n", to);
}

static void put_row(FILE *to, const char *name, const struct explore_part *part)
{
    char recovered[40] = "all issued";

    if (part->missing)
        snprintf(recovered, sizeof recovered, "0 %s %" PRIu64 " less",
                 part->missing > 1 ? "to" : "or", part->missing);
    fprintf(to, "%-9s %7" PRIu64 " %9" PRIu64 " %9" PRIu64 "  %-12s  ", name, part->cuts,
            part->states, part->distinct, recovered);
    put_verdicts(to, part->verdicts);
}

static void put_table(FILE *to, const struct explore *e)
{
    struct explore_part sum = {0};

    fprintf(to, "%-9s %7s %9s %9s  %-12s  verdict\n", "operation", "calls", "states", "distinct",
            "recovered");
    for (int doing = 0; doing < SCRIPT_DOINGS; doing++) {
        const struct explore_part *part = &e->parts[doing];
        if (!part->cuts)
            continue;
        put_row(to, script_doing_name((enum script_doing)doing), part);
        sum.cuts += part->cuts;
        sum.states += part->states;
        sum.distinct += part->distinct;
        if (part->missing > sum.missing)
            sum.missing = part->missing;
        for (int v = 0; v < ORACLE_VERDICTS; v++)
            sum.verdicts[v] += part->verdicts[v];
    }
    put_row(to, "all", &sum);
}

/* ---- A violation ----------------------------------------------------------------------- */

static const char *name_of(const struct crash *c, const struct script *script)
{
    for (size_t i = 0; i < c->count; i++)
        if (&c->workloads[i].script == script)
            return c->workloads[i].name;
    return "?";
}

static void put_case(const struct crash *c, const struct explore_case *k)
{
    FILE *to = c->cli->out;

    fprintf(to, "\n%s, the first of them: %s\n", oracle_verdict_name(k->report.verdict),
            k->report.what);
    fprintf(to, "  workload  %s: writes issued %" PRIu64 ", acknowledged %" PRIu64 "\n",
            name_of(c, k->script), k->state.issued, k->state.acked);
    fprintf(to, "  cut       at call %" PRIu64 ", %s%s%s (%s)\n", k->state.call,
            k->state.kind == FS_CALL_COUNT ? "after all" : fs_call_name(k->state.kind),
            *k->path ? " " : "", k->path, script_doing_name(k->doing));
    fprintf(to, "  left      %s\n", k->choice);
}

static void put_cases(struct crash *c, const struct model_row *model, const struct explore *e)
{
    bool promised = c->stage.promises & model->promise;

    for (int v = ORACLE_FINE + 1; v < ORACLE_VERDICTS; v++)
        if (e->cases[v].script)
            put_case(c, &e->cases[v]);
    if (e->violations && promised)
        c->broken = true;
    if (e->violations)
        fprintf(c->cli->out, "\n%s %s %s.\n", c->stage.name,
                promised ? "breaks its promise" : "does not promise", model->promised);
}

/* ---- Running --------------------------------------------------------------------------- */

static void tick(void *arg, uint64_t done, uint64_t total, uint64_t distinct)
{
    struct crash *c = arg;
    struct progress_state state = {.done_bytes = c->done * 1000 + 1000 * done / (total + 1),
                                   .total_bytes = c->total * 1000,
                                   .records = c->distinct + distinct,
                                   .unit = "states"};
    progress_tick(&c->cli->progress, &state);
}

static int explore_model(struct crash *c, const struct model_row *model)
{
    FILE *to = c->cli->out;
    struct explore e = {.tick = tick, .arg = c};

    e.plan.model = model->model;
    e.plan.prefix_limit = LONG_WRITE;
    e.acknowledged = !(c->stage.promises & model->promise);
    for (size_t i = 0; i < c->count; i++) {
        uint64_t before = e.totals.distinct;
        e.script = &c->workloads[i].script;
        if (explore_run(&e) < 0) {
            cli_say(c->cli, "%s, which no crash disturbed: %s", c->workloads[i].name, e.example);
            return CLI_OTHER;
        }
        c->done++;
        c->distinct += e.totals.distinct - before;
    }
    progress_clear(&c->cli->progress);
    fprintf(to, "%s: %s\n", model->name, model->about);
    put_table(to, &e);
    put_cases(c, model, &e);
    fprintf(to,
            "crash: stage=%u model=%s states=%" PRIu64 " distinct=%" PRIu64 " violations=%" PRIu64
            "\n",
            c->stage.stage, model->name, e.totals.states, e.totals.distinct, e.violations);
    return CLI_OK;
}

static int explore_models(struct crash *c)
{
    int code = CLI_OK;

    for (size_t i = 0; i < MODELS && code == CLI_OK; i++) {
        if (c->only && c->only != &models[i])
            continue;
        if (i && !c->only)
            fputc('\n', c->cli->out);
        code = explore_model(c, &models[i]);
    }
    return code;
}

static int explore_all(struct crash *c)
{
    struct progress whole;
    double seconds;
    int code;

    c->total = c->count * (c->only ? 1 : MODELS);
    cli_begin_progress(c->cli);
    whole = c->cli->progress;
    code = explore_models(c);
    seconds = progress_seconds(&whole);
    if (code != CLI_OK)
        return code;
    fprintf(c->cli->log, "opened %" PRIu64 " distinct states in %.2f s, %.0f states/s\n",
            c->distinct, seconds, seconds > 0 ? (double)c->distinct / seconds : 0);
    return c->broken ? CLI_BROKEN : CLI_OK;
}

int cli_run_crash(struct cli *cli)
{
    struct crash c = {.cli = cli};
    int code = read_options(&c);

    if (code == CLI_OK)
        code = explore_all(&c);
    for (size_t i = 0; i < c.count; i++)
        script_free(&c.workloads[i].script);
    return code;
}
