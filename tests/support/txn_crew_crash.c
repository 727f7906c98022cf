/* txn_crew_crash.c: what a crash left of a crew's transactions: see txn_crew.h. */
#include "txn_crew.h"

#include "base/array.h"
#include "crash/need.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct commits {
    const struct cycles_txn **txns;
    size_t count, room;
};

static size_t kept_appends(const struct cycles_txn *txn)
{
    size_t count = 0;

    for (size_t i = 0; i < txn->count; i++)
        count += txn->ops[i].appends && txn->ops[i].undone_at == CYCLES_KEPT;
    return count;
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = (*(const struct cycles_txn *const *)a)->number;
    uint64_t right = (*(const struct cycles_txn *const *)b)->number;

    return left < right ? -1 : left > right;
}

static struct commits commits_of(const struct cycles *history)
{
    struct commits all = {0};

    for (unsigned s = 0; s < CYCLES_SESSIONS; s++)
        for (size_t t = 0; t < history->sessions[s].count; t++) {
            const struct cycles_txn *txn = history->sessions[s].txns[t], **slot;
            if (txn->outcome != CYCLES_COMMITTED || !kept_appends(txn))
                continue;
            slot = need(array_add(&all.txns, &all.count, &all.room, sizeof *slot, NULL));
            *slot = txn;
        }
    if (all.count)
        qsort(all.txns, all.count, sizeof(struct cycles_txn *), by_number);
    return all;
}

static const struct cycles_txn *only_txn(const struct cycles *found)
{
    for (unsigned s = 0; s < CYCLES_SESSIONS; s++)
        if (found->sessions[s].count)
            return found->sessions[s].txns[0];
    return NULL;
}

/* The first `count` commits appended to the key, in their order, what was found. */
static bool is_list(const struct commits *all, size_t count, const struct cycles_op *found)
{
    size_t at = 0;

    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < all->txns[t]->count; i++) {
            const struct cycles_op *op = &all->txns[t]->ops[i];
            if (!op->appends || op->undone_at != CYCLES_KEPT || op->key != found->key)
                continue;
            if (at == found->count || found->list[at++] != op->value)
                return false;
        }
    return at == found->count;
}

/* How many commits give as many values as were found; no value is there twice, so no other number
 * of them can be right. */
static size_t commits_with(const struct commits *all, const struct cycles_txn *found)
{
    size_t values = 0, have = 0, count = 0;

    for (size_t i = 0; i < found->count; i++)
        values += found->ops[i].count;
    while (count < all->count && have < values)
        have += kept_appends(all->txns[count++]);
    return count;
}

bool txn_crew_is_prefix(const struct txn_crew *crew, const struct cycles *found,
                        const struct txn_crew_crash *crash, char *why, size_t capacity)
{
    struct commits all = commits_of(&crew->history);
    const struct cycles_txn *read = only_txn(found);
    size_t count = commits_with(&all, read);

    why[0] = '\0';
    for (size_t i = 0; i < read->count && !why[0]; i++)
        if (!is_list(&all, count, &read->ops[i]))
            snprintf(why, capacity, "key %u does not have what the first %zu of %zu commits left",
                     read->ops[i].key, count, all.count);
    for (size_t t = 0; t < all.count && !why[0]; t++) {
        const struct cycles_txn *txn = all.txns[t];
        if (t >= count && txn->end <= crash->acked && (txn->synced || crash->killed))
            snprintf(why, capacity, "commit %llu is lost: it was acknowledged at %llu",
                     (unsigned long long)txn->number, (unsigned long long)txn->end);
        if (t < count && txn->asked > crash->issued)
            snprintf(why, capacity, "commit %llu is there before it was asked for, at %llu",
                     (unsigned long long)txn->number, (unsigned long long)txn->asked);
    }
    free(all.txns);
    return !why[0];
}
