/* strata_server.h: what `strata serve` asks of the server (stages/14_server). For the tree's own
 * program; it is not installed. */
#ifndef STRATA_SERVER_H
#define STRATA_SERVER_H

#include "strata.h"

#include <stdatomic.h>

struct strata_server_options {
    const char *bind;      /* address to listen on: "127.0.0.1" */
    unsigned port;         /* TCP port; 0: the system picks one */
    bool tcp;              /* listen on TCP at all */
    const char *unix_path; /* Unix socket; NULL: none */
    struct strata_slice password;
    bool has_password;
    bool synced;         /* a reply to a write waits until the write is durable */
    uint32_t sync_ms;    /* else: writes are made durable so long after; 0: only when asked to */
    const char *sync;    /* the policy, for people: "always" */
    const char *dir;     /* of the database, for INFO */
    size_t most_clients; /* connections at once */
    size_t most_request; /* bytes of one request */
    size_t most_memory;  /* bytes in buffers of all connections, and of one reply */
    /* The clock of the database (strata_options.clock), milliseconds since 1970: the server moves
     * it on before each round. */
    _Atomic uint64_t *now_ms;
    uint64_t idle_ms;    /* a connection that is idle for so long is ended; 0: none is */
    const char *backups; /* directory for SAVE and BGSAVE; NULL: they fail */
    bool http;           /* answer HTTP on a port of its own, */
    unsigned http_port;  /* this one of `bind`; 0: the system picks one */
    void (*log)(void *log_arg, const char *message);
    void *log_arg;
};

/* False: this program was built without libuv. */
bool strata_server_is_built(void);
/* Serves the database until SIGTERM, SIGINT or the command SHUTDOWN: then what was begun is
 * answered. `ready` becomes the port it listens on and is logged. The database stays the caller's.
 *
 *   NOT_SUPPORTED  built without libuv, or without libmicrohttpd and `http` is set
 *   IO             it cannot listen there */
int strata_server_run(struct strata *db, const struct strata_server_options *options,
                      struct strata_error *err);

#endif
