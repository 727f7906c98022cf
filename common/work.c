/* work.c: see work.h. */
#include "work.h"

_Thread_local struct work work_done;
