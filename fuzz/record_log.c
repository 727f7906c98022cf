/* record_log.c: the data file of stage 1 (stages/01_append_log/record.c): the bytes are 000001.log
 * of a database whose marker is fine.
 *
 * Beyond what database.h lists:
 *   - the annotated dump tells of damage iff opening refuses, and of a torn tail iff it drops one;
 *   - the records, read one by one and appended to a new file, make the same bytes again. */
#include "01_append_log/record.h"
#include "database.h"
#include "fuzz.h"

#define PATH DATABASE_DIR "/000001.log"
#define NUMBER 1
#define NUMBER_OFFSET 12

static void append_again(struct fs_file *from, uint64_t limit, const struct record *record,
                         struct fs_file *to)
{
    struct strata_buffer value = {0};
    struct strata_error err = {.code = 0};
    struct strata_op op = {(enum strata_op_type)record->type, record->key, {NULL, 0}};
    int rc = 0;

    if (record->type == STRATA_OP_PUT)
        rc = record_value(from, NUMBER, record->offset, limit, record->key, &value, &err);
    require(rc == 0, "a value: %s", err.message);
    op.value = strata_buffer_slice(&value);
    require(record_append(to, NUMBER, &op, &err) == 0, "%s", err.message);
    strata_buffer_free(&value);
}

/* Returns how many bytes were valid. */
static uint64_t write_again(struct fs_file *from, struct fs_file *to)
{
    struct record_reader reader;
    struct record record;
    struct strata_error err = {.code = 0};
    int rc;

    require(record_start_file(to, NUMBER, &err) == 0, "%s", err.message);
    record_reader_init(&reader, from, NUMBER, from->end);
    while ((rc = record_next(&reader, &record, &err)) == 0)
        append_again(from, from->end, &record, to);
    require(rc > 0, "opening took it, reading does not: %s", err.message);
    record_reader_free(&reader);
    return reader.at;
}

static void check_fixpoint(struct database *db, struct strata_slice bytes)
{
    struct strata_buffer again = {0};
    struct fs_file *from, *to;
    uint64_t valid;

    require(fs_open(db->fs, PATH, FS_READ, &from, NULL) == 0, "the log");
    require(fs_open(db->fs, "again", FS_WRITE | FS_CREATE, &to, NULL) == 0, "a new log");
    valid = write_again(from, to);
    fs_close(from, NULL);
    fs_close(to, NULL);
    require(fs_sim_get(db->fs, "again", &again) == 0, "the new log");
    require(db->dropped == (valid < bytes.size), "%llu bytes of %zu are valid",
            (unsigned long long)valid, bytes.size);
    require(strata_compare(strata_buffer_slice(&again), strata_bytes(bytes.data, valid)) == 0,
            "%zu bytes written again, of %llu", again.size, (unsigned long long)valid);
    strata_buffer_free(&again);
}

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
    struct strata_slice bytes = strata_bytes(data, size);
    struct database db;
    struct inspect in;
    bool opened;

    if (!base)
        base = database_new(1);
    database_init(&db, base, PATH, bytes);
    opened = database_read(&db);
    in = database_inspect(&db, &record_format);
    check_dump(&db, &in);
    if (opened)
        check_fixpoint(&db, bytes);
    database_write(&db);
    database_free(&db);
    return 0;
}
