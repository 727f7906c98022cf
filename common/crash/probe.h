/* probe.h: does an engine reach its files through fs.h? If it bypasses fs.h, the simulated disk
 * sees nothing and loses nothing: every other test would pass without testing anything. */
#ifndef STRATA_COMMON_CRASH_PROBE_H
#define STRATA_COMMON_CRASH_PROBE_H

#include "strata_engine.h"

/* Opens a database on fs_sim, puts one key and closes it. NOT_SUPPORTED if the engine bypasses
 * fs.h, with the evidence in `err`: the put was acknowledged and no call of the file layer wrote
 * anything; or a file was made in a directory of the same name on the real file system, which
 * exists for this test. Any other failure is left to the tests; then 0. For one thread. */
int probe_engine(const struct strata_engine *engine, struct strata_error *err);

#endif
