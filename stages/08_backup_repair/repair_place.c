/* repair_place.c: where the tables that count stand, when no manifest tells.
 *
 * Of two tables that overlap one is newer in all that they share (I2 of state.c, and the levels):
 *
 * I1: if all its operations are, it is. Else both were there together, not as inputs of one
 *     compaction; the one that was made later looked at the other one, and noted whether that stood
 *     above it; if it did not it stood below. What overlaps never changes its order: a table is
 *     only moved to a level where it overlaps with nothing.
 * I2: a table that is put below all newer ones that it overlaps with, as high as that lets it,
 *     stands no deeper than it stood before: so there are levels enough. */
#include "repair.h"

#include <stdlib.h>

/* ---- Which are newer (I1) -------------------------------------------------------------------- */

bool repair_overlap(const struct repair_table *a, const struct repair_table *b)
{
    return strata_compare(a->entry.smallest, b->entry.largest) <= 0 &&
           strata_compare(b->entry.smallest, a->entry.largest) <= 0;
}

bool repair_is_newer(const struct repair_table *a, const struct repair_table *b)
{
    if (a->named && b->named && a->entry.level != b->entry.level)
        return a->entry.level < b->entry.level;
    if (a->entry.first > b->entry.last || b->entry.first > a->entry.last)
        return a->entry.first > b->entry.last;
    return a->entry.number > b->entry.number ? !lineage_is_above(&a->lineage, b->entry.number)
                                             : lineage_is_above(&b->lineage, a->entry.number);
}

/* ---- Where they stand (I2) ------------------------------------------------------------------- */

/* Made for level 0; and its operations are no other such table's. */
static bool is_of_level_0(const struct repair *r, const struct repair_table *t)
{
    bool alone = true; /* it overlaps with nothing, and may stand anywhere */

    if (t->lineage.level || (t->named && t->entry.level))
        return false;
    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *other = &r->tables[i];
        if (!other->counts || other == t)
            continue;
        if (!other->lineage.level && other->entry.first <= t->entry.last &&
            t->entry.first <= other->entry.last)
            return false;
        alone &= !repair_overlap(t, other);
    }
    return !alone;
}

/* The level that those above it leave to it. */
static unsigned level_below(const struct repair *r, const struct repair_table *t,
                            const unsigned *levels, bool of_level_0)
{
    unsigned level = of_level_0 ? 0 : 1;

    for (size_t i = 0; i < r->count; i++) {
        const struct repair_table *other = &r->tables[i];
        if (!other->counts || other == t || levels[i] < level || (of_level_0 && levels[i] == 0) ||
            !repair_overlap(t, other) || !repair_is_newer(other, t))
            continue;
        level = levels[i] + 1;
    }
    return level;
}

static bool sink(const struct repair *r, unsigned *levels, const bool *of_level_0)
{
    bool sunk = false;

    for (size_t i = r->count; i-- > 0;) {
        unsigned level;
        if (!r->tables[i].counts)
            continue;
        level = level_below(r, &r->tables[i], levels, of_level_0[i]);
        sunk |= level > levels[i];
        levels[i] = level > levels[i] ? level : levels[i];
        if (levels[i] >= LEVELS)
            return false;
    }
    return sunk;
}

static int no_order(const struct repair *r, const struct repair_table *t, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_CORRUPT, r->env->dir, STRATA_NO_OFFSET,
                       "the tables contradict each other: %06llu.table has no place among them; "
                       "move it away, and repair again",
                       (unsigned long long)t->entry.number);
}

static int place_all(struct repair *r, unsigned *levels, bool *of_level_0, struct strata_error *err)
{
    for (size_t i = 0; i < r->count; i++) {
        of_level_0[i] = r->tables[i].counts && is_of_level_0(r, &r->tables[i]);
        levels[i] = of_level_0[i] ? 0 : 1;
    }
    while (sink(r, levels, of_level_0))
        ;
    for (size_t i = 0; i < r->count; i++) {
        if (levels[i] >= LEVELS)
            return no_order(r, &r->tables[i], err);
        if (r->tables[i].counts)
            r->tables[i].entry.level = levels[i];
    }
    return 0;
}

int repair_place(struct repair *r, struct strata_error *err)
{
    unsigned *levels = calloc(r->count + 1, sizeof *levels);
    bool *of_level_0 = calloc(r->count + 1, sizeof *of_level_0);
    int rc = levels && of_level_0 ? place_all(r, levels, of_level_0, err)
                                  : strata_fail_memory(err, r->count * sizeof *levels);

    free(levels);
    free(of_level_0);
    return rc;
}
