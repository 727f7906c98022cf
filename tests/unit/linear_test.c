/* linear_test.c: right histories pass, planted anomalies do not. */
#include "test.h"
#include "rng.h"

#include "crash/concurrency/linear.h"
#include "threads/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One operation a line: "THREAD BEGIN..END w|r|s KEY=VALUE...", s: a synced write; without END it
 * had no answer. */
static struct linear history_of(const char *const *lines)
{
    struct linear history = {0};

    for (; *lines; lines++) {
        unsigned thread, key;
        unsigned long long begin, end, value;
        int at = 0, more;
        struct linear_op *op;
        const char *text = *lines;

        assert_int_equal(sscanf(text, "%u %llu..%n", &thread, &begin, &at), 2);
        text += at;
        end = LINEAR_NEVER;
        if (*text != ' ') {
            assert_int_equal(sscanf(text, "%llu%n", &end, &at), 1);
            text += at;
        }
        op = linear_begin(&history, thread, text[1] != 'r');
        op->begin = begin;
        op->end = end;
        op->synced = text[1] == 's';
        for (text += 2; sscanf(text, " %u=%llu%n", &key, &value, &more) == 2; text += more)
            linear_part(op, key, value);
        assert_int_equal(*text, '\0');
    }
    return history;
}

static void expect(enum linear_verdict verdict, const char *const *lines)
{
    struct linear history = history_of(lines);
    struct linear_result result;

    linear_check(&history, &result);
    if (result.verdict != verdict)
        fail_msg("%s... is %d, not %d: %s", lines[0], result.verdict, verdict, result.why);
    assert_int_equal(verdict == LINEAR_RIGHT, !result.why[0]);
    linear_free(&history);
}

#define RIGHT(...) expect(LINEAR_RIGHT, (const char *const[]){__VA_ARGS__, NULL})
#define WRONG(...) expect(LINEAR_WRONG, (const char *const[]){__VA_ARGS__, NULL})

/* ---- One key --------------------------------------------------------------------------------- */

static void linear_read_finds_the_last_write(void **state)
{
    (void)state;
    RIGHT("0 1..2 w 0=7", "1 3..4 r 0=7");
    RIGHT("0 1..2 r 0=0", "0 3..4 w 0=7", "0 5..6 w 0=0", "1 7..8 r 0=0");
    RIGHT("0 1..4 w 0=7", "1 2..3 r 0=7"); /* at once either is right */
    RIGHT("0 1..4 w 0=7", "1 2..3 r 0=0");
    RIGHT("0 1..6 w 0=7", "1 2..3 r 0=0", "1 4..5 r 0=7");
}

static void linear_stale_read_is_found(void **state)
{
    (void)state;
    WRONG("0 1..2 w 0=7", "1 3..4 r 0=0");
    WRONG("0 1..2 w 0=7", "0 3..4 w 0=8", "1 5..6 r 0=7");
}

static void linear_lost_write_is_found(void **state)
{
    (void)state;
    WRONG("0 1..2 w 0=7", "1 3..4 r 0=7", "2 5..6 r 0=0");
    WRONG("0 1..4 w 0=7", "1 2..3 w 0=8", "2 5..6 r 0=8", "2 7..8 r 0=0");
    WRONG("0 1..2 w 0=7", "0 3..4 w 0=0", "1 5..6 r 0=7"); /* a lost delete */
}

static void linear_value_never_written_is_found(void **state)
{
    (void)state;
    WRONG("0 1..2 w 0=7", "1 3..4 r 0=9");
    WRONG("0 1..2 w 0=7", "1 3..4 r 1=7"); /* of another key */
    WRONG("1 1..2 r 0=7", "0 3..4 w 0=7"); /* not yet */
}

static void linear_reads_that_go_back_are_found(void **state)
{
    (void)state;
    WRONG("0 1..10 w 0=7", "1 2..3 r 0=7", "1 4..5 r 0=0");
    WRONG("0 1..10 w 0=7", "1 2..3 r 0=7", "2 4..5 r 0=0");
    WRONG("0 1..10 w 0=7", "1 1..10 w 0=8", "2 2..3 r 0=7", "2 4..5 r 0=8", "2 6..7 r 0=7");
}

/* Each by itself, each key is fine: two readers see two writes in different orders. */
static void linear_writes_have_one_order_for_all(void **state)
{
    (void)state;
    WRONG("0 1..20 w 0=7", "1 1..20 w 1=8", "2 2..3 r 0=7 1=0", "3 2..3 r 0=0 1=8");
    RIGHT("0 1..20 w 0=7", "1 1..20 w 1=8", "2 2..3 r 0=7 1=0", "3 2..3 r 0=7 1=8");
}

/* ---- Several keys ---------------------------------------------------------------------------- */

static void linear_torn_batch_is_found(void **state)
{
    (void)state;
    RIGHT("0 1..6 w 0=7 1=7", "1 2..3 r 0=0 1=0", "1 4..5 r 0=7 1=7");
    WRONG("0 1..4 w 0=7 1=7", "1 2..3 r 0=7 1=0");
    WRONG("0 1..6 w 0=7 1=7", "1 2..3 r 0=7", "1 4..5 r 1=0"); /* two gets, one after another */
    RIGHT("0 1..6 w 0=7 1=7", "1 2..5 r 0=7", "2 2..5 r 1=0");
    RIGHT("0 1..2 w 0=7 0=8", "1 3..4 r 0=8"); /* the last of a key's counts */
    WRONG("0 1..2 w 0=7 0=8", "1 3..4 r 0=7");
}

static void linear_snapshot_reads_one_moment(void **state)
{
    (void)state;
    RIGHT("0 1..2 w 0=7", "1 3..4 r 0=7 1=0 0=7", "0 5..6 w 0=8");
    WRONG("0 1..2 w 0=7", "1 3..4 r 0=7 0=8", "0 5..6 w 0=8");
    WRONG("0 1..2 w 0=7", "0 3..4 w 1=8", "1 5..6 r 0=7 1=0");
    WRONG("0 1..20 w 0=7", "0 21..22 w 1=8", "1 2..23 r 0=0 1=8");
}

/* ---- Without an answer ----------------------------------------------------------------------- */

static void linear_write_without_an_answer_may_be_there(void **state)
{
    (void)state;
    RIGHT("0 1.. w 0=7", "1 2..3 r 0=0", "1 4..5 r 0=7");
    RIGHT("0 1.. w 0=7", "1 2..3 r 0=0", "1 4..5 r 0=0");
    WRONG("0 1.. w 0=7", "1 2..3 r 0=7", "1 4..5 r 0=0");
    RIGHT("0 1..2 w 0=7", "1 3.. r 0=0"); /* nobody has seen what it read */
    WRONG("0 5.. w 0=7", "1 2..3 r 0=7");
}

static void expect_crash(enum linear_verdict verdict, uint64_t issued, uint64_t acked,
                         const char *recovered, const char *const *lines)
{
    struct linear history = history_of(lines);
    struct linear_crash crash = {.issued = issued, .acked = acked};
    struct linear_result result;
    unsigned long long value;
    unsigned key;
    int more;

    for (; sscanf(recovered, " %u=%llu%n", &key, &value, &more) == 2; recovered += more)
        crash.values[key] = value;
    linear_check_crash(&history, &crash, &result);
    if (result.verdict != verdict)
        fail_msg("%s... is %d, not %d: %s", lines[0], result.verdict, verdict, result.why);
    linear_free(&history);
}

#define LEAVES(verdict, issued, acked, recovered, ...)                                             \
    expect_crash(verdict, issued, acked, recovered, (const char *const[]){__VA_ARGS__, NULL})

static void linear_crash_keeps_what_is_synced(void **state)
{
    (void)state;
    LEAVES(LINEAR_RIGHT, 9, 9, "0=7", "0 1..2 s 0=7");
    LEAVES(LINEAR_WRONG, 9, 9, "", "0 1..2 s 0=7");
    LEAVES(LINEAR_RIGHT, 9, 1, "", "0 1..2 s 0=7"); /* the crash came before its answer */
    LEAVES(LINEAR_RIGHT, 9, 1, "0=7", "0 1..2 s 0=7");
    LEAVES(LINEAR_WRONG, 0, 0, "0=7", "0 1..2 s 0=7"); /* it was not issued */
    LEAVES(LINEAR_RIGHT, 9, 9, "", "0 1..2 w 0=7");    /* not synced */
    LEAVES(LINEAR_WRONG, 9, 9, "", "0 1..2 w 0=7", "1 3..4 s");
    LEAVES(LINEAR_RIGHT, 9, 9, "", "0 1..4 w 0=7", "1 3..5 s"); /* at the same time */
}

static void linear_crash_leaves_no_gap(void **state)
{
    (void)state;
    LEAVES(LINEAR_RIGHT, 9, 9, "0=7", "0 1..2 w 0=7", "1 3..4 w 1=8");
    LEAVES(LINEAR_WRONG, 9, 9, "1=8", "0 1..2 w 0=7", "1 3..4 w 1=8");
    LEAVES(LINEAR_RIGHT, 9, 9, "1=8", "0 1..4 w 0=7", "1 3..5 w 1=8");
    LEAVES(LINEAR_WRONG, 9, 9, "1=8", "0 1..2 w 0=7", "1 3.. w 1=8");
    LEAVES(LINEAR_RIGHT, 9, 9, "0=7 1=7", "0 1..2 w 0=7 1=7");
    LEAVES(LINEAR_WRONG, 9, 9, "0=7", "0 1..2 w 0=7 1=7"); /* torn */
    LEAVES(LINEAR_WRONG, 9, 9, "0=7", "0 1..2 w 0=7", "0 3..4 s 0=8");
    LEAVES(LINEAR_WRONG, 9, 9, "0=6", "0 1..2 w 0=7");
}

/* Who is killed loses nothing that was answered. */
static void linear_kill_keeps_what_is_answered(void **state)
{
    const char *const lines[] = {"0 1..2 w 0=7", "1 3..4 r 0=7", "0 5.. w 0=8", NULL};
    struct linear history = history_of(lines);
    struct linear_crash crash = {.issued = 9, .acked = 9, .killed = true};
    struct linear_result result;

    (void)state;
    for (uint64_t value = 0; value < 10; value++) {
        crash.values[0] = value;
        linear_check_crash(&history, &crash, &result);
        assert_int_equal(result.verdict, value == 7 || value == 8 ? LINEAR_RIGHT : LINEAR_WRONG);
    }
    linear_free(&history);
}

/* ---- Many ------------------------------------------------------------------------------------ */

#define THREADS 4
#define KEYS 6

/* What threads in lockstep would have done: each operation is done between its begin and its end at
 * one moment. With `bad` an operation in the middle reads what it should not. */
static void fill(struct linear *history, uint64_t seed, unsigned count, bool bad)
{
    struct linear_op *open[THREADS] = {0};
    uint64_t now[KEYS] = {0}, unique = 0;
    bool done[THREADS] = {0};
    struct rng rng;

    rng_init(&rng, seed);
    for (unsigned ops = 0; ops < count;) {
        unsigned t = (unsigned)rng_below(&rng, THREADS);
        if (!open[t]) {
            open[t] = linear_begin(history, t, rng_below(&rng, 2));
            done[t] = false;
            ops++;
        } else if (!done[t]) {
            unsigned key = (unsigned)rng_below(&rng, KEYS), keys = 1 + (unsigned)rng_below(&rng, 3);
            for (unsigned k = key; k < KEYS && k < key + keys; k++) {
                if (open[t]->writes)
                    now[k] = rng_below(&rng, 5) ? ++unique : 0;
                linear_part(open[t], k, now[k]);
            }
            if (bad && ops > count / 2 && !open[t]->writes) {
                open[t]->parts[0].value = unique + 1000;
                bad = false;
            }
            done[t] = true;
        } else {
            linear_end(history, open[t]);
            open[t] = NULL;
        }
    }
    for (unsigned t = 0; t < THREADS; t++)
        if (open[t] && done[t])
            linear_end(history, open[t]);
}

static void linear_long_histories_are_decided(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct linear history = {0};
        struct linear_result result;

        fill(&history, seed, 200, seed % 2);
        linear_check(&history, &result);
        assert_int_equal(result.verdict, seed % 2 ? LINEAR_WRONG : LINEAR_RIGHT);
        assert_true(result.configurations < 20000);
        linear_free(&history);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_read_finds_the_last_write),
        cmocka_unit_test(linear_stale_read_is_found),
        cmocka_unit_test(linear_lost_write_is_found),
        cmocka_unit_test(linear_value_never_written_is_found),
        cmocka_unit_test(linear_reads_that_go_back_are_found),
        cmocka_unit_test(linear_writes_have_one_order_for_all),
        cmocka_unit_test(linear_torn_batch_is_found),
        cmocka_unit_test(linear_snapshot_reads_one_moment),
        cmocka_unit_test(linear_write_without_an_answer_may_be_there),
        cmocka_unit_test(linear_crash_keeps_what_is_synced),
        cmocka_unit_test(linear_crash_leaves_no_gap),
        cmocka_unit_test(linear_kill_keeps_what_is_answered),
        cmocka_unit_test(linear_long_histories_are_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
