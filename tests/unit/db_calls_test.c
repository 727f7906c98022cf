/* db_calls_test.c: what becomes of a caller's reads, writes, iterators and snapshots on their way
 * to an engine and back. */
#include "test.h"

#include "child.h"
#include "engine_fake.h"

#include <stdio.h>
#include <string.h>

static const struct strata_slice key = {(const uint8_t *)"k", 1};

/* ---- Reading and writing ---------------------------------------------------------------- */

static void db_sync_follows_policy_and_flag(void **state)
{
    static const struct {
        enum strata_sync policy;
        const char *put, *flagged;
    } cases[] = {{STRATA_SYNC_DEFAULT, "write 1 sync|", "write 2 sync|"},
                 {STRATA_SYNC_NEVER, "write 1|", "write 2 sync|"},
                 {STRATA_SYNC_INTERVAL, "write 1|", "write 2 sync|"},
                 {STRATA_SYNC_ALWAYS, "write 1 sync|", "write 2 sync|"}};
    struct strata_engine table = engine_fake_table;
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;

    table.promises = STRATA_PROMISE_POWER_CUT | STRATA_PROMISE_BATCH;
    assert_ok(strata_batch_put(batch, key, key, &err), &err);
    assert_ok(strata_batch_delete(batch, key, &err), &err);
    for (size_t i = 0; i < 4; i++) {
        struct strata_options options = engine_fake_options(*state, &table);
        struct strata *db;
        options.sync = cases[i].policy;
        assert_ok(strata_open(ENGINE_FAKE_DIR, &options, &db, &err), &err);
        engine_fake.log[0] = '\0';
        assert_ok(strata_put(db, key, key, &err), &err);
        engine_fake_expect(cases[i].put);
        assert_ok(strata_write(db, batch, STRATA_WRITE_SYNC, &err), &err);
        engine_fake_expect(cases[i].flagged);
        assert_ok(strata_write(db, batch, 0, &err), &err);
        assert_int_equal(strstr(engine_fake.log, "sync") != NULL,
                         strstr(cases[i].put, "sync") != NULL);
        engine_fake_close(db);
    }
    strata_batch_free(batch);
}

static void db_refused_arguments_never_reach_the_engine(void **state)
{
    struct strata *db = engine_fake_open(*state, &engine_fake_table);
    struct strata_slice nowhere = {NULL, 3}, large = {(const uint8_t *)"", STRATA_MAX_KEY + 1};
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;

    assert_code(strata_put(db, nowhere, key, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_put(db, key, nowhere, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_put(db, large, key, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_delete(db, large, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_get(db, large, NULL, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_write(db, NULL, 0, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_write(db, batch, 4, &err), STRATA_ERR_INVALID, &err);
    assert_ok(strata_write(db, batch, 0, &err), &err); /* empty */
    engine_fake_expect("");
    assert_int_equal(check_stat(db, "puts"), 0);
    assert_int_equal(check_stat(db, "gets"), 0);
    strata_batch_free(batch);
    engine_fake_close(db);
}

static void db_get_that_finds_nothing_leaves_the_buffer_empty(void **state)
{
    struct strata *db = engine_fake_open(*state, &engine_fake_table);
    struct strata_buffer value = {0};
    struct strata_error err;

    assert_ok(strata_get(db, key, &value, &err), &err);
    assert_bytes(strata_buffer_slice(&value), strata_string("something"));
    engine_fake.rc = STRATA_NOT_FOUND;
    assert_code(strata_get(db, key, &value, &err), STRATA_NOT_FOUND, &err);
    assert_int_equal(value.size, 0);
    engine_fake.rc = STRATA_ERR_CORRUPT;
    assert_code(strata_get(db, key, &value, &err), STRATA_ERR_CORRUPT, &err);
    assert_int_equal(value.size, 0);
    engine_fake.rc = 0;
    assert_int_equal(check_stat(db, "gets"), 3);
    assert_int_equal(check_stat(db, "gets_found"), 1);
    strata_buffer_free(&value);
    engine_fake_close(db);
}

static void db_read_only_handle_never_writes(void **state)
{
    struct strata_options options = engine_fake_options(*state, &engine_fake_table);
    struct strata_error err;
    struct strata *db;

    engine_fake_close(engine_fake_open(*state, &engine_fake_table));
    options.create = false;
    options.read_only = true;
    assert_ok(strata_open(ENGINE_FAKE_DIR, &options, &db, &err), &err);
    engine_fake_expect("close|open|");
    assert_true(engine_fake.env->options->read_only);
    assert_code(strata_put(db, key, key, &err), STRATA_ERR_READ_ONLY, &err);
    assert_code(strata_delete(db, key, &err), STRATA_ERR_READ_ONLY, &err);
    assert_code(strata_sync(db, &err), STRATA_ERR_READ_ONLY, &err);
    assert_code(strata_flush(db, &err), STRATA_ERR_READ_ONLY, &err);
    assert_code(strata_compact(db, NULL, &err), STRATA_ERR_READ_ONLY, &err);
    engine_fake_expect("");
    engine_fake_close(db);
}

/* ---- Iterators and snapshots ------------------------------------------------------------ */

static void db_iterator_moves_become_the_engines(void **state)
{
    struct strata *db = engine_fake_open(*state, &engine_fake_table);
    struct strata_iter *iter;
    struct strata_slice value;
    struct strata_error err;

    engine_fake.keys = 3;
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    assert_false(strata_iter_positioned(iter)); /* whatever the engine left there */
    assert_code(strata_iter_value(iter, &value, &err), STRATA_ERR_INVALID, &err);
    engine_fake_expect("iter|");
    assert_ok(strata_iter_first(iter, &err), &err);
    assert_ok(strata_iter_seek(iter, strata_string("1"), &err), &err);
    assert_ok(strata_iter_value(iter, &value, &err), &err);
    assert_bytes(value, strata_string("1"));
    assert_ok(strata_iter_value(iter, &value, &err), &err); /* kept, not read again */
    engine_fake_expect("seek |seek 1|value|");
    assert_ok(strata_iter_seek_before(iter, strata_string("2"), &err), &err);
    assert_bytes(strata_iter_key(iter), strata_string("1"));
    engine_fake_expect("seek 2|prev|");
    assert_ok(strata_iter_seek_before(iter, strata_string("9"), &err), &err);
    assert_bytes(strata_iter_key(iter), strata_string("2"));
    engine_fake_expect("seek 9|last|");
    assert_code(strata_iter_next(iter, &err), STRATA_NOT_FOUND, &err);
    assert_false(strata_iter_positioned(iter));
    assert_code(strata_iter_seek_before(iter, strata_string("0"), &err), STRATA_NOT_FOUND, &err);
    engine_fake_expect("next|seek 0|prev|");
    strata_iter_free(iter);
    engine_fake_expect("free|");
    engine_fake_close(db);
}

/* An engine that is not done yet forgets what its own functions return above 0. */
static void db_iterator_that_was_not_made_is_an_error(void **state)
{
    struct strata *db = engine_fake_open(*state, &engine_fake_table);
    struct strata_iter *iter;
    struct strata_error err;

    engine_fake.rc = 2;
    assert_code(strata_iter_new(db, &iter, &err), STRATA_ERR_INVALID, &err);
    assert_null(iter);
    assert_string_equal(err.message, "77_fake returned 2 for an iterator, but made none");
    engine_fake.rc = 0;
    engine_fake_close(db);
}

static void db_iterator_that_meets_damage_is_unpositioned(void **state)
{
    struct strata *db = engine_fake_open(*state, &engine_fake_table);
    struct strata_iter *iter;
    struct strata_slice value;
    struct strata_error err;

    engine_fake.keys = 3;
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    for (int i = 0; i < 5; i++) {
        int rc;
        engine_fake.rc = 0;
        assert_ok(strata_iter_seek(iter, strata_string("1"), &err), &err);
        engine_fake.rc = STRATA_ERR_CORRUPT;
        rc = i == 0   ? strata_iter_next(iter, &err)
             : i == 1 ? strata_iter_prev(iter, &err)
             : i == 2 ? strata_iter_last(iter, &err)
             : i == 3 ? strata_iter_seek(iter, key, &err)
                      : strata_iter_seek_before(iter, key, &err);
        assert_int_equal(rc, STRATA_ERR_CORRUPT);
        assert_string_equal(err.file, "engine's");
        assert_false(strata_iter_positioned(iter));
    }
    engine_fake.rc = 0;
    assert_ok(strata_iter_first(iter, &err), &err);
    engine_fake.rc = STRATA_ERR_CORRUPT; /* a value that cannot be read: it still stands there */
    assert_code(strata_iter_value(iter, &value, &err), STRATA_ERR_CORRUPT, &err);
    engine_fake.rc = 0;
    assert_ok(strata_iter_value(iter, &value, &err), &err);
    strata_iter_free(iter);
    engine_fake_close(db);
}

static void db_snapshot_calls_become_the_engines(void **state)
{
    struct strata_engine table = engine_fake_table;
    struct strata_buffer value = {0};
    struct strata_snapshot *snapshot;
    struct strata_iter *iter;
    struct strata_error err;
    struct strata *db;

    table.promises = STRATA_PROMISE_SNAPSHOT;
    db = engine_fake_open(*state, &table);
    assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
    assert_ok(strata_snapshot_get(snapshot, key, &value, &err), &err);
    assert_bytes(strata_buffer_slice(&value), strata_string("something"));
    assert_ok(strata_snapshot_iter(snapshot, &iter, &err), &err);
    assert_code(strata_snapshot_iter(snapshot, NULL, &err), STRATA_ERR_INVALID, &err);
    engine_fake_expect("snapshot|snapshot_get 1|snapshot_iter|");
    strata_iter_free(iter);
    assert_code(strata_close(db, &err), STRATA_ERR_BUSY, &err);
    assert_err_says(&err, "1 iterators, snapshots, views or transactions");
    strata_snapshot_free(snapshot);
    engine_fake_expect("free|snapshot_free|");
    strata_buffer_free(&value);
    engine_fake_close(db);
}

static void db_snapshot_that_cannot_be_read_leaves_nothing_open(void **state)
{
    struct strata_engine table = engine_fake_table;
    struct strata_snapshot *snapshot;
    struct strata_iter *iter;
    struct strata_error err;
    struct strata *db;

    table.promises = STRATA_PROMISE_SNAPSHOT;
    db = engine_fake_open(*state, &table);
    assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
    engine_fake.rc = STRATA_ERR_IO;
    assert_int_equal(strata_snapshot_iter(snapshot, &iter, &err), STRATA_ERR_IO);
    assert_null(iter);
    assert_int_equal(strata_snapshot_get(snapshot, key, NULL, &err), STRATA_ERR_IO);
    engine_fake.rc = 0;
    strata_snapshot_free(snapshot);
    engine_fake_close(db);
}

/* An engine without the slot copies; one with it lends, and gets back each view once. */
static int lent, returned;

static void give_back(struct strata_view *view)
{
    assert_ptr_equal(view->pinned[0], &lent);
    returned++;
}

static int lend(void *self, void *snapshot, struct strata_slice of, struct strata_view *view,
                struct strata_error *err)
{
    assert_ptr_equal(self, &engine_fake);
    assert_int_equal(view->copy.size, 0);
    assert_ok(strata_buffer_append(&view->copy, "used", 4), err);
    assert_bytes(of, key); /* it does not lie there */
    strata_buffer_clear(&view->copy);
    if (engine_fake.rc < 0)
        return strata_fail(err, engine_fake.rc, "engine's", 5, "as told");
    if (lent++ == 2) {
        assert_ok(strata_buffer_append(&view->copy, "kopied", 6), err);
        return 0;
    }
    view->value = strata_string(snapshot ? "of a snapshot" : "lent");
    view->pinned[0] = &lent;
    view->release = give_back;
    return 0;
}

static void db_views_are_given_back_once(void **state)
{
    struct strata_engine table = engine_fake_table;
    struct strata_snapshot *snapshot;
    struct strata_view view = {0};
    struct strata_error err;
    struct strata *db;

    table.promises = STRATA_PROMISE_SNAPSHOT;
    db = engine_fake_open(*state, &table);
    assert_ok(strata_get_borrowed(db, key, &view, &err), &err);
    engine_fake_expect("get 1|");
    assert_code(strata_close(db, &err), STRATA_ERR_BUSY, &err); /* also of a copy */
    strata_view_free(&view);
    engine_fake_close(db);
    table.get_borrowed = lend;
    db = engine_fake_open(*state, &table);
    assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
    assert_ok(strata_get_borrowed(db, key, &view, &err), &err);
    assert_bytes(view.value, strata_string("lent"));
    assert_ok(strata_snapshot_get_borrowed(snapshot, key, &view, &err), &err);
    assert_bytes(view.value, strata_string("of a snapshot"));
    assert_int_equal(returned, 1);
    strata_snapshot_free(snapshot);
    assert_ok(strata_get_borrowed(db, key, &view, &err), &err);
    assert_bytes(view.value, strata_string("kopied"));
    assert_int_equal(returned, 2);
    assert_ok(strata_get_borrowed(db, strata_bytes(view.value.data, 1), &view, &err), &err);
    strata_view_free(&view);
    assert_int_equal(returned, 3);
    engine_fake.rc = STRATA_ERR_IO;
    assert_int_equal(strata_get_borrowed(db, key, &view, &err), STRATA_ERR_IO);
    assert_int_equal(view.value.size, 0);
    engine_fake.rc = 0;
    assert_ok(strata_get_borrowed(db, key, &view, &err), &err);
    assert_code(strata_close(db, &err), STRATA_ERR_BUSY, &err);
    strata_view_free(&view);
    strata_view_free(&view);
    assert_int_equal(returned, 4);
    engine_fake_close(db);
}

/* ---- Failing ---------------------------------------------------------------------------- */

/* What is on the disk is not known: the engine is not asked to write any more. Another failure
 * than of the system has changed nothing. */
static void db_write_that_fails_is_the_last_one(void **state)
{
    struct strata *db = engine_fake_open(*state, &engine_fake_table);
    struct strata_error err;

    engine_fake.rc = STRATA_ERR_NO_MEMORY;
    assert_code(strata_put(db, key, key, &err), STRATA_ERR_NO_MEMORY, &err);
    engine_fake.rc = 0;
    assert_ok(strata_put(db, key, key, &err), &err);
    engine_fake.log[0] = '\0';
    engine_fake.rc = STRATA_ERR_IO;
    assert_true(strata_put(db, key, key, &err) < 0);
    engine_fake_expect("write 1|");
    engine_fake.rc = 0;
    assert_code(strata_put(db, key, key, &err), STRATA_ERR_IO, &err);
    assert_err_says(&err, "close it and open it again");
    assert_code(strata_delete(db, key, &err), STRATA_ERR_IO, &err);
    engine_fake_expect("");
    assert_ok(strata_get(db, key, NULL, &err), &err);
    engine_fake_expect("get 1|");
    engine_fake_close(db);
}

/* ---- Forks ------------------------------------------------------------------------------ */

/* A forked child's calls do not reach the engine; not even those that free. */
static int use_inherited(struct child *self, void *arg)
{
    struct strata_snapshot *snapshot = arg;
    struct strata_iter *iter;

    (void)self;
    engine_fake.log[0] = '\0';
    if (strata_snapshot_get(snapshot, key, NULL, NULL) != STRATA_ERR_INVALID)
        return 1;
    if (strata_snapshot_iter(snapshot, &iter, NULL) != STRATA_ERR_INVALID)
        return 2;
    strata_snapshot_free(snapshot);
    return engine_fake.log[0] ? 3 : 0;
}

static void db_snapshot_is_of_no_use_to_a_forked_child(void **state)
{
    struct strata_engine table = engine_fake_table;
    static struct strata_snapshot *snapshot; /* in the child it is no leak */
    struct strata_error err;
    struct strata *db;

    table.promises = STRATA_PROMISE_SNAPSHOT;
    db = engine_fake_open(*state, &table);
    assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
    assert_int_equal(child_run(use_inherited, snapshot), 0);
    strata_snapshot_free(snapshot);
    engine_fake_close(db);
}

/* ---- The logger ------------------------------------------------------------------------- */

static void keep_message(void *arg, enum strata_log_level level, const char *message)
{
    snprintf(arg, 1000, "%d %s", (int)level, message);
}

static void db_log_is_told_whole_lines_cut_at_500_bytes(void **state)
{
    struct strata_options options;
    struct strata_env env = {*state, ENGINE_FAKE_DIR, &options, false};
    char kept[1000] = "", text[800];

    strata_options_init(&options);
    strata_env_log(&env, STRATA_LOG_WARNING, "nobody listens to %d", 1);
    options.log = keep_message;
    options.log_arg = kept;
    strata_env_log(&env, STRATA_LOG_WARNING, "dropped %d bytes", 17);
    assert_string_equal(kept, "1 dropped 17 bytes");
    memset(text, 'x', sizeof text);
    text[799] = '\0';
    strata_env_log(&env, STRATA_LOG_INFO, "%s", text);
    assert_int_equal(strlen(kept), 2 + 499);
}

#define db_test(f) cmocka_unit_test_setup_teardown(f, engine_fake_setup, engine_fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        db_test(db_sync_follows_policy_and_flag),
        db_test(db_refused_arguments_never_reach_the_engine),
        db_test(db_get_that_finds_nothing_leaves_the_buffer_empty),
        db_test(db_read_only_handle_never_writes),
        db_test(db_iterator_moves_become_the_engines),
        db_test(db_iterator_that_was_not_made_is_an_error),
        db_test(db_iterator_that_meets_damage_is_unpositioned),
        db_test(db_snapshot_calls_become_the_engines),
        db_test(db_snapshot_that_cannot_be_read_leaves_nothing_open),
        db_test(db_views_are_given_back_once),
        db_test(db_write_that_fails_is_the_last_one),
        db_test(db_snapshot_is_of_no_use_to_a_forked_child),
        db_test(db_log_is_told_whole_lines_cut_at_500_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
