/* shrink.c: leaves out half of the steps, then a quarter, and so on down to single ones (Andreas
 * Zeller, Ralf Hildebrandt: Simplifying and Isolating Failure-Inducing Input, IEEE TSE 28, 2002,
 * without its complements, which these scripts are too short for). Then long values are cut. */
#include "crash/explore/shrink.h"

#include <stdlib.h>
#include <string.h>

#define STATES_MOST 2000000 /* made in all trials together; the same on every machine */

struct shrinking {
    const struct explore *how;
    enum oracle_verdict verdict;
    uint64_t states;
    unsigned rounds, round; /* of about so many it is in that one, */
    double within;          /* so far, from 0 to 1 */
    void (*progress)(void *arg, double share);
    void *arg;
};

static void tick(void *arg, uint64_t done, uint64_t total, uint64_t distinct)
{
    const struct shrinking *s = arg;

    (void)done, (void)total, (void)distinct;
    if (s->progress && s->round < s->rounds)
        s->progress(s->arg, (s->round + s->within) / s->rounds);
}

/* `to` becomes `from` with no more than `size` bytes of the value of write `n`, a put. */
static void copy_shorter(const struct script *from, size_t n, size_t size, struct script *to)
{
    size_t at = 0, count;

    *to = (struct script){.unsynced = from->unsynced};
    for (size_t i = 0; i < from->count; i++) {
        at += from->steps[i] == SCRIPT_WRITE;
        if (from->steps[i] == SCRIPT_WRITE && at == n) {
            const struct strata_op *op = history_write(&from->history, n, &count);
            script_put_bytes(to, op->key, strata_bytes(op->value.data, size));
        } else {
            script_copy_step(to, from, i, at);
        }
        if (i + 1 == from->settled)
            script_settle(to);
    }
}

/* `to` becomes `from` without `count` steps from number `first` on. */
static void copy_without(const struct script *from, size_t first, size_t count, struct script *to)
{
    size_t n = 0;

    *to = (struct script){.unsynced = from->unsynced};
    for (size_t i = 0; i < from->count; i++) {
        n += from->steps[i] == SCRIPT_WRITE;
        if (i < first || i >= first + count)
            script_copy_step(to, from, i, n);
        if (i + 1 == from->settled)
            script_settle(to);
    }
}

/* Does the script show it? Then *found is how. */
static bool shows(struct shrinking *s, const struct script *script, struct explore_case *found)
{
    struct explore *trial = calloc(1, sizeof *trial);
    bool shown = false;

    if (!trial)
        return false;
    trial->script = script;
    trial->plan = s->how->plan;
    trial->plan.met = NULL;
    trial->acknowledged = s->how->acknowledged;
    trial->stop = s->verdict;
    trial->tick = tick;
    trial->arg = s;
    if (explore_run(trial) == 0 && trial->verdicts[s->verdict]) {
        *found = trial->cases[s->verdict];
        found->state.path = found->path;
        found->state.choice = found->choice;
        shown = true;
    }
    s->states += trial->totals.states;
    free(trial);
    return shown;
}

/* One round with pieces of `size` steps; true if any could be left out. */
static bool leave_out(struct shrinking *s, size_t size, struct script *script,
                      struct explore_case *shorter)
{
    bool any = false;

    for (size_t first = 0; first < script->count && s->states < STATES_MOST;) {
        struct script less;
        s->within = (double)first / (double)script->count;
        copy_without(script, first, size, &less);
        /* Data that is durable before the recording is also something to lose: keep some of it. */
        if (!less.settled == !script->settled && shows(s, &less, shorter)) {
            script_free(script);
            *script = less;
            any = true;
        } else {
            script_free(&less);
            first += size;
        }
    }
    return any;
}

/* Does it show it as well with a shorter value in write `n`? */
static void shorten(struct shrinking *s, size_t n, struct script *script,
                    struct explore_case *shorter)
{
    static const size_t sizes[] = {8, FS_SIM_SECTOR, 2 * FS_SIM_SECTOR, 1400};
    size_t count;
    const struct strata_op *op = history_write(&script->history, n, &count);

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct script less;
        if (count > 1 || op->type != STRATA_OP_PUT || op->value.size < 2 * sizes[i] ||
            s->states >= STATES_MOST)
            return;
        copy_shorter(script, n, sizes[i], &less);
        if (shows(s, &less, shorter)) {
            script_free(script);
            *script = less;
            return;
        }
        script_free(&less);
    }
}

/* What comes after the step that the crash hit is left out at once. */
static void leave_out_rest(struct shrinking *s, size_t from, struct script *script,
                           struct explore_case *shorter)
{
    struct script less;

    if (from >= script->count || from < script->settled)
        return;
    copy_without(script, from, script->count - from, &less);
    if (shows(s, &less, shorter)) {
        script_free(script);
        *script = less;
    } else {
        script_free(&less);
    }
}

static void leave_out_all(struct shrinking *s, struct script *script, struct explore_case *shorter)
{
    s->rounds = 3; /* the rest, and single steps, twice perhaps */
    for (size_t size = script->count / 2; size > 0; size /= 2)
        s->rounds++;
    leave_out_rest(s, shorter->step + 1, script, shorter);
    for (size_t size = script->count / 2; size > 0; size /= 2) {
        s->round++;
        leave_out(s, size, script, shorter);
    }
    do {
        s->round++;
    } while (leave_out(s, 1, script, shorter));
    for (size_t n = 1; n <= script->history.count; n++)
        shorten(s, n, script, shorter);
}

void shrink(const struct explore *how, const struct explore_case *found, struct script *script,
            struct explore_case *shorter, void (*progress)(void *arg, double share), void *arg)
{
    struct shrinking s = {
        .how = how, .verdict = found->report.verdict, .progress = progress, .arg = arg};

    copy_without(found->script, 0, 0, script);
    *shorter = *found;
    if (found->place.way == EXPLORE_WHOLE && !found->place.again)
        leave_out_all(&s, script, shorter);
    shorter->script = script;
    shorter->state.path = shorter->path;
    shorter->state.choice = shorter->choice;
}
