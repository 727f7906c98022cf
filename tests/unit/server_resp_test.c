/* server_resp_test.c: requests of Redis' protocol, whole and in pieces (stages/14_server/resp.h),
 * and patterns of keys (glob.h). */
#include "test.h"

#include "14_server/store/glob.h"
#include "14_server/resp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 1000u

/* All requests of `text` that arrives in pieces of so many bytes, as "word|word;word;", and how it
 * ends: "" or the error. */
static const char *parse(const char *text, size_t piece)
{
    static char shown[4096];
    size_t size = strlen(text), have = 0, used = 0;
    uint8_t *data = malloc(size + 1);
    struct resp r = {.most_bytes = MOST};
    enum resp_code code = RESP_MORE;

    memcpy(data, text, size + 1);
    while (code != RESP_BAD && (code == RESP_READY || have < size)) {
        if (code == RESP_MORE)
            have = have + piece < size ? have + piece : size;
        code = resp_next(&r, data, have);
        for (size_t i = 0; code == RESP_READY && i < r.count; i++)
            used +=
                (size_t)snprintf(shown + used, sizeof shown - used, "%.*s%c", (int)r.args[i].size,
                                 (char *)data + r.args[i].offset, i + 1 < r.count ? '|' : ';');
        if (code == RESP_MORE && resp_done(&r)) { /* as the server does */
            size_t done = resp_done(&r);
            memmove(data, data + done, size - done);
            size -= done, have -= done;
            resp_drop(&r);
        }
    }
    snprintf(shown + used, sizeof shown - used, "%s", code == RESP_BAD ? r.error : "");
    resp_free(&r);
    free(data);
    return shown;
}

static void expect(const char *text, const char *want)
{
    for (size_t piece = 1; piece <= strlen(text) + 1; piece++)
        assert_string_equal(parse(text, piece), want);
}

static void resp_requests_are_found_in_pieces_of_any_size(void **state)
{
    (void)state;
    expect("*1\r\n$4\r\nPING\r\n", "PING;");
    expect("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n",
           "SET|a|;GET|a\r\nb;");
    expect("PING\r\n*3\r\n$3\r\nSET\r\n$5\r\nfruit\r\n$5\r\napple\r\n", "PING;SET|fruit|apple;");
    expect("*2\r\n$3\r\nGET\r\n$1\r\n", "");
    expect("*0\r\n*-1\r\n\r\n  \r\n*1\r\n$1\r\nx\r\n", "x;");
}

static void resp_inline_commands_have_quotes(void **state)
{
    (void)state;
    expect("PING\r\nget  a \n", "PING;get|a;");
    expect("set \"a b\" 'c \"d\\n'\r\n", "set|a b|c \"d\\n;");
    expect("\"\\x41\\n\\\"\\q\" '\\''\r\n", "A\n\"q|';");
    expect("a\"b c\r\n", "a\"b|c;");
    expect("\"a\r\n", "unbalanced quotes in request");
    expect("\"a\"b\r\n", "unbalanced quotes in request");
    expect("'a\\\r\n", "unbalanced quotes in request");
}

static void resp_what_is_no_request_is_refused(void **state)
{
    char line[RESP_LINE_MAX + 2];

    (void)state;
    expect("*x\r\n", "invalid multibulk length");
    expect("*\r\n", "invalid multibulk length");
    expect("*1048577\r\n", "invalid multibulk length");
    expect("*9999999999999\r\n", "invalid multibulk length");
    expect("*1\r\nx", "expected '$'");
    expect("*1\r\n$\r\n", "invalid bulk length");
    expect("*1\r\n$-1\r\n", "invalid bulk length");
    expect("*1\r\n$1001\r\n", "invalid bulk length");
    expect("*2\r\n$3\r\nGET\r\n$990\r\n", "too big request");
    expect("*1\r\n$1\r\nabc", "expected the end of a line behind an argument");
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    assert_string_equal(parse(line, 50000), "too big inline request");
}

/* 14.I1. */
static void resp_a_number_allocates_nothing(void **state)
{
    struct resp r = {.most_bytes = (size_t)1 << 40};
    uint8_t text[] = "*1048576\r\n$99999999999\r\n";

    (void)state;
    assert_int_equal(resp_next(&r, text, sizeof text - 1), RESP_MORE);
    assert_int_equal(r.room, 0);
    resp_free(&r);
}

static bool matches(const char *pattern, const char *text)
{
    return glob_matches(strata_string(pattern), strata_string(text));
}

static void glob_patterns_match_as_redis_has_them(void **state)
{
    static const char *const pairs[][2] = {
        {"*", ""},         {"h?llo", "hello"}, {"h*llo", "heeeello"}, {"h[ae]llo", "hallo"},
        {"[^e]x", "ax"},   {"[a-c]", "b"},     {"[c-a]", "b"},        {"\\*", "*"},
        {"a*b*c", "abbc"}, {"[\\]]", "]"},     {"*a", "aaa"},         {"[a", "a"}};
    static const char *const not_pairs[][2] = {{"", "a"},      {"?", ""},    {"h[^e]llo", "hello"},
                                               {"[a-c]", "d"}, {"\\*", "a"}, {"a*b", "abc"},
                                               {"[]", "a"},    {"A", "a"},   {"a", "ab"}};

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_true(matches(pairs[i][0], pairs[i][1]));
    for (size_t i = 0; i < sizeof not_pairs / sizeof *not_pairs; i++)
        assert_false(matches(not_pairs[i][0], not_pairs[i][1]));
}

static void glob_many_stars_take_little_time(void **state)
{
    static char pattern[2002], text[20001];

    (void)state;
    for (size_t i = 0; i < 2000; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[2000] = 'b';
    memset(text, 'a', sizeof text - 1);
    assert_false(matches(pattern, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resp_requests_are_found_in_pieces_of_any_size),
        cmocka_unit_test(resp_inline_commands_have_quotes),
        cmocka_unit_test(resp_what_is_no_request_is_refused),
        cmocka_unit_test(resp_a_number_allocates_nothing),
        cmocka_unit_test(glob_patterns_match_as_redis_has_them),
        cmocka_unit_test(glob_many_stars_take_little_time),
    };
    return cmocka_run_group_tests_name("server_resp", tests, NULL, NULL);
}
