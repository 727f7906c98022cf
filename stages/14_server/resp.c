/* resp.c: see resp.h.
 *
 *     *2\r\n $3\r\nGET\r\n $5\r\nfruit\r\n      two arguments, each with its size in front
 *     GET fruit\r\n                             the same, typed by hand: an inline command
 *
 * 14.I1: a size that was read allocates nothing: what the parser holds grows with the arguments
 *        that have arrived, sixteen bytes for each.
 * 14.I2: no byte is looked at twice, however small the pieces are that arrive. */
#include "14_server/resp.h"
#include "base/array.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static enum resp_code bad(struct resp *r, const char *error)
{
    r->error = error;
    return RESP_BAD;
}

static bool add_arg(struct resp *r, size_t offset, size_t size)
{
    struct resp_arg *arg = array_add(&r->args, &r->count, &r->room, sizeof *arg, NULL);

    if (arg)
        *arg = (struct resp_arg){offset, size};
    return arg != NULL;
}

/* The line at `at`: *length without its end, *next where the one after it begins. */
static enum resp_code find_line(struct resp *r, const uint8_t *data, size_t size, size_t *length,
                                size_t *next)
{
    size_t from = r->seen > r->at ? r->seen : r->at;
    size_t most = r->most_bytes < RESP_LINE_MAX ? r->most_bytes : RESP_LINE_MAX;
    const uint8_t *end = from < size ? memchr(data + from, '\n', size - from) : NULL;

    r->seen = end ? (size_t)(end - data) : size;
    if ((end ? (size_t)(end - data) : size) - r->at > most)
        return bad(r, "too big inline request");
    if (!end)
        return RESP_MORE;
    *next = (size_t)(end - data) + 1;
    *length = *next - 1 - r->at;
    if (*length && data[r->at + *length - 1] == '\r')
        (*length)--;
    return RESP_READY;
}

/* Decimal digits, with a sign perhaps. */
static bool read_number(const uint8_t *text, size_t size, int64_t *number)
{
    bool negative = size && *text == '-';
    int64_t n = 0;

    if (size == negative || size > 12)
        return false;
    for (size_t i = negative; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        n = n * 10 + (text[i] - '0');
    }
    *number = negative ? -n : n;
    return true;
}

/* ---- Inline commands ------------------------------------------------------------------------- */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that the escape at text[*at], behind the backslash, means. */
static uint8_t unescape(const uint8_t *text, size_t size, size_t *at)
{
    static const char letters[] = "n\nr\rt\tb\ba\a";
    uint8_t c = text[(*at)++];

    if (c == 'x' && size - *at >= 2 && hex_digit(text[*at]) >= 0 && hex_digit(text[*at + 1]) >= 0) {
        *at += 2;
        return (uint8_t)(hex_digit(text[*at - 2]) << 4 | hex_digit(text[*at - 1]));
    }
    for (size_t i = 0; letters[i]; i += 2)
        if (c == (uint8_t)letters[i])
            return (uint8_t)letters[i + 1];
    return c;
}

/* The word in quotes at text[*at], written over itself. False: it has no end. */
static bool take_quoted(uint8_t *text, size_t size, size_t *at, size_t *end)
{
    uint8_t quote = text[(*at)++];

    while (*at < size && text[*at] != quote) {
        bool escape =
            text[*at] == '\\' && size - *at > 1 && (quote == '"' || text[*at + 1] == '\'');
        *at += escape;
        text[(*end)++] = escape && quote == '"' ? unescape(text, size, at) : text[(*at)++];
    }
    return (*at)++ < size && (*at >= size || text[*at] == ' ' || text[*at] == '\t');
}

static enum resp_code take_inline(struct resp *r, uint8_t *data, size_t size)
{
    size_t length, next, at = r->at, end;
    enum resp_code code = find_line(r, data, size, &length, &next);

    if (code != RESP_READY)
        return code;
    size = at + length;
    while (at < size) {
        size_t from = at;
        if (data[at] == ' ' || data[at] == '\t') {
            at++;
            continue;
        }
        end = at;
        if (data[at] == '"' || data[at] == '\'') {
            if (!take_quoted(data, size, &at, &end))
                return bad(r, "unbalanced quotes in request");
        } else {
            while (at < size && data[at] != ' ' && data[at] != '\t')
                end = ++at;
        }
        if (!add_arg(r, from, end - from))
            return bad(r, "out of memory");
    }
    r->at = next;
    return RESP_READY;
}

/* ---- Arrays of bulk strings ------------------------------------------------------------------ */

static enum resp_code take_head(struct resp *r, const uint8_t *data, size_t size)
{
    size_t length, next;
    int64_t n;
    enum resp_code code = find_line(r, data, size, &length, &next);

    if (code != RESP_READY)
        return code;
    if (!read_number(data + r->at + 1, length - 1, &n) || n > (int64_t)RESP_ARGS_MAX)
        return bad(r, "invalid multibulk length");
    r->at = next;
    r->left = n > 0 ? (size_t)n : 0;
    return RESP_READY;
}

static enum resp_code take_size(struct resp *r, const uint8_t *data, size_t size)
{
    size_t length, next;
    int64_t n;
    enum resp_code code;

    if (r->at < size && data[r->at] != '$')
        return bad(r, "expected '$'");
    code = find_line(r, data, size, &length, &next);
    if (code != RESP_READY)
        return code;
    if (length == 0 || !read_number(data + r->at + 1, length - 1, &n) || n < 0 ||
        (uint64_t)n > r->most_bytes)
        return bad(r, "invalid bulk length");
    if (next - r->begin > r->most_bytes - (size_t)n)
        return bad(r, "too big request");
    r->at = next;
    r->bulk = (size_t)n;
    r->in_bulk = true;
    return RESP_READY;
}

static enum resp_code take_args(struct resp *r, const uint8_t *data, size_t size)
{
    while (r->left) {
        enum resp_code code = r->in_bulk ? RESP_READY : take_size(r, data, size);
        if (code != RESP_READY)
            return code;
        if (size - r->at < r->bulk + 2)
            return RESP_MORE;
        if (data[r->at + r->bulk] != '\r' || data[r->at + r->bulk + 1] != '\n')
            return bad(r, "expected the end of a line behind an argument");
        if (!add_arg(r, r->at, r->bulk))
            return bad(r, "out of memory");
        r->at += r->bulk + 2;
        r->in_bulk = false;
        r->left--;
    }
    return RESP_READY;
}

static enum resp_code take_request(struct resp *r, uint8_t *data, size_t size)
{
    enum resp_code code;

    if (r->at == size)
        return RESP_MORE;
    if (r->at == r->begin && data[r->at] != '*')
        return take_inline(r, data, size);
    if (r->at == r->begin && (code = take_head(r, data, size)) != RESP_READY)
        return code;
    return take_args(r, data, size);
}

enum resp_code resp_next(struct resp *r, uint8_t *data, size_t size)
{
    enum resp_code code;

    if (r->error)
        return RESP_BAD;
    do { /* an empty request has no answer */
        if (r->ready) {
            r->begin = r->at;
            r->count = 0;
        }
        assert(r->begin <= r->at && r->at <= size);
        code = take_request(r, data, size);
        r->ready = code == RESP_READY;
    } while (r->ready && r->count == 0);
    return code;
}

size_t resp_done(const struct resp *r)
{
    return r->ready ? r->at : r->begin;
}

void resp_drop(struct resp *r)
{
    size_t done = resp_done(r);

    if (r->ready) {
        r->count = 0;
        r->ready = false;
    }
    for (size_t i = 0; i < r->count; i++)
        r->args[i].offset -= done;
    r->begin = 0;
    r->at -= done;
    r->seen = r->seen > done ? r->seen - done : 0;
}

void resp_free(struct resp *r)
{
    free(r->args);
    *r = (struct resp){0};
}
