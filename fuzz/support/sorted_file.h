/* sorted_file.h: a sorted table's file with any bytes, by itself: there is no list of runs, which
 * would refuse all but the one that it names, by size and digest.
 *
 * Whatever the bytes: opening, searching and scanning end, in an answer or in damage that is
 * reported with the file, and take no more memory than the bytes explain. And of one that verifies:
 *   - scans both ways give as many entries as it says, in order, and a get gives the same: so no
 *     filter lacks a key;
 *   - the annotated dump sees no damage in it;
 *   - its entries, written anew, hold the same, or make the same bytes. */
#ifndef STRATA_FUZZ_SORTED_FILE_H
#define STRATA_FUZZ_SORTED_FILE_H

#include "04_memtable_sstable/run/sstable.h"

struct sorted_file {
    const struct sstable_kind *kind;
    const struct strata_format *format;
    const char *path;
    unsigned stage;
    bool canonical;       /* the same entries are always the same bytes */
    bool ordered;         /* what is read is in order, also where it does not verify */
    bool unlisted;        /* the stage has no list that would take it: it is read by itself only */
    size_t most_per_byte; /* bytes that one of the file may be uncompressed to */
    /* Type and value that a get finds in a coded value (SSTABLE_CODED). NULL: there is none. */
    unsigned (*newest)(struct strata_slice coded, struct strata_slice *value);
    /* Ends the program if bytes that verify are not what a writer makes; NULL: nothing is asked. */
    void (*check_bytes)(struct strata_slice bytes);
};

void sorted_file_check(const struct sorted_file *file, struct strata_slice bytes);

#endif
