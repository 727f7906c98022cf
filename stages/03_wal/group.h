/* group.h: many threads, one writer at a time. A thread that wants to write puts its batch in a
 * queue; one of them, the leader, takes what has gathered and commits it with one append and one
 * sync for all. While the leader syncs, the mutex is free: others read, and gather for the next.
 *
 * Threads that were answered together come back one by one. A leader who began with the first of
 * them would have half of them in his group, and the others in the next, for ever: two syncs where
 * one does. So a batch that is to be synced is held back until as many are there as the last group
 * and its queue had, but for half the time of a sync at most (as PostgreSQL's commit_delay).
 *
 * Threads do nothing here but gather: what is committed, and how, is a function over a list of
 * batches, so tests call it with lists and stay deterministic. */
#ifndef STRATA_03_GROUP_H
#define STRATA_03_GROUP_H

#include "strata_engine.h"

#include <pthread.h>
#include <semaphore.h>

/* One thread's batch, on its stack. */
struct group_commit {
    const struct strata_op *ops;
    size_t count; /* 0: only to sync */
    bool sync;    /* on the device before it is acknowledged */
    int rc;       /* the answer, and its error */
    struct strata_error err;
    bool done;
    bool asleep; /* its thread waits for `word`: it is done, or to be led by whoever can */
    bool free;   /* the word is that it is done, and no longer in the group's hands */
    sem_t word;
    struct group_commit *next; /* in the order they came */
};

struct group {
    pthread_mutex_t mutex;              /* guards the queue, and everything of the store's */
    pthread_cond_t changed;             /* busy no more; its clock is the monotonic one */
    struct group_commit *first, **last; /* waiting */
    size_t queued;                      /* so many */
    bool busy;                          /* a leader is at work, or group_enter has returned */
    struct group_commit *holder; /* waiting; its thread waits at `changed` for more to come */
    size_t expected;             /* batches that are likely to come together */
    uint64_t sync_ns;            /* that the last synced group took, HELD_MOST at most */
    unsigned vain;    /* the last wait for more was in vain: so many groups are not held back, */
    unsigned at_once; /* and so many of them are left */
    uint64_t commits, leads; /* batches, and how often they were led */
};

int group_init(struct group *group, struct strata_error *err);
void group_free(struct group *group);

/* Commits `commit`, alone or with others, and returns its rc. `run` is called with a list, under
 * the mutex; it fills in each rc and may release the mutex in between. At most `limit` bytes of
 * keys and values are taken at once, but at least one batch. */
int group_submit(struct group *group, struct group_commit *commit, size_t limit,
                 void (*run)(void *arg, struct group_commit *list), void *arg);

/* Alone with the store, the mutex held: no leader is at work. */
void group_enter(struct group *group);
void group_leave(struct group *group);

#endif
