/* pick.h: which tables the next compaction takes. Nothing is changed here: a pick is made of a
 * version, and borrows its tables. */
#ifndef STRATA_06_PICK_H
#define STRATA_06_PICK_H

#include "06_leveled_compaction/version/version.h"

#define PICK_TIMES 10     /* a level's target is so many times that of the level above it */
#define PICK_L0_TABLES 4u /* of level 0 are due for compaction */

/* The inputs of a compaction, and where its outputs go. */
struct pick {
    unsigned level;  /* of the inputs that are due */
    unsigned output; /* level of the outputs */
    struct version_level inputs[LEVELS];
    uint64_t bytes, records; /* of all inputs */
    uint64_t first, last;    /* sequence numbers of the operations in them */
    bool move;               /* a trivial move: the files go there as they are */
};

void pick_free(struct pick *pick);
/* The edit removes the inputs, and the level's next compaction begins behind them. NO_MEMORY. */
int pick_remove_inputs(const struct pick *pick, struct edit *edit, struct strata_error *err);

/* ---- What is due (pick_fixed.c) ------------------------------------------------------------ */

/* Bytes that a level >= 1 may have: options->level_bytes, ten times as many on each next level. The
 * deepest may have any. */
uint64_t pick_target(const struct strata_options *options, unsigned level);
/* The compaction of the level that exceeds its target most. Its input is the table behind the
 * level's cursor. NOT_FOUND: none is due. NO_MEMORY. To be freed in any case. */
int pick_compaction(const struct version *version, const struct strata_options *options,
                    struct pick *out, struct strata_error *err);
/* All tables, into the deepest level that has any, or a deeper one whose target is large enough.
 * NOT_FOUND: all are there already, without tombstones. NO_MEMORY. To be freed in any case. */
int pick_everything(const struct version *version, const struct strata_options *options,
                    struct pick *out, struct strata_error *err);

/* ---- Collecting inputs (pick.c) ------------------------------------------------------------ */

/* Keys; both are in it. */
struct pick_range {
    struct strata_slice low, high;
};

struct pick_range pick_range_of(const struct sstable *table);
void pick_widen(struct pick_range *range, const struct sstable *table);
/* Widens it until every table of the level that overlaps with it is wholly inside. */
void pick_close_over(const struct version_level *level, struct pick_range *range);
/* The table of a level >= 1 that begins behind the cursor; behind the last table, the first. */
size_t pick_behind(const struct version_level *level, struct strata_slice cursor);

/* Tables [at, end) of the level. NO_MEMORY. */
int pick_take(struct pick *pick, const struct version *version, unsigned level, size_t at,
              size_t end, struct strata_error *err);
/* All tables of the version, into the deepest level that has any. How many levels have,
 * or NO_MEMORY. */
int pick_take_all(struct pick *pick, const struct version *version, struct strata_error *err);
/* All tables of a level that overlap, the newest first, or in order of their keys. NO_MEMORY. */
int pick_take_overlapping(struct pick *pick, const struct version *version, unsigned level,
                          const struct pick_range *range, struct strata_error *err);
/* Bytes of the tables of a level that overlap; 0 where there is no such level. */
uint64_t pick_bytes_over(const struct version *version, unsigned level,
                         const struct pick_range *range);

#endif
