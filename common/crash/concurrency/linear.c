/* linear.c: see linear.h. */
#include "crash/concurrency/linear.h"
#include "crash/concurrency/linear_search.h"
#include "crash/need.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ALL_KEYS LINEAR_KEYS

static void *grown(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? 2 * *capacity : 4;
    return need(realloc(array, *capacity * size));
}

/* ---- Recording ------------------------------------------------------------------------------- */

static void op_free(struct linear_op *op)
{
    free(op->parts);
    free(op);
}

void linear_free(struct linear *history)
{
    for (unsigned t = 0; t < LINEAR_THREADS; t++) {
        for (size_t i = 0; i < history->threads[t].count; i++)
            op_free(history->threads[t].ops[i]);
        free(history->threads[t].ops);
    }
    memset(history, 0, sizeof *history);
}

struct linear_op *linear_begin(struct linear *history, unsigned thread, bool writes)
{
    struct linear_log *log = &history->threads[thread];
    struct linear_op *op = need(calloc(1, sizeof *op));

    assert(thread < LINEAR_THREADS);
    log->ops = grown(log->ops, log->count, &log->capacity, sizeof(struct linear_op *));
    log->ops[log->count++] = op;
    op->thread = thread;
    op->writes = writes;
    op->end = LINEAR_NEVER;
    op->begin = ++history->clock;
    return op;
}

void linear_part(struct linear_op *op, unsigned key, uint64_t value)
{
    assert(key < LINEAR_KEYS);
    op->parts = grown(op->parts, op->count, &op->capacity, sizeof *op->parts);
    op->parts[op->count++] = (struct linear_part){key, value};
}

void linear_end(struct linear *history, struct linear_op *op)
{
    op->end = ++history->clock;
}

/* ---- What is to be ordered ------------------------------------------------------------------- */

static bool has_key(const struct linear_op *op, unsigned key)
{
    if (key == ALL_KEYS)
        return true;
    for (size_t p = 0; p < op->count; p++)
        if (op->parts[p].key == key)
            return true;
    return false;
}

/* A copy, of that key alone. */
static struct linear_op *project(const struct linear_op *op, unsigned key)
{
    struct linear_op *copy = need(malloc(sizeof *copy));

    *copy = *op;
    copy->parts = NULL;
    copy->count = copy->capacity = 0;
    for (size_t p = 0; p < op->count; p++)
        if (key == ALL_KEYS || op->parts[p].key == key)
            linear_part(copy, op->parts[p].key, op->parts[p].value);
    return copy;
}

static int by_begin(const void *a, const void *b)
{
    uint64_t left = (*(struct linear_op *const *)a)->begin;
    uint64_t right = (*(struct linear_op *const *)b)->begin;

    return left < right ? -1 : left > right;
}

/* As the crash saw it, if there was one. False: the crash came before, or it is a read that had no
 * answer. */
static bool cut(struct linear_op *op, const struct linear_crash *crash)
{
    if (crash && op->end > crash->acked)
        op->end = LINEAR_NEVER;
    op->synced = op->end != LINEAR_NEVER && (op->synced || (crash && crash->killed));
    return (op->writes || op->end != LINEAR_NEVER) && (!crash || op->begin <= crash->issued);
}

static struct linear_problem problem_of(const struct linear *history,
                                        const struct linear_crash *crash, unsigned key)
{
    struct linear_problem problem = {0};
    size_t capacity = 0;

    for (unsigned t = 0; t < LINEAR_THREADS; t++)
        for (size_t i = 0; i < history->threads[t].count; i++) {
            struct linear_op *op;
            if (!has_key(history->threads[t].ops[i], key))
                continue;
            op = project(history->threads[t].ops[i], key);
            if (!cut(op, crash)) {
                op_free(op);
                continue;
            }
            problem.ops = grown(problem.ops, problem.count, &capacity, sizeof(struct linear_op *));
            problem.ops[problem.count++] = op;
        }
    if (problem.count)
        qsort(problem.ops, problem.count, sizeof(struct linear_op *), by_begin);
    for (unsigned k = 0; k < LINEAR_KEYS; k++)
        problem.first[k] = key == ALL_KEYS || key == k ? history->first[k] : 0;
    return problem;
}

static bool is_read(const struct linear_problem *problem, struct linear_part part)
{
    if (problem->last && problem->last[part.key] == part.value)
        return true;
    for (size_t i = 0; i < problem->count; i++)
        for (size_t p = 0; !problem->ops[i]->writes && p < problem->ops[i]->count; p++)
            if (problem->ops[i]->parts[p].key == part.key &&
                problem->ops[i]->parts[p].value == part.value)
                return true;
    return false;
}

static bool is_needed(const struct linear_problem *problem, const struct linear_op *op)
{
    if (op->end != LINEAR_NEVER)
        return true;
    for (size_t p = 0; p < op->count; p++)
        if (is_read(problem, op->parts[p]))
            return true;
    return false;
}

/* A write that had no answer, and whose values nobody has read, need not have been done: in an
 * order that has it, it may be left out. Each of them would double the configurations. */
static void drop_unread(struct linear_problem *problem)
{
    struct linear_op **ops = need(calloc(problem->count + 1, sizeof *ops));
    size_t count = 0, dropped = problem->count;

    for (size_t i = 0; i < problem->count; i++)
        if (is_needed(problem, problem->ops[i]))
            ops[count++] = problem->ops[i];
        else
            ops[--dropped] = problem->ops[i];
    for (; dropped < problem->count; dropped++)
        op_free(ops[dropped]);
    free(problem->ops);
    problem->ops = ops;
    problem->count = count;
}

static void problem_free(struct linear_problem *problem)
{
    for (size_t i = 0; i < problem->count; i++)
        op_free(problem->ops[i]);
    free(problem->ops);
}

/* ---- What is wrong --------------------------------------------------------------------------- */

static void say(struct linear_result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void say(struct linear_result *result, const char *format, ...)
{
    size_t used = strlen(result->why);
    va_list args;

    va_start(args, format);
    vsnprintf(result->why + used, sizeof result->why - used, format, args);
    va_end(args);
}

static void say_op(struct linear_result *result, const struct linear_op *op)
{
    say(result, "  %llu..", (unsigned long long)op->begin);
    if (op->end != LINEAR_NEVER)
        say(result, "%llu", (unsigned long long)op->end);
    say(result, " thread %u %s%s", op->thread, op->writes ? "writes" : "reads",
        op->synced ? " synced" : "");
    for (size_t p = 0; p < op->count; p++)
        say(result, " %u=%llu", op->parts[p].key, (unsigned long long)op->parts[p].value);
    say(result, "\n");
}

/* The operations up to the one that found no place, the last ones first. */
static void explain(struct linear_result *result, const struct linear_problem *problem,
                    const struct linear_op *stuck, unsigned key)
{
    size_t i = problem->count;

    if (key == ALL_KEYS)
        say(result, "of all keys together, no order fits");
    else
        say(result, "of key %u no order fits", key);
    if (problem->last) {
        say(result, " what was recovered:");
        for (unsigned k = 0; k < LINEAR_KEYS; k++)
            if (problem->last[k])
                say(result, " %u=%llu", k, (unsigned long long)problem->last[k]);
    }
    say(result, "\n");
    if (stuck) {
        say(result, "no place was found for\n");
        say_op(result, stuck);
    }
    say(result, "the last before\n");
    while (i-- > 0)
        if (!stuck || problem->ops[i]->begin < stuck->end)
            say_op(result, problem->ops[i]);
}

/* ---- Checking -------------------------------------------------------------------------------- */

/* Of one key, or of all; what is wrong already stays. */
static void check(const struct linear *history, const struct linear_crash *crash, unsigned key,
                  struct linear_result *result)
{
    struct linear_problem problem = problem_of(history, crash, key);
    const struct linear_op *stuck;
    uint64_t last[LINEAR_KEYS] = {0};
    enum linear_verdict verdict;

    for (unsigned k = 0; crash && k < LINEAR_KEYS; k++)
        last[k] = key == ALL_KEYS || key == k ? crash->values[k] : 0;
    problem.last = crash ? last : NULL;
    drop_unread(&problem);
    verdict = linear_search(&problem, &result->configurations, &stuck);
    if (verdict != LINEAR_RIGHT && result->verdict != LINEAR_WRONG)
        result->verdict = verdict;
    if (verdict == LINEAR_WRONG)
        explain(result, &problem, stuck, key);
    problem_free(&problem);
}

static bool has_several_keys(const struct linear *history)
{
    for (unsigned t = 0; t < LINEAR_THREADS; t++)
        for (size_t i = 0; i < history->threads[t].count; i++)
            if (history->threads[t].ops[i]->count > 1)
                return true;
    return false;
}

static void check_all(const struct linear *history, const struct linear_crash *crash,
                      struct linear_result *result)
{
    memset(result, 0, sizeof *result);
    for (unsigned key = 0; key < LINEAR_KEYS && result->verdict != LINEAR_WRONG; key++)
        check(history, crash, key, result);
    if (result->verdict != LINEAR_WRONG && (crash || has_several_keys(history)))
        check(history, crash, ALL_KEYS, result);
}

void linear_check(const struct linear *history, struct linear_result *result)
{
    check_all(history, NULL, result);
}

void linear_check_crash(const struct linear *history, const struct linear_crash *crash,
                        struct linear_result *result)
{
    check_all(history, crash, result);
}
