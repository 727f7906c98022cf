/* db_test.c: an engine's table: what is checked of it, what is answered for a slot that is missing
 * or not promised, and what it is given when a database is opened. */
#include "test.h"

#include "engine_fake.h"
#include "crash/sim/fs_sim.h"
#include "db/db.h"
#include "db/marker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct strata_slice key = {(const uint8_t *)"k", 1};

/* ---- The table -------------------------------------------------------------------------- */

static void expect_table_refused(struct strata_fs *fs, const struct strata_engine *table,
                                 const char *words)
{
    struct strata_options options = engine_fake_options(fs, table);
    struct strata_error err;
    struct strata *db;
    struct fs_names names;

    assert_code(strata_open(ENGINE_FAKE_DIR, &options, &db, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, words);
    assert_int_equal(fs_sim_paths(fs, "/", &names), 0);
    assert_int_equal(names.count, 0); /* before anything was made */
    fs_names_free(&names);
    assert_string_equal(engine_fake.log, "");
}

static void db_table_of_another_abi_is_refused(void **state)
{
    struct strata_engine table = engine_fake_table;
    char words[40];

    table.abi = 4321;
    expect_table_refused(*state, &table, "ABI 4321");
    table = engine_fake_table;
    table.size -= 1;
    snprintf(words, sizeof words, "%zu bytes", sizeof table - 1);
    expect_table_refused(*state, &table, words);
    table.size += 2;
    snprintf(words, sizeof words, "%zu bytes", sizeof table + 1);
    expect_table_refused(*state, &table, words);
    table.size = STRATA_ENGINE_SIZE_LEAST - sizeof table.tables;
    snprintf(words, sizeof words, "%zu bytes", table.size);
    expect_table_refused(*state, &table, words);
}

static void note_number(void *arg, const struct strata_table *table)
{
    *(uint64_t *)arg = table->number;
}

static void note_time(void *arg, const struct strata_event *event)
{
    *(uint64_t *)arg = event->ns;
}

/* One built against an older header: what it is too short for is never called. */
static void db_table_that_ends_before_the_later_slots_is_taken(void **state)
{
    struct strata_engine older = engine_fake_table;
    void *table = malloc(STRATA_ENGINE_SIZE_LEAST); /* and nothing behind it */
    struct strata_error err = {0};
    struct strata *db;
    uint64_t number = 0;

    assert_non_null(table);
    older.size = STRATA_ENGINE_SIZE_LEAST;
    older.promises = STRATA_PROMISE_COMPACT;
    memcpy(table, &older, older.size);
    db = engine_fake_open(*state, table);
    assert_ok(strata_compact_range(db, key, strata_bytes(NULL, 0), NULL, &err), &err);
    engine_fake_expect("compact|");
    assert_code(strata_tables(db, note_number, &number, &err), STRATA_ERR_NOT_SUPPORTED, &err);
    assert_err_says(&err, "77_fake has no sorted tables");
    assert_code(strata_events(db, note_time, &number, &err), STRATA_ERR_NOT_SUPPORTED, &err);
    assert_err_says(&err, "77_fake has no event log");
    assert_int_equal(number, 0);
    engine_fake_close(db);
    free(table);
}

static void db_table_without_a_required_slot_is_refused(void **state)
{
    struct strata_engine table = engine_fake_table;
    table.open = NULL;
    expect_table_refused(*state, &table, "slot open");
    table = engine_fake_table;
    table.close = NULL;
    expect_table_refused(*state, &table, "slot close");
    table = engine_fake_table;
    table.get = NULL;
    expect_table_refused(*state, &table, "slot get");
    table = engine_fake_table;
    table.write = NULL;
    expect_table_refused(*state, &table, "slot write");
    table = engine_fake_table;
    table.iter = NULL;
    expect_table_refused(*state, &table, "slot iter");
    table = engine_fake_table;
    table.name = NULL;
    expect_table_refused(*state, &table, "slot name");
    table = engine_fake_table;
    table.survives = NULL;
    expect_table_refused(*state, &table, "slot name");
}

static void db_table_of_another_stage_than_asked_for_is_refused(void **state)
{
    struct strata_options options = engine_fake_options(*state, &engine_fake_table);
    struct strata_error err;
    struct strata *db;

    options.stage = 76;
    assert_code(strata_open(ENGINE_FAKE_DIR, &options, &db, &err), STRATA_ERR_INVALID, &err);
    assert_err_says(&err, "76");
    assert_err_says(&err, "77");
    options.stage = 77;
    assert_ok(strata_open(ENGINE_FAKE_DIR, &options, &db, &err), &err);
    engine_fake_close(db);
}

/* A learner's files are data as much as those of the stages in the build. */
static void db_files_of_the_tables_formats_are_data(void **state)
{
    static const struct strata_format format = {"fake", "FAKEFAKE", "*.fake", NULL};
    static const struct strata_format *const formats[] = {&format, NULL};
    struct strata_engine table = engine_fake_table;
    struct strata_options options = engine_fake_options(*state, &table);
    struct strata_error err;
    struct strata *db;

    assert_int_equal(fs_sim_put(*state, ENGINE_FAKE_DIR "/1.fake", strata_string("data")), 0);
    assert_code(strata_open(ENGINE_FAKE_DIR, &options, &db, &err), STRATA_ERR_EXISTS, &err);
    table.formats = formats;
    for (int create = 0; create < 2; create++) {
        options.create = create;
        assert_code(strata_open(ENGINE_FAKE_DIR, &options, &db, &err), STRATA_ERR_CORRUPT, &err);
        assert_err_says(&err, "1.fake");
    }
}

static void db_version_is_that_of_the_header(void **state)
{
    char wanted[32];

    (void)state;
    snprintf(wanted, sizeof wanted, "%d.%d.%d", STRATA_VERSION_MAJOR, STRATA_VERSION_MINOR,
             STRATA_VERSION_PATCH);
    assert_string_equal(strata_version(), wanted);
}

/* The struct of an older header is shorter, that of a newer one longer: no byte beyond it is
 * written, none of it is left as it was. */
static void db_options_are_filled_to_the_size_of_the_caller(void **state)
{
    const size_t whole = sizeof(struct strata_options);
    const size_t sizes[] = {offsetof(struct strata_options, fs), whole, whole + 24};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        union {
            struct strata_options options;
            uint8_t bytes[sizeof(struct strata_options) + 40];
        } caller;
        memset(&caller, 0xa5, sizeof caller);
        strata_options_init_sized(&caller.options, sizes[i]);
        assert_int_equal(caller.options.size, sizes[i]);
        assert_int_equal(caller.options.sync_interval_ms, 1000);
        assert_int_equal(caller.bytes[sizes[i] - 1], 0);
        for (size_t at = sizes[i]; at < sizeof caller.bytes; at++)
            assert_int_equal(caller.bytes[at], 0xa5);
        for (size_t at = whole; at < sizes[i]; at++)
            assert_int_equal(caller.bytes[at], 0);
    }
}

/* It does not expect a thread. */
static void db_options_of_an_older_header_have_no_thread(void **state)
{
    const size_t older = offsetof(struct strata_options, background_threads);
    struct strata_options options;
    struct strata_error err;
    struct strata db;

    (void)state;
    memset(&db, 0, sizeof db);
    strata_options_init(&options);
    assert_ok(db_take_options(&db, &options, &err), &err);
    assert_int_equal(db.options.background_threads, 1);
    assert_ok(db_take_options(&db, NULL, &err), &err);
    assert_int_equal(db.options.background_threads, 1);
    strata_options_init_sized(&options, older);
    assert_ok(db_take_options(&db, &options, &err), &err);
    assert_int_equal(db.options.background_threads, 0);
    assert_true(db.options.dynamic_levels);
}

static void db_built_in_stages_are_in_order_and_whole(void **state)
{
    struct strata_stage_info info, before = {0, "", 0, ""};
    size_t count = 0;

    (void)state;
    for (; strata_stage_at(count, &info) == 0; count++, before = info) {
        assert_true(info.stage > before.stage);
        assert_true(info.name[0] && info.survives[0]);
        assert_true(info.promises & STRATA_PROMISE_EXIT);
    }
    assert_true(count > 0);
    assert_int_equal(strata_stage_at(count, &info), STRATA_NOT_FOUND);
    assert_int_equal(strata_stage_at(SIZE_MAX, &info), STRATA_NOT_FOUND);
}

/* ---- Missing slots, and slots that are not promised ------------------------------------- */

static void expect_lacking(int rc, const struct strata_error *err)
{
    assert_int_equal(rc, STRATA_ERR_NOT_SUPPORTED);
    assert_int_equal(err->code, STRATA_ERR_NOT_SUPPORTED);
    assert_non_null(strstr(err->message, "77_fake has no "));
    assert_string_equal(engine_fake.log, "");
}

static void db_missing_slot_is_not_supported_though_promised(void **state)
{
    struct strata_engine table = engine_fake_table;
    struct strata_snapshot *snapshot = (struct strata_snapshot *)&table;
    struct strata_error err = {0};
    struct strata *db;

    table.promises = ~0u;
    table.sync = NULL;
    table.flush = NULL;
    table.compact = NULL;
    table.verify = NULL;
    table.backup = NULL;
    table.stats = NULL;
    table.tables = NULL;
    table.compact_range = NULL;
    table.events = NULL;
    table.snapshot = NULL;
    db = engine_fake_open(*state, &table);
    expect_lacking(strata_flush(db, &err), &err);
    expect_lacking(strata_compact(db, NULL, &err), &err);
    expect_lacking(strata_compact_range(db, key, key, NULL, &err), &err);
    expect_lacking(strata_verify(db, NULL, &err), &err);
    expect_lacking(strata_verify_deep(db, NULL, &err), &err);
    expect_lacking(strata_tables(db, note_number, NULL, &err), &err);
    expect_lacking(strata_events(db, note_time, NULL, &err), &err);
    expect_lacking(strata_snapshot_new(db, &snapshot, &err), &err);
    assert_null(snapshot);
    assert_int_equal(check_stat(db, "puts"), 0); /* common's own figures are there */
    assert_ok(strata_sync(db, &err), &err);
    engine_fake_expect("write 0 sync|");
    engine_fake_close(db);
}

static void db_snapshot_slots_count_only_together(void **state)
{
    struct strata_snapshot *snapshot;
    struct strata_error err = {0};

    for (int i = 0; i < 3; i++) {
        struct strata_engine table = engine_fake_table;
        struct strata *db;
        table.promises = STRATA_PROMISE_SNAPSHOT;
        if (i == 0)
            table.snapshot_free = NULL;
        else if (i == 1)
            table.snapshot_get = NULL;
        else
            table.snapshot_iter = NULL;
        db = engine_fake_open(*state, &table);
        expect_lacking(strata_snapshot_new(db, &snapshot, &err), &err);
        engine_fake_close(db);
    }
}

static void db_slot_beyond_the_promises_is_not_called(void **state)
{
    struct strata *db = engine_fake_open(*state, &engine_fake_table);
    struct strata_batch *batch = strata_batch_new();
    struct strata_snapshot *snapshot;
    struct strata_error err = {0};

    expect_lacking(strata_sync(db, &err), &err);
    expect_lacking(strata_compact(db, NULL, &err), &err);
    expect_lacking(strata_compact_range(db, key, strata_bytes(NULL, 0), NULL, &err), &err);
    expect_lacking(strata_snapshot_new(db, &snapshot, &err), &err);
    assert_ok(strata_batch_put(batch, key, key, &err), &err);
    expect_lacking(strata_write(db, batch, STRATA_WRITE_SYNC, &err), &err);
    assert_ok(strata_batch_put(batch, key, key, &err), &err);
    expect_lacking(strata_write(db, batch, 0, &err), &err);
    strata_batch_free(batch);
    engine_fake_close(db);
}

static void db_slots_that_are_there_are_called(void **state)
{
    struct strata_progress progress = {NULL, NULL};
    struct strata_engine table = engine_fake_table;
    struct strata_error err;
    struct strata *db;
    uint64_t number = 0;

    table.promises = ~0u;
    db = engine_fake_open(*state, &table);
    assert_ok(strata_sync(db, &err), &err);
    assert_ok(strata_flush(db, &err), &err);
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_ok(strata_compact(db, &progress, &err), &err);
    assert_ok(strata_verify(db, &progress, &err), &err);
    assert_ok(strata_backup(db, "/to", &progress, &err), &err);
    engine_fake_expect("sync|flush|compact|compact progress|verify progress|backup /to progress|");
    assert_int_equal(check_stat(db, "fake_figure"), 4711);
    assert_ok(strata_tables(db, note_number, &number, &err), &err);
    assert_int_equal(number, 4711);
    assert_ok(strata_events(db, note_time, &number, &err), &err);
    assert_int_equal(number, 815);
    engine_fake_close(db);
}

/* Where there is nothing to be done the engine is not asked; where all is, the slot for all. */
static void db_range_of_keys_reaches_the_engine(void **state)
{
    const struct strata_slice a = strata_string("a"), b = strata_string("b"),
                              none = strata_bytes(NULL, 0);
    static uint8_t large[STRATA_MAX_KEY + 1];
    struct strata_progress progress = {NULL, NULL};
    struct strata_engine table = engine_fake_table;
    struct strata_error err;
    struct strata *db;

    table.promises = STRATA_PROMISE_COMPACT;
    db = engine_fake_open(*state, &table);
    assert_ok(strata_compact_range(db, a, b, NULL, &err), &err);
    assert_ok(strata_compact_range(db, none, b, &progress, &err), &err);
    assert_ok(strata_compact_range(db, b, none, NULL, &err), &err);
    engine_fake_expect("compact [a b)|compact [ b) progress|compact [b )|");
    assert_ok(strata_compact_range(db, none, none, &progress, &err), &err);
    engine_fake_expect("compact progress|");
    assert_ok(strata_compact_range(db, b, a, NULL, &err), &err);
    assert_ok(strata_compact_range(db, a, a, NULL, &err), &err);
    engine_fake_expect("");
    for (int i = 0; i < 2; i++) {
        struct strata_slice key_too_large = strata_bytes(large, sizeof large);
        assert_code(
            strata_compact_range(db, i ? a : key_too_large, i ? key_too_large : none, NULL, &err),
            STRATA_ERR_INVALID, &err);
    }
    engine_fake_close(db);
    table.compact_range = NULL;
    db = engine_fake_open(*state, &table);
    assert_ok(strata_compact_range(db, a, b, NULL, &err), &err);
    engine_fake_expect("compact|");
    assert_ok(strata_compact_range(db, b, a, NULL, &err), &err);
    engine_fake_expect("");
    engine_fake_close(db);
}

/* An engine's error passes as it is. */
static void db_errors_of_the_engine_pass_unchanged(void **state)
{
    struct strata_engine table = engine_fake_table;
    struct strata_snapshot *snapshot;
    struct strata_iter *iter;
    struct strata_error err;
    struct strata *db;

    table.promises = ~0u;
    db = engine_fake_open(*state, &table);
    engine_fake.rc = STRATA_ERR_CORRUPT;
    for (int i = 0; i < 9; i++) {
        int rc = -99;
        memset(&err, 0, sizeof err);
        rc = i == 0   ? strata_put(db, key, key, &err)
             : i == 1 ? strata_delete(db, key, &err)
             : i == 2 ? strata_get(db, key, NULL, &err)
             : i == 3 ? strata_iter_new(db, &iter, &err)
             : i == 4 ? strata_sync(db, &err)
             : i == 5 ? strata_compact(db, NULL, &err)
             : i == 6 ? strata_verify(db, NULL, &err)
             : i == 7 ? strata_backup(db, "/to", NULL, &err)
                      : strata_snapshot_new(db, &snapshot, &err);
        assert_int_equal(rc, STRATA_ERR_CORRUPT);
        assert_string_equal(err.file, "engine's");
        assert_true(err.offset == 5);
        assert_string_equal(err.message, "as told");
    }
    engine_fake.rc = 0;
    engine_fake_close(db); /* what failed left nothing open */
}

/* ---- Opening and closing ---------------------------------------------------------------- */

static void db_engine_is_given_its_environment(void **state)
{
    struct strata_options options = engine_fake_options(*state, &engine_fake_table);
    struct strata_error err;
    struct strata *db;

    options.cache_bytes = 12345;
    assert_ok(strata_open(ENGINE_FAKE_DIR, &options, &db, &err), &err);
    engine_fake_expect("open new|");
    assert_ptr_equal(engine_fake.env->fs, *state);
    assert_string_equal(engine_fake.env->dir, ENGINE_FAKE_DIR);
    assert_int_equal(engine_fake.env->options->cache_bytes, 12345);
    assert_int_equal(engine_fake.env->options->sync_interval_ms, 1000);
    assert_int_equal(engine_fake.env->options->sync, STRATA_SYNC_NEVER); /* default, resolved */
    assert_ptr_not_equal(engine_fake.env->options, &options);
    engine_fake_close(db);
    engine_fake_expect("close|");
    assert_ok(strata_open(ENGINE_FAKE_DIR, &options, &db, &err), &err);
    engine_fake_expect("open|"); /* not new any more */
    engine_fake_close(db);
}

static void db_engine_that_does_not_open_leaves_nothing_open(void **state)
{
    struct strata_options options = engine_fake_options(*state, &engine_fake_table);
    struct strata_error err;
    struct marker marker;
    struct strata *db;

    engine_fake.open_rc = STRATA_ERR_IO;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(strata_open(ENGINE_FAKE_DIR, &options, &db, &err), STRATA_ERR_IO);
        assert_string_equal(err.file, "engine's");
        assert_null(db);
        engine_fake_expect("open new|"); /* and no close */
        assert_int_equal(fs_sim_open_files(*state), 0);
    }
    assert_ok(marker_read(*state, ENGINE_FAKE_DIR, &marker, &err), &err);
    assert_int_equal(marker.state, MARKER_CREATING);
    assert_int_equal(marker.stage, 77);
    assert_int_equal(marker.format, 5);
    engine_fake.open_rc = 0;
    assert_ok(strata_open(ENGINE_FAKE_DIR, &options, &db, &err), &err);
    engine_fake_expect("open new|");
    engine_fake_close(db);
    assert_ok(marker_read(*state, ENGINE_FAKE_DIR, &marker, &err), &err);
    assert_int_equal(marker.state, MARKER_READY);
}

/* Each call of the file layer fails once while a database is made, with a place for the error and
 * without: never a handle, nothing left open, the engine closed if it was opened; and it can be
 * made afterwards. */
static void db_creation_that_fails_at_any_call_can_be_repeated(void **state)
{
    uint64_t at = 0;
    bool clean = false;

    (void)state;
    for (at = 2; !clean; at++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = at / 2};
        struct strata_fs *fs = fs_sim_new();
        struct strata_options options = engine_fake_options(fs, &engine_fake_table);
        struct strata_error err;
        struct strata *db;
        int rc;
        fs_sim_fail(fs, &fault);
        rc = strata_open(ENGINE_FAKE_DIR, &options, &db, at % 2 ? &err : NULL);
        clean = fs_sim_failed(fs) == 0;
        fs_sim_fail(fs, NULL);
        if (rc == 0) {
            strata_close(db, NULL);
        } else {
            assert_true(at % 2 == 0 || (err.sys == EIO && err.file[0] == '/'));
            assert_null(db);
            assert_true(!strstr(engine_fake.log, "open") == !strstr(engine_fake.log, "close"));
            assert_int_equal(fs_sim_open_files(fs), 0);
            assert_ok(strata_open(ENGINE_FAKE_DIR, &options, &db, &err), &err);
            strata_close(db, NULL);
        }
        assert_int_equal(rc == 0, clean);
        engine_fake.log[0] = '\0';
        assert_int_equal(fs_sim_open_files(fs), 0);
        fs_free(fs);
    }
    assert_true(at > 2 * 10);
}

/* The same of a database that is there: afterwards it opens, and is not new. */
static void db_opening_that_fails_at_any_call_can_be_repeated(void **state)
{
    struct strata_options options = engine_fake_options(*state, &engine_fake_table);
    uint64_t at = 0;
    bool clean = false;

    engine_fake_close(engine_fake_open(*state, &engine_fake_table));
    for (at = 4; !clean; at++) {
        struct fs_sim_fault fault = {.kind = FS_SIM_EIO, .at = at / 4};
        struct strata_error err;
        struct strata *db;
        int rc;
        engine_fake.log[0] = '\0';
        options.create = at & 1;
        fs_sim_fail(*state, &fault);
        rc = strata_open(ENGINE_FAKE_DIR, &options, &db, at & 2 ? &err : NULL);
        clean = fs_sim_failed(*state) == 0;
        fs_sim_fail(*state, NULL);
        assert_true(rc == 0 || !(at & 2) || (err.sys == EIO && err.file[0] == '/'));
        if (rc == 0)
            engine_fake_close(db);
        assert_true(!strstr(engine_fake.log, "open") == !strstr(engine_fake.log, "close"));
        assert_null(strstr(engine_fake.log, "new"));
        assert_int_equal(fs_sim_open_files(*state), 0);
        assert_true(rc == 0 || !clean);
    }
    assert_true(at > 4 * 8);
}

static void db_close_that_fails_is_reported_and_frees(void **state)
{
    struct strata *db = engine_fake_open(*state, &engine_fake_table);
    struct strata_error err;

    engine_fake.close_rc = STRATA_ERR_IO;
    assert_int_equal(strata_close(db, &err), STRATA_ERR_IO);
    assert_string_equal(err.file, "engine's");
    engine_fake.close_rc = 0;
    engine_fake_close(engine_fake_open(*state, &engine_fake_table)); /* the lock is free */
}

#define db_test(f) cmocka_unit_test_setup_teardown(f, engine_fake_setup, engine_fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        db_test(db_table_of_another_abi_is_refused),
        db_test(db_table_that_ends_before_the_later_slots_is_taken),
        db_test(db_table_without_a_required_slot_is_refused),
        db_test(db_table_of_another_stage_than_asked_for_is_refused),
        db_test(db_files_of_the_tables_formats_are_data),
        db_test(db_version_is_that_of_the_header),
        db_test(db_options_are_filled_to_the_size_of_the_caller),
        db_test(db_options_of_an_older_header_have_no_thread),
        db_test(db_built_in_stages_are_in_order_and_whole),
        db_test(db_missing_slot_is_not_supported_though_promised),
        db_test(db_snapshot_slots_count_only_together),
        db_test(db_slot_beyond_the_promises_is_not_called),
        db_test(db_slots_that_are_there_are_called),
        db_test(db_range_of_keys_reaches_the_engine),
        db_test(db_errors_of_the_engine_pass_unchanged),
        db_test(db_engine_is_given_its_environment),
        db_test(db_engine_that_does_not_open_leaves_nothing_open),
        db_test(db_creation_that_fails_at_any_call_can_be_repeated),
        db_test(db_opening_that_fails_at_any_call_can_be_repeated),
        db_test(db_close_that_fails_is_reported_and_frees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
