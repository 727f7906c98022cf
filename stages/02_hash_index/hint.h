/* hint.h: the index entries of one closed segment, written beside it, so that opening need not
 * read the segment. A hint is never believed against the segment: it is used only when it adds
 * up to the sum in the segment's seal, and is otherwise ignored and made anew. */
#ifndef STRATA_02_HINT_H
#define STRATA_02_HINT_H

#include "segment.h"

#define HINT_MAGIC "STRATHNT"

/* Writes the hint of a sealed segment, which is read once. CORRUPT, IO. */
int hint_write(const struct segments *set, const struct segment *segment, struct strata_error *err);

/* The same; that it could not be written is logged, and no failure. */
void hint_try(const struct segments *set, const struct segment *segment);

/* Calls `each` for each record of a sealed segment in the log's order, as segment_read does; but of
 * the record only type and offset are known. STRATA_NOT_FOUND: there is no hint that fits, and
 * `each` was not called; one that does not fit, or cannot be read, is logged. Otherwise what `each`
 * returns, or NO_MEMORY. */
int hint_read(const struct segments *set, const struct segment *segment, segment_each *each,
              void *arg, struct strata_error *err);

/* Of a hint's bytes, HINT_HEADER or more; `id` is the segment's file number. */
#define HINT_HEADER 48 /* bytes before the entries; the check is the last four */
uint32_t hint_checksum(uint64_t id, struct strata_slice bytes);

extern const struct strata_format hint_format; /* inspect.c */

#endif
