/* state.c: see state.h.
 *
 * What holds of every state, and so is asked of every edit:
 *
 * I1: no file has two uses: a number stands once, and is below `next`, which never goes back.
 * I2: the operations of a table of level 0 are all newer than those of the table behind it.
 * I3: from level 1 down the tables of a level do not overlap, and stand in order of their keys.
 * I4: what is in tables is not in a live log: it is older. Of two logs the first ends where the
 *     second begins. The live logs never become older ones. */
#include "state.h"

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

/* ---- Numbers (I1) ---------------------------------------------------------------------------- */

/* Where `number` stands, or belongs. */
static size_t find_number(const struct state *state, uint64_t number)
{
    size_t low = 0, high = state->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (state->numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has_number(const struct state *state, uint64_t number)
{
    size_t at = find_number(state, number);
    return at < state->count && state->numbers[at] == number;
}

static int add_number(struct state *state, uint64_t number, struct strata_error *err)
{
    size_t at = find_number(state, number), room = state->room ? 2 * state->room : 16;

    if (state->count == state->room) {
        uint64_t *bigger = realloc(state->numbers, room * sizeof *bigger);
        if (!bigger)
            return strata_fail_memory(err, room * sizeof *bigger);
        state->numbers = bigger;
        state->room = room;
    }
    memmove(state->numbers + at + 1, state->numbers + at,
            (state->count++ - at) * sizeof *state->numbers);
    state->numbers[at] = number;
    return 0;
}

static void drop_number(struct state *state, uint64_t number)
{
    size_t at = find_number(state, number);
    memmove(state->numbers + at, state->numbers + at + 1,
            (--state->count - at) * sizeof *state->numbers);
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

static int remove_table(struct state *state, const struct edit_removed *removed,
                        struct strata_error *err)
{
    struct state_level *l = &state->levels[removed->level];
    size_t at = 0;

    while (at < l->count && l->tables[at].number != removed->number)
        at++;
    if (at == l->count)
        return refuse("it is removed, and was not on that level", removed->number, err);
    drop_number(state, removed->number);
    l->bytes -= l->tables[at].bytes;
    free((void *)(uintptr_t)l->tables[at].smallest.data);
    memmove(l->tables + at, l->tables + at + 1, (--l->count - at) * sizeof *l->tables);
    return 0;
}

static size_t place_of(const struct state_level *l, const struct edit_table *table)
{
    size_t at = 0;

    if (table->level)
        return state_find(l, table->smallest);
    while (at < l->count && l->tables[at].last > table->last)
        at++;
    return at;
}

/* I2, I3: `a` may stand in front of `b`. */
static bool in_order(const struct edit_table *a, const struct edit_table *b)
{
    return a->level ? strata_compare(a->largest, b->smallest) < 0 : a->first > b->last;
}

static int check_table(const struct state *state, const struct edit_table *t,
                       struct strata_error *err)
{
    if (t->number == 0 || t->number >= state->next)
        return refuse("its number was not given away", t->number, err);
    if (has_number(state, t->number))
        return refuse("it is added, and was there", t->number, err);
    if (t->records == 0 || t->tombstones > t->records || t->first > t->last ||
        strata_compare(t->smallest, t->largest) > 0)
        return refuse("no table can be so", t->number, err);
    return 0;
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

static int make_room(struct state_level *l, struct strata_error *err)
{
    size_t room = l->room ? 2 * l->room : 8;
    struct edit_table *bigger;

    if (l->count < l->room)
        return 0;
    bigger = realloc(l->tables, room * sizeof *bigger);
    if (!bigger)
        return strata_fail_memory(err, room * sizeof *bigger);
    l->tables = bigger;
    l->room = room;
    return 0;
}

static int add_table(struct state *state, const struct edit_table *table, struct strata_error *err)
{
    struct state_level *l = &state->levels[table->level];
    size_t at = place_of(l, table);
    int rc = check_table(state, table, err);

    if (rc < 0)
        return rc;
    if ((at && !in_order(&l->tables[at - 1], table)) ||
        (at < l->count && !in_order(table, &l->tables[at])))
        return refuse("it overlaps with another table of its level", table->number, err);
    rc = make_room(l, err);
    if (rc == 0)
        rc = add_number(state, table->number, err);
    if (rc < 0)
        return rc;
    memmove(l->tables + at + 1, l->tables + at, (l->count - at) * sizeof *l->tables);
    l->tables[at] = *table;
    rc = state_own_keys(&l->tables[at], err);
    if (rc < 0)
        l->tables[at].smallest.data = NULL; /* it is not the state's */
    l->count++;
    l->bytes += table->bytes;
    return rc;
}

/* ---- The rest -------------------------------------------------------------------------------- */

static int check_logs(const struct state *state, const struct edit *edit, struct strata_error *err)
{
    const struct edit_log *logs = edit->logs;

    if (edit->log_count < 1 || edit->log_count > 2)
        return refuse("so many logs are live", edit->log_count, err);
    for (uint32_t i = 0; i < edit->log_count; i++)
        if (logs[i].number == 0 || logs[i].number >= edit->next ||
            has_number(state, logs[i].number) || logs[i].first > logs[i].sequence)
            return refuse("no log can be so", logs[i].number, err);
    if (state->log_count && logs[0].first < state->logs[0].first)
        return refuse("the log is older than the one before it", logs[0].number, err);
    if (edit->log_count == 2 &&
        (logs[0].number == logs[1].number || logs[1].first != logs[0].sequence))
        return refuse("the log does not begin where the one before it ends", logs[1].number, err);
    return 0;
}

/* I4. */
static int check_ages(const struct state *state, const struct edit *edit, struct strata_error *err)
{
    if (state->log_count == 0)
        return refuse("there is no log", 0, err);
    for (uint32_t i = 0; i < state->log_count; i++)
        if (has_number(state, state->logs[i].number))
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
    for (size_t i = 0; rc == 0 && i < edit->removed_count; i++)
        rc = remove_table(state, &edit->removed[i], err);
    for (size_t i = 0; rc == 0 && i < edit->added_count; i++)
        rc = add_table(state, &edit->added[i], err);
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
