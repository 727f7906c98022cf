/* lines.c: see lines.h. */
#include "lines.h"
#include "fuzz.h"
#include "memory.h"

#include <string.h>
#include <xxhash.h>

/* What came of some lines. */
struct outcome {
    uint64_t entries, hash; /* of all keys and values in order */
    enum text_fault fault;  /* and its place */
    uint64_t line, column;
};

size_t lines_next_piece(size_t left, size_t *turn)
{
    size_t size = 1 + *turn * *turn % 17 % 16;
    *turn += 1 + left % 3;
    return size < left ? size : left;
}

static bool append(void *arg, struct strata_slice text)
{
    return strata_buffer_append(arg, text.data, text.size) == 0;
}

static uint64_t hash_of(uint64_t before, struct strata_slice bytes)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.size, before + bytes.size);
}

/* ---- Reading --------------------------------------------------------------------------- */

struct reading {
    struct entries in;
    enum text_form form;
    struct strata_buffer *again; /* the entries are written here anew; may be NULL */
    struct outcome outcome;
};

static void take_entry(struct reading *r)
{
    struct text_sink to = {append, r->again};

    r->outcome.entries++;
    r->outcome.hash = hash_of(hash_of(r->outcome.hash, r->in.key), r->in.value);
    if (r->again)
        require(entries_put_until(&to, r->in.format, r->form, r->in.key, r->in.value, r->in.until),
                "no memory");
}

static enum entries_result feed(struct reading *r, struct strata_slice piece)
{
    enum entries_result result;

    while ((result = entries_feed(&r->in, &piece)) == ENTRIES_ENTRY)
        take_entry(r);
    require(result == ENTRIES_FAULT || piece.size == 0, "%zu bytes are left over", piece.size);
    return result;
}

static struct outcome read_lines(enum entries_format format, enum text_form form,
                                 struct strata_slice text, bool in_pieces,
                                 struct strata_buffer *again)
{
    struct reading r = {.form = form, .again = again};
    struct text_sink to = {append, again};
    enum entries_result result = ENTRIES_MORE;
    size_t turn = 0;

    require(!again || entries_put_head(&to, format), "no memory");
    entries_init(&r.in, format, form);
    while (text.size && result == ENTRIES_MORE) {
        size_t size = in_pieces ? lines_next_piece(text.size, &turn) : text.size;
        result = feed(&r, strata_bytes(text.data, size));
        text.data += size;
        text.size -= size;
    }
    if (result == ENTRIES_MORE && (result = entries_finish(&r.in)) == ENTRIES_ENTRY)
        take_entry(&r);
    if (result == ENTRIES_FAULT) {
        r.outcome.fault = r.in.fault;
        r.outcome.line = r.in.line;
        r.outcome.column = r.in.column;
        require(r.in.fault != TEXT_FINE && entries_why(&r.in)[0], "fault %d", (int)r.in.fault);
    }
    entries_free(&r.in);
    require(!again || entries_put_tail(&to, format), "no memory");
    return r.outcome;
}

/* ---- Checking -------------------------------------------------------------------------- */

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
}

static void check_same(const struct outcome *a, const struct outcome *b, const char *how)
{
    require(a->fault != TEXT_NO_MEMORY && a->entries == b->entries && a->hash == b->hash &&
                a->fault == b->fault && a->line == b->line && a->column == b->column,
            "%llu entries, fault %d at %llu:%llu; %s: %llu, %d at %llu:%llu",
            (unsigned long long)a->entries, (int)a->fault, (unsigned long long)a->line,
            (unsigned long long)a->column, how, (unsigned long long)b->entries, (int)b->fault,
            (unsigned long long)b->line, (unsigned long long)b->column);
}

/* Any bytes, as a key and a value, come back. Returns the size of their lines. */
static size_t check_bytes(enum entries_format format, enum text_form form,
                          struct strata_slice bytes)
{
    struct strata_buffer line = {0};
    struct text_sink to = {append, &line};
    struct strata_slice key = strata_bytes(bytes.data, bytes.size / 3);
    struct strata_slice value = bytes;
    struct outcome want = {.entries = 1}, got;
    size_t size;

    require(key.size <= STRATA_MAX_KEY, "the fuzzer's input is too large");
    if (key.size) {
        value.data += key.size;
        value.size -= key.size;
    }
    want.hash = hash_of(hash_of(0, key), value);
    require(entries_put_head(&to, format), "no memory");
    size = line.size;
    require(entries_put(&to, format, form, key, value), "no memory");
    size = line.size - size;
    require(entries_put_tail(&to, format), "no memory");
    got = read_lines(format, form, strata_buffer_slice(&line), false, NULL);
    check_same(&want, &got, "written and read");
    strata_buffer_free(&line);
    return size;
}

/* ---- Failures -------------------------------------------------------------------------- */

#define DEEP 8 /* one input in so many */

/* An allocation that fails is reported, or does not matter. */
static void check_memory(enum entries_format format, enum text_form form, struct strata_slice text,
                         const struct outcome *whole, uint64_t random)
{
    struct outcome outcome;

    memory_fail(1 + random % 8);
    outcome = read_lines(format, form, text, random % 16 >= 8, NULL);
    if (!memory_fail(0))
        check_same(whole, &outcome, "with memory enough");
    else
        require(outcome.fault == TEXT_NO_MEMORY, "without memory: fault %d", (int)outcome.fault);
}

static bool append_some(void *arg, struct strata_slice text)
{
    size_t *left = arg;
    if (text.size > *left)
        return false;
    *left -= text.size;
    return true;
}

/* Where there is no room for the line, writing it says so. */
static void check_room(enum entries_format format, enum text_form form, struct strata_slice bytes,
                       size_t size, uint64_t random)
{
    size_t left = random % (size + 2), room = left;
    struct text_sink to = {append_some, &left};
    struct strata_slice key = strata_bytes(bytes.data, bytes.size / 3);
    struct strata_slice value = {bytes.data + key.size, bytes.size - key.size};

    require(entries_put(&to, format, form, key, value) == (size <= room),
            "a line of %zu bytes in a place for %zu", size, room);
}

void lines_check(enum entries_format format, enum text_form form, struct strata_slice text)
{
    struct strata_buffer again = {0};
    uint64_t random = XXH3_64bits(text.data, text.size);
    struct outcome whole, pieces, back;
    size_t size;

    memory_watch(memory_limit(text.size));
    pieces = read_lines(format, form, text, true, NULL);
    memory_watched();
    whole = read_lines(format, form, text, false, &again);
    check_same(&whole, &pieces, "in pieces");
    if (whole.fault != TEXT_FINE)
        check_place(&whole, text);
    fuzz_uncounted_begin();
    for (unsigned i = 0; fuzz_thorough ? i < DEEP : i == 0 && random % DEEP == 0; i++)
        check_memory(format, form, text, &whole, random / DEEP + i * 11);
    fuzz_uncounted_end();
    back = read_lines(format, form, strata_buffer_slice(&again), false, NULL);
    whole.fault = TEXT_FINE;
    whole.line = whole.column = 0;
    check_same(&whole, &back, "written again");
    strata_buffer_free(&again);
    size = check_bytes(format, form, text);
    fuzz_uncounted_begin();
    for (unsigned i = 0; fuzz_thorough ? i < DEEP : i == 0 && random % DEEP == 0; i++)
        check_room(format, form, text, size, random / DEEP + i * 5);
    fuzz_uncounted_end();
}
