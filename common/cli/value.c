/* value.c: a value from the command line, from standard input or from a file. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIECE 65536 /* bytes a read */

static int read_all(struct cli *cli, int fd, const char *name, struct strata_buffer *to)
{
    uint8_t piece[PIECE];
    ssize_t got;

    strata_buffer_clear(to);
    while ((got = read(fd, piece, sizeof piece)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cli_fail_sys(cli, name, errno);
        if ((size_t)got > STRATA_MAX_VALUE - to->size)
            return cli_usage(cli, "VALUE: %s has more than %zu bytes", name, STRATA_MAX_VALUE);
        if (strata_buffer_append(to, piece, (size_t)got) < 0) {
            cli_say(cli, "VALUE: out of memory");
            return CLI_OTHER;
        }
    }
    return CLI_OK;
}

static int read_stdin(struct cli *cli, struct strata_buffer *to)
{
    if (cli->session)
        return cli_usage(cli, "VALUE: standard input has the lines of the shell; @FILE is a file");
    return read_all(cli, STDIN_FILENO, "standard input", to);
}

static int read_file(struct cli *cli, const char *path, struct strata_buffer *to)
{
    int code, fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        cli_say(cli, "VALUE: %s: %s (for a value that begins with @, put -- before it)", path,
                strerror(errno));
        return CLI_IO;
    }
    code = read_all(cli, fd, path, to);
    close(fd);
    return code;
}

int cli_value(struct cli *cli, size_t operand, struct strata_buffer *to)
{
    const char *text = cli->operands[operand];

    if (operand < cli->literal && strcmp(text, "-") == 0)
        return read_stdin(cli, to);
    if (operand < cli->literal && text[0] == '@')
        return read_file(cli, text + 1, to);
    return cli_bytes(cli, "VALUE", text, STRATA_MAX_VALUE, to);
}
