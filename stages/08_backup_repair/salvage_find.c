/* salvage_find.c: see salvage_find.h.
 *
 * A section ends with a tail (05_blocks_bloom/block/stored_block.c) of which five bytes tell its
 * size and packing, which hardly any five bytes do by chance; where they do, a section ends iff its
 * check holds. Where the tails are is looked for once. A section's end is the next one's beginning;
 * where none begins, the next place that may be an end is tried, and what lies between is a gap.
 *
 * I1: whatever the bytes are, the work is bounded by their number: by that of the ends that are
 *     tried for one beginning, by how far behind a gap they are looked for, and by all of it
 *     together. (One file of 1 MB, all zeros, as a power cut may leave it, took minutes.) */
#include "salvage_find.h"
#include "01_append_log/record.h"
#include "base/bytes.h"
#include "base/coding.h"

#include <stdlib.h>

#define TRIED 64                  /* ends that are tried for one beginning */
#define SPAN ((size_t)256 * 1024) /* bytes of a block behind a gap, at most */
#define LOOK 16                   /* what it costs to look at an end, in bytes */

/* ---- Where sections may end ------------------------------------------------------------------ */

/* The size that the tail there tells, and how the bytes before it are packed; 0: it is none. */
static uint32_t tail_before(const struct finder *f, size_t end, unsigned *packing)
{
    struct decoder d;
    uint32_t size;

    decoder_init(&d, strata_bytes(f->file.data + end - STORED_BLOCK_TRAILER, STORED_BLOCK_TRAILER));
    size = get_u32(&d);
    *packing = get_u8(&d);
    return *packing <= STORED_BLOCK_LZ4 ? size : 0;
}

/* May a section end there, whose bytes begin at `begin`? */
static bool may_end(const struct finder *f, size_t begin, size_t end)
{
    size_t stored = end - begin - STORED_BLOCK_TRAILER;
    unsigned packing;
    uint32_t size = tail_before(f, end, &packing);

    return packing == STORED_BLOCK_PLAIN ? size == stored
                                         : size > stored && size / 256 <= stored + 16;
}

/* ... wherever they begin? */
static bool may_be_end(const struct finder *f, size_t end)
{
    size_t stored = end - RECORD_FILE_HEADER - STORED_BLOCK_TRAILER;
    unsigned packing;
    uint32_t size = tail_before(f, end, &packing);

    return size && (packing == STORED_BLOCK_PLAIN ? size <= stored : size / 256 <= stored + 16);
}

static int add_end(struct finder *f, size_t end, struct strata_error *err)
{
    size_t room = f->room ? 2 * f->room : 1024;

    if (f->count == f->room) {
        size_t *bigger = realloc(f->ends, room * sizeof *bigger);
        if (!bigger)
            return strata_fail_memory(err, room * sizeof *bigger);
        f->ends = bigger;
        f->room = room;
    }
    f->ends[f->count++] = end;
    return 0;
}

int finder_init(struct finder *f, struct strata_slice file, uint64_t number,
                struct strata_error *err)
{
    int rc = 0;

    *f = (struct finder){.file = file, .number = number, .at = RECORD_FILE_HEADER, .sure = true};
    for (size_t end = RECORD_FILE_HEADER + STORED_BLOCK_TRAILER + 1; rc == 0 && end <= file.size;
         end++)
        if (may_be_end(f, end))
            rc = add_end(f, end, err);
    return rc;
}

void finder_free(struct finder *f)
{
    free(f->ends);
    *f = (struct finder){.ends = NULL};
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

/* Does a block lie there? */
static int try_block(struct finder *f, size_t begin, size_t end, struct pax_table_block *block,
                     bool *found, struct strata_error *err)
{
    struct strata_slice bytes = strata_bytes(f->file.data + begin, end - begin);
    struct stored_block section;
    struct strata_error why;

    f->work += bytes.size;
    if (stored_block_open(&section, bytes, f->number, begin, &why) < 0)
        return 0;
    strata_buffer_clear(&block->bytes);
    if (buffer_reserve(&block->bytes, section.size) < 0)
        return strata_fail_memory(err, section.size);
    block->bytes.size = section.size;
    *found = stored_block_uncompress(&section, begin, block->bytes.data, &why) == 0 &&
             pax_block_open(&block->block, strata_buffer_slice(&block->bytes), &why) == 0;
    f->work -= *found ? bytes.size : 0;
    return 0;
}

static bool is_worn_out(const struct finder *f)
{
    return f->work > finder_most(f);
}

/* Where the block that begins here ends, at `limit` at most; 0: none does. */
static int find_end(struct finder *f, struct pax_table_block *block, size_t limit, size_t *out,
                    struct strata_error *err)
{
    unsigned tried = 0;
    bool found = false;
    int rc = 0;

    *out = 0;
    while (f->next < f->count && f->ends[f->next] <= f->at + STORED_BLOCK_TRAILER)
        f->next++;
    for (size_t i = f->next; rc == 0 && i < f->count && f->ends[i] <= limit && tried < TRIED; i++) {
        f->work += LOOK;
        if (is_worn_out(f))
            break;
        if (!may_end(f, f->at, f->ends[i]))
            continue;
        tried++;
        rc = try_block(f, f->at, f->ends[i], block, &found, err);
        if (!found)
            continue;
        *out = f->ends[i];
        break;
    }
    return rc;
}

/* The next place where a block may begin, as one may end there, be its size damaged or not; the
 * file's end: there is none. */
static size_t next_begin(const struct finder *f)
{
    size_t at = f->at + 1;

    while (at < f->file.size && (at <= RECORD_FILE_HEADER + STORED_BLOCK_TRAILER ||
                                 f->file.data[at - 5] > STORED_BLOCK_LZ4))
        at++;
    return at;
}

int finder_next(struct finder *f, struct pax_table_block *block, bool *gap,
                struct strata_error *err)
{
    *gap = false;
    while (f->at < f->file.size && f->next < f->count && !is_worn_out(f)) {
        size_t left = f->file.size - f->at, span = f->sure || left < SPAN ? left : SPAN, end;
        int rc = find_end(f, block, f->at + span, &end, err);
        if (rc < 0)
            return rc;
        f->sure = end > 0;
        f->at = end ? end : next_begin(f);
        if (end)
            return 0;
        *gap = true;
    }
    return STRATA_NOT_FOUND;
}
