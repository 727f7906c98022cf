/* destroy.c: destroy: removes a database, and nothing else. */
#include "cli/options.h"

#include <unistd.h>

struct leftovers {
    struct cli *cli;
    uint64_t count;
};

static void tell_left(void *arg, const char *name)
{
    struct leftovers *left = arg;

    fprintf(left->cli->out, "%s/", left->cli->operands[0]);
    cli_put(left->cli, left->cli->out, strata_string(name)); /* anybody may have chosen it */
    fputs(": left, it is no file of the database\n", left->cli->out);
    left->count++;
}

static int run_destroy(struct cli *cli)
{
    struct leftovers left = {cli, 0};
    const char *dir = cli->operands[0];
    struct strata_error err;

    if (!cli->given[CLI_YES])
        return cli_usage(cli, "this removes all data in %s: confirm with --yes", dir);
    if (strata_destroy(dir, NULL, tell_left, &left, &err) < 0)
        return cli_fail(cli, &err);
    if (!left.count)
        rmdir(dir); /* where that fails it stays, empty */
    fprintf(cli->out, "%s: destroyed\n", dir);
    return CLI_OK;
}

const struct cli_command cli_destroy_command = {
    .name = "destroy",
    .place = CLI_LINE,
    .operands = {"DIR"},
    .required = 1,
    .options = OPTIONS(CLI_YES),
    .exits = DB_EXITS,
    .summary = "remove a database, and nothing else",
    .about = "Removes the files of the database in DIR, those that have the name and the first\n"
             "bytes of a file of its stage, and DIR if it is empty then. Any other file stays,\n"
             "and a line names it. Also for what a copy that was cut short has left. Killed, it\n"
             "leaves what no command opens as a database: run it again. Without --yes nothing is\n"
             "removed.",
    .example = "$ strata put db fruit apple\n"
               "$ strata destroy db --yes\n"
               "db: destroyed\n"
               "$ strata get db fruit || echo it ended with $?\n"
               "it ended with 7\n",
    .run = run_destroy,
};
