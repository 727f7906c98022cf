/* server_limits_test.c: what one client, or all of them, can make the server (stages/14_server)
 * hold. */
#include "server_rig.h"

#include <stdio.h>

/* 14.I15. Who has no turn yet has it in the next round. */
static void limits_round_ends_when_its_replies_fill_the_memory(void **state)
{
    enum { JOBS = 30, VALUE = 400000, MEMORY = 8000000 };
    char *line = malloc(VALUE + 100);
    struct job jobs[JOBS], *rest = jobs;
    struct rig rig;
    size_t rounds = 0, head;

    (void)state;
    rig_open(&rig);
    rig.options.most_memory = MEMORY;
    snprintf(line, 100, "*3\r\n$3\r\nset\r\n$1\r\nk\r\n$%d\r\n", VALUE);
    head = strlen(line);
    memset(line + head, 'x', VALUE);
    strcpy(line + head + VALUE, "\r\n");
    assert_string_equal(ask(&rig, line), "+OK\r\n");
    rig.server->held = MEMORY / 2;
    for (size_t i = 0; i < JOBS; i++) {
        job_open(&rig, &jobs[i]);
        put_lines(&jobs[i], "get k\nget k\n");
        jobs[i].next = i + 1 < JOBS ? &jobs[i + 1] : NULL;
    }
    for (; rest; rounds++) {
        struct job *job = rest;
        rest = worker_round(rig.server, rest);
        assert_true(rig.server->held <= MEMORY + 4 * VALUE);
        for (; job; job = job->next)
            rig.server->held -= job->added;
    }
    assert_in_range(rounds, 2, JOBS / 2);
    for (size_t i = 0; i < JOBS; i++) {
        assert_true(jobs[i].requests && jobs[i].reply.bytes.size > VALUE);
        job_free(&jobs[i]);
    }
    assert_int_equal(rig.server->held, MEMORY / 2);
    free(line);
    rig_close(&rig);
}

/* Before the password a request is short, and has few arguments. */
static void limits_request_of_a_stranger_is_short(void **state)
{
    char echo[20100] = "*2\r\n$4\r\necho\r\n$20000\r\n", words[20001];
    struct job job;
    struct rig rig;

    (void)state;
    memset(echo + strlen(echo), 'x', 20000);
    strcat(echo, "\r\n");
    for (size_t i = 0; i < sizeof words - 1; i += 2)
        memcpy(words + i, "x ", 2);
    rig_open(&rig);
    rig.options.has_password = true;
    rig.options.password = strata_string("open");
    for (int i = 0; i < 2; i++) {
        job_open(&rig, &job);
        strata_buffer_append(&job.in, i ? words : echo, 20000);
        assert_int_equal(resp_next(&job.resp, job.in.data, job.in.size), RESP_BAD);
        assert_int_equal(job.resp.count, !i);
        job_free(&job);
    }
    job_open(&rig, &job);
    assert_string_equal(ask_by(&rig, &job, "auth open\n"), "+OK\r\n");
    assert_memory_equal(ask_by(&rig, &job, echo), "$20000\r\nx", 9);
    job_free(&job);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_round_ends_when_its_replies_fill_the_memory),
        cmocka_unit_test(limits_request_of_a_stranger_is_short),
    };
    return cmocka_run_group_tests_name("server_limits", tests, NULL, NULL);
}
