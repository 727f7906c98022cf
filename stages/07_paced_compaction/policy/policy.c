/* policy.c: one of two policies: by levels, or by tiers. */
#include "policy_inside.h"

static bool is_tiered(const struct strata_options *options)
{
    return options->compaction == STRATA_COMPACTION_TIERED;
}

int policy_pick(const struct policy_input *of, struct pick *out, struct strata_error *err)
{
    *out = (struct pick){0};
    if (is_tiered(of->options))
        return policy_pick_tiered(of->version, of->options, of->quarantined, out, err);
    return policy_pick_leveled(of, out, err);
}

unsigned policy_slowdown_trigger(const struct version *version,
                                 const struct strata_options *options)
{
    return is_tiered(options) ? policy_tiered_trigger(version) : POLICY_L0_URGENT;
}

uint64_t policy_debt(const struct version *version, const struct strata_options *options)
{
    static const struct policy_quarantine none;
    struct policy_input of = {.version = version, .options = options, .quarantined = &none};

    return is_tiered(options) ? policy_tiered_debt(version) : policy_leveled_debt(&of);
}
