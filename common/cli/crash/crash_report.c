/* crash_report.c: a violation in plain words, for the author of the engine: the promise, the steps
 * up to the crash, the files it left, and how to see it again. */
#include "cli/crash/crash.h"
#include "crash/need.h"
#include "crash/sim/fs_sim.h"
#include "cli/show/promises.h"

#include <inttypes.h>
#include <string.h>

static const char *text_of(unsigned promise)
{
    const struct promise *p = promises;
    while (p->word && p->bit != promise)
        p++;
    return p->text;
}

static const char *fate_of(const struct explore_case *k, uint64_t n)
{
    return n <= k->floor          ? "acknowledged, and must come back"
           : n <= k->state.acked  ? "acknowledged, and may be lost"
           : n == k->state.issued ? "under way, and may come back"
                                  : "issued, and may come back";
}

/* A batch has several lines; each begins below the first. */
static void put_step(FILE *to, const struct script *script, size_t index, size_t n,
                     const char *fate)
{
    char *text = NULL, *rest = NULL;
    size_t size = 0;
    FILE *lines = need(open_memstream(&text, &size));

    crash_write_step(lines, script, index, n);
    fclose(lines);
    fprintf(to, "  %4zu  ", index + 1);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        fprintf(to, "%s%.100s%s", line == text ? "" : "\n        ", line,
                strlen(line) > 100 ? "..." : "");
    fprintf(to, "%s%s\n", *fate ? "   # " : "", fate);
    free(text);
}

/* Up to the last write that was begun, and the steps after it before the next write. */
static void put_steps(FILE *to, const struct explore_case *k, const struct script *script)
{
    size_t n = 0;

    fputs("\nThe steps\n", to);
    for (size_t i = 0; i < script->count; i++) {
        bool write = script->steps[i] == SCRIPT_WRITE;
        if (write && n == k->state.issued && k->place.way == EXPLORE_WHOLE)
            return;
        n += write;
        put_step(to, script, i, n, write ? fate_of(k, n) : "");
    }
}

static void put_crash(FILE *to, const struct crash_model *model, const struct explore_case *k)
{
    const struct explore_place *at = &k->place;

    fputs("\nThe crash\n", to);
    if (at->way == EXPLORE_KILLED)
        fprintf(to, "  first the process was killed at call %" PRIu64 ", and another followed\n",
                at->at);
    else if (at->way == EXPLORE_ERROR)
        fprintf(to, "  first call %" PRIu64 " failed once with EIO, and it was opened again\n",
                at->at);
    if (at->again)
        fprintf(to, "  first one at call %" PRIu64 "; while it recovered, the second:\n", at->call);
    if (k->state.kind == FS_CALL_COUNT)
        fprintf(to, "  after the last call (%s)\n", explore_row_name(k->row));
    else
        fprintf(to, "  during call %" PRIu64 " of the file layer: %s %s (%s)\n", k->state.call,
                fs_call_name(k->state.kind), k->path, explore_row_name(k->row));
    fprintf(to, "  %s\n  of what was not synced it left: %s\n", model->about, k->choice);
}

static void put_file(FILE *to, struct strata_fs *state, const char *name)
{
    char *path = need(fs_join(EXPLORE_DISK, name));
    struct strata_buffer bytes = {0};

    if (fs_sim_get(state, path, &bytes) == 0)
        fprintf(to, "  %-24s %zu bytes\n", name, bytes.size);
    strata_buffer_free(&bytes);
    free(path);
}

static void put_files(void *arg, struct strata_fs *state)
{
    struct fs_names paths;

    fputs("\nThe files that it left\n", arg);
    if (fs_sim_paths(state, EXPLORE_DISK, &paths) == 0)
        for (size_t i = 0; i < paths.count; i++)
            put_file(arg, state, paths.names[i]);
    fs_names_free(&paths);
}

void crash_report(struct crash *c, const struct crash_model *model, const struct explore_case *k,
                  const struct script *script)
{
    if (!c->cli->given[CLI_ENGINE] || c->reported & model->promise)
        return;
    c->reported |= model->promise;
    if (!c->report)
        c->report = need(open_memstream(&c->report_text, &c->report_size));
    fprintf(c->report, "\n==== A broken promise: %s ====\n\n%s promises it, and %s breaks it.\n",
            text_of(model->promise), c->stage.name, c->cli->given[CLI_ENGINE]);
    fprintf(c->report, "What was wrong (%s): %s.\n", oracle_verdict_name(k->report.verdict),
            k->report.what);
    put_steps(c->report, k, script);
    put_crash(c->report, model, k);
    crash_look(c, model, k, put_files, c->report);
    fputs("\nTo see it again, and its files in a new directory `state`\n\n", c->report);
    crash_put_command(c, c->report, model, k, NULL, script, "state");
}

void crash_put_report(struct crash *c)
{
    if (!c->report)
        return;
    fclose(c->report);
    fputs(c->report_text, c->cli->out);
    free(c->report_text);
    c->report = NULL;
}
