/* pax_table_read.c: a table's stored blocks, from the file, and its data blocks, through the
 * cache.
 *
 * 9.I23: what enters the cache was checked whole: the checksum, the block's columns, and that its
 *        keys are where the index says. It is not checked again. (A mapped file is checked and
 *        uncompressed where it is: what another process writes to it in between must still be a
 *        block.)
 * 9.I24: memory is allocated for a stored block only after its size was checked against the file,
 *        and its uncompressed size against what LZ4 can make of that; for a data block, also
 *        against the sum in the properties, and what one entry can be. */
#include "09_fast_paths/block/key_prefix.h"
#include "base/bytes.h"
#include "pax_table_inside.h"
#include "base/cost.h"

#include <stdlib.h>

#define SMALL 8192 /* bytes; a stored block is smaller most of the time */
#define MOST(value) ((uint64_t)STRATA_MAX_KEY + (value) + 64) /* bytes: a block of one entry */

int pax_table_blame(const struct pax_table *t, uint64_t offset, int rc,
                    const struct strata_error *why, struct strata_error *err)
{
    if (rc == STRATA_ERR_CORRUPT)
        return strata_fail(err, rc, t->base.path, offset, "%s", why->message);
    if (rc < 0 && err)
        *err = *why;
    return rc;
}

/* Of a mapped file; NULL: it is not. */
static const uint8_t *mapped_at(const struct pax_table *t, uint64_t offset)
{
    return t->mapped ? t->mapped + offset : NULL;
}

/* Checks what is `at_hand`, in place. NULL: it is read first, to `to`, which has room for all of
 * it, trailer included. */
static int read_stored(const struct pax_table *t, uint64_t offset, uint64_t end,
                       const uint8_t *at_hand, uint8_t *to, struct stored_block *section,
                       struct strata_error *err)
{
    size_t size = (size_t)(end - offset);
    struct strata_error why;
    int rc = at_hand ? 0 : fs_pooled_read(&t->file, offset, to, size, err);

    assert(offset <= end && end <= t->base.bytes); /* 9.I22 */
    if (rc < 0)
        return rc;
    rc = stored_block_open(section, strata_bytes(at_hand ? at_hand : to, size), t->base.number,
                           offset, &why);
    return pax_table_blame(t, offset, rc, &why, err);
}

static int read_into(const struct pax_table *t, uint64_t offset, uint64_t end,
                     const uint8_t *at_hand, struct strata_buffer *to, struct stored_block *section,
                     struct strata_error *err)
{
    strata_buffer_clear(to);
    if (!at_hand && buffer_reserve(to, (size_t)(end - offset)) < 0)
        return strata_fail_memory(err, (size_t)(end - offset));
    return read_stored(t, offset, end, at_hand, to->data, section, err);
}

static int uncompress_block(const struct pax_table *t, const struct stored_block *section,
                            uint64_t offset, struct strata_buffer *to, struct strata_error *err)
{
    struct strata_error why;
    int rc;

    strata_buffer_clear(to);
    if (buffer_reserve(to, section->size) < 0)
        return strata_fail_memory(err, section->size);
    rc = stored_block_uncompress(section, offset, to->data, &why);
    to->size = section->size;
    return pax_table_blame(t, offset, rc, &why, err);
}

/* By a call, also where the file is mapped: what cannot be read is an error, and no signal. */
int pax_table_read_section(const struct pax_table *t, uint64_t offset, uint64_t end,
                           const uint8_t *at_hand, struct strata_buffer *to,
                           struct strata_error *err)
{
    struct strata_buffer stored = {0};
    struct stored_block section;
    int rc = read_into(t, offset, end, at_hand, &stored, &section, err);

    if (rc == 0)
        rc = uncompress_block(t, &section, offset, to, err);
    strata_buffer_free(&stored);
    return rc;
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

int pax_table_compare_at(const struct pax_block *block, uint32_t at, struct strata_slice key)
{
    struct strata_slice prefix = pax_block_prefix(block);
    int beside = key_beside(key, prefix);

    if (beside)
        return beside < 0 ? 1 : -1;
    return strata_compare(pax_block_suffix(block, at), slice_behind(key, prefix.size));
}

/* 9.I24. */
static int check_size(const struct pax_table *t, uint64_t offset,
                      const struct stored_block *section, struct strata_error *err)
{
    uint64_t most = t->coded ? MOST(PAX_BLOCK_CODED_MAX) : MOST(STRATA_MAX_VALUE);

    return section->size <= t->block_bytes && section->size <= most
               ? 0
               : sstable_corrupt(&t->base, offset, "the block is larger than a block of the table",
                                 err);
}

/* 9.I23: all its keys lie between its separator and the next one. */
static bool within_bounds(const struct pax_table *t, uint32_t n, const struct pax_block *block)
{
    struct strata_slice low = n ? fence_at(&t->fence, n) : strata_buffer_slice(&t->base.smallest);
    uint32_t last = block->count - 1;

    assert(block->count && n < t->fence.count);

    if (pax_table_compare_at(block, 0, low) < 0)
        return false;
    if (n + 1 == t->fence.count)
        return pax_table_compare_at(block, last, strata_buffer_slice(&t->base.largest)) <= 0;
    return pax_table_compare_at(block, last, fence_at(&t->fence, n + 1)) < 0;
}

/* NULL, or what is wrong. */
static const char *check_coded(const struct pax_table *t, const struct pax_block *block)
{
    const struct pax_table_coding *coding = pax_table_coding_of(t);
    const char *wrong = t->coded ? NULL : "the block has coded values, the table none";

    for (uint32_t i = 0; !wrong && coding && i < block->count; i++)
        if (pax_block_type(block, i) == SSTABLE_CODED)
            wrong = coding->check(pax_block_value(block, i), t->base.sum.last);
    return wrong;
}

/* The bytes of block `n`, as they were uncompressed. */
static int open_block(const struct pax_table *t, uint32_t n, struct strata_slice bytes,
                      struct pax_block *block, struct strata_error *err)
{
    uint64_t offset = t->fence.offsets[n];
    struct strata_error why;
    int rc = pax_block_open(block, bytes, &why);

    if (rc < 0)
        return pax_table_blame(t, offset, rc, &why, err);
    if (block->type_bits == 2 && check_coded(t, block))
        return sstable_corrupt(&t->base, offset, check_coded(t, block), err);
    if (!within_bounds(t, n, block))
        return sstable_corrupt(&t->base, offset, "the block has keys that the index has elsewhere",
                               err);
    return 0;
}

void pax_table_block_free(struct pax_table_block *block)
{
    strata_buffer_free(&block->stored);
    strata_buffer_free(&block->bytes);
}

int pax_table_open_block(const struct pax_table *t, uint32_t n, const uint8_t *stored,
                         struct pax_table_block *to, struct strata_error *err)
{
    uint64_t offset = t->fence.offsets[n];
    struct stored_block section;
    int rc;

    cost_so_far.blocks++;
    cost_so_far.blocks_loaded++;
    rc = read_into(t, offset, t->fence.offsets[n + 1], stored ? stored : mapped_at(t, offset),
                   &to->stored, &section, err);

    if (rc == 0)
        rc = check_size(t, offset, &section, err);
    if (rc == 0)
        rc = uncompress_block(t, &section, offset, &to->bytes, err);
    if (rc < 0)
        return rc;
    to->check = section.check;
    return open_block(t, n, strata_buffer_slice(&to->bytes), &to->block, err);
}

/* Uncompresses into a frame of the cache: the opened block, and behind it its bytes. */
static int fill_frame(const struct pax_table *t, uint32_t n, const struct stored_block *section,
                      struct clock_cache_frame *frame, struct strata_error *err)
{
    uint64_t offset = t->fence.offsets[n];
    uint8_t *bytes = frame->data + sizeof(struct pax_block);
    struct strata_error why;
    int rc = stored_block_uncompress(section, offset, bytes, &why);

    if (rc < 0)
        return pax_table_blame(t, offset, rc, &why, err);
    return open_block(t, n, strata_bytes(bytes, section->size),
                      (struct pax_block *)(void *)frame->data, err);
}

static int load(const struct pax_table *t, uint32_t n, const uint8_t *at_hand, uint8_t *to,
                struct clock_cache_frame **out, struct strata_error *err)
{
    struct clock_cache *cache = t->common->cache;
    struct clock_cache_frame *frame;
    struct stored_block section;
    uint64_t offset = t->fence.offsets[n];
    int rc = read_stored(t, offset, t->fence.offsets[n + 1], at_hand, to, &section, err);

    if (rc == 0)
        rc = check_size(t, offset, &section, err);
    if (rc == 0)
        rc = clock_cache_take(cache, sizeof(struct pax_block) + section.size, &frame, err);
    if (rc < 0)
        return rc;
    rc = fill_frame(t, n, &section, frame, err);
    if (rc < 0)
        clock_cache_abandon(cache, frame);
    else
        *out = clock_cache_put(cache, &t->directory, n, frame);
    return rc;
}

static int load_block(const struct pax_table *t, uint32_t n, const uint8_t *stored,
                      struct clock_cache_frame **out, struct strata_error *err)
{
    uint64_t size = t->fence.offsets[n + 1] - t->fence.offsets[n];
    uint8_t small[SMALL], *to = small;
    int rc;

    cost_so_far.blocks_loaded++;
    if (!stored)
        stored = mapped_at(t, t->fence.offsets[n]);
    if (!stored && size > SMALL) {
        to = malloc(size);
        if (!to)
            return strata_fail_memory(err, size);
    }
    rc = load(t, n, stored, to, out, err);
    if (to != small)
        free(to);
    return rc;
}

int pax_table_pin(const struct pax_table *t, uint32_t n, const uint8_t *stored,
                  struct clock_cache_frame **frame, struct strata_error *err)
{
    assert(pax_table_is_loaded(t) && n < t->fence.count); /* 9.I20 */
    *frame = clock_cache_get(t->common->cache, &t->directory, n);
    cost_so_far.blocks++;
    return *frame ? 0 : load_block(t, n, stored, frame, err);
}
