/* log.c: see log.h; the bytes are drawn in 03_wal/wal.c.
 *
 *   TABLES names log 5:   made, synced, named
 *                         [first frame][frame][frame] ...   while the memtable fills
 *   TABLES names log 7:   run 6 holds all of it, log 7 is made; log 5 is removed
 *
 * 4.I16: a log is written to only after TABLES names it: so one that it does not name holds
 * nothing. 4.I17: TABLES says how far the log reached at least: as it was made, and, after a clean
 * close, all of it; TAIL, how far it was synced since (03_wal/mark.h). A shorter one is damage. */
#include "log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define MISSING "the log is missing, and it is live"

static int begin(struct log *log, const struct strata_env *env, uint64_t number,
                 struct strata_error *err)
{
    *log = (struct log){.env = env, .number = number};
    log->path = fs_join_number(env->dir, number, LOG_SUFFIX);
    return log->path ? 0 : strata_fail_memory(err, 32);
}

/* Beside a sync a call to append costs nothing; without one it is half of a put. */
static unsigned write_flags(const struct strata_env *env)
{
    bool always = env->options->sync == STRATA_SYNC_ALWAYS;
    return FS_WRITE | FS_AHEAD | (always ? 0u : FS_MAPPED);
}

static void start_at_end(struct log *log)
{
    log->synced = log->written_back = log->end = log->file->end;
    log->synced_at_ns = fs_now(log->env->fs);
}

/* The header and the first frame; `sync`: on the device. */
static int write_first(struct log *log, uint64_t sequence, bool sync, struct strata_error *err)
{
    const char *magic = log->kind ? log->kind->magic : WAL_MAGIC;
    int rc = record_start_kind(log->file, magic, log->number, err);

    if (rc < 0)
        return rc;
    log->salt = wal_salt(log->env->fs);
    wal_group_begin(&log->group, log->number, log->salt, log->file->end);
    wal_frame_begin(&log->group, sequence, 0);
    wal_frame_end(&log->group);
    rc = wal_group_write(&log->group, log->file, err);
    return rc == 0 && sync ? fs_sync(log->file, err) : rc;
}

/* No room is made ahead before the first write: as it was made, it looks cleanly closed. */
int log_create(struct log *log, const struct strata_env *env, const struct wal_kind *kind,
               uint64_t number, uint64_t sequence, bool sync, struct strata_error *err)
{
    int rc = begin(log, env, number, err);

    log->kind = kind;
    if (rc == 0)
        rc = fs_open(env->fs, log->path, FS_WRITE | FS_CREATE | FS_TRUNCATE, &log->file, err);
    if (rc == 0)
        rc = write_first(log, sequence, sync, err);
    if (rc == 0) {
        rc = fs_close(log->file, err);
        log->file = NULL;
    }
    if (rc == 0)
        rc = fs_open(env->fs, log->path, write_flags(env), &log->file, err);
    if (rc == 0)
        start_at_end(log);
    return rc;
}

/* ---- Reading it back --------------------------------------------------------------------- */

struct filling {
    const struct wal_kind *kind;
    log_add *add; /* NULL: they are only checked */
    void *arg;
};

int log_check_header(struct fs_file *file, uint64_t number, const struct wal_kind **kind,
                     struct strata_error *err)
{
    struct strata_error why;
    int rc = record_check_kind(file, WAL_MAGIC, number, &why);

    /* Damage at offset 0 is another magic, or an empty file. */
    if (rc == STRATA_ERR_CORRUPT && why.offset == 0 && *kind)
        return record_check_kind(file, (*kind)->magic, number, err);
    if (rc == 0)
        *kind = NULL;
    return strata_fail_with(rc, &why, err);
}

int log_fill(void *arg, const struct record_reader *reader, const struct record *record,
             unsigned type, uint64_t sequence, struct strata_error *err)
{
    struct memtable *memtable = arg;
    int rc = memtable_reserve(memtable, 1, record->key.size + record->value.size, err);

    (void)reader;
    if (rc < 0)
        return rc;
    memtable_recycle_all(memtable);
    memtable_add(memtable, sequence, type, record->key, record->value);
    return 0;
}

static int take_frame(void *arg, const struct wal_frame *frame, struct record_reader *reader,
                      struct strata_error *err)
{
    const struct filling *f = arg;
    uint64_t sequence = frame->sequence;
    struct record record;
    int rc;

    while ((rc = record_next(reader, &record, err)) == 0) {
        unsigned type = f->kind ? f->kind->op_type(record.type) : record.type;
        if (type > STRATA_OP_DELETE)
            return strata_fail(err, STRATA_ERR_CORRUPT, reader->file->path, record.offset,
                               "a record of type %u, not a put or delete", record.type);
        rc = f->add ? f->add(f->arg, reader, &record, type, sequence++, err) : 0;
        if (rc < 0)
            break;
    }
    return rc < 0 ? rc : 0;
}

/* Another process appends to it meanwhile: where the valid part ends may be the middle of a write,
 * and more may be written behind it a little later. So that is the log's end for this reader: all
 * that was acknowledged before it came is below. */
static bool is_appended_to(const struct log *log, const struct replay *replay)
{
    return !replay->refused && replay->end >= replay->known && strata_env_is_written(log->env);
}

static int read_back(const struct log *log, const struct live_log *live, log_add *add, void *arg,
                     struct replay *replay, struct strata_error *err)
{
    struct filling filling = {log->kind, add, arg};
    int rc = log_check_header(log->file, log->number, &filling.kind, err);
    uint64_t known = mark_known(&log->tail, log->number);

    *replay = (struct replay){.file = log->file,
                              .number = log->number,
                              .known = known > live->end ? known : live->end,
                              .killed = mark_same_boot(&log->tail, log->env->fs, log->number),
                              .numbered = true,
                              .kind = filling.kind,
                              .sequence = live->first,
                              .apply = take_frame,
                              .arg = &filling};
    if (rc == 0)
        rc = replay_log(replay, err);
    if (rc == STRATA_ERR_CORRUPT && is_appended_to(log, replay))
        rc = 0;
    if (rc == 0 && replay->sequence < live->sequence)
        rc = strata_fail(err, STRATA_ERR_CORRUPT, log->path, replay->end,
                         "the log ends before operation %" PRIu64 ", and %" PRIu64
                         " were once on the device",
                         replay->sequence, live->sequence);
    return rc;
}

int log_open(struct log *log, const struct strata_env *env, const struct wal_kind *kind,
             const struct live_log *known, log_add *add, void *arg, struct replay *replay,
             struct strata_error *err)
{
    unsigned flags = env->options->read_only ? FS_READ : write_flags(env);
    int rc = begin(log, env, known->number, err);

    log->kind = kind;
    if (rc == 0)
        rc = fs_open_named(env->fs, log->path, flags, MISSING, &log->file, err);
    if (rc == 0)
        rc = tail_read(env, MARK_VERSION, &log->tail, err);
    if (rc >= 0)
        rc = read_back(log, known, add, arg, replay, err);
    if (rc < 0)
        return rc;
    start_at_end(log);
    log->kind = replay->kind;
    log->salt = replay->salt;
    log->end = replay->end;
    return 0;
}

int log_verify(const struct log *log, const struct live_log *known, uint64_t sequence,
               struct strata_error *err)
{
    struct live_log live = *known;
    struct log again = *log;
    struct replay replay;
    int rc = fs_open_named(log->env->fs, log->path, FS_READ, MISSING, &again.file, err);

    if (rc < 0)
        return rc;
    if (live.end < log->synced && log->synced <= log->end)
        live.end = log->synced;
    live.sequence = sequence;
    rc = read_back(&again, &live, NULL, NULL, &replay, err);
    fs_close(again.file, NULL);
    return rc;
}

int log_close(struct log *log, bool remove, struct strata_error *err)
{
    int rc = fs_close(log->file, err);

    if (remove && log->path)
        fs_remove(log->env->fs, log->path, NULL); /* else the next open does it */
    wal_group_free(&log->group);
    free(log->path);
    *log = (struct log){0};
    return rc;
}

/* ---- Writing ----------------------------------------------------------------------------- */

static void add_batch(struct log *log, const struct group_commit *commit, uint64_t sequence)
{
    const struct wal_kind *kind = log->kind;

    if (!commit->count ||
        (kind && kind->add(&log->group, commit->ops, commit->count, log->synced, !commit->next)))
        return;
    wal_frame_begin(&log->group, sequence, log->synced);
    for (size_t i = 0; i < commit->count; i++)
        wal_frame_add(&log->group, commit->ops[i].type, commit->ops[i].key, commit->ops[i].value,
                      !commit->next && i + 1 == commit->count);
    wal_frame_end(&log->group);
}

int log_append(struct log *log, const struct group_commit *list, uint64_t sequence,
               struct strata_error *err)
{
    int rc;

    wal_group_begin(&log->group, log->number, log->salt, log->file->end);
    for (const struct group_commit *c = list; c; c = c->next) {
        add_batch(log, c, sequence);
        sequence += c->count;
    }
    rc = wal_group_write(&log->group, log->file, err);
    if (rc == 0)
        log->end = log->file->end;
    return rc;
}

int log_sync(struct log *log, struct mark_writer *marker, struct sync_mutex *mutex,
             struct strata_error *err)
{
    assert(log->synced <= log->end && log->end <= log->file->end); /* 3.I2 */
    return mark_sync(marker, log->env, log->file, log->number, log->end, &log->synced,
                     &log->synced_at_ns, mutex, err);
}
