/* 07_sessions_test.c: many short sessions, each with a table of its own: the tables stay few, what
 * is written stays in proportion, and no session does much. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "harm.h"
#include "rng.h"
#include "crash/subject.h"

#include <stdio.h>
#include <string.h>

#ifndef SUFFIX /* of tables; stage 9 runs these tests, too */
#define SUFFIX ".sst"
#define SESSION_BYTES 1900 /* that a session of one put writes, about */
#endif

#define DIR "db"
#define VALUE 100 /* bytes */

struct setting {
    bool killed, fixed, tiered, flushed;
    size_t memtable_bytes;
    unsigned (*key)(unsigned session);
};

struct sessions {
    struct setting set;
    struct strata_fs *fs;
    uint64_t written, worst; /* bytes to files: by all sessions, and by one */
    size_t most_files;       /* that one session left */
};

static unsigned rising(unsigned session)
{
    return session;
}

static unsigned falling(unsigned session)
{
    return 100000 - session;
}

static unsigned scattered(unsigned session)
{
    return session * 7919 % 100003;
}

/* Two programs that add to lists of their own. */
static unsigned in_turn(unsigned session)
{
    return session % 2 * 50000 + session;
}

static struct strata *open_as(struct strata_fs *fs, const struct setting *set, bool read_only)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, !read_only);
    options.read_only = read_only;
    options.memtable_bytes = set->memtable_bytes;
    options.table_bytes = 256 << 10;
    options.level_bytes = 1 << 20;
    options.dynamic_levels = !set->fixed;
    options.compaction = set->tiered ? STRATA_COMPACTION_TIERED : STRATA_COMPACTION_LEVELED;
    options.sync = STRATA_SYNC_NEVER;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

static void close_it(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

static char *key_of(unsigned i, char to[16])
{
    snprintf(to, 16, "key %06u", i);
    return to;
}

/* Values do not compress. */
static char *value_of(unsigned i, char to[VALUE + 1])
{
    struct rng rng;

    rng_init(&rng, i + 1);
    for (size_t at = 0; at < VALUE; at++)
        to[at] = (char)('!' + rng_below(&rng, 94));
    to[VALUE] = '\0';
    return to;
}

static size_t count_files(struct strata_fs *fs)
{
    struct fs_names names;
    struct strata_error err;
    size_t count;

    assert_ok(fs_list(fs, DIR, &names, &err), &err);
    count = names.count;
    fs_names_free(&names);
    return count;
}

static void end(struct sessions *s, struct strata *db, uint64_t before)
{
    struct strata_fs *killed = s->set.killed ? fs_sim_copy(s->fs) : NULL;
    uint64_t written = s->fs->bytes_written - before;

    close_it(db);
    if (!killed)
        written = s->fs->bytes_written - before;
    s->written += written;
    s->worst = written > s->worst ? written : s->worst;
    if (killed) {
        fs_free(s->fs);
        s->fs = killed;
    }
    if (count_files(s->fs) > s->most_files)
        s->most_files = count_files(s->fs);
}

static void run(struct sessions *s, unsigned from, unsigned to)
{
    char key[16], value[VALUE + 1];
    struct strata_error err;

    for (unsigned i = from; i < to; i++) {
        uint64_t before = s->fs->bytes_written;
        struct strata *db = open_as(s->fs, &s->set, false);
        assert_put(db, key_of(s->set.key(i), key), value_of(i, value));
        if (s->set.flushed)
            assert_ok(strata_flush(db, &err), &err);
        end(s, db, before);
    }
}

static struct sessions begin(struct setting set)
{
    if (!set.memtable_bytes)
        set.memtable_bytes = 1 << 20;
    return (struct sessions){.set = set, .fs = fs_sim_new()};
}

/* Files that an open and a get open. */
static uint64_t opened_by_a_get(const struct sessions *s, unsigned i)
{
    uint64_t before = s->fs->calls[FS_CALL_OPEN];
    struct strata *db = open_as(s->fs, &s->set, true);
    char key[16], value[VALUE + 1];

    assert_get(db, key_of(s->set.key(i), key), value_of(i, value));
    close_it(db);
    return s->fs->calls[FS_CALL_OPEN] - before;
}

/* All is there, and the database is whole. */
static void finish(struct sessions *s, unsigned count)
{
    struct strata *db = open_as(s->fs, &s->set, true);
    char key[16], value[VALUE + 1];
    struct strata_error err;

    for (unsigned i = 0; i < count; i++)
        assert_get(db, key_of(s->set.key(i), key), value_of(i, value));
    assert_ok(strata_verify(db, NULL, &err), &err);
    close_it(db);
    fs_free(s->fs);
}

static void expect_few(struct setting set, unsigned count, size_t files)
{
    struct sessions s = begin(set);

    run(&s, 0, count);
    assert_in_range(s.most_files, 4, files);
    assert_in_range(opened_by_a_get(&s, count / 2), 1, files + 4);
    finish(&s, count);
}

/* ---- The tests ------------------------------------------------------------------------------- */

static void sessions_leave_few_tables_whatever_their_keys(void **state)
{
    (void)state;
    expect_few((struct setting){.key = rising}, check_quick() ? 1000 : 3000, 20);
    expect_few((struct setting){.key = falling}, 600, 20);
    expect_few((struct setting){.key = scattered}, 600, 20);
    expect_few((struct setting){.key = in_turn}, 600, 20);
}

static void sessions_leave_few_tables_however_they_end(void **state)
{
    (void)state;
    expect_few((struct setting){.key = rising, .killed = true}, 600, 25);
    expect_few((struct setting){.key = scattered, .killed = true}, 600, 25);
    expect_few((struct setting){.key = rising, .flushed = true}, 600, 20);
    expect_few((struct setting){.key = scattered, .flushed = true}, 600, 20);
}

static void sessions_leave_few_tables_with_any_policy(void **state)
{
    (void)state;
    expect_few((struct setting){.key = rising, .fixed = true}, 600, 20);
    expect_few((struct setting){.key = scattered, .fixed = true}, 600, 20);
    expect_few((struct setting){.key = rising, .tiered = true}, 600, 32);
    expect_few((struct setting){.key = rising, .tiered = true, .killed = true}, 600, 32);
}

/* An entry is rewritten each time that its table doubles, and not more often. */
static void sessions_write_in_proportion(void **state)
{
    struct sessions s = begin((struct setting){.key = rising});
    uint64_t first;

    (void)state;
    run(&s, 0, 300);
    first = s.written;
    run(&s, 300, 1200);
    assert_in_range(s.written, first, 4 * first * 5 / 4);
    assert_in_range(s.worst, 1, 1200 * (VALUE + 40)); /* one merge of it all */
    finish(&s, 1200);
    s = begin((struct setting){.key = scattered});
    run(&s, 0, 600);
    assert_in_range(s.written, 1, 600 * SESSION_BYTES); /* log, manifest and names among it */
    finish(&s, 600);
}

/* A full memtable whose keys are all behind those of the tables costs no compaction. */
static void sessions_of_full_tables_are_moved(void **state)
{
    struct sessions s = begin((struct setting){.key = rising, .memtable_bytes = 64 << 10});
    char key[16], value[VALUE + 1];
    struct strata *db = open_as(s.fs, &s.set, false);

    (void)state;
    for (unsigned i = 0; i < 8000; i++)
        assert_put(db, key_of(i, key), value_of(i, value));
    assert_true(check_stat(db, "level6_moves") >= 8);
    for (unsigned level = 0; level < 7; level++) {
        char name[32];
        snprintf(name, sizeof name, "level%u_compactions", level);
        assert_int_equal(check_stat(db, name), 0);
    }
    close_it(db);
    finish(&s, 8000);
}

/* A program with a very small memtable left one table a session. */
static void sessions_merge_what_others_left(void **state)
{
    struct sessions s = begin((struct setting){.key = rising, .memtable_bytes = 800});
    size_t left;

    (void)state;
    run(&s, 0, 110);
    left = count_files(s.fs);
    assert_true(left > 100);
    s.set.memtable_bytes = 1 << 20;
    s.worst = 0;
    run(&s, 110, 200);
    assert_in_range(s.worst, 1, 200 * (VALUE + 400)); /* never all of it again */
    assert_in_range(count_files(s.fs), 4, 25);
    finish(&s, 200);
}

/* What is next to it is merged all the same, on both levels. */
static void sessions_leave_a_damaged_table_alone(void **state)
{
    struct sessions s = begin((struct setting){.key = rising});
    const char *path = NULL;
    struct strata *db;
    size_t files;

    (void)state;
    run(&s, 0, 122);
    files = count_files(s.fs) - 6; /* tables; the marker, CURRENT, manifest, log, lock, events */
    path = harm_file(s.fs, DIR, SUFFIX, files - 3); /* two are on level 0 */
    harm_flip(s.fs, path, 40);
    run(&s, 122, 600);
    assert_in_range(s.most_files, 4, 25);
    db = open_as(s.fs, &s.set, true);
    assert_in_range(check_stat(db, "level0_files"), 0, 4);
    assert_in_range(check_stat(db, "level6_files"), 2, 5);
    close_it(db);
    fs_free(s.fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_leave_few_tables_whatever_their_keys),
        cmocka_unit_test(sessions_leave_few_tables_however_they_end),
        cmocka_unit_test(sessions_leave_few_tables_with_any_policy),
        cmocka_unit_test(sessions_write_in_proportion),
        cmocka_unit_test(sessions_of_full_tables_are_moved),
        cmocka_unit_test(sessions_merge_what_others_left),
        cmocka_unit_test(sessions_leave_a_damaged_table_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
