/* wal_inspect.h: annotated dumps of stage 3's files, for the inspectors of later stages. */
#ifndef STRATA_03_WAL_INSPECT_H
#define STRATA_03_WAL_INSPECT_H

#include "02_hash_index/segment_inspect.h"

/* For record_words. */
const char *wal_type_name(unsigned type);
const struct inspect_number *wal_layout(unsigned type, size_t *count);
/* Whether the checkpoint's own check holds: 0, STRATA_NOT_FOUND, NO_MEMORY, IO. */
int checkpoint_check(struct fs_file *file, struct strata_error *err);

#endif
