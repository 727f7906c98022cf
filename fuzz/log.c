/* log.c: the log of stage 6 (stages/07_paced_compaction/tree/tree_open.c reads it), in which
 * operations may stand alone (03_wal/wal.h): the bytes are 000001.log, the only log that the
 * manifest of an empty database names, of which it says that 77 bytes are on the device.
 *
 * Beyond what database.h lists:
 *   - where opening neither refuses nor drops anything, the annotated dump has nothing to say;
 *   - frames with a head and operations alone, read one by one and written to a new file as groups,
 *     make the same bytes again, and so do the records;
 *   - inside a frame with a head no operation stands alone, and no delete that does has a value;
 *   - the first frame has a head; of those that follow each head goes on with the number, and has
 *     the salt, up to where reading stops. */
#include "03_wal/wal.h"
#include "database.h"
#include "fuzz.h"
#include "rewrite.h"

#define NUMBER 1
#define PATH DATABASE_DIR "/000001.log"

/* The records of a frame, added to the group. */
static void add_records(struct wal_group *group, struct fs_file *from, uint64_t first,
                        const struct wal_frame *frame)
{
    struct strata_buffer body = {0};
    struct strata_error err = {.code = 0};

    while (first < frame->end) {
        struct record record;
        int rc =
            record_at(from, NUMBER, first, frame->end, wal_max_type(true), &body, &record, &err);
        struct strata_slice value;
        require(rc == 0, "%s", err.message);
        require(frame->lone == (record.type >= WAL_LONE_PUT), "type %u in a frame", record.type);
        require(record.type != WAL_LONE_DELETE || !record.value_size, "a delete with a value");
        value = rewrite_value(&body, &record);
        if (frame->lone)
            wal_lone_add(group, wal_operation(&record), record.key, value, true);
        else
            wal_frame_add(group, record.type, record.key, value, false);
        first = record.next;
    }
    strata_buffer_free(&body);
}

static void write_frame(struct fs_file *from, const struct wal_frame *frame, uint64_t first,
                        struct fs_file *to)
{
    struct wal_group group = {0};
    struct strata_error err = {.code = 0};

    wal_group_begin(&group, NUMBER, frame->salt, to->end);
    if (!frame->lone)
        wal_frame_begin(&group, frame->sequence, frame->synced);
    add_records(&group, from, first, frame);
    if (!frame->lone)
        wal_frame_end(&group);
    require(wal_group_write(&group, to, &err) == 0, "%s", err.message);
    require(to->end == frame->end, "%llu instead of %llu", (unsigned long long)to->end,
            (unsigned long long)frame->end);
    wal_group_free(&group);
}

/* Returns whether all frames stand where they may. */
static bool write_frames(struct record_reader *reader, struct fs_file *to)
{
    uint64_t sequence = 0, salt = 0, first;
    struct strata_error err = {.code = 0};
    struct wal_frame frame;
    bool right = true;

    while (wal_next(reader, &frame, &first, &err) == 0) {
        bool begins = frame.offset == RECORD_FILE_HEADER;
        write_frame(reader->file, &frame, first, to);
        if (frame.lone)
            right &= !begins;
        else
            right &= begins || (frame.sequence == sequence && frame.salt == salt);
        sequence = (frame.lone ? sequence : frame.sequence) + frame.count;
        salt = frame.lone ? salt : frame.salt;
    }
    return right;
}

static void rewrite_frames(const struct database *db, bool lone)
{
    struct strata_error err = {.code = 0};
    struct record_reader reader;
    struct fs_file *from, *to;
    bool right;

    require(fs_open(db->fs, db->path, FS_READ, &from, NULL) == 0, "the log");
    require(fs_open(db->fs, "again", FS_WRITE | FS_CREATE | FS_TRUNCATE, &to, NULL) == 0, "again");
    require(record_start_kind(to, lone ? WAL_LONE_MAGIC : WAL_MAGIC, NUMBER, &err) == 0, "%s",
            err.message);
    record_reader_init(&reader, from, NUMBER, from->end);
    reader.max_type = wal_max_type(lone);
    right = write_frames(&reader, to);
    require(right || db->dropped, "a frame is not in its place");
    record_reader_free(&reader);
    fs_close(from, NULL);
    fs_close(to, NULL);
    rewrite_compare(db);
}

/* Which of the two kinds it is: it has opened. */
static bool has_lone(const struct database *db)
{
    struct fs_file *file;
    bool lone = false;

    require(fs_open(db->fs, db->path, FS_READ, &file, NULL) == 0, "the log");
    require(wal_check_log(file, NUMBER, &lone, NULL) == 0, "it opens without a header");
    fs_close(file, NULL);
    return lone;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strata_fs *base;
    struct database db;
    struct inspect in;

    if (!base)
        base = database_new(6);
    database_init(&db, base, PATH, strata_bytes(data, size));
    if (database_read(&db)) {
        bool lone = has_lone(&db);
        struct rewrite_kind kind = {lone ? WAL_LONE_MAGIC : WAL_MAGIC, NUMBER, wal_max_type(lone)};
        in = database_inspect(&db, lone ? &wal_lone_format : &wal_format);
        require(db.dropped || (!in.damaged && !in.torn),
                "the dump tells of damage (%d) or a torn tail (%d), and opening does not",
                in.damaged, in.torn);
        rewrite_records(&db, &kind);
        rewrite_frames(&db, lone);
    }
    database_write(&db);
    database_free(&db);
    return 0;
}
