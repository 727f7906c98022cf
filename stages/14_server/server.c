/* server.c: stage 14, the server: its life, on libuv's loop.
 *
 * How do other programs, and other machines, reach it? The loop's thread reads and writes sockets
 * and finds out where a request ends (socket.c); the worker's thread (worker.c) runs the commands;
 * signals and a timer end what is to end. */
#include "strata_server.h"

#ifdef STRATA_UV
#include "14_server/server.h"
#include "strata_engine.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define GRACE_MS 2000 /* a stopping server waits for clients to read */
#define SECOND_MS 1000

static void close_it(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* ---- The end --------------------------------------------------------------------------------- */

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
        socket_end(c);
}

/* No new connections, and no more requests; those that were received are answered. */
static void stop(struct server *server)
{
    if (server->stopping)
        return;
    server->stopping = true;
    server_log(server, "stopping: what was received is answered");
    listen_end(server);
    close_it((uv_handle_t *)&server->term, NULL);
    close_it((uv_handle_t *)&server->interrupt, NULL);
    close_it((uv_handle_t *)&server->second, NULL);
    uv_timer_start(&server->grace, on_grace, GRACE_MS, 0);
    for (struct connection *c = server->first; c; c = c->next) {
        if (c->reading)
            uv_read_stop(&c->of.stream);
        c->reading = false;
        if (!c->running && !c->writing)
            socket_end(c);
    }
    end_if_idle(server);
}

/* ---- What happens on the loop ---------------------------------------------------------------- */

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    stop(signal->data);
}

static void on_second(uv_timer_t *timer)
{
    socket_end_idle(timer->data);
}

static void on_done(uv_async_t *async)
{
    struct server *server = async->data;
    struct job *job = worker_take(&server->worker), *next;

    for (; job; job = next) {
        next = job->next;
        server->running--;
        socket_resume((struct connection *)(void *)job);
    }
    if (server->state.stop)
        stop(server);
}

static void wake_loop(void *arg)
{
    uv_async_send(arg);
}

/* ---- The beginning --------------------------------------------------------------------------- */

static void tell_ready(const struct server *server)
{
    if (server->options->tcp)
        server_log(server, "listening on %s:%u", server->options->bind, server->state.port);
    if (server->options->unix_path)
        server_log(server, "listening on %.300s", server->options->unix_path);
    if (server->http)
        server_log(server, "HTTP on %s:%u", server->options->bind, http_port(server->http));
}

static void init_handles(struct server *server)
{
    uv_async_init(&server->loop, &server->done, on_done);
    uv_signal_init(&server->loop, &server->term);
    uv_signal_init(&server->loop, &server->interrupt);
    uv_timer_init(&server->loop, &server->grace);
    uv_timer_init(&server->loop, &server->second);
    server->done.data = server->term.data = server->interrupt.data = server->grace.data =
        server->second.data = server;
}

static void run(struct server *server)
{
    uv_signal_start(&server->term, on_signal, SIGTERM);
    uv_signal_start(&server->interrupt, on_signal, SIGINT);
    if (server->options->idle_ms)
        uv_timer_start(&server->second, on_second, SECOND_MS, SECOND_MS);
    tell_ready(server);
    uv_run(&server->loop, UV_RUN_DEFAULT);
}

static int serve(struct server *server, struct strata_error *err)
{
    int rc;

    init_handles(server);
    server->left = end_if_idle;
    rc = listen_all(server, err);
    server->worker =
        (struct worker){.server = &server->state, .done = wake_loop, .done_arg = &server->done};
    if (rc == 0 && server->options->http)
        rc = http_start(&server->http, &server->state, err);
    if (rc == 0)
        rc = worker_start(&server->worker, err);
    if (rc == 0) {
        run(server);
        worker_stop(&server->worker);
    }
    http_stop(server->http);
    save_wait(&server->state);
    if (rc == 0)
        server_log(server, "stopped");
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
    server->options = options;
    rc = state_init(&server->state, db, options, err);
    if (rc == 0 && uv_loop_init(&server->loop) < 0)
        rc = strata_fail_memory(err, sizeof server->loop);
    if (rc == 0) {
        rc = serve(server, err);
        uv_loop_close(&server->loop);
    }
    state_free(&server->state);
    free(server);
    return rc;
}
#endif
