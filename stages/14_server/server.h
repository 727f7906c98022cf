/* server.h: what the parts of the server that know libuv share: server.c (its life), listen.c (new
 * connections) and socket.c (the bytes of a connection). All run on the loop's thread. */
#ifndef STRATA_14_SERVER_H
#define STRATA_14_SERVER_H

#include "14_server/http.h"
#include "14_server/worker.h"

#include <uv.h>

#define READ_BYTES ((size_t)65536)

struct server {
    const struct strata_server_options *options;
    struct server_state state;
    struct worker worker;
    uv_loop_t loop;
    uv_async_t done;
    uv_signal_t term, interrupt;
    uv_timer_t grace, second;
    uv_tcp_t tcp;
    uv_pipe_t unix_socket;
    struct http *http;
    struct connection *first; /* of all connections */
    size_t count, running;    /* connections; jobs with the worker */
    bool stopping;
    void (*left)(struct server *server); /* a connection is closed */
    char read[READ_BYTES];
};

struct connection {
    struct job job; /* first: a job is a connection */
    struct connection *previous, *next;
    struct server *server;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } of;
    uv_write_t write;
    struct strata_buffer aside; /* received while the job runs */
    bool running, writing, reading, closing, ended;
    bool no_more;    /* the client sends nothing more */
    size_t held;     /* bytes of its buffers, as server->state.held counts them */
    size_t job_held; /* of these in the job, when it was last not with the worker */
    size_t unsent;   /* bytes that the socket had not taken a second ago */
    uint64_t last;   /* when something came or went, milliseconds of the loop's clock */
};

void server_log(const struct server *server, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* IO: it cannot listen there. */
int listen_all(struct server *server, struct strata_error *err);
void listen_end(struct server *server);

/* At once; or when the worker has given it back. */
void socket_end(struct connection *c);
/* Reads on, unless it does. */
void socket_read(struct connection *c);
/* Sends what the job has to say. */
void socket_reply(struct connection *c);
/* Whatever the worker made of it, the job is back. */
void socket_resume(struct connection *c);
/* A second has passed: ends connections that were idle for too long. */
void socket_end_idle(struct server *server);

#endif
