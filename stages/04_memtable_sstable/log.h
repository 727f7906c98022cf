/* log.h: the log of one memtable: what is in the memtable is in this file, and it is removed
 * when a run holds all of it. Frames, sync policies and what is made of its end are stage 3's. */
#ifndef STRATA_04_LOG_H
#define STRATA_04_LOG_H

#include "03_wal/group.h"
#include "03_wal/replay.h"
#include "03_wal/mark.h"
#include "04_memtable_sstable/memtable/memtable.h"
#include "tables.h"

#define LOG_SUFFIX ".log"

struct log {
    const struct strata_env *env;
    struct fs_file *file;
    char *path;
    uint64_t number, salt;       /* of the file */
    uint64_t end;                /* of its last frame, bytes */
    uint64_t synced;             /* bytes that are on the device */
    uint64_t synced_at_ns;       /* when */
    uint64_t written_back;       /* bytes on their way there */
    const struct wal_kind *kind; /* NULL: frames only */
    struct wal_group group;
    struct tail tail; /* as it was when the log was opened */
};

/* Makes log `number`, with a frame that has `sequence` and a salt; with `sync` both are on the
 * device, and its name is when the directory has been synced. To be closed, also when it failed. */
int log_create(struct log *log, const struct strata_env *env, const struct wal_kind *kind,
               uint64_t number, uint64_t sequence, bool sync, struct strata_error *err);
/* Checks the header. In: *kind is what the log may be of; out: NULL if it is of frames only.
 * CORRUPT, IO. */
int log_check_header(struct fs_file *file, uint64_t number, const struct wal_kind **kind,
                     struct strata_error *err);
/* Takes an operation that is read back: a put or delete, in this record. IO, NO_MEMORY. */
typedef int log_add(void *arg, const struct record_reader *reader, const struct record *record,
                    unsigned type, uint64_t sequence, struct strata_error *err);
log_add log_fill; /* the memtable `arg`, which nobody reads yet */
/* Opens this log, which is of this kind or of frames only, and hands what it holds to `add`:
 * `replay` says how it ended. CORRUPT, also when it is missing; IO, NO_MEMORY. To be closed, also
 * when it failed. */
int log_open(struct log *log, const struct strata_env *env, const struct wal_kind *kind,
             const struct live_log *known, log_add *add, void *arg, struct replay *replay,
             struct strata_error *err);
/* Closes it; with `remove`, removes the file: it is not live any more, or never was. */
int log_close(struct log *log, bool remove, struct strata_error *err);

/* Appends the batches of the list, not all empty, each a frame, by one call. NO_MEMORY: nothing was
 * written. */
int log_append(struct log *log, const struct group_commit *list, uint64_t sequence,
               struct strata_error *err);
/* All of it is on the device, and marked so. The mutex is free meanwhile. */
int log_sync(struct log *log, struct mark_writer *marker, struct sync_mutex *mutex,
             struct strata_error *err);
/* Opens it anew, by its name, and reads all of it: it is what was written, up to operation
 * `sequence`. */
int log_verify(const struct log *log, const struct live_log *known, uint64_t sequence,
               struct strata_error *err);

#endif
