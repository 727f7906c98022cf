/* policy.c: one of two policies: by levels, or by tiers. */
#include "policy_inside.h"

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
