/* state.c: see state.h.
 *
 * What holds of every state, and so is asked of every edit:
 *
 * I1: no file has two uses: a number stands once, and is below `next`, which never goes back.
 * I2: the operations of a table of level 0 are all newer than those of the table behind it.
 * I3: from level 1 down the tables of a level do not overlap, and stand in order of their keys.
 * I4: what is in tables is not in a live log: it is older. Of two logs the first ends where the
 *     second begins. The live logs never become older ones. */
#include "state_inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const char *what, uint64_t number, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET,
                       "an edit that cannot be: file %" PRIu64 ": %s", number, what);
}

void state_free(struct state *state)
{
    for (unsigned level = 0; level < LEVELS; level++) {
        struct state_level *l = &state->levels[level];
        for (size_t i = 0; i < l->count; i++)
            free((void *)(uintptr_t)l->tables[i].smallest.data); /* both keys */
        free(l->tables);
        strata_buffer_free(&state->cursors[level]);
    }
    free(state->numbers);
    *state = (struct state){0};
}

/* ---- Tables ---------------------------------------------------------------------------------- */

size_t state_find(const struct state_level *level, struct strata_slice key)
{
    size_t low = 0, high = level->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strata_compare(level->tables[middle].largest, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool state_has_table(const struct state *state, uint64_t number)
{
    size_t low = 0, high = state->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (state->numbers[middle] == number)
            return true;
        if (state->numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

int state_own_keys(struct edit_table *table, struct strata_error *err)
{
    size_t small = table->smallest.size, large = table->largest.size;
    uint8_t *keys = malloc(small + large + 1);

    if (!keys)
        return strata_fail_memory(err, small + large + 1);
    if (small)
        memcpy(keys, table->smallest.data, small);
    if (large)
        memcpy(keys + small, table->largest.data, large);
    table->smallest = strata_bytes(keys, small);
    table->largest = strata_bytes(keys + small, large);
    return 0;
}

static int remove_tables(struct state *state, const struct edit *edit, struct strata_error *err)
{
    uint64_t missing;
    int rc = state_drop(state, edit->removed, edit->removed_count, &missing, err);

    return missing ? refuse("it is removed, and was not on that level", missing, err) : rc;
}

static int check_table(const struct state *state, const struct edit_table *t,
                       struct strata_error *err)
{
    if (t->number == 0 || t->number >= state->next)
        return refuse("its number was not given away", t->number, err);
    if (t->records == 0 || t->tombstones > t->records || t->first > t->last ||
        strata_compare(t->smallest, t->largest) > 0)
        return refuse("no table can be so", t->number, err);
    return 0;
}

/* How often a table has it: I1. */
static size_t times(struct state *state, uint64_t number)
{
    size_t at = state_number(state, state->count, number), end = at;

    while (end < state->count && end < at + 2 && state->numbers[end] == number)
        end++;
    return end - at;
}

/* I2, I3: `a` may stand in front of `b`. */
static bool in_order(const struct edit_table *a, const struct edit_table *b)
{
    return a->level ? strata_compare(a->largest, b->smallest) < 0 : a->first > b->last;
}

/* Of a table that was taken; those that its keys, or its operations, are equal to stand behind. */
static int check_place(struct state *state, const struct edit_table *t, struct strata_error *err)
{
    const struct state_level *l = &state->levels[t->level];
    size_t at = state_place(state, l, l->count, t);

    if (times(state, t->number) > 1)
        return refuse("it is added, and was there", t->number, err);
    if ((at && !in_order(&l->tables[at - 1], &l->tables[at])) ||
        (at + 1 < l->count && !in_order(&l->tables[at], &l->tables[at + 1])))
        return refuse("it overlaps with another table of its level", t->number, err);
    return 0;
}

static int add_tables(struct state *state, const struct edit *edit, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < edit->added_count; i++)
        rc = check_table(state, &edit->added[i], err);
    if (rc == 0)
        rc = state_take(state, edit->added, edit->added_count, err);
    for (size_t i = 0; rc == 0 && i < edit->added_count; i++)
        rc = check_place(state, &edit->added[i], err);
    return rc;
}

/* ---- The rest -------------------------------------------------------------------------------- */

static int check_logs(struct state *state, const struct edit *edit, struct strata_error *err)
{
    const struct edit_log *logs = edit->logs;

    if (edit->log_count < 1 || edit->log_count > 2)
        return refuse("so many logs are live", edit->log_count, err);
    for (uint32_t i = 0; i < edit->log_count; i++)
        if (logs[i].number == 0 || logs[i].number >= edit->next || times(state, logs[i].number) ||
            logs[i].first > logs[i].sequence)
            return refuse("no log can be so", logs[i].number, err);
    if (state->log_count && logs[0].first < state->logs[0].first)
        return refuse("the log is older than the one before it", logs[0].number, err);
    if (edit->log_count == 2 &&
        (logs[0].number == logs[1].number || logs[1].first != logs[0].sequence))
        return refuse("the log does not begin where the one before it ends", logs[1].number, err);
    return 0;
}

/* I4. */
static int check_ages(struct state *state, const struct edit *edit, struct strata_error *err)
{
    if (state->log_count == 0)
        return refuse("there is no log", 0, err);
    for (uint32_t i = 0; i < state->log_count; i++)
        if (times(state, state->logs[i].number))
            return refuse("it is a table and a log", state->logs[i].number, err);
    for (size_t i = 0; i < edit->added_count; i++)
        if (edit->added[i].last >= state->logs[0].first)
            return refuse("the table holds what is in the log too", edit->added[i].number, err);
    return 0;
}

static int set_cursor(struct strata_buffer *to, struct strata_slice key, struct strata_error *err)
{
    strata_buffer_clear(to);
    return strata_buffer_append(to, key.data, key.size) < 0 ? strata_fail_memory(err, key.size) : 0;
}

int state_apply(struct state *state, const struct edit *edit, struct strata_error *err)
{
    int rc = edit->next < state->next
                 ? refuse("numbers from there on were given away", edit->next, err)
                 : 0;

    state->next = edit->next;
    if (rc == 0)
        rc = remove_tables(state, edit, err);
    if (rc == 0)
        rc = add_tables(state, edit, err);
    if (rc == 0 && edit->has_logs)
        rc = check_logs(state, edit, err);
    if (rc == 0 && edit->has_logs) {
        memcpy(state->logs, edit->logs, sizeof state->logs);
        state->log_count = edit->log_count;
    }
    if (rc == 0)
        rc = check_ages(state, edit, err);
    for (size_t i = 0; rc == 0 && i < edit->cursor_count; i++)
        rc = set_cursor(&state->cursors[edit->cursors[i].level], edit->cursors[i].key, err);
    return rc;
}
