/* readahead.h: what a scan reads of a table's file beyond the block that it has come to, so that
 * the next blocks need no system call each. Blocks are kept as they are in the file, and are
 * checked when they are used. Tables never change: what was read stays valid. */
#ifndef STRATA_09_READAHEAD_H
#define STRATA_09_READAHEAD_H

#include "09_fast_paths/table/pax_table_inside.h"

/* All zero is a valid empty one. */
struct readahead {
    const struct pax_table *table; /* of which it holds blocks from `first` on and before `end` */
    uint32_t first, end;
    size_t piece; /* bytes of the last read; 0: of none in a row */
    struct strata_buffer bytes;
};

void readahead_free(struct readahead *ahead);
/* The next block asked for is not beside the last one, or needs no reading. */
void readahead_pause(struct readahead *ahead);

/* The stored bytes of block `n` of a table, borrowed until the next call; those behind it, or with
 * `back` before it, are read with it, but for blocks that the cache has, unless `once`. NULL in
 * *stored: it is to be read by itself, as the file is mapped, or nothing is read along. IO, CORRUPT
 * (the file ends before), NO_MEMORY. */
int readahead_block(struct readahead *ahead, const struct pax_table *table, uint32_t n, bool back,
                    bool once, const uint8_t **stored, struct strata_error *err);

#endif
