/* persist.c: commands on what is durable, and on copies of the database.
 *
 * A save is a backup (strata_backup) into a directory of its own below options->backups. BGSAVE's
 * runs on a thread, while commands go on: it has what was written before the
 * command, and perhaps what came just behind. */
#include "14_server/commands/command.h"
#include "strata_engine.h"

#include <stdio.h>
#include <time.h>

/* backups/20261125-031500-1: the time, and the number of the save since the start. False: too long.
 */
static bool name_save(struct save *save, const char *backups)
{
    time_t now = (time_t)(system_ms() / 1000);
    char when[32];
    struct tm tm;

    gmtime_r(&now, &tm);
    strftime(when, sizeof when, "%Y%m%d-%H%M%S", &tm);
    return (size_t)snprintf(save->path, sizeof save->path, "%s/%s-%u", backups, when,
                            ++save->count) < sizeof save->path;
}

static int make(struct server_state *server, struct strata_error *err)
{
    int rc = strata_backup(server->store.db, server->save.path, NULL, err);

    if (rc == 0)
        server->saved_ms = system_ms();
    server->save.failed = rc < 0;
    return rc;
}

static void *run_save(void *arg)
{
    struct server_state *server = arg;
    char text[560], line[800];
    struct strata_error err;

    if (make(server, &err) < 0)
        snprintf(line, sizeof line, "the backup has failed: %s",
                 strata_error_text(&err, text, sizeof text));
    else
        snprintf(line, sizeof line, "backup in %.700s", server->save.path);
    state_log(server, line);
    server->save.running = false;
    return NULL;
}

void save_wait(struct server_state *server)
{
    if (server->save.begun)
        sync_join(&server->save.thread);
    server->save.begun = false;
}

/* 0; or a reply was added, 1; < 0. All writes are with the database then. */
static int prepare(struct call *call, struct strata_error *err)
{
    struct server_state *server = call->server;

    if (!server->options->backups) {
        reply_error(call->reply, "ERR strata serve was given no --backups directory");
        return 1;
    }
    if (server->save.running) {
        reply_error(call->reply, "ERR Background save already in progress");
        return 1;
    }
    save_wait(server);
    if (!name_save(&server->save, server->options->backups)) {
        reply_error(call->reply, "ERR the name of the --backups directory is too long");
        return 1;
    }
    return keyspace_flush(&server->store, err);
}

static int save(struct call *call, struct strata_error *err)
{
    int rc = prepare(call, err);

    if (rc == 0 && (rc = make(call->server, err)) == 0)
        reply_simple(call->reply, "OK");
    return rc;
}

static int bgsave(struct call *call, struct strata_error *err)
{
    struct save *save = &call->server->save;
    int rc = prepare(call, err), sys;

    if (rc)
        return rc;
    save->running = true;
    sys = sync_start(&save->thread, run_save, call->server);
    save->begun = !sys;
    if (sys) {
        save->running = false;
        return strata_fail_sys(err, sys, NULL, STRATA_NO_OFFSET, "start a thread");
    }
    reply_simple(call->reply, "Background saving started");
    return 0;
}

static int lastsave(struct call *call, struct strata_error *err)
{
    (void)err;
    reply_number(call->reply, (int64_t)(call->server->saved_ms / 1000));
    return 0;
}

/* ---- Waiting for durability ------------------------------------------------------------------ */

/* There are no replicas, and none can come while one waits: the answer is there at once. */
static int run_wait(struct call *call, struct strata_error *err)
{
    int64_t replicas, ms;

    (void)err;
    if (!number_of(call->argv[1], &replicas) || !number_of(call->argv[2], &ms))
        return not_a_number(call);
    if (ms < 0)
        reply_error(call->reply, "ERR timeout is negative");
    else
        reply_number(call->reply, 0);
    return 0;
}

/* The reply leaves when the round is durable (14.I4), and with it all writes before. */
static int waitaof(struct call *call, struct strata_error *err)
{
    int64_t local, replicas, ms;

    (void)err;
    if (!number_of(call->argv[1], &local) || !number_of(call->argv[2], &replicas) ||
        !number_of(call->argv[3], &ms))
        return not_a_number(call);
    if (local < 0 || local > 1 || replicas < 0 || ms < 0) {
        reply_error(call->reply, ms < 0 ? "ERR timeout is negative"
                                        : "ERR value is out of range, must be positive");
        return 0;
    }
    call->server->store.asked |= local == 1;
    reply_array(call->reply, 2);
    reply_number(call->reply, local || call->server->store.synced);
    reply_number(call->reply, 0);
    return 0;
}

const struct command persist_commands[] = {
    {"save", 1, COMMAND_NO_TXN, save}, {"bgsave", -1, COMMAND_NO_TXN, bgsave},
    {"lastsave", 1, 0, lastsave},      {"wait", 3, 0, run_wait},
    {"waitaof", 4, 0, waitaof},        {NULL, 0, 0, NULL},
};
