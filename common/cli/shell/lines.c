/* lines.c: see lines.h. Plain lines are read without stdio, which would go on reading after a
 * signal. */
#include "cli/shell/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PIECE 65536 /* bytes a read */

void lines_free(struct lines *lines)
{
    strata_buffer_free(&lines->read);
}

/* Takes `size` bytes as a line, and `end` bytes behind them as its end. */
static enum lines_result take(struct lines *lines, size_t size, size_t end,
                              struct strata_buffer *line)
{
    const uint8_t *at = size ? lines->read.data + lines->taken : NULL;

    lines->taken += size + end;
    if (size > LINES_MOST)
        return LINES_TOO_LONG;
    if (strata_buffer_append(line, at, size) < 0 || strata_buffer_append(line, "", 1) < 0) {
        errno = ENOMEM;
        return LINES_FAILED;
    }
    line->size--;
    return LINES_LINE;
}

static void forget(struct lines *lines, size_t keep)
{
    size_t left = lines->read.size - lines->taken;

    if (left)
        memmove(lines->read.data, lines->read.data + lines->taken, left);
    lines->read.size = left < keep ? left : keep;
    lines->taken = 0;
}

/* More input. Of a line that is too long already only so much is kept that it shows. */
static enum lines_result read_more(struct lines *lines)
{
    uint8_t piece[PIECE];
    ssize_t got;

    forget(lines, LINES_MOST + 1);
    got = read(lines->fd, piece, sizeof piece);
    if (got < 0 && errno == EINTR) {
        lines->read.size = 0;
        return LINES_INTERRUPTED;
    }
    if (got < 0)
        return LINES_FAILED;
    lines->over = got == 0;
    if (got > 0 && strata_buffer_append(&lines->read, piece, (size_t)got) < 0) {
        errno = ENOMEM;
        return LINES_FAILED;
    }
    return LINES_LINE;
}

static enum lines_result next_plain(struct lines *lines, struct strata_buffer *line)
{
    size_t seen = 0; /* bytes without a line end */

    for (;;) {
        size_t size = lines->read.size - lines->taken;
        const uint8_t *from = size ? lines->read.data + lines->taken : NULL, *end = NULL;
        enum lines_result result;
        if (size > seen)
            end = memchr(from + seen, '\n', size - seen);
        if (end)
            return take(lines, (size_t)(end - from), 1, line);
        if (lines->over)
            return size ? take(lines, size, 0, line) : LINES_OVER;
        seen = size < LINES_MOST + 1 ? size : LINES_MOST + 1;
        result = read_more(lines);
        if (result != LINES_LINE)
            return result;
    }
}

static enum lines_result next_edited(struct lines *lines, const char *prompt,
                                     struct strata_buffer *line)
{
    if (!cli_edit_line(lines->edit, prompt, line))
        return LINES_OVER;
    if (strata_buffer_append(line, "", 1) < 0) {
        errno = ENOMEM;
        return LINES_FAILED;
    }
    line->size--;
    return LINES_LINE;
}

enum lines_result lines_next(struct lines *lines, const char *prompt, struct strata_buffer *line)
{
    lines->number++;
    strata_buffer_clear(line);
    if (lines->edit)
        return next_edited(lines, prompt, line);
    if (lines->prompt_to) {
        fputs(prompt, lines->prompt_to);
        fflush(lines->prompt_to);
    }
    return next_plain(lines, line);
}
