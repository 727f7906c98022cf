/* edit.h: a line typed on a terminal: with history, completion of the first word, and keys as in
 * Emacs, when the build found libedit (STRATA_EDIT); else there is none of it, and the shell reads
 * plain lines. Ctrl-C empties the line, Ctrl-D on an empty one ends the input. */
#ifndef STRATA_COMMON_CLI_EDIT_H
#define STRATA_COMMON_CLI_EDIT_H

#include "strata.h"

struct edit;

/* NULL: this build has no editor, or there is no memory. `complete(arg, i)` is word number `i`
 * from 0, NULL past the last one; `history` is a file, or NULL: kept in memory only. */
struct edit *cli_edit_new(const char *(*complete)(void *arg, size_t index), void *arg,
                          const char *history);
/* Writes the history to its file, if there is one. 0, or -1 and errno. */
int cli_edit_free(struct edit *edit);

/* One line without its end, in place of what `line` held. 1; 0: the input is over. */
int cli_edit_line(struct edit *edit, const char *prompt, struct strata_buffer *line);

#endif
