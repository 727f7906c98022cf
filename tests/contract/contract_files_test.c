/* contract_files_test.c: a database of more files than a process may have open. */
#include "test.h"

#include "fs_sim.h"
#include "place.h"
#include "rng.h"
#include "subject.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define S(text) strata_string(text)

enum { KEYS = 3000, DESCRIPTORS = 256 };

static int limit_descriptors(void **state)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = DESCRIPTORS;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return place_setup(state);
}

static struct strata *open_sized(struct strata_fs *fs, const char *dir, uint64_t segment_bytes)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, true);
    options.segment_bytes = segment_bytes;
    assert_ok(strata_open(dir, &options, &db, &err), &err);
    return db;
}

static void put_some(struct strata *db, int count, const char *value)
{
    struct strata_error err;
    char key[16], text[120];

    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "key%04d", i);
        snprintf(text, sizeof text, "%-100s", value);
        assert_ok(strata_put(db, S(key), S(text), &err), &err);
    }
}

/* Where nothing waits for a disk. Each put fills a segment, if the stage has them. */
static void make_database(struct place *place)
{
    struct strata_fs *sim = fs_sim_new();
    struct strata_error err;
    struct strata *db = open_sized(sim, "db", 100);

    put_some(db, KEYS, "old");
    place_close(db);
    assert_ok(fs_sim_write_out(sim, "db", place->fs, place->dir, &err), &err);
    fs_free(sim);
}

static void expect_one(struct strata *db, int i, const char *value)
{
    struct strata_buffer found = {0};
    struct strata_error err;
    char key[16];

    snprintf(key, sizeof key, "key%04d", i);
    assert_ok(strata_get(db, S(key), &found, &err), &err);
    assert_memory_equal(found.data, value, strlen(value));
    strata_buffer_free(&found);
}

static int count_values(struct strata_iter *iter, const char *value)
{
    struct strata_slice found;
    struct strata_error err;
    int count = 0, rc;

    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        assert_ok(strata_iter_value(iter, &found, &err), &err);
        assert_memory_equal(found.data, value, strlen(value));
        count++;
    }
    assert_int_equal(rc, STRATA_NOT_FOUND);
    return count;
}

static uint64_t files_in(struct place *place)
{
    struct fs_names names;
    uint64_t count;

    assert_int_equal(fs_list(place->fs, place->dir, &names, NULL), 0);
    count = names.count;
    fs_names_free(&names);
    return count;
}

static void files_thousands_need_few_descriptors(void **state)
{
    struct place *place = *state;
    struct strata_error err;
    struct strata_iter *iter;
    struct strata *db;
    struct rng rng;

    rng_init_env(&rng, "files");
    make_database(place);
    printf("# %d files, %d descriptors\n", (int)files_in(place), DESCRIPTORS);
    db = open_sized(place->fs, place->dir, 100);
    for (int i = 0; i < KEYS; i++)
        expect_one(db, (int)rng_below(&rng, KEYS), "old");
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    put_some(db, 2 * DESCRIPTORS, "new"); /* and merge, one by one, what the iterator reads */
    assert_int_equal(count_values(iter, "old"), KEYS);
    strata_iter_free(iter);
    place_close(db);
    db = open_sized(place->fs, place->dir, 1 << 20);
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    put_some(db, 1, "newer");
    if (subject_promises(STRATA_PROMISE_COMPACT)) { /* all of them into one */
        assert_ok(strata_compact(db, NULL, &err), &err);
        expect_one(db, KEYS - 1, "old");
    }
    assert_ok(strata_verify(db, NULL, &err), &err);
    assert_int_equal(count_values(iter, ""), KEYS);
    strata_iter_free(iter);
    if (subject_promises(STRATA_PROMISE_COMPACT))
        assert_true(files_in(place) < 20);
    expect_one(db, 0, "newer");
    expect_one(db, 2 * DESCRIPTORS - 1, "new");
    expect_one(db, 2 * DESCRIPTORS, "old");
    place_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_thousands_need_few_descriptors, limit_descriptors,
                                        place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
