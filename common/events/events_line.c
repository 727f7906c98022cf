/* events_line.c: a line of the event log: a JSON object (RFC 8259) of numbers and strings,
 *
 *     {"event":"flush end","ns":81374,"bytes":4150113, ... ,"check":"5f00d1a3"}
 *
 * with what is not 0, in the order of the table below. A key's bytes are characters of the same
 * numbers, those beyond printable ASCII as \u00NN. `check` is XXH3 of all bytes before the comma
 * that it follows: with it right, the line is one that was written here. It has no seed: a line
 * means the same wherever it is in the file. */
#include "base/bytes.h"
#include "base/checksum.h"
#include "events/events.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define KEY_MOST 48u /* bytes of a key */
#define CHECK ",\"check\":\""
#define TAIL (sizeof CHECK - 1 + 8 + 2) /* with the digits, the quote and the brace */
#define HEAD (EVENTS_MAGIC ":\"")

static const char *const names[STRATA_EVENTS] = {
    "unreadable",    "open",        "close",    "stands", "seal",  "flush begin", "flush end",
    "compact begin", "compact end", "given up", "move",   "stall", "made",        "gone"};

#define NUMBER(name)                                                                               \
    {                                                                                              \
#name, offsetof(struct strata_event, name)                                                 \
    }
#define LEVEL(n)                                                                                   \
    {                                                                                              \
        "level" #n "_bytes", offsetof(struct strata_event, level_bytes) + n * sizeof(uint64_t)     \
    }
static const struct number {
    const char *name;
    size_t at;
} numbers[] = {NUMBER(ns),      NUMBER(table),   NUMBER(from),     NUMBER(level),   NUMBER(inputs),
               NUMBER(outputs), NUMBER(bytes),   NUMBER(written),  NUMBER(records), NUMBER(dropped),
               NUMBER(deletes), NUMBER(took_ns), NUMBER(bytes_in), NUMBER(error),   LEVEL(0),
               LEVEL(1),        LEVEL(2),        LEVEL(3),         LEVEL(4),        LEVEL(5),
               LEVEL(6)};
#define NUMBERS (sizeof numbers / sizeof *numbers)

static uint64_t *number_at(struct strata_event *event, size_t i)
{
    return (uint64_t *)(void *)((uint8_t *)event + numbers[i].at);
}

const char *events_name(enum strata_event_type type)
{
    return names[type];
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void put(struct strata_buffer *to, const char *text)
{
    strata_buffer_append(to, text, strlen(text));
}

static void put_key(struct strata_buffer *to, const char *name, struct strata_slice key)
{
    char text[16];

    snprintf(text, sizeof text, ",\"%s\":\"", name);
    put(to, text);
    for (size_t i = 0; i < key.size && i < KEY_MOST; i++) {
        bool plain = key.data[i] >= ' ' && key.data[i] <= '~' && !strchr("\"\\<>&'", key.data[i]);
        snprintf(text, sizeof text, plain ? "%c" : "\\u%04x", key.data[i]);
        put(to, text);
    }
    put(to, "\"");
}

void events_encode(const struct strata_event *event, struct strata_buffer *to)
{
    struct strata_event copy = *event;
    size_t from = to->size;
    char text[64];

    put(to, HEAD);
    put(to, names[event->type]);
    put(to, "\"");
    for (size_t i = 0; i < NUMBERS; i++) {
        snprintf(text, sizeof text, ",\"%s\":%" PRIu64, numbers[i].name, *number_at(&copy, i));
        if (*number_at(&copy, i))
            put(to, text);
    }
    if (event->smallest.data)
        put_key(to, "smallest", event->smallest);
    if (event->largest.data)
        put_key(to, "largest", event->largest);
    snprintf(text, sizeof text, CHECK "%08" PRIx32 "\"}\n",
             to->out_of_memory ? 0 : checksum(0, strata_bytes(to->data + from, to->size - from)));
    put(to, text);
}

/* ---- Reading --------------------------------------------------------------------------------- */

bool events_next_line(struct strata_slice *rest, struct strata_slice *line)
{
    const uint8_t *end;

    while (rest->size && *rest->data == '\n')
        *rest = slice_behind(*rest, 1);
    if (!rest->size)
        return false;
    end = memchr(rest->data, '\n', rest->size);
    *line = strata_bytes(rest->data, end ? (size_t)(end - rest->data) : rest->size);
    *rest = slice_behind(*rest, line->size);
    return true;
}

static bool skip(struct strata_slice *rest, const char *text)
{
    size_t size = strlen(text);

    if (rest->size < size || memcmp(rest->data, text, size) != 0)
        return false;
    *rest = slice_behind(*rest, size);
    return true;
}

/* Up to the next quote; with it gone. */
static bool take_word(struct strata_slice *rest, struct strata_slice *word)
{
    const uint8_t *end = rest->size ? memchr(rest->data, '"', rest->size) : NULL;

    if (!end)
        return false;
    *word = strata_bytes(rest->data, (size_t)(end - rest->data));
    *rest = slice_behind(*rest, word->size + 1);
    return true;
}

/* At most 2^63 - 1, so that sums of two fit: what is larger was not written here. */
static bool take_number(struct strata_slice *rest, uint64_t *number)
{
    size_t digits = 0;

    for (*number = 0; rest->size && *rest->data >= '0' && *rest->data <= '9'; digits++) {
        uint64_t digit = (uint64_t)(*rest->data - '0');
        if (*number > (UINT64_MAX / 2 - digit) / 10)
            return false;
        *number = *number * 10 + digit;
        *rest = slice_behind(*rest, 1);
    }
    return digits > 0;
}

static int digit_of(uint8_t c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* One byte of a key: itself, or \u00NN. */
static bool take_byte(struct strata_slice *word, uint8_t *byte)
{
    int high, low;

    if (!skip(word, "\\u00")) {
        *byte = *word->data;
        *word = slice_behind(*word, 1);
        return *byte != '\\';
    }
    if (word->size < 2)
        return false;
    high = digit_of(word->data[0]);
    low = digit_of(word->data[1]);
    *byte = (uint8_t)(high * 16 + low);
    *word = slice_behind(*word, 2);
    return high >= 0 && low >= 0;
}

static bool take_key(struct strata_slice *rest, struct strata_slice *key,
                     struct strata_buffer *keys)
{
    size_t from = keys->size;
    struct strata_slice word;

    if (!skip(rest, "\"") || !take_word(rest, &word))
        return false;
    while (word.size) {
        uint8_t byte;
        if (!take_byte(&word, &byte))
            return false;
        strata_buffer_append(keys, &byte, 1);
    }
    *key = strata_bytes(keys->data + from, keys->size - from);
    return !keys->out_of_memory;
}

static bool is(struct strata_slice word, const char *text)
{
    return word.size == strlen(text) && memcmp(word.data, text, word.size) == 0;
}

/* A number whose name is not known is skipped: a later version's. */
static bool take_field(struct strata_slice *rest, struct strata_event *event,
                       struct strata_buffer *keys)
{
    struct strata_slice name;
    uint64_t value;

    if (!skip(rest, ",\"") || !take_word(rest, &name) || !skip(rest, ":"))
        return false;
    if (is(name, "smallest"))
        return take_key(rest, &event->smallest, keys);
    if (is(name, "largest"))
        return take_key(rest, &event->largest, keys);
    if (!take_number(rest, &value))
        return false;
    for (size_t i = 0; i < NUMBERS; i++)
        if (is(name, numbers[i].name))
            *number_at(event, i) = value;
    return true;
}

static bool take_type(struct strata_slice *rest, struct strata_event *event)
{
    struct strata_slice name;
    unsigned type = STRATA_EVENT_OPEN;

    if (!skip(rest, HEAD) || !take_word(rest, &name))
        return false;
    while (type < STRATA_EVENTS && !is(name, names[type]))
        type++;
    event->type = type;
    event->name = type < STRATA_EVENTS ? names[type] : NULL;
    return type < STRATA_EVENTS;
}

bool events_is_whole(struct strata_slice line)
{
    struct strata_slice tail;
    char check[TAIL + 1];

    if (line.size < TAIL)
        return false;
    tail = slice_behind(line, line.size - TAIL);
    snprintf(check, sizeof check, CHECK "%08" PRIx32 "\"}",
             checksum(0, strata_bytes(line.data, line.size - TAIL)));
    return memcmp(tail.data, check, TAIL) == 0;
}

int events_decode(struct strata_slice line, struct strata_event *event, struct strata_buffer *keys)
{
    struct strata_slice rest;
    bool good;

    *event = (struct strata_event){.name = names[STRATA_EVENT_UNREADABLE]};
    strata_buffer_clear(keys);
    /* its keys' bytes stay where they are: they are fewer than the line's */
    if (buffer_reserve(keys, line.size + 1) < 0)
        return STRATA_ERR_NO_MEMORY;
    if (!events_is_whole(line))
        return STRATA_NOT_FOUND;
    rest = strata_bytes(line.data, line.size - TAIL);
    good = take_type(&rest, event);
    while (good && rest.size)
        good = take_field(&rest, event, keys);
    if (!good)
        *event = (struct strata_event){.name = names[STRATA_EVENT_UNREADABLE]};
    return good ? 0 : STRATA_NOT_FOUND;
}

int events_each(struct strata_slice lines,
                void (*each)(void *arg, const struct strata_event *event), void *arg,
                struct strata_error *err)
{
    struct strata_buffer keys = {0};
    struct strata_slice line;
    struct strata_event event;
    int rc = 0;

    while (rc == 0 && events_next_line(&lines, &line))
        if (events_decode(line, &event, &keys) < 0)
            rc = strata_fail_memory(err, line.size);
        else
            each(arg, &event);
    strata_buffer_free(&keys);
    return rc;
}
