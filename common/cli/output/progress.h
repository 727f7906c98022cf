/* progress.h: one line on a terminal that says how far a long command is, how fast it goes and
 * how long it will take:
 *
 *   load [=============>                ]  44%  13.1 MB/s  98123 records/s  0:12 left
 *
 * Shown on a terminal only, drawn at most ten times a second, and cleared before anything else
 * is written to the same stream. */
#ifndef STRATA_COMMON_PROGRESS_H
#define STRATA_COMMON_PROGRESS_H

#include "strata.h"

#include <stdio.h>

struct progress {
    FILE *to;          /* borrowed */
    const char *what;  /* borrowed: "load" */
    bool shown;        /* `to` is a terminal that can go back to the start of a line */
    bool drawn;        /* the line is on the screen now */
    uint64_t begun_ns; /* of the monotonic clock, as the next */
    uint64_t drawn_ns;
};

/* How far it is. */
struct progress_state {
    uint64_t done_bytes, total_bytes; /* total 0: not known */
    uint64_t records;                 /* 0: not counted */
    double seconds;                   /* since the beginning */
    const char *unit;                 /* what records are; the bytes are no bytes then, and have
                                       * no speed. NULL: records */
};

void progress_init(struct progress *p, FILE *to, const char *what);
/* Draws the line if it is shown and time has passed. state->seconds is not looked at. */
void progress_tick(struct progress *p, const struct progress_state *state);
void progress_clear(struct progress *p); /* takes the line off the screen, if it is there */
double progress_seconds(const struct progress *p); /* since progress_init */

/* How wide the terminal is; 80 if it is none. */
unsigned progress_columns(FILE *to);

/* The line itself, for a screen `columns` wide: no line end, cut where the screen ends. Writes to
 * `to` (capacity > 0) and returns it. */
char *progress_line(const char *what, const struct progress_state *state, unsigned columns,
                    char *to, size_t capacity);

#endif
