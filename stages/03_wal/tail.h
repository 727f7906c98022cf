/* tail.h: a small file that says how far the log reached. A log cut short exactly between two
 * frames looks like a shorter log; only a word from elsewhere can tell. It is a lower bound and
 * stays true for as long as that log is the last one.
 *
 * After a clean close it says where the log ended (stage 3; the later stages' lists say it, and the
 * file is removed). While the database is open for writing it is a mark: rewritten in its place,
 * without a sync, when a log is first written to and after each sync of it. So:
 *
 *   - whoever was killed leaves the mark of the last sync, in the system's cache: all that was
 *     acknowledged as synced is known to be there;
 *   - a power cut may leave an older mark, or none: less is known, and nothing wrong;
 *   - a mark of this start of the machine (fs_boot) says that no power cut came since: what stands
 *     behind the log's valid part can only be the beginning of one write (replay.c I3). */
#ifndef STRATA_03_TAIL_H
#define STRATA_03_TAIL_H

#include "fs.h"
#include "strata_engine.h"

#define TAIL_NAME "TAIL"
#define TAIL_MAGIC "STRATEND"

struct tail {
    uint64_t segment;  /* the last log's number; 0: nothing is known */
    uint64_t end;      /* so many of its bytes are on the device */
    uint64_t sequence; /* after a clean close: the next operation's number; else 0 */
    uint64_t boot;     /* of a mark: fs_boot of who wrote it; else 0 */
    bool marked;       /* it is a mark */
};

/* Replaces the file, durably: the log was closed there. IO. */
int tail_write(const struct strata_env *env, const struct tail *tail, struct strata_error *err);
/* STRATA_NOT_FOUND: there is none, or none that holds (then it is told to the log: it is a help
 * against damage, not data). IO: it is there and cannot be read; so what it would tell is not
 * known, and the log might be cut short. NO_MEMORY. */
int tail_read(const struct strata_env *env, struct tail *tail, struct strata_error *err);
/* Bytes of log `number` that it knows to be on the device; 0 if it is about another one. */
uint64_t tail_known(const struct tail *tail, uint64_t number);
/* Has there been no power cut since that log was last opened for writing? */
bool tail_same_boot(const struct tail *tail, struct strata_fs *fs, uint64_t number);

/* ---- Marks --------------------------------------------------------------------------------- */

/* Who writes them; all zero at first. By one thread at a time. */
struct tail_marker {
    struct fs_file *file;
    struct tail last;
    bool there;             /* a mark is in the directory: a clean close removes it */
    bool failed;            /* no more are written */
    _Atomic uint64_t bytes; /* that were written; of statistics, for any thread */
};

/* Notes that log `segment` is written to, and that `end` bytes of it are on the device; nothing is
 * done if that was the last mark. A mark that cannot be written is reported to the log, and only
 * that: no data depends on it. */
void tail_mark(struct tail_marker *marker, const struct strata_env *env, uint64_t segment,
               uint64_t end);
/* Writes no more of them. With `remove`, after a clean close: what the mark says, something else
 * does now. */
void tail_end_marks(struct tail_marker *marker, const struct strata_env *env, bool remove);

/* Whether the file's bytes are a valid tail, for its annotated dump: 0, or STRATA_NOT_FOUND. */
struct fs_file;
int tail_check(struct fs_file *file, struct tail *tail);

extern const struct strata_format tail_format; /* inspect.c */

#endif
