/* expiry.c: see expiry.h.
 *
 *     put k v                   | v                            |
 *     put k v until 90          | v | until 8: 90  | MARK 8    |
 *     put k "...MARK"           | ...MARK | 0      | MARK      |
 *
 * 13.I7: a stored value that ends with MARK has a time before it: the value is what is in front. So
 *        a program's own value that ends like this gets the time 0, never. All others are stored as
 *        they are: a read looks at eight bytes more.
 * 13.I8: nobody below this stage knows of times, so the same version is there for all, or for
 *        none: reads leave out what has expired, each by itself, and what is deleted at last
 *        (13.I5) is what nobody sees any more. */
#include "13_blind_writes/expiry/expiry.h"
#include "base/bytes.h"
#include "base/coding.h"
#include "db/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIME_BYTES 8u
/* Drawn once; no text ends so. */
static const uint8_t MARK[8] = {0xf4, 0x1c, 0x86, 0xdb, 0x93, 0x0e, 0xa7, 0xff};

static_assert(TIME_BYTES + sizeof MARK == UNTIL_BYTES, "what the interface keeps free");

static bool has_mark(struct strata_slice value)
{
    return value.size >= sizeof MARK &&
           memcmp(value.data + value.size - sizeof MARK, MARK, sizeof MARK) == 0;
}

static uint64_t now(const struct strata_options *options)
{
    struct timespec t;

    if (options->clock)
        return options->clock(options->clock_arg);
    clock_gettime(CLOCK_REALTIME, &t);
    if (t.tv_sec < 0) /* before 1970 nothing has expired */
        return 0;
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int expiry_seal(struct strata_buffer *value, uint64_t until, struct strata_error *err)
{
    uint8_t tail[UNTIL_BYTES];

    if (!until && !has_mark(strata_buffer_slice(value)))
        return 0;
    if (value->size > STRATA_MAX_VALUE - sizeof tail)
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "the value would be too large");
    memcpy(put_u64(tail, until), MARK, sizeof MARK);
    return strata_buffer_append(value, tail, sizeof tail) < 0 ? strata_fail_memory(err, sizeof tail)
                                                              : 0;
}

/* Cuts the time off. A mark without a time is of a value that was stored without this stage. */
static uint64_t cut_time(struct strata_slice *stored)
{
    struct decoder d;

    if (!has_mark(*stored) || stored->size < UNTIL_BYTES)
        return 0;
    stored->size -= UNTIL_BYTES;
    decoder_init(&d, strata_bytes(stored->data + stored->size, TIME_BYTES));
    return get_u64(&d);
}

int expiry_open(const struct strata_options *options, struct strata_slice *stored, uint64_t *until)
{
    *until = cut_time(stored);
    return *until && now(options) >= *until ? STRATA_NOT_FOUND : 0;
}

int expiry_found_until(const struct strata_options *options, int rc, struct strata_buffer *value,
                       uint64_t *until)
{
    struct strata_slice stored = strata_buffer_slice(value);

    if (rc != 0)
        return rc;
    rc = expiry_open(options, &stored, until);
    value->size = rc == 0 ? stored.size : 0;
    return rc;
}

int expiry_found(const struct strata_options *options, int rc, struct strata_buffer *value)
{
    uint64_t until;
    return expiry_found_until(options, rc, value, &until);
}

/* ---- Writes ---------------------------------------------------------------------------------- */

static bool is_stored_as_it_is(const struct strata_op *op)
{
    return op->type != STRATA_OP_PUT_UNTIL && (op->type != STRATA_OP_PUT || !has_mark(op->value));
}

static int add_sealed(struct strata_batch *batch, const struct strata_op *op,
                      struct strata_error *err)
{
    struct strata_buffer value = {0};
    struct strata_slice bytes = op->value;
    struct decoder d;
    uint64_t until = 0;
    int rc;

    if (op->type == STRATA_OP_PUT_UNTIL) {
        bytes.size -= TIME_BYTES;
        decoder_init(&d, strata_bytes(bytes.data + bytes.size, TIME_BYTES));
        until = get_u64(&d);
    }
    rc = buffer_set(&value, bytes, err);
    if (rc == 0)
        rc = expiry_seal(&value, until, err);
    if (rc == 0)
        rc = batch_add(
            batch, &(struct strata_op){STRATA_OP_PUT, op->key, strata_buffer_slice(&value)}, err);
    strata_buffer_free(&value);
    return rc;
}

int expiry_seal_ops(const struct strata_op *ops, size_t count, struct strata_batch **batch,
                    struct strata_error *err)
{
    size_t at = 0;
    int rc = 0;

    *batch = NULL;
    while (at < count && is_stored_as_it_is(&ops[at]))
        at++;
    if (at == count)
        return 0;
    *batch = strata_batch_new();
    if (!*batch)
        return strata_fail_memory(err, sizeof(void *));
    for (at = 0; rc == 0 && at < count; at++)
        rc = is_stored_as_it_is(&ops[at]) ? batch_add(*batch, &ops[at], err)
                                          : add_sealed(*batch, &ops[at], err);
    if (rc < 0) {
        strata_batch_free(*batch);
        *batch = NULL;
    }
    return rc;
}

/* ---- Iterators ------------------------------------------------------------------------------- */

struct expiry_iter {
    struct strata_iter base;
    struct strata_iter *from;
    const struct strata_options *options;
};

/* Shows the entry that a move of `from` has reached, `rc`; from what has expired it goes on. */
static int show(struct expiry_iter *it, int rc, bool back, struct strata_error *err)
{
    struct strata_iter *from = it->from;
    uint64_t until;

    for (;;) {
        if (rc == 0 && !from->has_value)
            rc = from->ops->value(from, err);
        if (rc != 0)
            return rc;
        it->base.value = from->value;
        if (expiry_open(it->options, &it->base.value, &until) == 0)
            break;
        from->has_value = false;
        rc = back ? from->ops->prev(from, err) : from->ops->next(from, err);
    }
    it->base.key = from->key;
    it->base.has_value = true;
    return 0;
}

/* The same; most entries have a value without a mark, and end here. */
static inline int arrive(struct expiry_iter *it, int rc, bool back, struct strata_error *err)
{
    const struct strata_iter *from = it->from;

    if (rc != 0 || !from->has_value || has_mark(from->value))
        return rc == 0 ? show(it, rc, back, err) : rc;
    it->base.key = from->key;
    it->base.value = from->value;
    it->base.has_value = true;
    return 0;
}

static int iter_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct expiry_iter *it = (struct expiry_iter *)iter;

    it->from->has_value = false;
    return arrive(it, it->from->ops->seek(it->from, key, err), false, err);
}

static int iter_last(struct strata_iter *iter, struct strata_error *err)
{
    struct expiry_iter *it = (struct expiry_iter *)iter;

    it->from->has_value = false;
    return arrive(it, it->from->ops->last(it->from, err), true, err);
}

static int iter_next(struct strata_iter *iter, struct strata_error *err)
{
    struct expiry_iter *it = (struct expiry_iter *)iter;

    it->from->has_value = false;
    return arrive(it, it->from->ops->next(it->from, err), false, err);
}

static int iter_prev(struct strata_iter *iter, struct strata_error *err)
{
    struct expiry_iter *it = (struct expiry_iter *)iter;

    it->from->has_value = false;
    return arrive(it, it->from->ops->prev(it->from, err), true, err);
}

static int iter_value(struct strata_iter *iter, struct strata_error *err)
{
    (void)err;
    iter->has_value = true; /* each move sets it */
    return 0;
}

/* Only asked for now: the moves of a scan do not pay for it. */
uint64_t expiry_iter_until(const struct strata_iter *iter)
{
    struct strata_slice stored = ((const struct expiry_iter *)iter)->from->value;
    return cut_time(&stored);
}

static void iter_free(struct strata_iter *iter)
{
    struct expiry_iter *it = (struct expiry_iter *)iter;

    it->from->ops->free(it->from);
    free(it);
}

int expiry_iter(const struct strata_options *options, int rc, struct strata_iter **iter,
                struct strata_error *err)
{
    static const struct strata_iter_ops ops = {iter_seek, iter_last,  iter_next,
                                               iter_prev, iter_value, iter_free};
    struct expiry_iter *it;

    if (rc < 0)
        return rc;
    it = calloc(1, sizeof *it);
    if (!it) {
        (*iter)->ops->free(*iter);
        return strata_fail_memory(err, sizeof *it);
    }
    it->base.ops = &ops;
    it->from = *iter;
    it->options = options;
    *iter = &it->base;
    return 0;
}
