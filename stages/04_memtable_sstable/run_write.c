/* run_write.c: a run is written from its beginning to its end, through a buffer, and gets its name
 * when it is whole and on the device: NAME.tmp is no run, and is removed by the next open.
 *
 * The index can be written only behind the last record. Until then one varint a record is kept,
 * two bytes most of the time, so that ten million records need 20 MB. */
#include "run.h"
#include "02_hash_index/index.h"
#include "bytes.h"
#include "coding.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER ((size_t)256 * 1024)
#define LARGE ((size_t)64 * 1024) /* values from here on are written from where they are */
#define WRITE_BACK ((uint64_t)1 << 20)

char *run_path(const struct strata_env *env, uint64_t number)
{
    char name[32];
    snprintf(name, sizeof name, "%06" PRIu64 ".run", number);
    return fs_join(env->dir, name);
}

int run_writer_begin(struct run_writer *w, const struct strata_env *env, uint64_t number,
                     struct strata_error *err)
{
    int rc;

    *w = (struct run_writer){.env = env, .number = number};
    w->path = run_path(env, number);
    w->temporary = w->path ? malloc(strlen(w->path) + 5) : NULL;
    if (!w->temporary)
        return strata_fail_memory(err, strlen(env->dir) + 32);
    sprintf(w->temporary, "%s.tmp", w->path);
    rc = fs_open(env->fs, w->temporary, FS_WRITE | FS_CREATE | FS_TRUNCATE, &w->file, err);
    return rc < 0 ? rc : record_start_kind(w->file, RUN_MAGIC, number, err);
}

/* Appends what is buffered, and now and then tells the device to begin with what it has. */
static int write_out(struct run_writer *w, struct strata_slice more, struct strata_error *err)
{
    struct strata_slice parts[2] = {strata_buffer_slice(&w->bytes), more};
    int rc = fs_append(w->file, parts, 2, err);

    if (rc < 0)
        return rc;
    strata_buffer_clear(&w->bytes);
    if (w->file->end >= w->written_back + WRITE_BACK) {
        fs_write_back(w->file, w->written_back, w->file->end - w->written_back);
        w->written_back = w->file->end;
    }
    return 0;
}

static uint64_t place(const struct run_writer *w)
{
    return w->file->end + w->bytes.size;
}

/* One record, of any type. */
static int add_record(struct run_writer *w, unsigned type, struct strata_slice key,
                      struct strata_slice value, struct strata_error *err)
{
    bool large = value.size >= LARGE;

    if (buffer_reserve(&w->bytes, RECORD_HEAD + key.size + (large ? 0 : value.size)) < 0)
        return strata_fail_memory(err, RECORD_HEAD + key.size + value.size);
    record_head(w->number, place(w), type, key, value, w->bytes.data + w->bytes.size);
    w->bytes.size += RECORD_HEAD;
    strata_buffer_append(&w->bytes, key.data, key.size);
    if (!large)
        strata_buffer_append(&w->bytes, value.data, value.size);
    if (large || w->bytes.size >= BUFFER)
        return write_out(w, large ? value : strata_bytes(NULL, 0), err);
    return 0;
}

int run_writer_add(struct run_writer *w, unsigned type, struct strata_slice key,
                   struct strata_slice value, struct strata_error *err)
{
    struct record record = {.offset = place(w), .type = type};

    if (buffer_put_varint(&w->sizes, RECORD_HEAD + key.size + value.size) < 0)
        return strata_fail_memory(err, w->sizes.capacity * 2);
    segment_add(&w->end.sum, &record, index_hash(key));
    w->end.tombstones += type == STRATA_OP_DELETE;
    return add_record(w, type, key, value, err);
}

/* The places of all records, page by page. */
static int add_index(struct run_writer *w, struct strata_error *err)
{
    uint64_t left = w->end.sum.records, offset = RECORD_FILE_HEADER;
    struct decoder sizes;
    int rc = 0;

    w->end.index = place(w);
    decoder_init(&sizes, strata_buffer_slice(&w->sizes));
    while (rc == 0 && left) {
        uint8_t page[8 * RUN_PAGE], *at = page;
        for (int i = 0; i < RUN_PAGE && left; i++, left--) {
            at = put_u64(at, offset);
            offset += get_varint(&sizes);
        }
        rc = add_record(w, RUN_INDEX, strata_bytes(NULL, 0),
                        strata_bytes(page, (size_t)(at - page)), err);
    }
    return rc;
}

static int add_end(struct run_writer *w, struct strata_error *err)
{
    uint8_t bytes[48], *at = bytes;

    at = put_u64(at, w->end.sum.records);
    at = put_u64(at, w->end.tombstones);
    at = put_u64(at, w->end.index);
    at = put_u64(at, w->end.first);
    at = put_u64(at, w->end.last);
    put_u64(at, w->end.sum.digest);
    return add_record(w, RUN_END, strata_bytes(NULL, 0), strata_bytes(bytes, sizeof bytes), err);
}

int run_writer_finish(struct run_writer *w, uint64_t first, uint64_t last, struct strata_error *err)
{
    int rc;

    w->end.first = first;
    w->end.last = last;
    rc = add_index(w, err);
    if (rc == 0)
        rc = add_end(w, err);
    if (rc == 0 && w->bytes.size)
        rc = write_out(w, strata_bytes(NULL, 0), err);
    if (rc == 0)
        rc = fs_sync(w->file, err); /* before it has a name that counts */
    if (rc == 0) {
        rc = fs_close(w->file, err);
        w->file = NULL;
    }
    if (rc == 0)
        rc = fs_rename(w->env->fs, w->temporary, w->path, err);
    w->published = rc == 0;
    return rc;
}

void run_writer_end(struct run_writer *w, bool keep)
{
    fs_close(w->file, NULL);
    if (!keep && w->temporary) /* else, or if that fails, the next open removes it */
        fs_remove(w->env->fs, w->published ? w->path : w->temporary, NULL);
    strata_buffer_free(&w->bytes);
    strata_buffer_free(&w->sizes);
    free(w->temporary);
    free(w->path);
    *w = (struct run_writer){0};
}
