/* txn_planted_test.c: engines with one planted bug each, whose transactions run under drawn
 * schedules: the checker of histories finds the anomaly that the bug makes, and nothing in the
 * right ones. */
#include "test.h"

#include "engine_planted.h"
#include "txn_schedule.h"

#include "crash/concurrency/cycles.h"

#define MOST 400u /* schedules until a bug must have shown */

/* What is found in `count` schedules, or in as many as show all of `wanted`. */
static unsigned found_in(enum engine_planted_bug bug, enum strata_isolation isolation,
                         unsigned count, unsigned wanted, uint64_t *commits)
{
    struct txn_schedule with = {.isolation = isolation, .engine = &engine_planted_table};
    unsigned found = 0;

    engine_planted_bug = bug;
    for (uint64_t number = 1; number <= count && (!wanted || (found & wanted) != wanted);
         number++) {
        struct txn_schedule *s = txn_schedule_run(number, &with);
        if (!txn_schedule_is_right(s, ~0u))
            fail_msg("schedule %llu", (unsigned long long)number);
        found |= s->found.found;
        if (commits)
            *commits += s->crew.commits;
        txn_schedule_free(s);
    }
    return found;
}

static void print_names(unsigned found)
{
    for (unsigned bit = 1; bit <= CYCLES_LOST_APPEND; bit *= 2)
        if (found & bit)
            print_message("#   %s\n", cycles_name((enum cycles_anomaly)bit));
}

/* All of `wanted` are found, and nothing but these and `allowed`. */
static void expect(enum engine_planted_bug bug, enum strata_isolation isolation, unsigned wanted,
                   unsigned allowed)
{
    unsigned found = found_in(bug, isolation, MOST, wanted, NULL);

    if ((found & wanted) != wanted || (found & ~(wanted | allowed))) {
        print_names(found);
        fail_msg("found %x; wanted %x, allowed %x", found, wanted, allowed);
    }
}

static void txn_planted_right_engines_show_nothing(void **state)
{
    uint64_t commits = 0;

    (void)state;
    assert_int_equal(found_in(PLANTED_NONE, STRATA_SERIALIZABLE, 200, 0, &commits), 0);
    assert_int_equal(found_in(PLANTED_GLOBAL_LOCK, STRATA_SERIALIZABLE, 100, 0, &commits), 0);
    assert_int_equal(found_in(PLANTED_GLOBAL_LOCK, STRATA_SNAPSHOT_ISOLATION, 100, 0, &commits), 0);
    assert_true(commits > 2000);
}

static void txn_planted_snapshot_isolation_shows_write_skew_alone(void **state)
{
    (void)state;
    expect(PLANTED_NONE, STRATA_SNAPSHOT_ISOLATION, CYCLES_G2_ITEM | CYCLES_G2, 0);
    expect(PLANTED_WRITES_VALIDATED, STRATA_SERIALIZABLE, CYCLES_G2_ITEM | CYCLES_G2, 0);
}

static void txn_planted_dirty_writes_are_found(void **state)
{
    (void)state;
    expect(PLANTED_DIRTY, STRATA_SERIALIZABLE,
           CYCLES_G1A | CYCLES_G1B | CYCLES_G1C | CYCLES_LOST_UPDATE, ~0u & ~CYCLES_GARBAGE);
}

static void txn_planted_read_committed_is_found(void **state)
{
    (void)state;
    expect(PLANTED_READ_COMMITTED, STRATA_SERIALIZABLE,
           CYCLES_LOST_UPDATE | CYCLES_G_SINGLE | CYCLES_LOST_APPEND,
           CYCLES_G0 | CYCLES_G1C | CYCLES_G2_ITEM | CYCLES_G2 | CYCLES_NONADJACENT | CYCLES_ORDER |
               CYCLES_INTERNAL);
}

static void txn_planted_lost_updates_are_found(void **state)
{
    (void)state;
    expect(PLANTED_NOT_VALIDATED, STRATA_SERIALIZABLE,
           CYCLES_LOST_UPDATE | CYCLES_G_SINGLE | CYCLES_LOST_APPEND,
           CYCLES_G0 | CYCLES_G1C | CYCLES_G2_ITEM | CYCLES_G2 | CYCLES_NONADJACENT | CYCLES_ORDER);
    expect(PLANTED_EARLY, STRATA_SERIALIZABLE, CYCLES_LOST_UPDATE | CYCLES_G_SINGLE,
           CYCLES_LOST_APPEND | CYCLES_G0 | CYCLES_G1C | CYCLES_G2_ITEM | CYCLES_G2 |
               CYCLES_NONADJACENT | CYCLES_ORDER);
}

static void txn_planted_phantoms_are_found(void **state)
{
    (void)state;
    expect(PLANTED_ROWS_VALIDATED, STRATA_SERIALIZABLE, CYCLES_G2, 0);
}

static void txn_planted_reads_that_do_not_count_are_found(void **state)
{
    (void)state;
    expect(PLANTED_FOUND_VALIDATED, STRATA_SERIALIZABLE, CYCLES_G2_ITEM, CYCLES_G2);
    expect(PLANTED_READS_FORGOTTEN, STRATA_SERIALIZABLE, CYCLES_G2_ITEM, CYCLES_G2);
}

static void txn_planted_torn_commits_are_found(void **state)
{
    (void)state;
    expect(PLANTED_TORN, STRATA_SERIALIZABLE, CYCLES_G_SINGLE,
           CYCLES_G1B | CYCLES_G1C | CYCLES_G0 | CYCLES_LOST_UPDATE | CYCLES_LOST_APPEND |
               CYCLES_ORDER | CYCLES_G2_ITEM | CYCLES_G2 | CYCLES_NONADJACENT);
}

static void txn_planted_own_writes_not_seen_are_found(void **state)
{
    (void)state;
    expect(PLANTED_OWN_NOT_SCANNED, STRATA_SERIALIZABLE, CYCLES_INTERNAL, 0);
}

static void txn_planted_rollback_that_keeps_is_found(void **state)
{
    struct txn_schedule with = {.isolation = STRATA_SERIALIZABLE, .engine = &engine_planted_table};
    unsigned found = 0;

    (void)state;
    engine_planted_bug = PLANTED_ROLLBACK_KEEPS;
    for (uint64_t number = 1; number <= MOST && found != (CYCLES_G1A | CYCLES_INTERNAL); number++) {
        struct txn_schedule *s = txn_schedule_run(number, &with);
        found |= s->found.found & (CYCLES_G1A | CYCLES_INTERNAL);
        txn_schedule_free(s);
    }
    assert_int_equal(found, CYCLES_G1A | CYCLES_INTERNAL);
}

static void txn_planted_stale_reads_are_found_in_time(void **state)
{
    (void)state;
    expect(PLANTED_STALE, STRATA_SERIALIZABLE, CYCLES_G_SINGLE, CYCLES_NONADJACENT);
}

static void txn_planted_lost_commits_are_found(void **state)
{
    (void)state;
    expect(PLANTED_DROPS, STRATA_SERIALIZABLE, CYCLES_LOST_APPEND,
           CYCLES_LOST_UPDATE | CYCLES_G0 | CYCLES_G1C | CYCLES_G_SINGLE | CYCLES_NONADJACENT |
               CYCLES_G2_ITEM | CYCLES_G2 | CYCLES_ORDER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(txn_planted_right_engines_show_nothing),
        cmocka_unit_test(txn_planted_snapshot_isolation_shows_write_skew_alone),
        cmocka_unit_test(txn_planted_dirty_writes_are_found),
        cmocka_unit_test(txn_planted_read_committed_is_found),
        cmocka_unit_test(txn_planted_lost_updates_are_found),
        cmocka_unit_test(txn_planted_phantoms_are_found),
        cmocka_unit_test(txn_planted_reads_that_do_not_count_are_found),
        cmocka_unit_test(txn_planted_torn_commits_are_found),
        cmocka_unit_test(txn_planted_own_writes_not_seen_are_found),
        cmocka_unit_test(txn_planted_rollback_that_keeps_is_found),
        cmocka_unit_test(txn_planted_stale_reads_are_found_in_time),
        cmocka_unit_test(txn_planted_lost_commits_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
