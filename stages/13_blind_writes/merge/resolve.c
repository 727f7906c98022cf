/* resolve.c: see resolve.h.
 *
 *     batch      put a 1    add b 5     add a 2    add b 1      in the database: b 7
 *     resolved   put a 1    put b 13    put a 3
 *
 * 13.I1: a merge is applied to what the last operation before it has left, of its own batch or of
 *        one before, and only if none has written the key to what is in the database.
 * 13.I9: a merge sees no value that has expired; of others it keeps the time. The result is sealed
 *        (13.I7) when the batch is done.
 * 13.I2: merges of a key in one batch share one put: the batch becomes visible as a whole, so
 *        nobody can see what was in between, and many appends cost what they append. */
#include "13_blind_writes/merge/resolve.h"
#include "11_transactions/txn/read_set.h"
#include "13_blind_writes/expiry/expiry.h"
#include "13_blind_writes/merge/operators.h"
#include "base/bytes.h"
#include "db/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64u

/* ---- The last operation of each key ---------------------------------------------------------- */

/* Where it is, or would be. */
static const struct strata_op **slot_of(const struct resolver *r, struct strata_slice key)
{
    size_t at = read_set_hash(key) & (r->slot_count - 1);

    while (r->slots[at] && strata_compare(r->slots[at]->key, key) != 0)
        at = (at + 1) & (r->slot_count - 1);
    return &r->slots[at];
}

static void put(struct resolver *r, const struct strata_op *op)
{
    const struct strata_op **slot = slot_of(r, op->key);

    r->used += !*slot;
    *slot = op;
}

/* Room for one more, with at least half of the slots free. */
static int grow(struct resolver *r, struct strata_error *err)
{
    struct resolver bigger = *r;

    if (r->used < r->slot_count / 2)
        return 0;
    bigger.slot_count = r->slot_count ? 2 * r->slot_count : SLOTS_FIRST;
    bigger.used = 0;
    bigger.slots = calloc(bigger.slot_count, sizeof *bigger.slots);
    if (!bigger.slots)
        return strata_fail_memory(err, bigger.slot_count * sizeof *bigger.slots);
    for (size_t i = 0; i < r->slot_count; i++)
        if (r->slots[i])
            put(&bigger, r->slots[i]);
    free(r->slots);
    *r = bigger;
    return 0;
}

int resolver_add(struct resolver *r, const struct strata_op *ops, size_t count,
                 struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = grow(r, err);
        if (rc == 0)
            put(r, &ops[i]);
    }
    return rc;
}

void resolver_forget(struct resolver *r)
{
    free(r->slots);
    r->slots = NULL;
    r->slot_count = r->used = 0;
    r->last = NULL;
}

/* ---- A batch --------------------------------------------------------------------------------- */

static struct resolved *resolved_new(size_t count)
{
    struct resolved *to = calloc(1, sizeof *to + count * (sizeof *to->ops + sizeof *to->values));

    if (to) {
        to->ops = (struct strata_op *)(void *)(to + 1);
        to->values = (struct resolved_value *)(void *)(to->ops + count);
    }
    return to;
}

static void resolved_free(struct resolved *of)
{
    for (size_t i = 0; i < of->count; i++)
        strata_buffer_free(&of->values[i].bytes);
    free(of);
}

void resolver_free(struct resolver *r)
{
    while (r->all) {
        struct resolved *next = r->all->next;
        resolved_free(r->all);
        r->all = next;
    }
    resolver_forget(r);
}

/* Nothing of a batch of one operation can come after that. */
static int note(struct resolver *r, const struct resolved *to, size_t at, struct strata_error *err)
{
    return to->alone ? 0 : resolver_add(r, &to->ops[at], 1, err);
}

/* The value of the key, as stored, that an operation is applied to (13.I1). */
static int find_stored(struct resolver *r, const struct strata_op *before, struct strata_slice key,
                       struct strata_buffer *value, struct strata_error *err)
{
    if (!before)
        return r->find(r->arg, key, value, err);
    assert(!op_is_merge(before));
    return before->type == STRATA_OP_PUT ? buffer_set(value, before->value, err) : STRATA_NOT_FOUND;
}

/* 13.I9. */
static int begin_with(const struct resolver *r, struct resolved_value *value)
{
    struct strata_slice stored = strata_buffer_slice(&value->bytes);
    int rc = expiry_open(r->options, &stored, &value->until);

    if (rc != 0)
        value->until = 0;
    value->bytes.size = rc == 0 ? stored.size : 0;
    return rc;
}

static int resolve_merge(struct resolver *r, struct resolved *to, const struct strata_op *op,
                         struct strata_error *err)
{
    const struct strata_op *before = r->slot_count ? *slot_of(r, op->key) : NULL;
    bool folded = before && before >= to->ops && before < to->ops + to->count &&
                  to->values[before - to->ops].merged; /* 13.I2 */
    size_t at = folded ? (size_t)(before - to->ops) : to->count;
    struct resolved_value *value = &to->values[at];
    int rc = 0;

    if (!folded) {
        to->count++;
        rc = find_stored(r, before, op->key, &value->bytes, err);
        if (rc == 0)
            rc = begin_with(r, value);
    }
    if (rc >= 0)
        rc = operator_apply(r->options, op, rc == 0, &value->bytes, err);
    if (rc < 0)
        return rc;
    value->merged = true;
    to->ops[at] = (struct strata_op){STRATA_OP_PUT, op->key, strata_buffer_slice(&value->bytes)};
    return folded ? 0 : note(r, to, at, err);
}

static bool is_dropped(const struct strata_options *o, struct strata_slice key,
                       struct strata_slice stored)
{
    uint64_t until;

    return expiry_open(o, &stored, &until) == STRATA_NOT_FOUND ||
           (o->filter && o->filter(o->filter_arg, key, stored) == STRATA_FILTER_DROP);
}

/* It is asked of what is there now. */
static int resolve_filter(struct resolver *r, struct resolved *to, const struct strata_op *op,
                          struct strata_error *err)
{
    const struct strata_op *before = r->slot_count ? *slot_of(r, op->key) : NULL;
    struct strata_buffer value = {0};
    int rc = find_stored(r, before, op->key, &value, err);
    bool drops = rc == 0 && is_dropped(r->options, op->key, strata_buffer_slice(&value));

    strata_buffer_free(&value);
    if (!drops)
        return rc < 0 ? rc : 0;
    to->ops[to->count] = (struct strata_op){STRATA_OP_DELETE, op->key, {NULL, 0}};
    return note(r, to, to->count++, err);
}

/* What its merges have made, as it is stored. */
static int seal(struct resolved *to, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; i < to->count && rc == 0; i++)
        if (to->values[i].merged) {
            rc = expiry_seal(&to->values[i].bytes, to->values[i].until, err);
            to->ops[i].value = strata_buffer_slice(&to->values[i].bytes);
        }
    return rc;
}

int resolver_resolve(struct resolver *r, const struct strata_op *ops, size_t count,
                     struct resolved **out, struct strata_error *err)
{
    struct resolved *to = resolved_new(count);
    int rc = 0;

    if (!to)
        return strata_fail_memory(err, count * (sizeof *ops + sizeof *to->values));
    to->alone = count == 1;
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (op_is_merge(&ops[i])) {
            rc = resolve_merge(r, to, &ops[i], err);
        } else if (ops[i].type == OP_FILTER) {
            rc = resolve_filter(r, to, &ops[i], err);
        } else {
            to->ops[to->count] = ops[i];
            rc = note(r, to, to->count++, err);
        }
    }
    if (rc == 0)
        rc = seal(to, err);
    if (rc < 0) {
        resolved_free(to);
        return rc;
    }
    to->next = r->all;
    r->all = to;
    *out = to;
    return 0;
}
