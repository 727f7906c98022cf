/* 10_readers_test.c: another handle, also of another process, reads while one writes: what it sees
 * (a state that the database had during its open), and that its files stay until it is closed or
 * killed, and no longer.
 *
 * The writer stores batch after batch. Batch n gives KEYS keys the value n, and makes and deletes a
 * few others; so a state is whole if all these keys have the same n, and the state of batch n if it
 * is that one. */
#define _GNU_SOURCE
#include "test.h"

#include "child.h"
#include "crash/subject.h"
#include "db/marker.h"
#include "fs/fs_posix.h"
#include "place.h"
#include "rng.h"
#include "threads/sync.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define KEYS 8u
#define OTHERS 64u
#define TORN UINT32_MAX /* no state of any batch */

static unsigned background;      /* threads of writers */
static uint32_t seed;            /* or 0: steps of theirs, without a thread */
static size_t memtable_bytes;    /* of theirs */
#define USUAL ((size_t)16 << 10) /* ten batches, about */

/* ---- What is written and read ---------------------------------------------------------------- */

static void set_options(struct strata_options *options, struct strata_fs *fs, bool read_only)
{
    subject_options(options, fs, false);
    options->read_only = read_only;
    options->background_threads = read_only ? 0 : background;
    options->background_seed = read_only ? 0 : seed;
    options->memtable_bytes = memtable_bytes;
    options->sync = STRATA_SYNC_NEVER;
}

static struct strata_slice text_of(char to[120], const char *format, unsigned n)
{
    int size = snprintf(to, 120, format, n);
    return strata_bytes(to, (size_t)size);
}

static int write_batch(struct strata *db, uint32_t n, unsigned flags, struct strata_error *err)
{
    struct strata_batch *batch = strata_batch_new();
    char key[120], value[120];
    struct strata_slice v = text_of(value, "%0100u", n);
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < KEYS; i++)
        rc = strata_batch_put(batch, text_of(key, "k%u", i), v, err);
    if (rc == 0)
        rc = strata_batch_put(batch, text_of(key, "other %u", n % OTHERS), v, err);
    if (rc == 0)
        rc = strata_batch_delete(batch, text_of(key, "other %u", (n + 7) % OTHERS), err);
    if (rc == 0)
        rc = strata_write(db, batch, flags, err);
    strata_batch_free(batch);
    return rc;
}

/* The batch whose state it is, by gets and by a scan; TORN. `rc`: the first error. */
static uint32_t state_of(struct strata *db, int *rc, struct strata_error *err)
{
    struct strata_buffer value = {0};
    struct strata_iter *iter = NULL;
    uint32_t n = 0, got = 0, met = 0;
    char key[120], text[120];

    *rc = 0;
    for (unsigned i = 0; *rc == 0 && i < KEYS; i++) {
        *rc = strata_get(db, text_of(key, "k%u", i), &value, err);
        snprintf(text, sizeof text, "%.*s", (int)value.size, (const char *)value.data);
        got = (uint32_t)strtoul(text, NULL, 10);
        n = i ? n : got;
        if (*rc > 0 || (*rc == 0 && got != n))
            n = TORN;
    }
    strata_buffer_free(&value);
    if (*rc == 0)
        *rc = strata_iter_new(db, &iter, err);
    if (*rc == 0)
        *rc = strata_iter_first(iter, err);
    while (*rc == 0) {
        struct strata_slice v;
        *rc = strata_iter_value(iter, &v, err);
        snprintf(text, sizeof text, "%.*s", (int)v.size, (const char *)v.data);
        if (*rc == 0 && strata_iter_key(iter).data[0] == 'k' && ++met &&
            (uint32_t)strtoul(text, NULL, 10) != n)
            n = TORN;
        if (*rc == 0)
            *rc = strata_iter_next(iter, err);
    }
    strata_iter_free(iter);
    *rc = *rc < 0 ? *rc : 0;
    return met == KEYS ? n : TORN;
}

static void expect_state(struct strata *db, uint32_t least, uint32_t most)
{
    struct strata_error err;
    int rc;
    uint32_t n = state_of(db, &rc, &err);

    assert_ok(rc, &err);
    assert_in_range(n, least, most);
}

static struct strata *open_place(struct place *place, struct strata_fs *fs, bool read_only)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    set_options(&options, fs, read_only);
    options.create = !read_only;
    assert_ok(strata_open(place->dir, &options, &db, &err), &err);
    return db;
}

static void put_batch(struct strata *db, uint32_t n)
{
    struct strata_error err;
    assert_ok(write_batch(db, n, 0, &err), &err);
}

static void tidy_up(struct strata *db)
{
    struct strata_error err;

    assert_ok(strata_flush(db, &err), &err);
    assert_ok(strata_compact(db, NULL, &err), &err);
}

static void pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

/* ---- What is in the directory ---------------------------------------------------------------- */

static size_t count_files(struct place *place, const char *suffix)
{
    struct strata_error err;
    struct fs_names names;
    size_t count = 0;

    assert_ok(fs_list(place->fs, place->dir, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        size_t size = strlen(names.names[i]), end = strlen(suffix);
        count += size > end && strcmp(names.names[i] + size - end, suffix) == 0;
    }
    fs_names_free(&names);
    return count;
}

static void count_table(void *arg, const struct strata_table *table)
{
    (void)table;
    ++*(size_t *)arg;
}

/* Is nothing there that nothing names? */
static bool is_clean(struct place *place, struct strata *db)
{
    struct strata_error err;
    size_t tables = 0;

    assert_ok(strata_tables(db, count_table, &tables, &err), &err);
    return count_files(place, ".table") == tables && count_files(place, ".log") == 1 &&
           count_files(place, ".manifest") == 1;
}

/* ---- The same with and without a thread ------------------------------------------------------ */

/* Nothing here is about the device: a sync is not made, which takes most of the time. */
static int sync_nothing(struct fs_file *file)
{
    (void)file;
    return 0;
}

static int sync_no_names(struct strata_fs *fs, const char *path)
{
    (void)fs;
    (void)path;
    return 0;
}

static void leave_unsynced(struct strata_fs *fs, struct fs_ops *ops)
{
    *ops = *fs->ops;
    ops->sync = sync_nothing;
    ops->sync_dir = sync_no_names;
    fs->ops = ops;
}

static void with_each(void **state, void (*test)(struct place *place))
{
    static struct fs_ops ops;

    (void)state;
    for (background = 0; background < 2; background++) {
        struct place place;
        place_init(&place);
        memtable_bytes = USUAL;
        leave_unsynced(place.fs, &ops);
        test(&place);
        place_free(&place);
    }
}

#define readers_test(name)                                                                         \
    static void test_##name(struct place *place);                                                  \
    static void name(void **state)                                                                 \
    {                                                                                              \
        with_each(state, test_##name);                                                             \
    }                                                                                              \
    static void test_##name(struct place *place)

/* ---- Files stay -------------------------------------------------------------------------------
 */

readers_test(reader_has_its_files_until_it_is_closed)
{
    struct strata *writer = open_place(place, place->fs, false), *first, *second;
    struct strata_error err;

    put_batch(writer, 1);
    assert_ok(strata_flush(writer, &err), &err);
    put_batch(writer, 2);
    first = open_place(place, place->fs, true);
    for (uint32_t n = 3; n <= 60; n++)
        put_batch(writer, n);
    tidy_up(writer);
    second = open_place(place, place->fs, true);
    for (uint32_t n = 61; n <= 90; n++)
        put_batch(writer, n);
    tidy_up(writer);
    assert_false(is_clean(place, writer));
    assert_int_equal(check_stat(writer, "readers"), 1);
    assert_true(check_stat(writer, "obsolete_bytes") > 0);
    expect_state(first, 2, 2);
    expect_state(second, 60, 60);
    assert_ok(strata_verify_deep(first, NULL, &err), &err);
    assert_ok(strata_verify_deep(writer, NULL, &err), &err);
    assert_ok(strata_close(first, &err), &err);
    tidy_up(writer); /* one reader is enough */
    expect_state(second, 60, 60);
    assert_ok(strata_verify_deep(second, NULL, &err), &err);
    assert_ok(strata_close(second, &err), &err);
    assert_int_equal(check_stat(writer, "readers"), 0);
    tidy_up(writer);
    assert_int_equal(check_stat(writer, "obsolete_bytes"), 0);
    assert_true(is_clean(place, writer));
    assert_ok(strata_close(writer, &err), &err);
}

/* Also what the reader has not opened yet: it lets go of descriptors. */
readers_test(reader_has_its_files_over_other_writers)
{
    struct strata *writer = open_place(place, place->fs, false), *reader;
    struct strata_error err;
    size_t files;

    for (uint32_t n = 1; n <= 40; n++)
        put_batch(writer, n);
    reader = open_place(place, place->fs, true);
    for (uint32_t n = 41; n <= 200; n++) {
        put_batch(writer, n);
        if (n % 20)
            continue;
        tidy_up(writer);
        assert_ok(strata_close(writer, &err), &err);
        expect_state(reader, 40, 40);
        writer = open_place(place, place->fs, false);
        expect_state(reader, 40, 40);
    }
    files = count_files(place, ".table");
    assert_ok(strata_close(reader, &err), &err);
    tidy_up(writer); /* without another open */
    assert_true(count_files(place, ".table") < files);
    assert_true(is_clean(place, writer));
    assert_ok(strata_close(writer, &err), &err);
}

/* Left by a writer that closes while it is read: the next one removes it at once, or when it can.
 */
readers_test(reader_that_stays_longer_than_the_writer)
{
    for (int first = 0; first < 2; first++) {
        struct strata *writer = open_place(place, place->fs, false), *reader;
        struct strata_error err;

        for (uint32_t n = 1; n <= 40; n++)
            put_batch(writer, n);
        tidy_up(writer);
        reader = open_place(place, place->fs, true);
        for (uint32_t n = 41; n <= 80; n++)
            put_batch(writer, n);
        tidy_up(writer);
        assert_ok(strata_close(writer, &err), &err);
        expect_state(reader, 40, 40);
        if (first)
            assert_ok(strata_close(reader, &err), &err);
        writer = open_place(place, place->fs, false);
        if (!first) {
            expect_state(reader, 40, 40);
            assert_ok(strata_close(reader, &err), &err);
            assert_false(is_clean(place, writer));
            assert_ok(strata_flush(writer, &err), &err);
        }
        assert_true(is_clean(place, writer));
        expect_state(writer, 80, 80);
        assert_ok(strata_close(writer, &err), &err);
    }
}

/* A manifest is replaced after some hundred edits. */
readers_test(reader_keeps_manifests_that_are_replaced)
{
    struct strata *writer, *reader;
    struct strata_error err;
    uint32_t n = 1;

    memtable_bytes = 1; /* each batch is flushed */
    writer = open_place(place, place->fs, false);
    put_batch(writer, n);
    reader = open_place(place, place->fs, true);
    while (count_files(place, ".manifest") < 3 && n < 5000)
        put_batch(writer, ++n);
    assert_in_range(count_files(place, ".manifest"), 3, 99);
    assert_ok(strata_verify_deep(writer, NULL, &err), &err);
    expect_state(reader, 1, 1);
    assert_ok(strata_close(reader, &err), &err);
    tidy_up(writer);
    assert_true(is_clean(place, writer));
    assert_ok(strata_close(writer, &err), &err);
}

readers_test(reader_lets_the_writer_do_everything)
{
    struct strata *writer = open_place(place, place->fs, false), *reader, *copy;
    char *to = NULL, key[120];
    struct strata_options options;
    struct strata_error err;

    for (uint32_t n = 1; n <= 40; n++)
        put_batch(writer, n);
    reader = open_place(place, place->fs, true);
    for (uint32_t n = 41; n <= 80; n++)
        put_batch(writer, n);
    assert_ok(strata_compact_range(writer, text_of(key, "k%u", 1), strata_string("l"), NULL, &err),
              &err);
    assert_ok(strata_verify(writer, NULL, &err), &err);
    for (int i = 0; i < 2; i++) { /* a copy of what either sees */
        free(to);
        assert_true(asprintf(&to, "%s/copy%d", place->root, i) > 0);
        assert_ok(strata_backup(i ? reader : writer, to, NULL, &err), &err);
        set_options(&options, place->fs, false);
        assert_ok(strata_open(to, &options, &copy, &err), &err);
        expect_state(copy, i ? 40 : 80, i ? 40 : 80);
        assert_ok(strata_verify_deep(copy, NULL, &err), &err);
        assert_ok(strata_close(copy, &err), &err);
    }
    free(to);
    assert_ok(strata_close(writer, &err), &err);
    expect_state(reader, 40, 40);
    assert_ok(strata_close(reader, &err), &err);
}

readers_test(reader_is_in_the_way_of_removal_and_repair)
{
    struct strata *db = open_place(place, place->fs, false), *reader;
    struct strata_repair_sum sum;
    struct strata_options options;
    struct strata_error err;

    put_batch(db, 1);
    assert_ok(strata_close(db, &err), &err);
    reader = open_place(place, place->fs, true);
    set_options(&options, place->fs, false);
    assert_code(strata_destroy(place->dir, &options, NULL, NULL, &err), STRATA_ERR_LOCKED, &err);
    assert_code(strata_repair(place->dir, &options, 0, NULL, &sum, &err), STRATA_ERR_LOCKED, &err);
    expect_state(reader, 1, 1);
    assert_ok(strata_close(reader, &err), &err);
    assert_ok(strata_repair(place->dir, &options, 0, NULL, &sum, &err), &err);
    reader = open_place(place, place->fs, true);
    expect_state(reader, 1, 1);
    assert_ok(strata_close(reader, &err), &err);
    assert_ok(strata_destroy(place->dir, &options, NULL, NULL, &err), &err);
    options.read_only = true;
    assert_code(strata_open(place->dir, &options, &db, &err), STRATA_ERR_ABSENT, &err);
}

/* ---- Between any two calls ---------------------------------------------------------------------
 */

/* The writer works when the reader makes call number `at`, and at each `every`th after it. */
static struct {
    const struct fs_ops *real;
    struct strata *writer;
    uint64_t calls, at, every;
    uint32_t n; /* the writer's last batch */
    bool on, tidies, closes;
    struct place *place;
    _Atomic int lock_fails; /* -errno, of all locks on the marker */
    unsigned looks; /* so many times somebody looks whether there is a writer when LOCK is locked */
    _Atomic uint64_t locks;
    bool ends_when_asked;    /* the writer closes when the reader asks whether there is one */
    bool names_a_log;        /* and writes to it, as the reader lists names */
    uint64_t manifest_bytes; /* as the reader finds it: it was opened before that */
    bool replaces;           /* the marker, by its like, when it was locked */
    void (*instead)(void);   /* of a batch, at each call */
} meddler;

static void meddle(void)
{
    if (meddler.on && meddler.instead) {
        meddler.instead();
        return;
    }
    if (!meddler.on || ++meddler.calls < meddler.at || (meddler.calls - meddler.at) % meddler.every)
        return;
    meddler.on = false;
    put_batch(meddler.writer, ++meddler.n);
    if (meddler.tidies)
        tidy_up(meddler.writer);
    if (meddler.closes) {
        struct strata_error err;
        assert_ok(strata_close(meddler.writer, &err), &err);
        meddler.writer = open_place(meddler.place, meddler.place->fs, false);
    }
    meddler.on = true;
}

static int meddled_open(struct strata_fs *fs, const char *path, unsigned flags,
                        struct fs_file **out)
{
    meddle();
    return meddler.real->open(fs, path, flags, out);
}

static ssize_t meddled_read(struct fs_file *file, uint64_t offset, void *to, size_t size)
{
    meddle();
    return meddler.real->read_at(file, offset, to, size);
}

static int meddled_size(struct fs_file *file, uint64_t *size)
{
    int rc;

    meddle();
    rc = meddler.real->size(file, size);
    if (rc == 0 && strstr(file->path, ".manifest") && meddler.manifest_bytes)
        *size = meddler.manifest_bytes;
    return rc;
}

static uint64_t size_of_manifest(struct place *place)
{
    struct strata_error err;
    struct fs_names names;
    struct fs_file *file;
    uint64_t bytes = 0;

    assert_ok(fs_list(place->fs, place->dir, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++)
        if (strstr(names.names[i], ".manifest")) {
            assert_ok(fs_open_in(place->fs, place->dir, names.names[i], FS_READ, &file, &err),
                      &err);
            bytes = file->end;
            assert_ok(fs_close(file, &err), &err);
        }
    fs_names_free(&names);
    return bytes;
}

static int meddled_list(struct strata_fs *fs, const char *path, struct fs_names *names)
{
    meddle();
    if (meddler.names_a_log) {
        meddler.manifest_bytes = size_of_manifest(meddler.place);
        tidy_up(meddler.writer);
        put_batch(meddler.writer, ++meddler.n);
    }
    return meddler.real->list(fs, path, names);
}

static void replace_marker(void)
{
    struct strata_buffer marker = place_read(meddler.place, "db/" MARKER_NAME);
    struct strata_error err;

    meddler.replaces = false;
    assert_ok(fs_replace(meddler.place->fs, meddler.place->dir, MARKER_NAME,
                         strata_buffer_slice(&marker), false, &err),
              &err);
    strata_buffer_free(&marker);
}

static int meddled_lock(struct strata_fs *fs, const char *path, enum fs_lock kind,
                        struct fs_file **out)
{
    int rc;

    meddle();
    if (meddler.lock_fails && strstr(path, MARKER_NAME)) {
        meddler.locks++;
        return meddler.lock_fails;
    }
    if (meddler.on && meddler.ends_when_asked && strstr(path, "/LOCK")) {
        assert_int_equal(strata_close(meddler.writer, NULL), 0);
        meddler.writer = NULL;
        meddler.on = false;
        meddler.locks++;
    }
    if (meddler.looks && strstr(path, "/LOCK")) {
        meddler.looks--;
        return -EWOULDBLOCK;
    }
    rc = meddler.real->lock(fs, path, kind, out);
    if (rc == 0 && meddler.replaces && strstr(path, MARKER_NAME))
        replace_marker();
    return rc;
}

static struct strata_fs *meddled_new(void)
{
    static struct fs_ops ops;
    struct strata_fs *fs = fs_posix_new();

    assert_non_null(fs);
    memset(&meddler, 0, sizeof meddler);
    meddler.real = fs->ops;
    leave_unsynced(fs, &ops);
    ops.open = meddled_open;
    ops.read_at = meddled_read;
    ops.size = meddled_size;
    ops.list = meddled_list;
    ops.lock = meddled_lock;
    return fs;
}

/* Opens a reader, meddled with at call `at`. False: it made fewer calls. */
static bool open_meddled(struct place *place, struct strata_fs *fs, uint64_t at)
{
    uint32_t before = meddler.n;
    struct strata_options options;
    struct strata_error err;
    struct strata *reader;
    int rc;

    meddler.calls = 0;
    meddler.at = at;
    set_options(&options, fs, true);
    meddler.on = true;
    rc = strata_open(place->dir, &options, &reader, &err);
    meddler.on = false;
    if (rc < 0)
        print_message("the writer at call %llu: ", (unsigned long long)at);
    assert_ok(rc, &err);
    expect_state(reader, before, meddler.n);
    tidy_up(meddler.writer);
    expect_state(reader, before, meddler.n);
    assert_ok(strata_verify_deep(reader, NULL, &err), &err);
    assert_ok(strata_close(reader, &err), &err);
    return meddler.calls >= at;
}

/* `every`: how often the writer works; `grows`: batches that the log has when the reader comes. */
static void meddle_everywhere(struct place *place, uint64_t every, bool tidies, bool closes)
{
    struct strata_fs *fs = meddled_new();
    struct strata_error err;
    bool reached = true;

    meddler.place = place;
    meddler.writer = open_place(place, place->fs, false);
    meddler.every = every;
    meddler.tidies = tidies;
    meddler.closes = closes;
    for (uint64_t at = 1 + background; reached && at < 400; at += check_whole() ? 1 : 3) {
        for (int i = 0; i < 5; i++)
            put_batch(meddler.writer, ++meddler.n);
        reached = open_meddled(place, fs, at);
    }
    assert_false(reached);
    tidy_up(meddler.writer);
    assert_true(is_clean(place, meddler.writer));
    assert_ok(strata_close(meddler.writer, &err), &err);
    fs_free(fs);
}

readers_test(reader_opens_while_the_log_grows)
{
    memtable_bytes = 1 << 20; /* one log */
    meddle_everywhere(place, 1, false, false);
}

readers_test(reader_opens_while_files_are_replaced)
{
    meddle_everywhere(place, UINT64_MAX, true, false);
}

readers_test(reader_opens_while_files_are_replaced_all_the_time)
{
    meddle_everywhere(place, 3, true, false);
}

readers_test(reader_opens_while_writers_come_and_go)
{
    meddle_everywhere(place, UINT64_MAX, true, true);
}

/* The log grew under the reader, and then there is no writer any more: what it read was no damage.
 */
readers_test(reader_opens_as_the_writer_ends)
{
    struct strata_fs *fs = meddled_new();
    uint64_t ended = 0;

    memtable_bytes = 1 << 20; /* one log, so it grows at each call: with a flush, a thread's pace
                               * would decide how often */
    meddler.writer = open_place(place, place->fs, false);
    meddler.every = 1;
    meddler.ends_when_asked = true;
    for (uint64_t at = 1; at < 100; at += check_whole() ? 1 : 3) {
        uint32_t before;
        struct strata *reader;
        struct strata_error err;
        for (int i = 0; i < 5; i++)
            put_batch(meddler.writer, ++meddler.n);
        before = meddler.n;
        meddler.calls = 0;
        meddler.at = at;
        meddler.on = true;
        reader = open_place(place, fs, true);
        meddler.on = false;
        expect_state(reader, before, meddler.n);
        assert_ok(strata_close(reader, &err), &err);
        if (!meddler.writer)
            meddler.writer = open_place(place, place->fs, false);
    }
    ended = meddler.locks;
    assert_in_range(ended, 5, 100);
    assert_int_equal(strata_close(meddler.writer, NULL), 0);
    fs_free(fs);
}

/* ---- A file is cut back ------------------------------------------------------------------------
 */

#define REFUSED 900000u /* from here on: batches that were refused */

/* The writer's append finds no room when half of it is stored; that half is cut off again. The
 * reader's call `at` comes when the half is there, and call `cut_at` when it is gone and something
 * else was appended in its place. */
static struct {
    const struct fs_ops *real;
    struct strata *writer;
    const char *suffix; /* of the file */
    bool full, stored;  /* its appends find no room; half of one is there */
    bool waits;         /* the first one, before it is cut off */
    bool goes_on;       /* with what there is room for, behind the cut */
    struct sync_sem torn, cut;
    struct sync_thread thread;
    uint64_t calls, at, cut_at, cuts;
    uint32_t refused;
    int rc;
    struct strata_error err;
} cutter;

static bool is_log(const char *suffix)
{
    return strcmp(suffix, ".log") == 0;
}

static bool is_of_cutter(const struct fs_file *file)
{
    size_t size = strlen(file->path), end = strlen(cutter.suffix);
    return size > end && strcmp(file->path + size - end, cutter.suffix) == 0;
}

static ssize_t append_half(struct fs_file *file, const struct strata_slice *parts, size_t count)
{
    struct strata_slice half[8];

    if (!cutter.full || !file->end || !is_of_cutter(file))
        return cutter.real->append(file, parts, count);
    if (cutter.stored)
        return -ENOSPC;
    cutter.stored = true;
    assert_in_range(count, 1, 8);
    memcpy(half, parts, count * sizeof *parts);
    half[count - 1].size /= 2;
    return cutter.real->append(file, half, count);
}

static int truncate_later(struct fs_file *file, uint64_t size)
{
    if (cutter.stored && is_of_cutter(file)) {
        cutter.stored = false;
        cutter.cuts++;
        if (cutter.waits) {
            sync_post(&cutter.torn);
            sync_take(&cutter.cut);
        }
    }
    return cutter.real->truncate(file, size);
}

/* A batch that the log has no room for, or a flush whose edit the manifest has no room for. */
static void *write_in_vain(void *arg)
{
    (void)arg;
    cutter.rc = is_log(cutter.suffix)
                    ? write_batch(cutter.writer, REFUSED + cutter.refused++, 0, &cutter.err)
                    : strata_flush(cutter.writer, &cutter.err);
    return NULL;
}

static void tear(void)
{
    cutter.full = cutter.waits = true;
    assert_int_equal(sync_start(&cutter.thread, write_in_vain, NULL), 0);
    sync_take(&cutter.torn);
}

static void cut_back(void)
{
    struct strata_error err;

    cutter.waits = false;
    sync_post(&cutter.cut);
    sync_join(&cutter.thread);
    cutter.full = false;
    if (cutter.rc < 0 || is_log(cutter.suffix)) { /* else it was an edit of a compaction */
        assert_int_equal(cutter.rc, STRATA_ERR_IO);
        assert_int_equal(cutter.err.sys, ENOSPC);
    }
    if (!cutter.goes_on)
        return;
    put_batch(cutter.writer, ++meddler.n);
    if (!is_log(cutter.suffix))
        assert_ok(strata_flush(cutter.writer, &err), &err);
}

static void cut_back_in_time(void)
{
    meddler.on = false;
    if (++cutter.calls == cutter.at)
        tear();
    if (cutter.calls == cutter.cut_at)
        cut_back();
    meddler.on = true;
}

static struct strata_fs *cutter_new(const char *suffix)
{
    static struct fs_ops ops;
    struct strata_fs *fs = fs_posix_new();

    assert_non_null(fs);
    memset(&cutter, 0, sizeof cutter);
    cutter.real = fs->ops;
    cutter.suffix = suffix;
    leave_unsynced(fs, &ops);
    ops.append = append_half;
    ops.truncate = truncate_later;
    sync_sem_init(&cutter.torn);
    sync_sem_init(&cutter.cut);
    return fs;
}

/* False: the reader made fewer calls. */
static bool open_beside_a_cut(struct place *place, struct strata_fs *fs, uint64_t at, uint64_t gap)
{
    uint32_t before;
    struct strata *reader;
    struct strata_options options;
    struct strata_error err;
    int rc;

    for (int i = 0; i < 3; i++)
        put_batch(cutter.writer, ++meddler.n);
    before = meddler.n;
    cutter.calls = 0;
    cutter.at = at;
    cutter.cut_at = at + gap;
    set_options(&options, fs, true);
    meddler.on = true;
    rc = strata_open(place->dir, &options, &reader, &err);
    meddler.on = false;
    if (cutter.waits)
        cut_back();
    if (rc < 0)
        print_message("torn at call %llu, cut at call %llu: ", (unsigned long long)at,
                      (unsigned long long)(at + gap));
    assert_ok(rc, &err);
    expect_state(reader, before, meddler.n);
    assert_ok(strata_verify_deep(reader, NULL, &err), &err);
    assert_ok(strata_close(reader, &err), &err);
    return cutter.calls >= at;
}

static void cut_back_everywhere(const char *suffix)
{
    static struct fs_ops ops;
    struct place place;
    struct strata_fs *writers, *readers;
    struct strata_error err;
    uint64_t at, most = check_whole() ? 400 : 40; /* manifest and log are read by then */

    place_init(&place);
    leave_unsynced(place.fs, &ops);
    background = 0;
    seed = 1;                 /* without background work a full disk ends writing */
    memtable_bytes = 1 << 20; /* one log */
    writers = cutter_new(suffix);
    readers = meddled_new();
    meddler.instead = cut_back_in_time;
    for (uint64_t gap = 0; gap < 8; gap++) {
        bool reached = true;
        cutter.goes_on = gap % 2;
        cutter.writer = open_place(&place, writers, false);
        for (at = 1; reached && at < most; at++)
            reached = open_beside_a_cut(&place, readers, at, gap);
        assert_true(!reached || !check_whole());
        expect_state(cutter.writer, meddler.n, meddler.n);
        assert_ok(strata_close(cutter.writer, &err), &err);
    }
    assert_true(cutter.cuts > 30);
    seed = 0;
    sync_sem_free(&cutter.torn);
    sync_sem_free(&cutter.cut);
    fs_free(readers);
    fs_free(writers);
    place_free(&place);
}

static void reader_opens_while_a_log_is_cut_back(void **state)
{
    (void)state;
    cut_back_everywhere(".log");
}

static void reader_opens_while_a_manifest_is_cut_back(void **state)
{
    (void)state;
    cut_back_everywhere(".manifest");
}

/* A log that was made and not named yet when the manifest was read, and then was written to. */
readers_test(reader_finds_a_log_that_was_not_named_yet)
{
    struct strata_fs *fs = meddled_new();
    struct strata *reader;
    struct strata_error err;

    meddler.place = place;
    meddler.writer = open_place(place, place->fs, false);
    put_batch(meddler.writer, ++meddler.n);
    meddler.names_a_log = true;
    reader = open_place(place, fs, true);
    meddler.names_a_log = false;
    meddler.manifest_bytes = 0;
    expect_state(reader, 1, 1);
    assert_ok(strata_close(reader, &err), &err);
    assert_ok(strata_close(meddler.writer, &err), &err);
    fs_free(fs);
}

/* A lease on a file that is the marker no longer keeps nothing. */
readers_test(reader_of_a_database_that_was_replaced)
{
    struct strata_fs *fs = meddled_new();
    struct strata *db = open_place(place, place->fs, false);
    struct strata_options options;
    struct strata_error err;

    assert_ok(strata_close(db, &err), &err);
    meddler.place = place;
    meddler.replaces = true;
    set_options(&options, fs, true);
    assert_code(strata_open(place->dir, &options, &db, &err), STRATA_ERR_LOCKED, &err);
    assert_err_says(&err, "replaced");
    db = open_place(place, fs, true);
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
}

/* ---- The log's end -----------------------------------------------------------------------------
 */

/* Opens the database, stores five batches after a flush, and waits. */
static int write_and_wait(struct child *self, void *arg)
{
    struct place *place = arg;
    struct strata_options options;
    struct strata *db;
    int rc;

    set_options(&options, place->fs, false);
    rc = strata_open(place->dir, &options, &db, NULL);
    for (uint32_t n = 2; rc == 0 && n <= 5; n++)
        rc = write_batch(db, n, 0, NULL);
    child_say(self, rc == 0 ? 'w' : 'x');
    child_hear(self);
    return 0;
}

/* Path of the log with the largest number, and where what was appended ends. */
static char *last_log(struct place *place, uint64_t *end)
{
    struct strata_error err;
    struct fs_names names;
    struct strata_buffer bytes = {0};
    char *path = NULL;

    assert_ok(fs_list(place->fs, place->dir, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++)
        if (strstr(names.names[i], ".log")) {
            free(path);
            path = fs_join(place->dir, names.names[i]);
        }
    fs_names_free(&names);
    assert_non_null(path);
    assert_ok(fs_read_file(place->fs, path, 64 << 20, &bytes, &err), &err);
    for (*end = bytes.size; *end && !bytes.data[*end - 1];)
        --*end;
    strata_buffer_free(&bytes);
    return path;
}

static void scribble(struct place *place, const char *path, uint64_t at)
{
    static const char bytes[] = "not the beginning of an append";
    struct strata_error err;
    struct fs_file *file;

    assert_ok(fs_open(place->fs, path, FS_WRITE, &file, &err), &err);
    assert_ok(fs_write_at(file, at, bytes, sizeof bytes, &err), &err);
    assert_ok(fs_close(file, &err), &err);
}

/* Appends are stored through a mapping, by pages in any order: behind the last whole frame may be
 * anything while a writer lives. Without one it is damage: no write that was cut short leaves it.
 */
readers_test(reader_beside_an_append_that_is_being_stored)
{
    struct strata *db = open_place(place, place->fs, false);
    struct strata_options options;
    struct strata_error err;
    struct child child;
    uint64_t end;
    char *path;

    put_batch(db, 1);
    assert_ok(strata_close(db, &err), &err);
    child_start(&child, write_and_wait, place);
    assert_int_equal(child_hear(&child), 'w');
    path = last_log(place, &end);
    for (uint64_t at = end + 8; at < end + 300; at += 140) {
        scribble(place, path, at);
        db = open_place(place, place->fs, true);
        expect_state(db, 5, 5);
        assert_ok(strata_verify_deep(db, NULL, &err), &err);
        assert_ok(strata_close(db, &err), &err);
    }
    assert_int_equal(kill(child.pid, SIGKILL), 0);
    assert_int_equal(child_wait(&child), 1000 + SIGKILL);
    set_options(&options, place->fs, true);
    assert_code(strata_open(place->dir, &options, &db, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, path);
    free(path);
}

/* What is known to be durable is no append in progress. */
readers_test(reader_beside_a_writer_finds_damage)
{
    struct strata *writer = open_place(place, place->fs, false), *reader;
    struct strata_options options;
    struct strata_error err;
    uint64_t end;
    char *path;

    for (uint32_t n = 1; n <= 3; n++)
        put_batch(writer, n);
    assert_ok(strata_sync(writer, &err), &err);
    path = last_log(place, &end);
    scribble(place, path, end - 200);
    set_options(&options, place->fs, true);
    assert_code(strata_open(place->dir, &options, &reader, &err), STRATA_ERR_CORRUPT, &err);
    assert_err_file(&err, path);
    free(path);
    strata_close(writer, NULL);
}

/* ---- Locks that fail ---------------------------------------------------------------------------
 */

/* Whether there are readers is not known then: files stay, and nothing else fails. */
readers_test(lock_that_fails_keeps_files)
{
    struct strata_fs *fs = meddled_new();
    struct strata *writer = open_place(place, fs, false);
    unsigned long warnings = subject_warnings();
    struct strata_error err;

    put_batch(writer, 1);
    meddler.lock_fails = -EMFILE;
    for (uint32_t n = 2; n <= 60; n++)
        put_batch(writer, n);
    tidy_up(writer);
    assert_true(meddler.locks > 1);
    assert_int_equal(subject_warnings() - warnings, 1); /* not at each look */
    assert_true(check_stat(writer, "obsolete_bytes") > 0);
    assert_ok(strata_close(writer, &err), &err);
    writer = open_place(place, fs, false);
    expect_state(writer, 60, 60);
    assert_false(is_clean(place, writer));
    meddler.lock_fails = 0;
    tidy_up(writer);
    assert_true(is_clean(place, writer));
    assert_ok(strata_verify_deep(writer, NULL, &err), &err);
    assert_ok(strata_close(writer, &err), &err);
    fs_free(fs);
}

/* Looks for readers for 30 ms; 'l' comes from the parent: until it says more. */
static int look_for_readers(struct child *self, void *arg)
{
    struct place *place = arg;
    char *marker = fs_join(place->dir, MARKER_NAME);
    struct fs_file *look;
    int rc = fs_lock(place->fs, marker, FS_LOCK_ALONE, &look, NULL);

    child_say(self, rc == 0 ? 'o' : 'x');
    if (child_hear(self) == 'l')
        child_hear(self);
    else
        pause_ms(30);
    fs_close(look, NULL);
    free(marker);
    return 0;
}

/* Opens as a reader while another process looks for readers: for a moment, or until this one has
 * ended. */
static int open_while_looked_for(struct place *place, bool longer, struct strata **db,
                                 struct strata_error *err)
{
    struct strata_options options;
    struct child child;
    int rc;

    set_options(&options, place->fs, true);
    child_start(&child, look_for_readers, place);
    assert_int_equal(child_hear(&child), 'o');
    child_say(&child, longer ? 'l' : 's');
    rc = strata_open(place->dir, &options, db, err);
    assert_int_equal(child_wait(&child), 0);
    return rc;
}

/* A writer looks for readers for a moment: a reader that comes then waits. One that waits for too
 * long is refused. (On a busy machine the moment of 30 ms may be longer than a reader waits: it
 * comes again. Who does not wait is refused each time.) */
readers_test(reader_waits_while_it_is_looked_for)
{
    struct strata *db = open_place(place, place->fs, false);
    struct strata_error err;
    int rc = STRATA_ERR_LOCKED;

    put_batch(db, 1);
    assert_ok(strata_close(db, &err), &err);
    assert_code(open_while_looked_for(place, true, &db, &err), STRATA_ERR_LOCKED, &err);
    for (int i = 0; i < 5 && rc == STRATA_ERR_LOCKED; i++)
        rc = open_while_looked_for(place, false, &db, &err);
    assert_ok(rc, &err);
    expect_state(db, 1, 1);
    assert_ok(strata_close(db, &err), &err);
}

/* A reader that finds the log's end asks whether a writer lives: it has LOCK for an instant. */
readers_test(writer_opens_while_it_is_looked_for)
{
    struct strata_fs *fs = meddled_new();
    struct strata *db;
    struct strata_error err;

    meddler.looks = 5;
    db = open_place(place, fs, false);
    assert_int_equal(meddler.looks, 0);
    put_batch(db, 1);
    assert_ok(strata_close(db, &err), &err);
    fs_free(fs);
}

/* ---- Processes ---------------------------------------------------------------------------------
 */

struct shared {
    struct place *place;
    _Atomic uint32_t issued, acknowledged;
    _Atomic bool stop;
    _Atomic uint32_t opened, failed, wrong;
    struct strata_error err;
};

static struct shared *shared_new(struct place *place)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(shared != MAP_FAILED);
    shared->place = place;
    return shared;
}

/* Writes all the time; now and then it flushes, compacts, or closes and opens again. */
static int keep_writing(struct child *self, void *arg)
{
    struct shared *shared = arg;
    struct strata_options options;
    struct strata_error err = {0};
    struct strata *db;
    int rc;

    (void)self;
    set_options(&options, shared->place->fs, false);
    rc = strata_open(shared->place->dir, &options, &db, &err);
    for (uint32_t n = shared->issued + 1; rc == 0 && !shared->stop; n++) {
        shared->issued = n;
        rc = write_batch(db, n, n % 50 ? 0 : STRATA_WRITE_SYNC, &err);
        shared->acknowledged = n;
        if (rc == 0 && n % 97 == 0)
            rc = strata_flush(db, &err);
        if (rc == 0 && n % 997 == 0)
            rc = strata_compact(db, NULL, &err);
        if (rc == 0 && n % 1999 == 0) {
            rc = strata_close(db, &err);
            db = NULL;
            if (rc == 0)
                rc = strata_open(shared->place->dir, &options, &db, &err);
        }
    }
    if (rc < 0)
        shared->err = err;
    return rc < 0 || strata_close(db, NULL) < 0;
}

/* A reader's state, seen twice. */
static bool look(struct shared *shared, struct strata *db, uint32_t least, uint32_t most,
                 struct rng *rng, struct strata_error *err)
{
    int rc;
    uint32_t n = state_of(db, &rc, err), again = n;

    if (rc == 0 && rng_below(rng, 8) == 0) {
        pause_ms((unsigned)rng_below(rng, 200));
        again = state_of(db, &rc, err);
        if (rc == 0)
            rc = strata_verify(db, NULL, err);
    }
    if (rc == 0 && (n != again || n < least || n > most)) {
        shared->wrong++;
        strata_fail(err, STRATA_ERR_CORRUPT, NULL, n, "state %u, then %u, of %u to %u", n, again,
                    least, most);
        return false;
    }
    return rc == 0;
}

static int keep_reading(struct child *self, void *arg)
{
    struct shared *shared = arg;
    struct strata_options options;
    struct strata_error err = {0};
    struct rng rng;

    (void)self;
    rng_init(&rng, (uint64_t)getpid());
    set_options(&options, shared->place->fs, true);
    while (!shared->stop) {
        uint32_t least = shared->acknowledged;
        struct strata *db;
        bool well = strata_open(shared->place->dir, &options, &db, &err) == 0;
        if (well) {
            uint32_t most = shared->issued;
            shared->opened++;
            well = look(shared, db, least, most, &rng, &err);
            strata_close(db, NULL);
        }
        if (!well) {
            shared->err = err;
            shared->failed++;
            return 1;
        }
    }
    return 0;
}

static void expect_well(struct shared *shared)
{
    char text[600];

    if (shared->failed || shared->err.code)
        fail_msg("%s", strata_error_text(&shared->err, text, sizeof text));
    assert_int_equal(shared->wrong, 0);
}

#define READERS 3

/* Readers come and go, some are killed; so is the writer, now and then. */
readers_test(readers_of_other_processes_see_whole_batches)
{
    struct shared *shared = shared_new(place);
    struct child writer, readers[READERS];
    unsigned rounds = check_quick() ? 12 : check_whole() ? 60 : 30;
    struct strata_error err;
    struct strata *db = open_place(place, place->fs, false);

    put_batch(db, 1);
    assert_ok(strata_close(db, &err), &err);
    shared->issued = shared->acknowledged = 1;
    child_start(&writer, keep_writing, shared);
    for (int i = 0; i < READERS; i++)
        child_start(&readers[i], keep_reading, shared);
    for (unsigned round = 0; round < rounds; round++) {
        struct child *killed = round % 4 == 3 ? &writer : &readers[round % READERS];
        pause_ms(150);
        if (shared->failed || shared->err.code)
            break;
        assert_int_equal(kill(killed->pid, SIGKILL), 0);
        assert_int_equal(child_wait(killed), 1000 + SIGKILL);
        child_start(killed, killed == &writer ? keep_writing : keep_reading, shared);
    }
    shared->stop = true;
    for (int i = 0; i < READERS; i++)
        child_wait(&readers[i]);
    assert_int_equal(child_wait(&writer), 0);
    expect_well(shared);
    assert_in_range(shared->opened, rounds, UINT32_MAX);
    db = open_place(place, place->fs, false); /* there are no leases left */
    expect_state(db, shared->acknowledged, shared->issued);
    tidy_up(db);
    assert_true(is_clean(place, db));
    assert_ok(strata_close(db, &err), &err);
    munmap(shared, sizeof *shared);
}

/* Opens it to read, says so, and stays. */
static int stay(struct child *self, void *arg)
{
    struct place *place = arg;
    struct strata_options options;
    struct strata *db;
    int rc;

    set_options(&options, place->fs, true);
    rc = strata_open(place->dir, &options, &db, NULL);
    child_say(self, rc == 0 ? 'o' : 'x');
    child_hear(self);
    return 0;
}

readers_test(reader_that_is_killed_gives_its_lease_back)
{
    struct strata *writer = open_place(place, place->fs, false);
    struct strata_error err;
    struct child child;

    for (uint32_t n = 1; n <= 30; n++)
        put_batch(writer, n);
    child_start(&child, stay, place);
    assert_int_equal(child_hear(&child), 'o');
    for (uint32_t n = 31; n <= 60; n++)
        put_batch(writer, n);
    tidy_up(writer);
    assert_false(is_clean(place, writer));
    assert_int_equal(kill(child.pid, SIGKILL), 0);
    assert_int_equal(child_wait(&child), 1000 + SIGKILL);
    tidy_up(writer);
    assert_true(is_clean(place, writer));
    assert_ok(strata_close(writer, &err), &err);
}

/* ---- Forks -------------------------------------------------------------------------------------
 */

struct inherited {
    struct strata *writer, *reader;
};

/* 0, or which call was not refused. Neither lock nor lease is given back or kept. */
static int use_inherited(struct child *self, void *arg)
{
    struct inherited *in = arg;
    struct strata_slice key = strata_string("k0");
    const int results[] = {
        strata_put(in->writer, key, key, NULL),
        strata_get(in->writer, key, NULL, NULL),
        strata_flush(in->writer, NULL),
        strata_compact(in->writer, NULL, NULL),
        strata_stats(in->writer, NULL, NULL, NULL),
        strata_get(in->reader, key, NULL, NULL),
        strata_verify(in->reader, NULL, NULL),
        strata_close(in->reader, NULL),
        strata_close(in->writer, NULL),
    };

    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (results[i] != STRATA_ERR_INVALID)
            return (int)i + 1;
    child_say(self, 'r');
    child_hear(self); /* it lives on while its parent closes */
    return 0;
}

readers_test(forked_child_has_no_handle_and_no_lease)
{
    static struct inherited in; /* in the child nothing frees it, and it is no leak */
    struct strata_error err;
    struct child child;

    in.writer = open_place(place, place->fs, false);
    for (uint32_t n = 1; n <= 30; n++)
        put_batch(in.writer, n);
    in.reader = open_place(place, place->fs, true);
    child_start(&child, use_inherited, &in);
    assert_int_equal(child_hear(&child), 'r');
    for (uint32_t n = 31; n <= 60; n++)
        put_batch(in.writer, n);
    tidy_up(in.writer);
    expect_state(in.reader, 30, 30);
    assert_false(is_clean(place, in.writer));
    assert_ok(strata_close(in.reader, &err), &err);
    tidy_up(in.writer);
    assert_true(is_clean(place, in.writer));
    assert_ok(strata_close(in.writer, &err), &err);
    assert_int_equal(child_wait(&child), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_has_its_files_until_it_is_closed),
        cmocka_unit_test(reader_has_its_files_over_other_writers),
        cmocka_unit_test(reader_that_stays_longer_than_the_writer),
        cmocka_unit_test(reader_keeps_manifests_that_are_replaced),
        cmocka_unit_test(reader_lets_the_writer_do_everything),
        cmocka_unit_test(reader_is_in_the_way_of_removal_and_repair),
        cmocka_unit_test(reader_opens_while_the_log_grows),
        cmocka_unit_test(reader_opens_while_files_are_replaced),
        cmocka_unit_test(reader_opens_while_files_are_replaced_all_the_time),
        cmocka_unit_test(reader_opens_while_writers_come_and_go),
        cmocka_unit_test(reader_opens_as_the_writer_ends),
        cmocka_unit_test(reader_opens_while_a_log_is_cut_back),
        cmocka_unit_test(reader_opens_while_a_manifest_is_cut_back),
        cmocka_unit_test(reader_finds_a_log_that_was_not_named_yet),
        cmocka_unit_test(reader_of_a_database_that_was_replaced),
        cmocka_unit_test(reader_beside_an_append_that_is_being_stored),
        cmocka_unit_test(reader_beside_a_writer_finds_damage),
        cmocka_unit_test(lock_that_fails_keeps_files),
        cmocka_unit_test(reader_waits_while_it_is_looked_for),
        cmocka_unit_test(writer_opens_while_it_is_looked_for),
        cmocka_unit_test(readers_of_other_processes_see_whole_batches),
        cmocka_unit_test(reader_that_is_killed_gives_its_lease_back),
        cmocka_unit_test(forked_child_has_no_handle_and_no_lease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
