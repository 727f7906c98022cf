/* jsonl_test.c: lines of JSON objects: what is taken, what is not, where the fault is. */
#include "text/jsonl.h"
#include "told.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(enum text_form form, const char *text, const char *wanted)
{
    assert_string_equal(told_of(ENTRIES_JSONL, form, strata_string(text)), wanted);
}

static void takes(const char *text, const char *wanted)
{
    expect(TEXT_ESCAPED, text, wanted);
}

static void faulty(const char *text, const char *place, enum text_fault fault)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s!%d", place, (int)fault);
    expect(TEXT_ESCAPED, text, wanted);
}

static void jsonl_lines_are_entries(void **state)
{
    (void)state;
    takes("", "");
    takes("{\"key\":\"a\",\"value\":\"1\"}\n{\"key\":\"b\",\"value\":\"2\"}\n", "1[a=1] 2[b=2] ");
    takes("{\"key\":\"a\",\"value\":\"1\"}", "1[a=1] ");
    takes("{\"key\":\"\",\"value\":\"\"}\r\n", "1[=] ");
    takes(" { \"value\"\t: \"1\" , \"key\" :\"a\" } \r\n", "1[a=1] ");
    takes("\n \n{\"key\":\"a\",\"value\":\"1\"}\n\n", "3[a=1] ");
    takes("{\"k\\u0065y\":\"a\",\"value\":\"1\"}", "1[a=1] ");
    expect(TEXT_HEX, "{\"key\":\"61\",\"value\":\"4A4b\"}", "1[a=JK] ");
}

static void jsonl_escapes_are_those_of_json(void **state)
{
    (void)state;
    takes("{\"key\":\"\\\"\\\\\\/"
          "\\b\\f\\n\\r\\t\",\"value\":\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"}",
          "1[\"\\/\b\f\n\r\t=A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80] ");
    takes("{\"key\":\"\\uD83D\\uDE00\",\"value\":\"\xf0\x9f\x98\x80\x7f\"}",
          "1[\xf0\x9f\x98\x80=\xf0\x9f\x98\x80\x7f] ");
    faulty("{\"key\":\"a\\x41\"", "1:10", TEXT_BAD_JSON_ESCAPE);
    faulty("{\"key\":\"\\u00g0\"", "1:13", TEXT_BAD_DIGIT);
    faulty("{\"key\":\"\\ud83d\"", "1:9", TEXT_SURROGATE);
    faulty("{\"key\":\"\\ud83dx\"", "1:9", TEXT_SURROGATE);
    faulty("{\"key\":\"\\ud83d\\n\"", "1:9", TEXT_SURROGATE);
    faulty("{\"key\":\"\\ud83d\\u0041\"", "1:9", TEXT_SURROGATE);
    faulty("{\"key\":\"\\ud83d\\ud83d\"", "1:9", TEXT_SURROGATE);
    faulty("{\"key\":\"\\ud83d\\ue000\"", "1:9", TEXT_SURROGATE);
    takes("{\"key\":\"\\ue000\",\"value\":\"\"}", "1[\xee\x80\x80=] ");
    faulty("{\"key\":\"\\ude00\"", "1:9", TEXT_SURROGATE);
    faulty("{\"key\":\"a\tb\"", "1:10", TEXT_RAW_CONTROL);
}

static void jsonl_escape_of_a_zero_byte_is_none(void **state)
{
    static const char text[] = "{\"key\":\"a\\\0\"";
    char wanted[64];

    (void)state;
    snprintf(wanted, sizeof wanted, "1:10!%d", (int)TEXT_BAD_JSON_ESCAPE);
    assert_string_equal(told_of(ENTRIES_JSONL, TEXT_ESCAPED, strata_bytes(text, sizeof text - 1)),
                        wanted);
}

static void jsonl_string_must_be_utf8(void **state)
{
    (void)state;
    faulty("{\"key\":\"a\xff\"", "1:10", TEXT_NOT_UTF8);
    faulty("{\"key\":\"\xc3\"", "1:9", TEXT_NOT_UTF8);
    faulty("{\"key\":\"\xc3z\"", "1:9", TEXT_NOT_UTF8);
    faulty("{\"key\":\"\xc0\x80\"", "1:9", TEXT_NOT_UTF8);
    faulty("{\"key\":\"\xed\xa0\x80\"", "1:9", TEXT_NOT_UTF8);
    faulty("{\"key\":\"\x80\xbf\"", "1:9", TEXT_NOT_UTF8);
    faulty("{\"key\":\"\xe2\x82\xac\xf4\x90\x80\x80\"", "1:12", TEXT_NOT_UTF8);
}

static void jsonl_base64_is_bytes(void **state)
{
    (void)state;
    takes("{\"key_b64\":\"YQ==\",\"value_b64\":\"\"}", "1[a=] ");
    takes("{\"key\":\"k\",\"value_b64\":\"YWJjZA==\"}", "1[k=abcd] ");
    takes("{\"key\":\"k\",\"value_b64\":\"\\u0059WJj\"}", "1[k=abc] ");
    takes("{\"key\":\"k\",\"value_b64\":\"Pz8\\/\"}", "1[k=???] ");
    expect(TEXT_HEX, "{\"key\":\"61\",\"value_b64\":\"YWI=\"}", "1[a=ab] ");
    faulty("{\"key_b64\":\"YQ=\"", "1:16", TEXT_BAD_BASE64);
    faulty("{\"key_b64\":\"YQ\"", "1:15", TEXT_BAD_BASE64);
    faulty("{\"key_b64\":\"YR==\"", "1:16", TEXT_BAD_BASE64);
    faulty("{\"key_b64\":\"Y===\"", "1:14", TEXT_BAD_BASE64);
    faulty("{\"key_b64\":\"YQ==YQ==\"", "1:17", TEXT_BAD_BASE64);
    faulty("{\"key_b64\":\"Y-_=\"", "1:14", TEXT_BAD_BASE64);
    faulty("{\"key_b64\":\"YW Jj\"", "1:15", TEXT_BAD_BASE64);
}

static void jsonl_other_objects_are_faults(void **state)
{
    (void)state;
    faulty("[]", "1:1", TEXT_NOT_JSON);
    faulty("{}", "1:2", TEXT_NO_MEMBER);
    faulty("{\"key\":\"a\"}", "1:11", TEXT_NO_MEMBER);
    faulty("{\"value\":\"a\"}", "1:13", TEXT_NO_MEMBER);
    faulty("{\"key\":\"a\",}", "1:12", TEXT_NOT_JSON);
    faulty("{,", "1:2", TEXT_NOT_JSON);
    faulty("{\"key\"\"a\"", "1:7", TEXT_NOT_JSON);
    faulty("{\"key\":1", "1:8", TEXT_NOT_STRING);
    faulty("{\"key\":null", "1:8", TEXT_NOT_STRING);
    faulty("{\"key\":\"a\" \"value\"", "1:12", TEXT_NOT_JSON);
    faulty("{\"key\":\"a\",\"key\":\"b\"", "1:12", TEXT_TWICE);
    faulty("{\"key\":\"a\",\"key_b64\":\"b\"", "1:12", TEXT_TWICE);
    faulty("{\"key\":\"a\",\"valu\":\"b\"", "1:12", TEXT_BAD_MEMBER);
    faulty("{\"key\":\"a\",\"value_b641\":\"b\"", "1:12", TEXT_BAD_MEMBER);
    faulty("{\"\":\"a\"", "1:2", TEXT_BAD_MEMBER);
    faulty("{\"key\":\"a\",\"value\":\"b\"} x", "1:25", TEXT_NOT_JSON);
    faulty("{\"key\":\"a\",\"value\":\"b\"}{", "1:24", TEXT_NOT_JSON);
}

/* Fed in two pieces, cut at each byte. */
static void has_time(const char *line, uint64_t until)
{
    for (size_t cut = 0; cut < strlen(line); cut++) {
        struct strata_slice first = strata_bytes(line, cut), rest = strata_string(line + cut);
        struct jsonl jsonl;

        jsonl_init(&jsonl, TEXT_ESCAPED);
        assert_int_equal(jsonl_feed(&jsonl, &first), JSONL_MORE);
        if (jsonl_feed(&jsonl, &rest) == JSONL_MORE)
            assert_int_equal(jsonl_finish(&jsonl), JSONL_ENTRY);
        assert_bytes(strata_buffer_slice(&jsonl.key), strata_string("a"));
        assert_bytes(strata_buffer_slice(&jsonl.value), strata_string("b"));
        assert_true(jsonl.until == until);
        jsonl_free(&jsonl);
    }
}

static void jsonl_until_is_a_number(void **state)
{
    (void)state;
    has_time("{\"key\":\"a\",\"value\":\"b\"}", 0);
    has_time("{\"key\":\"a\",\"value\":\"b\",\"until\":0}", 0);
    has_time("{\"key\":\"a\",\"value\":\"b\",\"until\":1795559230163}\n", 1795559230163);
    has_time("{\"until\": 7 ,\"key\":\"a\",\"value\":\"b\"}", 7);
    has_time("{\"key\":\"a\",\"until\":18446744073709551615,\"value\":\"b\"}", UINT64_MAX);
    takes("{\"key\":\"a\",\"value\":\"b\",\"until\":5}\n{\"key\":\"c\",\"value\":\"d\"}\n",
          "1[a=b] 2[c=d] ");
    faulty("{\"until\":18446744073709551616}", "1:29", TEXT_BAD_TIME);
    faulty("{\"until\":\"1\"}", "1:10", TEXT_BAD_TIME);
    faulty("{\"until\":-1}", "1:10", TEXT_BAD_TIME);
    faulty("{\"until\":01}", "1:11", TEXT_BAD_TIME);
    faulty("{\"until\":1.5}", "1:11", TEXT_BAD_TIME);
    faulty("{\"until\":}", "1:10", TEXT_BAD_TIME);
    faulty("{\"until\":1 2}", "1:12", TEXT_NOT_JSON);
    faulty("{\"until\":1}", "1:11", TEXT_NO_MEMBER);
    faulty("{\"until\":1,\"until\":1}", "1:12", TEXT_TWICE);
    faulty("{\"until\":1\n", "1:11", TEXT_OBJECT_OPEN);
}

static void jsonl_object_ends_on_its_line(void **state)
{
    (void)state;
    faulty("\n{\n\"key\":", "2:2", TEXT_OBJECT_OPEN);
    faulty("{\"key\":\"a\nb\"", "1:10", TEXT_OBJECT_OPEN);
    faulty("{\"key\":\"a\",\"value\":\"b\"", "1:23", TEXT_OBJECT_OPEN);
    faulty("{\"key\":\"a", "1:10", TEXT_OBJECT_OPEN);
    faulty("{", "1:2", TEXT_OBJECT_OPEN);
}

static void jsonl_key_beyond_the_limit_is_a_fault(void **state)
{
    static const char head[] = "{\"key\":\"";
    size_t size = sizeof head - 1 + STRATA_MAX_KEY + 1;
    char *text = malloc(size);
    struct told told;

    (void)state;
    assert_non_null(text);
    memset(text, 'k', size);
    memcpy(text, head, sizeof head - 1);
    for (size_t piece = 1; piece <= size; piece = piece * 7 + 1) {
        told_decode(ENTRIES_JSONL, TEXT_ESCAPED, strata_bytes(text, size), piece, &told);
        assert_string_equal(told.text, "1:65545!4");
    }
    free(text);
}

static void written(const char *key, size_t size, const char *wanted)
{
    struct strata_buffer to = {0};
    struct text_sink sink = told_sink(&to);

    assert_true(
        jsonl_put(&sink, TEXT_ESCAPED, strata_bytes(key, size), strata_bytes("\xff", 1), 0));
    assert_int_equal(strata_buffer_append(&to, "", 1), 0);
    assert_string_equal(to.data, wanted);
    strata_buffer_free(&to);
}

static void jsonl_text_is_a_string_and_bytes_are_base64(void **state)
{
    (void)state;
    written("", 0, "{\"key\":\"\",\"value_b64\":\"/w==\"}\n");
    written("\"\\\n\r\t\0\x1f\x7f", 8,
            "{\"key\":\"\\\"\\\\\\n\\r\\t\\u0000\\u001f\\u007f\",\"value_b64\":\"/w==\"}\n");
    written("\xc3\xa9\xc2\x9b\xf0\x9f\x98\x80/", 9,
            "{\"key\":\"\xc3\xa9\\u009b\xf0\x9f\x98\x80/\",\"value_b64\":\"/w==\"}\n");
    written("\xc3", 1, "{\"key_b64\":\"ww==\",\"value_b64\":\"/w==\"}\n");
    written("a\xff", 2, "{\"key_b64\":\"Yf8=\",\"value_b64\":\"/w==\"}\n");
    written("a\xff"
            "b",
            3, "{\"key_b64\":\"Yf9i\",\"value_b64\":\"/w==\"}\n");
}

/* One byte of a character of two, and nothing behind it is read. */
static void jsonl_character_cut_short_is_not_read_beyond(void **state)
{
    struct strata_buffer to = {0};
    struct text_sink sink = told_sink(&to);
    char *cut = malloc(1);

    (void)state;
    assert_non_null(cut);
    *cut = '\xc2';
    assert_true(json_put_string(&sink, strata_bytes(cut, 1)));
    assert_bytes(strata_buffer_slice(&to), strata_string("\"\xc2\""));
    strata_buffer_free(&to);
    free(cut);
}

static void jsonl_object_that_cannot_be_written_is_reported(void **state)
{
    static const char *const values[] = {"plain", "\"a\"\n", "\xff", ""};
    static const enum text_form forms[] = {TEXT_ESCAPED, TEXT_HEX};

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        struct told_refusal refusal;
        struct text_sink sink = told_refusing_sink(&refusal);
        struct strata_slice value = strata_string(values[i / 2]);
        unsigned most = 0;
        do
            refusal.left = most++;
        while (!jsonl_put(&sink, forms[i % 2], value, value, 7) && most < 50);
        assert_in_range(most, 4, 40);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jsonl_lines_are_entries),
        cmocka_unit_test(jsonl_escapes_are_those_of_json),
        cmocka_unit_test(jsonl_escape_of_a_zero_byte_is_none),
        cmocka_unit_test(jsonl_character_cut_short_is_not_read_beyond),
        cmocka_unit_test(jsonl_object_that_cannot_be_written_is_reported),
        cmocka_unit_test(jsonl_string_must_be_utf8),
        cmocka_unit_test(jsonl_base64_is_bytes),
        cmocka_unit_test(jsonl_other_objects_are_faults),
        cmocka_unit_test(jsonl_until_is_a_number),
        cmocka_unit_test(jsonl_object_ends_on_its_line),
        cmocka_unit_test(jsonl_key_beyond_the_limit_is_a_fault),
        cmocka_unit_test(jsonl_text_is_a_string_and_bytes_are_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
