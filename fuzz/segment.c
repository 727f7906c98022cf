/* segment.c: a log segment of stage 2 (stages/02_hash_index/segment.c): the bytes are 000001.log,
 * the only segment of a database, or 000002.log after a closed one (sample.h) that has no hint. The
 * marker is fine.
 *
 * Beyond what database.h lists:
 *   - where the annotated dump tells of damage, opening refuses; of a torn tail, it refuses or
 * drops it. (Whether a seal fits, and how a file should be numbered, the dump does not know.)
 *   - the records, read one by one and appended to a new file, make the same bytes again;
 *   - the file opens when its last bytes are cut off, and a tail is dropped for no other reason;
 *   - a record is valid in its own place alone;
 *   - with another segment behind it, it does not open but with its seal. */
#include "02_hash_index/segment.h"
#include "fuzz.h"
#include "repair.h"
#include "rewrite.h"
#include "sample.h"

/* The first record gets the mark of a hash collision, or loses it, while the segment is open. */
static void check_mark(const struct database *db, struct strata_slice bytes)
{
    enum { TYPE = RECORD_FILE_HEADER + 4 };
    struct strata_buffer changed = {0};

    if (bytes.size < RECORD_FILE_HEADER + RECORD_HEAD || bytes.data[TYPE] == SEGMENT_SEAL)
        return;
    strata_buffer_append(&changed, bytes.data, bytes.size);
    changed.data[TYPE] = (uint8_t)((segment_is_put(bytes.data[TYPE]) ? 5 : 7) - bytes.data[TYPE]);
    repair(changed.data, changed.size, REPAIR_CHECKS);
    database_change(db, strata_buffer_slice(&changed));
    strata_buffer_free(&changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct database db;
    unsigned which = sample_log(&db, 2, strata_bytes(data, size));
    struct rewrite_kind kind = {SEGMENT_MAGIC, REWRITE_NUMBER(which), SEGMENT_DELETE_COLLIDING};
    bool opened = database_read(&db);
    struct inspect in = database_inspect(&db, &segment_format);

    require(!in.damaged || !opened, "the dump tells of damage, and opening does not");
    require(!in.torn || !opened || db.dropped,
            "the dump tells of a torn tail, and opening does not");
    if (opened) {
        rewrite_check_tail(&db, &kind, rewrite_records(&db, &kind));
        rewrite_check_places(&db, &kind);
        sample_check_closed(&db, 2, &kind);
        if (which == 1) {
            database_lose(&db, RECORD_FILE_HEADER);
            check_mark(&db, strata_bytes(data, size));
        }
    }
    database_write(&db);
    database_free(&db);
    return 0;
}
