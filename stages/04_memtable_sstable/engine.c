/* engine.c: stage 4, memtable and sorted tables: being built; it cannot be opened yet. */
#include "strata_engine.h"

static int store_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    (void)self;
    return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, env->dir, STRATA_NO_OFFSET,
                       "stage 4 is being built");
}
const struct strata_engine strata_stage_04_memtable_sstable = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 4,
    .format = 1,
    .name = "04_memtable_sstable",
    .survives = "nothing yet",
    .open = store_open,
};
