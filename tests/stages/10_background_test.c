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

static struct tree *looked_at; /* NULL: none */
static _Atomic unsigned half_made;

static bool is_half_made(const struct compact *work)
{
    return work && (!work->began_ns || work->began_ns > HOUR || !work->bytes ||
                    work->bytes > 1 << 30 || work->records > 1 << 30);
}

/* In any call of another thread that is not an event's. */
static uint64_t now_watching(struct strata_fs *fs)
{
    if (looked_at && owner != striped_me() && sync_trylock(&looked_at->listening)) {
        half_made += is_half_made(looked_at->flush) || is_half_made(looked_at->compaction);
        sync_unlock(&looked_at->listening);
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
    options.sync = STRATA_SYNC_NEVER;
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

static void expect_event(void *arg, const struct strata_event *event)
{
    unsigned *begins = arg;

    if (event->type != STRATA_EVENT_FLUSH_BEGIN && event->type != STRATA_EVENT_COMPACT_BEGIN)
        return;
    assert_in_range(event->ns, 1, HOUR);
    assert_in_range(event->bytes, 1, 1 << 30);
    assert_in_range(event->records, 1, 1 << 20);
    assert_in_range(event->inputs, 0, 1000);
    ++*begins;
}

/* What is in progress is told by the leader, too, at the beginning of each file of the event log:
 * it sees no work that is half made. (TSan finds more here.) */
static void background_work_in_progress_is_logged_whole(void **state)
{
    struct strata_fs *fs = disk_new();
    struct strata_error err;
    struct strata *db;
    unsigned begins = 0;

    (void)state;
    mallopt(M_PERTURB, 0x5a); /* memory that nobody has filled in is neither 0 nor what it was */
    event_log_bytes = 8 << 10;
    db = open_it(fs, 0);
    event_log_bytes = 0;
    looked_at = db->self;
    for (unsigned to = 0; to < 9000; to += 500) {
        put_range(db, to, to + 500);
        assert_ok(strata_events(db, expect_event, &begins, &err), &err);
    }
    looked_at = NULL;
    mallopt(M_PERTURB, 0);
    assert_true(begins > 20);
    assert_int_equal(half_made, 0);
    close_it(db);
    disk_free(fs);
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
    if (!seed)
        assert_in_range(tries - before, 0, 40);
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
static _Atomic bool other_ended, other_waits;
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

/* POSIX's calls, but for points, and sleeps of the other thread. */
static void os_lock(struct sync_mutex *mutex)
{
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

static void os_wake_one(struct sync_cond *cond)
{
    pthread_cond_signal(&cond->os);
}

static void os_wake_all(struct sync_cond *cond)
{
    pthread_cond_broadcast(&cond->os);
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

static int other_rc;

static void os_point(void)
{
    if (striped_me() != owner || --at_point != 0)
        return;
    assert_int_equal(pthread_create(&other.os, NULL, overwrite_and_flush, &other_rc), 0);
    while (!other_ended && !other_waits)
        sched_yield();
}

static const struct sync_scheduler watched = {
    .lock = os_lock,
    .trylock = os_trylock,
    .unlock = os_unlock,
    .wait = os_wait,
    .wake_one = os_wake_one,
    .wake_all = os_wake_all,
    .now = os_now,
    .sleep = os_sleep,
    .yield = os_yield,
    .point = os_point,
};

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
    section = epoch_enter(&t->readers->epoch);
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
        cmocka_unit_test(background_work_in_progress_is_logged_whole),
        cmocka_unit_test(background_full_disk_rests_and_resumes),
        cmocka_unit_test(background_failed_flush_ends_writing),
        cmocka_unit_test(background_failure_wakes_a_writer_who_waits),
        cmocka_unit_test(readers_find_the_key_whatever_happens_on_their_way),
        cmocka_unit_test(readers_in_a_section_keep_nodes_of_the_memtable),
        cmocka_unit_test(readers_with_an_iterator_keep_nodes_of_the_memtable),
        cmocka_unit_test(background_writers_readers_and_snapshots_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
