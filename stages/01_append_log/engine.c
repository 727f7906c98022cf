/* engine.c: stage 1, the append-only log.
 *
 * How do bytes outlive a process? Every put and delete is one record at the end of one file,
 * handed to the kernel by one write call before the call returns; so kill -9 can take nothing
 * that was acknowledged. Nothing is kept in memory: a get reads the whole file, and the last
 * record of a key wins.
 *
 * 1.I4: [header, end) holds valid records only. 1.I5: end moves after a whole append, never before.
 * 1.I6: nothing between end and the file's true end is ever read. */
#include "record.h"
#include "sorted.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define FILE_NAME "000001.log"
#define FILE_NUMBER 1

struct append_log {
    const struct strata_env *env;
    struct fs_file *file;
    uint64_t end;     /* of the valid part, bytes */
    uint64_t records; /* puts and deletes in it */
};

/* ---- Opening --------------------------------------------------------------------------- */

/* A crash in the middle of an append leaves a torn record at the end. It was never acknowledged,
 * so it is dropped; the next append takes its place. */
static int drop_torn_tail(struct append_log *log, struct strata_error *err)
{
    bool read_only = log->env->options->read_only;
    strata_env_log(log->env, STRATA_LOG_WARNING,
                   "%s @%" PRIu64 ": %s a torn record of %" PRIu64 " bytes", log->file->path,
                   log->end, read_only ? "ignored" : "dropped", log->file->end - log->end);
    return read_only ? 0 : fs_truncate(log->file, log->end, err);
}

static int find_end(struct append_log *log, struct strata_error *err)
{
    struct record_reader reader;
    struct record record;
    int rc;

    record_reader_init(&reader, log->file, FILE_NUMBER, log->file->end);
    while ((rc = record_next(&reader, &record, err)) == 0)
        log->records++;
    log->end = reader.at;
    record_reader_free(&reader);
    if (rc == RECORD_TORN)
        return drop_torn_tail(log, err);
    return rc < 0 ? rc : 0;
}

static int open_file(struct append_log *log, struct strata_error *err)
{
    const struct strata_env *env = log->env;
    unsigned flags = env->options->read_only ? FS_READ : FS_WRITE;
    struct strata_error why;
    int rc;

    if (env->is_new)
        flags |= FS_CREATE | FS_TRUNCATE;
    rc = fs_open_in(env->fs, env->dir, FILE_NAME, flags, &log->file, &why);
    if (rc == STRATA_ERR_IO && why.sys == ENOENT)
        return strata_fail(err, STRATA_ERR_CORRUPT, why.file, STRATA_NO_OFFSET,
                           "the data file is missing");
    if (rc < 0 && err)
        *err = why;
    if (rc == 0 && env->is_new)
        rc = record_start_kind(log->file, RECORD_MAGIC, FILE_NUMBER, err);
    if (rc == 0)
        rc = record_check_kind(log->file, RECORD_MAGIC, FILE_NUMBER, err);
    return rc < 0 ? rc : find_end(log, err);
}

static int log_open(const struct strata_env *env, void **self, struct strata_error *err)
{
    struct append_log *log = calloc(1, sizeof *log);
    int rc;

    if (!log)
        return strata_fail_memory(err, sizeof *log);
    log->env = env;
    rc = open_file(log, err);
    if (rc < 0) {
        fs_close(log->file, NULL);
        free(log);
        return rc;
    }
    *self = log;
    return 0;
}

static int log_close(void *self, struct strata_error *err)
{
    struct append_log *log = self;
    int rc = fs_close(log->file, err);
    free(log);
    return rc;
}

/* ---- Writing --------------------------------------------------------------------------- */

static int log_write(void *self, const struct strata_op *ops, size_t count, bool sync,
                     struct strata_error *err)
{
    struct append_log *log = self;
    int rc;

    assert(count == 1 && !sync); /* this stage promises no batch, and no synced writes */
    (void)count, (void)sync;
    assert(log->end == log->file->end); /* 1.I4: no torn tail is left before it */
    rc = record_append_typed(log->file, FILE_NUMBER, ops->type, ops->key, ops->value, err);
    if (rc < 0)
        return rc;
    assert(log->end < log->file->end); /* 1.I1 */
    log->end = log->file->end;         /* 1.I5: the kernel has all of it */
    log->records++;
    return 0;
}

/* ---- Reading --------------------------------------------------------------------------- */

static int read_value(void *self, uint64_t position, struct strata_slice key,
                      struct strata_buffer *value, struct strata_error *err)
{
    struct append_log *log = self;
    return record_value(log->file, FILE_NUMBER, position, log->end, STRATA_OP_PUT, key, value, err);
}

static int log_get(void *self, struct strata_slice key, struct strata_buffer *value,
                   struct strata_error *err)
{
    struct append_log *log = self;
    struct record_reader reader;
    struct record record;
    uint64_t found = 0; /* offset of the newest put; no record is at 0 */
    int rc;

    record_reader_init(&reader, log->file, FILE_NUMBER, log->end);
    while ((rc = record_next(&reader, &record, err)) == 0)
        if (strata_compare(record.key, key) == 0)
            found = record.type == STRATA_OP_PUT ? record.offset : 0;
    record_reader_free(&reader);
    if (rc < 0)
        return rc;
    return found ? read_value(log, found, key, value, err) : STRATA_NOT_FOUND;
}

static int collect(struct append_log *log, struct sorted *list, struct strata_error *err)
{
    struct record_reader reader;
    struct record record;
    int rc;

    record_reader_init(&reader, log->file, FILE_NUMBER, log->end);
    while ((rc = record_next(&reader, &record, err)) == 0) {
        rc = sorted_add(list, record.key, record.offset, record.type == STRATA_OP_DELETE, err);
        if (rc < 0)
            break;
    }
    record_reader_free(&reader);
    return rc < 0 ? rc : 0;
}

static int log_iter(void *self, struct strata_iter **out, struct strata_error *err)
{
    struct sorted list = {0};
    struct sorted_source source = {read_value, NULL, self};
    int rc = collect(self, &list, err);

    if (rc < 0) {
        sorted_free(&list);
        return rc;
    }
    return sorted_iter_new(&list, &source, out, err);
}

/* ---- Upkeep ---------------------------------------------------------------------------- */

static int log_verify(void *self, const struct strata_progress *progress, struct strata_error *err)
{
    struct append_log *log = self;
    struct record_reader reader;
    struct record record;
    int rc = record_check_kind(log->file, RECORD_MAGIC, FILE_NUMBER, err);

    if (rc < 0)
        return rc;
    record_reader_init(&reader, log->file, FILE_NUMBER, log->end);
    while ((rc = record_next(&reader, &record, err)) == 0)
        if (progress)
            progress->tick(progress->arg, reader.at, log->end);
    record_reader_free(&reader);
    return rc < 0 ? rc : 0;
}

static int log_stats(void *self, void (*each)(void *arg, const struct strata_stat *stat), void *arg,
                     struct strata_error *err)
{
    const struct append_log *log = self;
    struct strata_stat records = {"log_records", "records", "puts and deletes in the log",
                                  log->records};
    struct strata_stat bytes = {"log_bytes", "bytes", "valid part of the log", log->end};

    (void)err;
    each(arg, &records);
    each(arg, &bytes);
    return 0;
}

static const struct strata_format *const formats[] = {&record_format, NULL};

const struct strata_engine strata_stage_01_append_log = {
    .size = sizeof(struct strata_engine),
    .abi = STRATA_ENGINE_ABI,
    .stage = 1,
    .format = 1,
    .name = "01_append_log",
    .survives = "clean exit, kill -9",
    .promises = STRATA_PROMISE_EXIT | STRATA_PROMISE_KILL | STRATA_PROMISE_DAMAGE,
    .formats = formats,
    .open = log_open,
    .close = log_close,
    .get = log_get,
    .write = log_write,
    .iter = log_iter,
    .verify = log_verify,
    .stats = log_stats,
};
