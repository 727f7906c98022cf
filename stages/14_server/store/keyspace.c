/* keyspace.c: see keyspace.h.
 *
 * 14.I3: a read outside of a transaction is made with an empty batch: it sees all writes before it.
 * 14.I4: no reply is sent before the round's keyspace_settle has returned 0. */
#include "14_server/store/keyspace.h"
#include "base/bytes.h"
#include "strata_engine.h"
#include "threads/sync.h"

#include <assert.h>

#define BATCH_OPS 4096u
#define BATCH_BYTES ((size_t)1 << 20)
#define TRIES 10 /* of a commit; only the removal of what has expired can be in its way */

int keyspace_init(struct keyspace *store, struct strata *db, bool synced, uint32_t sync_ms,
                  struct strata_error *err)
{
    *store = (struct keyspace){
        .db = db, .synced = synced, .sync_ms = sync_ms, .batch = strata_batch_new()};
    return store->batch ? 0 : strata_fail_memory(err, sizeof(void *));
}

void keyspace_free(struct keyspace *store)
{
    keyspace_abandon(store);
    strata_batch_free(store->batch);
    strata_buffer_free(&store->name);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static int flush(struct keyspace *store, bool sync, struct strata_error *err)
{
    unsigned flags = sync ? STRATA_WRITE_SYNC : store->synced ? STRATA_WRITE_NO_SYNC : 0;
    int rc = 0;

    if (strata_batch_count(store->batch)) {
        rc = strata_write(store->db, store->batch, flags, err);
        strata_batch_clear(store->batch);
        if (rc < 0 && !store->lost.code)
            store->lost = *err;
    } else if (sync) {
        rc = strata_sync(store->db, err);
    }
    return rc;
}

int keyspace_flush(struct keyspace *store, struct strata_error *err)
{
    return flush(store, false, err);
}

int keyspace_settle(struct keyspace *store, struct strata_error *err)
{
    bool dirty = store->dirty, sync = store->synced || store->asked;
    int rc;

    assert(!store->txn);
    if (sync)
        store->due_ns = 0;
    else if (dirty && store->sync_ms && !store->due_ns)
        store->due_ns = sync_now() + (uint64_t)store->sync_ms * 1000000;
    dirty |= store->asked;
    store->dirty = store->asked = false;
    rc = dirty ? flush(store, sync, err) : 0;
    if (rc == 0 && store->lost.code) {
        *err = store->lost;
        rc = err->code;
    }
    store->lost.code = 0;
    return rc;
}

int keyspace_sync(struct keyspace *store, struct strata_error *err)
{
    store->asked = true;
    return keyspace_settle(store, err);
}

/* A write was added to the batch, `rc`. */
static int added(struct keyspace *store, int rc, struct strata_error *err)
{
    store->dirty = true;
    if (rc == 0 && (strata_batch_count(store->batch) >= BATCH_OPS ||
                    strata_batch_bytes(store->batch) >= BATCH_BYTES))
        rc = keyspace_flush(store, err);
    return rc;
}

/* A name that there was no memory for (entry.c). */
static bool is_made(struct strata_slice key, struct strata_error *err)
{
    if (key.size == SIZE_MAX)
        strata_fail_memory(err, STRATA_MAX_KEY);
    return key.size != SIZE_MAX;
}

int keyspace_put(struct keyspace *store, struct strata_slice key, struct strata_slice value,
                 uint64_t until, struct strata_error *err)
{
    if (!is_made(key, err))
        return STRATA_ERR_NO_MEMORY;
    if (store->txn)
        return until ? strata_txn_put_until(store->txn, key, value, until, err)
                     : strata_txn_put(store->txn, key, value, err);
    return added(store,
                 until ? strata_batch_put_until(store->batch, key, value, until, err)
                       : strata_batch_put(store->batch, key, value, err),
                 err);
}

int keyspace_delete(struct keyspace *store, struct strata_slice key, struct strata_error *err)
{
    if (!is_made(key, err))
        return STRATA_ERR_NO_MEMORY;
    if (store->txn)
        return strata_txn_delete(store->txn, key, err);
    return added(store, strata_batch_delete(store->batch, key, err), err);
}

int keyspace_merge(struct keyspace *store, enum strata_op_type how, struct strata_slice key,
                   struct strata_slice operand, struct strata_error *err)
{
    if (store->txn)
        return strata_txn_merge(store->txn, how, key, operand, err);
    return added(store, strata_batch_merge(store->batch, how, key, operand, err), err);
}

/* ---- Reading --------------------------------------------------------------------------------- */

int keyspace_get(struct keyspace *store, struct strata_slice key, struct strata_buffer *value,
                 struct strata_error *err)
{
    int rc = 0;

    if (!is_made(key, err))
        return STRATA_ERR_NO_MEMORY;
    if (store->txn)
        return strata_txn_get(store->txn, key, value, err);
    rc = keyspace_flush(store, err); /* 14.I3 */
    return rc < 0 ? rc : strata_get(store->db, key, value, err);
}

int keyspace_iter(struct keyspace *store, struct strata_iter **out, struct strata_error *err)
{
    int rc = 0;

    if (store->txn)
        return strata_txn_iter(store->txn, out, err);
    rc = keyspace_flush(store, err); /* 14.I3 */
    return rc < 0 ? rc : strata_iter_new(store->db, out, err);
}

int keyspace_get_until(struct keyspace *store, struct strata_slice key, struct strata_buffer *value,
                       uint64_t *until, struct strata_error *err)
{
    int rc;

    *until = 0;
    if (!is_made(key, err))
        return STRATA_ERR_NO_MEMORY;
    if (store->txn)
        return strata_txn_get_until(store->txn, key, value, until, err);
    rc = keyspace_flush(store, err); /* 14.I3 */
    return rc < 0 ? rc : strata_get_until(store->db, key, value, until, err);
}

/* ---- Transactions ---------------------------------------------------------------------------- */

int keyspace_begin(struct keyspace *store, struct strata_error *err)
{
    int rc = keyspace_flush(store, err);

    assert(!store->txn);
    return rc < 0 ? rc : strata_begin(store->db, NULL, &store->txn, err);
}

int keyspace_commit(struct keyspace *store, struct strata_error *err)
{
    int rc = strata_txn_commit(store->txn, store->synced ? STRATA_WRITE_NO_SYNC : 0, NULL, err);

    store->dirty = true;
    keyspace_abandon(store);
    return rc;
}

void keyspace_abandon(struct keyspace *store)
{
    strata_txn_free(store->txn);
    store->txn = NULL;
}

/* In the transaction of MULTI: what fails halfway leaves nothing in it. */
static int whole_in_multi(struct keyspace *store, int (*run)(void *arg, struct strata_error *err),
                          void *arg, struct strata_error *err)
{
    struct strata_error undone;
    uint64_t mark;
    int rc = strata_txn_savepoint(store->txn, &mark, err);

    if (rc < 0)
        return rc;
    rc = run(arg, err);
    if (rc < 0 && strata_txn_rollback_to(store->txn, mark, &undone) < 0)
        store->lost = undone; /* the round is refused */
    return rc;
}

int keyspace_whole(struct keyspace *store, int (*run)(void *arg, struct strata_error *err),
                   void *arg, struct strata_error *err)
{
    int rc = STRATA_CONFLICT;

    if (store->txn)
        return whole_in_multi(store, run, arg, err);
    for (int try = 0; try < TRIES && rc == STRATA_CONFLICT; try++) {
        rc = keyspace_begin(store, err);
        if (rc == 0)
            rc = run(arg, err);
        if (rc == 0)
            rc = keyspace_commit(store, err);
        else
            keyspace_abandon(store);
    }
    return rc == STRATA_CONFLICT ? strata_fail(err, STRATA_ERR_BUSY, NULL, STRATA_NO_OFFSET,
                                               "conflicts with the removal of expired keys")
                                 : rc;
}
