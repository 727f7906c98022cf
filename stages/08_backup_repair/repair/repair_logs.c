/* repair_logs.c: what the logs hold. A frame that cannot be read is skipped: the next valid frame
 * of this file's salt, with a sequence number that is not before the last one, is read again, and
 * its number says which operations are missing between the two. (A log kind's records without a
 * frame's head have no number: after damage reading continues with the next head.)
 *
 * 8.I9: of a frame all operations are taken, or none.
 * 8.I10: an operation that is in a live table, or was taken, is not taken again: those up to
 *        repair->floor. */
#define FS_NO_SITES /* tests/stages/08_repair_test.c cuts a repair at each of its calls */
#include "04_memtable_sstable/log.h"
#include "06_leveled_compaction/version/version_set.h"
#include "08_backup_repair/repair/repair.h"
#include "base/array.h"

#include <assert.h>
#include <stdlib.h>

struct log_reading {
    struct repair *repair;
    struct repair_log *log;
    struct fs_file *file;
    const struct wal_kind *kind; /* NULL: frames only */
    struct record_reader reader;
    struct strata_buffer body; /* of a record that does not fit the reader's window */
    struct replay replay;      /* how it ends */
    struct tail tail;          /* what the mark of the last sync says of that */
    struct wal_frame last;     /* the frame before; all zero: none was read */
};

/* ---- One frame ------------------------------------------------------------------------------- */

/* There are no operations of these numbers. (Without a manifest it is not known whether there were:
 * of deleted keys nothing is in tables.) */
static void note_missing(struct repair *r, uint64_t from, uint64_t to)
{
    struct strata_repair_sum *sum = r->sum;

    if (!sum->missing_first)
        sum->missing_first = from;
    sum->missing_last = to;
    sum->lost = true;
    sum->guessed |= !r->exact;
}

static int take_operation(struct log_reading *d, const struct record *record, uint64_t sequence,
                          struct strata_error *err)
{
    unsigned type = d->kind ? d->kind->op_type(record->type) : record->type;
    struct record whole = *record;
    struct repair *r = d->repair;
    int rc = 0;

    if (!record->value.data)
        rc = record_at(d->file, d->log->number, record->offset, record->next, wal_max_type(d->kind),
                       &d->body, &whole, err);
    if (rc == 0)
        rc = memtable_reserve(r->memtable, 1, whole.key.size + whole.value.size, err);
    if (rc < 0)
        return rc;
    assert(sequence > r->floor); /* 8.I10 */
    r->floor = sequence;
    if (type > STRATA_OP_DELETE) {
        note_missing(r, sequence, sequence);
        return 0;
    }
    memtable_add(r->memtable, sequence, type, whole.key, whole.value);
    d->log->taken++;
    return 0;
}

/* 8.I9: the frame was checked whole. */
static int take_frame(struct log_reading *d, const struct wal_frame *frame,
                      struct strata_error *err)
{
    uint64_t limit = d->reader.limit, sequence = frame->sequence;
    struct record record;
    int rc;

    d->reader.at = frame->first;
    d->reader.limit = frame->end;
    while ((rc = record_next(&d->reader, &record, err)) == 0) {
        if (sequence > d->repair->floor)
            rc = take_operation(d, &record, sequence, err);
        sequence++;
        if (rc < 0)
            break;
    }
    assert(rc < 0 || sequence == frame->sequence + frame->count); /* 8.I9 */
    d->reader.limit = limit;
    d->reader.at = frame->end;
    return rc < 0 ? rc : 0;
}

static int note_frame(struct log_reading *d, const struct wal_frame *frame,
                      struct strata_error *err)
{
    struct repair_log *log = d->log;
    struct repair *r = d->repair;
    uint64_t next = frame->sequence + frame->count;

    assert(frame->salt == d->replay.salt);
    assert(frame->sequence >= d->last.sequence + d->last.count && next >= frame->sequence);
    d->replay.end = d->reader.at = frame->end;
    if (frame->synced > d->replay.synced)
        d->replay.synced = frame->synced;
    d->last = *frame;
    if (!r->memtable) {
        log->first = log->first ? log->first : frame->sequence;
        log->next = next;
        log->operations += frame->count;
        return 0;
    }
    if (frame->sequence > r->sequence)
        note_missing(r, r->sequence, frame->sequence - 1);
    if (next > r->sequence)
        r->sequence = next;
    return take_frame(d, frame, err);
}

/* ---- A log ----------------------------------------------------------------------------------- */

/* The sequence number that should come next; 0: any. */
static uint64_t next_number(const struct log_reading *d)
{
    return d->last.sequence + d->last.count;
}

/* It may follow what was read; else `why` says what it is. */
static bool fits(struct log_reading *d, const struct wal_frame *frame, struct strata_error *why)
{
    const char *wrong = NULL;

    if (!d->replay.salt)
        d->replay.salt = frame->salt;
    if (frame->salt != d->replay.salt)
        wrong = "a frame of another file";
    else if (frame->sequence < next_number(d))
        wrong = "a frame with operations of an earlier one";
    else if (frame->sequence > CODING_NUMBER_MAX - frame->count)
        wrong = "a frame with numbers that are too large";
    if (wrong)
        strata_fail(why, STRATA_ERR_CORRUPT, d->file->path, frame->offset, "%s", wrong);
    return !wrong;
}

/* The next valid frame from `from` on. NOT_FOUND: there is none. */
static int find_frame(struct log_reading *d, uint64_t from, struct wal_frame *frame,
                      struct strata_error *err)
{
    uint64_t limit = d->reader.limit;
    int rc = STRATA_NOT_FOUND;

    for (; from <= limit && limit - from >= RECORD_HEAD; from++) {
        d->reader.at = from;
        rc = wal_next(&d->reader, NULL, frame, err); /* only frames with a head */
        if ((rc == 0 && fits(d, frame, NULL)) || (rc < 0 && rc != STRATA_ERR_CORRUPT))
            break;
        rc = STRATA_NOT_FOUND;
    }
    return rc;
}

static int read_frames(struct log_reading *d, struct strata_error *why, struct strata_error *err)
{
    struct wal_frame frame;
    int rc = 0;

    d->replay.end = d->reader.at;
    while (rc == 0) {
        frame = d->last;
        rc = wal_next(&d->reader, d->kind, &frame, why);
        if (rc == 0 && fits(d, &frame, why)) {
            d->log->damaged |= next_number(d) && frame.sequence > next_number(d);
        } else if (rc < 0 && rc != STRATA_ERR_CORRUPT) {
            if (err)
                *err = *why;
            return rc;
        } else {
            rc = rc == STRATA_NOT_FOUND ? rc : find_frame(d, d->replay.end + 1, &frame, err);
            if (rc == 0 && !d->log->why.code)
                d->log->why = *why;
            d->log->damaged |= rc == 0;
        }
        if (rc == 0)
            rc = note_frame(d, &frame, err);
    }
    return rc < 0 ? rc : 0;
}

/* Was what is after the last frame ever acknowledged as durable? */
static int judge_end(struct log_reading *d, const struct strata_error *why,
                     struct strata_error *err)
{
    struct strata_error damage = {0};
    struct repair_log *log = d->log;
    const struct version *v = repair_version(d->repair);
    int rc;

    for (uint32_t i = 0; i < v->log_count; i++)
        if (v->logs[i].number == log->number) {
            d->replay.known = v->logs[i].end;
            log->cut |= log->next < v->logs[i].sequence;
        }
    if (d->replay.known < mark_known(&d->tail, log->number))
        d->replay.known = mark_known(&d->tail, log->number);
    d->replay.killed = mark_same_boot(&d->tail, d->repair->env->fs, log->number);
    rc = replay_judge_end(&d->replay, why, &damage);
    log->cut |= rc == STRATA_ERR_CORRUPT;
    log->damaged |= log->cut;
    log->end = d->replay.end;
    if (log->damaged && !log->why.code)
        log->why = damage.code ? damage : *why;
    if (rc < 0 && rc != STRATA_ERR_CORRUPT && err)
        *err = damage;
    return rc == STRATA_ERR_CORRUPT ? 0 : rc;
}

static int read_opened(struct log_reading *d, struct strata_error *err)
{
    const struct wal_kind *kind = d->kind;
    struct strata_error why = {0};
    int rc = log_check_header(d->file, d->log->number, &kind, &why);

    if (rc == STRATA_ERR_CORRUPT) { /* its frames do not need the header */
        d->log->damaged = true;
        d->log->why = why;
        rc = 0;
    } else if (rc < 0 && err) {
        *err = why;
    }
    if (rc < 0)
        return rc;
    record_reader_init(&d->reader, d->file, d->log->number, d->file->end);
    d->reader.max_type = wal_max_type(d->kind);
    if (d->reader.at > d->file->end) /* not even its header is whole */
        d->reader.at = d->file->end;
    why = (struct strata_error){0};
    rc = read_frames(d, &why, err);
    if (rc == 0)
        rc = judge_end(d, &why, err);
    record_reader_free(&d->reader);
    strata_buffer_free(&d->body);
    return rc;
}

static int read_log(struct repair *r, struct repair_log *log, struct strata_error *err)
{
    struct log_reading d = {.repair = r, .log = log, .kind = r->parts->tree->log};
    char *path = fs_join_number(r->env->dir, log->number, LOG_SUFFIX);
    int rc = path ? fs_open(r->env->fs, path, FS_READ, &d.file, err) : strata_fail_memory(err, 64);

    free(path);
    d.replay = (struct replay){.file = d.file, .number = log->number};
    if (rc == 0)
        rc = tail_read(r->env, MARK_VERSION, &d.tail, err);
    if (rc >= 0)
        rc = read_opened(&d, err);
    fs_close(d.file, NULL); /* it was only read */
    return rc;
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* The log of this number; a new one, if there is none. NULL: NO_MEMORY. */
static struct repair_log *log_of(struct repair *r, uint64_t number, struct strata_error *err)
{
    struct repair_log *log;
    size_t at = 0;

    while (at < r->log_count && r->logs[at].number < number)
        at++;
    if (at < r->log_count && r->logs[at].number == number)
        return &r->logs[at];
    log = array_insert(&r->logs, &r->log_count, &r->log_room, sizeof *log, at, err);
    if (log)
        log->number = number;
    return log;
}

static int add_named(struct repair *r, uint64_t number, struct strata_error *err)
{
    struct repair_log *log = log_of(r, number, err);

    if (!log)
        return STRATA_ERR_NO_MEMORY;
    log->named = true;
    if (!log->present) {
        log->damaged = log->cut = true;
        strata_fail(&log->why, STRATA_ERR_CORRUPT, NULL, STRATA_NO_OFFSET, "the file is missing");
    }
    return 0;
}

int repair_examine_logs(struct repair *r, struct strata_error *err)
{
    struct repair_log *log;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->names.count; i++) {
        uint64_t number = strtoull(r->names.names[i], NULL, 10);
        if (!number || !fs_is_name(r->names.names[i], number, ".log"))
            continue;
        log = log_of(r, number, err);
        if (!log)
            return STRATA_ERR_NO_MEMORY;
        log->present = true;
        rc = read_log(r, log, err);
    }
    for (uint32_t i = 0; rc == 0 && i < repair_version(r)->log_count; i++)
        rc = add_named(r, repair_version(r)->logs[i].number, err);
    return rc;
}

/* Made for the next memtable, and never written to; or by a repair that was cut short. */
static bool is_spare(const struct repair *r, const struct repair_log *log)
{
    return r->log_count > 1 && !log->named && !log->operations;
}

int repair_take_logs(struct repair *r, struct strata_error *err)
{
    bool cut = true; /* the end of the last log is lost */
    int rc = memtable_new(r->parts->tree->memtable, NULL, 1 << 16, &r->memtable, err);

    for (size_t i = 0; rc == 0 && i < r->log_count; i++) {
        struct repair_log *log = &r->logs[i];
        if (is_spare(r, log))
            continue;
        if (log->present)
            rc = read_log(r, log, err);
        cut = log->cut;
    }
    if (rc == 0 && cut)
        note_missing(r, r->sequence, UINT64_MAX);
    return rc;
}
