/* tsv.c: splits lines at the bytes that structure them (tab, newline, carriage return) and hands
 * what lies between to the decoder of text.h. The split needs no look at escapes: escaped text
 * never holds those bytes, so a backslash right before a newline is an escape cut short. */
#include "text/tsv.h"

#include <string.h>

static void start_field(struct tsv *tsv, bool in_value)
{
    tsv->before = in_value ? tsv->text.fed + 1 : 0;
    tsv->in_value = in_value;
    text_decoder_init(&tsv->text, tsv->form, in_value ? STRATA_MAX_VALUE : STRATA_MAX_KEY);
}

void tsv_init(struct tsv *tsv, enum text_form form)
{
    *tsv = (struct tsv){.form = form, .line = 1};
    start_field(tsv, false);
}

void tsv_free(struct tsv *tsv)
{
    strata_buffer_free(&tsv->key);
    strata_buffer_free(&tsv->value);
}

static enum tsv_result fail(struct tsv *tsv, enum text_fault fault, uint64_t at)
{
    tsv->fault = fault;
    tsv->column = tsv->before + at + 1;
    return TSV_FAULT;
}

void tsv_restart(struct tsv *tsv, uint64_t line)
{
    tsv->returned = tsv->in_line = false;
    tsv->line = line;
    strata_buffer_clear(&tsv->key);
    strata_buffer_clear(&tsv->value);
    start_field(tsv, false);
}

/* Drops the entry that was returned; its line is over. */
static void forget(struct tsv *tsv)
{
    if (tsv->returned)
        tsv_restart(tsv, tsv->line + 1);
}

static bool structures(uint8_t byte)
{
    return byte == '\n' || byte == '\r' || byte == '\t';
}

static enum tsv_result end_line(struct tsv *tsv)
{
    if (!tsv->in_value)
        return fail(tsv, TEXT_NO_TAB, tsv->text.fed);
    tsv->returned = true;
    return TSV_ENTRY;
}

/* One of the bytes for which structures() holds. */
static enum tsv_result take_structure(struct tsv *tsv, uint8_t byte)
{
    enum text_fault fault = text_finish(&tsv->text);

    if (fault != TEXT_FINE)
        return fail(tsv, fault, tsv->text.mark);
    if (byte == '\r')
        return fail(tsv, TEXT_RAW_RETURN, tsv->text.fed);
    if (byte == '\n')
        return end_line(tsv);
    if (tsv->in_value)
        return fail(tsv, TEXT_THIRD_COLUMN, tsv->text.fed);
    start_field(tsv, true);
    return TSV_MORE;
}

static enum tsv_result take_text(struct tsv *tsv, struct strata_slice *input)
{
    struct strata_slice text = {input->data, 0};
    enum text_fault fault;

    while (text.size < input->size && !structures(input->data[text.size]))
        text.size++;
    input->data += text.size;
    input->size -= text.size;
    fault = text_feed(&tsv->text, text, tsv->in_value ? &tsv->value : &tsv->key);
    return fault == TEXT_FINE ? TSV_MORE : fail(tsv, fault, tsv->text.mark);
}

enum tsv_result tsv_feed(struct tsv *tsv, struct strata_slice *input)
{
    enum tsv_result result = TSV_MORE;

    forget(tsv);
    while (input->size && result == TSV_MORE) {
        uint8_t byte = input->data[0];
        tsv->in_line = true;
        if (!structures(byte)) {
            result = take_text(tsv, input);
            continue;
        }
        input->data++;
        input->size--;
        result = take_structure(tsv, byte);
    }
    return result;
}

enum tsv_result tsv_finish(struct tsv *tsv)
{
    forget(tsv);
    return tsv->in_line ? take_structure(tsv, '\n') : TSV_MORE;
}
