/* schedule_command.h: what the files of the command schedule share. */
#ifndef STRATA_COMMON_CLI_SCENARIO_COMMAND_H
#define STRATA_COMMON_CLI_SCENARIO_COMMAND_H

#include "cli/cli.h"
#include "scenario/play.h"

/* A schedule as its file has it. */
struct schedule_file {
    const char *path; /* borrowed */
    struct scenario scenario;
};

/* How a run of it ended. */
struct schedule_run {
    bool asked, happened; /* an anomaly; see play.h */
    size_t wrong;         /* expectations that did not hold; they are logged */
};

/* Runs it on a new database; with `table`, prints what each session saw. CLI_OK, or the error is
 * logged. */
int schedule_run(struct cli *cli, const struct schedule_file *file, enum strata_isolation isolation,
                 bool table, struct schedule_run *run);

/* ---- schedule_print.c: a column a session ---------------------------------------------------- */

struct schedule_rows;
struct schedule_rows *schedule_rows_new(const struct scenario *scenario); /* NULL: no memory */
/* False: no memory. */
bool schedule_rows_add(struct schedule_rows *rows, const struct play_event *event);
bool schedule_rows_print(const struct schedule_rows *rows, FILE *to); /* false: it failed */
void schedule_rows_free(struct schedule_rows *rows);

#endif
