/* mark.c: DIR/TAIL as a mark; its bytes are 02_hash_index/tail.c's. */
#include "mark.h"

#include <assert.h>
#include <stdlib.h>

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
    char *path = fs_join(env->dir, TAIL_NAME);
    int rc = path ? fs_open(env->fs, path, FS_WRITE | FS_CREATE, &marker->file, err)
                  : strata_fail_memory(err, sizeof TAIL_NAME);

    free(path);
    marker->there |= rc == 0;
    marker->last = (struct tail){.version = MARK_VERSION, .last = rc == 0 ? fs_boot(env->fs) : 0};
    return rc;
}

static int put_mark(struct mark_writer *marker, struct strata_error *err)
{
    uint8_t bytes[TAIL_BYTES];
    int rc;

    tail_encode(&marker->last, bytes);
    rc = fs_write_at(marker->file, 0, bytes, sizeof bytes, err);
    if (rc == 0)
        atomic_fetch_add_explicit(&marker->bytes, sizeof bytes, memory_order_relaxed);
    return rc;
}

static void write_mark(struct mark_writer *marker, const struct strata_env *env, uint64_t segment,
                       uint64_t end, bool doubted)
{
    struct tail *last = &marker->last;
    struct strata_error err;
    char text[600];
    int rc = marker->file ? 0 : open_marks(marker, env, &err);

    last->segment = segment;
    last->end = end;
    if (doubted)
        last->last = 0;
    if (rc == 0)
        rc = put_mark(marker, &err);
    if (rc == 0)
        return;
    marker->failed = true;
    strata_env_log(env, STRATA_LOG_WARNING,
                   "damage to the log's last writes may not be found after a crash: %s",
                   strata_error_text(&err, text, sizeof text));
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
static void remove_mark(const struct strata_env *env)
{
    char *path = fs_join(env->dir, TAIL_NAME), text[600];
    struct strata_error err;
    int rc = path ? fs_remove(env->fs, path, &err) : strata_fail_memory(&err, sizeof TAIL_NAME);

    if (rc < 0)
        strata_env_log(env, STRATA_LOG_WARNING, "the mark of the last sync stays: %s",
                       strata_error_text(&err, text, sizeof text));
    free(path);
}

void mark_end(struct mark_writer *marker, const struct strata_env *env, bool remove)
{
    fs_close(marker->file, NULL);
    if (remove && marker->there)
        remove_mark(env);
    *marker = (struct mark_writer){0};
}
