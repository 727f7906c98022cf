/* command.c: stage 14, a server: which command a request means, and whether it may run now.
 *
 * 14.I5: each request has exactly one reply, in the order of the requests of its connection. */
#include "14_server/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const struct command *const tables[] = {string_commands, key_commands, connection_commands,
                                               transaction_commands};
#define TABLES (sizeof tables / sizeof *tables)

bool word_is(struct strata_slice word, const char *name)
{
    size_t size = strlen(name);
    return word.size == size && strncasecmp((const char *)word.data, name, size) == 0;
}

const struct command *command_named(struct strata_slice name)
{
    for (size_t t = 0; t < TABLES; t++)
        for (const struct command *c = tables[t]; c->name; c++)
            if (word_is(name, c->name))
                return c;
    return NULL;
}

size_t command_count(void)
{
    size_t count = 0;

    for (size_t t = 0; t < TABLES; t++)
        for (const struct command *c = tables[t]; c->name; c++)
            count++;
    return count;
}

bool number_of(struct strata_slice text, int64_t *number)
{
    bool negative = text.size && text.data[0] == '-';
    uint64_t n = 0, most = (uint64_t)INT64_MAX + negative;

    if (text.size == negative || (text.data[negative] == '0' && text.size > 1))
        return false;
    for (size_t i = negative; i < text.size; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9 || n > (most - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *number = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

struct strata_slice number_text(int64_t number, char to[24])
{
    return strata_bytes(to, (size_t)snprintf(to, 24, "%" PRId64, number));
}

int syntax_error(struct call *call)
{
    reply_error(call->reply, "ERR syntax error");
    return 0;
}

int not_a_number(struct call *call)
{
    reply_error(call->reply, "ERR value is not an integer or out of range");
    return 0;
}

uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int key_exists(struct call *call, struct strata_slice key, struct strata_error *err)
{
    return keyspace_get(&call->server->store, key, NULL, err);
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
static void queue(struct call *call)
{
    struct strata_buffer *to = &call->session->queued;
    char head[32];

    if (to->size > call->server->options->most_request) {
        call->session->is_broken = true;
        reply_error(call->reply, "ERR the transaction is too large");
        return;
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
    else if (call->session->in_multi && command->flags & COMMAND_NO_TXN)
        reply_error(call->reply, "ERR Command not allowed inside a transaction");
    else
        return true;
    call->session->is_broken |= call->session->in_multi;
    return false;
}

void command_run(struct call *call)
{
    const struct command *command = command_named(call->argv[0]);
    struct strata_error err;

    call->server->commands++;
    if (!may_run(call, command))
        return;
    if (call->session->in_multi && !(command->flags & COMMAND_NOW))
        queue(call);
    else if (command->run(call, &err) < 0)
        reply_fail(call->reply, &err);
}
