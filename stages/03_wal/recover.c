/* recover.c: what is read at open, and what is made of its end.
 *
 * How one file is read, and what of its end is damage, is in replay.c. Known beside its frames is:
 *   - the file TAIL, from the last clean close, and the checkpoint, which is written after a sync,
 *     say how far the last segment reached;
 *   - a later segment exists: a segment is synced before the next one starts.
 * A tail that was never acknowledged as safe is dropped. Room is cut off, and written on.
 *
 * 3.I13: nothing is appended behind a dropped tail: it is cut off, the segment sealed and synced,
 * and a new one started (leveldb #1287, duckdb #14785: what comes after a torn tail may be lost).
 * 3.I14: sequence numbers go on without a gap from segment to segment, as they do in each
 * (replay.c). 3.I15: before anything is written, all that was recovered is on the device. A sync
 * alone does not see to that: bytes of an earlier sync that failed may be read from memory, count
 * there as written, and never have reached the device. So what no sync is known to have put there
 * is written once more, the same bytes in the same place (Rebello and others, "Can Applications
 *     Recover from fsync Failures?", USENIX ATC 2020). */
#include "recover.h"
#include "checkpoint.h"
#include "replay.h"
#include "mark.h"

#include <assert.h>

struct recovery {
    struct keydir *keydir;
    const struct strata_env *env;
    struct recovered *out;
    struct tail tail; /* how far the log reached at least, by TAIL or checkpoint; 0: unknown */
    uint64_t offset;  /* where reading begins in the first segment read; 0: at its beginning */
    struct segment *segment; /* being read, */
    bool last;               /* of all, */
    struct replay log;       /* and how */
};

/* ---- A segment ------------------------------------------------------------------------- */

/* The records up to the reader's limit, or to a seal, where the reader is then. */
static int replay_records(struct recovery *r, struct record_reader *reader,
                          struct strata_error *err)
{
    struct segment *segment = r->segment;
    struct record record;
    int rc;

    while ((rc = record_next(reader, &record, err)) == 0 && record.type != SEGMENT_SEAL) {
        uint64_t hash = index_hash(record.key);
        if (!segment_is_put(record.type) && !segment_is_delete(record.type))
            return strata_fail(err, STRATA_ERR_CORRUPT, segment->path, record.offset,
                               "a record of type %u, not a put or delete", record.type);
        segment_count(segment, hash, record.offset, record.type);
        rc = keydir_replay(r->keydir, segment, record.type, hash, record.offset, record.key, err);
        if (rc < 0)
            return rc;
    }
    if (rc == 0)
        reader->at = record.offset;
    return rc < 0 ? rc : 0;
}

/* The records of one frame. */
static int apply(void *arg, const struct wal_frame *frame, struct record_reader *reader,
                 struct strata_error *err)
{
    struct recovery *r = arg;
    uint64_t before = r->segment->end;
    int rc;

    r->segment->end = frame->end; /* all of it was checked: a colliding key may be read there */
    rc = replay_records(r, reader, err);
    if (rc < 0)
        r->segment->end = before;
    return rc;
}

/* The seal, which is the last thing in its file and adds up with what was read. */
static int end_with_seal(struct recovery *r, uint64_t offset, struct strata_error *err)
{
    struct segment *segment = r->segment;
    struct fs_file *file = segment->at.file;
    struct record seal;
    int rc = segment_read_seal(segment, offset, WAL_FRAME, &seal, err);

    if (rc == 0 && r->last && seal.next < file->end)
        rc = fs_zeros(file, seal.next, &r->log.room, err);
    if (rc == 0 && seal.next != file->end && !r->log.room)
        rc = strata_fail(err, STRATA_ERR_CORRUPT, segment->path, seal.next,
                         "bytes stand after the segment's seal");
    segment->sealed = rc == 0;
    if (rc == 0)
        segment->end = seal.next;
    return rc;
}

/* What follows the frames: the seal. A merged segment has no frames: all its records are here. */
static int replay_rest(void *arg, struct record_reader *reader, struct strata_error *err)
{
    struct recovery *r = arg;
    struct segment *segment = r->segment;
    int rc = 0;

    segment->end = segment->at.file->end;
    if (reader->at == RECORD_FILE_HEADER) {
        r->log.numbered = false;
        r->log.synced = segment->end; /* before it got its name */
        rc = replay_records(r, reader, err);
    }
    return rc < 0 ? rc : end_with_seal(r, reader->at, err);
}

/* What is known of a segment before it is read. */
static void begin_segment(struct recovery *r, struct segment *segment, bool last)
{
    struct fs_file *file = segment->at.file;

    r->segment = segment;
    r->last = last;
    segment->sealed = false;
    segment->end = r->offset ? r->offset : RECORD_FILE_HEADER;
    if (!r->offset)
        segment->sum = (struct segment_sum){0};
    r->log = (struct replay){.file = file,
                             .number = segment_id(segment),
                             .begin = r->offset,
                             .known = last ? mark_known(&r->tail, segment->last) : file->end,
                             .killed = mark_same_boot(&r->tail, r->env->fs, segment->last),
                             .numbered = r->log.numbered,
                             .sequence = r->log.sequence,
                             .apply = apply,
                             .rest = replay_rest,
                             .arg = r};
}

static int replay_segment(struct recovery *r, struct segment *segment, bool last,
                          struct strata_error *err)
{
    int rc = fs_pooled_use(&segment->at, err);

    if (rc < 0)
        return rc;
    begin_segment(r, segment, last);
    rc = replay_log(&r->log, err);
    if (rc == 0 && !last && !segment->sealed)
        rc = strata_fail(err, STRATA_ERR_CORRUPT, segment->path, segment->end,
                         "a closed segment ends here without its seal");
    if (rc == 0)
        replay_report_torn(&r->log, r->env);
    fs_pooled_done(&segment->at);
    r->out->replayed += segment->end - r->offset;
    r->offset = 0;
    return rc;
}

/* ---- The whole log --------------------------------------------------------------------- */

/* Merged segments hold records without frames; a segment that was written begins with a frame. */
static int is_merged(const struct segment *segment, bool *merged, struct strata_error *err)
{
    struct strata_buffer key = {0};
    struct strata_error why = {0};
    struct record record;
    int rc = fs_pooled_use(&segment->at, err);

    if (rc < 0)
        return rc;
    rc = record_key_at(segment->at.file, segment_id(segment), RECORD_FILE_HEADER,
                       segment->at.file->end, WAL_FRAME, &key, &record, &why);
    fs_pooled_done(&segment->at);
    strata_buffer_free(&key);
    *merged = rc == 0 && record.type != WAL_FRAME;
    return rc == STRATA_ERR_CORRUPT ? 0 : strata_fail_with(rc, &why, err);
}

/* Where to begin: behind the checkpoint, if one fits and its last segment is still the one that
 * was written (merging rewrites a segment under its own name). */
static int begin_at(struct recovery *r, size_t *begin, struct strata_error *err)
{
    struct segments *set = &r->keydir->segments;
    struct checkpoint at = {0};
    const struct segment *segment;
    bool merged;
    int rc = checkpoint_read(r->keydir, &at, err);

    *begin = 0;
    if (at.segment > r->tail.segment)
        r->tail = (struct tail){at.segment, at.offset, at.sequence, TAIL_VERSION};
    else if (at.segment == r->tail.segment && at.offset > r->tail.end)
        r->tail.end = at.offset;
    if (rc != 0)
        return rc < 0 ? rc : 0;
    segment = segments_find(set, at.segment);
    rc = is_merged(segment, &merged, err);
    if (rc < 0)
        return rc;
    if (merged) {
        checkpoint_undo(r->keydir);
        return 0;
    }
    while (set->list[*begin] != segment)
        ++*begin;
    r->offset = at.offset;
    r->log.sequence = at.sequence;
    r->out->checkpoint = r->log.numbered = true;
    return 0;
}

/* What was not synced may be gone by the next open, and not from its end on. */
static int sync_or_doubt(struct recovery *r, struct segment *last, uint64_t synced,
                         struct strata_error *err)
{
    struct mark_writer marker = {0};
    int rc = fs_sync(last->at.file, err);

    if (rc < 0 && r->log.killed) {
        mark_doubt(&marker, r->env, last->last, synced);
        mark_end(&marker, r->env, false);
    }
    return rc;
}

/* All of the last segment's valid part is on the device, also when its writer was killed, or
 * a sync of it had failed. */
static int make_durable(struct recovery *r, struct segment *last, struct strata_error *err)
{
    uint64_t synced = r->log.synced > RECORD_FILE_HEADER ? r->log.synced : RECORD_FILE_HEADER;
    int rc;

    if (r->tail.segment == last->last && r->tail.end > synced)
        synced = r->tail.end;
    rc = fs_truncate(last->at.file, last->end + 1, err);
    if (rc == 0)
        rc = fs_truncate(last->at.file, last->end, err);
    if (rc == 0)
        rc = fs_rewrite(last->at.file, synced, last->end, err); /* 3.I15 */
    return rc < 0 ? rc : sync_or_doubt(r, last, synced, err);
}

/* The segment behind whose valid part something stood is closed, never written to (3.I13). */
static int close_torn(struct recovery *r, struct segment *segment, struct strata_error *err)
{
    int rc = make_durable(r, segment, err); /* else the seal may be there, and the tail behind it */
    if (rc == 0)
        rc = segment_seal(segment, err);
    return rc < 0 ? rc : fs_sync(segment->at.file, err);
}

/* A segment's first frame holds nothing but the number of the next operation. */
int start_segment(struct keydir *keydir, uint64_t sequence, uint64_t *salt,
                  struct strata_error *err)
{
    struct segments *set = &keydir->segments;
    struct wal_group group = {0};
    struct segment *segment;
    int rc = segments_active(set) ? 0 : segments_start(set, err);

    if (rc < 0)
        return rc;
    segment = segments_active(set);
    *salt = wal_salt(set->env->fs);
    wal_group_begin(&group, segment_id(segment), *salt, segment->end);
    wal_frame_begin(&group, sequence, 0);
    wal_frame_end(&group);
    rc = wal_group_write(&group, segment->at.file, err);
    wal_group_free(&group);
    if (rc == 0)
        rc = fs_sync(segment->at.file, err);
    if (rc == 0)
        segment->end = segment->at.file->end;
    return rc;
}

/* Leaves an active segment, with everything in it on the device (3.I15). */
static int make_writable(struct recovery *r, struct strata_error *err)
{
    struct segments *set = &r->keydir->segments;
    struct segment *last = set->list[set->count - 1];
    bool known = !r->out->dropped && r->tail.segment == last->last && r->tail.end >= last->end;
    int rc = 0;

    r->out->unnoted = (!known || mark_is(&r->tail)) && !r->env->is_new;
    if (r->out->dropped)
        rc = close_torn(r, last, err);
    else if (r->log.room || !known)
        rc = make_durable(r, last, err); /* also a sealed one */
    if (rc == 0 && (last->sealed || last->end == RECORD_FILE_HEADER))
        rc = start_segment(r->keydir, r->out->sequence, &r->log.salt, err);
    assert(rc < 0 || segments_active(set));
    if (rc == 0)
        r->out->synced = segments_active(set)->end;
    r->out->salt = r->log.salt;
    return rc;
}

/* What cut replacing left; and when a creation that was cut begins anew, the files themselves. */
static int tidy(const struct strata_env *env, struct strata_error *err)
{
    static const char *const names[] = {CHECKPOINT_NAME ".tmp", TAIL_NAME, CHECKPOINT_NAME};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < (env->is_new ? 3 : 1); i++)
        rc = fs_remove_if_there(env->fs, env->dir, names[i], err);
    return rc;
}

int recover(struct keydir *keydir, const struct strata_env *env, struct recovered *out,
            struct strata_error *err)
{
    struct recovery r = {.keydir = keydir, .env = env, .out = out};
    struct segments *set = &keydir->segments;
    size_t begin = 0;
    int rc = segments_open(set, env, err);

    *out = (struct recovered){0};
    if (rc == 0 && !env->options->read_only)
        rc = tidy(env, err);
    if (rc == 0 && !env->is_new)
        rc = tail_read(env, MARK_VERSION, &r.tail, err);
    if (rc == STRATA_NOT_FOUND)
        r.tail = (struct tail){0};
    if (rc >= 0)
        rc = tail_check_last(&r.tail, env, set->list[set->count - 1]->last, err);
    if (rc == 0 && !env->is_new)
        rc = begin_at(&r, &begin, err);
    if (rc == 0 && !r.log.numbered)
        r.log.sequence = r.tail.last && !mark_is(&r.tail) ? r.tail.last : 1;
    for (size_t i = begin; rc == 0 && i < set->count; i++)
        rc = replay_segment(&r, set->list[i], i + 1 == set->count, err);
    out->sequence = r.log.sequence;
    out->dropped = r.log.dropped;
    return rc == 0 && !env->options->read_only ? make_writable(&r, err) : rc;
}
