/* keyspace.c: see keyspace.h.
 *
 * 14.I3: a read outside of a transaction is made with an empty batch: it sees all writes before it.
 * 14.I4: no reply is sent before the round's keyspace_settle has returned 0. */
#include "14_server/keyspace.h"
#include "base/bytes.h"
#include "strata_engine.h"

#include <assert.h>

#define BATCH_OPS 4096u
#define BATCH_BYTES ((size_t)1 << 20)

int keyspace_init(struct keyspace *store, struct strata *db, bool synced, struct strata_error *err)
{
    *store = (struct keyspace){.db = db, .synced = synced, .batch = strata_batch_new()};
    return store->batch ? 0 : strata_fail_memory(err, sizeof(void *));
}

void keyspace_free(struct keyspace *store)
{
    keyspace_abandon(store);
    strata_batch_free(store->batch);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static int flush(struct keyspace *store, bool sync, struct strata_error *err)
{
    unsigned flags = sync ? STRATA_WRITE_SYNC : store->synced ? STRATA_WRITE_NO_SYNC : 0;
    int rc = 0;

    if (strata_batch_count(store->batch)) {
        rc = strata_write(store->db, store->batch, flags, err);
        strata_batch_clear(store->batch);
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
    bool dirty = store->dirty;

    assert(!store->txn);
    store->dirty = false;
    return dirty ? flush(store, store->synced, err) : 0;
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

int keyspace_put(struct keyspace *store, struct strata_slice key, struct strata_slice value,
                 uint64_t until, struct strata_error *err)
{
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

/* The iterator has found the key, `rc`, or a later one. */
static int take_entry(struct strata_iter *iter, int rc, struct strata_slice key,
                      struct strata_buffer *value, uint64_t *until, struct strata_error *err)
{
    struct strata_slice bytes;

    if (rc == 0 && strata_compare(strata_iter_key(iter), key) != 0)
        rc = STRATA_NOT_FOUND;
    if (rc == 0)
        rc = strata_iter_value(iter, &bytes, err);
    if (rc == 0)
        rc = buffer_set(value, bytes, err);
    *until = rc == 0 ? strata_iter_until(iter) : 0;
    return rc;
}

int keyspace_get_until(struct keyspace *store, struct strata_slice key, struct strata_buffer *value,
                       uint64_t *until, struct strata_error *err)
{
    struct strata_iter *iter;
    int rc = keyspace_iter(store, &iter, err);

    *until = 0;
    if (rc < 0)
        return rc;
    rc = take_entry(iter, strata_iter_seek(iter, key, err), key, value, until, err);
    strata_iter_free(iter);
    return rc;
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
