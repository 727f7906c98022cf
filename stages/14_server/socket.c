/* socket.c: stage 14, the bytes of a connection: from a socket to a request, from replies to a
 * socket. A connection is with the loop or with the worker, not with both:
 *
 *     reading    bytes come in until a request is complete        -> running
 *     running    its job is with the worker; bytes wait aside     -> writing
 *     writing    until the socket has taken all of the replies    -> running, reading, or closed
 *
 * 14.I9: so a connection has the replies of one job at most in memory, and a client that does not
 *        read stops only itself.
 * 14.I10: the buffers of all connections that the loop has take no more than most_memory: the
 *         connection with the largest is ended (while a round runs: 14.I15). */
#include "strata_server.h"

#ifdef STRATA_UV
#include "14_server/server.h"
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASIDE_BYTES ((size_t)1 << 20) /* that are received while a job runs */
#define KEEP_BYTES ((size_t)65536)    /* of a buffer that an idle connection keeps */

void server_log(const struct server *server, const char *format, ...)
{
    char text[600];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (server->options->log)
        server->options->log(server->options->log_arg, text);
}

/* ---- The end of a connection ----------------------------------------------------------------- */

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
    server->left(server);
    job_free(&c->job);
    strata_buffer_free(&c->aside);
    free(c);
}

void socket_end(struct connection *c)
{
    c->server->state.held -= c->held;
    c->held = 0;
    c->ended = true;
    if (c->running || c->closing)
        return;
    c->closing = true;
    uv_close(&c->of.handle, on_closed);
}

/* ---- Limits ---------------------------------------------------------------------------------- */

static size_t job_bytes(const struct job *job)
{
    return job->in.capacity + job->reply.bytes.capacity + job->session.queued.capacity +
           job->session.watched.capacity + job->session.name.capacity +
           job->resp.room * sizeof *job->resp.args;
}

static struct connection *largest(struct server *server)
{
    struct connection *most = server->first;

    for (struct connection *c = server->first; c; c = c->next)
        if (c->held > most->held)
            most = c;
    return most;
}

/* 14.I10. The buffers of a connection may have grown. */
static void count_bytes(struct connection *c)
{
    struct server *server = c->server;
    size_t before = c->held;

    if (c->ended)
        return;
    if (!c->running)
        c->job_held = job_bytes(&c->job);
    c->held = c->job_held + c->aside.capacity;
    server->state.held += c->held - before;
    while (server->state.held > server->options->most_memory) {
        struct connection *most = largest(server);
        server_log(server, "client %llu is closed: it holds %zu bytes, and all together too many",
                   (unsigned long long)most->job.session.id, most->held);
        socket_end(most);
    }
}

void socket_end_idle(struct server *server)
{
    uint64_t now = uv_now(&server->loop), idle = server->options->idle_ms;

    for (struct connection *c = server->first; c; c = c->next) {
        size_t unsent = c->writing ? uv_stream_get_write_queue_size(&c->of.stream) : 0;
        if (c->running || unsent != c->unsent)
            c->last = now;
        c->unsent = unsent;
        if (now - c->last >= idle)
            socket_end(c);
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

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
        socket_reply(c);
    } else if (c->server->stopping || c->no_more) {
        socket_end(c);
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
            socket_end(c);
        return;
    }
    if (busy && c->aside.size > ASIDE_BYTES) {
        uv_read_stop(stream);
        c->reading = false;
    }
    c->last = uv_now(&c->server->loop);
    count_bytes(c);
    if (!busy && !c->ended)
        go_on(c);
}

void socket_read(struct connection *c)
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
    c->last = uv_now(&c->server->loop);
    if (out->capacity > KEEP_BYTES)
        strata_buffer_free(out);
    else
        strata_buffer_clear(out);
    if (status < 0 || c->job.session.closing || c->ended || take_aside(c) < 0) {
        socket_end(c);
        return;
    }
    count_bytes(c);
    socket_read(c);
    if (!c->ended)
        go_on(c);
}

static void on_written(uv_write_t *write, int status)
{
    written(write->data, status);
}

void socket_reply(struct connection *c)
{
    struct strata_buffer *out = &c->job.reply.bytes;
    uv_buf_t buf = uv_buf_init((char *)out->data, (unsigned)out->size);
    int taken;

    if (!c->ended && (out->out_of_memory || out->size > UINT32_MAX))
        server_log(c->server, "client %llu is closed: its replies are too large",
                   (unsigned long long)c->job.session.id);
    if (c->ended || out->out_of_memory || out->size > UINT32_MAX) {
        socket_end(c);
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

void socket_resume(struct connection *c)
{
    c->running = false;
    c->server->state.held -= c->job.added;
    count_bytes(c);
    socket_reply(c);
}
#endif
