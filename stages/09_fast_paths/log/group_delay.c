/* group_delay.c: see group_delay.h. The delay is `expected` batches or sync_ns / 2, whichever comes
 * first; after waits in vain groups are led at once, twice as many each time. */
#include "group_delay.h"

#include <assert.h>
#include <stdlib.h>

#define HELD_MOST 1000000u /* ns, of a sync's time: no thread takes longer to come back */
#define VAIN_MOST 63u

static size_t count(const struct group_commit *list)
{
    size_t n = 0;

    for (; list; list = list->next)
        n++;
    return n;
}

static bool is_enough(const struct group_wait *w, const struct group *group)
{
    return w->at_once || count(group->first) >= w->expected;
}

/* Waits until somebody else leads, who came and found enough, or half a sync's time is over: then
 * it is enough. In vain, it is not tried for twice as many groups as before. */
static void hold(struct group_wait *w, struct group *group, const struct group_commit *commit)
{
    uint64_t until_ns = sync_now() + w->sync_ns / 2;
    bool early = true;

    assert(!w->holder);
    w->holder = commit;
    while (!group->busy && !commit->done && early)
        early = sync_wait_until(&group->changed, &group->mutex, until_ns);
    if (commit->done)
        return;
    w->holder = NULL;
    if (group->busy)
        return;
    w->vain = w->vain < VAIN_MOST ? 2 * w->vain + 1 : VAIN_MOST;
    w->at_once = w->vain + 1; /* this one, too */
}

static enum group_turn turn(struct group_delay *delay, struct group *group,
                            struct group_commit *commit)
{
    struct group_wait *w = (struct group_wait *)delay;

    if (is_enough(w, group))
        return GROUP_LEAD;
    if (w->holder)
        return GROUP_SLEEP;
    hold(w, group, commit);
    return GROUP_AGAIN;
}

static void taken(struct group_wait *w, const struct group *group, const struct group_commit *list,
                  bool sync)
{
    size_t taken = count(list);

    if (w->holder && taken + count(group->first) >= w->expected)
        w->vain = 0;
    if (sync && w->at_once)
        w->at_once--;
    w->expected = taken;
    w->full = group->first != NULL;
    w->began_ns = sync ? sync_now() : 0;
}

/* What the next group is to know of this one. Where it was full, as many as it had is all that the
 * limit lets together. */
static void led(struct group_wait *w, const struct group *group, const struct group_commit *list,
                bool sync)
{
    uint64_t took_ns = sync ? sync_now() - w->began_ns : 0;

    if (!w->full)
        w->expected += count(group->first);
    if (sync)
        w->sync_ns = took_ns < HELD_MOST ? took_ns : HELD_MOST;
    for (; list; list = list->next)
        if (list == w->holder)
            w->holder = NULL; /* its thread sees later that it is done */
}

/* Where nobody waits and no sync is asked for, nothing is learned. */
static void lead(struct group_delay *delay, const struct group *group, struct group_commit *list,
                 bool sync, void (*run)(void *arg, struct group_commit *list), void *arg)
{
    struct group_wait *w = (struct group_wait *)delay;
    bool learns = sync || w->holder;

    if (learns)
        taken(w, group, list, sync);
    run(arg, list);
    if (learns)
        led(w, group, list, sync);
}

static void wait_free(struct group_delay *delay)
{
    free(delay);
}

int group_delay_new(struct group *group, struct strata_error *err)
{
    struct group_wait *w = calloc(1, sizeof *w);

    if (!w)
        return strata_fail_memory(err, sizeof *w);
    w->base = (struct group_delay){turn, lead, wait_free};
    group->delay = &w->base;
    return 0;
}
