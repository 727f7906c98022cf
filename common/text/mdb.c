/* mdb.c: a machine that goes through the lines, and takes those of keys and values in runs.
 *
 *     HEADER --HEADER=END--> FIRST --space--> DATA --newline--> FIRST   key and value in turn
 *                              | D
 *                              +--> END --DATA=END--> OVER, where nothing may follow */
#include "text/mdb.h"

#include <string.h>

enum state { HEADER, FIRST, DATA, END, OVER };
enum escape { PLAIN, SLASH, LOW };

static const char end_line[] = "DATA=END";

void mdb_init(struct mdb *mdb)
{
    *mdb = (struct mdb){.line = 1, .now_line = 1};
}

void mdb_free(struct mdb *mdb)
{
    strata_buffer_free(&mdb->key);
    strata_buffer_free(&mdb->value);
}

/* `at`: bytes of the line before it. */
static enum mdb_result fail(struct mdb *mdb, enum text_fault fault, uint64_t at)
{
    mdb->fault = fault;
    mdb->line = mdb->now_line;
    mdb->column = at + 1;
    return MDB_FAULT;
}

static void next_line(struct mdb *mdb, enum state state)
{
    mdb->state = state;
    mdb->now_line++;
    mdb->now = 0;
    mdb->has_equals = false;
}

/* ---- The header ------------------------------------------------------------------------ */

/* Does the line begin with `text`? */
static bool begins(const struct mdb *mdb, const char *text)
{
    size_t size = strlen(text);
    return mdb->now >= size && memcmp(mdb->head, text, size) == 0;
}

static bool is(const struct mdb *mdb, const char *text)
{
    return mdb->now == strlen(text) && begins(mdb, text);
}

/* The fault of a header line that asks for something not supported. */
static const struct {
    const char *name, *fine, *fine_too;
    enum text_fault fault;
} rules[] = {
    {"VERSION=", "VERSION=3", "VERSION=2", TEXT_BAD_VERSION},
    {"format=", "format=bytevalue", "format=print", TEXT_BAD_FORMAT},
    {"type=", "type=btree", "type=hash", TEXT_BAD_TYPE},
    {"duplicates=", "duplicates=0", "duplicates=0", TEXT_DUPLICATES},
    {"dupsort=", "dupsort=0", "dupsort=0", TEXT_DUPLICATES},
    {"keys=", "keys=1", "keys=1", TEXT_NO_KEYS},
};

static enum mdb_result end_header_line(struct mdb *mdb)
{
    if (mdb->now_line == 1 && !begins(mdb, rules[0].name))
        return fail(mdb, TEXT_NO_VERSION, 0);
    if (!mdb->has_equals)
        return fail(mdb, TEXT_NO_EQUALS, mdb->now);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (begins(mdb, rules[i].name) && !is(mdb, rules[i].fine) && !is(mdb, rules[i].fine_too))
            return fail(mdb, rules[i].fault, strlen(rules[i].name));
    if (begins(mdb, "format="))
        mdb->print = is(mdb, "format=print");
    next_line(mdb, is(mdb, "HEADER=END") ? FIRST : HEADER);
    return MDB_MORE;
}

static enum mdb_result take_header(struct mdb *mdb, uint8_t byte)
{
    if (byte == '\n')
        return end_header_line(mdb);
    if (mdb->now < MDB_HEAD)
        mdb->head[mdb->now] = byte;
    mdb->has_equals |= byte == '=';
    mdb->now++;
    return MDB_MORE;
}

/* ---- Keys and values ------------------------------------------------------------------- */

static struct strata_buffer *field(struct mdb *mdb)
{
    return mdb->in_value ? &mdb->value : &mdb->key;
}

static size_t limit(const struct mdb *mdb)
{
    return mdb->in_value ? STRATA_MAX_VALUE : STRATA_MAX_KEY;
}

static enum mdb_result begin_line(struct mdb *mdb, uint8_t byte)
{
    if (byte == 'D' && mdb->in_value)
        return fail(mdb, TEXT_NO_VALUE, 0);
    if (byte != ' ' && byte != 'D')
        return fail(mdb, TEXT_NO_SPACE, 0);
    mdb->now = 1;
    mdb->state = byte == ' ' ? DATA : END;
    mdb->escape = PLAIN;
    text_decoder_init(&mdb->text, TEXT_HEX, limit(mdb));
    if (!mdb->in_value)
        mdb->line = mdb->now_line;
    return MDB_MORE;
}

/* The line of a key or of a value is over. */
static enum mdb_result end_data_line(struct mdb *mdb)
{
    enum text_fault fault = text_finish(&mdb->text);

    if (!mdb->print && fault != TEXT_FINE)
        return fail(mdb, fault, 1 + mdb->text.mark);
    if (mdb->escape != PLAIN)
        return fail(mdb, TEXT_BAD_PRINT, mdb->escape_now);
    next_line(mdb, FIRST);
    mdb->returned = mdb->in_value;
    mdb->in_value = !mdb->in_value;
    return mdb->returned ? MDB_ENTRY : MDB_MORE;
}

static enum mdb_result add(struct mdb *mdb, struct strata_slice bytes, uint64_t at)
{
    struct strata_buffer *to = field(mdb);
    size_t room = limit(mdb) - to->size;

    if (bytes.size > room)
        return fail(mdb, TEXT_TOO_LONG, at + room);
    if (strata_buffer_append(to, bytes.data, bytes.size) < 0)
        return fail(mdb, TEXT_NO_MEMORY, at);
    return MDB_MORE;
}

static int digit(uint8_t c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | (c >= 'A' && c <= 'F' ? 0x20 : 0)) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* A byte that belongs to an escape. */
static enum mdb_result take_escape(struct mdb *mdb, uint8_t byte)
{
    int value = digit(byte);

    if (value < 0 && !(mdb->escape == SLASH && byte == '\\'))
        return fail(mdb, TEXT_BAD_PRINT, mdb->escape_now);
    mdb->now++;
    if (mdb->escape == SLASH && value >= 0) {
        mdb->high = (uint8_t)value;
        mdb->escape = LOW;
        return MDB_MORE;
    }
    if (mdb->escape == LOW)
        byte = (uint8_t)(mdb->high << 4 | value);
    mdb->escape = PLAIN;
    return add(mdb, strata_bytes(&byte, 1), mdb->escape_now);
}

/* A byte with a special meaning. */
static enum mdb_result take_special(struct mdb *mdb, uint8_t byte)
{
    if (mdb->escape != PLAIN)
        return take_escape(mdb, byte);
    if (byte == '\r')
        return fail(mdb, TEXT_PRINT_RETURN, mdb->now);
    mdb->escape_now = mdb->now++;
    mdb->escape = SLASH;
    return MDB_MORE;
}

/* No newline is the first of `input`; nor is any passed. */
static enum mdb_result take_printed(struct mdb *mdb, struct strata_slice *input)
{
    struct strata_slice run = {input->data, 0};

    if (mdb->escape == PLAIN)
        while (run.size < input->size && !memchr("\\\r\n", run.data[run.size], 3))
            run.size++;
    input->data += run.size ? run.size : 1;
    input->size -= run.size ? run.size : 1;
    if (run.size == 0)
        return take_special(mdb, run.data[0]);
    mdb->now += run.size;
    return add(mdb, run, mdb->now - run.size);
}

static enum mdb_result take_digits(struct mdb *mdb, struct strata_slice *input)
{
    const uint8_t *newline = memchr(input->data, '\n', input->size);
    struct strata_slice run = {input->data,
                               newline ? (size_t)(newline - input->data) : input->size};
    enum text_fault fault = text_feed(&mdb->text, run, field(mdb));

    input->data += run.size;
    input->size -= run.size;
    mdb->now += run.size;
    return fault == TEXT_FINE ? MDB_MORE : fail(mdb, fault, 1 + mdb->text.mark);
}

static enum mdb_result take_data(struct mdb *mdb, struct strata_slice *input)
{
    if (input->data[0] != '\n')
        return mdb->print ? take_printed(mdb, input) : take_digits(mdb, input);
    input->data++;
    input->size--;
    return end_data_line(mdb);
}

/* Of the line that says that there are no more. */
static enum mdb_result take_end(struct mdb *mdb, uint8_t byte)
{
    if (mdb->now == sizeof end_line - 1 && byte == '\n') {
        next_line(mdb, OVER);
        return MDB_MORE;
    }
    if (mdb->now == sizeof end_line - 1 || byte != (uint8_t)end_line[mdb->now])
        return fail(mdb, TEXT_NO_SPACE, 0);
    mdb->now++;
    return MDB_MORE;
}

/* ---- Feeding --------------------------------------------------------------------------- */

static void forget(struct mdb *mdb)
{
    if (!mdb->returned)
        return;
    mdb->returned = false;
    strata_buffer_clear(&mdb->key);
    strata_buffer_clear(&mdb->value);
}

static enum mdb_result take_byte(struct mdb *mdb, uint8_t byte)
{
    switch (mdb->state) {
    case HEADER:
        return take_header(mdb, byte);
    case FIRST:
        return begin_line(mdb, byte);
    case END:
        return take_end(mdb, byte);
    }
    return fail(mdb, TEXT_BEHIND_END, 0);
}

enum mdb_result mdb_feed(struct mdb *mdb, struct strata_slice *input)
{
    enum mdb_result result = MDB_MORE;

    forget(mdb);
    while (input->size && result == MDB_MORE) {
        uint8_t byte = input->data[0];
        if (mdb->state == DATA) {
            result = take_data(mdb, input);
            continue;
        }
        input->data++;
        input->size--;
        result = take_byte(mdb, byte);
    }
    return result;
}

enum mdb_result mdb_finish(struct mdb *mdb)
{
    forget(mdb);
    if (mdb->state == OVER || (mdb->state == END && mdb->now == sizeof end_line - 1))
        return MDB_MORE;
    if (mdb->now_line == 1 && !begins(mdb, rules[0].name))
        return fail(mdb, TEXT_NO_VERSION, 0);
    return fail(mdb, mdb->state == HEADER ? TEXT_HEADER_OPEN : TEXT_DATA_OPEN, mdb->now);
}

/* ---- Writing --------------------------------------------------------------------------- */

bool mdb_put_head(const struct text_sink *to)
{
    return text_put_string(to, "VERSION=3\nformat=bytevalue\ntype=btree\nmapsize=274877906944\n"
                               "HEADER=END\n");
}

static bool put_line(const struct text_sink *to, struct strata_slice bytes)
{
    return text_put_string(to, " ") && text_put(to, TEXT_HEX, bytes) && text_put_string(to, "\n");
}

bool mdb_put_entry(const struct text_sink *to, struct strata_slice key, struct strata_slice value)
{
    return put_line(to, key) && put_line(to, value);
}

bool mdb_put_tail(const struct text_sink *to)
{
    return text_put_string(to, "DATA=END\n");
}
