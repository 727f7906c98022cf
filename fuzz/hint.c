/* hint.c: a hint of stage 2 (stages/02_hash_index/hint.c): the bytes are 000001.hint beside the
 * closed segment 000001.log of a real database (sample.h).
 *
 * Beyond what database.h lists: whatever the bytes, it opens, and holds what its log says. A hint
 * is a help, never a word against the log. None is used but the one that the engine writes for that
 * segment, byte by byte. */
#include "02_hash_index/hint.h"
#include "fuzz.h"
#include "sample.h"

#define PATH DATABASE_DIR "/000001.hint"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *base;
    static struct content content;
    static struct strata_buffer genuine;
    struct strata_slice bytes = strata_bytes(data, size);
    struct database db;

    if (!base) {
        base = sample_new(2, &content);
        require(fs_sim_get(base, PATH, &genuine) == 0, "no " PATH);
        sample_litter(base);
    }
    database_init(&db, base, PATH, bytes);
    db.stat_name = "open_hints_used";
    require(database_read(&db), "it does not open: %s", db.err.message);
    require(content_equal(&db.content, &content), "%llu entries, in the log are %llu",
            (unsigned long long)db.content.entries, (unsigned long long)content.entries);
    require(fuzz_engine() ||
                (db.stat == 1) == (strata_compare(bytes, strata_buffer_slice(&genuine)) == 0),
            "%llu hints are used", (unsigned long long)db.stat);
    database_inspect(&db, &hint_format);
    database_write(&db);
    database_free(&db);
    return 0;
}
