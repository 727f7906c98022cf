/* reply.c: see reply.h. */
#include "14_server/reply.h"
#include "14_server/store/entry.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void put(struct reply *to, const void *data, size_t size)
{
    if (to->bytes.size > to->most || size > to->most - to->bytes.size)
        to->bytes.out_of_memory = true;
    else
        strata_buffer_append(&to->bytes, data, size);
}

static void add(struct reply *to, const char *text)
{
    put(to, text, strlen(text));
}

static void add_head(struct reply *to, char kind, int64_t number)
{
    char line[32];
    int size = snprintf(line, sizeof line, "%c%" PRId64 "\r\n", kind, number);

    put(to, line, (size_t)size);
}

void reply_simple(struct reply *to, const char *text)
{
    add(to, "+");
    add(to, text);
    add(to, "\r\n");
}

void reply_error(struct reply *to, const char *format, ...)
{
    char text[600];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if (*c == '\r' || *c == '\n')
            *c = ' ';
    add(to, "-");
    add(to, text);
    add(to, "\r\n");
}

void reply_fail(struct reply *to, const struct strata_error *err)
{
    char text[560];

    if (err->code == ENTRY_WRONG_TYPE)
        reply_error(to, "WRONGTYPE Operation against a key holding the wrong kind of value");
    else
        reply_error(to, "ERR %s", strata_error_text(err, text, sizeof text));
}

void reply_number(struct reply *to, int64_t number)
{
    add_head(to, ':', number);
}

void reply_bulk(struct reply *to, struct strata_slice bytes)
{
    add_head(to, '$', (int64_t)bytes.size);
    if (bytes.size)
        put(to, bytes.data, bytes.size);
    add(to, "\r\n");
}

void reply_text(struct reply *to, const char *text)
{
    reply_bulk(to, strata_string(text));
}

void reply_null(struct reply *to)
{
    add(to, to->version == 3 ? "_\r\n" : "$-1\r\n");
}

void reply_null_array(struct reply *to)
{
    add(to, to->version == 3 ? "_\r\n" : "*-1\r\n");
}

void reply_array(struct reply *to, size_t count)
{
    add_head(to, '*', (int64_t)count);
}

void reply_append(struct reply *to, const struct reply *from)
{
    put(to, from->bytes.data, from->bytes.size);
    to->bytes.out_of_memory |= from->bytes.out_of_memory;
}

void reply_map(struct reply *to, size_t pairs)
{
    add_head(to, to->version == 3 ? '%' : '*', (int64_t)(to->version == 3 ? pairs : 2 * pairs));
}
