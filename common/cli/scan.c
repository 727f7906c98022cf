/* scan.c: scan and dump: entries in key order, as lines that load reads. */
#include "cli.h"
#include "range.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Where entries go. */
struct sink {
    struct cli *cli;
    FILE *to;
    uint64_t left; /* entries still wanted */
    bool keys_only;
    struct progress_state state; /* of a dump into a file */
};

/* ---- Entries --------------------------------------------------------------------------- */

static int write_failed(struct sink *sink)
{
    struct cli *cli = sink->cli;
    return sink->to == cli->out ? CLI_IO : cli_fail_sys(cli, cli->operands[1], errno);
}

static int write_entry(struct sink *sink, struct strata_iter *iter)
{
    struct cli *cli = sink->cli;
    struct strata_slice key = strata_iter_key(iter), value = {0};
    struct strata_error err;

    if (!sink->keys_only && strata_iter_value(iter, &value, &err) < 0)
        return cli_fail(cli, &err);
    if (!cli_put(cli, sink->to, key))
        return write_failed(sink);
    if (!sink->keys_only && (!cli_putc(cli, sink->to, '\t') || !cli_put(cli, sink->to, value)))
        return write_failed(sink);
    if (!cli_putc(cli, sink->to, '\n'))
        return write_failed(sink);
    sink->state.records++;
    sink->state.done_bytes += key.size + value.size;
    progress_tick(&cli->progress, &sink->state);
    return CLI_OK;
}

static int write_range(struct sink *sink, struct strata *db, const struct range *range)
{
    struct cli *cli = sink->cli;
    struct strata_error err;
    struct strata_iter *iter;
    int code = CLI_OK, rc = strata_iter_new(db, &iter, &err);

    if (rc < 0)
        return cli_fail(cli, &err);
    if (sink->left)
        rc = range_first(range, iter, &err);
    while (rc == 0 && code == CLI_OK && sink->left) {
        code = write_entry(sink, iter);
        if (code == CLI_OK && --sink->left)
            rc = range_next(range, iter, &err);
    }
    strata_iter_free(iter);
    return rc < 0 ? cli_fail(cli, &err) : code;
}

static int open_and_write(struct sink *sink, const struct range *range)
{
    struct strata *db;
    int code = cli_open(sink->cli, CLI_READ, &db);

    if (code != CLI_OK)
        return code;
    return cli_close(sink->cli, db, write_range(sink, db, range));
}

/* ---- scan ------------------------------------------------------------------------------ */

static int key_option(struct cli *cli, enum cli_option_id id, const char *name,
                      struct strata_buffer *to)
{
    return cli->given[id] ? cli_bytes(cli, name, cli->given[id], STRATA_MAX_KEY, to) : CLI_OK;
}

static int read_range(struct cli *cli, struct range *range)
{
    struct strata_buffer prefix = {0};
    int code = key_option(cli, CLI_FROM, "--from", &range->from);

    if (code == CLI_OK)
        code = key_option(cli, CLI_TO, "--to", &range->to);
    if (code == CLI_OK)
        code = key_option(cli, CLI_PREFIX, "--prefix", &prefix);
    range->has_to = cli->given[CLI_TO] != NULL;
    range->reverse = cli->given[CLI_REVERSE] != NULL;
    if (code == CLI_OK && range_to_prefix(range, strata_buffer_slice(&prefix)) < 0) {
        cli_say(cli, "out of memory");
        code = CLI_OTHER;
    }
    strata_buffer_free(&prefix);
    return code;
}

int cli_run_scan(struct cli *cli)
{
    struct sink sink = {.cli = cli, .to = cli->out, .left = UINT64_MAX};
    struct range range = {0};
    int code = cli_number(cli, CLI_LIMIT, 0, UINT64_MAX, &sink.left);

    sink.keys_only = cli->given[CLI_KEYS_ONLY] != NULL;
    if (code == CLI_OK)
        code = read_range(cli, &range);
    if (code == CLI_OK)
        code = open_and_write(&sink, &range);
    range_free(&range);
    return code;
}

/* ---- dump ------------------------------------------------------------------------------ */

/* Everything is on the device when it returns CLI_OK. */
static int close_file(struct cli *cli, FILE *to, const char *path, int code)
{
    int sys = 0;

    if (fflush(to) != 0 || fsync(fileno(to)) < 0)
        sys = errno;
    if (fclose(to) != 0 && !sys)
        sys = errno;
    if (sys && code == CLI_OK)
        code = cli_fail_sys(cli, path, sys);
    return code;
}

/* A dump that failed leaves no file that could be taken for a whole one. */
static int dump_to_file(struct cli *cli, struct sink *sink, const char *path)
{
    const struct range all = {0};
    int code, fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    if (fd < 0)
        return cli_fail_sys(cli, path, errno);
    sink->to = fdopen(fd, "w");
    if (sink->to) {
        cli_begin_progress(cli);
        code = close_file(cli, sink->to, path, open_and_write(sink, &all));
        progress_clear(&cli->progress);
    } else {
        code = cli_fail_sys(cli, path, errno);
        close(fd);
    }
    if (code != CLI_OK && unlink(path) < 0)
        cli_fail_sys(cli, path, errno);
    return code;
}

int cli_run_dump(struct cli *cli)
{
    struct sink sink = {.cli = cli, .to = cli->out, .left = UINT64_MAX};
    const struct range all = {0};

    if (cli->count > 1 && strcmp(cli->operands[1], "-") != 0)
        return dump_to_file(cli, &sink, cli->operands[1]);
    return open_and_write(&sink, &all);
}
