/* 07_version_test.c: versions of real tables: one key, all
 * keys, and what is picked for compaction. The tables are small real ones on a simulated disk. */
#include "test.h"

#include "06_leveled_compaction/version/level_iter.h"
#include "07_paced_compaction/compaction/compact.h"
#include "07_paced_compaction/policy/policy.h"
#include "07_paced_compaction/tree/parts.h"
#include "apply_edit.h"
#include "crash/sim/fs_sim.h"
#include "rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"

#ifndef PARTS /* stage 9 runs these tests, too */
#include "05_blocks_bloom/table/table.h"

static const struct tree_parts plain_parts = {&table_kind, &memtable_skip, .merge = level_merge_new,
                                              .get = version_get};
#define PARTS plain_parts

static struct cursor *run_cursor(const struct version *version, const struct version_level *run)
{
    (void)version;
    return level_iter_new(run, 1, false);
}
#endif

#define kind (PARTS.table)

/* ---- Real tables ----------------------------------------------------------------------------- */

static struct edit edit_of(uint64_t next, uint64_t log, uint64_t sequence)
{
    return (struct edit){
        .next = next, .has_logs = true, .log_count = 1, .logs = {{log, sequence, 100, sequence}}};
}

enum { KEYS = 200 };

struct ground {
    struct strata_fs *fs;
    struct strata_options options;
    struct strata_env env;
    void *common;
    struct compaction_env of;
    _Atomic uint64_t next;
    uint64_t sequence;
    struct version *version;
    struct policy_quarantine quarantined;
    int newest[KEYS]; /* which version of a key shows; 0: none; < 0: deleted */
    int done, steps, parts;
};

static void ground_init(struct ground *g)
{
    struct strata_error err;

    memset(g, 0, sizeof *g);
    g->fs = fs_sim_new();
    strata_options_init(&g->options);
    g->options.block_bytes = 256;
    g->options.plain_blocks = true;
    g->options.table_bytes = 1500;
    g->options.level_bytes = 4000;
    g->options.dynamic_levels = false;
    assert_int_equal(fs_sim_put_directory(g->fs, DIR), 0);
    g->env = (struct strata_env){.fs = g->fs, .dir = DIR, .options = &g->options};
    assert_ok(kind->common_new(&g->env, &g->common, &err), &err);
    g->of =
        (struct compaction_env){&g->env, kind, g->common, &g->next, PARTS.merge, PARTS.properties};
    g->next = g->sequence = 1;
}

static void ground_free(struct ground *g)
{
    version_unref(g->version);
    policy_quarantine_clear(&g->quarantined);
    kind->common_del(g->common);
    assert_int_equal(fs_sim_open_files(g->fs), 0);
    fs_free(g->fs);
}

static void make_key(char key[16], int i)
{
    sprintf(key, "key %04d", 2 * i);
}

/* The present version, with these tables less and those more. */
static void change(struct ground *g, const struct pick *less, struct sstable **more, size_t count,
                   unsigned level)
{
    struct edit edit = edit_of(g->next + 1, g->next, g->sequence);
    struct strata_error err;

    for (unsigned l = 0; less && l < LEVELS; l++)
        for (size_t i = 0; i < less->inputs[l].count; i++)
            assert_ok(edit_remove(&edit, l, less->inputs[l].tables[i]->number, &err), &err);
    for (size_t i = 0; i < count; i++)
        assert_ok(version_add(&edit, level, more[i], &err), &err);
    g->next++;
    assert_ok(apply_edit(&g->version, &edit, &err), &err);
    if (PARTS.index && !g->version->index)
        assert_ok(PARTS.index(g->version, &err), &err);
    edit_free(&edit);
}

/* A memtable of keys [from, to), every `step`th, is flushed. */
static void add_flush(struct ground *g, int from, int to, int step, bool deletes)
{
    struct memtable *memtable;
    struct compact *flush;
    struct strata_error err;
    uint64_t budget = UINT64_MAX;
    int rc;

    if (!g->version)
        change(g, NULL, NULL, 0, 0);
    assert_ok(memtable_new(PARTS.memtable, NULL, 1 << 16, &memtable, &err), &err);
    for (int i = from; i < to; i += step) {
        char key[16], value[60];
        make_key(key, i);
        sprintf(value, "value of version %d, not short", (int)g->sequence);
        assert_ok(memtable_reserve(memtable, 1, 100, &err), &err);
        memtable_add(memtable, g->sequence, deletes ? STRATA_OP_DELETE : STRATA_OP_PUT, S(key),
                     deletes ? S("") : S(value));
        g->newest[i] = deletes ? -1 : (int)g->sequence;
        g->sequence++;
    }
    assert_ok(compact_new(&g->of, g->version, NULL, memtable, true, &flush, &err), &err);
    while ((rc = compact_step(flush, &budget, &err)) == 0)
        budget = UINT64_MAX;
    assert_int_equal(rc, COMPACT_DONE);
    change(g, NULL, flush->of.outputs, flush->of.output_count, 0);
    compact_del(flush, true);
    memtable_unref(memtable);
}

/* Carries out a pick with this outcome, in steps of so many bytes. Steps that it took; 0: there was
 * nothing to do. */
static int carry_out(struct ground *g, int rc, struct pick *pick, uint64_t step)
{
    struct compact *c;
    struct strata_error err;
    int steps = 0;

    assert_true(rc >= 0);
    if (rc == 0 && pick->move) {
        struct sstable *moved[64];
        size_t count = 0;
        for (unsigned level = 0; level < LEVELS; level++)
            for (size_t i = 0; i < pick->inputs[level].count; i++)
                moved[count++] = pick->inputs[level].tables[i];
        change(g, pick, moved, count, pick->output);
        steps = 1;
    } else if (rc == 0) {
        assert_ok(compact_new(&g->of, g->version, pick, NULL, step < 1000, &c, &err), &err);
        do {
            uint64_t budget = step;
            rc = compact_step(c, &budget, &err);
            assert_true(rc >= 0);
            steps++;
        } while (rc == 0);
        assert_int_equal(compact_left(c), 0);
        change(g, &c->of.pick, c->of.outputs, c->of.output_count, c->of.pick.output);
        compact_del(c, true);
    }
    pick_free(pick);
    return steps;
}

static struct policy_input policy_of(const struct ground *g)
{
    return policy_input(g->version, &g->options, &g->quarantined, false);
}

static int due(const struct ground *g, struct pick *pick)
{
    struct strata_error err;
    struct policy_input of = policy_of(g);
    return policy_pick(&of, pick, &err);
}

static uint64_t debt_of(const struct ground *g)
{
    return policy_debt(g->version, &g->options);
}

static unsigned trigger_of(const struct ground *g)
{
    return policy_slowdown_trigger(g->version, &g->options);
}

/* What is due, or all. */
static int compact_one(struct ground *g, uint64_t step, bool all)
{
    struct policy_input of = policy_of(g);
    struct strata_error err;
    struct pick pick;
    int rc = all ? policy_pick_all(&of, &pick, &err) : due(g, &pick);

    return carry_out(g, rc, &pick, step);
}

/* What a level has of keys [from, to), to the next one; < 0: no bound. */
static int compact_part(struct ground *g, unsigned level, int from, int to)
{
    char low[16] = "", high[16] = "";
    struct policy_input of = policy_of(g);
    struct strata_error err;
    struct pick pick;

    if (from >= 0)
        make_key(low, from);
    if (to >= 0)
        make_key(high, to);
    return carry_out(g, policy_pick_range(&of, level, S(low), S(high), &pick, &err), &pick,
                     UINT64_MAX);
}

static void expect_gets(struct ground *g)
{
    struct strata_buffer value = {0};
    struct strata_error err;

    for (int i = 0; i < KEYS; i++) {
        char key[16], want[60];
        unsigned type = 0;
        int rc;
        make_key(key, i);
        strata_buffer_clear(&value);
        rc = PARTS.get(g->version, S(key), &type, &value, &err);
        if (g->newest[i] <= 0) {
            assert_true(rc == STRATA_NOT_FOUND || (rc == 0 && type == STRATA_OP_DELETE));
        } else {
            assert_int_equal(rc, 0);
            assert_int_equal(type, STRATA_OP_PUT);
            sprintf(want, "value of version %d, not short", g->newest[i]);
            assert_bytes(strata_buffer_slice(&value), S(want));
        }
        key[strlen(key) - 1]++; /* between two keys */
        strata_buffer_clear(&value);
        assert_int_equal(PARTS.get(g->version, S(key), &type, &value, &err), STRATA_NOT_FOUND);
    }
    strata_buffer_free(&value);
}

/* ---- A run's cursor -------------------------------------------------------------------------- */

static void expect_at(struct cursor *c, int rc, int i)
{
    char key[16];

    if (i < 0 || i >= KEYS) {
        assert_int_equal(rc, STRATA_NOT_FOUND);
        return;
    }
    make_key(key, i);
    assert_int_equal(rc, 0);
    assert_bytes(c->iter.key, S(key));
}

/* All keys on level 1 in several tables: any walk shows what a sorted array would. */
static void run_cursor_walks_as_through_an_array(void **state)
{
    struct ground g;
    struct strata_error err;
    struct cursor *c;
    struct rng rng;
    int at = -1;

    (void)state;
    ground_init(&g);
    rng_init_env(&rng, "level");
    g.options.level_bytes = 1 << 20;
    add_flush(&g, 0, KEYS, 1, false);
    add_flush(&g, 0, KEYS, 1, false);
    assert_true(compact_one(&g, UINT64_MAX, true) > 0);
    assert_true(g.version->levels[1].count >= 4);
    assert_int_equal(g.version->levels[1].count, g.version->count);
    c = run_cursor(g.version, &g.version->levels[1]);
    assert_non_null(c);
    for (int n = 0; n < 4000; n++) {
        uint64_t dice = at < 0 ? rng_below(&rng, 2) : rng_below(&rng, 40);
        char key[16];
        int rc;
        if (dice == 0) {
            rc = cursor_last(c, &err);
            at = KEYS - 1;
        } else if (dice == 1) {
            at = (int)rng_below(&rng, KEYS + 1);
            make_key(key, at);
            if (at > 0 && rng_below(&rng, 2))
                key[strlen(key) - 1]--; /* just before it */
            rc = cursor_seek(c, S(key), &err);
        } else if (dice < 25) {
            rc = cursor_next(c, &err);
            at++;
        } else {
            rc = cursor_prev(c, &err);
            at--;
        }
        expect_at(c, rc, at);
        if (rc != 0)
            at = -1;
    }
    cursor_free(c);
    ground_free(&g);
}

/* ---- One key, and all, through compactions ----------------------------------------------------
 */

static int number_in(struct strata_slice bytes, size_t at)
{
    char text[100];

    assert_true(bytes.size < sizeof text);
    memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    return atoi(text + at);
}

static size_t count_runs(const struct version *v)
{
    size_t count = v->levels[0].count;

    for (unsigned level = 1; level < LEVELS; level++)
        count += v->levels[level].count > 0;
    return count;
}

static void expect_scan(struct ground *g)
{
    struct level_merge of = {.version = g->version, .tombstones = true};
    struct strata_error err;
    struct cursor *c;
    int shown[KEYS] = {0};

    assert_ok(level_merge_all(&of, PARTS.merge, &c, &err), &err);
    for (int rc = cursor_first(c, &err); rc == 0; rc = cursor_next(c, &err)) {
        struct strata_slice value;
        int key = number_in(c->iter.key, 4) / 2;
        assert_int_equal(shown[key], 0);
        assert_ok(cursor_value(c, &value, &err), &err);
        shown[key] = c->type == STRATA_OP_DELETE ? -1 : number_in(value, 17);
    }
    cursor_free(c);
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(shown[i] > 0 ? shown[i] : 0, g->newest[i] > 0 ? g->newest[i] : 0);
}

/* Of one policy, and then of the other. */
static void expect_compactions_hidden(struct ground *g, struct rng *rng, int rounds)
{
    for (int round = 0; round < rounds; round++) {
        int from = (int)rng_below(rng, KEYS), more = 1 + (int)rng_below(rng, KEYS), now;
        add_flush(g, from, from + more < KEYS ? from + more : KEYS, 1 + (int)rng_below(rng, 5),
                  rng_below(rng, 4) == 0);
        while ((now = compact_one(g, 700, false)) > 0) {
            g->done++;
            g->steps += now;
            expect_gets(g);
        }
        if (rng_below(rng, 8) == 0) { /* a range, or a part of what that takes */
            unsigned level = (unsigned)rng_below(rng, 3);
            int low = (int)rng_below(rng, KEYS), high = low + 1 + (int)rng_below(rng, 20);
            g->parts += compact_part(g, level, low, high < KEYS ? high : -1) > 0;
        }
        expect_gets(g);
        expect_scan(g);
        assert_true(g->version->levels[0].count <= trigger_of(g));
    }
    while (compact_one(g, 700, false) > 0)
        ;
    assert_in_range(debt_of(g), 0, 500); /* what is due is more */
}

static void compactions_change_nothing_that_is_seen(void **state)
{
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "compactions");
    for (int first = 0; first < 2; first++) {
        struct ground g;
        ground_init(&g);
        g.options.compaction = first;
        expect_compactions_hidden(&g, &rng, 60);
        assert_true(g.done >= (first ? 6 : 12) && g.steps > 2 * g.done);
        assert_int_equal(first && !g.parts ? g.version->levels[1].count : 0, 0);
        g.options.compaction = !first;
        expect_compactions_hidden(&g, &rng, 60);
        assert_true(g.done >= 20 && g.parts >= 1);
        compact_one(&g, 700, true);
        expect_gets(&g);
        expect_scan(&g);
        assert_int_equal(g.version->tombstones, 0);
        assert_int_equal(count_runs(g.version), 1);
        assert_int_equal(compact_one(&g, 700, true), 0); /* there is nothing to gain */
        g.options.compaction = STRATA_COMPACTION_TIERED;
        expect_compactions_hidden(&g, &rng, 20); /* over what stands on a deep level */
        ground_free(&g);
    }
}

/* More tables may have a key than are waited for at once. */
static void get_asks_as_many_tables_as_there_are(void **state)
{
    enum { TABLES = 37 };
    struct ground g;

    (void)state;
    ground_init(&g);
    for (int i = 0; i < TABLES; i++)
        add_flush(&g, i, KEYS, TABLES, false);
    assert_int_equal(g.version->levels[0].count, TABLES);
    expect_gets(&g);
    expect_scan(&g);
    ground_free(&g);
}

/* A tombstone that hides something deeper is kept, one that hides nothing is not. */
static void compaction_keeps_a_tombstone_as_long_as_it_hides(void **state)
{
    struct ground g;

    (void)state;
    ground_init(&g);
    add_flush(&g, 0, 20, 1, false);
    assert_true(compact_one(&g, UINT64_MAX, true) > 0); /* level 1 */
    g.options.level_bytes = 1;
    while (g.version->levels[2].count == 0)
        assert_true(compact_one(&g, UINT64_MAX, false) > 0); /* level 2 */
    g.options.level_bytes = 1 << 20;
    for (int i = 0; i < 4; i++)
        add_flush(&g, 0, 4, 1, true);
    assert_true(compact_one(&g, UINT64_MAX, false) > 0); /* level 1 above it */
    assert_int_equal(g.version->levels[0].count, 0);
    assert_int_equal(g.version->tombstones, 4);
    expect_gets(&g);
    add_flush(&g, 100, 101, 1, true); /* behind all: it hides nothing, and needs no table */
    expect_gets(&g);
    assert_int_equal(g.version->tombstones, 4);
    assert_true(compact_one(&g, UINT64_MAX, true) > 0);
    assert_int_equal(g.version->tombstones, 0);
    expect_gets(&g);
    ground_free(&g);
}

/* ---- Picks ----------------------------------------------------------------------------------- */

/* Tables of level 0 that do not overlap go down one by one, as they are. */
static void pick_moves_what_overlaps_with_nothing(void **state)
{
    struct ground g;
    struct strata_error err;
    struct pick pick;

    (void)state;
    ground_init(&g);
    for (int i = 0; i < 4; i++)
        add_flush(&g, 10 * i, 10 * i + 10, 1, false);
    assert_ok(due(&g, &pick), &err);
    assert_true(pick.move);
    assert_int_equal(pick.level, 0);
    assert_int_equal(pick.inputs[0].count, 1);
    assert_ptr_equal(pick.inputs[0].tables[0], g.version->levels[0].tables[3]); /* the oldest */
    pick_free(&pick);
    add_flush(&g, 5, 15, 1, false); /* now two of them do, through a third */
    assert_ok(due(&g, &pick), &err);
    assert_false(pick.move);
    assert_int_equal(pick.inputs[0].count, 3);
    assert_int_equal(pick.records, 30);
    pick_free(&pick);
    ground_free(&g);
}

/* Of level 0. */
static void drop_oldest(struct ground *g)
{
    const struct version_level *l = &g->version->levels[0];
    struct sstable *oldest = l->tables[l->count - 1];
    struct pick less = {.inputs[0] = {&oldest, 1, oldest->bytes}};

    change(g, &less, NULL, 0, 0);
}

static bool all_moves(const struct ground *g)
{
    struct policy_input of = policy_of(g);
    struct strata_error err;
    struct pick pick;
    bool moves;

    assert_ok(policy_pick_all(&of, &pick, &err), &err);
    moves = pick.move;
    pick_free(&pick);
    return moves;
}

/* Tables that make one run are not written once more: but those with tombstones are, and small ones
 * that make fewer large ones. */
static void pick_all_moves_what_is_one_run(void **state)
{
    struct ground g;
    uint64_t table_bytes;

    (void)state;
    ground_init(&g);
    g.options.level_bytes = 1 << 20;
    add_flush(&g, 20, 30, 1, false);
    add_flush(&g, 0, 10, 1, false);
    assert_true(all_moves(&g));
    assert_int_equal(compact_one(&g, UINT64_MAX, true), 1);
    assert_int_equal(g.version->levels[1].count, 2);
    add_flush(&g, 10, 20, 1, false); /* between the two */
    assert_true(all_moves(&g));
    table_bytes = g.options.table_bytes;
    g.options.table_bytes = 1 << 30; /* one table has room for all three */
    assert_false(all_moves(&g));
    g.options.table_bytes = table_bytes;
    assert_int_equal(compact_one(&g, UINT64_MAX, true), 1);
    assert_int_equal(g.version->levels[1].count, 3);
    assert_int_equal(compact_one(&g, UINT64_MAX, true), 0); /* there is nothing left to do */
    add_flush(&g, 9, 11, 1, false);                         /* overlaps with two of them */
    assert_false(all_moves(&g));
    assert_true(compact_one(&g, UINT64_MAX, true) > 0);
    add_flush(&g, 30, 35, 1, false);
    add_flush(&g, 30, 35, 1, true);
    drop_oldest(&g); /* the tombstones hide nothing any more */
    assert_false(all_moves(&g));
    assert_true(compact_one(&g, UINT64_MAX, true) > 0);
    add_flush(&g, 40, KEYS, 1, false);
    assert_true(all_moves(&g));
    g.options.table_bytes = g.version->levels[0].bytes / PICK_TIMES - 1;
    assert_false(all_moves(&g));
    ground_free(&g);
}

/* Each table of a level has its turn, and then the first again. */
static void pick_goes_round_the_keys(void **state)
{
    struct ground g;
    struct strata_error err;
    size_t count;

    (void)state;
    ground_init(&g);
    g.options.level_bytes = 1 << 20;
    add_flush(&g, 0, KEYS, 1, false);
    add_flush(&g, 0, KEYS, 1, false);
    assert_true(compact_one(&g, UINT64_MAX, true) > 0);
    g.options.level_bytes = 1;
    count = g.version->levels[1].count;
    assert_true(count >= 3);
    for (size_t i = 0; i <= count; i++) {
        struct sstable *want = g.version->levels[1].tables[i % count];
        struct pick pick;
        assert_ok(due(&g, &pick), &err);
        assert_int_equal(pick.level, 1);
        assert_int_equal(pick.inputs[1].count, 1);
        assert_ptr_equal(pick.inputs[1].tables[0], want);
        strata_buffer_clear(&g.version->cursors[1]);
        strata_buffer_append(&g.version->cursors[1], want->largest.data, want->largest.size);
        pick_free(&pick);
    }
    ground_free(&g);
}

static bool is_there(const struct ground *g, unsigned level, uint64_t number)
{
    const struct version_level *l = &g->version->levels[level];

    for (size_t i = 0; i < l->count; i++)
        if (l->tables[i]->number == number)
            return true;
    return false;
}

/* What needs the table stays above it, merged by size; all else goes down as ever. */
static void pick_takes_no_quarantined_table(void **state)
{
    (void)state;
    for (unsigned level = 0; level < 2; level++) {
        struct ground g;
        struct strata_error err;
        uint64_t number, before;

        ground_init(&g);
        add_flush(&g, KEYS / 2, KEYS / 2 + 8, 1, false);
        if (level)
            assert_true(compact_one(&g, UINT64_MAX, true) > 0);
        number = g.version->levels[level].tables[0]->number;
        assert_ok(policy_quarantine_add(&g.quarantined, number, &err), &err);
        for (int i = 0; i < 8; i++) /* tombstones of what it holds */
            add_flush(&g, KEYS / 2 - 4, KEYS / 2 + 4, 1, true);
        while (compact_one(&g, 700, false) > 0)
            ;
        assert_in_range(g.version->levels[0].count, 1, 4);
        expect_gets(&g);
        for (int i = 0; i < 60; i++) {
            int from = i % 3 * KEYS / 3, to = from + KEYS / 3; /* the second over it */
            add_flush(&g, from, to, 2, i % 7 == 6);
            while (compact_one(&g, 700, false) > 0)
                ;
            assert_true(is_there(&g, level, number));
            assert_in_range(g.version->levels[0].count, 0, 14);
            expect_gets(&g);
        }
        before = g.version->levels[0].count;
        assert_true(before > level); /* those over it */
        assert_true(g.version->levels[1].count > level);
        for (int i = 0; i < 20; i++) { /* far from it */
            add_flush(&g, 0, 20, 1, false);
            while (compact_one(&g, 700, false) > 0)
                ;
        }
        assert_in_range(g.version->levels[0].count, 0, before + 4);
        expect_gets(&g);
        policy_quarantine_clear(&g.quarantined); /* it was mended */
        while (compact_one(&g, 700, false) > 0)
            ;
        assert_in_range(g.version->levels[0].count, 0, PICK_L0_TABLES - 1);
        expect_gets(&g);
        ground_free(&g);
    }
}

/* ---- By tiers -------------------------------------------------------------------------------- */

static void add_flushes(struct ground *g, int count, int from, int to)
{
    for (int i = 0; i < count; i++)
        add_flush(g, from, to, 1, false);
}

/* Four of a size become one, which waits for three more of its size; a small one that stands among
 * large ones goes with them. */
static void pick_tiered_merges_neighbours_of_a_size(void **state)
{
    struct ground g;
    struct strata_error err;
    struct pick pick;

    (void)state;
    ground_init(&g);
    g.options.compaction = STRATA_COMPACTION_TIERED;
    add_flushes(&g, 3, 0, 20);
    assert_int_equal(compact_one(&g, UINT64_MAX, false), 0);
    assert_int_equal(debt_of(&g), 0);
    assert_int_equal(trigger_of(&g), 8);
    add_flush(&g, 20, 40, 1, false);
    assert_int_equal(debt_of(&g), g.version->levels[0].bytes);
    add_flush(&g, 40, 140, 1, false); /* much larger, and newer: all are of its tier */
    assert_int_equal(debt_of(&g), g.version->levels[0].bytes);
    add_flushes(&g, 3, 0, 10);
    assert_ok(due(&g, &pick), &err);
    assert_int_equal(pick.output, 0);
    assert_int_equal(pick.inputs[0].count, 5);
    assert_ptr_equal(pick.inputs[0].tables[0], g.version->levels[0].tables[3]);
    pick_free(&pick);
    assert_int_equal(trigger_of(&g), 11);
    assert_true(compact_one(&g, UINT64_MAX, false) > 0);
    assert_int_equal(g.version->levels[0].count, 4);
    assert_int_equal(g.version->levels[0].tables[3]->sum.records, 140);
    assert_int_equal(compact_one(&g, UINT64_MAX, false), 0);
    add_flush(&g, 5, 15, 1, false);
    assert_true(compact_one(&g, UINT64_MAX, false) > 0);
    assert_int_equal(g.version->levels[0].count, 2);
    expect_gets(&g);
    ground_free(&g);
}

/* A tombstone goes on as long as anything older has its key: of level 0, or of a deeper one. */
static void compaction_by_tiers_keeps_tombstones_that_hide(void **state)
{
    (void)state;
    for (int deep = 0; deep < 2; deep++) {
        struct ground g;
        ground_init(&g);
        g.options.compaction = STRATA_COMPACTION_TIERED;
        add_flush(&g, 0, KEYS, 1, false);
        if (deep)
            assert_true(compact_one(&g, UINT64_MAX, true) > 0);
        for (int i = 0; i < 4; i++)
            add_flush(&g, 25 * i, 25 * i + 100, 1, true);
        add_flush(&g, 190, 191, 1, false); /* newer, and not of their tier */
        assert_true(compact_one(&g, UINT64_MAX, false) > 0);
        assert_int_equal(g.version->tombstones, 175);
        assert_int_equal(g.version->levels[0].count, deep ? 2 : 3);
        expect_gets(&g);
        expect_scan(&g);
        for (int i = 0; i < 40; i++) { /* until the oldest have their turn */
            add_flush(&g, 0, KEYS, 1 + i % 2, false);
            while (compact_one(&g, UINT64_MAX, false) > 0)
                expect_gets(&g);
        }
        assert_int_equal(g.version->tombstones, 0);
        assert_int_equal(g.version->levels[1].count + g.version->levels[2].count > 0, deep);
        assert_in_range(g.version->levels[0].count, 1, 6);
        expect_scan(&g);
        ground_free(&g);
    }
}

/* One that cannot be read parts those that are newer from those that are older. */
static void pick_tiered_takes_no_quarantined_table(void **state)
{
    (void)state;
    for (int deep = 0; deep < 2; deep++) {
        struct ground g;
        struct strata_error err;
        uint64_t number;

        ground_init(&g);
        g.options.compaction = STRATA_COMPACTION_TIERED;
        add_flushes(&g, 2, 0, 20);
        if (deep)
            assert_true(compact_one(&g, UINT64_MAX, true) > 0);
        number = g.version->levels[deep].tables[0]->number;
        assert_ok(policy_quarantine_add(&g.quarantined, number, &err), &err);
        for (int i = 0; i < 60; i++) {
            add_flush(&g, i % 3 * 10, i % 3 * 10 + 20, 1, i % 7 == 6);
            while (compact_one(&g, 700, false) > 0)
                ;
            assert_true(is_there(&g, (unsigned)deep, number));
            assert_in_range(g.version->levels[0].count, 1, 10);
            expect_gets(&g);
        }
        policy_quarantine_clear(&g.quarantined);
        add_flushes(&g, 12, 0, KEYS);
        while (compact_one(&g, 700, false) > 0)
            expect_gets(&g);
        assert_false(is_there(&g, (unsigned)deep, number));
        ground_free(&g);
    }
}

/* ---- A range --------------------------------------------------------------------------------- */

static uint64_t sum_of_numbers(const struct ground *g, unsigned level, int from, int to)
{
    const struct version_level *l = &g->version->levels[level];
    uint64_t sum = 0;
    char low[16], high[16];

    make_key(low, from);
    make_key(high, to);
    for (size_t i = 0; i < l->count; i++) {
        struct strata_slice smallest = strata_buffer_slice(&l->tables[i]->smallest),
                            largest = strata_buffer_slice(&l->tables[i]->largest);
        if (strata_compare(largest, S(low)) >= 0 && strata_compare(smallest, S(high)) < 0)
            sum += l->tables[i]->number * l->tables[i]->number;
    }
    return sum;
}

static unsigned deepest(const struct ground *g, int from, int to)
{
    char low[16] = "", high[16] = "";

    if (from >= 0)
        make_key(low, from);
    if (to >= 0)
        make_key(high, to);
    return policy_deepest_level(g->version, S(low), S(high));
}

/* All keys on level 2; above them some of the first half. A range takes what holds its keys. */
static void pick_part_takes_what_holds_the_keys(void **state)
{
    struct policy_input of;
    struct ground g;
    struct strata_error err;
    struct pick pick;
    uint64_t before, level1;

    (void)state;
    ground_init(&g);
    g.options.table_bytes = 500;
    add_flush(&g, 0, KEYS, 1, false);
    assert_true(compact_one(&g, UINT64_MAX, true) > 0);
    assert_true(g.version->levels[2].count > 8 && g.version->levels[1].count == 0);
    add_flush(&g, 0, KEYS / 2, 1, false);
    assert_int_equal(compact_part(&g, 0, KEYS / 2, -1), 0);
    assert_int_equal(compact_part(&g, 0, KEYS / 2 - 1, -1) > 0, 1); /* the last key of it */
    assert_int_equal(g.version->levels[0].count, 0);
    assert_int_equal(deepest(&g, 0, 1), 2);
    assert_int_equal(deepest(&g, -1, -1), 2);
    assert_int_equal(deepest(&g, -1, 0), 1); /* there is none before the first */
    before = sum_of_numbers(&g, 2, KEYS / 2, KEYS);
    level1 = g.version->levels[1].count;
    of = policy_of(&g);
    assert_ok(policy_pick_range(&of, 1, S("key 0040"), S("key 0042"), &pick, &err), &err);
    assert_int_equal(pick.inputs[1].count, 1); /* of key 20 */
    assert_in_range(pick.inputs[2].count, 1, 3);
    assert_false(pick.move);
    assert_true(carry_out(&g, 0, &pick, UINT64_MAX) > 0);
    assert_int_equal(g.version->levels[1].count, level1 - 1);
    assert_int_equal(sum_of_numbers(&g, 2, KEYS / 2, KEYS), before);
    assert_true(compact_part(&g, 1, 0, KEYS / 4) > 0);
    assert_int_equal(sum_of_numbers(&g, 1, 0, KEYS / 4), 0);
    assert_true(g.version->levels[1].count > 0);
    expect_gets(&g);
    expect_scan(&g);
    assert_int_equal(compact_part(&g, 3, -1, -1), 0);
    ground_free(&g);
}

/* Of level 0 all goes that overlaps with what holds the keys, however far that reaches. */
static void pick_part_of_level_0_is_closed(void **state)
{
    struct ground g;

    (void)state;
    ground_init(&g);
    add_flush(&g, 0, 10, 1, false); /* overlaps with the next */
    add_flush(&g, 5, 30, 1, false); /* and that with the one that holds key 50 */
    add_flush(&g, 100, 120, 1, false);
    add_flush(&g, 25, 60, 1, false);
    assert_true(compact_part(&g, 0, 50, 51) > 0);
    assert_int_equal(g.version->levels[0].count, 1);
    expect_gets(&g);
    ground_free(&g);
}

/* Outputs above a level with many small tables are cut so that none overlaps with much of it. */
static void compaction_is_cut_by_what_lies_below(void **state)
{
    struct ground g;
    uint64_t before;

    (void)state;
    ground_init(&g);
    g.options.table_bytes = 256;
    add_flush(&g, 0, KEYS, 1, false);
    assert_true(compact_one(&g, UINT64_MAX, true) > 0);
    g.options.level_bytes = 1;
    while (g.version->levels[1].count)
        assert_true(compact_one(&g, UINT64_MAX, false) > 0); /* to level 2 */
    assert_true(g.version->levels[2].count > 25);
    g.options.level_bytes = 1 << 20;
    for (int i = 0; i < 4; i++)
        add_flush(&g, 0, KEYS, 40, false); /* five keys, far from each other */
    before = g.version->levels[2].count;
    assert_true(compact_one(&g, UINT64_MAX, false) > 0);
    assert_int_equal(g.version->levels[2].count, before);
    assert_true(g.version->levels[1].count >= 2);
    expect_gets(&g);
    ground_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_cursor_walks_as_through_an_array),
        cmocka_unit_test(compactions_change_nothing_that_is_seen),
        cmocka_unit_test(get_asks_as_many_tables_as_there_are),
        cmocka_unit_test(compaction_keeps_a_tombstone_as_long_as_it_hides),
        cmocka_unit_test(pick_moves_what_overlaps_with_nothing),
        cmocka_unit_test(pick_all_moves_what_is_one_run),
        cmocka_unit_test(pick_goes_round_the_keys),
        cmocka_unit_test(pick_takes_no_quarantined_table),
        cmocka_unit_test(compaction_is_cut_by_what_lies_below),
        cmocka_unit_test(pick_tiered_merges_neighbours_of_a_size),
        cmocka_unit_test(compaction_by_tiers_keeps_tombstones_that_hide),
        cmocka_unit_test(pick_tiered_takes_no_quarantined_table),
        cmocka_unit_test(pick_part_takes_what_holds_the_keys),
        cmocka_unit_test(pick_part_of_level_0_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
