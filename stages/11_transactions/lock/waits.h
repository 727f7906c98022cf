/* waits.h: owners of locks that wait for each other. Each lock has one holder at most, and a queue
 * of waiting owners: the lock is handed over to the first of them, so it is never free while
 * somebody waits. Owners that wait for each other in a cycle would wait for ever: the youngest of
 * them has to give up (rollback of the youngest: Jim Gray and Andreas Reuter, Transaction
 * Processing, 7.11.4).
 *
 * How locks are found by key is locks.h's. */
#ifndef STRATA_11_WAITS_H
#define STRATA_11_WAITS_H

#include "strata_engine.h"
#include "threads/sync.h"

#define WAITS_FOR_EVER UINT64_MAX

struct waits_wait;
struct locks_entry;

/* What holds locks and waits for one: a transaction. All zero but the id: it holds nothing. Used by
 * one thread at a time. */
struct lock_owner {
    uint64_t id;                /* unique; larger is younger */
    struct locks_entry *held;   /* of locks.c: a list, the last one taken is first */
    struct waits_wait *waiting; /* NULL: it does not wait */
};

/* One lock. All zero: nobody holds it, and nobody waits. */
struct waits_lock {
    struct lock_owner *holder;       /* NULL: nobody */
    struct waits_wait *first, *last; /* the queue */
    bool contended;                  /* there may be a queue */
};

struct waits_stats {
    uint64_t waits, deadlocks, timeouts; /* how many, since the start; 11.I24: of waits */
    uint64_t waiting;                    /* owners that wait now */
};

struct waits {
    struct sync_mutex mutex; /* guards the queues of all locks, and who waits for what */
    struct waits_stats stats;
};

int waits_init(struct waits *waits, struct strata_error *err);
void waits_free(struct waits *waits);

/* Waits until `lock`, which another owner holds, is handed over to `owner`. `guard` is the mutex
 * that guards the lock's holder: it is locked before, and not after.
 *
 *   DEADLOCK   a cycle was found, and this owner is the youngest in it
 *   TIMEOUT    it was not handed over for so long; 0: it does not wait at all
 *   NO_MEMORY */
int waits_for(struct waits *waits, struct waits_lock *lock, struct lock_owner *owner,
              uint64_t timeout_ns, struct sync_mutex *guard, struct strata_error *err);
/* The holder is done with it: the first in the queue has it now. False: there was none, and nobody
 * holds it. The lock's guard is held. */
bool waits_hand_over(struct waits *waits, struct waits_lock *lock);

void waits_get_stats(struct waits *waits, struct waits_stats *stats);

#endif
