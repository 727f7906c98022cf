/* crew.h: several threads work on one handle, each as its random numbers say, and what they ask and
 * are answered is recorded (linear.h). The threads are sync.h's: free, or in a body of baton_run.
 */
#ifndef STRATA_TESTS_CREW_H
#define STRATA_TESTS_CREW_H

#include "crash/concurrency/linear.h"
#include "strata.h"
#include "threads/sync.h"

#define CREW_KEYS 6u
#define CREW_MOST 8u /* threads */

struct crew {
    /* The caller's: */
    struct strata *db;
    struct strata_fs *sim; /* fs_sim that is to have a mark for each begin and end; or NULL */
    uint64_t seed;
    unsigned threads;    /* at most CREW_MOST */
    unsigned operations; /* of each */
    unsigned writes;     /* of 16 operations */
    bool unsynced;       /* some writes are not synced */
    bool upkeep;         /* flushes, compactions and verifications, too */
    bool snapshots;
    bool may_fail;   /* a call that fails is one without an answer */
    uint64_t values; /* used so far: values of several runs on one database differ */
    void (*noted)(void *arg,
                  const struct linear_op *op); /* it begins, or ends; NULL: nobody asks */
    void *arg;
    /* What was done: */
    struct linear history;
    char wrong[400]; /* the first call that failed, or gave a value that nobody writes; or "" */
    /* The crew's: */
    struct sync_mutex marking, saying;
};

/* Ended by crew_free, which leaves the caller's. */
void crew_init(struct crew *crew);
void crew_free(struct crew *crew);
/* Starts the threads and waits for them. */
void crew_run(struct crew *crew);

/* Puts `count` other keys between those of the crew, in one batch: scans pass them. */
bool crew_fill(struct strata *db, unsigned count, struct strata_error *err);

/* What the database holds now, by key: `values` has LINEAR_KEYS. False: a call failed, or it holds
 * what nobody writes; `why` (a line, capacity bytes) says so. */
bool crew_read_all(struct strata *db, uint64_t *values, char *why, size_t capacity);

#endif
