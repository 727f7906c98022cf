/* pick_inside.h: what the parts of picking share: how much a level may have (pick_shape.c), what is
 * due by levels (pick_level.c), what is due by tiers (pick_tiered.c), what is asked for
 * (pick_part.c). */
#ifndef STRATA_07_PICK_INSIDE_H
#define STRATA_07_PICK_INSIDE_H

#include "picker.h"

/* pick_small.c: the keys of table `at` and of what goes down with it: of level 0 the small tables
 * that are newer than a small one, and all that overlap with them. */
struct pick_range pick_range_down(const struct pick_of *of, unsigned level, size_t at);
/* Tables [at, end) of a level overlap with the range of inputs that have so many bytes, theirs
 * included: widened by the small tables next to them that are to be merged with them. */
void pick_widen_small(const struct pick_of *of, unsigned level, size_t at, size_t end,
                      uint64_t bytes, struct pick_range *range);
bool pick_is_spared(const struct pick_spared *spared, const struct sstable *table);

/* Where what leaves a level goes: the next one that has tables, or else is used. */
unsigned pick_next(const struct version *version, const struct strata_options *options,
                   unsigned level);
/* The level that is large enough for so many bytes, no less than `least`. */
unsigned pick_level_for(uint64_t bytes, unsigned least, const struct strata_options *options);

/* How urgent a compaction of each level is; 0: it is not due. */
void pick_scores(const struct pick_of *of, uint64_t scores[LEVELS]);

enum pick_level0 {
    PICK_L0_RESTS,
    PICK_L0_DOWN,    /* the oldest, and all that overlap */
    PICK_L0_TOGETHER /* the newest ones become one, and stay */
};

enum pick_level0 pick_level0_plan(const struct pick_of *of);
/* How many tables of level 0, from the newest on, become one; they have so many bytes: none is
 * larger than all newer ones together (as stage 4's store_merge_due), unless there are many, and
 * all can be read. 0: there are too few. */
size_t pick_together(const struct version_level *level, const struct pick_spared *spared,
                     uint64_t *bytes);

/* As pick_due, pick_owed, pick_level0_aim. */
int pick_tiered(const struct version *version, const struct strata_options *options,
                const struct pick_spared *spared, struct pick *out, struct strata_error *err);
uint64_t pick_tiered_owed(const struct version *version);
unsigned pick_tiered_aim(const struct version *version);

#endif
