/* 07_pick_test.c: how much each level may have, with a fixed base and with a dynamic one; what is
 * left on level 0, and what short sessions make of it. */
#include "test.h"

#include "07_paced_compaction/policy/policy.h"
#include "crash/sim/fs_sim.h"
#include "crash/model.h"
#include "rng.h"
#include "crash/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIR "db"
#define MIB ((uint64_t)1 << 20)

/* ---- Shapes ---------------------------------------------------------------------------------- */

static struct policy_targets shape_of(const struct version *v, bool dynamic)
{
    struct strata_options options;
    struct policy_targets shape;

    strata_options_init(&options);
    options.level_bytes = 64 * MIB;
    options.dynamic_levels = dynamic;
    policy_targets(v, &options, &shape);
    return shape;
}

static void pick_shape_is_reckoned_from_the_deepest_level(void **state)
{
    struct version v = {0};
    struct policy_targets shape = shape_of(&v, true);

    (void)state;
    assert_int_equal(shape.base, 6);
    v.levels[6] = (struct version_level){.count = 80, .bytes = 640 * MIB - 1};
    assert_int_equal(shape_of(&v, true).base, 6);
    v.levels[6].bytes = 640 * MIB;
    shape = shape_of(&v, true);
    assert_int_equal(shape.base, 5);
    assert_int_equal(shape.target[5], 64 * MIB);
    v.levels[6].bytes = 10000 * MIB;
    shape = shape_of(&v, true);
    assert_int_equal(shape.base, 4);
    assert_int_equal(shape.target[4], 100 * MIB);
    assert_int_equal(shape.target[5], 1000 * MIB);
    v.levels[6].bytes = UINT64_MAX;
    assert_int_equal(shape_of(&v, true).base, 1);
    v = (struct version){.levels[2] = {.count = 1, .bytes = 640 * MIB}};
    assert_int_equal(shape_of(&v, true).base, 5); /* wherever it stands */
}

/* A level that has tables stays in use until half of that is left. */
static void pick_shape_does_not_come_and_go(void **state)
{
    struct version v = {.levels[5] = {.count = 1, .bytes = MIB}};

    (void)state;
    v.levels[6] = (struct version_level){.count = 40, .bytes = 321 * MIB};
    assert_int_equal(shape_of(&v, true).base, 5);
    v.levels[6].bytes = 319 * MIB;
    assert_int_equal(shape_of(&v, true).base, 6);
    assert_int_equal(shape_of(&v, true).target[5], 0); /* it goes down */
}

static void pick_shape_with_a_fixed_base_is_the_same_ever(void **state)
{
    struct version v = {.levels[6] = {.count = 1, .bytes = 100000 * MIB}};
    struct policy_targets shape = shape_of(&v, false);
    uint64_t want = 64 * MIB;

    (void)state;
    assert_int_equal(shape.base, 1);
    for (unsigned level = 1; level < LEVELS; level++, want *= 10)
        assert_int_equal(shape.target[level], want);
}

/* ---- A database ------------------------------------------------------------------------------ */

struct setting {
    size_t memtable_bytes;
    uint64_t level_bytes;
    bool fixed;
};

static struct strata *open_as(struct strata_fs *fs, struct setting s)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, true);
    options.memtable_bytes = s.memtable_bytes;
    options.level_bytes = s.level_bytes;
    options.table_bytes = 1024;
    options.dynamic_levels = !s.fixed;
    options.sync = STRATA_SYNC_NEVER;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

static void close_it(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

/* Values do not pack. */
static void put(struct strata *db, struct model *model, struct rng *rng, unsigned i)
{
    char key[16], value[65];

    snprintf(key, sizeof key, "key %05u", i);
    for (size_t at = 0; at < sizeof value - 1; at++)
        value[at] = (char)(' ' + rng_below(rng, 95));
    value[sizeof value - 1] = '\0';
    assert_put(db, key, value);
    model_put(model, strata_string(key), strata_string(value));
}

static void put_random(struct strata *db, struct model *model, struct rng *rng, unsigned count,
                       unsigned keys)
{
    for (unsigned i = 0; i < count; i++)
        put(db, model, rng, (unsigned)rng_below(rng, keys));
}

static uint64_t of_level(struct strata *db, unsigned level, const char *what)
{
    char name[40];

    snprintf(name, sizeof name, "level%u_%s", level, what);
    return check_stat(db, name);
}

/* Nothing is due: no level has more than its target, those that are not used have nothing, and
 * level 0 has little, or one table and nothing to be merged with. */
static void expect_settled(struct strata *db)
{
    unsigned base = (unsigned)check_stat(db, "base_level");
    struct strata_error err;

    assert_ok(strata_flush(db, &err), &err);
    base = (unsigned)check_stat(db, "base_level");
    for (unsigned level = 1; level < base; level++)
        assert_int_equal(of_level(db, level, "files"), 0);
    for (unsigned level = base; level + 1 < LEVELS; level++)
        assert_in_range(of_level(db, level, "bytes"), 0, of_level(db, level, "target"));
    assert_true(check_stat(db, "level0_files") == 0 ||
                of_level(db, 0, "bytes") < of_level(db, base, "bytes") / 8 ||
                (check_stat(db, "level0_files") == 1 && of_level(db, base, "files") == 0));
    assert_ok(strata_verify(db, NULL, &err), &err);
}

/* Bytes of all tables, in hundredths of what they are when all is merged. */
static uint64_t space_of(struct strata *db)
{
    uint64_t before = check_stat(db, "table_files_bytes");
    struct strata_error err;

    assert_ok(strata_compact(db, NULL, &err), &err);
    return before * 100 / check_stat(db, "table_files_bytes");
}

static void pick_base_rises_and_falls_with_the_data(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_as(fs, (struct setting){4000, 4000, false});
    struct model model = {0};
    struct strata_error err;
    unsigned bases = 0;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "pick");
    for (int round = 0; round < 12; round++) {
        bases |= 1u << check_stat(db, "base_level");
        put_random(db, &model, &rng, 1000, 10000);
        assert_in_range(check_stat(db, "level0_files"), 0, 11);
        expect_settled(db);
    }
    assert_int_equal(bases, 1u << 6 | 1u << 5 | 1u << 4);
    assert_true(of_level(db, 4, "compactions") > 5 && of_level(db, 5, "compactions") > 5);
    assert_model(&model, db);
    for (unsigned i = 0; i < 9900; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %05u", i);
        assert_delete(db, key);
        model_delete(&model, strata_string(key));
    }
    expect_settled(db);
    assert_ok(strata_compact(db, NULL, &err), &err);
    expect_settled(db);
    assert_int_equal(check_stat(db, "base_level"), 6);
    assert_model(&model, db);
    close_it(db);
    model_free(&model);
    fs_free(fs);
}

/* What was replaced is there no more, but for an eighth. (With a fixed base it is 2.5 here.) */
static void pick_dynamic_base_keeps_space_small(void **state)
{
    (void)state;
    for (unsigned keys = 500; keys <= 8000; keys *= 2) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = open_as(fs, (struct setting){4000, 4000, false});
        struct model model = {0};
        struct rng rng;

        rng_init_env(&rng, "space");
        put_random(db, &model, &rng, 3 * keys, keys);
        expect_settled(db);
        assert_in_range(space_of(db), 100, 125);
        assert_model(&model, db);
        close_it(db);
        model_free(&model);
        fs_free(fs);
    }
}

/* Each session finds levels that are not its own. */
static void pick_base_may_be_another_at_each_opening(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct model model = {0};
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "shapes");
    for (int session = 0; session < 12; session++) {
        struct strata *db = open_as(
            fs, (struct setting){8000, 4000u << rng_below(&rng, 4), rng_below(&rng, 2) == 0});
        put_random(db, &model, &rng, 1 + (unsigned)rng_below(&rng, 3000), 8000);
        if (session % 2)
            expect_settled(db);
        assert_model(&model, db);
        close_it(db);
    }
    model_free(&model);
    fs_free(fs);
}

/* They overlap with nothing below, however much stands there: none is written again. */
static void pick_keys_in_order_are_moved(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_as(fs, (struct setting){4000, 1 << 20, false});
    struct model model = {0};
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "order");
    for (unsigned i = 0; i < 6000; i++)
        put(db, &model, &rng, i);
    expect_settled(db);
    for (unsigned level = 0; level < LEVELS; level++)
        assert_int_equal(of_level(db, level, "written"), 0);
    assert_true(of_level(db, 6, "moves") > 30);
    assert_in_range(check_stat(db, "level0_files"), 0, 1);
    assert_model(&model, db);
    close_it(db);
    model_free(&model);
    fs_free(fs);
}

/* ---- Short sessions -------------------------------------------------------------------------- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t bytes_moved(struct strata_fs *fs)
{
    return fs->bytes_read + fs->bytes_written;
}

static void note_bytes(void *arg, const struct strata_table *table)
{
    *(uint64_t *)arg += table->bytes;
}

static uint64_t bytes_of_tables(struct strata *db)
{
    struct strata_error err;
    uint64_t bytes = 0;

    assert_ok(strata_tables(db, note_bytes, &bytes, &err), &err);
    return bytes;
}

/* Each ends before its compactions do, and leaves a table of a few entries. They become one
 * another, and no write has to wait until all of the database was merged with them. */
static void pick_short_sessions_leave_little(void **state)
{
    struct setting setting = {1 << 20, 1 << 20, false};
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_as(fs, setting);
    struct model model = {0};
    uint64_t worst = 0, all, files = 0, began;
    struct strata_error err;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "sessions");
    put_random(db, &model, &rng, 6000, 20000);
    assert_ok(strata_compact(db, NULL, &err), &err);
    all = bytes_of_tables(db);
    assert_true(all > 300000);
    close_it(db);
    for (int session = 0; session < 150; session++) {
        db = open_as(fs, setting);
        for (int i = 0; i < 4; i++) {
            uint64_t before = bytes_moved(fs);
            put(db, &model, &rng, (unsigned)rng_below(&rng, 20000));
            worst = larger(worst, bytes_moved(fs) - before);
        }
        files = larger(files, check_stat(db, "level0_files"));
        began = bytes_moved(fs);
        close_it(db);
        assert_in_range(bytes_moved(fs) - began, 1, all / 4);
    }
    assert_in_range(files, 4, 8);
    assert_in_range(worst, 1, all / 64);
    db = open_as(fs, setting);
    assert_model(&model, db);
    expect_settled(db);
    close_it(db);
    model_free(&model);
    fs_free(fs);
}

/* Sessions of a memtable each: what they owe is more than one of them does. Level 0 has no more
 * than 12 tables all the same. */
static void pick_sessions_of_a_memtable_stay_bounded(void **state)
{
    struct setting setting = {8000, 100000, false};
    struct strata_fs *fs = fs_sim_new();
    struct model model = {0};
    uint64_t files = 0, compactions = 0;
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "memtables");
    for (int session = 0; session < 120; session++) {
        struct strata *db = open_as(fs, setting);
        put_random(db, &model, &rng, 90, 4000);
        files = larger(files, check_stat(db, "level0_files"));
        compactions += of_level(db, 6, "compactions");
        if (session % 20 == 0)
            assert_model(&model, db);
        close_it(db);
    }
    assert_in_range(files, 3, 12);
    assert_true(compactions >= 5);
    model_free(&model);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pick_shape_is_reckoned_from_the_deepest_level),
        cmocka_unit_test(pick_shape_does_not_come_and_go),
        cmocka_unit_test(pick_shape_with_a_fixed_base_is_the_same_ever),
        cmocka_unit_test(pick_base_rises_and_falls_with_the_data),
        cmocka_unit_test(pick_dynamic_base_keeps_space_small),
        cmocka_unit_test(pick_base_may_be_another_at_each_opening),
        cmocka_unit_test(pick_keys_in_order_are_moved),
        cmocka_unit_test(pick_short_sessions_leave_little),
        cmocka_unit_test(pick_sessions_of_a_memtable_stay_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
