/* merge_check.c: see merge_check.h.
 *
 *     operand    was there 1 | checksum of the value before 4 | the value after
 */
#include "crash/merge_check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "strata_engine.h"

#define HEAD 5

int merge_check_operator(void *arg, struct strata_slice key, const struct strata_slice *value,
                         struct strata_slice operand, struct strata_buffer *result)
{
    struct strata_slice after = strata_bytes(operand.data + HEAD, operand.size - HEAD);
    struct decoder d;
    bool is_before;

    (void)arg, (void)key;
    decoder_init(&d, strata_bytes(operand.data + 1, HEAD - 1));
    is_before = operand.data[0] ? value && checksum(0, *value) == get_u32(&d) : !value;
    /* After a failure the same write is made again, and may have been made before. */
    if (!is_before && !(value && strata_compare(*value, after) == 0))
        return 1;
    return strata_buffer_append(result, after.data, after.size);
}

/* NULL: no operation of the first `count` wrote it. */
static const struct strata_op *last_of(const struct strata_op *ops, size_t count,
                                       struct strata_slice key)
{
    while (count--)
        if (strata_compare(ops[count].key, key) == 0)
            return &ops[count];
    return NULL;
}

int merge_check_add(struct strata_batch *batch, const struct history *history, size_t n, size_t at,
                    struct strata_error *err)
{
    size_t before = (n > 1 ? history->ends[n - 2] : 0) + at;
    const struct strata_op *op = &history->ops[before];
    const struct strata_op *last = last_of(history->ops, before, op->key);
    bool is_there = last && last->type == STRATA_OP_PUT;
    uint8_t flag = is_there;
    struct strata_buffer operand = {0};
    int rc;

    strata_buffer_append(&operand, &flag, 1);
    buffer_put_u32(&operand, is_there ? checksum(0, last->value) : 0);
    strata_buffer_append(&operand, op->value.data, op->value.size);
    rc = operand.out_of_memory ? strata_fail_memory(err, operand.size)
                               : strata_batch_merge(batch, STRATA_OP_MERGE, op->key,
                                                    strata_buffer_slice(&operand), err);
    strata_buffer_free(&operand);
    return rc;
}
