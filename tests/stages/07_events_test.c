/* 07_events_test.c: the event log of stage 6: what it tells is what happened, and whatever becomes
 * of it, nothing else does. */
#include "test.h"

#include "events/events.h"
#include "base/checksum.h"
#include "crash/sim/fs_sim.h"
#include "rng.h"
#include "crash/subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) strata_string(text)
#define DIR "db"
#define LOG DIR "/" EVENTS_NAME
#define OLD DIR "/" EVENTS_OLD
#define BUDGET ((uint64_t)1 << 20)

/* ---- A database ------------------------------------------------------------------------------ */

static bool beside_writes; /* by a thread, from stage 10 on */

static int open_as(struct strata_fs *fs, uint64_t budget, bool read_only, struct strata **db,
                   struct strata_error *err)
{
    struct strata_options options;

    subject_options(&options, fs, !read_only);
    options.memtable_bytes = 4000;
    options.dynamic_levels = false; /* more levels, and moves */
    options.event_log_bytes = budget;
    options.read_only = read_only;
    options.background_threads = beside_writes;
    return strata_open(DIR, &options, db, err);
}

static struct strata *open_it(struct strata_fs *fs, uint64_t budget)
{
    struct strata_error err;
    struct strata *db;

    assert_ok(open_as(fs, budget, false, &db, &err), &err);
    return db;
}

static void close_it(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}

/* Random order; some are deleted. */
static void work(struct strata *db, struct rng *rng, int count)
{
    for (int i = 0; i < count; i++) {
        char key[24], value[64];
        snprintf(key, sizeof key, "key %06d", (int)rng_below(rng, 2000));
        snprintf(value, sizeof value, "value %040d", i);
        if (rng_below(rng, 8))
            assert_put(db, key, value);
        else
            assert_delete(db, key);
    }
}

static struct strata *worked(struct strata_fs *fs, uint64_t budget, int count)
{
    struct strata *db = open_it(fs, budget);
    struct rng rng;

    rng_init(&rng, 5);
    work(db, &rng, count);
    return db;
}

static size_t bytes_of(struct strata_fs *fs, const char *path)
{
    struct strata_buffer bytes = {0};
    int rc = fs_sim_get(fs, path, &bytes);
    size_t size = bytes.size;

    strata_buffer_free(&bytes);
    return rc == 0 ? size : 0;
}

/* ---- What it tells --------------------------------------------------------------------------- */

#define TABLES 20000

struct story {
    uint64_t level[TABLES], bytes[TABLES]; /* by number; level 99: none */
    uint64_t counts[STRATA_EVENTS];
    uint64_t reading[TABLES], readings;
    struct strata_event last; /* that has levels */
    uint64_t ns, flushed, written, dropped, stalled;
    unsigned tables;
    bool wrong;
};

static void begin_story(struct story *s)
{
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < TABLES; i++)
        s->level[i] = 99;
}

static void add_table(struct story *s, const struct strata_event *e)
{
    s->wrong |= e->table >= TABLES || e->level > 6 || !e->smallest.data || !e->largest.data ||
                strata_compare(e->smallest, e->largest) > 0;
    if (s->wrong)
        return;
    s->level[e->table] = e->level;
    s->bytes[e->table] = e->bytes;
}

static void drop_inputs(struct story *s)
{
    for (uint64_t i = 0; i < s->readings; i++)
        s->level[s->reading[i]] = 99;
    s->readings = 0;
}

/* As anybody would who draws them. */
static void follow(void *arg, const struct strata_event *e)
{
    struct story *s = arg;

    s->counts[e->type]++;
    s->wrong |= strcmp(e->name, events_name(e->type)) != 0;
    if (e->type == STRATA_EVENT_UNREADABLE)
        return;
    s->wrong |= e->ns < s->ns && e->type != STRATA_EVENT_OPEN;
    s->ns = e->ns;
    if (e->type == STRATA_EVENT_STANDS || e->type == STRATA_EVENT_MADE)
        add_table(s, e);
    else if (e->type == STRATA_EVENT_GONE)
        s->reading[s->readings++ % TABLES] = e->table;
    else if (e->type == STRATA_EVENT_MOVE)
        s->level[e->table % TABLES] = e->level;
    else if (e->type == STRATA_EVENT_COMPACT_END)
        drop_inputs(s);
    else if (e->type == STRATA_EVENT_GIVEN_UP)
        s->readings = 0;
    if (e->type == STRATA_EVENT_FLUSH_END)
        s->flushed += e->written;
    if (e->type == STRATA_EVENT_COMPACT_END)
        s->written += e->written;
    s->dropped += e->dropped;
    if (e->type == STRATA_EVENT_STALL)
        s->stalled += e->took_ns;
    if (e->type != STRATA_EVENT_STANDS && e->type != STRATA_EVENT_MADE &&
        e->type != STRATA_EVENT_GONE)
        s->last = *e;
}

static void compare_table(void *arg, const struct strata_table *t)
{
    struct story *s = arg;

    s->wrong |= t->number >= TABLES || s->level[t->number % TABLES] != t->level ||
                s->bytes[t->number % TABLES] != t->bytes;
    s->tables++;
}

/* The tables and levels that it leads to are those that there are. */
static void expect_true_story(struct strata *db, struct story *s)
{
    struct strata_error err;
    unsigned told = 0;

    begin_story(s);
    assert_ok(strata_events(db, follow, s, &err), &err);
    assert_false(s->wrong);
    assert_ok(strata_tables(db, compare_table, s, &err), &err);
    assert_false(s->wrong);
    for (size_t i = 0; i < TABLES; i++)
        told += s->level[i] != 99;
    assert_int_equal(told, s->tables);
    for (unsigned level = 0; level < STRATA_EVENT_LEVELS; level++) {
        char name[24];
        snprintf(name, sizeof name, "level%u_bytes", level);
        assert_int_equal(s->last.level_bytes[level], check_stat(db, name));
    }
}

static void events_lead_to_the_tables_that_there_are(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = worked(fs, BUDGET, 3000);
    struct story *s = malloc(sizeof *s);
    uint64_t flushes, compactions = 0;

    (void)state;
    assert_non_null(s);
    expect_true_story(db, s);
    flushes = check_stat(db, "flushes");
    for (unsigned level = 1; level < 7; level++) {
        char name[32];
        snprintf(name, sizeof name, "level%u_compactions", level);
        compactions += check_stat(db, name);
    }
    assert_true(flushes > 10 && compactions > 10);
    assert_int_equal(s->counts[STRATA_EVENT_FLUSH_END], flushes);
    assert_int_equal(s->counts[STRATA_EVENT_COMPACT_END], compactions);
    assert_int_equal(s->flushed, check_stat(db, "flushed_bytes"));
    assert_in_range(s->last.bytes_in, 1, check_stat(db, "bytes_in"));
    assert_true(s->dropped > 0 && s->counts[STRATA_EVENT_MOVE] > 0);
    assert_true(s->counts[STRATA_EVENT_SEAL] >= flushes);
    close_it(db);
    fs_free(fs);
    free(s);
}

static void events_go_on_over_sessions(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct story *s = malloc(sizeof *s);
    struct strata_error err;
    struct strata *db;

    (void)state;
    assert_non_null(s);
    for (int i = 0; i < 5; i++) {
        db = worked(fs, BUDGET, 400);
        expect_true_story(db, s);
        assert_int_equal(s->counts[STRATA_EVENT_OPEN], i + 1);
        close_it(db);
    }
    assert_ok(open_as(fs, BUDGET, true, &db, &err), &err);
    expect_true_story(db, s);
    assert_int_equal(s->counts[STRATA_EVENT_CLOSE], 5);
    assert_int_equal(s->counts[STRATA_EVENT_UNREADABLE], 0);
    close_it(db);
    fs_free(fs);
    free(s);
}

/* The two files never have more than the budget and what one event tells; and each begins with the
 * tables that stood there. */
static void events_are_bounded(void **state)
{
    enum { SMALL = 256 << 10 };
    struct strata_fs *fs = fs_sim_new();
    struct story *s = malloc(sizeof *s);
    struct strata *db = open_it(fs, SMALL);
    struct strata_error err;
    struct rng rng;

    (void)state;
    assert_non_null(s);
    rng_init(&rng, 5);
    for (int i = 0; i < 120; i++) {
        work(db, &rng, 200);
        assert_true(bytes_of(fs, LOG) + bytes_of(fs, OLD) < SMALL + SMALL / 2);
    }
    assert_true(bytes_of(fs, OLD) > SMALL / 2);
    assert_true(check_stat(db, "event_bytes") > 2 * SMALL);
    expect_true_story(db, s);
    assert_true(s->counts[STRATA_EVENT_STANDS] > 0);
    close_it(db);
    assert_ok(fs_remove(fs, OLD, &err), &err); /* the newer one says enough by itself */
    db = open_it(fs, SMALL);
    expect_true_story(db, s);
    close_it(db);
    fs_free(fs);
    free(s);
}

/* Also when it begins while a compaction is under way: that is told again. */
static void events_of_a_new_file_need_no_older_one(void **state)
{
    enum { SMALL = 256 << 10 }; /* room for lines about some 300 tables */
    struct strata_fs *fs = fs_sim_new();
    struct story *s = malloc(sizeof *s);
    struct strata *db = open_it(fs, SMALL);
    struct strata_error err;
    unsigned files = 0;
    struct rng rng;

    (void)state;
    assert_non_null(s);
    rng_init(&rng, 5);
    while (files < 12) {
        size_t before = bytes_of(fs, LOG);
        work(db, &rng, 5);
        if (bytes_of(fs, LOG) >= before || !bytes_of(fs, OLD))
            continue;
        work(db, &rng, 60); /* what was under way ends */
        assert_ok(fs_remove(fs, OLD, &err), &err);
        expect_true_story(db, s);
        files++;
    }
    close_it(db);
    fs_free(fs);
    free(s);
}

static int slow_sync(struct fs_file *file)
{
    (void)file;
    fs_sim_advance(file->fs, 20000000);
    return 0;
}

/* Whoever does the work. */
static void events_of_work_beside_writes_lead_to_the_tables(void **state)
{
    enum { SMALL = 256 << 10 };
    struct strata_fs *fs = fs_sim_new();
    struct story *s = malloc(sizeof *s);
    struct strata_error err;
    struct strata *db;

    (void)state;
    assert_non_null(s);
    for (int i = 0; i < 20; i++) {
        beside_writes = true;
        db = worked(fs, SMALL, 1000 + 37 * i);
        close_it(db);
        beside_writes = false;
        assert_ok(open_as(fs, SMALL, true, &db, &err), &err);
        expect_true_story(db, s);
        close_it(db);
    }
    assert_true(bytes_of(fs, OLD) > SMALL / 2);
    fs_free(fs);
    free(s);
}

/* A slow device makes writes wait: that is told, but not so often that nothing else is left. */
static void events_tell_of_stalls(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    const struct fs_ops *ops = fs->ops;
    struct fs_ops slow = *ops;
    struct strata *db = open_it(fs, BUDGET);
    struct story *s = malloc(sizeof *s);
    struct strata_error err;
    struct rng rng;

    (void)state;
    assert_non_null(s);
    slow.sync = slow_sync;
    fs->ops = &slow;
    rng_init(&rng, 5);
    work(db, &rng, 1000);
    fs->ops = ops;
    begin_story(s);
    assert_ok(strata_events(db, follow, s, &err), &err);
    assert_true(s->counts[STRATA_EVENT_STALL] > 10);
    assert_true(s->stalled >= s->counts[STRATA_EVENT_STALL] * EVENTS_STALL_NS);
    assert_true(check_stat(db, "stalls_10ms") >= s->counts[STRATA_EVENT_STALL]);
    assert_true(check_stat(db, "stalls_1ms") >= check_stat(db, "stalls_10ms"));
    assert_int_equal(check_stat(db, "stalls_100ms"), 0);
    close_it(db);
    fs_free(fs);
    free(s);
}

/* ---- What it costs --------------------------------------------------------------------------- */

/* The same work with it and without it: the same syncs, and data files of the same bytes. */
static void events_add_no_sync(void **state)
{
    static const enum fs_call waits[] = {FS_CALL_SYNC, FS_CALL_SYNC_DIR, FS_CALL_TRUNCATE,
                                         FS_CALL_REMOVE, FS_CALL_RENAME};
    struct strata_fs *with = fs_sim_new(), *without = fs_sim_new();
    struct strata *a = worked(with, BUDGET, 2000), *b = worked(without, 0, 2000);
    uint64_t events = check_stat(a, "event_bytes");

    (void)state;
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        assert_int_equal(with->calls[waits[i]], without->calls[waits[i]]);
    assert_int_equal(with->bytes_written - events, without->bytes_written);
    assert_true(events > 0 && check_stat(b, "event_bytes") == 0);
    close_it(a);
    close_it(b);
    assert_int_equal(bytes_of(without, LOG), 0);
    fs_free(with);
    fs_free(without);
}

/* A session that changes no table leaves no word. */
static void events_of_a_reader_are_none(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata_error err;
    struct strata *db = worked(fs, BUDGET, 500);
    size_t bytes;

    (void)state;
    close_it(db);
    bytes = bytes_of(fs, LOG);
    assert_true(bytes > 0);
    close_it(open_it(fs, BUDGET));
    assert_ok(open_as(fs, BUDGET, true, &db, &err), &err);
    close_it(db);
    assert_int_equal(bytes_of(fs, LOG), bytes);
    fs_free(fs);
}

/* ---- What becomes of it ---------------------------------------------------------------------- */

static bool is_log(const char *path)
{
    const char *name = strrchr(path, '/');
    return name && strncmp(name + 1, EVENTS_NAME, strlen(EVENTS_NAME)) == 0;
}

static const struct fs_ops *real;
static enum fs_call refused;
static bool half_fits; /* of the next append: it fails behind that */

static int refuse_open(struct strata_fs *fs, const char *path, unsigned flags, struct fs_file **out)
{
    return refused == FS_CALL_OPEN && is_log(path) ? -EACCES : real->open(fs, path, flags, out);
}

static ssize_t refuse_append(struct fs_file *file, const struct strata_slice *parts, size_t count)
{
    if (refused != FS_CALL_APPEND || !is_log(file->path))
        return real->append(file, parts, count);
    half_fits = !half_fits;
    return half_fits ? -ENOSPC
                     : real->append(file, &(struct strata_slice){parts->data, parts->size / 2}, 1);
}

static int refuse_rename(struct strata_fs *fs, const char *from, const char *to)
{
    return refused == FS_CALL_RENAME && is_log(from) ? -EIO : real->rename(fs, from, to);
}

/* It cannot be written: everything else goes on. */
static void events_that_fail_fail_nothing_else(void **state)
{
    static const enum fs_call calls[] = {FS_CALL_OPEN, FS_CALL_APPEND, FS_CALL_RENAME};

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct strata_fs *fs = fs_sim_new();
        struct fs_ops own = *fs->ops;
        struct strata_error err;
        struct strata *db;
        real = fs->ops;
        refused = calls[i];
        own.open = refuse_open;
        own.append = refuse_append;
        own.rename = refuse_rename;
        fs->ops = &own;
        db = worked(fs, 8 << 10, 1000);
        assert_true(check_stat(db, "flushes") > 10);
        assert_ok(strata_compact(db, NULL, &err), &err);
        assert_ok(strata_verify(db, NULL, &err), &err);
        assert_true(bytes_of(fs, LOG) < 8 << 10);
        close_it(db);
        fs->ops = real;
        db = worked(fs, BUDGET, 200);
        assert_true(check_stat(db, "event_bytes") > 0);
        close_it(db);
        fs_free(fs);
    }
}

/* The disk was full, twice: each time that is reported once, and when there is room again the log
 * goes on, behind lines that were cut, and lists the tables that there are. (Which ones went
 * meanwhile it does not say.) */
static void events_go_on_when_there_is_room_again(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_ops own = *fs->ops;
    struct story *s = malloc(sizeof *s);
    unsigned long warnings = subject_warnings();
    struct strata_error err;
    struct strata *db;
    struct rng rng;

    (void)state;
    assert_non_null(s);
    real = fs->ops;
    own.append = refuse_append;
    fs->ops = &own;
    rng_init(&rng, 5);
    db = open_it(fs, BUDGET);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t bytes = check_stat(db, "event_bytes");
        refused = FS_CALL_APPEND;
        work(db, &rng, 500);
        assert_int_equal(check_stat(db, "event_bytes"), bytes);
        assert_int_equal(subject_warnings() - warnings, i + 1);
        refused = FS_CALL_COUNT;
        work(db, &rng, 500);
        assert_true(check_stat(db, "event_bytes") > bytes);
        begin_story(s);
        assert_ok(strata_events(db, follow, s, &err), &err);
        assert_ok(strata_tables(db, compare_table, s, &err), &err);
        assert_false(s->wrong);
        assert_true(s->counts[STRATA_EVENT_FLUSH_END] > 0);
    }
    close_it(db);
    assert_int_equal(subject_warnings() - warnings, 2);
    fs->ops = real;
    fs_free(fs);
    free(s);
}

/* Whatever it is: empty, another file, cut anywhere. The lines behind it are read. */
static void events_that_are_damaged_harm_nothing(void **state)
{
    static const char *const forms[] = {
        "",
        "\n\n",
        "{",
        "{\"event\"",
        "{\"event\":\"seal\",\"ns\":1}\n",
        "no such thing at all\n",
        "{\"event\":\"seal\",\"ns\":99999999999999999999999,\"check\":\"00000000\"}"};
    struct strata_fs *fs = fs_sim_new();
    struct story *s = malloc(sizeof *s);
    struct strata_error err;
    struct strata *db;

    (void)state;
    assert_non_null(s);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        assert_int_equal(fs_sim_put(fs, LOG, S(forms[i])), 0);
        if (i == 0) /* the marker comes first */
            assert_ok(fs_remove(fs, LOG, &err), &err);
        db = worked(fs, BUDGET, 300);
        assert_ok(strata_verify(db, NULL, &err), &err);
        begin_story(s);
        assert_ok(strata_events(db, follow, s, &err), &err);
        assert_int_equal(s->counts[STRATA_EVENT_UNREADABLE], i > 1);
        assert_int_equal(s->counts[STRATA_EVENT_OPEN], 1);
        assert_true(s->counts[STRATA_EVENT_FLUSH_END] > 0);
        close_it(db);
    }
    assert_int_equal(fs_sim_put_directory(fs, OLD), 0); /* not even a file */
    db = worked(fs, 8 << 10, 1000);
    assert_ok(strata_verify(db, NULL, &err), &err);
    close_it(db);
    fs_free(fs);
    free(s);
}

static char warned[2000];

static void note_warning(void *arg, enum strata_log_level level, const char *message)
{
    (void)arg;
    if (level == STRATA_LOG_WARNING)
        snprintf(warned + strlen(warned), sizeof warned - strlen(warned), "%s\n", message);
}

/* Verify of a database with these bytes in its log is right, and warns so. */
static void expect_warning(struct strata_fs *fs, struct strata_slice bytes, const char *words)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;

    subject_options(&options, fs, false);
    options.read_only = true;
    options.log = note_warning;
    assert_int_equal(fs_sim_put(fs, LOG, bytes), 0);
    assert_ok(strata_open(DIR, &options, &db, &err), &err);
    warned[0] = '\0';
    assert_ok(strata_verify(db, NULL, &err), &err);
    if (words ? !strstr(warned, words) : *warned)
        fail_msg("not \"%s\" is told, but: %s", words ? words : "", warned);
    close_it(db);
}

/* A line that cannot be read is told by verify, as a warning: what a crash leaves is not. */
static void events_that_are_damaged_are_warned_of(void **state)
{
    struct strata_event open = {.type = STRATA_EVENT_OPEN};
    static const char later[] = "{\"event\":\"sealed\"";
    struct strata_fs *fs = fs_sim_new();
    struct strata_buffer bytes = {0};
    char words[60];
    size_t second;

    (void)state;
    close_it(worked(fs, BUDGET, 500));
    assert_int_equal(fs_sim_get(fs, LOG, &bytes), 0);
    second = (size_t)((uint8_t *)memchr(bytes.data, '\n', bytes.size) - bytes.data) + 1;
    expect_warning(fs, strata_buffer_slice(&bytes), NULL);
    expect_warning(fs, strata_bytes(bytes.data, bytes.size - 9), NULL); /* cut */
    snprintf(words, sizeof words, "%s,\"check\":\"%08x\"}\n\n{", later, checksum(0, S(later)));
    expect_warning(fs, S(words), NULL); /* another version's */
    bytes.data[second + 12] ^= 1;
    snprintf(words, sizeof words, LOG " @%zu: 1 lines", second);
    expect_warning(fs, strata_buffer_slice(&bytes), words);
    bytes.data[3] ^= 1;
    expect_warning(fs, strata_buffer_slice(&bytes), LOG " @0: 2 lines");
    expect_warning(fs, S("{\"event\":\"seal\",\n{\"event\":\"seal\""), LOG " @0: 1 lines");
    strata_buffer_clear(&bytes);
    strata_buffer_append(&bytes, "{\"event\":\"se\n", 13);
    events_encode(&open, &bytes);
    expect_warning(fs, strata_buffer_slice(&bytes), NULL); /* cut, and then opened again */
    assert_int_equal(fs_sim_put_directory(fs, OLD), 0);
    expect_warning(fs, strata_buffer_slice(&bytes), "which nothing relies on: ");
    strata_buffer_free(&bytes);
    fs_free(fs);
}

#ifdef BACKUP /* by hard links */
static void events_are_not_in_a_backup(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct strata *db = worked(fs, BUDGET, 500);
    struct strata_error err;

    (void)state;
    assert_ok(strata_backup(db, "copy", NULL, &err), &err);
    assert_true(bytes_of(fs, LOG) > 0);
    assert_int_equal(bytes_of(fs, "copy/" EVENTS_NAME), 0);
    close_it(db);
    fs_free(fs);
}
#endif

/* After a power cut at any call, whatever is left of the log: the database opens, is whole, and
 * goes on telling. */
static int visit(void *arg, struct strata_fs *fs, const struct fs_sim_state *info)
{
    struct strata_error err;
    struct strata *db;
    uint64_t *visited = arg;

    (void)info;
    if (open_as(fs, 8 << 10, false, &db, &err) < 0) {
        assert_int_equal(err.code, STRATA_ERR_ABSENT); /* before the marker says READY */
        return 0;
    }
    assert_ok(strata_verify(db, NULL, &err), &err);
    for (int i = 0; i < 12 && info->synced >= 1; i++) {
        char key[20];
        snprintf(key, sizeof key, "key %d", i);
        assert_get(db, key, "value");
    }
    assert_put(db, "more", "value");
    assert_ok(strata_flush(db, &err), &err);
    assert_true(bytes_of(fs, LOG) > 0);
    close_it(db);
    ++*visited;
    return 0;
}

static void events_cut_by_a_crash_harm_nothing(void **state)
{
    struct strata_fs *fs = fs_sim_new();
    struct fs_sim_plan plan = {.model = FS_SIM_POSIX, .stride = 7, .seed = 1};
    struct fs_sim_totals totals;
    struct strata_error err;
    struct strata *db;
    uint64_t visited = 0;

    (void)state;
    assert_int_equal(fs_sim_record(fs), 0);
    db = open_it(fs, 8 << 10);
    for (int i = 0; i < 12; i++) {
        char key[20];
        snprintf(key, sizeof key, "key %d", i);
        assert_put(db, key, "value");
        if (i % 3 == 2)
            assert_ok(strata_flush(db, &err), &err);
    }
    assert_int_equal(fs_sim_start(fs, 1), 0);
    assert_int_equal(fs_sim_ack(fs, 1, true), 0);
    assert_ok(strata_compact(db, NULL, &err), &err);
    close_it(db);
    fs_sim_record_stop(fs);
    assert_true(bytes_of(fs, LOG) > 0);
    assert_int_equal(fs_sim_states(fs, &plan, visit, &visited, &totals), 0);
    assert_true(visited > 100);
    fs_free(fs);
}

/* ---- A line ---------------------------------------------------------------------------------- */

static void events_line_comes_back(void **state)
{
    uint8_t bytes[256];
    struct strata_event event = {.type = STRATA_EVENT_MADE,
                                 .ns = UINT64_MAX / 2,
                                 .table = 7,
                                 .level_bytes = {1, 2, 3, 4, 5, 6, 7}};
    struct strata_buffer line = {0}, keys = {0};

    (void)state;
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    for (unsigned from = 0; from < 256; from++) {
        unsigned size = from % 49 < 256 - from ? from % 49 : 256 - from;
        struct strata_event again;
        event.smallest = strata_bytes(bytes + from, size);
        event.largest = strata_bytes(bytes + 200, 1);
        strata_buffer_clear(&line);
        events_encode(&event, &line);
        assert_int_equal(line.data[line.size - 1], '\n');
        assert_null(memchr(line.data, '\n', line.size - 1));
        assert_null(memchr(line.data, '<', line.size));
        assert_int_equal(events_decode(strata_bytes(line.data, line.size - 1), &again, &keys), 0);
        assert_int_equal(again.type, event.type);
        assert_true(again.ns == event.ns && again.table == 7 && again.level_bytes[6] == 7);
        assert_bytes(again.smallest, event.smallest);
        assert_bytes(again.largest, event.largest);
    }
    strata_buffer_free(&line);
    strata_buffer_free(&keys);
}

/* A long key's beginning. */
static void events_line_is_short(void **state)
{
    static uint8_t key[STRATA_MAX_KEY];
    struct strata_event event = {.type = STRATA_EVENT_MADE,
                                 .smallest = strata_bytes(key, sizeof key),
                                 .largest = strata_bytes(key, sizeof key)};
    struct strata_buffer line = {0}, keys = {0};

    (void)state;
    events_encode(&event, &line);
    assert_true(line.size < 1000);
    assert_int_equal(events_decode(strata_bytes(line.data, line.size - 1), &event, &keys), 0);
    assert_int_equal(event.smallest.size, 48);
    strata_buffer_free(&line);
    strata_buffer_free(&keys);
}

static void events_line_flipped_anywhere_is_not_read(void **state)
{
    struct strata_event event = {.type = STRATA_EVENT_FLUSH_END,
                                 .ns = 12345,
                                 .bytes = 99,
                                 .smallest = S("a\"<b"),
                                 .largest = S("z")};
    struct strata_buffer line = {0}, keys = {0};

    (void)state;
    events_encode(&event, &line);
    for (size_t bit = 0; bit < (line.size - 1) * 8; bit++) {
        line.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(events_decode(strata_bytes(line.data, line.size - 1), &event, &keys),
                         STRATA_NOT_FOUND);
        assert_int_equal(event.type, STRATA_EVENT_UNREADABLE);
        line.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < line.size - 1; size++)
        assert_int_equal(events_decode(strata_bytes(line.data, size), &event, &keys),
                         STRATA_NOT_FOUND);
    strata_buffer_free(&line);
    strata_buffer_free(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_lead_to_the_tables_that_there_are),
        cmocka_unit_test(events_go_on_over_sessions),
        cmocka_unit_test(events_are_bounded),
        cmocka_unit_test(events_of_a_new_file_need_no_older_one),
        cmocka_unit_test(events_of_work_beside_writes_lead_to_the_tables),
        cmocka_unit_test(events_tell_of_stalls),
        cmocka_unit_test(events_add_no_sync),
        cmocka_unit_test(events_of_a_reader_are_none),
        cmocka_unit_test(events_that_fail_fail_nothing_else),
        cmocka_unit_test(events_go_on_when_there_is_room_again),
        cmocka_unit_test(events_that_are_damaged_harm_nothing),
        cmocka_unit_test(events_that_are_damaged_are_warned_of),
#ifdef BACKUP
        cmocka_unit_test(events_are_not_in_a_backup),
#endif
        cmocka_unit_test(events_cut_by_a_crash_harm_nothing),
        cmocka_unit_test(events_line_comes_back),
        cmocka_unit_test(events_line_is_short),
        cmocka_unit_test(events_line_flipped_anywhere_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
