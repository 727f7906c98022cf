/* value_set.c: see value_set.h: which value files are known, and who holds them. */
#include "value_set_inside.h"
#include "04_memtable_sstable/log.h"
#include "09_fast_paths/log/single_op_log.h"
#include "base/array.h"
#include "base/bytes.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOG_TIMES 4u /* memtable_bytes: so the default is 256 MiB */
#define LOG_LEAST ((uint64_t)1 << 20)

uint64_t value_log_bytes(const struct strata_options *options)
{
    uint64_t memtable = options->memtable_bytes;

    memtable = memtable < UINT64_MAX / LOG_TIMES ? memtable * LOG_TIMES : UINT64_MAX;
    return memtable > LOG_LEAST ? memtable : LOG_LEAST;
}

int value_set_new(const struct strata_env *env, struct fs_pool *pool, struct clock_cache *blocks,
                  struct value_set **out, struct strata_error *err)
{
    struct value_set *set = calloc(1, sizeof *set);

    *out = set;
    if (!set)
        return strata_fail_memory(err, sizeof *set);
    set->env = env;
    set->pool = pool;
    set->blocks = blocks;
    set->mutex = (struct sync_mutex)SYNC_MUTEX_INIT;
    return 0;
}

void value_file_del(struct value_file *file)
{
    if (file->path)
        fs_pooled_close(&file->pooled, NULL);
    free(file->path);
    free(file);
}

void value_set_del(struct value_set *set)
{
    if (!set)
        return;
    while (set->count)
        value_file_del(set->files[--set->count]);
    free(set->files);
    value_cache_free(&set->cache);
    sync_mutex_free(&set->mutex);
    free(set);
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* The place of the first that is not before `number`. The mutex is held. */
static size_t find(const struct value_set *set, uint64_t number)
{
    size_t at = 0, n = set->count;

    while (n) {
        size_t half = n / 2;
        bool before = set->files[at + half]->number < number;
        at += before ? half + 1 : 0;
        n = before ? n - half - 1 : half;
    }
    return at;
}

struct value_file *value_file_of(const struct value_set *set, uint64_t number)
{
    size_t at = find(set, number);
    return at < set->count && set->files[at]->number == number ? set->files[at] : NULL;
}

int value_file_check(struct fs_file *file, uint64_t number, struct strata_error *err)
{
    const struct wal_kind *kind = &single_op_log;
    struct strata_error why;
    int rc = record_check_kind(file, VALUES_MAGIC, number, &why);

    if (rc == STRATA_ERR_CORRUPT && why.offset == 0)
        return log_check_header(file, number, &kind, err);
    return strata_fail_with(rc, &why, err);
}

/* 12.I10. */
static int check_header(const struct value_set *set, struct value_file *file,
                        struct strata_error *err)
{
    struct strata_error why;
    int rc = value_file_check(file->pooled.file, file->number, &why);

    if (rc != STRATA_ERR_CORRUPT)
        return strata_fail_with(rc, &why, err);
    strata_env_warn(set->env, &why, "its values are read as they are");
    return 0;
}

static int look_at(const struct value_set *set, struct value_file *file, struct strata_error *err)
{
    struct strata_error why;
    int rc = fs_pooled_use(&file->pooled, &why);

    if (rc < 0 && why.sys == ENOENT)
        return strata_fail(err, STRATA_ERR_CORRUPT, file->path, STRATA_NO_OFFSET,
                           "the value file is missing");
    if (rc < 0)
        return strata_fail_with(rc, &why, err);
    file->bytes = file->pooled.file->end;
    file->end = file->bytes;
    rc = check_header(set, file, err);
    fs_pooled_done(&file->pooled);
    return rc;
}

static int file_new(struct value_set *set, uint64_t number, const char *suffix,
                    struct value_file **out, struct strata_error *err)
{
    struct value_file *file = *out = calloc(1, sizeof *file);
    int rc;

    if (!file)
        return strata_fail_memory(err, sizeof *file);
    file->number = number;
    file->path = fs_join_number(set->env->dir, number, suffix);
    file->pooled.pool = set->pool;
    file->pooled.path = file->path;
    rc = file->path ? look_at(set, file, err) : strata_fail_memory(err, 64);
    if (rc < 0)
        value_file_del(file);
    return rc;
}

struct value_file *value_file_known(struct value_set *set, uint64_t number)
{
    struct value_file *file;

    sync_lock(&set->mutex);
    file = value_file_of(set, number);
    sync_unlock(&set->mutex);
    return file;
}

/* The mutex is held. */
static int add_file(struct value_set *set, uint64_t number, const char *suffix,
                    struct value_file **out, struct strata_error *err)
{
    struct value_file **place;
    int rc = 0;

    if (!set->cache.blocks)
        rc = value_cache_init(&set->cache, set->blocks, set->env->options->cache_bytes, err);
    if (rc == 0)
        rc = file_new(set, number, suffix, out, err);
    if (rc < 0)
        return rc;
    place =
        array_insert(&set->files, &set->count, &set->room, sizeof *place, find(set, number), err);
    if (place)
        *place = *out;
    else
        value_file_del(*out);
    return place ? 0 : STRATA_ERR_NO_MEMORY;
}

int value_set_hold(struct value_set *set, uint64_t number, const char *suffix,
                   struct value_file **file, struct strata_error *err)
{
    struct value_file *held;
    int rc = 0;

    sync_lock(&set->mutex);
    held = value_file_of(set, number);
    if (!held)
        rc = add_file(set, number, suffix, &held, err);
    if (rc == 0)
        held->holders++;
    sync_unlock(&set->mutex);
    if (rc == 0 && file)
        *file = held;
    return rc;
}

void value_set_release(struct value_set *set, uint64_t number)
{
    struct value_file *file;

    sync_lock(&set->mutex);
    file = value_file_of(set, number);
    assert(file && file->holders);
    file->holders--;
    sync_unlock(&set->mutex);
}

static int measure(const struct value_file *file, uint64_t *bytes, struct strata_error *err)
{
    int rc = fs_pooled_use(&file->pooled, err);

    if (rc < 0)
        return rc;
    rc = fs_size(file->pooled.file, bytes, err);
    fs_pooled_done(&file->pooled);
    return rc;
}

static bool is_named(struct value_set *set, const struct value_file *file)
{
    bool named;

    sync_lock(&set->mutex);
    named = file->named;
    sync_unlock(&set->mutex);
    return named;
}

static int add_name(const struct value_set *set, const struct value_file *file, char **path,
                    struct strata_error *err)
{
    int rc;

    *path = fs_join_number(set->env->dir, file->number, VALUES_SUFFIX);
    rc = *path ? fs_link(set->env->fs, file->path, *path, err) : strata_fail_memory(err, 64);
    if (rc < 0)
        free(*path);
    return rc;
}

/* An earlier attempt to install the flush may have made the name. */
int value_set_link(struct value_set *set, struct value_file *file, struct strata_error *err)
{
    char *path = NULL, *old = NULL;
    uint64_t bytes;
    int rc = is_named(set, file) ? 0 : add_name(set, file, &path, err);

    if (rc < 0)
        return rc;
    rc = measure(file, &bytes, err);
    sync_lock(&set->mutex);
    file->named = true;
    file->gone = false;
    if (rc == 0)
        file->bytes = bytes;
    if (path) {
        old = file->path;
        file->path = path;
        fs_pooled_rename(&file->pooled, path);
    }
    sync_unlock(&set->mutex);
    free(old);
    return rc;
}
