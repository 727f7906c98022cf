/* 01_append_log_weak_test.c: what stage 1 does not promise, shown. A later stage turns each of
 * these round; the name of the promise stands above the test. */
#include "test.h"

#include "crash/explore/explore.h"
#include "place.h"
#include "crash/subject.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Survives a power cut (stage 3) ---------------------------------------------------- */

/* Script "writes", the power cut everywhere, and all that was acknowledged asked back. */
static void cut_power(struct explore *e, enum fs_sim_model model, const char *name)
{
    struct script script = {0};

    assert_string_equal(script_builtin(1, &script), "writes");
    *e = (struct explore){.script = &script, .plan.model = model, .acknowledged = true};
    if (explore_run(e) < 0)
        fail_msg("%s", e->example);
    printf("# %s: %" PRIu64 " distinct states, %" PRIu64 " violations: %" PRIu64
           " lost acknowledged writes, %" PRIu64 " do not open\n# lost: %s\n# does not open: %s\n",
           name, e->totals.distinct, e->violations, e->verdicts[ORACLE_LOST],
           e->verdicts[ORACLE_ERROR], e->examples[ORACLE_LOST], e->examples[ORACLE_ERROR]);
    fflush(stdout);
    e->script = NULL;
    script_free(&script);
}

static void weak_power_cut_loses_acknowledged_puts(void **state)
{
    struct explore e;

    (void)state;
    cut_power(&e, FS_SIM_ORDERED, "ordered");
    assert_true(e.totals.distinct >= 100);
    assert_true(e.verdicts[ORACLE_LOST] > 0);
    assert_true(e.violations < e.totals.distinct);
    assert_true(strstr(e.examples[ORACLE_LOST], "was safe") != NULL);
    cut_power(&e, FS_SIM_POSIX, "posix");
    assert_true(e.totals.distinct >= 100);
    assert_true(e.verdicts[ORACLE_LOST] > 0);
}

/* Even so no power cut makes it serve what was never written. */
static void weak_power_cut_never_gives_a_wrong_answer(void **state)
{
    struct explore e;

    (void)state;
    cut_power(&e, FS_SIM_POSIX, "posix");
    assert_true(e.verdicts[ORACLE_FINE] > 0);
    assert_int_equal(e.verdicts[ORACLE_NO_STATE], 0);
    assert_int_equal(e.verdicts[ORACLE_DISAGREES], 0);
    assert_int_equal(e.verdicts[ORACLE_ORPHAN], 0);
}

/* ---- With a file at hand --------------------------------------------------------------- */

#define RECORD 22 /* bytes of a put of a 2-byte key and a 3-byte value */
#define HEADER 24

/* Puts k1=v-1 to k9=v-9. */
static void put_nine(struct strata *db)
{
    char key[4], value[4];
    struct strata_error err;
    for (int i = 1; i <= 9; i++) {
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "v-%d", i);
        assert_ok(strata_put(db, strata_string(key), strata_string(value), &err), &err);
    }
}

/* Changes the data file of a closed database of nine puts, to `size` bytes, zeros from `zeros`
 * on. */
static void change_file(struct place *place, size_t size, size_t zeros)
{
    struct strata_buffer bytes = place_read(place, "db/000001.log");

    assert_int_equal(bytes.size, HEADER + 9 * RECORD);
    assert_true(size <= bytes.size);
    if (zeros < size)
        memset(bytes.data + zeros, 0, size - zeros);
    place_write(place, "db/000001.log", strata_bytes(bytes.data, size));
    strata_buffer_free(&bytes);
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    place_init(place);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    place_free(*state);
    free(*state);
    return 0;
}

/* The file's new size got to the disk before its bytes did: what many file systems leave. Zeros
 * are no torn tail, as the file does not end in them, so all of it is refused. */
static void weak_power_cut_zeroed_tail_is_reported_as_damage(void **state)
{
    struct place *place = *state;
    struct strata_error err;
    struct strata *db = place_open(place, true);
    size_t eighth = HEADER + 7 * RECORD;

    put_nine(db);
    place_close(db);
    change_file(place, HEADER + 9 * RECORD, eighth);
    assert_code(subject_open(place->fs, place->dir, false, &db, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_offset(&err, eighth);
    assert_err_says(&err, "000001.log");
    assert_err_says(&err, "record head check");
}

/* Nothing says how long the log was, so a log cut between two records is a valid shorter one. */
static void weak_log_cut_between_records_is_a_valid_shorter_log(void **state)
{
    struct place *place = *state;
    struct strata *db = place_open(place, true);
    struct strata_error err;

    put_nine(db);
    place_close(db);
    change_file(place, HEADER + 6 * RECORD, HEADER + 9 * RECORD);
    db = place_open(place, false);
    assert_ok(strata_verify(db, NULL, &err), &err);
    assert_get(db, "k6", "v-6");
    assert_get(db, "k7", NULL);
    place_close(db);
}

static void weak_synced_write_is_refused(void **state)
{
    struct strata_options options;
    struct strata_error err;
    struct strata_batch *batch = strata_batch_new();
    struct place *place = *state;
    struct strata *db = place_open(place, true);

    assert_code(strata_sync(db, &err), STRATA_ERR_NOT_SUPPORTED, &err);
    assert_ok(strata_batch_put(batch, strata_string("a"), strata_string("1"), &err), &err);
    assert_code(strata_write(db, batch, STRATA_WRITE_SYNC, &err), STRATA_ERR_NOT_SUPPORTED, &err);
    assert_get(db, "a", NULL);
    place_close(db);
    strata_batch_free(batch);
    subject_options(&options, place->fs, false);
    options.sync = STRATA_SYNC_ALWAYS;
    assert_code(strata_open(place->dir, &options, &db, &err), STRATA_ERR_NOT_SUPPORTED, &err);
}

/* ---- All or nothing (stage 3) ---------------------------------------------------------- */

static void weak_batch_of_two_is_refused(void **state)
{
    struct strata_error err;
    struct strata_batch *batch = strata_batch_new();
    struct place *place = *state;
    struct strata *db = place_open(place, true);

    assert_ok(strata_batch_put(batch, strata_string("a"), strata_string("1"), &err), &err);
    assert_ok(strata_batch_put(batch, strata_string("b"), strata_string("2"), &err), &err);
    assert_code(strata_write(db, batch, 0, &err), STRATA_ERR_NOT_SUPPORTED, &err);
    assert_err_says(&err, "01_append_log has no atomic batch");
    assert_get(db, "a", NULL);
    assert_get(db, "b", NULL);
    place_close(db);
    strata_batch_free(batch);
}

/* ---- Cost (stage 2) -------------------------------------------------------------------- */

static void weak_get_reads_the_whole_file(void **state)
{
    struct place *place = *state;
    struct strata *db = place_open(place, true);
    uint64_t before;

    put_nine(db);
    before = check_stat(db, "fs_bytes_read");
    assert_get(db, "k1", "v-1"); /* all records, and then k1's once more */
    assert_int_equal(check_stat(db, "fs_bytes_read") - before, 9 * RECORD + RECORD);
    before = check_stat(db, "fs_bytes_read");
    assert_get(db, "absent", NULL);
    assert_int_equal(check_stat(db, "fs_bytes_read") - before, 9 * RECORD);
    place_close(db);
}

static void weak_open_reads_the_whole_file(void **state)
{
    struct place *place = *state;
    struct strata *db = place_open(place, true);
    uint64_t before;

    put_nine(db);
    place_close(db);
    before = atomic_load(&place->fs->bytes_read);
    db = place_open(place, false);
    assert_true(atomic_load(&place->fs->bytes_read) - before >= HEADER + 9 * RECORD);
    place_close(db);
}

static void weak_overwritten_space_never_comes_back(void **state)
{
    struct place *place = *state;
    struct strata *db = place_open(place, true);
    struct strata_error err;

    for (int i = 0; i < 100; i++)
        assert_ok(strata_put(db, strata_string("k1"), strata_string("v-1"), &err), &err);
    assert_code(strata_compact(db, NULL, &err), STRATA_ERR_NOT_SUPPORTED, &err);
    assert_int_equal(check_stat(db, "log_bytes"), HEADER + 100 * RECORD);
    place_close(db);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weak_power_cut_loses_acknowledged_puts),
        cmocka_unit_test(weak_power_cut_never_gives_a_wrong_answer),
        TEST(weak_power_cut_zeroed_tail_is_reported_as_damage),
        TEST(weak_log_cut_between_records_is_a_valid_shorter_log),
        TEST(weak_synced_write_is_refused),
        TEST(weak_batch_of_two_is_refused),
        TEST(weak_get_reads_the_whole_file),
        TEST(weak_open_reads_the_whole_file),
        TEST(weak_overwritten_space_never_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
