/* 06_tree_test.c: flush, compaction, throttle, opening and closing of stage 6: which files there
 * are, and what is still known. What a crash leaves is for tests/crash; its limits are weak_... */
#include "test.h"

#include "06_leveled_compaction/lsm_tree.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"
#include "db/db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"

static char warned[2000]; /* the warnings since it was emptied */

static void note_warning(void *arg, enum strata_log_level level, const char *message)
{
    (void)arg;
    if (level == STRATA_LOG_WARNING)
        snprintf(warned + strlen(warned), sizeof warned - strlen(warned), "%s\n", message);
}

static int try_open(struct strata_fs *fs, size_t memtable_bytes, struct strata **db,
                    struct strata_error *err)
{
    struct strata_options options;

    subject_options(&options, fs, true);
    options.memtable_bytes = memtable_bytes;
    options.log = note_warning;
    return strata_open(DIR, &options, db, err);
}

static struct strata *open_with(struct strata_fs *fs, size_t memtable_bytes)
{
    struct strata_error err;
    struct strata *db;

    assert_ok(try_open(fs, memtable_bytes, &db, &err), &err);
    return db;
}

static struct strata *open_it(struct strata_fs *fs)
{
    return open_with(fs, 1 << 20);
}

static struct lsm_tree *tree_of(struct strata *db)
{
    return db->self;
}

/* Its invariants hold. */
static void check(struct strata *db)
{
    struct strata_error err;
    assert_ok(lsm_tree_check(tree_of(db), &err), &err);
}

static void close_it(struct strata *db)
{
    struct strata_error err;
    check(db);
    assert_ok(strata_close(db, &err), &err);
}

static void flush(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_flush(db, &err), &err);
    check(db);
}

/* A table of level 0, and no compaction. */
static void only_flush(struct strata *db)
{
    struct strata_error err;
    assert_ok(lsm_tree_flush(tree_of(db), &err), &err);
    check(db);
}

static void compact(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_compact(db, NULL, &err), &err);
    check(db);
}

/* The files that end so, each followed by a space. */
static const char *files(struct strata_fs *fs, const char *suffix)
{
    static char text[20000];
    struct fs_names names;

    text[0] = '\0';
    assert_int_equal(fs_list(fs, DIR, &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++)
        if (strstr(names.names[i], suffix))
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", names.names[i]);
    fs_names_free(&names);
    return text;
}

static void put_many(struct strata *db, int from, int to, const char *word)
{
    for (int i = from; i < to; i++) {
        char key[16], value[100];
        snprintf(key, sizeof key, "key %05d", i);
        snprintf(value, sizeof value, "%s %d, which is a value of some length", word, i);
        assert_put(db, key, value);
    }
}

static void expect_many(struct strata *db, int from, int to, const char *word)
{
    for (int i = from; i < to; i++) {
        char key[16], value[100];
        snprintf(key, sizeof key, "key %05d", i);
        snprintf(value, sizeof value, "%s %d, which is a value of some length", word, i);
        assert_get(db, key, word[0] ? value : NULL);
    }
}

static size_t tables_on(struct strata *db, unsigned level)
{
    return tree_of(db)->versions.current->levels[level].count;
}

/* ---- The last sequence number ---------------------------------------------------------------- */

/* Numbers from 2^63 on could not be read again: who has used all others can only read. */
static void tree_without_sequence_numbers_takes_no_write_and_is_read(void **state)
{
    struct strata_batch *two = strata_batch_new();
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    struct strata_error err;

    (void)state;
    assert_ok(strata_batch_put(two, S("b"), S("2"), &err), &err);
    assert_ok(strata_batch_put(two, S("c"), S("2"), &err), &err);
    assert_put(db, "a", "1");
    tree_of(db)->path.sequence = CODING_NUMBER_MAX - 2;
    flush(db); /* a log begins there */
    assert_put(db, "a", "2");
    assert_code(strata_write(db, two, 0, &err), STRATA_ERR_NOT_SUPPORTED, &err); /* one is left */
    assert_err_says(&err, "db: the next sequence number is 9223372036854775806");
    assert_put(db, "b", "1");
    for (int opened = 0; opened < 2; opened++) {
        assert_code(strata_put(db, S("c"), S("1"), &err), STRATA_ERR_NOT_SUPPORTED, &err);
        assert_get(db, "a", "2");
        assert_get(db, "b", "1");
        assert_get(db, "c", NULL);
        check(db);
        close_it(db);
        db = open_it(fs);
    }
    close_it(db);
    strata_batch_free(two);
    fs_free(fs);
}

/* ---- Flush and compaction -------------------------------------------------------------------- */

static void tree_flush_makes_a_table_and_a_new_log(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);

    (void)state;
    flush(db); /* nothing to write */
    assert_string_equal(files(fs, ".log"), "000001.log ");
    assert_put(db, "a", "1");
    flush(db);
    assert_string_equal(files(fs, ".log"), "000004.log ");
    assert_string_equal(files(fs, ".sst"), "000003.sst ");
    assert_int_equal(check_stat(db, "level0_files"), 1);
    assert_get(db, "a", "1");
    assert_put(db, "a", "2");
    assert_get(db, "a", "2");
    close_it(db); /* flushes */
    assert_string_equal(files(fs, ".log"), "000006.log ");
    db = open_it(fs);
    assert_int_equal(check_stat(db, "open_replayed") > 0, 1);
    assert_string_equal(files(fs, ".log"), "000006.log "); /* empty, as it was made: kept */
    assert_get(db, "a", "2");
    close_it(db);
    fs_free(fs);
}

static void tree_writes_are_flushed_and_compacted_by_the_way(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, 4096);

    (void)state;
    put_many(db, 0, 500, "first");
    put_many(db, 250, 750, "second");
    check(db);
    assert_true(check_stat(db, "flushes") >= 10);
    assert_true(check_stat(db, "level1_compactions") >= 2);
    assert_true(tables_on(db, 0) < THROTTLE_STOP && tables_on(db, 1) > 0);
    expect_many(db, 0, 250, "first");
    expect_many(db, 250, 750, "second");
    flush(db);
    assert_true(tables_on(db, 0) < PICK_L0_TABLES); /* nothing is due */
    close_it(db);
    db = open_it(fs);
    check(db);
    expect_many(db, 0, 250, "first");
    expect_many(db, 250, 750, "second");
    close_it(db);
    fs_free(fs);
}

static void tree_compact_leaves_one_level_without_tombstones(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, 4096);
    size_t levels = 0;

    (void)state;
    put_many(db, 0, 300, "kept");
    for (int i = 100; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %05d", i);
        assert_delete(db, key);
    }
    compact(db);
    for (unsigned level = 0; level < LEVELS; level++)
        levels += tables_on(db, level) > 0;
    assert_int_equal(levels, 1);
    assert_int_equal(tree_of(db)->versions.current->tombstones, 0);
    expect_many(db, 0, 100, "kept");
    expect_many(db, 100, 200, "");
    compact(db); /* nothing to do */
    close_it(db);
    fs_free(fs);
}

/* The files of an obsolete table stay until the iterator that reads them is freed. */
static void tree_iterator_keeps_its_tables(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    struct strata_iter *iter;
    struct strata_error err;

    (void)state;
    put_many(db, 0, 100, "old");
    only_flush(db);
    put_many(db, 0, 50, "older than the next");
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    put_many(db, 0, 100, "new");
    compact(db);
    assert_true(strstr(files(fs, ".sst"), "000003.sst") != NULL);
    assert_ok(strata_iter_first(iter, &err), &err);
    for (int i = 0; i < 100; i++) {
        struct strata_slice value;
        const char *want = i < 50 ? "older than the next" : "old";
        assert_ok(strata_iter_value(iter, &value, &err), &err);
        assert_memory_equal(value.data, want, strlen(want));
        assert_int_equal(strata_iter_next(iter, &err), i < 99 ? 0 : STRATA_NOT_FOUND);
    }
    strata_iter_free(iter);
    assert_true(strstr(files(fs, ".sst"), "000003.sst") == NULL);
    expect_many(db, 0, 100, "new");
    close_it(db);
    fs_free(fs);
}

static void tree_moves_a_table_without_writing_it(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_with(fs, 4096);

    (void)state;
    put_many(db, 0, 2000, "in order of their keys"); /* nothing overlaps */
    flush(db);
    assert_true(check_stat(db, "level2_moves") + check_stat(db, "level1_moves") >= 5);
    expect_many(db, 0, 2000, "in order of their keys");
    close_it(db);
    fs_free(fs);
}

/* ---- Throttle -------------------------------------------------------------------------------- */

/* Level 0 gets so many tables, with no compaction. */
static void fill_level_0(struct strata *db, size_t count)
{
    while (tables_on(db, 0) < count) {
        tree_of(db)->paused = true; /* until the flush */
        put_many(db, 0, 4, "one of many");
        only_flush(db);
    }
}

static void throttle_does_one_compaction_a_write_from_the_slowdown_trigger_on(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);

    (void)state;
    fill_level_0(db, THROTTLE_SLOWDOWN - 1);
    assert_int_equal(check_stat(db, "stalls"), 0);
    put_many(db, 5, 6, "no stall");
    assert_int_equal(check_stat(db, "stalls"), 0);
    assert_int_equal(tables_on(db, 0), THROTTLE_SLOWDOWN - 1);
    only_flush(db);
    assert_int_equal(tables_on(db, 0), THROTTLE_SLOWDOWN);
    put_many(db, 6, 7, "a stall");
    assert_int_equal(check_stat(db, "stalls"), 1);
    assert_int_equal(check_stat(db, "level1_compactions"), 1);
    assert_int_equal(tables_on(db, 0), 1); /* that of key 5 overlaps with no other */
    put_many(db, 7, 8, "no stall");
    assert_int_equal(check_stat(db, "stalls"), 1);
    close_it(db);
    fs_free(fs);
}

/* With level 1 far above its target the most urgent compaction is not one of level 0. */
static void throttle_stops_a_write_until_level_0_is_below_the_stop_trigger(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    struct lsm_tree *tree = tree_of(db);

    (void)state;
    put_many(db, 0, 3000, "much of it");
    compact(db);
    put_many(db, 0, 3000, "much of it again");
    only_flush(db);
    put_many(db, 0, 5, "a little");
    fill_level_0(db, PICK_L0_TABLES);
    while (tables_on(db, 0) >= PICK_L0_TABLES) {
        struct strata_error err;
        assert_ok(lsm_tree_compact(tree, false, &err), &err);
        check(db);
    }
    assert_true(tree->versions.current->levels[1].bytes > 4 * tree->env->options->level_bytes);
    fill_level_0(db, THROTTLE_STOP);
    put_many(db, 9, 10, "a stall");
    assert_int_equal(check_stat(db, "stalls"), 1);
    assert_true(check_stat(db, "level2_compactions") + check_stat(db, "level2_moves") >= 2);
    assert_true(tables_on(db, 0) < THROTTLE_STOP);
    check(db);
    close_it(db);
    fs_free(fs);
}

static void throttle_goes_on_when_a_compaction_cannot_be_done(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    struct strata_buffer bytes = {0};
    struct strata_error err;

    (void)state;
    put_many(db, 0, 200, "of the damaged table");
    only_flush(db);
    close_it(db);
    assert_int_equal(fs_sim_get(fs, DIR "/000003.sst", &bytes), 0);
    bytes.data[100] ^= 1;
    assert_int_equal(fs_sim_put(fs, DIR "/000003.sst", strata_buffer_slice(&bytes)), 0);
    strata_buffer_free(&bytes);
    db = open_with(fs, 4096);
    warned[0] = '\0';
    put_many(db, 0, 1700, "whatever is damaged");
    assert_true(strstr(warned, "no compactions until the next flush") != NULL);
    assert_true(strstr(warned, "000003.sst") != NULL);
    assert_true(tables_on(db, 0) > THROTTLE_STOP); /* the next stage leaves out the damaged one */
    expect_many(db, 0, 1700, "whatever is damaged");
    assert_code(strata_compact(db, NULL, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, DIR "/000003.sst");
    assert_put(db, "still", "written");
    check(db);
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
}

/* A read that fails, one after another: of an input it pauses compactions, and writes go on. */
static void throttle_goes_on_when_a_table_cannot_be_read(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    int tolerated = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        put_many(db, 0, 200, "of a table");
        only_flush(db);
    }
    close_it(db);
    for (uint64_t at = 1; at <= 40; at++) {
        const struct fs_sim_fault fault = {
            .kind = FS_SIM_EIO, .at = at, .calls = 1u << FS_CALL_READ};
        struct strata_fs *copy = fs_sim_copy(fs);
        char key[16];
        int rc = 0;
        db = open_with(copy, 4096);
        warned[0] = '\0';
        fs_sim_fail(copy, &fault);
        for (int i = 0; rc == 0 && i < 200; i++) {
            sprintf(key, "key %d", i);
            rc = strata_put(db, strata_string(key), strata_string("a value of some bytes"), NULL);
        }
        tolerated += rc == 0 && fs_sim_failed(copy) && strstr(warned, "no compactions until");
        fs_sim_fail(copy, NULL);
        strata_close(db, NULL);
        fs_free(copy);
    }
    assert_true(tolerated > 0);
    fs_free(fs);
}

static const struct fs_ops *sim_ops;

/* Of an output of a compaction. */
static int refuse_descriptor(struct strata_fs *fs, const char *path, unsigned flags,
                             struct fs_file **out)
{
    bool output = strstr(path, ".sst.tmp") != NULL;
    return output ? -EMFILE : sim_ops->open(fs, path, flags, out);
}

static void throttle_goes_on_without_descriptors(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    struct fs_ops ops = *fs->ops;

    (void)state;
    fill_level_0(db, THROTTLE_SLOWDOWN);
    sim_ops = fs->ops;
    ops.open = refuse_descriptor;
    fs->ops = &ops;
    warned[0] = '\0';
    put_many(db, 6, 7, "while there is no descriptor");
    assert_says(warned, "no compactions until");
    put_many(db, 7, 8, "and once more");
    fs->ops = sim_ops;
    assert_int_equal(check_stat(db, "level1_compactions"), 0);
    only_flush(db);
    put_many(db, 8, 9, "it is tried again");
    assert_int_equal(check_stat(db, "level1_compactions"), 1);
    close_it(db);
    fs_free(fs);
}

/* Each read of a compaction that was asked for fails, one after another. Of a table that was there
 * it ends no writes; of an output it does. */
static void compact_that_cannot_read_a_table_ends_no_writes(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    size_t failed = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        put_many(db, 0, 200, "of a table");
        only_flush(db);
    }
    close_it(db);
    for (uint64_t at = 1; at <= 40; at++) {
        const struct fs_sim_fault fault = {
            .kind = FS_SIM_EIO, .at = at, .calls = 1u << FS_CALL_READ};
        struct strata_fs *copy = fs_sim_copy(fs);
        struct strata_error err;
        char tables[200];
        int rc;
        snprintf(tables, sizeof tables, "%s", files(copy, ".sst"));
        db = open_it(copy);
        fs_sim_fail(copy, &fault);
        rc = strata_compact(db, NULL, &err);
        fs_sim_fail(copy, NULL);
        if (rc < 0 && strstr(tables, strrchr(err.file, '/') + 1)) {
            failed++;
            assert_int_equal(rc, STRATA_ERR_IO);
            put_many(db, 0, 10, "after it");
            compact(db);
        }
        strata_close(db, NULL);
        fs_free(copy);
    }
    assert_true(failed > 2);
    fs_free(fs);
}

/* ---- Opening ----------------------------------------------------------------------------------
 */

/* As a kill leaves it: the files as they are now. */
static struct strata_fs *killed(struct strata_fs *fs)
{
    struct strata_fs *copy = fs_sim_copy(fs);
    assert_non_null(copy);
    return copy;
}

static void open_after_a_kill_flushes_the_log_and_begins_another(void **state)
{
    struct strata_fs *fs = fs_sim_new(), *copy;
    struct strata *db = open_it(fs);

    (void)state;
    put_many(db, 0, 50, "in a table");
    only_flush(db);
    put_many(db, 50, 100, "in the log");
    assert_string_equal(files(fs, ".log"), "000004.log ");
    copy = killed(fs);
    close_it(db);
    fs_free(fs);
    db = open_it(copy);
    check(db);
    assert_true(strstr(files(copy, ".log"), "000004.log") == NULL);
    assert_string_equal(files(copy, ".manifest"), "000005.manifest "); /* a new one, too */
    assert_int_equal(tables_on(db, 0), 2);
    expect_many(db, 0, 50, "in a table");
    expect_many(db, 50, 100, "in the log");
    close_it(db);
    fs_free(copy);
}

static void open_removes_what_the_manifest_does_not_name(void **state)
{
    static const char *const made[] = {"000077.sst", "000078.sst.tmp", "000079.manifest",
                                       "CURRENT.tmp"};
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    char path[64];

    (void)state;
    put_many(db, 0, 50, "kept");
    close_it(db);
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        snprintf(path, sizeof path, DIR "/%s", made[i]);
        assert_int_equal(fs_sim_put(fs, path, S("leftover")), 0);
    }
    assert_int_equal(fs_sim_put(fs, DIR "/notes 80.sst", S("somebody's")), 0);
    db = open_it(fs);
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        assert_true(strstr(files(fs, ""), made[i]) == NULL);
    assert_true(strstr(files(fs, ""), "notes 80.sst") != NULL);
    assert_true(tree_of(db)->versions.next > 79); /* their numbers are not given away again */
    expect_many(db, 0, 50, "kept");
    close_it(db);
    fs_free(fs);
}

/* A stranger's file whose name begins with one of the last numbers: a manifest behind it could not
 * be read again. */
static void open_passes_no_name_that_leaves_no_numbers(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);

    (void)state;
    put_many(db, 0, 50, "kept");
    close_it(db);
    assert_int_equal(fs_sim_put(fs, DIR "/9223372036854775806 notes", S("somebody's")), 0);
    for (int i = 0; i < 2; i++) {
        struct strata_error err;
        db = open_it(fs);
        assert_ok(strata_put(db, S("more"), S("kept"), &err), &err);
        flush(db);
        close_it(db);
    }
    db = open_it(fs);
    assert_true(tree_of(db)->versions.next < 1000);
    expect_many(db, 0, 50, "kept");
    close_it(db);
    fs_free(fs);
}

/* Nothing is removed before everything was found whole. */
static void open_that_fails_removes_nothing(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    struct strata_error err;

    (void)state;
    put_many(db, 0, 50, "kept");
    close_it(db);
    assert_int_equal(fs_sim_put(fs, DIR "/000077.sst", S("leftover")), 0);
    assert_ok(fs_remove(fs, DIR "/000003.sst", &err), &err);
    assert_code(try_open(fs, 4096, &db, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, DIR "/000003.sst");
    assert_true(strstr(files(fs, ".sst"), "000077.sst") != NULL);
    fs_free(fs);
}

static void open_refuses_another_table_under_the_name(void **state)
{
    struct strata_fs *fs = fs_sim_new(), *other = fs_sim_new();
    struct strata *db = open_it(fs);
    struct strata_buffer bytes = {0};
    struct strata_error err;

    (void)state;
    put_many(db, 0, 50, "the right one");
    close_it(db);
    db = open_it(other);
    put_many(db, 0, 49, "of another database");
    close_it(db);
    assert_int_equal(fs_sim_get(other, DIR "/000003.sst", &bytes), 0);
    assert_int_equal(fs_sim_put(fs, DIR "/000003.sst", strata_buffer_slice(&bytes)), 0);
    strata_buffer_free(&bytes);
    assert_code(try_open(fs, 4096, &db, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "not the table that the manifest names");
    fs_free(fs);
    fs_free(other);
}

static void put_file(struct strata_fs *fs, const char *path, struct strata_buffer *bytes)
{
    assert_int_equal(fs_sim_put(fs, path, strata_buffer_slice(bytes)), 0);
    strata_buffer_free(bytes);
}

/* A frame behind the log's header, whose check holds, of the last operation that has a number. */
static void append_last_operation(struct strata_fs *fs, const char *path, uint64_t number)
{
    struct wal_group group = {0};
    struct strata_buffer bytes = {0};
    struct fs_file *file;

    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    bytes.size = RECORD_FILE_HEADER; /* without the room behind it */
    put_file(fs, path, &bytes);
    assert_int_equal(fs_open(fs, path, FS_WRITE, &file, NULL), 0);
    wal_group_begin(&group, number, 99, file->end);
    wal_frame_begin(&group, CODING_NUMBER_MAX, 0);
    wal_frame_add(&group, STRATA_OP_PUT, S("key"), S("value"), false);
    wal_frame_end(&group);
    assert_int_equal(wal_group_write(&group, file, NULL), 0);
    wal_group_free(&group);
    fs_close(file, NULL);
}

/* The end of the manifest is lost: a log behind the one that it names was written to. */
static void open_refuses_an_unnamed_log_with_operations(void **state)
{
    (void)state;
    for (int written = 0; written < 3; written++) {
        struct strata_fs *fs = fs_sim_new(), *copy;
        struct strata *db = open_it(fs);
        struct strata_buffer manifest = {0}, log = {0};
        struct strata_error err;
        put_many(db, 0, 50, "in a table");
        assert_int_equal(fs_sim_get(fs, DIR "/000002.manifest", &manifest), 0);
        assert_int_equal(fs_sim_get(fs, DIR "/000001.log", &log), 0);
        only_flush(db);
        if (written == 1)
            put_many(db, 50, 60, "in the next log");
        copy = killed(fs);
        close_it(db);
        fs_free(fs);
        put_file(copy, DIR "/000002.manifest", &manifest);
        put_file(copy, DIR "/000001.log", &log);
        if (written == 2) /* operations that could not be numbered on */
            append_last_operation(copy, DIR "/000004.log", 4);
        assert_code(try_open(copy, 4096, &db, &err), written ? STRATA_ERR_CORRUPT : 0, &err);
        if (written) {
            assert_err_file(&err, DIR "/000004.log");
            assert_err_says(&err, "the manifest does not name it");
        } else {
            expect_many(db, 0, 50, "in a table");
            close_it(db);
        }
        fs_free(copy);
    }
}

static void open_read_only_changes_nothing(void **state)
{
    struct strata_fs *fs = fs_sim_new(), *copy;
    struct strata_options options;
    struct strata_error err;
    struct strata *db = open_it(fs);
    uint64_t before;

    (void)state;
    put_many(db, 0, 50, "in the log");
    copy = killed(fs);
    close_it(db);
    fs_free(fs);
    before = fs_sim_hash_of(copy).low;
    subject_options(&options, copy, false);
    options.read_only = true;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    expect_many(db, 0, 50, "in the log");
    assert_ok(strata_verify(db, NULL, &err), &err);
    assert_ok(strata_close(db, &err), &err);
    assert_true(before == fs_sim_hash_of(copy).low);
    fs_free(copy);
}

static void verify_finds_a_missing_file(void **state)
{
    static const char *const gone[] = {DIR "/000003.sst", DIR "/000004.log", DIR "/CURRENT",
                                       DIR "/000002.manifest"};
    (void)state;
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata *db = open_it(fs);
        struct strata_error err;
        put_many(db, 0, 50, "in a table");
        only_flush(db);
        assert_ok(strata_verify(db, NULL, &err), &err);
        assert_ok(fs_remove(fs, gone[i], &err), &err);
        assert_true(strata_verify(db, NULL, &err) < 0);
        assert_err_file(&err, gone[i]);
        strata_close(db, NULL);
        fs_free(fs);
    }
}

/* ---- Files that are written before the edit that names them -----------------------------------
 */

/* No state of the disk that a power cut leaves loses a synced write, whatever step it comes in. */
static int expect_synced(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct strata_error err;
    struct strata *db;

    (void)arg;
    assert_ok(try_open(state, 800, &db, &err), &err);
    check(db);
    for (uint64_t i = 0; i < info->synced; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %05d", (int)(i * 7919 % 1000));
        assert_get(db, key, "a value that is long enough to fill a memtable soon");
    }
    strata_close(db, NULL);
    return 0;
}

static void tree_power_cut_anywhere_keeps_what_was_synced(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_sim_plan plan = {.model = FS_SIM_POSIX, .stride = check_quick() ? 13 : 5};
    struct fs_sim_totals totals;
    struct strata *db = open_with(fs, 800);

    (void)state;
    assert_int_equal(fs_sim_record(fs), 0);
    for (uint64_t i = 0; i < 80; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %05d", (int)(i * 7919 % 1000));
        assert_put(db, key, "a value that is long enough to fill a memtable soon");
        assert_int_equal(fs_sim_ack(fs, i + 1, true), 0);
    }
    assert_true(check_stat(db, "flushes") >= 3 && check_stat(db, "level1_compactions") >= 1);
    fs_sim_record_stop(fs);
    close_it(db);
    assert_int_equal(fs_sim_states(fs, &plan, expect_synced, NULL, &totals), 0);
    assert_true(totals.distinct > 1000);
    fs_free(fs);
}

/* ---- Limits ------------------------------------------------------------------------------------
 */

/* The next stage does compactions in steps. */
static void weak_a_write_waits_for_a_whole_compaction(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    uint64_t before, bytes;

    (void)state;
    put_many(db, 0, 5000, "much of it");
    compact(db);
    put_many(db, 0, 5000, "much of it again");
    only_flush(db);
    put_many(db, 0, 5, "a little");
    fill_level_0(db, THROTTLE_SLOWDOWN);
    bytes = tree_of(db)->versions.current->levels[0].bytes;
    before = check_stat(db, "table_bytes");
    assert_put(db, "a", "small one");
    assert_true(check_stat(db, "table_bytes") - before > bytes / 2);
    assert_true(bytes > 100000);
    close_it(db);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_without_sequence_numbers_takes_no_write_and_is_read),
        cmocka_unit_test(tree_flush_makes_a_table_and_a_new_log),
        cmocka_unit_test(tree_writes_are_flushed_and_compacted_by_the_way),
        cmocka_unit_test(tree_compact_leaves_one_level_without_tombstones),
        cmocka_unit_test(tree_iterator_keeps_its_tables),
        cmocka_unit_test(tree_moves_a_table_without_writing_it),
        cmocka_unit_test(throttle_does_one_compaction_a_write_from_the_slowdown_trigger_on),
        cmocka_unit_test(throttle_stops_a_write_until_level_0_is_below_the_stop_trigger),
        cmocka_unit_test(throttle_goes_on_when_a_compaction_cannot_be_done),
        cmocka_unit_test(throttle_goes_on_when_a_table_cannot_be_read),
        cmocka_unit_test(throttle_goes_on_without_descriptors),
        cmocka_unit_test(compact_that_cannot_read_a_table_ends_no_writes),
        cmocka_unit_test(open_after_a_kill_flushes_the_log_and_begins_another),
        cmocka_unit_test(open_removes_what_the_manifest_does_not_name),
        cmocka_unit_test(open_passes_no_name_that_leaves_no_numbers),
        cmocka_unit_test(open_that_fails_removes_nothing),
        cmocka_unit_test(open_refuses_another_table_under_the_name),
        cmocka_unit_test(open_refuses_an_unnamed_log_with_operations),
        cmocka_unit_test(open_read_only_changes_nothing),
        cmocka_unit_test(verify_finds_a_missing_file),
        cmocka_unit_test(tree_power_cut_anywhere_keeps_what_was_synced),
        cmocka_unit_test(weak_a_write_waits_for_a_whole_compaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
