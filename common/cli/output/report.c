/* report.c: messages on the log.
 *
 * Every line begins "strata: COMMAND: "; in the shell, with the number of the line in a script, or
 * with the command alone. The progress line is taken off the screen before
 * any message. */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

/* Keeps the errno of the first failure on `out`: the stream only keeps that there was one. */
bool cli_wrote(struct cli *cli, const FILE *to, bool ok)
{
    if (!ok && to == cli->out && !cli->out_errno)
        cli->out_errno = errno;
    return ok;
}

static void begin_line(struct cli *cli)
{
    progress_clear(&cli->progress);
    cli_wrote(cli, cli->out, fflush(cli->out) == 0); /* keeps the order of answer and message */
    if (!cli->session)
        fputs("strata: ", cli->log);
    else if (cli->session->line)
        fprintf(cli->log, "strata: shell: line %llu: ", (unsigned long long)cli->session->line);
    if (cli->command)
        fprintf(cli->log, "%s: ", cli->command->name);
}

void cli_say(struct cli *cli, const char *format, ...)
{
    va_list args;

    begin_line(cli);
    va_start(args, format);
    vfprintf(cli->log, format, args);
    va_end(args);
    fputc('\n', cli->log);
}

int cli_usage(struct cli *cli, const char *format, ...)
{
    const char *of =
        cli->command && strcmp(cli->command->name, "help") != 0 ? cli->command->name : NULL;
    va_list args;

    begin_line(cli);
    va_start(args, format);
    vfprintf(cli->log, format, args);
    va_end(args);
    fprintf(cli->log, "; see `%shelp%s%s`\n", cli->session ? "" : "strata ", of ? " " : "",
            of ? of : "");
    return CLI_USAGE;
}

int cli_exit_of(int strata_code)
{
    switch (strata_code) {
    case STRATA_OK:
        return CLI_OK;
    case STRATA_NOT_FOUND:
        return CLI_NOT_FOUND;
    case STRATA_ERR_INVALID:
        return CLI_USAGE;
    case STRATA_ERR_CORRUPT:
        return CLI_CORRUPT;
    case STRATA_ERR_IO:
        return CLI_IO;
    case STRATA_ERR_NOT_SUPPORTED:
        return CLI_NOT_SUPPORTED;
    case STRATA_ERR_LOCKED:
        return CLI_LOCKED;
    }
    return CLI_OTHER;
}

int cli_fail(struct cli *cli, const struct strata_error *err)
{
    char text[sizeof err->file + sizeof err->message + 64];

    cli_say(cli, "%s", strata_error_text(err, text, sizeof text));
    return cli_exit_of(err->code);
}

int cli_fail_sys(struct cli *cli, const char *what, int sys)
{
    cli_say(cli, "%s: %s", what, strerror(sys));
    return CLI_IO;
}

/* ---- The progress line ----------------------------------------------------------------- */

static volatile sig_atomic_t on_screen; /* progress is shown */

void cli_clear_screen(void)
{
    static const char clear[] = "\r\033[K";
    ssize_t unused = on_screen ? write(STDERR_FILENO, clear, sizeof clear - 1) : 0;

    (void)unused;
}

/* Leaves a clean line to the shell's prompt, then lets the signal have its way. */
static void clear_and_die(int signal_number)
{
    cli_clear_screen();
    raise(signal_number); /* SA_RESETHAND put the default back */
}

static const int deadly[] = {SIGINT, SIGTERM, SIGHUP};

/* Signals with the handler `from` get `to`; signals that others handle or ignore stay. */
static void replace_handlers(void (*from)(int), const struct sigaction *to)
{
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
        struct sigaction old;
        if (sigaction(deadly[i], NULL, &old) == 0 && old.sa_handler == from)
            sigaction(deadly[i], to, NULL);
    }
}

void cli_begin_progress(struct cli *cli)
{
    struct sigaction action = {.sa_handler = clear_and_die, .sa_flags = (int)SA_RESETHAND};

    progress_init(&cli->progress, cli->log, cli->command->name);
    on_screen = cli->progress.shown;
    if (on_screen)
        replace_handlers(SIG_DFL, &action);
}

void cli_end_progress(struct cli *cli)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    progress_clear(&cli->progress);
    on_screen = false;
    replace_handlers(clear_and_die, &action);
}
