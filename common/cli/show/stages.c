/* stages.c: stages and version: what is in this build. */
#include "cli/options.h"
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
    {STRATA_PROMISE_READERS, "readers", "other processes may read while one writes"},
    {STRATA_PROMISE_MERGE, "merge", "merges change values that were not read"},
    {STRATA_PROMISE_EXPIRY, "expiry", "values expire at a time that was stored with them"},
    {STRATA_PROMISE_RANGE, "ranges", "ranges of keys are deleted"},
    {0, NULL, NULL}};

static void print_stage(FILE *to, const struct strata_stage_info *info)
{
    fprintf(to, "stage %u  %s\n  survives  %s\n", info->stage, info->name, info->survives);
    for (const struct promise *p = promises; p->word; p++)
        if (info->promises & p->bit)
            fprintf(to, "  %-11s  %s\n", p->word, p->text);
}

static int run_stages(struct cli *cli)
{
    struct strata_stage_info info;

    for (size_t i = 0; strata_stage_at(i, &info) == 0; i++)
        print_stage(cli->out, &info);
    return CLI_OK;
}

static int run_version(struct cli *cli)
{
    struct strata_stage_info info;
    size_t count = 0;

    while (strata_stage_at(count, &info) == 0)
        count++;
    fprintf(cli->out, "strata %s, %zu stage%s\n", STRATA_VERSION, count, count == 1 ? "" : "s");
    return CLI_OK;
}

const struct cli_command cli_stages_command = {
    .name = "stages",
    .exits = O(CLI_OK) | O(CLI_USAGE) | O(CLI_IO),
    .summary = "list the stages in this build and what they promise",
    .about = "A stage is a complete engine; all are in this one program. --stage N chooses the\n"
             "one that makes a new database.",
    .example = "$ strata stages\n"
               "stage 1  01_append_log\n"
               "...\n",
    .run = run_stages,
};

const struct cli_command cli_version_command = {
    .name = "version",
    .exits = O(CLI_OK) | O(CLI_USAGE) | O(CLI_IO),
    .summary = "print the version",
    .about = "And how many stages there are in this build.",
    .example = "$ strata version\n"
               "strata " STRATA_VERSION ", ...\n",
    .run = run_version,
};
