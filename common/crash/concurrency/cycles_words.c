/* cycles_words.c: what the checker found, for people. */
#include "crash/concurrency/cycles_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    "G0 (dirty write)",
    "G1a (aborted read)",
    "G1b (intermediate read)",
    "G1c (circular information flow)",
    "P4 (lost update)",
    "G-single (read skew)",
    "G-nonadjacent (of no snapshot isolation)",
    "G2-item (write skew)",
    "G2 (write skew by a scan)",
    "internal (own appends not read)",
    "incompatible order",
    "garbage read",
    "duplicate append",
    "lost append",
};

const char *cycles_name(enum cycles_anomaly anomaly)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((unsigned)anomaly == 1u << i)
            return names[i];
    return "no anomaly";
}

void cycles_say(struct cycles_check *c, const char *format, ...)
{
    size_t used = strlen(c->result->why);
    va_list args;

    va_start(args, format);
    vsnprintf(c->result->why + used, sizeof c->result->why - used, format, args);
    va_end(args);
}

void cycles_say_list(struct cycles_check *c, const uint64_t *list, size_t count)
{
    size_t from = count > 12 ? count - 12 : 0;

    cycles_say(c, from ? "[.." : "[");
    for (size_t i = from; i < count; i++)
        cycles_say(c, "%s%llu", i ? "," : "", (unsigned long long)list[i]);
    cycles_say(c, "]");
}

void cycles_say_txn(struct cycles_check *c, size_t number)
{
    static const char *const outcomes[] = {"outcome unknown", "committed", "aborted"};
    const struct cycles_txn *txn = c->txns[number];

    cycles_say(c, "    T%zu, session %u, %llu..", number, txn->session,
               (unsigned long long)txn->begin);
    if (txn->end != CYCLES_NEVER)
        cycles_say(c, "%llu", (unsigned long long)txn->end);
    cycles_say(c, ", %s:", outcomes[txn->outcome]);
    for (size_t i = 0; i < txn->count; i++) {
        const struct cycles_op *op = &txn->ops[i];
        if (op->appends)
            cycles_say(c, " append %u:%llu%s", op->key, (unsigned long long)op->value,
                       op->undone_at == CYCLES_KEPT ? "" : " (rolled back)");
        else {
            cycles_say(c, " %s %u:", op->ranged ? "scan" : "read", op->key);
            cycles_say_list(c, op->list, op->count);
        }
    }
    cycles_say(c, "\n");
}

bool cycles_is_first(struct cycles_check *c, enum cycles_anomaly anomaly)
{
    bool first = !(c->result->found & anomaly);

    c->result->found |= anomaly;
    if (first)
        cycles_say(c, "%s\n", cycles_name(anomaly));
    return first;
}

void cycles_say_edge(struct cycles_check *c, const struct cycles_edge *edge)
{
    unsigned long long seen = edge->seen, value = edge->value;

    switch (edge->kind) {
    case CYCLES_WW:
        cycles_say(c, "  T%zu appended %llu to key %u, and T%zu appended %llu after it (ww)\n",
                   edge->from, seen, edge->key, edge->to, value);
        break;
    case CYCLES_WR:
        cycles_say(c, "  T%zu appended %llu to key %u, and T%zu read it (wr)\n", edge->from, seen,
                   edge->key, edge->to);
        break;
    case CYCLES_RW:
        cycles_say(c, "  T%zu %s key %u: [", edge->from, edge->ranged ? "scanned" : "read",
                   edge->key);
        cycles_say(c,
                   seen ? "..%llu], before T%zu appended %llu to it (rw)\n"
                        : "%.0llu], before T%zu appended %llu to it (rw)\n",
                   seen, edge->to, value);
        break;
    case CYCLES_TIME:
        cycles_say(c, "  T%zu ended before T%zu began (time)\n", edge->from, edge->to);
        break;
    }
}
