/* fast_parts.h: what stage 9 puts in place of the plain forms of the earlier stages. */
#ifndef STRATA_09_FAST_PARTS_H
#define STRATA_09_FAST_PARTS_H

#include "07_paced_compaction/tree/parts.h"
#include "09_fast_paths/read/merge_runs.h"
#include "09_fast_paths/read/version_index.h"

extern const struct tree_parts fast_parts;

/* What they are made of, for an engine that has other parts beside these. */
int fast_merge(const struct level_merge *of, struct cursor **out, struct strata_error *err);
uint64_t fast_tables_asked(const void *common);
/* Does anybody refer to the current super, or to its memtable? */
bool fast_is_read(struct tree *tree);

/* As version_get. (fast_get.c) */
int fast_get(struct version *version, struct strata_slice key, unsigned *type,
             struct strata_buffer *value, struct strata_error *err);
/* The same at a sequence number, where tables have several versions of a key. */
int fast_get_at(struct version *version, struct strata_slice key, uint64_t sequence, unsigned *type,
                struct strata_buffer *value, struct strata_error *err);

#endif
