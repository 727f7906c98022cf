/* bits_loop.h: every damage of a kind, one after another, to one file of a specimen
 * (tests/support/specimen.h): a bit flipped, bytes cut off, sectors and records put where they do
 * not belong. Each time the database is asked everything (common/crash/judge.h), and may answer
 * with an error that says where, or rightly; of a log's tail it may know less, if it tells that,
 * but for what it has recorded to be synced. It must not ask for memory by a number that was not
 * checked, nor keep any. Knows nothing of cmocka. The program is linked with allocations.o. */
#ifndef STRATA_TESTS_BITS_LOOP_H
#define STRATA_TESTS_BITS_LOOP_H

#include "crash/judge.h"
#include "specimen.h"

#include <stdio.h>

enum bits_kind {
    BITS_FLIPPED,    /* every bit */
    BITS_WHILE_OPEN, /* likewise, under an open database and an iterator */
    BITS_CUT,        /* at every byte */
    BITS_REMOVED,    /* the whole file */
    BITS_OLD_FILE,   /* ... as it was after an earlier step */
    BITS_APPENDED,   /* zeros, ones, the file's own last bytes */
    BITS_ZEROED,     /* every sector */
    BITS_OLD_SECTOR, /* ... as it was after an earlier step */
    BITS_COPIED,     /* ... in the place of each other one */
    BITS_SWAPPED,    /* ... and the other way round */
    BITS_RECORDS,    /* every record in the place of each other one of its size */
    BITS_KINDS
};
const char *bits_kind_name(enum bits_kind kind);
const char *bits_end_name(enum specimen_end end); /* "closed" */

struct bits_row {
    uint64_t tried, outcomes[OUTCOMES];
    uint64_t bad; /* outcomes that may not be, of these: wrong ones, and more */
};

struct bits_loop {
    unsigned step;  /* of bits: one in so many; 0: all */
    FILE *progress; /* a terminal to tell progress on, or NULL */

    /* What came of it. */
    struct bits_row totals;
    char what[1200]; /* about the first bad one */
};

/* All of that kind. `row` is filled, and added to the totals. */
void bits_run(struct bits_loop *loop, const struct specimen *s, struct part *part,
              enum bits_kind kind, struct bits_row *row);
/* One bit of it. */
void bits_flip(struct bits_loop *loop, const struct specimen *s, struct part *part, size_t bit,
               struct bits_row *row);

/* A file that can be made anew from others (a hint file) may be damaged without harm; these cannot
 * be: logs and the marker. */
bool bits_is_needed(const struct part *part);
bool bits_is_log(const struct part *part);

#endif
