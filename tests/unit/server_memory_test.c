/* server_memory_test.c: memory that does not suffice: each allocation of a round of the server
 * (stages/14_server) fails, one after the other. (On the real file system: fs_sim's own allocations
 * are not the server's.) */
#include "server_rig.h"
#include "tmpdir.h"

#include "../crash/allocations.h"

#include <stdio.h>

/* Runs the lines; allocation number `at` fails. False: there were fewer. */
static bool fail_at(struct rig *rig, uint64_t at, const char *lines)
{
    uint64_t failed = allocations.failed;

    put_lines(&rig->job, lines);
    allocations.at = at;
    allocations.on = true;
    worker_round(rig->server, &rig->job);
    allocations.on = false;
    if (rig->job.resp.error) { /* the connection ends */
        job_free(&rig->job);
        job_open(rig, &rig->job);
    }
    return allocations.failed > failed;
}

/* Has the client the reply? If not, its connection ends. */
static bool has_reply(struct rig *rig, const char *text)
{
    struct strata_buffer *reply = &rig->job.reply.bytes;

    if (reply->out_of_memory)
        return false;
    assert_int_equal(strata_buffer_append(reply, "", 1), 0);
    return strstr((char *)reply->data, text);
}

/* 14.I7. The MSET has more words than there is room for without an allocation. */
static void memory_exec_runs_all_or_nothing(void **state)
{
    static const char lines[] = "multi\nset a 2\nmset b 2 c 2 d 2 e 2 f 2 g 2 h 2 i 2 j 2\n"
                                "hset k l 2\nincrby n 1\nexec\n";
    char *dir = tmpdir_new();
    struct rig rig;
    bool more = true;

    (void)state;
    rig_open_in(&rig, NULL, dir);
    for (uint64_t at = 1; more; at++) {
        const char *got;
        bool done;
        ask(&rig, "discard\nmset a 1 b 1 n 1\ndel k\n");
        more = fail_at(&rig, at, lines);
        done = has_reply(&rig, "*4\r\n+OK\r\n+OK\r\n:1\r\n:2\r\n");
        got = ask(&rig, "discard\nmget a b n\nhlen k\n");
        got = strchr(got, '*');
        if (strcmp(got, "*3\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n:0\r\n") != 0)
            assert_string_equal(got, "*3\r\n$1\r\n2\r\n$1\r\n2\r\n$1\r\n2\r\n:1\r\n");
        else
            assert_false(done);
        assert_true(done || more);
    }
    rig_close(&rig);
    tmpdir_del(dir);
}

static void memory_watch_keeps_what_it_has_said(void **state)
{
    static const char *const changes[] = {"set a 1\n", "set b 1\n", "hset b f 1\n"};
    char *dir = tmpdir_new();
    struct rig rig;
    struct job other;

    (void)state;
    rig_open_in(&rig, NULL, dir);
    job_open(&rig, &other);
    for (size_t i = 0; i < 3; i++) {
        bool more = true, watches;
        for (uint64_t at = 1; more; at++) {
            ask(&rig, "hset other f 1\ndel a b\nwatch a\n");
            more = fail_at(&rig, at, "watch b\n");
            watches = i == 0 || has_reply(&rig, "+OK");
            ask_by(&rig, &other, changes[i]);
            ask(&rig, "multi\nset c 1\n");
            if (strcmp(ask(&rig, "exec\n"), "*-1\r\n") != 0)
                assert_false(watches);
        }
    }
    job_free(&other);
    rig_close(&rig);
    tmpdir_del(dir);
}

static void memory_scan_does_not_end_early(void **state)
{
    char *dir = tmpdir_new();
    struct rig rig;
    bool more = true;

    (void)state;
    rig_open_in(&rig, NULL, dir);
    for (int i = 0; i < 30; i++) {
        char line[40];
        snprintf(line, sizeof line, "set a-key-with-a-long-name-%d 1\n", i);
        ask(&rig, line);
    }
    for (uint64_t at = 1; more; at++) {
        more = fail_at(&rig, at, "scan 0 count 10\n");
        assert_false(has_reply(&rig, "*2\r\n$1\r\n0\r\n"));
        assert_true(more || rig.job.reply.bytes.data[0] == '*');
    }
    rig_close(&rig);
    tmpdir_del(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_exec_runs_all_or_nothing),
        cmocka_unit_test(memory_watch_keeps_what_it_has_said),
        cmocka_unit_test(memory_scan_does_not_end_early),
    };
    return cmocka_run_group_tests_name("server_memory", tests, NULL, NULL);
}
