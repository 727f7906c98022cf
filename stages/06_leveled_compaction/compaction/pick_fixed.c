/* pick_fixed.c: which level is compacted next (LevelDB: doc/impl.md). Level 0 is due by the number
 * of its tables, because every read asks each of them; the other levels by their bytes. The level
 * that exceeds its target most is first.
 *
 *   level 0   [a........q] [c.....z] [b..f]      due with 4: the oldest, and all that overlap
 *   level 1   [a.d][e...k][l...p][r..z]          due above its target: one table, round robin,
 *   level 2   [a][b.c][e.f][g.h][i.k][m]...      with all that it overlaps on the next level
 *
 * Targets are fixed: level_bytes for level 1, ten times as many for each next one. */
#include "pick.h"

#include <assert.h>

uint64_t pick_target(const struct strata_options *options, unsigned level)
{
    uint64_t target = options->level_bytes;

    for (; level > 1; level--)
        target = target > UINT64_MAX / PICK_TIMES ? UINT64_MAX : target * PICK_TIMES;
    return target;
}

/* What the level has, by what it may have; 0: it is not due. The deepest never is. */
static double score(const struct version *v, const struct strata_options *options, unsigned level)
{
    uint64_t have = level ? v->levels[level].bytes : v->levels[0].count;
    uint64_t may = level ? pick_target(options, level) : PICK_L0_TABLES;

    if (level == LEVELS - 1 || have < may || (level && have == may))
        return 0;
    return (double)have / (double)may;
}

/* LEVELS: none is due. */
static unsigned most_urgent(const struct version *v, const struct strata_options *options)
{
    double most = 0;
    unsigned level = LEVELS;

    for (unsigned i = 0; i < LEVELS; i++)
        if (score(v, options, i) > most) {
            most = score(v, options, i);
            level = i;
        }
    return level;
}

/* Would moving the file do? There is nothing to merge it with; the compaction that takes it from
 * there stays small; and it has more than tombstones, which a merge may drop. */
static bool can_move(const struct version *v, const struct strata_options *options,
                     const struct pick *pick, const struct pick_range *range)
{
    const struct sstable *table = pick->inputs[pick->level].tables[0];

    return pick->inputs[pick->level].count == 1 && pick->inputs[pick->output].count == 0 &&
           table->sum.tombstones < table->sum.records &&
           pick_bytes_over(v, pick->output + 1, range) <= PICK_TIMES * options->table_bytes;
}

int pick_compaction(const struct version *v, const struct strata_options *options, struct pick *out,
                    struct strata_error *err)
{
    unsigned level = most_urgent(v, options);
    const struct version_level *l = &v->levels[level];
    struct pick_range range;
    int rc;

    *out = (struct pick){.level = level, .output = level + 1};
    if (level == LEVELS)
        return STRATA_NOT_FOUND;
    assert(l->count > 0);
    range = pick_range_of(
        l->tables[level ? pick_behind(l, strata_buffer_slice(&v->cursors[level])) : l->count - 1]);
    if (level == 0)
        pick_close_over(l, &range); /* 6.I13 */
    rc = pick_take_overlapping(out, v, level, &range, err);
    if (rc == 0)
        rc = pick_take_overlapping(out, v, out->output, &range, err); /* 6.I14 */
    assert(rc < 0 || out->inputs[level].count > 0);
    out->move = rc == 0 && can_move(v, options, out, &range);
    return rc;
}

/* ---- Everything ---------------------------------------------------------------------------- */

int pick_everything(const struct version *v, const struct strata_options *options, struct pick *out,
                    struct strata_error *err)
{
    int levels = pick_take_all(out, v, err);

    while (out->output + 1 < LEVELS && out->bytes > pick_target(options, out->output))
        out->output++;
    if (levels == 0 || (levels == 1 && out->inputs[out->output].count && !v->tombstones))
        return STRATA_NOT_FOUND;
    return levels < 0 ? levels : 0;
}
