/* 09_many_tables_test.c: thousands of tables: what is done for all of them grows as their number
 * does, and not as its square. Work is counted in comparisons and calls, not in time. */
#include "test.h"

#include "base/cost.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <stdio.h>
#include <string.h>

#define DIR "db"

static struct strata *open_it(struct strata_fs *fs, bool read_only)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, !read_only);
    options.read_only = read_only;
    options.memtable_bytes = 8 << 20;
    options.block_bytes = options.table_bytes = 256; /* two entries a table */
    options.level_bytes = (uint64_t)1 << 30;
    options.plain_blocks = true;
    options.sync = STRATA_SYNC_NEVER;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

static void close_it(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

static void put_all(struct strata *db, unsigned count, unsigned step)
{
    char key[16], value[241];

    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (unsigned i = 0; i < count; i += step) {
        snprintf(key, sizeof key, "key %06u", i);
        assert_put(db, key, value);
    }
}

static struct strata_fs *make_tables(unsigned entries)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs, false);
    struct strata_error err;

    put_all(db, entries, 1);
    assert_ok(strata_flush(db, &err), &err);
    put_all(db, 1, 1); /* else the one table is moved */
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_in_range(check_stat(db, "level6_files"), entries / 2, entries);
    close_it(db);
    return fs;
}

/* All tables of level 6 are inputs, with one of level 0, and as many are written. */
static uint64_t work_of_a_compaction(unsigned entries)
{
    struct strata_fs *fs = make_tables(entries);
    struct strata *db = open_it(fs, false);
    struct strata_error err;
    uint64_t before;

    put_all(db, entries, 100);
    put_all(db, entries, entries - 1);
    before = cost_so_far.comparisons;
    assert_ok(strata_compact_range(db, strata_string("key"), strata_string("kez"), NULL, &err),
              &err);
    before = cost_so_far.comparisons - before;
    assert_int_equal(check_stat(db, "level0_files"), 0);
    assert_ok(strata_verify(db, NULL, &err), &err);
    close_it(db);
    fs_free(fs);
    return before;
}

static void many_tables_are_compacted_in_proportion(void **state)
{
    uint64_t few = work_of_a_compaction(500), many = work_of_a_compaction(4000);

    (void)state;
    assert_in_range(many, 1, 8 * few * 2); /* each is searched for among all: a logarithm more */
    assert_in_range(many, 1, 4000 * 60);
}

static uint64_t calls(struct strata_fs *fs)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < FS_CALL_COUNT; i++)
        sum += fs->calls[i];
    return sum;
}

/* An open looks at the end of each table, and a get at one table. */
static void many_tables_are_opened_with_a_few_calls_each(void **state)
{
    struct strata_fs *fs = make_tables(2000);
    uint64_t before = calls(fs), opened;
    struct strata *db = open_it(fs, true);
    uint64_t tables = check_stat(db, "level6_files");
    struct strata_buffer value = {0};
    struct strata_error err;

    (void)state;
    assert_in_range(calls(fs) - before, tables, tables * 5 + 50);
    before = cost_so_far.comparisons;
    opened = calls(fs);
    assert_ok(strata_get(db, strata_string("key 001000"), &value, &err), &err);
    assert_in_range(calls(fs) - opened, 1, 10);
    assert_in_range(cost_so_far.comparisons - before, 1, 40);
    strata_buffer_free(&value);
    close_it(db);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_tables_are_compacted_in_proportion),
        cmocka_unit_test(many_tables_are_opened_with_a_few_calls_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
