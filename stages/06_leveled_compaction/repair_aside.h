/* repair_aside.h: files that do not count any more go to DIR/lost. */
#ifndef STRATA_06_REPAIR_ASIDE_H
#define STRATA_06_REPAIR_ASIDE_H

#include "repair.h"

/* The file has a second name there, or a copy where none can be had, on the device; the first name
 * stays. 0 also when it is not there. IO, NO_MEMORY. */
int aside_keep(const struct repair *repair, const char *name, struct strata_error *err);
/* Its first name goes. Else the next open does it. */
void aside_drop(const struct repair *repair, const char *name);
/* All names made are on the device. */
int aside_sync(const struct repair *repair, struct strata_error *err);

#endif
