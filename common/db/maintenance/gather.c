/* gather.c: see gather.h. A single entry takes no copy. */
#include "db/maintenance/gather.h"
#include "strata_engine.h"

static bool has_batches(const struct strata *db)
{
    struct strata_stage_info info;
    strata_stage(db, &info);
    return info.promises & STRATA_PROMISE_BATCH;
}

int gather_init(struct gather *g, struct strata *db, uint64_t most, struct strata_error *err)
{
    struct strata_stage_info info;

    *g = (struct gather){.db = db, .most = most};
    strata_stage(db, &info);
    if (!most)
        g->most = has_batches(db) ? GATHER_DEFAULT : 1;
    if (g->most == 1)
        return 0;
    if (!has_batches(db))
        return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, NULL, STRATA_NO_OFFSET,
                           "%s has no atomic batch", info.name);
    g->batch = strata_batch_new();
    return g->batch ? 0 : strata_fail_memory(err, 1);
}

void gather_free(struct gather *g)
{
    strata_batch_free(g->batch);
}

/* `rc` of storing what waited. */
static int stored(struct gather *g, int rc)
{
    if (rc == 0) {
        g->stored += g->waiting;
        g->bytes += g->waiting_bytes;
    }
    g->waiting = g->waiting_bytes = 0;
    return rc;
}

int gather_flush(struct gather *g, struct strata_error *err)
{
    int rc;

    if (!g->waiting)
        return 0;
    rc = stored(g, strata_write(g->db, g->batch, 0, err));
    strata_batch_clear(g->batch);
    return rc;
}

static int add(struct gather *g, struct strata_slice key, struct strata_slice value, uint64_t until,
               struct strata_error *err)
{
    return until ? strata_batch_put_until(g->batch, key, value, until, err)
                 : strata_batch_put(g->batch, key, value, err);
}

static int put(const struct gather *g, struct strata_slice key, struct strata_slice value,
               uint64_t until, struct strata_error *err)
{
    return until ? strata_put_until(g->db, key, value, until, 0, err)
                 : strata_put(g->db, key, value, err);
}

int gather_put_until(struct gather *g, struct strata_slice key, struct strata_slice value,
                     uint64_t until, struct strata_error *err)
{
    struct strata_stage_info info;
    int rc;

    strata_stage(g->db, &info);
    if (until && !(info.promises & STRATA_PROMISE_EXPIRY))
        return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, NULL, STRATA_NO_OFFSET,
                           "%s has no values that expire", info.name);
    if (g->batch) {
        rc = add(g, key, value, until, err);
        if (rc < 0)
            return rc;
    }
    g->waiting++;
    g->waiting_bytes += key.size + value.size;
    if (!g->batch)
        return stored(g, put(g, key, value, until, err));
    if (g->waiting < g->most && strata_batch_bytes(g->batch) < GATHER_BYTES)
        return 0;
    return gather_flush(g, err);
}

int gather_put(struct gather *g, struct strata_slice key, struct strata_slice value,
               struct strata_error *err)
{
    return gather_put_until(g, key, value, 0, err);
}
