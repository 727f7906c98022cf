/* schedule_trace.c: see schedule_trace.h. Kept in memory, and written when all operations are
 * known: what a get found is known at its end. */
#include "schedule_trace.h"

#include "crash/need.h"

#include <execinfo.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FRAMES 24

struct event {
    uint64_t step;
    unsigned thread, to;        /* the baton's numbers */
    const struct linear_op *op; /* NULL: a switch */
    bool ends;
    const char *why;
    void *frames[FRAMES];
    int frame_count;
};

static struct {
    struct event *events;
    size_t count, capacity;
    int crew[BATON_THREADS]; /* by the baton's number; -1: none of the crew */
    bool on;
} trace;

extern const char __executable_start[];

static struct event *new_event(uint64_t step, unsigned thread)
{
    if (trace.count == trace.capacity) {
        trace.capacity = trace.capacity ? 2 * trace.capacity : 256;
        trace.events = need(realloc(trace.events, trace.capacity * sizeof *trace.events));
    }
    trace.events[trace.count] = (struct event){.step = step, .thread = thread};
    return &trace.events[trace.count++];
}

static void note_op(void *arg, const struct linear_op *op)
{
    struct event *event = new_event(baton_steps(), baton_thread());

    (void)arg;
    event->op = op;
    event->ends = op->end != LINEAR_NEVER;
    trace.crew[event->thread] = (int)op->thread;
}

static void note_switch(void *arg, const struct baton_switch *s)
{
    struct event *event = new_event(s->step, s->from);

    (void)arg;
    event->to = s->to;
    event->why = s->why;
    event->frame_count = backtrace(event->frames, FRAMES);
}

void schedule_trace_begin(struct baton_options *options, struct crew *crew)
{
    const char *path = getenv("STRATA_SCHEDULE_TRACE");

    trace.on = path && *path;
    if (!trace.on)
        return;
    trace.count = 0;
    for (unsigned i = 0; i < BATON_THREADS; i++)
        trace.crew[i] = -1;
    options->switched = note_switch;
    crew->noted = note_op;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static const char *name_of(unsigned thread, char text[16])
{
    snprintf(text, 16, "%d", trace.crew[thread]);
    return trace.crew[thread] >= 0 ? text : thread == 0 ? "main" : "work";
}

static void write_parts(FILE *to, const struct event *event)
{
    const struct linear_op *op = event->op;

    for (size_t i = 0; i < op->count; i++)
        if (op->parts[i].value && (op->writes || event->ends))
            fprintf(to, "%s key%u=%" PRIu64, i ? "," : "", op->parts[i].key, op->parts[i].value);
        else
            fprintf(to, "%s key%u%s", i ? "," : "", op->parts[i].key,
                    op->writes    ? " deleted"
                    : event->ends ? "=none"
                                  : "");
}

static void write_op(FILE *to, const struct event *event)
{
    const struct linear_op *op = event->op;
    bool several = op->count > 1;
    const char *name = op->writes ? (several     ? "batch"
                                     : op->count ? "put"
                                                 : "sync")
                                  : (several ? "read" : "get");

    if (op->writes && op->count == 1 && !op->parts[0].value)
        name = "delete";
    fputs(name, to);
    write_parts(to, event);
    if (event->ends && op->writes)
        fputs(op->synced ? ": acknowledged, synced" : ": acknowledged", to);
}

void schedule_trace_end(void)
{
    FILE *to = trace.on ? fopen(getenv("STRATA_SCHEDULE_TRACE"), "w") : NULL;
    char text[16];

    for (size_t i = 0; to && i < trace.count; i++) {
        const struct event *event = &trace.events[i];
        fprintf(to, "%s\t%" PRIu64 "\t%s\t", event->op ? "op" : "switch", event->step,
                name_of(event->thread, text));
        if (event->op) {
            fprintf(to, "%" PRIu64 "\t%s\t", event->ends ? event->op->end : event->op->begin,
                    event->ends ? "ends" : "begins");
            write_op(to, event);
        } else {
            fprintf(to, "%s\t%s\t", name_of(event->to, text), event->why);
            for (int f = 0; f < event->frame_count; f++)
                fprintf(to, "%s0x%zx", f ? " " : "",
                        (size_t)((const char *)event->frames[f] - __executable_start) - 1);
        }
        fputc('\n', to);
    }
    if (to)
        fclose(to);
    free(trace.events);
    trace.events = NULL;
    trace.count = trace.capacity = 0;
    trace.on = false;
}
