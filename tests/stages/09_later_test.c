/* 09_later_test.c: open reads how each table ends; its index and filter are read, and checked, when
 * the first key is looked for in it. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "crash/subject.h"
#include "tmpdir.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIR "db"
#define TABLE "db/000004.table" /* has "a" to "c"; 000006 has "x" to "z" */

static struct strata *open_as(struct strata_fs *fs, bool read_only, uint64_t table_bytes)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, !read_only);
    options.read_only = read_only;
    options.memtable_bytes = 4 << 20;
    options.table_bytes = table_bytes;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

static struct strata *open_it(struct strata_fs *fs, bool read_only)
{
    return open_as(fs, read_only, 8 << 20);
}

static void close_it(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

static void put_some(struct strata *db, char from, char to)
{
    struct strata_error err;

    for (char c = from; c <= to; c++) {
        char key[] = {c, '\0'};
        assert_put(db, key, key);
    }
    assert_ok(strata_flush(db, &err), &err);
}

/* Two tables that do not overlap; nor are they small, beside such a table_bytes: they stay two. */
static struct strata_fs *make_two(void)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_as(fs, false, 256);

    put_some(db, 'a', 'c');
    put_some(db, 'x', 'z');
    close_it(db);
    return fs;
}

/* The table's bytes, before one of them, `back` from the properties, was changed. */
static struct strata_buffer damage(struct strata_fs *fs, size_t back)
{
    struct strata_buffer bytes = {0};
    uint8_t *footer;
    size_t place;

    assert_int_equal(fs_sim_get(fs, TABLE, &bytes), 0);
    footer = bytes.data + bytes.size - 24;
    place = footer[0] + 256u * footer[1] - back;
    bytes.data[place] ^= 1;
    assert_int_equal(fs_sim_put(fs, TABLE, strata_buffer_slice(&bytes)), 0);
    bytes.data[place] ^= 1;
    return bytes;
}

static int count_all(struct strata *db, bool back, struct strata_error *err)
{
    struct strata_iter *iter;
    int rc, count = 0;

    assert_ok(strata_iter_new(db, &iter, err), err);
    rc = back ? strata_iter_last(iter, err) : strata_iter_first(iter, err);
    for (; rc == 0; count++)
        rc = back ? strata_iter_prev(iter, err) : strata_iter_next(iter, err);
    strata_iter_free(iter);
    return rc < 0 ? rc : count;
}

/* `back`: bytes from the properties to the part. */
static void expect_told(size_t back)
{
    struct strata_fs *fs = make_two();
    struct strata_buffer bytes = damage(fs, back), value = {0};
    struct strata *db = open_it(fs, true);
    struct strata_error err;

    assert_get(db, "y", "y");
    for (int i = 0; i < 2; i++) {
        assert_code(strata_get(db, strata_string("b"), &value, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, TABLE);
        assert_true(err.offset != STRATA_NO_OFFSET);
    }
    assert_code(count_all(db, false, &err), STRATA_ERR_CORRUPT, &err);
    assert_code(count_all(db, true, &err), STRATA_ERR_CORRUPT, &err);
    assert_code(strata_verify(db, NULL, &err), STRATA_ERR_CORRUPT, &err);
    assert_get(db, "y", "y");
    assert_int_equal(fs_sim_put(fs, TABLE, strata_buffer_slice(&bytes)), 0);
    assert_get(db, "b", "b"); /* it is tried again */
    assert_int_equal(count_all(db, false, &err), 6);
    assert_int_equal(count_all(db, true, &err), 6);
    close_it(db);
    strata_buffer_free(&value);
    strata_buffer_free(&bytes);
    fs_free(fs);
}

static void later_read_filter_that_is_damaged_is_told(void **state)
{
    (void)state;
    expect_told(1);
}

static void later_read_index_that_is_damaged_is_told(void **state)
{
    (void)state;
    expect_told(64 + 9 + 1); /* behind it stand a line of the filter and its tail */
}

/* Opening costs a read or two a table, whatever is in it. */
static void later_read_index_costs_open_nothing(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs, false);
    struct strata_error err;
    uint64_t before, opened;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%08d", i);
        assert_put(db, key, "");
    }
    assert_ok(strata_flush(db, &err), &err);
    close_it(db);
    before = fs->bytes_read;
    db = open_it(fs, true);
    opened = fs->bytes_read - before;
    assert_true(opened < 3000);
    assert_get(db, "00010000", "");
    assert_true(fs->bytes_read > before + opened + 20000); /* its filter has 10 bits for each */
    close_it(db);
    fs_free(fs);
}

/* Where tables are mapped the index is read by a call, too: a file that was cut is an error. */
static void later_read_index_of_a_cut_file_is_told(void **state)
{
    char *dir = tmpdir_new(), *table = tmpdir_path(dir, "db/000004.table");
    char *path = tmpdir_path(dir, "db"), value[200] = {0};
    struct strata_buffer got = {0};
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    (void)state;
    subject_options(&options, NULL, true);
    options.memtable_bytes = 4 << 20;
    options.table_bytes = 8 << 20;
    options.mapped_reads = true;
    assert_ok(strata_open(path, &options, &db, &err), &err);
    for (int i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%08d", i);
        memset(value, 'a' + i % 26, sizeof value - 1);
        assert_put(db, key, value);
    }
    assert_ok(strata_flush(db, &err), &err);
    close_it(db);
    assert_ok(strata_open(path, &options, &db, &err), &err);
    assert_int_equal(truncate(table, 100), 0);
    assert_code(strata_get(db, strata_string("00000500"), &got, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, table);
    close_it(db);
    strata_buffer_free(&got);
    free(path);
    free(table);
    tmpdir_del(dir);
}

/* ---- By many at once ---------------------------------------------------------------------------
 */

#define THREADS 8

static void *get_all(void *db)
{
    for (int i = 0; i < 20; i++) {
        assert_get(db, "b", "b");
        assert_get(db, "y", "y");
        assert_get(db, "bb", NULL);
    }
    return NULL;
}

static void later_read_index_is_read_once_by_many_threads(void **state)
{
    struct strata_fs *fs = make_two();

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct strata *db = open_it(fs, true);
        uint64_t calls = fs->calls[FS_CALL_READ];
        pthread_t threads[THREADS];
        for (int t = 0; t < THREADS; t++)
            assert_int_equal(pthread_create(&threads[t], NULL, get_all, db), 0);
        for (int t = 0; t < THREADS; t++)
            assert_int_equal(pthread_join(threads[t], NULL), 0);
        /* Of each table the index, the filter, and a block for each thread at most. */
        assert_in_range(fs->calls[FS_CALL_READ] - calls, 6, 2 * (2 + THREADS));
        close_it(db);
    }
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_read_filter_that_is_damaged_is_told),
        cmocka_unit_test(later_read_index_that_is_damaged_is_told),
        cmocka_unit_test(later_read_index_costs_open_nothing),
        cmocka_unit_test(later_read_index_of_a_cut_file_is_told),
        cmocka_unit_test(later_read_index_is_read_once_by_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
