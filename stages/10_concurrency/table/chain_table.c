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

static int writer_new(const struct strata_env *env, uint64_t number, struct sstable_writer **out,
                      struct strata_error *err)
{
    return pax_table_writer_new(env, &chain_table_kind, number, out, err);
}

const struct sstable_kind chain_table_kind = {
    .suffix = ".table",
    .magic = PAX_TABLE_MAGIC,
    .common_new = common_new,
    .common_del = pax_table_common_del,
    .common_check = pax_table_common_check,
    .stats = pax_table_stats,
    .open = pax_table_open,
    .close = pax_table_close,
    .get = pax_table_get,
    .offset = pax_table_offset,
    .cursor = pax_table_cursor,
    .verify = pax_table_verify,
    .writer_new = writer_new,
    .writer_add = pax_table_writer_add,
    .writer_finish = pax_table_writer_finish,
    .writer_del = pax_table_writer_del,
};
