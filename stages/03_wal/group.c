/* group.c: see group.h.
 *
 *   thread A   enqueue, lead: append A | sync, mutex free ......... | done     lead: -
 *   thread B            enqueue, wait .................................. lead: append B C | sync
 *   thread C                    enqueue, wait ..........................................  done
 *
 * 3.I4: at most one thread is leader (busy); only it takes from the queue and changes the store.
 * 3.I5: batches are committed in the order of the queue.
 * 3.I6: when nobody is at work and the queue is not empty, the thread of its first batch has been
 *       woken, or another queued thread waits in group_delay.turn, and wakes by itself.
 * 3.I7: each thread sleeps at a semaphore of its own, so that those of a group wake without meeting
 *       at the mutex. Who posts it may not touch the batch again. */
#include "group.h"
#include "base/coding.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

int group_init(struct group *group, struct strata_error *err)
{
    memset(group, 0, sizeof *group);
    group->last = &group->first;
    if (sync_mutex_init(&group->mutex) != 0)
        return strata_fail_memory(err, sizeof group->mutex);
    if (sync_cond_init(&group->changed) != 0) {
        sync_mutex_free(&group->mutex);
        return strata_fail_memory(err, sizeof group->changed);
    }
    return 0;
}

void group_free(struct group *group)
{
    if (group->delay)
        group->delay->free(group->delay);
    sync_cond_free(&group->changed);
    sync_mutex_free(&group->mutex);
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
    group->first = end->next;
    if (!group->first)
        group->last = &group->first;
    end->next = NULL;
    group->leads++;
    assert((group->first == NULL) == (group->last == &group->first));
    return list;
}

/* ---- Leading ------------------------------------------------------------------------------- */

/* Until it is woken. True: it is done, and the mutex is not held. */
static bool sleep_on(struct group *group, struct group_commit *commit)
{
    assert(!commit->done && !commit->asleep);
    commit->asleep = true;
    commit->free = false;
    sync_sem_init(&commit->wake);
    sync_unlock(&group->mutex);
    sync_take(&commit->wake);
    sync_sem_free(&commit->wake);
    if (commit->free)
        return true;
    sync_lock(&group->mutex);
    return false;
}

/* Nobody is at work any more (3.I6). */
static void hand_over(struct group *group)
{
    struct group_commit *first = group->first;

    assert(group->busy); /* 3.I4 */
    group->busy = false;
    sync_wake_all(&group->changed);
    if (first && first->asleep) {
        first->asleep = false;
        sync_post(&first->wake);
    }
}

/* All of the list are done; returns those whose threads are to be woken. Others see it as soon as
 * they have the mutex, and then their batch is gone. */
static struct group_commit *finish(struct group_commit *list)
{
    struct group_commit *sleepers = NULL, **end = &sleepers;

    for (; list; list = list->next) {
        assert(!list->done);
        list->done = true;
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
        struct group_commit *next = sleepers->next; /* 3.I7 */
        sync_post(&sleepers->wake);
        sleepers = next;
    }
}

/* The mutex is free while the others are woken. */
static void lead(struct group *group, bool sync, size_t limit,
                 void (*run)(void *arg, struct group_commit *list), void *arg)
{
    struct group_commit *list, *sleepers;

    assert(!group->busy && group->first); /* 3.I4 */
    group->busy = true;
    list = take(group, limit);
    if (group->delay)
        group->delay->lead(group->delay, group, list, sync, run, arg);
    else
        run(arg, list);
    sleepers = finish(list);
    hand_over(group);
    if (!sleepers)
        return;
    sync_unlock(&group->mutex);
    wake(sleepers);
    sync_lock(&group->mutex);
}

static enum group_turn turn(struct group *group, struct group_commit *commit)
{
    if (group->busy)
        return GROUP_SLEEP;
    if (!commit->sync || !group->delay)
        return GROUP_LEAD;
    return group->delay->turn(group->delay, group, commit);
}

int group_submit(struct group *group, struct group_commit *commit, size_t limit,
                 void (*run)(void *arg, struct group_commit *list), void *arg)
{
    commit->done = commit->asleep = false;
    commit->next = NULL;
    sync_lock(&group->mutex);
    *group->last = commit;
    group->last = &commit->next;
    while (!commit->done) {
        enum group_turn now = turn(group, commit);
        if (now == GROUP_LEAD)
            lead(group, commit->sync, limit, run, arg);
        else if (now == GROUP_SLEEP && sleep_on(group, commit))
            return commit->rc;
    }
    sync_unlock(&group->mutex);
    return commit->rc;
}

int group_write(struct group *group, const struct strata_op *ops, size_t count, bool sync,
                void (*run)(void *arg, struct group_commit *list), void *arg,
                struct strata_error *err)
{
    struct group_commit commit; /* its error is not zeroed for every put */
    int rc;

    commit.ops = ops;
    commit.count = count;
    commit.sync = sync;
    rc = group_submit(group, &commit, GROUP_BYTES, run, arg);
    return strata_fail_with(rc, &commit.err, err);
}

int group_usable(const struct group *group, const char *dir, struct strata_error *err)
{
    if (!group->failed)
        return 0;
    strata_fail_sys(err, group->failed, dir, STRATA_NO_OFFSET, "earlier");
    strata_error_prefix(err, "refused since a write or sync failed; open it again; ");
    return STRATA_ERR_IO;
}

int group_numbers(uint64_t sequence, size_t operations, const char *dir, struct strata_error *err)
{
    if (operations <= CODING_NUMBER_MAX - sequence)
        return 0;
    return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, dir, STRATA_NO_OFFSET,
                       "the next sequence number is %" PRIu64
                       ", and a write of %zu operations would go beyond 2^63 - 1",
                       sequence, operations);
}

void group_enter(struct group *group)
{
    sync_lock(&group->mutex);
    while (group->busy)
        sync_wait(&group->changed, &group->mutex);
    group->busy = true;
}

void group_leave(struct group *group)
{
    hand_over(group);
    sync_unlock(&group->mutex);
}
