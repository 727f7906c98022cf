/* policy.c: one of two policies, by levels or by tiers; and the tables that could not be read
 * (7.I14). */
#include "policy_inside.h"
#include "base/array.h"

#include <stdlib.h>

static bool is_tiered(const struct policy_input *of)
{
    return of->options->compaction == STRATA_COMPACTION_TIERED;
}

int policy_pick(const struct policy_input *of, struct pick *out, struct strata_error *err)
{
    *out = (struct pick){0};
    return is_tiered(of) ? policy_pick_tiered(of, out, err) : policy_pick_leveled(of, out, err);
}

/* Any thread may ask, so what is quarantined meanwhile is not looked at. */
static struct policy_input sound(const struct version *version,
                                 const struct strata_options *options)
{
    static const struct policy_quarantine none;
    return (struct policy_input){.version = version, .options = options, .quarantined = &none};
}

unsigned policy_slowdown_trigger(const struct version *version,
                                 const struct strata_options *options)
{
    struct policy_input of = sound(version, options);
    return is_tiered(&of) ? policy_tiered_trigger(&of) : POLICY_L0_URGENT;
}

uint64_t policy_debt(const struct version *version, const struct strata_options *options)
{
    struct policy_input of = sound(version, options);
    return is_tiered(&of) ? policy_tiered_debt(&of) : policy_leveled_debt(&of);
}

/* ---- Quarantined tables ---------------------------------------------------------------------- */

int policy_quarantine_add(struct policy_quarantine *quarantined, uint64_t number,
                          struct strata_error *err)
{
    uint64_t *added = array_add(&quarantined->numbers, &quarantined->count, &quarantined->room,
                                sizeof *added, err);

    if (added)
        *added = number;
    return added ? 0 : STRATA_ERR_NO_MEMORY;
}

void policy_quarantine_clear(struct policy_quarantine *quarantined)
{
    free(quarantined->numbers);
    *quarantined = (struct policy_quarantine){0};
}

bool policy_is_quarantined(const struct policy_quarantine *quarantined, const struct sstable *table)
{
    for (size_t i = 0; i < quarantined->count; i++)
        if (quarantined->numbers[i] == table->number)
            return true;
    return false;
}

bool policy_has_quarantined(const struct version_level levels[LEVELS], unsigned from,
                            const struct policy_quarantine *quarantined)
{
    for (unsigned level = from; quarantined->count && level < LEVELS; level++)
        for (size_t i = 0; i < levels[level].count; i++)
            if (policy_is_quarantined(quarantined, levels[level].tables[i]))
                return true;
    return false;
}
