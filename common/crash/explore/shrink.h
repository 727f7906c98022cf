/* shrink.h: a violation shown by as short a script as can be found. */
#ifndef STRATA_COMMON_CRASH_SHRINK_H
#define STRATA_COMMON_CRASH_SHRINK_H

#include "crash/explore/explore.h"

/* Leaves out steps of the case's script as long as there is still a violation with that verdict,
 * under the model and by the rules of `how`. `script`, empty before, is what is left; `*shorter`
 * the case as it is with that one. A case that no first crash of a whole script shows stays as it
 * is. `progress`, which may be NULL, is called with the progress, from 0 to 1. */
void shrink(const struct explore *how, const struct explore_case *found, struct script *script,
            struct explore_case *shorter, void (*progress)(void *arg, double share), void *arg);

#endif
