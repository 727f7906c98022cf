/* command.h: the commands, and what they work on. All run on the worker's thread. */
#ifndef STRATA_14_COMMAND_H
#define STRATA_14_COMMAND_H

#include "14_server/reply.h"
#include "14_server/resp.h"
#include "14_server/store/keyspace.h"
#include "strata_server.h"
#include "threads/sync.h"

#include <stdatomic.h>

#define CURSORS 4096u /* of scans that can go on */

/* Where a scan goes on: behind this key. */
struct cursor {
    uint64_t number; /* 0: none */
    struct strata_buffer key;
};

/* The backup that is made, or was made last. */
struct save {
    struct sync_thread thread;
    bool begun;           /* the thread is to be joined */
    bool failed;          /* read when it is not running */
    _Atomic bool running; /* on the thread */
    unsigned count;       /* since the start */
    char path[700];
};

struct call;
struct server_state {
    /* Does what the words say: one reply is added. < 0: `err` says what the engine could not do,
     * and none was. */
    int (*run)(struct call *call, struct strata_error *err);
    /* Command number `index` of all, and which group Redis' documentation has it in; NULL behind
     * the last one. The one of this name; NULL: there is none. */
    const struct command *(*command_at)(size_t index, const char **group);
    const struct command *(*command_named)(struct strata_slice name);
    const struct strata_server_options *options;
    struct keyspace store;
    struct save save;
    struct cursor cursors[CURSORS];
    uint64_t last_cursor;
    uint64_t random;                /* of RANDOMKEY */
    uint64_t started_ns, ticked_ns; /* sync_now: when it was started, state_tick called */
    unsigned port;
    _Atomic uint64_t commands, saved_ms;
    _Atomic uint64_t clients, connections; /* now, and since the start */
    _Atomic size_t held;                   /* bytes in buffers of all connections */
    atomic_bool stop;                      /* SHUTDOWN was given */
    atomic_bool failing;                   /* writes could not be made durable */
};

/* What the server knows of a connection. */
struct session {
    uint64_t id;
    struct strata_buffer name;
    bool changed;                /* by a command of this round */
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
    /* Adds exactly one reply. < 0: `err` says what the engine could not do; what was added to the
     * reply is taken away. */
    int (*run)(struct call *call, struct strata_error *err);
};
#define COMMAND_EARLY 1u  /* may be given before the password */
#define COMMAND_NOW 2u    /* is not queued by MULTI */
#define COMMAND_NO_TXN 4u /* not in MULTI */
#define COMMAND_READ 8u   /* of data */
#define COMMAND_WRITE 16u
#define COMMAND_KEY 32u      /* the first word behind the name is a key; */
#define COMMAND_KEYS 64u     /* all words are; */
#define COMMAND_PAIRS 128u   /* the first, the third, ... */
#define COMMAND_SESSION 256u /* changes what the server knows of the connection */
#define READS_KEY (COMMAND_READ | COMMAND_KEY)
#define WRITES_KEY (COMMAND_WRITE | COMMAND_KEY)

extern const struct command string_commands[], part_commands[], hash_commands[], key_commands[],
    scan_commands[], connection_commands[], server_commands[], persist_commands[],
    transaction_commands[]; /* end with a name of NULL */

/* `db` and `options` are borrowed. */
int state_init(struct server_state *server, struct strata *db,
               const struct strata_server_options *options, struct strata_error *err);
void state_free(struct server_state *server);
/* Moves the clock of the database on (14.I14). */
void state_tick(struct server_state *server);
void state_log(const struct server_state *server, const char *message);
/* Until no backup is made. */
void save_wait(struct server_state *server);
/* Frees what a connection holds; by the worker, or when it has no request of it. */
void session_free(struct session *session);

/* ---- Helpers --------------------------------------------------------------------------------- */

/* Runs the request that the parser has found in `data`: as server->run. */
int call_run(struct call *call, const struct resp *r, const uint8_t *data,
             struct strata_error *err);
bool word_is(struct strata_slice word, const char *name); /* letters of either case */
/* A decimal number as Redis takes it: no blanks, no leading zeros or plus. */
bool number_of(struct strata_slice text, int64_t *number);
struct strata_slice number_text(int64_t number, char to[24]);
int syntax_error(struct call *call); /* these add a reply and return 0 */
int not_a_number(struct call *call);
uint64_t now_ms(const struct server_state *server); /* since 1970 (14.I14) */
uint64_t system_ms(void);                           /* the same by the system's clock */
/* Is the key there? 0 or NOT_FOUND, < 0. */
int key_exists(struct call *call, struct strata_slice key, struct strata_error *err);

#endif
