/* lines.h: the lines that the shell reads, from an editor or plain. */
#ifndef STRATA_COMMON_CLI_LINES_H
#define STRATA_COMMON_CLI_LINES_H

#include "cli/shell/edit.h"

#include <stdio.h>

#define LINES_MOST ((size_t)16 << 20) /* bytes of a plain line */

struct lines {
    struct edit *edit; /* owned; NULL: plain lines */
    int fd;
    FILE *prompt_to; /* borrowed; NULL: no prompt */
    uint64_t number; /* of the line that was read last, from 1 */

    struct strata_buffer
        read; /* private, as the next: input, `taken` bytes of it already returned */
    size_t taken;
    bool over;
};

enum lines_result {
    LINES_LINE,        /* without its end, and with a NUL behind it that does not count */
    LINES_OVER,        /* there are no more */
    LINES_TOO_LONG,    /* more than LINES_MOST bytes: the line is passed over */
    LINES_INTERRUPTED, /* a signal came: what was typed of the line is dropped */
    LINES_FAILED       /* errno says why */
};

void lines_free(struct lines *lines); /* but for the editor */
/* The next line, in place of what `line` held. */
enum lines_result lines_next(struct lines *lines, const char *prompt, struct strata_buffer *line);

#endif
