/* 12_repair_test.c: a value file that is damaged: what is given out, and what a repair leaves. */
#include "12_value_log/value_tree.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"
#include "db/db.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1000, KEYS = 8 };

static void options_of(struct strata_options *options, struct strata_fs *fs, bool create)
{
    subject_options(options, fs, create);
    options->sync = STRATA_SYNC_NEVER;
    options->memtable_bytes = 65536;
    options->value_bytes = SIZE;
}

static struct strata *open_db(struct strata_fs *fs, bool create)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    options_of(&options, fs, create);
    assert_ok(strata_open("db", &options, &db, &err), &err);
    return db;
}

static void close_db(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

/* All values in one file; its path, to be freed. */
static char *make_db(struct strata_fs *fs)
{
    struct strata *db = open_db(fs, true);
    struct strata_error err;
    char value[SIZE], name[] = "k0", *path;

    for (unsigned i = 0; i < KEYS; i++) {
        name[1] = (char)('0' + i);
        memset(value, 'a' + (int)i, sizeof value);
        assert_ok(strata_put(db, strata_string(name), strata_bytes(value, SIZE), &err), &err);
    }
    assert_ok(strata_compact(db, NULL, &err), &err);
    path = strdup(value_set_of(((struct tree *)db->self)->common)->files[0]->path);
    close_db(db);
    return path;
}

/* Flips a bit, or cuts the file off there. */
static void damage(struct strata_fs *fs, const char *path, size_t at, bool cut)
{
    struct strata_buffer bytes = {0};

    assert_int_equal(fs_sim_get(fs, path, &bytes), 0);
    assert_true(at < bytes.size);
    bytes.data[at] ^= 4;
    assert_int_equal(fs_sim_put(fs, path, strata_bytes(bytes.data, cut ? at : bytes.size)), 0);
    strata_buffer_free(&bytes);
}

/* How many values are there, all of them right; the others are missing or reported. */
static unsigned count_values(struct strata *db, bool reported)
{
    struct strata_buffer got = {0};
    struct strata_error err;
    unsigned count = 0;

    for (unsigned i = 0; i < KEYS; i++) {
        char name[] = {'k', (char)('0' + i), 0};
        int rc = strata_get(db, strata_string(name), &got, &err);
        assert_true(rc == 0 || rc == (reported ? STRATA_ERR_CORRUPT : STRATA_NOT_FOUND));
        if (rc != 0)
            continue;
        assert_true(got.size == SIZE && got.data[0] == 'a' + i && got.data[SIZE - 1] == 'a' + i);
        count++;
    }
    strata_buffer_free(&got);
    return count;
}

static void repair(struct strata_fs *fs, bool healthy)
{
    struct strata_options options;
    struct strata_repair_sum sum;
    struct strata_error err;

    options_of(&options, fs, false);
    assert_ok(strata_repair("db", &options, 0, NULL, &sum, &err), &err);
    assert_int_equal(sum.healthy, healthy);
}

/* So many are given out by the database as it is, and by what a repair makes of it. */
static void expect_values(struct strata_fs *fs, unsigned before, unsigned after)
{
    struct strata *db = open_db(fs, false);
    struct strata_error err;
    unsigned long told;

    assert_int_equal(count_values(db, true), before);
    close_db(db);
    repair(fs, before == KEYS);
    db = open_db(fs, false);
    assert_int_equal(count_values(db, false), after);
    told = subject_warnings();
    assert_ok(strata_verify(db, NULL, &err), &err);
    assert_true(subject_warnings() > told); /* what is damaged is there still */
    close_db(db);
    repair(fs, true);
}

static void repair_of_a_damaged_value_gives_out_all_others(void **state)
{
    for (unsigned i = 0; i < KEYS; i++) {
        struct strata_fs *fs = fs_sim_new();
        char *path = make_db(fs);
        damage(fs, path, 24 + i * (SIZE + 19) + 500, false);
        expect_values(fs, KEYS - 1, KEYS - 1);
        free(path);
        fs_free(fs);
    }
    (void)state;
}

static void repair_of_a_file_cut_off_gives_out_what_is_before(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    char *path = make_db(fs);

    (void)state;
    damage(fs, path, 24 + 3 * (SIZE + 19) + 500, true);
    expect_values(fs, 3, 3);
    free(path);
    fs_free(fs);
}

static void repair_is_not_needed_for_a_damaged_header(void **state)
{
    for (size_t at = 0; at < RECORD_FILE_HEADER; at++) {
        struct strata_fs *fs = fs_sim_new();
        char *path = make_db(fs);
        damage(fs, path, at, false);
        expect_values(fs, KEYS, KEYS);
        free(path);
        fs_free(fs);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repair_of_a_damaged_value_gives_out_all_others),
        cmocka_unit_test(repair_of_a_file_cut_off_gives_out_what_is_before),
        cmocka_unit_test(repair_is_not_needed_for_a_damaged_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
