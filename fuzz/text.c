/* text.c: any bytes as text that is decoded, and as bytes that are encoded.
 *
 *   - Encoded text has no control character, is valid UTF-8, and decodes to the same bytes;
 * encoding what was decoded and decoding that gives the same bytes again.
 *   - Cut into pieces anywhere, text decodes to the same, or has the same fault at the same place.
 *   - A fault has a name and a place inside the text; nothing goes beyond the decoder's limit.
 *   - Lines: the same of entries, with line and column; entries written as lines are read back.
 *   - Memory is bounded by the size of the text. */
#include "text.h"
#include "fuzz.h"
#include "memory.h"
#include "tsv.h"

#include <string.h>
#include <xxhash.h>

static bool same(const struct strata_buffer *a, const struct strata_buffer *b)
{
    return strata_compare(strata_buffer_slice(a), strata_buffer_slice(b)) == 0;
}

/* ---- The codec ------------------------------------------------------------------------- */

/* Appends the text of `bytes`, made in a small array. */
static void encode(enum text_form form, struct strata_slice bytes, size_t capacity,
                   struct strata_buffer *to)
{
    uint8_t piece[128];

    while (bytes.size) {
        size_t used = text_encode(form, &bytes, piece, capacity);
        require(used && used <= capacity, "%zu bytes in a place for %zu", used, capacity);
        strata_buffer_append(to, piece, used);
    }
}

static void check_printable(struct strata_slice text)
{
    while (text.size) {
        size_t size = text_utf8_size(text);
        require(size, "encoded text is not UTF-8");
        require(size > 1 || (text.data[0] >= 0x20 && text.data[0] != 0x7f), "a control character");
        text.data += size;
        text.size -= size;
    }
}

static void check_encoding(enum text_form form, struct strata_slice bytes)
{
    struct strata_buffer text = {0}, back = {0};
    uint64_t at;

    encode(form, bytes, TEXT_UNIT + bytes.size % 64, &text);
    check_printable(strata_buffer_slice(&text));
    require(text_decode(form, strata_buffer_slice(&text), bytes.size, &back, &at) == TEXT_FINE,
            "encoded text does not decode, at %llu", (unsigned long long)at);
    require(strata_compare(strata_buffer_slice(&back), bytes) == 0, "other bytes come back");
    strata_buffer_free(&text);
    strata_buffer_free(&back);
}

/* Pieces of 1 to 16 bytes, no two rounds alike. */
static size_t next_piece(size_t left, size_t *turn)
{
    size_t size = 1 + *turn * *turn % 17 % 16;
    *turn += 1 + left % 3;
    return size < left ? size : left;
}

static void check_pieces(enum text_form form, struct strata_slice text, size_t limit,
                         enum text_fault whole, uint64_t at, const struct strata_buffer *bytes)
{
    struct strata_buffer to = {0};
    struct text_decoder d;
    enum text_fault fault = TEXT_FINE;
    size_t turn = 0;

    text_decoder_init(&d, form, limit);
    while (text.size && fault == TEXT_FINE) {
        size_t size = next_piece(text.size, &turn);
        fault = text_feed(&d, strata_bytes(text.data, size), &to);
        text.data += size;
        text.size -= size;
    }
    if (fault == TEXT_FINE)
        fault = text_finish(&d);
    require(fault == whole, "in pieces: %s; whole: %s", text_fault_name(fault),
            text_fault_name(whole));
    require(fault == TEXT_FINE || d.mark == at, "in pieces at %llu, whole at %llu",
            (unsigned long long)d.mark, (unsigned long long)at);
    require(fault != TEXT_FINE || same(&to, bytes), "in pieces other bytes");
    strata_buffer_free(&to);
}

static void check_decoding(enum text_form form, struct strata_slice text, size_t limit)
{
    struct strata_buffer bytes = {0};
    enum text_fault fault;
    uint64_t at;

    memory_watch(memory_limit(text.size));
    fault = text_decode(form, text, limit, &bytes, &at);
    memory_watched();
    require(bytes.size <= limit, "%zu bytes beyond the limit of %zu", bytes.size, limit);
    require(fault != TEXT_NO_MEMORY && text_fault_name(fault)[0], "fault %d", (int)fault);
    require(fault == TEXT_FINE || at <= text.size, "a fault at %llu of %zu bytes",
            (unsigned long long)at, text.size);
    check_pieces(form, text, limit, fault, at, &bytes);
    if (fault == TEXT_FINE)
        check_encoding(form, strata_buffer_slice(&bytes));
    strata_buffer_free(&bytes);
}

/* ---- Lines ----------------------------------------------------------------------------- */

/* What came of some lines. */
struct outcome {
    uint64_t entries, hash; /* of all keys and values in order */
    enum text_fault fault;  /* and its place */
    uint64_t line, column;
};

static void take_entry(const struct tsv *tsv, enum text_form form, struct outcome *outcome,
                       struct strata_buffer *again)
{
    struct strata_slice key = strata_buffer_slice(&tsv->key);
    struct strata_slice value = strata_buffer_slice(&tsv->value);

    outcome->entries++;
    outcome->hash = XXH3_64bits_withSeed(key.data, key.size, outcome->hash + key.size);
    outcome->hash = XXH3_64bits_withSeed(value.data, value.size, outcome->hash + value.size);
    if (!again)
        return;
    encode(form, key, 64, again);
    strata_buffer_append(again, "\t", 1);
    encode(form, value, 64, again);
    strata_buffer_append(again, "\n", 1);
}

static enum tsv_result feed(struct tsv *tsv, struct strata_slice piece, struct outcome *outcome,
                            struct strata_buffer *again)
{
    enum tsv_result result;
    while ((result = tsv_feed(tsv, &piece)) == TSV_ENTRY)
        take_entry(tsv, tsv->form, outcome, again);
    require(result == TSV_FAULT || piece.size == 0, "%zu bytes are left over", piece.size);
    return result;
}

/* Decodes all lines, whole or in pieces; with `again` writes them anew. */
static struct outcome read_lines(enum text_form form, struct strata_slice text, bool in_pieces,
                                 struct strata_buffer *again)
{
    struct outcome outcome = {0};
    enum tsv_result result = TSV_MORE;
    size_t turn = 0;
    struct tsv tsv;

    tsv_init(&tsv, form);
    while (text.size && result == TSV_MORE) {
        size_t size = in_pieces ? next_piece(text.size, &turn) : text.size;
        result = feed(&tsv, strata_bytes(text.data, size), &outcome, again);
        text.data += size;
        text.size -= size;
    }
    if (result == TSV_MORE && (result = tsv_finish(&tsv)) == TSV_ENTRY)
        take_entry(&tsv, form, &outcome, again);
    if (result == TSV_FAULT) {
        outcome.fault = tsv.fault;
        outcome.line = tsv.line;
        outcome.column = tsv.column;
    }
    tsv_free(&tsv);
    return outcome;
}

/* The line of that number, its end not counted; `*last`: there is none after it. */
static size_t line_size(struct strata_slice text, uint64_t number, bool *there)
{
    const uint8_t *newline;

    for (; number > 1; number--) {
        newline = text.size ? memchr(text.data, '\n', text.size) : NULL;
        if (!newline) {
            *there = false;
            return 0;
        }
        text.size -= (size_t)(newline + 1 - text.data);
        text.data = newline + 1;
    }
    *there = true;
    newline = text.size ? memchr(text.data, '\n', text.size) : NULL;
    return newline ? (size_t)(newline - text.data) : text.size;
}

static void check_place(const struct outcome *outcome, struct strata_slice text)
{
    bool there;
    size_t size = line_size(text, outcome->line, &there);

    require(outcome->line > 0 && there, "a fault in line %llu, which is not there",
            (unsigned long long)outcome->line);
    require(outcome->column > 0 && outcome->column <= size + 1, "column %llu of a line of %zu",
            (unsigned long long)outcome->column, size);
    require(outcome->fault != TEXT_NO_MEMORY && text_fault_name(outcome->fault)[0], "fault %d",
            (int)outcome->fault);
}

static void check_lines(enum text_form form, struct strata_slice text)
{
    struct strata_buffer again = {0};
    struct outcome whole, pieces, back;

    memory_watch(memory_limit(text.size));
    pieces = read_lines(form, text, true, NULL);
    memory_watched();
    whole = read_lines(form, text, false, &again);
    back = read_lines(form, strata_buffer_slice(&again), false, NULL);
    require(whole.entries == pieces.entries && whole.hash == pieces.hash &&
                whole.fault == pieces.fault && whole.line == pieces.line &&
                whole.column == pieces.column,
            "whole: %llu entries, fault %d at %llu:%llu; in pieces: %llu, %d at %llu:%llu",
            (unsigned long long)whole.entries, (int)whole.fault, (unsigned long long)whole.line,
            (unsigned long long)whole.column, (unsigned long long)pieces.entries, (int)pieces.fault,
            (unsigned long long)pieces.line, (unsigned long long)pieces.column);
    if (whole.fault != TEXT_FINE)
        check_place(&whole, text);
    require(back.fault == TEXT_FINE && back.entries == whole.entries && back.hash == whole.hash,
            "written again: %llu entries instead of %llu", (unsigned long long)back.entries,
            (unsigned long long)whole.entries);
    strata_buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strata_slice text = strata_bytes(data, size);

    for (int form = TEXT_ESCAPED; form <= TEXT_HEX; form++) {
        check_encoding((enum text_form)form, text);
        check_decoding((enum text_form)form, text, size % 2 ? size : size / 3);
        check_lines((enum text_form)form, text);
    }
    return 0;
}
