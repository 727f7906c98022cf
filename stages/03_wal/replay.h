/* replay.h: one log file is read back, frame by frame, and its end is judged: is what stops the
 * reading the end, a tail that a crash tore, or damage? */
#ifndef STRATA_03_REPLAY_H
#define STRATA_03_REPLAY_H

#include "wal.h"
#include "strata_engine.h"

struct replay {
    /* What the caller knows. */
    struct fs_file *file;
    uint64_t number; /* of the file */
    uint64_t begin;  /* a frame begins there; 0: at the file's beginning */
    uint64_t known;  /* so many bytes are on the device, known from elsewhere than frames; or 0 */
    bool numbered;   /* `sequence` is that of the first frame's first operation */
    const struct wal_kind *kind; /* of the log; NULL: frames only */
    bool killed; /* there has been no power cut since it was written to, at most a kill */
    /* Called for each frame that is valid and in order. The reader gives its records: it is at
     * the first, and its limit is the frame's end. < 0: the frame is refused, and no more read. */
    int (*apply)(void *arg, const struct wal_frame *frame, struct record_reader *reader,
                 struct strata_error *err);
    /* Called for what follows the frames, where that is valid and no frame; the reader is there.
     * It is all that follows. NULL: there must be nothing. */
    int (*rest)(void *arg, struct record_reader *reader, struct strata_error *err);
    void *arg;

    /* What was found. */
    uint64_t sequence; /* the next operation's number */
    uint64_t end;      /* of the last frame that was applied */
    uint64_t synced;   /* bytes on the device, as the frames say */
    uint64_t salt;     /* of its frames; 0: not known */
    uint64_t dropped;  /* bytes of a torn tail behind the end */
    bool room;         /* behind the end are zeros */
    bool refused;      /* `apply` refused a frame whose checks hold: that is no torn tail */
};

/* Reads to the end of what can be read, which replay_end judges. 0, or < 0 when even the first
 * frame of a file that is not read from there is none. The reader is the caller's, to be freed.
 * `*stop`: what stopped the reading, as wal_next or apply returned it, and `why` its error. */
int replay_frames(struct replay *replay, struct record_reader *reader, int *stop,
                  struct strata_error *why, struct strata_error *err);
/* 0: what follows replay->end was never acknowledged as safe (or nothing follows).
 * CORRUPT: it was. `why` says what stopped the reading; its code is 0 where the file just ends
 * there, or inside a frame. IO, NO_MEMORY. */
int replay_judge_end(struct replay *replay, const struct strata_error *why,
                     struct strata_error *err);
/* Reports a tail that was dropped, or ignored, to the log. */
void replay_report_torn(const struct replay *replay, const struct strata_env *env);
/* Reads a log, and judges its end or calls `rest`. */
int replay_log(struct replay *replay, struct strata_error *err);

#endif
