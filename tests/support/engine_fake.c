/* engine_fake.c: see engine_fake.h. */
#include "test.h"

#include "engine_fake.h"
#include "crash/sim/fs_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct engine_fake engine_fake;

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    size_t used = strlen(engine_fake.log);
    va_list args;
    va_start(args, format);
    vsnprintf(engine_fake.log + used, sizeof engine_fake.log - used, format, args);
    va_end(args);
}

static int answer(struct strata_error *err)
{
    return engine_fake.rc < 0 ? strata_fail(err, engine_fake.rc, "engine's", 5, "as told")
                              : engine_fake.rc;
}

static int fake_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    engine_fake.env = env;
    *self = &engine_fake;
    note("open%s|", env->is_new ? " new" : "");
    return engine_fake.open_rc < 0 ? strata_fail(err, engine_fake.open_rc, "engine's", 5, "as told")
                                   : 0;
}

static int fake_close(void *self, struct strata_error *err)
{
    assert_ptr_equal(self, &engine_fake);
    note("close|");
    return engine_fake.close_rc < 0
               ? strata_fail(err, engine_fake.close_rc, "engine's", 5, "as told")
               : 0;
}

static int fake_get(void *self, struct strata_slice key, struct strata_buffer *value,
                    struct strata_error *err)
{
    (void)self;
    note("get %zu|", key.size);
    strata_buffer_append(value, "something", 9);
    return answer(err);
}

static int fake_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                      struct strata_error *err)
{
    (void)self;
    note("write %zu%s%s|", count, count && ops->type == STRATA_OP_DELETE ? " delete" : "",
         sync ? " sync" : "");
    return answer(err);
}

struct fake_iter {
    struct strata_iter base;
    int at; /* keys are "0" to "9" */
    char key[2];
};

static int stand(struct strata_iter *base, int at, struct strata_error *err)
{
    struct fake_iter *iter = (struct fake_iter *)base;
    assert_false(base->positioned || base->has_value); /* dropped before every move */
    if (engine_fake.rc < 0)
        return answer(err);
    if (at < 0 || at >= engine_fake.keys)
        return STRATA_NOT_FOUND;
    iter->at = at;
    iter->key[0] = (char)('0' + at);
    base->key = strata_bytes(iter->key, 1);
    return 0;
}

static int iter_seek(struct strata_iter *iter, struct strata_slice key, struct strata_error *err)
{
    note("seek %.*s|", (int)key.size, key.data ? (const char *)key.data : "");
    return stand(iter, key.size ? key.data[0] - '0' : 0, err);
}

static int iter_last(struct strata_iter *iter, struct strata_error *err)
{
    note("last|");
    return stand(iter, engine_fake.keys - 1, err);
}

static int iter_next(struct strata_iter *iter, struct strata_error *err)
{
    note("next|");
    return stand(iter, ((struct fake_iter *)iter)->at + 1, err);
}

static int iter_prev(struct strata_iter *iter, struct strata_error *err)
{
    note("prev|");
    return stand(iter, ((struct fake_iter *)iter)->at - 1, err);
}

static int iter_value(struct strata_iter *iter, struct strata_error *err)
{
    note("value|");
    if (engine_fake.rc < 0)
        return answer(err);
    iter->value = iter->key;
    iter->has_value = true;
    return 0;
}

static void iter_free(struct strata_iter *iter)
{
    note("free|");
    free(iter);
}

static const struct strata_iter_ops iter_ops = {iter_seek, iter_last,  iter_next,
                                                iter_prev, iter_value, iter_free};

static int fake_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    struct fake_iter *iter;
    (void)self;
    note("iter|");
    if (engine_fake.rc)
        return answer(err);
    iter = calloc(1, sizeof *iter);
    iter->base.ops = &iter_ops;
    iter->base.positioned = iter->base.has_value = true; /* not the engine's to say */
    *out = &iter->base;
    return 0;
}

static int fake_sync(void *self, struct strata_error *err)
{
    (void)self;
    note("sync|");
    return answer(err);
}

static int fake_flush(void *self, struct strata_error *err)
{
    (void)self;
    note("flush|");
    return answer(err);
}

static int fake_compact(void *self, const struct strata_progress *progress,
                        struct strata_error *err)
{
    (void)self;
    note("compact%s|", progress ? " progress" : "");
    return answer(err);
}

static int fake_verify(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    (void)self;
    note("verify%s|", progress ? " progress" : "");
    return answer(err);
}

static int fake_backup(void *self, const char *to, const struct strata_progress *progress,
                       struct strata_error *err)
{
    (void)self;
    note(progress ? "backup %s progress|" : "backup %s|", to);
    return answer(err);
}

static int fake_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat),
                      void *arg, struct strata_error *err)
{
    struct strata_stat stat = {"fake_figure", "", "of the fake", 4711};
    (void)self;
    each(arg, &stat);
    return answer(err);
}

static int fake_events(void *self, void (*each)(void *arg, const struct strata_event *event),
                       void *arg, struct strata_error *err)
{
    struct strata_event event = {.type = STRATA_EVENT_SEAL, .name = "seal", .ns = 815};

    (void)self;
    (void)err;
    each(arg, &event);
    return 0;
}

static int fake_tables(void *self, void (*each)(void *arg, const struct strata_table *table),
                       void *arg, struct strata_error *err)
{
    struct strata_table table = {.number = 4711};
    (void)self;
    each(arg, &table);
    return answer(err);
}

static int fake_compact_range(void *self, struct strata_slice from, struct strata_slice to,
                              const struct strata_progress *progress, struct strata_error *err)
{
    (void)self;
    note(progress ? "compact [%.*s %.*s) progress|" : "compact [%.*s %.*s)|", (int)from.size,
         from.size ? (const char *)from.data : "", (int)to.size,
         to.size ? (const char *)to.data : "");
    return answer(err);
}

static int fake_snapshot(void *self, void **out, struct strata_error *err)
{
    (void)self;
    note("snapshot|");
    *out = &engine_fake.keys;
    return answer(err);
}

static void fake_snapshot_free(void *self, void *snapshot)
{
    (void)self;
    assert_ptr_equal(snapshot, &engine_fake.keys);
    note("snapshot_free|");
}

static int fake_snapshot_get(void *self, void *snapshot, struct strata_slice key,
                             struct strata_buffer *value, struct strata_error *err)
{
    assert_ptr_equal(snapshot, &engine_fake.keys);
    note("snapshot_");
    return fake_get(self, key, value, err);
}

static int fake_snapshot_iter(void *self, void *snapshot, struct strata_iter **out,
                              struct strata_error *err)
{
    assert_ptr_equal(snapshot, &engine_fake.keys);
    note("snapshot_");
    return fake_iter(self, out, err);
}

const struct strata_engine engine_fake_table = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 77,
    .format = 5,
    .name = "77_fake",
    .survives = "nothing",
    .open = fake_open,
    .close = fake_close,
    .get = fake_get,
    .write = fake_write,
    .iter = fake_iter,
    .sync = fake_sync,
    .flush = fake_flush,
    .compact = fake_compact,
    .verify = fake_verify,
    .backup = fake_backup,
    .stats = fake_stats,
    .snapshot = fake_snapshot,
    .snapshot_free = fake_snapshot_free,
    .snapshot_get = fake_snapshot_get,
    .snapshot_iter = fake_snapshot_iter,
    .tables = fake_tables,
    .compact_range = fake_compact_range,
    .events = fake_events,
};

int engine_fake_setup(void **state)
{
    memset(&engine_fake, 0, sizeof engine_fake);
    *state = fs_sim_new();
    return *state ? 0 : -1;
}

int engine_fake_teardown(void **state)
{
    struct strata_fs *fs = *state;
    size_t open = fs_sim_open_files(fs);
    if (open == 0)
        fs_free(fs);
    return open ? -1 : 0;
}

struct strata_options engine_fake_options(struct strata_fs *fs, const struct strata_engine *table)
{
    struct strata_options options;
    strata_options_init(&options);
    options.fs = fs;
    options.engine = table;
    options.create = true;
    return options;
}

struct strata *engine_fake_open(struct strata_fs *fs, const struct strata_engine *table)
{
    struct strata_options options = engine_fake_options(fs, table);
    struct strata_error err;
    struct strata *db;
    assert_ok(strata_open(ENGINE_FAKE_DIR, &options, &db, &err), &err);
    engine_fake.log[0] = '\0';
    return db;
}

void engine_fake_expect(const char *log)
{
    assert_string_equal(engine_fake.log, log);
    engine_fake.log[0] = '\0';
}

void engine_fake_close(struct strata *db)
{
    struct strata_error err;
    assert_ok(strata_close(db, &err), &err);
}
