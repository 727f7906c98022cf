/* sorted_file.c: see sorted_file.h. */
#include "sorted_file.h"
#include "02_hash_index/index.h"
#include "04_memtable_sstable/tables.h"
#include "content.h"
#include "database.h"
#include "fuzz.h"
#include "memory.h"

#include <string.h>

#define NUMBER 2
#define CACHE ((size_t)16 << 10) /* bytes: three blocks, so that others go */

/* Calls: verifying and two scans read everything, and for each entry a get and four seeks halve the
 * others, with two or three calls a step; a run steps on what may be a page and a record. */
#define ENTRY 17 /* bytes that one has at least, where a step costs a call */
#define WORK_CALLS(n, steps) (64 + (uint64_t)(n) * (8 + 40 * (uint64_t)(steps)))

static const struct sorted_file *target;
static uint64_t file_bytes;

/* 0, a normal "no", or what says where: damage, or a table of a later stage. */
static int checked(int rc, const struct strata_error *err)
{
    bool refused = rc == STRATA_ERR_CORRUPT || rc == STRATA_ERR_WRONG_STAGE;

    require(rc >= 0 || (refused && strcmp(err->file, target->path) == 0 && err->message[0] &&
                        (rc == STRATA_ERR_WRONG_STAGE || err->offset <= file_bytes)),
            "%d: %s", rc, fuzz_text(err));
    return rc;
}

/* A scan, as a sum; `sound`: it must be whole and in order. `live`: without tombstones; or NULL. */
static struct content scan(struct sstable *table, bool back, bool sound, struct content *live)
{
    struct cursor *c = target->kind->cursor(table, false);
    struct strata_error err = {.code = 0};
    struct strata_buffer before = {0};
    struct content content = {0};
    int rc;

    require(c, "no memory");
    rc = back ? cursor_last(c, &err) : cursor_first(c, &err);
    while (checked(rc, &err) == 0) {
        struct strata_slice value;
        int order = strata_compare(strata_buffer_slice(&before), c->iter.key);
        require(!(sound || target->ordered) || !content.entries || (back ? order > 0 : order < 0),
                "no order");
        strata_buffer_clear(&before);
        strata_buffer_append(&before, c->iter.key.data, c->iter.key.size);
        if (checked(cursor_value(c, &value, &err), &err) == 0) {
            content_add(&content, c->iter.key, value);
            if (live && c->type == STRATA_OP_PUT)
                content_add(live, c->iter.key, value);
        }
        rc = back ? cursor_prev(c, &err) : cursor_next(c, &err);
        require(!sound || content.entries <= table->sum.records, "more entries than there are");
    }
    require(!sound || (rc > 0 && content.entries == table->sum.records), "a scan stops early");
    strata_buffer_free(&before);
    cursor_free(c);
    return content;
}

/* ---- Gets and seeks ------------------------------------------------------------------------ */

struct question {
    struct sstable *table;
    struct cursor *seeker;
    struct strata_buffer value;
    bool sound;
};

/* Getting `key` and seeking it agree. `want`: a cursor positioned on it; NULL: it may be there or
 * not. */
static void ask(struct question *q, struct strata_slice key, struct cursor *want)
{
    struct cursor *c = q->seeker;
    struct strata_error err = {.code = 0};
    unsigned type = 0;
    struct strata_slice value;
    int got = STRATA_NOT_FOUND, sought = checked(cursor_seek(c, key, &err), &err);
    bool there = sought == 0 && strata_compare(c->iter.key, key) == 0;
    bool reliable = q->sound || (target->ordered && sought >= 0);
    unsigned want_type;

    require(sought != 0 || !reliable || strata_compare(c->iter.key, key) >= 0,
            "a seek stops early");
    require(!want || !reliable || there, "a seek does not find a key");
    if (sstable_compare_key(q->table, key) == 0)
        got = checked(target->kind->get(q->table, key, &type, &q->value, &err), &err);
    require(!q->sound || (got == 0) == there, "get: %d; seek: %d", got, there);
    if (got != 0 || !reliable)
        return;
    require(there, "a key is found that is not there");
    if (checked(cursor_value(c, &value, &err), &err) < 0)
        return;
    want_type = c->type == SSTABLE_CODED ? target->newest(value, &value) : c->type;
    require(type == want_type, "another type");
    if (type == STRATA_OP_PUT)
        require(strata_compare(strata_buffer_slice(&q->value), value) == 0, "another value");
}

/* Keys that are not there, most of the time: right behind `key`, shorter, or of the same size. */
static void ask_beside(struct question *q, struct strata_slice key)
{
    static uint8_t beside[STRATA_MAX_KEY + 1];

    if (key.size)
        memcpy(beside, key.data, key.size);
    beside[key.size] = 0;
    if (key.size < STRATA_MAX_KEY)
        ask(q, strata_bytes(beside, key.size + 1), NULL);
    if (!key.size)
        return;
    ask(q, strata_bytes(beside, key.size / 2), NULL);
    beside[key.size - 1] ^= 1;
    ask(q, strata_bytes(beside, key.size), NULL);
    beside[key.size - 1] ^= 1;
    beside[key.size / 2] -= 1;
    ask(q, strata_bytes(beside, key.size), NULL);
}

/* Each key of a scan is found by a get, with its value, and by a seek; others are not. */
static void check_gets(struct sstable *table, bool sound)
{
    struct question q = {.table = table, .sound = sound};
    struct cursor *c = target->kind->cursor(table, false);
    struct strata_error err = {.code = 0};
    int rc;

    q.seeker = target->kind->cursor(table, false);
    require(c && q.seeker, "no memory");
    for (rc = cursor_first(c, &err); checked(rc, &err) == 0; rc = cursor_next(c, &err)) {
        ask(&q, c->iter.key, c);
        ask_beside(&q, c->iter.key);
    }
    strata_buffer_free(&q.value);
    cursor_free(q.seeker);
    cursor_free(c);
}

/* ---- Of one that verifies ------------------------------------------------------------------ */

static void check_written_anew(struct sstable *table, struct strata_env *env,
                               struct strata_slice bytes)
{
    struct cursor *c = target->kind->cursor(table, false);
    struct sstable_writer *writer;
    struct strata_buffer again = {0};
    int rc;

    require(c, "no memory");
    require(fs_rename(env->fs, target->path, DATABASE_DIR "/aside", NULL) == 0, "rename");
    require(target->kind->writer_new(env, NUMBER, &writer, NULL) == 0, "begin");
    for (rc = cursor_first(c, NULL); rc == 0; rc = cursor_next(c, NULL)) {
        struct strata_slice value;
        require(cursor_value(c, &value, NULL) == 0, "value");
        require(target->kind->writer_add(writer, c->type, c->iter.key, value, NULL) == 0, "add");
    }
    require(target->kind->writer_finish(writer, table->sum.first, table->sum.last, NULL) == 0,
            "finish");
    require(fs_output_publish(&writer->out, NULL) == 0, "publish");
    target->kind->writer_del(writer, true);
    require(fs_sim_get(env->fs, target->path, &again) == 0, "get");
    if (target->check_bytes)
        target->check_bytes(strata_buffer_slice(&again));
    require(!target->canonical || strata_compare(strata_buffer_slice(&again), bytes) == 0,
            "other bytes");
    strata_buffer_free(&again);
    cursor_free(c);
}

/* What was written anew holds the same. It has the number of the first one, whose blocks may be in
 * a cache: so it has a cache of its own. */
static void check_again(struct strata_env *env, const struct content *content)
{
    struct strata_error err = {.code = 0};
    struct sstable *table;
    struct content got;
    void *common = NULL;

    require(!target->kind->common_new || target->kind->common_new(env, &common, &err) == 0,
            "common");
    require(target->kind->open(env, common, NUMBER, &table, &err) == 0, "open: %s", err.message);
    require(target->kind->verify(table, &err) == 0, "verify: %s", err.message);
    got = scan(table, false, true, NULL);
    require(content_equal(&got, content), "another content");
    sstable_unref(table);
    if (common)
        target->kind->common_del(common);
}

/* Work is bounded by n log n, whatever the bytes. */
static void check_work(struct strata_fs *fs, size_t bytes)
{
    unsigned steps = 1;

    while (bytes / ENTRY >> steps)
        steps++;
    require(fs_sim_calls(fs) <= WORK_CALLS(bytes / ENTRY + 1, steps), "%llu calls for %zu bytes",
            (unsigned long long)fs_sim_calls(fs), bytes);
}

static bool check_table(struct sstable *table, struct strata_env *env, struct strata_slice bytes,
                        struct content *content, struct content *live)
{
    struct strata_error err = {.code = 0};
    bool sound = checked(target->kind->verify(table, &err), &err) == 0;
    struct content forth = scan(table, false, sound, live), back = scan(table, true, sound, NULL);
    struct fs_sim_hash before = fs_sim_hash_of(env->fs), after;

    require(!sound || content_equal(&forth, &back), "scans differ");
    check_gets(table, sound);
    after = fs_sim_hash_of(env->fs);
    require(before.low == after.low && before.high == after.high, "reading has written");
    check_work(env->fs, bytes.size);
    if (sound && target->check_bytes)
        target->check_bytes(bytes);
    if (sound)
        check_written_anew(table, env, bytes);
    *content = forth;
    return sound;
}

enum outcome { REFUSED, UNSOUND, SOUND };

struct found {
    enum outcome outcome;
    struct tables_run run; /* as a list names it; and the last operation in it */
    uint64_t last;
    struct content live;
};

/* Opens it and asks it everything. */
static struct found check_file(struct strata_env *env, void *common, struct strata_slice bytes)
{
    struct strata_error err = {.code = 0};
    struct found found = {.run = {NUMBER, bytes.size, 0}};
    struct sstable *table;
    struct content content;
    bool sound;

    if (checked(target->kind->open(env, common, NUMBER, &table, &err), &err) != 0)
        return found;
    sound = check_table(table, env, bytes, &content, &found.live);
    found.outcome = sound ? SOUND : UNSOUND;
    found.run.digest = table->sum.digest;
    found.last = table->sum.last;
    sstable_unref(table);
    if (sound)
        check_again(env, &content);
    return found;
}

/* ---- In a database ------------------------------------------------------------------------- */

/* The same bytes in a database whose list names them: it is refused, or holds what they hold. */
static void check_listed(struct strata_fs *base, struct strata_slice bytes,
                         const struct found *found)
{
    struct strata_options options;
    struct strata_env env = {.dir = DATABASE_DIR, .options = &options};
    struct tables tables;
    struct database db;
    bool later; /* than the log */

    database_init(&db, base, target->path, bytes);
    db.uncompressed = target->most_per_byte * bytes.size;
    env.fs = db.fs;
    strata_options_init(&options);
    require(tables_read(&env, &tables, NULL) == 0 && tables.count == 1, "the list");
    tables.runs[0] = found->run;
    require(tables_write(&env, &tables, NULL) == 0, "the list");
    later = found->last >= tables.log.first;
    require(database_read(&db) == (found->outcome == SOUND && !later),
            "by itself: %d, in a database: %s", found->outcome, fuzz_text(&db.err));
    require(db.rc < 0 || content_equal(&db.content, &found->live), "another content");
    database_write(&db);
    tables_free(&tables);
    database_free(&db);
}

/* A database with one table, NUMBER, and a log that begins behind operations of which others may
 * tell. */
static struct strata_fs *make_base(unsigned stage)
{
    enum { OPERATIONS = 300 };
    struct strata_fs *fs = database_new(stage);
    struct strata_options options;
    struct strata *db;

    strata_options_init(&options);
    options.fs = fs;
    if (target->unlisted)
        return fs;
    fuzz_uncounted_begin();
    require(strata_open(DATABASE_DIR, &options, &db, NULL) == 0, "open");
    for (unsigned i = 0; i < OPERATIONS; i++)
        require(strata_put(db, strata_string("a"), strata_string("b"), NULL) == 0, "put");
    require(strata_flush(db, NULL) == 0, "flush");
    require(strata_close(db, NULL) == 0, "close");
    fuzz_uncounted_end();
    return fs;
}

/* The writer's own table is what check_bytes asks for. */
static void check_own(struct strata_fs *base)
{
    struct strata_buffer own = {0};

    fuzz_uncounted_begin();
    require(fs_sim_get(base, target->path, &own) == 0, "%s", target->path);
    if (target->check_bytes)
        target->check_bytes(strata_buffer_slice(&own));
    strata_buffer_free(&own);
    fuzz_uncounted_end();
}

void sorted_file_check(const struct sorted_file *file, struct strata_slice bytes)
{
    static struct strata_fs *base;
    static struct strata_options options;
    struct strata_error err = {.code = 0};
    struct strata_env env = {.dir = DATABASE_DIR, .options = &options};
    struct database db;
    struct inspect in;
    struct found found;
    void *common = NULL;

    target = file;
    file_bytes = bytes.size;
    if (!base) {
        base = make_base(file->stage);
        if (!file->unlisted)
            check_own(base);
        strata_options_init(&options);
        options.cache_bytes = CACHE;
    }
    database_init(&db, base, file->path, bytes);
    env.fs = db.fs;
    in = database_inspect(&db, file->format);
    memory_watch(file->most_per_byte * bytes.size + memory_limit(bytes.size));
    require(!file->kind->common_new || file->kind->common_new(&env, &common, &err) == 0, "common");
    found = check_file(&env, common, bytes);
    require(found.outcome != SOUND || !in.damaged, "the dump sees damage, verify does not");
    if (common)
        file->kind->common_del(common);
    memory_watched();
    require(fs_sim_open_files(db.fs) == 0, "%zu files stay open", fs_sim_open_files(db.fs));
    if (found.outcome != UNSOUND && !file->unlisted && database_deep_begin(&db)) {
        check_listed(base, bytes, &found);
        database_deep_end();
    }
    database_free(&db);
}
