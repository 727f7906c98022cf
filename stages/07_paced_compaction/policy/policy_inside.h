/* policy_inside.h: what the parts of the policy share. */
#ifndef STRATA_07_POLICY_INSIDE_H
#define STRATA_07_POLICY_INSIDE_H

#include "policy.h"

#define POLICY_L0_URGENT 8u /* tables from which on level 0 is compacted before all others */

/* ---- policy_leveled.c: as policy_pick -------------------------------------------------------- */

int policy_pick_leveled(const struct policy_input *of, struct pick *out, struct strata_error *err);

/* ---- policy_quarantine.c
 * -------------------------------------------------------------------------------- */

/* Has any level from this one on a quarantined table? */
bool policy_has_quarantined(const struct version_level levels[LEVELS], unsigned from,
                            const struct policy_quarantine *quarantined);

/* ---- policy_small.c -------------------------------------------------------------------------- */

/* The keys of table `at` and of what goes down with it: of level 0 the small tables that are newer
 * than a small one, and all that overlap with them. */
struct pick_range policy_range_down(const struct policy_input *of, unsigned level, size_t at);
/* The inputs have so many bytes, with the tables of this level that overlap with their range: it is
 * widened by the small tables next to those that are to be merged with them. */
void policy_widen_small(const struct policy_input *of, unsigned level, uint64_t bytes,
                        struct pick_range *range);

/* ---- policy_targets.c ------------------------------------------------------------------------ */

/* Where tables that leave a level go: the next level that has tables, or else is used. */
unsigned policy_next_level(const struct policy_input *of, unsigned level);
/* The level that is large enough for so many bytes, no less than `least`. */
unsigned policy_level_for(uint64_t bytes, unsigned least, const struct strata_options *options);
/* As policy_debt. */
uint64_t policy_leveled_debt(const struct policy_input *of);
/* How urgent a compaction of each level is; 0: it is not due. */
void policy_scores(const struct policy_input *of, uint64_t scores[LEVELS]);

enum policy_level0 {
    POLICY_L0_REST, /* it is not due */
    POLICY_L0_DOWN, /* the oldest, and all that overlap, go to the next level */
    POLICY_L0_MERGE /* the newest ones are merged to one, which stays on level 0 */
};

enum policy_level0 policy_level0_plan(const struct policy_input *of);
/* How many tables of level 0, from the newest on, are to be merged to one; they have so many bytes.
 * None is larger than all newer ones together (as stage 4's store_merge_due), unless there are
 * many, and none is quarantined. 0: there are too few. */
size_t policy_newest_to_merge(const struct version_level *level,
                              const struct policy_quarantine *quarantined, uint64_t *bytes);

/* ---- policy_tiered.c: as policy_pick, policy_debt, policy_slowdown_trigger ------------------- */

int policy_pick_tiered(const struct policy_input *of, struct pick *out, struct strata_error *err);
uint64_t policy_tiered_debt(const struct policy_input *of);
unsigned policy_tiered_trigger(const struct policy_input *of);

#endif
