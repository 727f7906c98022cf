/* debt.h: how much work a write does, as arithmetic: bytes of debt that are spread over the bytes
 * that may be written until it must be done. pace.c does the work. */
#ifndef STRATA_07_DEBT_H
#define STRATA_07_DEBT_H

#include <stdint.h>

/* All in bytes. */
struct debt {
    uint64_t work; /* inputs still to be read */
    uint64_t room; /* that may be written until all of the work must be done */
};

/* Of the flush of an immutable memtable, of which `left` is to be written, beside a memtable of
 * `budget` of which `used` are in use: to be done when that is half full. */
struct debt debt_of_flush(uint64_t left, uint64_t budget, uint64_t used);
/* Of compactions: to be done when `tables`, of level 0 and in memory, become `trigger`, beside such
 * a memtable. */
struct debt debt_of_compaction(uint64_t left, uint64_t budget, uint64_t used, uint64_t tables,
                               uint64_t trigger);

/* The work of a write of so many bytes; at least 1, and no more than all of it and 1. */
uint64_t debt_quota(struct debt debt, uint64_t bytes);
/* So many bytes written have a quota of DEBT_PIECE, of both together, or less; at most DEBT_LOOK.
 */
uint64_t debt_next_look(struct debt flush, struct debt compaction);

#define DEBT_LOOK ((uint64_t)2 << 10)  /* bytes written between two looks at the debt, at most */
#define DEBT_PIECE ((uint64_t)8 << 10) /* of work, between two writes */

#endif
