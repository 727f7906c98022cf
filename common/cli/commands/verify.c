/* verify.c: verify: every byte that the database relies on. */
#include "cli/options.h"

static void tick(void *arg, uint64_t done_bytes, uint64_t total_bytes)
{
    struct cli *cli = arg;
    struct progress_state state = {.done_bytes = done_bytes, .total_bytes = total_bytes};
    progress_tick(&cli->progress, &state);
}

static int verify(struct cli *cli, struct strata *db)
{
    struct strata_progress progress = {tick, cli};
    struct strata_error err;
    int rc;

    cli_begin_progress(cli);
    rc = cli->given[CLI_DEEP] ? strata_verify_deep(db, &progress, &err)
                              : strata_verify(db, &progress, &err);
    progress_clear(&cli->progress);
    if (rc < 0)
        return cli_fail(cli, &err);
    fprintf(cli->out, "%s: no damage\n", cli->operands[0]);
    return CLI_OK;
}

static int run_verify(struct cli *cli)
{
    struct strata *db;
    int code = cli_open(cli, CLI_READ, &db);

    if (code != CLI_OK)
        return code;
    return cli_close(cli, db, verify(cli, db));
}

const struct cli_command cli_verify_command = {
    .name = "verify",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR"},
    .required = 1,
    .options = OPTIONS(DB_OPTIONS, CLI_DEEP),
    .exits = DB_EXITS,
    .summary = "read and check every byte that the database relies on",
    .about = "The first damage is named by file and offset; `strata inspect FILE` shows what is\n"
             "there. A torn tail after a crash is reported as a warning: it was never\n"
             "acknowledged. With --deep everything is also compared: scans in both directions,\n"
             "a get of every key, the bounds and levels of the tables, and what is in memory.",
    .example = "$ strata put db fruit apple\n"
               "$ strata verify db\n"
               "db: no damage\n"
               "$ strata verify --deep db\n"
               "db: no damage\n",
    .run = run_verify,
};
