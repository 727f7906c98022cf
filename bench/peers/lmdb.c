/* lmdb.c: LMDB (Howard Chu, symas.com/lmdb) as an engine, through lmdb.h: a B+tree in one mapped
 * file, copied on write. The page cache is its only cache, nothing is compressed, and no filter is
 * needed. Not synced it is opened with MDB_WRITEMAP and MDB_NOSYNC: a put that has returned stands
 * in pages of the file, which outlive the process as they do what write(2) has written; that is
 * also its fastest way. Synced, without both: a commit writes and syncs. */
#include "../engine.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#define MAP_LEAST ((size_t)1 << 30) /* bytes reserved, of which files take what they use */
#define MAP_TIMES 8                 /* the data, for free pages and half-full ones */

struct self {
    MDB_env *env;
    MDB_dbi table;
    char dir[4096];
    struct engine_options options;
};

struct session {
    struct self *self;
    MDB_txn *reads; /* NULL: not yet begun */
    bool reading;   /* it sees a snapshot, whose pages nobody may reuse; else it is reset */
};

struct iter {
    struct session *session;
    MDB_txn *txn;
    MDB_cursor *cursor;
};

static int fail(struct strata_error *err, const char *what, int rc)
{
    return rc ? engine_fail(err, what, mdb_strerror(rc)) : 0;
}

static unsigned can(const struct engine_options *options)
{
    (void)options;
    return ENGINE_ORDER | ENGINE_REVERSE | ENGINE_BATCH | ENGINE_SYNC | ENGINE_COMPACT |
           ENGINE_THREADS;
}

static int about(const struct engine_options *options, FILE *to, struct strata_error *err)
{
    int major, minor, patch;

    (void)err;
    mdb_version(&major, &minor, &patch);
    fprintf(to,
            "LMDB %d.%d.%d, a B+tree in a mapped file, %s; not compressed, the page cache is its "
            "cache, pages are not checked\n",
            major, minor, patch,
            options->sync == STRATA_SYNC_ALWAYS ? "synced at each commit"
                                                : "MDB_WRITEMAP and MDB_NOSYNC");
    return 0;
}

/* ---- Its life ---------------------------------------------------------------------------- */

static size_t map_size(const struct engine_options *options)
{
    size_t size = MAP_LEAST + (size_t)options->data_bytes * MAP_TIMES;
    return size / 4096 * 4096;
}

static int open_table(struct self *self, struct strata_error *err)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(self->env, NULL, 0, &txn);

    if (rc)
        return fail(err, "open", rc);
    rc = mdb_dbi_open(txn, NULL, 0, &self->table);
    if (rc) {
        mdb_txn_abort(txn);
        return fail(err, "open", rc);
    }
    return fail(err, "open", mdb_txn_commit(txn));
}

static int open_env(struct self *self, struct strata_error *err)
{
    unsigned unsynced = self->options.sync == STRATA_SYNC_ALWAYS ? 0 : MDB_WRITEMAP | MDB_NOSYNC;
    int rc = mdb_env_create(&self->env);

    if (rc)
        return fail(err, "open", rc);
    mdb_env_set_mapsize(self->env, map_size(&self->options));
    rc = mdb_env_open(self->env, self->dir, MDB_NOTLS | unsynced, 0666);
    rc = rc ? fail(err, self->dir, rc) : open_table(self, err);
    if (rc)
        mdb_env_close(self->env);
    return rc;
}

static int open_db(const struct engine_options *options, void **db, struct strata_error *err)
{
    struct self *self = calloc(1, sizeof *self);
    int rc;

    *db = NULL;
    if (!self)
        return engine_no_memory(err);
    self->options = *options;
    snprintf(self->dir, sizeof self->dir, "%s", options->dir);
    rc = engine_mkdir(options, err);
    if (rc == 0)
        rc = open_env(self, err);
    if (rc < 0)
        free(self);
    else
        *db = self;
    return rc;
}

static int close_db(void *db, struct strata_error *err)
{
    struct self *self = db;

    (void)err;
    mdb_env_close(self->env);
    free(self);
    return 0;
}

static int join(void *db, void **session, struct strata_error *err)
{
    struct session *s = calloc(1, sizeof *s);

    *session = s;
    if (!s)
        return engine_no_memory(err);
    s->self = db;
    return 0;
}

static void leave(void *session)
{
    struct session *s = session;

    if (s)
        mdb_txn_abort(s->reads);
    free(s);
}

static int settle(void *db, struct strata_error *err)
{
    (void)db, (void)err;
    return 0; /* there is no background work */
}

/* A copy without free pages takes the place of the file. */
static int compact(void *db, struct strata_error *err)
{
    struct self *self = db;
    char file[4200], copy[4200];
    int rc;

    snprintf(file, sizeof file, "%s/data.mdb", self->dir);
    snprintf(copy, sizeof copy, "%s/copy", self->dir);
    rc = engine_mkdir(&(struct engine_options){.dir = copy, .create = true}, err);
    if (rc == 0)
        rc = fail(err, "compact", mdb_env_copy2(self->env, copy, MDB_CP_COMPACT));
    if (rc < 0)
        return rc;
    mdb_env_close(self->env);
    snprintf(copy, sizeof copy, "%s/copy/data.mdb", self->dir);
    if (rename(copy, file) < 0)
        return engine_fail(err, copy, strerror(errno));
    snprintf(copy, sizeof copy, "%s/copy", self->dir);
    remove(copy);
    return open_env(self, err);
}

/* ---- Writing ----------------------------------------------------------------------------- */

static MDB_val val(struct strata_slice s)
{
    return (MDB_val){s.size, (void *)(uintptr_t)s.data};
}

/* A value is valid in the map as long as what read it: until the session's next call. */
static void read_no_more(struct session *s)
{
    if (s->reading)
        mdb_txn_reset(s->reads);
    s->reading = false;
}

static int begin(struct session *s, MDB_txn **txn)
{
    read_no_more(s);
    return mdb_txn_begin(s->self->env, NULL, 0, txn);
}

static int commit(MDB_txn *txn, int rc, const char *what, struct strata_error *err)
{
    if (rc == 0)
        return fail(err, what, mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return fail(err, what, rc);
}

static int put_batch(void *session, const struct engine_entry *entries, size_t count,
                     struct strata_error *err)
{
    struct session *s = session;
    MDB_txn *txn;
    int rc = begin(s, &txn);

    if (rc)
        return fail(err, "put", rc);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        MDB_val key = val(entries[i].key), value = val(entries[i].value);
        rc = mdb_put(txn, s->self->table, &key, &value, 0);
    }
    return commit(txn, rc, "put", err);
}

static int put(void *session, struct strata_slice key, struct strata_slice value,
               struct strata_error *err)
{
    return put_batch(session, &(struct engine_entry){key, value}, 1, err);
}

static int remove_key(void *session, struct strata_slice key, struct strata_error *err)
{
    struct session *s = session;
    MDB_val k = val(key);
    MDB_txn *txn;
    int rc = begin(s, &txn);

    if (rc)
        return fail(err, "delete", rc);
    rc = mdb_del(txn, s->self->table, &k, NULL);
    return commit(txn, rc == MDB_NOTFOUND ? 0 : rc, "delete", err);
}

/* ---- Reading ----------------------------------------------------------------------------- */

static int renew(struct session *s)
{
    read_no_more(s);
    s->reading = true;
    return s->reads ? mdb_txn_renew(s->reads)
                    : mdb_txn_begin(s->self->env, NULL, MDB_RDONLY, &s->reads);
}

static int get(void *session, struct strata_slice key, struct strata_slice *value,
               struct strata_error *err)
{
    struct session *s = session;
    MDB_val k = val(key), v = {0, NULL};
    int rc = renew(s);

    if (rc == 0)
        rc = mdb_get(s->reads, s->self->table, &k, &v);
    *value = (struct strata_slice){v.mv_data, v.mv_size};
    return rc == MDB_NOTFOUND ? STRATA_NOT_FOUND : fail(err, "get", rc);
}

static void iterated(void *iter)
{
    struct iter *it = iter;

    if (!it)
        return;
    mdb_cursor_close(it->cursor);
    mdb_txn_abort(it->txn);
    free(it);
}

static int iterate(void *session, void **iter, struct strata_error *err)
{
    struct iter *it = calloc(1, sizeof *it);
    int rc;

    *iter = NULL;
    if (!it)
        return engine_no_memory(err);
    it->session = session;
    rc = mdb_txn_begin(it->session->self->env, NULL, MDB_RDONLY, &it->txn);
    if (rc == 0 && (rc = mdb_cursor_open(it->txn, it->session->self->table, &it->cursor)) != 0)
        mdb_txn_abort(it->txn);
    if (rc) {
        free(it);
        return fail(err, "iterator", rc);
    }
    *iter = it;
    return 0;
}

static int walk(void *iter, enum engine_walk how, struct strata_slice key, uint64_t most,
                struct sum *sum, struct strata_error *err)
{
    static const MDB_cursor_op ops[] = {MDB_FIRST, MDB_LAST, MDB_SET_RANGE, MDB_NEXT, MDB_PREV};
    MDB_cursor_op onward = how == WALK_LAST || how == WALK_PREV ? MDB_PREV : MDB_NEXT;
    MDB_cursor *cursor = ((struct iter *)iter)->cursor;
    MDB_val k = val(key), v;
    int rc = mdb_cursor_get(cursor, &k, &v, ops[how]);

    while (rc == 0) {
        sum_add(sum, (struct strata_slice){k.mv_data, k.mv_size},
                (struct strata_slice){v.mv_data, v.mv_size});
        if (!--most)
            return 0;
        rc = mdb_cursor_get(cursor, &k, &v, onward);
    }
    return rc == MDB_NOTFOUND ? STRATA_NOT_FOUND : fail(err, "iterator", rc);
}

const struct engine engine_lmdb = {
    .name = "lmdb",
    .maps = true,
    .can = can,
    .about = about,
    .open = open_db,
    .close = close_db,
    .join = join,
    .leave = leave,
    .compact = compact,
    .settle = settle,
    .put = put,
    .batch = put_batch,
    .remove = remove_key,
    .get = get,
    .iterate = iterate,
    .iterated = iterated,
    .walk = walk,
};
