/* 06_compaction_test.c: flushes and compactions of real tables, without a tree around them: what is
 * kept, what is dropped, and where outputs end. */
#include "test.h"

#include "05_blocks_bloom/table/table.h"
#include "06_leveled_compaction/compaction/compaction.h"
#include "06_leveled_compaction/version/level_iter.h"
#include "crash/sim/fs_sim.h"
#include "rng.h"
#include "apply_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"

enum { KEYS = 120 };

struct ground {
    struct strata_fs *fs;
    struct strata_options options;
    struct strata_env env;
    struct compaction_env of;
    struct version *version;
    _Atomic uint64_t next;
    uint64_t sequence;
    int newest[KEYS]; /* sequence number of the put of a key that shows; 0: there is none */
};

static void begin(struct ground *g)
{
    struct edit edit = {.next = 2, .has_logs = true, .log_count = 1, .logs = {{1, 1, 77, 1}}};
    struct strata_error err;

    memset(g, 0, sizeof *g);
    g->fs = fs_sim_new();
    strata_options_init(&g->options);
    g->options.block_bytes = 256;
    g->options.plain_blocks = true;
    g->options.table_bytes = 1500;
    g->options.level_bytes = 4000;
    assert_int_equal(fs_sim_put_directory(g->fs, DIR), 0);
    g->env = (struct strata_env){.fs = g->fs, .dir = DIR, .options = &g->options};
    g->of = (struct compaction_env){&g->env, &table_kind, NULL, &g->next, level_merge_new, NULL};
    assert_ok(table_kind.common_new(&g->env, &g->of.common, &err), &err);
    g->next = 2;
    g->sequence = 1;
    assert_ok(apply_edit(&g->version, &edit, &err), &err);
}

static void end(struct ground *g)
{
    version_unref(g->version);
    table_kind.common_del(g->of.common);
    assert_int_equal(fs_sim_open_files(g->fs), 0);
    fs_free(g->fs);
}

static const char *key_of(int i)
{
    static char key[4][16];
    static int turn;
    char *at = key[++turn % 4];

    snprintf(at, sizeof key[0], "key %04d", i);
    return at;
}

/* The present version with these inputs less and these outputs more. */
static void change(struct ground *g, const struct pick *less, struct sstable **more, size_t count,
                   unsigned level)
{
    uint64_t log = g->next++;
    struct edit edit = {.next = g->next,
                        .has_logs = true,
                        .log_count = 1,
                        .logs = {{log, g->sequence, 77, g->sequence}}};
    struct strata_error err;

    for (unsigned l = 0; less && l < LEVELS; l++)
        for (size_t i = 0; i < less->inputs[l].count; i++)
            assert_ok(edit_remove(&edit, l, less->inputs[l].tables[i]->number, &err), &err);
    for (size_t i = 0; i < count; i++)
        assert_ok(version_add(&edit, level, more[i], &err), &err);
    assert_ok(apply_edit(&g->version, &edit, &err), &err);
    edit_free(&edit);
}

static void run_all(struct compaction *c)
{
    struct strata_error err;
    int rc = 0;

    while (rc == 0)
        rc = compaction_run(c, UINT64_MAX, &err);
    assert_int_equal(rc, STRATA_NOT_FOUND);
}

/* Keys [from, to), every `step`th, are put or deleted, and flushed. Returns the table, or NULL: all
 * were deletes, which hide nothing. */
static struct sstable *flush(struct ground *g, int from, int to, int step, bool deletes)
{
    struct compaction c;
    struct memtable *memtable;
    struct strata_error err;
    struct sstable *table;

    assert_ok(memtable_new(&memtable_skip, NULL, 1 << 16, &memtable, &err), &err);
    for (int i = from; i < to; i += step) {
        char value[60];
        snprintf(value, sizeof value, "value %d, which is not a short one", (int)g->sequence);
        assert_ok(memtable_reserve(memtable, 1, 100, &err), &err);
        memtable_add(memtable, g->sequence, deletes ? STRATA_OP_DELETE : STRATA_OP_PUT,
                     S(key_of(i)), deletes ? S("") : S(value));
        g->newest[i] = deletes ? 0 : (int)g->sequence;
        g->sequence++;
    }
    assert_ok(compaction_init(&c, &g->of, g->version, NULL, memtable, &err), &err);
    run_all(&c);
    assert_in_range(c.output_count, !deletes, 1);
    table = c.output_count ? c.outputs[0] : NULL;
    change(g, NULL, c.outputs, c.output_count, 0);
    compaction_free(&c, true);
    memtable_unref(memtable);
    return table;
}

/* Tables of these levels, all of them, are merged into `output`. Entries that were read. */
static uint64_t merge(struct ground *g, unsigned from, unsigned output)
{
    struct pick pick = {.level = from, .output = output};
    struct compaction c;
    struct strata_error err;
    uint64_t seen;

    for (unsigned level = from; level <= output; level++) {
        size_t count = g->version->levels[level].count;
        assert_ok(pick_take(&pick, g->version, level, 0, count, &err), &err);
    }
    assert_ok(compaction_init(&c, &g->of, g->version, &pick, NULL, &err), &err);
    run_all(&c);
    change(g, &c.pick, c.outputs, c.output_count, output);
    seen = c.seen;
    compaction_free(&c, true);
    return seen;
}

static int shown(struct strata_slice value)
{
    return (int)strtol((const char *)value.data + 6, NULL, 10);
}

/* One by one, and in order, forward and backward. */
static void expect_newest(struct ground *g)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    struct level_merge of = {.version = g->version};
    struct cursor *cursor;
    int at = -1, rc;

    for (int i = 0; i < KEYS; i++) {
        unsigned type = 0;
        strata_buffer_clear(&value);
        rc = version_get(g->version, S(key_of(i)), &type, &value, &err);
        assert_true(rc == STRATA_NOT_FOUND || rc == 0);
        assert_int_equal(rc == 0 && type == STRATA_OP_PUT ? shown(strata_buffer_slice(&value)) : 0,
                         g->newest[i]);
    }
    strata_buffer_free(&value);
    assert_ok(level_merge_all(&of, level_merge_new, &cursor, &err), &err);
    for (rc = cursor_first(cursor, &err); rc == 0; rc = cursor_next(cursor, &err)) {
        struct strata_slice got;
        while (!g->newest[++at])
            ;
        assert_bytes(cursor->iter.key, S(key_of(at)));
        assert_ok(cursor_value(cursor, &got, &err), &err);
        assert_int_equal(shown(got), g->newest[at]);
    }
    assert_int_equal(rc, STRATA_NOT_FOUND);
    while (++at < KEYS)
        assert_int_equal(g->newest[at], 0);
    for (rc = cursor_last(cursor, &err); rc == 0; rc = cursor_prev(cursor, &err)) {
        while (!g->newest[--at])
            ;
        assert_bytes(cursor->iter.key, S(key_of(at)));
    }
    assert_int_equal(rc, STRATA_NOT_FOUND);
    cursor_free(cursor);
}

static uint64_t tombstones_on(const struct ground *g, unsigned level)
{
    uint64_t count = 0;

    for (size_t i = 0; i < g->version->levels[level].count; i++)
        count += g->version->levels[level].tables[i]->sum.tombstones;
    return count;
}

/* ---- Of a key the newest ----------------------------------------------------------------------
 */

/* The table of level 0, as it is, on level 1. */
static void move_to_1(struct ground *g, struct sstable *table)
{
    struct pick pick = {.level = 0, .output = 1};
    struct strata_error err;

    assert_ptr_equal(g->version->levels[0].tables[0], table);
    assert_ok(pick_take(&pick, g->version, 0, 0, 1, &err), &err);
    change(g, &pick, pick.inputs[0].tables, 1, 1);
    pick_free(&pick);
}

/* What was merged holds operations of long ago and of today: its numbers do not say which level is
 * newer. Key 0 is on level 1, and an older version of it in a table that was merged later. */
static void compaction_of_old_and_new_hides_no_newer_level(void **state)
{
    struct pick pick = {.level = 1, .output = 2};
    struct compaction c;
    struct strata_error err;
    struct ground g;

    (void)state;
    begin(&g);
    g.options.table_bytes = 1 << 20;
    flush(&g, 0, KEYS, 1, false);
    merge(&g, 0, 2); /* all keys, long ago */
    move_to_1(&g, flush(&g, 0, 1, 1, false));
    move_to_1(&g, flush(&g, KEYS - 1, KEYS, 1, false));
    assert_ok(pick_take(&pick, g.version, 1, 1, 2, &err), &err);
    assert_ok(pick_take(&pick, g.version, 2, 0, 1, &err), &err);
    assert_ok(compaction_init(&c, &g.of, g.version, &pick, NULL, &err), &err);
    run_all(&c);
    change(&g, &c.pick, c.outputs, c.output_count, 2);
    compaction_free(&c, true);
    assert_true(g.version->levels[2].tables[0]->sum.last >
                g.version->levels[1].tables[0]->sum.last);
    expect_newest(&g);
    end(&g);
}

static void compactions_change_nothing_that_is_seen(void **state)
{
    bool deep = false;
    struct rng rng;
    struct ground g;

    (void)state;
    rng_init_env(&rng, "compaction");
    begin(&g);
    for (int n = 0; n < (check_quick() && deep ? 60 : 300); n++) {
        struct strata_error err;
        struct compaction c;
        struct pick pick;
        int from = (int)rng_below(&rng, KEYS - 1), step = 1 + (int)rng_below(&rng, 3);
        int to = from + 1 + (int)rng_below(&rng, (uint64_t)(KEYS - from));
        int rc;
        flush(&g, from, to, step, !rng_below(&rng, 3));
        for (int i = 0; i < 3; i++) {
            rc = pick_compaction(g.version, &g.options, &pick, &err);
            if (rc == 0 && pick.move) {
                change(&g, &pick, pick.inputs[pick.level].tables, 1, pick.output);
            } else if (rc == 0) {
                unsigned output = pick.output;
                assert_ok(compaction_init(&c, &g.of, g.version, &pick, NULL, &err), &err);
                run_all(&c);
                change(&g, &c.pick, c.outputs, c.output_count, output);
                compaction_free(&c, true);
            }
            pick_free(&pick);
        }
        expect_newest(&g);
        deep |= g.version->levels[2].count > 0; /* deletes may empty it again */
    }
    assert_true(deep);
    end(&g);
}

/* ---- Tombstones --------------------------------------------------------------------------------
 */

static void compaction_keeps_a_tombstone_while_a_deeper_level_may_have_its_key(void **state)
{
    struct ground g;

    (void)state;
    begin(&g);
    flush(&g, 0, KEYS, 1, false);
    merge(&g, 0, 3);
    flush(&g, 10, 20, 1, true);
    assert_int_equal(tombstones_on(&g, 0), 10);
    merge(&g, 0, 1);
    assert_int_equal(tombstones_on(&g, 1), 10);
    merge(&g, 1, 2);
    assert_int_equal(tombstones_on(&g, 2), 10);
    expect_newest(&g);
    merge(&g, 2, 3);
    assert_int_equal(tombstones_on(&g, 3), 0);
    expect_newest(&g);
    end(&g);
}

static void compaction_drops_a_tombstone_that_hides_nothing(void **state)
{
    struct ground g;

    (void)state;
    begin(&g);
    flush(&g, 0, 10, 1, false);
    merge(&g, 0, 3);
    flush(&g, 30, 40, 1, false);
    flush(&g, 5, 40, 1, true); /* 5 to 9 are deeper */
    merge(&g, 0, 1);
    assert_int_equal(tombstones_on(&g, 1), 5);
    expect_newest(&g);
    merge(&g, 1, 3);
    expect_newest(&g);
    flush(&g, 0, KEYS, 1, true);
    merge(&g, 0, 3);
    assert_int_equal(g.version->count, 0); /* nothing is left, and no table of nothing */
    end(&g);
}

/* ---- Outputs ------------------------------------------------------------------------------------
 */

static void compaction_cuts_its_outputs_at_the_size_of_a_table(void **state)
{
    struct ground g;

    (void)state;
    begin(&g);
    flush(&g, 0, KEYS, 1, false); /* one table, whatever its size */
    assert_true(g.version->all[0]->bytes > 3 * g.options.table_bytes);
    assert_int_equal(merge(&g, 0, 1), KEYS);
    assert_true(g.version->levels[1].count >= 3);
    for (size_t i = 0; i < g.version->levels[1].count; i++)
        assert_true(g.version->levels[1].tables[i]->bytes < 2 * g.options.table_bytes);
    end(&g);
}

static void compaction_cuts_its_outputs_where_they_would_overlap_with_much(void **state)
{
    struct ground g;

    (void)state;
    begin(&g);
    g.options.table_bytes = 300; /* the level below gets many */
    flush(&g, 0, KEYS, 1, false);
    merge(&g, 0, 2);
    assert_true(g.version->levels[2].bytes > 25 * 300);
    g.options.table_bytes = 3000;
    flush(&g, 0, KEYS, 40, false);
    g.options.table_bytes = 300; /* three entries are less than that */
    merge(&g, 0, 1);
    assert_true(g.version->levels[1].count >= 2);
    expect_newest(&g);
    end(&g);
}

static size_t table_files(struct strata_fs *fs)
{
    struct fs_names names;
    size_t count = 0;

    assert_int_equal(fs_list(fs, DIR, &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++)
        count += strstr(names.names[i], ".sst") != NULL;
    fs_names_free(&names);
    return count;
}

/* Given up after any number of entries: its files are removed, and the inputs are as they were. */
static void compaction_given_up_leaves_no_file(void **state)
{
    struct ground g;
    struct strata_error err;
    size_t files;

    (void)state;
    begin(&g);
    flush(&g, 0, KEYS, 1, false);
    flush(&g, 0, KEYS, 3, false);
    files = table_files(g.fs);
    for (int entries = 0; entries <= KEYS; entries += 7) {
        struct pick pick;
        struct compaction c;
        assert_ok(pick_everything(g.version, &g.options, &pick, &err), &err);
        assert_ok(compaction_init(&c, &g.of, g.version, &pick, NULL, &err), &err);
        for (int i = 0; i < entries; i++)
            assert_ok(compaction_run(&c, 1, &err), &err);
        assert_int_equal(c.seen, entries);
        compaction_free(&c, false);
        assert_int_equal(table_files(g.fs), files);
    }
    expect_newest(&g);
    end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compaction_of_old_and_new_hides_no_newer_level),
        cmocka_unit_test(compactions_change_nothing_that_is_seen),
        cmocka_unit_test(compaction_keeps_a_tombstone_while_a_deeper_level_may_have_its_key),
        cmocka_unit_test(compaction_drops_a_tombstone_that_hides_nothing),
        cmocka_unit_test(compaction_cuts_its_outputs_at_the_size_of_a_table),
        cmocka_unit_test(compaction_cuts_its_outputs_where_they_would_overlap_with_much),
        cmocka_unit_test(compaction_given_up_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
