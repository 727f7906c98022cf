/* cli.h: what the commands of `strata` share.
 *
 * A command is a row of cli_commands (commands.c): all that help, completion, the man page and the
 * shell need to know of it. It runs on a parsed command line (struct cli), writes its answer to
 * cli->out and everything else to cli->log, and returns an exit status; it never exits. */
#ifndef STRATA_COMMON_CLI_H
#define STRATA_COMMON_CLI_H

#include "cli/output/progress.h"
#include "scenario/savepoints.h"
#include "text/entries.h"

#include <stdio.h>

enum cli_exit {
    CLI_OK = 0,
    CLI_NOT_FOUND = 1,
    CLI_USAGE = 2,
    CLI_CORRUPT = 3,
    CLI_IO = 4,
    CLI_NOT_SUPPORTED = 5,
    CLI_LOCKED = 6,
    CLI_OTHER = 7,
    CLI_BROKEN = 8,
    CLI_LOST = 9,
    CLI_EXITS
};

enum cli_option_id {
    CLI_STAGE,
    CLI_CACHE,
    CLI_MAPPED,
    CLI_MEMTABLE,
    CLI_SYNC,
    CLI_COMPACTION,
    CLI_VALUE_BYTES,
    CLI_FIXED_LEVELS,
    CLI_ENGINE,
    CLI_HEX,
    CLI_RAW,
    CLI_COST,
    CLI_TTL,
    CLI_FROM,
    CLI_TO,
    CLI_PREFIX,
    CLI_LIMIT,
    CLI_SECTIONS,
    CLI_REVERSE,
    CLI_KEYS_ONLY,
    CLI_JSON,
    CLI_FORMAT,
    CLI_HEADER,
    CLI_KEY_COLUMN,
    CLI_VALUE_COLUMN,
    CLI_SKIP_BAD,
    CLI_BATCH,
    CLI_TO_STAGE,
    CLI_COUNT,
    CLI_KEYS,
    CLI_KEY_SIZE,
    CLI_VALUE_SIZE,
    CLI_DISTRIBUTION,
    CLI_THETA,
    CLI_COMPRESSIBILITY,
    CLI_SEED,
    CLI_MAKE,
    CLI_HISTORY,
    CLI_NO_HISTORY,
    CLI_TIMING,
    CLI_MODEL,
    CLI_WORKLOAD,
    CLI_DEPTH,
    CLI_SEEDS,
    CLI_AT,
    CLI_KEEP,
    CLI_WALK,
    CLI_SITES,
    CLI_ISOLATION,
    CLI_TABLE,
    CLI_DB,
    CLI_DRY_RUN,
    CLI_DEEP,
    CLI_YES,
    CLI_ALL,
    CLI_ALL_FIGURES,
    CLI_OUTPUT,
    CLI_PORT,
    CLI_BIND,
    CLI_UNIX,
    CLI_PASSWORD_FILE,
    CLI_HTTP,
    CLI_IDLE_TIMEOUT,
    CLI_CLIENT_MEMORY,
    CLI_BACKUPS,
    CLI_VERSION,
    CLI_HELP,
    CLI_OPTIONS
};

/* An option means the same in every command that takes it, so that it may come before the command;
 * but for two of one name, which no command takes both. */
struct cli_option {
    const char *name;  /* "limit" */
    const char *value; /* its argument: "N"; NULL: it has none */
    const char *help;  /* one line */
    char letter;       /* 'n': -n is the same; 0: no letter is */
    const char *words; /* what the value may be, with | between: "on|off"; NULL: anything */
};

#define CLI_OPERANDS 4

/* Where a command may be given. */
enum cli_place { CLI_LINE, CLI_LINE_AND_SHELL, CLI_SHELL };

struct cli;
struct cli_command {
    const char *name;
    enum cli_place place;
    bool stays; /* reads blocks more than once: it has the library's cache */
    /* "DIR", "KEY"; NULL after the last, which may be "KEY...": one or more of them */
    const char *operands[CLI_OPERANDS];
    size_t required;                   /* how many of them must be there */
    const enum cli_option_id *options; /* ends with CLI_OPTIONS, CLI_HELP not among them; or NULL */
    uint64_t exits;                    /* bits 1 << enum cli_exit */
    const char *summary;               /* one line */
    const char *about;                 /* paragraphs, 78 columns */
    const char *shell_about;           /* in its place in the shell; NULL: the same */
    /* A transcript to be run in an empty directory: "$ command", then what it prints ("..." for
     * lines that differ from run to run). */
    const char *example;
    int (*run)(struct cli *cli); /* an enum cli_exit */
};

extern const struct cli_option cli_options[CLI_OPTIONS];
extern const struct cli_command *const cli_commands[]; /* for main.c; ends with NULL */
/* NULL: there is none of that name in the table, or it is not for the shell, or for it alone. */
const struct cli_command *cli_command_named(const struct cli_command *const *commands,
                                            const char *name, bool in_shell);
/* The command that `name` is nearly: by a few typing errors, or by its beginning. NULL: none. */
const struct cli_command *cli_command_like(const struct cli_command *const *commands,
                                           const char *name, bool in_shell);
bool cli_command_fits(const struct cli_command *command, bool in_shell);
/* Does it take the option there? */
bool cli_command_takes(const struct cli_command *command, int id, bool in_shell);
const char *cli_exit_name(enum cli_exit code); /* "not found" */

/* A database that stays open over many commands: the shell's. Its directory is the operand DIR of
 * each of them. */
struct cli_session {
    struct strata *db;
    struct strata_batch *batch;       /* under way; NULL: none is */
    struct strata_snapshot *snapshot; /* that reads are of; NULL: the database as it is */
    struct strata_txn *txn;           /* that is open; NULL: none is; then there is no batch */
    struct savepoints savepoints;     /* of it */
    uint64_t line;                    /* of the input; 0: it is typed */
    bool timing;
    bool over; /* the command quit was given */
};

/* A command line, parsed. */
struct cli {
    const struct cli_command *const *commands; /* all there are; borrowed; ends with NULL */
    const struct cli_command *command;         /* NULL until it is known */
    const char *program;            /* as it was called: "build/strata"; borrowed from argv */
    char **operands;                /* borrowed from argv */
    size_t count;                   /* of operands */
    size_t literal;                 /* operands from this one on came after -- */
    const char *given[CLI_OPTIONS]; /* an option's value, "" if it has none; NULL: not given */
    FILE *out, *log;                /* borrowed */
    int out_errno;                  /* of the first write to `out` that failed, if known */
    struct progress progress;
    _Atomic uint64_t stopped_ms; /* the time, for databases that are opened; 0: the system's */
    struct cli_session *session; /* NULL: a command line of its own */
};

/* For options.clock: cli->stopped_ms. */
uint64_t cli_stopped_clock(void *cli);
/* Now, in milliseconds since 1970. */
uint64_t cli_now_ms(void);

/* ---- session.c: reads, of the session's transaction or snapshot if there is one ----------- */

int cli_get(struct cli *cli, struct strata *db, struct strata_slice key,
            struct strata_buffer *value, struct strata_error *err);
int cli_iter(struct cli *cli, struct strata *db, struct strata_iter **out,
             struct strata_error *err);

/* ---- parse.c --------------------------------------------------------------------------- */

/* Fills the rest of a zeroed *cli with `commands`, `out`, `log` and `session` set; moves operands
 * to the front of argv. In a session argv[0] is the DIR that comes before the other operands.
 * CLI_OK, or CLI_USAGE and the error is logged. */
int cli_parse(struct cli *cli, int argc, char **argv);
/* The number given with an option, into `*value`, which keeps what it holds if it was not given.
 * CLI_OK or CLI_USAGE. */
int cli_number(struct cli *cli, enum cli_option_id id, uint64_t least, uint64_t most,
               uint64_t *value);
/* Likewise the number of a stage that is in this build. */
int cli_stage(struct cli *cli, enum cli_option_id id, uint64_t *stage);
/* The same for a size in bytes: "65536", "64K", "64M", "1G", powers of 1024. */
int cli_size(struct cli *cli, enum cli_option_id id, uint64_t *value);
/* The same for one of the option's words: its index among them. */
int cli_word(struct cli *cli, enum cli_option_id id, int *value);
/* The same for a fraction of 1, "0.99", as millionths from 0 to `most`. */
int cli_fraction(struct cli *cli, enum cli_option_id id, uint32_t most, uint32_t *value);
/* The bytes that an operand or an option's value means, replacing what `to` held; `name` is what
 * the error calls it. */
int cli_bytes(struct cli *cli, const char *name, const char *text, size_t limit,
              struct strata_buffer *to);
enum text_form cli_form(const struct cli *cli);
/* The format that --format names, or else the end of the operand number `operand`, or else TSV. */
int cli_format(struct cli *cli, size_t operand, enum entries_format *format);

/* There is no such command, and which one may be meant; CLI_USAGE. */
int cli_no_command(struct cli *cli, const char *name);

/* ---- shell.c --------------------------------------------------------------------------- */

/* Ctrl-C was typed in the shell since the command began: it shall end soon. Logs it. */
bool cli_interrupted(struct cli *cli);

/* ---- open.c ---------------------------------------------------------------------------- */

/* CLI_WRITE_OR_READ: read-only where the operating system allows no more, and the log says so. */
enum cli_access { CLI_READ, CLI_WRITE, CLI_WRITE_OR_READ, CLI_CREATE };

/* Opens the database that the first operand names. CLI_OK, or the error is logged. */
int cli_open(struct cli *cli, enum cli_access access, struct strata **db);
/* The stage that --stage names, or else the newest. CLI_OK or CLI_USAGE. */
int cli_stage_asked(struct cli *cli, struct strata_stage_info *info);
/* What is known before it is opened of the stage that will answer: that of --stage, or of the
 * marker, or of a new database. False: opening it will report the error. */
bool cli_stage_ahead(struct cli *cli, struct strata_stage_info *info);
/* Closes it and passes on `code`, or what went wrong if nothing had. */
int cli_close(struct cli *cli, struct strata *db, int code);

/* ---- report.c: messages, and how a command ends ----------------------------------------- */

/* "strata: load: ..." and a line end, to the log. */
void cli_say(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with a pointer to help behind it; CLI_USAGE. */
int cli_usage(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Logs the error; returns the exit status for its code. */
int cli_fail(struct cli *cli, const struct strata_error *err);
int cli_fail_sys(struct cli *cli, const char *what, int sys); /* "what: no space ..."; CLI_IO */
int cli_exit_of(int strata_code);
/* Shows progress on the log, if that is a terminal, until the next message. An interrupt
 * then takes the line off the screen before it ends the process. */
void cli_begin_progress(struct cli *cli);
/* The command has ended: signals are again as they were. */
void cli_end_progress(struct cli *cli);
/* In a signal's handler: takes the line off the screen, if it may be there. */
void cli_clear_screen(void);
/* Passes on `ok`, and keeps errno if a write to cli->out failed. */
bool cli_wrote(struct cli *cli, const FILE *to, bool ok);

/* ---- output.c: where an answer goes ------------------------------------------------------ */

/* Bytes as text to `to`. False once a write failed. */
bool cli_put(struct cli *cli, FILE *to, struct strata_slice bytes);
bool cli_putc(struct cli *cli, FILE *to, char c);

/* A stream that text is written to, with its name in errors; NULL for cli->out, which cli_finish
 * answers for. */
struct cli_stream {
    struct cli *cli;
    FILE *to;
    const char *path;
};
struct text_sink cli_sink(struct cli_stream *stream); /* borrows */
/* Header and footer of the format, and the line of --header. */
bool cli_put_head(struct cli_stream *stream, enum entries_format format);
bool cli_put_tail(struct cli_stream *stream, enum entries_format format);
int cli_write_failed(struct cli_stream *stream); /* logs the error; CLI_IO */

/* Writes out what is buffered in cli->out. Returns `code`; or, if an answer was lost, logs the
 * error and returns CLI_IO. A reader that went away is no error: it ends the process as SIGPIPE
 * does. */
int cli_finish(struct cli *cli, int code);

/* ---- file.c ------------------------------------------------------------------------------ */

/* Lets `work` write to file `path`, or to cli->out if that is NULL, "-" or "/dev/stdout". A pipe or
 * a device is written to as it is. Else the file must not be there yet; it is on the device when
 * CLI_OK comes back, and there never is a part of it under that name. */
int cli_write_file(struct cli *cli, const char *path,
                   int (*work)(struct cli_stream *stream, void *arg), void *arg);

/* ---- value.c ------------------------------------------------------------------------------- */

/* The value that the operand number `operand` means, replacing what `to` held: of "-" the bytes of
 * standard input, of "@FILE" those of a file, unless it came after --; else as cli_bytes. CLI_OK,
 * CLI_USAGE, CLI_IO or CLI_OTHER, and the error is logged. */
int cli_value(struct cli *cli, size_t operand, struct strata_buffer *to);

/* ---- migrate.c ------------------------------------------------------------------------- */

/* CLI_USAGE when the second operand, which is to be made, lies in the first one, a database. */
int cli_check_apart(struct cli *cli);

#endif
