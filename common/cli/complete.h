/* complete.h: what may stand at the cursor of a line of the shell. */
#ifndef STRATA_COMMON_CLI_COMPLETE_H
#define STRATA_COMMON_CLI_COMPLETE_H

#include "cli/edit.h"

/* An edit_complete; `db` is the open database. Of keys, the first 50 and the last one that begin
 * with the word are read, and only from stage 4 on, where they are in order. */
void cli_complete(void *db, const char *line, size_t word, struct edit_choices *choices);

#endif
