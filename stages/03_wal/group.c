/* group.c: see group.h.
 *
 *   thread A   enqueue, lead: append A | sync, mutex free ......... | done     lead: -
 *   thread B            enqueue, wait .................................. lead: append B C | sync
 *   thread C                    enqueue, wait ..........................................  done
 *
 * I1: at most one thread is leader (busy); only it takes from the queue and changes the store.
 * I2: batches are committed in the order of the queue. */
#include "group.h"

#include <string.h>

int group_init(struct group *group, struct strata_error *err)
{
    memset(group, 0, sizeof *group);
    group->last = &group->first;
    if (pthread_mutex_init(&group->mutex, NULL) != 0)
        return strata_fail_memory(err, sizeof group->mutex);
    if (pthread_cond_init(&group->changed, NULL) != 0) {
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
    size_t bytes = bytes_of(end);

    group->commits++;
    while (end->next && (bytes += bytes_of(end->next)) <= limit) {
        end = end->next;
        group->commits++;
    }
    group->first = end->next;
    if (!group->first)
        group->last = &group->first;
    end->next = NULL;
    group->leads++;
    return list;
}

int group_submit(struct group *group, struct group_commit *commit, size_t limit,
                 void (*run)(void *arg, struct group_commit *list), void *arg)
{
    commit->done = false;
    commit->next = NULL;
    pthread_mutex_lock(&group->mutex);
    *group->last = commit;
    group->last = &commit->next;
    while (!commit->done && group->busy)
        pthread_cond_wait(&group->changed, &group->mutex);
    while (!commit->done) { /* leader */
        struct group_commit *list = take(group, limit), *next;
        group->busy = true;
        run(arg, list);
        for (; list; list = next) {
            next = list->next; /* its thread may go on once it is done */
            list->done = true;
        }
        group->busy = false;
        pthread_cond_broadcast(&group->changed);
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
    group->busy = false;
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->mutex);
}
