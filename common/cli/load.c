/* load.c: entries from lines into the database, one put a line, in the order of the lines. What
 * was put stays put, whatever happens later: a load may be cut at any line and run again. */
#include "cli.h"
#include "tsv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 65536 /* bytes a read */

struct load {
    struct cli *cli;
    struct strata *db;
    int fd;
    const char *name; /* of the input, for people */
    struct tsv tsv;
    uint64_t bytes;              /* of keys and values */
    struct progress_state state; /* bytes of the input, records */
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

/* What was loaded before things went wrong, told after why. */
static int stopped(struct load *load, int code)
{
    cli_say(load->cli, "stopped; records loaded before, which stay: %" PRIu64, load->state.records);
    return code;
}

static int malformed(struct load *load)
{
    const struct tsv *tsv = &load->tsv;
    const char *why = text_fault_name(tsv->fault);

    if (tsv->fault == TEXT_TOO_LONG)
        why = tsv->in_value ? "the value is longer than 1073741824 bytes"
                            : "the key is longer than 65536 bytes";
    cli_say(load->cli, "%s:%" PRIu64 ":%" PRIu64 ": %s", load->name, tsv->line, tsv->column, why);
    return stopped(load, tsv->fault == TEXT_NO_MEMORY ? CLI_OTHER : CLI_USAGE);
}

static int put_entry(struct load *load)
{
    struct strata_slice key = strata_buffer_slice(&load->tsv.key);
    struct strata_slice value = strata_buffer_slice(&load->tsv.value);
    struct strata_error err;

    if (strata_put(load->db, key, value, &err) < 0) {
        int code = cli_fail(load->cli, &err);
        cli_say(load->cli, "that was %s:%" PRIu64, load->name, load->tsv.line);
        return stopped(load, code);
    }
    load->bytes += key.size + value.size;
    load->state.records++;
    return CLI_OK;
}

/* All entries that end in the piece. */
static int put_piece(struct load *load, struct strata_slice piece)
{
    uint64_t end = load->state.done_bytes + piece.size;
    enum tsv_result result;

    while ((result = tsv_feed(&load->tsv, &piece)) == TSV_ENTRY) {
        int code = put_entry(load);
        if (code != CLI_OK)
            return code;
        load->state.done_bytes = end - piece.size;
        progress_tick(&load->cli->progress, &load->state);
    }
    load->state.done_bytes = end;
    progress_tick(&load->cli->progress, &load->state);
    return result == TSV_FAULT ? malformed(load) : CLI_OK;
}

static int put_rest(struct load *load)
{
    enum tsv_result result = tsv_finish(&load->tsv);

    if (result == TSV_FAULT)
        return malformed(load);
    return result == TSV_ENTRY ? put_entry(load) : CLI_OK;
}

static int put_all(struct load *load)
{
    uint8_t piece[PIECE];

    for (;;) {
        ssize_t got = read(load->fd, piece, sizeof piece);
        int code = CLI_OK;
        if (got == 0)
            return put_rest(load);
        if (got > 0)
            code = put_piece(load, strata_bytes(piece, (size_t)got));
        else if (errno != EINTR)
            code = stopped(load, cli_fail_sys(load->cli, load->name, errno));
        if (code != CLI_OK)
            return code;
    }
}

/* ---- The command ----------------------------------------------------------------------- */

static void summarize(struct load *load)
{
    double seconds = progress_seconds(&load->cli->progress);

    progress_clear(&load->cli->progress);
    fprintf(load->cli->log,
            "loaded %" PRIu64 " records, %" PRIu64 " bytes of keys and values in %.2f s, "
            "%.0f records/s\n",
            load->state.records, load->bytes, seconds,
            seconds > 0 ? (double)load->state.records / seconds : 0.0);
}

int cli_run_load(struct cli *cli)
{
    struct load load = {.cli = cli};
    int code = open_input(&load);

    if (code == CLI_OK)
        code = cli_open(cli, CLI_CREATE, &load.db);
    if (code == CLI_OK) {
        cli_begin_progress(cli);
        tsv_init(&load.tsv, cli_form(cli));
        code = cli_close(cli, load.db, put_all(&load));
        tsv_free(&load.tsv);
        if (code == CLI_OK)
            summarize(&load);
    }
    close_input(&load);
    return code;
}
