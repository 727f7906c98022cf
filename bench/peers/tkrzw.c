/* tkrzw.c: Tkrzw (Mikio Hirabayashi, dbmx.net/tkrzw) as an engine, through tkrzw_langc.h: TreeDBM,
 * a B+tree whose pages are records of a hash table in a mapped file. Its page cache is written at
 * close by default, and a killed process would lose it: PAGE_UPDATE_WRITE has each put write its
 * page, so that what has returned survives, as with the others. */
#include "../engine.h"

#include <stdlib.h>
#include <string.h>
#include <tkrzw_langc.h>

#define PAGE 8130 /* bytes, its default for a tree's pages */
#define BUCKETS_LEAST 131072

struct self {
    TkrzwDBM *dbm;
    bool synced;
};

struct session {
    struct self *self;
    struct strata_buffer value; /* of the last get */
    bool found;
};

static int fail(struct strata_error *err, const char *what)
{
    const char *why = tkrzw_get_last_status_message();
    return engine_fail(err, what, why && *why ? why : "it failed");
}

/* No batch that is all or nothing; and no way backwards: version 1.0.25 ends a scan from the last
 * entry after one page, when the file has been closed and opened. */
static unsigned can(const struct engine_options *options)
{
    (void)options;
    return ENGINE_ORDER | ENGINE_SYNC | ENGINE_COMPACT | ENGINE_THREADS;
}

static int about(const struct engine_options *options, FILE *to, struct strata_error *err)
{
    (void)err;
    fprintf(to,
            "Tkrzw %s, TreeDBM with PAGE_UPDATE_WRITE%s; pages of %d bytes, not compressed, not "
            "checked\n",
            TKRZW_PACKAGE_VERSION,
            options->sync == STRATA_SYNC_ALWAYS ? ", synchronized at each put" : "", PAGE);
    return 0;
}

/* ---- Its life ---------------------------------------------------------------------------- */

static int open_db(const struct engine_options *options, void **db, struct strata_error *err)
{
    struct self *self = calloc(1, sizeof *self);
    size_t pages = options->data_bytes / PAGE * 4;
    char file[4200], how[400];

    *db = NULL;
    if (!self)
        return engine_no_memory(err);
    snprintf(file, sizeof file, "%.4096s/data.tkt", options->dir);
    snprintf(how, sizeof how,
             "dbm=TreeDBM,file=MemoryMapAtomicFile,page_update_mode=PAGE_UPDATE_WRITE,"
             "max_page_size=%d,max_cached_pages=%zu,num_buckets=%zu%s",
             PAGE, options->cache_bytes / PAGE + 1, pages < BUCKETS_LEAST ? BUCKETS_LEAST : pages,
             options->create ? "" : ",no_create=true");
    if (engine_mkdir(options, err) < 0) {
        free(self);
        return err->code;
    }
    self->synced = options->sync == STRATA_SYNC_ALWAYS;
    self->dbm = tkrzw_dbm_open(file, true, how);
    if (!self->dbm) {
        free(self);
        return fail(err, file);
    }
    *db = self;
    return 0;
}

static int close_db(void *db, struct strata_error *err)
{
    struct self *self = db;
    bool closed = tkrzw_dbm_close(self->dbm);

    free(self);
    return closed ? 0 : fail(err, "close");
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
        strata_buffer_free(&s->value);
    free(s);
}

static int settle(void *db, struct strata_error *err)
{
    (void)db, (void)err;
    return 0; /* there is no background work */
}

static int compact(void *db, struct strata_error *err)
{
    return tkrzw_dbm_rebuild(((struct self *)db)->dbm, "") ? 0 : fail(err, "compact");
}

/* ---- Work -------------------------------------------------------------------------------- */

static int sync_it(const struct session *s, const char *what, bool done, struct strata_error *err)
{
    if (done && s->self->synced)
        done = tkrzw_dbm_synchronize(s->self->dbm, true, NULL, NULL, "");
    return done ? 0 : fail(err, what);
}

static int put(void *session, struct strata_slice key, struct strata_slice value,
               struct strata_error *err)
{
    struct session *s = session;
    bool done = tkrzw_dbm_set(s->self->dbm, (const char *)key.data, (int32_t)key.size,
                              (const char *)value.data, (int32_t)value.size, true);

    return sync_it(s, "put", done, err);
}

/* Not all or nothing; the driver does not ask for it. */
static int put_batch(void *session, const struct engine_entry *entries, size_t count,
                     struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = put(session, entries[i].key, entries[i].value, err);
    return rc;
}

static int remove_key(void *session, struct strata_slice key, struct strata_error *err)
{
    struct session *s = session;
    bool done = tkrzw_dbm_remove(s->self->dbm, (const char *)key.data, (int32_t)key.size) ||
                tkrzw_get_last_status_code() == TKRZW_STATUS_NOT_FOUND_ERROR;

    return sync_it(s, "delete", done, err);
}

static const char *take_value(void *arg, const char *key, int32_t key_size, const char *value,
                              int32_t value_size, int32_t *new_size)
{
    struct session *s = arg;

    (void)key, (void)key_size, (void)new_size;
    strata_buffer_clear(&s->value);
    s->found = value != NULL;
    if (value)
        strata_buffer_append(&s->value, value, (size_t)value_size);
    return TKRZW_REC_PROC_NOOP;
}

static int get(void *session, struct strata_slice key, struct strata_slice *value,
               struct strata_error *err)
{
    struct session *s = session;

    s->found = false;
    if (!tkrzw_dbm_process(s->self->dbm, (const char *)key.data, (int32_t)key.size, take_value, s,
                           false))
        return fail(err, "get");
    *value = strata_buffer_slice(&s->value);
    return s->found ? 0 : STRATA_NOT_FOUND;
}

static int iterate(void *session, void **iter, struct strata_error *err)
{
    struct session *s = session;

    (void)err;
    *iter = tkrzw_dbm_make_iterator(s->self->dbm);
    return 0;
}

static void iterated(void *iter)
{
    if (iter)
        tkrzw_dbm_iter_free(iter);
}

static const char *add_entry(void *arg, const char *key, int32_t key_size, const char *value,
                             int32_t value_size, int32_t *new_size)
{
    (void)new_size;
    sum_add(arg, strata_bytes(key, (size_t)key_size), strata_bytes(value, (size_t)value_size));
    return TKRZW_REC_PROC_NOOP;
}

static bool begin(TkrzwDBMIter *iter, enum engine_walk how, struct strata_slice key)
{
    switch (how) {
    case WALK_FIRST:
        return tkrzw_dbm_iter_first(iter);
    case WALK_LAST:
        return tkrzw_dbm_iter_last(iter);
    case WALK_SEEK:
        return tkrzw_dbm_iter_jump(iter, (const char *)key.data, (int32_t)key.size);
    case WALK_NEXT:
        return tkrzw_dbm_iter_next(iter);
    case WALK_PREV:
        return tkrzw_dbm_iter_previous(iter);
    }
    return false;
}

static int walk(void *iter, enum engine_walk how, struct strata_slice key, uint64_t most,
                struct sum *sum, struct strata_error *err)
{
    bool backwards = how == WALK_LAST || how == WALK_PREV;
    bool goes = begin(iter, how, key);

    while (goes && tkrzw_dbm_iter_process(iter, add_entry, sum, false)) {
        if (!--most)
            return 0;
        goes = backwards ? tkrzw_dbm_iter_previous(iter) : tkrzw_dbm_iter_next(iter);
    }
    return tkrzw_get_last_status_code() == TKRZW_STATUS_NOT_FOUND_ERROR ? STRATA_NOT_FOUND
                                                                        : fail(err, "iterator");
}

const struct engine engine_tkrzw = {
    .name = "tkrzw",
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
