/* cost.c: see cost.h. */
#include "base/cost.h"

_Thread_local struct cost cost_so_far;
