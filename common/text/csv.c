/* csv.c: a state machine. It takes runs of ordinary bytes at once, and the bytes that separate
 * (comma, quote, line end) one by one.
 *
 *              quote            quote            quote
 *     FIELD ----------> QUOTED ----------> CLOSED ------> QUOTED (it was a doubled one)
 *       | other                 \ comma, line end: as from PLAIN
 *       +------> PLAIN   comma: FIELD of the value   newline: an entry   return: RETURN
 *
 *     LINE is FIELD at the beginning of a line, where the input may end. */
#include "text/csv.h"

#include <string.h>

enum state { LINE, FIELD, PLAIN, QUOTED, CLOSED, RETURN };

#define NAMES_MOST                                                                                 \
    ((size_t)1 << 20) /* bytes of a header's names; those behind them are not kept                 \
                       */

/* Where the bytes of the field under way go; NULL: nowhere. */
static struct strata_buffer *field(struct csv *csv)
{
    if (csv->header || csv->field == csv->at[0])
        return &csv->key;
    return csv->field == csv->at[1] ? &csv->value : NULL;
}

static size_t limit(const struct csv *csv)
{
    return csv->in_value ? STRATA_MAX_VALUE : STRATA_MAX_KEY;
}

static void start_hex(struct csv *csv)
{
    csv->hex = true;
    text_decoder_init(&csv->text, TEXT_HEX, limit(csv));
}

static void start_field(struct csv *csv, uint64_t number)
{
    csv->field = number;
    csv->in_value = !csv->header && number == csv->at[1];
    csv->hex = false;
    csv->seen = 0;
    csv->state = number ? FIELD : LINE;
    if (csv->form == TEXT_HEX && !csv->header && field(csv))
        start_hex(csv);
}

void csv_init(struct csv *csv, enum text_form form)
{
    *csv = (struct csv){.form = form, .fields = 2, .at = {0, 1}};
    csv_restart(csv, 1);
}

void csv_free(struct csv *csv)
{
    strata_buffer_free(&csv->key);
    strata_buffer_free(&csv->value);
    strata_buffer_free(&csv->names);
}

void csv_want(struct csv *csv, const char *key, const char *value, bool all)
{
    csv->wanted[0] = key;
    csv->wanted[1] = value;
    csv->all = all;
    csv->header = true;
    csv->at[0] = csv->at[1] = UINT64_MAX; /* not seen yet */
    start_field(csv, 0);
}

struct strata_slice csv_names(const struct csv *csv)
{
    return strata_buffer_slice(&csv->names);
}

void csv_restart(struct csv *csv, uint64_t line)
{
    csv->returned = false;
    csv->line = csv->now_line = line;
    csv->now_column = 1;
    strata_buffer_clear(&csv->key);
    strata_buffer_clear(&csv->value);
    start_field(csv, 0);
}

/* ---- A field's bytes ------------------------------------------------------------------- */

static enum csv_result fail_at(struct csv *csv, enum text_fault fault, uint64_t line,
                               uint64_t column)
{
    csv->fault = fault;
    csv->line = line;
    csv->column = column;
    return CSV_FAULT;
}

static enum csv_result fail(struct csv *csv, enum text_fault fault)
{
    return fail_at(csv, fault, csv->now_line, csv->now_column);
}

static enum text_fault hex_fault(const struct csv *csv, enum text_fault fault)
{
    bool digits = fault == TEXT_BAD_DIGIT || fault == TEXT_ODD;
    return digits && csv->form != TEXT_HEX ? TEXT_BAD_HEX : fault;
}

/* Bytes of the field without a line end; the first is at now_column. */
static enum csv_result add(struct csv *csv, struct strata_slice bytes)
{
    struct strata_buffer *to = field(csv);
    size_t room = to && to->size < limit(csv) ? limit(csv) - to->size : 0;
    uint64_t before = csv->now_column;

    csv->now_column += bytes.size;
    if (!to)
        return CSV_MORE;
    if (csv->hex) {
        uint64_t fed = csv->text.fed;
        enum text_fault fault = text_feed(&csv->text, bytes, to);
        if (fault == TEXT_FINE)
            return CSV_MORE;
        before += csv->text.mark > fed ? csv->text.mark - fed : 0;
        return fail_at(csv, hex_fault(csv, fault), csv->now_line, before);
    }
    if (bytes.size > room)
        return fail_at(csv, TEXT_TOO_LONG, csv->now_line, before + room);
    if (strata_buffer_append(to, bytes.data, bytes.size) < 0)
        return fail(csv, TEXT_NO_MEMORY);
    return CSV_MORE;
}

/* The same, with an eye on the first two, which may say that the rest is hexadecimal. */
static enum csv_result take(struct csv *csv, struct strata_slice bytes)
{
    enum csv_result result = CSV_MORE;

    while (bytes.size && csv->seen < 2 && result == CSV_MORE) {
        struct strata_buffer *to = field(csv);
        result = add(csv, strata_bytes(bytes.data, 1));
        bytes = strata_bytes(bytes.data + 1, bytes.size - 1);
        csv->seen++;
        if (csv->seen == 2 && to && !csv->header && !csv->hex && to->size == 2 &&
            memcmp(to->data, "\\x", 2) == 0) {
            strata_buffer_clear(to);
            start_hex(csv);
        }
    }
    return bytes.size && result == CSV_MORE ? add(csv, bytes) : result;
}

/* ---- The header ------------------------------------------------------------------------ */

/* The name of a column, which is in `key`. */
static enum csv_result take_name(struct csv *csv)
{
    struct strata_slice name = strata_buffer_slice(&csv->key);
    uint8_t text[256];

    for (int i = 0; i < 2; i++) {
        if (strata_compare(name, strata_string(csv->wanted[i])) != 0)
            continue;
        if (csv->at[i] != UINT64_MAX)
            return fail(csv, TEXT_TWICE);
        csv->at[i] = csv->field;
    }
    if (csv->names.size > NAMES_MOST)
        name.size = 0;
    else if (csv->field)
        strata_buffer_append(&csv->names, ", ", 2);
    while (name.size)
        strata_buffer_append(&csv->names, text,
                             text_encode(TEXT_ESCAPED, &name, text, sizeof text));
    strata_buffer_clear(&csv->key);
    return csv->names.out_of_memory ? fail(csv, TEXT_NO_MEMORY) : CSV_MORE;
}

/* The header has ended: now it is known which fields are key and value. */
static enum csv_result end_header(struct csv *csv)
{
    csv->fields = csv->field + 1;
    if (csv->at[0] == UINT64_MAX || csv->at[1] == UINT64_MAX)
        return fail_at(csv, TEXT_NO_COLUMN, csv->line, 1);
    if (csv->all && csv->fields > 2)
        return fail_at(csv, TEXT_MORE_COLUMNS, csv->line, 1);
    csv->header = false;
    csv_restart(csv, csv->now_line + 1);
    return CSV_MORE;
}

/* ---- What structures ------------------------------------------------------------------- */

static enum csv_result end_field(struct csv *csv)
{
    enum text_fault fault = csv->hex ? text_finish(&csv->text) : TEXT_FINE;

    if (fault != TEXT_FINE)
        return fail(csv, hex_fault(csv, fault));
    return csv->header ? take_name(csv) : CSV_MORE;
}

static enum csv_result end_line(struct csv *csv)
{
    enum csv_result result = end_field(csv);

    if (result != CSV_MORE)
        return result;
    if (csv->header)
        return end_header(csv);
    if (csv->field + 1 < csv->fields)
        return fail(csv, csv->wanted[0] ? TEXT_FIELDS : TEXT_NO_COMMA);
    csv->returned = true;
    return CSV_ENTRY;
}

/* A comma. */
static enum csv_result next_field(struct csv *csv)
{
    enum csv_result result;

    if (!csv->header && csv->field + 1 == csv->fields)
        return fail(csv, csv->wanted[0] ? TEXT_FIELDS : TEXT_THIRD_FIELD);
    result = end_field(csv);
    if (result == CSV_MORE) {
        csv->now_column++;
        start_field(csv, csv->field + 1);
    }
    return result;
}

static enum csv_result open_quote(struct csv *csv)
{
    csv->quote_line = csv->now_line;
    csv->quote_column = csv->now_column++;
    csv->state = QUOTED;
    return CSV_MORE;
}

/* A line end inside of quotes: a byte like any other, but for the count of lines. */
static enum csv_result take_newline(struct csv *csv)
{
    enum csv_result result = take(csv, strata_string("\n"));

    if (result == CSV_MORE) {
        csv->now_line++;
        csv->now_column = 1;
    }
    return result;
}

static enum csv_result in_quotes(struct csv *csv, uint8_t byte)
{
    if (byte == '\n')
        return take_newline(csv);
    csv->now_column++;
    csv->state = CLOSED;
    return CSV_MORE;
}

/* A second quote: one of the field's. */
static enum csv_result reopen_quote(struct csv *csv)
{
    csv->state = QUOTED;
    return take(csv, strata_string("\""));
}

static enum csv_result outside(struct csv *csv, uint8_t byte)
{
    switch (byte) {
    case ',':
        return next_field(csv);
    case '\n':
        return end_line(csv);
    case '\r':
        csv->state = RETURN;
        csv->now_column++;
        return CSV_MORE;
    }
    return fail(csv, TEXT_STRAY_QUOTE);
}

/* One byte for which structures() holds. */
static enum csv_result take_structure(struct csv *csv, uint8_t byte)
{
    switch (csv->state) {
    case LINE:
    case FIELD:
        return byte == '"' ? open_quote(csv) : outside(csv, byte);
    case QUOTED:
        return in_quotes(csv, byte);
    case CLOSED:
        if (byte == '"')
            return reopen_quote(csv);
        if (byte == ',' || byte == '\n' || byte == '\r')
            return outside(csv, byte);
        return fail(csv, TEXT_AFTER_QUOTE);
    case RETURN:
        csv->now_column--; /* where the carriage return was */
        return byte == '\n' ? end_line(csv) : fail(csv, TEXT_LONE_RETURN);
    }
    return outside(csv, byte);
}

static bool structures(const struct csv *csv, uint8_t byte)
{
    if (csv->state == QUOTED)
        return byte == '"' || byte == '\n';
    return byte == '"' || byte == ',' || byte == '\n' || byte == '\r' || csv->state == CLOSED ||
           csv->state == RETURN;
}

static enum csv_result take_run(struct csv *csv, struct strata_slice *input)
{
    struct strata_slice run = {input->data, 0};

    while (run.size < input->size && !structures(csv, input->data[run.size]))
        run.size++;
    input->data += run.size;
    input->size -= run.size;
    if (csv->state != QUOTED)
        csv->state = PLAIN;
    return take(csv, run);
}

/* ---- Feeding --------------------------------------------------------------------------- */

/* Drops the entry that was returned; its line is over. */
static void forget(struct csv *csv)
{
    if (csv->returned)
        csv_restart(csv, csv->now_line + 1);
}

enum csv_result csv_feed(struct csv *csv, struct strata_slice *input)
{
    enum csv_result result = CSV_MORE;

    forget(csv);
    while (input->size && result == CSV_MORE) {
        uint8_t byte = input->data[0];
        if (!structures(csv, byte)) {
            result = take_run(csv, input);
            continue;
        }
        input->data++;
        input->size--;
        result = take_structure(csv, byte);
    }
    return result;
}

enum csv_result csv_finish(struct csv *csv)
{
    forget(csv);
    if (csv->state == LINE)
        return CSV_MORE;
    if (csv->state == QUOTED)
        return fail_at(csv, TEXT_OPEN_QUOTE, csv->quote_line, csv->quote_column);
    if (csv->state == RETURN) {
        csv->now_column--;
        return fail(csv, TEXT_LONE_RETURN);
    }
    return end_line(csv);
}

/* ---- Writing --------------------------------------------------------------------------- */

static bool has_mark(struct strata_slice bytes)
{
    return bytes.size >= TEXT_MARK_BYTES && memcmp(bytes.data, TEXT_MARK, TEXT_MARK_BYTES) == 0;
}

/* Some readers drop blanks at the ends of a field, and a byte order mark; quotes keep them. */
static bool wants_quotes(struct strata_slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (memchr("\",\r\n", text.data[i], 4))
            return true;
    return text.size && (text.data[0] == ' ' || text.data[text.size - 1] == ' ' || has_mark(text));
}

static bool put_quoted(const struct text_sink *to, struct strata_slice text)
{
    bool ok = text_put_string(to, "\"");

    while (ok && text.size) {
        const uint8_t *quote = memchr(text.data, '"', text.size);
        size_t size = quote ? (size_t)(quote - text.data) + 1 : text.size;
        ok = text_put_raw(to, strata_bytes(text.data, size));
        if (ok && quote)
            ok = text_put_string(to, "\"");
        text = strata_bytes(text.data + size, text.size - size);
    }
    return ok && text_put_string(to, "\"");
}

bool csv_put_field(const struct text_sink *to, enum text_form form, struct strata_slice bytes)
{
    bool escaped = bytes.size >= 2 && memcmp(bytes.data, "\\x", 2) == 0;

    if (form == TEXT_HEX)
        return text_put(to, TEXT_HEX, bytes);
    if (escaped || !text_is_plain(bytes))
        return text_put_string(to, "\\x") && text_put(to, TEXT_HEX, bytes);
    return wants_quotes(bytes) ? put_quoted(to, bytes) : text_put_raw(to, bytes);
}
