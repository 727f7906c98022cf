/* compact.c: compact: dead space comes back, on the stages that can. */
#include "cli/options.h"
#include "cli/show/usage.h"

#include <inttypes.h>

static void tick(void *arg, uint64_t done_bytes, uint64_t total_bytes)
{
    struct cli *cli = arg;
    struct progress_state state = {.done_bytes = done_bytes, .total_bytes = total_bytes};
    progress_tick(&cli->progress, &state);
}

static uint64_t bytes_in(const char *dir)
{
    struct usage usage;

    usage_of(dir, &usage); /* what cannot be looked at does not count */
    return usage.bytes;
}

/* The operands after DIR; one that is not there has no bytes. */
static int read_range(struct cli *cli, struct strata_buffer *from, struct strata_buffer *to)
{
    int code = CLI_OK;

    if (cli->count > 1)
        code = cli_bytes(cli, "FROM", cli->operands[1], STRATA_MAX_KEY, from);
    if (code == CLI_OK && cli->count > 2)
        code = cli_bytes(cli, "TO", cli->operands[2], STRATA_MAX_KEY, to);
    return code;
}

static int compact(struct cli *cli, struct strata *db)
{
    struct strata_progress progress = {tick, cli};
    struct strata_buffer from = {0}, to = {0};
    struct strata_error err;
    int code = read_range(cli, &from, &to), rc = 0;

    if (code == CLI_OK) {
        cli_begin_progress(cli);
        rc = strata_compact_range(db, strata_buffer_slice(&from), strata_buffer_slice(&to),
                                  &progress, &err);
        progress_clear(&cli->progress);
    }
    strata_buffer_free(&from);
    strata_buffer_free(&to);
    return rc < 0 ? cli_fail(cli, &err) : code;
}

static int run_compact(struct cli *cli)
{
    const char *dir = cli->operands[0];
    uint64_t before = bytes_in(dir); /* while it is open there may be room ahead of writes, too */
    struct strata *db;
    int code = cli_open(cli, CLI_WRITE, &db);

    if (code == CLI_OK)
        code = cli_close(cli, db, compact(cli, db));
    if (code == CLI_OK)
        fprintf(cli->out, "%s: %" PRIu64 " bytes, %" PRIu64 " before\n", dir, bytes_in(dir),
                before);
    return code;
}

const struct cli_command cli_compact_command = {
    .name = "compact",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR", "FROM", "TO"},
    .required = 1,
    .options = OPTIONS(RECORD_OPTIONS, WRITE_OPTIONS),
    .exits = DB_EXITS,
    .summary = "free dead space: what was replaced or removed",
    .about = "Only where `strata stages` promises it. Nothing is lost when it is killed. Prints\n"
             "the bytes of all files after it and before.\n\n"
             "With keys: from FROM on and, where TO is given, before it; '' is no bound. From\n"
             "stage 7 on only the tables that hold such keys are rewritten, and those that\n"
             "overlap with them; before, all is.",
    .example = "$ strata put db fruit apple --stage 1\n"
               "$ strata compact db || echo it ended with $?\n"
               "it ended with 5\n",
    .run = run_compact,
};
