/* group.c: see group.h.
 *
 *   thread A   enqueue, lead: append A | sync, mutex free ......... | done     lead: -
 *   thread B            enqueue, wait .................................. lead: append B C | sync
 *   thread C                    enqueue, wait ..........................................  done
 *
 * I1: at most one thread is leader (busy); only it takes from the queue and changes the store.
 * I2: batches are committed in the order of the queue.
 * I3: when nobody is at work and the queue is not empty, the thread of its first batch has been
 *     woken, or that of another one in it waits for more (holder), and wakes by itself.
 * I4: each thread sleeps at a semaphore of its own, so that those of a group wake without meeting
 *     at the mutex. Who posts it may not touch the batch again. */
#define _DEFAULT_SOURCE
#include "group.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define SECOND 1000000000u
#define HELD_MOST 1000000u /* ns, of a sync's time: nobody who comes back takes longer */
#define VAIN_MOST 63u

/* The clock of its waits is one that nobody sets. */
static int init_changed(pthread_cond_t *changed)
{
    pthread_condattr_t how;
    int sys = pthread_condattr_init(&how);

    if (sys)
        return sys;
    sys = pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    if (sys == 0)
        sys = pthread_cond_init(changed, &how);
    pthread_condattr_destroy(&how);
    return sys;
}

int group_init(struct group *group, struct strata_error *err)
{
    memset(group, 0, sizeof *group);
    group->last = &group->first;
    if (pthread_mutex_init(&group->mutex, NULL) != 0)
        return strata_fail_memory(err, sizeof group->mutex);
    if (init_changed(&group->changed) != 0) {
        pthread_mutex_destroy(&group->mutex);
        return strata_fail_memory(err, sizeof group->changed);
    }
    return 0;
}

void group_free(struct group *group)
{
    pthread_cond_destroy(&group->changed);
    pthread_mutex_destroy(&group->mutex);
}

static size_t bytes_of(const struct group_commit *commit)
{
    size_t bytes = 0;
    for (size_t i = 0; i < commit->count; i++)
        bytes += commit->ops[i].key.size + commit->ops[i].value.size;
    return bytes;
}

/* Takes batches from the queue's front. */
static struct group_commit *take(struct group *group, size_t limit)
{
    struct group_commit *list = group->first, *end = list;
    size_t bytes = bytes_of(end), count = 1;

    for (; end->next && (bytes += bytes_of(end->next)) <= limit; count++)
        end = end->next;
    group->commits += count;
    group->queued -= count;
    group->expected = count;
    group->first = end->next;
    if (!group->first)
        group->last = &group->first;
    end->next = NULL;
    group->leads++;
    return list;
}

/* ---- Holding a group back ---------------------------------------------------------------- */

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* May it be led now? What is not synced gains nothing by company. */
static bool is_enough(const struct group *group, const struct group_commit *commit)
{
    return !commit->sync || group->queued >= group->expected || group->at_once;
}

/* Waits until somebody else leads, who came and found enough, or half a sync's time is over: then
 * it is enough. In vain twice as often as before, it is not tried for twice as many groups. */
static void hold(struct group *group, struct group_commit *commit)
{
    uint64_t until_ns = now_ns() + group->sync_ns / 2;
    struct timespec until = {(time_t)(until_ns / SECOND), (long)(until_ns % SECOND)};
    int sys = 0;

    group->holder = commit;
    while (!group->busy && !commit->done && sys == 0)
        sys = pthread_cond_timedwait(&group->changed, &group->mutex, &until);
    if (commit->done)
        return;
    group->holder = NULL;
    if (group->busy)
        return;
    group->vain = group->vain < VAIN_MOST ? 2 * group->vain + 1 : VAIN_MOST;
    group->at_once = group->vain + 1; /* this one, too */
}

/* What the next group is to know of this one, which took so long, or was not synced; where it was
 * full, its like is all that the limit lets together. */
static void learn(struct group *group, bool full, bool synced, uint64_t took_ns)
{
    if (!full)
        group->expected += group->queued;
    if (synced)
        group->sync_ns = took_ns < HELD_MOST ? took_ns : HELD_MOST;
}

/* ---- Leading ------------------------------------------------------------------------------- */

/* Until there is word for it. True: it is done, and the mutex is not held. */
static bool sleep_on(struct group *group, struct group_commit *commit)
{
    commit->asleep = true;
    commit->free = false;
    sem_init(&commit->word, 0, 0);
    pthread_mutex_unlock(&group->mutex);
    while (sem_wait(&commit->word) < 0 && errno == EINTR)
        ;
    sem_destroy(&commit->word);
    if (commit->free)
        return true;
    pthread_mutex_lock(&group->mutex);
    return false;
}

/* Nobody is at work any more (I3). */
static void hand_over(struct group *group)
{
    struct group_commit *first = group->first;

    group->busy = false;
    pthread_cond_broadcast(&group->changed);
    if (first && first->asleep) {
        first->asleep = false;
        sem_post(&first->word);
    }
}

/* All of the list are done; returns those whose threads are to be woken. Others see it as soon as
 * they have the mutex, and then their batch is gone. */
static struct group_commit *finish(struct group *group, struct group_commit *list)
{
    struct group_commit *sleepers = NULL, **end = &sleepers;

    for (; list; list = list->next) {
        list->done = true;
        if (list == group->holder)
            group->holder =
                NULL; /* I3: its thread sees later that it holds back nothing any more */
        if (!list->asleep)
            continue;
        list->asleep = false;
        list->free = true;
        *end = list;
        end = &list->next;
    }
    *end = NULL;
    return sleepers;
}

static void wake(struct group_commit *sleepers)
{
    while (sleepers) {
        struct group_commit *next = sleepers->next; /* I4 */
        sem_post(&sleepers->word);
        sleepers = next;
    }
}

/* The mutex is free while the others are woken. */
static void lead(struct group *group, bool sync, size_t limit,
                 void (*run)(void *arg, struct group_commit *list), void *arg)
{
    uint64_t began = sync ? now_ns() : 0;
    struct group_commit *list, *sleepers;
    bool full;

    group->busy = true;
    if (group->holder && group->queued >= group->expected)
        group->vain = 0;
    if (sync && group->at_once)
        group->at_once--;
    list = take(group, limit);
    full = group->first != NULL;
    run(arg, list);
    learn(group, full, sync, sync ? now_ns() - began : 0);
    sleepers = finish(group, list);
    hand_over(group);
    if (!sleepers)
        return;
    pthread_mutex_unlock(&group->mutex);
    wake(sleepers);
    pthread_mutex_lock(&group->mutex);
}

int group_submit(struct group *group, struct group_commit *commit, size_t limit,
                 void (*run)(void *arg, struct group_commit *list), void *arg)
{
    commit->done = commit->asleep = false;
    commit->next = NULL;
    pthread_mutex_lock(&group->mutex);
    *group->last = commit;
    group->last = &commit->next;
    group->queued++;
    while (!commit->done) {
        if (!group->busy && is_enough(group, commit))
            lead(group, commit->sync, limit, run, arg);
        else if (!group->busy && !group->holder)
            hold(group, commit);
        else if (sleep_on(group, commit))
            return commit->rc;
    }
    pthread_mutex_unlock(&group->mutex);
    return commit->rc;
}

void group_enter(struct group *group)
{
    pthread_mutex_lock(&group->mutex);
    while (group->busy)
        pthread_cond_wait(&group->changed, &group->mutex);
    group->busy = true;
}

void group_leave(struct group *group)
{
    hand_over(group);
    pthread_mutex_unlock(&group->mutex);
}
