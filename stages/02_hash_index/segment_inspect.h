/* segment_inspect.h: annotated dumps of stage 2's files, for the inspectors of later stages. */
#ifndef STRATA_02_SEGMENT_INSPECT_H
#define STRATA_02_SEGMENT_INSPECT_H

#include "01_append_log/record_inspect.h"

/* For record_words. */
const char *segment_type_name(unsigned type);
void segment_tell_number(uint64_t number, char *to, size_t capacity);
const struct inspect_number *segment_layout(unsigned type, size_t *count);
/* Whether a hint's own check holds, without its segment: 0, STRATA_NOT_FOUND, IO, NO_MEMORY. */
int hint_check(struct fs_file *file, struct strata_error *err);

#endif
