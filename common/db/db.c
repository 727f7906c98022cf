/* db.c: every public call on an open database. Arguments are checked here, once, for all stages;
 * a slot that a stage does not have is answered here. */
#include "db/db.h"
#include "db/batch.h"
#include "base/bytes.h"
#include "fs/lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOVES 64 /* of an iterator that are counted at once */

static void count_many(struct strata *db, enum db_counter which, uint64_t many)
{
    atomic_fetch_add_explicit(&db->counters[which], many, memory_order_relaxed);
}

static void count(struct strata *db, enum db_counter which)
{
    count_many(db, which, 1);
}

static int invalid(struct strata_error *err, const char *why)
{
    return strata_fail(err, STRATA_ERR_INVALID, NULL, STRATA_NO_OFFSET, "%s", why);
}

static int lacks(const struct strata *db, const char *what, struct strata_error *err)
{
    return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, NULL, STRATA_NO_OFFSET, "%s has no %s",
                       db->engine->name, what);
}

/* strata_open has called lock_forks. */
static inline bool is_usable(const struct strata *db)
{
    return db && db->forks == lock_forks_now;
}

int db_check(const struct strata *db, struct strata_error *err)
{
    if (is_usable(db))
        return 0;
    return invalid(err, db ? "the handle belongs to the process that opened it, not to its child"
                           : "no database");
}

static int check_write(const struct strata *db, struct strata_error *err)
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

/* After a failed write of any kind the contents of the disk are not known: no more writes. */
static int after_write(struct strata *db, int rc, const struct strata_error *err)
{
    if (rc == STRATA_ERR_IO)
        atomic_store(&db->failed, err && err->sys ? err->sys : EIO);
    return rc;
}

static int check_key(struct strata_slice key, struct strata_error *err)
{
    struct strata_op op = {STRATA_OP_DELETE, key, {NULL, 0}};
    return op_check(&op, err);
}

/* ---- Reading and writing --------------------------------------------------------------- */

static int check_flags(const struct strata *db, unsigned flags, struct strata_error *err)
{
    if (flags & ~(STRATA_WRITE_SYNC | STRATA_WRITE_NO_SYNC))
        return invalid(err, "unknown flags of a write");
    if (flags == (STRATA_WRITE_SYNC | STRATA_WRITE_NO_SYNC))
        return invalid(err, "a write cannot be both synced and not synced");
    if (flags & STRATA_WRITE_SYNC && !(db->engine->promises & STRATA_PROMISE_POWER_CUT))
        return lacks(db, "synced writes", err);
    return 0;
}

static bool is_synced(const struct strata *db, unsigned flags)
{
    return flags ? flags & STRATA_WRITE_SYNC : db->options.sync == STRATA_SYNC_ALWAYS;
}

static int write_one(struct strata *db, const struct strata_op *op, unsigned flags,
                     struct strata_error *err)
{
    int rc = check_write(db, err);
    if (rc == 0 && flags)
        rc = check_flags(db, flags, err);
    if (rc == 0)
        rc = op_check(op, err);
    if (rc < 0)
        return rc;
    count(db, op->type == STRATA_OP_PUT ? DB_PUTS : DB_DELETES);
    return after_write(db, db->engine->write(db->self, op, 1, is_synced(db, flags), err), err);
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

int strata_write(struct strata *db, const struct strata_batch *batch, unsigned flags,
                 struct strata_error *err)
{
    size_t operations = batch ? strata_batch_count(batch) : 0;
    int rc = check_write(db, err);

    if (rc == 0 && !batch)
        rc = invalid(err, "strata_write: the batch is NULL");
    if (rc == 0)
        rc = check_flags(db, flags, err);
    if (rc < 0)
        return rc;
    if (operations > 1 && !(db->engine->promises & STRATA_PROMISE_BATCH))
        return lacks(db, "atomic batch", err);
    if (operations == 0)
        return 0;
    for (size_t i = 0; i < operations; i++)
        count(db, batch_ops(batch)[i].type == STRATA_OP_PUT ? DB_PUTS : DB_DELETES);
    return after_write(
        db, db->engine->write(db->self, batch_ops(batch), operations, is_synced(db, flags), err),
        err);
}

static int get_with(struct strata *db, struct strata_snapshot *snapshot, struct strata_slice key,
                    struct strata_buffer *value, struct strata_error *err);

int strata_get(struct strata *db, struct strata_slice key, struct strata_buffer *value,
               struct strata_error *err)
{
    return get_with(db, NULL, key, value, err);
}

int strata_sync(struct strata *db, struct strata_error *err)
{
    int rc = check_write(db, err);
    if (rc < 0)
        return rc;
    if (!db->engine->sync || !(db->engine->promises & STRATA_PROMISE_POWER_CUT))
        return lacks(db, "synced writes", err);
    return after_write(db, db->engine->sync(db->self, err), err);
}

/* ---- Iterators ------------------------------------------------------------------------- */

/* Checks what an engine returned, and hands its iterator to the caller. */
static int adopt_iter(struct strata *db, int rc, struct strata_iter *iter, struct strata_iter **out,
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
    count(db, DB_ITERATORS);
    *out = iter;
    return 0;
}

int strata_iter_new(struct strata *db, struct strata_iter **out, struct strata_error *err)
{
    struct strata_iter *iter = NULL;
    int rc = db_check(db, err);
    if (rc == 0 && !out)
        rc = invalid(err, "strata_iter_new: the pointer for the iterator is NULL");
    if (rc < 0)
        return rc;
    *out = NULL;
    rc = db->engine->iter(db->self, &iter, err);
    return adopt_iter(db, rc, iter, out, err);
}

void strata_iter_free(struct strata_iter *iter)
{
    struct strata *db;
    if (!iter || !is_usable(iter->db))
        return;
    db = iter->db;
    count_many(db, DB_MOVES, iter->moves);
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
    count_many(iter->db, DB_MOVES, iter->moves);
    iter->moves = 0;
}

/* Before every move: the position is lost until the move has succeeded. */
static inline int leave(struct strata_iter *iter, struct strata_error *err)
{
    if (!iter)
        return invalid(err, "no iterator");
    if (!is_usable(iter->db))
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

int strata_iter_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    int rc = leave(iter, err);
    if (rc == 0)
        rc = check_key(key, err);
    return rc < 0 ? rc : arrive(iter, iter->ops->seek(iter, key, err));
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
    int rc = strata_iter_seek(iter, key, err);
    if (rc < 0)
        return rc;
    return rc == 0 ? strata_iter_prev(iter, err) : strata_iter_last(iter, err);
}

int strata_iter_next(struct strata_iter *iter, struct strata_error *err)
{
    int rc;

    if (!is_positioned(iter))
        return invalid(err, "strata_iter_next: the iterator is not positioned");
    rc = leave(iter, err);
    return rc < 0 ? rc : arrive(iter, iter->ops->next(iter, err));
}

int strata_iter_prev(struct strata_iter *iter, struct strata_error *err)
{
    int rc;

    if (!is_positioned(iter))
        return invalid(err, "strata_iter_prev: the iterator is not positioned");
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
        return invalid(err, "strata_iter_value: the iterator is not positioned");
    if (!is_usable(iter->db))
        return db_check(iter->db, err);
    if (!iter->has_value)
        rc = iter->ops->value(iter, err);
    if (rc == 0)
        slice_pass_on(value, &iter->value);
    return rc;
}

/* ---- Snapshots ------------------------------------------------------------------------- */

struct strata_snapshot {
    struct strata *db;
    void *self; /* the engine's */
};

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
        return invalid(err, "strata_snapshot_new: the pointer for the snapshot is NULL");
    *out = NULL;
    if (!has_snapshots(db->engine))
        return lacks(db, "snapshots", err);
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
    if (!snapshot || !is_usable(snapshot->db))
        return;
    snapshot->db->engine->snapshot_free(snapshot->db->self, snapshot->self);
    atomic_fetch_sub(&snapshot->db->open, 1);
    free(snapshot);
}

/* A get, of the present or of a snapshot. */
static int get_with(struct strata *db, struct strata_snapshot *snapshot, struct strata_slice key,
                    struct strata_buffer *value, struct strata_error *err)
{
    struct strata_buffer unwanted = {0}, *to = value ? value : &unwanted;
    int rc = db_check(db, err);

    if (rc == 0)
        rc = check_key(key, err);
    if (rc < 0)
        return rc;
    strata_buffer_clear(to);
    rc = snapshot ? db->engine->snapshot_get(db->self, snapshot->self, key, to, err)
                  : db->engine->get(db->self, key, to, err);
    count(db, rc == 0 ? DB_GETS_FOUND : DB_GETS_OTHER);
    if (rc != 0)
        strata_buffer_clear(to);
    strata_buffer_free(&unwanted);
    return rc;
}

int strata_snapshot_get(struct strata_snapshot *snapshot, struct strata_slice key,
                        struct strata_buffer *value, struct strata_error *err)
{
    if (!snapshot)
        return invalid(err, "no snapshot");
    return get_with(snapshot->db, snapshot, key, value, err);
}

int strata_snapshot_iter(struct strata_snapshot *snapshot, struct strata_iter **out,
                         struct strata_error *err)
{
    struct strata_iter *iter = NULL;
    struct strata *db;
    int rc;

    if (!snapshot || !out)
        return invalid(err, "strata_snapshot_iter: snapshot or pointer for the iterator is NULL");
    *out = NULL;
    db = snapshot->db;
    rc = db_check(db, err);
    if (rc < 0)
        return rc;
    rc = db->engine->snapshot_iter(db->self, snapshot->self, &iter, err);
    return adopt_iter(db, rc, iter, out, err);
}

/* ---- Upkeep ---------------------------------------------------------------------------- */

/* After a flush or compaction. One that failed in reading, say, has changed nothing: the engine
 * knows. */
static int after_upkeep(struct strata *db, int rc, const struct strata_error *err)
{
    const struct strata_engine *engine = db->engine;
    bool tells = engine->size > offsetof(struct strata_engine, refuses) && engine->refuses;

    return rc < 0 && tells && !engine->refuses(db->self) ? rc : after_write(db, rc, err);
}

int strata_flush(struct strata *db, struct strata_error *err)
{
    int rc = check_write(db, err);
    if (rc < 0)
        return rc;
    if (!db->engine->flush)
        return lacks(db, "memtable", err);
    return after_upkeep(db, db->engine->flush(db->self, err), err);
}

static bool can_compact(const struct strata *db)
{
    return db->engine->compact && db->engine->promises & STRATA_PROMISE_COMPACT;
}

int strata_compact(struct strata *db, const struct strata_progress *progress,
                   struct strata_error *err)
{
    int rc = check_write(db, err);
    if (rc < 0)
        return rc;
    if (!can_compact(db))
        return lacks(db, "compaction", err);
    return after_upkeep(db, db->engine->compact(db->self, progress, err), err);
}

int strata_compact_range(struct strata *db, struct strata_slice from, struct strata_slice to,
                         const struct strata_progress *progress, struct strata_error *err)
{
    int rc = check_write(db, err);

    if (rc == 0)
        rc = check_key(from, err);
    if (rc == 0)
        rc = check_key(to, err);
    if (rc < 0)
        return rc;
    if (!can_compact(db))
        return lacks(db, "compaction", err);
    if (to.size && strata_compare(from, to) >= 0)
        return 0;
    if (db->engine->size <= offsetof(struct strata_engine, compact_range) ||
        !db->engine->compact_range || (!from.size && !to.size))
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
                              : lacks(db, "verify", err);
}

static const struct {
    const char *name, *unit, *help;
} counter_texts[DB_COUNTERS] = {
    [DB_PUTS] = {"puts", "calls", "put operations since open"},
    [DB_DELETES] = {"deletes", "calls", "delete operations since open"},
    [DB_GETS_OTHER] = {"gets", "calls", "gets since open"},
    [DB_GETS_FOUND] = {"gets_found", "calls", "gets that found their key"},
    [DB_ITERATORS] = {"iterators", "calls", "iterators made since open"},
    [DB_MOVES] = {"iterator_moves", "calls",
                  "seeks and steps of iterators; an open iterator's last ones come later"},
};

static void report(void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                   const char *name, const char *unit, const char *help, uint64_t value)
{
    struct strata_stat stat = {name, unit, help, value};
    each(arg, &stat);
}

static uint64_t counted(struct strata *db, enum db_counter which)
{
    uint64_t many = atomic_load(&db->counters[which]);
    return which == DB_GETS_OTHER ? many + atomic_load(&db->counters[DB_GETS_FOUND]) : many;
}

int strata_stats(struct strata *db, void (*each)(void *arg, const struct strata_stat *stat),
                 void *arg, struct strata_error *err)
{
    struct strata_fs *fs;
    int rc = db_check(db, err);

    if (rc == 0 && !each)
        rc = invalid(err, "strata_stats: the callback is NULL");
    if (rc < 0)
        return rc;
    fs = db->env.fs;
    for (int i = 0; i < DB_COUNTERS; i++)
        report(each, arg, counter_texts[i].name, counter_texts[i].unit, counter_texts[i].help,
               counted(db, (enum db_counter)i));
    for (int i = 0; i < FS_CALL_COUNT; i++) {
        char name[32], help[64];
        snprintf(name, sizeof name, "fs_%s", fs_call_name((enum fs_call)i));
        snprintf(help, sizeof help, "%s calls of the file layer", fs_call_name((enum fs_call)i));
        report(each, arg, name, "calls", help, atomic_load(&fs->calls[i]));
    }
    report(each, arg, "fs_bytes_read", "bytes", "read from files", atomic_load(&fs->bytes_read));
    report(each, arg, "fs_bytes_written", "bytes", "written to files",
           atomic_load(&fs->bytes_written));
    return db->engine->stats ? db->engine->stats(db->self, each, arg, err) : 0;
}

/* The statistic that is looked for. */
struct wanted {
    const char *name;
    uint64_t *value;
    bool found;
};

static void look_at(void *arg, const struct strata_stat *stat)
{
    struct wanted *wanted = arg;

    if (strcmp(stat->name, wanted->name) != 0)
        return;
    *wanted->value = stat->value;
    wanted->found = true;
}

int strata_property(struct strata *db, const char *name, uint64_t *value, struct strata_error *err)
{
    struct wanted wanted = {name, value, false};
    int rc = db_check(db, err);

    if (rc == 0 && (!name || !value))
        rc = invalid(err, "strata_property: name or pointer for the value is NULL");
    if (rc < 0)
        return rc;
    rc = strata_stats(db, look_at, &wanted, err);
    return rc < 0 ? rc : wanted.found ? 0 : STRATA_NOT_FOUND;
}

/* ---- Sizes ----------------------------------------------------------------------------- */

/* For an engine without approximate_size: reads keys and values one by one. */
static int add_up(struct strata *db, struct strata_slice from, struct strata_slice to,
                  uint64_t *bytes, struct strata_error *err)
{
    struct strata_slice key, value;
    struct strata_iter *iter;
    int rc = strata_iter_new(db, &iter, err);

    if (rc < 0)
        return rc;
    for (rc = strata_iter_seek(iter, from, err); rc == 0; rc = strata_iter_next(iter, err)) {
        key = strata_iter_key(iter);
        if (to.size && strata_compare(key, to) >= 0)
            break;
        rc = strata_iter_value(iter, &value, err);
        if (rc < 0)
            break;
        *bytes += key.size + value.size;
    }
    strata_iter_free(iter);
    return rc < 0 ? rc : 0;
}

int strata_approximate_size(struct strata *db, struct strata_slice from, struct strata_slice to,
                            uint64_t *bytes, struct strata_error *err)
{
    int rc = db_check(db, err);

    if (rc == 0 && !bytes)
        rc = invalid(err, "strata_approximate_size: the pointer for the size is NULL");
    if (rc == 0)
        rc = check_key(from, err);
    if (rc == 0)
        rc = check_key(to, err);
    if (rc < 0)
        return rc;
    *bytes = 0;
    if (to.size && strata_compare(from, to) >= 0)
        return 0;
    if (db->engine->size <= offsetof(struct strata_engine, approximate_size) ||
        !db->engine->approximate_size)
        return add_up(db, from, to, bytes, err);
    return db->engine->approximate_size(db->self, from, to, bytes, err);
}

/* ---- Tables and events ----------------------------------------------------------------- */

int strata_tables(struct strata *db, void (*each)(void *arg, const struct strata_table *table),
                  void *arg, struct strata_error *err)
{
    int rc = db_check(db, err);

    if (rc == 0 && !each)
        rc = invalid(err, "strata_tables: the callback is NULL");
    if (rc < 0)
        return rc;
    if (db->engine->size <= offsetof(struct strata_engine, tables) || !db->engine->tables)
        return lacks(db, "sorted tables", err);
    return db->engine->tables(db->self, each, arg, err);
}

int strata_events(struct strata *db, void (*each)(void *arg, const struct strata_event *event),
                  void *arg, struct strata_error *err)
{
    int rc = db_check(db, err);

    if (rc == 0 && !each)
        rc = invalid(err, "strata_events: the callback is NULL");
    if (rc < 0)
        return rc;
    if (db->engine->size <= offsetof(struct strata_engine, events) || !db->engine->events)
        return lacks(db, "event log", err);
    return db->engine->events(db->self, each, arg, err);
}
