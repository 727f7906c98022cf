/* value_inspect.c: the annotated dump of a table, with its pointers and chains. */
#include "10_concurrency/snapshot/chain.h"
#include "12_value_log/table/value_table.h"

#include <inttypes.h>
#include <stdio.h>

static int tell_pointer(struct strata_slice bytes, char *to, size_t capacity)
{
    struct pointer p;

    pointer_decode(bytes, &p);
    return snprintf(to, capacity, "%" PRIu32 " bytes in value file %" PRIu64 " @%" PRIu64, p.size,
                    p.number, p.offset);
}

static int tell_version(const struct chain_version *v, char *to, size_t capacity)
{
    int size = snprintf(to, capacity, "%" PRIu64 " ", v->number);

    if ((size_t)size >= capacity)
        return size;
    to += size;
    capacity -= (size_t)size;
    if (v->type == SSTABLE_CODED)
        return size + tell_pointer(v->value, to, capacity);
    if (v->type == STRATA_OP_DELETE)
        return size + snprintf(to, capacity, "deleted");
    return size + snprintf(to, capacity, "%zu bytes", v->value.size);
}

static const char *tell(struct strata_slice coded, uint64_t last, char *to, size_t capacity)
{
    const char *wrong = value_coding.check(coded, last);
    struct chain_version v;
    struct chain chain;
    size_t size = 0;

    *to = 0;
    if (wrong)
        return wrong;
    if (!chain_is(coded)) {
        tell_pointer(coded, to, capacity);
        return NULL;
    }
    for (chain_open(&chain, coded); size + 1 < capacity && chain_next(&chain, &v);) {
        if (size)
            size += (size_t)snprintf(to + size, capacity - size, ", ");
        if (size + 1 < capacity)
            size += (size_t)tell_version(&v, to + size, capacity - size);
    }
    return NULL;
}

static int table_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    return pax_table_inspect(file, tell, to, err);
}

const struct strata_format value_table_format = {
    "table", PAX_TABLE_MAGIC, "[0-9][0-9][0-9][0-9][0-9][0-9]*.table", table_inspect};
