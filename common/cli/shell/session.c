/* session.c: the commands of the shell alone, but for transactions: batch, snapshot, timing, quit.
 */
#include "cli/cli.h"

#include <string.h>

static int begin_batch(struct cli *cli)
{
    struct strata_stage_info info;

    strata_stage(cli->session->db, &info);
    if (cli->session->batch)
        return cli_usage(cli, "one is under way");
    if (cli->session->txn)
        return cli_usage(cli, "a transaction is open, which is one already");
    if (!(info.promises & STRATA_PROMISE_BATCH)) {
        cli_say(cli, "not supported: %s has no atomic batch", info.name);
        return CLI_NOT_SUPPORTED;
    }
    cli->session->batch = strata_batch_new();
    if (cli->session->batch)
        return CLI_OK;
    cli_say(cli, "out of memory");
    return CLI_OTHER;
}

static void drop_batch(struct cli_session *session)
{
    strata_batch_free(session->batch);
    session->batch = NULL;
}

static int commit_batch(struct cli *cli)
{
    struct strata_error err;
    int rc = strata_write(cli->session->db, cli->session->batch, 0, &err);

    drop_batch(cli->session);
    return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static int run_batch(struct cli *cli)
{
    const char *what = cli->operands[0];
    bool commit = strcmp(what, "commit") == 0;

    if (strcmp(what, "begin") == 0)
        return begin_batch(cli);
    if (!commit && strcmp(what, "drop") != 0)
        return cli_usage(cli, "\"%s\" is none of begin, commit, drop", what);
    if (!cli->session->batch)
        return cli_usage(cli, "none is under way");
    if (commit)
        return commit_batch(cli);
    drop_batch(cli->session);
    return CLI_OK;
}

int cli_get(struct cli *cli, struct strata *db, struct strata_slice key,
            struct strata_buffer *value, struct strata_error *err)
{
    if (cli->session && cli->session->txn)
        return strata_txn_get(cli->session->txn, key, value, err);
    return cli->session && cli->session->snapshot
               ? strata_snapshot_get(cli->session->snapshot, key, value, err)
               : strata_get(db, key, value, err);
}

int cli_iter(struct cli *cli, struct strata *db, struct strata_iter **out, struct strata_error *err)
{
    if (cli->session && cli->session->txn)
        return strata_txn_iter(cli->session->txn, out, err);
    return cli->session && cli->session->snapshot
               ? strata_snapshot_iter(cli->session->snapshot, out, err)
               : strata_iter_new(db, out, err);
}

static int run_snapshot(struct cli *cli)
{
    struct strata_snapshot **snapshot = &cli->session->snapshot;
    const char *what = cli->operands[0];
    bool take = strcmp(what, "take") == 0;
    struct strata_error err;

    if (!take && strcmp(what, "release") != 0)
        return cli_usage(cli, "\"%s\" is neither take nor release", what);
    if (take == (*snapshot != NULL))
        return cli_usage(cli, take ? "one is in use" : "none is in use");
    if (take && cli->session->txn)
        return cli_usage(cli, "a transaction is open, and reads one of its own");
    if (take)
        return strata_snapshot_new(cli->session->db, snapshot, &err) < 0 ? cli_fail(cli, &err)
                                                                         : CLI_OK;
    strata_snapshot_free(*snapshot);
    *snapshot = NULL;
    return CLI_OK;
}

static int run_timing(struct cli *cli)
{
    bool on = strcmp(cli->operands[0], "on") == 0;

    if (!on && strcmp(cli->operands[0], "off") != 0)
        return cli_usage(cli, "\"%s\" is neither on nor off", cli->operands[0]);
    cli->session->timing = on;
    return CLI_OK;
}

static int run_quit(struct cli *cli)
{
    cli->session->over = true;
    return CLI_OK;
}

const struct cli_command cli_batch_command = {
    .name = "batch",
    .place = CLI_SHELL,
    .operands = {"begin|commit|drop"},
    .required = 1,
    .summary = "gather puts and dels, and store them as one",
    .about = "After `batch begin` put and del are gathered, and no command sees them: get and\n"
             "scan answer as before the batch. `batch commit` stores them all or, if it fails,\n"
             "none; `batch drop` discards them. Where `strata stages` promises batches.",
    .run = run_batch,
};

const struct cli_command cli_snapshot_command = {
    .name = "snapshot",
    .place = CLI_SHELL,
    .operands = {"take|release"},
    .required = 1,
    .summary = "read the database as it is now, whatever is written later",
    .about = "After `snapshot take`, get, scan, count and dump answer from this state of the\n"
             "database, until `snapshot release`; put, del and load write as before. What the\n"
             "snapshot needs is kept in the tables meanwhile: `stats` shows how much\n"
             "(snapshot_bytes). Where `strata stages` promises snapshots.",
    .run = run_snapshot,
};

const struct cli_command cli_timing_command = {
    .name = "timing",
    .place = CLI_SHELL,
    .operands = {"on|off"},
    .required = 1,
    .summary = "print how long each command took, or not",
    .about = "From the line to the answer, printing included.",
    .run = run_timing,
};

const struct cli_command cli_quit_command = {
    .name = "quit",
    .place = CLI_SHELL,
    .summary = "end the shell, as exit and Ctrl-D do",
    .about =
        "As exit, .quit, Ctrl-D or the end of the input. A batch or a transaction that was not\n"
        "committed is dropped.",
    .run = run_quit,
};
