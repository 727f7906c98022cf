/* linear_search.c: see linear_search.h. The algorithm of J. Wing and C. Gong (Testing and Verifying
 * Concurrent Objects, 1993) with G. Lowe's memory of where it has been (Testing for
 * linearizability, 2017).
 *
 * An operation may be next in the order if it began before the first end of those not yet ordered.
 * A read that may be next, and finds what it found, is next: it changes nothing, so no order is
 * lost. Of writes each is tried. Where the same operations are ordered and the keys have the same
 * values, what follows is the same: such a configuration is looked at once. It is known by 128 bits
 * of hash. */
#include "crash/concurrency/linear_search.h"
#include "crash/need.h"

#include "base/prng.h"

#include <string.h>

struct configuration {
    uint64_t low, high;
};

struct search {
    const struct linear_problem *problem;
    bool *done;
    size_t done_count, done_most;
    const struct linear_op *stuck; /* when done_most were done */
    uint64_t values[LINEAR_KEYS];
    struct configuration here;
    struct configuration *seen; /* hash table; both 0: free */
    size_t seen_count, seen_size;
    size_t *order; /* what was done */
};

/* ---- Where it has been ----------------------------------------------------------------------- */

static void toggle(struct search *s, uint64_t what)
{
    struct prng random = {what};

    s->here.low ^= prng_next(&random);
    s->here.high ^= prng_next(&random);
}

static void toggle_value(struct search *s, unsigned key, uint64_t value)
{
    struct prng random = {((uint64_t)key + 1) << 56 | value};

    toggle(s, prng_next(&random));
}

static struct configuration *find(struct configuration *table, size_t size,
                                  struct configuration what)
{
    size_t at = what.low & (size - 1);

    while ((table[at].low || table[at].high) &&
           (table[at].low != what.low || table[at].high != what.high))
        at = (at + 1) & (size - 1);
    return &table[at];
}

static void grow(struct search *s)
{
    size_t size = s->seen_size ? 2 * s->seen_size : 256;
    struct configuration *table = need(calloc(size, sizeof *table));

    for (size_t i = 0; i < s->seen_size; i++)
        if (s->seen[i].low || s->seen[i].high)
            *find(table, size, s->seen[i]) = s->seen[i];
    free(s->seen);
    s->seen = table;
    s->seen_size = size;
}

/* Was it there before? Now it was. */
static bool was_seen(struct search *s)
{
    struct configuration *found;

    if (2 * s->seen_count >= s->seen_size)
        grow(s);
    found = find(s->seen, s->seen_size, s->here);
    if (found->low || found->high)
        return true;
    *found = s->here;
    s->seen_count++;
    return false;
}

/* ---- Doing and undoing ----------------------------------------------------------------------- */

static void set_value(struct search *s, unsigned key, uint64_t value)
{
    toggle_value(s, key, s->values[key]);
    s->values[key] = value;
    toggle_value(s, key, value);
}

static void mark_done(struct search *s, size_t i)
{
    s->done[i] = true;
    s->order[s->done_count++] = i;
    toggle(s, i);
}

static void do_write(struct search *s, size_t i)
{
    const struct linear_op *op = s->problem->ops[i];

    for (size_t p = 0; p < op->count; p++)
        set_value(s, op->parts[p].key, op->parts[p].value);
    mark_done(s, i);
}

static void undo_to(struct search *s, size_t count, const uint64_t *values)
{
    while (s->done_count > count) {
        size_t i = s->order[--s->done_count];
        s->done[i] = false;
        toggle(s, i);
    }
    for (unsigned key = 0; key < LINEAR_KEYS; key++)
        if (s->values[key] != values[key])
            set_value(s, key, values[key]);
}

/* ---- The search ------------------------------------------------------------------------------ */

static bool fits(const struct search *s, const struct linear_op *op)
{
    for (size_t p = 0; p < op->count; p++)
        if (s->values[op->parts[p].key] != op->parts[p].value)
            return false;
    return true;
}

/* The first end of those not done; which one, or NULL. Those that may be next began before. */
static uint64_t first_end(const struct search *s, const struct linear_op **first)
{
    uint64_t end = LINEAR_NEVER;

    *first = NULL;
    for (size_t i = 0; i < s->problem->count && s->problem->ops[i]->begin < end; i++)
        if (!s->done[i] && s->problem->ops[i]->end < end) {
            *first = s->problem->ops[i];
            end = s->problem->ops[i]->end;
        }
    return end;
}

/* The reads that may be next and fit, until there is none. */
static uint64_t do_reads(struct search *s, const struct linear_op **first)
{
    uint64_t end = first_end(s, first);

    for (size_t i = 0; i < s->problem->count && s->problem->ops[i]->begin < end; i++)
        if (!s->done[i] && !s->problem->ops[i]->writes && fits(s, s->problem->ops[i])) {
            mark_done(s, i);
            end = first_end(s, first);
        }
    return end;
}

static bool is_found(const struct search *s, const struct linear_op *first)
{
    if (!s->problem->last)
        return !first;
    for (size_t i = 0; i < s->problem->count; i++)
        if (!s->done[i] && s->problem->ops[i]->synced)
            return false;
    return memcmp(s->values, s->problem->last, sizeof s->values) == 0;
}

static bool search(struct search *s)
{
    const struct linear_op *first;
    size_t count = s->done_count;
    uint64_t values[LINEAR_KEYS];
    uint64_t end = do_reads(s, &first);

    if (is_found(s, first))
        return true;
    if (!s->stuck || s->done_count > s->done_most) {
        s->done_most = s->done_count;
        s->stuck = first;
    }
    memcpy(values, s->values, sizeof values);
    if (!was_seen(s) && s->seen_count <= LINEAR_MOST)
        for (size_t i = 0; i < s->problem->count && s->problem->ops[i]->begin < end; i++)
            if (!s->done[i] && s->problem->ops[i]->writes) {
                size_t before = s->done_count;
                do_write(s, i);
                if (search(s))
                    return true;
                undo_to(s, before, values);
            }
    undo_to(s, count, values);
    return false;
}

enum linear_verdict linear_search(const struct linear_problem *problem, uint64_t *configurations,
                                  const struct linear_op **stuck)
{
    struct search s = {.problem = problem, .here = {1, 1}};
    bool found;

    s.done = need(calloc(problem->count + 1, sizeof *s.done));
    s.order = need(calloc(problem->count + 1, sizeof *s.order));
    memcpy(s.values, problem->first, sizeof s.values);
    found = search(&s);
    *stuck = s.stuck;
    *configurations += s.seen_count;
    free(s.seen);
    free(s.order);
    free(s.done);
    if (found)
        return LINEAR_RIGHT;
    return s.seen_count > LINEAR_MOST ? LINEAR_UNDECIDED : LINEAR_WRONG;
}
