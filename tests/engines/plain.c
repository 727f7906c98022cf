/* plain.c: an engine of one's own, as small as stage 1's promises let it be. It is what
 * docs/bring_your_own_engine.md walks through, and what the wrong engines beside it are made of.
 *
 * Everything is in memory, in order; every change is also a record at the end of one file, and
 * opening reads that file from its begin to its end.
 *
 *   "PLAINLOG"  then records:
 *   +--------------+--------+--------+--------+--------------+-----+-------+
 *   | head_check 4 | type 1 | klen 4 | vlen 4 | body_check 4 | key | value |
 *   +--------------+--------+--------+--------+--------------+-----+-------+
 *
 * head_check covers the 13 bytes after it, body_check key and value; both are seeded with the
 * record's offset. A record that the file ends within is a torn tail: nobody was told "ok".
 * Everything else that does not add up is damage. */
#include "base/checksum.h"
#include "base/coding.h"
#include "fs/fs.h"
#include "strata_engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "000001.log"
#define MAGIC "PLAINLOG"
#define MAGIC_BYTES ((size_t)8)
#define HEAD_BYTES ((size_t)17)

/* A key and its value. Iterators hold it as well as the map does. */
struct pair {
    unsigned holders;
    uint32_t key_size, value_size;
    uint8_t bytes[]; /* key, then value */
};

struct plain {
    const struct strata_env *env;
    struct fs_file *file;
    struct pair **pairs; /* sorted by key */
    size_t count, capacity;
};

/* ---- The map ------------------------------------------------------------------------------- */

static struct pair *pair_new(struct strata_slice key, struct strata_slice value)
{
    struct pair *pair = malloc(sizeof *pair + key.size + value.size);

    if (!pair)
        return NULL;
    pair->holders = 1;
    pair->key_size = (uint32_t)key.size;
    pair->value_size = (uint32_t)value.size;
    if (key.size)
        memcpy(pair->bytes, key.data, key.size);
    if (value.size)
        memcpy(pair->bytes + key.size, value.data, value.size);
    return pair;
}

static void pair_release(struct pair *pair)
{
    if (pair && --pair->holders == 0)
        free(pair);
}

static struct strata_slice key_of(const struct pair *pair)
{
    return strata_bytes(pair->bytes, pair->key_size);
}

static struct strata_slice value_of(const struct pair *pair)
{
    return strata_bytes(pair->bytes + pair->key_size, pair->value_size);
}

/* Where the first key stands that is not below `key`. */
static size_t lower_bound(struct pair *const *pairs, size_t count, struct strata_slice key)
{
    size_t low = 0;

    while (count) {
        size_t half = count / 2;
        if (strata_compare(key_of(pairs[low + half]), key) < 0) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

static bool is_at(const struct plain *p, size_t at, struct strata_slice key)
{
    return at < p->count && strata_compare(key_of(p->pairs[at]), key) == 0;
}

/* Room for one key more. */
static int reserve(struct plain *p, struct strata_error *err)
{
    size_t capacity = p->capacity ? 2 * p->capacity : 16;
    struct pair **bigger;

    if (p->count < p->capacity)
        return 0;
    bigger = realloc(p->pairs, capacity * sizeof *bigger);
    if (!bigger)
        return strata_fail_memory(err, capacity * sizeof *bigger);
    p->pairs = bigger;
    p->capacity = capacity;
    return 0;
}

/* Cannot fail: room was reserved. `pair`: the key's new value, taken over; NULL: it is deleted. */
static void apply(struct plain *p, struct strata_slice key, struct pair *pair)
{
    size_t at = lower_bound(p->pairs, p->count, key);
    struct pair **place = p->pairs + at;

    if (is_at(p, at, key)) {
        pair_release(*place);
        *place = pair;
        if (!pair)
            memmove(place, place + 1, (--p->count - at) * sizeof *place);
    } else if (pair) {
        memmove(place + 1, place, (p->count++ - at) * sizeof *place);
        *place = pair;
    }
}

/* What a record says, into the map. */
static int remember(struct plain *p, enum strata_op_type type, struct strata_slice key,
                    struct strata_slice value, struct strata_error *err)
{
    struct pair *pair = type == STRATA_OP_PUT ? pair_new(key, value) : NULL;
    int rc = reserve(p, err);

    if (rc == 0 && type == STRATA_OP_PUT && !pair)
        rc = strata_fail_memory(err, key.size + value.size);
    if (rc == 0)
        apply(p, key, pair);
    else
        free(pair);
    return rc;
}

/* ---- Reading the file ------------------------------------------------------------------------ */

struct head {
    uint8_t type;
    uint32_t key_size, value_size, body_check;
};

static uint32_t body_check(uint64_t offset, struct strata_slice key, struct strata_slice value)
{
    struct checksum check;
    checksum_begin(&check, checksum_seed(1, offset));
    checksum_add(&check, key);
    checksum_add(&check, value);
    return checksum_end(&check);
}

static bool read_head(struct strata_slice bytes, uint64_t offset, struct head *head)
{
    struct decoder d;
    uint32_t check;

    decoder_init(&d, bytes);
    check = get_u32(&d);
    head->type = get_u8(&d);
    head->key_size = get_u32(&d);
    head->value_size = get_u32(&d);
    head->body_check = get_u32(&d);
    return check == checksum(checksum_seed(1, offset), strata_bytes(bytes.data + 4, 13)) &&
           head->type <= STRATA_OP_DELETE;
}

/* Reads every record of `bytes`, into the map if there is one. *end is where the last whole one
 * ends: before the end of `bytes`, the tail is torn. */
static int read_records(struct plain *p, struct strata_slice bytes, const char *path, bool keep,
                        size_t *end, struct strata_error *err)
{
    size_t at = MAGIC_BYTES;
    int rc = 0;

    if (bytes.size < MAGIC_BYTES || memcmp(bytes.data, MAGIC, MAGIC_BYTES) != 0)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, 0, "this is no plain log");
    while (rc == 0 && bytes.size - at >= HEAD_BYTES) {
        const uint8_t *body = bytes.data + at + HEAD_BYTES;
        size_t left = bytes.size - at - HEAD_BYTES;
        struct strata_slice key, value;
        struct head head;
        if (!read_head(strata_bytes(bytes.data + at, HEAD_BYTES), at, &head))
            return strata_fail(err, STRATA_ERR_CORRUPT, path, at, "the head's check fails");
        if (head.key_size > left || head.value_size > left - head.key_size)
            break;
        key = strata_bytes(body, head.key_size);
        value = strata_bytes(body + head.key_size, head.value_size);
        if (body_check(at, key, value) != head.body_check)
            return strata_fail(err, STRATA_ERR_CORRUPT, path, at, "the body's check fails");
        if (keep)
            rc = remember(p, (enum strata_op_type)head.type, key, value, err);
        at += HEAD_BYTES + key.size + value.size;
    }
    *end = at;
    return rc;
}

/* `keep`: into the map, and a torn tail is dropped. Else only looked at. */
static int read_file(struct plain *p, bool keep, struct strata_error *err)
{
    struct strata_buffer bytes = {0};
    size_t end = 0;
    int rc = fs_read_file(p->env->fs, p->file->path, (size_t)1 << 40, &bytes, err);

    if (rc == 0)
        rc = read_records(p, strata_buffer_slice(&bytes), p->file->path, keep, &end, err);
    if (rc == 0 && keep && end < bytes.size) {
        strata_env_log(p->env, STRATA_LOG_WARNING, "%s: a torn tail of %zu bytes", p->file->path,
                       bytes.size - end);
        if (!p->env->options->read_only)
            rc = fs_truncate(p->file, end, err);
    }
    strata_buffer_free(&bytes);
    return rc;
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static int plain_close(void *self, struct strata_error *err)
{
    struct plain *p = self;
    int rc = fs_close(p->file, err);

    for (size_t i = 0; i < p->count; i++)
        pair_release(p->pairs[i]);
    free(p->pairs);
    free(p);
    return rc;
}

static int open_file(struct plain *p, const char *path, struct strata_error *err)
{
    const struct strata_env *env = p->env;
    const struct strata_slice magic = strata_bytes(MAGIC, MAGIC_BYTES);
    unsigned flags = env->options->read_only ? FS_READ : FS_WRITE;
    struct strata_error why = {0};
    int rc;

    if (env->is_new)
        flags |= FS_CREATE | FS_TRUNCATE;
    rc = fs_open(env->fs, path, flags, &p->file, &why);
    if (rc == STRATA_ERR_IO && why.sys == ENOENT)
        return strata_fail(err, STRATA_ERR_CORRUPT, path, STRATA_NO_OFFSET, "the log is missing");
    if (rc < 0 && err)
        *err = why;
    if (rc == 0 && env->is_new)
        rc = fs_append(p->file, &magic, 1, err);
    return rc < 0 ? rc : read_file(p, true, err);
}

static int plain_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    struct plain *p = calloc(1, sizeof *p);
    char *path = fs_join(env->dir, FILE_NAME);
    int rc = p && path ? 0 : strata_fail_memory(err, sizeof *p);

    if (rc == 0) {
        p->env = env;
        rc = open_file(p, path, err);
    }
    free(path);
    if (rc == 0)
        *self = p;
    else if (p)
        plain_close(p, NULL);
    return rc;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static int append(struct plain *p, const struct strata_op *op, struct strata_error *err)
{
    uint64_t offset = p->file->end;
    struct strata_slice value = op->type == STRATA_OP_PUT ? op->value : strata_bytes(NULL, 0);
    uint8_t head[HEAD_BYTES], *to = put_u8(head + 4, (uint8_t)op->type);
    const struct strata_slice parts[] = {strata_bytes(head, sizeof head), op->key, value};

    to = put_u32(to, (uint32_t)op->key.size);
    to = put_u32(to, (uint32_t)value.size);
    put_u32(to, body_check(offset, op->key, value));
    put_u32(head, checksum(checksum_seed(1, offset), strata_bytes(head + 4, 13)));
    return fs_append(p->file, parts, 3, err);
}

/* All that can fail comes before the append; so the map never lacks what the file has. */
static int plain_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                       struct strata_error *err)
{
    struct plain *p = self;
    struct pair *pair = ops->type == STRATA_OP_PUT ? pair_new(ops->key, ops->value) : NULL;
    int rc = reserve(p, err);

    (void)count; /* 1: stage 1 promises no batch */
    (void)sync;  /* false: nor synced writes */
    if (rc == 0 && ops->type == STRATA_OP_PUT && !pair)
        rc = strata_fail_memory(err, ops->key.size + ops->value.size);
    if (rc == 0)
        rc = append(p, ops, err);
    if (rc == 0)
        apply(p, ops->key, pair);
    else
        free(pair);
    return rc;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int plain_get(void *self, struct strata_slice key, struct strata_buffer *value,
                     struct strata_error *err)
{
    const struct plain *p = self;
    size_t at = lower_bound(p->pairs, p->count, key);
    struct strata_slice found;

    if (!is_at(p, at, key))
        return STRATA_NOT_FOUND;
    found = value_of(p->pairs[at]);
    strata_buffer_clear(value);
    return strata_buffer_append(value, found.data, found.size) < 0
               ? strata_fail_memory(err, found.size)
               : 0;
}

/* An iterator has a list of its own, so that it sees the database as it was. */
struct plain_iter {
    struct strata_iter base; /* first */
    struct pair **pairs;
    size_t count, at;
};

static int stand_on(struct plain_iter *iter, size_t at)
{
    if (at >= iter->count) /* -1, too */
        return STRATA_NOT_FOUND;
    iter->at = at;
    iter->base.key = key_of(iter->pairs[at]);
    iter->base.value = value_of(iter->pairs[at]);
    iter->base.has_value = true;
    return 0;
}

static int iter_seek(struct strata_iter *base, struct strata_slice key, struct strata_error *err)
{
    struct plain_iter *iter = (struct plain_iter *)base;
    (void)err;
    return stand_on(iter, lower_bound(iter->pairs, iter->count, key));
}

static int iter_last(struct strata_iter *base, struct strata_error *err)
{
    struct plain_iter *iter = (struct plain_iter *)base;
    (void)err;
    return stand_on(iter, iter->count - 1);
}

static int iter_next(struct strata_iter *base, struct strata_error *err)
{
    struct plain_iter *iter = (struct plain_iter *)base;
    (void)err;
    return stand_on(iter, iter->at + 1);
}

static int iter_prev(struct strata_iter *base, struct strata_error *err)
{
    struct plain_iter *iter = (struct plain_iter *)base;
    (void)err;
    return stand_on(iter, iter->at - 1);
}

static int iter_value(struct strata_iter *base, struct strata_error *err)
{
    (void)base; /* every move has set it */
    (void)err;
    return 0;
}

static void iter_free(struct strata_iter *base)
{
    struct plain_iter *iter = (struct plain_iter *)base;
    for (size_t i = 0; i < iter->count; i++)
        pair_release(iter->pairs[i]);
    free(iter->pairs);
    free(iter);
}

static const struct strata_iter_ops iter_ops = {
    .seek = iter_seek,
    .last = iter_last,
    .next = iter_next,
    .prev = iter_prev,
    .value = iter_value,
    .free = iter_free,
};

static int plain_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    const struct plain *p = self;
    struct plain_iter *iter = calloc(1, sizeof *iter);
    struct pair **pairs = malloc((p->count + 1) * sizeof *pairs);

    if (!iter || !pairs) {
        free(iter);
        free(pairs);
        return strata_fail_memory(err, (p->count + 1) * sizeof *pairs);
    }
    iter->base.ops = &iter_ops;
    iter->pairs = pairs;
    iter->count = p->count;
    for (size_t i = 0; i < p->count; i++) {
        pairs[i] = p->pairs[i];
        pairs[i]->holders++;
    }
    *out = &iter->base;
    return 0;
}

/* ---- Upkeep ---------------------------------------------------------------------------------- */

static int plain_verify(void *self, const struct strata_progress *progress,
                        struct strata_error *err)
{
    struct plain *p = self;
    int rc = read_file(p, false, err);
    if (rc == 0 && progress)
        progress->tick(progress->arg, p->file->end, p->file->end);
    return rc;
}

/* The names of its files, and how each begins. */
static const struct strata_format log_format = {"plain log", MAGIC, FILE_NAME, NULL};
static const struct strata_format *const formats[] = {&log_format, NULL};

#ifndef PLAIN_IS_PART /* the wrong engines have tables of their own */
const struct strata_engine strata_engine = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 1,
    .format = 1,
    .name = "plain",
    .survives = "clean exit, kill -9",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_DAMAGE,
    .formats = formats,
    .open = plain_open,
    .close = plain_close,
    .get = plain_get,
    .write = plain_write,
    .iter = plain_iter,
    .verify = plain_verify,
};
#endif
