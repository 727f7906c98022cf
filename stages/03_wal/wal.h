/* wal.h: the write-ahead log: frames. A frame is a batch: a record of its own, the frame's head,
 * followed by the batch's records. It counts whole or not at all. The head also says how much of
 * the file was on the device when the frame was written; so a reader can tell a tail that a power
 * cut tore, and that was never acknowledged, from damage to what was.
 *
 * Writing is gathered in a group: any number of frames, written by one append, made durable by
 * one sync. Threads are not this module's business: see group.h. */
#ifndef STRATA_03_WAL_H
#define STRATA_03_WAL_H

#include "01_append_log/record.h"

#define WAL_MAGIC "STRATWAL"
#define WAL_FRAME 6                 /* record type of a frame's head; 1 to 5 are stage 2's */
#define WAL_HEAD (RECORD_HEAD + 36) /* bytes of it */

/* wal_next: the record at this offset is valid and not a frame's head. */
#define WAL_OTHER 3

struct wal_frame {
    uint64_t sequence; /* number of its first operation; the next frame's is this + count */
    uint64_t synced;   /* bytes of this file that were on the device when it was written */
    uint64_t bytes;    /* of its records */
    uint32_t count;    /* of its operations; 0 is allowed, for sequence and synced only */
    uint64_t salt;     /* one for all frames of a file, not to be guessed; never 0 */
    uint64_t offset;   /* of its head, in the file */
    uint64_t first;    /* of its first record */
    uint64_t end;      /* of its last record */
};

/* Frames being gathered for one append at `offset` of file `number`. All zero but these three is
 * a valid empty group. Running out of memory is sticky and returned by wal_group_write. */
struct wal_group {
    uint64_t number, salt, offset;
    struct strata_buffer bytes;
    struct wal_frame frame;    /* the last one begun; salt 0: none since the file was opened */
    struct strata_slice large; /* a value that is written from where it is, last in its group */
};

void wal_group_begin(struct wal_group *group, uint64_t number, uint64_t salt, uint64_t offset);
/* A salt for a new file. */
uint64_t wal_salt(struct strata_fs *fs);
void wal_group_free(struct wal_group *group);
/* Begins a frame; then its operations; then its end. `synced` and `sequence` as in wal_frame. */
void wal_frame_begin(struct wal_group *group, uint64_t sequence, uint64_t synced);
/* Adds a record and returns the file offset that it will have. `last`: nothing follows it in the
 * group, so a large value need not be copied and is borrowed until the write. */
uint64_t wal_frame_add(struct wal_group *group, unsigned type, struct strata_slice key,
                       struct strata_slice value, bool last);
void wal_frame_end(struct wal_group *group);
/* Appends all frames by one call. IO, NO_MEMORY. */
int wal_group_write(struct wal_group *group, struct fs_file *file, struct strata_error *err);

/* A log kind may store some batches as one record of its own type, without a frame's head. Such a
 * log has its own magic. Where a kind is asked for, NULL is a log of frames only. */
struct wal_kind {
    const char *magic;
    unsigned min_type, max_type; /* of the kind's own records, larger than WAL_FRAME */
    /* Adds the batch to the group with wal_frame_add. False: it is to be written as a frame.
     * `synced` as in wal_frame, `last` as in wal_frame_add. */
    bool (*add)(struct wal_group *group, const struct strata_op *ops, size_t count, uint64_t synced,
                bool last);
    /* Decodes a record of the kind's type as a frame. In: *frame is the frame before it in the
     * file; salt 0: none is known. Out: this one, all fields. CORRUPT. */
    int (*decode)(const struct fs_file *file, const struct record *record, struct wal_frame *frame,
                  struct strata_error *err);
    /* The operation that a record of this type is, if it is a put or delete: of any record in a
     * frame of such a log. */
    unsigned (*op_type)(unsigned type);
};

/* The largest record type in a log. */
static inline unsigned wal_max_type(const struct wal_kind *kind)
{
    return kind ? kind->max_type : WAL_FRAME;
}

/* Reads the next frame and checks it with all its records, which lie in [frame->first, frame->end).
 * `reader` is at a frame, its max_type is the kind's; it is moved behind the frame. In: *frame is
 * the frame before it (only a kind needs that); out: this one. STRATA_NOT_FOUND: the end.
 * RECORD_TORN: the file ends inside the frame. WAL_OTHER: a valid record that is no frame's head.
 * CORRUPT, IO, NO_MEMORY. After anything but 0 the reader and *frame are as they were. */
int wal_next(struct record_reader *reader, const struct wal_kind *kind, struct wal_frame *frame,
             struct strata_error *err);

/* So many bytes of the file were once on the device, as the heads of valid frames say that are
 * found anywhere from `from` on: if *synced is larger than `from`, what is there is damage. 0:
 * nothing is known. Heads of another salt than the file's are none: bytes of a value may look like
 * a head, and who chose the value did not know the salt. `salt` 0: it is not known, any will do.
 * Reads the rest of the file: O(n). IO, NO_MEMORY. */
int wal_evidence(struct fs_file *file, uint64_t number, uint64_t salt, uint64_t from,
                 uint64_t *synced, struct strata_error *err);

/* The offset before which an append ends that was cut short somewhere after `from`, where no valid
 * frame is: the part of it that is there is followed by zeros or the file's end. `from`: there is
 * no such append, as the record there is whole, and wrong. IO, NO_MEMORY. */
int wal_torn_end(struct fs_file *file, uint64_t number, uint64_t from, uint64_t *end,
                 struct strata_error *err);

extern const struct strata_format wal_format; /* inspect.c */

#endif
