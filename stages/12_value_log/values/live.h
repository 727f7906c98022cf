/* live.h: how much of which value files a table needs: kept in the table's own notes, so what is
 * live in a file is the sum over the tables of a version, and no count beside them can be wrong.
 * The bytes are drawn in live.c. */
#ifndef STRATA_12_LIVE_H
#define STRATA_12_LIVE_H

#include "04_memtable_sstable/run/sstable.h"

/* Of one file. */
struct live {
    uint64_t number; /* of the file */
    uint64_t bytes;  /* of the records that are pointed to */
    uint64_t values; /* how many those are */
};

/* The notes of a table, or of its writer, before any other are added: how many files; and those, by
 * ascending numbers. */
size_t live_count(const struct strata_buffer *notes);
struct live live_at(const struct strata_buffer *notes, size_t at);
/* One more value, of a record of so many bytes. NO_MEMORY. */
int live_add(struct strata_buffer *notes, uint64_t number, uint64_t bytes,
             struct strata_error *err);
/* Of file `number`; none: all zero but for the number. O(log files). */
struct live live_of(const struct strata_buffer *notes, uint64_t number);
/* NULL: the notes begin with a valid list, or have none. Else what is wrong. */
const char *live_check(const struct strata_buffer *notes);

#endif
