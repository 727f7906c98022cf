/* contract_inspect_test.c: the annotated dump of every file that the stage writes: cut anywhere,
 * with a byte too many, with any byte changed, and with any read of it failing. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "inspect/inspect.h"
#include "crash/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIR "db"

/* Several closed segments, deletes, a clean close. */
static struct strata_fs *filled(void)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_error err;
    struct strata *db;

    assert_ok(subject_open(fs, DIR, true, &db, &err), &err);
    for (int i = 0; i < 40; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %02d", i % 7);
        assert_put(db, key, "a value that has some bytes");
    }
    assert_delete(db, "key 03");
    assert_ok(strata_close(db, &err), &err);
    return fs;
}

/* What is known of one dump. */
struct dump {
    int rc;
    bool damaged, torn;
    char *text;
};

static struct dump dump_of(struct strata_fs *fs, const char *path,
                           const struct strata_format *format)
{
    struct dump dump = {0};
    struct strata_error err = {0};
    struct inspect in;
    struct fs_file *file;
    size_t size;
    FILE *to = open_memstream(&dump.text, &size);

    assert_non_null(to);
    inspect_init(&in, to);
    dump.rc = fs_open(fs, path, FS_READ, &file, &err);
    if (dump.rc == 0) {
        dump.rc = format->inspect(file, &in, &err);
        fs_close(file, NULL);
    }
    fclose(to);
    if (dump.rc < 0) {
        assert_int_equal(dump.rc, STRATA_ERR_IO);
        assert_err_file(&err, path);
    }
    dump.damaged = in.damaged;
    dump.torn = in.torn;
    return dump;
}

/* Calls `each` for the marker and every file of one of the stage's formats. */
static void each_file(void (*each)(struct strata_fs *fs, const char *path,
                                   const struct strata_format *format))
{
    struct strata_fs *fs = filled();
    struct fs_names names;
    unsigned found = 0;

    assert_int_equal(fs_sim_paths(fs, DIR, &names), 0);
    for (size_t i = 0; i < names.count; i++) {
        char path[300];
        const struct strata_format *format;
        snprintf(path, sizeof path, "%s/%s", DIR, names.names[i]);
        format = subject_format(names.names[i]);
        if (!format || !format->inspect)
            continue;
        each(fs, path, format);
        found++;
    }
    assert_enough(found, 2);
    fs_names_free(&names);
    fs_free(fs);
}

static void expect_whole(struct strata_fs *fs, const char *path, const struct strata_format *format)
{
    struct dump dump = dump_of(fs, path, format);
    assert_int_equal(dump.rc, 0);
    assert_false(dump.damaged || dump.torn);
    assert_says(dump.text, "valid: ");
    free(dump.text);
}

static void inspect_whole_file_is_not_damaged(void **state)
{
    (void)state;
    each_file(expect_whole);
}

/* A log may end between two records, or in one: then it is a shorter log, or torn. */
static void expect_cut(struct strata_fs *fs, const char *path, const struct strata_format *format)
{
    bool log = strstr(path, ".log") != NULL;
    struct strata_buffer bytes = {0};

    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    for (size_t cut = 0; cut < bytes.size; cut++) {
        struct dump dump;
        assert_int_equal(fs_sim_put(fs, path, strata_bytes(bytes.data, cut)), 0);
        dump = dump_of(fs, path, format);
        assert_int_equal(dump.rc, 0);
        assert_true(dump.damaged || log);
        assert_says(dump.text, "valid: ");
        free(dump.text);
    }
    assert_int_equal(strata_buffer_append(&bytes, "+", 1), 0);
    assert_int_equal(fs_sim_put(fs, path, strata_buffer_slice(&bytes)), 0);
    {
        struct dump dump = dump_of(fs, path, format);
        assert_int_equal(dump.rc, 0);
        assert_true(dump.damaged || dump.torn);
        free(dump.text);
    }
    bytes.size--;
    assert_int_equal(fs_sim_put(fs, path, strata_buffer_slice(&bytes)), 0);
    strata_buffer_free(&bytes);
}

static void inspect_cut_anywhere_is_seen(void **state)
{
    (void)state;
    each_file(expect_cut);
}

static void expect_change(struct strata_fs *fs, const char *path,
                          const struct strata_format *format)
{
    struct strata_buffer bytes = {0};

    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    for (size_t at = 0; at < bytes.size; at++) {
        struct dump dump;
        bytes.data[at] ^= 0x40;
        assert_int_equal(fs_sim_put(fs, path, strata_buffer_slice(&bytes)), 0);
        bytes.data[at] ^= 0x40;
        dump = dump_of(fs, path, format);
        assert_int_equal(dump.rc, 0);
        assert_true(dump.damaged || dump.torn);
        free(dump.text);
    }
    assert_int_equal(fs_sim_put(fs, path, strata_buffer_slice(&bytes)), 0);
    strata_buffer_free(&bytes);
}

static void inspect_changed_byte_is_seen(void **state)
{
    (void)state;
    each_file(expect_change);
}

/* The first call fails, then the second one, until there are no more. */
static void expect_errors(struct strata_fs *fs, const char *path,
                          const struct strata_format *format)
{
    struct fs_sim_fault fault = {.kind = FS_SIM_EIO};
    uint64_t failed = 1, number;

    while (failed) {
        struct dump dump;
        fault.at++;
        fs_sim_fail(fs, &fault);
        dump = dump_of(fs, path, format);
        failed = fs_sim_failed(fs);
        /* a file that was read is closed, whatever that says */
        assert_true(failed
                        ? dump.rc < 0 || dump.damaged || fs_sim_struck(fs, &number) == FS_CALL_CLOSE
                        : dump.rc == 0);
        free(dump.text);
    }
    assert_true(fault.at > 2);
    fs_sim_fail(fs, NULL);
}

static void inspect_read_that_fails_is_reported(void **state)
{
    (void)state;
    each_file(expect_errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inspect_whole_file_is_not_damaged),
        cmocka_unit_test(inspect_cut_anywhere_is_seen),
        cmocka_unit_test(inspect_changed_byte_is_seen),
        cmocka_unit_test(inspect_read_that_fails_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
