/* server_round_test.c: rounds of requests (stages/14_server/worker.h) without sockets: what the
 * connections send comes as text, an inline command a line. */
#include "test.h"

#include "14_server/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct rig {
    char dir[64];
    struct strata *db;
    struct server_state *server;
    struct strata_server_options options;
    _Atomic uint64_t now_ms;
};

static uint64_t rig_clock(void *rig)
{
    return ((struct rig *)rig)->now_ms;
}

static void rig_open(struct rig *rig)
{
    struct strata_error err;
    struct strata_options options;

    snprintf(rig->dir, sizeof rig->dir, "/tmp/strata-round-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    strata_options_init(&options);
    options.create = true;
    options.clock = rig_clock;
    options.clock_arg = rig;
    assert_ok(strata_open(rig->dir, &options, &rig->db, &err), &err);
    rig->options = (struct strata_server_options){.most_request = 1000000,
                                                  .most_memory = 1000000,
                                                  .synced = true,
                                                  .sync = "always",
                                                  .now_ms = &rig->now_ms,
                                                  .dir = rig->dir};
    rig->server = calloc(1, sizeof *rig->server);
    assert_non_null(rig->server);
    assert_ok(state_init(rig->server, rig->db, &rig->options, &err), &err);
}

static void rig_close(struct rig *rig)
{
    struct strata_error err;

    state_free(rig->server);
    free(rig->server);
    assert_ok(strata_close(rig->db, &err), &err);
    assert_ok(strata_destroy(rig->dir, NULL, NULL, NULL, &err), &err);
    rmdir(rig->dir);
}

static void job_open(const struct rig *rig, struct job *job)
{
    *job = (struct job){0};
    job_init(job, &rig->options);
}

/* Makes `job` ready to run the lines. */
static void ask(struct job *job, const char *lines)
{
    size_t done = resp_done(&job->resp);

    if (done)
        memmove(job->in.data, job->in.data + done, job->in.size - done);
    job->in.size -= done;
    resp_drop(&job->resp);
    strata_buffer_clear(&job->reply.bytes);
    assert_int_equal(strata_buffer_append(&job->in, lines, strlen(lines)), 0);
    assert_int_equal(resp_next(&job->resp, job->in.data, job->in.size), RESP_READY);
}

static void expect(struct rig *rig, struct job *job, const char *lines, const char *want)
{
    ask(job, lines);
    job->next = NULL;
    assert_null(worker_round(rig->server, job));
    assert_bytes(strata_buffer_slice(&job->reply.bytes), strata_string(want));
}

/* To a worker, which begins then. */
static void give(struct server_state *server, size_t count, struct job *const *jobs)
{
    struct worker worker = {.server = server};

    worker.end = &worker.waiting;
    assert_int_equal(sync_mutex_init(&worker.lock), 0);
    assert_int_equal(sync_cond_init(&worker.wake), 0);
    for (size_t i = 0; i < count; i++)
        worker_give(&worker, jobs[i]);
    assert_null(worker_round(server, worker.waiting));
    sync_cond_free(&worker.wake);
    sync_mutex_free(&worker.lock);
}

static void round_answers_in_order(void **state)
{
    struct rig rig = {0};
    struct job a, b;

    (void)state;
    rig_open(&rig);
    job_open(&rig, &a);
    job_open(&rig, &b);
    ask(&a, "set k 1\nget k\nincr k\nappend k 0\nget k\n");
    ask(&b, "get k\nset k x\nnosuch\nget k\n");
    give(rig.server, 2, (struct job *[]){&a, &b});
    assert_bytes(strata_buffer_slice(&a.reply.bytes),
                 strata_string("+OK\r\n$1\r\n1\r\n:2\r\n:2\r\n$2\r\n20\r\n"));
    assert_bytes(strata_buffer_slice(&b.reply.bytes),
                 strata_string("$2\r\n20\r\n+OK\r\n-ERR unknown command 'nosuch'\r\n$1\r\nx\r\n"));
    job_free(&a);
    job_free(&b);
    rig_close(&rig);
}

/* 14.I14: also when milliseconds pass. */
static void round_has_one_time(void **state)
{
    char lines[200 * 30 + 60] = "hset h a 1 b 2\npexpire h 1\n", *end = lines + strlen(lines);
    struct rig rig = {0};
    struct job a;

    (void)state;
    rig_open(&rig);
    job_open(&rig, &a);
    for (int i = 0; i < 200; i++)
        end = stpcpy(end, "keys *\npttl h\nhlen h\n");
    ask(&a, lines);
    sync_sleep(2000000);
    worker_round(rig.server, &a);
    assert_int_equal(a.reply.bytes.size, 8 + 200 * (11 + 4 + 4));
    assert_bytes(strata_bytes(a.reply.bytes.data + a.reply.bytes.size - 8, 8),
                 strata_string(":1\r\n:2\r\n"));
    sync_sleep(2000000);
    expect(&rig, &a, "pttl h\nhgetall h\n", ":-2\r\n*0\r\n");
    job_free(&a);
    rig_close(&rig);
}

/* 14.I14: the system's clock is behind the database's, which goes on. */
static void round_time_never_goes_back(void **state)
{
    struct rig rig = {0};
    struct job a;
    uint64_t before;

    (void)state;
    rig_open(&rig);
    job_open(&rig, &a);
    rig.now_ms += 1000000;
    before = rig.now_ms;
    expect(&rig, &a, "set k 1 px 30\nget k\n", "+OK\r\n$1\r\n1\r\n");
    sync_sleep(40000000);
    expect(&rig, &a, "get k\n", "$-1\r\n");
    assert_in_range(rig.now_ms, before + 40, before + 500000);
    job_free(&a);
    rig_close(&rig);
}

static void round_exec_is_stopped_by_a_write_to_a_watched_key(void **state)
{
    struct rig rig = {0};
    struct job a, b;

    (void)state;
    rig_open(&rig);
    job_open(&rig, &a);
    job_open(&rig, &b);
    expect(&rig, &a, "watch k j\nmulti\nset k 1\n", "+OK\r\n+OK\r\n+QUEUED\r\n");
    expect(&rig, &b, "set j 2\n", "+OK\r\n");
    expect(&rig, &a, "exec\nget k\n", "*-1\r\n$-1\r\n");
    expect(&rig, &a, "watch k\nmulti\nset k 1\nget k\n", "+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n");
    expect(&rig, &b, "set j 3\n", "+OK\r\n");
    expect(&rig, &a, "exec\n", "*2\r\n+OK\r\n$1\r\n1\r\n");
    job_free(&a);
    job_free(&b);
    rig_close(&rig);
}

/* 14.I4. */
static void round_whose_write_is_refused_acknowledges_nothing(void **state)
{
    struct rig rig = {0};
    struct job a;
    struct strata_error err;

    (void)state;
    rig_open(&rig);
    job_open(&rig, &a);
    expect(&rig, &a, "set k 1\n", "+OK\r\n");
    strata_close(rig.db, &err);
    { /* a handle that cannot write stands for a device that does not */
        struct strata_options options;
        strata_options_init(&options);
        options.read_only = true;
        assert_ok(strata_open(rig.dir, &options, &rig.db, &err), &err);
        rig.server->store.db = rig.db;
    }
    ask(&a, "set k 2\nset k 3\n");
    a.next = NULL;
    worker_round(rig.server, &a);
    assert_int_equal(strata_buffer_append(&a.reply.bytes, "", 1), 0);
    assert_null(strstr((char *)a.reply.bytes.data, "+OK"));
    assert_int_equal(a.requests, 2);
    assert_memory_equal(a.reply.bytes.data, "-ERR ", 5);
    /* A get has the batch written in the middle of a round; no sync follows that would fail, too.
     */
    rig.server->store.synced = false;
    strata_buffer_clear(&a.reply.bytes);
    ask(&a, "set k 4\nget k\n");
    a.next = NULL;
    worker_round(rig.server, &a);
    assert_int_equal(strata_buffer_append(&a.reply.bytes, "", 1), 0);
    assert_null(strstr((char *)a.reply.bytes.data, "+OK"));
    job_free(&a);
    rig_close(&rig);
}

static void round_password_is_compared_to_its_end(void **state)
{
    struct rig rig = {0};
    struct job a;

    (void)state;
    rig_open(&rig);
    rig.options.has_password = true;
    rig.options.password = strata_string("abab");
    job_open(&rig, &a);
    for (size_t i = 0; i < 5; i++) {
        static const char *const wrong[] = {"ab", "aba", "ababab", "abac", "\"\""};
        char line[40];
        snprintf(line, sizeof line, "auth %s\nget k\n", wrong[i]);
        expect(&rig, &a, line,
               "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
               "-NOAUTH Authentication required.\r\n");
    }
    expect(&rig, &a, "auth abab\nget k\n", "+OK\r\n$-1\r\n");
    job_free(&a);
    rig_close(&rig);
}

/* 14.I10, of what the worker adds. */
static void round_reply_beyond_the_bound_is_not_kept(void **state)
{
    struct rig rig = {0};
    struct job a;

    (void)state;
    rig_open(&rig);
    job_open(&rig, &a);
    a.reply.most = 50;
    expect(&rig, &a, "set k 01234567890123456789\nget k\n",
           "+OK\r\n$20\r\n01234567890123456789\r\n");
    assert_false(a.reply.bytes.out_of_memory);
    ask(&a, "get k\nget k\n");
    worker_round(rig.server, &a);
    assert_true(a.reply.bytes.out_of_memory);
    assert_true(a.reply.bytes.size <= 50);
    job_free(&a);
    rig_close(&rig);
}

static void expect_save(struct rig *rig, const char *value)
{
    struct strata_buffer got = {0};
    struct strata_error err;
    struct strata *db;

    save_wait(rig->server);
    assert_ok(strata_open(rig->server->save.path, NULL, &db, &err), &err);
    assert_int_equal(strata_get(db, strata_string("k"), &got, &err), 0);
    assert_bytes(strata_buffer_slice(&got), strata_string(value));
    strata_buffer_free(&got);
    assert_ok(strata_close(db, &err), &err);
    assert_ok(strata_destroy(rig->server->save.path, NULL, NULL, NULL, &err), &err);
    rmdir(rig->server->save.path);
}

static void round_save_has_what_was_written_before_it(void **state)
{
    struct rig rig = {0};
    char backups[] = "/tmp/strata-saves-XXXXXX", long_name[sizeof rig.server->save.path] = "";
    struct job a;

    (void)state;
    rig_open(&rig);
    job_open(&rig, &a);
    expect(&rig, &a, "save\n", "-ERR strata serve was given no --backups directory\r\n");
    rig.options.backups = mkdtemp(backups);
    rig.server->saved_ms = 0;
    expect(&rig, &a, "set k 1\nbgsave\n", "+OK\r\n+Background saving started\r\n");
    expect_save(&rig, "1");
    assert_true(rig.server->saved_ms > 0);
    expect(&rig, &a, "set k 2\nsave\n", "+OK\r\n+OK\r\n");
    expect_save(&rig, "2");
    rig.server->save.running = true;
    expect(&rig, &a, "bgsave\n", "-ERR Background save already in progress\r\n");
    rig.server->save.running = false;
    memset(long_name, 'x', sizeof long_name - 1);
    rig.options.backups = long_name;
    expect(&rig, &a, "save\n", "-ERR the name of the --backups directory is too long\r\n");
    rig.options.backups = "/nowhere/at/all";
    ask(&a, "save\n");
    worker_round(rig.server, &a);
    assert_memory_equal(a.reply.bytes.data, "-ERR I/O", 8);
    assert_true(rig.server->save.failed);
    job_free(&a);
    rmdir(backups);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_answers_in_order),
        cmocka_unit_test(round_has_one_time),
        cmocka_unit_test(round_time_never_goes_back),
        cmocka_unit_test(round_exec_is_stopped_by_a_write_to_a_watched_key),
        cmocka_unit_test(round_whose_write_is_refused_acknowledges_nothing),
        cmocka_unit_test(round_password_is_compared_to_its_end),
        cmocka_unit_test(round_reply_beyond_the_bound_is_not_kept),
        cmocka_unit_test(round_save_has_what_was_written_before_it),
    };
    return cmocka_run_group_tests_name("server_round", tests, NULL, NULL);
}
