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

int value_set_read(struct value_set *set, const struct pointer *pointer, struct strata_slice key,
                   struct strata_buffer *value, struct strata_error *err)
{
    struct value_file *file = value_file_known(set, pointer->number);
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
