/* 12_space_test.c: the space of what was overwritten comes back, by itself and at a bounded pace.
 */
#include "07_paced_compaction/compaction/pace.h"
#include "12_value_log/collect/collect.h"
#include "base/prng.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"
#include "db/db.h"
#include "test.h"
#include "threads/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 16384, KEYS = 600, LOG = 1 << 20 /* the least that a log is ended at */ };

static struct strata *open_sized(struct strata_fs *fs, unsigned threads, size_t memtable)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, true);
    options.sync = STRATA_SYNC_NEVER;
    options.memtable_bytes = memtable;
    options.level_bytes = options.table_bytes = 1 << 20;
    options.value_bytes = 4096;
    options.background_threads = threads;
    options.background_seed = 0;
    assert_ok(strata_open("db", &options, &db, &err), &err);
    return db;
}

static struct strata *open_db(struct strata_fs *fs, unsigned threads)
{
    return open_sized(fs, threads, 65536);
}

static struct value_set *set_of(struct strata *db)
{
    return value_set_of(((struct tree *)db->self)->common);
}

static void put_sized(struct strata *db, unsigned key, unsigned round, size_t size)
{
    static char value[SIZE];
    struct strata_error err;
    char name[20];

    snprintf(name, sizeof name, "key%013u", key);
    memset(value, (int)(key + round), sizeof value);
    assert_ok(strata_put(db, strata_string(name), strata_bytes(value, size), &err), &err);
}

static void put(struct strata *db, unsigned key, unsigned round)
{
    put_sized(db, key, round, SIZE);
}

static void overwrite(struct strata *db, unsigned times, struct prng *random)
{
    for (unsigned i = 0; i < times * KEYS; i++)
        put(db, (unsigned)(prng_next(random) % KEYS), i);
}

static void close_db(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

/* Of all files, without the room that the live log has ahead. */
static uint64_t bytes_in(struct strata_fs *fs)
{
    struct fs_names names;
    uint64_t bytes = 0;

    assert_int_equal(fs_list(fs, "db", &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++) {
        char *path = fs_join("db", names.names[i]);
        struct strata_buffer content = {0};
        if (!strstr(path, ".log") && fs_sim_get(fs, path, &content) == 0)
            bytes += content.size;
        strata_buffer_free(&content);
        free(path);
    }
    fs_names_free(&names);
    return bytes;
}

/* ---- It comes back --------------------------------------------------------------------------- */

/* Waits, for ten seconds at most. */
static bool shrinks_to(struct strata_fs *fs, uint64_t most)
{
    for (unsigned i = 0; i < 1000 && bytes_in(fs) > most; i++)
        sync_sleep(10000000);
    return bytes_in(fs) <= most;
}

/* Nothing is flushed, compacted or closed: a background thread does what is to be done. */
static void space_comes_back_though_nobody_asks(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, 1);
    uint64_t data = (uint64_t)KEYS * SIZE;
    struct prng random = {1};

    (void)state;
    overwrite(db, 10, &random);
    assert_true(shrinks_to(fs, data * 21 / 10 - LOG));
    assert_true(fs->bytes_written <= 10 * data * 23 / 10);
    close_db(db);
    fs_free(fs);
}

/* Tables of pointers are small: no compaction is due for their sake. */
static void space_of_few_small_tables_comes_back(void **state)
{
    enum { FEW = 100 };
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_sized(fs, 1, 1 << 18);

    (void)state;
    for (unsigned i = 0; i < 4 * FEW; i++)
        put(db, i % FEW, i);
    assert_true(shrinks_to(fs, (uint64_t)FEW * SIZE * 21 / 10));
    close_db(db);
    fs_free(fs);
}

/* The threads that write do the work. */
static void space_is_bounded_while_it_is_written(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, 0);
    uint64_t data = (uint64_t)KEYS * SIZE, most = 0;
    struct prng random = {2};
    struct strata_error err;

    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        for (unsigned j = 0; j < KEYS / 3; j++)
            put(db, (unsigned)(prng_next(&random) % KEYS), i);
        if (bytes_in(fs) > most)
            most = bytes_in(fs);
    }
    assert_true(most < 3 * data);
    assert_ok(strata_flush(db, &err), &err);
    assert_true(bytes_in(fs) <= data * 21 / 10);
    assert_true(fs->bytes_written <= 10 * data * 23 / 10);
    assert_ok(strata_verify(db, NULL, &err), &err);
    close_db(db);
    fs_free(fs);
}

/* A file that a collection wrote is one like others, in the same process, too. */
static void space_of_collected_files_comes_back(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, 0);
    const struct value_set *set = set_of(db);
    struct prng random = {3};
    struct strata_error err;

    (void)state;
    overwrite(db, 5, &random);
    assert_ok(strata_flush(db, &err), &err);
    assert_true(set->relocated > 0);
    for (size_t i = 0; i < set->count; i++) {
        const struct value_file *file = set->files[i];
        struct strata_buffer content = {0};
        if (file->gone)
            continue;
        assert_int_equal(fs_sim_get(fs, file->path, &content), 0);
        assert_int_equal(file->bytes, content.size);
        assert_true(file->live * 2 > file->bytes && file->bytes < LOG + 2 * SIZE);
        strata_buffer_free(&content);
    }
    close_db(db);
    fs_free(fs);
}

/* ---- At a bounded pace ----------------------------------------------------------------------- */

static void log_of_large_values_ends_at_its_bound(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, 0);
    struct strata_error err;

    (void)state;
    for (unsigned i = 0; i < KEYS; i++) {
        put(db, i, 0);
        assert_true(((struct tree *)db->self)->path.log.end < LOG + 2 * SIZE);
    }
    assert_ok(strata_flush(db, &err), &err);
    for (size_t i = 0; i < set_of(db)->count; i++)
        assert_true(set_of(db)->files[i]->bytes < LOG + 2 * SIZE);
    close_db(db);
    fs_free(fs);
}

/* Two of three values become garbage, all at once, which a few small tables say. */
static void make_garbage(struct tree *tree, struct strata *db)
{
    struct strata_error err;

    for (unsigned i = 0; i < KEYS; i++)
        put(db, i, 0);
    assert_ok(strata_flush(db, &err), &err);
    tree->compaction_paused = true;
    for (unsigned i = 0; i < KEYS; i++) {
        tree->compaction_paused = true;
        if (i % 3)
            put(db, i, 1);
    }
    tree_be_alone(tree);
    assert_ok(pace_flush(tree, &err), &err);
    tree_end_alone(tree, false);
    tree->compaction_paused = false;
}

/* 12.I9: a step does not write more values than it is to read bytes, but for one value. */
static void collection_step_is_as_large_as_its_budget(void **state)
{
    enum { BUDGET = 5 * SIZE };
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_db(fs, 0);
    struct tree *tree = db->self;
    uint64_t steps = 0, most = 0;
    struct strata_error err;
    int rc = 0;

    (void)state;
    make_garbage(tree, db);
    tree_be_alone(tree);
    tree->nothing_due = false;
    tree->draining = true;
    while (rc >= 0 && rc != STRATA_NOT_FOUND) {
        uint64_t budget = BUDGET, before = set_of(db)->relocated_bytes, left, now;
        left = tree->compaction ? compact_left(tree->compaction) : UINT64_MAX;
        rc = tree_compact_step(tree, &budget, &err);
        now = set_of(db)->relocated_bytes - before;
        most = now > most ? now : most;
        steps += now > 0;
        assert_true(rc != 0 || !tree->compaction || compact_left(tree->compaction) <= left);
    }
    tree->draining = false;
    tree_end_alone(tree, false);
    assert_true(set_of(db)->relocated >= KEYS / 3);
    assert_true(most > SIZE && most <= BUDGET + SIZE);
    assert_true(steps >= KEYS / 3 / 6);
    assert_ok(strata_verify(db, NULL, &err), &err);
    close_db(db);
    fs_free(fs);
}

/* A file's header is no garbage: else what was collected would be again, without end. */
static void collection_of_a_small_file_is_the_last(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    uint64_t relocated;

    (void)state;
    subject_options(&options, fs, true);
    options.value_bytes = 64;
    options.value_garbage = 1;
    options.background_threads = 0;
    options.background_seed = 0;
    assert_ok(strata_open("db", &options, &db, &err), &err);
    put_sized(db, 1, 1, 100);
    put_sized(db, 2, 1, 100);
    assert_ok(strata_compact(db, NULL, &err), &err);
    put_sized(db, 1, 2, 100);
    assert_ok(strata_compact(db, NULL, &err), &err);
    relocated = set_of(db)->relocated;
    assert_true(relocated > 0);
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_int_equal(set_of(db)->relocated, relocated);
    assert_false(value_set_has_garbage(set_of(db)));
    close_db(db);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collection_of_a_small_file_is_the_last),
        cmocka_unit_test(space_comes_back_though_nobody_asks),
        cmocka_unit_test(space_of_few_small_tables_comes_back),
        cmocka_unit_test(space_is_bounded_while_it_is_written),
        cmocka_unit_test(space_of_collected_files_comes_back),
        cmocka_unit_test(log_of_large_values_ends_at_its_bound),
        cmocka_unit_test(collection_step_is_as_large_as_its_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
