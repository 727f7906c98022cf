/* edit.c: libedit (thrysoee.dk/editline; Debian's libedit-dev), or nothing. */
#include "cli/shell/edit.h"

#ifndef STRATA_EDIT

struct edit *cli_edit_new(edit_complete *complete, void *arg, const char *history)
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
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#define HISTORY_LINES 1000

struct edit {
    EditLine *el;
    History *past;
    const char *file; /* of the history, or NULL */
    int unkept;       /* errno of the last line that could not be written to it, or 0 */
    const char *prompt;
    edit_complete *complete;
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
    const LineInfoW *line = el_wline(el); /* it is counted in characters */

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

/* Bytes of the character, or the escape, that `text` begins with. */
static size_t unit_of(const char *text)
{
    size_t size = 1;

    if (text[0] == '\\')
        return text[1] == 'x' ? 4 : 2;
    while (((unsigned char)text[size] & 0xc0) == 0x80)
        size++;
    return size;
}

/* Bytes that all choices begin with; no character or escape is cut. */
static size_t common_size(const struct edit_choices *choices)
{
    const char *first = (const char *)choices->words.data, *word = first;
    size_t common = strlen(first), at = 0;

    for (size_t i = 0; i < choices->count; i++, word += strlen(word) + 1) {
        size_t same = 0;
        while (same < common && word[same] == first[same])
            same++;
        common = same;
    }
    while (at < common && at + unit_of(first + at) <= common)
        at += unit_of(first + at);
    return at;
}

static void list_choices(const struct edit_choices *choices)
{
    const char *word = (const char *)choices->words.data;

    putchar('\n');
    for (size_t i = 0; i < choices->count; i++, word += strlen(word) + 1)
        printf("%s%s  ", choices->more && i + 1 == choices->count ? "...  " : "", word);
    putchar('\n');
    fflush(stdout);
}

/* What the terminal's characters cannot hold is not inserted. */
static unsigned char replace_word(EditLine *el, const char *old, const char *word)
{
    const LineInfoW *line = el_wline(el);
    const wchar_t *from = line->cursor;

    while (from > line->buffer && from[-1] != L' ' && from[-1] != L'\t')
        from--;
    el_deletestr(el, (int)(line->cursor - from));
    if (el_insertstr(el, word) == 0)
        return CC_REFRESH;
    el_insertstr(el, old);
    return CC_ERROR;
}

/* Completes the word with what all choices have in common; if that is nothing, lists the choices.
 */
static unsigned char take_choices(EditLine *el, const char *word,
                                  const struct edit_choices *choices)
{
    const char *first = (const char *)choices->words.data;
    size_t common = common_size(choices);
    bool whole = choices->count == 1, open = whole && first[common ? common - 1 : 0] == '/';
    char *text;
    unsigned char result;

    if (!whole && common == strlen(word) && memcmp(first, word, common) == 0) {
        list_choices(choices);
        return CC_REDISPLAY;
    }
    text = malloc(common + 2);
    if (!text)
        return CC_ERROR;
    snprintf(text, common + 2, "%.*s%s", (int)common, first, whole && !open ? " " : "");
    result = replace_word(el, word, text);
    free(text);
    return result;
}

static unsigned char complete_word(EditLine *el, int key)
{
    struct edit *edit = edit_of(el);
    const LineInfo *line = el_line(el);
    struct edit_choices choices = {0};
    size_t size = (size_t)(line->cursor - line->buffer), word = size;
    char *before = strndup(line->buffer, size);
    unsigned char result = CC_ERROR;

    (void)key;
    while (word > 0 && line->buffer[word - 1] != ' ' && line->buffer[word - 1] != '\t')
        word--;
    if (before)
        edit->complete(edit->arg, before, word, &choices);
    if (choices.count > 0)
        result = take_choices(el, before + word, &choices);
    strata_buffer_free(&choices.words);
    free(before);
    return result;
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
    add_key(el, L"strata-complete", L"complete a word", complete_word, L"^I");
    /* While a line is typed, Ctrl-C and Ctrl-Z are keys and send no signal. */
    el_set(el, EL_SETTY, "-d", "-isig", NULL);
    add_key(el, L"strata-drop-line", L"begin the line anew", drop_line, L"^C");
    add_key(el, L"strata-suspend", L"stop until we are continued", suspend, L"^Z");
}

/* ---- The history ----------------------------------------------------------------------- */

static void load_history(History *past, const char *file)
{
    HistEvent event;

    history(past, &event, H_SETSIZE, HISTORY_LINES);
    history(past, &event, H_SETUNIQUE, 1);
    if (file && access(file, F_OK) == 0)
        history(past, &event, H_LOAD, file);
}

/* Adds a line to the file as it is now: another shell may have written to it. At once, as the
 * terminal may go away at any time. */
static void keep_line(struct edit *edit, const char *text)
{
    History *kept = history_init();
    mode_t mask = umask(077); /* for its owner alone */
    HistEvent event;

    errno = ENOMEM;
    if (kept) {
        load_history(kept, edit->file);
        errno = 0;
        history(kept, &event, H_ENTER, text);
    }
    if (!kept || history(kept, &event, H_SAVE, edit->file) < 0)
        edit->unkept = errno ? errno : EIO;
    if (kept)
        history_end(kept);
    umask(mask);
}

struct edit *cli_edit_new(edit_complete *complete, void *arg, const char *history_file)
{
    struct edit *edit = calloc(1, sizeof *edit);

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
        cli_edit_free(edit);
        return NULL;
    }
    load_history(edit->past, history_file);
    set_keys(edit);
    return edit;
}

int cli_edit_free(struct edit *edit)
{
    int unkept = edit->unkept;

    if (edit->el)
        el_end(edit->el);
    if (edit->past)
        history_end(edit->past);
    free(edit);
    errno = unkept;
    return unkept ? -1 : 0;
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
    if (strspn(text, " \t\r\n") < (size_t)size) {
        history(edit->past, &event, H_ENTER, text);
        if (edit->file)
            keep_line(edit, text);
    }
    size -= text[size - 1] == '\n';
    return strata_buffer_append(line, text, (size_t)size) == 0;
}

#endif
