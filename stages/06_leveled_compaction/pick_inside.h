/* pick_inside.h: what the parts of picking share: what is due by levels (pick.c), what is due by
 * tiers (pick_tiered.c), what holds a range of keys (pick_part.c). */
#ifndef STRATA_06_PICK_INSIDE_H
#define STRATA_06_PICK_INSIDE_H

#include "pick.h"

/* Keys; both are in it. */
struct pick_range {
    struct strata_slice low, high;
};

struct pick_range pick_range_of(const struct sstable *table);
void pick_widen(struct pick_range *range, const struct sstable *table);
/* Until no table of the level that is not wholly in it overlaps with it. */
void pick_close_over(const struct version_level *level, struct pick_range *range);

/* For so many tables of the level. NO_MEMORY. */
int pick_take_room(struct pick *pick, unsigned level, size_t count, struct strata_error *err);
/* There is room. */
void pick_take(struct pick *pick, unsigned level, struct sstable *table);
/* All tables of a level that overlap, the newest first, or in order of their keys. NO_MEMORY. */
int pick_take_overlapping(struct pick *pick, const struct version *version, unsigned level,
                          const struct pick_range *range, struct strata_error *err);
bool pick_is_spared(const struct pick_spared *spared, const struct sstable *table);
/* The level that is large enough for so many bytes, no less than `least`. */
unsigned pick_level_for(uint64_t bytes, unsigned least, const struct strata_options *options);

/* As pick_due, pick_owed, pick_level0_aim. */
int pick_tiered(const struct version *version, const struct strata_options *options,
                const struct pick_spared *spared, struct pick *out, struct strata_error *err);
uint64_t pick_tiered_owed(const struct version *version);
unsigned pick_tiered_aim(const struct version *version);

#endif
