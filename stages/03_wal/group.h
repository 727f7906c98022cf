/* group.h: many threads, one writer at a time. A thread that wants to write puts its batch in a
 * queue; one of them, the leader, takes what has gathered and commits it with one append and one
 * sync for all. While the leader syncs, the mutex is free: others read, and gather for the next.
 *
 * Threads do nothing here but gather: what is committed, and how, is a function over a list of
 * batches, so tests call it with lists and stay deterministic. */
#ifndef STRATA_03_GROUP_H
#define STRATA_03_GROUP_H

#include "strata_engine.h"

#include <pthread.h>

/* One thread's batch, on its stack. */
struct group_commit {
    const struct strata_op *ops;
    size_t count; /* 0: only to sync */
    bool sync;    /* on the device before it is acknowledged */
    int rc;       /* the answer, and its error */
    struct strata_error err;
    bool done;
    struct group_commit *next; /* in the order they came */
};

struct group {
    pthread_mutex_t mutex; /* guards the queue, and everything of the store's */
    pthread_cond_t changed;
    struct group_commit *first, **last; /* waiting */
    bool busy;                          /* a leader is at work, or group_enter has returned */
    uint64_t commits, leads;            /* batches, and how often they were led */
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
