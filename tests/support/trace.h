/* trace.h: what a test asked of the engine, and what it left on the disk, for `make check` to show.
 *
 *   STRATA_TRACE=FILE    every operation goes to FILE as it begins, and how it ended; the files of
 * the test's database are copied to the directory FILE.disk when the test ends
 *
 * Without it nothing is done. */
#ifndef STRATA_TESTS_TRACE_H
#define STRATA_TESTS_TRACE_H

#include "fs/fs.h"
#include "strata_engine.h"

/* The engine, traced if that is asked for. */
const struct strata_engine *trace_engine(const struct strata_engine *engine);
/* Copies the files of `dir`, if there is such a directory. */
void trace_disk(struct strata_fs *fs, const char *dir);

#endif
