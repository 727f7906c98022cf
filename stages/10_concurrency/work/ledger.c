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
    return debt.room / 8 < LEDGER_SLACK ? debt.room / 8 : LEDGER_SLACK;
}

void ledger_charge(struct ledger *ledger, const struct debt debts[LEDGER_KINDS], uint64_t bytes)
{
    uint64_t paid = 0;

    for (enum ledger_kind kind = 0; kind < LEDGER_KINDS; kind++) {
        uint64_t more = take_paid(ledger, kind), *due = &ledger->due[kind];
        uint64_t work = debts[kind].work;
        *due = less(*due, more);
        *due += work ? debt_quota(debts[kind], bytes) : 0;
        if (*due > work)
            *due = work;
        ledger->slack[kind] = slack_of(debts[kind]);
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

uint64_t ledger_wait(struct ledger *ledger, uint64_t bytes)
{
    uint64_t behind = 0, most = LEDGER_WAIT_LONGEST;
    double ns;

    for (enum ledger_kind kind = 0; kind < LEDGER_KINDS; kind++)
        behind += less(ledger->due[kind], ledger->slack[kind]);
    ns = (double)behind * (double)SECOND / (double)ledger_rate(ledger);

    if (ns < (double)LEDGER_WAIT_LEAST)
        return 0;
    if (bytes / LEDGER_PIECE < LEDGER_WAIT_LONGEST / LEDGER_WAIT_MOST)
        most = LEDGER_WAIT_MOST * (1 + bytes / LEDGER_PIECE);
    if (ns < (double)most)
        most = (uint64_t)ns;
    ledger->waits++;
    ledger->waited_ns += most;
    if (most > ledger->most)
        ledger->most = most;
    return most;
}

bool ledger_is_due(struct debt compaction)
{
    return compaction.work > compaction.room / LAZY;
}
