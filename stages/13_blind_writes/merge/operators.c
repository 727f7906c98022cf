/* operators.c: see operators.h. Numbers are decimal digits, as people and other programs write
 * them; a sum that does not fit is refused: a counter that silently began anew would lose more than
 * an addition. */
#include "13_blind_writes/merge/operators.h"
#include "base/bytes.h"

#include <inttypes.h>
#include <stdio.h>

#define DIGITS 19 /* 10^19 - 1 fits into 64 bits */

static int refuse(const char *what, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET, "%s", what);
}

/* -2^63 to 2^63 - 1. */
static bool read_number(struct strata_slice text, int64_t *out)
{
    bool negative = text.size && text.data[0] == '-';
    uint64_t sum = 0;

    text = slice_behind(text, negative);
    if (!text.size || text.size > DIGITS)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        sum = sum * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (sum > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

static bool add(int64_t a, int64_t b, int64_t *sum)
{
    if (b > 0 ? a > INT64_MAX - b : a < INT64_MIN - b)
        return false;
    *sum = a + b;
    return true;
}

static int calculate(const struct strata_op *op, bool exists, struct strata_buffer *value,
                     struct strata_error *err)
{
    char text[DIGITS + 3];
    int64_t now = 0, operand, result;

    if (!read_number(op->value, &operand))
        return refuse("the operand is no number", err);
    if (exists && !read_number(strata_buffer_slice(value), &now))
        return refuse("the value of the key is no number", err);
    if (op->type == STRATA_OP_MAX)
        result = !exists || operand > now ? operand : now;
    else if (!add(now, operand, &result))
        return refuse("the sum is beyond 64 bits", err);
    snprintf(text, sizeof text, "%" PRId64, result);
    return buffer_set(value, strata_string(text), err);
}

static int append(const struct strata_op *op, struct strata_buffer *value, struct strata_error *err)
{
    if (op->value.size > STRATA_MAX_VALUE - value->size)
        return refuse("the value would be too large", err);
    return strata_buffer_append(value, op->value.data, op->value.size) < 0
               ? strata_fail_memory(err, op->value.size)
               : 0;
}

static int ask_program(const struct strata_options *options, const struct strata_op *op,
                       bool exists, struct strata_buffer *value, struct strata_error *err)
{
    struct strata_slice now = strata_buffer_slice(value);
    struct strata_buffer result = {0};
    int rc = 0;

    if (!options->merge)
        return refuse("there is no options.merge", err);
    if (options->merge(options->merge_arg, op->key, exists ? &now : NULL, op->value, &result) != 0)
        rc = refuse("options.merge refused it", err);
    else if (result.out_of_memory)
        rc = strata_fail_memory(err, result.size);
    else if (result.size > STRATA_MAX_VALUE)
        rc = refuse("the value would be too large", err);
    if (rc < 0) {
        strata_buffer_free(&result);
        return rc;
    }
    strata_buffer_free(value);
    *value = result;
    return 0;
}

int operator_apply(const struct strata_options *options, const struct strata_op *op, bool exists,
                   struct strata_buffer *value, struct strata_error *err)
{
    if (op->type == STRATA_OP_APPEND)
        return append(op, value, err);
    if (op->type == STRATA_OP_MERGE)
        return ask_program(options, op, exists, value, err);
    return calculate(op, exists, value, err);
}

int operator_check(const struct strata_options *options, const struct strata_op *op,
                   struct strata_error *err)
{
    int64_t unwanted;

    if (op->type == STRATA_OP_MERGE)
        return options->merge ? 0 : refuse("there is no options.merge", err);
    return op->type == STRATA_OP_APPEND || read_number(op->value, &unwanted)
               ? 0
               : refuse("the operand is no number", err);
}
