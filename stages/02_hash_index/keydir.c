/* keydir.c: see keydir.h for the invariant. */
#include "keydir.h"

#include <inttypes.h>

/* The record at a slot's position: whole into `body`, or its key only. */
static int read_slot(const struct keydir *keydir, size_t slot, bool whole,
                     struct strata_buffer *body, struct record *record, struct strata_error *err)
{
    const struct index_slot *entry = &keydir->index.slots[slot];
    uint64_t offset = position_offset(entry->position);
    const struct segment *segment =
        segments_find(&keydir->segments, position_segment(entry->position));
    int rc;

    if (!segment)
        return strata_fail(err, STRATA_ERR_CORRUPT, keydir->segments.env->dir, STRATA_NO_OFFSET,
                           "the index names segment %" PRIu32 ", which is not there",
                           position_segment(entry->position));
    rc = fs_pooled_use(&segment->at, err);
    if (rc < 0)
        return rc;
    rc = (whole ? record_at : record_key_at)(segment->at.file, segment_id(segment), offset,
                                             segment->end, keydir->segments.max_type, body, record,
                                             err);
    fs_pooled_done(&segment->at);
    if (rc == 0 && (!segment_is_put(record->type) || index_hash(record->key) != entry->hash))
        rc = strata_fail(err, STRATA_ERR_CORRUPT, segment->path, offset,
                         "the record here holds another key than the index says");
    return rc;
}

int keydir_find(const struct keydir *keydir, struct strata_slice key, struct keydir_match *match,
                struct strata_buffer *body, struct record *record, struct strata_error *err)
{
    struct strata_buffer scratch = {0};
    struct record unwanted = {0}, *found = record ? record : &unwanted;
    size_t slot = SIZE_MAX;
    int rc = 0;

    *match = (struct keydir_match){.hash = index_hash(key), .slot = SIZE_MAX};
    while (index_find(&keydir->index, match->hash, &slot)) {
        if (match->slot != SIZE_MAX) { /* found, and another one follows */
            match->collides = true;
            break;
        }
        rc = read_slot(keydir, slot, body, body ? body : &scratch, found, err);
        if (rc < 0)
            break;
        if (strata_compare(found->key, key) == 0)
            match->slot = slot;
        else
            match->collides = true;
    }
    strata_buffer_free(&scratch);
    return rc < 0 || match->slot != SIZE_MAX ? rc : STRATA_NOT_FOUND;
}

unsigned keydir_type(const struct keydir_match *match, enum strata_op_type type)
{
    if (!match->collides)
        return type;
    return type == STRATA_OP_PUT ? SEGMENT_PUT_COLLIDING : SEGMENT_DELETE_COLLIDING;
}

static void count_dead(const struct keydir *keydir, uint64_t position)
{
    struct segment *segment = segments_find(&keydir->segments, position_segment(position));
    if (segment)
        segment->dead++;
}

void keydir_put(struct keydir *keydir, const struct keydir_match *match, uint64_t position)
{
    assert(match->slot == SIZE_MAX || keydir->index.slots[match->slot].hash == match->hash);
    if (match->slot == SIZE_MAX) {
        index_add(&keydir->index, match->hash, position);
        return;
    }
    count_dead(keydir, keydir->index.slots[match->slot].position);
    keydir->index.slots[match->slot].position = position;
}

void keydir_remove(struct keydir *keydir, const struct keydir_match *match)
{
    assert(match->slot == SIZE_MAX || keydir->index.slots[match->slot].hash == match->hash);
    if (match->slot == SIZE_MAX)
        return;
    count_dead(keydir, keydir->index.slots[match->slot].position);
    index_remove(&keydir->index, match->slot);
}

/* Which entry a replayed collision means: its key decides. */
static int match_colliding(const struct keydir *keydir, const struct segment *segment,
                           uint64_t offset, struct strata_slice key, struct keydir_match *match,
                           struct strata_error *err)
{
    struct strata_buffer own = {0}, body = {0};
    struct record record;
    int rc = 0;

    if (!key.data) {
        rc = fs_pooled_use(&segment->at, err);
        if (rc < 0)
            return rc;
        rc = record_at(segment->at.file, segment_id(segment), offset, segment->end,
                       keydir->segments.max_type, &own, &record, err);
        fs_pooled_done(&segment->at);
        key = rc == 0 ? record.key : key;
        if (rc == 0 && index_hash(key) != match->hash)
            rc = strata_fail(err, STRATA_ERR_CORRUPT, segment->path, offset + RECORD_HEAD,
                             "the key here has another hash than its hint says");
    }
    if (rc == 0) /* whole records: a damaged key with this hash may be this one */
        rc = keydir_find(keydir, key, match, &body, &record, err);
    strata_buffer_free(&own);
    strata_buffer_free(&body);
    return rc < 0 ? rc : 0;
}

/* The only entry with this hash is the record's own (2.I5). */
static int match_hash(const struct keydir *keydir, const struct segment *segment, uint64_t offset,
                      struct keydir_match *match, struct strata_error *err)
{
    size_t other;
    if (!index_find(&keydir->index, match->hash, &match->slot))
        return 0;
    other = match->slot;
    if (index_find(&keydir->index, match->hash, &other))
        return strata_fail(err, STRATA_ERR_CORRUPT, segment->path, offset,
                           "two live keys have the hash of this record's key, and it is not marked "
                           "as a collision");
    return 0;
}

int keydir_replay(struct keydir *keydir, const struct segment *segment, unsigned type,
                  uint64_t hash, uint64_t offset, struct strata_slice key, struct strata_error *err)
{
    struct keydir_match match = {.hash = hash, .slot = SIZE_MAX};
    int rc = index_reserve(&keydir->index, 1, err);

    if (rc == 0 && (type == SEGMENT_PUT_COLLIDING || type == SEGMENT_DELETE_COLLIDING))
        rc = match_colliding(keydir, segment, offset, key, &match, err);
    else if (rc == 0)
        rc = match_hash(keydir, segment, offset, &match, err);
    if (rc < 0)
        return rc;
    if (segment_is_put(type))
        keydir_put(keydir, &match, position_make(segment->last, offset));
    else
        keydir_remove(keydir, &match);
    return 0;
}

size_t keydir_live_slot(const struct keydir *keydir, uint64_t hash, uint64_t position)
{
    size_t slot = SIZE_MAX;
    while (index_find(&keydir->index, hash, &slot))
        if (keydir->index.slots[slot].position == position)
            return slot;
    return SIZE_MAX;
}

/* ---- Upkeep ---------------------------------------------------------------------------- */

struct verifying {
    const struct keydir *keydir;
    uint64_t live; /* puts that the index points at */
};

static int count_live(void *arg, const struct segment *segment, const struct record *record,
                      uint64_t hash, struct strata_error *err)
{
    struct verifying *v = arg;
    uint64_t position = position_make(segment->last, record->offset);

    (void)err;
    v->live +=
        segment_is_put(record->type) && keydir_live_slot(v->keydir, hash, position) != SIZE_MAX;
    return 0;
}

int keydir_verify(const struct keydir *keydir, const struct strata_progress *progress,
                  struct strata_error *err)
{
    const struct segments *set = &keydir->segments;
    struct verifying v = {keydir, 0};
    uint64_t done = 0, total = segments_bytes(set);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < set->count; i++) {
        rc = segment_read(set, set->list[i], count_live, &v, err);
        done += set->list[i]->end;
        if (rc == 0 && progress)
            progress->tick(progress->arg, done, total);
    }
    if (rc == 0 && v.live != keydir->index.count)
        rc = strata_fail(err, STRATA_ERR_CORRUPT, set->env->dir, STRATA_NO_OFFSET,
                         "the index has %zu keys, and the segments %" PRIu64, keydir->index.count,
                         v.live);
    return rc;
}

void keydir_stats(const struct keydir *keydir,
                  void (*each)(void *arg, const struct strata_stat *stat), void *arg)
{
    struct strata_stat stats[] = {
        {"index_keys", "keys", "live keys", keydir->index.count},
        {"index_bytes", "bytes", "memory of the index",
         keydir->index.capacity * sizeof(struct index_slot)},
        {"segments", "files", "log segments", keydir->segments.count},
        {"segment_bytes", "bytes", "in segments", 0},
        {"dead_records", "records", "puts that are no longer live", 0},
        {"tombstones", "records", "deletes that are still kept", 0},
    };
    for (size_t i = 0; i < keydir->segments.count; i++) {
        stats[3].value += keydir->segments.list[i]->end;
        stats[4].value += keydir->segments.list[i]->dead;
        stats[5].value += keydir->segments.list[i]->tombstones;
    }
    for (size_t i = 0; i < sizeof stats / sizeof *stats; i++)
        each(arg, &stats[i]);
}
