/* server_rig.h: the server (stages/14_server) without sockets, on a file system in memory: what the
 * connections send comes as text, an inline command a line. */
#ifndef STRATA_TESTS_SERVER_RIG_H
#define STRATA_TESTS_SERVER_RIG_H

#include "test.h"

#include "14_server/worker.h"
#include "crash/sim/fs_sim.h"

#include <stdlib.h>
#include <string.h>

#define MOST ((size_t)1000000)

struct rig {
    struct strata_fs *fs;
    struct strata *db;
    struct server_state *server;
    struct strata_server_options options;
    _Atomic uint64_t now_ms;
    struct job job;
};

static inline uint64_t rig_clock(void *rig)
{
    return ((struct rig *)rig)->now_ms;
}

static inline void job_open(const struct rig *rig, struct job *job)
{
    *job = (struct job){0};
    job_init(job, &rig->options);
}

static inline void rig_open_in(struct rig *rig, struct strata_fs *fs, const char *dir)
{
    struct strata_options options;
    struct strata_error err;

    *rig = (struct rig){.fs = fs};
    strata_options_init(&options);
    options.create = true;
    options.fs = rig->fs;
    options.background_threads = 0;
    options.clock = rig_clock;
    options.clock_arg = rig;
    assert_ok(strata_open(dir, &options, &rig->db, &err), &err);
    rig->options = (struct strata_server_options){.synced = true,
                                                  .most_request = MOST,
                                                  .most_memory = MOST,
                                                  .sync = "always",
                                                  .dir = dir,
                                                  .now_ms = &rig->now_ms};
    rig->server = calloc(1, sizeof *rig->server);
    assert_non_null(rig->server);
    assert_ok(state_init(rig->server, rig->db, &rig->options, &err), &err);
    job_open(rig, &rig->job);
}

static inline void rig_open(struct rig *rig)
{
    rig_open_in(rig, fs_sim_new(), "db");
}

static inline void rig_close(struct rig *rig)
{
    struct strata_error err;

    job_free(&rig->job);
    state_free(rig->server);
    free(rig->server);
    assert_ok(strata_close(rig->db, &err), &err);
    if (rig->fs)
        fs_free(rig->fs);
}

/* Makes the job ready to run the lines. */
static inline void put_lines(struct job *job, const char *lines)
{
    size_t done = resp_done(&job->resp);

    if (done)
        memmove(job->in.data, job->in.data + done, job->in.size - done);
    job->in.size -= done;
    resp_drop(&job->resp);
    strata_buffer_clear(&job->reply.bytes);
    job->next = NULL;
    assert_int_equal(strata_buffer_append(&job->in, lines, strlen(lines)), 0);
    assert_int_equal(resp_next(&job->resp, job->in.data, job->in.size), RESP_READY);
}

/* The replies to the lines, a round; valid until the job's next one. */
static inline const char *ask_by(struct rig *rig, struct job *job, const char *lines)
{
    put_lines(job, lines);
    assert_null(worker_round(rig->server, job));
    assert_int_equal(strata_buffer_append(&job->reply.bytes, "", 1), 0);
    return (char *)job->reply.bytes.data;
}

static inline const char *ask(struct rig *rig, const char *lines)
{
    return ask_by(rig, &rig->job, lines);
}

#endif
