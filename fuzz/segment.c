/* segment.c: a log segment of stage 2 (stages/02_hash_index/segment.c): the bytes are 000001.log,
 * the only segment of a database, or 000002.log after a closed one (sample.h) that has no hint. The
 * marker is fine.
 *
 * Beyond what database.h lists:
 *   - where the annotated dump tells of damage, opening refuses; of a torn tail, it refuses or
 * drops it. (Whether a seal fits, and how a file should be numbered, the dump does not know.)
 *   - the records, read one by one and appended to a new file, make the same bytes again;
 *   - the file opens when its last bytes are cut off, and a tail is dropped for no other reason. */
#include "02_hash_index/segment.h"
#include "fuzz.h"
#include "rewrite.h"
#include "sample.h"

/* The bytes tell by their number which segment they are: 2, after a closed one, or else 1. */
static const struct rewrite_kind kinds[2] = {
    {SEGMENT_MAGIC, REWRITE_NUMBER(1), SEGMENT_DELETE_TWIN},
    {SEGMENT_MAGIC, REWRITE_NUMBER(2), SEGMENT_DELETE_TWIN},
};
static const char *const paths[2] = {DATABASE_DIR "/000001.log", DATABASE_DIR "/000002.log"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *bases[2];
    struct strata_slice bytes = strata_bytes(data, size);
    int which = rewrite_has_number(bytes, kinds[1].number);
    struct database db;
    struct inspect in;
    bool opened;

    if (!bases[0]) {
        bases[0] = database_new(2);
        bases[1] = sample_new(2, NULL);
        sample_remove(bases[1], "000001.hint");
    }
    database_init(&db, bases[which], paths[which], bytes);
    opened = database_read(&db);
    in = database_inspect(&db, &segment_format);
    require(!in.damaged || !opened, "the dump tells of damage, and opening does not");
    require(!in.torn || !opened || db.dropped,
            "the dump tells of a torn tail, and opening does not");
    if (opened)
        rewrite_check_tail(&db, &kinds[which], rewrite_records(&db, &kinds[which]));
    database_write(&db);
    database_free(&db);
    return 0;
}
