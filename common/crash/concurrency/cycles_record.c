/* cycles_record.c: the recording of a history: see cycles.h. */
#include "crash/concurrency/cycles.h"
#include "crash/need.h"

#include "base/array.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void cycles_free(struct cycles *history)
{
    for (unsigned s = 0; s < CYCLES_SESSIONS; s++) {
        for (size_t t = 0; t < history->sessions[s].count; t++) {
            struct cycles_txn *txn = history->sessions[s].txns[t];
            for (size_t i = 0; i < txn->count; i++)
                free(txn->ops[i].list);
            free(txn->ops);
            free(txn);
        }
        free(history->sessions[s].txns);
    }
    memset(history, 0, sizeof *history);
}

struct cycles_txn *cycles_begin(struct cycles *history, unsigned session)
{
    struct cycles_log *log = &history->sessions[session];
    struct cycles_txn **slot, *txn = need(calloc(1, sizeof *txn));

    assert(session < CYCLES_SESSIONS);
    slot = need(array_add(&log->txns, &log->count, &log->room, sizeof *slot, NULL));
    *slot = txn;
    txn->session = session;
    txn->end = CYCLES_NEVER;
    txn->begin = ++history->clock;
    return txn;
}

static struct cycles_op *add_op(struct cycles_txn *txn, unsigned key)
{
    struct cycles_op *op = need(array_add(&txn->ops, &txn->count, &txn->room, sizeof *op, NULL));

    op->key = key;
    op->undone_at = CYCLES_KEPT;
    return op;
}

void cycles_append(struct cycles_txn *txn, unsigned key, uint64_t value)
{
    struct cycles_op *op = add_op(txn, key);

    op->appends = true;
    op->value = value;
}

void cycles_read(struct cycles_txn *txn, unsigned key, const uint64_t *list, size_t count,
                 bool ranged)
{
    struct cycles_op *op = add_op(txn, key);

    op->ranged = ranged;
    op->count = count;
    op->list = need(malloc((count + 1) * sizeof *list));
    if (count)
        memcpy(op->list, list, count * sizeof *list);
}

void cycles_rollback(struct cycles_txn *txn, size_t ops)
{
    for (size_t i = ops; i < txn->count; i++)
        if (txn->ops[i].undone_at == CYCLES_KEPT)
            txn->ops[i].undone_at = txn->count;
}

void cycles_end(struct cycles *history, struct cycles_txn *txn, enum cycles_outcome outcome)
{
    txn->outcome = outcome;
    if (outcome != CYCLES_UNKNOWN)
        txn->end = ++history->clock;
}
