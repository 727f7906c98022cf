/* explore_tally.c: what is counted of each state, and how a state is named. */
#include "crash/explore/explore_inside.h"
#include "crash/need.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- What the calls were made for ------------------------------------------------------ */

void explore_spans_add(void *spans, enum script_doing doing)
{
    struct explore_spans *s = spans;

    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 64;
        s->spans = need(realloc(s->spans, s->capacity * sizeof *s->spans));
    }
    s->spans[s->count++] = (struct explore_span){fs_sim_trace_calls(s->fs) + 1, doing, s->run->at};
}

static struct explore_operation operation_at(const struct explore_spans *s, uint64_t call)
{
    size_t from = 0, to = s->count;

    while (to - from > 1) {
        size_t middle = from + (to - from) / 2;
        if (s->spans[middle].from <= call)
            from = middle;
        else
            to = middle;
    }
    return (struct explore_operation){s->spans[from].doing, from, s->spans[from].step};
}

const char *explore_row_name(int row)
{
    static const char *const names[] = {"recovery", "after a kill", "after an error"};
    return row < SCRIPT_DOINGS ? script_doing_name((enum script_doing)row)
                               : names[row - SCRIPT_DOINGS];
}

static int row_of(const struct explore_walk *walk, uint64_t call)
{
    if (!walk->spans)
        return EXPLORE_RECOVERY;
    switch (walk->explore->way) {
    case EXPLORE_WHOLE:
        break;
    case EXPLORE_KILLED:
        return EXPLORE_AFTER_KILL;
    case EXPLORE_ERROR:
        return EXPLORE_AFTER_ERROR;
    }
    return (int)operation_at(walk->spans, call).doing;
}

/* ---- Places ---------------------------------------------------------------------------- */

static const char *const ways[] = {"", "kill", "eio"};

char *explore_place_text(const struct explore_place *place, char *text)
{
    int at = 0;

    if (place->way != EXPLORE_WHOLE)
        at = sprintf(text, "%s%" PRIu64 "/", ways[place->way], place->at);
    at += sprintf(text + at, "%" PRIu64 ".%" PRIu64, place->call, place->ordinal);
    if (place->again)
        sprintf(text + at, "+%" PRIu64 ".%" PRIu64, place->call_again, place->ordinal_again);
    return text;
}

/* Digits up to a character that is `end`, which is passed over; false: there are none. */
static bool take_number(const char **text, char end, uint64_t *number)
{
    const char *from = *text;

    for (*number = 0; **text >= '0' && **text <= '9'; ++*text)
        *number = *number * 10 + (uint64_t)(**text - '0');
    if (*text == from || *text > from + 18 || **text != end)
        return false;
    *text += end != '\0';
    return true;
}

static bool take_state(const char **text, char end, uint64_t *call, uint64_t *ordinal)
{
    return take_number(text, '.', call) && take_number(text, end, ordinal);
}

bool explore_place_parse(const char *text, struct explore_place *place)
{
    *place = (struct explore_place){.way = EXPLORE_WHOLE};
    for (int way = EXPLORE_KILLED; way <= EXPLORE_ERROR; way++)
        if (strncmp(text, ways[way], strlen(ways[way])) == 0) {
            place->way = (enum explore_way)way;
            text += strlen(ways[way]);
            if (!take_number(&text, '/', &place->at))
                return false;
        }
    place->again = strchr(text, '+') != NULL;
    if (!take_state(&text, place->again ? '+' : '\0', &place->call, &place->ordinal))
        return false;
    return !place->again || take_state(&text, '\0', &place->call_again, &place->ordinal_again);
}

static struct explore_place place_of(const struct explore_walk *walk,
                                     const struct fs_sim_state *info)
{
    struct explore_place place = walk->place;

    if (walk->spans) {
        place.way = walk->explore->way;
        place.at = walk->explore->at;
        place.call = info->call;
        place.ordinal = info->ordinal;
    } else {
        place.again = true;
        place.call_again = info->call;
        place.ordinal_again = info->ordinal;
    }
    return place;
}

struct explore_now explore_now;

/* ---- One state ------------------------------------------------------------------------- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void keep_example(const struct explore_walk *walk, const struct fs_sim_state *info,
                         const struct oracle *oracle, const struct oracle_report *report)
{
    struct explore *e = walk->explore;
    struct explore_place place = place_of(walk, info);
    char *to = e->examples[report->verdict], text[100];

    snprintf(to, sizeof *e->examples,
             "state %s: cut at call %" PRIu64 " (%s %s; %s); writes issued %" PRIu64 ", %" PRIu64
             " of them safe: %s: %s",
             explore_place_text(&place, text), info->call,
             info->kind == FS_CALL_COUNT ? "after all" : fs_call_name(info->kind), info->path,
             info->choice, oracle->issued, oracle->floor, oracle_verdict_name(report->verdict),
             report->what);
    if (!e->example)
        e->example = to;
}

static void keep_case(const struct explore_walk *walk, const struct fs_sim_state *info,
                      const struct oracle *oracle, const struct oracle_report *report)
{
    struct explore_case *c = &walk->explore->cases[report->verdict];

    *c = (struct explore_case){.script = walk->explore->script,
                               .place = place_of(walk, info),
                               .row = row_of(walk, info->call),
                               .step = walk->spans ? operation_at(walk->spans, info->call).step : 0,
                               .state = *info,
                               .floor = oracle->floor,
                               .report = *report};
    snprintf(c->path, sizeof c->path, "%s", info->path);
    snprintf(c->choice, sizeof c->choice, "%s", info->choice);
    c->state.issued = oracle->issued;
    c->state.path = c->path;
    c->state.choice = c->choice;
}

static bool is_told(const struct explore_walk *walk)
{
    return walk->explore->seen && walk->spans && walk->explore->way == EXPLORE_WHOLE;
}

static void report_state(const struct explore_walk *walk, const struct fs_sim_state *info,
                         const struct oracle *oracle, const struct oracle_report *report)
{
    struct explore_seen seen = {info, report, oracle->floor, oracle->issued,
                                operation_at(walk->spans, info->call)};
    walk->explore->seen(walk->explore->arg, &seen);
}

static void count(struct explore_walk *walk, const struct fs_sim_state *info,
                  const struct oracle *oracle, const struct oracle_report *report)
{
    struct explore *e = walk->explore;
    struct explore_part *part = &e->parts[row_of(walk, info->call)];

    part->verdicts[report->verdict]++;
    if (report->verdict == ORACLE_FINE || report->verdict == ORACLE_LOST)
        part->missing = larger(part->missing, oracle->issued - report->n);
    e->verdicts[report->verdict]++;
    e->at_call[info->kind]++;
    e->torn += report->torn > 0;
    e->absent += report->absent;
    e->unacknowledged += report->verdict == ORACLE_FINE && report->n > oracle->floor;
    e->violations += report->verdict != ORACLE_FINE;
    if (report->verdict != ORACLE_FINE && !e->examples[report->verdict][0]) {
        keep_example(walk, info, oracle, report);
        keep_case(walk, info, oracle, report);
    }
    if (e->one)
        keep_case(walk, info, oracle, report);
    if (is_told(walk))
        report_state(walk, info, oracle, report);
    if (walk->spans && e->tick)
        e->tick(e->arg, info->call, walk->calls, walk->visited);
}

const struct history *explore_history(const struct explore_walk *walk,
                                      const struct fs_sim_state *info)
{
    return info->issued >= EXPLORE_LATER ? walk->later : walk->history;
}

static uint64_t number_of(uint64_t mark)
{
    return mark >= EXPLORE_LATER ? mark - EXPLORE_LATER : mark;
}

void explore_ask(struct explore_walk *walk, struct strata_fs *state,
                 const struct fs_sim_state *info, struct oracle_report *report)
{
    bool power_cut = walk->explore->plan.model != FS_SIM_KILL && !walk->explore->acknowledged;
    uint64_t safe = number_of(power_cut ? info->synced : info->acked);
    struct oracle oracle = {.fs = state,
                            .dir = EXPLORE_DIR,
                            .history = explore_history(walk, info),
                            .floor = larger(safe, walk->base),
                            .issued = larger(number_of(info->issued), walk->base)};

    explore_now.place = place_of(walk, info);
    oracle_check(&oracle, report);
    if (fs_sim_open_files(state)) {
        report->verdict = ORACLE_ERROR;
        snprintf(report->what, sizeof report->what, "%zu files were left open",
                 fs_sim_open_files(state));
    }
    if (!walk->uncounted)
        count(walk, info, &oracle, report);
}

/* ---- All states of a trace ------------------------------------------------------------- */

void explore_add_totals(struct fs_sim_totals *to, const struct fs_sim_totals *more)
{
    to->states += more->states;
    to->distinct += more->distinct;
    to->duplicates += more->duplicates;
    to->fresh += more->fresh;
}

/* The count of the site that made a call; NULL: it is not ours to count. */
static uint64_t *site_of(const struct explore *e, struct strata_fs *fs, uint64_t number)
{
    const struct fs_site *first;
    struct fs_sim_call call;
    size_t count = fs_sites(&first);

    if (!e->sites || fs_sim_trace_call(fs, number, &call) < 0 || !call.site)
        return NULL;
    /* A shared object has sites of its own. */
    if ((uintptr_t)call.site < (uintptr_t)first ||
        (uintptr_t)call.site >= (uintptr_t)(first + count))
        return NULL;
    return &e->sites[call.site - first];
}

bool explore_comes_by_new_site(const struct explore *e, struct strata_fs *fs, uint64_t from)
{
    for (uint64_t call = from; call <= fs_sim_trace_calls(fs); call++) {
        const uint64_t *states = site_of(e, fs, call);
        if (states && !*states)
            return true;
    }
    return false;
}

void explore_sum(struct explore_walk *walk, struct strata_fs *fs, const struct fs_sim_cut *cuts)
{
    for (uint64_t call = 1; call <= walk->calls + 1; call++) {
        const struct fs_sim_cut *cut = &cuts[call - 1];
        struct explore_part *part = &walk->explore->parts[row_of(walk, call)];
        uint64_t *site = site_of(walk->explore, fs, call);
        if (is_told(walk)) {
            struct explore_operation operation = operation_at(walk->spans, call);
            walk->explore->cut(walk->explore->arg, &operation, cut);
        }
        part->cuts += cut->states > 0;
        part->states += cut->states;
        part->distinct += cut->distinct;
        part->fresh += cut->fresh;
        if (site)
            *site += cut->states;
    }
}
