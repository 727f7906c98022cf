/* ledger.h: how long a writer waits for the workers: arithmetic alone.
 *
 * Work is charged as stage 7 does it: a write of b bytes costs b * d / r of a debt of d with room
 * for r (debt.h). Workers pay by doing it. A writer whose account is behind, but for some slack,
 * waits as long as the workers need for the rest, at the rate that was measured: early and briefly,
 * so that the limits, which stop all writes until a whole flush or compaction is done, are not met.
 *
 *     due  |          ____
 *          |    /\  _/    \      waits are here
 *    slack |---/--\/-------\---------------------
 *          |  /             \__
 *          +-------------------------> bytes written */
#ifndef STRATA_10_LEDGER_H
#define STRATA_10_LEDGER_H

#include "07_paced_compaction/compaction/debt.h"

#include <stdatomic.h>
#include <stdbool.h>

/* bytes of work behind that nobody waits for, of a kind */
#define LEDGER_SLACK ((uint64_t)1 << 20)
#define LEDGER_RATE ((uint64_t)32 << 20) /* bytes a second, before any was measured */

/* ns. Waits are few and not short: so many of 50 us each that the same time passes are felt by more
 * than one put in a thousand (strata-bench --num=10000000 --benchmarks=filluniquerandom,overwrite:
 * p99.9 139 us for 22). */
#define LEDGER_WAIT_LEAST ((uint64_t)1000000)
#define LEDGER_WAIT_MOST ((uint64_t)2000000) /* for each LEDGER_PIECE written, begun ones too, */
#define LEDGER_PIECE ((uint64_t)16 << 10)
#define LEDGER_WAIT_LONGEST ((uint64_t)40000000) /* and for any write */

enum ledger_kind { LEDGER_FLUSH, LEDGER_COMPACTION, LEDGER_KINDS };

/* All zero is a valid one. */
struct ledger {
    /* The workers': since open. */
    _Atomic uint64_t paid[LEDGER_KINDS]; /* bytes of inputs read */
    _Atomic uint64_t busy_ns;            /* that it took */
    /* The leader's: */
    uint64_t due[LEDGER_KINDS];   /* bytes */
    uint64_t behind;              /* of them all, but for the slack: what is waited for */
    uint64_t seen[LEDGER_KINDS];  /* of `paid`, taken off `due` */
    uint64_t seen_ns;             /* of `busy_ns` */
    uint64_t rate_bytes, rate_ns; /* lately: what the rate is measured by */
};

/* A worker's: so many bytes of inputs were read, in so long. */
void ledger_pay(struct ledger *ledger, enum ledger_kind kind, uint64_t bytes, uint64_t ns);

/* All below: the leader's. */

/* `bytes` are to be written. What was paid meanwhile is taken off. Nothing is due of a debt that is
 * gone, nor more than all of it; nor of compactions while none is under way (`compacting`) or worth
 * beginning: nobody pays, and a writer would wait for nobody. */
void ledger_charge(struct ledger *ledger, const struct debt debts[LEDGER_KINDS], bool compacting,
                   uint64_t bytes);
/* How long a writer of so many bytes is to wait, ns; 0: not at all. */
uint64_t ledger_wait(const struct ledger *ledger, uint64_t bytes);
/* The workers' rate, bytes a second of work; at least 1. */
uint64_t ledger_rate(const struct ledger *ledger);

/* Is a compaction worth beginning? While less is to be done than a quarter of what may be written
 * until then, it may turn out to be done in one with what comes. */
bool ledger_is_due(struct debt compaction);

#endif
