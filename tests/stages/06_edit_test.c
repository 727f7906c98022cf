/* 06_edit_test.c: version edits as bytes: what is encoded decodes to the same, and every other run
 * of bytes is refused, or is an edit of its own. */
#include "test.h"

#include "06_leveled_compaction/manifest/edit.h"
#include "base/coding.h"
#include "rng.h"

#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)

/* ---- Edits of all kinds -------------------------------------------------------------------- */

/* Small numbers and large ones. */
static uint64_t number(struct rng *rng)
{
    return rng_next(rng) >> (1 + rng_below(rng, 63));
}

static uint64_t number_below(struct rng *rng, uint64_t bound)
{
    return 1 + rng_next(rng) % (bound - 1);
}

static struct strata_slice key(struct rng *rng)
{
    static uint8_t bytes[256];
    if (!bytes[1])
        rng_fill(rng, bytes, sizeof bytes);
    return strata_bytes(bytes + rng_below(rng, 100), (size_t)rng_below(rng, 100));
}

static void make_table(struct rng *rng, uint64_t next, struct edit_table *t)
{
    struct strata_slice a = key(rng), b = key(rng);
    bool ascend = strata_compare(a, b) <= 0;
    uint64_t m = number(rng), n = number(rng), x = number(rng), y = number(rng);

    *t = (struct edit_table){.level = (uint32_t)rng_below(rng, LEVELS),
                             .number = number_below(rng, next),
                             .bytes = number(rng),
                             .sum.digest = rng_next(rng),
                             .sum.records = m > n ? m : n,
                             .sum.tombstones = m > n ? n : m,
                             .sum.first = x < y ? x : y,
                             .sum.last = x < y ? y : x,
                             .smallest = ascend ? a : b,
                             .largest = ascend ? b : a};
}

static void make_logs(struct rng *rng, struct edit *edit)
{
    edit->has_logs = true;
    edit->log_count = 1 + (uint32_t)rng_below(rng, 2);
    for (uint32_t i = 0; i < edit->log_count; i++) {
        uint64_t x = number(rng), y = number(rng);
        edit->logs[i] = (struct live_log){.number = 1 + i + (i ? edit->logs[0].number : 0),
                                          .first = x < y ? x : y,
                                          .end = number(rng),
                                          .sequence = x < y ? y : x};
    }
}

static void make_edit(struct rng *rng, struct edit *edit)
{
    *edit = (struct edit){.ordinal = number(rng), .next = 10 + number(rng)};
    if (edit->next > CODING_NUMBER_MAX)
        edit->next = CODING_NUMBER_MAX;
    if (rng_below(rng, 2))
        make_logs(rng, edit);
    for (uint64_t n = rng_below(rng, 12); n > 0; n--)
        assert_int_equal(edit_remove(edit, (uint32_t)rng_below(rng, LEVELS),
                                     number_below(rng, edit->next), NULL),
                         0);
    for (uint64_t n = rng_below(rng, 12); n > 0; n--) {
        struct edit_table t;
        make_table(rng, edit->next, &t);
        assert_int_equal(edit_add(edit, &t, NULL), 0);
    }
    for (uint64_t n = rng_below(rng, 9); n > 0; n--)
        edit_set_cursor(edit, (uint32_t)rng_below(rng, LEVELS), key(rng));
}

static void assert_table(const struct edit_table *a, const struct edit_table *b)
{
    assert_int_equal(a->level, b->level);
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal(a->sum.digest, b->sum.digest);
    assert_int_equal(a->sum.records, b->sum.records);
    assert_int_equal(a->sum.tombstones, b->sum.tombstones);
    assert_int_equal(a->sum.first, b->sum.first);
    assert_int_equal(a->sum.last, b->sum.last);
    assert_bytes(a->smallest, b->smallest);
    assert_bytes(a->largest, b->largest);
}

static void assert_logs(const struct edit *a, const struct edit *b)
{
    assert_int_equal(a->has_logs, b->has_logs);
    assert_int_equal(a->log_count, b->log_count);
    for (uint32_t i = 0; i < a->log_count; i++) {
        assert_int_equal(a->logs[i].number, b->logs[i].number);
        assert_int_equal(a->logs[i].first, b->logs[i].first);
        assert_int_equal(a->logs[i].end, b->logs[i].end);
        assert_int_equal(a->logs[i].sequence, b->logs[i].sequence);
    }
}

static void assert_edit(const struct edit *a, const struct edit *b)
{
    assert_int_equal(a->ordinal, b->ordinal);
    assert_int_equal(a->next, b->next);
    assert_logs(a, b);
    assert_int_equal(a->removed_count, b->removed_count);
    assert_int_equal(a->added_count, b->added_count);
    for (size_t i = 0; i < a->removed_count; i++) {
        assert_int_equal(a->removed[i].level, b->removed[i].level);
        assert_int_equal(a->removed[i].number, b->removed[i].number);
    }
    for (size_t i = 0; i < a->added_count; i++)
        assert_table(&a->added[i], &b->added[i]);
    for (size_t i = 0; i < LEVELS; i++) {
        assert_int_equal(a->has_cursor[i], b->has_cursor[i]);
        if (a->has_cursor[i])
            assert_bytes(a->cursors[i], b->cursors[i]);
    }
}

/* A decoder that reads beyond the bytes is seen by ASan: they are on the heap, without more. */
static int decode_copy(struct strata_slice bytes, struct strata_buffer *again, uint64_t *offset)
{
    uint8_t *copy = malloc(bytes.size ? bytes.size : 1);
    struct strata_error err = {.code = 0};
    struct edit edit;
    int rc;

    assert_non_null(copy);
    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    rc = edit_decode(strata_bytes(copy, bytes.size), &edit, &err);
    strata_buffer_clear(again);
    if (rc == 0) {
        assert_int_equal(edit_encode(&edit, again, NULL), 0);
    } else {
        assert_int_equal(err.code, STRATA_ERR_CORRUPT);
        assert_string_equal(err.file, "");
        assert_true(err.offset <= bytes.size);
        *offset = err.offset;
    }
    edit_free(&edit);
    free(copy);
    return rc;
}

/* ---- Tests --------------------------------------------------------------------------------- */

static void edit_decodes_to_what_was_encoded(void **state)
{
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "edit");
    for (int round = 0; round < 1000; round++) {
        struct edit edit, again;
        make_edit(&rng, &edit);
        strata_buffer_clear(&bytes);
        assert_ok(edit_encode(&edit, &bytes, &err), &err);
        assert_ok(edit_decode(strata_buffer_slice(&bytes), &again, &err), &err);
        assert_edit(&edit, &again);
        edit_free(&edit);
        edit_free(&again);
    }
    strata_buffer_free(&bytes);
}

static void edit_of_nothing_is_six_bytes(void **state)
{
    static const uint8_t zeros[6];
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct edit edit = {0};

    (void)state;
    assert_ok(edit_encode(&edit, &bytes, &err), &err);
    assert_bytes(strata_buffer_slice(&bytes), strata_bytes(zeros, sizeof zeros));
    assert_ok(edit_decode(strata_buffer_slice(&bytes), &edit, &err), &err);
    assert_edit(&edit, &(struct edit){0});
    edit_free(&edit);
    strata_buffer_free(&bytes);
}

/* Bytes have one meaning, and a meaning has one form. Cut ones have none. */
static void edit_of_other_bytes_is_refused_or_makes_them_again(void **state)
{
    struct strata_buffer bytes = {0}, again = {0};
    size_t taken = 0, refused = 0;
    struct rng rng;
    uint64_t offset;

    (void)state;
    rng_init_env(&rng, "edit_bytes");
    for (int round = 0; round < (check_quick() ? 20 : 100); round++) {
        struct edit edit;
        make_edit(&rng, &edit);
        strata_buffer_clear(&bytes);
        assert_int_equal(edit_encode(&edit, &bytes, NULL), 0);
        edit_free(&edit);
        for (size_t size = 0; size < bytes.size; size++)
            assert_int_equal(decode_copy(strata_bytes(bytes.data, size), &again, &offset),
                             STRATA_ERR_CORRUPT);
        for (size_t at = 0; at < bytes.size; at++) {
            uint8_t was = bytes.data[at];
            bytes.data[at] ^=
                (uint8_t)(rng_below(&rng, 2) ? 1u << rng_below(&rng, 8) : 1 + rng_below(&rng, 255));
            if (decode_copy(strata_buffer_slice(&bytes), &again, &offset) == 0) {
                assert_bytes(strata_buffer_slice(&again), strata_buffer_slice(&bytes));
                taken++;
            } else {
                refused++;
            }
            bytes.data[at] = was;
        }
        strata_buffer_append(&bytes, "", 1);
        assert_int_equal(decode_copy(strata_buffer_slice(&bytes), &again, &offset),
                         STRATA_ERR_CORRUPT);
    }
    assert_true(taken > 100 && refused > 100);
    strata_buffer_free(&bytes);
    strata_buffer_free(&again);
}

/* Each is right but for one thing, which is told with its place. */
static void edit_that_cannot_be_is_refused(void **state)
{
#define TABLE(middle) "\0\5\0\0\1" middle "\0"
#define SUM "dddddddd\4\1\3\7"
    static const struct {
        const char *words;
        uint64_t offset;
        size_t size;
        const char *bytes;
    } wrong[] = {
        {"longer form", 2, 6, "\x81\0\0\0\0\0"},
        {"two logs", 3, 6, "\1\x9\3\0\0\0"},
        {"never given away", 4, 10, "\1\x9\1\0\0\0\0\0\0\0"},
        {"never given away", 4, 10, "\1\x9\1\x9\0\0\0\0\0\0"},
        {"before it begins", 7, 10, "\1\x9\1\1\5\0\4\0\0\0"},
        {"not in order", 11, 14, "\1\x9\2\2\0\0\0\2\0\0\0\0\0\0"},
        {"never given away", 6, 6, "\1\x9\0\x9\0\0"},
        {"never given away", 15, 15, "\1\x9\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0\0"},
        {"ends early", 15, 15, "\1\x9\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0"},
        {"ends early", 21, 21, "\1\x9\0\0\1\0\5\0dddddddd\4\1\3\7\0"},
        {"no such level", 5, 8, "\1\x9\0\1\7\5\0\0"},
        {"never given away", 6, 8, "\1\x9\0\1\6\x9\0\0"},
        {"no such level", 6, 23, TABLE("\7\5\1" SUM "\0\0")},
        {"never given away", 7, 23, TABLE("\6\5\1" SUM "\0\0")},
        {"more cursors", 6, 22, "\1\x9\0\0\0\x8\0\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0"},
        {"not in order", 10, 10, "\1\x9\0\0\0\2\1\0\1\0"},
        {"no such level", 7, 8, "\1\x9\0\0\0\1\7\0"},
        {"bytes follow", 6, 7, "\1\x9\0\0\0\0\0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_case(i);
        struct strata_error err;
        struct edit edit;
        assert_code(edit_decode(strata_bytes(wrong[i].bytes, wrong[i].size), &edit, &err),
                    STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, wrong[i].words);
        assert_err_offset(&err, wrong[i].offset);
        edit_free(&edit);
    }
}

/* A table whose numbers or keys are no range, a key that is too long. */
static void edit_with_an_impossible_table_is_refused(void **state)
{
    static uint8_t long_key[STRATA_MAX_KEY + 1];
    const struct edit_table good = {.level = 6,
                                    .number = 9,
                                    .sum.records = 3,
                                    .sum.tombstones = 3,
                                    .sum.first = 5,
                                    .sum.last = 5,
                                    .smallest = S("b"),
                                    .largest = strata_bytes(long_key, STRATA_MAX_KEY)};
    struct edit_table tables[8];
    struct strata_buffer bytes = {0}, again = {0};
    uint64_t offset;

    (void)state;
    memset(long_key, 'c', sizeof long_key);
    for (size_t i = 0; i < 8; i++)
        tables[i] = good;
    tables[1].level = LEVELS;
    tables[2].number = 0;
    tables[3].number = 10;
    tables[4].sum.records = 2;
    tables[5].sum.first = 6;
    tables[6].smallest = S("d");
    tables[7].largest.size++;
    for (size_t i = 0; i < 8; i++) {
        struct edit edit = {.next = 10};
        assert_int_equal(edit_add(&edit, &tables[i], NULL), 0);
        strata_buffer_clear(&bytes);
        assert_int_equal(edit_encode(&edit, &bytes, NULL), 0);
        assert_int_equal(decode_copy(strata_buffer_slice(&bytes), &again, &offset),
                         i ? STRATA_ERR_CORRUPT : 0);
        edit_free(&edit);
    }
    strata_buffer_free(&bytes);
    strata_buffer_free(&again);
}

/* Every number of an edit, one above the largest. */
static void edit_with_a_number_near_2_to_64_is_refused(void **state)
{
    struct edit_table table = {
        .number = 2, .sum.records = 1, .smallest = S("a"), .largest = S("b")};
    struct edit edit = {.next = 10, .has_logs = true, .log_count = 1, .logs = {{1, 0, 0, 0}}};
    struct strata_buffer bytes = {0};
    struct strata_error err;

    (void)state;
    assert_int_equal(edit_add(&edit, &table, NULL), 0);
    for (int i = 0; i < 12; i++) {
        struct edit again;
        struct edit_table *t = edit.added;
        struct live_log *log = edit.logs;
        uint64_t *numbers[] = {&edit.ordinal,   &edit.next,         &log->number,  &log->first,
                               &log->end,       &log->sequence,     &t->number,    &t->bytes,
                               &t->sum.records, &t->sum.tombstones, &t->sum.first, &t->sum.last};
        uint64_t was = *numbers[i];
        *numbers[i] = CODING_NUMBER_MAX + 1;
        strata_buffer_clear(&bytes);
        assert_code(edit_encode(&edit, &bytes, &err), STRATA_ERR_INVALID, &err);
        assert_err_says(&err, "too large to be read again");
        assert_code(edit_decode(strata_buffer_slice(&bytes), &again, &err), STRATA_ERR_CORRUPT,
                    &err);
        if (numbers[i] != &log->number && numbers[i] != &t->number)
            assert_err_says(&err, "too large");
        assert_in_range(err.offset, 1, bytes.size);
        edit_free(&again);
        *numbers[i] = was;
    }
    edit_free(&edit);
    strata_buffer_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edit_decodes_to_what_was_encoded),
        cmocka_unit_test(edit_of_nothing_is_six_bytes),
        cmocka_unit_test(edit_of_other_bytes_is_refused_or_makes_them_again),
        cmocka_unit_test(edit_that_cannot_be_is_refused),
        cmocka_unit_test(edit_with_an_impossible_table_is_refused),
        cmocka_unit_test(edit_with_a_number_near_2_to_64_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
