/* memory_loop.h: for k = 1, 2, ... until a run is clean, the k-th allocation of the library fails,
 * once or from there on for ever, while a database is made, written, read, merged, closed, and
 * opened after a kill. A run is bad when a call does not say "out of memory" (to the log, where it
 * goes on without), has changed something, or does not work when tried again; when memory or a
 * descriptor is lost; when something acknowledged is.
 *
 * On the real file system: fs_sim's allocations are its own affair. Knows nothing of cmocka. The
 * program is linked with allocations.o (allocations.h). */
#ifndef STRATA_TESTS_MEMORY_LOOP_H
#define STRATA_TESTS_MEMORY_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct memory_loop {
    FILE *progress; /* a terminal to tell progress on, or NULL */
    uint64_t every; /* of so many allocations in a row one is tried; 0: each */
    uint64_t first; /* the first of those so many, from 0 */

    /* What came of it. */
    uint64_t runs;     /* in which an allocation failed */
    uint64_t clean_at; /* k of the run in which none did, and all was well */
    uint64_t errors;   /* told by calls of the library */
    uint64_t warnings; /* runs without an error in which a word to the log told of the failure */
    uint64_t bad;
    char what[1200]; /* about the first bad run */
};

/* The whole loop; what came of it is filled in. */
void memory_loop_run(struct memory_loop *loop, bool for_ever);

#endif
