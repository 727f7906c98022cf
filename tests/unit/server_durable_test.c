/* server_durable_test.c: what a reply of the server promises (stages/14_server/worker.h), on a file
 * system whose calls fail and whose power is cut. */
#include "test.h"

#include "14_server/worker.h"
#include "crash/sim/fs_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIR "db"
#define MOST ((size_t)1000000)

struct rig {
    struct strata_fs *fs;
    struct strata *db;
    struct server_state *server;
    struct strata_server_options options;
    _Atomic uint64_t now_ms;
    char log[2000];
};

static void keep_line(void *arg, const char *message)
{
    struct rig *rig = arg;
    size_t used = strlen(rig->log);

    snprintf(rig->log + used, sizeof rig->log - used, "%s\n", message);
}

static int open_db(struct strata_fs *fs, enum strata_sync sync, struct strata **db)
{
    struct strata_options options;
    struct strata_error err;

    strata_options_init(&options);
    options.create = true;
    options.fs = fs;
    options.sync = sync;
    options.sync_interval_ms = 1000000; /* the engine does not do it by itself */
    options.sync_interval_bytes = UINT64_MAX;
    options.background_threads = 0;
    return strata_open(DIR, &options, db, &err);
}

/* sync_ms as of strata_server_options; 0: always. */
static void rig_open(struct rig *rig, enum strata_sync sync, uint32_t sync_ms)
{
    struct strata_error err;

    *rig = (struct rig){.fs = fs_sim_new()};
    assert_int_equal(open_db(rig->fs, sync, &rig->db), 0);
    rig->options = (struct strata_server_options){.synced = sync == STRATA_SYNC_ALWAYS,
                                                  .sync_ms = sync_ms,
                                                  .most_request = MOST,
                                                  .most_memory = MOST,
                                                  .log = keep_line,
                                                  .log_arg = rig,
                                                  .sync = "",
                                                  .dir = DIR,
                                                  .now_ms = &rig->now_ms};
    rig->server = calloc(1, sizeof *rig->server);
    assert_non_null(rig->server);
    assert_ok(state_init(rig->server, rig->db, &rig->options, &err), &err);
}

static void rig_close(struct rig *rig)
{
    struct strata_error err;

    state_free(rig->server);
    free(rig->server);
    strata_close(rig->db, &err);
    fs_free(rig->fs);
}

static void job_open(struct job *job, const char *lines)
{
    static const struct strata_server_options options = {.most_request = MOST, .most_memory = MOST};

    *job = (struct job){0};
    job_init(job, &options);
    assert_int_equal(strata_buffer_append(&job->in, lines, strlen(lines)), 0);
    assert_int_equal(resp_next(&job->resp, job->in.data, job->in.size), RESP_READY);
}

/* The replies to the lines, in a round of their own; valid until the next one. */
static const char *ask(struct rig *rig, const char *lines)
{
    static char shown[2000];
    struct job job;

    job_open(&job, lines);
    worker_round(rig->server, &job);
    snprintf(shown, sizeof shown, "%.*s", (int)job.reply.bytes.size, (char *)job.reply.bytes.data);
    job_free(&job);
    return shown;
}

static uint64_t syncs(const struct rig *rig)
{
    return rig->fs->calls[FS_CALL_SYNC];
}

static const struct fs_sim_fault no_sync = {
    .kind = FS_SIM_EIO, .at = 1, .for_ever = true, .calls = 1u << FS_CALL_SYNC};

/* ---- A device that fails --------------------------------------------------------------------- */

/* 14.I4. Also the reply of a connection that has only read, as it may have read such a write. */
static void durable_failed_sync_is_an_error_and_acknowledges_nothing(void **state)
{
    struct rig rig;
    struct job a, b;

    (void)state;
    rig_open(&rig, STRATA_SYNC_ALWAYS, 0);
    assert_string_equal(ask(&rig, "set k 1\n"), "+OK\r\n");
    fs_sim_fail(rig.fs, &no_sync);
    job_open(&a, "set k 2\nincr n\n");
    job_open(&b, "get k\n");
    a.next = &b;
    assert_null(worker_round(rig.server, &a));
    for (struct job *job = &a; job; job = job->next)
        for (size_t i = 0, at = 0; i < job->requests; i++) {
            const char *reply = (char *)job->reply.bytes.data + at;
            assert_memory_equal(reply, "-ERR ", 5);
            at += (size_t)(strchr(reply, '\n') + 1 - reply);
        }
    assert_int_equal(a.requests, 2);
    assert_true(rig.server->failing);
    assert_non_null(strstr(rig.log, "writes are refused from now on"));
    job_free(&a);
    job_free(&b);
    rig_close(&rig);
}

/* Its client does not know that: it was refused. */
static void durable_refused_change_of_a_session_ends_it(void **state)
{
    static const char *const lines[] = {"get k\nset k 1\nincr n\n",     "set k 1\nmulti\n",
                                        "hello 3\nset k 1\n",           "set k 1\nwatch k\n",
                                        "set k 1\nclient setname me\n", "set k 1\nunwatch\n"};
    struct rig rig;
    struct job job;

    (void)state;
    rig_open(&rig, STRATA_SYNC_ALWAYS, 0);
    fs_sim_fail(rig.fs, &no_sync);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        job_open(&job, lines[i]);
        worker_round(rig.server, &job);
        assert_memory_equal(job.reply.bytes.data, "-ERR ", 5);
        assert_int_equal(job.session.closing, i > 0);
        job_free(&job);
    }
    rig_close(&rig);
}

static void durable_after_a_failed_sync_no_write_is_acknowledged(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, STRATA_SYNC_ALWAYS, 0);
    fs_sim_fail(rig.fs, &no_sync);
    ask(&rig, "set k 1\n");
    fs_sim_fail(rig.fs, NULL);
    assert_memory_equal(ask(&rig, "set k 2\n"), "-ERR ", 5);
    assert_memory_equal(ask(&rig, "multi\nset k 2\nexec\n"), "-ERR ", 5);
    assert_memory_equal(ask(&rig, "waitaof 1 0 0\n"), "-ERR ", 5);
    assert_string_equal(ask(&rig, "ping\n"), "+PONG\r\n");
    assert_string_equal(strchr(rig.log, '\n'), "\n"); /* one line, not one for each */
    rig_close(&rig);
}

/* ---- When the power is cut ------------------------------------------------------------------- */

static int number_at(struct strata *db, const char *key)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    int rc = strata_get(db, strata_string(key), &value, &err), n = 0;

    for (size_t i = 0; i < value.size; i++)
        n = n * 10 + value.data[i] - '0';
    strata_buffer_free(&value);
    assert_true(rc >= 0);
    return rc > 0 ? -1 : n;
}

/* 14.I13: the record of the hash and its fields agree. */
static int hash_at(struct strata *db)
{
    struct strata_error err;
    struct server_state *server = calloc(1, sizeof *server);
    _Atomic uint64_t now_ms = 0;
    struct strata_server_options options = {
        .most_request = MOST, .most_memory = MOST, .now_ms = &now_ms};
    struct job job;
    int n = -1, m = -2, fields = 0, end = 0;

    assert_non_null(server);
    assert_ok(state_init(server, db, &options, &err), &err);
    job_open(&job, "hvals h\nhlen h\n");
    worker_round(server, &job);
    assert_int_equal(strata_buffer_append(&job.reply.bytes, "", 1), 0);
    if (sscanf((char *)job.reply.bytes.data, "*2\r\n$1\r\n%d\r\n$1\r\n%d\r\n:%d%n", &n, &m, &fields,
               &end) == 3)
        assert_true(n == m && fields == 2);
    else
        assert_string_equal((char *)job.reply.bytes.data, "*0\r\n:0\r\n");
    job_free(&job);
    state_free(server);
    free(server);
    return n;
}

static int look(void *arg, struct strata_fs *fs, const struct fs_sim_state *info)
{
    struct strata_error err;
    struct strata *db;
    int a, b, c, hash;

    (void)arg;
    assert_int_equal(open_db(fs, STRATA_SYNC_ALWAYS, &db), 0);
    a = number_at(db, "a"), b = number_at(db, "b"), c = number_at(db, "c");
    assert_true(a >= (int)info->synced && a <= (int)info->issued);
    assert_true(b >= (int)info->synced && b == c);
    hash = hash_at(db);
    assert_true(hash <= (int)info->issued);
    assert_true(hash >= (int)info->synced ||
                (hash == -1 && a == (int)info->issued)); /* deleted, to be made anew */
    assert_ok(strata_close(db, &err), &err);
    return 0;
}

/* Rounds of two connections, the power cut at each call: what was answered is there. */
static void durable_what_was_answered_survives_each_power_cut(void **state)
{
    static const enum fs_sim_model models[] = {FS_SIM_ORDERED, FS_SIM_POSIX};
    struct rig rig;

    (void)state;
    rig_open(&rig, STRATA_SYNC_ALWAYS, 0);
    assert_string_equal(ask(&rig, "mset a 0 b 0 c 0\nhset h x 0 y 0\n"), "+OK\r\n:2\r\n");
    assert_int_equal(fs_sim_record(rig.fs), 0);
    for (int i = 1; i <= 8; i++) {
        char one[100], two[200];
        struct job first, second;
        snprintf(one, sizeof one, "set a %d\n%shset h x %d y %d\n", i, i % 2 ? "" : "del h\n", i,
                 i);
        snprintf(two, sizeof two, "multi\nset b %d\nset c %d\nexec\n", i, i);
        job_open(&first, one);
        job_open(&second, two);
        first.next = &second;
        fs_sim_start(rig.fs, (uint64_t)i);
        worker_round(rig.server, &first);
        assert_memory_equal(first.reply.bytes.data, "+OK\r\n", 5);
        fs_sim_ack(rig.fs, (uint64_t)i, true);
        job_free(&first);
        job_free(&second);
    }
    fs_sim_record_stop(rig.fs);
    for (size_t m = 0; m < 2; m++) {
        struct fs_sim_plan plan = {.model = models[m]};
        struct fs_sim_totals totals = {0};
        assert_int_equal(fs_sim_states(rig.fs, &plan, look, NULL, &totals), 0);
        assert_true(totals.distinct > 8);
    }
    rig_close(&rig);
}

/* ---- Syncs that do not come with a reply ----------------------------------------------------- */

static void durable_waitaof_makes_the_writes_before_it_durable(void **state)
{
    struct rig rig;
    uint64_t before;

    (void)state;
    rig_open(&rig, STRATA_SYNC_NEVER, 0);
    before = syncs(&rig);
    assert_string_equal(ask(&rig, "set k 1\nwaitaof 0 0 0\n"), "+OK\r\n*2\r\n:0\r\n:0\r\n");
    assert_int_equal(syncs(&rig), before);
    assert_string_equal(ask(&rig, "waitaof 1 0 0\n"), "*2\r\n:1\r\n:0\r\n");
    assert_true(syncs(&rig) > before);
    before = syncs(&rig);
    assert_string_equal(ask(&rig, "set k 2\n"), "+OK\r\n");
    assert_int_equal(syncs(&rig), before);
    fs_sim_fail(rig.fs, &no_sync);
    assert_memory_equal(ask(&rig, "waitaof 1 0 0\n"), "-ERR ", 5);
    rig_close(&rig);
}

static void count_call(void *arg)
{
    ++*(_Atomic int *)arg;
}

/* 14.I11. */
static void durable_idle_server_syncs_when_its_time_has_come(void **state)
{
    struct worker worker;
    struct strata_error err;
    _Atomic int done = 0;
    struct rig rig;
    struct job job;
    uint64_t before;

    (void)state;
    rig_open(&rig, STRATA_SYNC_INTERVAL, 20);
    before = syncs(&rig);
    worker = (struct worker){.server = rig.server, .done = count_call, .done_arg = &done};
    assert_ok(worker_start(&worker, &err), &err);
    job_open(&job, "set k 1\n");
    worker_give(&worker, &job);
    for (int i = 0; i < 1000 && (!done || syncs(&rig) == before); i++)
        sync_sleep(10000000);
    before = syncs(&rig) - before; /* as it is without another round, or the end */
    worker_stop(&worker);
    assert_int_equal(done, 1);
    assert_true(before > 0);
    assert_int_equal(rig.server->store.due_ns, 0);
    job_free(&job);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durable_failed_sync_is_an_error_and_acknowledges_nothing),
        cmocka_unit_test(durable_refused_change_of_a_session_ends_it),
        cmocka_unit_test(durable_after_a_failed_sync_no_write_is_acknowledged),
        cmocka_unit_test(durable_what_was_answered_survives_each_power_cut),
        cmocka_unit_test(durable_waitaof_makes_the_writes_before_it_durable),
        cmocka_unit_test(durable_idle_server_syncs_when_its_time_has_come),
    };
    return cmocka_run_group_tests_name("server_durable", tests, NULL, NULL);
}
