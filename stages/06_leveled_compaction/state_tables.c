/* state_tables.c: what an edit does to the tables of a state: all that it removes goes in one pass,
 * and all that it adds is sorted, and merged in from the end: of n tables an edit of m moves no
 * more than n + m, and compares m log n. One by one a snapshot of 100,000 tables took 14 s. */
#include "state_inside.h"
#include "base/cost.h"

#include <stdlib.h>
#include <string.h>

/* ---- Removing -------------------------------------------------------------------------------- */

#define GONE LEVELS /* the level of what was found, and removed */

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct edit_removed *)a)->number;
    uint64_t y = ((const struct edit_removed *)b)->number;
    return (x > y) - (x < y);
}

static void drop_tables(struct state *state, unsigned level, struct edit_removed *sorted,
                        size_t count)
{
    struct state_level *l = &state->levels[level];
    size_t kept = 0;

    for (size_t i = 0; i < l->count; i++) {
        const struct edit_removed key = {level, l->tables[i].number};
        struct edit_removed *found = bsearch(&key, sorted, count, sizeof key, by_number);
        if (found && found->level == level) {
            found->level = GONE;
            l->bytes -= l->tables[i].bytes;
            free((void *)(uintptr_t)l->tables[i].smallest.data);
        } else {
            l->tables[kept++] = l->tables[i];
        }
    }
    state->steps += l->count;
    l->count = kept;
}

static void drop_numbers(struct state *state, const struct edit_removed *sorted, size_t count)
{
    size_t kept = 0, at = 0;

    for (size_t i = 0; i < state->count; i++) {
        while (at < count && sorted[at].number < state->numbers[i])
            at++;
        if (at == count || sorted[at].number != state->numbers[i])
            state->numbers[kept++] = state->numbers[i];
    }
    state->steps += state->count;
    state->count = kept;
}

int state_drop(struct state *state, const struct edit_removed *removed, size_t count,
               uint64_t *missing, struct strata_error *err)
{
    struct edit_removed *sorted;
    bool any[LEVELS] = {false};

    *missing = 0;
    if (!count)
        return 0;
    sorted = malloc(count * sizeof *sorted);
    if (!sorted)
        return strata_fail_memory(err, count * sizeof *sorted);
    memcpy(sorted, removed, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_number);
    for (size_t i = 0; i < count; i++)
        any[removed[i].level] = true;
    for (unsigned level = 0; level < LEVELS; level++)
        if (any[level])
            drop_tables(state, level, sorted, count);
    drop_numbers(state, sorted, count);
    for (size_t i = 0; i < count; i++)
        if (sorted[i].level != GONE)
            *missing = sorted[i].number;
    free(sorted);
    return 0;
}

/* ---- Adding ---------------------------------------------------------------------------------- */

/* Of tables of one level. Level 0: the newest first; below it in order of their keys. */
static int compare_places(const struct edit_table *a, const struct edit_table *b)
{
    return a->level ? strata_compare(a->smallest, b->smallest)
                    : (a->last < b->last) - (a->last > b->last);
}

static int by_place(const void *a, const void *b)
{
    const struct edit_table *x = a, *y = b;
    return x->level != y->level ? (x->level > y->level) - (x->level < y->level)
                                : compare_places(x, y);
}

size_t state_place(struct state *state, const struct state_level *level, size_t count,
                   const struct edit_table *table)
{
    size_t low = 0, high = count;

    state->steps += cost_halvings(count + 1);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_places(&level->tables[middle], table) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t state_number(struct state *state, size_t count, uint64_t number)
{
    size_t low = 0, high = count;

    state->steps += cost_halvings(count + 1);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (state->numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The array with room for `more` elements of `size` bytes behind `count`; NULL: it is as it was. */
static void *grown(void *array, size_t count, size_t more, size_t *room, size_t size,
                   struct strata_error *err)
{
    size_t wanted = 2 * *room > count + more ? 2 * *room : count + more;
    void *larger;

    if (count + more <= *room)
        return array;
    larger = realloc(array, wanted * size);
    if (larger)
        *room = wanted;
    else
        strata_fail_memory(err, wanted * size);
    return larger;
}

/* `sorted` are all of one level. */
static int merge_tables(struct state *state, const struct edit_table *sorted, size_t count,
                        struct strata_error *err)
{
    struct state_level *l = &state->levels[sorted->level];
    struct edit_table *tables = grown(l->tables, l->count, count, &l->room, sizeof *l->tables, err);
    size_t left = l->count;

    if (!tables)
        return STRATA_ERR_NO_MEMORY;
    l->tables = tables;
    l->count += count;
    while (count) {
        size_t at = state_place(state, l, left, &sorted[--count]);
        memmove(tables + at + count + 1, tables + at, (left - at) * sizeof *tables);
        tables[at + count] = sorted[count];
        l->bytes += sorted[count].bytes;
        state->steps += left - at + 1;
        left = at;
    }
    return 0;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int merge_numbers(struct state *state, uint64_t *sorted, size_t count,
                         struct strata_error *err)
{
    uint64_t *numbers =
        grown(state->numbers, state->count, count, &state->room, sizeof *state->numbers, err);
    size_t left = state->count;

    if (!numbers)
        return STRATA_ERR_NO_MEMORY;
    qsort(sorted, count, sizeof *sorted, by_value);
    state->numbers = numbers;
    state->count += count;
    while (count) {
        size_t at = state_number(state, left, sorted[--count]);
        memmove(numbers + at + count + 1, numbers + at, (left - at) * sizeof *numbers);
        numbers[at + count] = sorted[count];
        state->steps += left - at + 1;
        left = at;
    }
    return 0;
}

static int take_numbers(struct state *state, const struct edit_table *added, size_t count,
                        struct strata_error *err)
{
    uint64_t *numbers = malloc(count * sizeof *numbers);
    int rc;

    if (!numbers)
        return strata_fail_memory(err, count * sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = added[i].number;
    rc = merge_numbers(state, numbers, count, err);
    free(numbers);
    return rc;
}

/* Those of one level after those of another; what is not the state's in the end is freed. */
static int take_sorted(struct state *state, struct edit_table *sorted, size_t count,
                       struct strata_error *err)
{
    size_t own = 0, taken = 0;
    int rc = 0;

    while (rc == 0 && own < count) {
        rc = state_own_keys(&sorted[own], err);
        own += rc == 0;
    }
    while (rc == 0 && taken < count) {
        size_t end = taken;
        while (end < count && sorted[end].level == sorted[taken].level)
            end++;
        rc = merge_tables(state, sorted + taken, end - taken, err);
        taken = rc == 0 ? end : taken;
    }
    for (; taken < own; taken++)
        free((void *)(uintptr_t)sorted[taken].smallest.data);
    return rc;
}

int state_take(struct state *state, const struct edit_table *added, size_t count,
               struct strata_error *err)
{
    struct edit_table *sorted;
    int rc;

    if (!count)
        return 0;
    sorted = malloc(count * sizeof *sorted);
    if (!sorted)
        return strata_fail_memory(err, count * sizeof *sorted);
    memcpy(sorted, added, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_place);
    rc = take_sorted(state, sorted, count, err);
    free(sorted);
    return rc < 0 ? rc : take_numbers(state, added, count, err);
}
