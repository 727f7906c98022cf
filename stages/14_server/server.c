/* server.c: stage 14, the server: sockets on libuv's loop.
 *
 * How do other programs, and other machines, reach it? The loop's thread reads and writes sockets
 * and finds out where a request ends; the worker's thread (worker.c) runs the commands. A
 * connection is with one of them at a time:
 *
 *     reading    bytes come in until a request is complete        -> running
 *     running    its job is with the worker; bytes wait aside     -> writing
 *     writing    until the socket has taken all of the replies    -> running, reading, or closed
 *
 * 14.I9: so a connection has the replies of one job at most in memory, and a client that does not
 *        read stops only itself. */
#include "strata_server.h"

#ifdef STRATA_UV
#include "14_server/worker.h"
#include "base/bytes.h"
#include "strata_engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define READ_BYTES ((size_t)65536)
#define ASIDE_BYTES ((size_t)1 << 20) /* that are received while a job runs */
#define KEEP_BYTES ((size_t)65536)    /* of a buffer that an idle connection keeps */
#define BACKLOG 511
#define GRACE_MS 2000 /* a stopping server waits for clients to read */

struct server {
    const struct strata_server_options *options;
    struct server_state state;
    struct worker worker;
    uv_loop_t loop;
    uv_async_t done;
    uv_signal_t term, interrupt;
    uv_timer_t grace;
    uv_tcp_t tcp;
    uv_pipe_t unix_socket;
    struct connection *first; /* of all connections */
    size_t count, running;    /* connections; jobs with the worker */
    bool stopping;
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
    bool no_more; /* the client sends nothing more */
};

static void tell(const struct server *server, const char *text)
{
    if (server->options->log)
        server->options->log(server->options->log_arg, text);
}

/* ---- The end of a connection ----------------------------------------------------------------- */

static void end_if_idle(struct server *server);

static void on_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    struct server *server = c->server;

    if (c->previous)
        c->previous->next = c->next;
    else
        server->first = c->next;
    if (c->next)
        c->next->previous = c->previous;
    server->count--;
    server->state.clients = server->count;
    end_if_idle(server);
    session_free(&c->job.session);
    resp_free(&c->job.resp);
    strata_buffer_free(&c->job.in);
    strata_buffer_free(&c->job.reply.bytes);
    strata_buffer_free(&c->aside);
    free(c);
}

/* At once; or when the worker has given it back. */
static void end(struct connection *c)
{
    c->ended = true;
    if (c->running || c->closing)
        return;
    c->closing = true;
    uv_close(&c->of.handle, on_closed);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void reply_now(struct connection *c);

/* Gives the connection to the worker if a request is complete. */
static void go_on(struct connection *c)
{
    struct job *job = &c->job;
    enum resp_code code = resp_next(&job->resp, job->in.data, job->in.size);

    if (code == RESP_READY) {
        c->running = true;
        c->server->running++;
        worker_give(&c->server->worker, job);
    } else if (code == RESP_BAD) {
        reply_error(&job->reply, "ERR Protocol error: %s", job->resp.error);
        job->session.closing = true;
        reply_now(c);
    } else if (c->server->stopping || c->no_more) {
        end(c);
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct connection *c = handle->data;

    (void)suggested;
    *buf = uv_buf_init(c->server->read, sizeof c->server->read);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct connection *c = stream->data;
    bool busy = c->running || c->writing;
    struct strata_buffer *to = busy ? &c->aside : &c->job.in;

    if (size < 0 || strata_buffer_append(to, buf->base, (size_t)size) < 0) {
        uv_read_stop(stream);
        c->reading = false;
        c->no_more = true;
        if (size != UV_EOF || !busy) /* else what was asked is answered first */
            end(c);
        return;
    }
    if (busy && c->aside.size > ASIDE_BYTES) {
        uv_read_stop(stream);
        c->reading = false;
    }
    if (!busy)
        go_on(c);
}

static void read_on(struct connection *c)
{
    if (!c->reading && !c->ended && !c->closing && !c->no_more && !c->server->stopping)
        c->reading = uv_read_start(&c->of.stream, on_room, on_read) == 0;
}

/* Drops requests that were answered, and takes what came meanwhile. */
static int take_aside(struct connection *c)
{
    struct strata_buffer *in = &c->job.in;
    size_t done = resp_done(&c->job.resp);

    if (done) {
        memmove(in->data, in->data + done, in->size - done);
        in->size -= done;
        resp_drop(&c->job.resp);
    }
    if (in->size == 0 && in->capacity > KEEP_BYTES)
        strata_buffer_free(in);
    if (c->aside.size && strata_buffer_append(in, c->aside.data, c->aside.size) < 0)
        return -1;
    if (c->aside.capacity > KEEP_BYTES)
        strata_buffer_free(&c->aside);
    else
        strata_buffer_clear(&c->aside);
    return 0;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void written(struct connection *c, int status)
{
    struct strata_buffer *out = &c->job.reply.bytes;

    c->writing = false;
    if (out->capacity > KEEP_BYTES)
        strata_buffer_free(out);
    else
        strata_buffer_clear(out);
    if (status < 0 || c->job.session.closing || c->ended || take_aside(c) < 0) {
        end(c);
        return;
    }
    read_on(c);
    go_on(c);
}

static void on_written(uv_write_t *write, int status)
{
    written(write->data, status);
}

static void reply_now(struct connection *c)
{
    struct strata_buffer *out = &c->job.reply.bytes;
    uv_buf_t buf = uv_buf_init((char *)out->data, (unsigned)out->size);
    int taken;

    if (out->out_of_memory || out->size > UINT32_MAX) {
        end(c);
        return;
    }
    taken = uv_try_write(&c->of.stream, &buf, 1);
    if (taken == (int)out->size || (taken < 0 && taken != UV_EAGAIN)) {
        written(c, taken < 0 ? taken : 0);
        return;
    }
    if (taken > 0)
        buf = uv_buf_init(buf.base + taken, buf.len - (unsigned)taken);
    c->write.data = c;
    c->writing = true;
    if (uv_write(&c->write, &c->of.stream, &buf, 1, on_written) < 0)
        written(c, -1);
}

/* ---- The worker is done ---------------------------------------------------------------------- */

static void stop(struct server *server);

static void on_done(uv_async_t *async)
{
    struct server *server = async->data;
    struct job *job = worker_take(&server->worker), *next;

    for (; job; job = next) {
        struct connection *c = (struct connection *)(void *)job;
        next = job->next;
        server->running--;
        c->running = false;
        if (c->of.handle.type != UV_UNKNOWN_HANDLE)
            reply_now(c);
    }
    if (server->state.stop)
        stop(server);
}

static void wake_loop(void *arg)
{
    uv_async_send(arg);
}

/* ---- New connections ------------------------------------------------------------------------- */

static struct connection *connection_new(struct server *server, bool tcp)
{
    struct connection *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->server = server;
    c->job.resp.most_bytes = server->options->most_request;
    c->job.reply.version = 2;
    c->job.session.is_known = !server->options->has_password;
    c->job.session.id = ++server->state.connections;
    if ((tcp ? uv_tcp_init(&server->loop, &c->of.tcp)
             : uv_pipe_init(&server->loop, &c->of.pipe, 0)) < 0) {
        free(c);
        return NULL;
    }
    c->of.handle.data = c;
    c->next = server->first;
    if (c->next)
        c->next->previous = c;
    server->first = c;
    server->state.clients = ++server->count;
    return c;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *server = listener->data;
    bool tcp = listener->type == UV_TCP;
    struct connection *c = status == 0 ? connection_new(server, tcp) : NULL;

    if (!c)
        return;
    if (uv_accept(listener, &c->of.stream) < 0) {
        end(c);
        return;
    }
    if (tcp)
        uv_tcp_nodelay(&c->of.tcp, 1);
    if (server->count > server->options->most_clients) {
        reply_error(&c->job.reply, "ERR max number of clients reached");
        c->job.session.closing = true;
        reply_now(c);
        return;
    }
    read_on(c);
}

/* ---- Starting and stopping ------------------------------------------------------------------- */

static int failed(int rc, const char *what, struct strata_error *err)
{
    return rc < 0 ? strata_fail_sys(err, -rc, what, STRATA_NO_OFFSET, "listen") : 0;
}

static int listen_tcp(struct server *server, struct strata_error *err)
{
    const struct strata_server_options *options = server->options;
    struct sockaddr_storage address;
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&address;
    int size = sizeof address, rc = uv_ip4_addr(options->bind, (int)options->port, v4);

    if (rc < 0)
        rc =
            uv_ip6_addr(options->bind, (int)options->port, (struct sockaddr_in6 *)(void *)&address);
    uv_tcp_init(&server->loop, &server->tcp);
    server->tcp.data = server;
    if (rc == 0)
        rc = uv_tcp_bind(&server->tcp, (struct sockaddr *)&address, 0);
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&server->tcp, BACKLOG, on_connection);
    if (rc == 0)
        rc = uv_tcp_getsockname(&server->tcp, (struct sockaddr *)&address, &size);
    if (rc == 0) /* the same place in both kinds of address */
        server->state.port = ntohs(v4->sin_port);
    return failed(rc, options->bind, err);
}

static int listen_unix(struct server *server, struct strata_error *err)
{
    int rc = uv_pipe_init(&server->loop, &server->unix_socket, 0);

    server->unix_socket.data = server;
    if (rc == 0)
        rc = uv_pipe_bind(&server->unix_socket, server->options->unix_path);
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&server->unix_socket, BACKLOG, on_connection);
    return failed(rc, server->options->unix_path, err);
}

static void close_it(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* The loop ends when no handle is open. */
static void end_if_idle(struct server *server)
{
    if (!server->stopping || server->first)
        return;
    close_it((uv_handle_t *)&server->done, NULL);
    close_it((uv_handle_t *)&server->grace, NULL);
}

/* Who has not read its replies by now will not. */
static void on_grace(uv_timer_t *timer)
{
    struct server *server = timer->data;

    for (struct connection *c = server->first; c; c = c->next)
        end(c);
}

/* No new connections, and no more requests; those that were received are answered. */
static void stop(struct server *server)
{
    if (server->stopping)
        return;
    server->stopping = true;
    tell(server, "stopping: what was received is answered");
    if (server->options->tcp)
        close_it((uv_handle_t *)&server->tcp, NULL);
    if (server->options->unix_path)
        close_it((uv_handle_t *)&server->unix_socket, NULL);
    close_it((uv_handle_t *)&server->term, NULL);
    close_it((uv_handle_t *)&server->interrupt, NULL);
    uv_timer_start(&server->grace, on_grace, GRACE_MS, 0);
    for (struct connection *c = server->first; c; c = c->next) {
        if (c->reading)
            uv_read_stop(&c->of.stream);
        c->reading = false;
        if (!c->running && !c->writing)
            end(c);
    }
    end_if_idle(server);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    stop(signal->data);
}

static void tell_ready(const struct server *server)
{
    char text[400];

    if (server->options->tcp) {
        snprintf(text, sizeof text, "listening on %s:%u", server->options->bind,
                 server->state.port);
        tell(server, text);
    }
    if (server->options->unix_path) {
        snprintf(text, sizeof text, "listening on %.300s", server->options->unix_path);
        tell(server, text);
    }
}

static int listen_all(struct server *server, struct strata_error *err)
{
    int rc = 0;

    uv_async_init(&server->loop, &server->done, on_done);
    uv_signal_init(&server->loop, &server->term);
    uv_signal_init(&server->loop, &server->interrupt);
    uv_timer_init(&server->loop, &server->grace);
    server->done.data = server->term.data = server->interrupt.data = server->grace.data = server;
    if (server->options->tcp)
        rc = listen_tcp(server, err);
    if (rc == 0 && server->options->unix_path)
        rc = listen_unix(server, err);
    return rc;
}

static int serve(struct server *server, struct strata_error *err)
{
    int rc = listen_all(server, err);

    server->worker =
        (struct worker){.server = &server->state, .done = wake_loop, .done_arg = &server->done};
    if (rc == 0)
        rc = worker_start(&server->worker, err);
    if (rc == 0) {
        uv_signal_start(&server->term, on_signal, SIGTERM);
        uv_signal_start(&server->interrupt, on_signal, SIGINT);
        tell_ready(server);
        uv_run(&server->loop, UV_RUN_DEFAULT);
        worker_stop(&server->worker);
        tell(server, "stopped");
    }
    uv_walk(&server->loop, close_it, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    return rc;
}

bool strata_server_is_built(void)
{
    return true;
}

int strata_server_run(struct strata *db, const struct strata_server_options *options,
                      struct strata_error *err)
{
    struct server *server = calloc(1, sizeof *server);
    int rc;

    if (!server)
        return strata_fail_memory(err, sizeof *server);
    server->options = server->state.options = options;
    command_init(&server->state);
    server->state.started_ms = server->state.saved_ms = now_ms();
    server->state.random = server->state.started_ms;
    rc = keyspace_init(&server->state.store, db, options->synced, err);
    if (rc == 0 && uv_loop_init(&server->loop) < 0)
        rc = strata_fail_memory(err, sizeof server->loop);
    if (rc == 0) {
        rc = serve(server, err);
        uv_loop_close(&server->loop);
    }
    keyspace_free(&server->state.store);
    for (size_t i = 0; i < CURSORS; i++)
        strata_buffer_free(&server->state.cursors[i].key);
    free(server);
    return rc;
}
#endif
