/* wal.c: the log of stage 3 (stages/03_wal/wal.c): the bytes are 000001.log, the only segment of a
 * database, or 000002.log after a closed one (sample.h). The marker is fine; TAIL and INDEX are
 * missing.
 *
 * Beyond what database.h lists:
 *   - where opening neither refuses nor drops anything, the annotated dump has nothing to say;
 *   - the frames, read one by one and written to a new file as groups, make the same bytes again,
 *     and so do the records; where nothing is dropped, a frame goes on where the last one ended;
 *   - a refusal as something was synced has a witness: a frame of this file that says so;
 *   - with another segment behind it, it does not open but with its seal. */
#include "03_wal/wal.h"
#include "02_hash_index/segment.h"
#include "base/coding.h"
#include "fuzz.h"
#include "rewrite.h"
#include "sample.h"

#include <stdlib.h>
#include <string.h>

/* The records of a frame, added to the group. */
static void add_records(struct wal_group *group, struct fs_file *from, uint64_t first, uint64_t end)
{
    struct strata_buffer body = {0};
    struct strata_error err = {.code = 0};

    while (first < end) {
        struct record record;
        int rc = record_at(from, group->number, first, end, WAL_FRAME, &body, &record, &err);
        uint64_t offset;
        require(rc == 0, "%s", err.message);
        offset =
            wal_frame_add(group, record.type, record.key, rewrite_value(&body, &record), false);
        require(offset == first, "at %llu instead of %llu", (unsigned long long)offset,
                (unsigned long long)first);
        first = record.next;
    }
    strata_buffer_free(&body);
}

static void write_frame(uint64_t number, struct fs_file *from, const struct wal_frame *frame,
                        struct fs_file *to)
{
    struct wal_group group = {0};
    struct strata_error err = {.code = 0};

    wal_group_begin(&group, number, frame->salt, to->end);
    wal_frame_begin(&group, frame->sequence, frame->synced);
    add_records(&group, from, frame->first, frame->end);
    wal_frame_end(&group);
    require(wal_group_write(&group, to, &err) == 0, "%s", err.message);
    require(to->end == frame->end, "%llu instead of %llu", (unsigned long long)to->end,
            (unsigned long long)frame->end);
    wal_group_free(&group);
}

/* Of the same file, and with the numbers that come next. */
static bool follows(const struct wal_frame *before, const struct wal_frame *frame)
{
    return frame->salt == before->salt && frame->sequence == before->sequence + before->count;
}

static void rewrite_frames(const struct database *db, uint64_t number)
{
    struct strata_error err = {.code = 0};
    struct record_reader reader;
    struct wal_frame frame = {0}, before;
    struct fs_file *from, *to;

    require(fs_open(db->fs, db->path, FS_READ, &from, NULL) == 0, "the log");
    require(fs_open(db->fs, "again", FS_WRITE | FS_CREATE | FS_TRUNCATE, &to, NULL) == 0, "again");
    require(record_start_kind(to, WAL_MAGIC, number, &err) == 0, "%s", err.message);
    record_reader_init(&reader, from, number, from->end);
    reader.max_type = WAL_FRAME;
    for (before = (struct wal_frame){0}; wal_next(&reader, NULL, &frame, &err) == 0;
         before = frame) {
        write_frame(number, from, &frame, to);
        require(!before.end || db->dropped || follows(&before, &frame),
                "the frame at %llu does not follow the one before",
                (unsigned long long)frame.offset);
    }
    record_reader_free(&reader);
    fs_close(from, NULL);
    fs_close(to, NULL);
    rewrite_compare(db);
}

/* ---- Witnesses ------------------------------------------------------------------------- */

/* What a refusal says was synced; 0: it is refused for something else. */
static uint64_t said_to_be_synced(const struct database *db)
{
    static const char below[] = "below ", was[] = "the log ends here, and ";
    const char *text = db->err.message, *number = NULL;

    if (strncmp(text, below, strlen(below)) == 0)
        number = text + strlen(below);
    else if (strncmp(text, was, strlen(was)) == 0)
        number = text + strlen(was);
    return db->rc == STRATA_ERR_CORRUPT && number ? strtoull(number, NULL, 10) : 0;
}

/* Is there a frame's head, and what does it say? */
static bool frame_at(struct fs_file *file, uint64_t number, uint64_t offset, uint64_t *synced,
                     uint64_t *salt)
{
    enum { SYNCED = 8, SALT = 28 };
    struct strata_buffer body = {0};
    struct record record;
    struct decoder d;
    bool is = record_at(file, number, offset, file->end, WAL_FRAME, &body, &record, NULL) == 0 &&
              record.type == WAL_FRAME && record.key.size == 0 && body.size == SALT + 8;

    decoder_init(&d, strata_buffer_slice(&body));
    get_bytes(&d, SYNCED);
    *synced = get_u64(&d);
    get_bytes(&d, SALT - SYNCED - 8);
    *salt = get_u64(&d);
    strata_buffer_free(&body);
    return is;
}

/* The salt of the file, which its first frame tells; 0: that frame is damaged. */
static uint64_t own_salt(struct fs_file *file, uint64_t number)
{
    struct record_reader reader;
    struct wal_frame frame = {0};
    int rc;

    record_reader_init(&reader, file, number, file->end);
    reader.max_type = WAL_FRAME;
    rc = wal_next(&reader, NULL, &frame, NULL);
    record_reader_free(&reader);
    return rc == 0 ? frame.salt : 0;
}

/* Bytes of a value may look like a frame, but for the salt, which is unknown before. */
static void check_witness(const struct database *db, uint64_t number)
{
    uint64_t said = said_to_be_synced(db), own, synced, salt;
    struct fs_file *file;
    bool seen = false;

    if (!said)
        return;
    require(fs_open(db->fs, db->path, FS_READ, &file, NULL) == 0, "the log");
    own = own_salt(file, number);
    for (uint64_t at = RECORD_FILE_HEADER; at < file->end && !seen; at++)
        seen =
            frame_at(file, number, at, &synced, &salt) && synced == said && (!own || salt == own);
    fs_close(file, NULL);
    require(seen, "no frame says that %llu bytes were synced: %s", (unsigned long long)said,
            db->err.message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct database db;
    unsigned which = sample_log(&db, 3, strata_bytes(data, size));
    struct rewrite_kind kind = {WAL_MAGIC, REWRITE_NUMBER(which), WAL_FRAME};
    bool opened = database_read(&db);
    struct inspect in = database_inspect(&db, &wal_format);

    require(!opened || db.dropped || (!in.damaged && !in.torn),
            "the dump tells of damage (%d) or a torn tail (%d), and opening does not", in.damaged,
            in.torn);
    if (opened) {
        rewrite_records(&db, &kind);
        rewrite_frames(&db, kind.number);
        sample_check_closed(&db, 3, &kind);
        if (which == 1)
            database_lose(&db, RECORD_FILE_HEADER);
    } else {
        check_witness(&db, kind.number);
    }
    database_write(&db);
    database_free(&db);
    return 0;
}
