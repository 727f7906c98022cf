/* memory_loop.c: see memory_loop.h. */
#include "memory_loop.h"

#include "allocations.h"
#include "crash/explore/explore.h"
#include "fs/fs_posix.h"
#include "crash/need.h"
#include "crash/oracle.h"
#include "base/prng.h"
#include "crash/script.h"
#include "strata_engine.h"
#include "crash/subject.h"
#include "threads/sync.h"
#include "tmpdir.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What is done ---------------------------------------------------------------------- */

struct session {
    struct strata_fs *fs;
    const char *dir;
    const char *torn; /* another directory: what a kill left */
    struct strata *db;
    struct strata_iter *iter;
    struct strata_batch *batch;
    struct strata_buffer value;
    struct strata_op op; /* the write that the step makes, if it makes one */
    bool several;        /* ... or it has written the batch */
    struct strata_error err;
    struct history history; /* what was acknowledged */
    uint64_t rows;          /* that the iterator must show */
    unsigned filled;        /* puts of put_many */
    char bad[900];          /* "" when nothing is */
};

static void refuse(struct session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The first thing that is bad is told. */
static void refuse(struct session *s, const char *format, ...)
{
    va_list args;
    if (s->bad[0])
        return;
    va_start(args, format);
    vsnprintf(s->bad, sizeof s->bad, format, args);
    va_end(args);
}

static uint8_t large[200 * 1024]; /* that nothing packs */

static int do_open(struct session *s)
{
    return subject_open(s->fs, s->dir, true, &s->db, &s->err);
}

static int do_open_read_only(struct session *s)
{
    struct strata_options options;
    subject_options(&options, s->fs, false);
    options.read_only = true;
    return strata_open(s->dir, &options, &s->db, &s->err);
}

/* The database that a killed process left. */
static int do_open_torn(struct session *s)
{
    return subject_open(s->fs, s->torn, false, &s->db, &s->err);
}

static int put_after_torn(struct session *s)
{
    return strata_put(s->db, strata_string("after"), strata_string("the kill"), &s->err);
}

static int do_close(struct session *s)
{
    struct strata *db = s->db;
    s->db = NULL;
    return strata_close(db, &s->err);
}

static int put(struct session *s, const char *key, struct strata_slice value)
{
    s->op = (struct strata_op){STRATA_OP_PUT, strata_string(key), value};
    return strata_put(s->db, s->op.key, value, &s->err);
}

static int put_small(struct session *s)
{
    return put(s, "small", strata_string("value"));
}

static int put_other(struct session *s)
{
    return put(s, "small", strata_string("another value"));
}

static int put_large(struct session *s)
{
    return put(s, "large", strata_bytes(large, sizeof large));
}

static int put_empty(struct session *s)
{
    return put(s, "", strata_bytes(NULL, 0));
}

static int do_delete(struct session *s)
{
    s->op = (struct strata_op){STRATA_OP_DELETE, strata_string(""), {NULL, 0}};
    return strata_delete(s->db, s->op.key, &s->err);
}

static int get_large(struct session *s)
{
    strata_buffer_free(&s->value);
    return strata_get(s->db, strata_string("large"), &s->value, &s->err);
}

static int get_small_unwanted(struct session *s)
{
    return strata_get(s->db, strata_string("small"), NULL, &s->err);
}

/* What the iterator must show, later writes or not. */
static int make_iter(struct session *s)
{
    struct model model = {0};
    allocations.on = false;
    history_model(&s->history, s->history.count, &model);
    s->rows = model.count;
    model_free(&model);
    allocations.on = true;
    return strata_iter_new(s->db, &s->iter, &s->err);
}

static int scan(struct session *s)
{
    struct strata_slice value;
    uint64_t rows = 0;
    int rc;

    for (rc = strata_iter_first(s->iter, &s->err); rc == 0;
         rc = strata_iter_next(s->iter, &s->err)) {
        rc = strata_iter_value(s->iter, &value, &s->err);
        if (rc < 0)
            return rc;
        rows++;
    }
    if (rc == STRATA_NOT_FOUND && rows != s->rows)
        refuse(s, "the scan has %" PRIu64 " rows, not %" PRIu64, rows, s->rows);
    return rc;
}

static int scan_backwards(struct session *s)
{
    struct strata_slice value;
    int rc;

    for (rc = strata_iter_last(s->iter, &s->err); rc == 0;
         rc = strata_iter_prev(s->iter, &s->err)) {
        rc = strata_iter_value(s->iter, &value, &s->err);
        if (rc < 0)
            return rc;
    }
    return rc;
}

static int free_iter(struct session *s)
{
    strata_iter_free(s->iter);
    s->iter = NULL;
    return 0;
}

static int verify(struct session *s)
{
    return strata_verify(s->db, NULL, &s->err);
}

/* What the stage does not have is passed over. */
static int if_there(int rc)
{
    return rc == STRATA_ERR_NOT_SUPPORTED ? 0 : rc;
}

static int upkeep(struct session *s)
{
    int rc = if_there(strata_flush(s->db, &s->err));
    return rc < 0 ? rc : if_there(strata_compact(s->db, NULL, &s->err));
}

static int sync_it(struct session *s)
{
    return if_there(strata_sync(s->db, &s->err));
}

static void ignore(void *arg, const struct strata_stat *stat)
{
    (void)arg;
    (void)stat;
}

static int stats(struct session *s)
{
    return strata_stats(s->db, ignore, NULL, &s->err);
}

static int read_snapshot(struct session *s)
{
    struct strata_snapshot *snapshot;
    struct strata_iter *iter = NULL;
    int rc = strata_snapshot_new(s->db, &snapshot, &s->err);

    if (rc < 0)
        return if_there(rc);
    rc = strata_snapshot_get(snapshot, strata_string("large"), &s->value, &s->err);
    if (rc == 0)
        rc = strata_snapshot_iter(snapshot, &iter, &s->err);
    strata_iter_free(iter);
    strata_snapshot_free(snapshot);
    return rc;
}

/* So many puts that segments fill. */
static int put_many(struct session *s)
{
    static const char dashes[] = "------------------------------------------------------------";
    int rc = 0;

    while (rc == 0 && s->filled < 40) {
        char key[16], value[100];
        snprintf(key, sizeof key, "key %d", (int)s->filled % 5);
        snprintf(value, sizeof value, "%d %s", (int)s->filled, dashes);
        rc = strata_put(s->db, strata_string(key), strata_string(value), &s->err);
        if (rc < 0)
            return rc;
        allocations.on = false;
        history_put(&s->history, strata_string(key), strata_string(value));
        allocations.on = true;
        s->filled++;
    }
    return rc;
}

static int make_batch(struct session *s)
{
    s->batch = strata_batch_new();
    return s->batch ? 0 : strata_fail_memory(&s->err, 1);
}

static int fill_batch(struct session *s)
{
    int rc;
    strata_batch_clear(s->batch);
    rc = strata_batch_put(s->batch, strata_string("large"), strata_bytes(large, 20000), &s->err);
    for (int i = 0; i < 40 && rc == 0; i++)
        rc = strata_batch_put(s->batch, strata_string("key"), strata_string("value"), &s->err);
    return rc;
}

static int write_batch(struct session *s)
{
    struct strata_op op = {STRATA_OP_PUT, strata_string("by batch"), strata_string("one")};
    int rc;

    s->op = op;
    strata_batch_clear(s->batch);
    rc = strata_batch_put(s->batch, op.key, op.value, &s->err);
    return rc < 0 ? rc : strata_write(s->db, s->batch, 0, &s->err);
}

/* Several operations as one, where that is promised. */
static int write_several(struct session *s)
{
    int rc;

    strata_batch_clear(s->batch);
    rc = strata_batch_put(s->batch, strata_string("by batch"), strata_string("two"), &s->err);
    if (rc == 0)
        rc = strata_batch_delete(s->batch, strata_string("small"), &s->err);
    if (rc == 0)
        rc =
            strata_batch_put(s->batch, strata_string("large"), strata_bytes(large, 70000), &s->err);
    if (rc < 0 || !subject_promises(STRATA_PROMISE_BATCH))
        return rc;
    rc = strata_write(s->db, s->batch, 0, &s->err);
    s->several = rc == 0;
    return rc;
}

static int free_batch(struct session *s)
{
    strata_batch_free(s->batch);
    s->batch = NULL;
    return 0;
}

enum needs { NOTHING, NO_DATABASE, DATABASE, ITERATOR, BATCH };

static const struct step {
    const char *name;
    int (*call)(struct session *s);
    enum needs needs;
} steps[] = {
    {"open", do_open, NO_DATABASE},
    {"put", put_small, DATABASE},
    {"put, empty", put_empty, DATABASE},
    {"put, large", put_large, DATABASE},
    {"delete", do_delete, DATABASE},
    {"close", do_close, DATABASE},
    {"open again", do_open, NO_DATABASE},
    {"put, over", put_other, DATABASE},
    {"get", get_large, DATABASE},
    {"get, unwanted", get_small_unwanted, DATABASE},
    {"iterator", make_iter, DATABASE},
    {"scan", scan, ITERATOR},
    {"scan backwards", scan_backwards, ITERATOR},
    {"end of the iterator", free_iter, NOTHING},
    {"verify", verify, DATABASE},
    {"batch", make_batch, NOTHING},
    {"batch, filled", fill_batch, BATCH},
    {"batch, written", write_batch, BATCH},
    {"upkeep", upkeep, DATABASE},
    {"batch of several", write_several, BATCH},
    {"puts", put_many, DATABASE},
    {"another iterator", make_iter, DATABASE},
    {"sync", sync_it, DATABASE},
    {"upkeep beside an iterator", upkeep, DATABASE},
    {"scan after upkeep", scan, ITERATOR},
    {"end of the other iterator", free_iter, NOTHING},
    {"end of the batch", free_batch, NOTHING},
    {"snapshot", read_snapshot, DATABASE},
    {"stats", stats, DATABASE},
    {"close again", do_close, DATABASE},
    {"open read-only", do_open_read_only, NO_DATABASE},
    {"get, read-only", get_large, DATABASE},
    {"close, read-only", do_close, DATABASE},
    {"open after a kill", do_open_torn, NO_DATABASE},
    {"put after a kill", put_after_torn, DATABASE},
    {"verify after a kill", verify, DATABASE},
    {"close after a kill", do_close, DATABASE},
};

static bool can_be_done(const struct session *s, enum needs needs)
{
    switch (needs) {
    case NO_DATABASE:
        return !s->db;
    case DATABASE:
        return s->db;
    case ITERATOR:
        return s->iter;
    case BATCH:
        return s->db && s->batch;
    default:
        return true;
    }
}

/* ---- One run --------------------------------------------------------------------------- */

static int call(struct session *s, const struct step *step)
{
    int rc;
    s->err = (struct strata_error){0};
    allocations.on = true;
    rc = step->call(s);
    allocations.on = false;
    return rc;
}

static void check_failure(struct session *s, const struct step *step, int rc)
{
    char text[600];
    /* with no room for the marker there may be no database to be opened for reading */
    if (rc == STRATA_ERR_ABSENT && step->call == do_open_read_only && allocations.for_ever)
        return;
    if (rc != STRATA_ERR_NO_MEMORY || s->err.code != rc || !s->err.message[0])
        refuse(s, "%s returned %d: %s", step->name, rc,
               strata_error_text(&s->err, text, sizeof text));
}

/* What the step wrote is acknowledged. */
static void note_write(struct session *s)
{
    if (s->op.type == STRATA_OP_PUT)
        history_put(&s->history, s->op.key, s->op.value);
    else if (s->op.type == STRATA_OP_DELETE)
        history_delete(&s->history, s->op.key);
    else if (s->several)
        history_batch(&s->history, s->batch);
}

/* What a thread is to try again is tried after a while, not at once. */
static int call_again(struct session *s, const struct step *step)
{
    int rc = call(s, step);

    for (int i = 0; i < 2000 && rc < 0 && strstr(s->err.message, "tried again later"); i++) {
        sync_sleep(5000000);
        rc = call(s, step);
    }
    return rc;
}

/* Returns how many errors were told. */
static unsigned do_step(struct session *s, const struct step *step)
{
    uint64_t failed = allocations.failed;
    unsigned errors = 0;
    int rc;

    s->op.type = 0;
    s->several = false;
    rc = call(s, step);
    if (rc < 0) {
        errors++;
        check_failure(s, step, rc);
        if (allocations.for_ever)
            return errors;
        if (allocations.failed == failed)
            refuse(s, "%s fails, and no allocation has", step->name);
        rc = call_again(s, step); /* the close has freed the handle: fine with none */
        if (rc < 0)
            refuse(s, "%s does not work afterwards either: %s", step->name, s->err.message);
    }
    if (rc >= 0)
        note_write(s);
    return errors;
}

/* The lowest descriptor that is free: higher than before when one was left open. */
static int lowest_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY);
    need(fd >= 0 ? &fd : NULL);
    close(fd);
    return fd;
}

static void check_database(struct session *s, const char *dir, const struct history *history,
                           uint64_t floor)
{
    struct oracle oracle = {.fs = s->fs, .dir = dir, .history = history};
    struct oracle_report report;

    oracle.floor = floor;
    oracle.issued = history->count;
    if (oracle_check(&oracle, &report))
        refuse(s, "afterwards: %s", report.what);
}

/* ---- What a kill left ------------------------------------------------------------------ */

/* A database whose writer was killed in the middle of the last of these writes. */
struct killed {
    struct strata_fs *fs; /* a simulated one */
    struct script script; /* its writes, and the one after it */
};

/* Cuts a few bytes from the newest log. */
static void tear(struct strata_fs *fs)
{
    struct strata_buffer bytes = {0};
    struct fs_names names;
    char path[300] = "";

    need(fs_sim_paths(fs, EXPLORE_DIR, &names) == 0 ? fs : NULL);
    for (size_t i = 0; i < names.count; i++)
        if (fnmatch("*.log", names.names[i], 0) == 0)
            snprintf(path, sizeof path, "%s/%s", EXPLORE_DIR, names.names[i]);
    fs_names_free(&names);
    if (fs_sim_get(fs, path, &bytes) == 0 && bytes.size > 3)
        need(fs_sim_put(fs, path, strata_bytes(bytes.data, bytes.size - 3)) == 0 ? fs : NULL);
    strata_buffer_free(&bytes);
}

static void kill_one(struct killed *killed)
{
    struct strata_fs *fs = need(fs_sim_new());
    struct script_run run;

    *killed = (struct killed){0};
    need(fs_sim_put_directory(fs, "disk") == 0 ? fs : NULL);
    for (int i = 0; i < 30; i++)
        script_put(&killed->script, i % 3 ? "often" : "less often", "a value of some bytes");
    script_run_init(&run, &killed->script, fs, EXPLORE_DIR, true);
    while (script_step(&run) == 0)
        ;
    need(run.acknowledged == 30 ? fs : NULL);
    killed->fs = need(fs_sim_copy(fs)); /* with all written, and nothing closed */
    tear(killed->fs);
    script_close(&run);
    fs_free(fs);
}

static void killed_free(struct killed *killed)
{
    fs_free(killed->fs);
    script_free(&killed->script);
}

/* All but the torn write is there, and the next one may be. */
static void check_killed(struct session *s, const struct killed *killed)
{
    struct history history;
    size_t safe = killed->script.history.count - 1;

    history_view(&history, &killed->script.history, safe);
    history_put(&history, strata_string("after"), strata_string("the kill"));
    check_database(s, s->torn, &history, allocations.failed ? safe : safe + 1);
    history_free(&history);
}

/* Room that a log is given ahead of appends: little, as the kernel clears each page of it. */
#define AHEAD ((uint64_t)16 << 10)

/* ---- The loop -------------------------------------------------------------------------- */

static void do_steps(struct session *s, struct memory_loop *loop)
{
    unsigned long warnings = subject_warnings();
    unsigned errors = 0;

    for (size_t i = 0; i < sizeof steps / sizeof *steps && !s->bad[0]; i++)
        if (can_be_done(s, steps[i].needs))
            errors += do_step(s, &steps[i]);
    loop->errors += errors;
    if (allocations.failed && !errors) {
        loop->warnings++;
        if (subject_warnings() == warnings)
            refuse(s, "nobody was told of it");
    }
    allocations.at = 0;
    if (s->bad[0]) { /* what is still there, so that the rest can be looked at */
        strata_iter_free(s->iter);
        strata_batch_free(s->batch);
        strata_close(s->db, NULL);
    }
    strata_buffer_free(&s->value);
}

static void check_all(struct session *s, const struct killed *killed, int descriptor)
{
    if (lowest_descriptor() != descriptor)
        refuse(s, "a descriptor was left open");
    check_database(s, s->dir, &s->history, s->history.count);
    check_killed(s, killed);
    if (!allocations.failed && s->history.count < 46)
        refuse(s, "a run in which nothing failed is not complete");
}

/* All steps, with the `at`th allocation failing. False: there are not so many. */
static bool run(struct memory_loop *loop, const struct killed *killed, const char *root,
                uint64_t at, bool for_ever)
{
    struct session s = {.fs = need(fs_posix_new())};
    char *dir = tmpdir_path(root, "db-%u", (unsigned)at);
    char *torn = tmpdir_path(root, "torn-%u", (unsigned)at);
    int descriptor = lowest_descriptor();
    int64_t living;

    s.fs->ahead = AHEAD;
    s.dir = dir;
    s.torn = torn;
    need(fs_sim_write_out(killed->fs, EXPLORE_DIR, s.fs, torn, NULL) == 0 ? s.fs : NULL);
    living = allocations.living;
    allocations.failed = 0;
    allocations.at = at;
    allocations.for_ever = for_ever;
    do_steps(&s, loop);
    check_all(&s, killed, descriptor);
    history_free(&s.history);
    if (allocations.living != living)
        refuse(&s, "%" PRId64 " allocations were not freed", allocations.living - living);
    if (s.bad[0] && loop->bad++ == 0)
        snprintf(loop->what, sizeof loop->what, "allocation %" PRIu64 " failed %s: %s", at,
                 for_ever ? "for ever" : "once", s.bad);
    tmpdir_del(dir);
    tmpdir_del(torn);
    fs_free(s.fs);
    return allocations.failed;
}

void memory_loop_run(struct memory_loop *loop, bool for_ever)
{
    char *root = tmpdir_new();
    struct prng prng = {1};
    struct killed killed;
    uint64_t every = loop->every ? loop->every : 1, at = 1 + loop->first;

    *loop = (struct memory_loop){loop->progress, loop->every, loop->first};
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)prng_next(&prng);
    allocations_reach(subject_object());
    kill_one(&killed);
    for (; run(loop, &killed, root, at, for_ever); at += every, loop->runs++)
        if (loop->progress && loop->runs % 16 == 0)
            fprintf(loop->progress, "\rallocation %" PRIu64 " fails %s \033[K", at,
                    for_ever ? "for ever" : "once");
    if (loop->progress)
        fprintf(loop->progress, "\r\033[K");
    loop->clean_at = at;
    killed_free(&killed);
    tmpdir_del(root);
}
