/* contract_promise_test.c: what a stage may or may not promise, refused arguments, and figures.
 * What is not promised is refused as NOT_SUPPORTED, and changes nothing. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "place.h"
#include "crash/subject.h"
#include "tmpdir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Arguments -------------------------------------------------------------------------- */

static void expect_invalid(int rc, const struct strata_error *err)
{
    assert_int_equal(rc, STRATA_ERR_INVALID);
    assert_int_equal(err->code, STRATA_ERR_INVALID);
    assert_true(err->message[0]);
}

static void contract_no_handle_is_an_invalid_argument(void **state)
{
    struct strata_slice key = strata_string("k");
    struct strata_batch *batch = strata_batch_new();
    struct strata_iter *iter = NULL;
    struct strata_snapshot *snapshot = NULL;
    struct strata_view view = {0};
    struct strata_error err = {0};

    (void)state;
    expect_invalid(strata_put(NULL, key, key, &err), &err);
    expect_invalid(strata_delete(NULL, key, &err), &err);
    expect_invalid(strata_get(NULL, key, NULL, &err), &err);
    expect_invalid(strata_get_borrowed(NULL, key, &view, &err), &err);
    expect_invalid(strata_write(NULL, batch, 0, &err), &err);
    expect_invalid(strata_sync(NULL, &err), &err);
    expect_invalid(strata_iter_new(NULL, &iter, &err), &err);
    expect_invalid(strata_snapshot_new(NULL, &snapshot, &err), &err);
    expect_invalid(strata_snapshot_get(NULL, key, NULL, &err), &err);
    expect_invalid(strata_snapshot_get_borrowed(NULL, key, &view, &err), &err);
    expect_invalid(strata_snapshot_iter(NULL, &iter, &err), &err);
    expect_invalid(strata_flush(NULL, &err), &err);
    expect_invalid(strata_compact(NULL, NULL, &err), &err);
    expect_invalid(strata_compact_range(NULL, key, key, NULL, &err), &err);
    expect_invalid(strata_verify(NULL, NULL, &err), &err);
    expect_invalid(strata_verify_deep(NULL, NULL, &err), &err);
    expect_invalid(strata_backup(NULL, "to", NULL, &err), &err);
    expect_invalid(strata_stats(NULL, NULL, NULL, &err), &err);
    expect_invalid(strata_iter_first(NULL, &err), &err);
    expect_invalid(strata_iter_last(NULL, &err), &err);
    expect_invalid(strata_iter_seek(NULL, key, &err), &err);
    expect_invalid(strata_iter_seek_before(NULL, key, &err), &err);
    expect_invalid(strata_iter_next(NULL, &err), &err);
    expect_invalid(strata_iter_prev(NULL, &err), &err);
    expect_invalid(strata_iter_value(NULL, &key, &err), &err);
    assert_false(strata_iter_positioned(NULL));
    assert_int_equal(strata_iter_key(NULL).size, 0);
    assert_int_equal(strata_close(NULL, NULL), STRATA_OK);
    strata_iter_free(NULL);
    strata_snapshot_free(NULL);
    strata_batch_free(NULL);
    strata_batch_free(batch);
}

static void contract_missing_places_and_bytes_are_invalid_arguments(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_slice nowhere = {NULL, 1}, key = strata_string("k");
    struct strata_iter *iter;
    struct strata_error err = {0};

    assert_put(db, "k", "v");
    expect_invalid(strata_put(db, nowhere, key, &err), &err);
    expect_invalid(strata_put(db, key, nowhere, &err), &err);
    expect_invalid(strata_delete(db, nowhere, &err), &err);
    expect_invalid(strata_get(db, nowhere, NULL, &err), &err);
    expect_invalid(strata_write(db, NULL, 0, &err), &err);
    expect_invalid(strata_iter_new(db, NULL, &err), &err);
    expect_invalid(strata_backup(db, NULL, NULL, &err), &err);
    expect_invalid(strata_backup(db, "", NULL, &err), &err);
    expect_invalid(strata_stats(db, NULL, NULL, &err), &err);
    expect_invalid(strata_tables(db, NULL, NULL, &err), &err);
    expect_invalid(strata_value_files(db, NULL, NULL, &err), &err);
    expect_invalid(strata_events(db, NULL, NULL, &err), &err);
    expect_invalid(strata_snapshot_new(db, NULL, &err), &err);
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    expect_invalid(strata_iter_seek(iter, nowhere, &err), &err);
    assert_ok(strata_iter_first(iter, &err), &err);
    expect_invalid(strata_iter_value(iter, NULL, &err), &err);
    strata_iter_free(iter);
    assert_get(db, "k", "v"); /* the refused put has not touched it */
    place_close(db);
}

static void contract_error_place_may_be_missing_everywhere(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_slice nowhere = {NULL, 1};

    assert_int_equal(strata_put(db, nowhere, nowhere, NULL), STRATA_ERR_INVALID);
    assert_int_equal(strata_get(db, nowhere, NULL, NULL), STRATA_ERR_INVALID);
    assert_int_equal(strata_write(db, NULL, 0, NULL), STRATA_ERR_INVALID);
    assert_int_equal(strata_iter_next(NULL, NULL), STRATA_ERR_INVALID);
    assert_int_equal(strata_close(db, NULL), STRATA_OK);
    assert_int_equal(strata_open(NULL, NULL, &db, NULL), STRATA_ERR_INVALID);
}

/* ---- A batch ---------------------------------------------------------------------------- */

static void contract_batch_of_one_is_a_put_or_a_delete(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;

    assert_ok(strata_batch_put(batch, strata_string("a"), strata_string("1"), &err), &err);
    assert_ok(strata_write(db, batch, 0, &err), &err);
    assert_get(db, "a", "1");
    strata_batch_clear(batch);
    assert_ok(strata_batch_delete(batch, strata_string("a"), &err), &err);
    assert_ok(strata_write(db, batch, 0, &err), &err);
    assert_get(db, "a", NULL);
    strata_batch_free(batch);
    place_close(db);
}

static void contract_empty_batch_does_nothing(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_batch *batch = strata_batch_new();
    struct model model = {0};
    struct strata_error err;

    assert_ok(strata_write(db, batch, 0, &err), &err);
    assert_model(&model, db);
    strata_batch_free(batch);
    place_close(db);
}

static void contract_batch_is_applied_in_order_or_refused_whole(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_batch *batch = strata_batch_new();
    struct model model = {0};
    struct strata_error err;

    assert_put(db, "before", "0");
    model_put(&model, strata_string("before"), strata_string("0"));
    assert_ok(strata_batch_put(batch, strata_string("x"), strata_string("1"), &err), &err);
    assert_ok(strata_batch_delete(batch, strata_string("before"), &err), &err);
    assert_ok(strata_batch_put(batch, strata_string("y"), strata_string("2"), &err), &err);
    assert_ok(strata_batch_delete(batch, strata_string("x"), &err), &err);
    assert_ok(strata_batch_put(batch, strata_string("y"), strata_string("3"), &err), &err);
    if (subject_promises(STRATA_PROMISE_BATCH)) {
        assert_ok(strata_write(db, batch, 0, &err), &err);
        for (size_t i = 0; i < strata_batch_count(batch); i++) {
            struct strata_op op = strata_batch_at(batch, i);
            model_apply(&model, &op, 1);
        }
        assert_get(db, "y", "3");
        assert_get(db, "x", NULL);
    } else {
        assert_code(strata_write(db, batch, 0, &err), STRATA_ERR_NOT_SUPPORTED, &err);
        assert_err_says(&err, "has no atomic batch");
    }
    assert_model(&model, db);
    place_close(db);
    db = place_open(*state, false);
    assert_model(&model, db);
    place_close(db);
    strata_batch_free(batch);
    model_free(&model);
}

static void contract_unknown_write_flags_are_refused(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;

    assert_ok(strata_batch_put(batch, strata_string("a"), strata_string("1"), &err), &err);
    assert_code(strata_write(db, batch, 1u << 31, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "flags");
    assert_get(db, "a", NULL);
    strata_batch_free(batch);
    place_close(db);
}

/* ---- What a stage may not promise ------------------------------------------------------- */

/* rc is 0 when `promised`, else NOT_SUPPORTED; the message names the stage. */
static void expect_promise(bool promised, int rc, const struct strata_error *err)
{
    check_code(rc, promised ? STRATA_OK : STRATA_ERR_NOT_SUPPORTED, err, "a promise", __FILE__,
               __LINE__);
    if (!promised)
        assert_err_says(err, " has no ");
}

static void contract_synced_write_is_done_or_refused_as_promised(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_batch *batch = strata_batch_new();
    bool promised = subject_promises(STRATA_PROMISE_POWER_CUT);
    struct strata_error err = {0};

    assert_ok(strata_batch_put(batch, strata_string("a"), strata_string("1"), &err), &err);
    expect_promise(promised, strata_write(db, batch, STRATA_WRITE_SYNC, &err), &err);
    assert_get(db, "a", promised ? "1" : NULL);
    assert_put(db, "b", "2");
    expect_promise(promised, strata_sync(db, &err), &err);
    assert_get(db, "b", "2");
    strata_batch_free(batch);
    place_close(db);
}

static void contract_sync_policies_are_taken_or_refused_as_promised(void **state)
{
    static const enum strata_sync policies[] = {STRATA_SYNC_DEFAULT, STRATA_SYNC_NEVER,
                                                STRATA_SYNC_INTERVAL, STRATA_SYNC_ALWAYS};
    struct place *place = *state;

    for (size_t i = 0; i < 4; i++) {
        bool promised =
            policies[i] <= STRATA_SYNC_NEVER || subject_promises(STRATA_PROMISE_POWER_CUT);
        struct strata_options options;
        struct strata_error err = {0};
        struct strata *db;
        subject_options(&options, place->fs, true);
        options.sync = policies[i];
        expect_promise(promised, strata_open(place->dir, &options, &db, &err), &err);
        if (!promised) {
            assert_null(db);
            continue;
        }
        assert_put(db, "a", "1");
        assert_get(db, "a", "1");
        place_close(db);
    }
}

/* A refused open has made nothing: neither the directory nor a file in it. */
static void contract_sync_policy_refused_for_a_new_database_makes_nothing(void **state)
{
    struct place *place = *state;
    struct strata_options options;
    struct strata_error err = {0};
    struct strata *db;

    subject_options(&options, place->fs, true);
    options.sync = STRATA_SYNC_ALWAYS;
    if (subject_promises(STRATA_PROMISE_POWER_CUT)) {
        assert_ok(strata_open(place->dir, &options, &db, &err), &err);
        place_close(db);
        return;
    }
    assert_code(strata_open(place->dir, &options, &db, &err), STRATA_ERR_NOT_SUPPORTED, &err);
    assert_int_equal(access(place->dir, F_OK), -1);
    if (!subject_engine()) { /* the newest stage is the one that is meant */
        options.stage = 0;
        strata_open(place->dir, &options, &db, &err);
        assert_true(db || access(place->dir, F_OK) == -1);
        assert_int_equal(strata_close(db, &err), 0);
    }
}

static void contract_snapshot_sees_the_past_or_is_refused(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_snapshot *snapshot;
    struct strata_buffer value = {0};
    struct strata_iter *iter;
    struct strata_error err = {0};

    assert_put(db, "a", "old");
    expect_promise(subject_promises(STRATA_PROMISE_SNAPSHOT),
                   strata_snapshot_new(db, &snapshot, &err), &err);
    if (subject_promises(STRATA_PROMISE_SNAPSHOT)) {
        assert_put(db, "a", "new");
        assert_put(db, "b", "new");
        assert_ok(strata_snapshot_get(snapshot, strata_string("a"), &value, &err), &err);
        assert_bytes(strata_buffer_slice(&value), strata_string("old"));
        assert_code(strata_snapshot_get(snapshot, strata_string("b"), &value, &err),
                    STRATA_NOT_FOUND, &err);
        assert_ok(strata_snapshot_iter(snapshot, &iter, &err), &err);
        assert_ok(strata_iter_first(iter, &err), &err);
        assert_bytes(strata_iter_key(iter), strata_string("a"));
        assert_code(strata_iter_next(iter, &err), STRATA_NOT_FOUND, &err);
        assert_code(strata_close(db, &err), STRATA_ERR_BUSY, &err);
        strata_iter_free(iter);
        strata_snapshot_free(snapshot);
        strata_buffer_free(&value);
    } else {
        assert_null(snapshot);
    }
    place_close(db);
}

static void count_ticks(void *arg, uint64_t done_bytes, uint64_t total_bytes)
{
    (void)done_bytes;
    (void)total_bytes;
    ++*(unsigned *)arg;
}

static void contract_compact_keeps_the_answers_or_is_refused(void **state)
{
    unsigned ticks = 0;
    struct strata_progress progress = {count_ticks, &ticks};
    struct strata *db = place_open(*state, true);
    struct model model = {0};
    struct strata_error err = {0};

    for (int i = 0; i < 200; i++) {
        char key[8];
        snprintf(key, sizeof key, "%02d", i % 20);
        assert_put(db, key, i % 3 ? "one" : "two");
        model_put(&model, strata_string(key), strata_string(i % 3 ? "one" : "two"));
    }
    assert_delete(db, "07");
    model_delete(&model, strata_string("07"));
    for (int i = 0; i < 2; i++) {
        expect_promise(subject_promises(STRATA_PROMISE_COMPACT),
                       strata_compact_range(db, strata_string(i ? "" : "05"),
                                            strata_string(i ? "" : "12"), &progress, &err),
                       &err);
        assert_model(&model, db);
    }
    assert_int_equal(ticks > 0, subject_promises(STRATA_PROMISE_COMPACT));
    for (int i = 0; i < 2; i++) {
        expect_promise(subject_promises(STRATA_PROMISE_COMPACT),
                       strata_compact(db, i ? &progress : NULL, &err), &err);
        assert_model(&model, db);
    }
    place_close(db);
    db = place_open(*state, false);
    assert_model(&model, db);
    place_close(db);
    model_free(&model);
}

static uint64_t bytes_on(const struct place *place)
{
    struct strata_buffer bytes = {0};
    struct fs_names names;
    uint64_t total = 0;

    assert_int_equal(fs_sim_paths(place->fs, place->dir, &names), 0);
    for (size_t i = 0; i < names.count; i++) {
        char *path = fs_join(place->dir, names.names[i]);
        assert_int_equal(fs_sim_get(place->fs, path, &bytes), 0);
        total += bytes.size;
        free(path);
    }
    fs_names_free(&names);
    strata_buffer_free(&bytes);
    return total;
}

/* Ten keys of a KiB, each written a hundred times, and half of them deleted. */
static void contract_compact_gives_dead_space_back(void **state)
{
    static uint8_t value[1024];
    struct strata_error err = {0};
    struct place place;
    struct strata *db;

    (void)state;
    if (!subject_promises(STRATA_PROMISE_COMPACT)) {
        check_skipping("the stage does not promise that dead space comes back");
        skip();
    }
    place_init_sim(&place);
    db = place_open(&place, true);
    for (int i = 0; i < 1000; i++) {
        char key[] = {(char)('a' + i % 10), '\0'};
        memset(value, 'a' + i % 26, sizeof value);
        assert_ok(strata_put(db, strata_string(key), strata_bytes(value, sizeof value), &err),
                  &err);
    }
    for (char key[] = "a"; key[0] < 'f'; key[0]++)
        assert_delete(db, key);
    assert_ok(strata_compact(db, NULL, &err), &err);
    place_close(db);
    if (bytes_on(&place) > 100 * sizeof value)
        fail_msg("%" PRIu64 " bytes are left of 1,000 KiB written, and 5 KiB are live",
                 bytes_on(&place));
    place_free(&place);
}

/* No promise stands for these: a stage that has them must be right, one that has not says so. */
static void contract_flush_keeps_the_answers_or_is_refused(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_error err = {0};
    int rc;

    assert_put(db, "a", "1");
    assert_delete(db, "b");
    rc = strata_flush(db, &err);
    expect_promise(rc == 0, rc, &err);
    assert_get(db, "a", "1");
    assert_get(db, "b", NULL);
    place_close(db);
}

static void contract_verify_of_a_sound_database_is_done(void **state)
{
    unsigned ticks = 0;
    struct strata_progress progress = {count_ticks, &ticks};
    struct strata *db = place_open(*state, true);
    struct strata_error err;

    assert_ok(strata_verify(db, NULL, &err), &err);
    for (int i = 0; i < 50; i++)
        assert_put(db, i % 2 ? "odd" : "even", "value");
    assert_delete(db, "odd");
    assert_ok(strata_verify(db, NULL, &err), &err);
    assert_ok(strata_verify_deep(db, NULL, &err), &err);
    assert_ok(strata_verify(db, &progress, &err), &err);
    if (!ticks)
        print_error("verify never told its progress: struct strata_progress in strata.h\n");
    assert_true(ticks > 0);
    place_close(db);
}

/* ---- Figures ---------------------------------------------------------------------------- */

static void look_at_stat(void *arg, const struct strata_stat *stat)
{
    unsigned *figures = arg;

    (*figures)++;
    assert_non_null(stat->name);
    if (!stat->unit || !stat->help)
        print_error("figure %s: its unit or help is NULL\n", stat->name);
    assert_non_null(stat->unit);
    assert_non_null(stat->help);
    assert_true(*stat->name && *stat->help);
}

static void contract_stats_have_units_and_descriptions(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_error err;
    unsigned figures = 0;

    assert_put(db, "a", "1");
    assert_ok(strata_stats(db, look_at_stat, &figures, &err), &err);
    assert_true(figures > 0);
    place_close(db);
}

static void contract_stats_count_what_was_called(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_iter *iter;
    struct strata_error err;

    assert_put(db, "a", "1");
    assert_put(db, "b", "2");
    assert_delete(db, "b");
    assert_get(db, "a", "1");
    assert_get(db, "b", NULL);
    assert_get(db, "c", NULL);
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    assert_ok(strata_iter_first(iter, &err), &err);
    assert_code(strata_iter_next(iter, &err), STRATA_NOT_FOUND, &err);
    strata_iter_free(iter);
    assert_int_equal(check_stat(db, "puts"), 2);
    assert_int_equal(check_stat(db, "deletes"), 1);
    assert_int_equal(check_stat(db, "gets"), 3);
    assert_int_equal(check_stat(db, "gets_found"), 1);
    assert_int_equal(check_stat(db, "iterators"), 1);
    assert_int_equal(check_stat(db, "iterator_moves"), 2);
    assert_true(check_stat(db, "no such figure") == UINT64_MAX);
    place_close(db);
}

/* An engine that reaches files by another way than fs.h can be neither crashed nor measured. */
static void contract_bytes_go_through_the_file_layer(void **state)
{
    struct place *place = *state;
    struct strata *db = place_open(place, true);
    struct strata_error err;
    uint8_t value[3000];
    uint64_t written = place->fs->bytes_written, read, x = 1;

    for (size_t i = 0; i < sizeof value; i++) /* an engine may pack what has a pattern */
        value[i] = (uint8_t)((x = x * 6364136223846793005u + 1442695040888963407u) >> 56);
    assert_ok(strata_put(db, strata_string("k"), strata_bytes(value, sizeof value), &err), &err);
    assert_true(check_stat(db, "fs_bytes_written") >= written);
    place_close(db);
    if (place->fs->bytes_written - written < sizeof value)
        fail_msg("your engine bypasses fs.h: it was given %zu bytes and wrote %llu", sizeof value,
                 (unsigned long long)(place->fs->bytes_written - written));
    read = place->fs->bytes_read;
    db = place_open(place, false);
    assert_ok(strata_get(db, strata_string("k"), NULL, &err), &err);
    if (place->fs->bytes_read - read < sizeof value)
        fail_msg("your engine bypasses fs.h: it read %llu bytes to find %zu",
                 (unsigned long long)(place->fs->bytes_read - read), sizeof value);
    assert_true(check_stat(db, "fs_bytes_read") == place->fs->bytes_read);
    place_close(db);
}

static void contract_stage_of_the_handle_is_the_one_asked_for(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_stage_info info;

    strata_stage(db, &info);
    assert_int_equal(info.stage, subject_info()->stage);
    assert_int_equal(info.promises, subject_info()->promises);
    assert_true(info.name[0] && info.survives[0]);
    place_close(db);
}

#define contract_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        contract_test(contract_no_handle_is_an_invalid_argument),
        contract_test(contract_missing_places_and_bytes_are_invalid_arguments),
        contract_test(contract_error_place_may_be_missing_everywhere),
        contract_test(contract_batch_of_one_is_a_put_or_a_delete),
        contract_test(contract_empty_batch_does_nothing),
        contract_test(contract_batch_is_applied_in_order_or_refused_whole),
        contract_test(contract_unknown_write_flags_are_refused),
        contract_test(contract_synced_write_is_done_or_refused_as_promised),
        contract_test(contract_sync_policies_are_taken_or_refused_as_promised),
        contract_test(contract_sync_policy_refused_for_a_new_database_makes_nothing),
        contract_test(contract_snapshot_sees_the_past_or_is_refused),
        contract_test(contract_compact_keeps_the_answers_or_is_refused),
        cmocka_unit_test(contract_compact_gives_dead_space_back),
        contract_test(contract_flush_keeps_the_answers_or_is_refused),
        contract_test(contract_verify_of_a_sound_database_is_done),
        contract_test(contract_stats_have_units_and_descriptions),
        contract_test(contract_stats_count_what_was_called),
        contract_test(contract_bytes_go_through_the_file_layer),
        contract_test(contract_stage_of_the_handle_is_the_one_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
