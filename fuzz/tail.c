/* tail.c: the file TAIL of stage 3 (stages/03_wal/tail.c), beside a real log (sample.h).
 *
 * Beyond what database.h lists:
 *   - what opens holds what the log says; a refusal says what was lost;
 *   - a TAIL that the annotated dump calls damaged is ignored, so that it opens. */
#include "03_wal/tail.h"
#include "fuzz.h"
#include "sample.h"

#define PATH DATABASE_DIR "/" TAIL_NAME

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *base;
    static struct content content;
    struct database db;
    struct inspect in;

    if (!base)
        base = sample_new(3, &content);
    database_init(&db, base, PATH, strata_bytes(data, size));
    if (database_read(&db))
        require(content_equal(&db.content, &content), "%llu entries, in the log are %llu",
                (unsigned long long)db.content.entries, (unsigned long long)content.entries);
    in = database_inspect(&db, &tail_format);
    require(!in.damaged || db.rc == 0, "a damaged TAIL is believed: %s", db.err.message);
    require(!db.dropped, "TAIL makes a tail torn");
    database_write_some(&db);
    database_free(&db);
    return 0;
}
