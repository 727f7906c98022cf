/* write_path.c: see write_path.h.
 *
 *   make room      a full memtable is flushed first; memory for the batches is reserved
 *   log            mark, append, sync          <- from here on the batches outlive the process
 *   memtable       add, in steps that cannot fail
 *   sequence       readers may see them
 *
 * 4.I24: what is in the memtable is in the log, so a failed append or sync leaves nothing in it.
 * 4.I25: after such a failure it is not known what is on the device: nothing more is written. */
#include "write_path.h"

#include <assert.h>
#include <errno.h>

#define WRITE_BACK ((uint64_t)1 << 20) /* bytes */

int write_path_close(struct write_path *path, struct strata_error *err)
{
    int rc = log_close(&path->log, false, err);

    mark_end(&path->marker, path->env, false);
    group_free(&path->group);
    return rc;
}

int write_path_spoil(struct write_path *path, int rc, const struct strata_error *err)
{
    if (rc < 0 && rc != STRATA_ERR_NO_MEMORY && rc != STRATA_ERR_CORRUPT)
        path->group.failed = err->sys ? err->sys : EIO;
    return rc;
}

static int make_room(struct write_path *path, const struct group_commit *list, size_t *operations,
                     bool *sync, struct strata_error *err)
{
    size_t bytes = 0;
    int rc = group_usable(&path->group, path->env->dir, err);

    for (const struct group_commit *c = list; c; c = c->next) {
        *operations += c->count;
        *sync |= c->sync;
        for (size_t i = 0; i < c->count; i++)
            bytes += c->ops[i].key.size + c->ops[i].value.size;
    }
    if (rc == 0)
        rc = group_numbers(path->sequence, *operations, path->env->dir, err);
    if (rc == 0)
        rc = path->make_room(path->store, *operations, bytes, err);
    return rc < 0 ? rc : memtable_reserve(path->memtable, *operations, bytes, err);
}

/* In steps that cannot fail; then readers may see it. */
static void apply(struct write_path *path, const struct group_commit *list)
{
    uint64_t sequence = path->sequence;

    for (const struct group_commit *c = list; c; c = c->next)
        for (size_t i = 0; i < c->count; i++) {
            memtable_add(path->memtable, sequence++, c->ops[i].type, c->ops[i].key,
                         c->ops[i].value);
            sync_point(); /* readers take no lock of the group's (from stage 7 on) */
        }
    assert(sequence == path->sequence || path->memtable->last + 1 == sequence);
    atomic_store_explicit(&path->sequence, sequence, memory_order_release);
}

int write_path_log(struct write_path *path, const struct group_commit *list, size_t operations,
                   bool sync, struct strata_error *err)
{
    struct log *log = &path->log;
    int rc = 0;

    if (operations) {
        mark_write(&path->marker, path->env, log->number, log->synced);
        rc = log_append(log, list, path->sequence, err);
    }
    if (rc == 0 && (sync || mark_sync_due(path->env, log->end - log->synced, log->synced_at_ns)))
        rc = log_sync(log, &path->marker, &path->group.mutex, err);
    else if (rc == 0) /* what the next sync would have to wait for */
        fs_write_back_since(log->file, &log->written_back, WRITE_BACK);
    return write_path_spoil(path, rc, err);
}

void write_path_answer(struct group_commit *list, int rc, const struct strata_error *err)
{
    for (; list; list = list->next) {
        list->rc = rc;
        if (rc < 0)
            list->err = *err;
    }
}

void write_path_commit(void *arg, struct group_commit *list)
{
    struct write_path *path = arg;
    struct strata_error err; /* not zeroed: 528 bytes, for every put */
    size_t operations = 0;
    bool sync = false;
    int rc = make_room(path, list, &operations, &sync, &err);

    if (rc == 0)
        rc = write_path_log(path, list, operations, sync, &err);
    if (rc == 0) /* 4.I24 */
        apply(path, list);
    write_path_answer(list, rc, &err);
}

/* ---- For an engine's table of functions ------------------------------------------------------ */

/* One of the threads that write leads: it appends the batches of all to the log, syncs it if asked
 * for, and adds them to the memtable. */
int write_path_write(void *store, const struct strata_op *ops, size_t count, bool sync,
                     struct strata_error *err)
{
    struct write_path *path = store;
    return group_write(&path->group, ops, count, sync, write_path_commit, path, err);
}

bool write_path_is_writable(void *store)
{
    return !((struct write_path *)store)->group.failed;
}
