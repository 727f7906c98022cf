/* aside.h: what a repair replaces goes to DIR/lost. */
#ifndef STRATA_COMMON_ASIDE_H
#define STRATA_COMMON_ASIDE_H

#include "fs/fs.h"
#include "strata_engine.h"

#define ASIDE_DIR "lost"

/* Gives the file a second name in DIR/lost (or copies it, where links are not possible), durably;
 * the first name stays. 0 also when there is no such file. IO, NO_MEMORY. */
int aside_keep(const struct strata_env *env, const char *name, struct strata_error *err);
/* Removes its first name. If that fails, the next open does it. */
void aside_drop(const struct strata_env *env, const char *name);
/* Makes all new names durable. */
int aside_sync(const struct strata_env *env, struct strata_error *err);

#endif
