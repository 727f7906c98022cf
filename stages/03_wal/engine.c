/* engine.c: stage 3, the write-ahead log.
 *
 * When may "ok" be said? When the bytes are on the device and will be found there: the log is
 * synced, the names of its files too, and after a power cut the reader can tell what was promised
 * from what was not. The data model is stage 2's: the log is the data, the index holds positions.
 * New are the frames (a batch is all or nothing), the sync policies, group commit, and the
 * checkpoint, so that opening need not read everything.
 *
 * Any thread may call anything; one mutex, free while the leader of a group syncs. */
#include "02_hash_index/merge.h"
#include "checkpoint.h"
#include "commit.h"

#include <stdlib.h>

/* ---- Opening and closing --------------------------------------------------------------- */

static int store_free(struct wal_store *store, struct strata_error *err)
{
    int rc = segments_close(&store->keydir.segments, err);
    mark_end(&store->marker, store->env, false); /* a clean close has replaced it */
    index_free(&store->keydir.index);
    commit_free(store);
    group_free(&store->group);
    free(store);
    return rc;
}

static int store_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    struct wal_store *store = calloc(1, sizeof *store);
    int rc;

    if (!store)
        return strata_fail_memory(err, sizeof *store);
    rc = group_init(&store->group, err);
    if (rc < 0) {
        free(store);
        return rc;
    }
    store->env = env;
    store->keydir.segments.durable = true;
    store->keydir.segments.magic = WAL_MAGIC;
    store->keydir.segments.max_type = WAL_FRAME;
    store->keydir.segments.ahead = FS_AHEAD;
    if (env->options->sync != STRATA_SYNC_ALWAYS)
        store->keydir.segments.ahead |= FS_MAPPED; /* beside a sync, a write costs nothing */
    rc = recover(&store->keydir, env, &store->opened, err);
    if (rc < 0) {
        store_free(store, NULL);
        return rc;
    }
    store->sequence = store->opened.sequence;
    store->synced = store->opened.synced;
    store->salt = store->opened.salt;
    store->synced_at_ns = fs_now(env->fs);
    store->since_checkpoint = store->opened.replayed;
    store->written = store->opened.unnoted;
    *self = store;
    return 0;
}

static int give_room_back(const struct wal_store *store, struct strata_error *err)
{
    const struct segment *last = segments_active(&store->keydir.segments);
    return last && last->at.file ? fs_trim(last->at.file, err) : 0;
}

/* What a clean close leaves: everything on the device, whatever the policy, and word of it. */
static int leave_tidy(struct wal_store *store, struct strata_error *err)
{
    struct group_commit sync = {.sync = true};
    const struct segment *last;
    struct tail tail;
    int rc;

    commit_list(store, &sync);
    if (sync.rc < 0)
        return strata_fail_with(sync.rc, &sync.err, err);
    rc = give_room_back(store, err); /* a full segment has made way to another one */
    if (rc == 0 && store->since_checkpoint >= checkpoint_bytes(&store->keydir))
        rc = commit_checkpoint(store, err);
    last = segments_active(&store->keydir.segments);
    tail = (struct tail){last->last, last->end, store->sequence, TAIL_VERSION};
    return rc < 0 ? rc : tail_write(store->env, &tail, true, err);
}

static int store_close(void *self, struct strata_error *err)
{
    struct wal_store *store = self;
    struct strata_error why = {0};
    int rc = 0, freed;

    if (!store->group.failed && !store->env->options->read_only)
        rc = give_room_back(store, &why);
    if (rc == 0 && store->written && !store->group.failed) {
        group_enter(&store->group);
        rc = leave_tidy(store, &why);
        group_leave(&store->group);
    }
    freed = store_free(store, rc == 0 ? err : NULL);
    return rc < 0 ? strata_fail_with(rc, &why, err) : freed;
}

/* ---- Writing --------------------------------------------------------------------------- */

static int store_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                       struct strata_error *err)
{
    struct wal_store *store = self;
    return group_write(&store->group, ops, count, sync, commit_list, store, err);
}

/* ---- Reading --------------------------------------------------------------------------- */

static int store_get(void *self, struct strata_slice key, struct strata_buffer *value,
                     struct strata_error *err)
{
    struct wal_store *store = self;
    struct keydir_match match;
    struct record record;
    int rc;

    sync_lock(&store->group.mutex);
    rc = keydir_find(&store->keydir, key, &match, value, &record, err);
    sync_unlock(&store->group.mutex);
    if (rc == 0)
        record_keep_value(&record, value);
    return rc;
}

static int store_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    struct wal_store *store = self;
    int rc;
    sync_lock(&store->group.mutex);
    rc = keydir_iter(&store->keydir, out, err);
    sync_unlock(&store->group.mutex);
    return rc;
}

/* ---- Upkeep ---------------------------------------------------------------------------- */

static int compact(struct wal_store *store, const struct strata_progress *progress,
                   struct strata_error *err)
{
    const struct segments *set = &store->keydir.segments;
    const struct segment *active = segments_active(set);
    size_t at = 0, count;
    int rc = group_usable(&store->group, store->env->dir, err);

    if (rc == 0 && (!active || active->sum.records || active->end == RECORD_FILE_HEADER))
        rc = commit_rotate(store, err); /* also where an earlier one found no memory */
    for (; rc == 0 && merge_next_run(&store->keydir, &at, &count); at++) {
        rc = commit_merge(store, at, count, true, err);
        if (rc == 0 && progress)
            progress->tick(progress->arg, at + 1, set->count);
    }
    store->written = true;
    return rc;
}

static int store_compact(void *self, const struct strata_progress *progress,
                         struct strata_error *err)
{
    struct wal_store *store = self;
    struct strata_error why;
    int rc;

    group_enter(&store->group);
    rc = compact(store, progress, &why);
    group_leave(&store->group);
    return strata_fail_with(rc, &why, err);
}

static bool store_is_writable(void *self)
{
    return !((struct wal_store *)self)->group.failed;
}

static int store_verify(void *self, const struct strata_progress *progress,
                        struct strata_error *err)
{
    struct wal_store *store = self;
    int rc;
    sync_lock(&store->group.mutex);
    rc = keydir_verify(&store->keydir, progress, err);
    sync_unlock(&store->group.mutex);
    return rc;
}

static int store_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat),
                       void *arg, struct strata_error *err)
{
    struct wal_store *store = self;

    (void)err;
    sync_lock(&store->group.mutex);
    const struct strata_stat stats[] = {
        {"sequence", "", "number of the next operation", store->sequence},
        {"commits", "batches", "committed since open", store->group.commits},
        {"groups", "groups", "appends that they were gathered into", store->group.leads},
        {"checkpoints", "files", "written since open", store->checkpoints},
        {"open_checkpoint", "", "1: opening used a checkpoint", store->opened.checkpoint},
        {"open_replayed", "bytes", "of log that opening read", store->opened.replayed},
        {"open_dropped", "bytes", "of a torn tail that opening dropped", store->opened.dropped},
    };
    keydir_stats(&store->keydir, each, arg);
    sync_unlock(&store->group.mutex);
    for (size_t i = 0; i < sizeof stats / sizeof *stats; i++)
        each(arg, &stats[i]);
    return 0;
}

static const struct strata_format *const formats[] = {&wal_format, &checkpoint_format, &tail_format,
                                                      NULL};

const struct strata_engine strata_stage_03_wal = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 3,
    .format = 1,
    .name = "03_wal",
    .survives = "clean exit, kill -9, power cut",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_POWER_CUT |
                STRATA_PROMISE_BATCH | STRATA_PROMISE_DAMAGE | STRATA_PROMISE_COMPACT |
                STRATA_PROMISE_THREADS,
    .formats = formats,
    .open = store_open,
    .close = store_close,
    .get = store_get,
    .write = store_write,
    .iter = store_iter,
    .compact = store_compact,
    .verify = store_verify,
    .stats = store_stats,
    .is_writable = store_is_writable,
};
