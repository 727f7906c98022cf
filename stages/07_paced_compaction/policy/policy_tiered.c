/* policy_tiered.c: size-tiered compaction (as Cassandra's, and RocksDB's "universal"): the tables
 * stay on level 0, by age, and neighbours of a like size are merged to one, which takes their
 * place.
 *
 *   newest [1][1][2] | [5][6][4][7] | [25][30] oldest      three tiers; the second is due
 *   newest [1][1][2] | [22][25][30]
 *
 * Everything on deeper levels, which the other policy or a full compaction left there, counts as
 * one table, the oldest. When it has its turn, the output goes there.
 *
 * 7.I16: the inputs are neighbours by age; so their output is older than everything before it and
 *        newer than everything behind it, whatever their keys are.
 * 7.I17: a tier ends before a table of more than twice its first one's size; a smaller one does not
 *        end it. So each tier begins with more than twice what the one before it begins with: there
 *        are no more of them than doublings from the smallest to the largest, each with at most
 *        three tables when none is due.
 * 7.I18: a quarantined table ends its tier, and is in none that is due. */
#include "policy_inside.h"

struct tier {
    size_t at, count; /* of level 0's tables, and the deeper levels as one behind them */
    uint64_t bytes;   /* of all of them */
};

static uint64_t deeper_bytes(const struct version *v)
{
    uint64_t bytes = 0;

    for (unsigned level = 1; level < LEVELS; level++)
        bytes += v->levels[level].bytes;
    return bytes;
}

static size_t count_of(const struct version *v)
{
    return v->levels[0].count + (deeper_bytes(v) > 0);
}

static uint64_t bytes_of(const struct version *v, size_t i)
{
    return i < v->levels[0].count ? v->levels[0].tables[i]->bytes : deeper_bytes(v);
}

static bool is_left_alone(const struct policy_input *of, size_t i)
{
    const struct version_level *l = &of->version->levels[0];
    return i < l->count ? policy_is_quarantined(of->quarantined, l->tables[i])
                        : policy_has_quarantined(l, 1, of->quarantined);
}

/* From one tier to the next older one; the first, when all of it is zero. */
static bool next_tier(const struct policy_input *of, struct tier *tier)
{
    const struct version *v = of->version;
    size_t all = count_of(v), at = tier->at + tier->count;
    bool alone;

    *tier = (struct tier){.at = at};
    if (at == all)
        return false;
    alone = is_left_alone(of, at); /* 7.I18 */
    do {
        tier->bytes += bytes_of(v, at);
        tier->count++;
    } while (++at < all && !alone && bytes_of(v, at) <= 2 * bytes_of(v, tier->at) &&
             !is_left_alone(of, at));
    return true;
}

static int take_tier(struct pick *out, const struct policy_input *of, const struct tier *tier,
                     struct strata_error *err)
{
    const struct version *v = of->version;
    const struct version_level *l = v->levels;
    size_t end = tier->at + tier->count, own = end < l[0].count ? end : l[0].count;
    int rc = pick_take(out, v, 0, tier->at, own, err);

    for (unsigned level = 1; rc == 0 && end > own && level < LEVELS; level++) {
        rc = pick_take(out, v, level, 0, l[level].count, err);
        if (l[level].count)
            out->output = level;
    }
    if (out->output)
        out->output = policy_level_for(out->bytes, out->output, of->options);
    return rc;
}

/* The newest tier that is due: it is the smallest. */
int policy_pick_tiered(const struct policy_input *of, struct pick *out, struct strata_error *err)
{
    struct tier tier = {0};

    while (next_tier(of, &tier))
        if (tier.count >= PICK_L0_TABLES)
            return take_tier(out, of, &tier, err);
    return STRATA_NOT_FOUND;
}

/* The output of a tier is one more table of the next. */
uint64_t policy_tiered_debt(const struct policy_input *of)
{
    struct tier tier = {0};
    uint64_t debt = 0, coming = 0;

    while (next_tier(of, &tier)) {
        coming = tier.count + (coming > 0) >= PICK_L0_TABLES ? coming + tier.bytes : 0;
        debt += coming;
    }
    return debt;
}

/* Three tables of each tier are no debt; and 5 may come while the largest is merged. */
unsigned policy_tiered_trigger(const struct policy_input *of)
{
    struct tier tier = {0};
    unsigned trigger = 5;

    while (next_tier(of, &tier))
        trigger += PICK_L0_TABLES - 1;
    return trigger;
}
