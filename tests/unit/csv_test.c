/* csv_test.c: comma-separated values: what RFC 4180 says, what it does not allow, and what is
 * made of bytes that are no text. */
#include "told.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(enum text_form form, const char *text, const char *wanted)
{
    assert_string_equal(told_of(ENTRIES_CSV, form, strata_string(text)), wanted);
}

static void faulty(const char *text, const char *place, enum text_fault fault)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s!%d", place, (int)fault);
    expect(TEXT_ESCAPED, text, wanted);
}

static void csv_lines_are_entries(void **state)
{
    (void)state;
    expect(TEXT_ESCAPED, "", "");
    expect(TEXT_ESCAPED, "a,1\nb,2\n", "1[a=1] 2[b=2] ");
    expect(TEXT_ESCAPED, "a,1\r\nb,2\r\n", "1[a=1] 2[b=2] ");
    expect(TEXT_ESCAPED, "a,1\nb,2", "1[a=1] 2[b=2] ");
    expect(TEXT_ESCAPED, ",\n,v\nk,\n,", "1[=] 2[=v] 3[k=] 4[=] ");
    expect(TEXT_ESCAPED, " a ,\tb\n", "1[ a =\tb] ");
    expect(TEXT_HEX, "61,6263\n,\n", "1[a=bc] 2[=] ");
}

static void csv_quotes_hold_everything(void **state)
{
    (void)state;
    expect(TEXT_ESCAPED, "\"a\",\"b\"\r\n", "1[a=b] ");
    expect(TEXT_ESCAPED, "\"\",\"\"", "1[=] ");
    expect(TEXT_ESCAPED, "\"a,b\",\"c\"\"d\"\n", "1[a,b=c\"d] ");
    expect(TEXT_ESCAPED, "\"\"\"\",\"\"\"\"\"\"\n", "1[\"=\"\"] ");
    expect(TEXT_ESCAPED, "a,\"1\n2\r\n3\"\nb,2\n", "1[a=1\n2\r\n3] 4[b=2] ");
    expect(TEXT_HEX, "\"61\",\"62\"\n", "1[a=b] ");
}

static void csv_escapes_are_none(void **state)
{
    (void)state;
    expect(TEXT_ESCAPED, "C:\\new,\\\n", "1[C:\\new=\\] ");
    expect(TEXT_ESCAPED, "\\X41,a\\x41\n", "1[\\X41=a\\x41] ");
}

static void csv_backslash_x_is_hexadecimal(void **state)
{
    (void)state;
    expect(TEXT_ESCAPED, "\\x6162,\\x4A4b\n", "1[ab=JK] ");
    expect(TEXT_ESCAPED, "\\x,\"\\x61\"\n", "1[=a] ");
    faulty("\\xampp,2\n", "1:4", TEXT_BAD_HEX);
    faulty("b,\\x616\n", "1:8", TEXT_BAD_HEX);
    faulty("a,\"\\x61\n\"\n", "1:8", TEXT_BAD_HEX);
}

static void expect_columns(bool all, const char *text, const char *wanted)
{
    const struct told_how how = {.skip = true, .key = "id", .value = "name", .all = all};
    assert_string_equal(told_of_how(ENTRIES_CSV, strata_string(text), &how), wanted);
}

static void csv_header_names_the_columns(void **state)
{
    (void)state;
    expect_columns(true, "id,name\n1,a\n2,b\n", "2[1=a] 3[2=b] ");
    expect_columns(true, "name,id\r\na,1\r\n", "2[1=a] ");
    expect_columns(true, "\"name\",\"id\"", "");
    expect_columns(false, "age,name,zip,id\n7,a,\"1\n2\",1\n8,b,\\xyz,2", "2[1=a] 4[2=b] ");
    expect_columns(false, "id,\"na\nme\",name\n1,,a\n", "3[1=a] ");
    expect_columns(true, TEXT_MARK "id,name\n1,a\n", "2[1=a] ");
    expect_columns(true, "", "");
}

static void csv_header_without_a_column_is_a_fault(void **state)
{
    (void)state;
    expect_columns(false, "a,1\nb,2\n", "1:1!43");
    expect_columns(false, "id,Name\n1,a\n", "1:1!43");
    expect_columns(false, "id\n1\n", "1:1!43");
    expect_columns(false, "\n1,a\n", "1:1!43");
    expect_columns(false, "id,name,id\n1,a,1\n", "1:11!22");
    expect_columns(true, "id,name,age\n1,a,7\n", "1:1!44");
}

static void csv_line_of_other_length_than_the_header_is_a_fault(void **state)
{
    (void)state;
    expect_columns(false, "id,name,age\n1,a,7\n2,b\n3,c,8,9\n4,d,\n",
                   "2[1=a] 3:4!42 4:6!42 5[4=d] ");
}

static void csv_byte_order_mark_is_passed_over(void **state)
{
    (void)state;
    expect(TEXT_ESCAPED,
           "\xef\xbb\xbf"
           "a,1\n\xef\xbb\xbf"
           "b,2\n",
           "1[a=1] 2[\xef\xbb\xbf"
           "b=2] ");
    expect(TEXT_ESCAPED, "\xef\xbb\xbf\"a\",1\n", "1[a=1] ");
    expect(TEXT_ESCAPED, "\"\xef\xbb\xbf\",1\n", "1[\xef\xbb\xbf=1] ");
    expect(TEXT_ESCAPED, "\xef\xbb\xbf", "");
    expect(TEXT_ESCAPED, "\xef\xbb,1\n", "1[\xef\xbb=1] ");
    faulty("\xef\xbb", "1:3", TEXT_NO_COMMA);
}

static void csv_fault_names_line_and_column(void **state)
{
    (void)state;
    faulty("\n", "1:1", TEXT_NO_COMMA);
    faulty("abc", "1:4", TEXT_NO_COMMA);
    faulty("\"a\nb\"\n", "2:3", TEXT_NO_COMMA);
    faulty("a,b,c\n", "1:4", TEXT_THIRD_FIELD);
    faulty("a,\"b\",\n", "1:6", TEXT_THIRD_FIELD);
    faulty("a\"b,c\n", "1:2", TEXT_STRAY_QUOTE);
    faulty("a, \"c\"\n", "1:4", TEXT_STRAY_QUOTE);
    faulty("\"a\" ,c\n", "1:4", TEXT_AFTER_QUOTE);
    faulty("a,\"b\"c\n", "1:6", TEXT_AFTER_QUOTE);
    faulty("a,\"b\n\nc,d\n", "1:3", TEXT_OPEN_QUOTE);
    faulty("a,b\rc,d\r", "1:4", TEXT_LONE_RETURN);
    faulty("a,b\r", "1:4", TEXT_LONE_RETURN);
    faulty("a,b\r\r\n", "1:4", TEXT_LONE_RETURN);
    expect(TEXT_HEX, "a,b\n", "1:2!40");
    expect(TEXT_HEX, "61,g1\n", "1:4!2");
}

static void csv_key_beyond_the_limit_is_a_fault(void **state)
{
    size_t size = STRATA_MAX_KEY + 1;
    char *text = malloc(size + 2);
    struct told told;

    (void)state;
    assert_non_null(text);
    memset(text, 'k', size);
    memcpy(text + size, ",v", 2);
    for (size_t piece = 1; piece <= size + 2; piece = piece * 7 + 1) {
        told_decode(ENTRIES_CSV, TEXT_ESCAPED, strata_bytes(text, size + 2), piece, &told);
        assert_string_equal(told.text, "1:65537!4");
    }
    text[size - 1] = ','; /* one less: the longest key */
    text[size] = 'v';
    told_decode(ENTRIES_CSV, TEXT_ESCAPED, strata_bytes(text, size + 1), 4096, &told);
    assert_memory_equal(told.text, "1[kkkk", 6);
    free(text);
}

static void csv_hexadecimal_key_beyond_the_limit_is_a_fault(void **state)
{
    size_t size = 2 + 2 * (STRATA_MAX_KEY + 1);
    char *text = malloc(size);
    struct told told;

    (void)state;
    assert_non_null(text);
    memset(text, '6', size);
    memcpy(text, "\\x", 2);
    told_decode(ENTRIES_CSV, TEXT_ESCAPED, strata_bytes(text, size), 4096, &told);
    assert_string_equal(told.text, "1:131076!4"); /* where the byte is complete */
    free(text);
}

static void written(const char *field, size_t size, const char *wanted)
{
    struct strata_buffer to = {0};
    struct text_sink sink = told_sink(&to);

    assert_true(csv_put_field(&sink, TEXT_ESCAPED, strata_bytes(field, size)));
    assert_int_equal(to.size, strlen(wanted));
    if (to.size)
        assert_memory_equal(to.data, wanted, to.size);
    strata_buffer_free(&to);
}

static void csv_field_is_quoted_where_it_must_be(void **state)
{
    (void)state;
    written("", 0, "");
    written("a b\tc\\n", 7, "a b\tc\\n");
    written("a,b", 3, "\"a,b\"");
    written("a\"b", 3, "\"a\"\"b\"");
    written("\"", 1, "\"\"\"\"");
    written("a\nb", 3, "\"a\nb\"");
    written("a\rb", 3, "\"a\rb\"");
    written(" a", 2, "\" a\"");
    written("a ", 2, "\"a \"");
    written("\xef\xbb\xbf"
            "a",
            4,
            "\"\xef\xbb\xbf"
            "a\"");
    written("\xc3\xa9", 2, "\xc3\xa9");
}

static void csv_field_that_is_no_text_is_hexadecimal(void **state)
{
    (void)state;
    written("a\0b", 3, "\\x610062");
    written("\xff", 1, "\\xff");
    written("\x1b[0m", 4, "\\x1b5b306d");
    written("\xc2\x9b", 2, "\\xc29b");
    written("\\x", 2, "\\x5c78");
    written("\\x41,", 5, "\\x5c7834312c");
    written("\\", 1, "\\");
}

/* A writer that is refused says so, wherever in the field that was. */
static void csv_field_that_cannot_be_written_is_reported(void **state)
{
    static const char *const fields[] = {"plain", "a,\"b\"", "\x01"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct told_refusal refusal;
        struct text_sink sink = told_refusing_sink(&refusal);
        unsigned most = 0;
        do
            refusal.left = most++;
        while (!csv_put_field(&sink, TEXT_ESCAPED, strata_string(fields[i])) && most < 20);
        assert_in_range(most, 2, 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_lines_are_entries),
        cmocka_unit_test(csv_quotes_hold_everything),
        cmocka_unit_test(csv_escapes_are_none),
        cmocka_unit_test(csv_backslash_x_is_hexadecimal),
        cmocka_unit_test(csv_header_names_the_columns),
        cmocka_unit_test(csv_header_without_a_column_is_a_fault),
        cmocka_unit_test(csv_line_of_other_length_than_the_header_is_a_fault),
        cmocka_unit_test(csv_byte_order_mark_is_passed_over),
        cmocka_unit_test(csv_fault_names_line_and_column),
        cmocka_unit_test(csv_key_beyond_the_limit_is_a_fault),
        cmocka_unit_test(csv_hexadecimal_key_beyond_the_limit_is_a_fault),
        cmocka_unit_test(csv_field_that_cannot_be_written_is_reported),
        cmocka_unit_test(csv_field_is_quoted_where_it_must_be),
        cmocka_unit_test(csv_field_that_is_no_text_is_hexadecimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
