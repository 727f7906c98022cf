/* transaction.c: the commands of the shell for transactions: begin, commit, rollback, savepoint. */
#include "cli/cli.h"

#include <string.h>
#include <strings.h>

/* "snapshot" of the shell's words, whose case does not matter. */
static bool is(const char *word, const char *wanted)
{
    return strcasecmp(word, wanted) == 0;
}

static int run_begin(struct cli *cli)
{
    struct cli_session *session = cli->session;
    struct strata_txn_options options;
    struct strata_error err;
    const char *level = cli->count ? cli->operands[0] : "serializable";

    strata_txn_options_init(&options);
    if (is(level, "snapshot"))
        options.isolation = STRATA_SNAPSHOT_ISOLATION;
    else if (!is(level, "serializable"))
        return cli_usage(cli, "\"%s\" is neither snapshot nor serializable", level);
    if (session->txn)
        return cli_usage(cli, "one is open");
    if (session->batch)
        return cli_usage(cli, "a batch is under way");
    if (session->snapshot)
        return cli_usage(cli, "a snapshot is in use");
    return strata_begin(session->db, &options, &session->txn, &err) < 0 ? cli_fail(cli, &err)
                                                                        : CLI_OK;
}

static void end_transaction(struct cli_session *session)
{
    strata_txn_free(session->txn);
    session->txn = NULL;
    savepoints_clear(&session->savepoints);
}

static int none_open(struct cli *cli)
{
    return cli_usage(cli, "no transaction is open");
}

static int run_commit(struct cli *cli)
{
    struct strata_error err;
    int rc;

    if (!cli->session->txn)
        return none_open(cli);
    rc = strata_txn_commit(cli->session->txn, 0, NULL, &err);
    end_transaction(cli->session);
    if (rc < 0)
        return cli_fail(cli, &err);
    if (rc == 0)
        return CLI_OK;
    cli_say(cli, "%s: nothing was changed; begin again", strata_code_name(rc));
    return CLI_OTHER;
}

static int return_to(struct cli *cli, const char *name)
{
    struct strata_error err;
    int rc = savepoints_return(&cli->session->savepoints, cli->session->txn, name, &err);

    if (rc < 0)
        return cli_fail(cli, &err);
    if (rc == STRATA_NOT_FOUND)
        return *name ? cli_usage(cli, "there is no savepoint %s", name)
                     : cli_usage(cli, "there is no savepoint");
    return CLI_OK;
}

static int run_rollback(struct cli *cli)
{
    if (cli->count && !is(cli->operands[0], "to"))
        return cli_usage(cli, "\"%s\" is not to", cli->operands[0]);
    if (!cli->session->txn)
        return none_open(cli);
    if (cli->count)
        return return_to(cli, cli->count > 1 ? cli->operands[1] : "");
    end_transaction(cli->session);
    return CLI_OK;
}

static int run_savepoint(struct cli *cli)
{
    struct strata_error err;
    const char *name = cli->count ? cli->operands[0] : "";

    if (!cli->session->txn)
        return none_open(cli);
    return savepoints_add(&cli->session->savepoints, cli->session->txn, name, &err) < 0
               ? cli_fail(cli, &err)
               : CLI_OK;
}

const struct cli_command cli_begin_command = {
    .name = "begin",
    .place = CLI_SHELL,
    .operands = {"snapshot|serializable"},
    .summary = "begin a transaction",
    .about = "Then get, scan, count and dump read its snapshot and what it wrote; put and del are\n"
             "seen by it alone, until `commit` makes all of them take effect or `rollback` none.\n"
             "serializable is the default. `strata help schedule` is about several transactions\n"
             "at once. Where `strata stages` promises transactions.",
    .run = run_begin,
};

const struct cli_command cli_commit_command = {
    .name = "commit",
    .place = CLI_SHELL,
    .summary = "make the transaction take effect",
    .about = "All of its writes, or, if it fails, none. In both cases it is over.",
    .run = run_commit,
};

const struct cli_command cli_rollback_command = {
    .name = "rollback",
    .place = CLI_SHELL,
    .operands = {"to", "NAME"},
    .summary = "drop the transaction, or what it wrote since a savepoint",
    .about = "`rollback` drops the transaction. `rollback to NAME` forgets what was written since\n"
             "`savepoint NAME`, and the savepoints after it; `rollback to`, since the last one of\n"
             "all. The transaction stays open then.",
    .run = run_rollback,
};

const struct cli_command cli_savepoint_command = {
    .name = "savepoint",
    .place = CLI_SHELL,
    .operands = {"NAME"},
    .summary = "a point in the transaction that `rollback to` returns to",
    .about = "Of two with the same name, or without one, the later one counts.",
    .run = run_savepoint,
};
