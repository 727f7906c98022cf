/* early_ok.c: stage 3's engine, but that it says "ok" before anything is synced: a synced put may
 * be lost by a power cut. A close still syncs. */
#define strata_stage_03_wal the_right_one
#include "../../stages/03_wal/engine.c"

static int write_early(void *self, const struct strata_op *ops, size_t count, bool sync,
                       struct strata_error *err)
{
    return store_write(self, ops, count, sync && !count, err);
}

const struct strata_engine strata_engine = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 3,
    .format = 1,
    .name = "early_ok",
    .survives = "clean exit, kill -9, power cut",
    .promises = STRATA_PROMISE_POWER_CUT,
    .formats = formats,
    .open = store_open,
    .close = store_close,
    .get = store_get,
    .write = write_early,
    .iter = store_iter,
    .compact = store_compact,
    .verify = store_verify,
    .stats = store_stats,
};
