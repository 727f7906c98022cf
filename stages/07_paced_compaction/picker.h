/* picker.h: what is to be compacted next, and how much there is to be done in all. Nothing is done
 * here: a pick is told of a version. */
#ifndef STRATA_07_PICKER_H
#define STRATA_07_PICKER_H

#include "06_leveled_compaction/compaction/pick.h"

/* Numbers of tables that could not be read: no pick has them. All zero: there is none. */
struct pick_spared {
    uint64_t *numbers;
    size_t count, room;
};

/* NO_MEMORY. */
int pick_spare(struct pick_spared *spared, uint64_t number, struct strata_error *err);
void pick_spare_none(struct pick_spared *spared);

/* pick_shape.c: what each level may have before it is due. */
struct pick_shape {
    unsigned base;           /* takes what leaves level 0; those between have no tables, or drain */
    uint64_t target[LEVELS]; /* bytes, of levels from the base on; the last one may have any */
};

void pick_shape(const struct version *version, const struct strata_options *options,
                struct pick_shape *out);
/* About how many bytes are to be read by compactions until nothing is due. */
uint64_t pick_owed(const struct version *version, const struct strata_options *options);

/* So many tables level 0 may have before what is owed must be done. */
unsigned pick_level0_aim(const struct version *version, const struct strata_options *options);

/* What is picked of. */
struct pick_of {
    const struct version *version;
    const struct strata_options *options;
    const struct strata_buffer
        *cursors; /* for each level a key, behind which the next one begins */
    const struct pick_spared *spared;
    bool settle; /* nobody writes: level 0 is due, too, when that costs little */
};

/* The most urgent compaction. NOT_FOUND: none is due that can be done without a spared table.
 * NO_MEMORY. To be freed in any case. */
int pick_due(const struct pick_of *of, struct pick *out, struct strata_error *err);
/* All tables, into the level that is large enough for them, at least the last that has any. With
 * `move` no two have keys between those of the other, and none has tombstones.
 * NOT_FOUND: they are there already, and hide nothing. NO_MEMORY. To be freed in any case. */
int pick_all(const struct version *version, const struct strata_options *options, struct pick *out,
             struct strata_error *err);
/* pick_part.c: of keys from `from` on and before `to` (without bytes: no bound): the deepest level
 * with tables that hold any; no less than 1. */
unsigned pick_deepest(const struct version *version, struct strata_slice from,
                      struct strata_slice to);
/* The tables of a level that hold such keys, into the next level that is used. NOT_FOUND: there is
 * none. NO_MEMORY. To be freed in any case. */
int pick_part(const struct version *version, const struct strata_options *options, unsigned level,
              struct strata_slice from, struct strata_slice to, struct pick *out,
              struct strata_error *err);

#endif
