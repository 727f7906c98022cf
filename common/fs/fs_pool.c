/* fs_pool.c: see fs_pool.h. The file to close is chosen by the second-chance (clock) algorithm: a
 * hand goes round the list, skips each file that was read since the hand last passed, and takes the
 * first other one.
 *
 * I1: a file is closed only while it has no users. A user first increments `users`, then loads the
 *     file pointer; the closing thread first marks the file as closing, then checks for users. So
 *     at least one of the two sees the other, and reading an open file takes no mutex.
 * I2: a file that is written to is not in the list and is never closed here.
 * I3: the list is longer than `limit` only while all files in it are in use. */
#include "fs/fs_pool.h"
#include "threads/sync.h"
#include "strata_engine.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define SHARE 4 /* one in so many of the files that a process may have open ... */
#define LEAST 8 /* ... but not fewer than this */
#define CLOSING (UINT_MAX / 2 + 1) /* added to `users` while the file is being closed */

struct fs_pool {
    struct sync_mutex mutex; /* guards the rest, and opening and closing */
    struct strata_fs *fs;
    struct fs_pooled **list; /* those with a file that may be closed */
    size_t count, capacity, limit, hand;
};

int fs_pool_new(struct strata_fs *fs, struct fs_pool **out, struct strata_error *err)
{
    struct fs_pool *pool = calloc(1, sizeof *pool);

    if (!pool || sync_mutex_init(&pool->mutex) != 0) {
        free(pool);
        return strata_fail_memory(err, sizeof *pool);
    }
    pool->fs = fs;
    pool->limit = fs_open_max(fs) / SHARE;
    if (pool->limit < LEAST)
        pool->limit = LEAST;
    *out = pool;
    return 0;
}

void fs_pool_del(struct fs_pool *pool)
{
    if (!pool)
        return;
    sync_mutex_free(&pool->mutex);
    free(pool->list);
    free(pool);
}

/* ---- The list -------------------------------------------------------------------------- */

static int reserve(struct fs_pool *pool, struct strata_error *err)
{
    size_t capacity = pool->capacity ? 2 * pool->capacity : 8;
    struct fs_pooled **bigger;

    if (pool->count < pool->capacity)
        return 0;
    bigger = realloc(pool->list, capacity * sizeof(struct fs_pooled *));
    if (!bigger)
        return strata_fail_memory(err, capacity * sizeof(struct fs_pooled *));
    pool->list = bigger;
    pool->capacity = capacity;
    return 0;
}

static void add(struct fs_pool *pool, struct fs_pooled *f)
{
    f->listed = true;
    f->slot = pool->count;
    pool->list[pool->count++] = f;
}

static void drop(struct fs_pool *pool, struct fs_pooled *f)
{
    struct fs_pooled *last = pool->list[--pool->count];

    pool->list[f->slot] = last;
    last->slot = f->slot;
    f->listed = false;
}

/* I1. The file, which now has no users; or NULL: it is in use. */
static struct fs_file *take_file(struct fs_pooled *f)
{
    unsigned nobody = 0;
    struct fs_file *file;

    if (!atomic_compare_exchange_strong(&f->users, &nobody, CLOSING))
        return NULL;
    file = atomic_exchange(&f->file, NULL);
    atomic_fetch_sub(&f->users, CLOSING);
    return file;
}

/* Closes one file; false: all are in use. (Closing a file that was only read loses nothing.) */
static bool close_one(struct fs_pool *pool)
{
    for (size_t steps = 2 * pool->count; steps > 0; steps--, pool->hand++) {
        struct fs_pooled *f;
        struct fs_file *file;

        if (pool->hand >= pool->count)
            pool->hand = 0;
        f = pool->list[pool->hand];
        if (atomic_exchange(&f->recent, false) || !(file = take_file(f)))
            continue;
        drop(pool, f);
        fs_close(file, NULL);
        return true;
    }
    return false;
}

static int open_again(struct fs_pool *pool, struct fs_pooled *f, struct strata_error *err)
{
    struct strata_error why;
    struct fs_file *file;
    int rc;

    while (pool->count >= pool->limit && close_one(pool))
        ;
    rc = reserve(pool, err);
    if (rc < 0)
        return rc;
    do /* the process may have no descriptor left: an idle file of the pool is closed */
        rc = fs_open(pool->fs, f->path, FS_READ, &file, &why);
    while (rc < 0 && (why.sys == EMFILE || why.sys == ENFILE) && close_one(pool));
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    add(pool, f);
    atomic_store(&f->file, file);
    return 0;
}

/* ---- Users ----------------------------------------------------------------------------- */

int fs_pooled_use(const struct fs_pooled *f, struct strata_error *err)
{
    /* whether it is open is no part of what a file is: readers have it const */
    struct fs_pooled *s = (struct fs_pooled *)(uintptr_t)f;
    int rc = 0;

    if (atomic_fetch_add(&s->users, 1) >= CLOSING || !atomic_load(&s->file)) {
        sync_lock(&s->pool->mutex);
        if (!atomic_load(&s->file))
            rc = open_again(s->pool, s, err);
        sync_unlock(&s->pool->mutex);
    }
    if (rc < 0)
        fs_pooled_done(f);
    else if (!atomic_load_explicit(&s->recent, memory_order_relaxed))
        atomic_store_explicit(&s->recent, true, memory_order_relaxed);
    return rc;
}

void fs_pooled_done(const struct fs_pooled *f)
{
    atomic_fetch_sub(&((struct fs_pooled *)(uintptr_t)f)->users, 1);
}

int fs_pooled_read(const struct fs_pooled *f, uint64_t offset, void *to, size_t size,
                   struct strata_error *err)
{
    int rc = fs_pooled_use(f, err);

    if (rc < 0)
        return rc;
    rc = fs_read_exactly(f->file, offset, to, size, err);
    fs_pooled_done(f);
    return rc;
}

void fs_pooled_rename(struct fs_pooled *f, const char *path)
{
    sync_lock(&f->pool->mutex);
    f->path = path;
    sync_unlock(&f->pool->mutex);
}

int fs_pooled_hold(struct fs_pooled *f, struct strata_error *err)
{
    int rc;

    sync_lock(&f->pool->mutex);
    rc = f->file ? 0 : open_again(f->pool, f, err);
    if (rc == 0 && f->listed)
        drop(f->pool, f);
    sync_unlock(&f->pool->mutex);
    return rc;
}

int fs_pooled_retire(struct fs_pooled *f, struct strata_error *err)
{
    struct fs_pool *pool = f->pool;
    struct fs_file *file;
    int rc = 0;

    sync_lock(&pool->mutex);
    if (!f->listed && f->file) {
        file = take_file(f);
        if (file)
            rc = fs_close(file, err);
        else if (reserve(pool, NULL) == 0)
            add(pool, f); /* in use, or else it just stays open */
    }
    sync_unlock(&pool->mutex);
    return rc;
}

int fs_pooled_close(struct fs_pooled *f, struct strata_error *err)
{
    struct fs_pool *pool = f->pool;
    struct fs_file *file;

    sync_lock(&pool->mutex);
    if (f->listed)
        drop(pool, f);
    file = atomic_exchange(&f->file, NULL);
    sync_unlock(&pool->mutex);
    return fs_close(file, err);
}
