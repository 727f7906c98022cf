/* 07_pace_test.c: what a write of stage 6 waits for, counted and not timed; and how the files go
 * that are named no more. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "rng.h"
#include "crash/subject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifndef SUFFIX /* of tables; stage 9 runs these tests, too */
#define SUFFIX ".sst"
#endif

#define S(text) strata_string(text)
#define DIR "db"

static void options_as(struct strata_options *options, struct strata_fs *fs, size_t memtable_bytes,
                       enum strata_compaction compaction, bool dynamic)
{
    subject_options(options, fs, true);
    options->memtable_bytes = memtable_bytes;
    options->block_bytes = 4096;
    options->table_bytes = 128 << 10;
    options->level_bytes = 512 << 10;
    options->plain_blocks = true;
    options->sync = STRATA_SYNC_NEVER;
    options->compaction = compaction;
    options->background_threads = 0; /* what writes do themselves */
    options->dynamic_levels = dynamic;
}

static struct strata *open_as(struct strata_fs *fs, size_t memtable_bytes,
                              enum strata_compaction compaction, bool dynamic)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    options_as(&options, fs, memtable_bytes, compaction, dynamic);
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

static struct strata *open_with(struct strata_fs *fs, size_t memtable_bytes)
{
    return open_as(fs, memtable_bytes, STRATA_COMPACTION_LEVELED, false);
}

static void close_it(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

static void put(struct strata *db, int i)
{
    char key[16], value[200];

    snprintf(key, sizeof key, "key %08d", i);
    snprintf(value, sizeof value, "%0190d", i);
    assert_put(db, key, value);
}

/* ---- Work between two writes ----------------------------------------------------------------- */

struct work {
    uint64_t waits, reads, read, written, removed;
};

static struct work work_of(struct strata_fs *fs)
{
    return (struct work){fs->calls[FS_CALL_SYNC] + fs->calls[FS_CALL_SYNC_DIR],
                         fs->calls[FS_CALL_READ], fs->bytes_read, fs->bytes_written,
                         fs->calls[FS_CALL_REMOVE]};
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The most that a write appends: what a flush and a compaction have gathered, 64 KiB each, the part
 * of their shares, PIECE in pace.c, that goes beyond, how a table ends, and itself. */
#define MOST_WRITTEN (256 << 10)
/* The most that a write reads. A write that starts a compaction reads the first 64 KiB of each run
 * that is merged: four tables of level 0 and one run of the level below, in rare orders of keys one
 * or two more. */
#define MOST_READ (7 * 64 << 10)

/* However long flushes and compactions go on, a write does a little of them. */
static void do_not_do_much(bool dynamic)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_as(fs, 1 << 20, STRATA_COMPACTION_LEVELED, dynamic);
    struct work most = {0};
    struct rng rng;
    uint64_t waiting[6] = {0};

    rng_init_env(&rng, "pace");
    for (int i = 0; i < 120000; i++) {
        struct work before = work_of(fs), after;
        put(db, (int)rng_below(&rng, 50000));
        after = work_of(fs);
        waiting[after.waits - before.waits < 5 ? after.waits - before.waits : 5]++;
        most.reads = larger(most.reads, after.reads - before.reads);
        most.read = larger(most.read, after.read - before.read);
        most.written = larger(most.written, after.written - before.written);
        most.removed = larger(most.removed, after.removed - before.removed);
        if (i % 1000 == 0)
            assert_in_range(check_stat(db, "level0_files"), 0, 11); /* nobody waits for that */
    }
    assert_true(check_stat(db, "flushes") >= 9);
    assert_true(check_stat(db, dynamic ? "level5_compactions" : "level1_compactions") >= 2);
    assert_true(check_stat(db, dynamic ? "level6_compactions" : "level2_compactions") >= 4);
    assert_int_equal(waiting[5], 0);
    assert_int_equal(waiting[4],
                     check_stat(db, "flushes") + (check_stat(db, "immutable_memtable_bytes") > 0));
    assert_int_equal(waiting[3], 0);
    assert_true(waiting[2] + waiting[1] < 120000 / 100);
    assert_in_range(most.written, 100 << 10, MOST_WRITTEN);
    assert_in_range(most.read, 4096, MOST_READ);
    assert_in_range(most.reads, 1, 16);
    assert_in_range(most.removed, 1, 12);
    close_it(db);
    fs_free(fs);
}

static void pace_no_write_does_much(void **state)
{
    (void)state;
    do_not_do_much(false);
}

static void pace_no_write_does_much_with_a_dynamic_base(void **state)
{
    (void)state;
    do_not_do_much(true);
}

/* The inputs of a compaction may be more than is owed in all: tables are large, and level 0, whose
 * tables are small, owes little. All of them were read then, and nothing seems to be left; but its
 * end is still to be written, and until then no other one begins. */
static void do_end_what_was_read(bool dynamic)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    struct rng rng;
    uint64_t most = 0;

    rng_init_env(&rng, "pace");
    options_as(&options, fs, 64 << 10, STRATA_COMPACTION_LEVELED, dynamic);
    options.table_bytes = 256 << 10;
    options.level_bytes = 2 << 20;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    for (int i = 0; i < 120000; i++) {
        uint64_t before = fs->bytes_written;
        put(db, (int)rng_below(&rng, 500000));
        most = larger(most, fs->bytes_written - before);
        if (i % 100 == 0)
            assert_in_range(check_stat(db, "level0_files"), 0, 9);
    }
    assert_true(check_stat(db, dynamic ? "level6_compactions" : "level2_compactions") >= 8);
    assert_in_range(most, 64 << 10, MOST_WRITTEN);
    close_it(db);
    fs_free(fs);
}

static void pace_compaction_ends_when_all_was_read(void **state)
{
    (void)state;
    do_end_what_was_read(false);
    do_end_what_was_read(true);
}

/* So it is by tiers, but for the end of a table: the rest of its blocks, index and filter. */
static void pace_no_write_does_much_by_tiers(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_as(fs, 1 << 20, STRATA_COMPACTION_TIERED, false);
    struct work most = {0};
    struct rng rng;
    uint64_t waiting[6] = {0}, tables = 0;

    (void)state;
    rng_init_env(&rng, "pace");
    for (int i = 0; i < 120000; i++) {
        struct work before = work_of(fs), after;
        put(db, (int)rng_below(&rng, 200000));
        after = work_of(fs);
        waiting[after.waits - before.waits < 5 ? after.waits - before.waits : 5]++;
        most.reads = larger(most.reads, after.reads - before.reads);
        most.read = larger(most.read, after.read - before.read);
        most.written = larger(most.written, after.written - before.written);
        if (i % 500 == 0)
            tables = larger(tables, check_stat(db, "level0_files"));
    }
    assert_true(check_stat(db, "flushes") >= 16);
    assert_true(check_stat(db, "level0_compactions") >= 5);
    assert_int_equal(check_stat(db, "level1_compactions"), 0);
    assert_in_range(tables, 4, 5 + 3 * 3);
    assert_int_equal(waiting[5], 0);
    assert_int_equal(waiting[4],
                     check_stat(db, "flushes") + (check_stat(db, "immutable_memtable_bytes") > 0));
    assert_int_equal(waiting[3], 0);
    assert_true(waiting[2] + waiting[1] < 120000 / 500);
    assert_in_range(most.written, 100 << 10, MOST_WRITTEN);
    assert_in_range(most.read, 4096, MOST_READ);
    assert_in_range(most.reads, 1, 16);
    /* each entry is written when it is flushed and once in each of two tiers */
    assert_in_range(check_stat(db, "level0_written"), check_stat(db, "flushed_bytes"),
                    2 * check_stat(db, "flushed_bytes"));
    close_it(db);
    fs_free(fs);
}

/* ---- Files that are named no more ------------------------------------------------------------ */

static const struct fs_ops *sim_ops;
static uint64_t largest_removed;

static int note_removed(struct strata_fs *fs, const char *path)
{
    struct strata_buffer bytes = {0};

    if (fs_sim_get(fs, path, &bytes) == 0)
        largest_removed = larger(largest_removed, bytes.size);
    strata_buffer_free(&bytes);
    return sim_ops->remove(fs, path);
}

static bool is_there(struct strata_fs *fs, const char *path)
{
    struct strata_buffer bytes = {0};
    bool there = fs_sim_get(fs, path, &bytes) == 0;

    strata_buffer_free(&bytes);
    return there;
}

static size_t count_tables(struct strata_fs *fs)
{
    struct fs_names names;
    size_t count = 0;

    assert_int_equal(fs_list(fs, DIR, &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++)
        count += strstr(names.names[i], SUFFIX) != NULL;
    fs_names_free(&names);
    return count;
}

/* Logs and tables of some mebibytes go by and by; one that has another name is not touched. */
static void pace_large_files_are_cut_piece_by_piece(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, 4 << 20);
    struct fs_ops ops = *fs->ops;
    struct strata_buffer first = {0}, backup = {0};
    uint64_t cuts = fs->calls[FS_CALL_TRUNCATE], between = 0;
    struct strata_error err;
    bool linked = false;

    (void)state;
    sim_ops = fs->ops;
    ops.remove = note_removed;
    fs->ops = &ops;
    largest_removed = 0;
    for (int i = 0; i < 250000; i++) {
        uint64_t before = fs->calls[FS_CALL_TRUNCATE];
        put(db, (int)((uint64_t)i * 7919 % 20000));
        between = larger(between, fs->calls[FS_CALL_TRUNCATE] - before);
        if (i % 1000 == 0)
            assert_in_range(check_stat(db, "level0_files"), 0, 8);
        if (!linked && check_stat(db, "flushes") == 1) {
            linked = true;
            assert_ok(fs_link(fs, "db/000004" SUFFIX, "backup", &err), &err);
            assert_int_equal(fs_sim_get(fs, "db/000004" SUFFIX, &first), 0);
            assert_true(first.size > 2 << 20);
        }
    }
    assert_false(is_there(fs, "db/000001.log"));
    assert_false(is_there(fs, "db/000004" SUFFIX));
    assert_int_equal(between, 1);
    assert_true(fs->calls[FS_CALL_TRUNCATE] - cuts >= 3 * 2);
    assert_int_equal(fs_sim_get(fs, "backup", &backup), 0);
    assert_bytes(strata_buffer_slice(&backup), strata_buffer_slice(&first));
    assert_int_equal(largest_removed, first.size);
    fs->ops = sim_ops;
    close_it(db);
    strata_buffer_free(&first);
    strata_buffer_free(&backup);
    fs_free(fs);
}

/* An iterator reads a table that is named no more; when it has gone, the next writes remove it. */
static void pace_table_is_not_cut_while_it_is_read(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, 4 << 20);
    struct strata_iter *iter;
    struct strata_error err;
    int count = 0, rc;

    (void)state;
    for (int i = 0; check_stat(db, "flushes") < 1; i++)
        put(db, i % 20000);
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    for (int i = 0; i < 250000; i++)
        put(db, (int)((uint64_t)i * 7919 % 20000));
    assert_true(is_there(fs, "db/000004" SUFFIX));
    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        struct strata_slice value;
        assert_ok(strata_iter_value(iter, &value, &err), &err);
        count++;
    }
    assert_int_equal(rc, STRATA_NOT_FOUND);
    assert_true(count > 10000);
    strata_iter_free(iter);
    for (int i = 0; i < 2000; i++)
        put(db, i);
    assert_false(is_there(fs, "db/000004" SUFFIX));
    close_it(db);
    fs_free(fs);
}

/* When nobody writes it removes them all. */
static void pace_end_of_a_scan_removes_what_it_held(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, 1 << 20);
    struct strata_iter *iter, *other;
    struct strata_error err;

    (void)state;
    for (int i = 0; check_stat(db, "flushes") < 1; i++)
        put(db, i);
    put(db, 0);
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    assert_ok(strata_iter_new(db, &other, &err), &err);
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_true(is_there(fs, "db/000004" SUFFIX));
    strata_iter_free(iter); /* the other one has them all */
    assert_true(is_there(fs, "db/000004" SUFFIX));
    strata_iter_free(other);
    assert_false(is_there(fs, "db/000004" SUFFIX));
    assert_int_equal(check_stat(db, "tables"), count_tables(fs));
    close_it(db);
    fs_free(fs);
}

/* ---- What is asked for ----------------------------------------------------------------------- */

/* The simulated disk's, but it is noted which tables were begun, synced, and named, and the bytes
 * written to them. */
static struct {
    const struct fs_ops *real;
    unsigned begun, synced, named, last; /* `last`: synced before another was begun */
    uint64_t bytes;
    unsigned failing_sync, failing_name; /* the one that fails; 0: none */
} noted;

static bool is_unfinished(const char *path)
{
    return strstr(path, SUFFIX ".tmp") != NULL;
}

static int open_noted(struct strata_fs *fs, const char *path, unsigned flags, struct fs_file **out)
{
    noted.begun += is_unfinished(path);
    return noted.real->open(fs, path, flags, out);
}

static ssize_t append_noted(struct fs_file *file, const struct strata_slice *parts, size_t count)
{
    ssize_t n = noted.real->append(file, parts, count);
    if (is_unfinished(file->path))
        noted.bytes += (uint64_t)n;
    return n;
}

static int sync_noted(struct fs_file *file)
{
    if (is_unfinished(file->path))
        noted.last += ++noted.synced == noted.begun;
    if (is_unfinished(file->path) && noted.synced == noted.failing_sync)
        return -EIO;
    return noted.real->sync(file);
}

static int rename_noted(struct strata_fs *fs, const char *from, const char *to)
{
    if (is_unfinished(from))
        assert_int_equal(++noted.named, noted.synced);
    if (is_unfinished(from) && noted.named == noted.failing_name)
        return -ENOSPC;
    return noted.real->rename(fs, from, to);
}

/* What compacting it returns, with the calls noted. */
static int compact_noted(struct strata_fs *fs, struct strata *db, struct strata_error *err)
{
    struct fs_ops own = *fs->ops;
    int rc;

    noted.real = fs->ops;
    own.open = open_noted;
    own.append = append_noted;
    own.sync = sync_noted;
    own.rename = rename_noted;
    fs->ops = &own;
    rc = strata_compact(db, NULL, err);
    fs->ops = noted.real;
    return rc;
}

/* Ten thousand records in a table, and newer ones for a third of them in memory. */
static struct strata *open_to_compact(struct strata_fs *fs)
{
    struct strata *db = open_with(fs, 4 << 20);
    struct strata_error err;

    for (int i = 0; i < 10000; i++)
        put(db, i);
    assert_ok(strata_flush(db, &err), &err);
    for (int i = 0; i < 10000; i += 3)
        put(db, i);
    memset(&noted, 0, sizeof noted);
    return db;
}

static void assert_all(struct strata *db)
{
    for (int i = 0; i < 10000; i++) {
        char key[16], value[200];
        snprintf(key, sizeof key, "key %08d", i);
        snprintf(value, sizeof value, "%0190d", i);
        assert_get(db, key, value);
    }
}

/* Each table is synced once, and named, before the next one is begun. */
static void pace_compaction_asked_for_syncs_each_table_once(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_to_compact(fs);
    struct strata_error err;

    (void)state;
    assert_ok(compact_noted(fs, db, &err), &err);
    assert_in_range(noted.begun, 10, 100);
    assert_int_equal(noted.synced, noted.begun);
    assert_int_equal(noted.named, noted.begun);
    assert_int_equal(noted.last, noted.begun);
    assert_int_equal(check_stat(db, "tables"), count_tables(fs));
    assert_all(db);
    close_it(db);
    fs_free(fs);
}

/* It ends the compaction, which leaves no file; what was written counts; and all is there, and is
 * compacted after the next open. */
static void pace_table_that_cannot_be_finished_is_reported(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = open_to_compact(fs);
        uint64_t told = check_stat(db, "table_bytes");
        struct strata_error err;

        noted.failing_sync = i == 0 ? 4 : 0; /* the first is the flush's */
        noted.failing_name = i == 1 ? 4 : 0;
        assert_code(compact_noted(fs, db, &err), STRATA_ERR_IO, &err);
        assert_int_equal(noted.synced, 4);
        assert_int_equal(noted.begun, 4);
        if (i == 0) /* else the file is closed by then, and not counted */
            assert_int_equal(check_stat(db, "table_bytes") - told, noted.bytes);
        assert_int_equal(check_stat(db, "tables"), count_tables(fs));
        assert_all(db);
        strata_close(db, NULL);
        db = open_with(fs, 4 << 20);
        assert_ok(strata_compact(db, NULL, &err), &err);
        assert_ok(strata_verify(db, NULL, &err), &err);
        assert_int_equal(check_stat(db, "table_records"), 10000);
        assert_all(db);
        close_it(db);
        fs_free(fs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pace_no_write_does_much),
        cmocka_unit_test(pace_no_write_does_much_with_a_dynamic_base),
        cmocka_unit_test(pace_compaction_ends_when_all_was_read),
        cmocka_unit_test(pace_no_write_does_much_by_tiers),
        cmocka_unit_test(pace_large_files_are_cut_piece_by_piece),
        cmocka_unit_test(pace_table_is_not_cut_while_it_is_read),
        cmocka_unit_test(pace_end_of_a_scan_removes_what_it_held),
        cmocka_unit_test(pace_compaction_asked_for_syncs_each_table_once),
        cmocka_unit_test(pace_table_that_cannot_be_finished_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
