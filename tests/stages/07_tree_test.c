/* 07_tree_test.c: flush, compaction, opening and closing of stage 6: which files there are, and
 * what is still known. What a crash leaves is for tests/crash. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "rng.h"
#include "crash/subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SUFFIX /* of tables; stage 9 runs these tests, too */
#define SUFFIX ".sst"
#endif

#define S(text) strata_string(text)
#define DIR "db"

static char warned[2000];    /* the warnings since it was emptied */
static size_t warnings_left; /* until the test fails; 0: any number is fine */

static void note_warning(void *arg, enum strata_log_level level, const char *message)
{
    (void)arg;
    if (warnings_left && --warnings_left == 0)
        fail_msg("warned again and again: %s", message);
    if (level == STRATA_LOG_WARNING)
        snprintf(warned + strlen(warned), sizeof warned - strlen(warned), "%s\n", message);
}

static struct strata *open_how(struct strata_fs *fs, size_t memtable_bytes, bool alone)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, true);
    options.memtable_bytes = memtable_bytes;
    options.dynamic_levels = false; /* 07_pick_test has them */
    if (alone)
        options.background_threads = 0;
    options.log = note_warning;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

static struct strata *open_with(struct strata_fs *fs, size_t memtable_bytes)
{
    return open_how(fs, memtable_bytes, false);
}

/* No file comes or goes but in a call. */
static struct strata *open_alone(struct strata_fs *fs, size_t memtable_bytes)
{
    return open_how(fs, memtable_bytes, true);
}

static struct strata *open_it(struct strata_fs *fs)
{
    return open_with(fs, 1 << 20);
}

static void close_it(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

static void flush(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_flush(db, &err), &err);
}

static void compact(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_compact(db, NULL, &err), &err);
}

static void verify(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_verify(db, NULL, &err), &err);
}

/* The files that end so, each followed by a space. */
static const char *files(struct strata_fs *fs, const char *suffix)
{
    static char text[20000];
    struct fs_names names;

    text[0] = '\0';
    assert_int_equal(fs_list(fs, DIR, &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++) {
        const char *at = strstr(names.names[i], suffix);
        if (at)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", names.names[i]);
    }
    fs_names_free(&names);
    return text;
}

static size_t count_files(struct strata_fs *fs, const char *suffix)
{
    size_t count = 0;

    for (const char *at = files(fs, suffix); (at = strchr(at, ' ')); at++)
        count++;
    return count;
}

static void put_many(struct strata *db, int from, int to, const char *word)
{
    for (int i = from; i < to; i++) {
        char key[16], value[100];
        snprintf(key, sizeof key, "key %05d", i);
        snprintf(value, sizeof value, "%s %d", word, i);
        assert_put(db, key, value);
    }
}

static void expect_many(struct strata *db, int from, int to, const char *word)
{
    for (int i = from; i < to; i++) {
        char key[16], value[100];
        snprintf(key, sizeof key, "key %05d", i);
        snprintf(value, sizeof value, "%s %d", word, i);
        assert_get(db, key, value);
    }
}

/* In an order that is not theirs. */
static void put_mixed(struct strata *db, int count, const char *word)
{
    for (int i = 0; i < count; i++) {
        int key = (int)((uint64_t)i * 7919 % (uint64_t)count);
        put_many(db, key, key + 1, word);
    }
}

/* ---- Flush ----------------------------------------------------------------------------------- */

static void tree_flush_makes_a_table_and_a_new_log(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);

    (void)state;
    assert_string_equal(files(fs, ".log"), "000001.log ");
    flush(db); /* nothing to write */
    assert_string_equal(files(fs, ".log"), "000001.log ");
    assert_put(db, "a", "1");
    flush(db);
    assert_string_equal(files(fs, SUFFIX), "000004" SUFFIX " ");
    assert_string_equal(files(fs, ".log"), "000003.log ");
    assert_string_equal(files(fs, ".manifest"), "000002.manifest ");
    assert_get(db, "a", "1");
    verify(db);
    close_it(db);
    db = open_it(fs);
    assert_get(db, "a", "1");
    assert_string_equal(files(fs, ".manifest"), "000002.manifest "); /* it was closed cleanly */
    close_it(db);
    fs_free(fs);
}

/* While a memtable is flushed, step by step, its log is there, and the next one's too. */
static void tree_immutable_memtable_is_flushed_in_steps(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_alone(fs, 8000);
    int both = 0, i;

    (void)state;
    for (i = 0; check_stat(db, "flushes") < 3; i++) {
        size_t logs;
        put_many(db, i, i + 1, "value");
        logs = count_files(fs, ".log");
        assert_in_range(logs, 1, 2);
        both += logs == 2;
        assert_int_equal(check_stat(db, "immutable_memtable_bytes") > 0, logs == 2);
        assert_true(check_stat(db, "memtable_bytes") < 8400);
        if (logs == 2 && both % 5 == 0) {
            expect_many(db, 0, i + 1, "value");
            verify(db);
        }
    }
    assert_true(both >= 15);
    expect_many(db, 0, i, "value");
    close_it(db);
    fs_free(fs);
}

static void tree_takes_a_memtable_of_any_size(void **state)
{
    static const size_t sizes[] = {0, 1, SIZE_MAX};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = open_with(fs, sizes[i]);
        put_many(db, 0, 60, "old");
        put_many(db, 20, 60, "new");
        assert_int_equal(check_stat(db, "flushes") > 0, sizes[i] <= 1);
        expect_many(db, 0, 20, "old");
        expect_many(db, 20, 60, "new");
        close_it(db);
        db = open_with(fs, sizes[2 - i]);
        expect_many(db, 20, 60, "new");
        close_it(db);
        fs_free(fs);
    }
}

/* ---- Compaction ------------------------------------------------------------------------------ */

static void note_level(void *arg, const struct strata_table *table)
{
    uint64_t *tables = arg;
    tables[table->level]++;
}

static void tree_work_is_done_while_writing(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_alone(fs, 4000);
    uint64_t most = 0, tables[8] = {0};
    struct strata_error err;

    (void)state;
    for (int round = 0; round < 6; round++) {
        put_mixed(db, 1000, round % 2 ? "odd" : "even");
        if (check_stat(db, "level0_files") > most)
            most = check_stat(db, "level0_files");
        expect_many(db, 0, 1000, round % 2 ? "odd" : "even");
        verify(db);
    }
    assert_in_range(most, 1, 12);
    assert_true(check_stat(db, "level1_compactions") >= 5);
    assert_true(check_stat(db, "level2_compactions") >= 5);
    assert_ok(strata_tables(db, note_level, tables, &err), &err);
    assert_int_equal(tables[0], check_stat(db, "level0_files"));
    assert_int_equal(tables[2], check_stat(db, "level2_files"));
    assert_true(tables[2] > 0);
    close_it(db);
    assert_true(count_files(fs, SUFFIX) < 100);
    db = open_it(fs);
    expect_many(db, 0, 1000, "odd");
    compact(db);
    assert_int_equal(check_stat(db, "table_records"), 1000);
    expect_many(db, 0, 1000, "odd");
    verify(db);
    close_it(db);
    fs_free(fs);
}

/* An iterator goes on reading what the files held that are named no more. */
static void tree_iterator_lives_through_compactions(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, 4000);
    struct strata_iter *iter;
    struct strata_error err;
    size_t count = 0, held;

    (void)state;
    put_mixed(db, 500, "old");
    flush(db);
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    put_mixed(db, 500, "new");
    for (int i = 0; i < 500; i += 3) {
        char key[16];
        snprintf(key, sizeof key, "key %05d", i);
        assert_delete(db, key);
    }
    compact(db);
    held = count_files(fs, SUFFIX);
    for (int rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        struct strata_slice value;
        char want[100];
        snprintf(want, sizeof want, "old %d", (int)count++);
        assert_ok(strata_iter_value(iter, &value, &err), &err);
        assert_bytes(value, S(want));
    }
    assert_int_equal(count, 500);
    strata_iter_free(iter);
    flush(db);
    assert_true(count_files(fs, SUFFIX) < held); /* now they are gone */
    assert_int_equal(check_stat(db, "tables"), count_files(fs, SUFFIX));
    assert_int_equal(check_stat(db, "table_records"), 333);
    close_it(db);
    fs_free(fs);
}

/* What came in the order of its keys is one run already: to compact it all is to say so. */
static void tree_compaction_of_one_run_writes_no_table(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    uint64_t written;

    (void)state;
    for (int i = 0; i < 250; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %05d", i);
        assert_put(db, key, "value");
        if (i % 100 == 99) {
            close_it(db); /* which flushes, and settles nothing */
            db = open_it(fs);
        }
    }
    close_it(db);
    db = open_it(fs);
    written = check_stat(db, "table_bytes");
    compact(db);
    assert_int_equal(check_stat(db, "table_bytes"), written);
    assert_int_equal(check_stat(db, "level0_files"), 0);
    assert_int_equal(check_stat(db, "tables"), 3);
    close_it(db);
    db = open_it(fs);
    assert_int_equal(check_stat(db, "tables"), 3);
    assert_get(db, "key 00099", "value");
    assert_get(db, "key 00249", "value");
    assert_put(db, "key 00099", "other");
    compact(db);
    assert_int_equal(check_stat(db, "table_records"), 250);
    assert_get(db, "key 00099", "other");
    close_it(db);
    fs_free(fs);
}

static void tree_tombstones_end_at_the_last_level(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);

    (void)state;
    assert_put(db, "a", "1");
    assert_put(db, "c", "1");
    flush(db);
    compact(db);
    assert_delete(db, "a");
    close_it(db); /* which flushes, and settles nothing */
    db = open_it(fs);
    assert_int_equal(check_stat(db, "table_records"), 3); /* nothing older may show */
    assert_get(db, "a", NULL);
    compact(db);
    assert_int_equal(check_stat(db, "table_records"), 1);
    assert_get(db, "a", NULL);
    assert_get(db, "c", "1");
    assert_delete(db, "x"); /* hides nothing: it needs no table */
    flush(db);
    assert_int_equal(check_stat(db, "table_records"), 1);
    close_it(db);
    fs_free(fs);
}

/* Small sessions, each with a table of its own: they do not gather without end. */
static void tree_many_sessions_leave_few_tables(void **state)
{
    struct strata_fs *fs = fs_sim_new();

    (void)state;
    for (int i = 0; i < 60; i++) {
        struct strata *db = open_it(fs);
        put_many(db, i, i + 1, "value");
        assert_in_range(check_stat(db, "level0_files"), 0, 12);
        close_it(db);
    }
    {
        struct strata *db = open_it(fs);
        expect_many(db, 0, 60, "value");
        verify(db);
        close_it(db);
    }
    fs_free(fs);
}

static struct strata *open_as(struct strata_fs *fs, enum strata_compaction compaction)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, true);
    options.memtable_bytes = 4000;
    options.dynamic_levels = false;
    options.compaction = compaction;
    options.background_threads = 0; /* compactions are counted */
    options.log = note_warning;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

/* The policy may be another at each opening; what the other left is merged as its own. */
static void tree_policy_changes_between_openings(void **state)
{
    struct strata_fs *fs = fs_sim_new();

    (void)state;
    for (int round = 0; round < 6; round++) {
        bool tiered = round % 2 == 0;
        struct strata *db = open_as(fs, tiered ? STRATA_COMPACTION_TIERED : 0);
        if (round)
            expect_many(db, 0, 500, round % 2 ? "even" : "odd");
        for (int i = 0; i < 3; i++) {
            put_mixed(db, 500, round % 2 ? "odd" : "even");
            verify(db);
        }
        assert_in_range(check_stat(db, "level0_files"), 0, tiered ? 18 : 12);
        assert_int_equal(check_stat(db, "level0_compactions") >= 5, tiered);
        assert_int_equal(check_stat(db, "level1_compactions") >= 3, !tiered);
        expect_many(db, 0, 500, round % 2 ? "odd" : "even");
        close_it(db);
    }
    fs_free(fs);
}

static void count_targets(void *arg, const struct strata_stat *stat)
{
    *(unsigned *)arg +=
        strcmp(stat->name, "base_level") == 0 || strstr(stat->name, "_target") != NULL;
}

/* Where tables of level 0 go, and how much a level may have, is told of levels: tiers stay where
 * they are. */
static void tree_tiers_have_no_targets(void **state)
{
    (void)state;
    for (int tiered = 0; tiered < 2; tiered++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = open_as(fs, tiered ? STRATA_COMPACTION_TIERED : 0);
        struct strata_error err;
        unsigned count = 0;

        put_mixed(db, 100, "v");
        assert_ok(strata_stats(db, count_targets, &count, &err), &err);
        assert_int_equal(count, tiered ? 0 : 1 + 5);
        close_it(db);
        fs_free(fs);
    }
}

/* Of what was removed nothing is left in the range, and what lies elsewhere stays as it is. */
static void tree_compaction_of_a_range_leaves_the_rest(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    struct strata_error err;
    char before[20000];
    size_t kept = 0;

    (void)state;
    put_mixed(db, 1000, "value");
    compact(db);
    snprintf(before, sizeof before, "%s", files(fs, SUFFIX));
    for (int i = 300; i < 400; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %05d", i);
        assert_delete(db, key);
    }
    assert_ok(strata_compact_range(db, S("key 00350"), S("key 00300"), NULL, &err), &err);
    assert_int_equal(check_stat(db, "flushes"), 1);
    assert_ok(strata_compact_range(db, S("key 00300"), S("key 00400"), NULL, &err), &err);
    assert_int_equal(check_stat(db, "table_records"), 900);
    assert_int_equal(check_stat(db, "level0_files"), 0);
    for (char *name = strtok(before, " "); name; name = strtok(NULL, " "))
        kept += strstr(files(fs, SUFFIX), name) != NULL;
    assert_in_range(kept, count_files(fs, SUFFIX) * 4 / 5, count_files(fs, SUFFIX));
    expect_many(db, 0, 300, "value");
    expect_many(db, 400, 1000, "value");
    assert_get(db, "key 00399", NULL);
    verify(db);
    close_it(db);
    fs_free(fs);
}

/* ---- Damage and failure ---------------------------------------------------------------------- */

/* Flips a bit in the first block. */
static void damage(struct strata_fs *fs, const char *path)
{
    struct strata_buffer bytes = {0};

    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    bytes.data[40] ^= 4;
    assert_int_equal(fs_sim_put(fs, path, strata_buffer_slice(&bytes)), 0);
    strata_buffer_free(&bytes);
}

/* A table that cannot be read is left alone; writing and the other compactions go on, and who asks
 * for it is told. */
static void tree_damaged_table_is_reported_once_and_quarantined(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    struct strata_error err;

    (void)state;
    put_many(db, 0, 100, "old");
    flush(db);
    close_it(db);
    damage(fs, "db/000004" SUFFIX);
    warned[0] = '\0';
    warnings_left = 100;
    db = open_with(fs, 4000);
    assert_int_equal(check_stat(db, "quarantined_tables"), 0);
    for (int i = 0; i < 8; i++) {
        put_many(db, 0, 100, "new");
        flush(db);
    }
    assert_says(warned, "left alone by compactions: corrupt");
    assert_says(warned, "000004" SUFFIX);
    assert_null(strstr(strstr(warned, "000004" SUFFIX) + 1, "000004" SUFFIX)); /* once */
    assert_int_equal(check_stat(db, "quarantined_tables"), 1);
    expect_many(db, 0, 100, "new");
    for (int i = 0; i < 100; i++) {
        put_many(db, 1000, 1100, "new");
        assert_in_range(check_stat(db, "level0_files"), 0, 12);
    }
    assert_true(check_stat(db, "level1_compactions") + check_stat(db, "level2_compactions") > 5);
    assert_code(strata_compact(db, NULL, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, "db/000004" SUFFIX);
    assert_code(strata_verify(db, NULL, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, "db/000004" SUFFIX);
    assert_true(strstr(files(fs, SUFFIX), "000004" SUFFIX) != NULL);
    assert_null(strstr(strstr(warned, "000004" SUFFIX) + 1, "000004" SUFFIX));
    put_many(db, 0, 100, "newer");
    expect_many(db, 0, 100, "newer");
    warnings_left = 0;
    close_it(db);
    fs_free(fs);
}

static const struct fs_ops *sim_ops;
static char only_table[100];

/* There is room for one more table only. */
static ssize_t append_one_table(struct fs_file *file, const struct strata_slice *parts,
                                size_t count)
{
    if (strstr(file->path, SUFFIX) && !only_table[0])
        snprintf(only_table, sizeof only_table, "%s", file->path);
    return strstr(file->path, SUFFIX) && strcmp(file->path, only_table) != 0
               ? -ENOSPC
               : sim_ops->append(file, parts, count);
}

/* A compaction that the device has no room for is tried again after the next flush. */
static void tree_full_disk_is_tried_again(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, 1 << 20);
    struct fs_ops ops = *fs->ops;

    (void)state;
    for (int i = 0; i < 3; i++) {
        put_many(db, 0, 100, "old");
        close_it(db);
        db = open_with(fs, 1 << 20);
    }
    put_many(db, 0, 100, "new");
    warned[0] = only_table[0] = '\0';
    sim_ops = fs->ops;
    ops.append = append_one_table;
    fs->ops = &ops;
    flush(db); /* the memtable is in a table */
    put_many(db, 100, 200, "value");
    fs->ops = sim_ops;
    assert_says(warned, "nothing is compacted before the next flush");
    assert_int_equal(check_stat(db, "level1_compactions"), 0);
    assert_int_equal(check_stat(db, "level0_files"), 4);
    assert_int_equal(check_stat(db, "quarantined_tables"), 0);
    put_many(db, 0, 100, "newer");
    flush(db);
    assert_int_equal(check_stat(db, "level1_compactions"), 1);
    assert_int_equal(check_stat(db, "level0_files"), 0);
    expect_many(db, 0, 100, "newer");
    close_it(db);
    fs_free(fs);
}

static const char *refused_suffix;
static unsigned refusals;

static int refuse_open(struct strata_fs *fs, const char *path, unsigned flags, struct fs_file **out)
{
    if (strcmp(strchr(path, '.'), refused_suffix) != 0)
        return sim_ops->open(fs, path, flags, out);
    refusals++;
    return -EMFILE;
}

/* That a compaction finds no descriptor to write its output by, or to read it, is nothing to end
 * writing for. */
static void tree_compaction_without_descriptors_is_tried_again(void **state)
{
    static const char *const refused[] = {SUFFIX ".tmp", SUFFIX};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = open_with(fs, 1 << 20);
        struct fs_ops ops = *fs->ops;

        for (int k = 0; k < 4; k++) {
            put_many(db, 0, 100, "old");
            close_it(db); /* four tables, none compacted */
            db = open_with(fs, 1 << 20);
        }
        sim_ops = fs->ops;
        ops.open = refuse_open;
        refused_suffix = refused[i];
        refusals = 0;
        warned[0] = '\0';
        fs->ops = &ops;
        flush(db);
        assert_true(refusals > 0);
        assert_says(warned, "nothing is compacted before the next flush");
        fs->ops = sim_ops;
        assert_int_equal(check_stat(db, "quarantined_tables"), 0);
        put_many(db, 0, 100, "new");
        flush(db);
        assert_int_equal(check_stat(db, "level1_compactions"), 1);
        expect_many(db, 0, 100, "new");
        close_it(db);
        fs_free(fs);
    }
}

static ssize_t refuse_read(struct fs_file *file, uint64_t offset, void *to, size_t size)
{
    (void)file;
    (void)offset;
    (void)to;
    (void)size;
    refusals++;
    return -EIO;
}

/* Of a table. (A compaction that nobody asked for leaves it alone.) */
static void tree_compact_that_cannot_read_a_table_ends_no_writes(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db;
    struct strata_error err;
    struct fs_ops ops = *fs->ops;

    (void)state;
    for (int k = 0; k < 3; k++) {
        db = open_with(fs, 1 << 20);
        put_many(db, 0, 100, "old");
        close_it(db);
    }
    db = open_with(fs, 1 << 20);
    sim_ops = fs->ops;
    ops.read_at = refuse_read;
    fs->ops = &ops;
    refusals = 0;
    assert_code(strata_compact(db, NULL, &err), STRATA_ERR_IO, &err);
    assert_code(strata_compact_range(db, S("key"), S("kez"), NULL, &err), STRATA_ERR_IO, &err);
    assert_true(refusals > 0);
    fs->ops = sim_ops;
    put_many(db, 0, 100, "new");
    assert_ok(strata_compact(db, NULL, &err), &err);
    expect_many(db, 0, 100, "new");
    close_it(db);
    fs_free(fs);
}

static bool is_there(const struct fs_names *names, const char *path)
{
    const char *slash = strrchr(path, '/');

    for (size_t i = 0; slash && i < names->count; i++)
        if (strcmp(names->names[i], slash + 1) == 0)
            return strstr(slash, SUFFIX) != NULL;
    return false;
}

/* After the failure the process is killed; what it had shown is still there, and goes on. */
static bool fail_at(uint64_t call, bool all)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = call};
    struct strata_fs *fs = fs_sim_new(), *killed;
    struct strata *db = open_it(fs);
    struct strata_error err;
    struct fs_names names;
    bool struck;
    int rc;

    for (int i = 0; i < 3; i++) {
        put_many(db, 0, 30, i == 2 ? "value" : "old");
        if (i < 2)
            flush(db);
    }
    fs_sim_fail(fs, &fault);
    rc = all ? strata_compact(db, NULL, &err) : strata_flush(db, &err);
    struck = fs_sim_failed(fs) > 0;
    fs_sim_fail(fs, NULL);
    assert_int_equal(fs_list(fs, DIR, &names, NULL), 0);
    if (rc < 0) { /* of a table that is there, it was only read; outputs are removed */
        bool only_read = is_there(&names, err.file);
        assert_int_equal(rc, STRATA_ERR_IO);
        assert_code(strata_put(db, S("a"), S("b"), &err), only_read ? 0 : STRATA_ERR_IO, &err);
    }
    fs_names_free(&names);
    expect_many(db, 0, 30, "value");
    killed = fs_sim_copy(fs);
    strata_close(db, NULL);
    db = open_it(killed);
    expect_many(db, 0, 30, "value");
    verify(db);
    assert_int_equal(check_stat(db, "tables"), count_files(killed, SUFFIX));
    put_many(db, 0, 30, "next");
    compact(db);
    expect_many(db, 0, 30, "next");
    close_it(db);
    fs_free(killed);
    fs_free(fs);
    return struck;
}

static void tree_flush_and_compaction_that_fail_at_any_call_lose_nothing(void **state)
{
    (void)state;
    for (int all = 0; all < 2; all++) {
        uint64_t call = 1;
        while (fail_at(call, all))
            call++;
        assert_in_range(call, all ? 25 : 15, 90);
    }
}

/* A live log is removed by whoever: opening says so, whatever the others hold. */
static void tree_missing_file_is_damage(void **state)
{
    static const char *const suffixes[] = {".log", SUFFIX, ".manifest", "CURRENT"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = open_it(fs);
        struct strata_options options;
        struct strata_error err;
        char path[40];

        put_many(db, 0, 10, "value");
        flush(db);
        close_it(db);
        snprintf(path, sizeof path, "db/%s", files(fs, suffixes[i]));
        *strchr(path, ' ') = '\0';
        assert_ok(fs_remove(fs, path, &err), &err);
        subject_options(&options, fs, true);
        assert_code(strata_open(DIR, &options, &db, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, path);
        assert_null(strstr(err.message, "TABLES")); /* stage 4's */
        fs_free(fs);
    }
}

/* Files that are missing are damage, though they are open; others are only told. */
static void tree_verify_holds_the_files_against_the_manifest(void **state)
{
    static const char *const suffixes[] = {".log", SUFFIX};
    struct strata_error err;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = open_with(fs, 3000);
        struct strata_iter *iter;
        char path[40];

        put_many(db, 0, 200, "old");
        warned[0] = '\0';
        for (int k = 0; k < 400; k++) { /* work under way among them */
            put_many(db, k * 37 % 200, k * 37 % 200 + 1, "value");
            verify(db);
        }
        flush(db);
        assert_string_equal(warned, "");
        assert_int_equal(fs_sim_put(fs, "db/009999" SUFFIX, S("of nobody")), 0);
        assert_int_equal(fs_sim_put(fs, "db/notes.txt", S("not ours")), 0);
        verify(db);
        assert_string_equal(warned,
                            "db: 1 files that the manifest does not name, 009999" SUFFIX " the "
                            "first: the next open for writing removes them\n");
        assert_ok(fs_remove(fs, "db/009999" SUFFIX, &err), &err);
        assert_ok(strata_iter_new(db, &iter, &err), &err);
        compact(db);
        warned[0] = '\0';
        verify(db); /* what the iterator reads is known, too */
        strata_iter_free(iter);
        flush(db); /* now it goes */
        verify(db);
        assert_string_equal(warned, "");
        snprintf(path, sizeof path, "db/%s", files(fs, suffixes[i]));
        *strchr(path, ' ') = '\0';
        assert_ok(fs_remove(fs, path, &err), &err);
        assert_code(strata_verify(db, NULL, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, path);
        assert_err_says(&err, "missing");
        strata_close(db, NULL);
        fs_free(fs);
    }
}

/* ---- After a crash --------------------------------------------------------------------------- */

/* Files that nothing names are gone after opening, and their numbers are not given away again. */
static void tree_leftovers_are_removed_and_their_numbers_passed(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);

    (void)state;
    put_many(db, 0, 10, "value");
    flush(db);
    close_it(db);
    assert_int_equal(fs_sim_put(fs, "db/000077" SUFFIX, S("cut short")), 0);
    assert_int_equal(fs_sim_put(fs, "db/000078" SUFFIX ".tmp", S("cut short")), 0);
    assert_int_equal(fs_sim_put(fs, "db/000079.log", S("cut short")), 0);
    assert_int_equal(fs_sim_put(fs, "db/000080.manifest", S("cut short")), 0);
    assert_int_equal(fs_sim_put(fs, "db/CURRENT.tmp", S("cut short")), 0);
    assert_int_equal(fs_sim_put(fs, "db/notes.txt", S("not ours")), 0);
    db = open_it(fs);
    assert_int_equal(count_files(fs, SUFFIX), 1);
    assert_int_equal(count_files(fs, ".log"), 1);
    assert_int_equal(count_files(fs, ".manifest"), 1);
    assert_string_equal(files(fs, "CURRENT"), "CURRENT ");
    assert_string_equal(files(fs, "notes"), "notes.txt ");
    put_many(db, 10, 20, "value");
    flush(db);
    assert_says(files(fs, SUFFIX), "000082" SUFFIX);
    expect_many(db, 0, 20, "value");
    close_it(db);
    fs_free(fs);
}

/* A log that the manifest does not tell of holds operations: its last edit is lost. */
static void tree_log_that_is_not_named_is_damage(void **state)
{
    struct strata_fs *fs = fs_sim_new(), *killed;
    struct strata *db = open_it(fs);
    struct strata_options options;
    struct strata_error err;
    struct strata_buffer manifest = {0}, before = {0};

    (void)state;
    assert_int_equal(fs_sim_get(fs, "db/000002.manifest", &before), 0);
    close_it(db);
    db = open_with(fs, 2000);
    for (int i = 0; count_files(fs, ".log") < 2; i++)
        put_many(db, i, i + 1, "value");
    put_many(db, 1000, 1002, "value"); /* into the new one */
    killed = fs_sim_copy(fs);
    strata_close(db, NULL);
    assert_int_equal(fs_sim_get(killed, "db/000002.manifest", &manifest), 0);
    assert_true(manifest.size > before.size);
    assert_int_equal(fs_sim_put(killed, "db/000002.manifest", strata_buffer_slice(&before)), 0);
    subject_options(&options, killed, true);
    assert_code(strata_open(DIR, &options, &db, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "the manifest does not name it");
    assert_int_equal(fs_sim_put(killed, "db/000002.manifest", strata_buffer_slice(&manifest)), 0);
    db = open_it(killed);
    expect_many(db, 1000, 1002, "value");
    close_it(db);
    strata_buffer_free(&before);
    strata_buffer_free(&manifest);
    fs_free(killed);
    fs_free(fs);
}

/* ---- A power cut without syncs --------------------------------------------------------------- */

static struct strata *open_unsynced(struct strata_fs *fs)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, true);
    options.memtable_bytes = 3000;
    options.sync = STRATA_SYNC_NEVER;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

/* Of what was put in the order of the keys there is a first part, and nothing behind it. */
static int expect_prefix(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    uint64_t *lost = arg, count = 0;
    struct strata *db = open_it(state);
    struct strata_iter *iter;
    struct strata_error err;

    (void)info;
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    for (int rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        char key[16];
        snprintf(key, sizeof key, "key %05d", (int)count++);
        assert_bytes(strata_iter_key(iter), S(key));
    }
    strata_iter_free(iter);
    strata_close(db, NULL);
    lost[count < 40]++;
    return 0;
}

static void tree_power_cut_without_syncs_leaves_a_prefix(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_sim_plan plan = {.model = FS_SIM_POSIX, .stride = 3};
    struct fs_sim_totals totals;
    struct strata *db = open_unsynced(fs);
    uint64_t lost[2] = {0};

    (void)state;
    assert_int_equal(fs_sim_record(fs), 0);
    put_many(db, 0, 120, "a value that is long enough");
    assert_true(check_stat(db, "flushes") >= 1);
    fs_sim_record_stop(fs);
    strata_close(db, NULL);
    assert_int_equal(fs_sim_states(fs, &plan, expect_prefix, lost, &totals), 0);
    assert_true(lost[0] >= 20 && lost[1] >= 20);
    fs_free(fs);
}

/* The manifest is made anew when it has become long: it does not grow with what was ever written.
 */
static void tree_manifest_stays_small(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_alone(fs, 500);
    struct strata_buffer bytes = {0};
    char path[40];

    (void)state;
    for (int round = 0; round < 12; round++)
        put_mixed(db, 500, "value");
    snprintf(path, sizeof path, "db/%s", files(fs, ".manifest"));
    *strchr(path, ' ') = '\0';
    assert_string_not_equal(path, "db/000002.manifest");
    assert_int_equal(count_files(fs, ".manifest"), 1);
    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    assert_true(bytes.size < 100000);
    expect_many(db, 0, 500, "value");
    verify(db);
    close_it(db);
    strata_buffer_free(&bytes);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_flush_makes_a_table_and_a_new_log),
        cmocka_unit_test(tree_immutable_memtable_is_flushed_in_steps),
        cmocka_unit_test(tree_takes_a_memtable_of_any_size),
        cmocka_unit_test(tree_work_is_done_while_writing),
        cmocka_unit_test(tree_iterator_lives_through_compactions),
        cmocka_unit_test(tree_compaction_of_one_run_writes_no_table),
        cmocka_unit_test(tree_tombstones_end_at_the_last_level),
        cmocka_unit_test(tree_many_sessions_leave_few_tables),
        cmocka_unit_test(tree_policy_changes_between_openings),
        cmocka_unit_test(tree_compaction_of_a_range_leaves_the_rest),
        cmocka_unit_test(tree_damaged_table_is_reported_once_and_quarantined),
        cmocka_unit_test(tree_full_disk_is_tried_again),
        cmocka_unit_test(tree_compaction_without_descriptors_is_tried_again),
        cmocka_unit_test(tree_compact_that_cannot_read_a_table_ends_no_writes),
        cmocka_unit_test(tree_flush_and_compaction_that_fail_at_any_call_lose_nothing),
        cmocka_unit_test(tree_missing_file_is_damage),
        cmocka_unit_test(tree_tiers_have_no_targets),
        cmocka_unit_test(tree_verify_holds_the_files_against_the_manifest),
        cmocka_unit_test(tree_leftovers_are_removed_and_their_numbers_passed),
        cmocka_unit_test(tree_log_that_is_not_named_is_damage),
        cmocka_unit_test(tree_power_cut_without_syncs_leaves_a_prefix),
        cmocka_unit_test(tree_manifest_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
