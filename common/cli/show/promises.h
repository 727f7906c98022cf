/* promises.h: the promises of a stage as words. */
#ifndef STRATA_COMMON_CLI_PROMISES_H
#define STRATA_COMMON_CLI_PROMISES_H

#include "strata.h"

struct promise {
    unsigned bit;     /* enum strata_promise */
    const char *word; /* "kill" */
    const char *text; /* one line */
};

extern const struct promise promises[]; /* ends with a NULL word */

#endif
