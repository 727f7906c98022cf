/* record_log.h: a log of stage 1's records on a simulated file system, for tests of its bytes. */
#ifndef STRATA_TESTS_RECORD_LOG_H
#define STRATA_TESTS_RECORD_LOG_H

#include "01_append_log/record.h"

#define RECORD_LOG_PATH "/000001.log"
#define RECORD_LOG_NUMBER 1

struct record_log {
    struct strata_fs *fs;
    struct fs_file *file; /* open for writing; NULL before it was started */
};

/* cmocka's setup and teardown: `*state` is a struct record_log, not started. */
int record_log_setup(void **state);
int record_log_teardown(void **state);

/* A new log with its header alone; then records. */
void record_log_start(struct record_log *log);
void record_log_add(struct record_log *log, enum strata_op_type type, struct strata_slice key,
                    struct strata_slice value);
void record_log_put(struct record_log *log, const char *key, const char *value);

/* Its bytes, freed by the caller; and: makes it these bytes, opened anew. */
struct strata_buffer record_log_bytes(struct record_log *log);
void record_log_set(struct record_log *log, const uint8_t *bytes, size_t size);

/* Starts it with put key=value, delete ab, put b=last; returns its bytes. record_log_ends are the
 * ends of the header and the three records: 24, 49, 68, 90. */
struct strata_buffer record_log_three(struct record_log *log);
extern const uint64_t record_log_ends[4];

/* How many records a reader finds, how it ends, and where. */
size_t record_log_read(struct record_log *log, int *rc, uint64_t *at, struct strata_error *err);
/* The reader's next record must be this one; the value of the record at `at` must be that. */
void record_log_next(struct record_reader *reader, enum strata_op_type type,
                     struct strata_slice key, size_t value_size);
void record_log_value(struct record_log *log, uint64_t at, struct strata_slice key,
                      struct strata_slice want);

/* Bytes that do not repeat soon; freed by the caller. */
uint8_t *record_log_pattern(size_t size);

#endif
