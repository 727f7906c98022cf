/* edit.h: a line typed on a terminal: with history, completion, and keys as in
 * Emacs, when the build found libedit (STRATA_EDIT); else there is none of it, and the shell reads
 * plain lines. Ctrl-C empties the line, Ctrl-D on an empty one ends the input. */
#ifndef STRATA_COMMON_CLI_EDIT_H
#define STRATA_COMMON_CLI_EDIT_H

#include "strata.h"

struct edit;

/* What the word before the cursor may become. */
struct edit_choices {
    struct strata_buffer words; /* each with a NUL behind it */
    size_t count;               /* of words */
    bool more;                  /* there are others, between the last two */
};

/* Adds to a zeroed *choices the words that may replace the bytes of `line` from `word` on; `line`
 * ends at the cursor. */
typedef void edit_complete(void *arg, const char *line, size_t word, struct edit_choices *choices);

/* NULL: this build has no editor, or there is no memory. `history` is a file, borrowed, or NULL:
 * kept in memory only. */
struct edit *cli_edit_new(edit_complete *complete, void *arg, const char *history);
/* 0, or -1 and errno if a line could not be written to the history's file. */
int cli_edit_free(struct edit *edit);

/* One line without its end, in place of what `line` held. 1; 0: the input is over. */
int cli_edit_line(struct edit *edit, const char *prompt, struct strata_buffer *line);

#endif
