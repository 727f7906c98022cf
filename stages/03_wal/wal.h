/* wal.h: the write-ahead log: frames. A frame is a batch: a record of its own, the frame's head,
 * followed by the batch's records. It counts whole or not at all. The head also says how much of
 * the file was on the device when the frame was written; so a reader can tell a tail that a power
 * cut tore, which nobody was told is safe, from damage to what was.
 *
 * Writing is gathered in a group: any number of frames, written by one append, made durable by
 * one sync. Threads are not this module's business: see group.h. */
#ifndef STRATA_03_WAL_H
#define STRATA_03_WAL_H

#include "01_append_log/record.h"

#define WAL_MAGIC "STRATWAL"
#define WAL_FRAME 6 /* record type of a frame's head; 1 to 5 are stage 2's */

/* A log with this magic may also have lone operations: a batch of one, as one record, which is a
 * frame without a head. Its number is the next one, and it tells no `synced` and no salt. */
#define WAL_LONE_MAGIC "STRATWL2"
#define WAL_LONE_PUT 10 /* 7 to 9 are in other files */
#define WAL_LONE_DELETE 11

/* wal_next: another record than a frame's head stands here. */
#define WAL_OTHER 3

struct wal_frame {
    uint64_t sequence; /* number of its first operation; the next frame's is this + count */
    uint64_t synced;   /* bytes of this file that were on the device when it was written */
    uint64_t bytes;    /* of its records */
    uint32_t count;    /* of its operations; 0 is allowed: it only tells sequence and synced */
    uint64_t salt;     /* one for all frames of a file, not to be guessed; never 0 */
    bool lone;         /* an operation alone: of these, count and bytes only are told */
    uint64_t offset;   /* of its head, in the file */
    uint64_t end;      /* of its last record */
};

/* Frames being gathered for one append at `offset` of file `number`. All zero but these three is
 * a valid empty group. Running out of memory is sticky and told by wal_group_write. */
struct wal_group {
    uint64_t number, salt, offset;
    struct strata_buffer bytes;
    uint64_t frame_at;         /* in bytes: head of the frame being gathered */
    struct wal_frame frame;    /* so far */
    struct strata_slice large; /* a value that is written from where it is, last in its group */
};

void wal_group_begin(struct wal_group *group, uint64_t number, uint64_t salt, uint64_t offset);
/* A salt for a new file. */
uint64_t wal_salt(struct strata_fs *fs);
void wal_group_free(struct wal_group *group);
/* Begins a frame; then its operations; then its end. `synced` and `sequence` as in wal_frame. */
void wal_frame_begin(struct wal_group *group, uint64_t sequence, uint64_t synced);
/* Adds an operation and returns the file offset that its record will have. `last`: nothing
 * follows it in the group, so a large value need not be copied and is borrowed until the write. */
uint64_t wal_frame_add(struct wal_group *group, unsigned type, struct strata_slice key,
                       struct strata_slice value, bool last);
void wal_frame_end(struct wal_group *group);
/* Adds a frame that is this operation alone: a put or delete. The frame before it in the file, or
 * in the group, tells what it does not. `last` as above. */
void wal_lone_add(struct wal_group *group, unsigned type, struct strata_slice key,
                  struct strata_slice value, bool last);
/* Appends all frames by one call. IO, NO_MEMORY. */
int wal_group_write(struct wal_group *group, struct fs_file *file, struct strata_error *err);

/* Checks the header of a log of stage 4 or later, and tells whether it may have lone operations.
 * CORRUPT, IO. */
int wal_check_log(struct fs_file *file, uint64_t number, bool *lone, struct strata_error *err);
/* The largest record type that such a log has: of a reader. */
static inline unsigned wal_max_type(bool lone)
{
    return lone ? WAL_LONE_DELETE : WAL_FRAME;
}
/* The type of the operation that a record is: put or delete, if it is one. */
static inline unsigned wal_operation(const struct record *record)
{
    return record->type < WAL_LONE_PUT ? record->type : record->type - WAL_LONE_PUT + STRATA_OP_PUT;
}

/* Reads the next frame and checks it with all its records, which then stand from *first on, to
 * frame->end, for a reader of records. `reader` stands at a frame and is moved behind it; whether
 * a lone operation is one is for its max_type to say. STRATA_NOT_FOUND: the end. RECORD_TORN: the
 * file ends inside the frame. WAL_OTHER: a valid record stands here that is no frame's head.
 * CORRUPT, IO, NO_MEMORY. After anything but 0 the reader stands where it stood. */
int wal_next(struct record_reader *reader, struct wal_frame *frame, uint64_t *first,
             struct strata_error *err);

struct wal_evidence {
    uint64_t synced; /* so many bytes of the file were once on the device; 0: nothing is known */
    uint64_t frames; /* heads that were found behind `from` */
};

/* What the heads of valid frames tell that are found anywhere from `from` on: if `synced` is larger
 * than that, what stands at `from` is damage. Heads of another salt than the file's are none: bytes
 * of a value may look like a head, and whoever chose the value did not know the salt. `salt` 0: it
 * is not known, any will do. Reads the rest of the file: O(n). IO, NO_MEMORY. */
int wal_evidence(struct fs_file *file, uint64_t number, uint64_t salt, uint64_t from,
                 struct wal_evidence *found, struct strata_error *err);

/* Before which offset an append ends that was cut short at a place after `from`, where no valid
 * frame stands: the part of it that is there is followed by zeros or the file's end. `from`: there
 * is no such append, as what stands there is whole, and wrong. IO, NO_MEMORY. */
int wal_torn_end(struct fs_file *file, uint64_t number, uint64_t from, uint64_t *end,
                 struct strata_error *err);

extern const struct strata_format wal_format, wal_lone_format; /* inspect.c */

#endif
