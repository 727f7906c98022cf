/* guard.h: what the regression guard counts: a small work, the same on every machine, of each kind
 * and stage, and what it cost in steps. Times differ from run to run, these do not: one more
 * comparison or allocation a get is seen here, and where.
 *
 *   guard.c  main               works.c  the works
 *   count.c  what is counted    table.c  the table of what each cost, and how it differs
 *
 * To be linked with GUARD_WRAP (bench.mk), which leads allocations and system calls through
 * count.c: those of the engine, not those inside the libraries that it calls.
 *
 * The clock and the random numbers of the file layer are counters, so that nothing depends on
 * when, and where in memory, it runs. */
#ifndef STRATA_BENCH_GUARD_H
#define STRATA_BENCH_GUARD_H

#include "fs/fs.h"
#include "strata.h"

#include <stdio.h>

enum guard_figure {
    GUARD_COMPARISONS, /* cost.h's, as are the next three */
    GUARD_PROBES,
    GUARD_BLOCKS,
    GUARD_LOADED,
    GUARD_ALLOCATIONS, /* calls that allocate */
    GUARD_ALLOCATED,   /* bytes asked for by them */
    GUARD_CALLS,       /* system calls; fewer where appends are stores into a mapped file */
    GUARD_READ,        /* bytes, by the file layer, as are the next */
    GUARD_WRITTEN,
    GUARD_SYNCS,
    GUARD_FILES,        /* bytes that all files have afterwards */
    GUARD_INSTRUCTIONS, /* measured from outside: make guard */
    GUARD_FIGURES
};
const char *guard_figure_name(enum guard_figure figure); /* "comparisons" */

#define GUARD_UNKNOWN UINT64_MAX
#define GUARD_NAME 16

/* One work on one stage: totals of `operations`. */
struct guard_row {
    unsigned stage;
    char work[GUARD_NAME];
    uint64_t operations;
    uint64_t figures[GUARD_FIGURES]; /* or GUARD_UNKNOWN */
};

/* ---- Counting (count.c) ---------------------------------------------------------------- */

/* Between these two everything counts for a row: its figures are what they were before the first,
 * and then the difference. Callgrind, too, counts between calls of them. */
void guard_begin(struct guard_row *row, const struct strata_fs *fs);
void guard_end(struct guard_row *row, const struct strata_fs *fs);

/* What some figures depend on beside the code. */
struct guard_place {
    bool mapped;     /* appends can be stores into a mapped file: GUARD_CALLS */
    uint64_t sorts;  /* how often the C library's qsort compares: GUARD_COMPARISONS */
    char built[200]; /* compiler, its options, libraries: GUARD_INSTRUCTIONS */
};
/* Of a file that is made at `path`. 0 or < 0. */
int guard_maps_appends(struct strata_fs *fs, const char *path, bool *mapped,
                       struct strata_error *err);
uint64_t guard_sorts(void);
void guard_built(char *to, size_t capacity);

/* ---- The works (works.c) --------------------------------------------------------------- */

#define GUARD_WORKS 24 /* rows of a stage at most */

/* All works of a stage, in new databases below `dir`, an existing, empty directory. (Relative to
 * the working one, and short: paths are among what is allocated.) Fills in at most GUARD_WORKS
 * rows. 0 or < 0, as strata_open. */
int guard_stage(unsigned stage, const char *dir, struct guard_row *rows, size_t *count,
                struct strata_error *err);
/* Of the working directory, and of this program. Likewise. */
int guard_look(struct guard_place *place, struct strata_error *err);

/* ---- The table (table.c) --------------------------------------------------------------- */

struct guard_table {
    struct guard_place place;
    struct guard_row *rows;
    size_t count, capacity;
};

void guard_table_free(struct guard_table *table);
int guard_table_add(struct guard_table *table, const struct guard_row *row); /* 0 or < 0 */
struct guard_row *guard_table_find(const struct guard_table *table, unsigned stage,
                                   const char *work);                  /* NULL: there is none */
bool guard_table_has(const struct guard_table *table, unsigned stage); /* a row of it */
void guard_table_write(const struct guard_table *table, FILE *to);
/* Adds the rows of a file that guard_table_write wrote. CORRUPT names file and line; IO. */
int guard_table_read(struct guard_table *table, const char *path, struct strata_error *err);

/* How a row differs from what was recorded. */
struct guard_verdict {
    size_t more, less, compared; /* figures that have grown, shrunk by more than a twentieth */
};

/* Compares what can be compared: figures that both know and that do not depend on what differs
 * between the places. Writes a line for each that has grown or shrunk by more than 5 %
 * (instructions of a work that is done once: 20 %), each beginning with `indent`; `to` NULL: none.
 */
struct guard_verdict guard_compare(const struct guard_table *recorded, const struct guard_row *was,
                                   const struct guard_table *now, const struct guard_row *is,
                                   const char *indent, FILE *to);

#endif
