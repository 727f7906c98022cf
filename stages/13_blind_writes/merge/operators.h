/* operators.h: what a merge makes of a value and an operand. */
#ifndef STRATA_13_OPERATORS_H
#define STRATA_13_OPERATORS_H

#include "strata_engine.h"

/* `value`: the key's, if it `exists`, else empty; it becomes the result. INVALID, NO_MEMORY. */
int operator_apply(const struct strata_options *options, const struct strata_op *op, bool exists,
                   struct strata_buffer *value, struct strata_error *err);
/* What is wrong with the operand, whatever the value is: 0, or INVALID. */
int operator_check(const struct strata_options *options, const struct strata_op *op,
                   struct strata_error *err);

#endif
