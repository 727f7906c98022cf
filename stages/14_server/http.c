/* http.c: see http.h.
 *
 *     GET /metrics    what Prometheus collects
 *     GET /stats      the same figures as JSON
 *     GET /healthz    200, or 503 when writes cannot be made durable any more */
#ifdef STRATA_HTTP
#include "14_server/http.h"
#include "14_server/metrics.h"
#include "strata_engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 64u     /* at once */
#define TIMEOUT_SECONDS 10u /* of a silent one */

struct http {
    struct MHD_Daemon *daemon;
    struct server_state *state;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned code, const char *type,
                              struct strata_buffer *body)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body->size, body->data, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result = MHD_NO;

    if (response) {
        MHD_add_response_header(response, "Content-Type", type);
        if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
            MHD_add_response_header(response, "Allow", "GET, HEAD");
        result = MHD_queue_response(connection, code, response);
        MHD_destroy_response(response);
    }
    strata_buffer_free(body);
    return result;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned code, const char *text)
{
    struct strata_buffer body = {0};

    strata_buffer_append(&body, text, strlen(text));
    return answer(connection, code, "text/plain", &body);
}

static enum MHD_Result figures(struct http *http, struct MHD_Connection *connection, bool json)
{
    struct strata_buffer body = {0};
    struct strata_error err;
    int rc = json ? metrics_json(http->state, &body, &err)
                  : metrics_prometheus(http->state, &body, &err);

    if (rc == 0)
        return answer(connection, MHD_HTTP_OK,
                      json ? "application/json" : "text/plain; version=0.0.4", &body);
    strata_buffer_free(&body);
    return say(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "the figures cannot be read\n");
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **memory)
{
    struct http *http = arg;
    static int begun;

    (void)version, (void)upload;
    if (!*memory) { /* the head alone is there */
        *memory = &begun;
        return MHD_YES;
    }
    if (*upload_size) { /* a body is dropped */
        *upload_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are known\n");
    if (strcmp(url, "/metrics") == 0 || strcmp(url, "/stats") == 0)
        return figures(http, connection, url[1] == 's');
    if (strcmp(url, "/healthz") != 0)
        return say(connection, MHD_HTTP_NOT_FOUND, "there are /metrics, /stats and /healthz\n");
    return http->state->failing
               ? say(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "writes cannot be made durable\n")
               : say(connection, MHD_HTTP_OK, "ok\n");
}

int http_start(struct http **out, struct server_state *state, struct strata_error *err)
{
    const struct strata_server_options *options = state->options;
    struct sockaddr_storage address = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&address;
    unsigned flags = MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD; /* select() has 1,024 files */
    struct http *http = calloc(1, sizeof *http);

    if (!http)
        return strata_fail_memory(err, sizeof *http);
    http->state = state;
    v4->sin_family = AF_INET, v4->sin_port = htons((uint16_t)options->http_port);
    if (inet_pton(AF_INET, options->bind, &v4->sin_addr) != 1) {
        v6->sin6_family = AF_INET6, flags |= MHD_USE_IPv6;
        if (inet_pton(AF_INET6, options->bind, &v6->sin6_addr) != 1) {
            free(http);
            return strata_fail(err, STRATA_ERR_INVALID, options->bind, STRATA_NO_OFFSET,
                               "no address that HTTP can listen at");
        }
    }
    errno = 0;
    http->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR,
                         (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
                         MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_SECONDS, MHD_OPTION_END);
    if (!http->daemon) {
        free(http);
        return strata_fail_sys(err, errno ? errno : EIO, options->bind, STRATA_NO_OFFSET,
                               "listen for HTTP");
    }
    *out = http;
    return 0;
}

unsigned http_port(const struct http *http)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : http->state->options->http_port;
}

void http_stop(struct http *http)
{
    if (http)
        MHD_stop_daemon(http->daemon);
    free(http);
}
#else
#include "14_server/http.h"
#include "strata_engine.h"

int http_start(struct http **out, struct server_state *state, struct strata_error *err)
{
    (void)out, (void)state;
    return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, NULL, STRATA_NO_OFFSET,
                       "this program was built without libmicrohttpd: no --http");
}

unsigned http_port(const struct http *http)
{
    (void)http;
    return 0;
}

void http_stop(struct http *http)
{
    (void)http;
}
#endif
