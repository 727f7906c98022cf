/* memory_test.c: each allocation fails, once, and then for ever. What must come of it: the call
 * says "out of memory" and has changed nothing; it works when tried again; nothing leaks, and
 * nothing acknowledged is lost.
 *
 * The program is linked with -Wl,--wrap=malloc and the like (crash.mk), so that every allocation
 * of the library, and none of the C library's own, comes through here. On the real file system:
 * fs_sim's allocations are its own affair. */
#include "test.h"

#include "allocations.h"
#include "oracle.h"
#include "place.h"
#include "subject.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What is done ---------------------------------------------------------------------- */

struct session {
    struct strata_fs *fs;
    const char *dir;
    struct strata *db;
    struct strata_iter *iter;
    struct strata_batch *batch;
    struct strata_buffer value;
    struct strata_op op; /* the write that the step makes, if it makes one */
    struct strata_error err;
    struct history history; /* what was acknowledged */
    uint64_t rows;
};

static uint8_t large[200 * 1024];

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

static int make_iter(struct session *s)
{
    return strata_iter_new(s->db, &s->iter, &s->err);
}

static int scan(struct session *s)
{
    struct strata_slice value;
    int rc;

    s->rows = 0;
    for (rc = strata_iter_first(s->iter, &s->err); rc == 0;
         rc = strata_iter_next(s->iter, &s->err)) {
        rc = strata_iter_value(s->iter, &value, &s->err);
        if (rc < 0)
            return rc;
        s->rows++;
    }
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

static int upkeep(struct session *s)
{
    int rc = strata_flush(s->db, &s->err);
    if (rc == 0 || rc == STRATA_ERR_NOT_SUPPORTED)
        rc = strata_compact(s->db, NULL, &s->err);
    return rc == STRATA_ERR_NOT_SUPPORTED ? 0 : rc;
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
    {"end of the batch", free_batch, NOTHING},
    {"upkeep", upkeep, DATABASE},
    {"close again", do_close, DATABASE},
    {"open read-only", do_open_read_only, NO_DATABASE},
    {"get, read-only", get_large, DATABASE},
    {"close, read-only", do_close, DATABASE},
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

static void check_failure(const struct session *s, const struct step *step, uint64_t at, int rc)
{
    char text[600];
    /* with no room for the marker there may be no database to be opened for reading */
    if (rc == STRATA_ERR_ABSENT && step->call == do_open_read_only && allocations.for_ever)
        return;
    if (rc != STRATA_ERR_NO_MEMORY || s->err.code != rc || !s->err.message[0])
        fail_msg("allocation %" PRIu64 " failed: %s returned %d: %s", at, step->name, rc,
                 strata_error_text(&s->err, text, sizeof text));
}

static void do_step(struct session *s, const struct step *step, uint64_t at)
{
    uint64_t failed = allocations.failed;
    int rc;

    s->op.type = 0;
    rc = call(s, step);
    if (rc < 0) {
        check_failure(s, step, at, rc);
        if (allocations.for_ever)
            return;
        assert_true(allocations.failed > failed);
        rc = call(s, step); /* the close has freed the handle: fine with none */
        if (rc < 0)
            fail_msg("allocation %" PRIu64 " failed: %s does not work afterwards either: %s", at,
                     step->name, s->err.message);
    }
    if (s->op.type == STRATA_OP_PUT)
        history_put(&s->history, s->op.key, s->op.value);
    else if (s->op.type == STRATA_OP_DELETE)
        history_delete(&s->history, s->op.key);
}

/* The lowest descriptor that is free: higher than before when one was left open. */
static int lowest_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY);
    assert_true(fd >= 0);
    close(fd);
    return fd;
}

static void check_database(struct session *s, uint64_t at)
{
    struct oracle oracle = {.fs = s->fs, .dir = s->dir, .history = &s->history};
    struct oracle_report report;

    oracle.floor = oracle.issued = s->history.count;
    if (oracle_check(&oracle, &report))
        fail_msg("allocation %" PRIu64 " failed: afterwards: %s", at, report.what);
}

/* All steps, with the `at`th allocation failing. False: there are not so many. */
static bool run(uint64_t at, bool for_ever)
{
    struct place place;
    struct session s = {0};
    int64_t living;
    int descriptor;

    place_init(&place);
    s.fs = place.fs;
    s.dir = place.dir;
    descriptor = lowest_descriptor();
    allocations.failed = 0;
    allocations.at = at;
    allocations.for_ever = for_ever;
    living = allocations.living;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (can_be_done(&s, steps[i].needs))
            do_step(&s, &steps[i], at);
    allocations.at = 0;
    assert_null(s.db);
    strata_buffer_free(&s.value);
    assert_int_equal(lowest_descriptor(), descriptor);
    check_database(&s, at);
    if (!allocations.failed) { /* nothing was in the way: all was done */
        assert_int_equal(s.history.count, 6);
        assert_int_equal(s.rows, 2);
    }
    history_free(&s.history);
    if (allocations.living != living)
        fail_msg("allocation %" PRIu64 " failed: %" PRId64 " allocations were not freed", at,
                 allocations.living - living);
    place_free(&place);
    return allocations.failed;
}

static void run_all(bool for_ever)
{
    uint64_t at = 1;
    while (run(at, for_ever))
        at++;
    printf("# memory, stage %u: each of %" PRIu64 " allocations failed %s; 0 lost, 0 leaked\n",
           subject_info()->stage, at - 1, for_ever ? "and all after it" : "once");
    fflush(stdout);
    assert_true(at - 1 >= 50);
}

static void memory_failed_once_is_an_error_and_loses_nothing(void **state)
{
    (void)state;
    run_all(false);
}

static void memory_failed_for_ever_is_an_error_and_loses_nothing(void **state)
{
    (void)state;
    run_all(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_failed_once_is_an_error_and_loses_nothing),
        cmocka_unit_test(memory_failed_for_ever_is_an_error_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
