/* history.c: see history.h. Bytes live in a batch, whose chunks never move; so views can point
 * at them. */
#include "crash/history.h"
#include "crash/need.h"

/* The array with room for one more element of `size` bytes. */
static void *grown(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? 2 * *capacity : 16;
    return need(realloc(array, *capacity * size));
}

void history_free(struct history *h)
{
    strata_batch_free(h->bytes);
    free(h->ops);
    free(h->ends);
    *h = (struct history){0};
}

/* Appends one operation, whose bytes stay where they are. */
static void add_op(struct history *h, struct strata_op op)
{
    h->ops = grown(h->ops, h->op_count, &h->op_capacity, sizeof *h->ops);
    h->ops[h->op_count++] = op;
}

static void copy_op(struct history *h, struct strata_op op)
{
    int rc;
    if (!h->bytes)
        h->bytes = need(strata_batch_new());
    rc = op.type == STRATA_OP_PUT ? strata_batch_put(h->bytes, op.key, op.value, NULL)
                                  : strata_batch_delete(h->bytes, op.key, NULL);
    need(rc == 0 ? h : NULL);
    add_op(h, strata_batch_at(h->bytes, strata_batch_count(h->bytes) - 1));
}

/* The operations added since the last write become one. */
static void end_write(struct history *h)
{
    h->ends = grown(h->ends, h->count, &h->capacity, sizeof *h->ends);
    h->ends[h->count++] = h->op_count;
}

void history_put(struct history *h, struct strata_slice key, struct strata_slice value)
{
    copy_op(h, (struct strata_op){STRATA_OP_PUT, key, value});
    end_write(h);
}

void history_delete(struct history *h, struct strata_slice key)
{
    copy_op(h, (struct strata_op){STRATA_OP_DELETE, key, {NULL, 0}});
    end_write(h);
}

void history_batch(struct history *h, const struct strata_batch *batch)
{
    for (size_t i = 0; i < strata_batch_count(batch); i++)
        copy_op(h, strata_batch_at(batch, i));
    end_write(h);
}

void history_copy(struct history *h, const struct history *from, size_t n)
{
    size_t count;
    const struct strata_op *ops = history_write(from, n, &count);
    for (size_t i = 0; i < count; i++)
        copy_op(h, ops[i]);
    end_write(h);
}

void history_view(struct history *view, const struct history *h, size_t n)
{
    *view = (struct history){0};
    for (size_t i = 1; i <= n; i++) {
        size_t count;
        const struct strata_op *ops = history_write(h, i, &count);
        for (size_t j = 0; j < count; j++)
            add_op(view, ops[j]);
        end_write(view);
    }
}

void history_cut(struct history *h, size_t n)
{
    h->op_count = n ? h->ends[n - 1] : 0;
    h->count = n;
}

const struct strata_op *history_write(const struct history *h, size_t n, size_t *count)
{
    size_t first = n > 1 ? h->ends[n - 2] : 0;
    *count = h->ends[n - 1] - first;
    return h->ops + first;
}

void history_apply(const struct history *h, size_t n, struct model *model)
{
    size_t count;
    const struct strata_op *ops = history_write(h, n, &count);
    model_apply(model, ops, count);
}

void history_model(const struct history *h, size_t n, struct model *model)
{
    model_free(model);
    for (size_t i = 1; i <= n; i++)
        history_apply(h, i, model);
}
