/* state.h: what the edits of a manifest say together: which tables stand on which level, which logs
 * are live, and what was never given away. An edit is checked against it before it counts, when it
 * is made and when it is read back: the same code, the same words. */
#ifndef STRATA_06_STATE_H
#define STRATA_06_STATE_H

#include "edit.h"

struct state_level {
    struct edit_table *tables; /* level 0: the newest first; below it in order of their keys */
    size_t count, room;
    uint64_t bytes; /* of their files */
};

/* All zero is a valid empty one. It owns its keys. */
struct state {
    uint64_t next; /* file numbers from here on were never given away */
    struct edit_log logs[2];
    uint32_t log_count;
    struct state_level levels[LEVELS];
    struct strata_buffer cursors[LEVELS]; /* empty: at the first table */
    uint64_t *numbers;                    /* of all tables, ascending */
    size_t count, room;                   /* of the numbers */
    uint64_t steps; /* tables and numbers that edits have looked at or moved: what they cost */
};

void state_free(struct state *state);
/* CORRUPT: the edit cannot follow on this state; NO_MEMORY. After either the state is only to be
 * freed. */
int state_apply(struct state *state, const struct edit *edit, struct strata_error *err);
/* The edit that makes this state of an empty one; its keys are the state's. To be freed in any
 * case. NO_MEMORY. */
int state_tell(const struct state *state, struct edit *edit, struct strata_error *err);
/* To be freed in any case. NO_MEMORY. */
int state_copy(const struct state *state, struct state *to, struct strata_error *err);
/* Do they tell the same? `next` is not compared: of numbers given away a file may not know yet. */
bool state_same(const struct state *a, const struct state *b);

/* The first table of a level >= 1 whose largest key is not before `key`; count: there is none. */
size_t state_find(const struct state_level *level, struct strata_slice key);

/* Is there a table of this number? */
bool state_has_table(const struct state *state, uint64_t number);

/* Of the two files: the keys, borrowed until now, are copied to one piece of memory, which begins
 * with the smallest. NO_MEMORY: nothing was changed. */
int state_own_keys(struct edit_table *table, struct strata_error *err);

#endif
