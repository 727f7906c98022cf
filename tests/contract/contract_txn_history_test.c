/* contract_txn_history_test.c: what the transactions of several sessions did and saw (txn_crew.h)
 * has none of the anomalies that its isolation level excludes (crash/concurrency/cycles.h). Under
 * schedules that are drawn, on a simulated file system, some with a fault; and with free threads on
 * the real one. */
#include "test.h"

#include "place.h"
#include "schedule.h"
#include "txn_schedule.h"

#include "crash/subject.h"

#include <stdlib.h>
#include <string.h>

static void skip_unless_promised(void)
{
    if (subject_promises(STRATA_PROMISE_TRANSACTION))
        return;
    check_skipping("the stage promises no transactions");
    skip();
}

/* A learner's engine need not lock through threads/sync.h, without which there is no schedule. */
static void skip_unless_scheduled(void)
{
    skip_unless_promised();
    if (!subject_object())
        return;
    check_skipping("an engine of one's own has locks of its own");
    skip();
}

struct sum {
    uint64_t histories, commits, conflicts, deadlocks, timeouts, failed, odd;
    unsigned found;
};

static void add(struct sum *sum, struct txn_schedule *s)
{
    sum->histories++;
    sum->commits += s->crew.commits;
    sum->conflicts += s->crew.conflicts;
    sum->deadlocks += s->crew.deadlocks;
    sum->timeouts += s->crew.timeouts;
    sum->failed += s->fails_at > 0;
    sum->odd += s->found.found != 0;
    sum->found |= s->found.found;
}

/* Nothing is found but `allowed`; all of these are, unless the environment says how many are run.
 */
static void run_each(enum strata_isolation isolation, unsigned allowed)
{
    struct txn_schedule with = {.isolation = isolation, .faults = true};
    struct sum sum = {0};
    uint64_t count = check_quick() ? 200 : 1000, first, last;

    skip_unless_scheduled();
    schedule_range(count, &first, &last);
    for (uint64_t number = first; number <= last; number++) {
        struct txn_schedule *s = txn_schedule_run(number, &with);
        if (!txn_schedule_is_right(s, allowed))
            fail_msg("STRATA_SCHEDULE=%llu", (unsigned long long)number);
        add(&sum, s);
        txn_schedule_free(s);
    }
    print_message("# %llu histories (%llu with a fault): %llu commits, %llu conflicts, %llu "
                  "deadlocks, %llu timeouts, %llu with an anomaly\n",
                  (unsigned long long)sum.histories, (unsigned long long)sum.failed,
                  (unsigned long long)sum.commits, (unsigned long long)sum.conflicts,
                  (unsigned long long)sum.deadlocks, (unsigned long long)sum.timeouts,
                  (unsigned long long)sum.odd);
    if (sum.histories >= count) {
        assert_int_equal(sum.found, allowed);
        assert_true(sum.conflicts + sum.timeouts > sum.histories);
        assert_true(sum.commits > 5 * sum.histories);
    }
}

static void contract_serializable_histories_have_no_anomaly(void **state)
{
    (void)state;
    run_each(STRATA_SERIALIZABLE, 0);
}

static void contract_snapshot_histories_have_write_skew_alone(void **state)
{
    (void)state;
    run_each(STRATA_SNAPSHOT_ISOLATION, CYCLES_SNAPSHOT_ALLOWS);
}

static void contract_same_number_is_the_same_history(void **state)
{
    struct txn_schedule with = {.isolation = STRATA_SERIALIZABLE, .faults = true};

    (void)state;
    skip_unless_scheduled();
    for (uint64_t number = 1; number <= 20; number++) {
        struct txn_schedule *s = txn_schedule_run(number, &with);
        struct txn_schedule *again = txn_schedule_run(number, &with);
        assert_true(s->result.schedule == again->result.schedule);
        assert_int_equal(s->crew.commits, again->crew.commits);
        assert_int_equal(s->found.edges, again->found.edges);
        txn_schedule_free(again);
        txn_schedule_free(s);
    }
}

static void run_free_threads(struct place *place, enum strata_isolation isolation, unsigned allowed)
{
    struct txn_crew crew = {.seed = isolation,
                            .sessions = TXN_CREW_MOST,
                            .transactions = check_quick() ? 40 : 150,
                            .isolation = isolation,
                            .plain = true,
                            .unsynced = true,
                            .blind = subject_promises(TXN_CREW_BLIND),
                            .upkeep = true};
    struct cycles_result result;

    skip_unless_promised();
    crew.db = place_open(place, true);
    txn_crew_init(&crew);
    txn_crew_run(&crew);
    if (crew.wrong[0])
        fail_msg("%s", crew.wrong);
    cycles_check(&crew.history, true, &result);
    if (result.found & ~allowed)
        fail_msg("%s", result.why);
    print_message("# %zu transactions, %llu commits, %zu edges\n", result.txns,
                  (unsigned long long)crew.commits, result.edges);
    assert_true(crew.commits > crew.transactions);
    txn_crew_free(&crew);
    place_close(crew.db);
}

static void contract_free_sessions_are_serializable(void **state)
{
    run_free_threads(*state, STRATA_SERIALIZABLE, 0);
}

static void contract_free_sessions_are_of_snapshot_isolation(void **state)
{
    run_free_threads(*state, STRATA_SNAPSHOT_ISOLATION, CYCLES_SNAPSHOT_ALLOWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contract_serializable_histories_have_no_anomaly),
        cmocka_unit_test(contract_snapshot_histories_have_write_skew_alone),
        cmocka_unit_test(contract_same_number_is_the_same_history),
        cmocka_unit_test_setup_teardown(contract_free_sessions_are_serializable, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(contract_free_sessions_are_of_snapshot_isolation,
                                        place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
