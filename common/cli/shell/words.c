/* words.c: see words.h. What is kept of a word is moved to its front: it only gets shorter. */
#include "cli/shell/words.h"

#include <string.h>

static int fail(struct words *words, const char *fault, size_t at)
{
    words->fault = fault;
    words->column = at + 1;
    return -1;
}

/* The word at `*at` of the line, to where its end is put; moves *at behind it. */
static int take_word(struct words *words, char *line, size_t *at)
{
    size_t from = *at, to = from, opened = 0;
    char quote = '\0';

    for (; line[from] && (quote || !strchr(" \t", line[from])); from++) {
        char c = line[from];
        if (quote ? c == quote : c == '\'' || c == '"') {
            quote = quote ? '\0' : c;
            opened = from;
            continue;
        }
        line[to++] = c;
    }
    if (quote)
        return fail(words, "this quote is never closed", opened);
    *at = from + (line[from] != '\0');
    line[to] = '\0';
    return 0;
}

int words_split(struct words *words, char *line)
{
    size_t at = 0, end = strlen(line);

    words->count = 0;
    if (end && line[end - 1] == '\r') /* of a line end in two bytes */
        line[end - 1] = '\0';
    for (;;) {
        at += strspn(line + at, " \t");
        if (!line[at] || (!words->count && line[at] == '#'))
            return 0;
        if (words->count == words->capacity)
            return fail(words, "more words than any command takes", at);
        words->words[words->count++] = line + at;
        if (take_word(words, line, &at) < 0)
            return -1;
    }
}
