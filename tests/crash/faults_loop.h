/* faults_loop.h: for k = 1, 2, ... until a run is clean, the k-th call of the file layer fails, on
 * fs_sim, once or from there on for ever, in each way a call can fail; and the disk is full after
 * each byte. A run is bad
 *
 *   - when a call answers wrongly, with the fault or after it
 *   - when the error does not say what it was and of which file, or nothing is said at all (but of
 *     the close of a file, which only some stages look at); or when what is no error, a call that
 *     is interrupted or does half of what was asked, is told as one
 *   - when the handle that could not write takes a write
 *   - when, with nothing failing any more, the oracle finds something missing; and when the power
 *     is cut, after the fault or at the end, and what was acknowledged as synced is missing, or
 *     the rest is no prefix
 *   - when a file stays open or memory is not freed
 *
 * Knows nothing of cmocka. The program is linked with allocations.o (allocations.h). */
#ifndef STRATA_TESTS_FAULTS_LOOP_H
#define STRATA_TESTS_FAULTS_LOOP_H

#include "crash/sim/fs_sim.h"

#include <stdio.h>

/* What is done while calls fail. */
enum faults_work {
    FAULTS_LIFE,     /* made, written, read, opened again: work_life */
    FAULTS_UPKEEP,   /* segments, batches, merges: work_upkeep */
    FAULTS_UNSYNCED, /* the same, where nothing is synced but when told to; only stages that sync */
    FAULTS_RECOVERY, /* the rest of work_life, from a torn tail on */
    FAULTS_READING,  /* all questions asked of a closed database */
    FAULTS_WORKS
};
const char *faults_work_name(enum faults_work work);
const char *faults_kind_name(enum fs_sim_fault_kind kind);

/* What came of one loop. */
struct faults_row {
    uint64_t runs;     /* in which the fault struck */
    uint64_t clean_at; /* k of the run in which it did not, and all was well */
    uint64_t errors;   /* told by calls of the library */
    uint64_t silent;   /* runs with neither an error nor a warning, though a call failed for good */
    uint64_t cuts;     /* states after a power cut that the oracle was asked about */
    uint64_t bad;
};

struct faults {
    unsigned step;   /* k = 1, 1 + step, ...; 0: as 1 */
    unsigned stride; /* power cuts: about one state in so many between the fault and the end is
                      * judged; at the end each one. 0: at the end only */
    FILE *progress;  /* a terminal to tell progress on, or NULL */

    /* What came of it. */
    struct faults_row totals;
    uint64_t struck[FS_SIM_FAULT_KINDS][FS_CALL_COUNT]; /* runs, by the first call that failed */
    uint64_t silent[FS_CALL_COUNT];
    char what[1200]; /* about the first bad run */
};

/* The whole loop. `row` is filled, and added to the totals. */
void faults_run(struct faults *faults, enum faults_work work, enum fs_sim_fault_kind kind,
                bool for_ever, struct faults_row *row);
/* Room on the disk for 0, 1, 2, ... bytes, until there is enough: clean_at. */
void faults_fill_disk(struct faults *faults, struct faults_row *row);
/* Is there such work for the stage under test? */
bool faults_has(enum faults_work work);

#endif
