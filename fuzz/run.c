/* run.c: a run of stage 4 (stages/04_memtable_sstable/run.c): the bytes are 000002.run. There is no
 * list of runs: it would refuse all but the one that it names, by size and digest.
 *
 * Whatever the bytes: opening, searching and scanning end, in an answer or in damage that is told
 * with the file, and take no more memory than the bytes explain. And of a run that verifies:
 *   - scans both ways give as many entries as it says, in order, and a get gives the same;
 *   - the annotated dump sees no damage in it;
 *   - its entries, written anew, make the same bytes. */
#include "04_memtable_sstable/run.h"
#include "content.h"
#include "database.h"
#include "fuzz.h"
#include "memory.h"

#include <string.h>

#define NUMBER 2
#define PATH DATABASE_DIR "/000002.run"
#define AGAIN DATABASE_DIR "/again.run"

static struct strata_options options;

/* 0, a normal "no", or damage that says where. */
static int told(int rc, const struct strata_error *err)
{
    require(rc >= 0 || (rc == STRATA_ERR_CORRUPT && strcmp(err->file, PATH) == 0), "%d: %s: %s", rc,
            err->file, err->message);
    return rc;
}

/* A scan, as a sum; `sound`: it must be whole and in order. */
static struct content scan(struct sstable *run, bool back, bool sound)
{
    struct cursor *c = run_cursor(run);
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
        require(content.entries <= run->sum.records, "more entries than there are");
    }
    require(!sound || (rc > 0 && content.entries == run->sum.records), "a scan stops early");
    strata_buffer_free(&before);
    c->ops->free(c);
    return content;
}

/* Each key of a scan is found by a get, with its value; and one that is behind it, of no entry. */
static void check_gets(struct sstable *run, bool sound)
{
    struct cursor *c = run_cursor(run);
    struct strata_error err = {.code = 0};
    struct strata_buffer value = {0};
    int rc;

    require(c, "no memory");
    for (rc = cursor_first(c, &err); told(rc, &err) == 0; rc = c->ops->next(c, &err)) {
        struct strata_slice want;
        unsigned type = 0;
        int found = told(run_get(run, c->key, 0, &type, &value, &err), &err);
        require(!sound || (found == 0 && type == c->type), "a key is not found");
        if (sound && c->ops->value(c, &want, &err) == 0)
            require(strata_compare(strata_buffer_slice(&value), want) == 0, "another value");
    }
    strata_buffer_free(&value);
    c->ops->free(c);
}

static void check_written_anew(struct sstable *run, struct strata_env *env,
                               struct strata_slice bytes)
{
    struct cursor *c = run_cursor(run);
    struct sstable_writer *writer;
    struct strata_buffer again = {0};
    int rc;

    require(c, "no memory");
    require(fs_rename(env->fs, PATH, AGAIN, NULL) == 0, "rename");
    require(run_writer_new(env, NUMBER, &writer, NULL) == 0, "begin");
    for (rc = cursor_first(c, NULL); rc == 0; rc = c->ops->next(c, NULL)) {
        struct strata_slice value;
        require(c->ops->value(c, &value, NULL) == 0, "value");
        require(run_writer_add(writer, c->type, c->key, value, NULL) == 0, "add");
    }
    require(run_writer_finish(writer, run->sum.first, run->sum.last, NULL) == 0, "finish");
    run_writer_del(writer, true);
    require(fs_sim_get(env->fs, PATH, &again) == 0, "get");
    require(strata_compare(strata_buffer_slice(&again), bytes) == 0, "other bytes");
    strata_buffer_free(&again);
    c->ops->free(c);
}

static void check_run(struct sstable *run, struct strata_env *env, struct strata_slice bytes)
{
    struct strata_error err = {.code = 0};
    bool sound = told(run_verify(run, &err), &err) == 0;
    struct content forth = scan(run, false, sound), back = scan(run, true, sound);

    require(!sound || content_equal(&forth, &back), "scans differ");
    check_gets(run, sound);
    if (sound)
        check_written_anew(run, env, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *base;
    struct strata_slice bytes = strata_bytes(data, size);
    struct strata_error err = {.code = 0};
    struct strata_env env = {.dir = DATABASE_DIR, .options = &options};
    struct database db;
    struct inspect in;
    struct sstable *run;

    if (!base) {
        base = database_new(4);
        strata_options_init(&options);
    }
    database_init(&db, base, PATH, bytes);
    env.fs = db.fs;
    in = database_inspect(&db, &run_format);
    memory_watch(memory_limit(size));
    if (told(run_open(&env, NULL, NUMBER, &run, &err), &err) == 0) {
        require(!in.damaged || run_verify(run, NULL) < 0, "the dump sees damage, verify does not");
        check_run(run, &env, bytes);
        sstable_unref(run);
    }
    memory_watched();
    require(fs_sim_open_files(db.fs) == 0, "%zu files stay open", fs_sim_open_files(db.fs));
    database_free(&db);
    return 0;
}
