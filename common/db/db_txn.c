/* db_txn.c: transactions on an open database: what is asked for is checked here, once for all
 * stages that have them. */
#include "base/prng.h"
#include "db/batch.h"
#include "db/db.h"
#include "threads/sync.h"

#include <stdlib.h>
#include <string.h>

struct strata_txn {
    struct strata *db;
    void *self; /* the engine's */
    bool read_only;
    bool over; /* it can only be freed */
};

void strata_txn_options_init_sized(struct strata_txn_options *options, size_t size)
{
    struct strata_txn_options defaults;

    memset(&defaults, 0, sizeof defaults); /* the padding, too */
    defaults.size = size;
    defaults.isolation = STRATA_SERIALIZABLE;
    defaults.lock_timeout_ms = 1000;
    defaults.tries = 100;
    memset(options, 0, size);
    memcpy(options, &defaults, size < sizeof defaults ? size : sizeof defaults);
}

static const struct strata_transactions *calls_of(const struct strata *db)
{
    return db->engine->promises & STRATA_PROMISE_TRANSACTION ? DB_SLOT(db->engine, transactions)
                                                             : NULL;
}

static int take_options(const struct strata *db, const struct strata_txn_options *from,
                        struct strata_txn_options *to, struct strata_error *err)
{
    strata_txn_options_init(to);
    if (from && (from->size < offsetof(struct strata_txn_options, read_only)))
        return db_invalid(err, "the transaction's options were not made by "
                               "strata_txn_options_init");
    if (from)
        memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
    to->size = sizeof *to;
    if (to->isolation != STRATA_SNAPSHOT_ISOLATION && to->isolation != STRATA_SERIALIZABLE)
        return db_invalid(err, "an unknown isolation level");
    if (db->options.read_only && !to->read_only)
        return strata_fail(err, STRATA_ERR_READ_ONLY, db->dir, STRATA_NO_OFFSET,
                           "the database was opened for reading only: so must its transactions");
    return 0;
}

int strata_begin(struct strata *db, const struct strata_txn_options *options,
                 struct strata_txn **out, struct strata_error *err)
{
    struct strata_txn_options with;
    struct strata_txn *txn;
    int rc = db_check(db, err);

    if (rc == 0 && !out)
        rc = db_invalid(err, "strata_begin: the pointer for the transaction is NULL");
    if (rc < 0)
        return rc;
    *out = NULL;
    if (!calls_of(db))
        return db_lacks(db, "transactions", err);
    rc = take_options(db, options, &with, err);
    if (rc < 0)
        return rc;
    txn = calloc(1, sizeof *txn);
    if (!txn)
        return strata_fail_memory(err, sizeof *txn);
    *txn = (struct strata_txn){.db = db, .read_only = with.read_only};
    rc = calls_of(db)->begin(db->self, &with, &txn->self, err);
    if (rc < 0) {
        free(txn);
        return rc;
    }
    atomic_fetch_add(&db->open, 1);
    *out = txn;
    return 0;
}

void strata_txn_free(struct strata_txn *txn)
{
    if (!txn || !db_is_usable(txn->db))
        return;
    calls_of(txn->db)->free(txn->self);
    atomic_fetch_sub(&txn->db->open, 1);
    free(txn);
}

/* ---- What it does ---------------------------------------------------------------------------- */

static int check(const struct strata_txn *txn, bool writes, struct strata_error *err)
{
    int rc;

    if (!txn)
        return db_invalid(err, "no transaction");
    rc = db_check(txn->db, err);
    if (rc == 0 && txn->over)
        rc = db_invalid(err, "the transaction is over");
    if (rc == 0 && writes && txn->read_only)
        rc = db_invalid(err, "the transaction is read-only");
    return rc;
}

int strata_txn_get(struct strata_txn *txn, struct strata_slice key, struct strata_buffer *value,
                   struct strata_error *err)
{
    int rc = check(txn, false, err);
    return rc < 0 ? rc : db_get(txn->db, calls_of(txn->db)->get, txn->self, key, value, err);
}

int strata_txn_get_until(struct strata_txn *txn, struct strata_slice key,
                         struct strata_buffer *value, uint64_t *until, struct strata_error *err)
{
    int rc = check(txn, false, err);

    return rc < 0 ? rc
                  : db_get_until(txn->db, DB_SLOT(txn->db->engine, txn_get_until),
                                 calls_of(txn->db)->get, txn->self, key, value, until, err);
}

int strata_txn_get_for_update(struct strata_txn *txn, struct strata_slice key,
                              struct strata_buffer *value, struct strata_error *err)
{
    int rc = check(txn, true, err);

    if (rc == 0)
        rc = db_get(txn->db, calls_of(txn->db)->get_for_update, txn->self, key, value, err);
    if (rc == STRATA_CONFLICT || rc == STRATA_DEADLOCK || rc == STRATA_TIMEOUT)
        txn->over = true;
    return rc;
}

static int add(struct strata_txn *txn, struct strata_op op, struct strata_error *err)
{
    int rc = check(txn, true, err);

    if (rc == 0)
        rc = op_check(&op, err);
    if (rc == 0)
        rc = calls_of(txn->db)->write(txn->self, &op, err);
    if (rc == 0)
        db_count(txn->db, op.type == STRATA_OP_DELETE ? DB_DELETES : DB_PUTS, 1);
    return rc;
}

int strata_txn_put(struct strata_txn *txn, struct strata_slice key, struct strata_slice value,
                   struct strata_error *err)
{
    return add(txn, (struct strata_op){STRATA_OP_PUT, key, value}, err);
}

int strata_txn_delete(struct strata_txn *txn, struct strata_slice key, struct strata_error *err)
{
    return add(txn, (struct strata_op){STRATA_OP_DELETE, key, {NULL, 0}}, err);
}

int strata_txn_merge(struct strata_txn *txn, enum strata_op_type how, struct strata_slice key,
                     struct strata_slice operand, struct strata_error *err)
{
    struct strata_op op = {how, key, operand};
    int rc = check(txn, true, err);

    if (rc == 0 && !(txn->db->engine->promises & STRATA_PROMISE_MERGE))
        rc = db_lacks(txn->db, "merge operators", err);
    if (rc == 0)
        rc = merge_check(&op, err);
    return rc < 0 ? rc : add(txn, op, err);
}

int strata_txn_put_until(struct strata_txn *txn, struct strata_slice key, struct strata_slice value,
                         uint64_t until, struct strata_error *err)
{
    struct strata_batch *batch;
    int rc = check(txn, true, err);

    if (rc == 0 && !(txn->db->engine->promises & STRATA_PROMISE_EXPIRY))
        rc = db_lacks(txn->db, "values that expire", err);
    if (rc < 0)
        return rc;
    batch = strata_batch_new();
    if (!batch)
        return strata_fail_memory(err, sizeof(void *));
    rc = strata_batch_put_until(batch, key, value, until, err);
    if (rc == 0)
        rc = add(txn, *batch_ops(batch), err);
    strata_batch_free(batch);
    return rc;
}

/* An iterator does not see what is written after it was made. */
static int delete_read(struct strata_txn *txn, const struct strata_op *range,
                       struct strata_error *err)
{
    struct strata_iter *iter;
    int rc = strata_txn_iter(txn, &iter, err);

    if (rc < 0)
        return rc;
    rc = strata_iter_seek(iter, range->key, err);
    while (rc == 0 && range_reaches(range, strata_iter_key(iter))) {
        rc = add(txn, (struct strata_op){STRATA_OP_DELETE, strata_iter_key(iter), {NULL, 0}}, err);
        if (rc == 0)
            rc = strata_iter_next(iter, err);
    }
    strata_iter_free(iter);
    return rc < 0 ? rc : 0;
}

int strata_txn_delete_range(struct strata_txn *txn, struct strata_slice from,
                            struct strata_slice to, struct strata_error *err)
{
    struct strata_op range = {STRATA_OP_DELETE_RANGE, from, to};
    uint64_t mark;
    int rc = check(txn, true, err);

    if (rc == 0 && !(txn->db->engine->promises & STRATA_PROMISE_RANGE))
        rc = db_lacks(txn->db, "range deletes", err);
    if (rc == 0)
        rc = range_check(&range, err);
    if (rc < 0)
        return rc;
    mark = calls_of(txn->db)->mark(txn->self);
    rc = delete_read(txn, &range, err);
    if (rc < 0)
        calls_of(txn->db)->rollback_to(txn->self, mark, NULL);
    return rc;
}

int strata_txn_iter(struct strata_txn *txn, struct strata_iter **out, struct strata_error *err)
{
    struct strata_iter *iter = NULL;
    int rc = check(txn, false, err);

    if (rc == 0 && !out)
        rc = db_invalid(err, "strata_txn_iter: the pointer for the iterator is NULL");
    if (rc < 0)
        return rc;
    *out = NULL;
    rc = calls_of(txn->db)->iter(txn->self, &iter, err);
    return db_adopt_iter(txn->db, rc, iter, out, err);
}

int strata_txn_savepoint(struct strata_txn *txn, uint64_t *mark, struct strata_error *err)
{
    int rc = check(txn, false, err);

    if (rc == 0 && !mark)
        rc = db_invalid(err, "strata_txn_savepoint: the pointer for the mark is NULL");
    if (rc == 0)
        *mark = calls_of(txn->db)->mark(txn->self);
    return rc;
}

int strata_txn_rollback_to(struct strata_txn *txn, uint64_t mark, struct strata_error *err)
{
    int rc = check(txn, false, err);

    if (rc == 0 && mark > calls_of(txn->db)->mark(txn->self))
        rc = db_invalid(err, "strata_txn_rollback_to: the transaction has fewer writes");
    return rc < 0 ? rc : calls_of(txn->db)->rollback_to(txn->self, mark, err);
}

int strata_txn_commit(struct strata_txn *txn, unsigned flags, uint64_t *number,
                      struct strata_error *err)
{
    struct strata_error why;
    uint64_t unwanted;
    int rc = check(txn, false, err);

    if (rc == 0)
        rc = db_check_flags(txn->db, flags, err);
    if (rc < 0)
        return rc;
    txn->over = true;
    rc = txn->read_only ? 0 : db_check_write(txn->db, err);
    if (rc < 0)
        return rc;
    rc = calls_of(txn->db)->commit(txn->self, db_is_synced(txn->db, flags),
                                   number ? number : &unwanted, &why);
    return strata_fail_with(rc < 0 ? db_after_write(txn->db, rc, &why) : rc, &why, err);
}

/* ---- Again and again ------------------------------------------------------------------------- */

#define PAUSE_NS                                                                                   \
    20000u /* on average before the second try; twice that before the next one, ...                \
            */
#define DOUBLINGS 6u

/* So that those who met once do not meet again. */
static void pause_before(uint32_t try, const void *who)
{
    uint64_t longest = (uint64_t)2 * PAUSE_NS << (try < DOUBLINGS ? try : DOUBLINGS);
    struct prng prng = {sync_now() ^ (uintptr_t)who};

    sync_sleep(prng_below(&prng, longest));
}

/* `*age`: of the first try; 0: this is it. */
static int run_once(struct strata *db, const struct strata_txn_options *options, uint64_t *age,
                    int (*body)(struct strata_txn *txn, void *arg, struct strata_error *err),
                    void *arg, struct strata_error *err)
{
    struct strata_txn *txn;
    int rc = strata_begin(db, options, &txn, err);

    if (rc < 0)
        return rc;
    if (calls_of(db)->age)
        calls_of(db)->age(txn->self, age);
    rc = body(txn, arg, err);
    if (rc == 0)
        rc = strata_txn_commit(txn, options->flags, NULL, err);
    strata_txn_free(txn);
    return rc;
}

int strata_transact(struct strata *db, const struct strata_txn_options *options,
                    int (*body)(struct strata_txn *txn, void *arg, struct strata_error *err),
                    void *arg, struct strata_error *err)
{
    struct strata_txn_options with;
    uint64_t age = 0;
    uint32_t try = 0;
    int rc = db_check(db, err);

    if (rc == 0 && !body)
        rc = db_invalid(err, "strata_transact: the function is NULL");
    if (rc == 0)
        rc = take_options(db, options, &with, err);
    if (rc < 0)
        return rc;
    do {
        if (try)
            pause_before(try - 1, &with);
        rc = run_once(db, &with, &age, body, arg, err);
    } while ((rc == STRATA_CONFLICT || rc == STRATA_DEADLOCK) && ++try < with.tries);
    return rc;
}
