/* db_iter.c: iterators and snapshots of an open database. */
#include "db/db.h"
#include "base/bytes.h"

#include <stdlib.h>

#define MOVES 64 /* of an iterator that are counted at once */

/* ---- Iterators ------------------------------------------------------------------------- */

int db_adopt_iter(struct strata *db, int rc, struct strata_iter *iter, struct strata_iter **out,
                  struct strata_error *err)
{
    if (rc < 0)
        return rc;
    if (!iter) /* a user's engine that is not finished */
        return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET,
                           "%s returned %d for an iterator, but made none", db->engine->name, rc);
    iter->db = db;
    iter->positioned = false;
    iter->has_value = false;
    iter->moves = 0;
    atomic_fetch_add(&db->open, 1);
    db_count(db, DB_ITERATORS, 1);
    *out = iter;
    return 0;
}

int strata_iter_new(struct strata *db, struct strata_iter **out, struct strata_error *err)
{
    struct strata_iter *iter = NULL;
    int rc = db_check(db, err);
    if (rc == 0 && !out)
        rc = db_invalid(err, "strata_iter_new: the pointer for the iterator is NULL");
    if (rc < 0)
        return rc;
    *out = NULL;
    rc = db->engine->iter(db->self, &iter, err);
    return db_adopt_iter(db, rc, iter, out, err);
}

void strata_iter_free(struct strata_iter *iter)
{
    struct strata *db;
    if (!iter || !db_is_usable(iter->db))
        return;
    db = iter->db;
    db_count(db, DB_MOVES, iter->moves);
    iter->ops->free(iter);
    atomic_fetch_sub(&db->open, 1);
}

static inline bool is_positioned(const struct strata_iter *iter)
{
    return iter && iter->positioned;
}

/* An atomic addition for each step would be a quarter of a scan. */
static inline void count_move(struct strata_iter *iter)
{
    if (++iter->moves < MOVES)
        return;
    db_count(iter->db, DB_MOVES, iter->moves);
    iter->moves = 0;
}

/* Before every move: the position is lost until the move has succeeded. */
static inline int leave(struct strata_iter *iter, struct strata_error *err)
{
    if (!iter)
        return db_invalid(err, "no iterator");
    if (!db_is_usable(iter->db))
        return db_check(iter->db, err);
    iter->positioned = false;
    iter->has_value = false;
    count_move(iter);
    return 0;
}

static inline int arrive(struct strata_iter *iter, int rc)
{
    iter->positioned = rc == 0;
    return rc;
}

static bool lies_in(struct strata_slice whole, struct strata_slice part)
{
    return (uintptr_t)part.data - (uintptr_t)whole.data < whole.size;
}

/* Bytes that the iterator itself lent may be gone as soon as it moves: it seeks by a copy. */
int strata_iter_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    struct strata_buffer copy = {0};
    int rc = leave(iter, err);

    if (rc == 0)
        rc = db_check_key(key, err);
    if (rc == 0 && (lies_in(iter->key, key) || lies_in(iter->value, key))) {
        if (strata_buffer_append(&copy, key.data, key.size) < 0)
            rc = strata_fail_memory(err, key.size);
        key = strata_buffer_slice(&copy);
    }
    if (rc == 0)
        rc = arrive(iter, iter->ops->seek(iter, key, err));
    strata_buffer_free(&copy);
    return rc;
}

int strata_iter_first(struct strata_iter *iter, struct strata_error *err)
{
    return strata_iter_seek(iter, strata_bytes(NULL, 0), err);
}

int strata_iter_last(struct strata_iter *iter, struct strata_error *err)
{
    int rc = leave(iter, err);
    return rc < 0 ? rc : arrive(iter, iter->ops->last(iter, err));
}

int strata_iter_seek_before(struct strata_iter *iter, struct strata_slice key,
                            struct strata_error *err)
{
    struct strata_buffer copy = {0};
    int rc;

    if (iter && (lies_in(iter->key, key) || lies_in(iter->value, key))) {
        if (strata_buffer_append(&copy, key.data, key.size) < 0)
            return strata_fail_memory(err, key.size);
        key = strata_buffer_slice(&copy);
    }
    rc = strata_iter_seek(iter, key, err);
    if (rc >= 0)
        rc = rc == 0 ? strata_iter_prev(iter, err) : strata_iter_last(iter, err);
    /* What had expired at the seek is there again when the clock was put back. */
    while (rc == 0 && strata_compare(iter->key, key) >= 0)
        rc = strata_iter_prev(iter, err);
    strata_buffer_free(&copy);
    return rc;
}

int strata_iter_next(struct strata_iter *iter, struct strata_error *err)
{
    int rc;

    if (!is_positioned(iter))
        return db_invalid(err, "strata_iter_next: the iterator is not positioned");
    rc = leave(iter, err);
    return rc < 0 ? rc : arrive(iter, iter->ops->next(iter, err));
}

int strata_iter_prev(struct strata_iter *iter, struct strata_error *err)
{
    int rc;

    if (!is_positioned(iter))
        return db_invalid(err, "strata_iter_prev: the iterator is not positioned");
    rc = leave(iter, err);
    return rc < 0 ? rc : arrive(iter, iter->ops->prev(iter, err));
}

bool strata_iter_positioned(const struct strata_iter *iter)
{
    return is_positioned(iter);
}

struct strata_slice strata_iter_key(const struct strata_iter *iter)
{
    return is_positioned(iter) ? iter->key : (struct strata_slice){NULL, 0};
}

int strata_iter_value(struct strata_iter *iter, struct strata_slice *value,
                      struct strata_error *err)
{
    int rc = 0;

    if (!is_positioned(iter) || !value)
        return db_invalid(err, "strata_iter_value: the iterator is not positioned");
    if (!db_is_usable(iter->db))
        return db_check(iter->db, err);
    if (!iter->has_value)
        rc = iter->ops->value(iter, err);
    if (rc == 0)
        slice_pass_on(value, &iter->value);
    return rc;
}

uint64_t strata_iter_until(const struct strata_iter *iter)
{
    return is_positioned(iter) && db_is_usable(iter->db) && DB_SLOT(iter->db->engine, iter_until)
               ? iter->db->engine->iter_until(iter)
               : 0;
}

/* ---- Snapshots ------------------------------------------------------------------------- */

static bool has_snapshots(const struct strata_engine *engine)
{
    return engine->promises & STRATA_PROMISE_SNAPSHOT && engine->snapshot &&
           engine->snapshot_free && engine->snapshot_get && engine->snapshot_iter;
}

int strata_snapshot_new(struct strata *db, struct strata_snapshot **out, struct strata_error *err)
{
    struct strata_snapshot *snapshot;
    int rc = db_check(db, err);

    if (rc < 0)
        return rc;
    if (!out)
        return db_invalid(err, "strata_snapshot_new: the pointer for the snapshot is NULL");
    *out = NULL;
    if (!has_snapshots(db->engine))
        return db_lacks(db, "snapshots", err);
    snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot)
        return strata_fail_memory(err, sizeof *snapshot);
    snapshot->db = db;
    rc = db->engine->snapshot(db->self, &snapshot->self, err);
    if (rc < 0) {
        free(snapshot);
        return rc;
    }
    atomic_fetch_add(&db->open, 1);
    *out = snapshot;
    return 0;
}

void strata_snapshot_free(struct strata_snapshot *snapshot)
{
    if (!snapshot || !db_is_usable(snapshot->db))
        return;
    snapshot->db->engine->snapshot_free(snapshot->db->self, snapshot->self);
    atomic_fetch_sub(&snapshot->db->open, 1);
    free(snapshot);
}

uint64_t strata_snapshot_number(const struct strata_snapshot *snapshot)
{
    const struct strata_engine *engine = snapshot ? snapshot->db->engine : NULL;
    return engine && DB_SLOT(engine, snapshot_number)
               ? engine->snapshot_number(snapshot->db->self, snapshot->self)
               : 0;
}

int strata_snapshot_iter(struct strata_snapshot *snapshot, struct strata_iter **out,
                         struct strata_error *err)
{
    struct strata_iter *iter = NULL;
    struct strata *db;
    int rc;

    if (!snapshot || !out)
        return db_invalid(err,
                          "strata_snapshot_iter: snapshot or pointer for the iterator is NULL");
    *out = NULL;
    db = snapshot->db;
    rc = db_check(db, err);
    if (rc < 0)
        return rc;
    rc = db->engine->snapshot_iter(db->self, snapshot->self, &iter, err);
    return db_adopt_iter(db, rc, iter, out, err);
}
