/* write_path.h: how batches become part of the database: the leader of a group of threads makes
 * room, appends all batches to the log, syncs it if one of them or the policy asks for that, and
 * adds them to the memtable. A stage embeds it in its store and hands in how room is made. */
#ifndef STRATA_04_WRITE_PATH_H
#define STRATA_04_WRITE_PATH_H

#include "log.h"

/* All zero, but for env, make_room and store, and with its group made, is one without a log. The
 * first member of its store. */
struct write_path {
    const struct strata_env *env;
    struct group group;        /* its mutex guards the store */
    struct log log;            /* of the memtable */
    struct memtable *memtable; /* which is written to; borrowed */
    struct mark_writer marker; /* notes how far the log is synced */
    _Atomic uint64_t sequence; /* the next operation's number; all before it are in memtable or
                                * tables: what a reader may see */
    /* Called by the leader before anything is logged, the mutex held, which it may release: makes
     * room for so many operations, of so many bytes of keys and values; 0 of them: only a sync. */
    int (*make_room)(void *store, size_t operations, size_t bytes, struct strata_error *err);
    void *store; /* for make_room */
};

/* Closes the log and frees the group. */
int write_path_close(struct write_path *path, struct strata_error *err);

/* Commits the batches of the list, in order, each all or nothing, and fills in their rc and err:
 * for group_write, with the path as its argument. */
void write_path_commit(void *path, struct group_commit *list);
/* Its steps, for one that adds something else to the memtable. The batches, of so many operations
 * in all, are logged, and synced if asked for; and each gets its outcome. */
int write_path_log(struct write_path *path, const struct group_commit *list, size_t operations,
                   bool sync, struct strata_error *err);
void write_path_answer(struct group_commit *list, int rc, const struct strata_error *err);

/* Notes in the group that `rc` was a failure after which nothing more may be written: not one of
 * memory, and not damage that was read. Returns it. */
int write_path_spoil(struct write_path *path, int rc, const struct strata_error *err);

/* ---- For an engine's table of functions ------------------------------------------------------ */

int write_path_write(void *store, const struct strata_op *ops, size_t count, bool sync,
                     struct strata_error *err);
bool write_path_is_writable(void *store);

#endif
