/* inspect.c: annotated dumps of a run, and of the list of runs. (The log's is stage 3's.) */
#define FS_NO_SITES
#include "02_hash_index/segment_inspect.h"
#include "02_hash_index/segment.h"
#include "base/coding.h"
#include "04_memtable_sstable/run/run.h"
#include "tables.h"

#include <inttypes.h>

static const char *run_type(unsigned type)
{
    return type == RUN_INDEX ? "index: where records stand, 8 bytes each"
           : type == RUN_END ? "end: what the run holds"
                             : segment_type_name(type);
}

static const struct inspect_number *run_layout(unsigned type, size_t *count)
{
    static const struct inspect_number end[] = {
        {"records", 8, "puts and deletes", NULL},
        {"tombstones", 8, "deletes", NULL},
        {"index", 8, "where it begins", NULL},
        {"first", 8, "sequence number in it,", NULL},
        {"last", 8, "and the last one", NULL},
        {"digest", 8, "of all keys, places and types", inspect_opaque},
    };
    if (type != RUN_END)
        return NULL;
    *count = sizeof end / sizeof *end;
    return end;
}

static int run_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    static const struct record_words words = {"run", RUN_MAGIC,  RUN_END, run_type,
                                              NULL,  run_layout, false,   RUN_END};
    return record_inspect_kind(file, &words, to, err);
}

const struct strata_format run_format = {"run", RUN_MAGIC, "[0-9][0-9][0-9][0-9][0-9][0-9]*.run",
                                         run_inspect};

#define SHOW(fields) inspect_numbers(to, file, &at, fields, sizeof fields / sizeof *fields, err)

static int show_tables(struct fs_file *file, struct inspect *to, uint64_t *end,
                       struct strata_error *err)
{
    static const struct inspect_number head[] = {
        {"magic", 8, "\"" TABLES_MAGIC "\"", inspect_opaque},
        {"version", 2, "", NULL},
        {"reserved", 2, "must be 0", NULL},
        {"next", 8, "number of the next file", NULL},
        {"log", 8, "number of the log file", NULL},
        {"log_first", 8, "sequence number of its first operation", NULL},
        {"log_end", 8, "its bytes, known to be on the device", NULL},
        {"sequence", 8, "of the operation that follows them", NULL},
        {"runs", 4, "entries that follow, the newest first", NULL},
    };
    static const struct inspect_number run[] = {
        {"number", 8, "of the file", NULL},
        {"bytes", 8, "of it", NULL},
        {"digest", 8, "as in its end", inspect_opaque},
    };
    static const struct inspect_number check[] = {
        {"check", 4, "XXH3 of all bytes before it", inspect_opaque}};
    uint8_t raw[4] = {0};
    struct decoder d;
    uint64_t at = 0;
    uint32_t runs;
    size_t got;
    int rc = fs_read_at(file, TABLES_HEAD - 4, raw, sizeof raw, &got, err);

    if (rc < 0)
        return rc;
    decoder_init(&d, strata_bytes(raw, sizeof raw));
    runs = get_u32(&d);
    inspect_section(to, 0, "list of runs: head");
    rc = SHOW(head);
    for (uint32_t n = 1; rc == 0 && n <= runs; n++) {
        inspect_section(to, at, "run %" PRIu32, n);
        rc = SHOW(run);
    }
    if (rc == 0) {
        inspect_section(to, at, "end");
        rc = SHOW(check);
    }
    *end = at;
    return rc;
}

static int tables_inspect(struct fs_file *file, struct inspect *to, struct strata_error *err)
{
    struct strata_error why;
    struct tables tables = {0};
    uint64_t end;
    int rc = show_tables(file, to, &end, err);

    if (rc < 0)
        return rc;
    if (!to->damaged && file->end > end)
        inspect_stop(to, end, "the file goes on");
    rc = to->damaged ? 0 : tables_check(file->fs, file->path, &tables, &why);
    tables_free(&tables);
    if (rc == STRATA_ERR_CORRUPT) {
        inspect_stop(to, why.offset, "%s", why.message);
        rc = 0;
    } else if (rc < 0 && err) {
        *err = why;
    }
    inspect_end(to, to->damaged ? 0 : end, file->end);
    return rc;
}

const struct strata_format tables_format = {"list of runs", TABLES_MAGIC, TABLES_NAME,
                                            tables_inspect};
