/* read_at.h: tables as a reader sees them who came at a sequence number, where some have several
 * versions of a key. Runs without such tables are read as at stage 9. */
#ifndef STRATA_10_READ_AT_H
#define STRATA_10_READ_AT_H

#include "06_leveled_compaction/version/level_iter.h"

/* A level_merge_kind: of->sequence is the reader's. */
int read_at_merge(const struct level_merge *of, struct cursor **out, struct strata_error *err);

/* Every version of every key, of all sources: those of a key follow each other, the newest first,
 * each with its number. Forward only. As read_at_merge. */
int read_all_versions(const struct level_merge *of, struct cursor **out, struct strata_error *err);

/* Some table of these runs has coded values. */
bool read_at_is_coded(const struct level_merge *of);

#endif
