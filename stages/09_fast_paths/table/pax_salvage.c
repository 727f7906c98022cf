/* pax_salvage.c: see pax_salvage.h. With its index the table says where its blocks are; without it
 * they are searched in the whole file. */
#define FS_NO_SITES /* tests/stages/09_repair_test.c cuts a repair at each of its calls */
#include "09_fast_paths/table/pax_salvage.h"
#include "08_backup_repair/salvage/find_blocks.h"
#include "09_fast_paths/table/pax_table_inside.h"
#include "base/bytes.h"

#include <stdlib.h>

struct reading {
    struct salvage base;
    struct pax_table table;
    bool indexed;
    uint32_t n;                 /* with the index: the next block */
    struct block_finder finder; /* without */
    struct strata_buffer file;  /* the finder's */
    bool searching;             /* the finder is in use */
    bool gap;                   /* between the last entry and the present block */
    struct pax_table_block block;
    uint32_t at;              /* the next entry in it */
    struct strata_buffer key; /* of the present one */
};

/* ---- Blocks -----------------------------------------------------------------------------------
 */

static int classify(void *arg, struct strata_slice bytes, uint64_t offset, struct strata_error *err)
{
    struct pax_block block;
    struct strata_error why;

    (void)arg;
    (void)offset;
    (void)err;
    return pax_block_open(&block, bytes, &why) == 0 ? BLOCK_ENTRIES : BLOCK_OTHER;
}

static int begin_search(struct reading *r, struct strata_error *err)
{
    const struct sstable *base = &r->table.base;
    uint64_t end = r->base.knows_properties ? r->table.blocks_end : base->bytes;
    int rc = salvage_read_file(base, r->table.file.file, end, &r->file, err);

    r->searching = true;
    r->finder = (struct block_finder){
        .file = strata_buffer_slice(&r->file), .number = base->number, .classify = classify};
    return rc < 0 ? rc : block_finder_init(&r->finder, err);
}

static int search_block(struct reading *r, struct strata_error *err)
{
    bool gap = false;
    int rc = r->searching ? 0 : begin_search(r, err);

    if (rc == 0)
        rc = block_finder_next(&r->finder, &r->block.bytes, &gap, err);
    r->gap |= gap;
    if (rc == 0)
        rc = pax_block_open(&r->block.block, strata_buffer_slice(&r->block.bytes), err);
    return rc;
}

static int load_block(struct reading *r, struct strata_error *err)
{
    while (r->n < r->table.fence.count) {
        struct strata_error why;
        int rc = pax_table_read_block(&r->table, r->n++, &r->block, &why);
        if (rc == STRATA_ERR_CORRUPT) {
            r->gap = true;
            continue;
        }
        if (rc < 0 && err)
            *err = why;
        return rc;
    }
    return STRATA_NOT_FOUND;
}

/* ---- The kind ---------------------------------------------------------------------------------
 */

static int pax_next(struct salvage *salvage, struct salvage_entry *entry, struct strata_error *err)
{
    struct reading *r = (struct reading *)salvage;
    const struct pax_block *block = &r->block.block;
    bool first = r->at == block->count;
    int rc = 0;

    if (first) {
        rc = r->indexed ? load_block(r, err) : search_block(r, err);
        r->at = rc == 0 ? 0 : block->count;
    }
    if (rc != 0)
        return rc;
    strata_buffer_clear(&r->key);
    if (buffer_reserve(&r->key, block->key_max + PAX_BLOCK_SLACK) < 0)
        return strata_fail_memory(err, block->key_max);
    r->key.size = pax_block_key(block, r->at, r->key.data);
    *entry = (struct salvage_entry){.type = pax_block_type(block, r->at),
                                    .key = strata_buffer_slice(&r->key),
                                    .value = pax_block_value(block, r->at),
                                    .gap = first && r->gap};
    r->gap &= !first;
    r->at++;
    return 0;
}

static void pax_close(struct salvage *salvage)
{
    struct reading *r = (struct reading *)salvage;

    fs_close(r->table.file.file, NULL); /* it was only read */
    block_finder_free(&r->finder);
    fence_free(&r->table.fence);
    strata_buffer_free(&r->table.base.smallest);
    strata_buffer_free(&r->table.base.largest);
    strata_buffer_free(&r->table.notes);
    free(r->table.base.path);
    pax_table_block_free(&r->block);
    strata_buffer_free(&r->file);
    strata_buffer_free(&r->key);
    free(r);
}

static int read_parts(struct reading *r, struct strata_error *err)
{
    int rc = pax_table_read_properties(&r->table, err);

    if (rc < 0)
        return rc;
    r->base.knows_properties = true;
    rc = pax_table_read_index(&r->table, err);
    if (rc < 0)
        fence_free(&r->table.fence);
    r->indexed = rc == 0;
    return rc;
}

static int pax_open(const struct strata_env *env, uint64_t number, struct salvage **out,
                    struct strata_error *why, struct strata_error *err)
{
    struct reading *r = calloc(1, sizeof *r);
    struct fs_file *file;
    int rc;

    *out = NULL;
    *why = (struct strata_error){0};
    if (!r)
        return strata_fail_memory(err, sizeof *r);
    r->base.kind = &pax_salvage;
    r->base.table = &r->table.base;
    rc = sstable_init(&r->table.base, &pax_table_kind, env, number, err);
    if (rc == 0)
        rc = salvage_open_file(&r->table.base, &file, err);
    if (rc == 0) {
        r->table.file.file = file;
        rc = read_parts(r, why);
        if (rc < 0 && rc != STRATA_ERR_CORRUPT && err)
            *err = *why;
        rc = rc == STRATA_ERR_CORRUPT ? 0 : rc;
    }
    if (rc < 0)
        pax_close(&r->base);
    else
        *out = &r->base;
    return rc;
}

const struct salvage_kind pax_salvage = {pax_open, pax_next, pax_close};
