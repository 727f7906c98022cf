/* worker.c: see worker.h.
 *
 *     connections   A: set x 1   B: get x   C: incr y      ... come while the round before runs
 *     round         run A, B, C in this order | one write, one sync | replies to A, B, C
 *
 * One thread makes all writes, so a command that reads and then writes needs no lock, and a
 * thousand connections share each sync.
 *
 * 14.I15: a round ends when its replies take what the buffers of all clients leave of most_memory,
 * or a megabyte if that is more: it goes beyond it by one reply at most. 14.I11: with sync_ms no
 * write waits for longer than that, and one round, until it is durable, whether others come or not.
 */
#include "14_server/worker.h"
#include "strata_engine.h"

#include <stdio.h>

#define TURN_BYTES ((size_t)1 << 20) /* of replies; then other connections have their turn */

void job_init(struct job *job, const struct strata_server_options *options)
{
    job->session.is_known = !options->has_password;
    job->resp.most_bytes = options->has_password ? STRANGER_BYTES : options->most_request;
    job->reply.version = 2;
    job->reply.most = options->most_memory;
}

void job_free(struct job *job)
{
    session_free(&job->session);
    resp_free(&job->resp);
    strata_buffer_free(&job->in);
    strata_buffer_free(&job->reply.bytes);
}

/* The request that the parser has found. */
static void run_request(struct server_state *server, struct job *job)
{
    struct call call = {.server = server, .session = &job->session, .reply = &job->reply};
    struct strata_error err;

    job->requests++;
    if (call_run(&call, &job->resp, job->in.data, &err) < 0) {
        reply_fail(&job->reply, &err);
        job->session.is_broken |= job->session.in_multi; /* it is not among those to run */
    }
    if (job->session.is_known)
        job->resp.most_bytes = server->options->most_request;
}

/* Until there are so many bytes of replies. Returns how many more they take. */
static size_t run_job(struct server_state *server, struct job *job, size_t room)
{
    size_t before = job->reply.bytes.capacity, most = room < TURN_BYTES ? room : TURN_BYTES;

    job->requests = 0;
    job->session.changed = false;
    do
        run_request(server, job);
    while (!job->session.closing && job->reply.bytes.size < most &&
           resp_next(&job->resp, job->in.data, job->in.size) == RESP_READY);
    job->added = job->reply.bytes.capacity - before;
    server->held += job->added;
    return job->added;
}

/* What could not be made durable is logged, too: the first time. Shortages pass: the next write
 * that was made says so. */
static int settled(struct server_state *server, bool wrote, int rc, const struct strata_error *err)
{
    char text[560], line[640];

    if (rc == 0 && wrote)
        server->failing = false;
    if (rc < 0 && rc != STRATA_ERR_INVALID && !server->failing) {
        snprintf(line, sizeof line, "writes are refused from now on: %s",
                 strata_error_text(err, text, sizeof text));
        state_log(server, line);
        server->failing = true;
    }
    return rc;
}

/* The round's writes may be lost: no reply says that they were made. A connection
 * whose MULTI was refused, or its like, is closed: its client does not know of it. */
static void refuse(struct job *job, const struct strata_error *err)
{
    for (; job; job = job->next) {
        strata_buffer_clear(&job->reply.bytes);
        for (size_t i = 0; i < job->requests; i++)
            reply_fail(&job->reply, err);
        job->session.closing |= job->session.changed;
    }
}

/* 14.I15. */
static size_t round_room(const struct server_state *server)
{
    size_t held = server->held, most = server->options->most_memory;
    return most > held && most - held > TURN_BYTES ? most - held : TURN_BYTES;
}

struct job *worker_round(struct server_state *server, struct job *jobs)
{
    size_t room = round_room(server), made = 0;
    struct job **at = &jobs, *rest;
    struct strata_error err;
    bool wrote;

    state_tick(server);
    for (; *at && made < room; at = &(*at)->next)
        made += run_job(server, *at, room - made);
    rest = *at;
    *at = NULL;
    wrote = server->store.dirty || server->store.asked;
    if (settled(server, wrote, keyspace_settle(&server->store, &err), &err) < 0) /* 14.I4 */
        refuse(jobs, &err);
    return rest;
}

/* ---- The thread ------------------------------------------------------------------------------ */

/* Behind those that nobody has taken yet. */
static void append(struct job **list, struct job *jobs)
{
    while (*list)
        list = &(*list)->next;
    *list = jobs;
}

/* Writes that no round has made durable are, when their time has come (14.I11). */
static void sync_if_due(struct worker *worker)
{
    struct keyspace *store = &worker->server->store;
    struct strata_error err;

    if (!store->due_ns || sync_now() < store->due_ns)
        return;
    sync_unlock(&worker->lock);
    settled(worker->server, true, keyspace_sync(store, &err), &err);
    sync_lock(&worker->lock);
}

static void wait_for_jobs(struct worker *worker)
{
    uint64_t due_ns = worker->server->store.due_ns;

    if (due_ns)
        sync_wait_until(&worker->wake, &worker->lock, due_ns);
    else
        sync_wait(&worker->wake, &worker->lock);
}

static void *run(void *arg)
{
    struct worker *worker = arg;
    struct job *jobs = NULL, *rest;

    sync_lock(&worker->lock);
    while (jobs || worker->waiting || !worker->over) {
        append(&jobs, worker->waiting);
        worker->waiting = NULL;
        worker->end = &worker->waiting;
        if (!jobs) {
            wait_for_jobs(worker);
            sync_if_due(worker);
            continue;
        }
        sync_unlock(&worker->lock);
        rest = worker_round(worker->server, jobs);
        sync_lock(&worker->lock);
        append(&worker->finished, jobs);
        jobs = rest;
        worker->done(worker->done_arg);
        sync_if_due(worker);
    }
    sync_unlock(&worker->lock);
    return NULL;
}

int worker_start(struct worker *worker, struct strata_error *err)
{
    int sys = sync_mutex_init(&worker->lock);

    worker->end = &worker->waiting;
    if (!sys && (sys = sync_cond_init(&worker->wake)))
        sync_mutex_free(&worker->lock);
    else if (!sys && (sys = sync_start(&worker->thread, run, worker))) {
        sync_cond_free(&worker->wake);
        sync_mutex_free(&worker->lock);
    }
    return sys ? strata_fail_sys(err, sys, NULL, STRATA_NO_OFFSET, "start a thread") : 0;
}

void worker_give(struct worker *worker, struct job *job)
{
    sync_lock(&worker->lock);
    job->next = NULL;
    *worker->end = job;
    worker->end = &job->next;
    sync_wake_one(&worker->wake);
    sync_unlock(&worker->lock);
}

struct job *worker_take(struct worker *worker)
{
    struct job *jobs;

    sync_lock(&worker->lock);
    jobs = worker->finished;
    worker->finished = NULL;
    sync_unlock(&worker->lock);
    return jobs;
}

void worker_stop(struct worker *worker)
{
    sync_lock(&worker->lock);
    worker->over = true;
    sync_wake_one(&worker->wake);
    sync_unlock(&worker->lock);
    sync_join(&worker->thread);
    sync_cond_free(&worker->wake);
    sync_mutex_free(&worker->lock);
}
