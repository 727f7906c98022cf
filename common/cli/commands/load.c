/* load.c: entries from lines into the database, in the order of the lines, a batch at a time
 * (gather.h). What was stored stays, whatever happens later: a load may be cut anywhere and run
 * again. */
#include "cli/options.h"
#include "db/maintenance/gather.h"
#include "cli/output/human.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BAD_NAMED 5   /* records that are skipped and named; the others are only counted */
#define PIECE 65536   /* bytes a read */
#define PAUSE_MS 1000 /* of the input: what waits is stored then, full batch or not */

struct load {
    struct cli *cli;
    struct strata *db;
    int fd;
    const char *name; /* of the input, for people */
    enum entries_format format;
    bool header;                           /* the first line has the names of columns; */
    const char *key_column, *value_column; /* borrowed */
    bool all;                              /* no others may be there */
    struct entries in;
    uint64_t bad; /* records that --skip-bad skipped */
    uint64_t batch;
    struct gather out;
    uint64_t first_line, last_line; /* of what waits in `out` */
    struct progress_state state;    /* bytes of the input, records */
};

/* ---- Input ----------------------------------------------------------------------------- */

static uint64_t bytes_ahead(int fd, const struct stat *status)
{
    off_t at = S_ISREG(status->st_mode) ? lseek(fd, 0, SEEK_CUR) : -1;
    return at >= 0 && at < status->st_size ? (uint64_t)(status->st_size - at) : 0;
}

/* Before the database: a wrong file name creates nothing. */
static int open_input(struct load *load)
{
    const char *path = load->cli->operands[1];
    struct stat status;

    load->name = path;
    if (strcmp(path, "-") == 0 && load->cli->session)
        return cli_usage(load->cli, "standard input has the lines of the shell: name a FILE");
    if (load->cli->session && load->cli->session->batch)
        return cli_usage(load->cli, "a batch is under way");
    if (load->cli->session && load->cli->session->txn)
        return cli_usage(load->cli, "a transaction is open, and load is no part of one");
    if (strcmp(path, "-") == 0) {
        load->fd = STDIN_FILENO;
        load->name = "standard input";
    } else {
        load->fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (load->fd < 0 || fstat(load->fd, &status) < 0)
        return cli_fail_sys(load->cli, load->name, errno);
    if (S_ISDIR(status.st_mode))
        return cli_fail_sys(load->cli, load->name, EISDIR);
    load->state.total_bytes = bytes_ahead(load->fd, &status);
    return CLI_OK;
}

static void close_input(struct load *load)
{
    if (load->fd > STDIN_FILENO)
        close(load->fd);
}

/* ---- Entries --------------------------------------------------------------------------- */

/* A batch was refused, or else the single entry at hand. */
static int refused(struct load *load, const struct strata_error *err)
{
    int code = cli_fail(load->cli, err);

    if (load->first_line < load->last_line && !load->out.waiting)
        cli_say(load->cli, "that was %s:%" PRIu64 " to %" PRIu64, load->name, load->first_line,
                load->last_line);
    else
        cli_say(load->cli, "that was %s:%" PRIu64, load->name, load->last_line);
    return code;
}

static int put_entry(struct load *load)
{
    struct strata_error err;

    if (!load->out.waiting)
        load->first_line = load->in.line;
    load->last_line = load->in.line;
    if (gather_put_until(&load->out, load->in.key, load->in.value, load->in.until, &err) < 0)
        return refused(load, &err);
    load->state.records = load->out.stored;
    return CLI_OK;
}

static int flush(struct load *load)
{
    struct strata_error err;
    return gather_flush(&load->out, &err) < 0 ? refused(load, &err) : CLI_OK;
}

/* What can be done about a header. */
static void say_columns(struct load *load)
{
    struct strata_slice names;

    if (load->in.fault != TEXT_NO_COLUMN && load->in.fault != TEXT_MORE_COLUMNS)
        return;
    names = entries_names(&load->in);
    cli_say(load->cli, "its columns are %.*s; choose with --key COL and --value COL",
            (int)names.size, names.data ? (const char *)names.data : "");
}

/* CLI_OK: the record is to be skipped. */
static int malformed(struct load *load)
{
    bool skip = load->cli->given[CLI_SKIP_BAD] && entries_skip(&load->in);

    if (!skip || load->bad++ < BAD_NAMED)
        cli_say(load->cli, "%s:%" PRIu64 ":%" PRIu64 ": %s", load->name, load->in.line,
                load->in.column, entries_why(&load->in));
    if (skip)
        return CLI_OK;
    say_columns(load);
    return load->in.fault == TEXT_NO_MEMORY ? CLI_OTHER : CLI_USAGE;
}

/* All entries that end in the piece. */
static int put_piece(struct load *load, struct strata_slice piece)
{
    uint64_t end = load->state.done_bytes + piece.size;
    enum entries_result result;

    while ((result = entries_feed(&load->in, &piece)) != ENTRIES_MORE) {
        int code = result == ENTRIES_FAULT ? malformed(load) : put_entry(load);
        if (code != CLI_OK)
            return code;
        load->state.done_bytes = end - piece.size;
        progress_tick(&load->cli->progress, &load->state);
    }
    load->state.done_bytes = end;
    progress_tick(&load->cli->progress, &load->state);
    return CLI_OK;
}

static int put_last(struct load *load)
{
    enum entries_result result = entries_finish(&load->in);

    if (result == ENTRIES_FAULT)
        return malformed(load);
    return result == ENTRIES_ENTRY ? put_entry(load) : CLI_OK;
}

/* Stores waiting entries when the input pauses: it may never continue. */
static int flush_in_a_pause(struct load *load)
{
    struct pollfd input = {load->fd, POLLIN, 0};
    return load->out.waiting && poll(&input, 1, PAUSE_MS) == 0 ? flush(load) : CLI_OK;
}

static int put_all(struct load *load)
{
    uint8_t piece[PIECE];
    int code;

    while ((code = flush_in_a_pause(load)) == CLI_OK) {
        ssize_t got = read(load->fd, piece, sizeof piece);
        if (got == 0)
            return put_last(load);
        if (got > 0)
            code = put_piece(load, strata_bytes(piece, (size_t)got));
        else if (errno != EINTR)
            code = cli_fail_sys(load->cli, load->name, errno);
        if (code == CLI_OK && cli_interrupted(load->cli))
            code = CLI_OTHER;
        if (code != CLI_OK)
            return code;
    }
    return code;
}

/* Whatever ends the load, earlier records stay stored; their number is logged after the error. */
static int put_and_flush(struct load *load)
{
    int code = put_all(load), flushed = flush(load);

    if (code == CLI_OK)
        code = flushed;
    if (code != CLI_OK)
        cli_say(load->cli, "stopped; records loaded before, which stay: %" PRIu64,
                load->out.stored);
    return code;
}

/* ---- The command ----------------------------------------------------------------------- */

static void summarize(struct load *load)
{
    double seconds = progress_seconds(&load->cli->progress);

    progress_clear(&load->cli->progress);
    if (load->bad)
        cli_say(load->cli, "malformed records skipped: %" PRIu64 "%s", load->bad,
                load->bad > BAD_NAMED ? ", of which the first five are named above" : "");
    fprintf(load->cli->log,
            "loaded %" PRIu64 " record%s, %" PRIu64 " byte%s of keys and values in %.2f s, "
            "%.0f records/s\n",
            load->out.stored, human_s(load->out.stored), load->out.bytes, human_s(load->out.bytes),
            seconds, seconds > 0 ? (double)load->out.stored / seconds : 0.0);
}

static int read_columns(struct load *load)
{
    struct cli *cli = load->cli;
    const char *key = cli->given[CLI_KEY_COLUMN], *value = cli->given[CLI_VALUE_COLUMN];

    if ((key || value) && load->format != ENTRIES_CSV)
        return cli_usage(cli, "--%s: only csv has columns with names, and this is %s",
                         key ? "key" : "value", entries_format_name(load->format));
    load->all = !key && !value;
    load->key_column = key ? key : CSV_KEY;
    load->value_column = value ? value : CSV_VALUE;
    if (strcmp(load->key_column, load->value_column) == 0)
        return cli_usage(cli, "key and value cannot both be the column \"%s\"", load->key_column);
    load->header = cli->given[CLI_HEADER] || !load->all;
    return CLI_OK;
}

static int read_options(struct load *load)
{
    int code = cli_format(load->cli, 1, &load->format);

    if (code == CLI_OK)
        code = cli_number(load->cli, CLI_BATCH, 1, GATHER_MOST, &load->batch);
    if (code == CLI_OK && load->cli->given[CLI_SKIP_BAD] && load->format == ENTRIES_MDB)
        code = cli_usage(load->cli,
                         "--skip-bad: mdb has no line end after a record, so it cannot skip one");
    return code == CLI_OK ? read_columns(load) : code;
}

/* Asked before a database is made. */
static int check_batch(struct load *load)
{
    struct strata_stage_info info;

    if (load->batch < 2 || !cli_stage_ahead(load->cli, &info) ||
        info.promises & STRATA_PROMISE_BATCH)
        return CLI_OK;
    cli_say(load->cli, "not supported: %s has no atomic batch: --batch 1 is all it can do",
            info.name);
    return CLI_NOT_SUPPORTED;
}

static int load_all(struct load *load)
{
    struct strata_error err;
    int code = CLI_OK;

    cli_begin_progress(load->cli);
    entries_init(&load->in, load->format, cli_form(load->cli));
    if (load->header)
        entries_want(&load->in, load->key_column, load->value_column, load->all);
    if (gather_init(&load->out, load->db, load->batch, &err) < 0)
        code = cli_fail(load->cli, &err);
    if (code == CLI_OK)
        code = put_and_flush(load);
    gather_free(&load->out);
    entries_free(&load->in);
    return code;
}

static int run_load(struct cli *cli)
{
    struct load load = {.cli = cli, .fd = -1};
    int code = read_options(&load);

    if (code == CLI_OK)
        code = open_input(&load);
    if (code == CLI_OK)
        code = check_batch(&load);
    if (code == CLI_OK)
        code = cli_open(cli, CLI_CREATE, &load.db);
    if (code == CLI_OK) {
        code = cli_close(cli, load.db, load_all(&load));
        if (code == CLI_OK)
            summarize(&load);
    }
    close_input(&load);
    return code;
}

const struct cli_command cli_load_command = {
    .name = "load",
    .place = CLI_LINE_AND_SHELL,
    .operands = {"DIR", "FILE|-"},
    .required = 2,
    .options = OPTIONS(FORMAT_OPTIONS, WRITE_OPTIONS, CLI_KEY_COLUMN, CLI_VALUE_COLUMN,
                       CLI_SKIP_BAD, CLI_BATCH),
    .exits = DB_EXITS,
    .summary = "store every record of a file",
    .about = "Makes the database DIR if there is none. `strata help dump` has the formats. Later\n"
             "records win over earlier ones. A byte order mark at the beginning is dropped.\n\n"
             "A malformed record is named as FILE:LINE:COLUMN (in bytes) and ends the load with\n"
             "2; the records before it stay loaded. With --skip-bad its line is skipped: the\n"
             "first five are named, all are counted, and load ends with 0. A quote that is\n"
             "never closed, a refused header and mdb, where no line ends an entry, cannot be\n"
             "skipped.\n\n"
             "With --header the first line of csv names the columns. They must be key and value,\n"
             "in any order; --key and --value name others, of as many columns as there are.\n\n"
             "A batch is stored when it has N records or 8 MiB, when the input pauses for a\n"
             "second, and at the end; N is 1 on a stage that promises no batch. When load is\n"
             "killed, the batches stored before stay. On a terminal a line shows speed and time\n"
             "left; the last line, on standard error, sums up.",
    .shell_about =
        "`help dump` has the formats. Later records win over earlier ones. FILE is not - here:\n"
        "standard input has the shell's commands. No batch may be under way.\n\n"
        "A malformed record is named as FILE:LINE:COLUMN (in bytes) and ends the load; the\n"
        "records before it stay loaded. With --skip-bad its line is skipped and counted.\n"
        "Ctrl-C ends the load; what was stored before stays.",
    .example = "$ printf 'b\\t2\\na\\t1\\n' | strata load db -\n"
               "$ printf 'c,\"3,14\"\\n' >more.csv && strata load db more.csv\n"
               "$ strata scan db\n"
               "a\t1\n"
               "b\t2\n"
               "c\t3,14\n"
               "$ printf 'd\\t4\\noops\\ne\\t5\\n' | strata load db - || echo it ended with $?\n"
               "it ended with 2\n"
               "$ strata scan db --from c --keys-only\n"
               "c\n"
               "d\n"
               "$ printf 'id,age,name\\n7,30,Ada\\n' >people.csv\n"
               "$ strata load db people.csv --key id --value name && strata get db 7\n"
               "Ada\n",
    .run = run_load,
};
