/* subject.h: the engine under test, chosen by the environment or by subject_choose:
 *
 *   STRATA_STAGE=N           stage N of this build (the newest when it is not set)
 *   STRATA_ENGINE=mine.so    a shared object's `strata_engine` instead of it; it is judged by the
 * promises of stage N, whatever its own table claims
 *
 * A wrong value ends the program with a message. Knows nothing of cmocka. */
#ifndef STRATA_COMMON_CRASH_SUBJECT_H
#define STRATA_COMMON_CRASH_SUBJECT_H

#include "strata_engine.h"

/* Chooses this stage of this build instead of the environment's. Before any other call. */
void subject_choose(const struct strata_stage_info *stage);

/* The engine of the shared object `path`, judged as the stage that was chosen. IO: it cannot be
 * loaded; INVALID: it exports no table, or one that this library cannot use; NOT_SUPPORTED: it
 * bypasses fs.h (probe.h). err->message says which. */
int subject_load(const char *path, struct strata_error *err);

/* In between, a user's engine that calls exit is reported, and the program ends with 7, whatever
 * status the engine passed: an engine that was not judged is not fine. */
void subject_under_way(bool under_way);

/* Stage N: number, name, promises. What is under test is judged by it. */
const struct strata_stage_info *subject_info(void);
bool subject_promises(unsigned bits); /* all of these bits of enum strata_promise? */

/* `true`: databases opened from now on sync only on request: unsynced writes do not survive a power
 * cut, and subject_promises says so. `false`: as the stage does by default. */
void subject_leave_unsynced(bool unsynced);

/* STRATA_BACKGROUND_THREAD, or STRATA_BACKGROUND_SEED=N, and the stage has work in the background:
 * see struct strata_options. */
bool subject_works_in_background(void);

/* The format of a file of that name in a directory of the engine under test, the marker's
 * included; NULL: there is none. A learner's may have no `inspect`. */
const struct strata_format *subject_format(const char *name);

/* The learner's table, with stage and promises of stage N in it; NULL: the built-in one. */
const struct strata_engine *subject_engine(void);
/* What dlopen gave for it; NULL: the built-in one. */
void *subject_object(void);

/* strata_options_init, then stage and engine under test, `fs` (NULL: the real one) and
 * `create`; and, unless env STRATA_SIZES is set, segments and memtables so small that a few
 * dozen operations fill them. Env STRATA_MAPPED_READS: tables are read from mapped files;
 * STRATA_TIERED: they are merged by tiers. */
void subject_options(struct strata_options *options, struct strata_fs *fs, bool create);
/* From now on these options have the engine that `wrap` makes of the one under test; NULL: that
 * one itself. */
void subject_wrap(const struct strata_engine *(*wrap)(const struct strata_engine *));
/* Number of warnings that databases opened with these options have logged; not for several threads.
 */
unsigned long subject_warnings(void);
/* Calls `each` for every such warning, with its text, from now on; NULL: not any more. */
void subject_on_warning(void (*each)(void *arg, const char *message), void *arg);
/* strata_open with these options. */
int subject_open(struct strata_fs *fs, const char *dir, bool create, struct strata **out,
                 struct strata_error *err);

#endif
