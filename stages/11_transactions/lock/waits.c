/* waits.c: see waits.h. An owner waits for one lock at a time, and a lock has one holder, so from
 * each owner leads one edge at most: to follow the edges from an owner that begins to wait is the
 * whole search.
 *
 *     1 --> [a] --> 2 --> [b] --> 3 --> [c] - - > 1        3 begins to wait for c: a cycle
 *            ^                                             of 1, 2 and 3; 3 is the youngest
 *     5 -----+   waits for 2, too: its edge leads into
 *                the cycle, but it is not in it            --> waits for     [a] a lock
 *
 * 11.I20: an edge is not stored: it leads from an owner over the lock that it waits for to the
 *        lock's holder. When the lock is handed over, the edges of all that still wait lead to the
 *        new holder, and no edge was written.
 * 11.I21: there is no cycle whenever the mutex is free. Only an owner that begins to wait can close
 *        one, and it looks. A hand-over cannot: edges then lead to an owner that waits for nothing.
 * 11.I22: an owner never waits for itself: what it holds it is given again at once (locks.c).
 * 11.I23: the holder of a lock changes under its guard, and if there is a queue under the mutex,
 *        too: each is enough to read it. The guard is locked first: who has the mutex locks
 *        nothing.
 * 11.I24: a wait ends once, under the mutex, by end_wait: it leaves the queue, its edge is gone,
 *        and its outcome is set. Another thread that ends it wakes its owner.
 * 11.I25: a queue is in order of arrival, and a lock that has one is never free: nobody who comes
 *        later is served earlier. */
#include "11_transactions/lock/waits.h"

#include <assert.h>
#include <string.h>

enum outcome { WAITING, HANDED_OVER, VICTIM, TIMED_OUT };

/* On the stack of the thread that waits. */
struct waits_wait {
    struct lock_owner *owner;
    struct waits_lock *lock;
    struct waits_wait *next;
    enum outcome outcome;
    struct sync_cond ended; /* each sleeps at its own: a hand-over wakes one thread */
};

int waits_init(struct waits *waits, struct strata_error *err)
{
    memset(waits, 0, sizeof *waits);
    if (sync_mutex_init(&waits->mutex) != 0)
        return strata_fail_memory(err, sizeof waits->mutex);
    return 0;
}

void waits_free(struct waits *waits)
{
    assert(!waits->stats.waiting);
    sync_mutex_free(&waits->mutex);
}

/* ---- The queue of a lock --------------------------------------------------------------------- */

static void begin_wait(struct waits *waits, struct waits_wait *wait)
{
    struct waits_lock *lock = wait->lock;

    assert(lock->holder && lock->holder != wait->owner && !wait->owner->waiting); /* 11.I22 */
    *(lock->last ? &lock->last->next : &lock->first) = wait;
    lock->last = wait;
    lock->contended = true;
    wait->owner->waiting = wait;
    waits->stats.waits++;
    waits->stats.waiting++;
}

static void leave_queue(struct waits_lock *lock, struct waits_wait *wait)
{
    struct waits_wait *before = NULL, **link = &lock->first;

    for (; *link != wait; link = &before->next)
        before = *link;
    *link = wait->next;
    if (lock->last == wait)
        lock->last = before;
    assert(!lock->first == !lock->last);
}

/* 11.I24. */
static void end_wait(struct waits *waits, struct waits_wait *wait, enum outcome outcome)
{
    assert(wait->outcome == WAITING && wait->owner->waiting == wait);
    leave_queue(wait->lock, wait);
    wait->owner->waiting = NULL;
    wait->outcome = outcome;
    waits->stats.waiting--;
    waits->stats.deadlocks += outcome == VICTIM;
    waits->stats.timeouts += outcome == TIMED_OUT;
}

/* ---- Cycles ---------------------------------------------------------------------------------- */

/* 11.I20. NULL: it waits for nothing. */
static const struct lock_owner *edge_from(const struct lock_owner *owner)
{
    return owner->waiting ? owner->waiting->lock->holder : NULL;
}

/* Of the cycle that `from`, which begins to wait, closes. NULL: there is none. By 11.I21 all others
 * wait without a cycle, so the walk ends. */
static const struct lock_owner *youngest_in_cycle(const struct lock_owner *from)
{
    const struct lock_owner *youngest = from, *at = edge_from(from);

    for (; at && at != from; at = edge_from(at))
        if (at->id > youngest->id)
            youngest = at;
    return at ? youngest : NULL;
}

static void break_cycle(struct waits *waits, const struct lock_owner *from)
{
    const struct lock_owner *victim = youngest_in_cycle(from);
    struct waits_wait *wait;

    if (!victim)
        return;
    wait = victim->waiting;
    end_wait(waits, wait, VICTIM);
    if (victim != from)
        sync_wake_one(&wait->ended);
    assert(!youngest_in_cycle(from)); /* 11.I21 */
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static uint64_t end_of(uint64_t timeout_ns)
{
    uint64_t now = sync_now();
    return timeout_ns < UINT64_MAX - now ? now + timeout_ns : WAITS_FOR_EVER;
}

/* The mutex is held before and after. */
static void sleep_until_ended(struct waits *waits, struct waits_wait *wait, uint64_t until)
{
    bool in_time = true;

    while (wait->outcome == WAITING && in_time)
        if (until == WAITS_FOR_EVER)
            sync_wait(&wait->ended, &waits->mutex);
        else
            in_time = sync_wait_until(&wait->ended, &waits->mutex, until);
    if (wait->outcome == WAITING)
        end_wait(waits, wait, TIMED_OUT);
}

int waits_for(struct waits *waits, struct waits_lock *lock, struct lock_owner *owner,
              uint64_t timeout_ns, struct sync_mutex *guard, struct strata_error *err)
{
    static const int codes[] = {
        [HANDED_OVER] = 0, [VICTIM] = STRATA_DEADLOCK, [TIMED_OUT] = STRATA_TIMEOUT};
    struct waits_wait wait = {.owner = owner, .lock = lock};
    int rc = timeout_ns ? 0 : STRATA_TIMEOUT;

    if (rc == 0 && sync_cond_init(&wait.ended) != 0)
        rc = strata_fail_memory(err, sizeof wait.ended);
    if (rc != 0) {
        sync_unlock(guard);
        return rc;
    }
    sync_lock(&waits->mutex); /* 11.I23 */
    begin_wait(waits, &wait);
    sync_unlock(guard);
    break_cycle(waits, owner);
    sleep_until_ended(waits, &wait, end_of(timeout_ns));
    sync_unlock(&waits->mutex);
    sync_cond_free(&wait.ended);
    return codes[wait.outcome];
}

bool waits_hand_over(struct waits *waits, struct waits_lock *lock)
{
    struct waits_wait *next;

    assert(lock->holder && !lock->holder->waiting);
    if (!lock->contended) {
        lock->holder = NULL;
        return false;
    }
    sync_lock(&waits->mutex); /* 11.I23 */
    next = lock->first;       /* 11.I25 */
    lock->holder = next ? next->owner : NULL;
    if (next) {
        end_wait(waits, next, HANDED_OVER);
        sync_wake_one(&next->ended);
    }
    lock->contended = lock->first != NULL;
    sync_unlock(&waits->mutex);
    return next != NULL;
}

void waits_get_stats(struct waits *waits, struct waits_stats *stats)
{
    sync_lock(&waits->mutex);
    *stats = waits->stats;
    sync_unlock(&waits->mutex);
}
