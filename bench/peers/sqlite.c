/* sqlite.c: SQLite (D. Richard Hipp, sqlite.org) as an engine, through sqlite3.h: a table WITHOUT
 * ROWID, so that the B-tree of its keys has the values too, with a write-ahead log, which becomes
 * as large as the others' memtable before it goes into the table. Not synced it is opened with
 * synchronous=OFF: what a commit has written survives the process; synced with FULL. Each thread
 * has a connection, and statements that are prepared once. */
#include "../engine.h"

#include <sqlite3.h>
#include <stdlib.h>

#define BUSY_MS 600000

enum statement { PUT, GET, REMOVE, BEGIN, COMMIT, FORWARDS, BACKWARDS, FROM, STATEMENTS };

static const char *const sql[STATEMENTS] = {
    [PUT] = "INSERT OR REPLACE INTO t VALUES (?1, ?2)",
    [GET] = "SELECT v FROM t WHERE k = ?1",
    [REMOVE] = "DELETE FROM t WHERE k = ?1",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [FORWARDS] = "SELECT k, v FROM t ORDER BY k",
    [BACKWARDS] = "SELECT k, v FROM t ORDER BY k DESC",
    [FROM] = "SELECT k, v FROM t WHERE k >= ?1 ORDER BY k",
};

struct session {
    struct self *self;
    sqlite3 *connection;
    sqlite3_stmt *statements[STATEMENTS];
    enum statement walks; /* which of them an iterator goes on with */
};

struct self {
    char file[4200];
    struct engine_options options;
    struct session first; /* there from open to close, and its cache */
    bool lent;            /* to whom joined first */
};

static int fail(const struct session *s, const char *what, struct strata_error *err)
{
    return engine_fail(err, what, s->connection ? sqlite3_errmsg(s->connection) : "out of memory");
}

static unsigned can(const struct engine_options *options)
{
    (void)options;
    return ENGINE_ORDER | ENGINE_REVERSE | ENGINE_BATCH | ENGINE_SYNC | ENGINE_COMPACT |
           ENGINE_THREADS;
}

static int about(const struct engine_options *options, FILE *to, struct strata_error *err)
{
    (void)err;
    fprintf(to,
            "SQLite %s, a table WITHOUT ROWID, journal_mode=WAL, synchronous=%s, a checkpoint for "
            "each memtable's size; not compressed, pages are not checked\n",
            sqlite3_libversion(), options->sync == STRATA_SYNC_ALWAYS ? "FULL" : "OFF");
    return 0;
}

/* ---- A connection ------------------------------------------------------------------------ */

static int run(struct session *s, const char *text, struct strata_error *err)
{
    return sqlite3_exec(s->connection, text, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                            : fail(s, text, err);
}

static int set_up(struct session *s, struct strata_error *err)
{
    const struct engine_options *o = &s->self->options;
    char text[400];

    snprintf(text, sizeof text,
             "PRAGMA page_size=%zu; PRAGMA journal_mode=WAL; PRAGMA synchronous=%s; "
             "PRAGMA cache_size=-%zu; PRAGMA wal_autocheckpoint=%zu; "
             "CREATE TABLE IF NOT EXISTS t (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID",
             o->block_bytes, o->sync == STRATA_SYNC_ALWAYS ? "FULL" : "OFF", o->cache_bytes / 1024,
             o->memtable_bytes / o->block_bytes);
    return run(s, text, err);
}

static int prepare(struct session *s, struct strata_error *err)
{
    for (int i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(s->connection, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &s->statements[i], NULL) != SQLITE_OK)
            return fail(s, sql[i], err);
    return 0;
}

static int connect(struct session *s, struct self *self, struct strata_error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, rc;

    s->self = self;
    if (sqlite3_open_v2(self->file, &s->connection, flags, NULL) != SQLITE_OK)
        return fail(s, self->file, err);
    sqlite3_busy_timeout(s->connection, BUSY_MS);
    rc = set_up(s, err);
    return rc == 0 ? prepare(s, err) : rc;
}

static int disconnect(struct session *s, struct strata_error *err)
{
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(s->statements[i]);
    return sqlite3_close(s->connection) == SQLITE_OK ? 0 : fail(s, "close", err);
}

/* ---- Its life ---------------------------------------------------------------------------- */

static int open_db(const struct engine_options *options, void **db, struct strata_error *err)
{
    struct self *self = calloc(1, sizeof *self);
    struct strata_error unused;
    int rc;

    *db = NULL;
    if (!self)
        return engine_no_memory(err);
    self->options = *options;
    snprintf(self->file, sizeof self->file, "%.4096s/data.sqlite", options->dir);
    rc = engine_mkdir(options, err);
    if (rc == 0)
        rc = connect(&self->first, self, err);
    if (rc < 0) {
        disconnect(&self->first, &unused);
        free(self);
        return rc;
    }
    *db = self;
    return 0;
}

static int close_db(void *db, struct strata_error *err)
{
    struct self *self = db;
    int rc = disconnect(&self->first, err);

    free(self);
    return rc;
}

static void leave(void *session)
{
    struct session *s = session;
    struct strata_error unused;

    if (!s)
        return;
    if (s == &s->self->first) {
        s->self->lent = false;
        sqlite3_reset(s->statements[GET]);
        return;
    }
    disconnect(s, &unused);
    free(s);
}

static int join(void *db, void **session, struct strata_error *err)
{
    struct self *self = db;
    struct session *s = self->lent ? calloc(1, sizeof *s) : &self->first;
    int rc;

    *session = s;
    if (!s)
        return engine_no_memory(err);
    if (s == &self->first) {
        self->lent = true;
        return 0;
    }
    rc = connect(s, self, err);
    if (rc < 0) {
        leave(s);
        *session = NULL;
    }
    return rc;
}

static int settle(void *db, struct strata_error *err)
{
    return run(&((struct self *)db)->first, "PRAGMA wal_checkpoint(TRUNCATE)", err);
}

static int compact(void *db, struct strata_error *err)
{
    int rc = run(&((struct self *)db)->first, "VACUUM", err);
    return rc == 0 ? settle(db, err) : rc;
}

/* ---- Work -------------------------------------------------------------------------------- */

static void bind(sqlite3_stmt *statement, int place, struct strata_slice s)
{
    if (s.size)
        sqlite3_bind_blob64(statement, place, s.data, s.size, SQLITE_STATIC);
    else
        sqlite3_bind_zeroblob(statement, place, 0);
}

static int finish(struct session *s, enum statement which, struct strata_error *err)
{
    int rc = sqlite3_step(s->statements[which]);

    sqlite3_reset(s->statements[which]);
    return rc == SQLITE_DONE ? 0 : fail(s, sql[which], err);
}

static int put(void *session, struct strata_slice key, struct strata_slice value,
               struct strata_error *err)
{
    struct session *s = session;

    sqlite3_reset(s->statements[GET]);
    bind(s->statements[PUT], 1, key);
    bind(s->statements[PUT], 2, value);
    return finish(s, PUT, err);
}

static int put_batch(void *session, const struct engine_entry *entries, size_t count,
                     struct strata_error *err)
{
    int rc = finish(session, BEGIN, err);

    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = put(session, entries[i].key, entries[i].value, err);
    return rc == 0 ? finish(session, COMMIT, err) : rc;
}

static int remove_key(void *session, struct strata_slice key, struct strata_error *err)
{
    struct session *s = session;

    sqlite3_reset(s->statements[GET]);
    bind(s->statements[REMOVE], 1, key);
    return finish(s, REMOVE, err);
}

static struct strata_slice column(sqlite3_stmt *statement, int place)
{
    const void *data = sqlite3_column_blob(statement, place);
    return strata_bytes(data, (size_t)sqlite3_column_bytes(statement, place));
}

/* The value lives until the statement is reset: by the next call. */
static int get(void *session, struct strata_slice key, struct strata_slice *value,
               struct strata_error *err)
{
    struct session *s = session;
    int rc;

    sqlite3_reset(s->statements[GET]);
    bind(s->statements[GET], 1, key);
    rc = sqlite3_step(s->statements[GET]);
    *value = strata_bytes(NULL, 0);
    if (rc == SQLITE_ROW)
        *value = column(s->statements[GET], 0);
    if (rc == SQLITE_DONE)
        sqlite3_reset(s->statements[GET]);
    return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? STRATA_NOT_FOUND : fail(s, "get", err);
}

/* The session's statements are the iterator: of each thread there is one at a time. */
static int iterate(void *session, void **iter, struct strata_error *err)
{
    (void)err;
    *iter = session;
    return 0;
}

static void iterated(void *iter)
{
    struct session *s = iter;

    if (s)
        sqlite3_reset(s->statements[s->walks]);
}

static int walk(void *iter, enum engine_walk how, struct strata_slice key, uint64_t most,
                struct sum *sum, struct strata_error *err)
{
    struct session *s = iter;
    int rc = SQLITE_ROW;

    if (how < WALK_NEXT) {
        s->walks = how == WALK_FIRST ? FORWARDS : how == WALK_LAST ? BACKWARDS : FROM;
        sqlite3_reset(s->statements[s->walks]);
        if (how == WALK_SEEK)
            bind(s->statements[FROM], 1, key);
    }
    while (most && (rc = sqlite3_step(s->statements[s->walks])) == SQLITE_ROW) {
        sum_add(sum, column(s->statements[s->walks], 0), column(s->statements[s->walks], 1));
        most--;
    }
    return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? STRATA_NOT_FOUND : fail(s, "iterator", err);
}

const struct engine engine_sqlite = {
    .name = "sqlite",
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
