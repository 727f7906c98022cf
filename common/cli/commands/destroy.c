/* destroy.c: destroy: removes a database, and nothing else. */
#include "cli/cli.h"

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

int cli_run_destroy(struct cli *cli)
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
