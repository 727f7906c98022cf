/* merge.h: gives dead space back. A run of neighbouring closed segments is copied, live records
 * only, into one segment that covers their numbers; the old ones answer until it is complete. */
#ifndef STRATA_02_MERGE_H
#define STRATA_02_MERGE_H

#include "keydir.h"

/* Merges list[at .. at+count), all sealed. After a failure the database is as it was, or, when
 * only removing old files failed, as it should be, and the next open removes them. `*tolerable`: it
 * failed because a segment could not be read, or no file be opened: writing can go on. */
int merge_run(struct keydir *keydir, size_t at, size_t count, bool *tolerable,
              struct strata_error *err);

/* The next run at or after list[*at] worth merging in a whole compaction: *at and *count are
 * set; false when there is none. A run's live data fits into one segment. */
bool merge_next_run(const struct keydir *keydir, size_t *at, size_t *count);
/* The run of closed segments with most dead records, if half of them or more are dead; without
 * those that a merge could not read. */
bool merge_worst_run(const struct keydir *keydir, size_t *at, size_t *count);

#endif
