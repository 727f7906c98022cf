/* crash.h: what the files of the command crash share. */
#ifndef STRATA_COMMON_CLI_CRASH_H
#define STRATA_COMMON_CLI_CRASH_H

#include "cli/cli.h"
#include "crash/explore/campaign.h"

#define CRASH_MODELS 3

struct crash_model {
    const char *name;
    enum fs_sim_model model;
    unsigned promise;
    const char *promised; /* what the stage promises where it does */
    const char *about;
};

struct walk; /* crash_walk.c */

struct crash {
    struct cli *cli;
    struct strata_stage_info stage;
    const struct crash_model *only; /* NULL: all */
    uint64_t seed, seeds;
    enum campaign_depth depth;
    struct explore_place place; /* --at */
    struct workload *workloads;
    size_t count;
    uint64_t *sites; /* as in struct explore */

    struct campaign *campaign;       /* under way */
    const struct crash_model *model; /* its model */
    size_t done, total;              /* models */
    size_t shrunk, to_shrink;        /* cases of the model under way */
    /* Each case by the shortest script that was found to show it. */
    struct script few[ORACLE_VERDICTS];
    struct explore_case shorter[ORACLE_VERDICTS];
    uint64_t opened;   /* states, under the models that are done */
    struct walk *walk; /* --walk; else NULL */
    bool broken;       /* a promise was */
    bool kept;         /* --keep had its state */
    char files[600];   /* of the state last looked at, and their sizes in bytes */

    unsigned reported; /* broken promises of a user's engine that are in `report` */
    FILE *report;      /* into report_text; NULL: there is none yet */
    char *report_text;
    size_t report_size;
};

/* The command. */
int crash_run(struct cli *cli);

extern const char *const crash_depths[]; /* by enum campaign_depth */

/* ---- crash_state.c --------------------------------------------------------------------- */

/* A campaign as the options say, with nothing explored. */
void crash_prepare(struct crash *c, const struct crash_model *model, struct campaign *campaign);
/* Makes the state of --at and prints it. */
int crash_at(struct crash *c, const struct crash_model *model);
/* Hands the state of a case, made again, to `look` with `arg`. */
void crash_look(struct crash *c, const struct crash_model *model, const struct explore_case *k,
                void (*look)(void *arg, struct strata_fs *state), void *arg);
/* Fills c->files from the state of a case, and writes that to the directory of --keep if it has
 * none yet, with its workload beside it. */
void crash_files(struct crash *c, const struct crash_model *model, const struct explore_case *k);

/* ---- crash_print.c --------------------------------------------------------------------- */

void crash_put_table(FILE *to, const struct explore *e);
/* "fine", or how many states have which violation; and a line end. */
void crash_put_verdicts(FILE *to, const uint64_t *verdicts);
/* The one that the script is of; NULL: it is shortened. */
const struct workload *crash_workload_of(const struct crash *c, const struct script *script);
/* The command that makes it again. `script`: the workload as text; NULL: it is named. `keep`: the
 * directory that it writes the state to, or NULL. */
void crash_put_command(const struct crash *c, FILE *to, const struct crash_model *model,
                       const struct explore_case *k, const struct workload *named,
                       const struct script *script, const char *keep);
void crash_put_case(const struct crash *c, const struct explore_case *k, const char *name);
/* How many call sites there are; those that have no states cut there, with --sites all of them.
 * Returns how many have none and should. */
size_t crash_put_sites(const struct crash *c);

/* ---- crash_walk.c ---------------------------------------------------------------------- */

/* Before a model is explored: its states are gathered, */
void crash_walk_begin(struct crash *c, struct explore *e);
/* and then printed, unless the exploration failed, and freed. */
void crash_walk_end(struct crash *c, const struct crash_model *model, bool print);

/* ---- crash_report.c: for the author of the engine -------------------------------------------- */

/* Reports, once for each promise, what broke it: what was promised, the steps up to the crash, the
 * files that it left, and the command that makes them again. `script`: of the case. */
void crash_report(struct crash *c, const struct crash_model *model, const struct explore_case *k,
                  const struct script *script);
/* Prints the whole report at the end of the output. */
void crash_put_report(struct crash *c);

/* ---- crash_cases.c --------------------------------------------------------------------- */

/* Finds the shortest script for each case; `progress` is called with `c` and the progress, from 0
 * to 1. */
void crash_shrink(struct crash *c, const struct explore *e,
                  void (*progress)(void *crash, double share));
/* The first violation of each kind, by the shortest script that was found to show it, the files it
 * left, and the command that shows it again. */
void crash_put_cases(struct crash *c, const struct crash_model *model, const struct explore *e);

/* ---- crash_signal.c -------------------------------------------------------------------- */

/* From now on a signal that the engine raises is reported, with the state and the command that
 * makes it again, before it ends the program. `c` must stay valid. */
void crash_tell_signals(struct crash *c);

/* ---- crash_file.c: a script as text ----------------------------------------------------- */

/* Reads a script from file `path`, "-": standard input. CLI_OK, or the error is logged. */
int crash_read(struct cli *cli, const char *path, struct script *script);
void crash_write(FILE *to, const struct script *script);
/* Step number `index`, which is write number `n` if it is one. */
void crash_write_step(FILE *to, const struct script *script, size_t index, size_t n);

#endif
