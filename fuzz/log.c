/* log.c: the log of stage 9, which has single-operation batches
 * (stages/09_fast_paths/log/single_op_log.c): the bytes are 000001.log, the only log that the
 * manifest of an empty database names, of which it says that 77 bytes are on the device.
 *
 * Beyond what database.h lists:
 *   - where opening neither refuses nor drops anything, the annotated dump has nothing to say;
 *   - frames and single-operation batches, read one by one and written to a new file as groups,
 *     make the same bytes again, and so do the records;
 *   - inside a frame there is no single-operation batch, and no delete that is one has a value;
 *   - the first frame has a head; of those that follow each head goes on with the number, and has
 *     the salt, up to where reading stops. */
#include "04_memtable_sstable/log.h"
#include "09_fast_paths/log/single_op_log.h"
#include "database.h"
#include "fuzz.h"
#include "rewrite.h"

#define NUMBER 1
#define PATH DATABASE_DIR "/000001.log"

/* Is it a single-operation batch? */
static bool has_no_head(const struct wal_frame *frame)
{
    return frame->first == frame->offset;
}

/* The records of a frame, added to the group. */
static void add_records(struct wal_group *group, struct fs_file *from,
                        const struct wal_frame *frame)
{
    uint64_t first = frame->first;
    struct strata_buffer body = {0};
    struct strata_error err = {.code = 0};

    while (first < frame->end) {
        struct record record;
        int rc = record_at(from, NUMBER, first, frame->end, SINGLE_OP_DELETE, &body, &record, &err);
        struct strata_slice value;
        require(rc == 0, "%s", err.message);
        require(has_no_head(frame) == (record.type >= SINGLE_OP_PUT), "type %u in a frame",
                record.type);
        require(record.type != SINGLE_OP_DELETE || !record.value_size, "a delete with a value");
        value = rewrite_value(&body, &record);
        wal_frame_add(group, record.type, record.key, value, has_no_head(frame));
        first = record.next;
    }
    strata_buffer_free(&body);
}

static void write_frame(struct fs_file *from, const struct wal_frame *frame, struct fs_file *to)
{
    struct wal_group group = {0};
    struct strata_error err = {.code = 0};

    wal_group_begin(&group, NUMBER, frame->salt, to->end);
    if (!has_no_head(frame))
        wal_frame_begin(&group, frame->sequence, frame->synced);
    add_records(&group, from, frame);
    if (!has_no_head(frame))
        wal_frame_end(&group);
    require(wal_group_write(&group, to, &err) == 0, "%s", err.message);
    require(to->end == frame->end, "%llu instead of %llu", (unsigned long long)to->end,
            (unsigned long long)frame->end);
    wal_group_free(&group);
}

/* Returns whether all frames stand where they may. */
static bool write_frames(struct record_reader *reader, const struct wal_kind *kind,
                         struct fs_file *to)
{
    uint64_t sequence = 0, salt = 0;
    struct strata_error err = {.code = 0};
    struct wal_frame frame = {0};
    bool right = true;

    while (wal_next(reader, kind, &frame, &err) == 0) {
        bool begins = frame.offset == RECORD_FILE_HEADER;
        write_frame(reader->file, &frame, to);
        right &= begins || (frame.sequence == sequence && frame.salt == salt);
        right &= !begins || !has_no_head(&frame);
        sequence = frame.sequence + frame.count;
        salt = frame.salt;
    }
    return right;
}

static void rewrite_frames(const struct database *db, const struct wal_kind *kind)
{
    struct strata_error err = {.code = 0};
    struct record_reader reader;
    struct fs_file *from, *to;
    bool right;

    require(fs_open(db->fs, db->path, FS_READ, &from, NULL) == 0, "the log");
    require(fs_open(db->fs, "again", FS_WRITE | FS_CREATE | FS_TRUNCATE, &to, NULL) == 0, "again");
    require(record_start_kind(to, kind ? kind->magic : WAL_MAGIC, NUMBER, &err) == 0, "%s",
            err.message);
    record_reader_init(&reader, from, NUMBER, from->end);
    reader.max_type = wal_max_type(kind);
    right = write_frames(&reader, kind, to);
    require(right || db->dropped, "a frame is not in its place");
    record_reader_free(&reader);
    fs_close(from, NULL);
    fs_close(to, NULL);
    rewrite_compare(db);
}

/* Which of the two kinds it is: it has opened. */
static const struct wal_kind *kind_of(const struct database *db)
{
    const struct wal_kind *kind = &single_op_log;
    struct fs_file *file;

    require(fs_open(db->fs, db->path, FS_READ, &file, NULL) == 0, "the log");
    require(log_check_header(file, NUMBER, &kind, NULL) == 0, "it opens without a header");
    fs_close(file, NULL);
    return kind;
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
        const struct wal_kind *of = kind_of(&db);
        struct rewrite_kind kind = {of ? of->magic : WAL_MAGIC, NUMBER, wal_max_type(of)};
        in = database_inspect(&db, of ? &single_op_log_format : &wal_format);
        require(db.dropped || (!in.damaged && !in.torn),
                "the dump tells of damage (%d) or a torn tail (%d), and opening does not",
                in.damaged, in.torn);
        rewrite_records(&db, &kind);
        rewrite_frames(&db, of);
    }
    database_write(&db);
    database_free(&db);
    return 0;
}
