/* crash_print.c: what the command crash prints of a state. */
#include "cli/crash/crash.h"

#include <inttypes.h>
#include <string.h>

const char *const crash_depths[] = {"quick", "usual", "full"};

/* ---- The table ------------------------------------------------------------------------- */

void crash_put_verdicts(FILE *to, const uint64_t *verdicts)
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
    fprintf(to, "%-14s %7" PRIu64 " %9" PRIu64 " %8" PRIu64 " %8" PRIu64 "  %-12s  ", name,
            part->cuts, part->states, part->distinct, part->fresh, recovered);
    crash_put_verdicts(to, part->verdicts);
}

static void add(struct explore_part *sum, const struct explore_part *part)
{
    sum->cuts += part->cuts;
    sum->states += part->states;
    sum->distinct += part->distinct;
    sum->fresh += part->fresh;
    if (part->missing > sum->missing)
        sum->missing = part->missing;
    for (int v = 0; v < ORACLE_VERDICTS; v++)
        sum->verdicts[v] += part->verdicts[v];
}

void crash_put_table(FILE *to, const struct explore *e)
{
    struct explore_part sum = {0};

    fprintf(to, "%-14s %7s %9s %8s %8s  %-12s  verdict\n", "operation", "calls", "states", "opened",
            "distinct", "recovered");
    for (int row = 0; row < EXPLORE_ROWS; row++) {
        if (!e->parts[row].cuts)
            continue;
        put_row(to, explore_row_name(row), &e->parts[row]);
        add(&sum, &e->parts[row]);
    }
    put_row(to, "all", &sum);
}

/* ---- A violation ----------------------------------------------------------------------- */

/* One word to a shell, whatever is in it. */
static void put_quoted(FILE *to, const char *word)
{
    fputc('\'', to);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", to);
        else
            fputc(*word, to);
    fputc('\'', to);
}

static void put_word(FILE *to, const char *word)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";

    if (*word && !word[strspn(word, plain)])
        fputs(word, to);
    else
        put_quoted(to, word);
}

void crash_put_command(const struct crash *c, FILE *to, const struct crash_model *model,
                       const struct explore_case *k, const struct workload *named,
                       const struct script *script, const char *keep)
{
    const char *engine = c->cli->given[CLI_ENGINE];
    char place[100];

    fprintf(to, "%s crash --stage %u ", c->cli->program, c->stage.stage);
    if (engine) {
        fputs("--engine ", to);
        put_quoted(to, engine);
        fputc(' ', to);
    }
    fprintf(to, "--model %s ", model->name);
    if (k->place.call)
        fprintf(to, "--at %s ", explore_place_text(&k->place, place));
    if (c->depth == CAMPAIGN_FULL) /* it numbers states in another way */
        fprintf(to, "--depth %s ", crash_depths[c->depth]);
    if (keep)
        fprintf(to, "--keep %s ", keep);
    fputs("--workload ", to);
    if (script) {
        fputs("- <<'END'\n", to);
        crash_write(to, script);
        fputs("END\n", to);
    } else {
        put_word(to, named->name);
        if (named->seed)
            fprintf(to, " --seed %" PRIu64, named->seed);
        fputc('\n', to);
    }
}

void crash_put_case(const struct crash *c, const struct explore_case *k, const char *name)
{
    FILE *to = c->cli->out;

    fprintf(to, "  workload  %s; issued up to write %" PRIu64 ", safe up to %" PRIu64 "\n", name,
            k->state.issued, k->floor);
    fprintf(to, "  cut       at call %" PRIu64 ", %s%s%s (%s)\n", k->state.call,
            k->state.kind == FS_CALL_COUNT ? "after all" : fs_call_name(k->state.kind),
            *k->path ? " " : "", k->path, explore_row_name(k->row));
    fprintf(to, "  left      %s\n", k->choice);
    fprintf(to, "  files     %s\n", c->files);
}

const struct workload *crash_workload_of(const struct crash *c, const struct script *script)
{
    for (size_t i = 0; i < c->count; i++)
        if (&c->workloads[i].script == script)
            return &c->workloads[i];
    return NULL;
}
