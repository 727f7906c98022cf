/* commit.c: from a list of batches to bytes on the device, in this order:
 *
 *   plan      each operation: its record's type; nothing for a delete of what is not there
 *   append    all frames, one call            <- survives kill -9 from here on
 *   sync      if asked for; the mutex is free <- survives a power cut: the real commit
 *   mark      how far that was (tail.h)
 *   apply     to the index: readers see it
 *   answer
 *
 * 3.I8: nothing is answered, or seen by a reader, before it is as safe as was asked for.
 * 3.I9: the store changes only in `apply`; what failed before it leaves it as it was.
 * 3.I10: after a failed append or sync nothing is written any more, and nothing tried again: what
 *     is on the device is not known (rocksdb #2495; PostgreSQL's fsyncgate, 2018). */
#include "commit.h"
#include "checkpoint.h"
#include "02_hash_index/merge.h"
#include "base/array.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static struct segment *active(const struct wal_store *store)
{
    return segments_active(&store->keydir.segments);
}

/* 3.I10. Running out of memory changes nothing, so it spoils nothing. */
static int spoil(struct wal_store *store, int rc, const struct strata_error *err)
{
    if (rc < 0 && rc != STRATA_ERR_NO_MEMORY)
        store->group.failed = err->sys ? err->sys : EIO;
    return rc;
}

/* ---- Plan ------------------------------------------------------------------------------ */

static int reserve(struct wal_store *store, size_t more, struct strata_error *err)
{
    int rc = index_reserve(&store->keydir.index, more, err);

    store->pending_count = 0;
    index_free(&store->overlay);
    if (rc == 0 && more > 1) /* one operation has nothing before it in its group */
        rc = index_reserve(&store->overlay, more, err);
    return rc;
}

/* What the index knows of an operation's key. It may be read from the log, which can fail. */
static int look_in_index(const struct wal_store *store, const struct strata_op *op,
                         struct pending *p, struct strata_error *err)
{
    struct keydir_match match;
    int rc = keydir_find(&store->keydir, op->key, &match, NULL, NULL, err);

    if (rc < 0)
        return rc;
    *p = (struct pending){.key = op->key, .hash = match.hash, .collides = match.collides};
    if (rc == 0)
        p->before = store->keydir.index.slots[match.slot].position;
    return 0;
}

/* What the group has done to the key so far: its last operation in it says where the key's record
 * is before this one. Another key with its hash is a collision. Returns the key's place in the
 * overlay, or SIZE_MAX. */
static size_t look_in_group(const struct wal_store *store, struct pending *p)
{
    size_t slot = SIZE_MAX, at = SIZE_MAX;

    while (index_find(&store->overlay, p->hash, &at)) {
        const struct pending *other = &store->pending[store->overlay.slots[at].position - 1];
        if (strata_compare(other->key, p->key) != 0) {
            p->collides = true;
            continue;
        }
        slot = at;
        p->before =
            segment_is_put(other->type) ? position_make(active(store)->last, other->offset) : 0;
    }
    return slot;
}

/* Adds an operation's record to the frame; a delete of what is not there needs none. */
static void add_record(struct wal_store *store, struct pending p, const struct strata_op *op,
                       bool last)
{
    size_t slot = look_in_group(store, &p);
    struct keydir_match match = {.collides = p.collides};

    if (op->type == STRATA_OP_DELETE && !p.before)
        return;
    p.type = keydir_type(&match, op->type);
    p.offset = wal_frame_add(&store->log, p.type, op->key, op->value, last);
    store->pending[store->pending_count++] = p;
    if (slot != SIZE_MAX)
        store->overlay.slots[slot].position = store->pending_count;
    else if (store->overlay.slots)
        index_add(&store->overlay, p.hash, store->pending_count);
}

/* Puts a batch into the group as one frame. All of it that can fail comes first: so a batch that
 * cannot be planned leaves nothing in the group. */
static void plan_batch(struct wal_store *store, struct group_commit *commit, bool last)
{
    size_t first = store->pending_count, bytes = store->log.bytes.size;

    commit->rc =
        group_numbers(store->sequence + first, commit->count, store->env->dir, &commit->err);
    for (size_t i = 0; commit->rc == 0 && i < commit->count; i++) {
        struct pending *p = array_add(&store->pending, &store->pending_count,
                                      &store->pending_capacity, sizeof *p, &commit->err);
        commit->rc =
            p ? look_in_index(store, &commit->ops[i], p, &commit->err) : STRATA_ERR_NO_MEMORY;
    }
    store->pending_count = first;
    if (commit->rc < 0)
        return;
    wal_frame_begin(&store->log, store->sequence + first, store->synced);
    for (size_t i = 0; i < commit->count; i++)
        add_record(store, store->pending[first + i], &commit->ops[i],
                   last && i + 1 == commit->count);
    if (store->pending_count > first)
        wal_frame_end(&store->log);
    else
        store->log.bytes.size = bytes; /* nothing is to be written */
}

/* ---- Append, sync, apply --------------------------------------------------------------- */

static int sync_log(struct wal_store *store, struct segment *segment, struct strata_error *err)
{
    assert(store->synced <= segment->at.file->end); /* 3.I2 */
    return spoil(store,
                 mark_sync(&store->marker, store->env, segment->at.file, segment->last,
                           segment->at.file->end, &store->synced, &store->synced_at_ns,
                           &store->group.mutex, err),
                 err);
}

/* Changes the index, in steps that cannot fail: what was planned is known by its position, and
 * nothing is read (3.I9). */
static void apply(struct wal_store *store, struct segment *segment)
{
    struct keydir *keydir = &store->keydir;

    segment->end = segment->at.file->end;
    for (size_t i = 0; i < store->pending_count; i++) {
        const struct pending *p = &store->pending[i];
        struct keydir_match match = {.hash = p->hash, .slot = SIZE_MAX};
        if (p->before) {
            match.slot = keydir_live_slot(keydir, p->hash, p->before);
            assert(match.slot != SIZE_MAX);
        }
        segment_count(segment, p->hash, p->offset, p->type);
        if (segment_is_put(p->type))
            keydir_put(keydir, &match, position_make(segment->last, p->offset));
        else
            keydir_remove(keydir, &match);
    }
    store->sequence += store->pending_count;
}

static int write_group(struct wal_store *store, bool sync, struct strata_error *err)
{
    struct segment *segment = active(store);
    uint64_t before = segment->at.file->end;
    int rc = 0;

    assert(!segment->sealed && segment->end == before); /* 3.I9 */
    if (store->pending_count) {
        mark_write(&store->marker, store->env, segment->last, store->synced);
        rc = spoil(store, wal_group_write(&store->log, segment->at.file, err), err);
        store->since_checkpoint += segment->at.file->end - before;
        store->written = true;
    }
    if (rc == 0 && (sync || mark_sync_due(store->env, segment->at.file->end - store->synced,
                                          store->synced_at_ns)))
        rc = sync_log(store, segment, err);
    if (rc == 0)
        apply(store, segment);
    return rc;
}

/* ---- Room ------------------------------------------------------------------------------ */

/* Not even its first frame is there. */
static bool is_empty(const struct segment *segment)
{
    return segment->end == RECORD_FILE_HEADER;
}

int commit_rotate(struct wal_store *store, struct strata_error *err)
{
    struct segment *full = active(store);
    bool begun = !full || is_empty(full); /* by an earlier rotation, which then failed */
    int rc = begun ? 0 : segment_seal(full, err);

    if (rc == 0 && !begun) {
        rc = fs_sync(full->at.file, err); /* before the next one may acknowledge: leveldb #193 */
        if (rc < 0)
            mark_doubt(&store->marker, store->env, full->last, store->synced);
    }
    if (rc == 0)
        rc = start_segment(&store->keydir, store->sequence, &store->salt, err);
    if (rc == 0)
        store->synced = active(store)->end;
    assert(rc < 0 || !is_empty(active(store))); /* its first frame is there */
    return spoil(store, rc, err);
}

int commit_checkpoint(struct wal_store *store, struct strata_error *err)
{
    struct segment *segment = active(store);
    struct checkpoint at = {segment->last, segment->end, store->sequence};
    struct strata_error why;
    int rc = sync_log(store, segment, err);

    if (rc < 0)
        return rc;
    if (checkpoint_write(&store->keydir, &at, &why) < 0) {
        strata_env_warn(store->env, &why,
                        "no checkpoint was written, the next open reads more of the log");
        return 0;
    }
    store->since_checkpoint = 0;
    store->checkpoints++;
    return 0;
}

int commit_merge(struct wal_store *store, size_t at, size_t count, bool asked,
                 struct strata_error *err)
{
    bool tolerable = false;
    int rc = merge_run(&store->keydir, at, count, &tolerable, err);

    if (rc == 0)
        return commit_checkpoint(store, err);
    if (!tolerable)
        return spoil(store, rc, err);
    if (asked)
        return rc;
    strata_env_warn(store->env, err, "dead space is kept");
    return 0;
}

/* A full segment makes way; now and then a merge, and the index is written. */
static int make_room(struct wal_store *store, size_t operations, struct strata_error *err)
{
    const struct segment *segment = active(store);
    size_t at, count;
    int rc = group_usable(&store->group, store->env->dir, err);

    if (rc == 0)
        rc = reserve(store, operations, err);
    if (rc < 0 ||
        (segment && !is_empty(segment) && segment->end < store->env->options->segment_bytes))
        return rc;
    rc = commit_rotate(store, err);
    if (rc == 0 && merge_worst_run(&store->keydir, &at, &count))
        return commit_merge(store, at, count, false, err);
    if (rc == 0 && store->since_checkpoint >= 4 * checkpoint_bytes(&store->keydir))
        rc = commit_checkpoint(store, err);
    return rc;
}

void commit_list(void *arg, struct group_commit *list)
{
    struct wal_store *store = arg;
    struct strata_error err; /* not zeroed: 528 bytes, for every put */
    size_t operations = 0;
    bool sync = false;
    int rc;

    for (struct group_commit *c = list; c; c = c->next) {
        operations += c->count;
        sync |= c->sync;
        c->rc = 0;
    }
    rc = make_room(store, operations, &err);
    if (rc == 0) {
        wal_group_begin(&store->log, segment_id(active(store)), store->salt, active(store)->end);
        for (struct group_commit *c = list; c; c = c->next)
            plan_batch(store, c, !c->next);
        rc = write_group(store, sync, &err);
    }
    for (struct group_commit *c = list; c && rc < 0; c = c->next)
        if (c->rc == 0) {
            c->rc = rc;
            c->err = err;
        }
}

void commit_free(struct wal_store *store)
{
    wal_group_free(&store->log);
    index_free(&store->overlay);
    free(store->pending);
}
