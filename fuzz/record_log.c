/* record_log.c: the data file of stage 1 (stages/01_append_log/record.c): the bytes are 000001.log
 * of a database whose marker is fine.
 *
 * Beyond what database.h lists:
 *   - the annotated dump tells of damage iff opening refuses, and of a torn tail iff it drops one;
 *   - the records, read one by one and appended to a new file, make the same bytes again;
 *   - the file opens when its last bytes are cut off, and a tail is dropped for no other reason;
 *   - a record is valid in its own place alone. */
#include "fuzz.h"
#include "rewrite.h"

#define PATH DATABASE_DIR "/000001.log"
#define NUMBER 1
#define NUMBER_OFFSET 12

/* Which number the file should have, its name tells, and the dump does not go by names. */
static void check_dump(const struct database *db, const struct inspect *in)
{
    bool other_number = db->rc < 0 && db->err.offset == NUMBER_OFFSET;

    require(in->torn == db->dropped || other_number, "torn: %d; opening: %d", in->torn,
            db->dropped);
    require(in->damaged == (db->rc < 0) || other_number, "damaged: %d; opening: %d", in->damaged,
            db->rc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *base;
    static const struct rewrite_kind kind = {RECORD_MAGIC, NUMBER, STRATA_OP_DELETE};
    struct database db;
    struct inspect in;
    bool opened;

    if (!base)
        base = database_new(1);
    database_init(&db, base, PATH, strata_bytes(data, size));
    opened = database_read(&db);
    in = database_inspect(&db, &record_format);
    check_dump(&db, &in);
    if (opened) {
        rewrite_check_tail(&db, &kind, rewrite_records(&db, &kind));
        rewrite_check_places(&db, &kind);
        database_lose(&db, RECORD_FILE_HEADER);
    }
    database_write(&db);
    database_free(&db);
    return 0;
}
