/* aside.h: what a repair replaces goes to DIR/lost. */
#ifndef STRATA_COMMON_ASIDE_H
#define STRATA_COMMON_ASIDE_H

#include "fs/fs.h"
#include "strata_engine.h"

#define ASIDE_DIR "lost"

/* The file has a second name there, or a copy where none can be had, on the device; the first name
 * stays. 0 also when it is not there. IO, NO_MEMORY. */
int aside_keep(const struct strata_env *env, const char *name, struct strata_error *err);
/* Its first name goes. Else the next open does it. */
void aside_drop(const struct strata_env *env, const char *name);
/* All names made are on the device. */
int aside_sync(const struct strata_env *env, struct strata_error *err);

#endif
