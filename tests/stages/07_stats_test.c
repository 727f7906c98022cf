/* 07_stats_test.c: the figures of stage 6, held against what the file layer and the operating
 * system count. */
#include "test.h"

#include "place.h"
#include "rng.h"
#include "crash/subject.h"

#include <stdio.h>
#include <string.h>

#define MARKER 32 /* bytes: common's marker, written twice when a database is made */

static struct strata *open_with(struct place *place, enum strata_sync sync)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, place->fs, true);
    options.memtable_bytes = 16 << 10;
    options.table_bytes = 8 << 10;
    options.level_bytes = 32 << 10;
    options.event_log_bytes = 1 << 20;
    options.sync = sync;
    options.background_threads = 0; /* no compaction but those that writes do */
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    return db;
}

static void work(struct strata *db, int count)
{
    struct rng rng;

    rng_init(&rng, 11);
    for (int i = 0; i < count; i++) {
        char key[24], value[120];
        snprintf(key, sizeof key, "key %06d", (int)rng_below(&rng, 5000));
        snprintf(value, sizeof value, "%0100d", i);
        assert_put(db, key, value);
    }
}

static uint64_t sum_of(struct strata *db, const char *what)
{
    uint64_t sum = 0;

    for (unsigned level = 0; level < 7; level++) {
        char name[32];
        uint64_t value;
        snprintf(name, sizeof name, "level%u_%s", level, what);
        value = check_stat(db, name);
        sum += value == UINT64_MAX ? 0 : value;
    }
    return sum;
}

/* Every byte that goes to a file is told as one of a log, a table, the manifest or the event log;
 * but for the marker, of which it is two writes when a database is made. */
static void stats_tell_every_byte_that_is_written(void **state)
{
    struct place *place = *state;
    uint64_t before = place->fs->bytes_written, written;
    struct strata *db = open_with(place, STRATA_SYNC_NEVER);
    struct strata_error err;

    work(db, 60000);
    written = place->fs->bytes_written - before;
    assert_true(sum_of(db, "compactions") > 10);
    assert_true(check_stat(db, "manifest_bytes") > 100000); /* another began: manifest.c */
    /* what is being written belongs to no figure yet */
    assert_in_range(check_stat(db, "written_bytes"), written - (1 << 20), written);
    assert_ok(strata_flush(db, &err), &err);
    written = place->fs->bytes_written - before;
    assert_int_equal(check_stat(db, "written_bytes") + 2 * MARKER, written);
    assert_int_equal(check_stat(db, "log_bytes") + check_stat(db, "table_bytes") +
                         check_stat(db, "manifest_bytes") + check_stat(db, "event_bytes"),
                     check_stat(db, "written_bytes"));
    assert_int_equal(check_stat(db, "table_bytes"),
                     check_stat(db, "flushed_bytes") + sum_of(db, "written"));
    place_close(db);
}

/* The system's count for this process, or 0. wchar: bytes handed to write and its like, to files or
 * not. */
static uint64_t system_count(void)
{
    FILE *f = fopen("/proc/self/io", "r");
    char line[80];
    unsigned long long count = 0;

    while (f && fgets(line, sizeof line, f) && sscanf(line, "wchar: %llu", &count) != 1)
        continue;
    if (f)
        fclose(f);
    return (uint64_t)count;
}

/* With every write synced no log is mapped, and each byte goes through a call; where no room is
 * made ahead none is filled with zeros, either, which are not counted. The process writes nothing
 * else, unless a test prints: so the two differ by the marker only; 4 KiB are granted. */
static void stats_agree_with_the_system(void **state)
{
    struct place *place = *state;
    uint64_t before = system_count(), counted, told;
    struct strata *db;
    struct strata_error err;

    if (!before) {
        check_skipping("no /proc/self/io");
        skip();
    }
    place->fs->ahead = 0;
    db = open_with(place, STRATA_SYNC_ALWAYS);
    work(db, 300);
    assert_ok(strata_flush(db, &err), &err);
    counted = system_count() - before;
    told = check_stat(db, "written_bytes");
    assert_true(told > 60000);
    assert_in_range(counted, told, told + 4096);
    assert_int_equal(check_stat(db, "write_amplification"),
                     (100 * told + check_stat(db, "bytes_in") / 2) / check_stat(db, "bytes_in"));
    place_close(db);
}

/* What was given up was written too. */
static void stats_count_what_is_given_up(void **state)
{
    struct place *place = *state;
    uint64_t before = place->fs->bytes_written, written;
    struct strata *db = open_with(place, STRATA_SYNC_NEVER);
    struct strata_error err;

    for (int i = 0; i < 40; i++) { /* at some of these a compaction is under way, and given up */
        work(db, 2000 + 20 * i);
        assert_ok(strata_compact(db, NULL, &err), &err);
    }
    written = place->fs->bytes_written - before;
    assert_int_equal(check_stat(db, "written_bytes") + 2 * MARKER, written);
    assert_in_range(check_stat(db, "table_bytes"),
                    check_stat(db, "flushed_bytes") + sum_of(db, "written"), written);
    place_close(db);
}

static void stats_tell_what_a_get_asks(void **state)
{
    struct strata *db = open_with(*state, STRATA_SYNC_NEVER);
    struct strata_error err;

    work(db, 5000);
    assert_ok(strata_compact(db, NULL, &err), &err);
    assert_int_equal(check_stat(db, "tables_asked"), 0);
    for (int i = 0; i < 10; i++)
        assert_get(db, "key 000400 is none", NULL);
    assert_int_equal(check_stat(db, "tables_asked"), 10); /* one level, one table */
    assert_int_equal(check_stat(db, "read_amplification"), 100);
    assert_get(db, "a", NULL); /* before every table */
    assert_int_equal(check_stat(db, "tables_asked"), 10);
    assert_int_equal(check_stat(db, "space_amplification"), 100);
    work(db, 1000); /* the count goes on when tables change */
    assert_true(check_stat(db, "flushes") > 1);
    assert_int_equal(check_stat(db, "tables_asked"), 10);
    assert_true(check_stat(db, "space_amplification") > 100);
    place_close(db);
}

#define on_sim(f) cmocka_unit_test_setup_teardown(f, place_setup_sim, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_sim(stats_tell_every_byte_that_is_written),
        cmocka_unit_test_setup_teardown(stats_agree_with_the_system, place_setup, place_teardown),
        on_sim(stats_count_what_is_given_up),
        on_sim(stats_tell_what_a_get_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
