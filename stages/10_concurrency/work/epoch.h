/* epoch.h: memory that readers without locks may look at is freed when none of them can any more.
 * A reader is in a section while it looks; who has taken something out of the readers' way waits
 * for a grace period: until every section that had begun by then has ended (Linux: SRCU).
 *
 *     reader       [--- looks at super 7 ---]        [-- at super 8 --]
 *     writer            8 instead of 7   |
 *     grace period                       |-----------| 7 may be freed
 *
 * Sections may nest and sleep, and need no registration; any thread may be in one. They are short:
 * an iterator takes a reference to what it reads, and leaves. */
#ifndef STRATA_10_EPOCH_H
#define STRATA_10_EPOCH_H

#include "threads/striped.h"
#include "threads/sync.h"

#define EPOCH_STRIPES 32u

struct epoch {
    struct {
        _Atomic uint32_t readers[2]; /* in sections, by the phase that they began in */
        char apart[120]; /* no two stripes have a cache line, or its neighbour, in common */
    } stripes[EPOCH_STRIPES];
    _Atomic unsigned phase;  /* the lowest bit: where readers that begin now are counted */
    struct sync_mutex mutex; /* guards the rest */
    uint64_t done;           /* grace periods */
    bool begun, turned;      /* one is under way; its phase has turned */
    _Atomic uint64_t scans;
};

/* A section that is under way. */
struct epoch_section {
    _Atomic uint32_t *readers;
};

void epoch_init(struct epoch *epoch);
/* Nobody is in a section any more. */
void epoch_free(struct epoch *epoch);

/* ---- Readers --------------------------------------------------------------------------------- */

/* What a section looks at it finds by a pointer that it loads in it, sequentially consistent, as
 * the pointer was stored (10.E1). */
static inline struct epoch_section epoch_enter(struct epoch *epoch)
{
    unsigned phase = atomic_load_explicit(&epoch->phase, memory_order_relaxed) & 1;
    _Atomic uint32_t *readers = &epoch->stripes[striped_me() % EPOCH_STRIPES].readers[phase];

    sync_point();
    atomic_fetch_add_explicit(readers, 1, memory_order_seq_cst);
    return (struct epoch_section){readers};
}

static inline void epoch_leave(struct epoch_section section)
{
    atomic_fetch_sub_explicit(section.readers, 1, memory_order_release);
    sync_point();
}

/* ---- Grace periods --------------------------------------------------------------------------- */

/* Any thread may call these; who is in a section itself waits for ever. */

/* Of a grace period that begins after this call. What sections are not to find any more was taken
 * out of their way before. */
uint64_t epoch_ticket(struct epoch *epoch);
/* Has it passed? Without waiting. If nobody asks, none passes. */
bool epoch_passed(struct epoch *epoch, uint64_t ticket);
/* Until such a period has passed. */
void epoch_wait(struct epoch *epoch);

#endif
