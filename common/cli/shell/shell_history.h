/* shell_history.h: the file that keeps the lines of the shell from one time to the next. */
#ifndef STRATA_COMMON_CLI_SHELL_HISTORY_H
#define STRATA_COMMON_CLI_SHELL_HISTORY_H

#include "cli/cli.h"

/* The path, to be freed by the caller: --history, or else $STRATA_HISTORY, or else strata/history
 * in $XDG_STATE_HOME or ~/.local/state, whose directories it makes. NULL: nothing is kept
 * (--no-history, an empty name, a device, no home, no memory), or the file is not a history, which
 * is reported. *asked_for: the user named the file; then it is an error if it cannot be written. */
char *shell_history_file(struct cli *cli, bool *asked_for);

#endif
