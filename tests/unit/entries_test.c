/* entries_test.c: what holds in every format: any bytes come back, in pieces cut anywhere; any
 * text at all tells the same however it is cut; the format is known by a name. */
#include "rng.h"
#include "told.h"
#include "test.h"

#include <string.h>

/* Bytes that mean something in one of the formats, more often than others. */
static size_t odd_bytes(struct rng *rng, uint8_t *to, size_t most)
{
    static const uint8_t odd[] =
        "\t\t\n\r\r\n\\xtnr0aF\",,\"\"{}:=/+ \xef\xbb\xbf\xc3\xa9\xe2\xc2\x9b"
        "\xf0\x9f\x98\x80\xed\xa0key_b64value\\u00d8";
    size_t size = (size_t)rng_below(rng, most + 1);
    uint64_t kind = rng_below(rng, 3);

    for (size_t i = 0; i < size; i++)
        to[i] = kind && rng_below(rng, 8) ? odd[rng_below(rng, sizeof odd - 1)]
                                          : (uint8_t)rng_below(rng, 256);
    return size;
}

#define ENTRIES 20

static void expect_back(enum entries_format format, enum text_form form, struct strata_slice text,
                        size_t piece, const struct strata_op *wanted)
{
    struct entries entries;
    size_t found = 0;

    entries_init(&entries, format, form);
    while (text.size) {
        size_t size = text.size < piece ? text.size : piece;
        struct strata_slice input = strata_bytes(text.data, size);
        enum entries_result result;
        text = strata_bytes(text.data + size, text.size - size);
        while ((result = entries_feed(&entries, &input)) == ENTRIES_ENTRY) {
            assert_true(found < ENTRIES);
            assert_int_equal(strata_compare(entries.key, wanted[found].key), 0);
            assert_int_equal(strata_compare(entries.value, wanted[found].value), 0);
            found++;
        }
        assert_int_equal(result, ENTRIES_MORE);
    }
    assert_int_equal(found, ENTRIES);
    assert_int_equal(entries_finish(&entries), ENTRIES_MORE);
    entries_free(&entries);
}

static void entries_any_bytes_come_back(void **state)
{
    uint8_t bytes[ENTRIES][2][24];
    struct strata_op ops[ENTRIES];
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "entries_any_bytes_come_back");
    for (int i = 0; i < 600; i++) {
        struct strata_buffer text = {0};
        struct text_sink sink = told_sink(&text);
        enum entries_format format = (enum entries_format)(i % ENTRIES_FORMATS);
        enum text_form form = i % 7 ? TEXT_ESCAPED : TEXT_HEX;
        assert_true(entries_put_head(&sink, format));
        for (int k = 0; k < ENTRIES; k++) {
            ops[k].key = strata_bytes(bytes[k][0], odd_bytes(&rng, bytes[k][0], 24));
            ops[k].value = strata_bytes(bytes[k][1], odd_bytes(&rng, bytes[k][1], 24));
            assert_true(entries_put(&sink, format, form, ops[k].key, ops[k].value));
        }
        assert_true(entries_put_tail(&sink, format));
        expect_back(format, form, strata_buffer_slice(&text), text.size, ops);
        expect_back(format, form, strata_buffer_slice(&text), 1 + rng_below(&rng, 9), ops);
        strata_buffer_free(&text);
    }
}

/* Every byte alone and beside every other. */
static void entries_every_pair_of_bytes_comes_back(void **state)
{
    (void)state;
    for (int format = 0; format < ENTRIES_FORMATS; format++)
        for (int first = 0; first < 256; first++) {
            struct strata_buffer text = {0};
            struct text_sink sink = told_sink(&text);
            struct entries entries;
            struct strata_slice input;
            assert_true(entries_put_head(&sink, (enum entries_format)format));
            for (int second = 0; second < 256; second++) {
                uint8_t pair[2] = {(uint8_t)first, (uint8_t)second};
                assert_true(entries_put(&sink, (enum entries_format)format, TEXT_ESCAPED,
                                        strata_bytes(pair, 1), strata_bytes(pair, 2)));
            }
            entries_init(&entries, (enum entries_format)format, TEXT_ESCAPED);
            input = strata_buffer_slice(&text);
            for (int second = 0; second < 256; second++) {
                assert_int_equal(entries_feed(&entries, &input), ENTRIES_ENTRY);
                assert_int_equal(entries.key.size, 1);
                assert_int_equal(entries.value.size, 2);
                assert_int_equal(entries.key.data[0], first);
                assert_int_equal(entries.value.data[0], first);
                assert_int_equal(entries.value.data[1], second);
            }
            assert_int_equal(input.size, 0);
            entries_free(&entries);
            strata_buffer_free(&text);
        }
}

static void entries_random_text_tells_the_same_in_any_pieces(void **state)
{
    static const struct {
        enum entries_format format;
        const char *text;
    } seeds[] = {
        {ENTRIES_JSONL, "{\"key\":\"a\\u00e9\",\"value_b64\":\"YWI=\"}\n"},
        {ENTRIES_CSV, "a,\"b\"\"c\"\n\\x61,\r\n"},
        {ENTRIES_TSV, "a\tb\\x61\n"},
        {ENTRIES_MDB, "VERSION=3\ntype=hash\nHEADER=END\n 6a\n \nDATA=END\n"},
        {ENTRIES_MDB, "VERSION=3\nformat=print\nHEADER=END\n \\6a\n \\\\\n"},
    };
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "entries_random_text");
    for (int i = 0; i < 8000; i++) {
        uint8_t bytes[90];
        const char *seed = seeds[i % 5].text;
        size_t size = strlen(seed);
        enum entries_format format =
            i % 2 ? seeds[i % 5].format : (enum entries_format)(i / 2 % ENTRIES_FORMATS);
        memcpy(bytes, seed, size);
        for (int k = (int)rng_below(&rng, 4); k > 0; k--)
            odd_bytes(&rng, bytes + rng_below(&rng, size), 1);
        size += odd_bytes(&rng, bytes + size, sizeof bytes - size);
        told_of(format, (enum text_form)(i % 7 == 0), strata_bytes(bytes, size));
    }
}

static void expect_skips(enum entries_format format, const char *text, const char *wanted)
{
    const struct told_how how = {.skip = true};
    assert_string_equal(told_of_how(format, strata_string(text), &how), wanted);
}

static void entries_fault_can_be_skipped(void **state)
{
    (void)state;
    expect_skips(ENTRIES_TSV, "a\t1\nbad\nb\t\\q2\t3\nc\t\r4\n\nd\t5\nbad",
                 "1[a=1] 2:4!5 3:3!1 4:3!6 5:1!5 6[d=5] 7:4!5 ");
    expect_skips(ENTRIES_CSV, "a,1\nbad\nb,2,3,\"4\nc,\"x\"y\nd,5\ne\r,6\nf,\"7\n8\"\n\xe9,\n",
                 "1[a=1] 2:4!8 3:4!9 4:6!11 5[d=5] 6:2!13 7[f=7\n8] 9[\xe9=] ");
    expect_skips(ENTRIES_JSONL,
                 "{\"key\":\"a\",\"value\":\"1\"}\nbad\n{\"key\":\"\n{\"key\":\"\\ud800\xc3\"}\n"
                 "{\"key\":\"\xc3\n{\"key\":\"b\",\"value\":\"\xc3\xa9\"}\n",
                 "1[a=1] 2:1!15 3:9!25 4:9!18 5:9!20 6[b=\xc3\xa9] ");
}

static void entries_fault_without_an_end_cannot_be_skipped(void **state)
{
    (void)state;
    expect_skips(ENTRIES_CSV, "a,1\nb,\"2\nc,3\n", "1[a=1] 2:3!12");
    expect_skips(ENTRIES_MDB, "VERSION=3\nHEADER=END\n 6\n", "3:2!40");
}

static void entries_byte_order_mark_is_dropped(void **state)
{
    (void)state;
    assert_string_equal(told_of(ENTRIES_TSV, TEXT_ESCAPED, strata_string(TEXT_MARK "a\t1\nb\n")),
                        "1[a=1] 2:2!5");
    assert_string_equal(told_of(ENTRIES_TSV, TEXT_ESCAPED, strata_string(TEXT_MARK "a\n")),
                        "1:5!5");
    assert_string_equal(told_of(ENTRIES_TSV, TEXT_ESCAPED, strata_string(TEXT_MARK TEXT_MARK "\t")),
                        "1[" TEXT_MARK "=] ");
    assert_string_equal(told_of(ENTRIES_TSV, TEXT_ESCAPED, strata_string("\xef\xbb\t1")),
                        "1[\xef\xbb=1] ");
    assert_string_equal(
        told_of(ENTRIES_JSONL, TEXT_ESCAPED,
                strata_string(TEXT_MARK "{\"key\":\"\",\"value\":\"" TEXT_MARK "\"}")),
        "1[=" TEXT_MARK "] ");
    assert_string_equal(
        told_of(ENTRIES_MDB, TEXT_ESCAPED,
                strata_string(TEXT_MARK "VERSION=3\nHEADER=END\n 61\n 62\nDATA=END\n")),
        "3[a=b] ");
}

/* A key of such bytes comes back, though it stands where a mark would. */
static void entries_key_like_a_byte_order_mark_comes_back(void **state)
{
    const struct strata_slice key = strata_string(TEXT_MARK "a"), value = strata_string("1");

    (void)state;
    for (int format = 0; format < ENTRIES_FORMATS; format++) {
        struct strata_buffer text = {0};
        struct text_sink sink = told_sink(&text);
        assert_true(entries_put_head(&sink, (enum entries_format)format));
        assert_true(entries_put(&sink, (enum entries_format)format, TEXT_ESCAPED, key, value));
        assert_true(entries_put_tail(&sink, (enum entries_format)format));
        assert_non_null(
            strstr(told_of((enum entries_format)format, TEXT_ESCAPED, strata_buffer_slice(&text)),
                   "[" TEXT_MARK "a=1] "));
        strata_buffer_free(&text);
    }
}

static void entries_format_is_known_by_its_name(void **state)
{
    enum entries_format format = ENTRIES_FORMATS;

    (void)state;
    assert_true(entries_format_named("csv", &format));
    assert_int_equal(format, ENTRIES_CSV);
    assert_true(entries_format_of_file("a.b/x.y.ndjson", &format));
    assert_int_equal(format, ENTRIES_JSONL);
    assert_true(entries_format_of_file(".tsv", &format));
    assert_int_equal(format, ENTRIES_TSV);
    assert_false(entries_format_named("CSV", &format));
    assert_false(entries_format_of_file("csv", &format));
    assert_false(entries_format_of_file("a.csv/x", &format));
    assert_false(entries_format_of_file("-", &format));
    for (int i = 0; i < ENTRIES_FORMATS; i++) {
        assert_true(entries_format_named(entries_format_name((enum entries_format)i), &format));
        assert_int_equal(format, i);
    }
}

/* A sink that takes `left` pieces more. */
static bool take_some(void *arg, struct strata_slice text)
{
    int *left = arg;
    (void)text;
    return (*left)-- > 0;
}

static void entries_writer_ends_where_its_sink_does(void **state)
{
    static const uint8_t key[] = "a\"\n\x01", value[] = "\xff\xfe";

    (void)state;
    for (int format = 0; format < ENTRIES_FORMATS; format++) {
        int most = 0, left;
        struct text_sink sink = {take_some, &left};
        do {
            left = most++;
        } while (!entries_put(&sink, (enum entries_format)format, TEXT_ESCAPED,
                              strata_bytes(key, 4), strata_bytes(value, 2)) &&
                 most < 100);
        assert_in_range(most, 3, 99);
        assert_int_equal(left, 0); /* nothing was written after a refusal */
        left = 0;
        assert_int_equal(entries_put_head(&sink, (enum entries_format)format),
                         format != ENTRIES_MDB);
        assert_int_equal(entries_put_tail(&sink, (enum entries_format)format),
                         format != ENTRIES_MDB);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_any_bytes_come_back),
        cmocka_unit_test(entries_every_pair_of_bytes_comes_back),
        cmocka_unit_test(entries_random_text_tells_the_same_in_any_pieces),
        cmocka_unit_test(entries_fault_can_be_skipped),
        cmocka_unit_test(entries_fault_without_an_end_cannot_be_skipped),
        cmocka_unit_test(entries_byte_order_mark_is_dropped),
        cmocka_unit_test(entries_key_like_a_byte_order_mark_comes_back),
        cmocka_unit_test(entries_format_is_known_by_its_name),
        cmocka_unit_test(entries_writer_ends_where_its_sink_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
