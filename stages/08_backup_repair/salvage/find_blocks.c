/* find_blocks.c: see find_blocks.h.
 *
 * A stored block has no magic, but its trailer has five bytes that hardly occur by chance: the size
 * and the compression. Wherever they may be a trailer a block may end; it does if its checksum is
 * right. The offsets are listed once. The end of a block is the beginning of the next one; where
 * none begins, the next offset that may be an end is tried, and what was skipped is a gap.
 *
 *   | block  trailer | damaged  trailer | block  trailer |
 *   ^                ^                  ^
 *   at: begins       at: no end fits    the end of a trailer, so a block may begin here
 *
 * 8.I5: whatever the bytes are, the work is bounded by their number: so many ends are tried for one
 *       beginning, so far after a gap, and so much in all. (One file of 1 MB of zeros, as a power
 *       cut may leave it, took minutes.) */
#include "08_backup_repair/salvage/find_blocks.h"
#include "01_append_log/record.h"
#include "05_blocks_bloom/block/stored_block.h"
#include "base/array.h"
#include "base/bytes.h"
#include "base/coding.h"

#include <assert.h>
#include <stdlib.h>

#define TRIED 64                  /* ends that are tried for one beginning */
#define SPAN ((size_t)256 * 1024) /* bytes of a block after a gap, at most */
#define LOOK 16                   /* what it costs to look at an end, in bytes */
#define PART 5                    /* bytes of a trailer without its checksum, and of that */
#define CHECKSUM 4

/* ---- Where stored blocks may end ------------------------------------------------------------- */

/* The size in the trailer that ends there, and the compression; 0: it is no trailer. */
static uint32_t trailer_size(const struct block_finder *f, size_t end, unsigned *compression)
{
    struct decoder d;
    uint32_t size;

    decoder_init(&d, strata_bytes(f->file.data + end - STORED_BLOCK_TRAILER, PART));
    size = get_u32(&d);
    *compression = get_u8(&d);
    return *compression <= STORED_BLOCK_LZ4 ? size : 0;
}

/* May a stored block be there, from `begin` to `end`? */
static bool may_be_block(const struct block_finder *f, size_t begin, size_t end)
{
    size_t stored = end - begin - STORED_BLOCK_TRAILER;
    unsigned compression;
    uint32_t size = trailer_size(f, end, &compression);

    return compression == STORED_BLOCK_PLAIN ? size == stored
                                             : size > stored && size / 256 <= stored + 16;
}

/* ... wherever it begins? */
static bool may_be_end(const struct block_finder *f, size_t end)
{
    size_t stored = end - RECORD_FILE_HEADER - STORED_BLOCK_TRAILER;
    unsigned compression;
    uint32_t size = trailer_size(f, end, &compression);

    return size && (compression == STORED_BLOCK_PLAIN ? size <= stored : size / 256 <= stored + 16);
}

int block_finder_init(struct block_finder *f, struct strata_error *err)
{
    assert(f->classify && !f->ends && !f->work);
    f->at = RECORD_FILE_HEADER;
    f->begins = true;
    for (size_t end = RECORD_FILE_HEADER + STORED_BLOCK_TRAILER + 1; end <= f->file.size; end++) {
        size_t *added;
        if (!may_be_end(f, end))
            continue;
        added = array_add(&f->ends, &f->count, &f->room, sizeof *added, err);
        if (!added)
            return STRATA_ERR_NO_MEMORY;
        *added = end;
    }
    return 0;
}

void block_finder_free(struct block_finder *f)
{
    free(f->ends);
    f->ends = NULL;
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

static int uncompress(const struct block_finder *f, const struct stored_block *block,
                      struct strata_buffer *to, struct strata_error *err)
{
    struct strata_error why;

    strata_buffer_clear(to);
    if (buffer_reserve(to, block->size) < 0)
        return strata_fail_memory(err, block->size);
    to->size = block->size;
    return stored_block_uncompress(block, f->at, to->data, &why);
}

/* Is there a block of entries from f->at to `end`? */
static int try_block(struct block_finder *f, size_t end, struct strata_buffer *bytes, bool *found,
                     struct strata_error *err)
{
    struct strata_slice stored = strata_bytes(f->file.data + f->at, end - f->at);
    struct stored_block block;
    struct strata_error why;
    int rc;

    f->work += stored.size;
    if (stored_block_open(&block, stored, f->number, f->at, &why) < 0)
        return 0;
    rc = uncompress(f, &block, bytes, err);
    if (rc == 0)
        rc = f->classify(f->arg, strata_buffer_slice(bytes), f->at, err);
    f->ended = rc == BLOCK_BEHIND;
    *found = rc == BLOCK_ENTRIES;
    f->work -= *found ? stored.size : 0;
    return rc == STRATA_ERR_NO_MEMORY ? rc : 0;
}

/* 8.I5. */
static bool is_done(const struct block_finder *f)
{
    return f->ended || f->work > block_finder_work_max(f);
}

/* Where the block that begins at f->at ends, at `limit` at most; 0: none begins there. */
static int find_end(struct block_finder *f, struct strata_buffer *bytes, size_t limit, size_t *out,
                    struct strata_error *err)
{
    unsigned tried = 0;
    bool found = false;
    int rc = 0;

    assert(limit <= f->file.size);
    *out = 0;
    while (f->next < f->count && f->ends[f->next] <= f->at + STORED_BLOCK_TRAILER)
        f->next++;
    for (size_t i = f->next; rc == 0 && !found && i < f->count && f->ends[i] <= limit; i++) {
        f->work += LOOK;
        if (is_done(f) || tried == TRIED)
            break;
        if (!may_be_block(f, f->at, f->ends[i]))
            continue;
        tried++;
        rc = try_block(f, f->ends[i], bytes, &found, err);
        if (found)
            *out = f->ends[i];
    }
    return rc;
}

/* The next offset where a block may begin, as one may end there, whether its size is damaged or
 * not; the file's end: there is none. */
static size_t next_begin(const struct block_finder *f)
{
    size_t at = f->at + 1;

    while (at < f->file.size && (at <= RECORD_FILE_HEADER + STORED_BLOCK_TRAILER ||
                                 f->file.data[at - CHECKSUM - 1] > STORED_BLOCK_LZ4))
        at++;
    return at;
}

int block_finder_next(struct block_finder *f, struct strata_buffer *bytes, bool *gap,
                      struct strata_error *err)
{
    *gap = false;
    while (f->at < f->file.size && f->next < f->count && !is_done(f)) {
        size_t left = f->file.size - f->at, span = f->begins || left < SPAN ? left : SPAN, end;
        int rc = find_end(f, bytes, f->at + span, &end, err);
        if (rc < 0)
            return rc;
        assert(!end || (end > f->at && end <= f->file.size));
        f->begins = end > 0;
        f->at = end ? end : next_begin(f);
        if (end)
            return 0;
        *gap = true;
    }
    return STRATA_NOT_FOUND;
}
