/* 10_background_test.c: flush, compaction and removal beside the calls: by steps that a seed draws,
 * and by a thread. What they do when something is short, or fails; and many threads at once. */
#include "test.h"

#include "10_concurrency/snapshot_tree.h"
#include "09_fast_paths/memtable/bptree.h"
#include "crash/sim/fs_sim.h"
#include "crash/subject.h"
#include "db/db.h"
#include "rng.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define S(text) strata_string(text)
#define DIR "db"
#define MS ((uint64_t)1000000)
#define HOUR ((uint64_t)3600000 * MS)

/* ---- A file system that fails for tables ----------------------------------------------------- */

static const struct fs_ops *sim;
static struct fs_ops ops;
static _Atomic int trouble; /* errno that new tables get; 0: none */
static _Atomic bool slow;   /* so is another thread that makes one */
static _Atomic unsigned tries, by_others;
static _Atomic unsigned owner; /* striped_me of the thread that calls; 0: it does not matter */

static int open_table(struct strata_fs *fs, const char *path, unsigned flags, struct fs_file **out)
{
    if (strstr(path, ".table") && flags & FS_CREATE) {
        by_others += owner != striped_me();
        tries++;
        if (slow && owner != striped_me())
            sync_sleep(200 * MS);
        if (trouble)
            return -trouble;
    }
    return sim->open(fs, path, flags, out);
}

static struct tree *_Atomic looked_at; /* NULL: none */
static _Atomic unsigned half_made;

static bool is_half_made(const struct compact *work)
{
    return work && (!work->began_ns || work->began_ns > HOUR || !work->bytes ||
                    work->bytes > 1 << 30 || work->records > 1 << 30);
}

/* In any call of another thread that is not an event's. */
static uint64_t now_watching(struct strata_fs *fs)
{
    struct tree *tree = looked_at;

    if (tree && owner != striped_me() && sync_trylock(&tree->listening)) {
        half_made += is_half_made(tree->logged[0]) || is_half_made(tree->logged[1]);
        sync_unlock(&tree->listening);
    }
    return sim->now(fs);
}

static struct strata_fs *disk_new(void)
{
    struct strata_fs *fs = fs_sim_new();

    assert_non_null(fs);
    sim = fs->ops;
    ops = *sim;
    ops.open = open_table;
    ops.now = now_watching;
    looked_at = NULL;
    half_made = 0;
    fs->ops = &ops;
    trouble = 0;
    slow = false;
    tries = by_others = 0;
    owner = striped_me();
    return fs;
}

static void disk_free(struct strata_fs *fs)
{
    fs->ops = sim;
    fs_free(fs);
}

static uint64_t event_log_bytes;
static enum strata_sync sync_mode = STRATA_SYNC_NEVER;

/* `seed` 0: a thread. */
static struct strata *open_it(struct strata_fs *fs, uint32_t seed)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, true);
    options.memtable_bytes = 16 << 10;
    options.block_bytes = 512;
    options.table_bytes = 8 << 10;
    options.level_bytes = 16 << 10;
    options.sync = sync_mode;
    options.event_log_bytes = event_log_bytes;
    options.background_seed = seed;
    options.background_threads = seed == 0;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

static void close_it(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

#define KEYS 400u

static int put_nth(struct strata *db, unsigned i, struct strata_error *err)
{
    char key[16], value[120];

    snprintf(key, sizeof key, "key %04u", i * 7919 % KEYS);
    snprintf(value, sizeof value, "%0100u", i);
    return strata_put(db, S(key), S(value), err);
}

static void put_range(struct strata *db, unsigned from, unsigned to)
{
    struct strata_error err;
    for (unsigned i = from; i < to; i++)
        assert_ok(put_nth(db, i, &err), &err);
}

/* All keys have what put_range last put, up to `to`. */
static void expect_up_to(struct strata *db, unsigned to)
{
    char key[16], value[120];

    for (unsigned i = to - KEYS; i < to; i++) {
        snprintf(key, sizeof key, "key %04u", i * 7919 % KEYS);
        snprintf(value, sizeof value, "%0100u", i);
        assert_get(db, key, value);
    }
}

static void verify_it(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_verify_deep(db, NULL, &err), &err);
}

/* ---- POSIX's calls, to be seen, or late ----------------------------------------------------- */

static _Atomic bool other_waits; /* a thread that does not own the test, or has slept */

static void os_lock(struct sync_mutex *mutex)
{
    if (pthread_mutex_trylock(&mutex->os) == 0)
        return;
    other_waits = other_waits || striped_me() != owner; /* the owner may have it, at a point */
    pthread_mutex_lock(&mutex->os);
}

static bool os_trylock(struct sync_mutex *mutex)
{
    return pthread_mutex_trylock(&mutex->os) == 0;
}

static void os_unlock(struct sync_mutex *mutex)
{
    pthread_mutex_unlock(&mutex->os);
}

static void os_wait(struct sync_cond *cond, struct sync_mutex *mutex)
{
    other_waits = other_waits || striped_me() != owner;
    pthread_cond_wait(&cond->os, &mutex->os);
}

static bool os_wait_until(struct sync_cond *cond, struct sync_mutex *mutex, uint64_t ns)
{
    struct timespec until = {(time_t)(ns / (1000 * MS)), (long)(ns % (1000 * MS))};

    return pthread_cond_timedwait(&cond->os, &mutex->os, &until) == 0;
}

static void os_wake_one(struct sync_cond *cond)
{
    pthread_cond_signal(&cond->os);
}

static void os_wake_all(struct sync_cond *cond)
{
    pthread_cond_broadcast(&cond->os);
}

static int os_start(struct sync_thread *thread, void *(*run)(void *arg), void *arg)
{
    return pthread_create(&thread->os, NULL, run, arg);
}

static void *os_join(struct sync_thread *thread)
{
    void *result = NULL;

    pthread_join(thread->os, &result);
    return result;
}

static void os_sleep(uint64_t ns)
{
    struct timespec time = {0, (long)ns};

    other_waits = true;
    nanosleep(&time, NULL);
}

static uint64_t os_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

static void os_yield(void)
{
    sched_yield();
}

static void os_point(void)
{
}

static const struct sync_scheduler posix = {
    .lock = os_lock,
    .trylock = os_trylock,
    .unlock = os_unlock,
    .wait = os_wait,
    .wait_until = os_wait_until,
    .wake_one = os_wake_one,
    .wake_all = os_wake_all,
    .start = os_start,
    .join = os_join,
    .now = os_now,
    .sleep = os_sleep,
    .yield = os_yield,
    .point = os_point,
};

/* ---- Work ------------------------------------------------------------------------------------ */

static uint64_t compactions(struct strata *db)
{
    uint64_t all = 0;

    for (int level = 0; level < 7; level++) {
        char name[40];
        uint64_t one;
        snprintf(name, sizeof name, "level%d_compactions", level);
        one = check_stat(db, name);
        all += one == UINT64_MAX ? 0 : one;
    }
    return all;
}

static void background_steps_of_a_seed_flush_and_compact(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        struct strata_fs *fs = disk_new();
        struct strata *db = open_it(fs, seed);
        put_range(db, 0, 3000);
        expect_up_to(db, 3000);
        assert_true(check_stat(db, "flushes") > 10);
        assert_true(compactions(db) > 0);
        verify_it(db);
        close_it(db);
        db = open_it(fs, seed + 1);
        expect_up_to(db, 3000);
        close_it(db);
        disk_free(fs);
    }
}

/* The same seed does the same work at the same calls. */
static void background_steps_of_a_seed_are_the_same_again(void **state)
{
    struct fs_sim_hash first = {0, 0};

    (void)state;
    for (int round = 0; round < 2; round++) {
        struct strata_fs *fs = disk_new();
        struct strata *db = open_it(fs, 5);
        struct fs_sim_hash now;
        put_range(db, 0, 2000);
        now = fs_sim_hash_of(fs);
        if (round)
            assert_memory_equal(&now, &first, sizeof now);
        first = now;
        close_it(db);
        disk_free(fs);
    }
}

/* Also as the database is closed with work in flight: what was put is there. */
static void background_thread_flushes_and_compacts(void **state)
{
    unsigned to = 0;
    struct strata_fs *fs = disk_new();

    (void)state;
    for (unsigned round = 0; round < 10; round++) {
        struct strata *db = open_it(fs, 0);
        put_range(db, to, to + 1500);
        to += 1500;
        expect_up_to(db, to);
        assert_true(check_stat(db, "flushes") > 5);
        if (round % 3 == 0)
            verify_it(db);
        close_it(db);
    }
    assert_true(by_others > 50); /* tables; those of close are the caller's */
    assert_true(tries - by_others <= 30);
    disk_free(fs);
}

static _Atomic unsigned starts;

static int count_start(struct sync_thread *thread, void *(*run)(void *arg), void *arg)
{
    starts++;
    return os_start(thread, run, arg);
}

static int refuse_start(struct sync_thread *thread, void *(*run)(void *arg), void *arg)
{
    (void)thread;
    (void)run;
    (void)arg;
    starts++;
    return EAGAIN;
}

/* A handle that leaves no work has none. */
static void background_thread_begins_with_the_first_work(void **state)
{
    struct strata_fs *fs = disk_new();
    struct sync_scheduler counting = posix;
    struct strata *db;

    (void)state;
    counting.start = count_start;
    starts = 0;
    sync_scheduler = &counting;
    for (int i = 0; i < 3; i++) {
        db = open_it(fs, 0);
        put_range(db, 0, 20);
        close_it(db);
    }
    assert_int_equal(starts, 0);
    db = open_it(fs, 0);
    put_range(db, 0, 3000);
    close_it(db);
    sync_scheduler = NULL;
    assert_int_equal(starts, 1);
    disk_free(fs);
}

/* The system has no more threads: that is reported, and no error of a write. */
static void background_without_a_thread_is_done_by_writers(void **state)
{
    struct strata_fs *fs = disk_new();
    struct sync_scheduler refusing = posix;
    unsigned long warnings = subject_warnings();
    struct strata *db;

    (void)state;
    refusing.start = refuse_start;
    starts = 0;
    sync_scheduler = &refusing;
    db = open_it(fs, 0);
    put_range(db, 0, 3000);
    expect_up_to(db, 3000);
    assert_true(check_stat(db, "flushes") > 10);
    assert_true(compactions(db) > 0);
    verify_it(db);
    close_it(db);
    sync_scheduler = NULL;
    assert_int_equal(starts, 1);
    assert_int_equal(by_others, 0);
    assert_int_equal(subject_warnings() - warnings, 1);
    disk_free(fs);
}

static _Atomic int held; /* mutexes */
static unsigned warned_of_a_thread;

static void count_lock(struct sync_mutex *mutex)
{
    os_lock(mutex);
    held++;
}

static bool count_trylock(struct sync_mutex *mutex)
{
    bool has = os_trylock(mutex);
    held += has;
    return has;
}

static void count_unlock(struct sync_mutex *mutex)
{
    held--;
    os_unlock(mutex);
}

static void expect_no_lock(void *arg, const char *message)
{
    (void)arg;
    warned_of_a_thread += strstr(message, "start a thread") != NULL;
    assert_int_equal(held, 0);
}

/* What is called may wait for another thread that uses the handle. So it is called with nothing
 * locked, whichever work is the first: a flush; or a compaction that earlier handles have left. */
static void background_without_a_thread_is_logged_with_nothing_locked(void **state)
{
    struct strata_fs *fs = disk_new();
    struct sync_scheduler refusing = posix;
    unsigned to = 700;
    struct strata *db;

    (void)state;
    refusing.start = refuse_start;
    refusing.lock = count_lock;
    refusing.trylock = count_trylock;
    refusing.unlock = count_unlock;
    held = 0;
    warned_of_a_thread = 0;
    subject_on_warning(expect_no_lock, NULL);
    sync_scheduler = &refusing;
    db = open_it(fs, 0);
    put_range(db, 0, to);
    close_it(db);
    assert_int_equal(warned_of_a_thread, 1);
    sync_mode = STRATA_SYNC_ALWAYS; /* the first write, which syncs, leaves compactions to others */
    for (; warned_of_a_thread == 1; to += 50) { /* each close leaves a table of level 0 */
        assert_true(to < 2000);
        db = open_it(fs, 0);
        put_range(db, to, to + 50);
        assert_true(check_stat(db, "flushes") == 0);
        close_it(db);
    }
    sync_mode = STRATA_SYNC_NEVER;
    sync_scheduler = NULL;
    subject_on_warning(NULL, NULL);
    disk_free(fs);
}

/* Events in the order that they are read in. */
struct log_reader {
    unsigned begins;
    uint64_t ns;
    bool flush, compaction; /* in progress */
};

static void expect_begun(struct log_reader *reader, const struct strata_event *event)
{
    bool *work = event->type == STRATA_EVENT_FLUSH_BEGIN ? &reader->flush : &reader->compaction;

    assert_in_range(event->ns, 1, HOUR);
    assert_in_range(event->bytes, 1, 1 << 30);
    assert_in_range(event->records, 1, 1 << 20);
    assert_in_range(event->inputs, 0, 1000);
    assert_false(*work);
    *work = true;
    reader->begins++;
}

/* A file says by itself what was in progress when it began. */
static void expect_event(void *arg, const struct strata_event *event)
{
    struct log_reader *reader = arg;

    if (event->type == STRATA_EVENT_OPEN)
        *reader = (struct log_reader){.begins = reader->begins};
    else
        assert_true(event->ns >= reader->ns);
    reader->ns = event->ns;
    if (event->type == STRATA_EVENT_FLUSH_BEGIN || event->type == STRATA_EVENT_COMPACT_BEGIN)
        expect_begun(reader, event);
    else if (event->type == STRATA_EVENT_FLUSH_END)
        reader->flush = false;
    else if (event->type == STRATA_EVENT_COMPACT_END)
        reader->compaction = false;
}

/* The leader is late with what it has to tell, and the thread with what follows. */
static bool is_listening(const struct sync_mutex *mutex)
{
    struct tree *tree = looked_at;
    return tree && mutex == &tree->listening;
}

static void late_lock(struct sync_mutex *mutex)
{
    if (is_listening(mutex) && owner == striped_me())
        os_sleep(MS);
    os_lock(mutex);
}

static void late_unlock(struct sync_mutex *mutex)
{
    os_unlock(mutex);
    if (is_listening(mutex) && owner != striped_me())
        os_sleep(MS);
}

/* What is in progress is told by the leader, too, at the beginning of each file of the event log:
 * it sees no work that is half made, nor what has ended. (TSan finds more here.) */
static void background_work_in_progress_is_logged_whole(void **state)
{
    struct strata_fs *fs = disk_new();
    struct sync_scheduler late = posix;
    struct log_reader reader = {0};
    struct strata_error err;
    struct strata *db;

    (void)state;
    late.lock = late_lock;
    late.unlock = late_unlock;
    mallopt(M_PERTURB, 0x5a); /* memory that nobody has filled in is neither 0 nor what it was */
    event_log_bytes = 8 << 10;
    sync_scheduler = &late;
    db = open_it(fs, 0);
    event_log_bytes = 0;
    looked_at = db->self;
    for (unsigned to = 0; to < 9000; to += 500) {
        put_range(db, to, to + 500);
        assert_ok(strata_events(db, expect_event, &reader, &err), &err);
    }
    looked_at = NULL;
    close_it(db);
    sync_scheduler = NULL;
    mallopt(M_PERTURB, 0);
    assert_true(reader.begins > 20);
    assert_int_equal(half_made, 0);
    disk_free(fs);
}

/* The thread stays where it has logged that a flush ended, and not yet forgotten it. */
static struct tree *_Atomic parks; /* of which tree */
static _Atomic bool parked, may_go;

static void park_unlock(struct sync_mutex *mutex)
{
    struct tree *tree = parks;

    os_unlock(mutex);
    if (!tree || mutex != &tree->listening || owner == striped_me() || !tree->flush ||
        tree->logged[true] || parked)
        return;
    parked = true;
    while (!may_go)
        os_sleep(MS / 10);
}

/* Until the event log begins another file. */
static void log_until_another_file(struct tree *tree)
{
    uint64_t end = tree->events.file->end;

    while (tree->events.file->end >= end) {
        end = tree->events.file->end;
        tree_notify(tree, (struct strata_event){.type = STRATA_EVENT_SEAL}, NULL);
    }
}

/* Its end is in the file before. (Nothing is read while the thread is parked: it has locks.) */
static void background_work_that_has_just_ended_is_not_in_progress(void **state)
{
    struct strata_fs *fs = disk_new();
    struct sync_scheduler parking = posix;
    struct log_reader reader = {0};
    struct strata_error err;
    struct tree *tree;
    struct strata *db;
    uint64_t log;

    (void)state;
    parking.unlock = park_unlock;
    parked = may_go = false;
    event_log_bytes = 16 << 10;
    sync_scheduler = &parking;
    db = open_it(fs, 0);
    event_log_bytes = 0;
    parks = tree = db->self;
    log = tree->path.log.number;
    for (unsigned i = 0; tree->path.log.number == log; i++) /* no put once there is a flush */
        put_range(db, i, i + 1);
    while (!parked)
        os_sleep(MS / 10);
    log_until_another_file(tree);
    may_go = true;
    assert_ok(strata_flush(db, &err), &err);
    put_range(db, 0, KEYS);
    assert_ok(strata_flush(db, &err), &err);
    assert_ok(strata_events(db, expect_event, &reader, &err), &err);
    parks = NULL;
    close_it(db);
    sync_scheduler = NULL;
    assert_true(reader.begins >= 2);
    disk_free(fs);
}

/* Which logs were synced, by number. */
static uint64_t log_synced;
static unsigned logs_synced;

static int note_log(struct fs_file *file)
{
    const char *name = strrchr(file->path, '/');

    if (strstr(file->path, ".log")) {
        uint64_t number = strtoull(name + 1, NULL, 10);
        assert_true(number >= log_synced);
        log_synced = number;
        logs_synced++;
    }
    return sim->sync(file);
}

/* A switch waits for the log that is full before it waits for the new one, whose metadata is on the
 * device then: the other way round a writer waits for the file system's journal twice. */
static void background_full_log_is_synced_before_the_new_one(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 2; seed++) {
        struct strata_fs *fs = disk_new();
        struct strata *db;
        ops.sync = note_log;
        log_synced = logs_synced = 0;
        db = open_it(fs, seed);
        put_range(db, 0, 3000);
        assert_true(logs_synced > 10);
        close_it(db);
        disk_free(fs);
    }
}

/* ---- Something is short ---------------------------------------------------------------------- */

/* Puts until one fails, or so many are there. */
static unsigned put_until_refused(struct strata *db, unsigned from, unsigned most,
                                  struct strata_error *err)
{
    for (unsigned i = from; i < most; i++)
        if (put_nth(db, i, err) < 0)
            return i;
    return most;
}

static void expect_resumed(struct strata_fs *fs, struct strata *db, uint32_t seed, int sys)
{
    struct strata_error err;
    unsigned at, before;

    trouble = sys;
    at = put_until_refused(db, 1000, 9000, &err);
    assert_true(at > 1000 && at < 9000);
    assert_int_equal(err.code, STRATA_ERR_IO);
    assert_int_equal(err.sys, sys);
    assert_err_says(&err, "flush is tried again later");
    assert_true(check_stat(db, "background_rests") > 0);
    before = tries;
    for (unsigned i = 0; i < 2000; i++) /* who asks on does not make the worker ask on (10.I13) */
        assert_true(seed || put_nth(db, at, &err) < 0);
    if (!seed) {
        sync_sleep(30 * MS);
        assert_in_range(tries - before, 0, 40);
    }
    trouble = 0;
    for (int i = 0; i < 20000 && put_nth(db, at, &err) < 0; i++)
        if (!seed)
            sync_sleep(MS);
    put_range(db, at, at + 2000);
    expect_up_to(db, at + 2000);
    verify_it(db);
    close_it(db);
    db = open_it(fs, seed);
    expect_up_to(db, at + 2000);
    close_it(db);
}

static void background_full_disk_rests_and_resumes(void **state)
{
    const int causes[] = {ENOSPC, EMFILE};

    (void)state;
    for (uint32_t seed = 0; seed < 6; seed++)
        for (size_t i = 0; i < 2; i++) {
            struct strata_fs *fs = disk_new();
            struct strata *db = open_it(fs, seed);
            put_range(db, 0, 1000);
            expect_resumed(fs, db, seed, causes[i]);
            disk_free(fs);
        }
}

static void background_failed_flush_ends_writing(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 6; seed++) {
        struct strata_fs *fs = disk_new();
        struct strata *db = open_it(fs, seed);
        struct strata_error err;
        unsigned at, before;
        put_range(db, 0, 1000);
        trouble = EIO;
        at = put_until_refused(db, 1000, 9000, &err);
        assert_true(at > 1000 && at < 9000);
        assert_int_equal(err.code, STRATA_ERR_IO);
        trouble = 0;
        before = tries;
        for (unsigned i = 0; i < 100; i++)
            assert_int_equal(put_nth(db, at, &err), STRATA_ERR_IO);
        assert_int_equal(tries, before);
        expect_up_to(db, at);
        strata_close(db, &err);
        db = open_it(fs, seed);
        expect_up_to(db, at);
        close_it(db);
        disk_free(fs);
    }
}

static void note_error(void *arg, const struct strata_event *event)
{
    if (event->type == STRATA_EVENT_GIVEN_UP && event->error)
        *(uint64_t *)arg = event->error;
}

/* A thread may just be trying again: then nothing waits. */
static void expect_stat_soon(struct strata *db, const char *name, uint64_t value)
{
    for (int i = 0; i < 5000 && check_stat(db, name) != value; i++)
        sync_sleep(MS);
    assert_int_equal(check_stat(db, name), value);
}

/* Who has the database open can ask what the background waits for; who does not, the event log. */
static void background_failures_are_in_statistics_and_events(void **state)
{
    const int causes[] = {ENOSPC, EMFILE, EIO};

    (void)state;
    event_log_bytes = 64 << 10;
    for (uint32_t seed = 0; seed < 2; seed++)
        for (size_t i = 0; i < 3; i++) {
            bool ends = causes[i] == EIO;
            uint64_t logged = 0;
            struct strata_fs *fs = disk_new();
            struct strata *db = open_it(fs, seed);
            struct strata_error err;
            put_range(db, 0, KEYS);
            assert_int_equal(check_stat(db, "background_error"), 0);
            trouble = causes[i];
            put_until_refused(db, KEYS, 9000, &err);
            expect_stat_soon(db, "background_error", ends ? 0 : (uint64_t)causes[i]);
            expect_stat_soon(db, "write_error", ends ? (uint64_t)causes[i] : 0);
            assert_ok(strata_events(db, note_error, &logged, &err), &err);
            assert_int_equal(logged, causes[i]);
            trouble = 0;
            if (!ends) {
                assert_ok(strata_flush(db, &err), &err);
                assert_ok(strata_compact(db, NULL, &err), &err);
                assert_int_equal(check_stat(db, "background_error"), 0);
            }
            strata_close(db, &err);
            disk_free(fs);
        }
    event_log_bytes = 0;
}

/* The flush comes to its table when the last of these puts has returned. */
static void put_until_immutable(struct strata *db, unsigned *at)
{
    const struct tree *tree = db->self;

    slow = true;
    while (!tree->super->immutable) {
        put_range(db, *at, *at + 1);
        ++*at;
    }
}

/* No write has met it: close reports it. */
static void background_failure_that_no_call_met_is_reported_by_close(void **state)
{
    struct strata_fs *fs = disk_new();
    struct strata *db = open_it(fs, 0);
    const struct tree *tree = db->self;
    struct strata_error err;
    unsigned to = 0;

    (void)state;
    trouble = EIO;
    put_until_immutable(db, &to);
    for (int i = 0; i < 5000 && !tree->path.group.failed; i++)
        sync_sleep(MS);
    trouble = 0;
    slow = false;
    assert_ok(strata_verify(db, NULL, &err), &err); /* nor has this call */
    assert_code(strata_close(db, &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, EIO);
    db = open_it(fs, 0);
    put_range(db, to, to + KEYS);
    expect_up_to(db, to + KEYS);
    close_it(db);
    disk_free(fs);
}

/* One that a call did meet is over, and says nothing about the next. */
static void background_failure_after_one_that_is_over_is_reported_by_close(void **state)
{
    struct strata_fs *fs = disk_new();
    struct strata *db = open_it(fs, 0);
    const struct tree *tree = db->self;
    struct strata_error err;
    unsigned at;

    (void)state;
    put_range(db, 0, KEYS);
    assert_ok(strata_flush(db, &err), &err);
    fs_sim_set_disk(fs, 1);
    at = put_until_refused(db, KEYS, 9000, &err);
    assert_true(at < 9000);
    assert_int_equal(err.sys, ENOSPC);
    fs_sim_set_disk(fs, (uint64_t)1 << 30);
    for (int i = 0; i < 5000 && strata_flush(db, &err) < 0; i++)
        sync_sleep(MS);
    assert_ok(strata_compact(db, NULL, &err), &err); /* nothing else is due then */
    trouble = EIO;
    put_until_immutable(db, &at);
    for (int i = 0; i < 5000 && !tree->path.group.failed; i++)
        sync_sleep(MS);
    trouble = 0;
    slow = false;
    assert_code(strata_close(db, &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, EIO);
    db = open_it(fs, 0);
    expect_up_to(db, at);
    close_it(db);
    disk_free(fs);
}

/* Of another thread than the test's. */
static int full_manifest_sync(struct fs_file *file)
{
    return strstr(file->path, ".manifest") && owner != striped_me() ? -ENOSPC : sim->sync(file);
}

/* A full disk, but nobody knows whether the edit is on it: writing ends, and that is logged. */
static void background_flush_with_an_edit_in_doubt_is_logged(void **state)
{
    struct strata_fs *fs = disk_new();
    struct strata *db = open_it(fs, 0);
    const struct tree *tree = db->self;
    unsigned long warnings = subject_warnings();
    struct strata_error err;
    unsigned at = 0;

    (void)state;
    ops.sync = full_manifest_sync;
    put_until_immutable(db, &at);
    for (int i = 0; i < 5000 && !tree->path.group.failed; i++)
        sync_sleep(MS);
    assert_code(strata_close(db, &err), STRATA_ERR_IO, &err);
    assert_int_equal(err.sys, ENOSPC);
    assert_int_equal(subject_warnings() - warnings, 1);
    ops.sync = sim->sync;
    slow = false;
    db = open_it(fs, 0);
    put_range(db, at, at + KEYS);
    expect_up_to(db, at + KEYS);
    close_it(db);
    disk_free(fs);
}

static void expect_key(struct strata *db, const char *key)
{
    struct strata_error err;
    assert_ok(strata_get(db, S(key), NULL, &err), &err);
}

static bool full_manifest;

static ssize_t append_but_no_edit(struct fs_file *file, const struct strata_slice *parts,
                                  size_t count)
{
    return full_manifest && strstr(file->path, ".manifest") ? -ENOSPC
                                                            : sim->append(file, parts, count);
}

/* The memtable is immutable, and the edit that names the next log found no room: a flush would name
 * that log, and so would the leader again (10.I11). */
static void background_flush_waits_until_its_log_is_named(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 4; seed++) {
        struct strata_fs *fs = disk_new();
        struct strata *db = open_it(fs, seed);
        const struct tree *tree = db->self;
        struct strata_error err;
        unsigned at, before;
        put_range(db, 0, KEYS);
        assert_ok(strata_flush(db, &err), &err);
        assert_ok(strata_compact(db, NULL, &err), &err); /* nothing else has an edit */
        ops.append = append_but_no_edit;
        full_manifest = true;
        at = put_until_refused(db, KEYS, 9000, &err);
        assert_int_equal(err.sys, ENOSPC);
        assert_true(tree->super->immutable && !tree->log_named);
        before = tries;
        for (unsigned i = 0; i < 1000; i++)
            expect_key(db, "key 0000");
        assert_int_equal(tries, before);
        full_manifest = false;
        put_range(db, at, at + 1000);
        expect_up_to(db, at + 1000);
        verify_it(db);
        close_it(db);
        db = open_it(fs, seed);
        expect_up_to(db, at + 1000);
        close_it(db);
        disk_free(fs);
    }
}

static int no_names;

static int sync_no_names(struct strata_fs *fs, const char *path)
{
    return owner != striped_me() && no_names ? -no_names : sim->sync_dir(fs, path);
}

/* A sync of the directory that failed is not made again: what it was to make durable may be the
 * name of the leader's next log, too. That there is no descriptor comes before any sync. */
static void background_failed_sync_of_names_ends_writing(void **state)
{
    const int causes[] = {ENOSPC, EMFILE};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct strata_fs *fs = disk_new();
        struct strata *db = open_it(fs, 0);
        struct strata_error err;
        unsigned at = 0;
        put_until_immutable(db, &at);
        no_names = causes[i];
        ops.sync_dir = sync_no_names;
        if (causes[i] == ENOSPC) {
            expect_stat_soon(db, "write_error", ENOSPC);
        } else {
            expect_stat_soon(db, "background_error", EMFILE);
            assert_int_equal(check_stat(db, "write_error"), 0);
        }
        no_names = 0;
        slow = false;
        assert_int_equal(strata_flush(db, &err), causes[i] == ENOSPC ? STRATA_ERR_IO : 0);
        strata_close(db, &err);
        db = open_it(fs, 0);
        put_range(db, at, at + KEYS);
        expect_up_to(db, at + KEYS);
        close_it(db);
        disk_free(fs);
    }
}

/* Flushes that are asked for fail, too, and writes in the middle of a group; then there is room. */
static void fill_and_go_on(struct strata_fs *fs, uint32_t seed, uint64_t bytes, unsigned *refused)
{
    struct strata *db = open_it(fs, seed);
    struct strata_error err;
    unsigned at;

    put_range(db, 0, KEYS);
    fs_sim_set_disk(fs, bytes);
    at = put_until_refused(db, KEYS, 3000, &err);
    *refused += at < 3000;
    for (int i = 0; i < 5; i++) {
        if (at < 3000 && strata_flush(db, &err) < 0)
            assert_int_equal(err.sys, ENOSPC);
        at = put_until_refused(db, at, 3000, &err);
        if (at < 3000)
            assert_int_equal(err.sys, ENOSPC);
        expect_up_to(db, at);
    }
    fs_sim_set_disk(fs, (uint64_t)1 << 30);
    for (unsigned tried = 0, to = at + 1000; at < to; at += put_nth(db, at, &err) == 0) {
        assert_true(tried++ < 20000);
        if (!seed && tried > 1000)
            sync_sleep(MS);
    }
    expect_up_to(db, at);
    verify_it(db);
    close_it(db);
    db = open_it(fs, seed);
    expect_up_to(db, at);
    close_it(db);
}

static void background_disk_that_was_full_is_written_to_again(void **state)
{
    unsigned refused = 0;

    (void)state;
    for (uint64_t bytes = 30000; bytes < 90000; bytes += check_quick() ? 2999 : 997) {
        struct strata_fs *fs = disk_new();
        fill_and_go_on(fs, (uint32_t)(bytes % 3), bytes, &refused);
        disk_free(fs);
    }
    print_message("# %u of them refused a write\n", refused);
    assert_true(refused > 3);
}

/* The first write after a crash flushes the log that was left (7.I9): there is no room, then there
 * is. */
static void background_full_disk_at_the_first_write_after_a_crash_is_over(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 2; seed++) {
        struct strata_fs *fs = disk_new();
        struct strata *db = open_it(fs, seed);
        struct strata_error err;
        put_range(db, 0, 50);
        fs_sim_set_disk(fs, 1);
        assert_code(strata_close(db, &err), STRATA_ERR_IO, &err); /* and the log stays */
        db = open_it(fs, seed);
        assert_true(((struct tree *)db->self)->recovery_pending);
        for (unsigned i = 0; i < 5; i++) {
            assert_code(put_nth(db, 50, &err), STRATA_ERR_IO, &err);
            assert_int_equal(err.sys, ENOSPC);
            assert_int_equal(check_stat(db, "write_error"), 0);
        }
        fs_sim_set_disk(fs, (uint64_t)1 << 30);
        put_range(db, 50, KEYS);
        expect_up_to(db, KEYS);
        verify_it(db);
        close_it(db);
        db = open_it(fs, seed);
        expect_up_to(db, KEYS);
        close_it(db);
        disk_free(fs);
    }
}

/* What is not on the device after a failed sync nobody knows, also if the disk was full. */
static unsigned full_syncs; /* so many are to fail */

static int full_sync(struct fs_file *file)
{
    return strstr(file->path, ".log") && full_syncs && full_syncs-- ? -ENOSPC : sim->sync(file);
}

static void background_failed_sync_of_a_full_disk_ends_writing(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 2; seed++) {
        struct strata_fs *fs = disk_new();
        struct strata *db = open_it(fs, seed);
        struct strata_error err;
        put_range(db, 0, KEYS);
        ops.sync = full_sync;
        full_syncs = 1;
        assert_code(strata_sync(db, &err), STRATA_ERR_IO, &err);
        ops.sync = sim->sync;
        assert_code(put_nth(db, 0, &err), STRATA_ERR_IO, &err);
        assert_code(strata_flush(db, &err), STRATA_ERR_IO, &err);
        strata_close(db, &err);
        db = open_it(fs, seed);
        expect_up_to(db, KEYS);
        close_it(db);
        disk_free(fs);
    }
}

/* The memtable is full long before the flush of the other one fails. */
static void background_failure_wakes_a_writer_who_waits(void **state)
{
    struct strata_fs *fs = disk_new();
    struct strata *db = open_it(fs, 0);
    struct strata_error err;
    unsigned at;

    (void)state;
    put_range(db, 0, KEYS);
    slow = true;
    trouble = EIO;
    at = put_until_refused(db, KEYS, 9000, &err);
    assert_true(at < 9000);
    assert_int_equal(err.sys, EIO);
    slow = false;
    trouble = 0;
    strata_close(db, &err);
    db = open_it(fs, 0);
    expect_up_to(db, at);
    close_it(db);
    disk_free(fs);
}

/* ---- Readers without a lock ------------------------------------------------------------------ */

/* While a reader is at one of its points, another thread does this; the reader waits until it has
 * ended, or waits itself. */
static struct strata *shared;
static _Atomic int at_point; /* counts down to it */
static _Atomic bool other_ended;
static struct sync_thread other;

static void *overwrite_and_flush(void *arg)
{
    struct strata_error err;
    int *rc = arg;

    *rc = 0;
    for (int i = 0; i < 3; i++) {
        *rc |= strata_put(shared, S("key"), S(i % 2 ? "third value" : "fourth value"), &err);
        for (unsigned n = 0; n < 150; n++)
            *rc |= put_nth(shared, n, &err);
        *rc |= strata_flush(shared, &err);
        *rc |= strata_compact(shared, NULL, &err);
    }
    other_ended = true;
    return NULL;
}

static int other_rc;

static unsigned flushes_ended; /* while the reader was at a point */

static bool has_immutable(void)
{
    return ((const struct snapshot_tree *)shared->self)->tree.super->immutable != NULL;
}

static void begin_other(void)
{
    bool flushes;

    if (striped_me() != owner || --at_point != 0)
        return;
    flushes = has_immutable();
    assert_int_equal(pthread_create(&other.os, NULL, overwrite_and_flush, &other_rc), 0);
    while (!other_ended && !other_waits)
        sched_yield();
    flushes_ended += flushes && !has_immutable();
}

static bool is_a_value(struct strata_slice value)
{
    const char *const values[] = {"second value", "third value", "fourth value"};

    for (size_t i = 0; i < 3; i++)
        if (strata_compare(value, S(values[i])) == 0)
            return true;
    return false;
}

/* The snapshot: of the first value. */
static void get_it(struct strata *db, struct strata_snapshot *snapshot, bool now)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    struct strata_iter *iter;
    struct strata_slice found;

    if (!now) {
        assert_ok(strata_snapshot_get(snapshot, S("key"), &value, &err), &err);
        assert_bytes(strata_buffer_slice(&value), S("first value"));
    } else {
        assert_ok(strata_get(db, S("key"), &value, &err), &err);
        assert_true(is_a_value(strata_buffer_slice(&value)));
        assert_ok(strata_iter_new(db, &iter, &err), &err);
        assert_ok(strata_iter_seek(iter, S("key"), &err), &err);
        assert_ok(strata_iter_value(iter, &found, &err), &err);
        assert_true(is_a_value(found));
        strata_iter_free(iter);
    }
    strata_buffer_free(&value);
}

/* The other thread begins at point `at` of the way. False: the way has not so many. */
static bool read_beside(struct strata *db, struct strata_snapshot *snapshot, bool now, int at)
{
    struct sync_scheduler watched = posix;
    bool began;

    watched.point = begin_other;
    other_ended = other_waits = false;
    other_rc = 0;
    at_point = at;
    sync_scheduler = &watched;
    get_it(db, snapshot, now);
    began = at_point <= 0;
    if (began)
        pthread_join(other.os, NULL);
    sync_scheduler = NULL;
    assert_int_equal(other_rc, 0);
    return began;
}

static bool get_beside(bool now, int at)
{
    struct strata_fs *fs = disk_new();
    struct strata *db = shared = open_it(fs, 1);
    struct strata_snapshot *snapshot;
    struct strata_error err;
    bool began;

    assert_put(db, "key", "first value");
    assert_ok(strata_snapshot_new(db, &snapshot, &err), &err);
    assert_put(db, "key", "second value");
    began = read_beside(db, snapshot, now, at);
    strata_snapshot_free(snapshot);
    close_it(db);
    disk_free(fs);
    return began;
}

/* Whatever is written, flushed and merged while a reader is anywhere on its way, it finds the key,
 * with a value that it had meanwhile. (With a snapshot, flushes keep versions with their numbers,
 * and drop what lies between the snapshot and the newest one.) */
static void readers_find_the_key_whatever_happens_on_their_way(void **state)
{
    int now = 0, earlier = 0;

    (void)state;
    while (get_beside(true, now + 1))
        now++;
    while (get_beside(false, earlier + 1))
        earlier++;
    assert_true(now >= 6 && earlier >= 3); /* of a get, and of an iterator */
}

/* The memtable with the key is immutable when the reader begins; what the other thread does first
 * is the rest of its flush. Memtables and tables are those of one time, or the key is in neither.
 */
static bool get_beside_a_flush(uint32_t seed, int at)
{
    struct strata_fs *fs = disk_new();
    struct strata *db = shared = open_it(fs, seed);
    struct strata_error err;
    bool began;

    assert_put(db, "key", "second value");
    for (unsigned n = 0; !has_immutable(); n++)
        assert_ok(put_nth(db, n, &err), &err);
    began = read_beside(db, NULL, true, at);
    close_it(db);
    disk_free(fs);
    return began;
}

static void readers_find_the_key_whose_flush_ends_on_their_way(void **state)
{
    (void)state;
    flushes_ended = 0;
    for (uint32_t seed = 1; seed <= 8; seed++)
        for (int at = 1; get_beside_a_flush(seed, at); at++)
            ;
    assert_true(flushes_ended >= 8);
}

/* ---- Nodes of the memtable ------------------------------------------------------------------- */

static struct strata *open_large(struct strata_fs *fs)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, true);
    options.memtable_bytes = 4 << 20;
    options.sync = STRATA_SYNC_NEVER;
    options.background_threads = 1;
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    return db;
}

static bool has_spare(struct strata *db)
{
    const struct tree *tree = db->self;
    const struct bptree *bptree = tree->super->memtable->self;
    return bptree->spare[0] || bptree->spare[1];
}

/* What was replaced before may be used again, and is used up; then nothing may be. (10.I15) */
static void expect_nodes_are_kept(struct strata *db)
{
    put_range(db, 300, 500);
    while (has_spare(db))
        put_range(db, 500, 501);
    for (unsigned i = 0; i < 2000; i++) {
        put_range(db, 501 + i, 502 + i);
        assert_false(has_spare(db));
    }
}

static void expect_nodes_are_recycled(struct strata *db)
{
    bool any = false;

    for (unsigned i = 0; i < 1000; i++) {
        put_range(db, 3000 + i, 3001 + i);
        any |= has_spare(db);
    }
    assert_true(any);
}

static void readers_in_a_section_keep_nodes_of_the_memtable(void **state)
{
    struct strata_fs *fs = disk_new();
    struct strata *db = open_large(fs);
    struct snapshot_tree *t = db->self;
    struct epoch_section section;

    (void)state;
    put_range(db, 0, 300);
    section = epoch_enter(&t->epoch);
    expect_nodes_are_kept(db);
    epoch_leave(section);
    expect_nodes_are_recycled(db);
    close_it(db);
    disk_free(fs);
}

static void readers_with_an_iterator_keep_nodes_of_the_memtable(void **state)
{
    struct strata_fs *fs = disk_new();
    struct strata *db = open_large(fs);
    struct strata_iter *iter;
    struct strata_error err;
    unsigned count = 0;

    (void)state;
    put_range(db, 0, 300);
    assert_ok(strata_iter_new(db, &iter, &err), &err);
    assert_ok(strata_iter_first(iter, &err), &err);
    expect_nodes_are_kept(db);
    do
        count++;
    while (strata_iter_next(iter, &err) == 0);
    assert_int_equal(count, 300);
    strata_iter_free(iter);
    expect_nodes_are_recycled(db);
    close_it(db);
    disk_free(fs);
}

/* ---- Many at once ---------------------------------------------------------------------------- */

#define WRITERS 2
#define READERS 2

struct crowd {
    struct strata *db;
    _Atomic bool stop;
    _Atomic unsigned bad, reads;
    _Atomic unsigned done[WRITERS]; /* rounds: each writes all of its keys, in a batch */
};

struct member {
    struct crowd *crowd;
    unsigned number;
};

#define MINE 20u

static int write_round(struct crowd *crowd, unsigned writer, unsigned round)
{
    struct strata_batch *batch = strata_batch_new();
    struct strata_error err;
    char key[16], value[60];
    int rc = batch ? 0 : -1;

    snprintf(value, sizeof value, "%050u", round);
    for (unsigned i = 0; rc == 0 && i < MINE; i++) {
        snprintf(key, sizeof key, "%u %02u", writer, i);
        rc = strata_batch_put(batch, S(key), S(value), &err);
    }
    if (rc == 0)
        rc = strata_write(crowd->db, batch, round % 64 ? 0 : STRATA_WRITE_SYNC, &err);
    strata_batch_free(batch);
    return rc;
}

static void *write_rounds(void *arg)
{
    struct member *m = arg;

    for (unsigned round = 1; !m->crowd->stop; round++) {
        if (write_round(m->crowd, m->number, round) < 0)
            m->crowd->bad++;
        m->crowd->done[m->number] = round;
    }
    return NULL;
}

/* A get never goes back behind what was acknowledged before it. */
static bool get_is_right(struct crowd *crowd, unsigned writer)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    unsigned least = crowd->done[writer], found = 0;
    char key[16];
    int rc;

    snprintf(key, sizeof key, "%u %02u", writer, least % MINE);
    rc = strata_get(crowd->db, S(key), &value, &err);
    if (rc == 0 && strata_buffer_append(&value, "", 1) == 0)
        found = (unsigned)strtoul((char *)value.data, NULL, 10);
    strata_buffer_free(&value);
    return rc >= 0 && found >= least;
}

/* Of each writer it sees one round, whole. */
static bool scan_is_right(struct strata_iter *iter)
{
    unsigned round[WRITERS] = {0}, count[WRITERS] = {0};
    struct strata_error err;
    struct strata_slice value;
    int rc;

    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err)) {
        unsigned writer = (unsigned)(strata_iter_key(iter).data[0] - '0'), found;
        char text[64] = "";
        if (strata_iter_value(iter, &value, &err) < 0 || value.size >= sizeof text)
            return false;
        memcpy(text, value.data, value.size);
        found = (unsigned)strtoul(text, NULL, 10);
        if (count[writer]++ == 0)
            round[writer] = found;
        if (found != round[writer])
            return false;
    }
    for (unsigned w = 0; w < WRITERS; w++)
        if (count[w] != MINE)
            return false;
    return rc == STRATA_NOT_FOUND;
}

static bool snapshot_is_right(struct crowd *crowd)
{
    struct strata_snapshot *snapshot;
    struct strata_iter *iter;
    struct strata_error err;
    bool right;

    if (strata_snapshot_new(crowd->db, &snapshot, &err) < 0 ||
        strata_snapshot_iter(snapshot, &iter, &err) < 0)
        return false;
    right = scan_is_right(iter) && scan_is_right(iter);
    strata_iter_free(iter);
    strata_snapshot_free(snapshot);
    return right;
}

static void *read_rounds(void *arg)
{
    struct member *m = arg;
    struct strata_error err;

    for (unsigned i = 0; !m->crowd->stop; i++) {
        struct strata_iter *iter;
        for (unsigned w = 0; w < WRITERS; w++)
            m->crowd->bad += !get_is_right(m->crowd, w);
        if (i % 16 == 0)
            m->crowd->bad += !snapshot_is_right(m->crowd);
        if (i % 16 == 8 && strata_iter_new(m->crowd->db, &iter, &err) == 0) {
            m->crowd->bad += !scan_is_right(iter);
            strata_iter_free(iter);
        }
        m->crowd->reads++;
    }
    return NULL;
}

static void crowd_meets(struct strata *db, unsigned flushes)
{
    struct crowd crowd = {.db = db};
    struct sync_thread threads[WRITERS + READERS];
    struct member members[WRITERS + READERS];
    struct strata_error err;

    for (unsigned w = 0; w < WRITERS; w++)
        assert_int_equal(write_round(&crowd, w, 1), 0);
    for (unsigned i = 0; i < WRITERS + READERS; i++) {
        members[i] = (struct member){&crowd, i < WRITERS ? i : i - WRITERS};
        assert_int_equal(
            sync_start(&threads[i], i < WRITERS ? write_rounds : read_rounds, &members[i]), 0);
    }
    for (unsigned i = 0; check_stat(db, "flushes") < flushes || crowd.reads < 50; i++) {
        sync_sleep(MS / 4);
        if (i % 8 == 1)
            assert_ok(strata_verify(db, NULL, &err), &err);
        if (i % 32 == 2)
            assert_ok(strata_compact(db, NULL, &err), &err);
        if (i % 32 == 18)
            assert_ok(strata_compact_range(db, S("0"), S("1"), NULL, &err), &err);
    }
    crowd.stop = true;
    for (unsigned i = 0; i < WRITERS + READERS; i++)
        sync_join(&threads[i]);
    assert_int_equal(crowd.bad, 0);
    for (unsigned w = 0; w < WRITERS; w++)
        assert_true(get_is_right(&crowd, w));
}

/* Under TSan above all: flushes and compactions never rest. */
static void background_writers_readers_and_snapshots_meet(void **state)
{
    unsigned flushes = check_sanitized() || check_quick() ? 100 : 400;

    (void)state;
    for (uint32_t seed = 0; seed < 2; seed++) {
        struct strata_fs *fs = disk_new();
        struct strata *db = open_it(fs, seed);
        crowd_meets(db, flushes);
        assert_true(compactions(db) > 0);
        verify_it(db);
        close_it(db);
        disk_free(fs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(background_steps_of_a_seed_flush_and_compact),
        cmocka_unit_test(background_steps_of_a_seed_are_the_same_again),
        cmocka_unit_test(background_thread_flushes_and_compacts),
        cmocka_unit_test(background_thread_begins_with_the_first_work),
        cmocka_unit_test(background_without_a_thread_is_done_by_writers),
        cmocka_unit_test(background_without_a_thread_is_logged_with_nothing_locked),
        cmocka_unit_test(background_work_in_progress_is_logged_whole),
        cmocka_unit_test(background_work_that_has_just_ended_is_not_in_progress),
        cmocka_unit_test(background_full_log_is_synced_before_the_new_one),
        cmocka_unit_test(background_full_disk_rests_and_resumes),
        cmocka_unit_test(background_failed_flush_ends_writing),
        cmocka_unit_test(background_failures_are_in_statistics_and_events),
        cmocka_unit_test(background_failure_that_no_call_met_is_reported_by_close),
        cmocka_unit_test(background_failure_after_one_that_is_over_is_reported_by_close),
        cmocka_unit_test(background_flush_with_an_edit_in_doubt_is_logged),
        cmocka_unit_test(background_flush_waits_until_its_log_is_named),
        cmocka_unit_test(background_disk_that_was_full_is_written_to_again),
        cmocka_unit_test(background_full_disk_at_the_first_write_after_a_crash_is_over),
        cmocka_unit_test(background_failed_sync_of_a_full_disk_ends_writing),
        cmocka_unit_test(background_failed_sync_of_names_ends_writing),
        cmocka_unit_test(background_failure_wakes_a_writer_who_waits),
        cmocka_unit_test(readers_find_the_key_whatever_happens_on_their_way),
        cmocka_unit_test(readers_find_the_key_whose_flush_ends_on_their_way),
        cmocka_unit_test(readers_in_a_section_keep_nodes_of_the_memtable),
        cmocka_unit_test(readers_with_an_iterator_keep_nodes_of_the_memtable),
        cmocka_unit_test(background_writers_readers_and_snapshots_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
