/* words.h: a line of the shell as words.
 *
 * Blanks part words; in '...' or "..." they do not, and the quotes fall away. Escapes are not
 * touched: \xNN, \t, \n, \r and \\ mean to each command what they mean on the command line, inside
 * of quotes and outside. So a quote in a word is \x27 or \x22, or is between quotes of the
 * other kind. A line whose first word begins with # has no words. */
#ifndef STRATA_COMMON_CLI_WORDS_H
#define STRATA_COMMON_CLI_WORDS_H

#include <stddef.h>

struct words {
    char **words; /* borrowed from the line */
    size_t count, capacity;
    const char *fault; /* after a failure: why, as a sentence without its end */
    size_t column;     /* ... and where, from 1 */
};

/* Cuts `line` up in place. 0, or -1 and the reason in *words: a quote that is not closed, or more
 * words than fit. */
int words_split(struct words *words, char *line);

#endif
