/* 07_obsolete_test.c: files that nothing names any more go piece by piece, none that is read; and
 * at once where they cannot be cut. Where memory is short they are left to the next open. */
#include "test.h"

#include "../crash/allocations.h"
#include "05_blocks_bloom/table/table.h"
#include "07_paced_compaction/tree/obsolete.h"
#include "crash/sim/fs_sim.h"

#include <stdio.h>
#include <string.h>

#ifndef SUFFIX /* of tables; stage 9 runs these tests, too */
#define SUFFIX ".sst"
#endif

#define DIR "db"
#define TABLE DIR "/000007" SUFFIX

static struct ground {
    struct strata_fs *fs;
    struct strata_options options;
    struct strata_env env;
    struct obsolete_files obsolete;
    void *common;
    struct sstable *table;
    char warned[200];
} g;

static void note_warning(void *arg, enum strata_log_level level, const char *message)
{
    (void)arg;
    assert_int_equal(level, STRATA_LOG_WARNING);
    snprintf(g.warned, sizeof g.warned, "%s", message);
}

static int begin(void **state)
{
    (void)state;
    g = (struct ground){.fs = fs_sim_new()};
    strata_options_init(&g.options);
    g.options.log = note_warning;
    g.env = (struct strata_env){.fs = g.fs, .dir = DIR, .options = &g.options};
    assert_int_equal(fs_sim_put_directory(g.fs, DIR), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    sstable_unref(g.table);
    obsolete_free(&g.obsolete, g.fs);
    assert_int_equal(g.obsolete.count, 0);
    if (g.common)
        table_kind.common_del(g.common);
    fs_free(g.fs);
    return 0;
}

/* Of all obsolete files. */
static uint64_t bytes_left(void)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < g.obsolete.count; i++)
        bytes += g.obsolete.files[i].bytes;
    return bytes;
}

static void put_log(const char *path, size_t size)
{
    static const uint8_t bytes[4096];

    assert_int_equal(fs_sim_put(g.fs, path, strata_bytes(bytes, size)), 0);
}

static void make_table(void)
{
    struct sstable_writer *writer;
    struct strata_error err;

    assert_ok(table_kind.writer_new(&g.env, 7, &writer, &err), &err);
    for (char key[] = "a"; key[0] <= 'z'; key[0]++)
        assert_ok(table_kind.writer_add(writer, STRATA_OP_PUT, strata_string(key),
                                        strata_string("value"), &err),
                  &err);
    assert_ok(table_kind.writer_finish(writer, 1, 26, &err), &err);
    assert_ok(fs_output_publish(&writer->out, &err), &err);
    table_kind.writer_del(writer, true);
    assert_ok(table_kind.common_new(&g.env, &g.common, &err), &err);
    assert_ok(table_kind.open(&g.env, g.common, 7, &g.table, &err), &err);
}

/* SIZE_MAX: it is not there. */
static size_t size_of(const char *path)
{
    struct strata_buffer bytes = {0};
    int rc = fs_sim_get(g.fs, path, &bytes);
    size_t size = rc == 0 ? bytes.size : SIZE_MAX;

    strata_buffer_free(&bytes);
    return size;
}

static void add(const char *path, uint64_t bytes, struct sstable *table)
{
    obsolete_add(&g.obsolete, &g.env, strdup(path), bytes, table);
}

static void obsolete_file_is_removed_piece_by_piece(void **state)
{
    (void)state;
    put_log(DIR "/a", 4000);
    put_log(DIR "/b", 1000);
    add(DIR "/a", 4000, NULL);
    add(DIR "/b", 1000, NULL);
    assert_int_equal(bytes_left(), 5000);
    assert_false(obsolete_remove(&g.obsolete, g.fs, 0));
    assert_true(obsolete_remove(&g.obsolete, g.fs, 1500));
    assert_int_equal(size_of(DIR "/a"), 2500);
    assert_true(obsolete_remove(&g.obsolete, g.fs, 3000));
    assert_int_equal(size_of(DIR "/a"), SIZE_MAX);
    assert_int_equal(size_of(DIR "/b"), 500);
    assert_int_equal(bytes_left(), 500);
    assert_true(obsolete_remove(&g.obsolete, g.fs, UINT64_MAX));
    assert_int_equal(size_of(DIR "/b"), SIZE_MAX);
    assert_false(obsolete_remove(&g.obsolete, g.fs, UINT64_MAX));
}

/* However small they are: each may be a wait. */
static void obsolete_files_are_removed_some_at_a_time(void **state)
{
    char path[32];

    (void)state;
    for (int i = 0; i < 40; i++) {
        snprintf(path, sizeof path, DIR "/%d", i);
        put_log(path, 10);
        add(path, 10, NULL);
    }
    assert_true(obsolete_remove(&g.obsolete, g.fs, 16000));
    assert_int_equal(g.obsolete.count, 24);
    assert_true(obsolete_remove(&g.obsolete, g.fs, 16000));
    assert_int_equal(g.obsolete.count, 8);
    assert_true(obsolete_remove(&g.obsolete, g.fs, UINT64_MAX));
    assert_int_equal(g.obsolete.count, 0);
}

static void obsolete_file_that_is_read_stays(void **state)
{
    (void)state;
    make_table();
    put_log(DIR "/a", 4000);
    add(DIR "/a", 4000, NULL);
    add(g.table->path, g.table->bytes, g.table);
    g.obsolete.log_readers = 1;
    assert_false(obsolete_remove(&g.obsolete, g.fs, UINT64_MAX));
    assert_int_equal(size_of(DIR "/a"), 4000);
    g.obsolete.log_readers = 0;
    assert_true(obsolete_remove(&g.obsolete, g.fs, UINT64_MAX));
    assert_int_equal(size_of(DIR "/a"), SIZE_MAX);
    assert_true(size_of(TABLE) < SIZE_MAX);
    sstable_unref(g.table);
    g.table = NULL;
    assert_true(obsolete_remove(&g.obsolete, g.fs, UINT64_MAX));
    assert_int_equal(size_of(TABLE), SIZE_MAX);
}

static bool stay(void *arg)
{
    return *(const bool *)arg;
}

static void obsolete_file_that_has_to_stay_does_even_at_a_close(void **state)
{
    static bool stays; /* asked at the test's end, too */

    (void)state;
    stays = true;
    put_log(DIR "/a", 4000);
    g.obsolete.stay = stay;
    g.obsolete.arg = &stays;
    for (int i = 0; i < 2; i++) {
        add(DIR "/a", 4000, NULL);
        assert_false(obsolete_remove(&g.obsolete, g.fs, UINT64_MAX));
        obsolete_free(&g.obsolete, g.fs);
        assert_int_equal(g.obsolete.bytes, 0);
        assert_int_equal(size_of(DIR "/a"), 4000);
    }
    stays = false;
    add(DIR "/a", 4000, NULL);
    obsolete_free(&g.obsolete, g.fs);
    assert_int_equal(size_of(DIR "/a"), SIZE_MAX);
}

/* Another has the bytes too. */
static void obsolete_file_that_is_linked_is_not_cut(void **state)
{
    struct strata_error err;

    (void)state;
    put_log(DIR "/a", 4000);
    assert_ok(fs_link(g.fs, DIR "/a", DIR "/copy", &err), &err);
    add(DIR "/a", 4000, NULL);
    assert_true(obsolete_remove(&g.obsolete, g.fs, 100));
    assert_int_equal(size_of(DIR "/a"), SIZE_MAX);
    assert_int_equal(size_of(DIR "/copy"), 4000);
}

/* Whatever call fails, it goes, or is left to the next open. */
static void obsolete_file_whose_calls_fail_is_forgotten(void **state)
{
    (void)state;
    for (uint64_t at = 1; at <= 6; at++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = at, .for_ever = at > 3};
        put_log(DIR "/a", 4000);
        add(DIR "/a", 4000, NULL);
        fs_sim_fail(g.fs, &fault);
        assert_true(obsolete_remove(&g.obsolete, g.fs, 1000));
        fs_sim_fail(g.fs, NULL);
        assert_true(g.obsolete.count == 0 || (g.obsolete.count == 1 && bytes_left() == 3000));
        obsolete_remove(&g.obsolete, g.fs, UINT64_MAX);
        assert_int_equal(fs_sim_open_files(g.fs), 0);
    }
}

static void obsolete_file_without_memory_is_left_to_the_next_open(void **state)
{
    (void)state;
    make_table();
    put_log(DIR "/a", 4000);
    for (uint64_t at = 1; at <= 2; at++) {
        g.warned[0] = '\0';
        allocations.at = at;
        allocations.on = true;
        add(DIR "/a", 4000, NULL);
        allocations.on = false;
        assert_int_equal(size_of(DIR "/a"), 4000);
        assert_says(g.warned, at == 1 ? DIR ": an obsolete file is left to the next"
                                      : DIR "/a: an obsolete file is left to the next open");
        assert_int_equal(g.obsolete.count, 0);
    }
    allocations.at = 1;
    allocations.on = true;
    add(g.table->path, g.table->bytes, g.table);
    allocations.on = false;
    allocations.at = 0;
    assert_says(g.warned, DIR ": an obsolete file is left to the next open");
    sstable_unref(g.table);
    g.table = NULL;
    assert_true(size_of(TABLE) < SIZE_MAX);
}

#define obsolete_test(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        obsolete_test(obsolete_file_is_removed_piece_by_piece),
        obsolete_test(obsolete_files_are_removed_some_at_a_time),
        obsolete_test(obsolete_file_that_is_read_stays),
        obsolete_test(obsolete_file_that_has_to_stay_does_even_at_a_close),
        obsolete_test(obsolete_file_that_is_linked_is_not_cut),
        obsolete_test(obsolete_file_whose_calls_fail_is_forgotten),
        obsolete_test(obsolete_file_without_memory_is_left_to_the_next_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
