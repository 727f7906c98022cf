/* contract_process_test.c: who may open a database at the same time: handles of one process, other
 * processes, forked children, other users. */
#define _GNU_SOURCE
#include "test.h"

#include "child.h"
#include "fs/fs_posix.h"
#include "db/marker.h"
#include "place.h"
#include "crash/subject.h"
#include "tmpdir.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_as(struct place *place, bool read_only, struct strata **db,
                   struct strata_error *err)
{
    struct strata_options options;
    subject_options(&options, place->fs, false);
    options.read_only = read_only;
    return strata_open(place->dir, &options, db, err);
}

static void expect_locked(struct place *place, bool read_only)
{
    struct strata_error err;
    struct strata *db;
    assert_code(open_as(place, read_only, &db, &err), STRATA_ERR_LOCKED, &err);
    assert_null(db);
    assert_err_says(&err, place->dir);
    assert_err_says(&err, "another handle");
}

/* ---- One process ------------------------------------------------------------------------ */

static void process_second_writer_of_a_process_is_locked_out(void **state)
{
    struct place *place = *state;
    struct strata *db = place_open(place, true);

    assert_put(db, "key", "1");
    for (int i = 0; i < 3; i++)
        expect_locked(place, false);
    assert_put(db, "key", "2"); /* the first one does not notice */
    assert_get(db, "key", "2");
    place_close(db);
    db = place_open(place, false);
    assert_get(db, "key", "2");
    place_close(db);
}

/* The lock is on the file, not on its name nor on the file layer. */
static void process_second_writer_by_another_name_is_locked_out(void **state)
{
    struct place *place = *state;
    char *names[] = {tmpdir_path(place->root, "db/"), tmpdir_path(place->root, "./db"),
                     tmpdir_path(place->root, "db/../db"), tmpdir_path(place->root, "link")};
    struct strata *db, *second;
    struct strata_fs *other = fs_posix_new();
    struct strata_error err;

    assert_int_equal(symlink("db", names[3]), 0);
    db = place_open(place, true);
    for (size_t i = 0; i < 4; i++) {
        assert_code(subject_open(place->fs, names[i], false, &second, &err), STRATA_ERR_LOCKED,
                    &err);
        assert_code(subject_open(other, names[i], true, &second, &err), STRATA_ERR_LOCKED, &err);
        free(names[i]);
    }
    place_close(db);
    fs_free(other);
}

/* Readers and a writer exclude each other, unless the stage promises that they need not. */
static bool may_read_beside_a_writer(void)
{
    return subject_promises(STRATA_PROMISE_READERS);
}

static void share_and_keep_writers_out(struct place *place)
{
    struct strata *readers[3], *writer;
    struct strata_error err;

    for (size_t i = 0; i < 3; i++)
        assert_ok(open_as(place, true, &readers[i], &err), &err);
    for (size_t i = 0; i < 3; i++) {
        expect_locked(place, false);
        assert_get(readers[i], "key", "value");
        place_close(readers[i]);
    }
    assert_ok(open_as(place, false, &writer, &err), &err);
    expect_locked(place, true);
    place_close(writer);
}

static void read_beside_a_writer(struct place *place)
{
    struct strata *before, *writer, *after;
    struct strata_error err;

    assert_ok(open_as(place, true, &before, &err), &err);
    assert_ok(open_as(place, false, &writer, &err), &err);
    expect_locked(place, false);
    assert_put(writer, "key", "later");
    assert_ok(open_as(place, true, &after, &err), &err);
    assert_put(writer, "key", "last");
    assert_get(before, "key", "value");
    assert_get(after, "key", "later");
    place_close(writer);
    assert_get(before, "key", "value");
    assert_get(after, "key", "later");
    place_close(before);
    place_close(after);
}

static void process_readers_share_and_keep_writers_out_unless_promised(void **state)
{
    place_fill(*state);
    if (may_read_beside_a_writer())
        read_beside_a_writer(*state);
    else
        share_and_keep_writers_out(*state);
}

static void process_open_that_fails_locks_nothing(void **state)
{
    struct place *place = *state;
    struct strata_buffer marker;
    struct strata_error err;

    place_fill(place);
    marker = place_read(place, "db/STRATA");
    marker.data[9] ^= 1;
    place_write(place, "db/STRATA", strata_buffer_slice(&marker));
    for (int i = 0; i < 3; i++)
        place_refused_as(place, false, STRATA_ERR_CORRUPT, &err);
    marker.data[9] ^= 1;
    place_write(place, "db/STRATA", strata_buffer_slice(&marker));
    strata_buffer_free(&marker);
    place_expect_intact(place);
}

/* ---- Other processes -------------------------------------------------------------------- */

/* A child that was there before: opens when told to ('w' or 'r'), says how it went, holds the
 * database until the next word. Says 'o' open, 'l' locked, 'x' anything else. */
static int other_process(struct child *self, void *arg)
{
    struct strata *db = NULL;
    char word;

    while ((word = child_hear(self))) {
        int rc = 0;
        if (db)
            rc = strata_close(db, NULL);
        db = NULL;
        if (rc == 0 && word != 'c')
            rc = open_as(arg, word == 'r', &db, NULL);
        child_say(self, rc == 0 ? 'o' : rc == STRATA_ERR_LOCKED ? 'l' : 'x');
    }
    return db ? strata_close(db, NULL) != 0 : 0;
}

static char ask(struct child *child, char word)
{
    child_say(child, word);
    return child_hear(child);
}

static void process_other_writer_is_locked_out_both_ways(void **state)
{
    struct place *place = *state;
    const bool reads = may_read_beside_a_writer();
    struct strata_error err;
    struct strata *db;
    struct child child;

    place_fill(place);
    child_start(&child, other_process, place);
    db = place_open(place, false);
    assert_int_equal(ask(&child, 'w'), 'l');
    assert_int_equal(ask(&child, 'r'), reads ? 'o' : 'l');
    expect_locked(place, false); /* and a failed one of our own frees nothing */
    assert_int_equal(ask(&child, 'w'), 'l');
    place_close(db);
    assert_int_equal(ask(&child, 'w'), 'o');
    expect_locked(place, false);
    if (!reads)
        expect_locked(place, true);
    assert_int_equal(ask(&child, 'c'), 'o');
    assert_ok(open_as(place, true, &db, &err), &err);
    assert_int_equal(ask(&child, 'r'), 'o'); /* readers share */
    assert_int_equal(ask(&child, 'w'), reads ? 'o' : 'l');
    place_close(db);
    assert_int_equal(ask(&child, 'w'), 'o');
    assert_int_equal(child_wait(&child), 0);
    place_expect_intact(place);
}

static void process_killed_writer_leaves_no_lock(void **state)
{
    struct place *place = *state;
    struct child child;

    place_fill(place);
    child_start(&child, other_process, place);
    assert_int_equal(ask(&child, 'w'), 'o');
    expect_locked(place, false);
    assert_int_equal(kill(child.pid, SIGKILL), 0);
    assert_int_equal(child_wait(&child), 1000 + SIGKILL);
    place_expect_intact(place);
}

/* ---- Forked children -------------------------------------------------------------------- */

struct inherited {
    struct place *place;
    struct strata *db;
    struct strata_iter *iter;
};

/* A child of the process that has it open: every call is refused, closing does nothing. Returns
 * the number of the first call that was not. */
static int use_inherited(struct child *self, void *arg)
{
    struct inherited *in = arg;
    struct strata_slice key = strata_string("key"), value;
    struct strata_batch *batch = strata_batch_new();
    struct strata_snapshot *snapshot;
    struct strata_iter *iter;
    struct strata_view view = {0};
    struct strata *second;
    const int results[] = {
        strata_put(in->db, key, key, NULL),
        strata_delete(in->db, key, NULL),
        strata_get(in->db, key, NULL, NULL),
        strata_get_borrowed(in->db, key, &view, NULL),
        strata_write(in->db, batch, 0, NULL),
        strata_sync(in->db, NULL),
        strata_flush(in->db, NULL),
        strata_compact(in->db, NULL, NULL),
        strata_compact_range(in->db, key, key, NULL, NULL),
        strata_verify(in->db, NULL, NULL),
        strata_backup(in->db, "to", NULL, NULL),
        strata_tables(in->db, NULL, NULL, NULL),
        strata_events(in->db, NULL, NULL, NULL),
        strata_iter_new(in->db, &iter, NULL),
        strata_snapshot_new(in->db, &snapshot, NULL),
        strata_iter_first(in->iter, NULL),
        strata_iter_last(in->iter, NULL),
        strata_iter_seek(in->iter, key, NULL),
        strata_iter_seek_before(in->iter, key, NULL),
        strata_iter_next(in->iter, NULL),
        strata_iter_prev(in->iter, NULL),
        strata_iter_value(in->iter, &value, NULL),
        strata_close(in->db, NULL),
    };

    (void)self;
    strata_iter_free(in->iter);
    strata_batch_free(batch);
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (results[i] != STRATA_ERR_INVALID)
            return (int)i + 1;
    /* the parent's lock holds, for the child as for anyone */
    return open_as(in->place, false, &second, NULL) == STRATA_ERR_LOCKED ? 0 : 100;
}

static void process_child_cannot_use_or_unlock_what_it_inherited(void **state)
{
    static struct inherited in; /* in the child nothing frees it, and it is no leak */
    struct strata_error err;
    struct child other;

    in.place = *state;
    place_fill(in.place);
    child_start(&other, other_process, in.place);
    in.db = place_open(in.place, false);
    assert_ok(strata_iter_new(in.db, &in.iter, &err), &err);
    assert_ok(strata_iter_first(in.iter, &err), &err);
    assert_int_equal(child_run(use_inherited, &in), 0);
    assert_int_equal(ask(&other, 'w'), 'l');
    assert_put(in.db, "key", "value"); /* all is as it was for the parent */
    assert_ok(strata_iter_next(in.iter, &err), &err);
    strata_iter_free(in.iter);
    place_close(in.db);
    assert_int_equal(ask(&other, 'w'), 'o');
    assert_int_equal(child_wait(&other), 0);
    place_expect_intact(in.place);
}

static int linger(struct child *self, void *arg)
{
    (void)arg;
    child_say(self, 'h');
    child_hear(self);
    return 0;
}

static void process_living_child_does_not_hold_what_its_parent_closed(void **state)
{
    struct place *place = *state;
    struct child other, child;
    struct strata *db;

    place_fill(place);
    child_start(&other, other_process, place);
    db = place_open(place, false);
    child_start(&child, linger, NULL);
    assert_int_equal(child_hear(&child), 'h');
    assert_int_equal(ask(&other, 'w'), 'l');
    place_close(db);
    place_expect_intact(place);
    assert_int_equal(ask(&other, 'w'), 'o');
    assert_int_equal(child_wait(&other), 0);
    assert_int_equal(child_wait(&child), 0);
}

/* After the fork each side may open databases of its own. */
static int open_own(struct child *self, void *arg)
{
    struct inherited *in = arg;
    struct strata_error err = {0};
    struct strata *db;
    char *own = tmpdir_path(in->place->root, "own");
    int rc = subject_open(in->place->fs, own, true, &db, &err);

    (void)self;
    free(own);
    if (rc != 0)
        return 1;
    if (strata_put(db, strata_string("k"), strata_string("v"), &err) != 0 ||
        strata_get(db, strata_string("k"), NULL, &err) != 0)
        return 2;
    return strata_close(db, &err) == 0 ? 0 : 3;
}

static void process_child_can_open_a_database_of_its_own(void **state)
{
    struct inherited in = {*state, NULL, NULL};
    struct strata_error err;
    struct strata *db;
    char *own = tmpdir_path(in.place->root, "own");

    in.db = place_open(in.place, true);
    assert_int_equal(child_run(open_own, &in), 0);
    assert_ok(subject_open(in.place->fs, own, false, &db, &err), &err);
    assert_get(db, "k", "v");
    place_close(db);
    place_close(in.db);
    free(own);
}

/* ---- An unprivileged user --------------------------------------------------------------- */

#define CANNOT 77 /* the child could not become another user */

static bool become_nobody(void)
{
    if (geteuid() != 0)
        return true;
    return setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0;
}

/* 0, or the number of the step that went wrong. */
static int as_nobody(struct child *self, void *arg)
{
    struct place *place = arg;
    struct strata_options options;
    struct strata_error err = {0};
    struct strata *db;
    char *other = tmpdir_path(place->root, "other");

    (void)self;
    if (!become_nobody())
        return CANNOT;
    subject_options(&options, place->fs, false);
    if (strata_open(place->dir, &options, &db, &err) != STRATA_ERR_IO || err.sys != EACCES)
        return 1;
    if (strncmp(err.file, place->dir, strlen(place->dir)) != 0)
        return 2;
    options.create = true;
    if (strata_open(other, &options, &db, &err) != STRATA_ERR_IO || err.sys != EACCES)
        return 3;
    if (strcmp(err.file, other) != 0 || access(other, F_OK) == 0)
        return 4;
    options.create = false;
    options.read_only = true;
    if (strata_open(place->dir, &options, &db, &err) != 0)
        return 5;
    if (strata_get(db, strata_string("key"), NULL, &err) != 0)
        return 6;
    if (strata_put(db, strata_string("key"), strata_string("v"), &err) != STRATA_ERR_READ_ONLY)
        return 7;
    if (strata_close(db, &err) != 0)
        return 8;
    free(other);
    return 0;
}

static void make_unwritable(struct place *place, const char *path)
{
    (void)place;
    assert_int_equal(chmod(path, 0444), 0);
}

static void skip_unless(int rc)
{
    if (rc == CANNOT) {
        check_skipping("root here cannot become another user");
        skip();
    }
    if (rc != 0)
        fail_msg("the unprivileged child failed at step %d", rc);
}

static void process_directory_that_cannot_be_written_can_be_read(void **state)
{
    struct place *place = *state;
    char *lock = tmpdir_path(place->dir, "LOCK"), *marker = tmpdir_path(place->dir, MARKER_NAME);

    place_fill(place);
    place_each_data_file(place, make_unwritable);
    make_unwritable(place, lock);
    make_unwritable(place, marker);
    assert_int_equal(chmod(place->dir, 0555), 0);
    assert_int_equal(chmod(place->root, 0555), 0);
    skip_unless(child_run(as_nobody, place));
    assert_int_equal(chmod(place->dir, 0755), 0);
    assert_int_equal(unlink(lock), 0); /* on a medium that never had one */
    assert_int_equal(chmod(place->dir, 0555), 0);
    skip_unless(child_run(as_nobody, place));
    free(lock);
    free(marker);
}

static int as_nobody_without_access(struct child *self, void *arg)
{
    struct place *place = arg;
    struct strata_error err = {0};
    struct strata *db;

    (void)self;
    if (!become_nobody())
        return CANNOT;
    for (int create = 0; create < 2; create++) {
        if (subject_open(place->fs, place->dir, create, &db, &err) != STRATA_ERR_IO || db)
            return 1;
        if (err.sys != EACCES || strncmp(err.file, place->dir, strlen(place->dir)) != 0)
            return 2;
    }
    return 0;
}

static void process_directory_that_cannot_be_entered_is_an_error(void **state)
{
    struct place *place = *state;

    place_fill(place);
    assert_int_equal(chmod(place->dir, 0), 0);
    assert_int_equal(chmod(place->root, 0755), 0);
    skip_unless(child_run(as_nobody_without_access, place));
    assert_int_equal(chmod(place->dir, 0755), 0);
    place_expect_intact(place);
}

#define process_test(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

/* ---- Little address space --------------------------------------------------------------- */

#define ENTRIES 16000u
#define VALUE 1000u

static void value_of(uint32_t n, uint8_t *value)
{
    for (uint32_t i = 0; i < VALUE; i++)
        value[i] = (uint8_t)((n * 2654435761u + i * 40503u) >> 7 ^ (n + i) * 31u);
}

static bool is_value_of(uint32_t n, struct strata_slice value)
{
    uint8_t wanted[VALUE];

    value_of(n, wanted);
    return value.size == VALUE && memcmp(value.data, wanted, VALUE) == 0;
}

static int put_all(struct strata *db)
{
    uint8_t value[VALUE];

    for (uint32_t n = 0; n < ENTRIES; n++) {
        value_of(n, value);
        if (strata_put(db, strata_bytes(&n, sizeof n), strata_bytes(value, VALUE), NULL) != 0)
            return 2;
    }
    return 0;
}

static int get_and_scan_all(struct strata *db)
{
    uint32_t step = subject_info()->stage == 1 ? ENTRIES / 8 : 1; /* there a get reads the file */
    struct strata_buffer value = {0};
    struct strata_slice slice;
    struct strata_iter *iter;
    uint32_t seen = 0;
    int rc;

    for (uint32_t n = 0; n < ENTRIES; n += step)
        if (strata_get(db, strata_bytes(&n, sizeof n), &value, NULL) != 0 ||
            !is_value_of(n, strata_buffer_slice(&value)))
            return 3;
    strata_buffer_free(&value);
    if (strata_iter_new(db, &iter, NULL) < 0)
        return 4;
    for (rc = strata_iter_first(iter, NULL); rc == 0; rc = strata_iter_next(iter, NULL), seen++)
        if (strata_iter_value(iter, &slice, NULL) < 0 || slice.size != VALUE)
            return 5;
    strata_iter_free(iter);
    return seen == ENTRIES ? 0 : 6;
}

/* More data than the limit leaves for the cache of 256 MiB that the options have. */
static int work_in_little_address_space(struct child *self, void *arg)
{
    struct place *place = arg;
    struct strata_options options;
    struct rlimit limit;
    struct strata *db;
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    int rc;

    (void)self;
    if (!statm || fscanf(statm, "%lu", &pages) != 1)
        return 100;
    fclose(statm);
    limit.rlim_cur = limit.rlim_max = pages * (rlim_t)sysconf(_SC_PAGESIZE) + (32 << 20);
    subject_options(&options, place->fs, true);
    options.sync = STRATA_SYNC_NEVER;
    options.memtable_bytes = 1 << 20;
    options.cache_bytes = (size_t)256 << 20;
    options.segment_bytes = options.level_bytes = 8 << 20;
    options.table_bytes = 2 << 20;
    options.block_bytes = 4096;
    if (setrlimit(RLIMIT_AS, &limit) != 0 || strata_open(place->dir, &options, &db, NULL) < 0)
        return 1;
    rc = put_all(db);
    if (rc == 0)
        rc = get_and_scan_all(db);
    return strata_close(db, NULL) < 0 ? 7 : rc;
}

static void process_with_little_address_space_puts_gets_and_scans(void **state)
{
    if (check_sanitized()) {
        check_skipping("a sanitizer takes address space of its own");
        skip();
    }
    assert_int_equal(child_run(work_in_little_address_space, *state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        process_test(process_second_writer_of_a_process_is_locked_out),
        process_test(process_second_writer_by_another_name_is_locked_out),
        process_test(process_readers_share_and_keep_writers_out_unless_promised),
        process_test(process_open_that_fails_locks_nothing),
        process_test(process_other_writer_is_locked_out_both_ways),
        process_test(process_killed_writer_leaves_no_lock),
        process_test(process_child_cannot_use_or_unlock_what_it_inherited),
        process_test(process_living_child_does_not_hold_what_its_parent_closed),
        process_test(process_child_can_open_a_database_of_its_own),
        process_test(process_directory_that_cannot_be_written_can_be_read),
        process_test(process_directory_that_cannot_be_entered_is_an_error),
        process_test(process_with_little_address_space_puts_gets_and_scans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
