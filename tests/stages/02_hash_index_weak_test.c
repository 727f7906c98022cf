/* 02_hash_index_weak_test.c: what stage 2 does not promise, shown. A later stage turns each of
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
static void weak_power_cut_loses_acknowledged_puts(void **state)
{
    struct script script = {0};
    struct explore e = {.script = &script, .plan.model = FS_SIM_POSIX, .acknowledged = true};

    (void)state;
    assert_string_equal(script_builtin(1, &script), "writes");
    if (explore_run(&e) < 0)
        fail_msg("%s", e.example);
    printf("# posix: %" PRIu64 " distinct states, %" PRIu64 " violations: %" PRIu64
           " lost acknowledged writes, %" PRIu64 " do not open\n# lost: %s\n",
           e.totals.distinct, e.violations, e.verdicts[ORACLE_LOST], e.verdicts[ORACLE_ERROR],
           e.examples[ORACLE_LOST]);
    assert_true(e.totals.distinct >= 100);
    assert_true(e.verdicts[ORACLE_LOST] > 0);
    assert_int_equal(e.verdicts[ORACLE_DISAGREES], 0);
    assert_int_equal(e.verdicts[ORACLE_ORPHAN], 0);
    script_free(&script);
}

/* Writes that are on the device, and then a compaction, which syncs nothing. */
struct merge_cut {
    struct history history;
    uint64_t verdicts[ORACLE_VERDICTS];
    char example[1500]; /* the first state that is wrong without an error */
};

static int judge_merge_cut(void *arg, struct strata_fs *state, const struct fs_sim_state *info)
{
    struct merge_cut *cut = arg;
    struct oracle oracle = {state, EXPLORE_DIR, &cut->history, cut->history.count,
                            cut->history.count};
    struct oracle_report report;

    oracle_check(&oracle, &report);
    cut->verdicts[report.verdict]++;
    if (report.verdict > ORACLE_ERROR && !cut->example[0])
        snprintf(cut->example, sizeof cut->example, "cut at call %" PRIu64 " (%s %s), %s: %s",
                 info->call, fs_call_name(info->kind), info->path, info->choice, report.what);
    return 0;
}

static struct strata_fs *some_puts(struct history *history)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_error err;
    struct strata *db;
    char key[16];

    assert_int_equal(fs_sim_put_directory(fs, "disk"), 0);
    assert_ok(subject_open(fs, EXPLORE_DIR, true, &db, &err), &err);
    for (int i = 0; i < 60; i++) {
        snprintf(key, sizeof key, "k%d", i % 40);
        history_put(history, strata_string(key), strata_string("on the device"));
        assert_put(db, key, "on the device");
    }
    assert_ok(strata_close(db, &err), &err);
    return fs;
}

static void cut_merge(enum fs_sim_model model, struct merge_cut *cut)
{
    struct strata_fs *fs = some_puts(&cut->history);
    struct fs_sim_plan plan = {.model = model,
                               .stride = check_quick() || check_sanitized() ? 8 : 1};
    struct fs_sim_totals totals;
    struct strata_error err;
    struct strata *db;

    assert_int_equal(fs_sim_record(fs), 0); /* what is there now counts as durable */
    assert_ok(subject_open(fs, EXPLORE_DIR, false, &db, &err), &err);
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_ok(strata_close(db, &err), &err);
    assert_int_equal(fs_sim_states(fs, &plan, judge_merge_cut, cut, &totals), 0);
    printf("# %s: %" PRIu64 " distinct states of a compaction: %" PRIu64 " fine, %" PRIu64
           " refused, %" PRIu64 " with less in them and no error\n# %s\n",
           model == FS_SIM_KILL ? "kill" : "posix", totals.distinct, cut->verdicts[ORACLE_FINE],
           cut->verdicts[ORACLE_ERROR], cut->verdicts[ORACLE_LOST] + cut->verdicts[ORACLE_NO_STATE],
           cut->example);
    history_free(&cut->history);
    fs_free(fs);
}

/* The puts had been on the device for as long as one likes; merging them puts them at risk. */
static void weak_power_cut_in_a_merge_loses_what_was_on_the_device(void **state)
{
    struct merge_cut kill = {0}, posix = {0};

    (void)state;
    cut_merge(FS_SIM_KILL, &kill);
    assert_true(kill.verdicts[ORACLE_FINE] >= 50);
    for (int verdict = ORACLE_FINE + 1; verdict < ORACLE_VERDICTS; verdict++)
        assert_int_equal(kill.verdicts[verdict], 0);
    cut_merge(FS_SIM_POSIX, &posix);
    assert_true(posix.verdicts[ORACLE_FINE] > 0);
    assert_true(posix.verdicts[ORACLE_ERROR] > 0);
    assert_true(posix.verdicts[ORACLE_NO_STATE] > 0); /* not even an earlier state */
}

/* ---- With files at hand ---------------------------------------------------------------- */

#define HEADER 24
#define RECORD 22 /* bytes of a put of a 2-byte key and a 3-byte value */

static struct strata *open_sized(struct place *place, uint64_t segment_bytes)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, place->fs, true);
    options.segment_bytes = segment_bytes;
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    return db;
}

/* Puts k1=v-1 to k9=v-9. */
static void put_nine(struct strata *db)
{
    char key[4], value[4];
    for (int i = 1; i <= 9; i++) {
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "v-%d", i);
        assert_put(db, key, value);
    }
}

/* The chapter's example: the merged file's name got to the device before its bytes did, and the
 * name of the segment after it did not, nor that of TAIL, which tells of it. The whole segments
 * that it was made from are still there; half a merge hides them, and the open removes them. */
static void weak_half_a_merged_segment_hides_the_whole_ones(void **state)
{
    struct place *place = *state;
    struct strata *db = open_sized(place, HEADER + 5 * RECORD); /* five puts, then four */
    struct strata_buffer first, second, merged;
    struct strata_error err;
    char *path;

    put_nine(db);
    place_close(db);
    first = place_read(place, "db/000001.log");
    second = place_read(place, "db/000002.log");
    db = open_sized(place, 1 << 20);
    assert_ok(strata_compact(db, NULL, &err), &err);
    place_close(db);
    merged = place_read(place, "db/000001-000002.log");
    place_write(place, "db/000001.log", strata_buffer_slice(&first));
    place_write(place, "db/000002.log", strata_buffer_slice(&second));
    place_write(place, "db/000001-000002.log", strata_bytes(merged.data, HEADER + 3 * RECORD));
    path = fs_join(place->dir, "000003.log");
    assert_int_equal(fs_remove(place->fs, path, NULL), 0);
    free(path);
    path = fs_join(place->dir, "TAIL");
    assert_int_equal(fs_remove(place->fs, path, NULL), 0);
    free(path);
    db = place_open(place, false);
    assert_ok(strata_verify(db, NULL, &err), &err);
    assert_get(db, "k3", "v-3");
    assert_get(db, "k4", NULL);
    place_close(db);
    assert_null(strstr(place_names(place, place->dir), "000001.log"));
    strata_buffer_free(&first);
    strata_buffer_free(&second);
    strata_buffer_free(&merged);
}

/* Nothing says how long the active segment was. */
static void weak_active_segment_cut_between_records_is_a_valid_shorter_one(void **state)
{
    struct place *place = *state;
    struct strata *db = place_open(place, true);
    struct strata_buffer bytes;
    struct strata_error err;

    put_nine(db);
    place_close(db);
    bytes = place_read(place, "db/000001.log");
    assert_int_equal(bytes.size, HEADER + 9 * RECORD);
    place_write(place, "db/000001.log", strata_bytes(bytes.data, HEADER + 6 * RECORD));
    strata_buffer_free(&bytes);
    db = place_open(place, false);
    assert_ok(strata_verify(db, NULL, &err), &err);
    assert_get(db, "k6", "v-6");
    assert_get(db, "k7", NULL);
    place_close(db);
}

static void weak_synced_write_is_refused(void **state)
{
    struct strata_batch *batch = strata_batch_new();
    struct place *place = *state;
    struct strata *db = place_open(place, true);
    struct strata_error err;

    assert_code(strata_sync(db, &err), STRATA_ERR_NOT_SUPPORTED, &err);
    assert_ok(strata_batch_put(batch, strata_string("a"), strata_string("1"), &err), &err);
    assert_code(strata_write(db, batch, STRATA_WRITE_SYNC, &err), STRATA_ERR_NOT_SUPPORTED, &err);
    assert_err_says(&err, "02_hash_index has no synced writes");
    assert_get(db, "a", NULL);
    strata_batch_free(batch);
    place_close(db);
}

/* ---- Cost ------------------------------------------------------------------------------ */

/* Only closed segments have hints (stage 3: a checkpoint of the whole index). */
static void weak_open_reads_the_active_segment_whole(void **state)
{
    struct place *place = *state;
    struct strata *db = place_open(place, true);
    uint64_t before;

    put_nine(db);
    place_close(db);
    before = atomic_load(&place->fs->bytes_read);
    db = place_open(place, false);
    assert_true(atomic_load(&place->fs->bytes_read) - before >= HEADER + 9 * RECORD);
    assert_int_equal(check_stat(db, "open_hints_used"), 0);
    place_close(db);
}

/* The index knows no order (stage 4: sorted tables). */
static void weak_iterator_reads_every_segment_before_its_first_key(void **state)
{
    struct place *place = *state;
    struct strata *db = open_sized(place, HEADER + 3 * RECORD);
    struct strata_iter *iter;
    struct strata_error err;
    uint64_t before;

    put_nine(db);
    before = check_stat(db, "fs_bytes_read");
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    assert_true(check_stat(db, "fs_bytes_read") - before >= 9 * RECORD);
    strata_iter_free(iter);
    place_close(db);
}

/* Every key costs memory (stage 4), and what the index once had it does not give back. */
static void weak_index_grows_with_the_keys_and_never_shrinks(void **state)
{
    struct place *place = *state;
    struct strata *db = open_sized(place, 1 << 20);
    struct strata_error err;
    char key[16];
    uint64_t full;

    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_put(db, key, "v");
    }
    full = check_stat(db, "index_bytes");
    assert_true(full >= 3000 * 16);
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_ok(strata_delete(db, strata_string(key), &err), &err);
    }
    assert_int_equal(check_stat(db, "index_keys"), 0);
    assert_int_equal(check_stat(db, "index_bytes"), full);
    place_close(db);
}

/* Merging is done by the put that fills a segment (stage 7: in the background). */
static void weak_put_waits_for_a_merge(void **state)
{
    enum { SEGMENT = 20000 };
    struct place *place = *state;
    struct strata *db = open_sized(place, SEGMENT);
    uint64_t most = 0;
    char key[16];

    for (int i = 0; i < 6000; i++) { /* of two puts one is soon dead: half of each segment */
        uint64_t before = check_stat(db, "fs_bytes_written"), written;
        snprintf(key, sizeof key, "k%d", i % 2 ? i : 0);
        assert_put(db, key, "v-1");
        written = check_stat(db, "fs_bytes_written") - before;
        most = written > most ? written : most;
    }
    printf("# the dearest of 6000 puts wrote %" PRIu64 " bytes\n", most);
    assert_true(most >= SEGMENT / 2);
    place_close(db);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_setup_sim, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weak_power_cut_loses_acknowledged_puts),
        cmocka_unit_test(weak_power_cut_in_a_merge_loses_what_was_on_the_device),
        PLACED(weak_half_a_merged_segment_hides_the_whole_ones),
        PLACED(weak_active_segment_cut_between_records_is_a_valid_shorter_one),
        PLACED(weak_synced_write_is_refused),
        PLACED(weak_open_reads_the_active_segment_whole),
        PLACED(weak_iterator_reads_every_segment_before_its_first_key),
        PLACED(weak_index_grows_with_the_keys_and_never_shrinks),
        PLACED(weak_put_waits_for_a_merge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
