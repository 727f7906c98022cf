/* tsv_test.c: lines of key, tab, value, in pieces cut anywhere. */
#include "test.h"

#include "text/tsv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a decoder tells of a text, as text: "1[k=v] 2[=] 3:4!5" (line:column!fault). */
struct told {
    char text[4000];
    size_t size;
};

static void tell(struct told *told, const struct tsv *tsv, enum tsv_result result)
{
    size_t room = sizeof told->text - told->size;
    if (result == TSV_ENTRY)
        told->size += (size_t)snprintf(
            told->text + told->size, room, "%d[%.*s=%.*s] ", (int)tsv->line, (int)tsv->key.size,
            tsv->key.data ? (const char *)tsv->key.data : "", (int)tsv->value.size,
            tsv->value.data ? (const char *)tsv->value.data : "");
    if (result == TSV_FAULT)
        told->size += (size_t)snprintf(told->text + told->size, room, "%d:%d!%d", (int)tsv->line,
                                       (int)tsv->column, (int)tsv->fault);
}

/* Feeds `text` in pieces of `piece` bytes, each in memory of its own size, so that reading past
 * its end is caught. */
static void decode(enum text_form form, struct strata_slice text, size_t piece, struct told *told)
{
    enum tsv_result result = TSV_MORE;
    struct tsv tsv;

    *told = (struct told){.size = 0};
    tsv_init(&tsv, form);
    while (text.size && result != TSV_FAULT) {
        size_t size = text.size < piece ? text.size : piece;
        uint8_t *copy = malloc(size);
        struct strata_slice input = {copy, size};
        assert_non_null(copy);
        memcpy(copy, text.data, size);
        do {
            result = tsv_feed(&tsv, &input);
            tell(told, &tsv, result);
        } while (result == TSV_ENTRY);
        if (result == TSV_MORE)
            assert_int_equal(input.size, 0);
        free(copy);
        text = strata_bytes(text.data + size, text.size - size);
    }
    if (result != TSV_FAULT) {
        result = tsv_finish(&tsv);
        tell(told, &tsv, result);
        if (result == TSV_ENTRY)
            assert_int_equal(tsv_finish(&tsv), TSV_MORE);
    }
    tsv_free(&tsv);
}

static void expect(enum text_form form, const char *text, const char *wanted)
{
    for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
        struct told told;
        decode(form, strata_string(text), piece, &told);
        assert_string_equal(told.text, wanted);
    }
}

static void tsv_lines_are_entries(void **state)
{
    (void)state;
    expect(TEXT_ESCAPED, "", "");
    expect(TEXT_ESCAPED, "a\t1\nb\t2\n", "1[a=1] 2[b=2] ");
    expect(TEXT_ESCAPED, "a\t1\nb\t2", "1[a=1] 2[b=2] ");
    expect(TEXT_ESCAPED, "\t\n\tv\nk\t\n\t", "1[=] 2[=v] 3[k=] 4[=] ");
    expect(TEXT_ESCAPED, "\\x61\\\\\\t\t\\n\\r\n", "1[a\\\t=\n\r] ");
    expect(TEXT_HEX, "61\t6263\n\t\n", "1[a=bc] 2[=] ");
}

static void tsv_fault_names_line_and_column(void **state)
{
    (void)state;
    expect(TEXT_ESCAPED, "a\t1\n\nb\t2\n", "1[a=1] 2:1!5");
    expect(TEXT_ESCAPED, "a\t1\nkey", "1[a=1] 2:4!5");
    expect(TEXT_ESCAPED, "a\t1\nk\\y\tv\n", "1[a=1] 2:2!1");
    expect(TEXT_ESCAPED, "kk\tv\\xz1\n", "1:7!2");
    expect(TEXT_ESCAPED, "kk\tv\\x\n", "1:5!3");
    expect(TEXT_ESCAPED, "kk\\x1\tv\n", "1:3!3");
    expect(TEXT_ESCAPED, "kk\tv\\", "1:5!3");
    expect(TEXT_ESCAPED, "k\tv\r\n", "1:4!6");
    expect(TEXT_ESCAPED, "\r\n", "1:1!6");
    expect(TEXT_ESCAPED, "a\t1\nb\tc\td\n", "1[a=1] 2:4!41");
    expect(TEXT_ESCAPED, "a\t\t\n", "1:3!41");
    expect(TEXT_HEX, "6\t62\n", "1:1!40");
    expect(TEXT_HEX, "61\t6\n", "1:4!40");
    expect(TEXT_HEX, "61\t6x\n", "1:5!2");
}

static void tsv_key_beyond_the_limit_is_a_fault(void **state)
{
    size_t size = STRATA_MAX_KEY + 1;
    char *text = malloc(size + 2);
    struct told told;

    (void)state;
    assert_non_null(text);
    memset(text, 'k', size);
    memcpy(text + size, "\tv", 2);
    for (size_t piece = 1; piece <= size + 2; piece = piece * 7 + 1) {
        decode(TEXT_ESCAPED, strata_bytes(text, size + 2), piece, &told);
        assert_string_equal(told.text, "1:65537!4");
    }
    text[size - 1] = '\t'; /* one less: the longest key */
    decode(TEXT_ESCAPED, strata_bytes(text, size), 4096, &told);
    assert_memory_equal(told.text, "1[kkkk", 6);
    free(text);
}

/* Any bytes in any pieces tell the same. */
static void tsv_random_bytes_tell_the_same_in_any_pieces(void **state)
{
    static const uint8_t odd[] = "\t\t\n\n\\xtnr0aF\r";
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : 20261;

    (void)state;
    printf("# SEED=%u\n", seed);
    srand(seed);
    for (int i = 0; i < 3000; i++) {
        uint8_t bytes[60];
        struct told whole, pieces;
        size_t size = (size_t)rand() % sizeof bytes;
        for (size_t k = 0; k < size; k++)
            bytes[k] =
                rand() % 8 ? odd[(size_t)rand() % (sizeof odd - 1)] : (uint8_t)(1 + rand() % 255);
        decode((enum text_form)(i % 2), strata_bytes(bytes, size), sizeof bytes, &whole);
        decode((enum text_form)(i % 2), strata_bytes(bytes, size), 1 + (size_t)rand() % 5, &pieces);
        assert_string_equal(whole.text, pieces.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tsv_lines_are_entries),
        cmocka_unit_test(tsv_fault_names_line_and_column),
        cmocka_unit_test(tsv_key_beyond_the_limit_is_a_fault),
        cmocka_unit_test(tsv_random_bytes_tell_the_same_in_any_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
