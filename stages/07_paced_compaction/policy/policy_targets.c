/* policy_targets.c: level targets, which level takes the tables of level 0, and when that is due.
 *
 *              fixed base           dynamic base (RocksDB's level_compaction_dynamic_level_bytes)
 *
 *   level 1    level_bytes          -
 *   level 2    10 level_bytes       -
 *   ...
 *   level 5    10000 level_bytes    a tenth of level 6, if that is level_bytes or more; else -
 *   level 6    all else             nearly everything
 *
 * With a fixed base the deepest level that has any may have less than the one above it, and what
 * that one replaces takes space twice. With a dynamic base the deepest level has ten times as much
 * as all above it: targets are computed from it upwards, and a level whose target would be less
 * than level_bytes is not used (-). It has no tables; if it has some, because another session had
 * another base, or much was deleted, they go down.
 *
 * Level 0 goes down when it has enough tables, and enough bytes to be worth what they are merged
 * with; until then small ones are merged to one there.
 *
 * 7.I15: what goes down is merged with no more than L0_WORTH times its own bytes (while a caller
 *        waits until nothing is due, L0_DRAINED times); and tables that are small beside level 0
 * are merged to one first: sessions that end early leave many of them, and the next one has little
 * to do before it may write. */
#include "policy_inside.h"

#include <assert.h>

#define L0_MANY 6u    /* tables that stay: the newest are merged to one, whatever their sizes */
#define L0_WORTH 4u   /* so much larger may be what level 0 is merged with; */
#define L0_DRAINED 8u /* likewise; so an eighth may take space twice when nothing is due */
#define L0_SMALL 8u   /* a table is small that is so much smaller than level 0 */
#define DRAIN 2000u   /* score of a level that is not used */

/* ---- Targets --------------------------------------------------------------------------------- */

static void fixed_targets(const struct strata_options *options, struct policy_targets *out)
{
    out->base = 1;
    for (unsigned level = 1; level < LEVELS; level++)
        out->target[level] = pick_target(options, level);
}

/* A level that has tables is used until its target is well below: it does not come and go. */
static bool is_used(const struct version_level *l, uint64_t target, uint64_t least)
{
    return target >= (l->count ? least / 2 : least);
}

static void dynamic_targets(const struct version *v, const struct strata_options *options,
                            struct policy_targets *out)
{
    unsigned base = LEVELS - 1;
    uint64_t target = 0;

    for (unsigned level = 1; level < LEVELS; level++)
        target = v->levels[level].bytes > target ? v->levels[level].bytes : target;
    out->target[base] = target;
    while (base > 1 && is_used(&v->levels[base - 1], target / PICK_TIMES, options->level_bytes))
        out->target[--base] = target /= PICK_TIMES;
    out->base = base;
}

void policy_targets(const struct version *version, const struct strata_options *options,
                    struct policy_targets *out)
{
    *out = (struct policy_targets){0};
    if (options->dynamic_levels)
        dynamic_targets(version, options, out);
    else
        fixed_targets(options, out);
    assert(out->base >= 1 && out->base < LEVELS);
}

struct policy_input policy_input(const struct version *version,
                                 const struct strata_options *options,
                                 const struct policy_quarantine *quarantined, bool drain)
{
    struct policy_input of = {version, options, quarantined, drain, {0}};

    policy_targets(version, options, &of.targets);
    return of;
}

unsigned policy_next_level(const struct policy_input *of, unsigned level)
{
    for (level++; level < of->targets.base && !of->version->levels[level].count;)
        level++;
    return level;
}

unsigned policy_level_for(uint64_t bytes, unsigned least, const struct strata_options *options)
{
    if (options->dynamic_levels)
        return LEVELS - 1;
    while (least + 1 < LEVELS && bytes > pick_target(options, least))
        least++;
    return least;
}

/* ---- Level 0 --------------------------------------------------------------------------------- */

size_t policy_newest_to_merge(const struct version_level *l,
                              const struct policy_quarantine *quarantined, uint64_t *bytes)
{
    size_t count = 0;

    *bytes = 0;
    while (count < l->count && !policy_is_quarantined(quarantined, l->tables[count]) &&
           (count == 0 || l->tables[count]->bytes <= *bytes ||
            (l->count >= L0_MANY && count < PICK_L0_TABLES)))
        *bytes += l->tables[count++]->bytes;
    return count < PICK_L0_TABLES ? 0 : count;
}

/* All of level 0; or the oldest table: where keys come in order, it overlaps with nothing there. */
static bool is_worth_it(const struct policy_input *of, unsigned next, uint64_t worth)
{
    const struct version *v = of->version;
    struct pick_range oldest;

    if (v->levels[0].bytes >= v->levels[next].bytes / worth)
        return true;
    oldest = policy_range_down(of, 0, v->levels[0].count - 1);
    return pick_bytes_over(v, 0, &oldest) >= pick_bytes_over(v, next, &oldest) / worth;
}

enum policy_level0 policy_level0_plan(const struct policy_input *of)
{
    const struct version *v = of->version;
    const struct version_level *l = &v->levels[0];
    unsigned next = policy_next_level(of, 0);
    uint64_t small;
    bool together;

    if (of->drain && l->count + (v->levels[next].count > 0) > 1 && l->count &&
        is_worth_it(of, next, L0_DRAINED))
        return POLICY_L0_DOWN;
    if (l->count < PICK_L0_TABLES)
        return POLICY_L0_REST;
    together = policy_newest_to_merge(l, of->quarantined, &small) > 0;
    if (!(together && small <= l->bytes / L0_SMALL) && is_worth_it(of, next, L0_WORTH))
        return POLICY_L0_DOWN;
    return together ? POLICY_L0_MERGE : POLICY_L0_REST;
}

/* ---- What is due ----------------------------------------------------------------------------- */

static uint64_t level0_score(const struct policy_input *of)
{
    uint64_t count = of->version->levels[0].count;

    if (policy_level0_plan(of) == POLICY_L0_REST)
        return 0;
    return count >= POLICY_L0_URGENT ? UINT64_MAX : count * 1000 / PICK_L0_TABLES + 1;
}

static uint64_t score(uint64_t bytes, uint64_t target)
{
    if (bytes <= target)
        return 0;
    return target ? bytes / target * 1000 + bytes % target / (target / 1000 + 1) + 1 : DRAIN;
}

/* The last level has nowhere to go. */
void policy_scores(const struct policy_input *of, uint64_t scores[LEVELS])
{
    scores[0] = level0_score(of);
    for (unsigned level = 1; level < LEVELS - 1; level++)
        scores[level] = score(of->version->levels[level].bytes, of->targets.target[level]);
    scores[LEVELS - 1] = 0;
}

/* Of what goes down from level 0, or is merged there; `*coming`: bytes to the next level. */
static uint64_t level0_debt(const struct policy_input *of, uint64_t *coming)
{
    const struct version_level *l = of->version->levels;
    enum policy_level0 plan = policy_level0_plan(of);
    uint64_t bytes = 0;

    *coming = plan == POLICY_L0_DOWN ? l[0].bytes : 0;
    if (plan == POLICY_L0_DOWN)
        bytes = l[0].bytes + l[policy_next_level(of, 0)].bytes;
    else if (plan == POLICY_L0_MERGE)
        policy_newest_to_merge(&l[0], of->quarantined, &bytes);
    return bytes;
}

/* What a level has above its target goes down, with what it overlaps there, and may be above the
 * target there. */
uint64_t policy_leveled_debt(const struct policy_input *of)
{
    const struct version_level *l = of->version->levels;
    uint64_t coming, debt = level0_debt(of, &coming);

    for (unsigned at = policy_next_level(of, 0), next; at + 1 < LEVELS; at = next) {
        uint64_t bytes = l[at].bytes + coming, target = of->targets.target[at], times;
        next = policy_next_level(of, at);
        coming = bytes > target ? bytes - target : 0;
        times = bytes ? l[next].bytes / bytes : 0;
        debt += coming * (1 + (times < PICK_TIMES ? times : PICK_TIMES));
    }
    return debt;
}
