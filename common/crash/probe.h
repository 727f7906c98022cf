/* probe.h: does an engine reach its files through fs.h? What it does past it no simulated disk
 * sees, and no power cut takes: every other test would pass for nothing. */
#ifndef STRATA_COMMON_CRASH_PROBE_H
#define STRATA_COMMON_CRASH_PROBE_H

#include "strata_engine.h"

/* Opens a database on fs_sim, puts one key and closes it. NOT_SUPPORTED, and `err` tells how it is
 * known: the put was acknowledged and no call of the file layer wrote anything; or a file was made
 * in a directory of the same name on the real file system, which is there for that. Any other
 * failure is for the tests to tell, and 0. For one thread. */
int probe_engine(const struct strata_engine *engine, struct strata_error *err);

#endif
