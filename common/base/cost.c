/* cost.c: see cost.h. */
#include "base/cost.h"

#include <string.h>

_Thread_local struct strata_counters cost_so_far;

void strata_counters(struct strata_counters *out, size_t size)
{
    memset(out, 0, size);
    memcpy(out, &cost_so_far, size < sizeof cost_so_far ? size : sizeof cost_so_far);
}
