/* 02_hash_index_stale_test.c: a write that the device took and never made may leave a record where
 * another one was written, whole and valid for that place: of an earlier file of that name, say.
 * No check of its own tells. A segment's sum does, to whoever reads all of it; and whoever reads
 * one record knows which key it must hold. */
#define _GNU_SOURCE
#include "test.h"

#include "01_append_log/record.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"

#include <stdio.h>
#include <string.h>

#define S(text) strata_string(text)
#define PATH "db/000001.log"

static struct strata *open_it(struct strata_fs *fs)
{
    struct strata_error err;
    struct strata *db;
    assert_ok(subject_open(fs, "db", true, &db, &err), &err);
    return db;
}

/* Keys 0 to 29, some of them overwritten, so that the closed segments have dead records. */
static struct strata_fs *filled(void)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_it(fs);
    for (int i = 0; i < 40; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %02d", i % 30);
        assert_put(db, key, "a value of some bytes, always as many as the others have");
    }
    assert_int_equal(strata_close(db, NULL), 0);
    return fs;
}

/* Puts a valid record of another key where key 15 has its own, in the first segment. */
static void replace_record(struct strata_fs *fs)
{
    struct strata_slice key = S("key XX"), value;
    struct strata_buffer bytes = {0};
    uint64_t number = 0, offset;
    uint8_t *at;

    assert_int_equal(fs_sim_get(fs, PATH, &bytes), 0);
    for (int i = 7; i >= 0; i--)
        number = number << 8 | bytes.data[12 + i];
    at = memmem(bytes.data, bytes.size, "key 15", 6);
    assert_non_null(at);
    memcpy(at, key.data, key.size);
    offset = (uint64_t)(at - bytes.data) - RECORD_HEAD;
    value = strata_bytes(at + key.size, 56);
    record_head(number, offset, STRATA_OP_PUT, key, value, at - RECORD_HEAD);
    assert_int_equal(fs_sim_put(fs, PATH, strata_buffer_slice(&bytes)), 0);
    strata_buffer_free(&bytes);
}

static void stale_record_is_damage_to_a_get_and_a_scan(void **state)
{
    struct strata_fs *fs = filled();
    struct strata_error err;
    struct strata_iter *iter;
    struct strata *db;

    (void)state;
    replace_record(fs);
    db = open_it(fs); /* by the hint */
    assert_code(strata_get(db, S("key 15"), NULL, &err), STRATA_ERR_CORRUPT, &err);
    assert_code(strata_iter_new(db, &iter, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, PATH);
    assert_err_says(&err, "the segment has changed");
    assert_null(iter);
    assert_int_equal(strata_close(db, NULL), 0);
    fs_free(fs);
}

/* The key whose record is gone is still known to be missing afterwards. */
static void stale_record_is_not_merged_away(void **state)
{
    struct strata_fs *fs = filled();
    struct strata_error err;
    struct strata *db;

    (void)state;
    replace_record(fs);
    db = open_it(fs);
    assert_code(strata_compact(db, NULL, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, PATH);
    strata_close(db, NULL);
    if (subject_open(fs, "db", false, &db, &err) == 0) { /* by the hint, if it is still there */
        assert_code(strata_get(db, S("key 15"), NULL, &err), STRATA_ERR_CORRUPT, &err);
        strata_close(db, NULL);
    }
    assert_int_equal(err.code, STRATA_ERR_CORRUPT);
    assert_err_file(&err, PATH);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stale_record_is_damage_to_a_get_and_a_scan),
        cmocka_unit_test(stale_record_is_not_merged_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
