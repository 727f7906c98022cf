/* 06_version_test.c: which edit can follow on which: the version that is made says the same as one
 * that compares everything with everything, of edits that are right and of those that are not
 * quite. */
#include "test.h"

#include "../crash/allocations.h"
#include "06_leveled_compaction/version/version.h"
#include "base/cost.h"
#include "rng.h"
#include "apply_edit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define S(text) strata_string(text)

/* ---- Some edits by hand -------------------------------------------------------------------- */

static const struct live_log log_1 = {1, 100, 77, 100};

static struct edit_table table(uint32_t level, uint64_t number, uint64_t first, uint64_t last,
                               const char *smallest, const char *largest)
{
    return (struct edit_table){.level = level,
                               .number = number,
                               .bytes = 10 * number,
                               .sum.records = 3,
                               .sum.first = first,
                               .sum.last = last,
                               .smallest = S(smallest),
                               .largest = S(largest)};
}

/* L0: 5, 4 (the newest first); L1: 2 [c..e], 3 [g..k]; L2: 6 [d..h]. Log 1 begins at 100. */
static void begin(struct version **version)
{
    const struct edit_table tables[] = {table(0, 4, 60, 79, "a", "z"), table(1, 3, 1, 20, "g", "k"),
                                        table(0, 5, 80, 99, "b", "f"), table(2, 6, 1, 9, "d", "h"),
                                        table(1, 2, 1, 30, "c", "e")};
    struct edit edit = {.next = 20, .has_logs = true, .logs = {log_1}, .log_count = 1};
    struct strata_error err;

    *version = NULL;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(edit_add(&edit, &tables[i], NULL), 0);
    edit_set_cursor(&edit, 1, S("e"));
    assert_ok(apply_edit(version, &edit, &err), &err);
    edit_free(&edit);
}

/* The edit is refused, or not if `words` is NULL. */
static void follow(struct edit edit, const char *words)
{
    struct strata_error err;
    struct version *version;

    begin(&version);
    if (words) {
        assert_code(apply_edit(&version, &edit, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, words);
        assert_string_equal(err.file, ""); /* the manifest says where */
    } else {
        assert_ok(apply_edit(&version, &edit, &err), &err);
    }
    version_unref(version);
    edit_free(&edit);
}

static void follow_with(struct edit_table t, const char *words)
{
    struct edit edit = {.next = 20};
    assert_int_equal(edit_add(&edit, &t, NULL), 0);
    follow(edit, words);
}

static void version_keeps_levels_in_order(void **state)
{
    static const uint64_t numbers[3][2] = {{5, 4}, {2, 3}, {6, 0}};
    struct version *v;

    (void)state;
    begin(&v);
    for (unsigned level = 0; level < 3; level++) {
        assert_int_equal(v->levels[level].count, level < 2 ? 2 : 1);
        for (size_t i = 0; i < v->levels[level].count; i++) {
            assert_int_equal(v->levels[level].tables[i]->number, numbers[level][i]);
            assert_ptr_equal(version_table(v, numbers[level][i]), v->levels[level].tables[i]);
        }
    }
    assert_null(version_table(v, 7));
    assert_int_equal(v->count, 5);
    assert_int_equal(v->levels[1].bytes, 50);
    assert_int_equal(version_find(&v->levels[1], S("e")), 0);
    assert_int_equal(version_find(&v->levels[1], S("f")), 1);
    assert_int_equal(version_find(&v->levels[1], S("l")), 2);
    version_unref(v);
}

static void version_refuses_a_file_twice(void **state)
{
    struct edit edit = {.next = 20};
    struct edit_table t = table(3, 9, 1, 5, "a", "b"), u = table(3, 9, 1, 5, "c", "d");

    (void)state;
    follow_with(table(3, 6, 1, 5, "a", "b"), "was there");
    follow_with(table(3, 20, 1, 5, "a", "b"), "not given away");
    follow_with(table(3, 1, 1, 5, "a", "b"), "a table and a log");
    assert_int_equal(edit_add(&edit, &t, NULL), 0);
    assert_int_equal(edit_add(&edit, &u, NULL), 0);
    follow(edit, "was there");
    follow((struct edit){.next = 19}, "given away");
    follow((struct edit){.next = 20}, NULL);
    edit = (struct edit){.next = 20, .has_logs = true, .logs = {{6, 100, 0, 100}}, .log_count = 1};
    follow(edit, "a table and a log");
}

static void version_refuses_what_is_removed_elsewhere_or_twice(void **state)
{
    struct edit edit = {.next = 20};

    (void)state;
    assert_int_equal(edit_remove(&edit, 2, 3, NULL), 0);
    follow(edit, "not on that level");
    edit = (struct edit){.next = 20};
    assert_int_equal(edit_remove(&edit, 1, 3, NULL), 0);
    assert_int_equal(edit_remove(&edit, 1, 3, NULL), 0);
    follow(edit, "not on that level");
}

static void version_refuses_an_overlap(void **state)
{
    static const char *const ranges[][2] = {{"a", "c"}, {"e", "f"}, {"d", "d"}, {"a", "z"},
                                            {"k", "k"}, {"f", "g"}, {"c", "e"}};
    static const char *const apart[][2] = {{"a", "b"}, {"f", "f"}, {"kk", "z"}, {"", ""}};

    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        follow_with(table(1, 9, 1, 5, ranges[i][0], ranges[i][1]), "overlaps");
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        follow_with(table(1, 9, 1, 5, apart[i][0], apart[i][1]), NULL);
    follow_with(table(0, 9, 79, 79, "a", "b"), "overlaps"); /* in age: it is older and newer */
    follow_with(table(0, 9, 50, 90, "a", "b"), "overlaps");
    follow_with(table(0, 9, 1, 60, "a", "b"), "overlaps");
    follow_with(table(0, 9, 1, 59, "a", "b"), NULL);
}

static void version_refuses_a_table_that_cannot_be(void **state)
{
    struct edit_table right = table(1, 9, 1, 5, "l", "m"), t;

    (void)state;
    follow_with(right, NULL);
    t = right;
    t.number = 0;
    follow_with(t, "not given away");
    t = right;
    t.sum.records = 0;
    follow_with(t, "no table can be so");
    t = right;
    t.sum.tombstones = 4;
    follow_with(t, "no table can be so");
    t = right;
    t.sum.first = 6;
    follow_with(t, "no table can be so");
    t = right;
    t.smallest = S("n");
    follow_with(t, "no table can be so");
}

static void version_refuses_logs_that_cannot_be(void **state)
{
    struct edit edit = {.next = 20, .has_logs = true, .logs = {log_1}};
    struct version *none = NULL;
    struct strata_error err;

    (void)state;
    for (edit.log_count = 0; edit.log_count < 4; edit.log_count += 3)
        follow(edit, "so many logs");
    edit.log_count = 1;
    edit.logs[0].number = 0;
    follow(edit, "no log can be so");
    edit.logs[0].number = 20;
    follow(edit, "no log can be so");
    edit = (struct edit){.next = 20};
    assert_code(apply_edit(&none, &edit, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "there is no log");
    assert_null(none);
}

/* Each thing that a version says counts. */
static void version_differs_in_whatever_it_says(void **state)
{
    struct version *a, *b;

    (void)state;
    begin(&a);
    begin(&b);
    assert_true(version_same(a, b));
#define DIFFERS(what, is, was)                                                                     \
    do {                                                                                           \
        what = (is);                                                                               \
        assert_false(version_same(a, b));                                                          \
        what = (was);                                                                              \
        assert_true(version_same(a, b));                                                           \
    } while (0)
    for (unsigned level = 0; level < 3; level++) {
        struct sstable *t = b->levels[level].tables[0];
        const struct sstable *kept = a->levels[level].tables[0];
        DIFFERS(t->number, 19, kept->number);
        DIFFERS(t->bytes, 1, kept->bytes);
        DIFFERS(t->sum.digest, 1, kept->sum.digest);
        DIFFERS(t->sum.records, 4, kept->sum.records);
        DIFFERS(t->sum.tombstones, 1, kept->sum.tombstones);
        DIFFERS(t->sum.first, 0, kept->sum.first);
        DIFFERS(t->sum.last, 98, kept->sum.last);
        DIFFERS(t->smallest.data[0], '?', kept->smallest.data[0]);
        DIFFERS(t->largest.data[0], '?', kept->largest.data[0]);
        DIFFERS(b->levels[level].count, 0, a->levels[level].count);
    }
    DIFFERS(b->cursors[1].size, 0, 1);
    DIFFERS(b->log_count, 2, 1);
    DIFFERS(b->logs[0].number, 2, 1);
    DIFFERS(b->logs[0].first, 101, 100);
    DIFFERS(b->logs[0].end, 78, 77);
    DIFFERS(b->logs[0].sequence, 101, 100);
#undef DIFFERS
    version_unref(a);
    version_unref(b);
}

static void version_moves_a_table_by_one_edit(void **state)
{
    struct edit edit = {.next = 20};
    struct edit_table t = table(3, 2, 1, 30, "c", "e");

    (void)state;
    assert_int_equal(edit_remove(&edit, 1, 2, NULL), 0);
    assert_int_equal(edit_add(&edit, &t, NULL), 0);
    follow(edit, NULL);
}

static void version_refuses_a_sequence_that_goes_back(void **state)
{
    struct edit edit = {.next = 20, .has_logs = true, .log_count = 2};

    (void)state;
    follow_with(table(0, 9, 100, 100, "a", "b"), "in the log too");
    edit.logs[0] = log_1;
    edit.logs[1] = (struct live_log){9, 100, 77, 100};
    follow(edit, NULL);
    edit.logs[1].first = 99;
    follow(edit, "does not begin where");
    edit.logs[1] = (struct live_log){1, 100, 77, 100};
    follow(edit, "does not begin where");
    edit.log_count = 1;
    edit.logs[0] = (struct live_log){9, 99, 77, 100};
    follow(edit, "older than the one before");
    edit.logs[0] = (struct live_log){9, 101, 77, 100};
    follow(edit, "no log can be so");
}

/* ---- All of them, against one that compares everything ------------------------------------- */

struct plain {
    struct edit_table tables[200];
    size_t count;
    struct live_log logs[2];
    uint32_t log_count;
    uint64_t next;
};

static bool apart(const struct edit_table *a, const struct edit_table *b)
{
    if (a->level != b->level)
        return true;
    if (a->level == 0)
        return a->sum.first > b->sum.last || b->sum.first > a->sum.last;
    return strata_compare(a->largest, b->smallest) < 0 ||
           strata_compare(b->largest, a->smallest) < 0;
}

static bool plain_remove(struct plain *p, const struct edit_removed *removed)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->tables[i].number == removed->number && p->tables[i].level == removed->level) {
            p->tables[i] = p->tables[--p->count];
            return true;
        }
    return false;
}

static bool plain_add(struct plain *p, const struct edit_table *t)
{
    bool right = t->number > 0 && t->number < p->next && t->sum.first <= t->sum.last &&
                 t->sum.records > 0 && t->sum.tombstones <= t->sum.records &&
                 strata_compare(t->smallest, t->largest) <= 0;

    for (size_t i = 0; i < p->count; i++)
        right = right && p->tables[i].number != t->number && apart(&p->tables[i], t);
    p->tables[p->count++] = *t;
    return right;
}

static bool plain_logs(const struct plain *old, const struct edit *edit)
{
    bool right = !old->log_count || edit->logs[0].first >= old->logs[0].first;

    for (uint32_t i = 0; i < edit->log_count; i++)
        right = right && edit->logs[i].number > 0 && edit->logs[i].number < edit->next &&
                edit->logs[i].first <= edit->logs[i].sequence;
    return right && (edit->log_count < 2 || (edit->logs[0].number != edit->logs[1].number &&
                                             edit->logs[1].first == edit->logs[0].sequence));
}

static bool plain_apply(struct plain *p, const struct edit *edit)
{
    bool right = edit->next >= p->next;

    p->next = edit->next;
    for (size_t i = 0; i < edit->removed_count; i++)
        right = right && plain_remove(p, &edit->removed[i]);
    for (size_t i = 0; i < edit->added_count; i++)
        right = right && plain_add(p, &edit->added[i]);
    if (edit->has_logs) {
        right = right && plain_logs(p, edit);
        memcpy(p->logs, edit->logs, sizeof p->logs);
        p->log_count = edit->log_count;
    }
    right = right && p->log_count > 0;
    for (uint32_t i = 0; right && i < p->log_count; i++)
        for (size_t j = 0; j < p->count; j++)
            right = right && p->tables[j].number != p->logs[i].number;
    for (size_t i = 0; right && i < edit->added_count; i++)
        right = edit->added[i].sum.last < p->logs[0].first;
    return right;
}

/* A likely one; of ten one is wrong in some way, or so it happens. */
static struct edit_table any_table(struct rng *rng, const struct plain *p)
{
    static const char keys[] = "abcdefghijklmnopqrstuvwxyz";
    size_t a = (size_t)rng_below(rng, 26), b = a + (size_t)rng_below(rng, 26 - a) / 6;
    uint64_t first = 2 * p->next + rng_below(rng, 4);

    return (struct edit_table){
        .level = (uint32_t)rng_below(rng, 4),
        .number = p->next - (rng_below(rng, 20) ? 0 : rng_below(rng, p->next)),
        .bytes = rng_below(rng, 1000),
        .sum.records = rng_below(rng, 40),
        .sum.tombstones = rng_below(rng, 2),
        .sum.first = first - (rng_below(rng, 20) ? 0 : rng_below(rng, 8)),
        .sum.last = first + rng_below(rng, 2),
        .smallest = strata_bytes(keys + (rng_below(rng, 30) ? a : b), 1),
        .largest = strata_bytes(keys + (rng_below(rng, 30) ? b : a), 1),
    };
}

static void any_edit(struct rng *rng, const struct plain *p, struct edit *edit)
{
    uint64_t first = 2 * p->next + 6;

    *edit = (struct edit){.next = p->next + (rng_below(rng, 20) ? 1 : 0)};
    for (uint64_t n = rng_below(rng, 3); n > 0 && p->count; n--) {
        const struct edit_table *t = &p->tables[rng_below(rng, p->count)];
        uint32_t level = rng_below(rng, 20) ? t->level : (uint32_t)rng_below(rng, 4);
        assert_int_equal(edit_remove(edit, level, t->number, NULL), 0);
    }
    for (uint64_t n = rng_below(rng, 8) ? 1 : rng_below(rng, 6); n > 0; n--) {
        struct edit_table t = any_table(rng, p);
        assert_int_equal(edit_add(edit, &t, NULL), 0);
    }
    edit->has_logs = rng_below(rng, 20) > 0;
    edit->log_count = edit->has_logs ? 1 + (uint32_t)rng_below(rng, 2) : 0;
    edit->logs[0] = (struct live_log){1, first, 0, first + rng_below(rng, 2)};
    edit->logs[1] =
        (struct live_log){2 + rng_below(rng, 3), first + rng_below(rng, 2), 0, first + 9};
    if (!rng_below(rng, 20))
        edit->logs[0].number = rng_below(rng, edit->next);
}

/* As one edit it makes itself; and it has what the plain one has. */
static void assert_version(const struct version *v, const struct plain *p)
{
    struct version *again = NULL;
    struct strata_error err;
    struct edit whole;
    size_t count = 0;

    assert_ok(version_tell(v, &whole, &err), &err);
    assert_ok(apply_edit(&again, &whole, &err), &err);
    assert_true(version_same(v, again));
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < v->levels[level].count; i++, count++) {
            struct sstable *const *at = &v->levels[level].tables[i];
            struct edit_table t = version_edit_table(level, *at);
            size_t j = 0;
            while (j < p->count && p->tables[j].number != t.number)
                j++;
            assert_true(j < p->count);
            assert_int_equal(p->tables[j].level, level);
            assert_true(version_is(*at, &p->tables[j]));
            assert_ptr_equal(version_table(v, t.number), *at);
            assert_true(level == 0 || i == 0 ||
                        strata_compare(strata_buffer_slice(&at[-1]->largest), t.smallest) < 0);
            assert_true(level > 0 || i == 0 || at[-1]->sum.first > t.sum.last);
        }
    assert_int_equal(count, p->count);
    assert_int_equal(v->count, p->count);
    assert_int_equal(v->next, p->next);
    version_unref(again);
    edit_free(&whole);
}

/* Whether it was taken; if not, both are as they were. */
static bool follow_both(struct version **v, struct plain *p, const struct edit *edit)
{
    struct plain before = *p;
    struct version *old = *v;
    struct strata_error err;
    bool right = plain_apply(p, edit);

    assert_code(apply_edit(v, edit, &err), right ? 0 : STRATA_ERR_CORRUPT, &err);
    if (!right) {
        assert_ptr_equal(*v, old);
        *p = before;
    }
    if (*v)
        assert_version(*v, p);
    return right;
}

/* What the builder makes of all edits together. */
static void assert_built(struct version_builder *builder, const struct version *v)
{
    struct version *built;
    struct strata_error err;

    assert_ok(version_builder_finish(builder, &built, &err), &err);
    assert_true(version_same(built, v));
    assert_ok(version_check(built, &err), &err);
    assert_int_equal(built->next, v->next);
    version_unref(built);
}

static void version_agrees_with_one_that_compares_everything(void **state)
{
    size_t taken = 0, refused = 0, most = 0;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "version");
    for (int round = 0; round < (check_quick() ? 40 : 100); round++) {
        struct plain p = {.next = 10};
        struct version_builder builder;
        struct version *v = NULL;
        struct strata_error err;
        assert_ok(version_builder_init(&builder, NULL, &err), &err);
        for (int i = 0; i < 100; i++) {
            struct edit edit;
            any_edit(&rng, &p, &edit);
            if (follow_both(&v, &p, &edit)) {
                assert_ok(version_builder_add(&builder, &edit, &err), &err);
                taken++;
            } else {
                refused++;
            }
            most = p.count > most ? p.count : most;
            edit_free(&edit);
        }
        assert_built(&builder, v);
        version_builder_free(&builder);
        version_unref(v);
    }
    assert_true(taken > 200 && refused > 200 && most > 10);
}

/* ---- Many tables ----------------------------------------------------------------------------- */

/* (MANY - 2 shares no factor with the numbers below.) What takes the square of it would make 100
 * times the comparisons that are allowed, and take over a second where seconds are counted. */
#define MANY 20000
static char key_of[MANY][10];

/* Numbers 2 to MANY - 1, whose order differs from that of the keys, and both from the edit's. */
static struct edit_table nth_table(uint64_t i, uint64_t numbers, uint64_t order)
{
    uint64_t at = 2 + i * order % (MANY - 2), number = 2 + at * numbers % (MANY - 2);
    struct edit_table t = table(at % 3, number, 0, 0, "", "");

    snprintf(key_of[at], sizeof key_of[at], "%09u", (unsigned)at);
    t.sum.first = t.sum.last = at;
    t.smallest = t.largest = S(key_of[at]);
    return t;
}

/* All are added by one edit, and removed by one, at the cost of sorting them. */
static void version_of_many_tables_costs_what_sorting_does(void **unused)
{
    static const uint64_t orders[][2] = {{1, 1}, {MANY - 3, 1}, {1, MANY - 3}, {77777, 7919}};

    (void)unused;
    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
        struct edit add = {
            .next = MANY + 2, .has_logs = true, .logs = {{1, MANY + 9, 77, MANY + 9}}};
        struct edit remove = {.next = MANY + 2};
        struct version *version = NULL;
        struct strata_error err;
        uint64_t before = cost_so_far.comparisons;
        add.log_count = 1;
        for (uint64_t i = 0; i < MANY - 2; i++) {
            struct edit_table t = nth_table(i, orders[o][0], orders[o][1]);
            assert_int_equal(edit_add(&add, &t, NULL), 0);
            assert_int_equal(edit_remove(&remove, t.level, t.number, NULL), 0);
        }
        assert_ok(apply_edit(&version, &add, &err), &err);
        assert_int_equal(version->count, MANY - 2);
        /* 15 is its logarithm */
        assert_in_range(cost_so_far.comparisons - before, MANY, (uint64_t)MANY * 15 * 2);
        before = cost_so_far.comparisons;
        remove.removed_count -= 3; /* the last ones stay */
        assert_ok(apply_edit(&version, &remove, &err), &err);
        assert_int_equal(version->count, 3);
        assert_in_range(cost_so_far.comparisons - before, 0, (uint64_t)MANY * 15 * 2);
        version_unref(version);
        edit_free(&add);
        edit_free(&remove);
    }
}

/* A few tables more: what they are merged with is moved once. */
static void version_of_many_tables_takes_an_edit_at_the_cost_of_its_size(void **unused)
{
    struct edit edit = {.next = MANY + 2, .has_logs = true, .logs = {{1, MANY + 9, 77, MANY + 9}}};
    struct version *version = NULL;
    struct strata_error err;
    uint64_t before = 0;

    (void)unused;
    edit.log_count = 1;
    for (uint64_t i = 0; i < MANY - 2; i++) {
        struct edit_table t = nth_table(i, 77777, 7919);
        if (i == MANY - 100) { /* the rest, together */
            assert_ok(apply_edit(&version, &edit, &err), &err);
            edit_free(&edit);
            edit.next = MANY + 2;
            before = cost_so_far.comparisons;
        }
        assert_int_equal(edit_add(&edit, &t, NULL), 0);
    }
    assert_ok(apply_edit(&version, &edit, &err), &err);
    assert_int_equal(version->count, MANY - 2);
    assert_in_range(cost_so_far.comparisons - before, 500, 3 * MANY);
    version_unref(version);
    edit_free(&edit);
}

/* Recovery: each edit replaces a table by another one. Building the version once costs what sorting
 * its tables does, and not that for each edit. */
static void version_of_many_edits_is_built_once(void **unused)
{
    struct version_builder builder;
    struct version *version;
    struct strata_error err;
    uint64_t before = cost_so_far.comparisons;

    (void)unused;
    assert_ok(version_builder_init(&builder, NULL, &err), &err);
    for (uint64_t i = 0; i < MANY - 2; i++) {
        struct edit edit = {.next = MANY + i + 1, .has_logs = true, .log_count = 1};
        struct edit_table t = nth_table(i, 77777, 7919);
        edit.logs[0] = (struct live_log){1, MANY + 9, 77, MANY + 9};
        t.number = MANY + i;
        assert_int_equal(edit_add(&edit, &t, NULL), 0);
        if (i % 4 == 3) { /* removed by the next but one */
            t = nth_table(i - 2, 77777, 7919);
            assert_int_equal(edit_remove(&edit, t.level, MANY + i - 2, NULL), 0);
        }
        assert_ok(version_builder_add(&builder, &edit, &err), &err);
        edit_free(&edit);
    }
    assert_ok(version_builder_finish(&builder, &version, &err), &err);
    assert_int_equal(version->count, MANY - 2 - (MANY - 2) / 4);
    assert_in_range(cost_so_far.comparisons - before, MANY, (uint64_t)MANY * 15 * 2);
    assert_ok(version_check(version, &err), &err);
    version_builder_free(&builder);
    version_unref(version);
}

/* Of edits that are read together the error says which one is wrong. */
static void version_builder_says_which_edit_overlaps(void **unused)
{
    struct edit_table tables[] = {table(1, 2, 1, 5, "a", "c"), table(1, 3, 1, 5, "f", "h"),
                                  table(1, 4, 1, 5, "b", "d"), table(1, 5, 1, 5, "k", "l")};
    struct version_builder builder;
    struct version *version;
    struct strata_error err;

    (void)unused;
    assert_ok(version_builder_init(&builder, NULL, &err), &err);
    for (uint64_t i = 0; i < 4; i++) {
        struct edit edit = {.next = 20, .offset = 100 * (i + 1), .has_logs = true, .log_count = 1};
        edit.logs[0] = log_1;
        assert_int_equal(edit_add(&edit, &tables[i], NULL), 0);
        assert_ok(version_builder_add(&builder, &edit, &err), &err);
        edit_free(&edit);
    }
    assert_code(version_builder_finish(&builder, &version, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "file 4: it overlaps");
    assert_int_equal(err.offset, 300);
    version_builder_free(&builder);
}

/* Numbers that descend from level to level, as those of older tables do, each `apart` times its
 * place. */
static void follow_many_tables(uint64_t apart)
{
    struct edit edit = {.next = MANY * apart + 1, .has_logs = true, .logs = {{1, 100, 77, 100}}};
    struct edit nothing = {.next = MANY * apart + 1};
    struct version *version = NULL;
    struct strata_error err;
    clock_t began;

    edit.log_count = 1;
    for (uint64_t i = 2; i < MANY; i++) {
        struct edit_table t = table(i < MANY / 2 ? 2 : 1, i * apart, 1, 9, "", "");
        t.bytes = i;
        snprintf(key_of[i], sizeof key_of[i], "%09u", (unsigned)i);
        t.smallest = t.largest = S(key_of[i]);
        assert_int_equal(edit_add(&edit, &t, NULL), 0);
    }
    assert_ok(apply_edit(&version, &edit, &err), &err);
    began = clock();
    for (int i = 0; i < 8; i++) {
        struct version *old = version;
        version_ref(old);
        assert_ok(apply_edit(&version, &nothing, &err), &err);
        assert_true(version_same(version, old));
        version_unref(old);
        assert_in_range(clock() - began, 0, (check_sanitized() ? 8 : 2) * CLOCKS_PER_SEC);
    }
    edit_free(&edit);
    version_unref(version);
}

/* An edit that changes little takes no longer than there are tables, also where a file has numbers
 * of which all low bits are the same. */
static void version_of_many_tables_is_followed_soon(void **unused)
{
    (void)unused;
    follow_many_tables(1);
    follow_many_tables((uint64_t)1 << 40);
}

/* ---- Without memory -------------------------------------------------------------------------- */

/* Of an edit that adds, removes, and has a cursor; and of the edit that tells it all. */
static int change_and_tell(struct version **v, const struct edit *edit)
{
    struct edit whole = {0};
    int rc = apply_edit(v, edit, NULL);

    if (rc == 0)
        rc = version_tell(*v, &whole, NULL);
    edit_free(&whole);
    return rc;
}

static void version_without_memory_stays_as_it_was(void **state)
{
    struct edit edit = {.next = 60};
    char keys[40][4];
    int rc = -1;

    (void)state;
    for (uint64_t i = 0; i < 40; i++) { /* more than there is room for, on two levels */
        struct edit_table t = table(3 + i % 2, 20 + i, 1, 5, "", "");
        snprintf(keys[i], sizeof keys[i], "%03u", (unsigned)i);
        t.smallest = t.largest = S(keys[i]);
        assert_int_equal(edit_add(&edit, &t, NULL), 0);
    }
    assert_int_equal(edit_remove(&edit, 1, 3, NULL), 0);
    edit_set_cursor(&edit, 2, S("key"));
    for (uint64_t k = 1; rc < 0; k++) {
        int64_t living = allocations.living;
        struct version *v;
        begin(&v);
        allocations.failed = 0;
        allocations.at = k;
        allocations.on = true;
        rc = change_and_tell(&v, &edit);
        allocations.on = false;
        version_unref(v);
        assert_int_equal(rc, allocations.failed ? STRATA_ERR_NO_MEMORY : 0);
        assert_int_equal(allocations.living, living);
        assert_true(k > 50 || rc < 0);
    }
    allocations.at = 0;
    edit_free(&edit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_keeps_levels_in_order),
        cmocka_unit_test(version_refuses_a_file_twice),
        cmocka_unit_test(version_refuses_what_is_removed_elsewhere_or_twice),
        cmocka_unit_test(version_refuses_an_overlap),
        cmocka_unit_test(version_refuses_a_table_that_cannot_be),
        cmocka_unit_test(version_refuses_logs_that_cannot_be),
        cmocka_unit_test(version_differs_in_whatever_it_says),
        cmocka_unit_test(version_moves_a_table_by_one_edit),
        cmocka_unit_test(version_refuses_a_sequence_that_goes_back),
        cmocka_unit_test(version_agrees_with_one_that_compares_everything),
        cmocka_unit_test(version_without_memory_stays_as_it_was),
        cmocka_unit_test(version_of_many_tables_costs_what_sorting_does),
        cmocka_unit_test(version_of_many_tables_takes_an_edit_at_the_cost_of_its_size),
        cmocka_unit_test(version_of_many_tables_is_followed_soon),
        cmocka_unit_test(version_of_many_edits_is_built_once),
        cmocka_unit_test(version_builder_says_which_edit_overlaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
