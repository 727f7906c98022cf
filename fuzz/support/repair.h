/* repair.h: makes the checksums in mutated bytes right again, so that they get past the checks to
 * what is behind them. For mutators. */
#ifndef STRATA_FUZZ_REPAIR_H
#define STRATA_FUZZ_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum repair {
    REPAIR_CHECKS, /* checksums */
    REPAIR_SUMS    /* and what adds up: records that a seal, a frame, a hint, INDEX tells of */
};

/* Goes by the magic number, which is repaired too if one byte of it was lost. Bytes of no format
 * known here stay as they are. */
void repair(uint8_t *data, size_t size, enum repair what);

/* What a mutator does: nothing one time in eight, otherwise one or the other. Which of the two, is
 * decided by what no repair changes: on its own result it does nothing. Not beyond 1 MiB. */
void repair_some(uint8_t *data, size_t size);
/* Bytes with which it does nothing. */
bool repair_passes_over(const uint8_t *data, size_t size);

/* Where the sections of a table (05_blocks_bloom/pax_table_layout.c) begin: its blocks, index,
 * filter, which may be of no bytes, and properties; last, its footer. Returns how many; 0: it is no
 * table, or has more than `most`. */
size_t repair_sections(const uint8_t *data, size_t size, size_t *begins, size_t most);
#define REPAIR_BEHIND_BLOCKS 4 /* of these */

#endif
