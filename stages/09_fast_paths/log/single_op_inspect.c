/* single_op_inspect.c: the annotated dump of a log with single-operation batches. */
#define FS_NO_SITES
#include "03_wal/wal_inspect.h"
#include "single_op_log.h"
#include "strata_engine.h"

static const char *type_name(unsigned type)
{
    if (type == SINGLE_OP_PUT)
        return "put, a batch of its own";
    return type == SINGLE_OP_DELETE ? "delete, a batch of its own" : wal_type_name(type);
}

static int log_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    static const struct record_words words = {
        "write-ahead log", SINGLE_OP_MAGIC, SINGLE_OP_DELETE, type_name, NULL, wal_layout, true};
    return record_inspect_kind(file, &words, to, err);
}

const struct strata_format single_op_log_format = {
    "write-ahead log", SINGLE_OP_MAGIC, "[0-9][0-9][0-9][0-9][0-9][0-9]*.log", log_inspect};
