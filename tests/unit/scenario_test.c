/* scenario_test.c: the text of a schedule as steps, and what is no schedule. */
#include "test.h"

#include "scenario/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scenario parse(const char *text)
{
    struct scenario scenario = {0};
    struct scenario_fault fault;

    if (scenario_parse(&scenario, strata_string(text), &fault) < 0)
        fail_msg("line %llu: %s", (unsigned long long)fault.line, fault.message);
    return scenario;
}

/* It is no schedule, for a reason that `why` is a part of. */
static void refuse(const char *text, uint64_t line, const char *why)
{
    struct scenario scenario = {0};
    struct scenario_fault fault = {0};
    int rc = scenario_parse(&scenario, strata_string(text), &fault);

    if (rc != STRATA_ERR_INVALID || fault.line != line || !strstr(fault.message, why))
        fail_msg("%s\n%d, line %llu: %s", text, rc, (unsigned long long)fault.line, fault.message);
    scenario_free(&scenario);
}

/* As scenario_put writes it. */
static void check_text(const char *text, const char *wanted)
{
    struct scenario scenario = parse(text);
    struct strata_buffer got = {0};

    scenario_put(&got, &scenario);
    strata_buffer_append(&got, "", 1);
    assert_false(got.out_of_memory);
    assert_string_equal((char *)got.data, wanted);
    strata_buffer_free(&got);
    scenario_free(&scenario);
}

static void scenario_lines_are_steps(void **state)
{
    struct scenario s = parse("# Title \n\n s: put x 1\r\na: begin snapshot read-only\n"
                              "a: get x # of a\n# no title\ns: begin\ns: scan a 'b c'");

    (void)state;
    assert_string_equal(s.title, "Title");
    assert_int_equal(s.sessions, 2);
    assert_string_equal(s.names[0], "s");
    assert_string_equal(s.names[1], "a");
    assert_int_equal(s.count, 5);
    assert_int_equal(s.steps[0].line, 3);
    assert_int_equal(s.steps[0].verb, SCENARIO_PUT);
    assert_int_equal(s.steps[0].count, 2);
    assert_int_equal(s.steps[1].isolation, STRATA_SNAPSHOT_ISOLATION);
    assert_true(s.steps[1].read_only);
    assert_int_equal(s.steps[1].session, 1);
    assert_int_equal(s.steps[2].count, 1);
    assert_int_equal(s.steps[3].isolation, 0);
    assert_int_equal(s.steps[4].line, 8);
    assert_int_equal(strata_compare(s.steps[4].operands[1], strata_string("b c")), 0);
    scenario_free(&s);
}

static void scenario_of_nothing(void **state)
{
    (void)state;
    check_text("", "");
    check_text("\n \n\t\r\n#\n##  \n", "");
    check_text("a:scan", "a: scan\n");
}

static void scenario_words(void **state)
{
    (void)state;
    check_text("a: put 'two words' \"it's\"", "a: put \"two words\" \"it's\"\n");
    check_text("a: put \"\" a'b'\"c\"", "a: put \"\" abc\n");
    check_text("a: put \\x41\\t '\\x22='", "a: put A\\t \"\\x22=\"\n");
    check_text("a: put '#' a#b", "a: put \"#\" a#b\n");
    check_text("a: put \\xff\\x00 ok", "a: put \\xff\\x00 \"ok\"\n");
    check_text("a: get get", "a: get get\n");
    check_text("a: get '='", "a: get \"=\"\n");
}

static void scenario_expectations(void **state)
{
    (void)state;
    check_text("a: get x = 1", "a: get x = 1\n");
    check_text("a: get x = none", "a: get x = none\n");
    check_text("a: get x = 'none'", "a: get x = \"none\"\n"); /* a value of four bytes */
    check_text("a: get x serializable= 1 anomaly= 2 snapshot= 3",
               "a: get x snapshot= 3 serializable= 1 anomaly= 2\n");
    check_text("a: scan = a=1 'b c'=\\x32  d='='", "a: scan = a=1 \"b c\"=2 d=\"=\"\n");
    check_text("a: scan = empty", "a: scan = empty\n");
    check_text("a: begin\na: get-for-update x = waits\na: = deadlock",
               "a: begin\na: get-for-update x = waits\na:  = deadlock\n");
}

static void scenario_all_verbs(void **state)
{
    const char *text =
        "a: begin serializable\na: get x\na: get-for-update x\na: scan\na: scan b\n"
        "a: put x y\na: delete x\na: savepoint\na: savepoint here\n"
        "a: rollback-to here\na: rollback-to\na: commit\na: begin snapshot read-only\n"
        "a: abort\n";

    (void)state;
    check_text(text, text);
}

static void scenario_bad_lines_are_named(void **state)
{
    (void)state;
    refuse("a: get x\nget x", 2, "NAME: STEP");
    refuse(": get x", 1, "NAME: STEP");
    refuse("a b: get x", 1, "NAME: STEP");
    refuse("a2345678901234567: get x", 1, "NAME: STEP");
    refuse("\n\na: geet x", 3, "\"geet\" is no step");
    refuse("a: 'get' x", 1, "is no step");
    refuse("a:", 1, "a step is missing");
    refuse("a: get", 1, "get: a word is missing");
    refuse("a: put x", 1, "put: a word is missing");
    refuse("a: get x y", 1, "get: one word too many");
    refuse("a: scan x y z", 1, "scan: one word too many");
    refuse("a: begin serial", 1, "begin [snapshot|serializable]");
    refuse("a: begin snapshot serializable", 1, "begin [snapshot|serializable]");
    refuse("a: get 'x", 1, "column 6: a quote is not closed");
    refuse("a: get \\q", 1, "escape");
    refuse("a: get x =", 1, "missing after \"=\"");
    refuse("a: get x = anomaly= 1", 1, "missing after \"=\"");
    refuse("a: get x = 1 = 2", 1, "\"=\" is there twice");
    refuse("a: get x = \\x4", 1, "cut short");
    refuse("a: get \x01", 1, "control character");
    refuse("a: get \xff", 1, "UTF-8");
}

static void scenario_transactions_begin_and_end(void **state)
{
    (void)state;
    refuse("a: commit", 1, "commit: a has no transaction");
    refuse("a: begin\nb: abort", 2, "abort: b has no transaction");
    refuse("a: get-for-update x", 1, "get-for-update: a has no transaction");
    refuse("a: savepoint", 1, "savepoint: a has no transaction");
    refuse("a: rollback-to", 1, "rollback-to: a has no transaction");
    refuse("s: put x 1\na: begin\na: get x\na: begin", 4, "a has a transaction since line 2");
    refuse("a: begin\na: commit\na: commit", 3, "has no transaction");
    check_text("a: begin\na: commit\na: begin\nb: begin\n",
               "a: begin\na: commit\na: begin\nb: begin\n");
}

static char *repeat(const char *format, unsigned count)
{
    size_t room = (strlen(format) + 16) * count + 1, used = 0;
    char *text = malloc(room);

    assert_non_null(text);
    for (unsigned i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, room - used, format, i);
    return text;
}

static void scenario_limits(void **state)
{
    char *sessions = repeat("s%u: scan\n", SCENARIO_SESSIONS_MOST + 1);
    char *steps = repeat("a: get %u\n", SCENARIO_STEPS_MOST + 1);
    char *words = repeat(" = %u", 300), *line = malloc(strlen(words) + 20);
    char *bytes = repeat("#%010u\n", SCENARIO_BYTES_MOST / 12 + 1);

    (void)state;
    assert_non_null(line);
    sprintf(line, "a: scan%s", words);
    refuse(sessions, SCENARIO_SESSIONS_MOST + 1, "more than 16 sessions");
    refuse(steps, SCENARIO_STEPS_MOST + 1, "more than 1000 steps");
    refuse(line, 1, "more than 256 words");
    refuse(bytes, 1, "more than 1048576 bytes");
    free(sessions);
    free(steps);
    free(words);
    free(line);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenario_lines_are_steps),
        cmocka_unit_test(scenario_of_nothing),
        cmocka_unit_test(scenario_words),
        cmocka_unit_test(scenario_expectations),
        cmocka_unit_test(scenario_all_verbs),
        cmocka_unit_test(scenario_bad_lines_are_named),
        cmocka_unit_test(scenario_transactions_begin_and_end),
        cmocka_unit_test(scenario_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
