/* shell.c: shell: commands from lines, on one database that stays open. A command is a row of
 * the table as everywhere; it runs with a struct cli of its own, whose session lends it the
 * database. */
#include "cli/options.h"
#include "cli/shell/complete.h"
#include "cli/shell/shell_history.h"
#include "cli/shell/lines.h"
#include "cli/shell/words.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MOST 64

struct shell {
    struct cli *cli; /* the command `shell` itself */
    struct cli_session session;
    struct complete_from from;
    struct lines lines;
    struct strata_buffer line;
    bool typed;         /* the input is a terminal */
    int code;           /* of the last command that failed */
    char *history;      /* file of earlier lines, or NULL */
    bool history_asked; /* the user named it */
};

/* ---- Interrupts ------------------------------------------------------------------------ */

static volatile sig_atomic_t interrupts;

/* The second one finds a command that does not end. */
static void note_interrupt(int signal_number)
{
    if (interrupts++) {
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
}

/* A line that is being typed is dropped; an answer that waits for its reader is not cut. */
static void catch_interrupts(bool typing)
{
    struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = typing ? 0 : SA_RESTART};
    sigaction(SIGINT, &action, NULL);
}

bool cli_interrupted(struct cli *cli)
{
    if (!interrupts)
        return false;
    cli_say(cli, "interrupted");
    interrupts = 0;
    return true;
}

/* ---- One line -------------------------------------------------------------------------- */

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void tell_time(struct shell *shell, double seconds)
{
    if (seconds < 1)
        fprintf(shell->cli->log, "(%.3f ms)\n", seconds * 1e3);
    else
        fprintf(shell->cli->log, "(%.3f s)\n", seconds);
}

static int run_command(struct cli *cli, int argc, char **argv)
{
    int code = cli_parse(cli, argc, argv);

    if (code == CLI_OK)
        code = cli->command->run(cli);
    cli_end_progress(cli);
    cli_wrote(cli, cli->out, fflush(cli->out) == 0); /* a program may wait for the answer */
    return code;
}

/* Words behind DIR, as the command line has them behind the program's name. */
static int run_words(struct shell *shell, struct words *words, char **argv)
{
    struct cli cli = {.commands = shell->cli->commands,
                      .out = shell->cli->out,
                      .log = shell->cli->log,
                      .session = &shell->session};
    double begun = now_seconds();
    int code;

    argv[0] = shell->cli->operands[0];
    code = run_command(&cli, (int)words->count + 1, argv);
    if (cli.out_errno)
        shell->cli->out_errno = cli.out_errno;
    if (shell->session.timing && !shell->session.over)
        tell_time(shell, now_seconds() - begun);
    return code;
}

static int run_line(struct shell *shell)
{
    char *argv[WORDS_MOST + 1];
    struct words words = {.words = argv + 1, .capacity = WORDS_MOST};
    struct cli teller = {
        .out = shell->cli->out, .log = shell->cli->log, .session = &shell->session};

    if (memchr(shell->line.data, '\0', shell->line.size)) {
        cli_say(&teller, "a zero byte as it is: write \\x00");
        return CLI_USAGE;
    }
    if (words_split(&words, (char *)shell->line.data) < 0) {
        cli_say(&teller, "column %zu: %s", words.column, words.fault);
        return CLI_USAGE;
    }
    return words.count ? run_words(shell, &words, argv) : CLI_OK;
}

/* ---- All lines ------------------------------------------------------------------------- */

/* CLI_OK: continue. */
static int handle(struct shell *shell, enum lines_result result)
{
    struct cli teller = {
        .out = shell->cli->out, .log = shell->cli->log, .session = &shell->session};

    switch (result) {
    case LINES_LINE:
        return run_line(shell);
    case LINES_TOO_LONG:
        cli_say(&teller, "the line is longer than %zu bytes; load takes more", LINES_MOST);
        return CLI_USAGE;
    case LINES_INTERRUPTED:
        fputc('\n', shell->cli->log);
        return CLI_OK;
    case LINES_FAILED:
        shell->session.over = true;
        return cli_fail_sys(shell->cli, "standard input", errno);
    default:
        shell->session.over = true;
        if (shell->typed) /* the prompt is still on the line */
            fputc('\n', shell->lines.prompt_to ? shell->lines.prompt_to : shell->cli->out);
        return CLI_OK;
    }
}

static void run_lines(struct shell *shell)
{
    while (!shell->session.over && !ferror(shell->cli->out)) {
        const char *prompt = shell->session.txn        ? "transaction> "
                             : shell->session.batch    ? "batch> "
                             : shell->session.snapshot ? "snapshot> "
                                                       : "strata> ";
        enum lines_result result;
        int code;
        if (shell->typed)
            catch_interrupts(true);
        result = lines_next(&shell->lines, prompt, &shell->line);
        if (shell->typed)
            catch_interrupts(false);
        interrupts = 0;
        shell->session.line = shell->typed ? 0 : shell->lines.number;
        code = handle(shell, result);
        if (code != CLI_OK)
            shell->code = code;
    }
}

/* ---- The command ----------------------------------------------------------------------- */

static void greet(struct shell *shell)
{
    struct strata_stage_info info;

    strata_stage(shell->session.db, &info);
    fprintf(shell->cli->out,
            "Strata %s, stage %u (%s), %s\nhelp lists the commands; Ctrl-D ends the shell\n",
            STRATA_VERSION, info.stage, info.name, shell->cli->operands[0]);
    fflush(shell->cli->out);
}

/* An editor needs a terminal at both ends. */
static void begin_lines(struct shell *shell)
{
    struct cli *cli = shell->cli;

    shell->typed = isatty(STDIN_FILENO);
    shell->lines.fd = STDIN_FILENO;
    if (!cli->given[CLI_TIMING])
        shell->session.timing = shell->typed;
    if (!shell->typed)
        return;
    greet(shell);
    shell->history = shell_history_file(cli, &shell->history_asked);
    shell->from = (struct complete_from){shell->session.db, cli->commands};
    if (isatty(STDOUT_FILENO))
        shell->lines.edit = cli_edit_new(cli_complete, &shell->from, shell->history);
    if (shell->lines.edit)
        return;
    shell->lines.prompt_to = isatty(STDOUT_FILENO) ? cli->out : cli->log;
    if (shell->history && shell->history_asked)
        cli_say(cli, "no line is kept in %s: %s", shell->history,
                shell->lines.prompt_to == cli->out ? "this program was built without libedit"
                                                   : "lines are edited on a terminal only");
}

static void end_lines(struct shell *shell)
{
    struct cli *cli = shell->cli;

    if (shell->lines.edit && cli_edit_free(shell->lines.edit) < 0 && shell->history_asked)
        cli_say(cli, "%s: the lines of today could not be kept: %s", shell->history,
                strerror(errno));
    if (shell->session.batch) {
        cli_say(cli, "a batch was under way and is dropped, operations: %zu",
                strata_batch_count(shell->session.batch));
        shell->code = CLI_USAGE;
        strata_batch_free(shell->session.batch);
    }
    if (shell->session.txn) {
        cli_say(cli, "a transaction was open and is dropped");
        shell->code = CLI_USAGE;
        strata_txn_free(shell->session.txn);
        savepoints_clear(&shell->session.savepoints);
    }
    free(shell->history);
    lines_free(&shell->lines);
    strata_buffer_free(&shell->line);
}

static int run_shell(struct cli *cli)
{
    struct shell shell = {.cli = cli};
    int off = 1, code = cli_word(cli, CLI_TIMING, &off);

    shell.session.timing = !off;
    if (code == CLI_OK)
        code =
            cli_open(cli, cli->given[CLI_MAKE] ? CLI_CREATE : CLI_WRITE_OR_READ, &shell.session.db);
    if (code != CLI_OK)
        return code;
    begin_lines(&shell);
    run_lines(&shell);
    end_lines(&shell);
    strata_snapshot_free(shell.session.snapshot);
    return cli_close(cli, shell.session.db, shell.typed ? CLI_OK : shell.code);
}

const struct cli_command cli_shell_command = {
    .name = "shell",
    .stays = true,
    .operands = {"DIR"},
    .required = 1,
    .options =
        OPTIONS(DB_OPTIONS, WRITE_OPTIONS, CLI_MAKE, CLI_HISTORY, CLI_NO_HISTORY, CLI_TIMING),
    .exits = DB_EXITS | O(CLI_NOT_FOUND),
    .summary = "many commands on one open database, typed or piped in",
    .about =
        "The commands are put, get, del, delrange, merge, scan, count, load, dump, backup,\n"
        "compact, info, stats, levels, verify, batch, snapshot, begin, commit, rollback,\n"
        "savepoint, timing, help and quit, with the operands after DIR and the options that\n"
        "they have here. A database that may only be read is opened read-only.\n"
        "Blanks separate words, except in quotes of either kind; a line that begins with # is a\n"
        "comment. An error does not end the shell.\n\n"
        "On a terminal: Tab completes commands, options, files and, from stage 4 on, keys; the\n"
        "arrows bring earlier lines back, Ctrl-C empties the line or ends what runs, Ctrl-D\n"
        "ends the shell, which then ends with 0. The lines are kept in --history, or else\n"
        "$STRATA_HISTORY, or else strata/history in $XDG_STATE_HOME or ~/.local/state; with\n"
        "--no-history, or an empty $STRATA_HISTORY, no line is kept.\n"
        "Lines that are piped in are not echoed; errors name the line, and the shell ends\n"
        "with the status of the last command that failed, or 0.",
    .example = "$ printf 'put fruit apple\\nput \"two words\" x\\nget fruit\\n' | strata shell db "
               "--create\n"
               "apple\n"
               "$ echo 'get cheese' | strata shell db || echo it ended with $?\n"
               "it ended with 1\n"
               "$ echo 'scan --prefix two' | strata shell db\n"
               "two words\tx\n",
    .run = run_shell,
};
