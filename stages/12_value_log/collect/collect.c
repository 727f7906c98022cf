/* collect.c: see collect.h. */
#include "collect.h"
#include "12_value_log/values/live.h"

#include <stdlib.h>

int collect_keep(struct compaction *c, const struct level_merge *of, struct strata_error *err)
{
    return snapshot_keep(c, of, err);
}

int collect_pick(struct tree *tree, struct version *version, struct pick *pick,
                 struct strata_error *err)
{
    return snapshot_pick_stale(tree, version, pick, err);
}
