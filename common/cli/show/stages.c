/* stages.c: stages and version: what is in this build. */
#include "cli/cli.h"
#include "cli/show/promises.h"

const struct promise promises[] = {
    {STRATA_PROMISE_EXIT, "exit", "an acknowledged write survives a clean exit"},
    {STRATA_PROMISE_KILL, "kill", "an acknowledged write survives kill -9"},
    {STRATA_PROMISE_POWER_CUT, "power-cut", "a synced write survives a power cut"},
    {STRATA_PROMISE_BATCH, "batch", "a batch is all or nothing"},
    {STRATA_PROMISE_DAMAGE, "damage", "a flipped bit is reported, never served"},
    {STRATA_PROMISE_COMPACT, "compact", "dead space comes back"},
    {STRATA_PROMISE_THREADS, "threads", "any thread may call anything"},
    {STRATA_PROMISE_SNAPSHOT, "snapshot", "there are snapshots"},
    {STRATA_PROMISE_TRANSACTION, "transaction", "there are transactions"},
    {0, NULL, NULL}};

static void print_stage(FILE *to, const struct strata_stage_info *info)
{
    fprintf(to, "stage %u  %s\n  survives  %s\n", info->stage, info->name, info->survives);
    for (const struct promise *p = promises; p->word; p++)
        if (info->promises & p->bit)
            fprintf(to, "  %-11s  %s\n", p->word, p->text);
}

int cli_run_stages(struct cli *cli)
{
    struct strata_stage_info info;

    for (size_t i = 0; strata_stage_at(i, &info) == 0; i++)
        print_stage(cli->out, &info);
    return CLI_OK;
}

int cli_run_version(struct cli *cli)
{
    struct strata_stage_info info;
    size_t count = 0;

    while (strata_stage_at(count, &info) == 0)
        count++;
    fprintf(cli->out, "strata %s, %zu stage%s\n", STRATA_VERSION, count, count == 1 ? "" : "s");
    return CLI_OK;
}
