/* merge_check.h: puts of a history, written as merges that check what they find. The operand says
 * what the value before must be, and the value after: the operator refuses to be applied to
 * anything else. */
#ifndef STRATA_COMMON_CRASH_MERGE_CHECK_H
#define STRATA_COMMON_CRASH_MERGE_CHECK_H

#include "crash/history.h"

/* For strata_options. */
int merge_check_operator(void *arg, struct strata_slice key, const struct strata_slice *value,
                         struct strata_slice operand, struct strata_buffer *result);

/* Adds operation `at` of write `n`, a put, to the batch as such a merge. NO_MEMORY. */
int merge_check_add(struct strata_batch *batch, const struct history *history, size_t n, size_t at,
                    struct strata_error *err);

#endif
