/* stages.h: the stages in this build; the table is written by the Makefile from the directories
 * under stages/. */
#ifndef STRATA_COMMON_STAGES_H
#define STRATA_COMMON_STAGES_H

#include "strata_engine.h"

extern const struct strata_engine *const strata_stages[]; /* in order; NULL-terminated */

#endif
