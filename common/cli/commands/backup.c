/* backup.c: backup: a database as it is now into a new directory. */
#include "cli/options.h"

static void tick(void *arg, uint64_t done_bytes, uint64_t total_bytes)
{
    struct cli *cli = arg;
    struct progress_state state = {.done_bytes = done_bytes, .total_bytes = total_bytes};
    progress_tick(&cli->progress, &state);
}

static int backup(struct cli *cli, struct strata *db)
{
    struct strata_progress progress = {tick, cli};
    struct strata_error err;
    int rc;

    cli_begin_progress(cli);
    rc = strata_backup(db, cli->operands[1], &progress, &err);
    progress_clear(&cli->progress);
    return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

static int run_backup(struct cli *cli)
{
    struct strata *db;
    int code = cli_check_apart(cli);

    if (code == CLI_OK)
        code = cli_open(cli, CLI_READ, &db);
    return code == CLI_OK ? cli_close(cli, db, backup(cli, db)) : code;
}

const struct cli_command cli_backup_command = {
    .name = "backup",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR", "COPY"},
    .required = 2,
    .options = OPTIONS(DB_OPTIONS),
    .exits = DB_EXITS,
    .summary = "copy a database as it is now into a new directory",
    .about = "COPY is a database of the same stage; it must not exist, or be an empty directory.\n"
             "If backup is killed or fails, every later command calls the copy incomplete: remove\n"
             "it by hand. To restore, back the copy up to a new directory, or put it where the\n"
             "lost database was.",
    .example = "$ strata put db fruit apple\n"
               "$ strata backup db copy\n"
               "$ strata put db fruit pear\n"
               "$ strata get copy fruit\n"
               "apple\n",
    .run = run_backup,
};
