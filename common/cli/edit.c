/* edit.c: libedit (thrysoee.dk/editline; Debian's libedit-dev), or nothing. */
#include "edit.h"

#ifndef STRATA_EDIT

struct edit *cli_edit_new(const char *(*complete)(void *arg, size_t index), void *arg,
                          const char *history)
{
    (void)complete, (void)arg, (void)history;
    return NULL;
}

int cli_edit_free(struct edit *edit)
{
    (void)edit;
    return 0;
}

int cli_edit_line(struct edit *edit, const char *prompt, struct strata_buffer *line)
{
    (void)edit, (void)prompt, (void)line;
    return 0;
}

#else

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HISTORY_LINES 1000

struct edit {
    EditLine *el;
    History *past;
    const char *file; /* of the history, or NULL */
    const char *prompt;
    const char *(*complete)(void *arg, size_t index);
    void *arg;
};

static struct edit *edit_of(EditLine *el)
{
    struct edit *edit = NULL;
    el_get(el, EL_CLIENTDATA, &edit);
    return edit;
}

static char *prompt_of(EditLine *el)
{
    return (char *)edit_of(el)->prompt; /* libedit does not write to it */
}

/* ---- Keys ------------------------------------------------------------------------------ */

/* Ctrl-C: the line is emptied; a new one is begun. */
static unsigned char drop_line(EditLine *el, int key)
{
    const LineInfo *line = el_line(el);

    (void)key;
    el_cursor(el, (int)(line->lastchar - line->cursor));
    el_deletestr(el, (int)(line->lastchar - line->buffer));
    return CC_REFRESH;
}

/* Ctrl-Z. libedit's handler of the signal leaves the terminal in order and comes back to it. */
static unsigned char suspend(EditLine *el, int key)
{
    (void)el, (void)key;
    raise(SIGTSTP);
    return CC_REDISPLAY;
}

/* What all words that begin with the `size` bytes at `text` go on with, into `more`; how many
 * such words there are. */
static size_t common_rest(struct edit *edit, const char *text, size_t size, char *more,
                          size_t capacity)
{
    const char *word;
    size_t count = 0, same;

    for (size_t i = 0; (word = edit->complete(edit->arg, i)) != NULL; i++) {
        if (strncmp(word, text, size) != 0)
            continue;
        if (count++ == 0) {
            snprintf(more, capacity, "%s", word + size);
            continue;
        }
        for (same = 0; more[same] && more[same] == word[size + same]; same++)
            ;
        more[same] = '\0';
    }
    return count;
}

static void list_words(struct edit *edit, const char *text, size_t size)
{
    const char *word;

    putchar('\n');
    for (size_t i = 0; (word = edit->complete(edit->arg, i)) != NULL; i++)
        if (strncmp(word, text, size) == 0)
            printf("%s  ", word);
    putchar('\n');
    fflush(stdout);
}

/* The first word and no other. */
static unsigned char complete_word(EditLine *el, int key)
{
    struct edit *edit = edit_of(el);
    const LineInfo *line = el_line(el);
    size_t size = (size_t)(line->cursor - line->buffer), count;
    char more[64] = "";

    (void)key;
    if (memchr(line->buffer, ' ', size))
        return CC_ERROR;
    count = common_rest(edit, line->buffer, size, more, sizeof more - 1);
    if (count == 1)
        strcat(more, " ");
    if (*more)
        return el_insertstr(el, more) < 0 ? CC_ERROR : CC_REFRESH;
    if (count == 0)
        return CC_ERROR;
    list_words(edit, line->buffer, size);
    return CC_REDISPLAY;
}

/* ---- The editor ------------------------------------------------------------------------ */

/* The wide function keeps the strings; the narrow one keeps copies that it never frees. */
static void add_key(EditLine *el, const wchar_t *name, const wchar_t *help,
                    unsigned char (*function)(EditLine *, int), const wchar_t *key)
{
    el_wset(el, EL_ADDFN, name, help, function);
    el_wset(el, EL_BIND, key, name, NULL);
}

static void set_keys(struct edit *edit)
{
    EditLine *el = edit->el;

    el_set(el, EL_CLIENTDATA, edit);
    el_set(el, EL_PROMPT, prompt_of);
    el_set(el, EL_EDITOR, "emacs");
    el_set(el, EL_SIGNAL, 1); /* whatever ends the program leaves the terminal in order */
    el_set(el, EL_HIST, history, edit->past);
    el_source(el, NULL); /* the user's own ~/.editrc */
    add_key(el, L"strata-complete", L"complete a command", complete_word, L"^I");
    /* While a line is typed, Ctrl-C and Ctrl-Z are keys and send no signal. */
    el_set(el, EL_SETTY, "-d", "-isig", NULL);
    add_key(el, L"strata-drop-line", L"begin the line anew", drop_line, L"^C");
    add_key(el, L"strata-suspend", L"stop until we are continued", suspend, L"^Z");
}

struct edit *cli_edit_new(const char *(*complete)(void *arg, size_t index), void *arg,
                          const char *history_file)
{
    struct edit *edit = calloc(1, sizeof *edit);
    HistEvent event;

    if (!edit)
        return NULL;
    setlocale(LC_CTYPE, ""); /* a character may have more than one byte */
    edit->complete = complete;
    edit->arg = arg;
    edit->file = history_file;
    edit->prompt = "";
    edit->past = history_init();
    edit->el = el_init("strata", stdin, stdout, stderr);
    if (!edit->past || !edit->el) {
        edit->file = NULL;
        cli_edit_free(edit);
        return NULL;
    }
    history(edit->past, &event, H_SETSIZE, HISTORY_LINES);
    history(edit->past, &event, H_SETUNIQUE, 1);
    if (history_file && access(history_file, F_OK) == 0)
        history(edit->past, &event, H_LOAD, history_file);
    set_keys(edit);
    return edit;
}

int cli_edit_free(struct edit *edit)
{
    HistEvent event;
    int rc = 0;

    errno = 0;
    if (edit->file)
        rc = history(edit->past, &event, H_SAVE, edit->file) < 0 ? -1 : 0;
    if (edit->el)
        el_end(edit->el);
    if (edit->past)
        history_end(edit->past);
    free(edit);
    return rc;
}

int cli_edit_line(struct edit *edit, const char *prompt, struct strata_buffer *line)
{
    HistEvent event;
    const char *text;
    int size;

    edit->prompt = prompt;
    text = el_gets(edit->el, &size);
    strata_buffer_clear(line);
    if (!text || size <= 0)
        return 0;
    if (strspn(text, " \t\r\n") < (size_t)size)
        history(edit->past, &event, H_ENTER, text);
    size -= text[size - 1] == '\n';
    return strata_buffer_append(line, text, (size_t)size) == 0;
}

#endif
