/* debt.c: see debt.h. */
#include "07_paced_compaction/compaction/debt.h"

#define MOST ((uint64_t)1 << 40) /* bytes of a memtable, in sums */

/* Near the end of the room, and beyond, at least a sixteenth of a memtable: else one write would do
 * all the rest. */
struct debt debt_of_flush(uint64_t left, uint64_t budget, uint64_t used)
{
    uint64_t half = budget / 2, least = budget / 16;

    return (struct debt){left, used + least < half ? half - used : least};
}

/* Near that, and beyond, at least an eighth of a memtable. */
struct debt debt_of_compaction(uint64_t left, uint64_t budget, uint64_t used, uint64_t tables,
                               uint64_t trigger)
{
    uint64_t memtable = budget < MOST ? budget : MOST, least = memtable / 8;
    uint64_t all = tables < trigger ? (trigger - tables) * memtable : 0;

    return (struct debt){left, all > used + least ? all - used : least};
}

uint64_t debt_quota(struct debt debt, uint64_t bytes)
{
    double part = debt.room ? (double)bytes / (double)debt.room : 1;
    return part < 1 ? (uint64_t)((double)debt.work * part) + 1 : debt.work + 1;
}

uint64_t debt_next_look(struct debt flush, struct debt compaction)
{
    uint64_t rate = 1 + flush.work / (flush.room + 1) + compaction.work / (compaction.room + 1);
    return DEBT_PIECE / rate < DEBT_LOOK ? DEBT_PIECE / rate : DEBT_LOOK;
}
