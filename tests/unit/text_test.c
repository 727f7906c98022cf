/* text_test.c: bytes as text and back: every byte, every cut, every way to be wrong. */
#include "test.h"

#include "text/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole of `bytes` as text, through an array of `capacity` bytes. */
static void encode(enum text_form form, struct strata_slice bytes, size_t capacity,
                   struct strata_buffer *text)
{
    uint8_t piece[64];

    strata_buffer_clear(text);
    while (bytes.size) {
        size_t before = bytes.size, size = text_encode(form, &bytes, piece, capacity);
        assert_true(size <= capacity);
        assert_true(bytes.size < before);
        strata_buffer_append(text, piece, size);
    }
}

static void expect_text(const char *bytes, size_t size, const char *wanted)
{
    struct strata_buffer text = {0};
    encode(TEXT_ESCAPED, strata_bytes(bytes, size), sizeof(uint64_t), &text);
    assert_int_equal(text.size, strlen(wanted));
    if (text.size)
        assert_memory_equal(text.data, wanted, text.size);
    strata_buffer_free(&text);
}
#define EXPECT_TEXT(literal, wanted) expect_text(literal, sizeof(literal) - 1, wanted)

static void text_plain_bytes_stand_for_themselves(void **state)
{
    (void)state;
    EXPECT_TEXT("", "");
    EXPECT_TEXT("Hello, \"world\"! ~", "Hello, \"world\"! ~");
    EXPECT_TEXT("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
}

static void text_structure_and_control_are_escaped(void **state)
{
    (void)state;
    EXPECT_TEXT("\t\n\r\\", "\\t\\n\\r\\\\");
    EXPECT_TEXT("\0\x1b[1m\x7f", "\\x00\\x1b[1m\\x7f");
    EXPECT_TEXT("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f\xc2\xa0");
}

static void text_bytes_that_are_no_utf8_are_escaped(void **state)
{
    (void)state;
    EXPECT_TEXT("\x80\xbf\xfe\xff", "\\x80\\xbf\\xfe\\xff");
    EXPECT_TEXT("\xc3(", "\\xc3(");
    EXPECT_TEXT("\xc0\xaf\xc1\xbf", "\\xc0\\xaf\\xc1\\xbf"); /* overlong */
    EXPECT_TEXT("\xe0\x9f\xbf", "\\xe0\\x9f\\xbf");          /* overlong */
    EXPECT_TEXT("\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"); /* overlong */
    EXPECT_TEXT("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* surrogate */
    EXPECT_TEXT("\xed\x9f\xbf", "\xed\x9f\xbf");             /* right before */
    EXPECT_TEXT("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
    EXPECT_TEXT("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf");     /* U+10FFFF */
    EXPECT_TEXT("\xf0\x9f\x98", "\\xf0\\x9f\\x98");          /* cut short */
    EXPECT_TEXT("\xe2\x82\xc3\xa9", "\\xe2\\x82\xc3\xa9");   /* cut by the next */
}

/* ---- And back -------------------------------------------------------------------------- */

static void round_trip(enum text_form form, struct strata_slice bytes, size_t capacity, size_t cut)
{
    struct strata_buffer text = {0}, back = {0};
    struct text_decoder d;

    encode(form, bytes, capacity, &text);
    text_decoder_init(&d, form, bytes.size);
    assert_int_equal(text_feed(&d, strata_bytes(text.data, cut % (text.size + 1)), &back),
                     TEXT_FINE);
    cut %= text.size + 1;
    assert_int_equal(text_feed(&d, strata_bytes(text.data + cut, text.size - cut), &back),
                     TEXT_FINE);
    assert_int_equal(text_finish(&d), TEXT_FINE);
    assert_int_equal(d.fed, text.size);
    assert_int_equal(strata_compare(strata_buffer_slice(&back), bytes), 0);
    strata_buffer_free(&text);
    strata_buffer_free(&back);
}

static void text_every_two_bytes_round_trip(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            uint8_t bytes[2] = {(uint8_t)a, (uint8_t)b};
            round_trip(TEXT_ESCAPED, strata_bytes(bytes, 2), TEXT_UNIT, a + b);
            round_trip(TEXT_HEX, strata_bytes(bytes, 2), TEXT_UNIT, a + b);
        }
}

static void text_random_bytes_round_trip(void **state)
{
    static const uint8_t odd[] = {0x5c, 0x09, 0x0a, 0x0d, 0x00, 'x',
                                  '0',  0xc2, 0x80, 0xe2, 0xf0, 0x9f};
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : 20260;

    (void)state;
    printf("# SEED=%u\n", seed);
    srand(seed);
    for (int i = 0; i < 5000; i++) {
        uint8_t bytes[40];
        size_t size = (size_t)rand() % sizeof bytes;
        for (size_t k = 0; k < size; k++)
            bytes[k] = rand() % 2 ? odd[(size_t)rand() % sizeof odd] : (uint8_t)rand();
        round_trip((enum text_form)(i % 2), strata_bytes(bytes, size),
                   TEXT_UNIT + (size_t)rand() % 60, (size_t)rand());
    }
}

static void expect_fault(enum text_form form, const char *text, enum text_fault wanted,
                         uint64_t wanted_at)
{
    struct strata_buffer bytes = {0};
    uint64_t at = 0;

    assert_int_equal(text_decode(form, strata_string(text), 4, &bytes, &at), wanted);
    assert_int_equal(at, wanted_at);
    strata_buffer_free(&bytes);
}

static void text_fault_is_named_where_it_is(void **state)
{
    (void)state;
    expect_fault(TEXT_ESCAPED, "ab\\q", TEXT_BAD_ESCAPE, 2);
    expect_fault(TEXT_ESCAPED, "\\X41", TEXT_BAD_ESCAPE, 0);
    expect_fault(TEXT_ESCAPED, "\\ x41", TEXT_BAD_ESCAPE, 0);
    expect_fault(TEXT_ESCAPED, "a\\xg0", TEXT_BAD_DIGIT, 3);
    expect_fault(TEXT_ESCAPED, "a\\x0 ", TEXT_BAD_DIGIT, 4);
    expect_fault(TEXT_ESCAPED, "a\\\\\\", TEXT_CUT, 3);
    expect_fault(TEXT_ESCAPED, "a\\x", TEXT_CUT, 1);
    expect_fault(TEXT_ESCAPED, "a\\x4", TEXT_CUT, 1);
    expect_fault(TEXT_ESCAPED, "abcde", TEXT_TOO_LONG, 4);
    expect_fault(TEXT_ESCAPED, "abcd\\x41", TEXT_TOO_LONG, 7);
    expect_fault(TEXT_HEX, "616", TEXT_ODD, 2);
    assert_non_null(strstr(text_fault_name(TEXT_ODD), "odd number"));
    assert_null(strstr(text_fault_name(TEXT_ODD), "backslash"));
    expect_fault(TEXT_HEX, "61 62", TEXT_BAD_DIGIT, 2);
    expect_fault(TEXT_HEX, "6:", TEXT_BAD_DIGIT, 1);
    expect_fault(TEXT_HEX, "/1", TEXT_BAD_DIGIT, 0);
    expect_fault(TEXT_HEX, "6@", TEXT_BAD_DIGIT, 1);
    expect_fault(TEXT_HEX, "G1", TEXT_BAD_DIGIT, 0);
    expect_fault(TEXT_HEX, "6g", TEXT_BAD_DIGIT, 1);
    expect_fault(TEXT_HEX, "6162636465", TEXT_TOO_LONG, 9);
    expect_fault(TEXT_HEX, "aAfF0099", TEXT_FINE, 6);
}

static void text_fault_names_are_distinct(void **state)
{
    (void)state;
    for (int a = TEXT_FINE; a <= TEXT_BEHIND_END; a++)
        for (int b = TEXT_FINE; b < a; b++)
            assert_string_not_equal(text_fault_name((enum text_fault)a),
                                    text_fault_name((enum text_fault)b));
    assert_string_equal(text_fault_name((enum text_fault)99), "unknown fault");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_plain_bytes_stand_for_themselves),
        cmocka_unit_test(text_structure_and_control_are_escaped),
        cmocka_unit_test(text_bytes_that_are_no_utf8_are_escaped),
        cmocka_unit_test(text_every_two_bytes_round_trip),
        cmocka_unit_test(text_random_bytes_round_trip),
        cmocka_unit_test(text_fault_is_named_where_it_is),
        cmocka_unit_test(text_fault_names_are_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
