/* faults.c: the program behind `make faults`: see faults_loop.h and memory_loop.h. */
#include "faults_loop.h"
#include "memory_loop.h"

#include "crash/subject.h"
#include "wrote.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "faults: makes every call of the file layer fail, and every allocation, one after another,\n"
    "once and for ever, and asks each time what has become of the database.\n"
    "\n"
    "  faults [--stride N]\n"
    "\n"
    "  --stride N  between the failed call and the end of the run the power is cut too: one in\n"
    "              N states of that is judged (default 16; 1: all, which takes hours)\n"
    "\n"
    "  STRATA_STAGE=N      the stage under test (default: the newest)\n"
    "  STRATA_ENGINE=FILE  a shared object with an engine of your own in its place\n"
    "\n"
    "  works  life      made, written, read, opened again\n"
    "         upkeep    segments that fill, batches, merges\n"
    "         unsynced  the same, where nothing is synced but when told to\n"
    "         recovery  from a torn tail on\n"
    "         reading   all questions asked of a closed database\n"
    "\n"
    "  runs      in which the fault struck          clean at k  the first run without one\n"
    "  errors    told by calls of the library       cuts        states after a power cut, judged\n"
    "  silent    runs with no error and no warning: where the engine has another way\n"
    "  bad       a wrong answer, a loss, a leak, a silent failure, an error that says too little\n"
    "\n"
    "Ends with one line: faults: stage=... runs=... clean=... cuts=... bad=...\n"
    "Exit code: 0; 1 something is bad; 2 bad usage; 4 no room for the table.\n"
    "\n"
    "Example: make faults STAGE=3\n";

static int usage(const char *what)
{
    fprintf(stderr, "faults: %s: see faults --help\n", what);
    return 2;
}

static bool take_number(const char *text, unsigned *number)
{
    char *end;
    unsigned long long value = strtoull(text ? text : "", &end, 10);
    *number = (unsigned)value;
    return text && *text >= '0' && *text <= '9' && !*end && value > 0 && value <= UINT_MAX;
}

/* 0, or the exit code + 1. */
static int take_options(char **args, struct faults *faults)
{
    for (; *args; args++) {
        if (strcmp(*args, "--help") == 0) {
            fputs(help, stdout);
            return 1;
        }
        if (strcmp(*args, "--stride") != 0)
            return 1 + usage(*args);
        if (!take_number(*++args, &faults->stride))
            return 1 + usage("--stride needs a number, 1 or more");
    }
    return 0;
}

/* ---- Tables ---------------------------------------------------------------------------- */

static unsigned loops, clean; /* clean: loops whose last run was, with nothing bad before it */

static void print_row(const char *work, const char *error, const char *times,
                      const struct faults_row *row)
{
    printf("%-10s %-10s %-8s %6" PRIu64 " %10" PRIu64 " %7" PRIu64 " %6" PRIu64 " %6" PRIu64
           " %4" PRIu64 "\n",
           work, error, times, row->runs, row->clean_at, row->errors, row->silent, row->cuts,
           row->bad);
    fflush(stdout);
    loops++;
    clean += row->bad == 0;
}

static void run_calls(struct faults *faults)
{
    printf("%-10s %-10s %-8s %6s %10s %7s %6s %6s %4s\n", "work", "error", "times", "runs",
           "clean at k", "errors", "silent", "cuts", "bad");
    for (int work = 0; work < FAULTS_WORKS; work++)
        for (int kind = 0; kind < FS_SIM_FAULT_KINDS; kind++)
            for (int for_ever = 0; for_ever <= 1; for_ever++) {
                struct faults_row row;
                if (!faults_has((enum faults_work)work))
                    continue;
                faults_run(faults, (enum faults_work)work, (enum fs_sim_fault_kind)kind, for_ever,
                           &row);
                print_row(faults_work_name((enum faults_work)work),
                          faults_kind_name((enum fs_sim_fault_kind)kind),
                          for_ever ? "for ever" : "once", &row);
            }
}

static void run_disk(struct faults *faults)
{
    struct faults_row row;
    faults_fill_disk(faults, &row);
    print_row("disk full", "ENOSPC", "k bytes", &row);
}

static void run_memory(struct faults *faults, bool for_ever)
{
    struct memory_loop loop = {.progress = faults->progress};
    struct faults_row row = {0};

    memory_loop_run(&loop, for_ever);
    row.runs = loop.runs;
    row.clean_at = loop.clean_at;
    row.errors = loop.errors;
    row.bad = loop.bad;
    print_row("memory", "allocation", for_ever ? "for ever" : "once", &row);
    faults->totals.runs += loop.runs;
    faults->totals.bad += loop.bad;
    if (loop.bad && !faults->what[0])
        memcpy(faults->what, loop.what, sizeof faults->what);
}

/* Which call it was that failed. */
static void print_calls(const struct faults *faults)
{
    printf("\n%-10s", "call");
    for (int kind = 0; kind < FS_SIM_FAULT_KINDS; kind++)
        printf(" %10s", faults_kind_name((enum fs_sim_fault_kind)kind));
    printf("\n");
    for (int call = 0; call < FS_CALL_COUNT; call++) {
        printf("%-10s", fs_call_name((enum fs_call)call));
        for (int kind = 0; kind < FS_SIM_FAULT_KINDS; kind++)
            printf(" %10" PRIu64, faults->struck[kind][call]);
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    struct faults faults = {.stride = 16};
    int code = take_options(argv + 1, &faults);

    (void)argc;
    if (code)
        return code - 1;
    if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1); /* thousands of syncs that no power cut follows */
    faults.progress = isatty(2) ? stderr : NULL;
    subject_under_way(true);
    run_calls(&faults);
    run_disk(&faults);
    run_memory(&faults, false);
    run_memory(&faults, true);
    subject_under_way(false);
    print_calls(&faults);
    if (faults.totals.bad)
        printf("\nBAD: %s\n", faults.what);
    printf("\nfaults: stage=%u runs=%" PRIu64 " clean=%u/%u cuts=%" PRIu64 " bad=%" PRIu64 "\n",
           subject_info()->stage, faults.totals.runs, clean, loops, faults.totals.cuts,
           faults.totals.bad);
    return wrote_all("faults", faults.totals.bad ? 1 : 0);
}
