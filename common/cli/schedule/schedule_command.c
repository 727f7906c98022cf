/* schedule_command.c: schedule: what several sessions of one database do, step by step. */
#include "cli/schedule/schedule_command.h"
#include "cli/options.h"

#include "crash/sim/fs_sim.h"
#include "strata_engine.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LABEL_MOST 60 /* bytes of a row's name in the table of anomalies */

/* ---- Reading --------------------------------------------------------------------------------- */

static int read_bytes(struct cli *cli, const char *path, FILE *from, struct strata_buffer *to)
{
    char piece[4096];
    size_t got;

    while (to->size <= SCENARIO_BYTES_MOST && (got = fread(piece, 1, sizeof piece, from)) > 0)
        if (strata_buffer_append(to, piece, got) < 0) {
            cli_say(cli, "%s: out of memory", path);
            return CLI_OTHER;
        }
    return ferror(from) ? cli_fail_sys(cli, path, errno) : CLI_OK;
}

static int read_schedule(struct cli *cli, const char *path, struct schedule_file *file)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *from = standard ? stdin : fopen(path, "r");
    struct strata_buffer text = {0};
    struct scenario_fault fault;
    int code;

    file->path = standard ? "standard input" : path;
    if (!from)
        return cli_fail_sys(cli, path, errno);
    code = read_bytes(cli, file->path, from, &text);
    if (code == CLI_OK && scenario_parse(&file->scenario, strata_buffer_slice(&text), &fault) < 0)
        code = cli_usage(cli, "%s:%llu: %s", file->path, (unsigned long long)fault.line,
                         fault.message);
    if (!standard)
        fclose(from);
    strata_buffer_free(&text);
    return code;
}

/* ---- One run --------------------------------------------------------------------------------- */

struct running {
    struct cli *cli;
    const struct schedule_file *file;
    struct schedule_rows *rows; /* NULL: nothing is printed */
    bool out_of_memory;
};

static void note(void *arg, const struct play_event *event)
{
    struct running *r = arg;

    if (event->expected)
        cli_say(r->cli, "%s:%u: %s: %s, but %s was expected", r->file->path, event->step->line,
                r->file->scenario.names[event->step->session], event->result, event->expected);
    if (r->rows && !schedule_rows_add(r->rows, event))
        r->out_of_memory = true;
}

static int play(struct running *r, struct play *play)
{
    struct strata_error err;

    if (play_run(play, &err) < 0) {
        if (play->line)
            strata_error_prefix(&err, "%s:%llu: ", r->file->path, (unsigned long long)play->line);
        return cli_fail(r->cli, &err);
    }
    if (!r->out_of_memory)
        return CLI_OK;
    cli_say(r->cli, "out of memory");
    return CLI_OTHER;
}

static const char *level_name(enum strata_isolation isolation)
{
    return isolation == STRATA_SERIALIZABLE ? "serializable" : "snapshot";
}

static int print_run(struct running *r, const struct play *play)
{
    FILE *to = r->cli->out;
    bool ok;

    fprintf(to, "%s (%s)\n", *play->scenario->title ? play->scenario->title : r->file->path,
            level_name(play->isolation));
    ok = schedule_rows_print(r->rows, to);
    if (play->asked)
        ok = fprintf(to, "the anomaly: %s\n", play->happened ? "happened" : "prevented") > 0;
    cli_wrote(r->cli, to, ok);
    return CLI_OK; /* cli_finish looks at cli->out */
}

int schedule_run(struct cli *cli, const struct schedule_file *file, enum strata_isolation isolation,
                 bool table, struct schedule_run *run)
{
    struct running r = {.cli = cli, .file = file};
    struct play p = {.scenario = &file->scenario,
                     .dir = cli->given[CLI_DB],
                     .isolation = isolation,
                     .each = note,
                     .arg = &r};
    uint64_t stage = 0;
    int code = cli_stage(cli, CLI_STAGE, &stage);

    strata_options_init(&p.options);
    p.options.stage = (unsigned)stage;
    p.options.create = p.options.exclusive = true;
    if (!p.dir) {
        p.dir = "db";
        p.options.fs = fs_sim_new();
    }
    if (table)
        r.rows = schedule_rows_new(&file->scenario);
    r.out_of_memory = (table && !r.rows) || (!cli->given[CLI_DB] && !p.options.fs);
    if (code == CLI_OK)
        code = play(&r, &p);
    if (code == CLI_OK && table)
        code = print_run(&r, &p);
    schedule_rows_free(r.rows);
    fs_free(p.options.fs);
    *run = (struct schedule_run){p.asked, p.happened, p.wrong};
    return code;
}

/* ---- The command ----------------------------------------------------------------------------- */

static const char *cell_of(const struct schedule_run *run)
{
    return run->happened ? "possible" : run->asked ? "prevented" : "-";
}

/* A row of the table of anomalies. */
static int run_both(struct cli *cli, const struct schedule_file *file, size_t *wrong)
{
    const char *label = *file->scenario.title ? file->scenario.title : file->path;
    struct schedule_run at[2];
    int code = schedule_run(cli, file, STRATA_SNAPSHOT_ISOLATION, false, &at[0]);

    if (code == CLI_OK)
        code = schedule_run(cli, file, STRATA_SERIALIZABLE, false, &at[1]);
    if (code != CLI_OK)
        return code;
    fprintf(cli->out, "%-*.*s  %-9s  %s\n", LABEL_MOST, LABEL_MOST, label, cell_of(&at[0]),
            cell_of(&at[1]));
    *wrong += at[0].wrong + at[1].wrong;
    return CLI_OK;
}

static int run_one(struct cli *cli, const struct schedule_file *file, size_t *wrong)
{
    struct schedule_run run;
    int snapshot_or_not = 1, code = cli_word(cli, CLI_ISOLATION, &snapshot_or_not);

    if (code == CLI_OK)
        code = schedule_run(cli, file,
                            snapshot_or_not ? STRATA_SERIALIZABLE : STRATA_SNAPSHOT_ISOLATION, true,
                            &run);
    if (code == CLI_OK)
        *wrong += run.wrong;
    return code;
}

static int run_file(struct cli *cli, const char *path, size_t *wrong)
{
    struct schedule_file file = {0};
    int code = read_schedule(cli, path, &file);

    if (code == CLI_OK && cli->given[CLI_TABLE])
        code = run_both(cli, &file, wrong);
    else if (code == CLI_OK)
        code = run_one(cli, &file, wrong);
    scenario_free(&file.scenario);
    return code;
}

static int run_schedule(struct cli *cli)
{
    size_t wrong = 0;
    int code = CLI_OK;

    if (cli->given[CLI_TABLE] && cli->given[CLI_ISOLATION])
        return cli_usage(cli, "--table runs at both levels: without --isolation");
    if (cli->given[CLI_DB] && (cli->given[CLI_TABLE] || cli->count > 1))
        return cli_usage(cli, "--db is the new database of one run");
    if (cli->given[CLI_TABLE])
        fprintf(cli->out, "%-*s  %-9s  %s\n", LABEL_MOST, "", "SNAPSHOT", "SERIALIZABLE");
    for (size_t i = 0; i < cli->count && code == CLI_OK; i++) {
        if (i && !cli->given[CLI_TABLE])
            fputc('\n', cli->out);
        code = run_file(cli, cli->operands[i], &wrong);
    }
    return code == CLI_OK && wrong ? CLI_BROKEN : code;
}

const struct cli_command cli_schedule_command = {
    .name = "schedule",
    .operands = {"FILE..."},
    .required = 1,
    .options = OPTIONS(CLI_STAGE, CLI_ISOLATION, CLI_TABLE, CLI_DB),
    .exits = DB_EXITS | O(CLI_BROKEN),
    .summary = "run the steps of several sessions, and show what each saw",
    .about =
        "FILE (- is standard input) has a step a line: the name of a session, a colon, and\n"
        "what it does. Each FILE is run on a new database in memory, or in the new directory\n"
        "--db. The steps are done in the order of the lines, one at a time; a step that has to\n"
        "wait for a lock is shown as waiting, the next line is done meanwhile, and a line with\n"
        "... shows what it returned in the end. No real time passes: where nobody can go on,\n"
        "the first timeout has come. So each run is the same.\n\n"
        "  begin [snapshot|serializable] [read-only]   without a level: that of --isolation\n"
        "  get KEY, scan [FROM [TO]], put KEY VALUE, delete KEY\n"
        "  merge KEY add|max|append OPERAND, delrange FROM TO: TO stays (stage 13)\n"
        "  get-for-update KEY        and lock it until the transaction ends\n"
        "  savepoint [NAME], rollback-to [NAME], commit, abort\n\n"
        "Outside of a transaction get, scan, put, delete, merge and delrange take effect at\n"
        "once. Blanks separate words, except in quotes; escapes are as on the command line; a\n"
        "word that begins with # begins a comment, and the first comment is the title. A step\n"
        "returns:\n\n"
        "  ok, none (no such key), VALUE; of scan: KEY=VALUE ..., or empty\n"
        "  conflict, deadlock, timeout   the transaction is over, and has changed nothing\n"
        "  over    it was over already: until the line with commit or abort\n"
        "  waits   `NAME: = RESULT` says what is returned in the end\n\n"
        "What is expected may follow a step: = RESULT at both levels of isolation, snapshot=\n"
        "RESULT or serializable= RESULT at one. If it does not hold, schedule ends with 8.\n"
        "After anomaly= stands what the step returns if an anomaly happens; it has happened if\n"
        "all of them hold. --table has a row a FILE: is its anomaly possible or prevented, at\n"
        "each level?",
    .example = "$ printf '# P4: lost update\\nx: put k 1\\na: begin\\nb: begin\\n' >p4\n"
               "$ printf 'a: get k = 1\\nb: get k = 1\\na: put k 2\\nb: put k 3\\n' >>p4\n"
               "$ printf 'a: commit = ok\\nb: commit = conflict anomaly= ok\\n' >>p4\n"
               "$ strata schedule p4\n"
               "P4: lost update (serializable)\n"
               "line  x         a            b\n"
               "   2  put k 1\n"
               "   3            begin\n"
               "   4                         begin\n"
               "   5            get k: 1\n"
               "   6                         get k: 1\n"
               "   7            put k 2\n"
               "   8                         put k 3\n"
               "   9            commit: ok\n"
               "  10                         commit: conflict\n"
               "at the end: k=2\n"
               "the anomaly: prevented\n",
    .run = run_schedule,
};
