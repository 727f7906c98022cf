/* mark.h: how far the log was synced, noted while the database is open for writing: TAIL
 * (02_hash_index/tail.h) is rewritten in its place, without a sync, when a log is first written to
 * and after each sync of it. So:
 *
 *   - a process that was killed leaves the mark of the last sync, in the system's cache: all that
 * was acknowledged as synced is known to be there;
 *   - a power cut may leave an older mark, or none: less is known, and nothing wrong;
 *   - a mark of this start of the machine (fs_boot) says that no power cut came since, and that no
 *     sync failed: what follows the log's valid part can only be the beginning of one write
 *     (replay.c).
 *
 * After a clean close of stage 3 TAIL says where the log ended; the later stages' lists say it, and
 * the file is removed. */
#ifndef STRATA_03_MARK_H
#define STRATA_03_MARK_H

#include "02_hash_index/tail.h"
#include "threads/sync.h"

#include <stdatomic.h>

#define MARK_VERSION 2 /* of TAIL: a mark; its `last` is fs_boot of who wrote it */
static inline bool mark_is(const struct tail *tail)
{
    return tail->version == MARK_VERSION;
}

/* Bytes of log `number` that it knows to be on the device; 0 if it is about another one. */
uint64_t mark_known(const struct tail *tail, uint64_t number);
/* Has there been no power cut since that log was last opened for writing? */
bool mark_same_boot(const struct tail *tail, struct strata_fs *fs, uint64_t number);

/* Who writes them; all zero at first. By one thread at a time. */
struct mark_writer {
    struct fs_file *file;
    struct tail last;
    bool there;             /* a mark is in the directory: a clean close removes it */
    bool failed;            /* no more are written */
    _Atomic uint64_t bytes; /* that were written; of statistics, for any thread */
};

/* Notes that log `segment` is written to, and that `end` bytes of it are on the device; nothing is
 * done if that was the last mark. A mark that cannot be written is reported to the log, and only
 * that: no data depends on it. */
void mark_write(struct mark_writer *marker, const struct strata_env *env, uint64_t segment,
                uint64_t end);
/* A sync of that log failed, or its bytes may be gone otherwise: of what was not synced the system
 * may forget any part, as a power cut would, though it runs on. So the mark says no more than which
 * bytes are on the device, and is the last one. */
void mark_doubt(struct mark_writer *marker, const struct strata_env *env, uint64_t segment,
                uint64_t end);
/* Puts log `number` on the device up to `end`, with the mutex free, and marks how far: *synced and
 * *synced_at_ns, bytes and time of the last such sync, follow. IO: see mark_doubt. */
int mark_sync(struct mark_writer *marker, const struct strata_env *env, struct fs_file *file,
              uint64_t number, uint64_t end, uint64_t *synced, uint64_t *synced_at_ns,
              struct sync_mutex *mutex, struct strata_error *err);
/* With STRATA_SYNC_INTERVAL: has the time come to sync, or are there enough bytes? */
bool mark_sync_due(const struct strata_env *env, uint64_t unsynced, uint64_t synced_at_ns);
/* Writes no more of them. With `remove`, after a clean close: what the mark says, something else
 * does now. */
void mark_end(struct mark_writer *marker, const struct strata_env *env, bool remove);

#endif
