/* schedule.c: the bytes are a schedule (common/scenario/scenario.h).
 *
 *   - It is one, or has a fault with a text, in one of its lines.
 *   - Written and parsed again it is the same text.
 *   - Memory is bounded by the size of the text; an allocation that fails is reported. */
#include "fuzz.h"
#include "memory.h"
#include "scenario/scenario.h"

#include <string.h>

static uint64_t lines_of(struct strata_slice text)
{
    uint64_t lines = 1;

    for (size_t i = 0; i < text.size; i++)
        lines += text.data[i] == '\n';
    return lines;
}

static void check_steps(const struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->count; i++) {
        const struct scenario_step *step = &scenario->steps[i];
        require(step->session < scenario->sessions, "session %u", step->session);
        require(step->verb <= SCENARIO_RESULT && step->count <= SCENARIO_OPERANDS, "verb %u of %u",
                step->verb, step->count);
        require(i == 0 || step->line > scenario->steps[i - 1].line, "line %u", step->line);
    }
}

/* Appends the text of a schedule, which must be one. */
static void write_again(struct strata_slice text, struct strata_buffer *to)
{
    struct scenario scenario = {0};
    struct scenario_fault fault;
    int rc = scenario_parse(&scenario, text, &fault);

    require(rc == 0, "what was written: line %llu: %s", (unsigned long long)fault.line,
            fault.message);
    scenario_put(to, &scenario);
    scenario_free(&scenario);
}

/* Each allocation fails in turn, until all that there are have. */
static void check_memory(struct strata_slice text)
{
    bool failed = true;

    for (size_t n = 1; failed; n++) {
        struct scenario scenario = {0};
        struct scenario_fault fault = {0};
        int rc;
        memory_fail(n);
        rc = scenario_parse(&scenario, text, &fault);
        failed = memory_fail(0);
        require(!failed || (rc == STRATA_ERR_NO_MEMORY && fault.line), "allocation %zu: %d: %s", n,
                rc, fault.message);
        scenario_free(&scenario);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strata_slice text = strata_bytes(data, size);
    struct strata_buffer once = {0}, twice = {0};
    struct scenario scenario = {0};
    struct scenario_fault fault = {0};
    int rc;

    memory_watch(memory_limit(size));
    rc = scenario_parse(&scenario, text, &fault);
    memory_watched();
    require(rc == 0 || (rc == STRATA_ERR_INVALID && fault.message[0]), "%d: %s", rc, fault.message);
    require(rc == 0 || (fault.line && fault.line <= lines_of(text)), "line %llu",
            (unsigned long long)fault.line);
    check_steps(&scenario);
    if (size <= (fuzz_thorough ? 4096 : 64))
        check_memory(text);
    if (rc == 0) {
        scenario_put(&once, &scenario);
        if (once.size <= SCENARIO_BYTES_MOST) {
            write_again(strata_buffer_slice(&once), &twice);
            require(strata_compare(strata_buffer_slice(&once), strata_buffer_slice(&twice)) == 0,
                    "written again it is another text");
        }
    }
    scenario_free(&scenario);
    strata_buffer_free(&once);
    strata_buffer_free(&twice);
    return 0;
}
