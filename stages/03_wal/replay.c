/* replay.c: one log file read back.
 *
 *     where reading begins          the file's end
 *          |                             |
 *   [frame][frame][frame] ... [frame][fra|
 *                                    ^ X: the valid part ends
 *
 * Beyond X lies nothing, or zeros, which is room that was made ahead of appends (FS_AHEAD), or a
 * torn tail, or damage. It is damage iff bytes beyond X were reported to be on the device:
 * a frame before or after X says so (3.I2), or the caller knows it, from the last clean close
 * or from something that was written after a sync. Otherwise it is a tail that was never
 * acknowledged as safe. Zeros hold nothing that could come back.
 *
 * A power cut may leave any sectors of what was not synced, so valid frames may follow a hole. A
 * kill leaves every append that was made, and of the one under way the beginning (3.I1). So if
 * there was no power cut since the log was written to (tail.h), more is known:
 *
 *   [frame][frame][fra|000000000000|    the beginning of an append, then zeros or the file's end
 *   [frame][frame][???????][frame]..    damage: something was written behind it
 *   [frame][frame][???????|00000000|    damage: it is as long as it says, and its check fails
 *
 * 3.I11: sequence numbers go on without a gap from frame to frame.
 * 3.I12: all frames of a file have the salt of its first one. */
#include "replay.h"
#include "base/coding.h"

#include <assert.h>
#include <inttypes.h>

/* ---- Frames ---------------------------------------------------------------------------- */

/* The salt of a file that is read from its middle on. */
static int read_salt(struct replay *r, struct record_reader *reader, struct wal_frame *first,
                     struct strata_error *err)
{
    int rc = wal_next(reader, r->kind, first, err);

    r->salt = first->salt;
    reader->at = r->begin;
    return rc <= 0 ? rc
                   : strata_fail(err, STRATA_ERR_CORRUPT, r->file->path, RECORD_FILE_HEADER,
                                 "the file's first frame is missing");
}

/* Is it of this file, whose first frame tells its salt, and the next one? */
static int check_frame(struct replay *r, const struct wal_frame *frame, struct strata_error *err)
{
    if (frame->offset == RECORD_FILE_HEADER)
        r->salt = frame->salt;
    if (frame->salt != r->salt)
        return strata_fail(err, STRATA_ERR_CORRUPT, r->file->path, frame->offset,
                           "a frame with another salt than the file's first one");
    if (r->numbered && frame->sequence != r->sequence)
        return strata_fail(err, STRATA_ERR_CORRUPT, r->file->path, frame->offset,
                           "operation %" PRIu64 ", expected %" PRIu64, frame->sequence,
                           r->sequence);
    r->numbered = true;
    r->sequence = frame->sequence + frame->count;
    return 0;
}

/* A frame that wal_next has checked. */
static int take_frame(struct replay *r, const struct wal_frame *frame, struct record_reader *reader,
                      struct strata_error *err)
{
    uint64_t limit = reader->limit;
    int rc = check_frame(r, frame, err);

    if (rc < 0)
        return rc;
    r->refused = r->sequence > CODING_NUMBER_MAX;
    if (r->refused)
        return strata_fail(err, STRATA_ERR_CORRUPT, r->file->path, frame->offset,
                           "operation %" PRIu64 " comes next: no operation has so large a number",
                           r->sequence);
    assert(frame->first <= frame->end && frame->end <= limit); /* 3.I3: it was checked */
    reader->at = frame->first;
    reader->limit = frame->end;
    rc = r->apply(r->arg, frame, reader, err);
    reader->limit = limit;
    reader->at = frame->end;
    r->refused = rc < 0;
    return rc;
}

int replay_frames(struct replay *r, struct record_reader *reader, int *stop,
                  struct strata_error *why, struct strata_error *err)
{
    struct wal_frame frame = {0};
    int rc = 0;

    record_reader_init(reader, r->file, r->number, r->file->end);
    reader->max_type = wal_max_type(r->kind);
    if (r->begin)
        rc = read_salt(r, reader, &frame, err);
    r->end = reader->at;
    if (rc < 0)
        return rc;
    while ((rc = wal_next(reader, r->kind, &frame, why)) == 0) {
        rc = take_frame(r, &frame, reader, why);
        if (rc < 0)
            break;
        assert(frame.offset == r->end && frame.end <= r->file->end);
        r->end = frame.end;
        if (frame.synced > r->synced)
            r->synced = frame.synced;
    }
    *stop = rc;
    return 0;
}

/* ---- The end --------------------------------------------------------------------------- */

/* How much of the file was reported to be on the device. */
static int known_synced(struct replay *r, uint64_t *synced, struct strata_error *err)
{
    int rc = 0;

    *synced = 0;
    if (r->end < r->file->end)
        rc = wal_evidence(r->file, r->number, r->salt, r->end, synced, err);
    if (r->synced > *synced)
        *synced = r->synced;
    if (r->known > *synced)
        *synced = r->known;
    return rc;
}

/* Is the tail of a log that was killed what a kill leaves? */
static int check_torn(const struct replay *r, const struct strata_error *why,
                      struct strata_error *err)
{
    bool zeros = true;
    uint64_t end;
    int rc = wal_torn_end(r->file, r->number, r->end, &end, err);

    if (rc == 0)
        rc = fs_zeros(r->file, end, &zeros, err);
    if (rc < 0 || zeros)
        return rc;
    if (why->code == 0)
        return strata_fail(err, STRATA_ERR_CORRUPT, r->file->path, r->end,
                           "the log ends here, and more was written behind it");
    strata_fail_with(why->code, why, err);
    strata_error_prefix(err, "no write was cut short here: ");
    return why->code;
}

int replay_judge_end(struct replay *r, const struct strata_error *why, struct strata_error *err)
{
    uint64_t synced;
    int rc = known_synced(r, &synced, err);

    assert(r->end <= r->file->end);
    if (rc < 0)
        return rc;
    if (r->end < synced) {
        if (why->code == 0)
            return strata_fail(err, STRATA_ERR_CORRUPT, r->file->path, r->end,
                               "the log ends here, and %" PRIu64 " bytes were once synced", synced);
        strata_fail_with(why->code, why, err);
        strata_error_prefix(err, "below %" PRIu64 " synced bytes: ", synced);
        return why->code;
    }
    if (r->end < r->file->end)
        rc = fs_zeros(r->file, r->end, &r->room, err);
    if (rc < 0 || r->room)
        return rc;
    r->dropped = r->file->end - r->end;
    return r->killed ? check_torn(r, why, err) : 0;
}

void replay_report_torn(const struct replay *r, const struct strata_env *env)
{
    if (r->dropped)
        strata_env_log(env, STRATA_LOG_WARNING,
                       "%s @%" PRIu64 ": %s a torn tail of %" PRIu64 " bytes", r->file->path,
                       r->end, env->options->read_only ? "ignored" : "dropped", r->dropped);
}

int replay_log(struct replay *r, struct strata_error *err)
{
    struct strata_error why = {0};
    struct record_reader reader;
    int stop, rc = replay_frames(r, &reader, &stop, &why, err);

    if (rc == 0 && stop == WAL_OTHER)
        rc = r->rest ? r->rest(r->arg, &reader, err)
                     : strata_fail(err, STRATA_ERR_CORRUPT, r->file->path, r->end,
                                   "a record that is no frame's header");
    record_reader_free(&reader);
    if (rc < 0 || stop == WAL_OTHER)
        return rc;
    if (!r->refused && (stop > 0 || stop == STRATA_ERR_CORRUPT))
        return replay_judge_end(r, &why, err);
    return strata_fail_with(stop, &why, err);
}
