/* chain_inspect.c: the annotated dump of a table, with the versions of its chains. */
#include "10_concurrency/snapshot/chain.h"
#include "10_concurrency/table/chain_table.h"

#include <inttypes.h>
#include <stdio.h>

static const char *tell(struct strata_slice coded, uint64_t last, char *to, size_t capacity)
{
    const char *wrong = chain_check(coded, last);
    struct chain_version v;
    struct chain chain;
    size_t size = 0;

    *to = 0;
    if (wrong)
        return wrong;
    for (chain_open(&chain, coded); size + 1 < capacity && chain_next(&chain, &v);) {
        int more = v.type == STRATA_OP_DELETE
                       ? snprintf(to + size, capacity - size, "%s%" PRIu64 " deleted",
                                  size ? ", " : "", v.number)
                       : snprintf(to + size, capacity - size, "%s%" PRIu64 " %zu bytes",
                                  size ? ", " : "", v.number, v.value.size);
        size += (size_t)more;
    }
    return NULL;
}

static int table_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    return pax_table_inspect(file, tell, to, err);
}

const struct strata_format chain_table_format = {
    "table", PAX_TABLE_MAGIC, "[0-9][0-9][0-9][0-9][0-9][0-9]*.table", table_inspect};
