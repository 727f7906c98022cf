/* pax_table_verify.c: every byte of a table is read and checked, past the cache: what is in the
 * file now, not what was there when it was opened; by calls, so that a failing device is an error.
 */
#include "02_hash_index/index.h"
#include "09_fast_paths/read/readahead.h"

#include <stdlib.h>

struct verification {
    const struct pax_table *table; /* opened anew */
    struct readahead ahead;
    struct pax_table_block block;
    struct strata_buffer scratch;
    struct sstable_sum sum;
    uint64_t block_bytes;
};

static int verify_entry(struct verification *v, uint32_t n, uint32_t at, struct strata_error *err)
{
    const struct pax_table *t = v->table;
    const struct pax_block *block = &v->block.block;
    unsigned type = pax_block_type(block, at);

    v->sum.records++;
    v->sum.tombstones += type != STRATA_OP_PUT;
    if (type == SSTABLE_CODED) {
        v->sum.coded++;
        if (pax_table_coding_of(t))
            v->sum.old_bytes += pax_table_coding_of(t)->old_bytes(pax_block_value(block, at));
    }
    v->scratch.size = pax_block_put_suffix(block, at, v->scratch.data); /* behind the prefix */
    if (t->filter && !bloom_may_contain(&t->bloom, index_hash(strata_buffer_slice(&v->scratch))))
        return sstable_corrupt(&t->base, t->fence.offsets[n],
                               "the filter does not have a key of this block", err);
    return 0;
}

static int verify_block(struct verification *v, uint32_t n, struct strata_error *err)
{
    const struct pax_table *t = v->table;
    uint64_t offset = t->fence.offsets[n];
    struct strata_error why;
    const uint8_t *stored;
    int rc = readahead_block(&v->ahead, t, n, false, true, &stored, err);

    if (rc == 0)
        rc = pax_table_open_block(t, n, stored, &v->block, err);
    if (rc < 0)
        return rc;
    v->sum.digest = stored_block_digest(v->sum.digest, v->block.check);
    v->block_bytes += v->block.block.size;
    rc = pax_block_verify(&v->block.block, index_hash, &v->scratch, &why);
    rc = pax_table_blame(t, offset, rc, &why, err);
    for (uint32_t at = 0; rc == 0 && at < v->block.block.count; at++)
        rc = verify_entry(v, n, at, err);
    return rc;
}

/* The ends are those of the properties: with the index this proves that all keys ascend. */
static int verify_ends(const struct verification *v, uint32_t n, struct strata_error *err)
{
    const struct pax_table *t = v->table;
    const struct pax_block *block = &v->block.block;
    bool hold = true;

    if (n == 0)
        hold = pax_table_compare_at(block, 0, strata_buffer_slice(&t->base.smallest)) == 0;
    if (hold && n + 1 == t->fence.count)
        hold = pax_table_compare_at(block, block->count - 1,
                                    strata_buffer_slice(&t->base.largest)) == 0;
    return hold ? 0
                : sstable_corrupt(&t->base, t->fence.offsets[n],
                                  "the table ends with another key than it says", err);
}

static int verify_all(struct verification *v, struct strata_error *err)
{
    const struct sstable *table = &v->table->base;
    int rc = 0;

    for (uint32_t n = 0; rc == 0 && n < v->table->fence.count; n++) {
        rc = verify_block(v, n, err);
        if (rc == 0)
            rc = verify_ends(v, n, err);
    }
    if (rc == 0 &&
        (v->sum.records != table->sum.records || v->sum.tombstones != table->sum.tombstones ||
         v->sum.digest != table->sum.digest || v->block_bytes != v->table->block_bytes ||
         v->sum.coded != table->sum.coded ||
         (v->sum.old_bytes != table->sum.old_bytes && pax_table_coding_of(v->table))))
        rc = sstable_corrupt(table, v->table->properties,
                             "the blocks are not those that the properties describe", err);
    return rc;
}

int pax_table_verify_blocks(struct sstable *table, struct strata_error *err)
{
    struct verification v = {.table = pax_table_of(table)};
    int rc = verify_all(&v, err);

    readahead_free(&v.ahead);
    pax_table_block_free(&v.block);
    strata_buffer_free(&v.scratch);
    return rc;
}

/* By calls: a read that fails is an error; in what is mapped it is a signal. */
int pax_table_verify(struct sstable *table, struct strata_error *err)
{
    struct pax_table_common *common = pax_table_of(table)->common;
    struct strata_options options = *common->env->options;
    struct strata_env env = *common->env;

    options.mapped_reads = false;
    env.options = &options;
    return sstable_verify_anew(table, &env, common, pax_table_verify_blocks, err);
}
