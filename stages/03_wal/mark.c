/* mark.c: DIR/TAIL as a mark; its bytes are 02_hash_index/tail.c's. */
#include "mark.h"

#include <assert.h>

uint64_t mark_known(const struct tail *tail, uint64_t number)
{
    return tail->segment == number ? tail->end : 0;
}

bool mark_same_boot(const struct tail *tail, struct strata_fs *fs, uint64_t number)
{
    return mark_is(tail) && tail->segment == number && tail->last && tail->last == fs_boot(fs);
}

static int open_marks(struct mark_writer *marker, const struct strata_env *env,
                      struct strata_error *err)
{
    int rc = fs_open_in(env->fs, env->dir, TAIL_NAME, FS_WRITE | FS_CREATE, &marker->file, err);

    marker->there |= rc == 0;
    marker->last = (struct tail){.version = MARK_VERSION, .last = rc == 0 ? fs_boot(env->fs) : 0};
    return rc;
}

static void write_mark(struct mark_writer *marker, const struct strata_env *env, uint64_t segment,
                       uint64_t end, bool doubted)
{
    struct tail *last = &marker->last;
    uint8_t bytes[TAIL_BYTES];
    struct strata_error err;
    int rc = marker->file ? 0 : open_marks(marker, env, &err);

    last->segment = segment;
    last->end = end;
    if (doubted)
        last->last = 0;
    tail_encode(last, bytes);
    if (rc == 0)
        rc = fs_write_at(marker->file, 0, bytes, sizeof bytes, &err);
    if (rc == 0) {
        atomic_fetch_add_explicit(&marker->bytes, sizeof bytes, memory_order_relaxed);
        return;
    }
    marker->failed = true;
    strata_env_warn(env, &err, "damage to the log's last writes may not be found after a crash");
}

void mark_write(struct mark_writer *marker, const struct strata_env *env, uint64_t segment,
                uint64_t end)
{
    assert(marker->last.segment != segment || marker->last.end <= end || marker->failed);
    if (!marker->failed && (marker->last.segment != segment || marker->last.end != end))
        write_mark(marker, env, segment, end, false);
}

void mark_doubt(struct mark_writer *marker, const struct strata_env *env, uint64_t segment,
                uint64_t end)
{
    write_mark(marker, env, segment, end, true);
    marker->failed = true;
}

/* One that stays says less than is known by then, and nothing wrong. */
int mark_sync(struct mark_writer *marker, const struct strata_env *env, struct fs_file *file,
              uint64_t number, uint64_t end, uint64_t *synced, uint64_t *synced_at_ns,
              struct sync_mutex *mutex, struct strata_error *err)
{
    int rc;

    if (end == *synced)
        return 0;
    sync_unlock(mutex);
    rc = fs_sync(file, err);
    if (rc == 0)
        mark_write(marker, env, number, end);
    else
        mark_doubt(marker, env, number, *synced < end ? *synced : 0);
    sync_lock(mutex);
    if (rc < 0)
        return rc;
    *synced = end;
    *synced_at_ns = fs_now(env->fs);
    return 0;
}

bool mark_sync_due(const struct strata_env *env, uint64_t unsynced, uint64_t synced_at_ns)
{
    const struct strata_options *options = env->options;
    uint64_t interval_ns = (uint64_t)options->sync_interval_ms * 1000000;

    return options->sync == STRATA_SYNC_INTERVAL && (unsynced >= options->sync_interval_bytes ||
                                                     fs_now(env->fs) - synced_at_ns >= interval_ns);
}

void mark_end(struct mark_writer *marker, const struct strata_env *env, bool remove)
{
    struct strata_error err;

    fs_close(marker->file, NULL);
    if (remove && marker->there && fs_remove_if_there(env->fs, env->dir, TAIL_NAME, &err) < 0)
        strata_env_warn(env, &err, "the mark of the last sync stays");
    *marker = (struct mark_writer){0};
}
