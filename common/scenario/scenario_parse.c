/* scenario_parse.c: text as a schedule; see scenario.h. What needs a transaction has one here: a
 * session's lines say themselves where one begins and ends. */
#include "scenario/scenario.h"
#include "base/array.h"
#include "text/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MOST 256u /* in a line: what a scan returns is no longer */

/* A word of a line. */
struct word {
    const char *text;
    size_t size;
    size_t equals; /* bytes before the first = outside of quotes; == size: there is none */
    bool quoted;   /* a part of it is */
};

struct parse {
    struct scenario *scenario;
    struct scenario_fault *fault;
    uint64_t line;
    uint64_t begun[SCENARIO_SESSIONS_MOST]; /* the line with the open `begin`; 0: none is open */
    struct word words[WORDS_MOST];
    size_t count, next; /* words of the line, and the next one to look at */
    struct strata_buffer bytes, canon;
};

static int fail(struct parse *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct parse *p, const char *format, ...)
{
    va_list args;

    p->fault->line = p->line;
    va_start(args, format);
    vsnprintf(p->fault->message, sizeof p->fault->message, format, args);
    va_end(args);
    return STRATA_ERR_INVALID;
}

static int fail_memory(struct parse *p)
{
    fail(p, "out of memory");
    return STRATA_ERR_NO_MEMORY;
}

/* ---- Words ----------------------------------------------------------------------------------- */

/* The bytes are in the arena, with a NUL behind them. NULL: no memory. */
static char *keep(struct parse *p, const void *bytes, size_t size)
{
    char *kept;

    if (arena_reserve(&p->scenario->arena, size + 1 + ARENA_ALIGN, NULL) < 0)
        return NULL;
    kept = arena_take(&p->scenario->arena, size + 1);
    if (size)
        memcpy(kept, bytes, size);
    kept[size] = '\0';
    return kept;
}

/* The word that begins at text[*at]; *at becomes its end. */
static int take_word(struct parse *p, const char *text, size_t size, size_t *at)
{
    size_t from = *at, end = from;
    struct word *word = &p->words[p->count];
    char quote = '\0';

    if (p->count == WORDS_MOST)
        return fail(p, "more than %u words", WORDS_MOST);
    *word = (struct word){.text = text + from, .equals = SIZE_MAX};
    for (; end < size && (quote || (text[end] != ' ' && text[end] != '\t')); end++) {
        char c = text[end];
        if (quote ? c == quote : c == '\'' || c == '"') {
            quote = quote ? '\0' : c;
            word->quoted = true;
        } else if (!quote && c == '=' && word->equals == SIZE_MAX) {
            word->equals = end - from;
        }
    }
    if (quote)
        return fail(p, "column %zu: a quote is not closed", from + 1);
    word->size = end - from;
    if (word->equals == SIZE_MAX)
        word->equals = word->size;
    p->count++;
    *at = end;
    return 0;
}

static int split(struct parse *p, const char *text, size_t size)
{
    size_t at = 0;
    int rc = 0;

    p->count = p->next = 0;
    while (rc == 0) {
        while (at < size && (text[at] == ' ' || text[at] == '\t'))
            at++;
        if (at == size || text[at] == '#')
            return 0;
        rc = take_word(p, text, size, &at);
    }
    return rc;
}

static bool is(const struct word *word, const char *text)
{
    return !word->quoted && word->size == strlen(text) && memcmp(word->text, text, word->size) == 0;
}

/* The bytes that `size` bytes of a word mean, to p->bytes. */
static int decode(struct parse *p, const char *text, size_t size)
{
    enum text_fault fault;
    uint64_t at;
    struct strata_buffer plain = {0};
    char quote = '\0';
    int rc = 0;

    for (size_t i = 0; i < size; i++)
        if (quote ? text[i] == quote : text[i] == '\'' || text[i] == '"')
            quote = quote ? '\0' : text[i];
        else
            strata_buffer_append(&plain, &text[i], 1);
    if (plain.out_of_memory)
        rc = fail_memory(p);
    fault = rc < 0 ? TEXT_FINE
                   : text_decode(TEXT_ESCAPED, strata_buffer_slice(&plain), STRATA_MAX_KEY,
                                 &p->bytes, &at);
    strata_buffer_free(&plain);
    if (fault == TEXT_NO_MEMORY)
        return fail_memory(p);
    return fault == TEXT_FINE ? rc
                              : fail(p, "\"%.*s\": %s", (int)(size < 60 ? size : 60), text,
                                     text_fault_name(fault));
}

/* ---- What is expected ------------------------------------------------------------------------ */

/* SCENARIO_EXPECTATIONS: the word is no beginning of an expectation. */
static unsigned expectation_of(const struct word *word)
{
    unsigned e = 0;

    while (e < SCENARIO_EXPECTATIONS && !is(word, scenario_expectation_name(e)))
        e++;
    return e;
}

static bool is_operand(const struct parse *p)
{
    return p->next < p->count && expectation_of(&p->words[p->next]) == SCENARIO_EXPECTATIONS;
}

/* Appends the word to p->canon in the form that results have. */
static int add_result(struct parse *p, const struct word *word)
{
    int rc;

    if (p->canon.size)
        strata_buffer_append(&p->canon, " ", 1);
    if (scenario_is_outcome(strata_bytes(word->text, word->size))) { /* no quotes */
        strata_buffer_append(&p->canon, word->text, word->size);
        return 0;
    }
    rc = decode(p, word->text, word->equals);
    if (rc < 0)
        return rc;
    scenario_put_word(&p->canon, strata_buffer_slice(&p->bytes));
    if (word->equals == word->size)
        return 0;
    rc = decode(p, word->text + word->equals + 1, word->size - word->equals - 1);
    strata_buffer_append(&p->canon, "=", 1);
    scenario_put_word(&p->canon, strata_buffer_slice(&p->bytes));
    return rc;
}

static int take_expectation(struct parse *p, struct scenario_step *step)
{
    const struct word *name = &p->words[p->next++];
    unsigned e = expectation_of(name);
    int rc = 0;

    strata_buffer_clear(&p->canon);
    if (step->expected[e])
        return fail(p, "\"%s\" is there twice", scenario_expectation_name(e));
    if (!is_operand(p))
        return fail(p, "what the step returns is missing after \"%s\"",
                    scenario_expectation_name(e));
    while (rc == 0 && is_operand(p))
        rc = add_result(p, &p->words[p->next++]);
    if (rc < 0)
        return rc;
    step->expected[e] = p->canon.out_of_memory ? NULL : keep(p, p->canon.data, p->canon.size);
    return step->expected[e] ? 0 : fail_memory(p);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* What each verb takes. */
static const struct {
    uint8_t least, most; /* operands */
    bool txn;            /* it needs a transaction */
} takes[] = {
    [SCENARIO_BEGIN] = {0, 0, false},         [SCENARIO_GET] = {1, 1, false},
    [SCENARIO_GET_FOR_UPDATE] = {1, 1, true}, [SCENARIO_SCAN] = {0, 2, false},
    [SCENARIO_PUT] = {2, 2, false},           [SCENARIO_DELETE] = {1, 1, false},
    [SCENARIO_SAVEPOINT] = {0, 1, true},      [SCENARIO_ROLLBACK_TO] = {0, 1, true},
    [SCENARIO_COMMIT] = {0, 0, true},         [SCENARIO_ABORT] = {0, 0, true},
    [SCENARIO_MERGE] = {3, 3, false},         [SCENARIO_DELRANGE] = {2, 2, false},
};

static int take_verb(struct parse *p, struct scenario_step *step)
{
    const struct word *word = &p->words[p->next];

    step->verb = SCENARIO_RESULT;
    if (!is_operand(p))
        return 0;
    for (unsigned v = 0; v < SCENARIO_RESULT; v++)
        if (is(word, scenario_verb_name(v)))
            step->verb = (uint8_t)v;
    if (step->verb == SCENARIO_RESULT)
        return fail(p, "\"%.*s\" is no step", (int)(word->size < 60 ? word->size : 60), word->text);
    p->next++;
    return 0;
}

static int take_level(struct parse *p, struct scenario_step *step)
{
    for (; is_operand(p); p->next++) {
        const struct word *word = &p->words[p->next];
        if (is(word, "snapshot") && !step->isolation)
            step->isolation = STRATA_SNAPSHOT_ISOLATION;
        else if (is(word, "serializable") && !step->isolation)
            step->isolation = STRATA_SERIALIZABLE;
        else if (is(word, "read-only") && !step->read_only)
            step->read_only = true;
        else
            return fail(p, "begin [snapshot|serializable] [read-only]");
    }
    return 0;
}

static int take_operands(struct parse *p, struct scenario_step *step)
{
    const char *verb = scenario_verb_name(step->verb);

    if (step->verb == SCENARIO_BEGIN)
        return take_level(p, step);
    if (step->verb == SCENARIO_RESULT)
        return p->next < p->count ? 0 : fail(p, "a step is missing");
    while (is_operand(p)) {
        const struct word *word = &p->words[p->next++];
        char *kept;
        int rc = step->count == takes[step->verb].most ? fail(p, "%s: one word too many", verb)
                                                       : decode(p, word->text, word->size);
        if (rc < 0)
            return rc;
        kept = keep(p, p->bytes.data, p->bytes.size);
        if (!kept)
            return fail_memory(p);
        step->operands[step->count++] = strata_bytes(kept, p->bytes.size);
    }
    if (step->verb == SCENARIO_MERGE && step->count > 1 && !scenario_operator(step->operands[1]))
        return fail(p, "merge KEY add|max|append OPERAND");
    return step->count < takes[step->verb].least ? fail(p, "%s: a word is missing", verb) : 0;
}

static int check_transaction(struct parse *p, const struct scenario_step *step)
{
    uint64_t *begun = &p->begun[step->session];
    const char *name = p->scenario->names[step->session];

    if (step->verb == SCENARIO_BEGIN && *begun)
        return fail(p, "%s has a transaction since line %llu", name, (unsigned long long)*begun);
    if (step->verb != SCENARIO_RESULT && takes[step->verb].txn && !*begun)
        return fail(p, "%s: %s has no transaction", scenario_verb_name(step->verb), name);
    if (step->verb == SCENARIO_BEGIN)
        *begun = p->line;
    if (step->verb == SCENARIO_COMMIT || step->verb == SCENARIO_ABORT)
        *begun = 0;
    return 0;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static bool is_name(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
              (text[i] >= '0' && text[i] <= '9') || text[i] == '_'))
            return false;
    return size > 0 && size <= SCENARIO_NAME_MOST;
}

static int take_session(struct parse *p, const char *name, size_t size, uint8_t *session)
{
    struct scenario *scenario = p->scenario;

    if (!is_name(name, size))
        return fail(p, "a line is \"NAME: STEP\", and a name 1 to %u letters, digits and _",
                    SCENARIO_NAME_MOST);
    for (size_t i = 0; i < scenario->sessions; i++)
        if (strlen(scenario->names[i]) == size && memcmp(scenario->names[i], name, size) == 0) {
            *session = (uint8_t)i;
            return 0;
        }
    if (scenario->sessions == SCENARIO_SESSIONS_MOST)
        return fail(p, "more than %u sessions", SCENARIO_SESSIONS_MOST);
    memcpy(scenario->names[scenario->sessions], name, size);
    *session = (uint8_t)scenario->sessions++;
    return 0;
}

static int take_step(struct parse *p, const char *text, size_t size)
{
    const char *colon = memchr(text, ':', size);
    size_t named = colon ? (size_t)(colon - text) : 0;
    struct scenario_step *step;
    uint8_t session = 0;
    int rc = take_session(p, text, named, &session);

    if (rc == 0)
        rc = split(p, text + named + 1, size - named - 1);
    if (rc == 0 && p->scenario->count == SCENARIO_STEPS_MOST)
        rc = fail(p, "more than %u steps", SCENARIO_STEPS_MOST);
    if (rc < 0)
        return rc;
    step =
        array_add(&p->scenario->steps, &p->scenario->count, &p->scenario->room, sizeof *step, NULL);
    if (!step)
        return fail_memory(p);
    step->line = (uint32_t)p->line;
    step->session = session;
    rc = take_verb(p, step);
    if (rc == 0)
        rc = take_operands(p, step);
    while (rc == 0 && p->next < p->count)
        rc = take_expectation(p, step);
    return rc < 0 ? rc : check_transaction(p, step);
}

/* The first comment is the title, if it comes before the first step. */
static int take_comment(struct parse *p, const char *text, size_t size)
{
    while (size && (*text == '#' || *text == ' ')) {
        text++;
        size--;
    }
    while (size && strchr(" \t\r", text[size - 1]))
        size--;
    if (p->scenario->count || *p->scenario->title || !size)
        return 0;
    p->scenario->title = keep(p, text, size);
    if (p->scenario->title)
        return 0;
    p->scenario->title = "";
    return fail_memory(p);
}

static int take_line(struct parse *p, const char *text, size_t size)
{
    size_t blank = 0;

    if (size && text[size - 1] == '\r')
        size--;
    if (!text_is_plain(strata_bytes(text, size)))
        return fail(p, "no text: a control character, or bytes that are no UTF-8");
    while (blank < size && (text[blank] == ' ' || text[blank] == '\t'))
        blank++;
    if (blank == size)
        return 0;
    if (text[blank] == '#')
        return take_comment(p, text + blank, size - blank);
    return take_step(p, text + blank, size - blank);
}

int scenario_parse(struct scenario *scenario, struct strata_slice text,
                   struct scenario_fault *fault)
{
    struct parse p = {.scenario = scenario, .fault = fault};
    const char *at = (const char *)text.data, *end;
    int rc = 0;

    scenario->title = "";
    p.line = 1;
    if (text.size > SCENARIO_BYTES_MOST)
        return fail(&p, "more than %zu bytes", SCENARIO_BYTES_MOST);
    for (size_t left = text.size; left && rc == 0; p.line++) {
        size_t size;
        end = memchr(at, '\n', left);
        size = end ? (size_t)(end - at) : left;
        rc = take_line(&p, at, size);
        left -= size + (end != NULL);
        at += size + (end != NULL);
    }
    strata_buffer_free(&p.bytes);
    strata_buffer_free(&p.canon);
    return rc;
}

void scenario_free(struct scenario *scenario)
{
    free(scenario->steps);
    arena_free(&scenario->arena);
    *scenario = (struct scenario){.title = ""};
}
