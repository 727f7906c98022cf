/* record.h: the framing of the append-only log: how operations become bytes in a file that only
 * grows, and how they are found again. The layout is drawn in record.c. */
#ifndef STRATA_01_RECORD_H
#define STRATA_01_RECORD_H

#include "fs/fs.h"

#define RECORD_MAGIC "STRATLOG"
#define RECORD_FILE_HEADER 24 /* bytes before the first record */
#define RECORD_HEAD 17        /* bytes of a record before its key */

/* record_next: the file ends inside a record. */
#define RECORD_TORN 2

struct record {
    uint64_t offset;           /* of its head, in the file */
    uint64_t next;             /* offset of the byte after it */
    unsigned type;             /* enum strata_op_type, or a later stage's own */
    uint32_t value_size;       /* bytes */
    struct strata_slice key;   /* borrowed from the reader until its next call */
    struct strata_slice value; /* likewise; not set by record_key_at */
};

/* Writes the empty file's header. `magic` has 8 bytes. `number` identifies the file: it seeds every
 * check in it. IO. */
int record_start_kind(struct fs_file *file, const char *magic, uint64_t number,
                      struct strata_error *err);
/* CORRUPT: not such a file, or not this number; IO. */
int record_check_kind(struct fs_file *file, const char *magic, uint64_t number,
                      struct strata_error *err);

/* Appends one record with one write call: when it returns 0 the kernel has it. IO. */
int record_append_typed(struct fs_file *file, uint64_t number, unsigned type,
                        struct strata_slice key, struct strata_slice value,
                        struct strata_error *err);

/* Encodes the head of a record at `offset`; its key and value follow it. Costs least where the key
 * and the value are already side by side. */
void record_head(uint64_t number, uint64_t offset, unsigned type, struct strata_slice key,
                 struct strata_slice value, uint8_t head[RECORD_HEAD]);

/* Reads the record at `offset` of a file that is valid up to `limit` and checks it: `body` then
 * holds its key and value, and record->key points into it. CORRUPT, IO, NO_MEMORY. */
int record_at(struct fs_file *file, uint64_t number, uint64_t offset, uint64_t limit,
              unsigned max_type, struct strata_buffer *body, struct record *record,
              struct strata_error *err);
/* Removes the key from what record_at read, so that `body` holds only the value. */
void record_keep_value(const struct record *record, struct strata_buffer *body);
/* The same, but reads head and key only: the key is not covered by a check that was computed, so
 * the caller must know it by other means (its hash). */
int record_key_at(struct fs_file *file, uint64_t number, uint64_t offset, uint64_t limit,
                  unsigned max_type, struct strata_buffer *key, struct record *record,
                  struct strata_error *err);

/* Reads and checks the record like record_at; `value` then holds its value. CORRUPT also when its
 * key is not `key`; IO, NO_MEMORY. */
int record_value(struct fs_file *file, uint64_t number, uint64_t offset, uint64_t limit,
                 unsigned max_type, struct strata_slice key, struct strata_buffer *value,
                 struct strata_error *err);

/* Reads records one after another, through a window of the file: as many bytes of memory as the
 * largest record has, at least RECORD_WINDOW. */
#define RECORD_WINDOW ((size_t)128 * 1024)
struct record_reader {
    struct fs_file *file; /* borrowed */
    uint64_t number;
    uint64_t at;       /* offset of the next record; may be set to that of another */
    uint64_t limit;    /* the file is read up to here */
    unsigned max_type; /* larger ones are damage: STRATA_OP_DELETE unless changed after init */

    uint8_t *window; /* the file's bytes from window_at on */
    size_t window_size, window_capacity;
    uint64_t window_at;
};

/* From the first record up to `limit`. Allocates nothing yet. */
void record_reader_init(struct record_reader *reader, struct fs_file *file, uint64_t number,
                        uint64_t limit);
void record_reader_free(struct record_reader *reader);
/* 0: `*record` is the next one, both its checks hold. STRATA_NOT_FOUND: `limit` is reached.
 * RECORD_TORN: limit lies inside a record. CORRUPT, IO, NO_MEMORY. After anything but 0,
 * reader->at is the offset where the valid part ends; after RECORD_TORN and CORRUPT record->next is
 * where the record would end, or its head, if that does not hold. */
int record_next(struct record_reader *reader, struct record *record, struct strata_error *err);

extern const struct strata_format record_format; /* inspect.c */

#endif
