/* shrink.c: leaves out half of the steps, then a quarter, and so on down to single ones (Andreas
 * Zeller, Ralf Hildebrandt: Simplifying and Isolating Failure-Inducing Input, IEEE TSE 28, 2002,
 * without its complements, which these scripts are too short for). */
#include "shrink.h"

#include <stdlib.h>
#include <string.h>

#define STATES_MOST 2000000 /* made in all trials together; the same on every machine */

struct shrinking {
    const struct explore *how;
    enum oracle_verdict verdict;
    uint64_t states;
};

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
        copy_without(script, first, size, &less);
        /* What is on the device before it begins is another thing to lose: some of it stays. */
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

void shrink(const struct explore *how, const struct explore_case *found, struct script *script,
            struct explore_case *shorter)
{
    struct shrinking s = {how, found->report.verdict, 0};
    size_t size = found->script->count / 2;

    copy_without(found->script, 0, 0, script);
    *shorter = *found;
    if (found->place.way == EXPLORE_WHOLE && !found->place.again) {
        for (; size > 0; size /= 2)
            leave_out(&s, size, script, shorter);
        while (leave_out(&s, 1, script, shorter))
            ;
    }
    shorter->script = script;
    shorter->state.path = shorter->path;
    shorter->state.choice = shorter->choice;
}
