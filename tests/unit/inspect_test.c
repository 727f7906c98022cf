/* inspect_test.c: the layout of an annotated dump, its limits, and its three endings. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "inspect/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A dump into memory. */
struct dump {
    struct inspect in;
    FILE *to;
    char *text;
    size_t size;
};

static void begin(struct dump *dump)
{
    dump->to = open_memstream(&dump->text, &dump->size);
    assert_non_null(dump->to);
    inspect_init(&dump->in, dump->to);
}

static void expect(struct dump *dump, const char *text)
{
    fclose(dump->to);
    assert_string_equal(dump->text, text);
    free(dump->text);
}

static const uint8_t bytes[40] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
                                  0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0xff, 0xfe, 0xfd, 0xfc, 0xfb};

static void inspect_short_field_is_one_row(void **state)
{
    struct dump dump;
    (void)state;
    begin(&dump);
    inspect_section(&dump.in, 24, "record %d", 1);
    inspect_field(&dump.in, 24, strata_bytes(bytes, 4), 4, "head_check", "of %d bytes", 13);
    inspect_field(&dump.in, 28, strata_bytes(bytes + 15, 1), 1, "type", "put");
    inspect_end(&dump.in, 29, 29);
    expect(&dump, "record 1 @24\n"
                  "        24  00 01 02 03              head_check   of 13 bytes\n"
                  "        28  0f                       type         put\n"
                  "valid: 29 of 29 bytes\n");
}

static void inspect_field_of_nine_bytes_takes_a_second_row(void **state)
{
    struct dump dump;
    (void)state;
    begin(&dump);
    inspect_field(&dump.in, 0, strata_bytes(bytes, 8), 8, "eight", "one row");
    inspect_field(&dump.in, 8, strata_bytes(bytes, 9), 9, "nine", "two rows");
    inspect_field(&dump.in, 17, strata_bytes(bytes, 16), 16, "sixteen", "two rows");
    expect(&dump, "         0  00 01 02 03 04 05 06 07  eight        one row\n"
                  "         8  00 01 02 03 04 05 06 07  nine         two rows\n"
                  "        16  08                      \n"
                  "        17  00 01 02 03 04 05 06 07  sixteen      two rows\n"
                  "        25  08 09 0a 0b 0c 0d 0e 0f \n");
}

static void inspect_long_field_counts_what_it_leaves_out(void **state)
{
    struct dump dump;
    (void)state;
    begin(&dump);
    inspect_field(&dump.in, 100, strata_bytes(bytes, 16), 5000000000, "value", "long");
    inspect_field(&dump.in, 0, strata_bytes(bytes, 21), 21, "given", "whole, shown in part");
    expect(&dump, "       100  00 01 02 03 04 05 06 07  value        long\n"
                  "       108  08 09 0a 0b 0c 0d 0e 0f  ... 4999999984 bytes more\n"
                  "         0  00 01 02 03 04 05 06 07  given        whole, shown in part\n"
                  "         8  08 09 0a 0b 0c 0d 0e 0f  ... 5 bytes more\n");
}

static void inspect_limit_leaves_later_sections_out_and_says_so_once(void **state)
{
    struct dump dump;
    (void)state;
    begin(&dump);
    dump.in.limit = 2;
    for (uint64_t i = 1; i <= 4; i++) {
        inspect_section(&dump.in, i, "record %d", (int)i);
        inspect_field(&dump.in, i, strata_bytes(bytes, 1), 1, "type", "put");
    }
    inspect_stop(&dump.in, 4, "the check of %s", "record 4"); /* an ending is always shown */
    inspect_end(&dump.in, 4, 9);
    assert_int_equal(dump.in.sections, 4);
    expect(&dump, "record 1 @1\n"
                  "         1  00                       type         put\n"
                  "record 2 @2\n"
                  "         2  00                       type         put\n"
                  "... the sections after the first 2 are checked, not shown\n"
                  "DAMAGE @4: the check of record 4\n"
                  "valid: 4 of 9 bytes\n");
}

static void inspect_stop_and_torn_are_remembered(void **state)
{
    struct dump dump;
    (void)state;
    begin(&dump);
    assert_false(dump.in.damaged || dump.in.torn);
    inspect_torn(&dump.in, 77, "ends inside record %d", 3);
    assert_true(dump.in.torn);
    assert_false(dump.in.damaged);
    inspect_stop(&dump.in, 4294967296, "bad");
    assert_true(dump.in.damaged);
    expect(&dump, "TORN TAIL @77: ends inside record 3\nDAMAGE @4294967296: bad\n");
}

static void inspect_quiet_prints_nothing_and_remembers(void **state)
{
    struct dump dump;
    (void)state;
    begin(&dump);
    dump.in.quiet = true;
    dump.in.limit = 1;
    for (uint64_t i = 0; i < 3; i++) {
        inspect_section(&dump.in, 0, "record");
        inspect_field(&dump.in, 0, strata_bytes(bytes, 20), 20, "f", "x");
    }
    inspect_torn(&dump.in, 1, "torn");
    inspect_stop(&dump.in, 1, "bad");
    inspect_end(&dump.in, 1, 2);
    assert_true(dump.in.damaged && dump.in.torn);
    assert_int_equal(dump.in.sections, 3);
    expect(&dump, "");
}

static void tell_doubled(uint64_t value, char *to, size_t capacity)
{
    snprintf(to, capacity, "twice %d", (int)value / 2);
}

/* A file of 14 bytes: fields of 8, 4 and 2. */
static void inspect_numbers_are_little_endian_and_told_as_wanted(void **state)
{
    static const struct inspect_number layout[] = {{"long", 8, "as it is", NULL},
                                                   {"told", 4, "", tell_doubled},
                                                   {"check", 2, "of all", inspect_opaque}};
    static const uint8_t raw[14] = {1, 2, 0, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0xab, 0xcd};
    struct strata_fs *fs = fs_sim_new();
    struct strata_slice part = strata_bytes(raw, sizeof raw);
    struct strata_error err;
    struct fs_file *file;
    struct dump dump;
    uint64_t at = 0;

    (void)state;
    assert_ok(fs_open(fs, "f", FS_WRITE | FS_CREATE, &file, &err), &err);
    assert_ok(fs_append(file, &part, 1, &err), &err);
    begin(&dump);
    assert_int_equal(inspect_numbers(&dump.in, file, &at, layout, 3, &err), 0);
    assert_int_equal(at, 14);
    assert_int_equal(inspect_numbers(&dump.in, file, &at, layout + 1, 2, &err), INSPECT_END);
    at = 8;
    assert_int_equal(inspect_numbers(&dump.in, file, &at, layout + 1, 1, &err), 0);
    assert_int_equal(inspect_numbers(&dump.in, file, &at, layout, 1, &err), INSPECT_END);
    assert_int_equal(at, 12); /* where it could not go on */
    assert_true(dump.in.damaged);
    expect(&dump, "         0  01 02 00 00 00 00 00 01  long         72057594037928449, as it is\n"
                  "         8  06 00 00 00              told         twice 3\n"
                  "        12  ab cd                    check        of all\n"
                  "DAMAGE @14: the file ends inside told\n"
                  "         8  06 00 00 00              told         twice 3\n"
                  "DAMAGE @12: the file ends inside long\n");
    assert_ok(fs_close(file, &err), &err);
    fs_free(fs);
}

static void inspect_text_escapes_what_cannot_be_printed(void **state)
{
    char text[100];
    (void)state;
    assert_string_equal(inspect_text(strata_string("plain ~"), 50, text, sizeof text), "plain ~");
    assert_string_equal(inspect_text(strata_bytes("a\0\t\x7f\xff\\b", 7), 50, text, sizeof text),
                        "a\\x00\\x09\\x7f\\xff\\x5cb");
    assert_string_equal(inspect_text(strata_bytes(NULL, 0), 50, text, sizeof text), "");
}

static void inspect_text_is_cut_at_its_maximum(void **state)
{
    char text[100];
    (void)state;
    assert_string_equal(inspect_text(strata_string("abcdef"), 6, text, sizeof text), "abcdef");
    assert_string_equal(inspect_text(strata_string("abcdef"), 5, text, sizeof text), "abcde...");
    assert_string_equal(inspect_text(strata_string("abcdef"), 0, text, sizeof text), "...");
}

static void inspect_text_stays_within_its_capacity(void **state)
{
    const struct strata_slice hard = strata_bytes(bytes, 40); /* four bytes of text each */
    char text[64];

    (void)state;
    for (size_t capacity = 1; capacity < 60; capacity++) {
        memset(text, '#', sizeof text);
        inspect_text(hard, 40, text, capacity);
        assert_true(strlen(text) < capacity);
        for (size_t i = capacity; i < sizeof text; i++)
            assert_int_equal(text[i], '#');
        if (capacity > 3) /* what is left out is always told */
            assert_string_equal(text + strlen(text) - 3, "...");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inspect_short_field_is_one_row),
        cmocka_unit_test(inspect_field_of_nine_bytes_takes_a_second_row),
        cmocka_unit_test(inspect_long_field_counts_what_it_leaves_out),
        cmocka_unit_test(inspect_limit_leaves_later_sections_out_and_says_so_once),
        cmocka_unit_test(inspect_stop_and_torn_are_remembered),
        cmocka_unit_test(inspect_quiet_prints_nothing_and_remembers),
        cmocka_unit_test(inspect_numbers_are_little_endian_and_told_as_wanted),
        cmocka_unit_test(inspect_text_escapes_what_cannot_be_printed),
        cmocka_unit_test(inspect_text_is_cut_at_its_maximum),
        cmocka_unit_test(inspect_text_stays_within_its_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
