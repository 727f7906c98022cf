/* 10_ledger_test.c: how long writers wait for the workers: numbers alone, and a model of both. */
#include "10_concurrency/work/ledger.h"
#include "test.h"

#include <stdio.h>

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define MS ((uint64_t)1000000)

static void charge(struct ledger *l, uint64_t flush, uint64_t flush_room, uint64_t compaction,
                   uint64_t compaction_room, uint64_t bytes)
{
    const struct debt debts[] = {{flush, flush_room}, {compaction, compaction_room}};
    ledger_charge(l, debts, true, bytes);
}

static void ledger_charges_the_share_that_is_written(void **state)
{
    struct ledger l = {0};

    (void)state;
    charge(&l, MIB, 2 * MIB, 8 * MIB, 4 * MIB, 32 * KIB);
    assert_in_range(l.due[LEDGER_FLUSH], 16 * KIB, 16 * KIB + 1);
    assert_in_range(l.due[LEDGER_COMPACTION], 64 * KIB, 64 * KIB + 1);
    assert_int_equal(ledger_wait(&l, 100), 0); /* within the slack */
}

static void ledger_payment_is_taken_off_once(void **state)
{
    struct ledger l = {0};

    (void)state;
    charge(&l, 0, 0, 8 * MIB, 4 * MIB, MIB);
    ledger_pay(&l, LEDGER_COMPACTION, MIB, MS);
    charge(&l, 0, 0, 7 * MIB, 3 * MIB, 0);
    assert_in_range(l.due[LEDGER_COMPACTION], MIB, MIB + 2);
    charge(&l, 0, 0, 7 * MIB, 3 * MIB, 0);
    assert_in_range(l.due[LEDGER_COMPACTION], MIB, MIB + 3);
    ledger_pay(&l, LEDGER_COMPACTION, 100 * MIB, MS); /* more than is due is no credit */
    charge(&l, 0, 0, 7 * MIB, 3 * MIB, 3 * MIB);
    assert_in_range(l.due[LEDGER_COMPACTION], 7 * MIB - 1, 7 * MIB);
}

/* A compaction that is put off (below) is not waited for: nobody would ever pay. */
static void ledger_work_that_nobody_does_is_not_due(void **state)
{
    const struct debt debts[] = {{0, MIB}, {60 * MIB, 250 * MIB}};
    struct ledger l = {0};

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        ledger_charge(&l, debts, false, 16 * KIB);
    assert_int_equal(l.due[LEDGER_COMPACTION], 0);
    assert_int_equal(ledger_wait(&l, 16 * KIB), 0);
    ledger_charge(&l, debts, true, MIB); /* it was begun */
    assert_true(l.due[LEDGER_COMPACTION] > 0);
}

/* What is done, or was never needed, is not waited for. */
static void ledger_debt_that_is_gone_is_not_due(void **state)
{
    struct ledger l = {0};

    (void)state;
    charge(&l, 4 * MIB, MIB, 100 * MIB, MIB, MIB);
    assert_true(ledger_wait(&l, 100) > 0);
    charge(&l, 0, 0, 0, 0, 100);
    assert_int_equal(l.due[LEDGER_FLUSH] + l.due[LEDGER_COMPACTION], 0);
    assert_int_equal(ledger_wait(&l, 100), 0);
    charge(&l, 1000, 0, 0, 0, 100); /* no room is left: all of it */
    assert_int_equal(l.due[LEDGER_FLUSH], 1000);
}

static void ledger_wait_is_what_the_workers_need(void **state)
{
    struct ledger l = {0};

    (void)state;
    ledger_pay(&l, LEDGER_COMPACTION, 64 * MIB, 1000 * MS);
    charge(&l, 0, 0, 0, 0, 0);
    assert_in_range(ledger_rate(&l), 63 * MIB, 65 * MIB);
    l.behind = 96 * KIB; /* 1.5 ms of work */
    assert_in_range(ledger_wait(&l, 100), 1450000, 1550000);
    l.behind = 48 * KIB; /* 0.75 ms */
    assert_int_equal(ledger_wait(&l, 100), 0);
    l.behind = 1000 * MIB;
    assert_int_equal(ledger_wait(&l, 100), LEDGER_WAIT_MOST);
    assert_int_equal(ledger_wait(&l, 160 * KIB), 11 * LEDGER_WAIT_MOST); /* it owes more */
    assert_int_equal(ledger_wait(&l, 100 * MIB), LEDGER_WAIT_LONGEST);
}

/* The rate follows the machine: what is long ago counts little. */
static void ledger_rate_is_of_lately(void **state)
{
    struct ledger l = {0};

    (void)state;
    assert_int_equal(ledger_rate(&l), LEDGER_RATE);
    for (int i = 0; i < 100; i++) {
        ledger_pay(&l, LEDGER_FLUSH, 10 * MIB, 10 * MS);
        charge(&l, 0, 0, 0, 0, 0);
    }
    assert_in_range(ledger_rate(&l), 900 * MIB, 1100 * MIB);
    for (int i = 0; i < 100; i++) {
        ledger_pay(&l, LEDGER_FLUSH, MIB / 10, 10 * MS);
        charge(&l, 0, 0, 0, 0, 0);
    }
    assert_in_range(ledger_rate(&l), 9 * MIB, 13 * MIB);
}

static void ledger_compaction_is_lazy_while_there_is_room(void **state)
{
    (void)state;
    assert_false(ledger_is_due((struct debt){0, MIB}));
    assert_false(ledger_is_due((struct debt){MIB, 4 * MIB}));
    assert_true(ledger_is_due((struct debt){MIB + 1, 4 * MIB}));
    assert_true(ledger_is_due((struct debt){1, 0}));
}

/* ---- A model: a writer as fast as it can, a worker of a certain rate --------------------------
 */

struct pair {
    struct ledger ledger;
    uint64_t memtable;                /* bytes of one; the sizes of all others follow */
    uint64_t used, immutable, tables; /* in it, left to flush, on level 0 */
    uint64_t merging;                 /* left of the compaction under way */
    uint64_t now, spare;              /* ns; and of the worker's, not used yet */
    uint64_t rate;                    /* the worker's, bytes a second */
    uint64_t longest, stopped;        /* wait, ns; of them at a limit */
};

#define TRIGGER 8u
#define STOP 12u
#define COST 6u /* bytes of compaction for each byte of a table of level 0 */

static uint64_t pair_debt(const struct pair *m)
{
    uint64_t more = m->tables > 4 && !m->merging ? m->tables * m->memtable * COST : 0;
    return m->merging + more;
}

/* The worker goes on for so long. Flush first. */
static void pair_work(struct pair *m, uint64_t ns)
{
    uint64_t bytes = m->rate * (ns + m->spare) / 1000000000u, used;

    m->spare = 0;
    if (!bytes) {
        m->spare = ns;
        return;
    }
    used = bytes < m->immutable ? bytes : m->immutable;
    if (used) {
        m->immutable -= used;
        m->tables += m->immutable == 0;
        ledger_pay(&m->ledger, LEDGER_FLUSH, used, used * 1000000000u / m->rate);
        bytes -= used;
    }
    if (!m->merging && m->tables > 4) {
        m->merging = m->tables * m->memtable * COST;
        m->tables = 0;
    }
    used = bytes < m->merging ? bytes : m->merging;
    m->merging -= used;
    if (used)
        ledger_pay(&m->ledger, LEDGER_COMPACTION, used, used * 1000000000u / m->rate);
}

static void pair_pass(struct pair *m, uint64_t ns)
{
    m->now += ns;
    pair_work(m, ns);
}

static void pair_write(struct pair *m, uint64_t bytes)
{
    const struct debt debts[] = {debt_of_flush(m->immutable, m->memtable / 2 * 3, m->used),
                                 debt_of_compaction(pair_debt(m), m->memtable, m->used,
                                                    m->tables + (m->immutable > 0), TRIGGER)};
    uint64_t began = m->now, ns, met;

    ledger_charge(&m->ledger, debts, m->merging > 0, bytes);
    ns = ledger_wait(&m->ledger, bytes);
    if (ns)
        pair_pass(m, ns);
    if (m->used + bytes > m->memtable) {
        met = m->now;
        while (m->immutable || m->tables >= STOP) /* the limits */
            pair_pass(m, MS / 10);
        if (m->now - met > m->stopped)
            m->stopped = m->now - met;
        m->immutable = m->used;
        m->used = 0;
    }
    m->used += bytes;
    if (m->now - began > m->longest)
        m->longest = m->now - began;
    pair_pass(m, 600 + bytes); /* the write itself */
}

/* Of small puts none waits long, and at the limits no longer than a wait:
 * whatever the machine's speed. */
static void ledger_waits_early_and_not_at_the_limits(void **state)
{
    static const uint64_t rates[] = {8, 32, 150, 600}; /* MiB a second */

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct pair m = {.memtable = 4 * MIB, .rate = rates[i] * MIB};
        for (uint64_t written = 0; written < 200 * MIB; written += 180)
            pair_write(&m, 180);
        print_message("# %lu MiB/s: %lu puts/s, longest %lu us, at limits %lu us\n",
                      (unsigned long)rates[i],
                      (unsigned long)(200 * MIB / 180 * 1000000000u / m.now),
                      (unsigned long)(m.longest / 1000), (unsigned long)(m.stopped / 1000));
        assert_true(m.stopped <= LEDGER_WAIT_MOST);
        assert_true(m.longest <= LEDGER_WAIT_MOST);
    }
}

/* A batch of a megabyte owes what many puts owe. */
static void ledger_large_batches_do_not_run_into_the_limits(void **state)
{
    struct pair m = {.memtable = 4 * MIB, .rate = 150 * MIB};

    (void)state;
    for (uint64_t written = 0; written < 400 * MIB; written += MIB / 2)
        pair_write(&m, MIB / 2);
    assert_true(m.stopped <= LEDGER_WAIT_MOST);
    assert_true(m.longest <= 50 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ledger_charges_the_share_that_is_written),
        cmocka_unit_test(ledger_payment_is_taken_off_once),
        cmocka_unit_test(ledger_work_that_nobody_does_is_not_due),
        cmocka_unit_test(ledger_debt_that_is_gone_is_not_due),
        cmocka_unit_test(ledger_wait_is_what_the_workers_need),
        cmocka_unit_test(ledger_rate_is_of_lately),
        cmocka_unit_test(ledger_compaction_is_lazy_while_there_is_room),
        cmocka_unit_test(ledger_waits_early_and_not_at_the_limits),
        cmocka_unit_test(ledger_large_batches_do_not_run_into_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
