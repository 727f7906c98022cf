/* value_set.c: see value_set.h. */
#include "value_set.h"
#include "04_memtable_sstable/log.h"
#include "09_fast_paths/log/single_op_log.h"
#include "12_value_log/values/live.h"
#include "base/array.h"
#include "base/bytes.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int value_set_new(const struct strata_env *env, struct fs_pool *pool, struct value_set **out,
                  struct strata_error *err)
{
    struct value_set *set = calloc(1, sizeof *set);

    *out = set;
    if (!set)
        return strata_fail_memory(err, sizeof *set);
    set->env = env;
    set->pool = pool;
    set->mutex = (struct sync_mutex)SYNC_MUTEX_INIT;
    return 0;
}

static void file_del(struct value_file *file)
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
        file_del(set->files[--set->count]);
    free(set->files);
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

static struct value_file *file_of(const struct value_set *set, uint64_t number)
{
    size_t at = find(set, number);
    return at < set->count && set->files[at]->number == number ? set->files[at] : NULL;
}

/* A log, of either kind, or what a collection wrote. */
static int check_kind(struct fs_file *file, uint64_t number, struct strata_error *err)
{
    const struct wal_kind *kind = &single_op_log;
    struct strata_error why;
    int rc = record_check_kind(file, VALUES_MAGIC, number, &why);

    if (rc == STRATA_ERR_CORRUPT && why.offset == 0)
        return log_check_header(file, number, &kind, err);
    return strata_fail_with(rc, &why, err);
}

static int look_at(struct value_file *file, struct strata_error *err)
{
    struct strata_error why;
    int rc = fs_pooled_use(&file->pooled, &why);

    if (rc < 0 && why.sys == ENOENT)
        return strata_fail(err, STRATA_ERR_CORRUPT, file->path, STRATA_NO_OFFSET,
                           "the value file is missing");
    if (rc < 0)
        return strata_fail_with(rc, &why, err);
    file->bytes = file->pooled.file->end;
    rc = check_kind(file->pooled.file, file->number, err);
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
    rc = file->path ? look_at(file, err) : strata_fail_memory(err, 64);
    if (rc < 0)
        file_del(file);
    return rc;
}

/* The mutex is held. */
static int add_file(struct value_set *set, uint64_t number, const char *suffix,
                    struct value_file **out, struct strata_error *err)
{
    struct value_file **place;
    int rc = file_new(set, number, suffix, out, err);

    if (rc < 0)
        return rc;
    place =
        array_insert(&set->files, &set->count, &set->room, sizeof *place, find(set, number), err);
    if (place)
        *place = *out;
    else
        file_del(*out);
    return place ? 0 : STRATA_ERR_NO_MEMORY;
}

int value_set_hold(struct value_set *set, uint64_t number, const char *suffix,
                   struct value_file **file, struct strata_error *err)
{
    struct value_file *held;
    int rc = 0;

    sync_lock(&set->mutex);
    held = file_of(set, number);
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
    file = file_of(set, number);
    assert(file && file->holders);
    file->holders--;
    sync_unlock(&set->mutex);
}

static int measure(struct value_file *file, struct strata_error *err)
{
    int rc = fs_pooled_use(&file->pooled, err);

    if (rc < 0)
        return rc;
    rc = fs_size(file->pooled.file, &file->bytes, err);
    fs_pooled_done(&file->pooled);
    return rc;
}

/* An earlier attempt to install the flush may have made the name. */
int value_set_link(struct value_set *set, struct value_file *file, struct strata_error *err)
{
    char *path = fs_join_number(set->env->dir, file->number, VALUES_SUFFIX), *old;
    struct strata_error why;
    int rc = path ? fs_link(set->env->fs, file->path, path, &why) : strata_fail_memory(&why, 64);
    bool linked = file->named;

    if (linked) {
        free(path);
        rc = 0;
    } else if (rc < 0) {
        free(path);
        return strata_fail_with(rc, &why, err);
    }
    rc = measure(file, err);
    sync_lock(&set->mutex);
    file->named = true;
    file->gone = false;
    if (!linked) {
        old = file->path;
        file->path = path;
        fs_pooled_rename(&file->pooled, path);
        free(old);
    }
    sync_unlock(&set->mutex);
    return rc;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* A log's path changes with its name, while it is read (value_set_link). */
static int corrupt(struct value_set *set, const struct value_file *file,
                   const struct pointer *pointer, const char *what, struct strata_error *err)
{
    sync_lock(&set->mutex);
    strata_fail(err, STRATA_ERR_CORRUPT, file->path, pointer->offset, "%s", what);
    sync_unlock(&set->mutex);
    return STRATA_ERR_CORRUPT;
}

/* The file is in use. A log grows: what it has now is asked for when the pointer is beyond. */
static int check_end(struct value_set *set, struct value_file *file, const struct pointer *pointer,
                     uint64_t size, struct strata_error *err)
{
    uint64_t end = file->pooled.file->end;
    int rc = 0;

    if (pointer->offset > end || size > end - pointer->offset)
        rc = fs_size(file->pooled.file, &end, err);
    if (rc == 0 && (pointer->offset > end || size > end - pointer->offset))
        rc = corrupt(set, file, pointer, "the file ends before a value that a pointer says is here",
                     err);
    return rc;
}

static int read_record(struct value_set *set, struct value_file *file,
                       const struct pointer *pointer, uint64_t size, struct strata_buffer *to,
                       struct strata_error *err)
{
    int rc = fs_pooled_use(&file->pooled, err);

    if (rc < 0)
        return rc;
    rc = check_end(set, file, pointer, size, err);
    strata_buffer_clear(to);
    if (rc == 0 && buffer_reserve(to, size) < 0)
        rc = strata_fail_memory(err, size);
    if (rc == 0)
        rc = fs_read_exactly(file->pooled.file, pointer->offset, to->data, size, err);
    fs_pooled_done(&file->pooled);
    if (rc == 0)
        to->size = size;
    return rc;
}

/* 12.I2: a head is made of what was read, with the checks that it must have. */
static const char *check_record(const struct pointer *pointer, struct strata_slice key,
                                const struct strata_buffer *record)
{
    struct strata_slice found = {record->data + RECORD_HEAD, key.size};
    struct strata_slice value = {found.data + key.size, pointer->size};
    uint8_t type = record->data[4], head[RECORD_HEAD];

    if (type != STRATA_OP_PUT && type != SINGLE_OP_PUT)
        return "no value is here, where a pointer says one is";
    record_head(pointer->number, pointer->offset, type, found, value, head);
    if (memcmp(head, record->data, sizeof head) != 0)
        return "the value has another check than its record's head";
    if (load_u32(head + RECORD_HEAD - 4) != pointer->check)
        return "the value has another check than the pointer";
    return strata_compare(found, key) == 0 ? NULL : "the value here is that of another key";
}

static struct value_file *known_file(struct value_set *set, uint64_t number)
{
    struct value_file *file;

    sync_lock(&set->mutex);
    file = file_of(set, number);
    sync_unlock(&set->mutex);
    return file;
}

int value_set_read(struct value_set *set, const struct pointer *pointer, struct strata_slice key,
                   struct strata_buffer *value, struct strata_error *err)
{
    struct value_file *file = known_file(set, pointer->number);
    uint64_t size = pointer_record(pointer, key.size);
    const char *wrong;
    int rc;

    if (!file)
        return strata_fail(err, STRATA_ERR_CORRUPT, set->env->dir, STRATA_NO_OFFSET,
                           "a pointer into value file %llu, which its table does not name",
                           (unsigned long long)pointer->number);
    rc = read_record(set, file, pointer, size, value, err);
    wrong = rc == 0 ? check_record(pointer, key, value) : NULL;
    if (wrong)
        rc = corrupt(set, file, pointer, wrong, err);
    if (rc < 0) {
        strata_buffer_clear(value);
        return rc;
    }
    memmove(value->data, value->data + RECORD_HEAD + key.size, pointer->size);
    value->size = pointer->size;
    return 0;
}

int value_set_peek(struct value_set *set, const struct pointer *pointer, size_t key_size,
                   uint8_t *to, size_t *size, struct strata_error *err)
{
    struct value_file *file = known_file(set, pointer->number);
    uint64_t end = pointer->offset + pointer_record(pointer, key_size);
    int rc;

    assert(file);
    *size = pointer->size < *size ? pointer->size : *size;
    rc = fs_pooled_use(&file->pooled, err);
    if (rc < 0)
        return rc;
    rc = fs_read_exactly(file->pooled.file, end - *size, to, *size, err);
    fs_pooled_done(&file->pooled);
    return rc;
}

/* ---- Backup ---------------------------------------------------------------------------------- */

static int link_file(struct value_set *set, uint64_t number, const char *to,
                     struct strata_error *err)
{
    const struct value_file *file = known_file(set, number);
    char *path = fs_join_number(to, number, VALUES_SUFFIX);
    int rc = path ? fs_link_or_copy(set->env->fs, file->path, FS_WHOLE, path, NULL, err)
                  : strata_fail_memory(err, 64);

    free(path);
    return rc;
}

/* Has a table before this one the file, too? */
static bool is_before(const struct version *v, size_t before, uint64_t number)
{
    for (size_t i = 0; i < before; i++)
        if (live_of(&v->all[i]->user, number).values)
            return true;
    return false;
}

typedef int file_call(struct value_set *set, uint64_t number, const char *to,
                      struct strata_error *err);

static int each_file(struct value_set *set, const struct version *v, const char *to,
                     file_call *call, struct strata_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < v->count; i++)
        for (size_t at = live_count(&v->all[i]->user); rc == 0 && at--;) {
            uint64_t number = live_at(&v->all[i]->user, at).number;
            if (!is_before(v, i, number))
                rc = call(set, number, to, err);
        }
    return rc;
}

int value_set_link_all(struct value_set *set, const struct version *v, const char *to,
                       struct strata_error *err)
{
    return each_file(set, v, to, link_file, err);
}

/* ---- What is live ---------------------------------------------------------------------------- */

static void count_table(struct value_set *set, const struct sstable *table)
{
    size_t count = live_count(&table->user);

    for (size_t i = 0; i < count; i++) {
        struct live live = live_at(&table->user, i);
        struct value_file *file = file_of(set, live.number);
        if (!file)
            continue;
        file->live += live.bytes;
        file->values += live.values;
        file->named = true;
    }
}

void value_set_count(struct value_set *set, const struct version *version)
{
    sync_lock(&set->mutex);
    for (size_t i = 0; i < set->count; i++)
        set->files[i]->live = set->files[i]->values = 0;
    for (size_t i = 0; i < version->count; i++)
        count_table(set, version->all[i]);
    for (size_t i = 0; i < set->count; i++)
        set->files[i]->gone = set->files[i]->named && !set->files[i]->values;
    sync_unlock(&set->mutex);
}

/* The mutex is held. */
static void drop(struct value_set *set, size_t at, struct obsolete_files *obsolete)
{
    struct value_file *file = set->files[at];

    obsolete_add(obsolete, set->env, strdup(file->path), file->bytes, NULL);
    file_del(file);
    memmove(set->files + at, set->files + at + 1, (--set->count - at) * sizeof *set->files);
}

void value_set_sweep(struct value_set *set, struct obsolete_files *obsolete)
{
    sync_lock(&set->mutex);
    for (size_t i = set->count; i--;)
        if (set->files[i]->gone && !set->files[i]->holders)
            drop(set, i, obsolete);
    sync_unlock(&set->mutex);
}

/* A file with `value_garbage` percent of dead bytes. */
static bool is_garbage(const struct value_set *set, const struct value_file *file)
{
    uint64_t most = 100 - set->env->options->value_garbage;

    return file->values && !file->damaged && file->live * 100 <= file->bytes * most;
}

int value_set_garbage(struct value_set *set, uint64_t **numbers, size_t *count,
                      struct strata_error *err)
{
    size_t room;

    *count = 0;
    sync_lock(&set->mutex);
    room = set->count * sizeof **numbers;
    *numbers = room ? malloc(room) : NULL;
    for (size_t i = 0; *numbers && i < set->count; i++)
        if (is_garbage(set, set->files[i]))
            (*numbers)[(*count)++] = set->files[i]->number;
    sync_unlock(&set->mutex);
    if (room && !*numbers)
        return strata_fail_memory(err, room);
    if (!*count) {
        free(*numbers);
        *numbers = NULL;
    }
    return 0;
}

void value_set_blame(struct value_set *set, uint64_t number)
{
    struct value_file *file;

    sync_lock(&set->mutex);
    file = file_of(set, number);
    if (file)
        file->damaged = true;
    sync_unlock(&set->mutex);
}

void value_set_give_up(struct value_set *set, uint64_t number)
{
    struct value_file *file;

    sync_lock(&set->mutex);
    file = file_of(set, number);
    if (file && !file->named)
        file->named = file->gone = true;
    sync_unlock(&set->mutex);
}

/* ---- Verification ---------------------------------------------------------------------------- */

static int verify_file(struct value_set *set, uint64_t number, const char *unused,
                       struct strata_error *err)
{
    struct value_file *file = known_file(set, number);
    struct record_reader reader;
    struct record record;
    struct fs_file *anew;
    int rc =
        fs_open_named(set->env->fs, file->path, FS_READ, "the value file is missing", &anew, err);

    (void)unused;
    if (rc < 0)
        return rc;
    record_reader_init(&reader, anew, file->number, anew->end);
    reader.max_type = SINGLE_OP_DELETE;
    rc = check_kind(anew, file->number, err);
    while (rc == 0)
        rc = record_next(&reader, &record, err);
    if (rc == RECORD_TORN)
        rc = strata_fail(err, STRATA_ERR_CORRUPT, file->path, reader.at,
                         "the value file ends inside a record");
    record_reader_free(&reader);
    fs_close(anew, NULL);
    return rc < 0 ? rc : 0;
}

int value_set_verify(struct value_set *set, const struct version *v, struct strata_error *err)
{
    return each_file(set, v, NULL, verify_file, err);
}
