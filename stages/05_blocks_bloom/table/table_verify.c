/* table_verify.c: every byte of a table is read from the file and checked: what is there now, not
 * what was there when the table was opened or is in the cache. */
#include "02_hash_index/index.h"
#include "05_blocks_bloom/block/stored_block.h"
#include "table_inside.h"

#include <stdlib.h>

struct verification {
    struct table *table;
    struct block_iter iter;
    struct sstable_sum sum; /* what was found */
    uint64_t raw_bytes;
};

static int verify_entry(struct verification *v, uint32_t n, struct strata_error *err)
{
    const struct table *t = v->table;

    v->sum.records++;
    v->sum.tombstones += v->iter.type == STRATA_OP_DELETE;
    if (t->filter && !bloom_may_contain(&t->bloom, index_hash(strata_buffer_slice(&v->iter.key))))
        return sstable_corrupt(&t->base, table_index_at(&t->index, n).offset,
                               "the filter does not have a key of this block", err);
    return 0;
}

/* Loading it checks the block, and that its keys are where the index says (5.I10). */
static int verify_block(struct verification *v, uint32_t n, struct strata_error *err)
{
    struct cache_block *bytes;
    uint32_t check;
    int rc = table_load(v->table, n, &bytes, &check, err);

    if (rc < 0)
        return rc;
    v->sum.digest = stored_block_digest(v->sum.digest, check);
    v->raw_bytes += bytes->size;
    rc = block_iter_enter(&v->iter, table_block(bytes), err);
    if (rc == 0) {
        block_iter_first(&v->iter);
        do
            rc = verify_entry(v, n, err);
        while (rc == 0 && block_iter_next(&v->iter));
    }
    free(bytes);
    return rc;
}

int table_verify_blocks(struct sstable *table, struct strata_error *err)
{
    const struct sstable_sum *sum = &table->sum;
    struct table *t = (struct table *)table;
    struct verification v = {.table = t};
    int rc = 0;

    for (uint32_t n = 0; rc == 0 && n < t->index.count; n++)
        rc = verify_block(&v, n, err);
    if (rc == 0 && (v.sum.records != sum->records || v.sum.tombstones != sum->tombstones ||
                    v.sum.digest != sum->digest || v.raw_bytes != t->raw_bytes))
        rc = sstable_corrupt(table, t->footer.properties,
                             "the blocks are not those that the properties describe", err);
    block_iter_free(&v.iter);
    return rc;
}
