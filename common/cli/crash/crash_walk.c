/* crash_walk.c: crash --walk: what the operations of one workload leave.
 *
 *   operation     its totals: calls cut, states, how many writes came back, verdict
 *     call        states that are new there and come back alike are a line; with "results" those
 *                 of the whole operation are, by the call that was the first to leave one
 * A state that an earlier call has left is not shown again. */
#include "cli/crash/crash.h"
#include "crash/need.h"
#include "text/text.h"

#include <inttypes.h>
#include <string.h>

/* States of one call that come back alike. */
struct line {
    uint64_t call, states, n, issued;
    enum fs_call kind;
    enum oracle_verdict verdict;
    bool absent, torn;
    char *path, *what;  /* what is wrong; "" */
    char *first, *last; /* how they came about */
};

struct operation {
    struct explore_operation of;
    uint64_t calls, states, opened, least, most, issued;
    uint64_t verdicts[ORACLE_VERDICTS];
    struct line *lines;
    size_t count;
};

struct walk {
    struct crash *crash;
    bool results;
    const struct script *script;
    struct operation *operations; /* by explore_operation.index; one without calls has no states */
    size_t count;
};

static char *copy(const char *text)
{
    return need(strdup(text));
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- Gathering ------------------------------------------------------------------------- */

static struct operation *operation_of(struct walk *w, const struct explore_operation *of)
{
    if (of->index >= w->count) {
        w->operations = need(realloc(w->operations, (of->index + 1) * sizeof *w->operations));
        memset(w->operations + w->count, 0, (of->index + 1 - w->count) * sizeof *w->operations);
        w->count = of->index + 1;
    }
    w->operations[of->index].of = *of;
    return &w->operations[of->index];
}

static bool has_digit(const char *word, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (word[i] >= '0' && word[i] <= '9')
            return true;
    return false;
}

/* The same words, but for those that have digits: places, names of files, checksums. */
static bool alike(const char *a, const char *b)
{
    while (*a && *b) {
        size_t size_a = strcspn(a, " "), size_b = strcspn(b, " ");
        bool digits = has_digit(a, size_a) && has_digit(b, size_b);
        if (!digits && (size_a != size_b || memcmp(a, b, size_a) != 0))
            return false;
        a += size_a + (a[size_a] == ' ');
        b += size_b + (b[size_b] == ' ');
    }
    return *a == *b;
}

static bool fits(const struct walk *w, const struct line *l, const struct explore_seen *seen)
{
    const struct oracle_report *r = seen->report;
    return (w->results || l->call == seen->state->call) && l->verdict == r->verdict &&
           l->n == r->n && l->issued == seen->issued && l->absent == r->absent &&
           l->torn == (r->torn > 0) && alike(l->what, r->what);
}

static struct line *line_of(const struct walk *w, struct operation *o,
                            const struct explore_seen *seen)
{
    const struct oracle_report *r = seen->report;

    for (size_t i = o->count; i-- > 0;)
        if (fits(w, &o->lines[i], seen))
            return &o->lines[i];
    o->lines = need(realloc(o->lines, (o->count + 1) * sizeof *o->lines));
    o->lines[o->count] = (struct line){.call = seen->state->call,
                                       .kind = seen->state->kind,
                                       .path = copy(base_name(seen->state->path)),
                                       .verdict = r->verdict,
                                       .n = r->n,
                                       .issued = seen->issued,
                                       .absent = r->absent,
                                       .torn = r->torn > 0,
                                       .what = copy(r->what),
                                       .first = copy(seen->state->choice)};
    return &o->lines[o->count++];
}

static void on_state(void *arg, const struct explore_seen *seen)
{
    struct walk *w = ((struct crash *)arg)->walk;
    struct operation *o = operation_of(w, &seen->operation);
    struct line *l = line_of(w, o, seen);
    bool known = l->verdict == ORACLE_FINE || l->verdict == ORACLE_LOST;

    l->states++;
    free(l->last);
    l->last = copy(seen->state->choice);
    if (known && (!o->opened || l->n < o->least))
        o->least = l->n;
    if (known && l->n > o->most)
        o->most = l->n;
    if (seen->issued > o->issued)
        o->issued = seen->issued;
    o->opened++;
    o->verdicts[l->verdict]++;
}

static void on_call(void *arg, const struct explore_operation *of, const struct fs_sim_cut *cut)
{
    struct operation *o = operation_of(((struct crash *)arg)->walk, of);
    o->calls += cut->states > 0;
    o->states += cut->states;
}

/* ---- Names ----------------------------------------------------------------------------- */

/* Number of the first write among the steps from `step` on. */
static size_t write_number(const struct script *script, size_t step)
{
    size_t n = 1;
    for (size_t i = 0; i < step; i++)
        n += script->steps[i] == SCRIPT_WRITE;
    return n;
}

#define NAME_BYTES 40

/* "create", "put apple", "batch of 3" */
static char *name_of(const struct walk *w, const struct explore_operation *of, char *name)
{
    const char *doing = script_doing_name(of->doing);
    const struct strata_op *op;
    struct strata_slice key;
    size_t count, used;

    if (of->doing != SCRIPT_PUT && of->doing != SCRIPT_DELETE && of->doing != SCRIPT_BATCH) {
        snprintf(name, NAME_BYTES, "%s", doing);
        return name;
    }
    op = history_write(&w->script->history, write_number(w->script, of->step), &count);
    if (of->doing == SCRIPT_BATCH) {
        snprintf(name, NAME_BYTES, "%s of %zu", doing, count);
        return name;
    }
    key = op->key;
    used = (size_t)snprintf(name, NAME_BYTES, "%s %s", doing, key.size ? "" : "''");
    used += text_encode(TEXT_ESCAPED, &key, (uint8_t *)name + used, NAME_BYTES - used - 4);
    snprintf(name + used, NAME_BYTES - used, "%s", key.size ? "..." : "");
    return name;
}

static bool writes(const struct line *l)
{
    return l->kind == FS_CALL_APPEND || l->kind == FS_CALL_WRITE;
}

/* "1 to 24 of 25 bytes". After a kill before a call that writes nothing there is nothing to say. */
static const char *left_text(const struct line *l, bool kill, bool results, char *to,
                             size_t capacity)
{
    const char *end = strstr(l->first, " of ");
    bool range = kill && !results && l->states > 1;

    if (kill && !writes(l))
        return "";
    if (!range)
        return l->first;
    if (end && strlen(end) <= strlen(l->last) &&
        strcmp(end, l->last + strlen(l->last) - strlen(end)) == 0)
        snprintf(to, capacity, "%.*s to %s", (int)(end - l->first), l->first, l->last);
    else
        snprintf(to, capacity, "%s ... %s", l->first, l->last);
    return to;
}

/* What came back. */
static const char *held_text(const struct walk *w, const struct line *l, char *to, size_t capacity)
{
    struct model model = {0};

    if (l->verdict != ORACLE_FINE && l->verdict != ORACLE_LOST)
        return l->what;
    if (l->absent)
        return "no database";
    history_model(&w->script->history, (size_t)l->n, &model);
    if (model.count)
        model_text(&model, to, capacity);
    else
        snprintf(to, capacity, "no key");
    model_free(&model);
    return to;
}

/* ---- The table ------------------------------------------------------------------------- */

#define LINE_MOST 125 /* columns; of a longer one the last part goes to a line of its own */
#define COLUMNS "%-*s  %5s  %6s  %6s  %-12s"

static void put_line(const struct walk *w, const struct line *l, int width, bool kill)
{
    FILE *to = w->crash->cli->out;
    char name[400], recovered[60] = "", states[24], text[200], range[200];
    const char *held, *left;
    int used;
    bool known = l->verdict == ORACLE_FINE || l->verdict == ORACLE_LOST;

    snprintf(name, sizeof name, "  %s%s%s",
             l->kind == FS_CALL_COUNT ? "after all" : fs_call_name(l->kind), *l->path ? " " : "",
             l->path);
    snprintf(states, sizeof states, "%" PRIu64, l->states);
    if (known)
        snprintf(recovered, sizeof recovered, "%" PRIu64 " of %" PRIu64, l->n, l->issued);
    held = held_text(w, l, text, sizeof text);
    left = left_text(l, kill, w->results, range, sizeof range);
    used = fprintf(to, COLUMNS "  %s: %s", width, name, "", "", states, recovered,
                   l->torn ? "torn tail" : oracle_verdict_name(l->verdict), held);
    if (*left && used >= 0 && (size_t)used + strlen(left) > LINE_MOST)
        fprintf(to, "\n      <- %s\n", left);
    else
        fprintf(to, "%s%s\n", *left ? "  <- " : "", left);
}

static void put_totals(const struct walk *w, const struct operation *o, int width)
{
    FILE *to = w->crash->cli->out;
    char name[NAME_BYTES], recovered[80] = "", calls[24], states[24], opened[24];
    bool known = o->verdicts[ORACLE_FINE] + o->verdicts[ORACLE_LOST] > 0;

    snprintf(calls, sizeof calls, "%" PRIu64, o->calls);
    snprintf(states, sizeof states, "%" PRIu64, o->states);
    snprintf(opened, sizeof opened, "%" PRIu64, o->opened);
    if (known && o->least == o->most)
        snprintf(recovered, sizeof recovered, "%" PRIu64 " of %" PRIu64, o->most, o->issued);
    else if (known)
        snprintf(recovered, sizeof recovered, "%" PRIu64 "-%" PRIu64 " of %" PRIu64, o->least,
                 o->most, o->issued);
    fprintf(to, COLUMNS "  ", width, name_of(w, &o->of, name), calls, states, opened, recovered);
    if (o->opened)
        crash_put_verdicts(to, o->verdicts);
    else
        fputs("nothing new\n", to);
}

static int width_of(const struct walk *w)
{
    size_t width = strlen("operation");
    char name[NAME_BYTES];

    for (size_t i = 0; i < w->count; i++) {
        const struct operation *o = &w->operations[i];
        if (o->states && strlen(name_of(w, &o->of, name)) > width)
            width = strlen(name);
        for (size_t j = 0; j < o->count; j++) {
            size_t size =
                3 + strlen(o->lines[j].path) +
                strlen(o->lines[j].kind == FS_CALL_COUNT ? "after all"
                                                         : fs_call_name(o->lines[j].kind));
            width = size > width ? size : width;
        }
    }
    return (int)(width < 60 ? width : 60);
}

static void put_walk(const struct walk *w, const struct crash_model *model)
{
    FILE *to = w->crash->cli->out;
    int width = width_of(w);

    fprintf(to, "%s: %s\n", model->name, model->about);
    fprintf(to, COLUMNS "  verdict: what came back  <- what was left\n", width, "operation",
            "calls", "states", "opened", "recovered");
    for (size_t i = 0; i < w->count; i++) {
        const struct operation *o = &w->operations[i];
        if (!o->states)
            continue;
        put_totals(w, o, width);
        for (size_t j = 0; j < o->count; j++)
            put_line(w, &o->lines[j], width, model->model == FS_SIM_KILL);
    }
}

/* ---- The command ----------------------------------------------------------------------- */

void crash_walk_begin(struct crash *c, struct explore *e)
{
    c->walk = need(calloc(1, sizeof *c->walk));
    c->walk->crash = c;
    c->walk->script = &c->workloads->script;
    c->walk->results = strcmp(c->cli->given[CLI_WALK], "results") == 0;
    e->seen = on_state;
    e->cut = on_call;
}

void crash_walk_end(struct crash *c, const struct crash_model *model, bool print)
{
    struct walk *w = c->walk;

    if (!w)
        return;
    if (print)
        put_walk(w, model);
    for (size_t i = 0; i < w->count; i++) {
        for (size_t j = 0; j < w->operations[i].count; j++) {
            struct line *l = &w->operations[i].lines[j];
            free(l->path);
            free(l->what);
            free(l->first);
            free(l->last);
        }
        free(w->operations[i].lines);
    }
    free(w->operations);
    free(w);
    c->walk = NULL;
}
