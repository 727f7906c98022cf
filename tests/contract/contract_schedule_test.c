/* contract_schedule_test.c: many threads on one handle: what they are answered is as if their
 * operations had been done one after another (linear.h). Under schedules that are drawn
 * (schedule.h), on a simulated file system; and with free threads on the real one. */
#include "test.h"

#include "place.h"
#include "schedule.h"

#include "crash/subject.h"

#include <stdlib.h>
#include <string.h>

static void skip_unless_promised(void)
{
    if (subject_promises(STRATA_PROMISE_THREADS))
        return;
    check_skipping("the stage promises one thread a handle");
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

static void contract_schedules_are_linearizable(void **state)
{
    uint64_t first, last, steps = 0, failed = 0;

    (void)state;
    skip_unless_scheduled();
    schedule_range(check_quick() ? 600 : 2000, &first, &last);
    for (uint64_t number = first; number <= last; number++) {
        struct schedule *s = schedule_run(number, false, true);
        if (!schedule_is_right(s))
            fail_msg("STRATA_SCHEDULE=%llu", (unsigned long long)number);
        steps += s->result.steps;
        failed += s->fails_at > 0;
        schedule_free(s);
    }
    print_message("# %llu schedules of depth 0 to %u, %llu of them with a fault, %llu steps\n",
                  (unsigned long long)(last - first + 1), SCHEDULE_DEPTHS - 1,
                  (unsigned long long)failed, (unsigned long long)steps);
    assert_true(steps > 100 * (last - first + 1));
}

static void contract_same_number_is_the_same_schedule(void **state)
{
    uint64_t first, last;

    (void)state;
    skip_unless_scheduled();
    schedule_range(30, &first, &last);
    for (uint64_t number = first; number <= last && number < first + 30; number++) {
        struct schedule *s = schedule_run(number, false, true);
        struct schedule *again = schedule_run(number, false, true);
        assert_true(s->result.schedule == again->result.schedule);
        assert_int_equal(s->result.steps, again->result.steps);
        schedule_free(again);
        schedule_free(s);
    }
}

/* In rounds: each begins with what the last one left. */
static void contract_free_threads_are_linearizable(void **state)
{
    struct place *place = *state;
    uint64_t values[LINEAR_KEYS] = {0}, configurations = 0;
    char why[200];
    struct strata *db;
    unsigned rounds = check_quick() ? 5 : 30;

    skip_unless_promised();
    db = place_open(place, true);
    for (unsigned round = 0; round < rounds; round++) {
        struct linear_result result;
        struct crew crew = {.db = db,
                            .seed = round,
                            .threads = 4,
                            .operations = 30,
                            .writes = 4 + round % 8,
                            .unsynced = true,
                            .upkeep = round % 2,
                            .snapshots = subject_promises(STRATA_PROMISE_SNAPSHOT),
                            .values = (uint64_t)round * 100000};
        memcpy(crew.history.first, values, sizeof values);
        crew_init(&crew);
        crew_run(&crew);
        if (crew.wrong[0])
            fail_msg("%s", crew.wrong);
        linear_check(&crew.history, &result);
        configurations += result.configurations;
        if (result.verdict != LINEAR_RIGHT)
            fail_msg("round %u: %s", round, result.why);
        crew_free(&crew);
        if (!crew_read_all(db, values, why, sizeof why))
            fail_msg("%s", why);
    }
    place_close(db);
    print_message("# %u rounds, %llu configurations\n", rounds, (unsigned long long)configurations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contract_schedules_are_linearizable),
        cmocka_unit_test(contract_same_number_is_the_same_schedule),
        cmocka_unit_test_setup_teardown(contract_free_threads_are_linearizable, place_setup,
                                        place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
