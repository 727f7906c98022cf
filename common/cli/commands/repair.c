/* repair.c: repair: a database of what can be read of it. */
#include "cli/options.h"
#include "text/text.h"

#define SHOWN 40 /* bytes of a key */

static void tell_file(void *arg, const char *name, enum strata_fate fate, const char *why)
{
    struct cli *cli = arg;
    fprintf(cli->out, "%-16s  %-8s  %s\n", name, strata_fate_name(fate), why);
}

static void put_bound(struct cli *cli, const char *word, const struct strata_slice *key)
{
    struct strata_slice shown;

    if (!key)
        return;
    shown = strata_bytes(key->data, key->size < SHOWN ? key->size : SHOWN);
    fprintf(cli->out, " %s \"", word);
    cli_put(cli, cli->out, shown);
    fputs(key->size > SHOWN ? "...\"" : "\"", cli->out);
}

static void tell_range(void *arg, const char *name, const struct strata_slice *after,
                       const struct strata_slice *before)
{
    struct cli *cli = arg;

    fprintf(cli->out, "%-16s  keys%s", name, after || before ? "" : " of an unknown range");
    put_bound(cli, "from", after);
    put_bound(cli, "to", before);
    fputs(" may be missing, or older\n", cli->out);
}

static void tell_sum(struct cli *cli, const struct strata_repair_sum *sum)
{
    FILE *to = cli->out;

    fprintf(to, "tables: %llu kept, %llu salvaged, %llu lost, %llu not used\n",
            (unsigned long long)sum->tables_kept, (unsigned long long)sum->tables_salvaged,
            (unsigned long long)sum->tables_lost, (unsigned long long)sum->tables_unused);
    fprintf(to, "logs: %llu read, %llu operations taken\n", (unsigned long long)sum->logs,
            (unsigned long long)sum->operations);
    if (sum->missing_first && sum->missing_last == UINT64_MAX)
        fprintf(to, "missing: operations from %llu on, as far as there were any\n",
                (unsigned long long)sum->missing_first);
    else if (sum->missing_first)
        fprintf(to, "missing: operations between %llu and %llu%s\n",
                (unsigned long long)sum->missing_first, (unsigned long long)sum->missing_last,
                sum->guessed ? ", unless they are of deleted keys" : "");
    if (sum->ranges)
        fprintf(to, "missing: keys of %llu ranges\n", (unsigned long long)sum->ranges);
    if (sum->guessed)
        fputs("the live tables were found without a manifest: deleted keys may be back\n", to);
}

/* Stages before 6 repair nothing else, and have looked at nothing else. */
static bool is_marker_only(const struct strata_repair_sum *sum)
{
    return sum->marker && !sum->logs && !sum->tables_kept && !sum->lost;
}

static int repair(struct cli *cli, const struct strata_options *options)
{
    struct strata_repair to = {tell_file, tell_range, cli};
    struct strata_repair_sum sum;
    struct strata_error err;
    bool dry = cli->given[CLI_DRY_RUN];

    if (strata_repair(cli->operands[0], options, dry ? STRATA_REPAIR_DRY_RUN : 0, &to, &sum, &err) <
        0)
        return cli_fail(cli, &err);
    if (sum.healthy) {
        fprintf(cli->out, "%s: healthy, nothing was changed\n", cli->operands[0]);
        return CLI_OK;
    }
    if (is_marker_only(&sum)) {
        fprintf(cli->out, "%s: %s; strata verify checks the rest\n", cli->operands[0],
                dry ? "the marker would be replaced" : "the marker is new");
        return CLI_OK;
    }
    tell_sum(cli, &sum);
    fprintf(cli->out, "%s: %s%s\n", cli->operands[0], dry ? "to be repaired, " : "repaired, ",
            sum.lost ? "and something is lost" : "and nothing is lost");
    return sum.lost ? CLI_LOST : CLI_OK;
}

static int run_repair(struct cli *cli)
{
    struct strata_options options;
    uint64_t stage = 0;
    int code = cli_stage(cli, CLI_STAGE, &stage);

    if (code != CLI_OK)
        return code;
    strata_options_init(&options);
    options.stage = (unsigned)stage;
    return repair(cli, &options);
}

const struct cli_command cli_repair_command = {
    .name = "repair",
    .place = CLI_LINE,
    .operands = {"DIR"},
    .required = 1,
    .options = OPTIONS(CLI_STAGE, CLI_DRY_RUN),
    .exits = DB_EXITS | O(CLI_LOST),
    .summary = "repair a damaged database with what can be read",
    .about = "Makes a new marker (the file STRATA) for one that is missing or damaged, if all\n"
             "files are those of the stage that --stage names. The rest is from stage 8 on.\n"
             "A line a file: kept, salvaged, lost, unused or made, and why; the ranges of keys\n"
             "that may be missing, or may have an older value again; and figures. Nothing is\n"
             "deleted: what does not count any more is moved to DIR/lost. A healthy database\n"
             "is not touched. If it is killed, run it again. Ends with 9 when something is lost,\n"
             "with 0 when all is as it was; --dry-run with the same.",
    .example = "$ strata put db fruit apple\n"
               "$ rm db/CURRENT\n"
               "$ strata get db fruit || echo it ended with $?\n"
               "it ended with 3\n"
               "$ strata repair db\n"
               "...\n"
               "db: repaired, and nothing is lost\n"
               "$ strata get db fruit\n"
               "apple\n",
    .run = run_repair,
};
