/* contract_files_test.c: a database of more files than a process may have open. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "place.h"
#include "rng.h"
#include "crash/subject.h"
#include "tmpdir.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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
    options.memtable_bytes = segment_bytes < 4096 ? 4096 : (size_t)segment_bytes;
    options.table_bytes = segment_bytes < 256 ? 256 : segment_bytes;
    options.background_threads = 0; /* files are damaged, and counted, between calls */
    assert_ok(strata_open(dir, &options, &db, &err), &err);
    return db;
}

/* A value of 100 bytes that begins with a word; an engine may pack what is the same in all. */
static void make_text(char text[120], const char *value, int i)
{
    uint32_t x = (uint32_t)i + 1;

    snprintf(text, 120, "%-100s", value);
    for (size_t at = strlen(value) + 1; at < 100; at++) {
        x = x * 1664525 + 1013904223;
        text[at] = (char)('!' + (x >> 24) % 90);
    }
}

static void put_some(struct strata *db, int count, const char *value)
{
    struct strata_error err;
    char key[16], text[120];

    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "key%04d", i);
        make_text(text, value, i);
        assert_ok(strata_put(db, S(key), S(text), &err), &err);
    }
}

/* Where nothing waits for a disk. */
static void make_database(struct place *place, uint64_t segment_bytes)
{
    struct strata_fs *sim = fs_sim_new();
    struct strata_error err;
    struct strata *db = open_sized(sim, "db", segment_bytes);

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

/* What the last reader held is removed soon: in the background, if that has any. */
static bool few_files(struct place *place, struct strata *db)
{
    struct timespec pause = {0, 1000000};

    for (int i = 0; i < 5000 && files_in(place) >= 20; i++) {
        if (!subject_works_in_background())
            return false;
        expect_one(db, 0, "newer");
        nanosleep(&pause, NULL);
    }
    return files_in(place) < 20;
}

static void files_thousands_need_few_descriptors(void **state)
{
    struct place *place = *state;
    struct strata_error err;
    struct strata_iter *iter;
    struct strata *db;
    struct rng rng;

    rng_init_env(&rng, "files");
    make_database(place, 100); /* each put fills a segment, if the stage has them */
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
        assert_true(few_files(place, db));
    expect_one(db, 0, "newer");
    expect_one(db, 2 * DESCRIPTORS - 1, "new");
    expect_one(db, 2 * DESCRIPTORS, "old");
    place_close(db);
}

/* A database named by a relative path stays the one that was opened, wherever the process goes. */
static void files_are_found_again_after_a_change_of_directory(void **state)
{
    enum { SOME = 100 };
    char *root = tmpdir_new(), *one = tmpdir_path(root, "one"), *two = tmpdir_path(root, "two");
    char before[1000];
    struct strata *mine, *theirs;

    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(mkdir(one, 0777) | mkdir(two, 0777) | chdir(one), 0);
    mine = open_sized(NULL, "db", 100);
    put_some(mine, SOME, "mine");
    assert_int_equal(chdir(two), 0);
    theirs = open_sized(NULL, "db", 100);
    put_some(theirs, SOME, "theirs");
    for (int i = 0; i < SOME; i++)
        expect_one(mine, i, "mine");
    put_some(mine, 10, "mine too");
    place_close(theirs);
    place_close(mine);
    theirs = open_sized(NULL, "db", 100);
    for (int i = 0; i < SOME; i++)
        expect_one(theirs, i, "theirs");
    place_close(theirs);
    assert_int_equal(chdir(before), 0);
    free(one);
    free(two);
    tmpdir_del(root);
}

/* Readers who take each other's descriptors away. */
struct reader {
    struct strata *db;
    uint64_t seed;
    int seeks;
    int bad;
};

static void *seek_about(void *arg)
{
    struct reader *r = arg;
    struct strata_iter *iter;
    struct strata_slice value;
    struct strata_error err;
    struct rng rng;

    rng_init(&rng, r->seed);
    r->bad = strata_iter_new(r->db, &iter, &err) < 0;
    for (int n = 0; !r->bad && n < r->seeks; n++) {
        char key[16];
        snprintf(key, sizeof key, "key%04d", (int)rng_below(&rng, KEYS));
        r->bad = strata_iter_seek(iter, S(key), &err) < 0 ||
                 strata_iter_value(iter, &value, &err) < 0 || memcmp(value.data, "old", 3) != 0;
    }
    strata_iter_free(iter);
    return NULL;
}

static void files_are_shared_by_readers(void **state)
{
    /* a dozen segments for eight descriptors: each is wanted by one while another closes it */
    enum { READERS = 4, FEW = 32, SEGMENT = 32768 };
    int seeks = check_quick() || check_sanitized() ? 2000 : 50000;
    struct place *place = *state;
    struct reader readers[READERS];
    pthread_t threads[READERS];
    struct rlimit limit;
    struct strata *db;

    if (!subject_promises(STRATA_PROMISE_THREADS)) {
        check_skipping("the stage promises one thread a handle");
        skip();
    }
    make_database(place, SEGMENT);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = FEW;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    db = open_sized(place->fs, place->dir, SEGMENT);
    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.db = db, .seed = (uint64_t)i, .seeks = seeks};
        assert_int_equal(pthread_create(&threads[i], NULL, seek_about, &readers[i]), 0);
    }
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(readers[i].bad);
    }
    place_close(db);
}

/* ---- Damage while it is open ------------------------------------------------------------- */

/* Flips a bit in the middle of the file, if it is one that holds values. */
static bool damage(struct strata_fs *fs, const char *path)
{
    struct fs_file *file;
    uint8_t byte;
    size_t got;

    assert_int_equal(fs_open(fs, path, FS_WRITE, &file, NULL), 0);
    if (file->end < 2000) {
        fs_close(file, NULL);
        return false;
    }
    assert_int_equal(fs_read_at(file, file->end / 2, &byte, 1, &got, NULL), 0);
    byte ^= 1;
    assert_int_equal(fs_write_at(file, file->end / 2, &byte, 1, NULL), 0);
    assert_int_equal(fs_close(file, NULL), 0);
    return true;
}

/* Returns the path of the first of the files that hold data. */
static char *damage_oldest(struct strata_fs *fs)
{
    struct fs_names names;
    char *path = NULL;

    assert_int_equal(fs_list(fs, "db", &names, NULL), 0);
    for (size_t i = 0; i < names.count && !path; i++) {
        path = fs_join("db", names.names[i]);
        assert_non_null(path);
        if (!damage(fs, path)) {
            free(path);
            path = NULL;
        }
    }
    assert_non_null(path);
    fs_names_free(&names);
    return path;
}

/* The key whose record is damaged may be refused: who reads it there cannot know what it is. */
static void overwrite(struct strata *db, int count, const char *value, int *refused)
{
    struct strata_error err;
    char key[16], text[120];

    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "key%04d", i);
        make_text(text, value, i);
        if (i == *refused)
            continue;
        if (*refused < 0 && strata_put(db, S(key), S(text), &err) == STRATA_ERR_CORRUPT)
            *refused = i;
        else
            assert_ok(strata_put(db, S(key), S(text), &err), &err);
    }
}

/* Of 100 keys those below 90 have `value`, the others "old", but for what is damaged in that file.
 * Returns how many that are. */
static int expect_all_but_damaged(struct strata *db, const char *value, int refused,
                                  const char *path)
{
    struct strata_buffer got = {0};
    struct strata_error err;
    char key[16];
    int damaged = 0;

    for (int i = 0; i < 100; i++) {
        const char *expected = i < 90 && i != refused ? value : "old";
        int rc;
        snprintf(key, sizeof key, "key%04d", i);
        rc = strata_get(db, S(key), &got, &err);
        damaged += rc == STRATA_ERR_CORRUPT;
        if (rc == STRATA_ERR_CORRUPT)
            assert_string_equal(err.file, path);
        else
            assert_true(rc == 0 && memcmp(got.data, expected, strlen(expected)) == 0);
    }
    strata_buffer_free(&got);
    return damaged;
}

/* An old file is found to be damaged by upkeep that nobody asked for. Nothing that is put fails for
 * it: gets of what was in it tell of the damage, everything else goes on, after the next open
 * too. */
static void files_damaged_old_one_stops_no_write(void **state)
{
    bool compacts = subject_promises(STRATA_PROMISE_COMPACT);
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = open_sized(fs, "db", 4096);
    struct strata_error err;
    int refused = -1;
    char *path;

    (void)state;
    put_some(db, 100, "old");
    path = damage_oldest(fs);
    for (int round = 0; round < 10; round++)
        overwrite(db, 90, "new", &refused); /* of most keys in that file the records are dead now */
    assert_true(expect_all_but_damaged(db, "new", refused, path) <= 1 || !compacts);
    if (compacts) /* where nothing does, every get reads it, and every open */
        assert_code(strata_compact(db, NULL, &err), STRATA_ERR_CORRUPT, &err);
    overwrite(db, 90, "newer", &refused);
    assert_ok(strata_close(db, &err), &err);
    if (compacts) {
        db = open_sized(fs, "db", 4096);
        assert_true(expect_all_but_damaged(db, "newer", refused, path) <= 1);
        assert_ok(strata_close(db, &err), &err);
    }
    free(path);
    fs_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_damaged_old_one_stops_no_write),
        cmocka_unit_test_setup_teardown(files_thousands_need_few_descriptors, limit_descriptors,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(files_are_shared_by_readers, limit_descriptors,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(files_are_found_again_after_a_change_of_directory,
                                        limit_descriptors, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
