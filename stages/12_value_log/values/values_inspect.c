/* values_inspect.c: the annotated dump of a value file: one that was a log, or one that a
 * collection wrote. */
#define FS_NO_SITES
#include "03_wal/wal_inspect.h"
#include "09_fast_paths/log/single_op_log.h"
#include "12_value_log/values/value_set.h"

#include <string.h>

#define NAMES "[0-9][0-9][0-9][0-9][0-9][0-9]*" VALUES_SUFFIX

static const char *type_name(unsigned type)
{
    if (type == SINGLE_OP_PUT)
        return "put, a batch of its own";
    return type == SINGLE_OP_DELETE ? "delete, a batch of its own" : wal_type_name(type);
}

static int values_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    static const struct record_words log = {"value file, once a log",
                                            SINGLE_OP_MAGIC,
                                            SINGLE_OP_DELETE,
                                            type_name,
                                            NULL,
                                            wal_layout,
                                            true};
    static const struct record_words collected = {
        "value file, collected", VALUES_MAGIC, STRATA_OP_PUT, type_name, NULL, wal_layout, true};
    char magic[8] = "";
    size_t got;
    int rc = fs_read_at(file, 0, magic, sizeof magic, &got, err);

    if (rc < 0)
        return rc;
    return record_inspect_kind(
        file, memcmp(magic, VALUES_MAGIC, sizeof magic) == 0 ? &collected : &log, to, err);
}

const struct strata_format value_log_format = {"value file", SINGLE_OP_MAGIC, NAMES,
                                               values_inspect};
const struct strata_format value_file_format = {"value file", VALUES_MAGIC, NAMES, values_inspect};
