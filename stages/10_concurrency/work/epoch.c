/* epoch.c: see epoch.h.
 *
 * Readers count themselves in one of two counters of their stripe, by the phase that they see. Why
 * two: with one a grace period would wait until there is no reader at all, and where there are many
 * that may never be.
 *
 *     phase        0 0 0 0 0 0 0 0 1 1 1 1 1 1 1
 *     readers[1]   . a a . . . . . . . c c c c c     a loaded the phase before it turned last time
 *     readers[0]   b b b b b b b b b b b . . . .
 *     period             |.......|--------|          until [1] is empty; it turns; until [0] is
 *
 * 10.E1: a reader that the scan of its counter does not see has begun after it: its increment, its
 *        load of the pointer, the pointer's store and the scan's loads are in one order (seq_cst),
 *        so it finds the new pointer.
 * 10.E2: both counters are seen to be 0, each once, after the period has begun. A reader that began
 *        before is in one of them, also one that loaded the phase before it turned (a).
 * 10.E3: only the counter that no new readers are sent to is waited for: the wait ends. */
#include "10_concurrency/work/epoch.h"

#include <assert.h>

#define SPINS 64 /* looks before the thread sleeps */
#define PAUSE_NS 50000u

void epoch_init(struct epoch *epoch)
{
    *epoch = (struct epoch){.mutex = SYNC_MUTEX_INIT};
}

void epoch_free(struct epoch *epoch)
{
    sync_mutex_free(&epoch->mutex);
}

/* ---- Grace periods --------------------------------------------------------------------------- */

static bool is_drained(struct epoch *epoch, unsigned phase)
{
    /* Stores of this thread before, which took something out of the readers' way, are seen by a
     * reader that this does not see: a read-modify-write between a store and a load keeps their
     * order, as a fence does, which TSan does not know. */
    atomic_fetch_add_explicit(&epoch->scans, 1, memory_order_seq_cst);
    for (size_t i = 0; i < EPOCH_STRIPES; i++)
        if (atomic_load_explicit(&epoch->stripes[i].readers[phase & 1], memory_order_seq_cst))
            return false;
    return true;
}

/* As far as it goes without waiting. Has a period ended? The mutex is held. */
static bool advance(struct epoch *epoch)
{
    unsigned phase = atomic_load_explicit(&epoch->phase, memory_order_relaxed);

    epoch->begun = true;
    if (!epoch->turned) {
        if (!is_drained(epoch, phase + 1)) /* 10.E2 */
            return false;
        atomic_store_explicit(&epoch->phase, ++phase, memory_order_seq_cst);
        epoch->turned = true;
    }
    if (!is_drained(epoch, phase + 1))
        return false;
    epoch->begun = epoch->turned = false;
    epoch->done++;
    return true;
}

/* The mutex is held. */
static uint64_t next_ticket(const struct epoch *epoch)
{
    return epoch->done + 1 + epoch->begun;
}

uint64_t epoch_ticket(struct epoch *epoch)
{
    uint64_t ticket;

    sync_lock(&epoch->mutex);
    ticket = next_ticket(epoch);
    sync_unlock(&epoch->mutex);
    return ticket;
}

bool epoch_passed(struct epoch *epoch, uint64_t ticket)
{
    bool passed;

    sync_lock(&epoch->mutex);
    assert(ticket <= next_ticket(epoch));
    while (epoch->done < ticket && advance(epoch))
        ;
    passed = epoch->done >= ticket;
    sync_unlock(&epoch->mutex);
    return passed;
}

void epoch_wait(struct epoch *epoch)
{
    uint64_t ticket = epoch_ticket(epoch);

    for (unsigned looks = 0; !epoch_passed(epoch, ticket); looks++)
        if (looks < SPINS)
            sync_yield();
        else
            sync_sleep(PAUSE_NS);
}
