/* obsolete.h: files that no edit names any more, removed piece by piece. To remove a large one at
 * once takes long: on ext4 20 ms for 64 MiB, measured, and the writer who does it waits. But where
 * the file system tells the device at once of free space (ext4 with discard, without a journal)
 * each piece is a wait for it, and 64 of them take 100 ms: so the pieces are not small. */
#ifndef STRATA_07_OBSOLETE_H
#define STRATA_07_OBSOLETE_H

#include "04_memtable_sstable/run/sstable.h"

struct obsolete_file {
    char *path;
    uint64_t bytes;        /* that it still has */
    struct sstable *table; /* or NULL: it is a log */
};

/* All zero is empty. */
struct obsolete_files {
    struct obsolete_file *files;
    size_t count, room;
    _Atomic uint64_t bytes;       /* of all; of statistics */
    _Atomic unsigned log_readers; /* as long as there are any no log is touched */
    /* Asked before any is removed; it may add some. True: all stay for now. NULL: none does. */
    bool (*stay)(void *arg);
    /* Asked after some were removed: has it added more, that only those needed? NULL: it has none.
     */
    bool (*more)(void *arg);
    void *arg;
};

/* Of `table`, which no version that readers will pin has any more: it is removed when nobody reads
 * it; or, with NULL, of a log, which is closed, or another file. Takes `path`. Without memory,
 * which may be why that is NULL, the file is left to the next open, and that is logged. */
void obsolete_add(struct obsolete_files *obsolete, const struct strata_env *env, char *path,
                  uint64_t bytes, struct sstable *table);
/* Removes about so many bytes, and at most 16 files; UINT64_MAX: all that nobody reads. What fails
 * is left to the next open. Was anything removed? */
bool obsolete_remove(struct obsolete_files *obsolete, struct strata_fs *fs, uint64_t bytes);
/* At close: the same; what has to stay is left to the next open. */
void obsolete_free(struct obsolete_files *obsolete, struct strata_fs *fs);

#endif
