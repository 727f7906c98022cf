/* ledger.c: see ledger.h. */
#include "10_concurrency/work/ledger.h"

#define WINDOW_NS ((uint64_t)200000000) /* of work, by which the rate is measured */
#define SECOND ((uint64_t)1000000000)
#define LAZY 4

void ledger_pay(struct ledger *ledger, enum ledger_kind kind, uint64_t bytes, uint64_t ns)
{
    atomic_fetch_add_explicit(&ledger->paid[kind], bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&ledger->busy_ns, ns, memory_order_relaxed);
}

/* What was paid since the last call, of this kind. */
static uint64_t take_paid(struct ledger *l, enum ledger_kind kind)
{
    uint64_t all = atomic_load_explicit(&l->paid[kind], memory_order_relaxed);
    uint64_t more = all - l->seen[kind];

    l->seen[kind] = all;
    return more;
}

/* What is older counts half as much. */
static void measure(struct ledger *l, uint64_t bytes)
{
    uint64_t all = atomic_load_explicit(&l->busy_ns, memory_order_relaxed);

    l->rate_bytes += bytes;
    l->rate_ns += all - l->seen_ns;
    l->seen_ns = all;
    while (l->rate_ns > WINDOW_NS) {
        l->rate_bytes /= 2;
        l->rate_ns /= 2;
    }
}

static uint64_t less(uint64_t from, uint64_t by)
{
    return from > by ? from - by : 0;
}

/* Near the end of its room a debt that is a little late is one that stops all writes. */
static uint64_t slack_of(struct debt debt)
{
    return debt.room / 32 < LEDGER_SLACK ? debt.room / 32 : LEDGER_SLACK;
}

static bool is_worked_on(enum ledger_kind kind, struct debt debt, bool compacting)
{
    return kind == LEDGER_FLUSH || compacting || ledger_is_due(debt);
}

void ledger_charge(struct ledger *ledger, const struct debt debts[LEDGER_KINDS], bool compacting,
                   uint64_t bytes)
{
    uint64_t paid = 0;

    ledger->behind = 0;
    for (enum ledger_kind kind = 0; kind < LEDGER_KINDS; kind++) {
        uint64_t more = take_paid(ledger, kind), *due = &ledger->due[kind];
        uint64_t work = is_worked_on(kind, debts[kind], compacting) ? debts[kind].work : 0;

        *due = less(*due, more);
        *due += work ? debt_quota(debts[kind], bytes) : 0;
        if (*due > work)
            *due = work;
        ledger->behind += less(*due, slack_of(debts[kind]));
        paid += more;
    }
    measure(ledger, paid);
}

uint64_t ledger_rate(const struct ledger *ledger)
{
    double rate;

    if (!ledger->rate_bytes || !ledger->rate_ns)
        return LEDGER_RATE;
    rate = (double)ledger->rate_bytes * (double)SECOND / (double)ledger->rate_ns;
    return rate < 1 ? 1 : rate < (double)(UINT64_MAX / 2) ? (uint64_t)rate : UINT64_MAX / 2;
}

uint64_t ledger_wait(const struct ledger *ledger, uint64_t bytes)
{
    uint64_t most = LEDGER_WAIT_LONGEST;
    double ns = (double)ledger->behind * (double)SECOND / (double)ledger_rate(ledger);

    if (ns < (double)LEDGER_WAIT_LEAST)
        return 0;
    if (bytes / LEDGER_PIECE < LEDGER_WAIT_LONGEST / LEDGER_WAIT_MOST)
        most = LEDGER_WAIT_MOST * (1 + bytes / LEDGER_PIECE);
    return ns < (double)most ? (uint64_t)ns : most;
}

bool ledger_is_due(struct debt compaction)
{
    return compaction.work > compaction.room / LAZY;
}
