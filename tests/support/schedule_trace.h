/* schedule_trace.h: what each thread did in a drawn schedule, and where it stopped, written to the
 * file that STRATA_SCHEDULE_TRACE names. tests/tools/schedule.sh makes lines for a reader of it:
 *
 *     op STEP THREAD TIME begins|ends WHAT    fields are tab-separated; TIME: the history's
 *     switch STEP THREAD TO WHY ADDRESS...    its stack, the innermost call first: what addr2line
 *                                             takes; WHY: what it waits for, or ""
 *
 * THREAD is the crew's number, or "main" or "work": who opened, and who works in the background. */
#ifndef STRATA_TESTS_SCHEDULE_TRACE_H
#define STRATA_TESTS_SCHEDULE_TRACE_H

#include "crew.h"

#include "crash/concurrency/baton.h"

/* Before the run; nothing, unless the environment asks for a trace. */
void schedule_trace_begin(struct baton_options *options, struct crew *crew);
/* Writes it: while the crew's history is there. From a signal handler, too: the program ends. */
void schedule_trace_end(void);

#endif
