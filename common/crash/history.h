/* history.h: the writes of a workload in the order they are issued, so that what the database
 * must hold after each of them is known: what a recovered database is judged by.
 *
 * A write is what is acknowledged as one: a put, a delete, or a batch. Writes are numbered from 1;
 * "after 0" is the empty database. Running out of memory ends the program. */
#ifndef STRATA_COMMON_CRASH_HISTORY_H
#define STRATA_COMMON_CRASH_HISTORY_H

#include "crash/model.h"
#include "strata.h"

/* All zero is a valid empty history. */
struct history {
    struct strata_op *ops; /* of all writes, one after another */
    size_t op_count, op_capacity;
    size_t *ends; /* ends[n - 1]: operations of the writes 1 to n */
    size_t count, capacity;
    struct strata_batch *bytes; /* owns keys and values, but for those a view borrows */
};

void history_free(struct history *h);
/* Adds a write of one operation. Key and value are copied. */
void history_put(struct history *h, struct strata_slice key, struct strata_slice value);
void history_delete(struct history *h, struct strata_slice key);
/* Adds a write of all the operations of the batch, which are copied. */
void history_batch(struct history *h, const struct strata_batch *batch);
/* Adds write `n` of another history, copied. */
void history_copy(struct history *h, const struct history *from, size_t n);
/* Makes `view` the first `n` writes of `h`, to which others may be added. Keys and values of these
 * writes stay in `h`, which must outlive `view`. */
void history_view(struct history *view, const struct history *h, size_t n);

/* Removes the writes after `n`. */
void history_cut(struct history *h, size_t n);

/* The operations of write `n`; `*count` of them. */
const struct strata_op *history_write(const struct history *h, size_t n, size_t *count);

/* What the database must hold after `n` writes; replaces what `model` held. */
void history_model(const struct history *h, size_t n, struct model *model);
/* Does write `n` to the model. */
void history_apply(const struct history *h, size_t n, struct model *model);

#endif
