/* serve.c: serve: a database for programs that speak Redis' protocol. The server is stage 14. */
#include "cli/options.h"
#include "strata_server.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define PORT 6379u
#define MOST_CLIENTS 10000u
#define MOST_REQUEST ((size_t)512 << 20) /* bytes, as Redis' proto-max-bulk-len */
#define PASSWORD_MAX ((size_t)1024)
#define CLIENT_MEMORY ((uint64_t)1 << 30) /* bytes, of all clients together */
#define SYNC_MS 1000u

static void log_line(void *arg, const char *message)
{
    struct cli *cli = arg;

    cli_say(cli, "%s", message);
    fflush(cli->log);
}

/* The first line of the file. */
static int read_password(struct cli *cli, const char *path, struct strata_buffer *to)
{
    char line[PASSWORD_MAX + 2];
    FILE *from = fopen(path, "re");
    int sys = errno;

    if (!from)
        return cli_fail_sys(cli, path, sys);
    if (!fgets(line, sizeof line, from))
        line[0] = '\0';
    fclose(from);
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '\0' || strlen(line) > PASSWORD_MAX)
        return cli_usage(cli, "%s: the first line must be a password of 1 to %zu bytes", path,
                         PASSWORD_MAX);
    return strata_buffer_append(to, line, strlen(line)) < 0 ? CLI_OTHER : CLI_OK;
}

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static int read_limits(struct cli *cli, struct strata_server_options *options)
{
    uint64_t memory = CLIENT_MEMORY, idle = 0;
    int code = cli_size(cli, CLI_CLIENT_MEMORY, &memory);

    if (code == CLI_OK)
        code = cli_number(cli, CLI_IDLE_TIMEOUT, 1, 31536000, &idle);
    options->most_clients = MOST_CLIENTS;
    options->most_request = MOST_REQUEST;
    options->most_memory = (size_t)memory;
    options->idle_ms = idle * 1000;
    options->now_ms = &cli->stopped_ms;
    return code;
}

static int read_options(struct cli *cli, struct strata_server_options *options,
                        struct strata_buffer *password)
{
    uint64_t port = PORT, http = 0;
    int code = cli_number(cli, CLI_PORT, 0, 65535, &port);

    if (code == CLI_OK)
        code = cli_number(cli, CLI_HTTP, 0, 65535, &http);
    if (code == CLI_OK)
        code = read_limits(cli, options);
    options->port = (unsigned)port;
    options->http = cli->given[CLI_HTTP] != NULL;
    options->http_port = (unsigned)http;
    options->backups = cli->given[CLI_BACKUPS];
    options->unix_path = cli->given[CLI_UNIX];
    options->tcp = !options->unix_path || cli->given[CLI_PORT] || cli->given[CLI_BIND];
    options->bind = cli->given[CLI_BIND] ? cli->given[CLI_BIND] : "127.0.0.1";
    options->sync = cli->given[CLI_SYNC] ? cli->given[CLI_SYNC] : "always";
    options->synced = strcmp(options->sync, "always") == 0;
    options->sync_ms = strcmp(options->sync, "interval") == 0 ? SYNC_MS : 0;
    options->dir = cli->operands[0];
    options->log = log_line;
    options->log_arg = cli;
    if (code == CLI_OK && cli->given[CLI_PASSWORD_FILE])
        code = read_password(cli, cli->given[CLI_PASSWORD_FILE], password);
    options->has_password = password->size != 0;
    options->password = strata_buffer_slice(password);
    if (code == CLI_OK && !options->has_password && !is_loopback(options->bind))
        code = cli_usage(cli, "--bind %s lets other machines in: --password-file is needed, too",
                         options->bind);
    return code;
}

static int make_backups(struct cli *cli, const char *path)
{
    if (path && mkdir(path, 0777) < 0 && errno != EEXIST)
        return cli_fail_sys(cli, path, errno);
    return CLI_OK;
}

static int serve(struct cli *cli, const struct strata_server_options *options)
{
    struct strata_stage_info info;
    struct strata_error err;
    struct strata *db;
    int code;

    cli->stopped_ms = cli_now_ms(); /* the server moves it on */
    code = cli_open(cli, CLI_CREATE, &db);

    if (code != CLI_OK)
        return code;
    strata_stage(db, &info);
    if (!(info.promises & STRATA_PROMISE_EXPIRY)) {
        cli_say(cli, "%s is of stage %u: serve needs one that stage 13 or a later one has written",
                cli->operands[0], info.stage);
        code = CLI_NOT_SUPPORTED;
    } else if (strata_server_run(db, options, &err) < 0) {
        code = cli_fail(cli, &err);
    }
    return cli_close(cli, db, code);
}

static int run_serve(struct cli *cli)
{
    struct strata_server_options options = {0};
    struct strata_buffer password = {0};
    int code;

    code = read_options(cli, &options, &password);
    if (code == CLI_OK && !strata_server_is_built()) {
        cli_say(cli, "this program was built without libuv: install libuv1-dev, then make clean "
                     "and make");
        code = CLI_NOT_SUPPORTED;
    }
    if (code == CLI_OK)
        code = make_backups(cli, options.backups);
    if (code == CLI_OK)
        code = serve(cli, &options);
    strata_buffer_free(&password);
    return code;
}

const struct cli_command cli_serve_command = {
    .name = "serve",
    .stays = true,
    .place = CLI_LINE,
    .operands = {"DIR"},
    .required = 1,
    .options = OPTIONS(DB_OPTIONS, WRITE_OPTIONS, CLI_PORT, CLI_BIND, CLI_UNIX, CLI_PASSWORD_FILE,
                       CLI_HTTP, CLI_IDLE_TIMEOUT, CLI_CLIENT_MEMORY, CLI_BACKUPS),
    .exits = DB_EXITS,
    .summary = "serve a database to redis-cli and other clients of Redis",
    .about = "Speaks RESP, Redis' protocol, on 127.0.0.1 and port 6379, or where --port, --bind\n"
             "and --unix say; port 0 is one that is free. If there is no database, one is made.\n"
             "It needs one of stage 13 or later, and a build with libuv.\n\n"
             "With --sync always, the default, a write is answered when it survives a power cut:\n"
             "all clients that write at the same time share a sync. With interval a write is\n"
             "durable about a second after its answer; with never when the system writes it,\n"
             "or when a client asks with WAITAOF. kill -9 of the server loses no answered\n"
             "write either way.\n\n"
             "A password is the first line of a file; clients give it with AUTH. Without one\n"
             "only this machine's own addresses are listened on. SIGTERM, Ctrl-C and the\n"
             "command SHUTDOWN end it when everything that was received is answered.\n\n"
             "With --backups, SAVE and BGSAVE write a backup into a new directory in DIR. With\n"
             "--http, what reaches that port on the same address gets figures, without the\n"
             "password, but no data: /metrics for Prometheus, /stats as JSON, /healthz.\n\n"
             "  strata serve db                        then: redis-cli set fruit apple\n"
             "  strata serve db --unix db.sock         then: redis-cli -s db.sock get fruit\n"
             "  strata serve db --http 9121            then: curl 127.0.0.1:9121/metrics\n"
             "  strata serve db --backups saves        then: redis-cli bgsave\n"
             "  strata serve db --bind 0.0.0.0 --password-file secret --sync interval",
    .example = "$ strata serve db --bind 0.0.0.0 || echo it ended with $?\n"
               "it ended with 2\n",
    .run = run_serve,
};
