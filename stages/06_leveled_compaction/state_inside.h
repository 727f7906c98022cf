/* state_inside.h: what state.c and state_tables.c share. */
#ifndef STRATA_06_STATE_INSIDE_H
#define STRATA_06_STATE_INSIDE_H

#include "state.h"

/* Takes them out. `*missing`: the number of one that was not on its level, or stands there twice;
 * 0: none. NO_MEMORY. After either the state is only to be freed. */
int state_drop(struct state *state, const struct edit_removed *removed, size_t count,
               uint64_t *missing, struct strata_error *err);
/* Puts copies in their places; whether they may stand there is not asked. NO_MEMORY: the state is
 * only to be freed. */
int state_take(struct state *state, const struct edit_table *added, size_t count,
               struct strata_error *err);

/* Among the first `count` of a level: where `table` stands, or belongs. */
size_t state_place(struct state *state, const struct state_level *level, size_t count,
                   const struct edit_table *table);
/* Among the first `count` numbers: where `number` stands first, or belongs. */
size_t state_number(struct state *state, size_t count, uint64_t number);

#endif
