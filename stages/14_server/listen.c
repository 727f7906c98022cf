/* listen.c: the addresses that the server listens on, and connections that begin. */
#include "strata_server.h"

#ifdef STRATA_UV
#include "14_server/server.h"
#include "strata_engine.h"

#include <stdlib.h>

#define BACKLOG 511
#define KEEPALIVE_SECONDS 300 /* then the system asks whether a silent client is still there */

static struct connection *connection_new(struct server *server, bool tcp)
{
    struct connection *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->server = server;
    c->last = uv_now(&server->loop);
    job_init(&c->job, server->options);
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
        socket_end(c);
        return;
    }
    if (tcp)
        uv_tcp_nodelay(&c->of.tcp, 1), uv_tcp_keepalive(&c->of.tcp, 1, KEEPALIVE_SECONDS);
    if (server->count > server->options->most_clients) {
        reply_error(&c->job.reply, "ERR max number of clients reached");
        c->job.session.closing = true;
        socket_reply(c);
        return;
    }
    socket_read(c);
}

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

int listen_all(struct server *server, struct strata_error *err)
{
    int rc = server->options->tcp ? listen_tcp(server, err) : 0;
    return rc == 0 && server->options->unix_path ? listen_unix(server, err) : rc;
}

static void close_it(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void listen_end(struct server *server)
{
    if (server->options->tcp)
        close_it((uv_handle_t *)&server->tcp);
    if (server->options->unix_path)
        close_it((uv_handle_t *)&server->unix_socket);
}
#endif
