/* 06_pick_test.c: which tables the next compaction takes: of versions whose tables are only named.
 */
#include "test.h"

#include "06_leveled_compaction/compaction/pick.h"
#include "apply_edit.h"

#include <stdio.h>
#include <string.h>

#define S(text) strata_string(text)

struct entry {
    uint32_t level;
    uint64_t number, bytes, first, last, tombstones;
    const char *smallest, *largest;
};

static struct strata_options options;

/* Level 1 may have 100 bytes, level 2 1000; tables are of 10. */
static struct version *make(const struct entry *entries, size_t count)
{
    struct edit edit = {
        .next = 1000, .has_logs = true, .log_count = 1, .logs = {{999, 900, 77, 900}}};
    struct version *version = NULL;
    struct strata_error err;

    strata_options_init(&options);
    options.level_bytes = 100;
    options.table_bytes = 10;
    for (size_t i = 0; i < count; i++) {
        const struct entry *e = &entries[i];
        struct edit_table t = {.level = e->level,
                               .number = e->number,
                               .bytes = e->bytes,
                               .sum.records = 10,
                               .sum.tombstones = e->tombstones,
                               .sum.first = e->first ? e->first : 1,
                               .sum.last = e->last ? e->last : 1,
                               .smallest = S(e->smallest),
                               .largest = S(e->largest)};
        assert_ok(edit_add(&edit, &t, &err), &err);
    }
    assert_ok(apply_edit(&version, &edit, &err), &err);
    edit_free(&edit);
    return version;
}
#define MAKE(entries) make(entries, sizeof(entries) / sizeof *(entries))

/* "0: 4 3 > 1: 9 8" */
static const char *text_of(const struct pick *pick)
{
    static char text[400];

    snprintf(text, sizeof text, "%s", pick->move ? "move " : "");
    for (unsigned level = 0; level < LEVELS; level++) {
        if (!pick->inputs[level].count)
            continue;
        snprintf(text + strlen(text), sizeof text - strlen(text), "%u:", level);
        for (size_t i = 0; i < pick->inputs[level].count; i++)
            snprintf(text + strlen(text), sizeof text - strlen(text), " %d",
                     (int)pick->inputs[level].tables[i]->number);
        snprintf(text + strlen(text), sizeof text - strlen(text), " ");
    }
    snprintf(text + strlen(text), sizeof text - strlen(text), "> %u", pick->output);
    return text;
}

static void expect(struct version *version, const char *want)
{
    struct strata_error err;
    struct pick pick;
    int rc = pick_compaction(version, &options, &pick, &err);

    if (want) {
        assert_ok(rc, &err);
        assert_string_equal(text_of(&pick), want);
    } else {
        assert_int_equal(rc, STRATA_NOT_FOUND);
    }
    pick_free(&pick);
}

static void pick_targets_are_ten_times_as_large_level_by_level(void **state)
{
    (void)state;
    strata_options_init(&options);
    options.level_bytes = 100;
    assert_int_equal(pick_target(&options, 1), 100);
    assert_int_equal(pick_target(&options, 2), 1000);
    assert_int_equal(pick_target(&options, 5), 1000000);
    options.level_bytes = UINT64_MAX / 3;
    assert_true(pick_target(&options, 6) == UINT64_MAX);
}

static void pick_level_0_is_due_with_four_tables(void **state)
{
    static const struct entry entries[] = {{0, 4, 5, 31, 40, 0, "a", "z"},
                                           {0, 3, 5, 21, 30, 0, "a", "z"},
                                           {0, 2, 5, 11, 20, 0, "a", "z"},
                                           {0, 1, 5, 1, 10, 0, "a", "z"}};
    struct version *three = make(entries + 1, 3), *four = make(entries, 4);

    (void)state;
    expect(three, NULL);
    expect(four, "0: 4 3 2 1 > 1");
    version_unref(three);
    version_unref(four);
}

/* Table 1 overlaps with 3 alone, 3 with 4, and nothing of them with 2. */
static void pick_inputs_of_level_0_are_closed(void **state)
{
    static const struct entry entries[] = {
        {0, 4, 5, 31, 40, 0, "f", "h"}, {0, 3, 5, 21, 30, 0, "c", "g"},
        {0, 2, 5, 11, 20, 0, "x", "z"}, {0, 1, 5, 1, 10, 0, "a", "d"},
        {1, 5, 10, 0, 0, 0, "a", "b"},  {1, 6, 10, 0, 0, 0, "h", "k"},
        {1, 7, 10, 0, 0, 0, "l", "n"},
    };
    struct version *v = MAKE(entries);

    (void)state;
    expect(v, "0: 4 3 1 1: 5 6 > 1");
    version_unref(v);
}

static void pick_level_above_its_target_goes_down_with_what_it_overlaps(void **state)
{
    static const struct entry entries[] = {
        {1, 1, 60, 0, 0, 0, "a", "f"}, {1, 2, 60, 0, 0, 0, "g", "p"}, {2, 3, 10, 0, 0, 0, "a", "b"},
        {2, 4, 10, 0, 0, 0, "f", "f"}, {2, 5, 10, 0, 0, 0, "g", "h"},
    };
    static const struct entry within[] = {{1, 1, 50, 0, 0, 0, "a", "f"},
                                          {1, 2, 50, 0, 0, 0, "g", "p"}};
    struct version *v = MAKE(entries), *w = MAKE(within);

    (void)state;
    expect(v, "1: 1 2: 3 4 > 2");
    expect(w, NULL); /* 100 bytes is what it may have */
    version_unref(v);
    version_unref(w);
}

static void pick_takes_the_level_that_exceeds_its_target_most(void **state)
{
    static const struct entry entries[] = {
        {0, 4, 5, 31, 40, 0, "a", "b"},  {0, 3, 5, 21, 30, 0, "a", "b"},
        {0, 2, 5, 11, 20, 0, "a", "b"},  {0, 1, 5, 1, 10, 0, "a", "b"},
        {1, 5, 250, 0, 0, 0, "a", "f"},  {2, 6, 2400, 0, 0, 0, "g", "p"},
        {6, 7, 9999, 0, 0, 0, "a", "z"}, /* the deepest is never due */
    };
    struct version *v = MAKE(entries);

    (void)state;
    expect(v, "move 1: 5 > 2"); /* 2.5, where level 2 has 2.4 and level 0 has 1 */
    version_unref(v);
}

/* Behind the cursor of the level; behind the last table, the first. */
static void pick_goes_round_the_keys(void **state)
{
    static const struct entry entries[] = {{1, 1, 50, 0, 0, 0, "b", "f"},
                                           {1, 2, 50, 0, 0, 0, "g", "p"},
                                           {1, 3, 50, 0, 0, 0, "q", "r"}};
    static const char *const cursors[][2] = {{"", "move 1: 1 > 2"},  {"a", "move 1: 1 > 2"},
                                             {"f", "move 1: 2 > 2"}, {"c", "move 1: 2 > 2"},
                                             {"p", "move 1: 3 > 2"}, {"r", "move 1: 1 > 2"},
                                             {"z", "move 1: 1 > 2"}};

    (void)state;
    for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) {
        struct version *v = MAKE(entries);
        assert_int_equal(strata_buffer_append(&v->cursors[1], cursors[i][0], strlen(cursors[i][0])),
                         0);
        expect(v, cursors[i][1]);
        version_unref(v);
    }
}

static void pick_moves_what_overlaps_with_nothing(void **state)
{
    struct entry entries[] = {{1, 1, 150, 0, 0, 0, "c", "d"},
                              {2, 2, 10, 0, 0, 0, "a", "b"},
                              {3, 3, 100, 0, 0, 0, "c", "k"}};
    struct version *v = MAKE(entries);

    (void)state;
    expect(v, "move 1: 1 > 2");
    version_unref(v);
    entries[0].tombstones = 9;
    v = MAKE(entries);
    expect(v, "move 1: 1 > 2");
    version_unref(v);
    entries[0].tombstones = 10; /* all of its entries: a merge may drop them */
    v = MAKE(entries);
    expect(v, "1: 1 > 2");
    version_unref(v);
    entries[0].tombstones = 0;
    entries[2].bytes = 101; /* more than ten tables below: the next compaction would be large */
    v = MAKE(entries);
    expect(v, "1: 1 > 2");
    version_unref(v);
    entries[2].bytes = 100;
    entries[1].largest = "c"; /* something to merge it with */
    v = MAKE(entries);
    expect(v, "1: 1 2: 2 > 2");
    version_unref(v);
}

static void expect_everything(const struct entry *entries, size_t count, const char *want)
{
    struct version *v = make(entries, count);
    struct strata_error err;
    struct pick pick;
    int rc = pick_everything(v, &options, &pick, &err);

    assert_code(rc, want ? 0 : STRATA_NOT_FOUND, &err);
    if (want)
        assert_string_equal(text_of(&pick), want);
    pick_free(&pick);
    version_unref(v);
}

static void pick_everything_goes_to_the_deepest_level(void **state)
{
    static const struct entry entries[] = {{0, 4, 5, 31, 40, 0, "a", "b"},
                                           {1, 5, 20, 0, 0, 0, "a", "f"},
                                           {3, 6, 10, 0, 0, 0, "g", "p"},
                                           {3, 7, 10, 0, 0, 0, "q", "r"}};
    static const struct entry deleted[] = {{2, 5, 20, 0, 0, 1, "a", "f"}};
    static const struct entry large[] = {{0, 4, 800, 31, 40, 0, "a", "b"},
                                         {1, 5, 300, 0, 0, 0, "a", "f"}};

    (void)state;
    expect_everything(entries, 4, "0: 4 1: 5 3: 6 7 > 3");
    expect_everything(entries, 1, "0: 4 > 1");
    expect_everything(entries, 0, NULL);
    expect_everything(entries + 2, 2, NULL); /* all there */
    expect_everything(deleted, 1, "2: 5 > 2");
    expect_everything(large, 2, "0: 4 1: 5 > 3"); /* 1100 bytes */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pick_targets_are_ten_times_as_large_level_by_level),
        cmocka_unit_test(pick_level_0_is_due_with_four_tables),
        cmocka_unit_test(pick_inputs_of_level_0_are_closed),
        cmocka_unit_test(pick_level_above_its_target_goes_down_with_what_it_overlaps),
        cmocka_unit_test(pick_takes_the_level_that_exceeds_its_target_most),
        cmocka_unit_test(pick_goes_round_the_keys),
        cmocka_unit_test(pick_moves_what_overlaps_with_nothing),
        cmocka_unit_test(pick_everything_goes_to_the_deepest_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
