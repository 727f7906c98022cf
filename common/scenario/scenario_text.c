/* scenario_text.c: a schedule as text; see scenario.h. */
#include "scenario/scenario.h"
#include "text/text.h"

#include <string.h>

static const char *const verbs[] = {
    [SCENARIO_BEGIN] = "begin",
    [SCENARIO_GET] = "get",
    [SCENARIO_GET_FOR_UPDATE] = "get-for-update",
    [SCENARIO_SCAN] = "scan",
    [SCENARIO_PUT] = "put",
    [SCENARIO_DELETE] = "delete",
    [SCENARIO_MERGE] = "merge",
    [SCENARIO_DELRANGE] = "delrange",
    [SCENARIO_SAVEPOINT] = "savepoint",
    [SCENARIO_ROLLBACK_TO] = "rollback-to",
    [SCENARIO_COMMIT] = "commit",
    [SCENARIO_ABORT] = "abort",
    [SCENARIO_RESULT] = "",
};

static const char *const expectations[] = {"=", "snapshot=", "serializable=", "anomaly="};
static const char *const outcomes[] = {"ok",       "none",    "empty", "conflict",
                                       "deadlock", "timeout", "over",  "waits"};

enum strata_op_type scenario_operator(struct strata_slice name)
{
    static const struct {
        const char *name;
        enum strata_op_type type;
    } all[] = {{"add", STRATA_OP_ADD}, {"max", STRATA_OP_MAX}, {"append", STRATA_OP_APPEND}};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strata_compare(name, strata_string(all[i].name)) == 0)
            return all[i].type;
    return (enum strata_op_type)0;
}

const char *scenario_verb_name(enum scenario_verb verb)
{
    return verbs[verb];
}

const char *scenario_expectation_name(enum scenario_expectation what)
{
    return expectations[what];
}

bool scenario_is_outcome(struct strata_slice word)
{
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (strata_compare(word, strata_string(outcomes[i])) == 0)
            return true;
    return false;
}

static void put_string(struct strata_buffer *to, const char *text)
{
    strata_buffer_append(to, text, strlen(text));
}

static bool needs_quotes(struct strata_slice bytes)
{
    if (bytes.size == 0 || bytes.data[0] == '#' || scenario_is_outcome(bytes))
        return true;
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] && strchr(" '=", bytes.data[i]))
            return true;
    return false;
}

void scenario_put_word(struct strata_buffer *to, struct strata_slice bytes)
{
    const char *quote = needs_quotes(bytes) ? "\"" : "";

    put_string(to, quote);
    while (bytes.size) {
        uint8_t text[64];
        size_t size = text_encode(TEXT_ESCAPED, &bytes, text, sizeof text);
        for (size_t i = 0; i < size; i++)
            if (text[i] == '"')
                put_string(to, "\\x22");
            else
                strata_buffer_append(to, &text[i], 1);
    }
    put_string(to, quote);
}

void scenario_put_entry(struct strata_buffer *to, struct strata_slice key,
                        struct strata_slice value)
{
    scenario_put_word(to, key);
    put_string(to, "=");
    scenario_put_word(to, value);
}

void scenario_put_step(struct strata_buffer *to, const struct scenario_step *step)
{
    put_string(to, verbs[step->verb]);
    if (step->isolation)
        put_string(to, step->isolation == STRATA_SERIALIZABLE ? " serializable" : " snapshot");
    if (step->read_only)
        put_string(to, " read-only");
    for (unsigned i = 0; i < step->count; i++) {
        put_string(to, " ");
        scenario_put_word(to, step->operands[i]);
    }
}

void scenario_put(struct strata_buffer *to, const struct scenario *scenario)
{
    if (*scenario->title) {
        put_string(to, "# ");
        put_string(to, scenario->title);
        put_string(to, "\n");
    }
    for (size_t i = 0; i < scenario->count; i++) {
        const struct scenario_step *step = &scenario->steps[i];
        put_string(to, scenario->names[step->session]);
        put_string(to, ": ");
        scenario_put_step(to, step);
        for (unsigned e = 0; e < SCENARIO_EXPECTATIONS; e++)
            if (step->expected[e]) {
                put_string(to, " ");
                put_string(to, expectations[e]);
                put_string(to, " ");
                put_string(to, step->expected[e]);
            }
        put_string(to, "\n");
    }
}
