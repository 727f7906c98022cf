/* command.c: stage 14, a server: which command a request means, and whether it may run now.
 *
 * 14.I5: each request has exactly one reply, in the order of the requests of its connection.
 * 14.I14: the time of the database stands still while a round runs, so a hash expires as a whole;
 * it never goes back, though the system's clock may be set back. */
#include "14_server/commands/command.h"
#include "14_server/store/entry.h"

#include <stdio.h>

static const struct {
    const char *group;
    const struct command *commands;
} tables[] = {{"string", string_commands},
              {"string", part_commands},
              {"hash", hash_commands},
              {"generic", key_commands},
              {"generic", scan_commands},
              {"connection", connection_commands},
              {"server", server_commands},
              {"server", persist_commands},
              {"transactions", transaction_commands}};
#define TABLES (sizeof tables / sizeof *tables)

static const struct command *command_at(size_t index, const char **group)
{
    for (size_t t = 0; t < TABLES; t++)
        for (const struct command *c = tables[t].commands; c->name; c++)
            if (index-- == 0) {
                *group = tables[t].group;
                return c;
            }
    return NULL;
}

static const struct command *command_named(struct strata_slice name)
{
    for (size_t t = 0; t < TABLES; t++)
        for (const struct command *c = tables[t].commands; c->name; c++)
            if (word_is(name, c->name))
                return c;
    return NULL;
}

void session_free(struct session *session)
{
    strata_txn_free(session->watch);
    strata_buffer_free(&session->name);
    strata_buffer_free(&session->queued);
    strata_buffer_free(&session->watched);
}

/* ---- Running --------------------------------------------------------------------------------- */

/* Keeps the request for EXEC, as the client sent it. */
static int queue(struct call *call)
{
    struct strata_buffer *to = &call->session->queued;
    char head[32];

    if (to->size > call->server->options->most_request) {
        call->session->is_broken = true;
        reply_error(call->reply, "ERR the transaction is too large");
        return 0;
    }
    strata_buffer_append(to, head, (size_t)snprintf(head, sizeof head, "*%zu\r\n", call->argc));
    for (size_t i = 0; i < call->argc; i++) {
        strata_buffer_append(to, head,
                             (size_t)snprintf(head, sizeof head, "$%zu\r\n", call->argv[i].size));
        strata_buffer_append(to, call->argv[i].data, call->argv[i].size);
        strata_buffer_append(to, "\r\n", 2);
    }
    call->session->queued_count++;
    if (to->out_of_memory) {
        call->session->is_broken = true;
        reply_error(call->reply, "ERR out of memory");
    } else {
        reply_simple(call->reply, "QUEUED");
    }
    return 0;
}

/* Is one of the request's keys a name of the server's own (entry.h)? */
static bool has_reserved_key(const struct call *call, unsigned flags)
{
    size_t end = flags & COMMAND_KEY ? 2 : flags & (COMMAND_KEYS | COMMAND_PAIRS) ? call->argc : 1;

    for (size_t i = 1; i < end; i += flags & COMMAND_PAIRS ? 2 : 1)
        if (entry_is_reserved(call->argv[i]))
            return true;
    return false;
}

/* False: a reply says why not. */
static bool may_run(struct call *call, const struct command *command)
{
    struct strata_slice name = call->argv[0];
    int shown = (int)(name.size < 128 ? name.size : 128), argc = (int)call->argc;

    if (!call->session->is_known && !(command && command->flags & COMMAND_EARLY))
        reply_error(call->reply, "NOAUTH Authentication required.");
    else if (!command)
        reply_error(call->reply, "ERR unknown command '%.*s'", shown, (const char *)name.data);
    else if (command->arity < 0 ? argc < -command->arity : argc != command->arity)
        reply_error(call->reply, "ERR wrong number of arguments for '%s' command", command->name);
    else if (has_reserved_key(call, command->flags))
        reply_error(call->reply, "ERR keys that begin with \\xffhash are the server's own");
    else if (call->session->in_multi && command->flags & COMMAND_NO_TXN)
        reply_error(call->reply, "ERR Command not allowed inside a transaction");
    else
        return true;
    call->session->is_broken |= call->session->in_multi;
    return false;
}

static int run(struct call *call, struct strata_error *err)
{
    const struct command *command = command_named(call->argv[0]);
    size_t before = call->reply->bytes.size;
    int rc;

    call->server->commands++;
    if (!may_run(call, command))
        return 0;
    call->session->changed |= call->session->in_multi || command->flags & COMMAND_SESSION;
    if (call->session->in_multi && !(command->flags & COMMAND_NOW))
        return queue(call);
    rc = command->run(call, err);
    if (rc < 0)
        call->reply->bytes.size = before;
    return rc < 0 ? rc : 0;
}

/* ---- The state ------------------------------------------------------------------------------- */

int state_init(struct server_state *server, struct strata *db,
               const struct strata_server_options *options, struct strata_error *err)
{
    server->run = run;
    server->command_at = command_at;
    server->command_named = command_named;
    server->options = options;
    server->random = system_ms();
    server->saved_ms = server->random;
    server->started_ns = server->ticked_ns = sync_now();
    state_tick(server);
    if (keyspace_init(&server->store, db, options->synced, options->sync_ms, err) < 0)
        return err->code;
    return entry_init(&server->store, err);
}

void state_tick(struct server_state *server)
{
    uint64_t passed_ms = (sync_now() - server->ticked_ns) / 1000000;
    uint64_t now = now_ms(server) + passed_ms, system = system_ms();

    server->ticked_ns += passed_ms * 1000000;
    *server->options->now_ms = system > now ? system : now;
}

void state_free(struct server_state *server)
{
    save_wait(server);
    keyspace_free(&server->store);
    for (size_t i = 0; i < CURSORS; i++)
        strata_buffer_free(&server->cursors[i].key);
}
