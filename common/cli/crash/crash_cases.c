/* crash_cases.c: the violations that were found: each by the shortest script that shows it, and
 * printed. */
#include "cli/crash/crash.h"
#include "crash/explore/shrink.h"

void crash_shrink(struct crash *c, const struct explore *e,
                  void (*progress)(void *crash, double share))
{
    c->shrunk = c->to_shrink = 0;
    for (int v = ORACLE_FINE + 1; v < ORACLE_VERDICTS; v++)
        c->to_shrink += e->cases[v].script != NULL;
    for (int v = ORACLE_FINE + 1; v < ORACLE_VERDICTS; v++)
        if (e->cases[v].script) {
            shrink(e, &e->cases[v], &c->few[v], &c->shorter[v], progress, c);
            c->shrunk++;
        }
}

/* Of all steps and values. */
static size_t size_of(const struct script *script)
{
    size_t size = script->count;

    for (size_t i = 0; i < script->history.op_count; i++)
        size += script->history.ops[i].value.size;
    return size;
}

#define SHORT 4000 /* of a script that one can read on a screen, or nearly */

static void put_violation(struct crash *c, const struct crash_model *model,
                          const struct explore_case *k)
{
    const struct workload *named = crash_workload_of(c, k->script);
    const struct explore_case *shorter = &c->shorter[k->report.verdict];
    struct script *script = &c->few[k->report.verdict];
    bool less = size_of(script) < size_of(k->script) && size_of(script) <= SHORT;

    if (!less)
        shorter = k;
    fprintf(c->cli->out, "\n%s, for example: %s\n", oracle_verdict_name(k->report.verdict),
            shorter->report.what);
    crash_files(c, model, shorter);
    crash_put_case(c, shorter, less ? "as below" : named->name);
    crash_put_command(c, c->cli->out, model, shorter, named, less ? script : NULL, NULL);
    if (c->stage.promises & model->promise)
        crash_report(c, model, shorter, less ? script : k->script);
    script_free(script);
}

void crash_put_cases(struct crash *c, const struct crash_model *model, const struct explore *e)
{
    bool promised = c->stage.promises & model->promise;

    for (int v = ORACLE_FINE + 1; v < ORACLE_VERDICTS; v++)
        if (e->cases[v].script)
            put_violation(c, model, &e->cases[v]);
    if (e->violations && promised)
        c->broken = true;
    if (e->violations)
        fprintf(c->cli->out, "\n%s %s %s.\n",
                c->cli->given[CLI_ENGINE] ? c->cli->given[CLI_ENGINE] : c->stage.name,
                promised ? "breaks its promise" : "does not promise", model->promised);
}
