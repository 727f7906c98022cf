/* cycles_test.c: each anomaly is found in a history that has it, and none in one that has none. */
#include "test.h"

#include "crash/concurrency/cycles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One transaction a line: "SESSION BEGIN..END ok|no|?? OPERATION...". An operation:
 *
 *     aK:V     append V to key K           rK:V,V,..  read key K: that list
 *     <N       roll back to operation N    sK:V,V,..  the same by a scan */
static void add_list(struct cycles_txn *txn, unsigned key, const char *text, bool ranged)
{
    uint64_t list[64];
    size_t count = 0;
    char *end;

    while (*text >= '0' && *text <= '9') {
        list[count++] = strtoull(text, &end, 10);
        text = *end == ',' ? end + 1 : end;
    }
    cycles_read(txn, key, list, count, ranged);
}

static void add_operation(struct cycles_txn *txn, const char *word)
{
    unsigned key = 0;
    int at = 0;

    if (*word == '<') {
        cycles_rollback(txn, strtoul(word + 1, NULL, 10));
        return;
    }
    assert_int_equal(sscanf(word + 1, "%u:%n", &key, &at), 1);
    if (*word == 'a')
        cycles_append(txn, key, strtoull(word + 1 + at, NULL, 10));
    else
        add_list(txn, key, word + 1 + at, *word == 's');
}

static void add_txn(struct cycles *history, const char *line)
{
    unsigned session;
    unsigned long long begin, end;
    char outcome[3], copy[500], *rest = NULL, *word;
    struct cycles_txn *txn;
    int at = 0;

    assert_int_equal(sscanf(line, "%u %llu..%llu %2s%n", &session, &begin, &end, outcome, &at), 4);
    txn = cycles_begin(history, session);
    snprintf(copy, sizeof copy, "%s", line + at);
    for (word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        add_operation(txn, word);
    cycles_end(history, txn,
               strcmp(outcome, "ok") == 0   ? CYCLES_COMMITTED
               : strcmp(outcome, "no") == 0 ? CYCLES_ABORTED
                                            : CYCLES_UNKNOWN);
    txn->begin = begin;
    if (txn->outcome != CYCLES_UNKNOWN)
        txn->end = end;
}

static void print_found(const struct cycles_result *result)
{
    for (unsigned bit = 1; bit <= CYCLES_LOST_APPEND; bit *= 2)
        if (result->found & bit)
            print_error("%s\n", cycles_name((enum cycles_anomaly)bit));
    print_error("%s", result->why);
}

static struct cycles_result check(const char *const *lines, bool time)
{
    struct cycles history = {0};
    struct cycles_result result;

    for (; *lines; lines++)
        add_txn(&history, *lines);
    cycles_check(&history, time, &result);
    cycles_free(&history);
    return result;
}

static void expect(unsigned found, const char *words, bool time, const char *const *lines)
{
    struct cycles_result result = check(lines, time);

    if (result.found != found || !strstr(result.why, words)) {
        print_found(&result);
        fail_msg("%s...: found %x, not %x; \"%s\"", lines[0], result.found, found, words);
    }
    assert_int_equal(found == 0, result.why[0] == '\0');
}

#define RIGHT(...) expect(0, "", true, (const char *const[]){__VA_ARGS__, NULL})
#define FOUND(anomalies, words, ...)                                                               \
    expect((anomalies), words, false, (const char *const[]){__VA_ARGS__, NULL})
#define FOUND_IN_TIME(anomalies, words, ...)                                                       \
    expect((anomalies), words, true, (const char *const[]){__VA_ARGS__, NULL})

/* ---- No anomaly -------------------------------------------------------------------------------
 */

static void cycles_serial_history_is_right(void **state)
{
    (void)state;
    RIGHT("0 1..2 ok");
    RIGHT("0 1..2 ok r1: a1:1", "1 3..4 ok r1:1 a1:2", "0 5..6 ok r1:1,2 r2:");
    RIGHT("0 1..2 ok r1: a1:1 r1:1 a1:2 r1:1,2", "1 3..4 ok s1:1,2 s2:");
}

static void cycles_overlapping_history_is_right_if_some_order_fits(void **state)
{
    (void)state;
    RIGHT("0 1..9 ok r1: r2:", "1 2..8 ok r1: a1:1", "2 3..7 ok r1: r2: a2:1",
          "0 10..11 ok r1:1 r2:1");
    /* the reader is between the two, whose times overlap it */
    RIGHT("0 1..9 ok r1:1 r2:", "1 2..8 ok r1: a1:1", "2 3..7 ok r2: a2:1");
}

static void cycles_aborted_append_that_nobody_reads_is_right(void **state)
{
    (void)state;
    RIGHT("0 1..2 no r1: a1:1", "1 3..4 ok r1: a1:2", "0 5..6 ok r1:2");
    RIGHT("0 1..2 ok r1: a1:1 <1 r1: a1:2 r1:2", "1 3..4 ok r1:2");
    RIGHT("0 1..2 ok a1:1 a1:2 r1:1,2 <1 r1:1 a1:3 r1:1,3", "1 3..4 ok r1:1,3");
}

static void cycles_unknown_outcome_may_be_either(void **state)
{
    (void)state;
    RIGHT("0 1..0 ?? r1: a1:1", "1 3..4 ok r1:");
    RIGHT("0 1..0 ?? r1: a1:1", "1 3..4 ok r1:1 a1:2", "2 5..6 ok r1:1,2");
    RIGHT("0 1..0 ?? r1: a1:1", "1 3..4 ok r1:", "2 5..6 ok r1:1"); /* late, but it may */
    /* committed, as it was read: and then half of it is not there */
    FOUND(CYCLES_G_SINGLE, "T1 read key 2: [], before T0 appended 1", "0 1..0 ?? a1:1 a2:1",
          "1 3..4 ok r1:1 r2:");
}

/* A committed append that was not read yet is no reason to complain. */
static void cycles_append_that_nobody_could_read_is_right(void **state)
{
    (void)state;
    RIGHT("0 1..2 ok r1: a1:1");
    RIGHT("0 1..2 ok r1: a1:1", "1 3..4 ok r1:1 a1:2");
    RIGHT("0 1..5 ok r1: a1:1", "1 2..4 ok r1:");
}

/* ---- Cycles -----------------------------------------------------------------------------------
 */

static void cycles_dirty_write_is_g0(void **state)
{
    (void)state;
    FOUND(CYCLES_G0, "T0 appended 1 to key 1, and T1 appended 2 after it (ww)",
          "0 1..8 ok a1:1 a2:1", "1 2..7 ok a1:2 a2:2", "2 9..10 ok r1:1,2 r2:2,1");
    /* one key: between the two appends of the other transaction */
    FOUND(CYCLES_G0, "(ww)", "0 1..8 ok a1:1 a1:2", "1 2..7 ok a1:3", "2 9..10 ok r1:1,3,2");
}

static void cycles_mutual_reads_are_g1c(void **state)
{
    (void)state;
    FOUND(CYCLES_G1C, "T0 appended 1 to key 1, and T1 read it (wr)", "0 1..8 ok a1:1 r2:1",
          "1 2..7 ok a2:1 r1:1");
}

static void cycles_half_a_transaction_is_g_single(void **state)
{
    (void)state;
    FOUND(CYCLES_G_SINGLE, "T1 read key 2: [], before T0 appended 1 to it (rw)",
          "0 1..8 ok a1:1 a2:1", "1 2..7 ok r1:1 r2:", "2 9..10 ok r1:1 r2:1");
    FOUND(CYCLES_G_SINGLE, "T1 scanned key 2: [], before", "0 1..8 ok a1:1 a2:1",
          "1 2..7 ok s1:1 s2:", "2 9..10 ok r1:1 r2:1");
    /* over a third one */
    FOUND(CYCLES_G_SINGLE, "T2 appended 1 to key 3, and T0 read it (wr)", "0 1..8 ok r1: r3:1",
          "1 2..7 ok a1:1 a2:1", "2 3..6 ok r2:1 a3:1", "3 9..10 ok r1:1");
    /* not repeatable */
    FOUND(CYCLES_G_SINGLE, "(rw)", "0 1..8 ok r1: r1:1", "1 2..7 ok r1: a1:1");
}

/* An aborted reader is not let off. */
static void cycles_aborted_transaction_that_saw_half_of_one_is_found(void **state)
{
    (void)state;
    FOUND(CYCLES_G_SINGLE, "T1 read key 2: [], before T0", "0 1..8 ok a1:1 a2:1",
          "1 2..7 no r1:1 r2: a3:1", "2 9..10 ok r1:1 r2:1");
}

static void cycles_lost_update_is_p4(void **state)
{
    (void)state;
    /* the second put replaced the first */
    FOUND(CYCLES_LOST_UPDATE | CYCLES_G_SINGLE | CYCLES_LOST_APPEND,
          "T0 and T1 both read key 1: [], and both appended", "0 1..8 ok r1: a1:1",
          "1 2..7 ok r1: a1:2", "2 9..10 ok r1:2");
    /* both are there, but the second had not read the first */
    FOUND(CYCLES_LOST_UPDATE | CYCLES_G_SINGLE, "(rw)", "0 1..8 ok r1: a1:1", "1 2..7 ok r1: a1:2",
          "2 9..10 ok r1:1,2");
}

static void cycles_write_skew_is_g2_item(void **state)
{
    (void)state;
    FOUND(CYCLES_G2_ITEM, "T1 read key 1: [], before T0 appended 1 to it (rw)",
          "0 1..8 ok r1: r2: a1:1", "1 2..7 ok r1: r2: a2:2", "2 9..10 ok r1:1 r2:2");
    /* of three */
    FOUND(CYCLES_G2_ITEM, "T2 read key 1", "0 1..8 ok r2: a1:1", "1 2..7 ok r3: a2:2",
          "2 3..6 ok r1: a3:3", "3 9..10 ok r1:1 r2:2 r3:3");
}

static void cycles_write_skew_by_a_phantom_is_g2(void **state)
{
    (void)state;
    FOUND(CYCLES_G2, "T1 scanned key 1: [], before T0 appended 1 to it (rw)",
          "0 1..8 ok s1: s2: a1:1", "1 2..7 ok s1: s2: a2:2", "2 9..10 ok r1:1 r2:2");
}

/* Fekete, O'Neil, O'Neil: A Read-Only Transaction Anomaly Under Snapshot Isolation, 2004. */
static void cycles_read_only_anomaly_is_g2_item(void **state)
{
    (void)state;
    FOUND(CYCLES_G2_ITEM, "T2 read key 1: [], before T0 appended", "0 1..9 ok r1: r2: a1:1",
          "1 2..3 ok r2: a2:2", "2 4..5 ok r1: r2:2", "2 10..11 ok r1:1 r2:2");
}

/* What snapshot isolation does not allow, although it has two rw edges: a long fork. */
static void cycles_long_fork_is_nonadjacent(void **state)
{
    (void)state;
    FOUND(CYCLES_NONADJACENT, "(wr)", "0 1..8 ok a1:1", "1 2..7 ok a2:2",
          "2 3..6 ok r1:1 r2:", "3 4..5 ok r1: r2:2", "0 9..10 ok r1:1 r2:2");
}

static void cycles_of_two_the_worse_is_found_too(void **state)
{
    (void)state;
    FOUND(CYCLES_G2_ITEM | CYCLES_G0, "(ww)", "0 1..8 ok r1: r2: a1:1", "1 2..7 ok r1: r2: a2:2",
          "2 9..18 ok a3:1 a4:1", "3 10..17 ok a3:2 a4:2", "2 19..20 ok r1:1 r2:2 r3:1,2 r4:2,1");
    /* in one component */
    FOUND(CYCLES_G2_ITEM | CYCLES_NONADJACENT, "G-nonadjacent", "0 1..8 ok r1: r2: a1:1",
          "1 2..7 ok r1: r2: a2:2", "2 3..6 ok r1:1 r2:", "3 4..5 ok r1: r2:2",
          "0 9..10 ok r1:1 r2:2");
}

/* ---- Reads that show it by themselves ----------------------------------------------------------
 */

static void cycles_read_of_the_aborted_is_g1a(void **state)
{
    (void)state;
    FOUND(CYCLES_G1A, "T1 read key 1: [1], of which see 1", "0 1..8 no a1:1", "1 2..7 ok r1:1");
    FOUND(CYCLES_G1A, "see 1", "0 1..8 no a1:1", "1 2..7 ok r1:1 a1:2", "2 9..10 ok r1:1,2");
    FOUND(CYCLES_G1A, "see 1", "0 1..8 ok a1:1 <0 a1:2", "1 9..10 ok r1:1,2"); /* rolled back */
}

static void cycles_read_between_two_appends_is_g1b(void **state)
{
    (void)state;
    FOUND(CYCLES_G1B | CYCLES_G_SINGLE, "T1 read key 1: [1], of which see 1", "0 1..8 ok a1:1 a1:2",
          "1 2..7 ok r1:1", "2 9..10 ok r1:1,2");
    FOUND(CYCLES_G1B | CYCLES_G_SINGLE, "see 1", "0 1..0 ?? a1:1 a1:2", "1 2..7 ok r1:1 a1:3");
    /* what was rolled back replaces nothing */
    RIGHT("0 1..8 ok a1:1 a1:2 <1", "1 9..10 ok r1:1");
}

static void cycles_own_append_not_read_is_internal(void **state)
{
    (void)state;
    FOUND(CYCLES_INTERNAL, "T0 read key 1: []", "0 1..2 ok a1:1 r1:");
    FOUND(CYCLES_INTERNAL, "T0 read key 1: [2,1]", "0 1..2 ok a1:1 a1:2 r1:2,1");
    FOUND(CYCLES_INTERNAL, "T0 read key 1: [1]", "0 1..2 ok a1:1 <0 r1:1");
    FOUND(CYCLES_INTERNAL, "", "0 1..2 ok r1: a1:1 s1:");
}

static void cycles_two_orders_of_a_key_are_incompatible(void **state)
{
    (void)state;
    FOUND(CYCLES_ORDER, "T2 read key 1: [1], but T3 read [2,1]", "0 1..8 ok a1:1", "1 2..7 ok a1:2",
          "2 3..6 ok r1:1", "3 4..5 ok r1:2,1");
    FOUND(CYCLES_ORDER, "but", "0 1..8 ok a1:1", "1 2..7 ok a1:2", "2 3..6 ok r1:1,2",
          "3 4..5 ok r1:2,1");
}

static void cycles_garbage_and_duplicates_are_found(void **state)
{
    (void)state;
    FOUND(CYCLES_GARBAGE, "T1 read key 1: [1,7], of which see 7", "0 1..2 ok a1:1",
          "1 3..4 ok r1:1,7");
    FOUND(CYCLES_GARBAGE, "see 1", "0 1..2 ok a1:1", "1 3..4 ok r2:1"); /* of another key */
    FOUND(CYCLES_DUPLICATE, "T1 read key 1: [1,1], of which see 1", "0 1..2 ok a1:1",
          "1 3..4 ok r1:1,1");
}

static void cycles_lost_append_is_found(void **state)
{
    (void)state;
    FOUND(CYCLES_LOST_APPEND, "T0 appended 1 to key 1 and committed, but T1, which began later",
          "0 1..2 ok a1:1", "1 3..4 ok r1:");
    FOUND_IN_TIME(CYCLES_LOST_APPEND | CYCLES_G_SINGLE, "but T1", "0 1..2 ok a1:1",
                  "1 3..4 ok r1:");
}

/* ---- Time -------------------------------------------------------------------------------------
 */

static void cycles_stale_read_is_found_in_time_only(void **state)
{
    const char *const stale[] = {"0 1..2 ok a1:1", "1 3..4 ok r1:", "2 5..6 ok r1:1", NULL};
    struct cycles_result result;

    (void)state;
    result = check(stale, false);
    assert_int_equal(result.found, 0);
    result = check(stale, true);
    assert_int_equal(result.found, CYCLES_G_SINGLE);
    assert_int_equal(result.timed, CYCLES_G_SINGLE);
    assert_non_null(strstr(result.why, "T0 ended before T1 began (time)"));
}

/* T0 ended before T1, T1 before T2, T2 before T3: the edge from T0 to T3 is not there, the way is.
 */
static void cycles_time_reaches_over_others(void **state)
{
    (void)state;
    FOUND_IN_TIME(CYCLES_G_SINGLE, "(time)", "0 1..2 ok a1:1",
                  "1 3..4 ok r2:", "2 5..6 ok r2:", "1 7..8 ok r1:", "2 9..10 ok r1:1");
    FOUND_IN_TIME(0, "", "0 1..2 ok a1:1", "1 3..4 ok r2:", "2 5..6 ok r2:", "1 7..8 ok r1:1",
                  "2 9..10 ok r1:1");
}

/* T0 ended before T1 did, but T1 had begun before: both have edges of time to T2. */
static void cycles_time_keeps_those_that_ran_beside(void **state)
{
    (void)state;
    FOUND_IN_TIME(CYCLES_G_SINGLE, "T0 ended before T2 began (time)", "0 1..3 ok a1:1",
                  "1 2..4 ok r2:", "0 5..6 ok r1:", "1 7..8 ok r1:1");
}

/* ---- Size -------------------------------------------------------------------------------------
 */

#define LONG 60000u

/* T[i] appended to key i what T[i + 1] read; the last one's append was read by the first, or not.
 */
static struct cycles_result check_chain(bool closed)
{
    struct cycles history = {0};
    struct cycles_result result;

    for (unsigned i = 0; i < LONG; i++) {
        struct cycles_txn *txn = cycles_begin(&history, i % CYCLES_SESSIONS);
        uint64_t value = 1;
        if (i > 0 || closed)
            cycles_read(txn, i ? i - 1 : LONG - 1, &value, 1, false);
        cycles_append(txn, i, value);
        cycles_end(&history, txn, CYCLES_COMMITTED);
    }
    cycles_check(&history, !closed, &result);
    cycles_free(&history);
    return result;
}

static void cycles_long_chain_is_checked(void **state)
{
    struct cycles_result result;

    (void)state;
    result = check_chain(false);
    assert_int_equal(result.found, 0);
    assert_int_equal(result.txns, LONG);
    assert_int_equal(result.edges, 2 * (LONG - 1));
    result = check_chain(true);
    assert_int_equal(result.found, CYCLES_G1C);
    assert_int_equal(result.edges, LONG);
}

/* Each transaction runs while 15 others do: edges of time do not grow with the square. */
static void cycles_edges_of_time_are_few(void **state)
{
    struct cycles history = {0};
    struct cycles_result result;

    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        struct cycles_txn *txn = cycles_begin(&history, i % CYCLES_SESSIONS);
        cycles_end(&history, txn, CYCLES_COMMITTED);
        txn->begin = 10 * i;
        txn->end = 10 * i + 155;
    }
    cycles_check(&history, true, &result);
    assert_int_equal(result.found, 0);
    assert_true(result.edges < 20000 * CYCLES_SESSIONS);
    cycles_free(&history);
}

/* A pair of write skews for each step: the search for the worse kinds meets them all. */
static void cycles_many_write_skews_are_checked(void **state)
{
    struct cycles history = {0};
    struct cycles_result result;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct cycles_txn *txn = cycles_begin(&history, i % CYCLES_SESSIONS);
        uint64_t value = 1;
        cycles_read(txn, i ^ 1, NULL, 0, false);
        if (i >= 2)
            cycles_read(txn, i - 2, &value, 1, false);
        cycles_append(txn, i, 1);
        cycles_end(&history, txn, CYCLES_COMMITTED);
        txn->begin = i;
        txn->end = UINT64_MAX - 1;
    }
    cycles_check(&history, true, &result);
    assert_int_equal(result.found, CYCLES_G2_ITEM);
    cycles_free(&history);
}

static void cycles_names_are_of_one_anomaly(void **state)
{
    (void)state;
    assert_string_equal(cycles_name(CYCLES_G0), "G0 (dirty write)");
    assert_string_equal(cycles_name(CYCLES_LOST_APPEND), "lost append");
    assert_string_equal(cycles_name((enum cycles_anomaly)0), "no anomaly");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cycles_serial_history_is_right),
        cmocka_unit_test(cycles_overlapping_history_is_right_if_some_order_fits),
        cmocka_unit_test(cycles_aborted_append_that_nobody_reads_is_right),
        cmocka_unit_test(cycles_unknown_outcome_may_be_either),
        cmocka_unit_test(cycles_append_that_nobody_could_read_is_right),
        cmocka_unit_test(cycles_dirty_write_is_g0),
        cmocka_unit_test(cycles_mutual_reads_are_g1c),
        cmocka_unit_test(cycles_half_a_transaction_is_g_single),
        cmocka_unit_test(cycles_aborted_transaction_that_saw_half_of_one_is_found),
        cmocka_unit_test(cycles_lost_update_is_p4),
        cmocka_unit_test(cycles_write_skew_is_g2_item),
        cmocka_unit_test(cycles_write_skew_by_a_phantom_is_g2),
        cmocka_unit_test(cycles_read_only_anomaly_is_g2_item),
        cmocka_unit_test(cycles_long_fork_is_nonadjacent),
        cmocka_unit_test(cycles_of_two_the_worse_is_found_too),
        cmocka_unit_test(cycles_read_of_the_aborted_is_g1a),
        cmocka_unit_test(cycles_read_between_two_appends_is_g1b),
        cmocka_unit_test(cycles_own_append_not_read_is_internal),
        cmocka_unit_test(cycles_two_orders_of_a_key_are_incompatible),
        cmocka_unit_test(cycles_garbage_and_duplicates_are_found),
        cmocka_unit_test(cycles_lost_append_is_found),
        cmocka_unit_test(cycles_stale_read_is_found_in_time_only),
        cmocka_unit_test(cycles_time_reaches_over_others),
        cmocka_unit_test(cycles_time_keeps_those_that_ran_beside),
        cmocka_unit_test(cycles_long_chain_is_checked),
        cmocka_unit_test(cycles_edges_of_time_are_few),
        cmocka_unit_test(cycles_many_write_skews_are_checked),
        cmocka_unit_test(cycles_names_are_of_one_anomaly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
