/* group.h: many threads, one writer at a time. A thread that wants to write puts its batch in a
 * queue; the first of them becomes the leader: it takes what has gathered and commits it with one
 * append and one sync for all. While the leader syncs, the mutex is free: others read, and gather
 * for the next group.
 *
 * Threads do nothing here but gather: what is committed, and how, is a function over a list of
 * batches, so tests call it with lists and stay deterministic. */
#ifndef STRATA_03_GROUP_H
#define STRATA_03_GROUP_H

#include "threads/sync.h"
#include "strata_engine.h"

/* One thread's batch, on its stack. */
struct group_commit {
    const struct strata_op *ops;
    size_t count; /* 0: only to sync */
    bool sync;    /* on the device before it is acknowledged */
    int rc;       /* the answer, and its error */
    struct strata_error err;
    bool done;
    bool asleep; /* its thread waits at `wake` */
    bool free;   /* woken because it is done: the group does not touch it any more */
    struct sync_sem wake;
    struct group_commit *next; /* in the order they came */
};

struct group {
    struct sync_mutex mutex;            /* guards the queue, and everything of the store's */
    struct sync_cond changed;           /* busy no more */
    struct group_commit *first, **last; /* the queue */
    bool busy;                          /* a leader is at work, or group_enter has returned */
    uint64_t commits, leads;            /* batches, and groups of them */
    _Atomic int failed;                 /* a write, sync or rename failed: errno; no more writes */
    struct group_delay *delay;          /* the group's own; NULL: a batch is led at once */
};

enum group_turn { GROUP_LEAD, GROUP_AGAIN, GROUP_SLEEP };

/* A delay decides when a synced group is led, so that more batches may join it. All calls are made
 * under the mutex. */
struct group_delay {
    /* Nobody leads. May the thread of `commit`, which is queued and to be synced, lead? Or it has
     * waited at `changed` and is to ask again; or it sleeps, because another one waits there. */
    enum group_turn (*turn)(struct group_delay *delay, struct group *group,
                            struct group_commit *commit);
    /* Calls run(arg, list), of what the leader has taken from the queue. `sync`: its own batch is
     * to be synced. */
    void (*lead)(struct group_delay *delay, const struct group *group, struct group_commit *list,
                 bool sync, void (*run)(void *arg, struct group_commit *list), void *arg);
    void (*free)(struct group_delay *delay);
};

#define GROUP_BYTES ((size_t)1 << 20) /* usually gathered for one append */

int group_init(struct group *group, struct strata_error *err);
void group_free(struct group *group);

/* Commits `commit`, alone or with others, and returns its rc. `run` is called with a list, under
 * the mutex; it fills in each rc and may release the mutex in between. At most `limit` bytes of
 * keys and values are taken at once, but at least one batch. */
int group_submit(struct group *group, struct group_commit *commit, size_t limit,
                 void (*run)(void *arg, struct group_commit *list), void *arg);

/* The same of a batch that is not made yet, with the usual limit. */
int group_write(struct group *group, const struct strata_op *ops, size_t count, bool sync,
                void (*run)(void *arg, struct group_commit *list), void *arg,
                struct strata_error *err);
/* 0, or the error that a write failed earlier, in directory `dir`. */
int group_usable(const struct group *group, const char *dir, struct strata_error *err);
/* 0, or NOT_SUPPORTED: from `sequence` on there are not so many numbers for operations. What is
 * above CODING_NUMBER_MAX could not be read again. */
int group_numbers(uint64_t sequence, size_t operations, const char *dir, struct strata_error *err);

/* Waits until no leader is at work, and keeps the mutex until group_leave. */
void group_enter(struct group *group);
void group_leave(struct group *group);

#endif
