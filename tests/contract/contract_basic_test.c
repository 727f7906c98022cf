/* contract_basic_test.c: put, get, delete, close and open, sizes up to the limits: the same at
 * every stage. */
#include "test.h"

#include "place.h"
#include "crash/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* ---- One key ---------------------------------------------------------------------------- */

static void contract_put_then_get_finds_the_value(void **state)
{
    struct strata *db = place_open(*state, true);
    assert_put(db, "key", "value");
    assert_get(db, "key", "value");
    assert_get(db, "ke", NULL);
    assert_get(db, "key ", NULL);
    assert_get(db, "", NULL);
    place_close(db);
}

static void contract_put_again_replaces_the_value(void **state)
{
    struct strata *db = place_open(*state, true);
    assert_put(db, "key", "a long first value");
    assert_put(db, "key", "2");
    assert_get(db, "key", "2");
    assert_put(db, "key", "a third one, which is longer");
    assert_get(db, "key", "a third one, which is longer");
    place_close(db);
}

static void contract_delete_makes_the_key_absent(void **state)
{
    struct strata *db = place_open(*state, true);
    assert_put(db, "a", "1");
    assert_put(db, "b", "2");
    assert_delete(db, "a");
    assert_get(db, "a", NULL);
    assert_get(db, "b", "2");
    assert_put(db, "a", "again");
    assert_get(db, "a", "again");
    place_close(db);
}

static void contract_delete_of_a_missing_key_is_done(void **state)
{
    struct strata *db = place_open(*state, true);
    assert_delete(db, "nothing");
    assert_put(db, "a", "1");
    assert_delete(db, "a");
    assert_delete(db, "a");
    assert_get(db, "a", NULL);
    place_close(db);
}

/* An empty value is a value, not a delete; an empty key is a key. */
static void contract_empty_key_and_value_are_kept(void **state)
{
    struct strata *db = place_open(*state, true);
    struct model model = {0};
    struct strata_error err;

    assert_ok(strata_put(db, strata_bytes(NULL, 0), strata_bytes(NULL, 0), &err), &err);
    assert_put(db, "k", "");
    model_put(&model, strata_string(""), strata_string(""));
    model_put(&model, strata_string("k"), strata_string(""));
    assert_model(&model, db);
    place_close(db);
    db = place_open(*state, false);
    assert_model(&model, db);
    assert_put(db, "", "now a value");
    assert_get(db, "", "now a value");
    assert_delete(db, ""); /* in a log this is the smallest record, and the last one */
    assert_get(db, "", NULL);
    place_close(db);
    db = place_open(*state, false);
    assert_get(db, "", NULL);
    assert_get(db, "k", "");
    place_close(db);
    model_free(&model);
}

static void contract_every_byte_is_kept_in_keys_and_values(void **state)
{
    struct strata *db = place_open(*state, true);
    struct model model = {0};
    struct strata_error err;
    uint8_t all[256], key[2];

    for (unsigned i = 0; i < 256; i++)
        all[i] = (uint8_t)(255 - i);
    for (unsigned i = 0; i < 256; i++) {
        struct strata_slice value = strata_bytes(all + i, 256 - i);
        key[0] = (uint8_t)i;
        key[1] = (uint8_t)(i * 7);
        for (size_t size = 1; size <= 2; size++) {
            assert_ok(strata_put(db, strata_bytes(key, size), value, &err), &err);
            model_put(&model, strata_bytes(key, size), value);
        }
    }
    assert_model(&model, db);
    place_close(db);
    db = place_open(*state, false);
    assert_model(&model, db);
    place_close(db);
    model_free(&model);
}

static void contract_get_replaces_what_the_buffer_held(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_buffer value = {0};
    struct strata_error err;

    assert_put(db, "key", "value");
    assert_int_equal(strata_buffer_append(&value, "something much longer before", 28), 0);
    assert_ok(strata_get(db, strata_string("key"), &value, &err), &err);
    assert_bytes(strata_buffer_slice(&value), strata_string("value"));
    assert_code(strata_get(db, strata_string("none"), &value, &err), STRATA_NOT_FOUND, &err);
    assert_int_equal(value.size, 0);
    strata_buffer_free(&value);
    place_close(db);
}

/* Each value is the next key. */
static void follow_keys(struct strata *db)
{
    struct strata_buffer at = {0};
    struct strata_error err = {0};

    assert_ok(strata_buffer_append(&at, "key 000", 7), &err);
    for (int i = 1; i <= 200; i++) {
        char next[16];
        snprintf(next, sizeof next, "key %03d", i);
        assert_ok(strata_get(db, strata_buffer_slice(&at), &at, &err), &err);
        assert_bytes(strata_buffer_slice(&at), strata_string(next));
    }
    assert_code(strata_get(db, strata_buffer_slice(&at), &at, &err), STRATA_NOT_FOUND, &err);
    assert_int_equal(at.size, 0);
    strata_buffer_free(&at);
}

static void contract_key_may_be_in_the_buffer(void **state)
{
    struct strata *db = place_open(*state, true);

    for (int i = 0; i < 200; i++) {
        char key[16], next[16];
        snprintf(key, sizeof key, "key %03d", i);
        snprintf(next, sizeof next, "key %03d", i + 1);
        assert_put(db, key, next);
    }
    follow_keys(db);
    place_close(db);
    db = place_open(*state, false);
    follow_keys(db);
    place_close(db);
}

static void contract_get_without_a_buffer_only_asks(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_error err;

    assert_put(db, "key", "value");
    assert_ok(strata_get(db, strata_string("key"), NULL, &err), &err);
    assert_code(strata_get(db, strata_string("none"), NULL, &err), STRATA_NOT_FOUND, &err);
    assert_int_equal(strata_get(db, strata_string("key"), NULL, NULL), STRATA_OK);
    place_close(db);
}

/* ---- Closing and opening ---------------------------------------------------------------- */

static void contract_writes_survive_close_and_open(void **state)
{
    struct strata *db = place_open(*state, true);
    struct model model = {0};

    for (int round = 0; round < 5; round++) {
        for (int i = round; i < 60; i += round + 1) {
            char key[16], value[48];
            snprintf(key, sizeof key, "key%02d", i);
            snprintf(value, sizeof value, "value %d of round %d", i, round);
            if ((i + round) % 5 == 0) {
                assert_delete(db, key);
                model_delete(&model, strata_string(key));
            } else {
                assert_put(db, key, value);
                model_put(&model, strata_string(key), strata_string(value));
            }
        }
        assert_model(&model, db);
        place_close(db);
        db = place_open(*state, false);
        assert_model(&model, db);
    }
    assert_true(model.count > 20);
    place_close(db);
    model_free(&model);
}

static void contract_opening_and_closing_changes_nothing(void **state)
{
    struct model model = {0};
    for (int i = 0; i < 4; i++) {
        struct strata *db = place_open(*state, i == 0);
        assert_model(&model, db);
        place_close(db);
    }
    model_free(&model);
}

/* ---- Limits ----------------------------------------------------------------------------- */

static void contract_key_of_64_kib_is_kept_and_one_byte_more_refused(void **state)
{
    struct strata *db = place_open(*state, true);
    uint8_t *key = malloc(STRATA_MAX_KEY + 1);
    struct model model = {0};
    struct strata_error err;
    struct strata_iter *iter;
    struct strata_slice most, more, value = strata_string("value");

    assert_non_null(key);
    memset(key, 'k', STRATA_MAX_KEY + 1);
    most = strata_bytes(key, STRATA_MAX_KEY);
    more = strata_bytes(key, STRATA_MAX_KEY + 1);
    assert_ok(strata_put(db, most, value, &err), &err);
    assert_ok(strata_put(db, strata_bytes(key, STRATA_MAX_KEY - 1), value, &err), &err);
    model_put(&model, most, value);
    model_put(&model, strata_bytes(key, STRATA_MAX_KEY - 1), value);
    assert_code(strata_put(db, more, value, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "65537");
    assert_code(strata_get(db, more, NULL, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "65537");
    assert_code(strata_delete(db, more, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "key");
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    assert_code(strata_iter_seek(iter, more, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_iter_seek_before(iter, more, &err), STRATA_ERR_INVALID, &err);
    assert_ok(strata_iter_seek(iter, most, &err), &err);
    assert_bytes(strata_iter_key(iter), most);
    strata_iter_free(iter);
    assert_model(&model, db);
    place_close(db);
    db = place_open(*state, false);
    assert_model(&model, db);
    place_close(db);
    model_free(&model);
    free(key);
}

/* Refused by its size alone: the bytes are not touched (there are none). */
static void contract_value_beyond_1_gib_is_refused(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_slice value = strata_bytes("", STRATA_MAX_VALUE + 1);
    struct model model = {0};
    struct strata_error err;

    assert_code(strata_put(db, strata_string("k"), value, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "value of 1073741825 bytes");
    assert_model(&model, db);
    place_close(db);
}

static void contract_value_of_some_mib_is_kept(void **state)
{
    static const size_t sizes[] = {131071, 131072, 131073, 1 << 20, (5 << 20) + 3};
    struct strata *db = place_open(*state, true);
    struct model model = {0};
    struct strata_error err;
    uint8_t *bytes = malloc(6 << 20);

    assert_non_null(bytes);
    for (size_t i = 0; i < 6 << 20; i++)
        bytes[i] = (uint8_t)(i * i >> 7);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct strata_slice key = strata_bytes(bytes + i, i + 1);
        struct strata_slice value = strata_bytes(bytes + 7 * i, sizes[i]);
        assert_ok(strata_put(db, key, value, &err), &err);
        model_put(&model, key, value);
    }
    assert_model(&model, db);
    place_close(db);
    db = place_open(*state, false);
    assert_model(&model, db);
    place_close(db);
    model_free(&model);
    free(bytes);
}

static const char *too_little_for_a_gib(const struct place *place)
{
    struct statvfs disk;
    if (check_quick())
        return "QUICK is set";
    if (check_sanitized())
        return "under a sanitizer";
    if (sysconf(_SC_PHYS_PAGES) < (4l << 30) / sysconf(_SC_PAGESIZE))
        return "less than 4 GiB of memory";
    if (statvfs(place->root, &disk) != 0 || disk.f_bavail < (4ull << 30) / disk.f_frsize)
        return "less than 4 GiB of free disk";
    return NULL;
}

static void contract_value_of_1_gib_is_kept(void **state)
{
    const char *lacking = too_little_for_a_gib(*state);
    struct strata_buffer got = {0};
    struct strata_error err;
    struct strata *db;
    uint8_t *bytes;

    if (lacking) {
        check_skipping(lacking);
        skip();
    }
    db = place_open(*state, true);
    bytes = calloc(1, STRATA_MAX_VALUE); /* zeros that are not written to cost no memory */
    assert_non_null(bytes);
    bytes[0] = 1;
    bytes[STRATA_MAX_VALUE / 3] = 2;
    bytes[STRATA_MAX_VALUE - 1] = 3;
    assert_ok(strata_put(db, strata_string("k"), strata_bytes(bytes, STRATA_MAX_VALUE), &err),
              &err);
    place_close(db);
    db = place_open(*state, false);
    assert_ok(strata_get(db, strata_string("k"), &got, &err), &err);
    assert_true(strata_compare(strata_buffer_slice(&got), strata_bytes(bytes, STRATA_MAX_VALUE)) ==
                0);
    strata_buffer_free(&got);
    free(bytes);
    place_close(db);
}

/* ---- Many ------------------------------------------------------------------------------- */

static void expect_size(struct strata *db, const char *key, size_t size)
{
    struct strata_buffer got = {0};
    struct strata_error err = {0};

    if (strata_get(db, strata_string(key), &got, &err) != 0 || got.size != size)
        fail_msg("key %s, %zu bytes: after the next opening %zu: %s", key, size, got.size,
                 err.message);
    strata_buffer_free(&got);
}

/* Wherever the files end then: at the end of a sector, of a page, of a segment. */
static void contract_last_write_of_any_length_survives(void **state)
{
    static uint8_t bytes[4200];
    size_t step = check_quick() || check_sanitized() ? 3 : 1;

    (void)state;
    memset(bytes, 'v', sizeof bytes);
    for (size_t size = 0; size <= sizeof bytes; size += step) {
        struct strata_error err = {0};
        struct place place;
        struct strata *db;

        place_init_sim(&place);
        db = place_open(&place, true);
        assert_put(db, "a", "first");
        assert_ok(strata_put(db, strata_string("b"), strata_bytes(bytes, size), &err), &err);
        place_close(db);
        db = place_open(&place, false);
        expect_size(db, "a", 5);
        expect_size(db, "b", size);
        place_close(db);
        place_free(&place);
    }
}

#define MANY 66000u /* more than 16 bits count */

/* Every number once, in an order of no use to anyone; its digits are key and value. */
static void put_many(struct strata *db)
{
    for (uint32_t i = 0; i < MANY; i++) {
        struct strata_error err = {0};
        char text[16];
        snprintf(text, sizeof text, "%08u", (unsigned)((uint64_t)i * 40009 % MANY));
        assert_ok(strata_put(db, strata_string(text), strata_string(text), &err), &err);
    }
}

static void expect_many(struct strata *db)
{
    struct strata_error err = {0};
    struct strata_slice value;
    struct strata_iter *iter;
    unsigned seen = 0;
    int rc;

    assert_ok(strata_iter_new(db, &iter, &err), &err);
    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        char text[16];
        snprintf(text, sizeof text, "%08u", seen++);
        assert_ok(strata_iter_value(iter, &value, &err), &err);
        if (strata_compare(strata_iter_key(iter), strata_string(text)) != 0 ||
            strata_compare(value, strata_string(text)) != 0)
            fail_msg("row %u is not the %uth key and its value", seen, seen);
    }
    assert_code(rc, STRATA_NOT_FOUND, &err);
    assert_int_equal(seen, MANY);
    strata_iter_free(iter);
    assert_get(db, "00000000", "00000000");
    assert_get(db, "00065999", "00065999");
    assert_get(db, "00066000", NULL);
}

static void contract_many_keys_are_all_there(void **state)
{
    struct strata_options options;
    struct strata_error err = {0};
    struct place place;
    struct strata *db;

    (void)state;
    place_init_sim(&place);
    subject_options(&options, place.fs, true);
    options.segment_bytes = 1 << 20;
    options.memtable_bytes = 1 << 20;
    assert_ok(strata_open(place.dir, &options, &db, &err), &err);
    put_many(db);
    expect_many(db);
    place_close(db);
    assert_ok(strata_open(place.dir, &options, &db, &err), &err);
    expect_many(db);
    place_close(db);
    place_free(&place);
}

#define contract_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        contract_test(contract_put_then_get_finds_the_value),
        contract_test(contract_put_again_replaces_the_value),
        contract_test(contract_delete_makes_the_key_absent),
        contract_test(contract_delete_of_a_missing_key_is_done),
        contract_test(contract_empty_key_and_value_are_kept),
        contract_test(contract_every_byte_is_kept_in_keys_and_values),
        contract_test(contract_get_replaces_what_the_buffer_held),
        contract_test(contract_key_may_be_in_the_buffer),
        contract_test(contract_get_without_a_buffer_only_asks),
        contract_test(contract_writes_survive_close_and_open),
        contract_test(contract_opening_and_closing_changes_nothing),
        contract_test(contract_key_of_64_kib_is_kept_and_one_byte_more_refused),
        contract_test(contract_value_beyond_1_gib_is_refused),
        contract_test(contract_value_of_some_mib_is_kept),
        contract_test(contract_value_of_1_gib_is_kept),
        cmocka_unit_test(contract_last_write_of_any_length_survives),
        cmocka_unit_test(contract_many_keys_are_all_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
