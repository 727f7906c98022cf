/* pax_salvage.h: damaged columnar tables, for a repair (08_backup_repair/salvage/salvage.h). */
#ifndef STRATA_09_PAX_SALVAGE_H
#define STRATA_09_PAX_SALVAGE_H

#include "08_backup_repair/salvage/salvage.h"
#include "09_fast_paths/table/pax_table_inside.h"

extern const struct salvage_kind pax_salvage;

/* ---- What it is made of ---------------------------------------------------------------------- */

struct pax_reading {
    struct salvage base;
    struct pax_table_block loaded;
    struct pax_block block;   /* the present one, opened */
    uint32_t at;              /* the next entry in it */
    struct strata_buffer key; /* of the present one */
};

/* As struct salvage_kind's. */
int pax_salvage_read_parts(struct salvage *salvage, struct strata_error *err);
int pax_salvage_load(struct salvage *salvage, uint32_t n, struct strata_error *err);
int pax_salvage_classify(void *arg, struct strata_slice bytes, uint64_t offset,
                         struct strata_error *err);
int pax_salvage_enter(struct salvage *salvage, struct strata_error *err);
int pax_salvage_next(struct salvage *salvage, struct salvage_entry *entry,
                     struct strata_error *err);
void pax_salvage_free_parts(struct salvage *salvage);

/* All slots but `table` and `check_coded`. */
#define PAX_SALVAGE_SLOTS                                                                          \
    .bytes = sizeof(struct pax_reading), .table_bytes = sizeof(struct pax_table),                  \
    .read_parts = pax_salvage_read_parts, .load = pax_salvage_load,                                \
    .classify = pax_salvage_classify, .enter = pax_salvage_enter, .next = pax_salvage_next,        \
    .free_parts = pax_salvage_free_parts

#endif
