/* sorted_file.c: see sorted_file.h. */
#include "sorted_file.h"
#include "02_hash_index/index.h"
#include "content.h"
#include "database.h"
#include "fuzz.h"
#include "memory.h"

#include <string.h>

#define NUMBER 2
#define CACHE ((size_t)64 << 10) /* bytes */

static const struct sorted_file *target;

/* 0, a normal "no", or damage that says where. */
static int told(int rc, const struct strata_error *err)
{
    require(rc >= 0 || (rc == STRATA_ERR_CORRUPT && strcmp(err->file, target->path) == 0),
            "%d: %s: %s", rc, err->file, err->message);
    return rc;
}

/* A scan, as a sum; `sound`: it must be whole and in order. */
static struct content scan(struct sstable *table, bool back, bool sound)
{
    struct cursor *c = target->kind->cursor(table, false);
    struct strata_error err = {.code = 0};
    struct strata_buffer before = {0};
    struct content content = {0};
    int rc;

    require(c, "no memory");
    rc = back ? c->ops->last(c, &err) : cursor_first(c, &err);
    while (told(rc, &err) == 0) {
        struct strata_slice value;
        int order = strata_compare(strata_buffer_slice(&before), c->key);
        require(!sound || !content.entries || (back ? order > 0 : order < 0), "no order");
        strata_buffer_clear(&before);
        strata_buffer_append(&before, c->key.data, c->key.size);
        if (told(c->ops->value(c, &value, &err), &err) == 0)
            content_add(&content, c->key, value);
        rc = back ? c->ops->prev(c, &err) : c->ops->next(c, &err);
        require(!sound || content.entries <= table->sum.records, "more entries than there are");
    }
    require(!sound || (rc > 0 && content.entries == table->sum.records), "a scan stops early");
    strata_buffer_free(&before);
    c->ops->free(c);
    return content;
}

/* Each key of a scan is found by a get, with its value; and one that is behind it, of no entry. */
static void check_gets(struct sstable *table, bool sound)
{
    struct cursor *c = target->kind->cursor(table, false);
    struct strata_error err = {.code = 0};
    struct strata_buffer value = {0};
    int rc;

    require(c, "no memory");
    for (rc = cursor_first(c, &err); told(rc, &err) == 0; rc = c->ops->next(c, &err)) {
        struct strata_slice want;
        unsigned type = 0;
        int found =
            told(target->kind->get(table, c->key, index_hash(c->key), &type, &value, &err), &err);
        require(!sound || (found == 0 && type == c->type), "a key is not found");
        if (sound && c->ops->value(c, &want, &err) == 0)
            require(strata_compare(strata_buffer_slice(&value), want) == 0, "another value");
    }
    strata_buffer_free(&value);
    c->ops->free(c);
}

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
    for (rc = cursor_first(c, NULL); rc == 0; rc = c->ops->next(c, NULL)) {
        struct strata_slice value;
        require(c->ops->value(c, &value, NULL) == 0, "value");
        require(target->kind->writer_add(writer, c->type, c->key, value, NULL) == 0, "add");
    }
    require(target->kind->writer_finish(writer, table->sum.first, table->sum.last, NULL) == 0,
            "finish");
    target->kind->writer_del(writer, true);
    require(fs_sim_get(env->fs, target->path, &again) == 0, "get");
    require(!target->canonical || strata_compare(strata_buffer_slice(&again), bytes) == 0,
            "other bytes");
    strata_buffer_free(&again);
    c->ops->free(c);
}

/* What was written anew holds the same. */
static void check_again(struct strata_env *env, void *common, const struct content *content)
{
    struct strata_error err = {.code = 0};
    struct sstable *table;
    struct content got;

    require(target->kind->open(env, common, NUMBER, &table, &err) == 0, "open: %s", err.message);
    require(target->kind->verify(table, &err) == 0, "verify: %s", err.message);
    got = scan(table, false, true);
    require(content_equal(&got, content), "another content");
    sstable_unref(table);
}

static bool check_table(struct sstable *table, struct strata_env *env, struct strata_slice bytes,
                        struct content *content)
{
    struct strata_error err = {.code = 0};
    bool sound = told(target->kind->verify(table, &err), &err) == 0;
    struct content forth = scan(table, false, sound), back = scan(table, true, sound);

    require(!sound || content_equal(&forth, &back), "scans differ");
    check_gets(table, sound);
    if (sound)
        check_written_anew(table, env, bytes);
    *content = forth;
    return sound;
}

/* Opens it and asks it everything. */
static void check_file(struct strata_env *env, void *common, bool damaged,
                       struct strata_slice bytes)
{
    struct strata_error err = {.code = 0};
    struct sstable *table;
    struct content content;
    bool sound;

    if (told(target->kind->open(env, common, NUMBER, &table, &err), &err) != 0)
        return;
    sound = check_table(table, env, bytes, &content);
    require(!sound || !damaged, "the dump sees damage, verify does not");
    sstable_unref(table);
    if (sound)
        check_again(env, common, &content);
}

void sorted_file_check(const struct sorted_file *file, struct strata_slice bytes)
{
    static struct strata_fs *base;
    static struct strata_options options;
    struct strata_error err = {.code = 0};
    struct strata_env env = {.dir = DATABASE_DIR, .options = &options};
    struct database db;
    struct inspect in;
    void *common = NULL;

    target = file;
    if (!base) {
        base = database_new(file->stage);
        strata_options_init(&options);
        options.cache_bytes = CACHE;
    }
    database_init(&db, base, file->path, bytes);
    env.fs = db.fs;
    in = database_inspect(&db, file->format);
    memory_watch(file->most_per_byte * bytes.size + memory_limit(bytes.size));
    require(!file->kind->common_new || file->kind->common_new(&env, &common, &err) == 0, "common");
    check_file(&env, common, in.damaged, bytes);
    if (common)
        file->kind->common_del(common);
    memory_watched();
    require(fs_sim_open_files(db.fs) == 0, "%zu files stay open", fs_sim_open_files(db.fs));
    database_free(&db);
}
