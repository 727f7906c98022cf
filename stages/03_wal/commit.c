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
#include <string.h>

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

/* Looks for the key in what this group has done so far: *slot is its place in the overlay, or
 * SIZE_MAX. Another key with its hash is a collision. */
static void look_in_group(const struct wal_store *store, struct strata_slice key,
                          struct keydir_match *match, size_t *slot)
{
    size_t at = SIZE_MAX;
    *slot = SIZE_MAX;
    while (index_find(&store->overlay, match->hash, &at)) {
        const struct pending *other = &store->pending[store->overlay.slots[at].position - 1];
        if (strata_compare(other->key, key) == 0)
            *slot = at;
        else
            match->collides = true;
    }
}

/* Where the record of an earlier operation's key stands after it; 0: it has none. */
static uint64_t left_by(const struct wal_store *store, const struct pending *p)
{
    return segment_is_put(p->type) ? position_make(active(store)->last, p->offset) : 0;
}

/* What is to be written for an operation: a record of p->type, or nothing if that is 0. */
static int plan(const struct wal_store *store, const struct strata_op *op, size_t *slot,
                struct pending *p, struct strata_error *err)
{
    struct keydir_match match;
    int rc = keydir_find(&store->keydir, op->key, &match, NULL, NULL, err);

    if (rc < 0)
        return rc;
    look_in_group(store, op->key, &match, slot);
    *p = (struct pending){.key = op->key, .hash = match.hash};
    if (*slot != SIZE_MAX)
        p->before = left_by(store, &store->pending[store->overlay.slots[*slot].position - 1]);
    else if (rc == 0)
        p->before = store->keydir.index.slots[match.slot].position;
    p->type = op->type == STRATA_OP_PUT || p->before ? keydir_type(&match, op->type) : 0;
    return 0;
}

static int note(struct wal_store *store, const struct pending *pending, size_t slot,
                struct strata_error *err)
{
    struct pending *added = array_add(&store->pending, &store->pending_count,
                                      &store->pending_capacity, sizeof *added, err);

    if (!added)
        return STRATA_ERR_NO_MEMORY;
    *added = *pending;
    if (!store->overlay.slots)
        return 0;
    if (slot == SIZE_MAX)
        index_add(&store->overlay, pending->hash, store->pending_count);
    else
        store->overlay.slots[slot].position = store->pending_count;
    return 0;
}

/* A batch that cannot be planned is taken out again, with what it left in the overlay. */
static void take_back(struct wal_store *store, size_t pending, size_t bytes)
{
    assert(pending <= store->pending_count && bytes <= store->log.bytes.size);
    store->pending_count = pending;
    store->log.bytes.size = bytes;
    if (!store->overlay.slots)
        return;
    memset(store->overlay.slots, 0, store->overlay.capacity * sizeof *store->overlay.slots);
    store->overlay.count = 0;
    store->pending_count = 0;
    for (size_t i = 0; i < pending; i++) {
        struct pending again = store->pending[i];
        struct keydir_match match = {.hash = again.hash};
        size_t slot;
        look_in_group(store, again.key, &match, &slot);
        note(store, &again, slot, NULL); /* it has room */
    }
}

/* Puts a batch into the group as one frame. */
static void plan_batch(struct wal_store *store, struct group_commit *commit, bool last)
{
    size_t pending = store->pending_count, bytes = store->log.bytes.size;
    uint64_t sequence = store->sequence + pending;

    commit->rc = group_numbers(sequence, commit->count, store->env->dir, &commit->err);
    wal_frame_begin(&store->log, sequence, store->synced);
    for (size_t i = 0; commit->rc == 0 && i < commit->count; i++) {
        const struct strata_op *op = &commit->ops[i];
        struct pending p;
        size_t slot;

        commit->rc = plan(store, op, &slot, &p, &commit->err);
        if (commit->rc < 0 || !p.type)
            continue;
        commit->rc = note(store, &p, slot, &commit->err);
        if (commit->rc == 0)
            store->pending[store->pending_count - 1].offset = wal_frame_add(
                &store->log, p.type, op->key, op->value, last && i + 1 == commit->count);
    }
    if (commit->rc < 0 || store->pending_count == pending)
        take_back(store, pending, bytes);
    else
        wal_frame_end(&store->log);
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
