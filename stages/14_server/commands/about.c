/* about.c: commands on the server: what it is, and which commands it has. */
#include "14_server/commands/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* ---- COMMAND --------------------------------------------------------------------------------- */

static void put_flags(struct reply *to, unsigned flags)
{
    const char *names[4];
    size_t count = 0;

    if (flags & COMMAND_WRITE)
        names[count++] = "write";
    if (flags & COMMAND_READ)
        names[count++] = "readonly";
    if (flags & COMMAND_EARLY)
        names[count++] = "no_auth";
    if (flags & COMMAND_NO_TXN)
        names[count++] = "no_multi";
    reply_array(to, count);
    for (size_t i = 0; i < count; i++)
        reply_simple(to, names[i]);
}

/* As Redis 7: name, arity, flags, where the keys are, and four lists that are empty here. */
static void put_command(struct reply *to, const struct command *command)
{
    bool all = command->flags & (COMMAND_KEYS | COMMAND_PAIRS);
    bool any = all || command->flags & COMMAND_KEY;

    reply_array(to, 10);
    reply_text(to, command->name);
    reply_number(to, command->arity);
    put_flags(to, command->flags);
    reply_number(to, any);
    reply_number(to, all ? -1 : any);
    reply_number(to, command->flags & COMMAND_PAIRS ? 2 : any);
    for (int i = 0; i < 4; i++)
        reply_array(to, 0);
}

static void put_docs(struct reply *to, const struct command *command, const char *group)
{
    reply_text(to, command->name);
    reply_map(to, 2);
    reply_text(to, "group"), reply_text(to, group);
    reply_text(to, "arity"), reply_number(to, command->arity);
}

/* Shows all commands, or those that are named from word `from` on; INFO says null of a name that
 * there is none of, DOCS nothing. */
static void put_commands(struct call *call, bool docs, size_t from)
{
    struct reply shown = {.version = call->reply->version, .most = call->reply->most};
    const struct command *c;
    const char *group;
    size_t count = 0;

    for (size_t w = from; w < call->argc && !docs; w++, count++)
        (c = call->server->command_named(call->argv[w])) ? put_command(&shown, c)
                                                         : reply_null_array(&shown);
    for (size_t i = 0; (c = call->server->command_at(i, &group)); i++) {
        bool asked = call->argc <= from;
        for (size_t w = from; w < call->argc && docs; w++)
            asked |= word_is(call->argv[w], c->name);
        if (!asked)
            continue;
        docs ? put_docs(&shown, c, group) : put_command(&shown, c);
        count++;
    }
    docs ? reply_map(call->reply, count) : reply_array(call->reply, count);
    reply_append(call->reply, &shown);
    strata_buffer_free(&shown.bytes);
}

static size_t command_count(const struct server_state *server)
{
    const char *group;
    size_t count = 0;

    while (server->command_at(count, &group))
        count++;
    return count;
}

static void put_names(struct call *call)
{
    const struct command *c;
    const char *group;

    reply_array(call->reply, command_count(call->server));
    for (size_t i = 0; (c = call->server->command_at(i, &group)); i++)
        reply_text(call->reply, c->name);
}

static int run_command(struct call *call, struct strata_error *err)
{
    struct strata_slice what = call->argc > 1 ? call->argv[1] : strata_string("info");

    (void)err;
    if (word_is(what, "count"))
        reply_number(call->reply, (int64_t)command_count(call->server));
    else if (word_is(what, "list") && call->argc == 2)
        put_names(call);
    else if (word_is(what, "docs") || word_is(what, "info"))
        put_commands(call, word_is(what, "docs"), 2);
    else
        reply_error(call->reply, "ERR unknown subcommand or wrong number of arguments of COMMAND");
    return 0;
}

/* ---- What the server is ---------------------------------------------------------------------- */

static int config(struct call *call, struct strata_error *err)
{
    const struct strata_server_options *options = call->server->options;
    char clients[24], memory[24], idle[24];
    const char *const settings[][2] = {
        {"save", ""},           {"appendonly", "yes"}, {"appendfsync", options->sync},
        {"databases", "1"},     {"timeout", idle},     {"maxmemory-clients", memory},
        {"maxclients", clients}};
    size_t asked = 0;

    (void)err;
    snprintf(clients, sizeof clients, "%zu", options->most_clients);
    snprintf(memory, sizeof memory, "%zu", options->most_memory);
    snprintf(idle, sizeof idle, "%" PRIu64, options->idle_ms / 1000);
    if (!word_is(call->argv[1], "get") || call->argc < 3) {
        reply_error(call->reply, "ERR only CONFIG GET is known; options are given to strata serve");
        return 0;
    }
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        asked += word_is(call->argv[2], settings[i][0]);
    reply_map(call->reply, asked);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (word_is(call->argv[2], settings[i][0])) {
            reply_text(call->reply, settings[i][0]);
            reply_text(call->reply, settings[i][1]);
        }
    return 0;
}

static int info(struct call *call, struct strata_error *err)
{
    const struct server_state *server = call->server;
    bool saving = server->save.running;
    char text[1600];

    (void)err;
    snprintf(text, sizeof text,
             "# Server\r\nstrata_version:%s\r\nprocess_id:%ld\r\ntcp_port:%u\r\n"
             "uptime_in_seconds:%" PRIu64 "\r\ndirectory:%.300s\r\n\r\n"
             "# Clients\r\nconnected_clients:%" PRIu64 "\r\nmaxclients:%zu\r\n"
             "client_memory_bytes:%zu\r\n\r\n"
             "# Persistence\r\nsync:%s\r\nunsynced_writes:%d\r\nwrites_refused:%d\r\n"
             "rdb_bgsave_in_progress:%d\r\nrdb_last_save_time:%" PRIu64
             "\r\nrdb_last_bgsave_status:%s\r\nlast_backup:%.700s\r\n\r\n"
             "# Stats\r\ntotal_connections_received:%" PRIu64
             "\r\ntotal_commands_processed:%" PRIu64 "\r\n",
             STRATA_VERSION, (long)getpid(), server->port,
             (sync_now() - server->started_ns) / 1000000000, server->options->dir,
             (uint64_t)server->clients, server->options->most_clients, (size_t)server->held,
             server->options->sync, server->store.due_ns != 0, (int)server->failing, saving,
             server->saved_ms / 1000, !saving && server->save.failed ? "err" : "ok",
             saving ? "" : server->save.path, (uint64_t)server->connections,
             (uint64_t)server->commands);
    reply_text(call->reply, text);
    return 0;
}

static int run_time(struct call *call, struct strata_error *err)
{
    uint64_t now = now_ms(call->server);
    char text[24];

    (void)err;
    reply_array(call->reply, 2);
    reply_bulk(call->reply, number_text((int64_t)(now / 1000), text));
    reply_bulk(call->reply, number_text((int64_t)(now % 1000 * 1000), text));
    return 0;
}

static int run_shutdown(struct call *call, struct strata_error *err)
{
    (void)err;
    call->server->stop = true;
    call->session->closing = true;
    reply_simple(call->reply, "OK");
    return 0;
}

const struct command server_commands[] = {
    {"command", -1, 0, run_command},
    {"config", -2, 0, config},
    {"info", -1, 0, info},
    {"time", 1, 0, run_time},
    {"shutdown", -1, COMMAND_NO_TXN, run_shutdown},
    {NULL, 0, 0, NULL},
};
