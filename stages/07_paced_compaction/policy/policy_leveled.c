/* policy_leveled.c: the next compaction by levels, as stage 6 picks it (pick_fixed.c): level 0 is
 * due by the number of its tables, the others by their bytes, and the one that exceeds its target
 * most is first. But targets are policy_targets.c's; and which small tables are inputs, too, is
 * policy_small.c's.
 *
 * 7.I12: the inputs of level 0 are closed (as 6.I13).
 * 7.I13: the inputs of the output level are all tables there that overlap with the others (as
 *        6.I14); levels in between have no tables.
 * 7.I14: a quarantined table is never an input, nor, by 7.I12 and 7.I13, is a table that would need
 *        it; the next one that does not is taken instead. The tables that have to stay on level 0
 *        for its sake are merged there, the newest ones to one, so that they stay few. */
#include "policy_inside.h"

#include <assert.h>

/* ---- One level ------------------------------------------------------------------------------- */

/* A trivial move: the compaction that takes the table from there does not become large. */
static bool can_move(const struct policy_input *of, const struct pick *pick,
                     const struct pick_range *range)
{
    return pick->inputs[pick->level].count == 1 && pick->inputs[pick->output].count == 0 &&
           pick_bytes_over(of->version, pick->output + 1, range) <=
               PICK_TIMES * of->options->table_bytes;
}

/* 7.I13; and the small tables next to them. `range` is theirs, then. */
static int take_outputs(struct pick *out, const struct policy_input *of, struct pick_range *range,
                        struct strata_error *err)
{
    uint64_t bytes = out->bytes + pick_bytes_over(of->version, out->output, range);

    policy_widen_small(of, out->output, bytes, range);
    return pick_take_overlapping(out, of->version, out->output, range, err);
}

/* The inputs that table `at` of the level needs. */
static int take_inputs(struct pick *out, const struct policy_input *of, unsigned level, size_t at,
                       struct strata_error *err)
{
    const struct version *v = of->version;
    struct pick_range range = policy_range_down(of, level, at);
    int rc;

    pick_free(out);
    out->level = level;
    out->output = policy_next_level(of, level);
    rc = pick_take_overlapping(out, v, level, &range, err);
    if (rc == 0)
        rc = take_outputs(out, of, &range, err);
    out->move = rc == 0 && can_move(of, out, &range);
    return rc;
}

/* Round robin; of level 0 the oldest. */
static int pick_level(const struct policy_input *of, unsigned level, struct pick *out,
                      struct strata_error *err)
{
    const struct version_level *l = &of->version->levels[level];
    size_t first = level ? pick_behind(l, strata_buffer_slice(&of->version->cursors[level])) : 0;

    for (size_t i = 0; i < l->count; i++) {
        size_t at = level ? (first + i) % l->count : l->count - 1 - i;
        int rc = take_inputs(out, of, level, at, err);
        if (rc < 0 || !policy_has_quarantined(out->inputs, 0, of->quarantined))
            return rc;
    }
    return STRATA_NOT_FOUND;
}

/* Neighbours by age: their output can take their place on level 0. */
static int pick_newest(const struct policy_input *of, struct pick *out, struct strata_error *err)
{
    const struct version_level *l = &of->version->levels[0];
    uint64_t bytes;
    size_t count = policy_newest_to_merge(l, of->quarantined, &bytes);

    pick_free(out);
    return count ? pick_take(out, of->version, 0, 0, count, err) : STRATA_NOT_FOUND;
}

static int pick_level_0(const struct policy_input *of, struct pick *out, struct strata_error *err)
{
    int rc = STRATA_NOT_FOUND;

    if (policy_level0_plan(of) == POLICY_L0_DOWN)
        rc = pick_level(of, 0, out, err);
    return rc == STRATA_NOT_FOUND ? pick_newest(of, out, err) : rc;
}

/* Of those that are not left out; LEVELS: none is due. */
static unsigned most_urgent(const struct policy_input *of, const bool left_out[LEVELS])
{
    uint64_t scores[LEVELS], most = 0;
    unsigned level = LEVELS;

    policy_scores(of, scores);
    for (unsigned i = 0; i < LEVELS; i++)
        if (!left_out[i] && scores[i] > most) {
            most = scores[i];
            level = i;
        }
    return level;
}

int policy_pick_leveled(const struct policy_input *of, struct pick *out, struct strata_error *err)
{
    bool left_out[LEVELS] = {false};
    int rc = STRATA_NOT_FOUND;

    while (rc == STRATA_NOT_FOUND) {
        unsigned level = most_urgent(of, left_out);
        if (level == LEVELS)
            return STRATA_NOT_FOUND;
        rc = level ? pick_level(of, level, out, err) : pick_level_0(of, out, err);
        left_out[level] = true;
    }
    assert(rc != 0 || !policy_has_quarantined(out->inputs, 0, of->quarantined)); /* 7.I14 */
    return rc;
}
