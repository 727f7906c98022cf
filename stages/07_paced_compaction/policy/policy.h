/* policy.h: which compaction is next, and how much compaction there is to be done in all: the
 * compaction debt. Nothing is done here: a pick is made of a version, and borrows its tables. */
#ifndef STRATA_07_POLICY_H
#define STRATA_07_POLICY_H

#include "06_leveled_compaction/compaction/pick.h"

/* Numbers of tables that could not be read: no pick takes them. All zero: there is none. */
struct policy_quarantine {
    uint64_t *numbers;
    size_t count, room;
};

/* NO_MEMORY. */
int policy_quarantine_add(struct policy_quarantine *quarantined, uint64_t number,
                          struct strata_error *err);
void policy_quarantine_clear(struct policy_quarantine *quarantined);

/* Has the table such a number? */
bool policy_is_quarantined(const struct policy_quarantine *quarantined,
                           const struct sstable *table);

/* policy_targets.c: what each level may have before it is due. */
struct policy_targets {
    unsigned base; /* tables of level 0 go there; levels between are not used: they drain */
    uint64_t target[LEVELS]; /* bytes, of levels from the base on; the last one may have any */
};

/* What there is: made by policy_input. */
struct policy_input {
    const struct version *version;
    const struct strata_options *options;
    const struct policy_quarantine *quarantined;
    bool drain; /* nobody writes: level 0 is due, too, when that costs little */
    struct policy_targets targets;
};

struct policy_input policy_input(const struct version *version,
                                 const struct strata_options *options,
                                 const struct policy_quarantine *quarantined, bool drain);
void policy_targets(const struct version *version, const struct strata_options *options,
                    struct policy_targets *out);
/* About how many bytes compactions have to read until nothing is due. */
uint64_t policy_debt(const struct version *version, const struct strata_options *options);
/* Tables of level 0 from which on the debt should have been paid. */
unsigned policy_slowdown_trigger(const struct version *version,
                                 const struct strata_options *options);

/* The most urgent compaction. NOT_FOUND: none is due that can be done without a quarantined table.
 * NO_MEMORY. To be freed in any case. */
int policy_pick(const struct policy_input *of, struct pick *out, struct strata_error *err);

/* ---- Asked for (policy_range.c) -------------------------------------------------------------- */

/* All tables, into the level that is large enough for them, at least the last that has any. With
 * `move` they are one run without tombstones. NOT_FOUND: they are there already, and hide nothing.
 * NO_MEMORY. To be freed in any case. */
int policy_pick_all(const struct policy_input *of, struct pick *out, struct strata_error *err);
/* The deepest level with tables that hold keys from `from` on and before `to` (without bytes: no
 * bound); no less than 1. */
unsigned policy_deepest_level(const struct version *version, struct strata_slice from,
                              struct strata_slice to);
/* The tables of a level that hold such keys, into the next level that is used. NOT_FOUND: there is
 * none. NO_MEMORY. To be freed in any case. */
int policy_pick_range(const struct policy_input *of, unsigned level, struct strata_slice from,
                      struct strata_slice to, struct pick *out, struct strata_error *err);

#endif
