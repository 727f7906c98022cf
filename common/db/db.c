/* db.c: writes and the calls that keep a database in order. Every public call on an open database
 * is in db.c, db_get.c, db_iter.c, db_txn.c or db_stats.c: these check the arguments
 * once, for all stages, and answer for a slot that a stage does not have. */
#include "db/db.h"
#include "db/batch.h"
#include "base/bytes.h"

#include <errno.h>
#include <stddef.h>

int db_invalid(struct strata_error *err, const char *why)
{
    return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET, "%s", why);
}

int db_lacks(const struct strata *db, const char *what, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, NULL, STRATA_NO_OFFSET, "%s has no %s",
                       db->engine->name, what);
}

int db_check(const struct strata *db, struct strata_error *err)
{
    if (db_is_usable(db))
        return 0;
    return db_invalid(err, db ? "the handle belongs to the process that opened it, not to its child"
                              : "no database");
}

int db_check_write(const struct strata *db, struct strata_error *err)
{
    int rc = db_check(db, err), failed;
    if (rc == 0 && db->options.read_only)
        rc = strata_fail(err, STRATA_ERR_READ_ONLY, db->dir, STRATA_NO_OFFSET,
                         "the database was opened for reading only");
    if (rc == 0 && (failed = atomic_load(&db->failed)) != 0) {
        rc = strata_fail_sys(err, failed, db->dir, STRATA_NO_OFFSET, "earlier");
        strata_error_prefix(err, "refused since a write failed, close it and open it again; ");
    }
    return rc;
}

/* `may_go_on`: of the engine, or NULL. */
static int note_failure(struct strata *db, int rc, bool (*may_go_on)(void *self),
                        const struct strata_error *err)
{
    if (rc == STRATA_ERR_IO && !(may_go_on && may_go_on(db->self)))
        atomic_store(&db->failed, err && err->sys ? err->sys : EIO);
    return rc;
}

/* After a failed flush or compaction the contents of the disk are not known: no more writes, unless
 * the engine knows better. */
static int after_upkeep(struct strata *db, int rc, const struct strata_error *err)
{
    return rc < 0 ? note_failure(db, rc, DB_SLOT(db->engine, is_writable), err) : rc;
}

int db_after_write(struct strata *db, int rc, const struct strata_error *err)
{
    return rc < 0 ? note_failure(db, rc, DB_SLOT(db->engine, write_again), err) : rc;
}

int db_check_key(struct strata_slice key, struct strata_error *err)
{
    return op_check(&(struct strata_op){STRATA_OP_DELETE, key, {NULL, 0}}, err);
}

/* ---- Writing --------------------------------------------------------------- */

int db_check_flags(const struct strata *db, unsigned flags, struct strata_error *err)
{
    if (flags & ~(STRATA_WRITE_SYNC | STRATA_WRITE_NO_SYNC))
        return db_invalid(err, "unknown flags of a write");
    if (flags == (STRATA_WRITE_SYNC | STRATA_WRITE_NO_SYNC))
        return db_invalid(err, "a write cannot be both synced and not synced");
    if (flags & STRATA_WRITE_SYNC && !(db->engine->promises & STRATA_PROMISE_POWER_CUT))
        return db_lacks(db, "synced writes", err);
    return 0;
}

bool db_is_synced(const struct strata *db, unsigned flags)
{
    return flags ? flags & STRATA_WRITE_SYNC : db->options.sync == STRATA_SYNC_ALWAYS;
}

static int write_one(struct strata *db, const struct strata_op *op, unsigned flags,
                     struct strata_error *err)
{
    int rc = db_check_write(db, err);
    if (rc == 0 && flags)
        rc = db_check_flags(db, flags, err);
    if (rc == 0)
        rc = op_check(op, err);
    if (rc < 0)
        return rc;
    db_count(db, op->type == STRATA_OP_DELETE ? DB_DELETES : DB_PUTS, 1);
    return db_after_write(db, db->engine->write(db->self, op, 1, db_is_synced(db, flags), err),
                          err);
}

int strata_put(struct strata *db, struct strata_slice key, struct strata_slice value,
               struct strata_error *err)
{
    struct strata_op op = {STRATA_OP_PUT, key, value};
    return write_one(db, &op, 0, err);
}

int strata_put_with(struct strata *db, struct strata_slice key, struct strata_slice value,
                    unsigned flags, struct strata_error *err)
{
    struct strata_op op = {STRATA_OP_PUT, key, value};
    return write_one(db, &op, flags, err);
}

int strata_delete(struct strata *db, struct strata_slice key, struct strata_error *err)
{
    struct strata_op op = {STRATA_OP_DELETE, key, {NULL, 0}};
    return write_one(db, &op, 0, err);
}

int strata_delete_with(struct strata *db, struct strata_slice key, unsigned flags,
                       struct strata_error *err)
{
    struct strata_op op = {STRATA_OP_DELETE, key, {NULL, 0}};
    return write_one(db, &op, flags, err);
}

int strata_merge(struct strata *db, enum strata_op_type how, struct strata_slice key,
                 struct strata_slice operand, unsigned flags, struct strata_error *err)
{
    struct strata_op op = {how, key, operand};
    int rc = db_check(db, err);

    if (rc == 0 && !(db->engine->promises & STRATA_PROMISE_MERGE))
        rc = db_lacks(db, "merge operators", err);
    if (rc == 0)
        rc = merge_check(&op, err);
    return rc < 0 ? rc : write_one(db, &op, flags, err);
}

int strata_put_until(struct strata *db, struct strata_slice key, struct strata_slice value,
                     uint64_t until, unsigned flags, struct strata_error *err)
{
    struct strata_batch *batch;
    int rc = db_check_write(db, err);

    if (rc < 0)
        return rc;
    batch = strata_batch_new();
    if (!batch)
        return strata_fail_memory(err, sizeof(void *));
    rc = strata_batch_put_until(batch, key, value, until, err);
    if (rc == 0)
        rc = strata_write(db, batch, flags, err);
    strata_batch_free(batch);
    return rc;
}

/* Step after step; `*from` is where the next one begins. */
static int delete_steps(struct strata *db, struct strata_buffer *from, struct strata_slice to,
                        bool sync, struct strata_error *err)
{
    struct strata_buffer rest = {0};
    bool more = true;
    int rc = 0;

    while (rc == 0 && more) {
        rc = DB_SLOT(db->engine, delete_some)(db->self, strata_buffer_slice(from), to, sync, &rest,
                                              &more, err);
        struct strata_buffer done = *from;
        *from = rest;
        rest = done;
    }
    strata_buffer_free(&rest);
    return rc;
}

int strata_delete_range(struct strata *db, struct strata_slice from, struct strata_slice to,
                        unsigned flags, struct strata_error *err)
{
    struct strata_op op = {STRATA_OP_DELETE_RANGE, from, to};
    struct strata_buffer at = {0};
    int rc = db_check_write(db, err);

    if (rc == 0)
        rc = db_check_flags(db, flags, err);
    if (rc == 0 && !(db->engine->promises & STRATA_PROMISE_RANGE))
        rc = db_lacks(db, "range deletes", err);
    if (rc == 0)
        rc = range_check(&op, err);
    if (rc < 0)
        return rc;
    db_count(db, DB_DELETES, 1);
    rc = strata_buffer_append(&at, from.data, from.size) < 0
             ? strata_fail_memory(err, from.size)
             : delete_steps(db, &at, to, db_is_synced(db, flags), err);
    strata_buffer_free(&at);
    return db_after_write(db, rc, err);
}

/* 0, or NOT_SUPPORTED. */
static int check_types(const struct strata *db, const struct strata_batch *batch,
                       struct strata_error *err)
{
    unsigned promises = db->engine->promises;

    for (size_t i = 0; i < strata_batch_count(batch); i++) {
        const struct strata_op *op = &batch_ops(batch)[i];
        if (op_is_merge(op) && !(promises & STRATA_PROMISE_MERGE))
            return db_lacks(db, "merge operators", err);
        if (op->type == STRATA_OP_PUT_UNTIL && !(promises & STRATA_PROMISE_EXPIRY))
            return db_lacks(db, "values that expire", err);
        if (op->type == STRATA_OP_DELETE_RANGE && !(promises & STRATA_PROMISE_RANGE))
            return db_lacks(db, "range deletes", err);
    }
    return 0;
}

int strata_write(struct strata *db, const struct strata_batch *batch, unsigned flags,
                 struct strata_error *err)
{
    size_t operations = batch ? strata_batch_count(batch) : 0;
    int rc = db_check_write(db, err);

    if (rc == 0 && !batch)
        rc = db_invalid(err, "strata_write: the batch is NULL");
    if (rc == 0)
        rc = db_check_flags(db, flags, err);
    if (rc < 0)
        return rc;
    if (operations > 1 && !(db->engine->promises & STRATA_PROMISE_BATCH))
        return db_lacks(db, "atomic batch", err);
    if (~db->engine->promises &
        (STRATA_PROMISE_MERGE | STRATA_PROMISE_EXPIRY | STRATA_PROMISE_RANGE))
        rc = check_types(db, batch, err);
    if (rc < 0)
        return rc;
    if (operations == 0)
        return 0;
    for (size_t i = 0; i < operations; i++)
        db_count(db, op_is_delete(&batch_ops(batch)[i]) ? DB_DELETES : DB_PUTS, 1);
    return db_after_write(
        db, db->engine->write(db->self, batch_ops(batch), operations, db_is_synced(db, flags), err),
        err);
}

int db_sync(struct strata *db, struct strata_error *err)
{
    const struct strata_engine *engine = db->engine;
    return engine->sync ? engine->sync(db->self, err) : engine->write(db->self, NULL, 0, true, err);
}

int strata_sync(struct strata *db, struct strata_error *err)
{
    int rc = db_check_write(db, err);
    if (rc < 0)
        return rc;
    if (!(db->engine->promises & STRATA_PROMISE_POWER_CUT))
        return db_lacks(db, "synced writes", err);
    return db_after_write(db, db_sync(db, err), err);
}

/* ---- Upkeep ---------------------------------------------------------------------------- */

int strata_flush(struct strata *db, struct strata_error *err)
{
    int rc = db_check_write(db, err);
    if (rc < 0)
        return rc;
    if (!db->engine->flush)
        return db_lacks(db, "memtable", err);
    return after_upkeep(db, db->engine->flush(db->self, err), err);
}

static bool can_compact(const struct strata *db)
{
    return db->engine->compact && db->engine->promises & STRATA_PROMISE_COMPACT;
}

int strata_compact(struct strata *db, const struct strata_progress *progress,
                   struct strata_error *err)
{
    int rc = db_check_write(db, err);
    if (rc < 0)
        return rc;
    if (!can_compact(db))
        return db_lacks(db, "compaction", err);
    return after_upkeep(db, db->engine->compact(db->self, progress, err), err);
}

int strata_compact_range(struct strata *db, struct strata_slice from, struct strata_slice to,
                         const struct strata_progress *progress, struct strata_error *err)
{
    int rc = db_check_write(db, err);

    if (rc == 0)
        rc = db_check_key(from, err);
    if (rc == 0)
        rc = db_check_key(to, err);
    if (rc < 0)
        return rc;
    if (!can_compact(db))
        return db_lacks(db, "compaction", err);
    if (to.size && strata_compare(from, to) >= 0)
        return 0;
    if (!DB_SLOT(db->engine, compact_range) || (!from.size && !to.size))
        return strata_compact(db, progress, err);
    return after_upkeep(db, db->engine->compact_range(db->self, from, to, progress, err), err);
}

int strata_verify(struct strata *db, const struct strata_progress *progress,
                  struct strata_error *err)
{
    int rc = db_check(db, err);
    if (rc < 0)
        return rc;
    return db->engine->verify ? db->engine->verify(db->self, progress, err)
                              : db_lacks(db, "verify", err);
}
