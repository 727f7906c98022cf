/* command.h: the commands, and what they work on. All run on the worker's thread. */
#ifndef STRATA_14_COMMAND_H
#define STRATA_14_COMMAND_H

#include "14_server/reply.h"
#include "14_server/keyspace.h"
#include "strata_server.h"

#include <stdatomic.h>

#define CURSORS 4096u /* of scans that can go on */

/* Where a scan goes on: behind this key. */
struct cursor {
    uint64_t number; /* 0: none */
    struct strata_buffer key;
};

struct call;
struct server_state {
    void (*run)(struct call *call); /* does what the words say: one reply is added */
    size_t command_count;
    const struct strata_server_options *options;
    struct keyspace store;
    struct cursor cursors[CURSORS];
    uint64_t last_cursor;
    uint64_t random; /* of RANDOMKEY */
    uint64_t commands;
    uint64_t started_ms, saved_ms;
    unsigned port;
    _Atomic uint64_t clients, connections; /* now, and since the start */
    atomic_bool stop;                      /* SHUTDOWN was given */
};

/* What the server knows of a connection. */
struct session {
    uint64_t id;
    struct strata_buffer name;
    bool is_known;               /* the password was given, or there is none */
    bool closing;                /* the connection ends after the reply */
    bool in_multi;               /* commands are queued, */
    bool is_broken;              /* and one of them could not be */
    struct strata_buffer queued; /* as requests of the protocol */
    size_t queued_count;
    struct strata_txn *watch;     /* has read the watched keys; NULL: there are none */
    struct strata_buffer watched; /* the keys, each with its length in front */
};

struct call {
    struct server_state *server;
    struct session *session;
    const struct strata_slice *argv;
    size_t argc;
    struct reply *reply;
};

struct command {
    const char *name; /* "get" */
    int arity;        /* of all words; -3: at least 3 */
    unsigned flags;
    /* Adds exactly one reply. < 0: `err` says what the engine could not do, and no reply was added.
     */
    int (*run)(struct call *call, struct strata_error *err);
};
#define COMMAND_EARLY 1u  /* may be given before the password */
#define COMMAND_NOW 2u    /* is not queued by MULTI */
#define COMMAND_NO_TXN 4u /* not in MULTI */

extern const struct command string_commands[], key_commands[], connection_commands[],
    transaction_commands[]; /* end with a name of NULL */

/* Sets `run` and `command_count`. */
void command_init(struct server_state *server);
/* Frees what a connection holds; by the worker, or when it has no request of it. */
void session_free(struct session *session);

/* ---- Helpers --------------------------------------------------------------------------------- */

bool word_is(struct strata_slice word, const char *name); /* letters of either case */
/* A decimal number as Redis takes it: no blanks, no leading zeros or plus. */
bool number_of(struct strata_slice text, int64_t *number);
struct strata_slice number_text(int64_t number, char to[24]);
int syntax_error(struct call *call); /* these add a reply and return 0 */
int not_a_number(struct call *call);
uint64_t now_ms(void); /* since 1970 */
/* Is the key there? 0 or NOT_FOUND, < 0. */
int key_exists(struct call *call, struct strata_slice key, struct strata_error *err);

#endif
