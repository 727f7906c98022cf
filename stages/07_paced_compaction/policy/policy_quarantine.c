/* policy_quarantine.c: the tables that could not be read, which neither policy takes (7.I14). */
#include "policy_inside.h"
#include "base/array.h"

#include <stdlib.h>

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
