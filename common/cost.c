/* cost.c: see cost.h. */
#include "cost.h"

_Thread_local struct cost cost_so_far;
