/* contract_later_test.c: what a program reaches for beside put and get: writes that are synced or
 * not, one by one; batches joined; one figure by its name; the size of a range. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "place.h"
#include "crash/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct strata *open_with(struct place *place, enum strata_sync sync)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, place->fs, true);
    options.sync = sync;
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    return db;
}

/* ---- Flags of a write ------------------------------------------------------------------- */

static void flags_of_a_put_and_a_delete_are_done(void **state)
{
    static const unsigned flags[] = {0, STRATA_WRITE_NO_SYNC, STRATA_WRITE_SYNC};
    struct strata_slice key = strata_string("key");
    struct strata *db = place_open(*state, true);
    struct strata_error err;

    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (flags[i] == STRATA_WRITE_SYNC && !subject_promises(STRATA_PROMISE_POWER_CUT))
            continue;
        assert_ok(strata_put_with(db, key, strata_string("value"), flags[i], &err), &err);
        assert_get(db, "key", "value");
        assert_ok(strata_delete_with(db, key, flags[i], &err), &err);
        assert_get(db, "key", NULL);
    }
    assert_int_equal(check_stat(db, "puts"), check_stat(db, "deletes"));
    place_close(db);
}

static void flags_that_cannot_be_are_refused(void **state)
{
    unsigned both = STRATA_WRITE_SYNC | STRATA_WRITE_NO_SYNC;
    struct strata_slice key = strata_string("key");
    struct strata_batch *batch = strata_batch_new();
    struct strata *db = place_open(*state, true);
    struct strata_error err;

    assert_ok(strata_batch_put(batch, key, key, &err), &err);
    for (unsigned flags = both; flags < both + 10; flags++) {
        assert_code(strata_put_with(db, key, key, flags, &err), STRATA_ERR_INVALID, &err);
        assert_code(strata_delete_with(db, key, flags, &err), STRATA_ERR_INVALID, &err);
        assert_code(strata_write(db, batch, flags, &err), STRATA_ERR_INVALID, &err);
    }
    if (!subject_promises(STRATA_PROMISE_POWER_CUT)) {
        assert_code(strata_put_with(db, key, key, STRATA_WRITE_SYNC, &err),
                    STRATA_ERR_NOT_SUPPORTED, &err);
        assert_code(strata_delete_with(db, key, STRATA_WRITE_SYNC, &err), STRATA_ERR_NOT_SUPPORTED,
                    &err);
    }
    assert_get(db, "key", NULL);
    strata_batch_free(batch);
    place_close(db);
}

static uint64_t syncs(struct place *place)
{
    return atomic_load(&place->fs->calls[FS_CALL_SYNC]);
}

/* Whatever the handle's sync is: this one, or not this one. */
static void flags_decide_whether_the_write_is_synced(void **state)
{
    static const enum strata_sync policies[] = {STRATA_SYNC_NEVER, STRATA_SYNC_ALWAYS};
    struct strata_slice key = strata_string("key");
    struct place *place = *state;
    struct strata_batch *batch;
    struct strata_error err;
    uint64_t before;

    if (!subject_promises(STRATA_PROMISE_POWER_CUT)) {
        check_skipping("the stage does not promise a power cut");
        skip();
    }
    batch = strata_batch_new();
    assert_ok(strata_batch_put(batch, key, key, &err), &err);
    for (size_t i = 0; i < 2; i++) {
        struct strata *db = open_with(place, policies[i]);
        assert_put(db, "a", "first");
        before = syncs(place);
        assert_ok(strata_put_with(db, key, key, STRATA_WRITE_NO_SYNC, &err), &err);
        assert_ok(strata_delete_with(db, key, STRATA_WRITE_NO_SYNC, &err), &err);
        assert_ok(strata_write(db, batch, STRATA_WRITE_NO_SYNC, &err), &err);
        assert_int_equal(syncs(place), before);
        assert_ok(strata_put_with(db, key, key, STRATA_WRITE_SYNC, &err), &err);
        assert_int_equal(syncs(place), before + 1);
        assert_ok(strata_delete_with(db, key, STRATA_WRITE_SYNC, &err), &err);
        assert_int_equal(syncs(place), before + 2);
        place_close(db);
    }
    strata_batch_free(batch);
}

/* ---- ... and a crash -------------------------------------------------------------------- */

#define UNSYNCED 90 /* over several logs and memtables */

static void write_unsynced(struct strata_fs *fs, bool then_synced)
{
    struct strata_error err;
    struct strata *db;
    char key[20];

    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    assert_ok(subject_open(fs, "disk/db", true, &db, &err), &err);
    assert_int_equal(fs_sim_record(fs), 0);
    for (int i = 0; i < UNSYNCED; i++) {
        snprintf(key, sizeof key, "key %d", i);
        assert_ok(strata_put_with(db, strata_string(key), strata_string("a value of some length"),
                                  STRATA_WRITE_NO_SYNC, &err),
                  &err);
    }
    if (then_synced)
        assert_ok(strata_put_with(db, strata_string("last"), strata_string("value"),
                                  STRATA_WRITE_SYNC, &err),
                  &err);
    fs_sim_record_stop(fs);
    assert_ok(strata_close(db, &err), &err);
}

static int expect_all(void *arg, struct strata_fs *fs, const struct fs_sim_state *info)
{
    const bool *then_synced = arg;
    struct strata_error err;
    struct strata *db;
    char key[20];

    (void)info;
    assert_ok(subject_open(fs, "disk/db", false, &db, &err), &err);
    for (int i = 0; i < UNSYNCED; i++) {
        snprintf(key, sizeof key, "key %d", i);
        assert_get(db, key, "a value of some length");
    }
    assert_get(db, "last", *then_synced ? "value" : NULL);
    assert_ok(strata_close(db, &err), &err);
    return 0;
}

/* Of a crash right after the last of them was acknowledged. */
static void expect_all_in_every_state(enum fs_sim_model model, bool then_synced)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_sim_plan plan = {.model = model};
    struct fs_sim_totals totals;

    write_unsynced(fs, then_synced);
    plan.from = plan.to = fs_sim_trace_calls(fs) + 1;
    assert_int_equal(fs_sim_states(fs, &plan, expect_all, &then_synced, &totals), 0);
    assert_true(totals.distinct > 0);
    fs_free(fs);
}

static void flags_unsynced_write_survives_a_kill(void **state)
{
    (void)state;
    expect_all_in_every_state(FS_SIM_KILL, false);
}

static void flags_synced_write_makes_earlier_unsynced_ones_durable(void **state)
{
    (void)state;
    if (!subject_promises(STRATA_PROMISE_POWER_CUT)) {
        check_skipping("the stage does not promise a power cut");
        skip();
    }
    expect_all_in_every_state(FS_SIM_ORDERED, true);
    expect_all_in_every_state(FS_SIM_POSIX, true);
}

/* ---- Figures ---------------------------------------------------------------------------- */

static void property_is_the_figure_of_that_name(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_error err;
    uint64_t value = 7;

    assert_put(db, "a", "1");
    assert_put(db, "b", "2");
    assert_ok(strata_property(db, "puts", &value, &err), &err);
    assert_int_equal(value, 2);
    assert_ok(strata_property(db, "fs_append", &value, &err), &err);
    assert_int_equal(value, check_stat(db, "fs_append"));
    value = 7;
    assert_code(strata_property(db, "put", &value, &err), STRATA_NOT_FOUND, &err);
    assert_code(strata_property(db, "", &value, &err), STRATA_NOT_FOUND, &err);
    assert_int_equal(value, 7);
    assert_code(strata_property(db, NULL, &value, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_property(db, "puts", NULL, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_property(NULL, "puts", &value, &err), STRATA_ERR_INVALID, &err);
    place_close(db);
}

/* What one get of `key` took. */
static struct strata_counters cost_of_get(struct strata *db, const char *key, int wanted)
{
    struct strata_buffer value = {0};
    struct strata_counters before, after;
    struct strata_error err;

    strata_counters(&before, sizeof before);
    assert_code(strata_get(db, strata_string(key), &value, &err), wanted, &err);
    strata_counters(&after, sizeof after);
    strata_buffer_free(&value);
    return (struct strata_counters){.comparisons = after.comparisons - before.comparisons,
                                    .tables = after.tables - before.tables,
                                    .filter_probes = after.filter_probes - before.filter_probes,
                                    .blocks = after.blocks - before.blocks,
                                    .blocks_loaded = after.blocks_loaded - before.blocks_loaded,
                                    .bytes_read = after.bytes_read - before.bytes_read};
}

/* What every stage can say of a get; what a table costs, if there is one, is 1 of each. */
static void counters_say_what_a_get_took(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_counters cost;
    struct strata_error err;
    bool flushed;
    uint64_t read;

    assert_put(db, "a", "1");
    assert_put(db, "c", "3");
    place_close(db);
    db = place_open(*state, false);
    flushed = strata_flush(db, &err) == 0;
    read = check_stat(db, "fs_bytes_read");
    cost = cost_of_get(db, "a", STRATA_OK);
    assert_int_equal(cost.bytes_read, check_stat(db, "fs_bytes_read") - read);
    assert_true(cost.comparisons > 0);
    if (flushed) {
        assert_int_equal(cost.tables, 1);
        assert_true(cost.blocks == cost.filter_probes && cost.blocks_loaded <= cost.blocks);
        assert_int_equal(cost_of_get(db, "b", STRATA_NOT_FOUND).tables, 1);
        assert_int_equal(cost_of_get(db, "d", STRATA_NOT_FOUND).tables, 0);
    }
    place_close(db);
}

static void counters_are_of_the_size_that_the_caller_knows(void **state)
{
    struct {
        struct strata_counters known;
        uint64_t later;
    } of;
    size_t first = sizeof of.known.comparisons;

    (void)state;
    memset(&of, 0xff, sizeof of);
    strata_counters(&of.known, first);
    assert_true(of.known.comparisons != UINT64_MAX && of.known.tables == UINT64_MAX);
    strata_counters(&of.known, sizeof of);
    assert_true(of.known.bytes_read != UINT64_MAX && of.later == 0);
}

/* ---- Sizes ------------------------------------------------------------------------------ */

#define KEYS 4000
#define VALUE 100

static uint64_t size_of(struct strata *db, const char *from, const char *to)
{
    struct strata_error err;
    uint64_t bytes = 12345;

    assert_ok(strata_approximate_size(db, strata_string(from), strata_string(to), &bytes, &err),
              &err);
    return bytes;
}

static void add_table(void *arg, const struct strata_table *table)
{
    *(uint64_t *)arg += table->bytes;
}

/* Keys 0000 to 3999, values that cannot be compressed, all in tables where there are any. */
static struct strata *open_sized(struct place *place)
{
    struct strata_options options;
    struct strata_error err;
    uint8_t value[VALUE];
    uint32_t seed = 1;
    struct strata *db;
    char key[8];

    subject_options(&options, place->fs, true);
    options.sync = STRATA_SYNC_NEVER;
    options.segment_bytes = options.memtable_bytes = 64 << 10;
    options.block_bytes = 1024;
    options.level_bytes = 64 << 10;
    options.table_bytes = 32 << 10;
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "%04u", i * 1237 % KEYS);
        for (size_t j = 0; j < VALUE; j++)
            value[j] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
        assert_ok(strata_put(db, strata_string(key), strata_bytes(value, VALUE), &err), &err);
    }
    return db;
}

static void size_of_ranges_adds_up(void **state)
{
    static const char *const cuts[] = {"", "0000", "0001", "0500", "1999x", "3998", "3999"};
    struct strata *db = open_sized(*state);
    uint64_t all, least = KEYS * (VALUE + 4), part;
    struct strata_error err;
    int rc = strata_flush(db, &err);

    assert_true(rc == 0 || rc == STRATA_ERR_NOT_SUPPORTED);
    all = size_of(db, "", "");
    assert_true(all >= least && all < least * 3 / 2);
    for (size_t i = 1; i < sizeof cuts / sizeof *cuts; i++)
        assert_int_equal(size_of(db, "", cuts[i]) + size_of(db, cuts[i], ""), all);
    assert_int_equal(size_of(db, "", "0000"), 0); /* nothing is before the first key */
    assert_int_equal(size_of(db, "3999x", ""), 0);
    assert_true(size_of(db, "3999", "") > 0);
    assert_int_equal(size_of(db, "2000", "2000"), 0);
    assert_int_equal(size_of(db, "3000", "1000"), 0);
    for (unsigned from = 0; from < KEYS; from += KEYS / 4) {
        char low[8], high[8];
        snprintf(low, sizeof low, "%04u", from);
        snprintf(high, sizeof high, "%04u", from + KEYS / 4);
        part = size_of(db, low, high);
        assert_true(part > all / 5 && part < all * 3 / 10);
    }
    place_close(db);
}

static void size_of_everything_is_that_of_all_tables(void **state)
{
    struct strata *db = open_sized(*state);
    uint64_t tables = 0, before, after;
    struct strata_error err;

    if (strata_tables(db, add_table, &tables, &err) == STRATA_ERR_NOT_SUPPORTED ||
        subject_info()->stage < 6 || subject_engine()) {
        place_close(db);
        check_skipping("the stage reads what it is asked the size of, or does not tell");
        skip();
    }
    assert_true(tables > 0);
    assert_int_equal(size_of(db, "", ""), tables);
    assert_int_equal(size_of(db, "", "9"), tables);
    before = check_stat(db, "cache_misses");
    assert_true(size_of(db, "0100", "3100") > tables / 2);
    after = check_stat(db, "cache_misses");
    assert_int_equal(after, before); /* no block was read */
    place_close(db);
}

static void size_wants_a_place_and_keys_that_can_be(void **state)
{
    struct strata *db = place_open(*state, true);
    struct strata_slice none = {NULL, 0}, nowhere = {NULL, 1};
    struct strata_error err;
    uint64_t bytes;

    assert_int_equal(size_of(db, "", ""), 0);
    assert_code(strata_approximate_size(db, none, none, NULL, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_approximate_size(db, nowhere, none, &bytes, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_approximate_size(db, none, nowhere, &bytes, &err), STRATA_ERR_INVALID, &err);
    assert_code(strata_approximate_size(NULL, none, none, &bytes, &err), STRATA_ERR_INVALID, &err);
    place_close(db);
}

#define later_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        later_test(flags_of_a_put_and_a_delete_are_done),
        later_test(flags_that_cannot_be_are_refused),
        cmocka_unit_test_setup_teardown(flags_decide_whether_the_write_is_synced, place_setup_sim,
                                        place_teardown),
        cmocka_unit_test(flags_unsynced_write_survives_a_kill),
        cmocka_unit_test(flags_synced_write_makes_earlier_unsynced_ones_durable),
        later_test(property_is_the_figure_of_that_name),
        later_test(counters_say_what_a_get_took),
        cmocka_unit_test(counters_are_of_the_size_that_the_caller_knows),
        later_test(size_of_ranges_adds_up),
        later_test(size_of_everything_is_that_of_all_tables),
        later_test(size_wants_a_place_and_keys_that_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
