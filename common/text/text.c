/* text.c: the two forms of text, and a decoder that is a state machine, so that text may come in
 * pieces and no escape needs a look ahead.
 *
 *              \            x             digit          digit
 *     PLAIN ------> SLASH ------> HIGH ----------> LOW ----------> PLAIN    TEXT_ESCAPED
 *                     | t n r \                 digit       digit
 *                     +--------> PLAIN     HIGH ------> LOW ------> HIGH    TEXT_HEX
 *
 * The text may end in the state in which it began, nowhere else. */
#include "text/text.h"

#include <string.h>

enum state { PLAIN, SLASH, HIGH, LOW };

/* Those of one format alone. */
static const char *format_fault_name(enum text_fault fault)
{
    static const char *const names[] = {
        [TEXT_NO_COMMA] = "the line ends without a comma between key and value",
        [TEXT_THIRD_FIELD] = "a third field: a line is a key and a value; quotes hold a comma",
        [TEXT_STRAY_QUOTE] = "a quote inside of a field that does not begin with one",
        [TEXT_AFTER_QUOTE] = "neither a comma nor a line end after the closing quote",
        [TEXT_OPEN_QUOTE] = "this quote is never closed",
        [TEXT_LONE_RETURN] = "a carriage return as it is and no newline after it: put it in quotes",
        [TEXT_BAD_HEX] = "after \\x a field has hexadecimal digits, two a byte",
        [TEXT_NOT_JSON] = "not a JSON object of \"key\" and \"value\"",
        [TEXT_NOT_STRING] = "not a string",
        [TEXT_BAD_TIME] = "not a number of milliseconds, from 0 to 2^64 - 1",
        [TEXT_BAD_JSON_ESCAPE] = "no such escape in JSON",
        [TEXT_SURROGATE] = "half of a surrogate pair is no character",
        [TEXT_RAW_CONTROL] = "a control character as it is: write \\u00NN",
        [TEXT_NOT_UTF8] = "not UTF-8: bytes that are no text go into key_b64 or value_b64",
        [TEXT_BAD_MEMBER] = "the members are key or key_b64, value or value_b64, and perhaps until",
        [TEXT_TWICE] = "given twice",
        [TEXT_NO_MEMBER] = "the object ends without a key or without a value",
        [TEXT_BAD_BASE64] = "not base64 with its padding (RFC 4648)",
        [TEXT_OBJECT_OPEN] = "the line ends inside of the object",
        [TEXT_NO_VERSION] = "not the first line of mdb_dump or db_dump, which is VERSION=3",
        [TEXT_BAD_VERSION] = "versions 2 and 3 are read",
        [TEXT_NO_EQUALS] = "a line of the header without a =",
        [TEXT_BAD_FORMAT] = "the format is bytevalue or print",
        [TEXT_BAD_TYPE] = "btree and hash are read, which have keys",
        [TEXT_DUPLICATES] = "keys with several values: a key has one here",
        [TEXT_NO_KEYS] = "a dump without keys",
        [TEXT_HEADER_OPEN] = "the input ends before HEADER=END",
        [TEXT_NO_SPACE] = "neither a space and data nor DATA=END",
        [TEXT_NO_VALUE] = "the key before has no value",
        [TEXT_BAD_PRINT] = "no such escape in format=print: there are \\\\ and \\hh, two digits",
        [TEXT_PRINT_RETURN] = "a carriage return as it is: write \\0d, or convert the line ends",
        [TEXT_DATA_OPEN] = "the input ends before DATA=END: it was cut short",
        [TEXT_THIRD_COLUMN] =
            "a second tab: a line is a key and a value; write a tab in them as \\t",
        [TEXT_FIELDS] = "not as many fields as the header has",
        [TEXT_NO_COLUMN] = "the header lacks the column of the key or of the value",
        [TEXT_MORE_COLUMNS] = "the header has more columns than that of the key and of the value",
        [TEXT_BEHIND_END] = "something after DATA=END: a file is one database",
    };
    bool known = (size_t)fault < sizeof names / sizeof names[0] && names[fault];
    return known ? names[fault] : "unknown fault";
}

const char *text_fault_name(enum text_fault fault)
{
    switch (fault) {
    case TEXT_FINE:
        return "no fault";
    case TEXT_BAD_ESCAPE:
        return "no such escape: there are \\xNN, \\t, \\n, \\r and \\\\";
    case TEXT_BAD_DIGIT:
        return "not a hexadecimal digit";
    case TEXT_CUT:
        return "cut short: a backslash begins \\xNN, \\t, \\n, \\r or \\\\";
    case TEXT_ODD:
        return "odd number of hexadecimal digits: a byte is two";
    case TEXT_TOO_LONG:
        return "too long";
    case TEXT_NO_TAB:
        return "the line ends without a tab between key and value";
    case TEXT_RAW_RETURN:
        return "a carriage return as it is: write \\r, or convert the line ends";
    case TEXT_NO_MEMORY:
        return "out of memory";
    default:
        return format_fault_name(fault);
    }
}

/* ---- Bytes to text --------------------------------------------------------------------- */

/* How many bytes a lead byte announces; 0 for what never leads. */
static size_t utf8_announced(uint8_t lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef)
        return 3;
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/* Only the second byte has limits of its own: they keep out what could be written shorter, the
 * surrogates and what is above U+10FFFF. */
static bool utf8_second_fits(uint8_t lead, uint8_t second)
{
    uint8_t least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    return second >= least && second <= most;
}

size_t text_utf8_size(struct strata_slice bytes)
{
    size_t size = utf8_announced(bytes.data[0]);

    if (size > bytes.size || (size > 1 && !utf8_second_fits(bytes.data[0], bytes.data[1])))
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((bytes.data[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

/* How many bytes at the front may be printed as they are: one character, or none. U+0080 to
 * U+009F are control characters of two bytes: some terminals obey them. U+FEFF cannot be seen, and
 * at the beginning of a file it is a byte order mark, which readers drop. */
static size_t printable(struct strata_slice bytes)
{
    uint8_t first = bytes.data[0];

    if (first < 0x80)
        return first >= 0x20 && first != 0x7f && first != '\\';
    if (first == 0xc2 && bytes.size > 1 && bytes.data[1] < 0xa0)
        return 0;
    if (bytes.size > 2 && memcmp(bytes.data, TEXT_MARK, TEXT_MARK_BYTES) == 0)
        return 0;
    return text_utf8_size(bytes);
}

bool text_is_utf8(struct strata_slice bytes)
{
    while (bytes.size) {
        size_t size = text_utf8_size(bytes);
        if (!size)
            return false;
        bytes = strata_bytes(bytes.data + size, bytes.size - size);
    }
    return true;
}

bool text_is_plain(struct strata_slice bytes)
{
    while (bytes.size) {
        uint8_t first = bytes.data[0];
        bool allowed = first == '\\' || first == '\t' || first == '\n' || first == '\r';
        size_t size = allowed ? 1 : first == 0xef ? text_utf8_size(bytes) : printable(bytes);
        if (!size)
            return false;
        bytes = strata_bytes(bytes.data + size, bytes.size - size);
    }
    return true;
}

static size_t put_digits(uint8_t *to, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    to[0] = (uint8_t)digits[byte >> 4];
    to[1] = (uint8_t)digits[byte & 15];
    return 2;
}

static size_t put_escape(uint8_t *to, uint8_t byte)
{
    static const char named[] = "\t\n\r\\", letters[] = "tnr\\";
    const char *at = byte ? strchr(named, byte) : NULL;

    to[0] = '\\';
    if (at) {
        to[1] = (uint8_t)letters[at - named];
        return 2;
    }
    to[1] = 'x';
    return 2 + put_digits(to + 2, byte);
}

size_t text_encode(enum text_form form, struct strata_slice *bytes, uint8_t *to, size_t capacity)
{
    size_t used = 0;

    while (bytes->size && capacity - used >= TEXT_UNIT) {
        size_t taken = form == TEXT_HEX ? 0 : printable(*bytes);
        if (taken) {
            memcpy(to + used, bytes->data, taken);
            used += taken;
        } else {
            taken = 1;
            used += form == TEXT_HEX ? put_digits(to + used, bytes->data[0])
                                     : put_escape(to + used, bytes->data[0]);
        }
        bytes->data += taken;
        bytes->size -= taken;
    }
    return used;
}

bool text_put(const struct text_sink *to, enum text_form form, struct strata_slice bytes)
{
    uint8_t text[4096];

    while (bytes.size) {
        size_t size = text_encode(form, &bytes, text, sizeof text);
        if (!to->put(to->arg, strata_bytes(text, size)))
            return false;
    }
    return true;
}

bool text_put_raw(const struct text_sink *to, struct strata_slice text)
{
    return text.size == 0 || to->put(to->arg, text);
}

bool text_put_string(const struct text_sink *to, const char *text)
{
    return text_put_raw(to, strata_string(text));
}

/* ---- Text to bytes --------------------------------------------------------------------- */

static enum state start_of(enum text_form form)
{
    return form == TEXT_HEX ? HIGH : PLAIN;
}

void text_decoder_init(struct text_decoder *d, enum text_form form, size_t limit)
{
    *d = (struct text_decoder){.form = form, .limit = limit, .state = start_of(form)};
}

static enum text_fault emit(struct text_decoder *d, const uint8_t *bytes, size_t size,
                            struct strata_buffer *to)
{
    size_t room = to->size < d->limit ? d->limit - to->size : 0;

    if (size > room) {
        d->mark = d->fed + room;
        return TEXT_TOO_LONG;
    }
    d->state = start_of(d->form);
    return strata_buffer_append(to, bytes, size) < 0 ? TEXT_NO_MEMORY : TEXT_FINE;
}

static enum text_fault take_letter(struct text_decoder *d, uint8_t letter, struct strata_buffer *to)
{
    switch (letter) {
    case 'x':
        d->state = HIGH;
        return TEXT_FINE;
    case 't':
        return emit(d, (const uint8_t *)"\t", 1, to);
    case 'n':
        return emit(d, (const uint8_t *)"\n", 1, to);
    case 'r':
        return emit(d, (const uint8_t *)"\r", 1, to);
    case '\\':
        return emit(d, (const uint8_t *)"\\", 1, to);
    }
    return TEXT_BAD_ESCAPE;
}

static enum text_fault take_digit(struct text_decoder *d, uint8_t c, struct strata_buffer *to)
{
    uint8_t value = (uint8_t)(c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : 16);
    if (value == 16) {
        d->mark = d->fed;
        return TEXT_BAD_DIGIT;
    }
    if (d->state == HIGH) {
        if (d->form == TEXT_HEX)
            d->mark = d->fed;
        d->high = value;
        d->state = LOW;
        return TEXT_FINE;
    }
    value = (uint8_t)(d->high << 4 | value);
    return emit(d, &value, 1, to);
}

/* In PLAIN: the bytes before the next backslash, at one go; `*taken` of them. */
static enum text_fault take_plain(struct text_decoder *d, struct strata_slice text, size_t *taken,
                                  struct strata_buffer *to)
{
    const uint8_t *slash = memchr(text.data, '\\', text.size);

    *taken = slash ? (size_t)(slash - text.data) : text.size;
    if (*taken)
        return emit(d, text.data, *taken, to);
    *taken = 1;
    d->mark = d->fed;
    d->state = SLASH;
    return TEXT_FINE;
}

enum text_fault text_feed(struct text_decoder *d, struct strata_slice text,
                          struct strata_buffer *to)
{
    enum text_fault fault = TEXT_FINE;

    while (text.size && fault == TEXT_FINE) {
        size_t taken = 1;
        if (d->state == PLAIN)
            fault = take_plain(d, text, &taken, to);
        else if (d->state == SLASH)
            fault = take_letter(d, text.data[0], to);
        else
            fault = take_digit(d, text.data[0], to);
        text.data += taken;
        text.size -= taken;
        d->fed += taken;
    }
    return fault;
}

enum text_fault text_finish(struct text_decoder *d)
{
    if (d->state == (int)start_of(d->form))
        return TEXT_FINE;
    return d->form == TEXT_HEX ? TEXT_ODD : TEXT_CUT;
}

enum text_fault text_decode(enum text_form form, struct strata_slice text, size_t limit,
                            struct strata_buffer *to, uint64_t *at)
{
    struct text_decoder d;
    enum text_fault fault;

    text_decoder_init(&d, form, limit);
    strata_buffer_clear(to);
    fault = text_feed(&d, text, to);
    if (fault == TEXT_FINE)
        fault = text_finish(&d);
    *at = d.mark;
    return fault;
}
