/* glob.h: patterns as Redis' KEYS has them: * ? [a-z] [^a] and \ for one of these as itself. */
#ifndef STRATA_14_GLOB_H
#define STRATA_14_GLOB_H

#include "strata.h"

/* Takes at most pattern times text steps. */
bool glob_matches(struct strata_slice pattern, struct strata_slice text);

#endif
