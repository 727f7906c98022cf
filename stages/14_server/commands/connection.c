/* connection.c: commands on the connection. */
#include "14_server/commands/command.h"
#include "base/bytes.h"

static int ok(struct call *call)
{
    reply_simple(call->reply, "OK");
    return 0;
}

static int ping(struct call *call, struct strata_error *err)
{
    (void)err;
    if (call->argc == 1)
        reply_simple(call->reply, "PONG");
    else
        reply_bulk(call->reply, call->argv[1]);
    return 0;
}

static int echo(struct call *call, struct strata_error *err)
{
    (void)err;
    reply_bulk(call->reply, call->argv[1]);
    return 0;
}

static int run_select(struct call *call, struct strata_error *err)
{
    int64_t n;

    (void)err;
    if (!number_of(call->argv[1], &n))
        return not_a_number(call);
    if (n == 0)
        return ok(call);
    reply_error(call->reply, "ERR DB index is out of range");
    return 0;
}

static int quit(struct call *call, struct strata_error *err)
{
    (void)err;
    call->session->closing = true;
    return ok(call);
}

/* ---- Who is there ---------------------------------------------------------------------------- */

/* Looks at each byte that was given, whatever it is, and at none that was not: the time it takes
 * says nothing of the password. */
static bool is_password(struct strata_slice given, struct strata_slice password)
{
    size_t differs = given.size ^ password.size;

    for (size_t i = 0; i < given.size; i++)
        differs |= given.data[i] ^ (password.size ? password.data[i % password.size] : 0u);
    return differs == 0;
}

/* 0; or a reply was added: 1. */
static int let_in(struct call *call, struct strata_slice user, struct strata_slice password)
{
    const struct strata_server_options *options = call->server->options;

    if (word_is(user, "default") && options->has_password &&
        is_password(password, options->password)) {
        call->session->is_known = true;
        return 0;
    }
    reply_error(call->reply, "WRONGPASS invalid username-password pair or user is disabled.");
    return 1;
}

static int auth(struct call *call, struct strata_error *err)
{
    (void)err;
    if (call->argc > 3)
        return syntax_error(call);
    if (call->argc == 2 && !call->server->options->has_password) {
        reply_error(call->reply, "ERR AUTH <password> called without any password configured for "
                                 "the default user. Are you sure your configuration is correct?");
        return 0;
    }
    if (let_in(call, call->argc == 3 ? call->argv[1] : strata_string("default"),
               call->argv[call->argc - 1]))
        return 0;
    return ok(call);
}

static void reply_hello(struct call *call)
{
    struct reply *to = call->reply;

    reply_map(to, 7);
    reply_text(to, "server"), reply_text(to, "strata");
    reply_text(to, "version"), reply_text(to, STRATA_VERSION);
    reply_text(to, "proto"), reply_number(to, to->version);
    reply_text(to, "id"), reply_number(to, (int64_t)call->session->id);
    reply_text(to, "mode"), reply_text(to, "standalone");
    reply_text(to, "role"), reply_text(to, "master");
    reply_text(to, "modules"), reply_array(to, 0);
}

static int hello(struct call *call, struct strata_error *err)
{
    int64_t version = call->reply->version;
    const struct strata_slice *name = NULL;

    if (call->argc > 1 && (!number_of(call->argv[1], &version) || version < 2 || version > 3)) {
        reply_error(call->reply, "NOPROTO unsupported protocol version");
        return 0;
    }
    for (size_t i = 2; i < call->argc; i++) {
        if (word_is(call->argv[i], "auth") && i + 2 < call->argc) {
            if (let_in(call, call->argv[i + 1], call->argv[i + 2]))
                return 0;
            i += 2;
        } else if (word_is(call->argv[i], "setname") && i + 1 < call->argc) {
            name = &call->argv[++i];
        } else {
            return syntax_error(call);
        }
    }
    if (!call->session->is_known) {
        reply_error(call->reply, "NOAUTH HELLO must be called with the client already "
                                 "authenticated, otherwise the HELLO <proto> AUTH <user> <pass> "
                                 "option can be used to authenticate the client and select the "
                                 "RESP protocol version at the same time");
        return 0;
    }
    if (name && buffer_set(&call->session->name, *name, err) < 0)
        return -1;
    call->reply->version = (int)version;
    reply_hello(call);
    return 0;
}

static int client(struct call *call, struct strata_error *err)
{
    struct session *session = call->session;
    struct strata_slice what = call->argv[1];

    if (word_is(what, "id"))
        return reply_number(call->reply, (int64_t)session->id), 0;
    if (word_is(what, "getname"))
        return reply_bulk(call->reply, strata_buffer_slice(&session->name)), 0;
    if (word_is(what, "setinfo") || word_is(what, "no-evict") || word_is(what, "no-touch"))
        return ok(call);
    if (!word_is(what, "setname") || call->argc != 3) {
        reply_error(call->reply, "ERR unknown subcommand or wrong number of arguments of CLIENT");
        return 0;
    }
    return buffer_set(&session->name, call->argv[2], err) < 0 ? -1 : ok(call);
}

const struct command connection_commands[] = {
    {"ping", -1, 0, ping},
    {"echo", 2, 0, echo},
    {"select", 2, 0, run_select},
    {"quit", -1, COMMAND_EARLY | COMMAND_NOW, quit},
    {"auth", -2, COMMAND_EARLY | COMMAND_NO_TXN | COMMAND_SESSION, auth},
    {"hello", -1, COMMAND_EARLY | COMMAND_NO_TXN | COMMAND_SESSION, hello},
    {"client", -2, COMMAND_SESSION, client},
    {NULL, 0, 0, NULL},
};
