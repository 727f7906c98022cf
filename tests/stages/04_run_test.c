/* 04_run_test.c: runs and the list of runs: written, read, and damaged in every bit and at every
 * cut. */
#include "test.h"

#include "01_append_log/record.h"
#include "04_memtable_sstable/run/run.h"
#include "04_memtable_sstable/tables.h"
#include "base/coding.h"
#include "crash/sim/fs_sim.h"
#include "inspect/inspect.h"
#include "rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"
#define PATH "db/000007.run"

static struct strata_env env_on(struct strata_fs *fs)
{
    static struct strata_options options;
    strata_options_init(&options);
    assert_int_equal(fs_sim_put_directory(fs, DIR), 0);
    return (struct strata_env){.fs = fs, .dir = DIR, .options = &options};
}

/* A row: key "key 0002 ..." of n, some deleted, some with a value larger than what is read at once.
 */
static void row(size_t n, bool large, char key[40], struct strata_buffer *value, unsigned *type)
{
    sprintf(key, "key %05zu%.*s", 2 * n, (int)(n % 7), "abcdefg");
    *type = n % 5 == 3 ? STRATA_OP_DELETE : STRATA_OP_PUT;
    strata_buffer_clear(value);
    for (size_t i = 0; *type == STRATA_OP_PUT && i < (large && n % 90 == 4 ? 300000 : n % 40); i++)
        strata_buffer_append(value, &(uint8_t){(uint8_t)(i * n)}, 1);
}

static void write_run(const struct strata_env *env, size_t rows, bool large)
{
    struct strata_buffer value = {0};
    struct sstable_writer *writer;
    struct strata_error err;

    assert_ok(run_writer_new(env, 7, &writer, &err), &err);
    for (size_t n = 0; n < rows; n++) {
        char key[40];
        unsigned type;
        row(n, large, key, &value, &type);
        assert_ok(run_writer_add(writer, type, S(key), strata_buffer_slice(&value), &err), &err);
    }
    assert_ok(run_writer_finish(writer, 11, 99, &err), &err);
    assert_ok(fs_output_publish(&writer->out, &err), &err);
    run_writer_del(writer, true);
    strata_buffer_free(&value);
}

static void assert_at(struct cursor *cursor, size_t n, bool large, struct strata_buffer *value)
{
    struct strata_slice got;
    char key[40];
    unsigned type;

    row(n, large, key, value, &type);
    assert_bytes(cursor->iter.key, S(key));
    assert_int_equal(cursor->type, type);
    assert_int_equal(cursor->sequence, 99);
    assert_int_equal(cursor_value(cursor, &got, NULL), 0);
    assert_bytes(got, strata_buffer_slice(value));
}

static void check_scans(struct sstable *run, size_t rows, bool large)
{
    struct cursor *cursor = run_kind.cursor(run, false);
    struct strata_buffer value = {0};
    size_t n = 0;
    int rc;

    for (rc = cursor_first(cursor, NULL); rc == 0; rc = cursor_next(cursor, NULL))
        assert_at(cursor, n++, large, &value);
    assert_int_equal(rc, STRATA_NOT_FOUND);
    assert_int_equal(n, rows);
    for (rc = cursor_last(cursor, NULL); rc == 0; rc = cursor_prev(cursor, NULL))
        assert_at(cursor, --n, large, &value);
    assert_int_equal(rc, STRATA_NOT_FOUND);
    assert_int_equal(n, 0);
    cursor_free(cursor);
    strata_buffer_free(&value);
}

/* Seeks to keys that are there and that are not, then steps at random. */
static void check_seeks(struct sstable *run, size_t rows, bool large, struct rng *rng)
{
    struct cursor *cursor = run_kind.cursor(run, false);
    struct strata_buffer value = {0};

    for (int i = 0; i < 40; i++) {
        size_t n = (size_t)rng_below(rng, rows + 1);
        char key[40] = "", between[40];
        unsigned type;
        int rc;
        if (n < rows)
            row(n, large, key, &value, &type);
        sprintf(between, "key %05zu", 2 * n > 0 ? 2 * n - 1 : 0);
        rc = cursor_seek(cursor, i % 2 && n < rows ? S(key) : S(between), NULL);
        for (int step = 0; rc == 0 && step < 20; step++) {
            bool back = rng_below(rng, 2);
            assert_at(cursor, n, large, &value);
            rc = back ? cursor_prev(cursor, NULL) : cursor_next(cursor, NULL);
            n += back ? (size_t)-1 : 1;
        }
        assert_true(rc >= 0);
        assert_true((rc == STRATA_NOT_FOUND) == (n == rows || n == (size_t)-1));
    }
    cursor_free(cursor);
    strata_buffer_free(&value);
}

static void check_gets(struct sstable *run, size_t rows, bool large)
{
    struct strata_buffer value = {0}, want = {0};
    struct strata_error err;

    for (size_t n = 0; n < rows; n++) {
        char key[40];
        unsigned type, got;
        row(n, large, key, &want, &type);
        assert_ok(run_kind.get(run, S(key), &got, &value, &err), &err);
        assert_int_equal(got, type);
        assert_bytes(strata_buffer_slice(&value), strata_buffer_slice(&want));
        sprintf(key, "key %05zu", 2 * n + 1);
        assert_code(run_kind.get(run, S(key), &got, &value, &err), STRATA_NOT_FOUND, &err);
    }
    assert_int_equal(run_kind.get(run, S(""), &(unsigned){0}, &value, NULL), STRATA_NOT_FOUND);
    assert_int_equal(run_kind.get(run, S("l"), &(unsigned){0}, &value, NULL), STRATA_NOT_FOUND);
    strata_buffer_free(&value);
    strata_buffer_free(&want);
}

static void run_gives_back_what_was_written(void **state)
{
    static const size_t sizes[] = {1, 2, RUN_PAGE - 1, RUN_PAGE, RUN_PAGE + 1, 1000};
    struct rng rng;

    (void)state;
    rng_init_env(&rng, "run");
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        struct strata_fs *fs = fs_sim_new();
        struct strata_env env = env_on(fs);
        struct strata_error err;
        struct sstable *run;
        size_t rows = sizes[i / 2];

        write_run(&env, rows, i % 2);
        assert_ok(run_kind.open(&env, NULL, 7, &run, &err), &err);
        assert_int_equal(run->sum.records, rows);
        assert_int_equal(run->sum.first, 11);
        assert_int_equal(run->sum.last, 99);
        check_gets(run, rows, i % 2);
        check_scans(run, rows, i % 2);
        check_seeks(run, rows, i % 2, &rng);
        assert_ok(run_kind.verify(run, &err), &err);
        sstable_unref(run);
        assert_int_equal(fs_sim_open_files(fs), 0);
        fs_free(fs);
    }
}

/* It is larger than what the reader reads at once. */
static void run_large_record_that_cannot_be_read_is_an_error(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1};
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_buffer want = {0};
    struct strata_slice value;
    struct strata_error err;
    struct cursor *cursor;
    struct sstable *run;
    char key[40];
    unsigned type;

    (void)state;
    row(4, true, key, &want, &type);
    write_run(&env, 8, true);
    assert_ok(run_kind.open(&env, NULL, 7, &run, &err), &err);
    cursor = run_kind.cursor(run, false);
    for (fault.at = 1; fault.at <= 3; fault.at++) {
        fs_sim_fail(fs, &fault);
        assert_code(cursor_seek(cursor, S(key), &err), STRATA_ERR_IO, &err);
        assert_err_file(&err, PATH);
    }
    fs_sim_fail(fs, NULL);
    assert_ok(cursor_seek(cursor, S(key), &err), &err);
    assert_ok(cursor_value(cursor, &value, &err), &err);
    assert_bytes(value, strata_buffer_slice(&want));
    cursor_free(cursor);
    sstable_unref(run);
    strata_buffer_free(&want);
    fs_free(fs);
}

static void run_writer_that_ends_early_leaves_no_file(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct fs_names names;
    struct sstable_writer *writer;

    (void)state;
    assert_int_equal(run_writer_new(&env, 7, &writer, NULL), 0);
    run_writer_del(writer, false);
    assert_int_equal(run_writer_new(&env, 7, &writer, NULL), 0);
    assert_int_equal(run_writer_add(writer, STRATA_OP_PUT, S("a"), S("b"), NULL), 0);
    assert_int_equal(run_writer_finish(writer, 1, 1, NULL), 0);
    assert_int_equal(fs_output_publish(&writer->out, NULL), 0);
    run_writer_del(writer, false);
    assert_int_equal(fs_list(fs, DIR, &names, NULL), 0);
    assert_int_equal(names.count, 0);
    fs_names_free(&names);
    fs_free(fs);
}

/* ---- Damage ------------------------------------------------------------------------------ */

static bool inspect_sees(struct strata_fs *fs, const char *path, const struct strata_format *format)
{
    struct inspect in;
    struct fs_file *file;
    FILE *to = fopen("/dev/null", "w");

    assert_non_null(to);
    inspect_init(&in, to);
    assert_int_equal(fs_open(fs, path, FS_READ, &file, NULL), 0);
    assert_int_equal(format->inspect(file, &in, NULL), 0);
    fs_close(file, NULL);
    fclose(to);
    return in.damaged || in.torn;
}

/* Whatever is answered is right; and reading all of it finds the damage. */
static void assert_damage_is_found(struct strata_env *env, size_t rows)
{
    struct strata_buffer value = {0}, want = {0};
    struct strata_error err = {0};
    struct sstable *run;
    int opened = run_kind.open(env, NULL, 7, &run, &err);

    if (opened == 0) {
        for (size_t n = 0; n < rows; n++) {
            char key[40];
            unsigned type, got = 0;
            int rc;
            row(n, false, key, &want, &type);
            rc = run_kind.get(run, S(key), &got, &value, &err);
            assert_true(rc == STRATA_ERR_CORRUPT || rc == 0);
            if (rc == 0) {
                assert_int_equal(got, type);
                assert_bytes(strata_buffer_slice(&value), strata_buffer_slice(&want));
            }
        }
        assert_code(run_kind.verify(run, &err), STRATA_ERR_CORRUPT, &err);
        sstable_unref(run);
    }
    assert_int_equal(err.code, STRATA_ERR_CORRUPT);
    assert_err_file(&err, PATH);
    assert_int_equal(fs_sim_open_files(env->fs), 0);
    strata_buffer_free(&value);
    strata_buffer_free(&want);
}

static void run_damaged_in_any_bit_is_never_believed(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_buffer bytes = {0};
    size_t rows = 12;

    (void)state;
    write_run(&env, rows, false);
    assert_int_equal(fs_sim_get(fs, PATH, &bytes), 0);
    for (size_t bit = 0; bit < 8 * bytes.size; bit += check_quick() ? 5 : 1) {
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(fs_sim_put(fs, PATH, strata_buffer_slice(&bytes)), 0);
        assert_damage_is_found(&env, rows);
        assert_true(inspect_sees(fs, PATH, &run_format));
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    strata_buffer_free(&bytes);
    fs_free(fs);
}

/* Found when the run was opened, and no more. */
static void run_verify_sees_a_page_that_was_damaged_since(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    size_t rows = 2 * RUN_PAGE + 1, end = RECORD_HEAD + 48, last = RECORD_HEAD + 8;
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct sstable *run;

    (void)state;
    write_run(&env, rows, false);
    assert_ok(run_kind.open(&env, NULL, 7, &run, &err), &err);
    assert_int_equal(fs_sim_get(fs, PATH, &bytes), 0);
    bytes.data[bytes.size - end - last - 10] ^= 1; /* of the page before the last */
    assert_int_equal(fs_sim_put(fs, PATH, strata_buffer_slice(&bytes)), 0);
    assert_code(run_kind.verify(run, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, PATH);
    sstable_unref(run);
    strata_buffer_free(&bytes);
    fs_free(fs);
}

static void run_that_cannot_be_opened_is_an_error(void **state)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = 1};
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_error err;
    struct sstable *run;

    (void)state;
    write_run(&env, 3, false);
    for (int told = 0; told < 2; told++) {
        fs_sim_fail(fs, &fault);
        if (told)
            assert_code(run_kind.open(&env, NULL, 7, &run, &err), STRATA_ERR_IO, &err);
        else
            assert_int_equal(run_kind.open(&env, NULL, 7, &run, NULL), STRATA_ERR_IO);
        assert_null(run);
    }
    fs_free(fs);
}

static void run_cut_or_made_longer_is_not_opened(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_buffer bytes = {0};

    (void)state;
    write_run(&env, 12, false);
    assert_int_equal(fs_sim_get(fs, PATH, &bytes), 0);
    strata_buffer_append(&bytes, "", 1);
    for (size_t size = 0; size <= bytes.size; size++) {
        struct strata_error err;
        struct sstable *run;
        if (size + 1 == bytes.size)
            continue;
        assert_int_equal(fs_sim_put(fs, PATH, strata_bytes(bytes.data, size)), 0);
        assert_code(run_kind.open(&env, NULL, 7, &run, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_file(&err, PATH);
        assert_null(run);
    }
    strata_buffer_free(&bytes);
    fs_free(fs);
}

/* A run of these keys, in the order in which they are given. */
static void write_keys(const struct strata_env *env, const char *keys)
{
    struct sstable_writer *writer;

    assert_int_equal(run_writer_new(env, 7, &writer, NULL), 0);
    for (; *keys; keys++)
        assert_int_equal(run_writer_add(writer, STRATA_OP_PUT, strata_bytes(keys, 1), S("1"), NULL),
                         0);
    assert_int_equal(run_writer_finish(writer, 1, 9, NULL), 0);
    assert_int_equal(fs_output_publish(&writer->out, NULL), 0);
    run_writer_del(writer, true);
}

/* Records whose checks hold, and an order that does not. */
static void run_verify_sees_keys_out_of_order(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_error err;
    struct sstable *run;

    (void)state;
    write_keys(&env, "acbd");
    assert_ok(run_kind.open(&env, NULL, 7, &run, &err), &err);
    assert_code(run_kind.verify(run, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "not behind");
    sstable_unref(run);
    fs_free(fs);
}

/* A get asks only the runs whose bounds include its key: bounds the wrong way round would hide all.
 */
static void run_whose_first_key_is_after_its_last_is_not_opened(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_error err;
    struct sstable *run;

    (void)state;
    write_keys(&env, "ba");
    assert_code(run_kind.open(&env, NULL, 7, &run, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, PATH);
    assert_err_says(&err, "the first key is after the last");
    assert_null(run);
    fs_free(fs);
}

/* Checks that hold, and numbers that cannot be: no bit that flips leaves that, a forger does. */
static void run_whose_end_does_not_add_up_is_not_opened(void **state)
{
    enum { RECORDS, TOMBSTONES, INDEX, FIRST, LAST };
    static const struct {
        int field;
        uint64_t value;
    } forged[] = {{RECORDS, 0},
                  {RECORDS, 13},
                  {RECORDS, 11},
                  {RECORDS, 1 << 20},
                  {INDEX, 0},
                  {RECORDS, UINT64_MAX},
                  {INDEX, UINT64_MAX},
                  {INDEX, 25},
                  {TOMBSTONES, 13},
                  {FIRST, 100},
                  {TOMBSTONES, UINT64_MAX},
                  {LAST, 10}};
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct sstable *run;
    uint8_t *end, kept[48];

    (void)state;
    write_run(&env, 12, false);
    assert_int_equal(fs_sim_get(fs, PATH, &bytes), 0);
    end = bytes.data + bytes.size - sizeof kept;
    memcpy(kept, end, sizeof kept);
    for (size_t i = 0; i <= sizeof forged / sizeof *forged; i++) {
        check_case(i);
        bool is_forged = i < sizeof forged / sizeof *forged; /* at last what was there */
        memcpy(end, kept, sizeof kept);
        if (is_forged)
            put_u64(end + 8 * forged[i].field, forged[i].value);
        record_head(7, bytes.size - sizeof kept - RECORD_HEAD, RUN_END, S(""),
                    strata_bytes(end, sizeof kept), end - RECORD_HEAD);
        assert_int_equal(fs_sim_put(fs, PATH, strata_buffer_slice(&bytes)), 0);
        assert_code(run_kind.open(&env, NULL, 7, &run, &err), is_forged ? STRATA_ERR_CORRUPT : 0,
                    &err);
        if (is_forged)
            assert_err_says(&err, "does not fit the file");
        sstable_unref(run);
    }
    strata_buffer_free(&bytes);
    fs_free(fs);
}

/* A page whose check holds, and places that are none: what is told is where the page stands. */
static void run_whose_index_leads_outside_is_damage_of_the_index(void **state)
{
    static const uint64_t forged[] = {0, 23, 150323855401, UINT64_MAX};
    enum { PAGE = 12 * 8 + RECORD_HEAD, END = 48 + RECORD_HEAD };
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct sstable *run;
    uint8_t *page;

    (void)state;
    write_run(&env, 12, false);
    assert_int_equal(fs_sim_get(fs, PATH, &bytes), 0);
    page = bytes.data + bytes.size - END - PAGE;
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        check_case(i);
        put_u64(page + RECORD_HEAD, forged[i]);
        record_head(7, bytes.size - END - PAGE, RUN_INDEX, S(""),
                    strata_bytes(page + RECORD_HEAD, PAGE - RECORD_HEAD), page);
        assert_int_equal(fs_sim_put(fs, PATH, strata_buffer_slice(&bytes)), 0);
        assert_code(run_kind.open(&env, NULL, 7, &run, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, "outside the records");
        assert_int_equal(err.offset, bytes.size - END - PAGE);
    }
    strata_buffer_free(&bytes);
    fs_free(fs);
}

/* ---- The list of runs -------------------------------------------------------------------- */

static struct tables_run some_runs[] = {{9, 1000, 77}, {3, 500, 88}};
static const struct tables some = {
    .next = 12, .log = {11, 100, 94, 105}, .runs = some_runs, .count = 2};

static void tables_give_back_what_was_written(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_error err;
    struct tables got;

    (void)state;
    assert_code(tables_read(&env, &got, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_says(&err, "missing");
    assert_ok(tables_write(&env, &some, &err), &err);
    assert_ok(tables_read(&env, &got, &err), &err);
    assert_int_equal(got.next, 12);
    assert_int_equal(got.log.number, 11);
    assert_int_equal(got.log.first, 100);
    assert_int_equal(got.log.end, 94);
    assert_int_equal(got.log.sequence, 105);
    assert_int_equal(got.count, 2);
    assert_memory_equal(got.runs, some_runs, sizeof some_runs);
    assert_false(inspect_sees(fs, DIR "/" TABLES_NAME, &tables_format));
    tables_free(&got);
    fs_free(fs);
}

static void tables_damaged_cut_or_longer_are_refused(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_buffer bytes = {0};
    struct strata_error err;
    struct tables got;

    (void)state;
    assert_ok(tables_write(&env, &some, &err), &err);
    assert_int_equal(fs_sim_get(fs, DIR "/" TABLES_NAME, &bytes), 0);
    strata_buffer_append(&bytes, "", 1);
    for (size_t size = 0; size <= bytes.size; size++) {
        if (size + 1 == bytes.size)
            continue;
        fs_sim_put(fs, DIR "/" TABLES_NAME, strata_bytes(bytes.data, size));
        assert_code(tables_read(&env, &got, &err), STRATA_ERR_CORRUPT, &err);
    }
    bytes.size--;
    for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        fs_sim_put(fs, DIR "/" TABLES_NAME, strata_buffer_slice(&bytes));
        assert_code(tables_read(&env, &got, &err), STRATA_ERR_CORRUPT, &err);
        assert_true(inspect_sees(fs, DIR "/" TABLES_NAME, &tables_format));
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    strata_buffer_free(&bytes);
    fs_free(fs);
}

static void tables_with_impossible_numbers_are_refused(void **state)
{
    struct tables wrong[] = {some, some, some, some, some};
    struct tables_run twice[] = {{3, 1000, 77}, {3, 500, 88}}, late[] = {{12, 1, 1}, {3, 1, 1}};
    struct strata_fs *fs = fs_sim_new();
    struct strata_env env = env_on(fs);
    struct strata_error err;
    struct tables got;

    (void)state;
    wrong[0].log.number = 12;
    wrong[1].log.number = 0;
    wrong[2].runs = twice;
    wrong[3].runs = late;
    wrong[4].log.sequence = 99;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_case(i);
        assert_ok(tables_write(&env, &wrong[i], &err), &err);
        assert_code(tables_read(&env, &got, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, "cannot be");
    }
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_gives_back_what_was_written),
        cmocka_unit_test(run_large_record_that_cannot_be_read_is_an_error),
        cmocka_unit_test(run_writer_that_ends_early_leaves_no_file),
        cmocka_unit_test(run_damaged_in_any_bit_is_never_believed),
        cmocka_unit_test(run_verify_sees_a_page_that_was_damaged_since),
        cmocka_unit_test(run_that_cannot_be_opened_is_an_error),
        cmocka_unit_test(run_cut_or_made_longer_is_not_opened),
        cmocka_unit_test(run_verify_sees_keys_out_of_order),
        cmocka_unit_test(run_whose_first_key_is_after_its_last_is_not_opened),
        cmocka_unit_test(run_whose_end_does_not_add_up_is_not_opened),
        cmocka_unit_test(run_whose_index_leads_outside_is_damage_of_the_index),
        cmocka_unit_test(tables_give_back_what_was_written),
        cmocka_unit_test(tables_damaged_cut_or_longer_are_refused),
        cmocka_unit_test(tables_with_impossible_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
