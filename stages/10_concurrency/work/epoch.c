/* epoch.c: see epoch.h.
 *
 * Readers count themselves in one of two counters of their stripe, by the phase that they see. Why
 * two: with one a grace period would wait until there is no reader at all, and where there are many
 * that may never be.
 *
 *     phase        0 0 0 0 0 0 0 0 1 1 1 1 1 1 1
 *     readers[1]   . a a . . . . . . . c c c c c     a had loaded the phase before it turned last
 * time, readers[0]   b b b b b b b b b b b . . . .       and counted itself late grace period
 * |.......|--------|              waits for readers[1], turns the phase (c counts for a    for b
 * itself there), waits for readers[0]
 *
 * 10.I3a: a reader that the scan of its counter does not see has begun after it: its increment and
 * its load of the pointer, the pointer's store and the scan's loads are in one order (seq_cst), so
 *        it finds the new pointer.
 * 10.I3b: both counters are seen to be 0, each once, after the period has begun. A reader that
 * began before is in one of them: also one that loaded the phase before it turned (a), which is why
 *        readers[1] is waited for, though no reader is sent there before the phase turns.
 * 10.I3c: only the counter that no new readers are sent to is waited for: the wait ends. */
#include "10_concurrency/work/epoch.h"

#include <assert.h>
#include <string.h>

#define SPINS 64 /* looks before the thread sleeps */
#define PAUSE_NS 50000u

int epoch_init(struct epoch *epoch)
{
    memset(epoch, 0, sizeof *epoch);
    epoch->last = &epoch->first;
    return sync_mutex_init(&epoch->mutex);
}

void epoch_free(struct epoch *epoch)
{
    while (epoch->first)
        epoch_reclaim(epoch);
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
        if (!is_drained(epoch, phase + 1)) /* 10.I3b */
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

void epoch_wait(struct epoch *epoch, uint64_t ticket)
{
    for (unsigned looks = 0; !epoch_passed(epoch, ticket); looks++)
        if (looks < SPINS)
            sync_yield();
        else
            sync_sleep(PAUSE_NS);
}

/* ---- What is retired ------------------------------------------------------------------------- */

void epoch_retire(struct epoch *epoch, struct epoch_retired *retired,
                  void (*free)(struct epoch_retired *retired))
{
    retired->free = free;
    retired->next = NULL;
    sync_lock(&epoch->mutex);
    retired->ticket = next_ticket(epoch);
    *epoch->last = retired;
    epoch->last = &retired->next;
    sync_unlock(&epoch->mutex);
}

/* Takes the first one from the list, if its grace period has passed. NULL: none. */
static struct epoch_retired *take_passed(struct epoch *epoch)
{
    struct epoch_retired *first;

    sync_lock(&epoch->mutex);
    first = epoch->first;
    while (first && epoch->done < first->ticket && advance(epoch))
        ;
    if (first && epoch->done < first->ticket)
        first = NULL;
    if (first && !(epoch->first = first->next))
        epoch->last = &epoch->first;
    sync_unlock(&epoch->mutex);
    return first;
}

bool epoch_reclaim(struct epoch *epoch)
{
    struct epoch_retired *retired;
    bool left;

    while ((retired = take_passed(epoch)))
        retired->free(retired);
    sync_lock(&epoch->mutex);
    left = epoch->first != NULL;
    sync_unlock(&epoch->mutex);
    return left;
}
