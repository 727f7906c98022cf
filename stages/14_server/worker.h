/* worker.h: the thread that runs all commands, in rounds: what all connections have sent meanwhile
 * is one round, and its writes are made durable by one sync. */
#ifndef STRATA_14_WORKER_H
#define STRATA_14_WORKER_H

#include "14_server/commands/command.h"
#include "14_server/resp.h"
#include "threads/sync.h"

/* The requests that one connection has sent. While a job is with the worker nobody else touches it.
 */
struct job {
    struct job *next;
    struct session session;
    struct resp resp;
    struct strata_buffer in; /* bytes that were received */
    struct reply reply;      /* to all requests that were run */
    size_t requests;         /* number of them in this round */
    size_t added;            /* bytes of `reply` that the round has added to server->held */
};

#define STRANGER_BYTES ((size_t)16384) /* of a request before the password */

/* Of a connection that begins; the rest of it is zero. */
void job_init(struct job *job, const struct strata_server_options *options);
void job_free(struct job *job);

struct worker {
    struct server_state *server;
    void (*done)(void *arg); /* called by the worker's thread: worker_take has something */
    void *done_arg;
    struct sync_mutex lock;
    struct sync_cond wake;
    /* Under `lock`: */
    struct job *waiting, **end; /* the oldest first; where the next one goes */
    struct job *finished;
    bool over;
    struct sync_thread thread;
};

/* IO: there is no thread. */
int worker_start(struct worker *worker, struct strata_error *err);
/* The job's parser has found a request. */
void worker_give(struct worker *worker, struct job *job);
/* Jobs that are done, a list; NULL: none is. */
struct job *worker_take(struct worker *worker);
/* No job may be with it. */
void worker_stop(struct worker *worker);

/* What a round does, on the caller's thread: runs the jobs of the list, the oldest first, and makes
 * the writes durable. The list ends then behind the last that has run; returns the rest: they are
 * for the next round. */
struct job *worker_round(struct server_state *server, struct job *jobs);

#endif
