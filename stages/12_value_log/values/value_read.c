/* value_read.c: the reading of a value that a pointer says the place of (12.I2). */
#include "value_set_inside.h"
#include "09_fast_paths/log/single_op_log.h"
#include "base/bytes.h"

#include <assert.h>
#include <string.h>

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
    uint64_t end = atomic_load_explicit(&file->end, memory_order_relaxed);
    int rc = 0;

    if (pointer->offset <= end && size <= end - pointer->offset)
        return 0;
    rc = fs_size(file->pooled.file, &end, err);
    if (rc < 0)
        return rc;
    atomic_store_explicit(&file->end, end, memory_order_relaxed);
    if (pointer->offset > end || size > end - pointer->offset)
        rc = corrupt(set, file, pointer, "the file ends before a value that a pointer says is here",
                     err);
    return rc;
}

/* The file, in use, which has the whole record. */
static int use(struct value_set *set, const struct pointer *pointer, uint64_t size,
               struct value_file **out, struct strata_error *err)
{
    struct value_file *file = *out = value_file_known(set, pointer->number);
    int rc;

    if (!file)
        return strata_fail(err, STRATA_ERR_CORRUPT, set->env->dir, STRATA_NO_OFFSET,
                           "a pointer into value file %llu, which its table does not name",
                           (unsigned long long)pointer->number);
    rc = fs_pooled_use(&file->pooled, err);
    if (rc < 0)
        return rc;
    rc = check_end(set, file, pointer, size, err);
    if (rc < 0)
        fs_pooled_done(&file->pooled);
    return rc;
}

/* 12.I2: a head is made of what was read, with the checks that it must have. */
static const char *check_record(const struct pointer *pointer, struct strata_slice key,
                                const uint8_t *record)
{
    struct strata_slice found = {record + RECORD_HEAD, key.size};
    struct strata_slice value = {found.data + key.size, pointer->size};
    uint8_t type = record[4], head[RECORD_HEAD];

    if (type != STRATA_OP_PUT && type != SINGLE_OP_PUT)
        return "no value is here, where a pointer says one is";
    record_head(pointer->number, pointer->offset, type, found, value, head);
    if (memcmp(head, record, sizeof head) != 0)
        return "the value has another check than its record's head";
    if (load_u32(head + RECORD_HEAD - 4) != pointer->check)
        return "the value has another check than the pointer";
    return strata_compare(found, key) == 0 ? NULL : "the value here is that of another key";
}

static int check(struct value_set *set, const struct value_file *file,
                 const struct pointer *pointer, struct strata_slice key, const uint8_t *record,
                 struct strata_error *err)
{
    const char *wrong = check_record(pointer, key, record);

    return wrong ? corrupt(set, file, pointer, wrong, err) : 0;
}

/* ---- Past the cache -------------------------------------------------------------------------- */

static int read_into(const struct value_file *file, uint64_t offset, uint64_t size,
                     struct strata_buffer *to, struct strata_error *err)
{
    if (buffer_reserve(to, size) < 0)
        return strata_fail_memory(err, size);
    return fs_read_exactly(file->pooled.file, offset, to->data, size, err);
}

int value_set_read(struct value_set *set, const struct pointer *pointer, struct strata_slice key,
                   struct strata_buffer *value, struct strata_error *err)
{
    uint64_t size = pointer_record(pointer, key.size);
    struct value_file *file;
    int rc = use(set, pointer, size, &file, err);

    strata_buffer_clear(value);
    if (rc < 0)
        return rc;
    rc = read_into(file, pointer->offset, size, value, err);
    fs_pooled_done(&file->pooled);
    if (rc == 0)
        rc = check(set, file, pointer, key, value->data, err);
    if (rc < 0)
        return rc;
    memmove(value->data, value->data + RECORD_HEAD + key.size, pointer->size);
    value->size = pointer->size;
    return 0;
}

int value_set_peek(struct value_set *set, const struct pointer *pointer, size_t key_size,
                   uint8_t *to, size_t *size, struct strata_error *err)
{
    struct value_file *file = value_file_known(set, pointer->number);
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

/* ---- Through the cache ----------------------------------------------------------------------- */

/* With its neighbours, or by itself. */
static int read_record(struct value_file *file, const struct pointer *pointer, uint64_t size,
                       struct value_ahead *ahead, uint8_t *to, struct strata_error *err)
{
    uint64_t end = atomic_load_explicit(&file->end, memory_order_relaxed);
    const uint8_t *record = NULL;
    int rc = 0;

    if (ahead)
        rc = value_ahead_record(ahead, &file->pooled, file->number, pointer->offset, size, end,
                                &record, err);
    if (rc < 0)
        return rc;
    if (!record)
        return fs_read_exactly(file->pooled.file, pointer->offset, to, size, err);
    memcpy(to, record, size);
    return 0;
}

static int read_frame(struct value_set *set, const struct pointer *pointer, struct strata_slice key,
                      struct value_ahead *ahead, struct clock_cache_frame **frame,
                      struct strata_error *err)
{
    uint64_t size = pointer_record(pointer, key.size);
    struct value_file *file;
    uint8_t *record = NULL;
    int rc = use(set, pointer, size, &file, err);

    if (rc < 0)
        return rc;
    rc = value_cache_take(&set->cache, pointer, size, frame, err);
    if (rc == 0) {
        record = value_cached_of(*frame)->record;
        rc = read_record(file, pointer, size, ahead, record, err);
    }
    fs_pooled_done(&file->pooled);
    if (rc == 0)
        rc = check(set, file, pointer, key, record, err);
    if (rc < 0 && record) {
        value_cache_release(set->blocks, *frame);
        *frame = NULL;
    }
    return rc;
}

int value_set_pin(struct value_set *set, const struct pointer *pointer, struct strata_slice key,
                  struct value_ahead *ahead, struct value_pin *pin, struct strata_error *err)
{
    struct clock_cache_frame *frame = value_cache_find(&set->cache, pointer, key);

    while (!frame) { /* once, unless other threads read values with the same places */
        int rc = read_frame(set, pointer, key, ahead, &frame, err);
        if (rc < 0)
            return rc;
        frame = value_cache_put(&set->cache, frame, key);
    }
    pin->frame = frame;
    pin->value =
        strata_bytes(value_cached_of(frame)->record + RECORD_HEAD + key.size, pointer->size);
    return 0;
}

void value_set_unpin(const struct value_set *set, struct value_pin *pin)
{
    value_cache_release(set->blocks, pin->frame);
    *pin = (struct value_pin){0};
}
