/* told.c: see told.h. */
#include "told.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool held, const char *what)
{
    if (held)
        return;
    fprintf(stderr, "told: %s\n", what);
    abort();
}

static void tell(struct told *told, const struct entries *entries, enum entries_result result)
{
    char *to = told->text + told->size;
    size_t room = sizeof told->text - told->size, size = 0;

    if (result == ENTRIES_ENTRY)
        size = (size_t)snprintf(
            to, room, "%d[%.*s=%.*s] ", (int)entries->line, (int)entries->key.size,
            entries->key.data ? (const char *)entries->key.data : "", (int)entries->value.size,
            entries->value.data ? (const char *)entries->value.data : "");
    if (result == ENTRIES_FAULT)
        size = (size_t)snprintf(to, room, "%d:%d!%d", (int)entries->line, (int)entries->column,
                                (int)entries->fault);
    told->size += size < room ? size : room - 1;
}

/* True: the fault is behind us. */
static bool skipped(struct entries *entries, enum entries_result result, const struct told_how *how,
                    struct told *told)
{
    if (result != ENTRIES_FAULT || !how->skip || !entries_skip(entries))
        return false;
    if (told->size + 1 < sizeof told->text)
        strcpy(told->text + told->size++, " ");
    return true;
}

/* All that ends in a piece. */
static enum entries_result feed(struct entries *entries, struct strata_slice piece,
                                const struct told_how *how, struct told *told)
{
    uint8_t *copy = malloc(piece.size);
    struct strata_slice input = {copy, piece.size};
    enum entries_result result;

    must(copy, "out of memory");
    memcpy(copy, piece.data, piece.size);
    do {
        result = entries_feed(entries, &input);
        tell(told, entries, result);
    } while (result == ENTRIES_ENTRY || skipped(entries, result, how, told));
    must(result == ENTRIES_FAULT || input.size == 0, "input was left over");
    free(copy);
    return result;
}

static void decode(enum entries_format format, enum text_form form, const struct told_how *how,
                   struct strata_slice text, size_t piece, struct told *told)
{
    enum entries_result result = ENTRIES_MORE;
    struct entries entries;

    told->size = 0;
    told->text[0] = '\0';
    entries_init(&entries, format, form);
    if (how->key)
        entries_want(&entries, how->key, how->value, how->all);
    while (text.size && result != ENTRIES_FAULT) {
        size_t size = text.size < piece ? text.size : piece;
        result = feed(&entries, strata_bytes(text.data, size), how, told);
        text = strata_bytes(text.data + size, text.size - size);
    }
    if (result != ENTRIES_FAULT) {
        result = entries_finish(&entries);
        tell(told, &entries, result);
        skipped(&entries, result, how, told);
        if (result == ENTRIES_ENTRY)
            must(entries_finish(&entries) == ENTRIES_MORE, "an entry came twice");
    }
    entries_free(&entries);
}

void told_decode(enum entries_format format, enum text_form form, struct strata_slice text,
                 size_t piece, struct told *told)
{
    decode(format, form, &(struct told_how){0}, text, piece, told);
}

static const char *in_all_pieces(enum entries_format format, enum text_form form,
                                 const struct told_how *how, struct strata_slice text)
{
    static struct told whole;

    decode(format, form, how, text, text.size + 1, &whole);
    for (size_t piece = 1; piece <= text.size; piece++) {
        struct told pieces;
        decode(format, form, how, text, piece, &pieces);
        if (strcmp(pieces.text, whole.text) != 0)
            fprintf(stderr, "in pieces of %zu: %s\nat once: %s\n", piece, pieces.text, whole.text);
        must(strcmp(pieces.text, whole.text) == 0, "pieces tell something else");
    }
    return whole.text;
}

const char *told_of(enum entries_format format, enum text_form form, struct strata_slice text)
{
    return in_all_pieces(format, form, &(struct told_how){0}, text);
}

const char *told_of_how(enum entries_format format, struct strata_slice text,
                        const struct told_how *how)
{
    return in_all_pieces(format, TEXT_ESCAPED, how, text);
}

static bool put(void *arg, struct strata_slice text)
{
    must(strata_buffer_append(arg, text.data, text.size) == 0, "out of memory");
    return true;
}

struct text_sink told_sink(struct strata_buffer *to)
{
    return (struct text_sink){put, to};
}

static bool put_few(void *arg, struct strata_slice text)
{
    struct told_refusal *refusal = arg;
    (void)text;
    if (refusal->left == 0)
        return false;
    refusal->left--;
    return true;
}

struct text_sink told_refusing_sink(struct told_refusal *refusal)
{
    return (struct text_sink){put_few, refusal};
}
