/* output.c: where an answer goes: standard output, or a new file (file.c).
 *
 * A write to standard output that fails is noticed where it happens if cli_put or a sink made it,
 * and by cli_finish else; only the first knows errno for certain. */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static bool put(void *arg, struct strata_slice text)
{
    struct cli_stream *stream = arg;
    bool ok = fwrite(text.data, 1, text.size, stream->to) == text.size;
    return cli_wrote(stream->cli, stream->to, ok);
}

struct text_sink cli_sink(struct cli_stream *stream)
{
    return (struct text_sink){put, stream};
}

bool cli_put(struct cli *cli, FILE *to, struct strata_slice bytes)
{
    struct cli_stream stream = {cli, to, NULL};
    struct text_sink sink = cli_sink(&stream);
    return text_put(&sink, cli_form(cli), bytes);
}

bool cli_putc(struct cli *cli, FILE *to, char c)
{
    return cli_wrote(cli, to, fputc(c, to) != EOF);
}

bool cli_put_head(struct cli_stream *stream, enum entries_format format)
{
    struct text_sink sink = cli_sink(stream);

    if (stream->cli->given[CLI_HEADER])
        return text_put_string(&sink, CSV_HEADER "\n");
    return entries_put_head(&sink, format);
}

bool cli_put_tail(struct cli_stream *stream, enum entries_format format)
{
    struct text_sink sink = cli_sink(stream);
    return entries_put_tail(&sink, format);
}

int cli_write_failed(struct cli_stream *stream)
{
    return stream->path ? cli_fail_sys(stream->cli, stream->path, errno) : CLI_IO;
}

/* ---- The end --------------------------------------------------------------------------- */

/* As if SIGPIPE had not been ignored: quiet, and with the status that shells expect. */
static int reader_gone(void)
{
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
    return CLI_IO;
}

int cli_finish(struct cli *cli, int code)
{
    bool lost = ferror(cli->out);

    progress_clear(&cli->progress);
    if (!cli_wrote(cli, cli->out, fflush(cli->out) == 0))
        lost = true;
    if (!lost)
        return code;
    if (cli->out_errno == EPIPE)
        return reader_gone();
    cli_fail_sys(cli, "standard output", cli->out_errno ? cli->out_errno : EIO);
    return code == CLI_OK ? CLI_IO : code;
}
