/* salvage.h: what can be read of a damaged table: the entries of every block that is whole, in
 * order, and between which keys some are missing. */
#ifndef STRATA_08_SALVAGE_H
#define STRATA_08_SALVAGE_H

#include "09_fast_paths/table/pax_table_inside.h"

struct salvage {
    struct pax_table table;
    struct pax_table_properties properties;
    bool knows; /* the properties could be read */
};

/* Opens the file of table `number`. What is wrong with its properties is told in `why`, and is no
 * error. CORRUPT: it is missing; IO, NO_MEMORY. To be closed in any case. */
int salvage_open(struct salvage *salvage, const struct strata_env *env, uint64_t number,
                 struct strata_error *why, struct strata_error *err);
void salvage_close(struct salvage *salvage);

struct salvage_to {
    int (*entry)(void *arg, unsigned type, struct strata_slice key, struct strata_slice value,
                 struct strata_error *err);
    /* Entries are missing behind and before these keys. */
    int (*gap)(void *arg, struct strata_slice after, struct strata_slice before,
               struct strata_error *err);
    void *arg;
};

/* Reads all that can be read. `smallest` and `largest`: of the table, by whoever's word. A block
 * that cannot be read makes a gap. IO, NO_MEMORY, and what `to` returned. */
int salvage_read(struct salvage *salvage, struct strata_slice smallest, struct strata_slice largest,
                 const struct salvage_to *to, struct strata_error *err);

#endif
