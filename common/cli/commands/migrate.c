/* migrate.c: migrate: a database into a new one of another stage. The marker of the new one says
 * that it is incomplete until all is copied, compared and safe (db.h: db_open_filling). */
#define _XOPEN_SOURCE 700 /* realpath */
#include "cli/options.h"
#include "db/maintenance/copy.h"
#include "db/db.h"
#include "cli/output/human.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void tick(void *arg, const struct copy_sum *so_far)
{
    struct cli *cli = arg;
    struct progress_state state = {.done_bytes = so_far->bytes, .records = so_far->entries};
    progress_tick(&cli->progress, &state);
}

/* ---- DST must not touch SRC ------------------------------------------------------------ */

/* Is `path` the directory `dir` or something in it? Both absolute. */
static bool lies_in(const char *path, const char *dir)
{
    size_t size = strlen(dir);
    return strncmp(path, dir, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

/* DST, or the directory it would be made in, as an absolute path. NULL: that is not there. */
static char *place_of(const char *dst)
{
    char *there = realpath(dst, NULL), *parent = there ? NULL : fs_parent(dst);

    if (parent)
        there = realpath(parent, NULL);
    free(parent);
    return there;
}

int cli_check_apart(struct cli *cli)
{
    char *src = realpath(cli->operands[0], NULL), *dst = place_of(cli->operands[1]);
    bool inside = src && dst && lies_in(dst, src);

    free(src);
    free(dst);
    return inside ? cli_usage(cli, "%s lies in %s, which must stay as it is", cli->operands[1],
                              cli->operands[0])
                  : CLI_OK;
}

/* ---- The copy -------------------------------------------------------------------------- */

static int copy(struct cli *cli, struct strata *src, struct strata *dst, struct copy_sum *sum,
                struct strata_error *err)
{
    struct copy_progress progress = {tick, cli};
    int rc = copy_all(src, dst, &progress, sum, err);

    progress_clear(&cli->progress);
    if (rc < 0)
        return rc;
    progress_init(&cli->progress, cli->log, "compare");
    rc = copy_verify(dst, sum, &progress, err);
    progress_clear(&cli->progress);
    return rc;
}

static int fill(struct cli *cli, struct strata *src, struct strata *dst, struct copy_sum *sum)
{
    struct strata_error err;
    int rc = copy(cli, src, dst, sum, &err), code;

    if (rc < 0)
        strata_close(dst, NULL);
    else
        rc = db_close_filled(dst, &err);
    if (rc == 0)
        return CLI_OK;
    code = cli_fail(cli, &err);
    if (err.code == STRATA_ERR_NOT_SUPPORTED)
        cli_say(cli, "to copy what expires as what does not, dump it as tsv, and load that");
    cli_say(cli, "%s is incomplete and of no use: remove it before you try again",
            cli->operands[1]);
    return code;
}

static int migrate(struct cli *cli, struct strata *src, uint64_t stage)
{
    struct strata_options options;
    struct strata_error err;
    struct progress whole;
    struct copy_sum sum;
    struct strata *dst;
    int code;

    strata_options_init(&options);
    options.stage = (unsigned)stage;
    options.clock = cli_stopped_clock;
    options.clock_arg = cli;
    if (db_open_filling(cli->operands[1], &options, &dst, &err) < 0)
        return cli_fail(cli, &err);
    cli_begin_progress(cli);
    whole = cli->progress;
    code = fill(cli, src, dst, &sum);
    if (code == CLI_OK)
        fprintf(cli->log,
                "migrated %" PRIu64 " record%s, %" PRIu64 " byte%s of keys and values, to stage "
                "%" PRIu64 " in %.2f s; all were read back\n",
                sum.entries, human_s(sum.entries), sum.bytes, human_s(sum.bytes), stage,
                progress_seconds(&whole));
    return code;
}

static int run_migrate(struct cli *cli)
{
    struct strata *src;
    uint64_t stage = 0;
    int code = cli_stage(cli, CLI_TO_STAGE, &stage);

    if (code == CLI_OK && !stage)
        code = cli_usage(cli, "--to N is missing: the stage to copy to");
    if (code == CLI_OK)
        code = cli_check_apart(cli);
    cli->stopped_ms = cli_now_ms(); /* what is there is there until all was compared */
    if (code == CLI_OK)
        code = cli_open(cli, CLI_READ, &src);
    return code == CLI_OK ? cli_close(cli, src, migrate(cli, src, stage)) : code;
}

const struct cli_command cli_migrate_command = {
    .name = "migrate",
    .operands = {"SRC", "DST"},
    .required = 2,
    .options = OPTIONS(CLI_TO_STAGE),
    .exits = DB_EXITS,
    .summary = "copy a database into a new one of another stage",
    .about = "SRC is only read. DST must not exist, or be an empty directory. Until every record\n"
             "was copied, read back and compared, DST is marked as incomplete: if migrate is\n"
             "killed, every later command says so, and DST is to be removed by hand. What is\n"
             "there at the end is as safe as the stage promises.\n\n"
             "What has expired when migrate begins is left out. Records that expire later keep\n"
             "their times; a stage without values that expire (`strata stages`) cannot take them,\n"
             "and migrate ends with 5.",
    .example = "$ strata put old fruit apple --stage 1\n"
               "$ strata migrate old new --to 1\n"
               "$ strata scan new\n"
               "fruit\tapple\n"
               "$ strata migrate old new --to 1 || echo it ended with $?\n"
               "it ended with 7\n",
    .run = run_migrate,
};
