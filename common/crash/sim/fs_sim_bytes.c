/* fs_sim_bytes.c: content that is shared until it differs.
 *
 *     blob          | a a a a b b b c c |         refs 3, size 9
 *     file now        have 9, size 9
 *     after a crash   have 4, size 4              nothing of b and c
 *     another         have 6, size 9              half, then zeros
 *
 * A file that only grows thus has one blob, which its records in a trace and all states of a
 * crash look into at different lengths.
 *
 * I1: the bytes of a blob with several holders never change.
 * I2: a blob may grow, also when it has several holders: each sees its own `have` only. Only a
 *     holder that has all of it (have == blob->size) may make it grow.
 * I3: a holder that may neither write (I1) nor grow (I2) first makes a copy. */
#include "crash/sim/fs_sim_bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static struct fs_sim_blob *blob_new(size_t capacity)
{
    struct fs_sim_blob *blob = calloc(1, sizeof *blob);
    if (!blob)
        return NULL;
    blob->data = malloc(capacity);
    if (!blob->data) {
        free(blob);
        return NULL;
    }
    blob->refs = 1;
    blob->capacity = capacity;
    return blob;
}

void fs_sim_blob_release(struct fs_sim_blob *blob)
{
    if (!blob || --blob->refs > 0)
        return;
    free(blob->data);
    free(blob);
}

struct fs_sim_bytes fs_sim_bytes_share(const struct fs_sim_bytes *bytes)
{
    if (bytes->blob)
        bytes->blob->refs++;
    return *bytes;
}

void fs_sim_bytes_free(struct fs_sim_bytes *bytes)
{
    fs_sim_blob_release(bytes->blob);
    *bytes = (struct fs_sim_bytes){0};
}

size_t fs_sim_bytes_read(const struct fs_sim_bytes *bytes, uint64_t offset, void *to, size_t size)
{
    size_t stored = 0;

    if (offset >= bytes->size)
        return 0;
    if (size > bytes->size - offset)
        size = (size_t)(bytes->size - offset);
    if (offset < bytes->have)
        stored = size < bytes->have - offset ? size : (size_t)(bytes->have - offset);
    if (stored)
        memcpy(to, bytes->blob->data + offset, stored);
    if (size > stored)
        memset((uint8_t *)to + stored, 0, size - stored);
    return size;
}

static size_t grown(size_t capacity, size_t needed)
{
    size_t doubled = capacity < 32 ? 64 : 2 * capacity;
    return doubled > needed ? doubled : needed;
}

/* I3: a blob with one holder, with room for `end` bytes. */
static int take_copy(struct fs_sim_bytes *bytes, size_t end)
{
    struct fs_sim_blob *own = blob_new(grown((size_t)bytes->have, end));
    if (!own)
        return -ENOMEM;
    if (bytes->have)
        memcpy(own->data, bytes->blob->data, (size_t)bytes->have);
    own->size = (size_t)bytes->have;
    fs_sim_blob_release(bytes->blob);
    bytes->blob = own;
    return 0;
}

/* A blob in which the bytes from `offset` up to `end` may be written. */
static int writable(struct fs_sim_bytes *bytes, uint64_t offset, size_t end)
{
    struct fs_sim_blob *blob = bytes->blob;

    if (blob && blob->refs == 1)
        blob->size = (size_t)bytes->have; /* no other holder sees the truncated bytes */
    else if (!blob || offset < bytes->have || bytes->have < blob->size)
        return take_copy(bytes, end);
    if (end > blob->capacity) {
        size_t capacity = grown(blob->capacity, end);
        uint8_t *data = realloc(blob->data, capacity);
        if (!data)
            return -ENOMEM;
        blob->data = data;
        blob->capacity = capacity;
    }
    return 0;
}

int fs_sim_bytes_reserve(struct fs_sim_bytes *bytes, uint64_t offset, uint64_t size)
{
    uint64_t most = SIZE_MAX / 4; /* so that doubling does not overflow */
    return offset > most || size > most - offset ? -ENOMEM
                                                 : writable(bytes, offset, (size_t)(offset + size));
}

int fs_sim_bytes_write(struct fs_sim_bytes *bytes, uint64_t offset, const void *from, size_t size)
{
    uint64_t end = offset + size;
    int rc;

    if (size == 0)
        return 0;
    rc = fs_sim_bytes_reserve(bytes, offset, size);
    if (rc < 0)
        return rc;
    if (offset > bytes->have)
        memset(bytes->blob->data + bytes->have, 0, (size_t)(offset - bytes->have));
    memcpy(bytes->blob->data + offset, from, size);
    if (end > bytes->have) {
        bytes->have = end;
        bytes->blob->size = (size_t)end;
    }
    if (end > bytes->size)
        bytes->size = end;
    bytes->hashed = false;
    return 0;
}

void fs_sim_bytes_resize(struct fs_sim_bytes *bytes, uint64_t size)
{
    bytes->size = size;
    if (bytes->have > size)
        bytes->have = size;
    bytes->hashed = false;
}

void fs_sim_bytes_shape(struct fs_sim_bytes *bytes, uint64_t what, uint64_t offset, uint64_t size)
{
    uint64_t words[4] = {bytes->shape, what, offset, size};
    bytes->shape = XXH3_64bits(words, sizeof words);
}

struct fs_sim_hash fs_sim_bytes_hash(struct fs_sim_bytes *bytes)
{
    uint64_t used = bytes->have; /* without the zeros at the end, stored or not */
    XXH128_hash_t hash;

    if (bytes->hashed)
        return bytes->hash;
    while (used && bytes->blob->data[used - 1] == 0)
        used--;
    hash = XXH3_128bits_withSeed(used ? bytes->blob->data : NULL, (size_t)used, bytes->size);
    bytes->hash = (struct fs_sim_hash){hash.low64, hash.high64};
    bytes->hashed = true;
    return bytes->hash;
}

struct fs_sim_text *fs_sim_text_new(const char *string, size_t length)
{
    struct fs_sim_text *text = malloc(sizeof *text + length + 1);
    if (!text)
        return NULL;
    text->refs = 1;
    memcpy(text->string, string, length);
    text->string[length] = 0;
    return text;
}

struct fs_sim_text *fs_sim_text_share(struct fs_sim_text *text)
{
    text->refs++;
    return text;
}

void fs_sim_text_release(struct fs_sim_text *text)
{
    if (text && --text->refs == 0)
        free(text);
}
