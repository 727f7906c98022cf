/* complete.h: completion of the word at the cursor of a line of the shell. */
#ifndef STRATA_COMMON_CLI_COMPLETE_H
#define STRATA_COMMON_CLI_COMPLETE_H

#include "cli/cli.h"
#include "cli/shell/edit.h"

/* What is completed from; both are borrowed. */
struct complete_from {
    struct strata *db; /* open */
    const struct cli_command *const *commands;
};

/* An edit_complete; `from` is a struct complete_from. Of keys, the first 50 and the last one that
 * begin with the word are read, and only from stage 4 on, where they are in order. */
void cli_complete(void *from, const char *line, size_t word, struct edit_choices *choices);

#endif
