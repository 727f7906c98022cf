/* http.h: figures of the server for Prometheus and for people, on a port of their own. The thread
 * that answers is libmicrohttpd's; it only reads counters. */
#ifndef STRATA_14_HTTP_H
#define STRATA_14_HTTP_H

#include "14_server/commands/command.h"

struct http;
/* Listens on options->http_port of options->bind. IO: it cannot; NOT_SUPPORTED: built without
 * libmicrohttpd. */
int http_start(struct http **out, struct server_state *state, struct strata_error *err);
unsigned http_port(const struct http *http);
void http_stop(struct http *http); /* NULL is allowed */

#endif
