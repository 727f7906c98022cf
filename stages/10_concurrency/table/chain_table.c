/* chain_table.c: see chain_table.h. */
#include "chain_table.h"
#include "10_concurrency/snapshot/chain.h"

static int common_new(const struct strata_env *env, void **out, struct strata_error *err)
{
    struct pax_table_common *common;
    int rc = pax_table_common_new(env, out, err);

    if (rc < 0)
        return rc;
    common = *out;
    common->kind = &chain_table_kind;
    common->coding = &chain_coding;
    return 0;
}

static int writer_add(struct sstable_writer *writer, unsigned type, struct strata_slice key,
                      struct strata_slice value, struct strata_error *err)
{
    if (type == SSTABLE_CODED)
        writer->sum.old_bytes += chain_old_bytes(value);
    return pax_table_writer_add(writer, type, key, value, err);
}

const struct sstable_kind chain_table_kind = {
    PAX_TABLE_SLOTS,
    .common_new = common_new,
    .writer_add = writer_add,
};

const struct salvage_kind chain_salvage = {
    .table = &chain_table_kind, PAX_SALVAGE_SLOTS, .check_coded = chain_check};
