/* open.c: the database that a command works on. */
#include "cli/cli.h"
#include "fs/fs_posix.h"
#include "db/marker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* Of a command that does not stay: it reads each block once, so a scan of much data need not fill
 * the memory with it. */
#define CACHE_ONCE ((size_t)8 << 20)

static void tell_warning(void *arg, enum strata_log_level level, const char *message)
{
    struct cli *cli = arg;

    if (level < STRATA_LOG_WARNING)
        return;
    progress_clear(&cli->progress);
    fprintf(cli->log, "strata: warning: %s\n", message);
}

int cli_stage(struct cli *cli, enum cli_option_id id, uint64_t *stage)
{
    struct strata_stage_info info = {.stage = 0};
    uint64_t newest = 0;

    for (size_t i = 0; strata_stage_at(i, &info) == 0; i++)
        newest = info.stage;
    return cli_number(cli, id, 1, newest, stage);
}

/* What changes speed and memory, not the answer. */
static int read_tuning(struct cli *cli, struct strata_options *options)
{
    uint64_t cache = options->cache_bytes, memtable = options->memtable_bytes;
    uint64_t value = options->value_bytes;
    int sync = -1, compaction = STRATA_COMPACTION_LEVELED;
    int code = cli_size(cli, CLI_CACHE, &cache);

    if (code == CLI_OK)
        code = cli_size(cli, CLI_MEMTABLE, &memtable);
    if (code == CLI_OK)
        code = cli_size(cli, CLI_VALUE_BYTES, &value);
    if (code == CLI_OK)
        code = cli_word(cli, CLI_SYNC, &sync);
    if (code == CLI_OK)
        code = cli_word(cli, CLI_COMPACTION, &compaction);
    options->cache_bytes = (size_t)cache;
    options->memtable_bytes = (size_t)memtable;
    options->value_bytes = (size_t)value;
    options->sync = sync < 0 ? STRATA_SYNC_DEFAULT : (enum strata_sync)(STRATA_SYNC_NEVER + sync);
    options->compaction = (enum strata_compaction)compaction;
    options->mapped_reads = cli->given[CLI_MAPPED];
    options->dynamic_levels = !cli->given[CLI_FIXED_LEVELS];
    return code;
}

uint64_t cli_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t cli_stopped_clock(void *cli)
{
    return ((const struct cli *)cli)->stopped_ms;
}

static bool forbids_writing(const struct strata_error *err)
{
    return err->sys == EACCES || err->sys == EPERM || err->sys == EROFS;
}

/* After `why`. If that fails too, it is not the writing that is forbidden. */
static int open_to_read(struct cli *cli, struct strata_options *options,
                        const struct strata_error *why, struct strata **db)
{
    struct strata_error err;

    options->read_only = true;
    if (strata_open(cli->operands[0], options, db, &err) < 0)
        return cli_fail(cli, &err);
    cli_say(cli, "%s is open read-only: %s", cli->operands[0], strerror(why->sys));
    return CLI_OK;
}

static int open_named(struct cli *cli, enum cli_access access, struct strata **db)
{
    struct strata_options options;
    struct strata_error err;
    uint64_t stage = 0;
    int code = cli_stage(cli, CLI_STAGE, &stage);

    strata_options_init(&options);
    if (!cli->command->stays)
        options.cache_bytes = CACHE_ONCE;
    if (code == CLI_OK)
        code = read_tuning(cli, &options);
    if (code != CLI_OK)
        return code;
    if (access != CLI_READ)
        signal(SIGPIPE, SIG_IGN); /* who stops reading our messages must not cut a write short */
    options.stage = (unsigned)stage;
    options.create = access == CLI_CREATE;
    options.read_only = access == CLI_READ;
    options.log = tell_warning;
    options.log_arg = cli;
    options.clock = cli->stopped_ms ? cli_stopped_clock : NULL;
    options.clock_arg = cli;
    if (strata_open(cli->operands[0], &options, db, &err) == 0)
        return CLI_OK;
    if (access == CLI_WRITE_OR_READ && forbids_writing(&err))
        return open_to_read(cli, &options, &err, db);
    return cli_fail(cli, &err);
}

int cli_open(struct cli *cli, enum cli_access access, struct strata **db)
{
    if (!cli->session)
        return open_named(cli, access, db);
    *db = cli->session->db;
    return CLI_OK;
}

/* The stage of that number; of 0, the newest. */
static bool stage_numbered(unsigned stage, struct strata_stage_info *info)
{
    for (size_t i = 0; strata_stage_at(i, info) == 0; i++)
        if (info->stage == stage)
            return true;
    return stage == 0; /* the last one is in `info` still */
}

int cli_stage_asked(struct cli *cli, struct strata_stage_info *info)
{
    uint64_t asked = 0;
    int code = cli_stage(cli, CLI_STAGE, &asked);

    if (code == CLI_OK)
        stage_numbered((unsigned)asked, info);
    return code;
}

bool cli_stage_ahead(struct cli *cli, struct strata_stage_info *info)
{
    struct strata_fs *fs = fs_posix_new();
    struct marker marker = {0};
    uint64_t asked = 0;
    int rc = fs ? marker_read(fs, cli->operands[0], &marker, NULL) : STRATA_ERR_NO_MEMORY;

    fs_free(fs);
    if (rc < 0 || cli_stage(cli, CLI_STAGE, &asked) != CLI_OK)
        return false;
    return stage_numbered(
        rc == 0 && marker.state != MARKER_CREATING ? marker.stage : (unsigned)asked, info);
}

int cli_close(struct cli *cli, struct strata *db, int code)
{
    struct strata_error err;
    int closed = CLI_OK;

    if (!cli->session && strata_close(db, &err) < 0)
        closed = cli_fail(cli, &err);
    return code == CLI_OK ? closed : code;
}
