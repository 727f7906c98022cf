/* policy.c: one of two policies: by levels, or by tiers. */
#include "policy_inside.h"

static bool is_tiered(const struct strata_options *options)
{
    return options->compaction == STRATA_COMPACTION_TIERED;
}

int policy_pick(const struct policy_input *of, struct pick *out, struct strata_error *err)
{
    *out = (struct pick){0};
    return is_tiered(of->options) ? policy_pick_tiered(of, out, err)
                                  : policy_pick_leveled(of, out, err);
}

/* Any thread may ask, so what is quarantined meanwhile is not looked at. */
static const struct policy_quarantine none;

unsigned policy_slowdown_trigger(const struct version *version,
                                 const struct strata_options *options)
{
    const struct policy_input of = {version, options, &none, false, {0}}; /* without targets */
    return is_tiered(options) ? policy_tiered_trigger(&of) : POLICY_L0_URGENT;
}

uint64_t policy_debt(const struct version *version, const struct strata_options *options)
{
    struct policy_input of = policy_input(version, options, &none, false);
    return is_tiered(options) ? policy_tiered_debt(&of) : policy_leveled_debt(&of);
}
