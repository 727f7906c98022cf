/* engine.c: stage 2, the hash index.
 *
 * How does a read stop costing the whole file? The log stays the data, and memory holds where
 * each live key's record stands: a get is one lookup and one read. The log is cut into segments,
 * so that dead space can be given back by merging closed ones.
 *
 * 2.I1: every entry of the index points at the newest put of its key.
 * 2.I2: the index changes after the append that it tells of, in steps that cannot fail. */
#include "hint.h"
#include "merge.h"
#include "tail.h"

#include <assert.h>
#include <stdlib.h>

#define WORTH_A_HINT 4 /* one part in so many of a full segment */

struct hash_store {
    const struct strata_env *env;
    struct keydir keydir;
};

/* ---- Opening and closing --------------------------------------------------------------- */

static int store_free(struct hash_store *store, struct strata_error *err)
{
    int rc = segments_close(&store->keydir.segments, err);
    index_free(&store->keydir.index);
    free(store);
    return rc;
}

/* Closes the last segment, too, so that the next open reads its hint. One that is nearly empty goes
 * on to be written to: else each of many short lives would leave a file of its own. */
static int seal_last(struct hash_store *store, struct strata_error *err)
{
    struct segments *set = &store->keydir.segments;
    const struct strata_options *options = store->env->options;
    struct segment *last = segments_active(set);
    int rc;

    if (!last || options->read_only || last->at.file->failed || !last->sum.records ||
        last->end < options->segment_bytes / WORTH_A_HINT)
        return 0;
    rc = segment_seal(last, err);
    if (rc == 0)
        hint_try(set, last);
    return rc;
}

static int store_close(void *self, struct strata_error *err)
{
    struct hash_store *store = self;
    int sealed = seal_last(store, err);
    int rc = store_free(store, sealed == 0 ? err : NULL);
    return sealed < 0 ? sealed : rc;
}

static int store_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    struct hash_store *store = calloc(1, sizeof *store);
    int rc;

    if (!store)
        return strata_fail_memory(err, sizeof *store);
    store->env = env;
    store->keydir.segments.magic = SEGMENT_MAGIC;
    store->keydir.segments.max_type = SEGMENT_DELETE_COLLIDING;
    rc = load_keydir(&store->keydir, env, err);
    if (rc < 0)
        store_free(store, NULL);
    else
        *self = store;
    return rc;
}

/* ---- Writing --------------------------------------------------------------------------- */

static int merge_and_hint(struct hash_store *store, size_t at, size_t count, bool asked,
                          struct strata_error *err)
{
    struct segments *set = &store->keydir.segments;
    struct strata_error why;
    bool tolerable = false;
    int rc = merge_run(&store->keydir, at, count, &tolerable, &why);

    if (rc == 0)
        hint_try(set, set->list[at]);
    if (rc == 0 || asked || !tolerable)
        return strata_fail_with(rc, &why, err);
    strata_env_warn(store->env, &why, "dead space is kept");
    return 0;
}

/* Closes the segment that is written to and starts the next one. */
static int rotate(struct hash_store *store, struct strata_error *err)
{
    struct segments *set = &store->keydir.segments;
    struct segment *full = segments_active(set);
    int rc = full ? segment_seal(full, err) : 0;

    if (rc == 0 && full)
        hint_try(set, full);
    return rc < 0 ? rc : load_start(set, err);
}

/* A full segment makes way, and the worst of the closed ones is merged: one a rotation. */
static int make_room(struct hash_store *store, struct strata_error *err)
{
    const struct segment *active = segments_active(&store->keydir.segments);
    size_t at, count;
    int rc = index_reserve(&store->keydir.index, 1, err);

    if (rc < 0 || (active && active->end < store->env->options->segment_bytes))
        return rc;
    rc = rotate(store, err);
    if (rc == 0 && merge_worst_run(&store->keydir, &at, &count))
        rc = merge_and_hint(store, at, count, false, err);
    return rc;
}

static int store_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                       struct strata_error *err)
{
    struct hash_store *store = self;
    struct keydir_match match;
    struct segment *active;
    uint64_t offset;
    int rc = make_room(store, err);

    assert(count == 1 && !sync); /* this stage promises no batch, and no synced writes */
    (void)count, (void)sync;
    if (rc == 0)
        rc = keydir_find(&store->keydir, ops->key, &match, NULL, NULL, err);
    if (rc < 0)
        return rc;
    if (rc == STRATA_NOT_FOUND && ops->type == STRATA_OP_DELETE)
        return 0; /* the index knows that it is not there: nothing to write */
    active = segments_active(&store->keydir.segments);
    assert(active);
    rc = segment_append(active, keydir_type(&match, ops->type), ops->key, ops->value, &offset,
                        err); /* the kernel has it */
    if (rc < 0)
        return rc;
    if (ops->type == STRATA_OP_PUT) /* 2.I2 */
        keydir_put(&store->keydir, &match, position_make(active->last, offset));
    else
        keydir_remove(&store->keydir, &match);
    return 0;
}

/* ---- Reading --------------------------------------------------------------------------- */

static int store_get(void *self, struct strata_slice key, struct strata_buffer *value,
                     struct strata_error *err)
{
    struct hash_store *store = self;
    struct keydir_match match;
    struct record record;
    int rc = keydir_find(&store->keydir, key, &match, value, &record, err);

    if (rc == 0)
        record_keep_value(&record, value);
    return rc;
}

static int store_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    struct hash_store *store = self;
    return keydir_iter(&store->keydir, out, err);
}

/* ---- Upkeep ---------------------------------------------------------------------------- */

static int store_compact(void *self, const struct strata_progress *progress,
                         struct strata_error *err)
{
    struct hash_store *store = self;
    struct segments *set = &store->keydir.segments;
    const struct segment *active = segments_active(set);
    uint64_t done = 0, total = segments_bytes(set);
    size_t at = 0, count;
    int rc = active && active->sum.records ? rotate(store, err) : 0;

    for (; rc == 0 && merge_next_run(&store->keydir, &at, &count); at++) {
        for (size_t i = at; i < at + count; i++)
            done += set->list[i]->end;
        rc = merge_and_hint(store, at, count, true, err);
        if (rc == 0 && progress)
            progress->tick(progress->arg, done, total);
    }
    return rc;
}

static int store_verify(void *self, const struct strata_progress *progress,
                        struct strata_error *err)
{
    struct hash_store *store = self;
    return keydir_verify(&store->keydir, progress, err);
}

static int store_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat),
                       void *arg, struct strata_error *err)
{
    const struct hash_store *store = self;
    const struct keydir *keydir = &store->keydir;
    const struct strata_stat loaded[] = {
        {"open_hints_used", "files", "segments that opening knew from their hints",
         keydir->hints_used},
        {"open_segments_read", "files", "segments that opening had to read", keydir->segments_read},
    };

    (void)err;
    keydir_stats(keydir, each, arg);
    each(arg, &loaded[0]);
    each(arg, &loaded[1]);
    return 0;
}

static const struct strata_format *const formats[] = {&segment_format, &hint_format, &tail_format,
                                                      NULL};

const struct strata_engine strata_stage_02_hash_index = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 2,
    .format = 1,
    .name = "02_hash_index",
    .survives = "clean exit, kill -9",
    .promises =
        STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_DAMAGE | STRATA_PROMISE_COMPACT,
    .formats = formats,
    .open = store_open,
    .close = store_close,
    .get = store_get,
    .write = store_write,
    .iter = store_iter,
    .compact = store_compact,
    .verify = store_verify,
    .stats = store_stats,
};
