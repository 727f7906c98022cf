/* jsonl.c: a machine for the one kind of object there is, and one for its strings. (Behind "until":
 * there are DIGITS in place of a string.)
 *
 *   START --{--> NAME --string--> COLON --:--> VALUE --string--> AFTER --}--> END --newline-->
 * START
 *                 ^----------------------- , --------------------'
 *
 * A string's bytes, its escapes undone, go to emit(), which hands them on: to the member's name,
 * to the key or the value as they are, or through the decoder of hexadecimal digits or base64.
 * I1: an entry is returned only at the end of its line, when the whole line was valid JSON.
 * I2: nothing is kept of a line but its key, its value and one name of JSONL_NAME bytes. */
#include "text/jsonl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum state { START, NAME, COLON, VALUE, AFTER, END, STRING, DIGITS };
enum part { PLAIN, SLASH, UNIT, PAIR_SLASH, PAIR_U }; /* of a string; PAIR: a low half must come */
enum member { KEY = 1, IS_VALUE = 2, UNTIL = 4 };

static void start_line(struct jsonl *j)
{
    j->state = START;
    j->now = 1;
    j->members = 0;
    j->in_value = j->in_until = false;
    j->until = 0;
}

void jsonl_init(struct jsonl *j, enum text_form form)
{
    *j = (struct jsonl){.form = form, .line = 1};
    start_line(j);
}

void jsonl_free(struct jsonl *j)
{
    strata_buffer_free(&j->key);
    strata_buffer_free(&j->value);
}

static enum text_fault fault_at(struct jsonl *j, enum text_fault fault, uint64_t column)
{
    j->column = column;
    return fault;
}

static enum text_fault fault_here(struct jsonl *j, enum text_fault fault)
{
    return fault_at(j, fault, j->now);
}

/* ---- Where the bytes of a string go ---------------------------------------------------- */

static enum text_fault emit_name(struct jsonl *j, struct strata_slice bytes)
{
    if (bytes.size > JSONL_NAME - j->name_size)
        return fault_at(j, TEXT_BAD_MEMBER, j->begun);
    memcpy(j->name + j->name_size, bytes.data, bytes.size);
    j->name_size += (unsigned)bytes.size;
    return TEXT_FINE;
}

/* `column` is the column of the first byte. */
static enum text_fault emit(struct jsonl *j, struct strata_slice bytes, uint64_t column)
{
    struct strata_buffer *to = j->in_value ? &j->value : &j->key;
    size_t limit = j->in_value ? STRATA_MAX_VALUE : STRATA_MAX_KEY, at = 0;
    enum text_fault fault = TEXT_FINE;

    if (j->in_name)
        return emit_name(j, bytes);
    if (j->in_base64) {
        fault = base64_feed(&j->base64, bytes, limit, to, &at);
    } else if (j->form == TEXT_HEX) {
        uint64_t fed = j->text.fed;
        fault = text_feed(&j->text, bytes, to);
        at = j->text.mark > fed ? (size_t)(j->text.mark - fed) : 0;
    } else if (bytes.size > limit - to->size) {
        fault = TEXT_TOO_LONG;
        at = limit - to->size;
    } else if (strata_buffer_append(to, bytes.data, bytes.size) < 0) {
        fault = TEXT_NO_MEMORY;
    }
    return fault == TEXT_FINE ? fault : fault_at(j, fault, column + at);
}

static enum text_fault end_name(struct jsonl *j)
{
    static const struct {
        const char *name;
        enum member member;
        bool base64;
    } names[] = {{"key", KEY, false},
                 {"value", IS_VALUE, false},
                 {"key_b64", KEY, true},
                 {"value_b64", IS_VALUE, true},
                 {"until", UNTIL, false}};

    j->state = COLON;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i].name) != j->name_size || memcmp(names[i].name, j->name, j->name_size))
            continue;
        if (j->members & names[i].member)
            return fault_at(j, TEXT_TWICE, j->begun);
        j->members |= names[i].member;
        j->in_value = names[i].member == IS_VALUE;
        j->in_until = names[i].member == UNTIL;
        j->in_base64 = names[i].base64;
        return TEXT_FINE;
    }
    return fault_at(j, TEXT_BAD_MEMBER, j->begun);
}

static enum text_fault end_string(struct jsonl *j)
{
    enum text_fault fault = TEXT_FINE;

    if (j->in_name)
        return end_name(j);
    j->state = AFTER;
    if (j->in_base64)
        fault = base64_finish(&j->base64);
    else if (j->form == TEXT_HEX)
        fault = text_finish(&j->text);
    return fault == TEXT_FINE ? fault : fault_here(j, fault);
}

static void begin_string(struct jsonl *j, bool name)
{
    j->state = STRING;
    j->part = PLAIN;
    j->begun = j->now;
    j->in_name = name;
    if (name)
        j->name_size = 0;
    j->base64 = (struct base64){0};
    text_decoder_init(&j->text, TEXT_HEX, j->in_value ? STRATA_MAX_VALUE : STRATA_MAX_KEY);
}

/* ---- Escapes --------------------------------------------------------------------------- */

static struct strata_slice utf8_of(uint32_t c, uint8_t to[4])
{
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = size - 1; i > 0; i--, c >>= 6)
        to[i] = (uint8_t)(0x80 | (c & 0x3f));
    to[0] = (uint8_t)(size == 1 ? c : lead[size] | c);
    return strata_bytes(to, size);
}

/* Four digits were read: a character, or a half of one. */
static enum text_fault end_unit(struct jsonl *j)
{
    bool is_high = j->unit >= 0xd800 && j->unit < 0xdc00;
    bool is_low = j->unit >= 0xdc00 && j->unit < 0xe000;
    uint8_t bytes[4];
    uint32_t c = j->unit;

    if (is_low != (j->high != 0))
        return fault_at(j, TEXT_SURROGATE, j->begun);
    j->part = is_high ? PAIR_SLASH : PLAIN;
    if (is_high) {
        j->high = j->unit;
        return TEXT_FINE;
    }
    if (is_low)
        c = 0x10000 + ((j->high - 0xd800) << 10) + (j->unit - 0xdc00);
    j->high = 0;
    return emit(j, utf8_of(c, bytes), j->begun);
}

static enum text_fault take_digit(struct jsonl *j, uint8_t c)
{
    unsigned value = c >= '0' && c <= '9'   ? c - '0'
                     : c >= 'a' && c <= 'f' ? c - 'a' + 10
                     : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                            : 16;
    if (value == 16)
        return fault_here(j, TEXT_BAD_DIGIT);
    j->unit = j->unit << 4 | value;
    return ++j->digits == 4 ? end_unit(j) : TEXT_FINE;
}

static void start_unit(struct jsonl *j)
{
    j->part = UNIT;
    j->unit = j->digits = 0;
}

static enum text_fault take_letter(struct jsonl *j, uint8_t c)
{
    static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const char *at = c ? strchr(letters, c) : NULL;

    if (c == 'u') {
        start_unit(j);
        return TEXT_FINE;
    }
    if (!at)
        return fault_at(j, TEXT_BAD_JSON_ESCAPE, j->begun);
    j->part = PLAIN;
    return emit(j, strata_bytes(bytes + (at - letters), 1), j->begun);
}

/* ---- Strings --------------------------------------------------------------------------- */

/* A byte of a character of more than one; they may come in pieces. */
static enum text_fault take_utf8(struct jsonl *j, uint8_t byte)
{
    struct strata_slice bytes = {j->utf8, 0};

    if (j->utf8_have == 0)
        j->utf8_want = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    j->utf8[j->utf8_have++] = byte;
    if (j->utf8_have < j->utf8_want)
        return TEXT_FINE;
    bytes.size = j->utf8_want;
    j->utf8_have = 0;
    if (text_utf8_size(bytes) != bytes.size)
        return fault_at(j, TEXT_NOT_UTF8, j->now + 1 - bytes.size);
    return emit(j, bytes, j->now + 1 - bytes.size);
}

static enum text_fault take_plain(struct jsonl *j, uint8_t byte)
{
    if (byte >= 0x80)
        return take_utf8(j, byte);
    if (j->utf8_have)
        return fault_at(j, TEXT_NOT_UTF8, j->now - j->utf8_have);
    if (byte == '"')
        return end_string(j);
    if (byte == '\n')
        return fault_here(j, TEXT_OBJECT_OPEN);
    if (byte < 0x20)
        return fault_here(j, TEXT_RAW_CONTROL);
    if (byte != '\\')
        return emit(j, strata_bytes(&byte, 1), j->now);
    j->begun = j->now;
    j->part = SLASH;
    return TEXT_FINE;
}

static enum text_fault take_in_string(struct jsonl *j, uint8_t byte)
{
    switch (j->part) {
    case PLAIN:
        return take_plain(j, byte);
    case SLASH:
        return take_letter(j, byte);
    case UNIT:
        return take_digit(j, byte);
    case PAIR_SLASH:
        j->part = PAIR_U;
        return byte == '\\' ? TEXT_FINE : fault_at(j, TEXT_SURROGATE, j->begun);
    }
    start_unit(j); /* PAIR_U */
    return byte == 'u' ? TEXT_FINE : fault_at(j, TEXT_SURROGATE, j->begun);
}

/* Length of the run of plain ASCII at the front. */
static size_t plain_run(const struct jsonl *j, struct strata_slice input)
{
    size_t size = 0;

    if (j->state != STRING || j->part != PLAIN || j->utf8_have)
        return 0;
    while (size < input.size && input.data[size] >= 0x20 && input.data[size] < 0x80 &&
           input.data[size] != '"' && input.data[size] != '\\')
        size++;
    return size;
}

/* ---- The object ------------------------------------------------------------------------ */

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static enum text_fault end_object(struct jsonl *j)
{
    j->state = END;
    return (j->members | UNTIL) == (KEY | IS_VALUE | UNTIL) ? TEXT_FINE
                                                            : fault_here(j, TEXT_NO_MEMBER);
}

/* Behind "until": a number from 0 to 2^64 - 1, without sign, point and exponent. JSON has none that
 * begins with 0 but 0 itself. */
static enum text_fault take_number(struct jsonl *j, uint8_t byte)
{
    unsigned digit = byte - '0';

    if (byte < '0' || byte > '9')
        return fault_here(j, TEXT_BAD_TIME);
    if (j->state == DIGITS && (!j->until || j->until > (UINT64_MAX - digit) / 10))
        return fault_here(j, TEXT_BAD_TIME);
    j->until = 10 * j->until + digit;
    j->state = DIGITS;
    return TEXT_FINE;
}

/* A byte between strings that is no blank; a newline only where the line may end. */
static enum text_fault take_between(struct jsonl *j, uint8_t byte)
{
    switch (j->state) {
    case START:
        j->state = NAME;
        return byte == '{' ? TEXT_FINE : fault_here(j, TEXT_NOT_JSON);
    case NAME:
        if (byte == '}' && !j->members)
            return end_object(j);
        begin_string(j, true);
        return byte == '"' ? TEXT_FINE : fault_here(j, TEXT_NOT_JSON);
    case COLON:
        j->state = VALUE;
        return byte == ':' ? TEXT_FINE : fault_here(j, TEXT_NOT_JSON);
    case VALUE:
        if (j->in_until)
            return take_number(j, byte);
        begin_string(j, false);
        return byte == '"' ? TEXT_FINE : fault_here(j, TEXT_NOT_STRING);
    case AFTER:
        if (byte == '}')
            return end_object(j);
        j->state = NAME;
        return byte == ',' ? TEXT_FINE : fault_here(j, TEXT_NOT_JSON);
    }
    return fault_here(j, TEXT_NOT_JSON); /* END */
}

static enum text_fault take_newline(struct jsonl *j)
{
    if (j->state == END) {
        j->returned = true;
        return TEXT_FINE;
    }
    if (j->state != START)
        return fault_here(j, TEXT_OBJECT_OPEN);
    j->line++;
    j->now = 0; /* the newline counts as one */
    return TEXT_FINE;
}

static enum text_fault take(struct jsonl *j, uint8_t byte)
{
    if (j->state == STRING)
        return take_in_string(j, byte);
    if (j->state == DIGITS) {
        if (!is_blank(byte) && byte != ',' && byte != '}' && byte != '\n')
            return take_number(j, byte);
        j->state = AFTER;
    }
    if (byte == '\n')
        return take_newline(j);
    return is_blank(byte) ? TEXT_FINE : take_between(j, byte);
}

/* ---- Feeding --------------------------------------------------------------------------- */

void jsonl_restart(struct jsonl *j, uint64_t line)
{
    j->returned = false;
    j->line = line;
    j->utf8_have = j->utf8_want = 0;
    j->high = 0;
    strata_buffer_clear(&j->key);
    strata_buffer_clear(&j->value);
    start_line(j);
}

/* Drops the entry that was returned; its line is over. */
static void forget(struct jsonl *j)
{
    if (j->returned)
        jsonl_restart(j, j->line + 1);
}

static enum jsonl_result result_of(struct jsonl *j, enum text_fault fault)
{
    j->fault = fault;
    if (fault != TEXT_FINE)
        return JSONL_FAULT;
    return j->returned ? JSONL_ENTRY : JSONL_MORE;
}

enum jsonl_result jsonl_feed(struct jsonl *j, struct strata_slice *input)
{
    enum text_fault fault = TEXT_FINE;

    forget(j);
    while (input->size && fault == TEXT_FINE && !j->returned) {
        size_t run = plain_run(j, *input), taken = run ? run : 1;
        fault = run ? emit(j, strata_bytes(input->data, run), j->now) : take(j, input->data[0]);
        j->now += taken;
        input->data += taken;
        input->size -= taken;
    }
    return result_of(j, fault);
}

enum jsonl_result jsonl_finish(struct jsonl *j)
{
    forget(j);
    if (j->state == END)
        j->returned = true;
    return result_of(j, j->returned || j->state == START ? TEXT_FINE
                                                         : fault_here(j, TEXT_OBJECT_OPEN));
}

/* ---- Writing --------------------------------------------------------------------------- */

/* One character of `size` bytes, `c` its first: how it is written. The controls of two bytes,
 * U+0080 to U+009F, are escaped too: some terminals obey them. */
static bool put_escape(const struct text_sink *to, struct strata_slice character)
{
    static const char named[] = "\"\\\n\r\t", letters[] = "\"\\nrt", digits[] = "0123456789abcdef";
    uint8_t byte = character.data[character.size - 1];
    const char *at = byte ? strchr(named, byte) : NULL;
    char text[6] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};

    if (at)
        text[1] = letters[at - named];
    return text_put_raw(to, strata_bytes(text, at ? 2 : 6));
}

/* The size of the character that `text` begins with, if it must be escaped; else 0. */
static size_t must_escape(struct strata_slice text)
{
    uint8_t first = text.data[0];

    if (first < 0x20 || first == 0x7f || first == '"' || first == '\\')
        return 1;
    return first == 0xc2 && text.size > 1 && text.data[1] < 0xa0 ? 2 : 0;
}

bool json_put_string(const struct text_sink *to, struct strata_slice utf8)
{
    bool ok = text_put_string(to, "\"");

    while (ok && utf8.size) {
        size_t size = 0, escape = 0;
        while (size < utf8.size && !escape) {
            escape = must_escape(strata_bytes(utf8.data + size, utf8.size - size));
            size += !escape;
        }
        ok = text_put_raw(to, strata_bytes(utf8.data, size));
        if (ok && escape)
            ok = put_escape(to, strata_bytes(utf8.data + size, escape));
        utf8 = strata_bytes(utf8.data + size + escape, utf8.size - size - escape);
    }
    return ok && text_put_string(to, "\"");
}

static bool put_member(const struct text_sink *to, enum text_form form, const char *name,
                       struct strata_slice bytes)
{
    bool text = form == TEXT_HEX || text_is_utf8(bytes);

    if (!text_put_string(to, "\"") || !text_put_string(to, name))
        return false;
    if (text && form != TEXT_HEX)
        return text_put_string(to, "\":") && json_put_string(to, bytes);
    if (!text_put_string(to, text ? "\":\"" : "_b64\":\""))
        return false;
    return (text ? text_put(to, TEXT_HEX, bytes) : base64_put(to, bytes)) &&
           text_put_string(to, "\"");
}

static bool put_until(const struct text_sink *to, uint64_t until)
{
    char text[32];

    if (!until)
        return true;
    snprintf(text, sizeof text, ",\"until\":%" PRIu64, until);
    return text_put_string(to, text);
}

bool jsonl_put(const struct text_sink *to, enum text_form form, struct strata_slice key,
               struct strata_slice value, uint64_t until)
{
    return text_put_string(to, "{") && put_member(to, form, "key", key) &&
           text_put_string(to, ",") && put_member(to, form, "value", value) &&
           put_until(to, until) && text_put_string(to, "}\n");
}
