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
        job_open(&jobs[i]);
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
        job_close(&jobs[i]);
    }
    assert_int_equal(rig.server->held, MEMORY / 2);
    free(line);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_round_ends_when_its_replies_fill_the_memory),
    };
    return cmocka_run_group_tests_name("server_limits", tests, NULL, NULL);
}
