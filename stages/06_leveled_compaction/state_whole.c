/* state_whole.c: a state as a whole: told as one edit, copied, compared. See state.h. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

int state_tell(const struct state *state, struct edit *edit, struct strata_error *err)
{
    int rc = 0;

    *edit = (struct edit){.next = state->next, .has_logs = true, .log_count = state->log_count};
    memcpy(edit->logs, state->logs, sizeof edit->logs);
    for (unsigned level = 0; level < LEVELS; level++) {
        const struct state_level *l = &state->levels[level];
        for (size_t i = 0; rc == 0 && i < l->count; i++)
            rc = edit_add(edit, &l->tables[i], err);
        if (rc == 0 && state->cursors[level].size)
            rc = edit_cursor(edit, level, strata_buffer_slice(&state->cursors[level]), err);
    }
    return rc;
}

/* ---- Copying --------------------------------------------------------------------------------- */

/* Every edit needs one (change.c): no table is looked for, as what is copied was checked. */
static int copy_level(const struct state_level *from, struct state_level *to,
                      struct strata_error *err)
{
    size_t size = from->count * sizeof *to->tables;
    int rc = 0;

    if (!from->count)
        return 0;
    to->tables = malloc(size);
    if (!to->tables)
        return strata_fail_memory(err, size);
    to->room = from->count;
    to->bytes = from->bytes;
    while (rc == 0 && to->count < from->count) {
        to->tables[to->count] = from->tables[to->count];
        rc = state_own_keys(&to->tables[to->count], err);
        to->count += rc == 0;
    }
    return rc;
}

static int copy_numbers(const struct state *from, struct state *to, struct strata_error *err)
{
    size_t size = from->count * sizeof *to->numbers;

    if (!from->count)
        return 0;
    to->numbers = malloc(size);
    if (!to->numbers)
        return strata_fail_memory(err, size);
    memcpy(to->numbers, from->numbers, size);
    to->count = to->room = from->count;
    return 0;
}

static int copy_cursor(const struct strata_buffer *from, struct strata_buffer *to,
                       struct strata_error *err)
{
    return strata_buffer_append(to, from->data, from->size) < 0
               ? strata_fail_memory(err, from->size)
               : 0;
}

int state_copy(const struct state *state, struct state *to, struct strata_error *err)
{
    int rc;

    *to = (struct state){.next = state->next, .log_count = state->log_count};
    memcpy(to->logs, state->logs, sizeof to->logs);
    rc = copy_numbers(state, to, err);
    for (unsigned level = 0; rc == 0 && level < LEVELS; level++) {
        rc = copy_level(&state->levels[level], &to->levels[level], err);
        if (rc == 0)
            rc = copy_cursor(&state->cursors[level], &to->cursors[level], err);
    }
    return rc;
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static bool same_table(const struct edit_table *a, const struct edit_table *b)
{
    return a->number == b->number && a->bytes == b->bytes && a->digest == b->digest &&
           a->records == b->records && a->tombstones == b->tombstones && a->first == b->first &&
           a->last == b->last && strata_compare(a->smallest, b->smallest) == 0 &&
           strata_compare(a->largest, b->largest) == 0;
}

static bool same_log(const struct edit_log *a, const struct edit_log *b)
{
    return a->number == b->number && a->first == b->first && a->end == b->end &&
           a->sequence == b->sequence;
}

bool state_same(const struct state *a, const struct state *b)
{
    bool same = a->log_count == b->log_count;

    for (uint32_t i = 0; same && i < a->log_count; i++)
        same = same_log(&a->logs[i], &b->logs[i]);
    for (unsigned level = 0; same && level < LEVELS; level++) {
        const struct state_level *x = &a->levels[level], *y = &b->levels[level];
        same = x->count == y->count && strata_compare(strata_buffer_slice(&a->cursors[level]),
                                                      strata_buffer_slice(&b->cursors[level])) == 0;
        for (size_t i = 0; same && i < x->count; i++)
            same = same_table(&x->tables[i], &y->tables[i]);
    }
    return same;
}
