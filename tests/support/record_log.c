/* record_log.c: see record_log.h. */
#include "test.h"

#include "crash/sim/fs_sim.h"
#include "record_log.h"

#include <stdlib.h>
#include <string.h>

int record_log_setup(void **state)
{
    struct record_log *log = calloc(1, sizeof *log);
    if (!log)
        return -1;
    log->fs = fs_sim_new();
    *state = log;
    return log->fs ? 0 : -1;
}

static void record_log_close(struct record_log *log)
{
    fs_close(log->file, NULL);
    log->file = NULL;
}

int record_log_teardown(void **state)
{
    struct record_log *log = *state;
    record_log_close(log);
    fs_free(log->fs);
    free(log);
    return 0;
}

static void record_log_open(struct record_log *log)
{
    struct strata_error err;
    record_log_close(log);
    assert_ok(fs_open(log->fs, RECORD_LOG_PATH, FS_WRITE, &log->file, &err), &err);
}

void record_log_start(struct record_log *log)
{
    struct strata_error err;
    record_log_close(log);
    assert_ok(
        fs_open(log->fs, RECORD_LOG_PATH, FS_WRITE | FS_CREATE | FS_TRUNCATE, &log->file, &err),
        &err);
    assert_ok(record_start_kind(log->file, RECORD_MAGIC, RECORD_LOG_NUMBER, &err), &err);
}

void record_log_add(struct record_log *log, enum strata_op_type type, struct strata_slice key,
                    struct strata_slice value)
{
    struct strata_error err;
    assert_ok(record_append_typed(log->file, RECORD_LOG_NUMBER, type, key, value, &err), &err);
}

void record_log_put(struct record_log *log, const char *key, const char *value)
{
    record_log_add(log, STRATA_OP_PUT, strata_string(key), strata_string(value));
}

struct strata_buffer record_log_bytes(struct record_log *log)
{
    struct strata_buffer bytes = {0};
    assert_int_equal(fs_sim_get(log->fs, RECORD_LOG_PATH, &bytes), 0);
    return bytes;
}

void record_log_set(struct record_log *log, const uint8_t *bytes, size_t size)
{
    assert_int_equal(fs_sim_put(log->fs, RECORD_LOG_PATH, strata_bytes(bytes, size)), 0);
    record_log_open(log);
}

uint8_t *record_log_pattern(size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    return bytes;
}

void record_log_next(struct record_reader *reader, enum strata_op_type type,
                     struct strata_slice key, size_t value_size)
{
    uint64_t at = reader->at;
    struct record record;
    struct strata_error err;

    assert_ok(record_next(reader, &record, &err), &err);
    assert_int_equal(record.offset, at);
    assert_int_equal(record.type, type);
    assert_bytes(record.key, key);
    assert_int_equal(record.value_size, value_size);
    assert_int_equal(record.next, at + RECORD_HEAD + key.size + value_size);
    assert_int_equal(reader->at, record.next);
}

size_t record_log_read(struct record_log *log, int *rc, uint64_t *at, struct strata_error *err)
{
    struct record_reader reader;
    struct record record;
    size_t count = 0;

    record_reader_init(&reader, log->file, RECORD_LOG_NUMBER, log->file->end);
    while ((*rc = record_next(&reader, &record, err)) == 0)
        count++;
    *at = reader.at;
    record_reader_free(&reader);
    return count;
}

void record_log_value(struct record_log *log, uint64_t at, struct strata_slice key,
                      struct strata_slice want)
{
    struct strata_buffer value = {0};
    struct strata_error err;
    assert_ok(record_value(log->file, RECORD_LOG_NUMBER, at, log->file->end, STRATA_OP_PUT, key,
                           &value, &err),
              &err);
    assert_bytes(strata_buffer_slice(&value), want);
    strata_buffer_free(&value);
}

struct strata_buffer record_log_three(struct record_log *log)
{
    record_log_start(log);
    record_log_put(log, "key", "value");
    record_log_add(log, STRATA_OP_DELETE, strata_string("ab"), strata_bytes(NULL, 0));
    record_log_put(log, "b", "last");
    return record_log_bytes(log);
}
const uint64_t record_log_ends[4] = {24, 49, 68, 90};
