/* events.h: DIR/EVENTS: what happened to the tables, a line an event, for people and for `strata
 * timeline`. Nothing relies on it: it is written without a sync, a line that is torn or damaged is
 * skipped, and an event that cannot be written is left out. A tree writes it by a
 * listener (stages/07_paced_compaction/events/event_log.c). */
#ifndef STRATA_COMMON_EVENTS_H
#define STRATA_COMMON_EVENTS_H

#include "fs/fs.h"
#include "strata_engine.h"

#define EVENTS_NAME "EVENTS"
#define EVENTS_OLD "EVENTS.old" /* what was it before, when it had half of the budget */
#define EVENTS_MAGIC "{\"event\""
#define EVENTS_MOST ((size_t)1 << 30) /* bytes of a file that is read; a larger one is no log */
#define EVENTS_STALL_NS ((uint64_t)10000000)

/* ---- events_line.c: a line ------------------------------------------------------------------- */

const char *events_name(enum strata_event_type type);
/* Appends the event as a line, its end included. Of keys it takes the first bytes. That memory is
 * out is noted in the buffer. */
void events_encode(const struct strata_event *event, struct strata_buffer *to);
/* A line without its end. Its keys' bytes are put into `keys`. STRATA_NOT_FOUND: it is damaged, or
 * an event that this version does not know; NO_MEMORY. */
int events_decode(struct strata_slice line, struct strata_event *event, struct strata_buffer *keys);
/* Its check holds: it was written here, or by a later version. */
bool events_is_whole(struct strata_slice line);
/* Cuts the next line off; its end is not in it. False: there is none. An empty line is none. */
bool events_next_line(struct strata_slice *rest, struct strata_slice *line);
/* Decodes all lines, also those that are damaged or not known. NO_MEMORY. */
int events_each(struct strata_slice lines,
                void (*each)(void *arg, const struct strata_event *event), void *arg,
                struct strata_error *err);

/* ---- events.c: the files --------------------------------------------------------------------- */

struct events {
    const struct strata_env *env;
    struct fs_file *file;       /* NULL: nothing was written yet */
    struct strata_buffer lines; /* to be written by one call */
    uint64_t opened_ns;
    _Atomic uint64_t written; /* bytes; others look */
    unsigned stalls;          /* logged since something else was */
    bool off;                 /* none is kept */
    bool failed;              /* the last event could not be written */
    bool begun;               /* the opening of the database was logged */
};

/* By one thread at a time, all of these. */
void events_init(struct events *events, const struct strata_env *env);
void events_free(struct events *events);
/* Before lines are added: is there a file for them? `*fresh`: it is empty, or events
 * before these are missing. */
bool events_begin(struct events *events, bool *fresh);
/* Writes the lines. */
void events_write(struct events *events);
/* All lines of both files into `lines`, the oldest first. IO, NO_MEMORY. */
int events_read(const struct strata_env *env, struct strata_buffer *lines,
                struct strata_error *err);

/* events_inspect.c: warns, in the log, of lines that cannot be read. */
void events_check(const struct strata_env *env);

extern const struct strata_format events_format; /* events_inspect.c */

#endif
