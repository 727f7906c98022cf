/* cycles_reads.c: what each read of a history shows by itself: values that nobody appended or that
 * are there twice, or that were aborted or replaced (G1a, G1b), or own appends that are not there.
 */
#include "crash/concurrency/cycles_inside.h"
#include "crash/need.h"

#include "base/array.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void report_read(struct cycles_check *c, enum cycles_anomaly anomaly,
                        const struct read *read, uint64_t value)
{
    if (!cycles_is_first(c, anomaly))
        return;
    cycles_say(c, "  T%zu read key %u: ", read->txn, read->key);
    cycles_say_list(c, read->op->list, read->op->count);
    cycles_say(c, value ? ", of which see %llu\n" : "\n", (unsigned long long)value);
    cycles_say_txn(c, read->txn);
}

static int by_value(const void *a, const void *b)
{
    const struct append *left = a, *right = b;

    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return left->value < right->value ? -1 : left->value > right->value;
}

struct append *cycles_find_append(const struct cycles_check *c, unsigned key, uint64_t value)
{
    struct append wanted = {.key = key, .value = value};

    return c->append_count ? bsearch(&wanted, c->appends, c->append_count, sizeof wanted, by_value)
                           : NULL;
}

static void gather_append(struct cycles_check *c, size_t t, size_t i)
{
    const struct cycles_txn *txn = c->txns[t];
    const struct cycles_op *op = &txn->ops[i];
    struct append *append =
        need(array_add(&c->appends, &c->append_count, &c->append_room, sizeof *append, NULL));

    *append = (struct append){.key = op->key, .value = op->value, .txn = t};
    append->undone = op->undone_at != CYCLES_KEPT;
    for (size_t j = i + 1; j < txn->count; j++)
        append->replaced |= txn->ops[j].appends && txn->ops[j].key == op->key &&
                            txn->ops[j].undone_at == CYCLES_KEPT;
}

/* Its own appends so far are the last of what it reads: without them it is as others would have
 * read it. False: they are not. */
static bool strip_own(const struct cycles_txn *txn, size_t i, size_t *count)
{
    const struct cycles_op *read = &txn->ops[i];

    *count = read->count;
    for (size_t j = i; j-- > 0;) {
        const struct cycles_op *op = &txn->ops[j];
        if (!op->appends || op->key != read->key || op->undone_at <= i)
            continue;
        if (*count == 0 || read->list[*count - 1] != op->value)
            return false;
        --*count;
    }
    return true;
}

static void gather_read(struct cycles_check *c, size_t t, size_t i)
{
    const struct cycles_txn *txn = c->txns[t];
    struct read *read =
        need(array_add(&c->reads, &c->read_count, &c->read_room, sizeof *read, NULL));

    *read = (struct read){.key = txn->ops[i].key, .txn = t, .op = &txn->ops[i]};
    if (!strip_own(txn, i, &read->count)) {
        read->broken = true;
        report_read(c, CYCLES_INTERNAL, read, 0);
    }
    for (size_t j = 0; j < txn->count; j++)
        read->updates |= txn->outcome == CYCLES_COMMITTED && txn->ops[j].appends &&
                         txn->ops[j].key == read->key && txn->ops[j].undone_at == CYCLES_KEPT;
}

static int by_begin(const void *a, const void *b)
{
    uint64_t left = (*(struct cycles_txn *const *)a)->begin;
    uint64_t right = (*(struct cycles_txn *const *)b)->begin;

    return left < right ? -1 : left > right;
}

static void sort_all(struct cycles_check *c, const struct cycles *history)
{
    for (unsigned s = 0; s < CYCLES_SESSIONS; s++)
        for (size_t t = 0; t < history->sessions[s].count; t++) {
            struct cycles_txn **slot =
                need(array_add(&c->txns, &c->count, &c->room, sizeof *slot, NULL));
            *slot = history->sessions[s].txns[t];
        }
    if (c->count)
        qsort(c->txns, c->count, sizeof(struct cycles_txn *), by_begin);
    c->committed = need(calloc(c->count + 1, sizeof *c->committed));
    for (size_t t = 0; t < c->count; t++)
        for (size_t i = 0; i < c->txns[t]->count; i++)
            if (c->txns[t]->ops[i].appends)
                gather_append(c, t, i);
            else
                gather_read(c, t, i);
    if (c->append_count)
        qsort(c->appends, c->append_count, sizeof *c->appends, by_value);
    for (size_t i = 1; i < c->append_count; i++)
        assert(by_value(&c->appends[i - 1], &c->appends[i]) < 0); /* no value twice: cycles.h */
}

/* Of one value that a read has: whose it is. `last`: no other transaction's comes after it. */
static void judge_value(struct cycles_check *c, size_t r, uint64_t value, bool last)
{
    struct read *read = &c->reads[r];
    struct append *append = cycles_find_append(c, read->key, value);

    if (!append) {
        read->broken = true;
        report_read(c, CYCLES_GARBAGE, read, value);
        return;
    }
    if (append->reader == r + 1) {
        read->broken = true;
        report_read(c, CYCLES_DUPLICATE, read, value);
    }
    append->reader = r + 1;
    append->read |= append->txn != read->txn;
    if (append->txn == read->txn) {
        read->broken = true;
        report_read(c, CYCLES_INTERNAL, read, value);
    } else if (append->undone || c->txns[append->txn]->outcome == CYCLES_ABORTED)
        report_read(c, CYCLES_G1A, read, value);
    else if (last && append->replaced)
        report_read(c, CYCLES_G1B, read, value);
}

/* Then it is known who has committed. */
static void judge_reads(struct cycles_check *c)
{
    for (size_t r = 0; r < c->read_count; r++)
        for (size_t i = 0; !c->reads[r].broken && i < c->reads[r].count; i++)
            judge_value(c, r, c->reads[r].op->list[i], i + 1 == c->reads[r].count);
    for (size_t t = 0; t < c->count; t++)
        c->committed[t] = c->txns[t]->outcome == CYCLES_COMMITTED;
    for (size_t a = 0; a < c->append_count; a++)
        if (c->appends[a].read && c->txns[c->appends[a].txn]->outcome == CYCLES_UNKNOWN)
            c->committed[c->appends[a].txn] = true;
}

void cycles_gather(struct cycles_check *c, const struct cycles *history)
{
    sort_all(c, history);
    judge_reads(c);
}
