/* merge.c: one pass over a run of segments.
 *
 *   000001  a=1  b=1          a and c were written again later, b deleted in 000002
 *   000002  c=1  -b  d=1
 *             |
 *             v  copy what the index points at
 *   000001-000002  d=1        then it takes their place: one rename, the commit
 *
 * 2.I10: until the rename the old segments are whole and answer; after it they are superseded
 *     (2.I7), so a cut at any point leaves one or the other.
 * 2.I11: a tombstone is copied while an older segment, before the run, may hold a put that it
 *     hides: that is, while any of them has a dead put. In the run itself the dead puts go.
 * 2.I12: the index is changed only after the rename, in steps that cannot fail.
 * 2.I13: a collision stays marked, also when the other key is gone: when it is replayed, a dead put
 * of that key may still be before it. */
#include "merge.h"
#include "base/array.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* One live record that moved. */
struct move {
    uint64_t hash, from; /* position before */
    uint64_t offset;     /* in the merged segment */
};

struct merge {
    struct keydir *keydir;
    struct segment *to;
    struct move *moves;
    size_t count, capacity;
    bool keep_tombstones;
    bool tolerable; /* a segment could not be read */
};

/* A record that is no longer found in a changed segment would be gone for good: segment_read
 * fails, and the copy does not count. */
static int merge_record(void *arg, const struct segment *from, const struct record *record,
                        uint64_t hash, struct strata_error *err)
{
    struct merge *merge = arg;
    uint64_t offset, position = position_make(from->last, record->offset);
    struct move *move;
    bool live;
    int rc;

    if (segment_is_delete(record->type))
        live = merge->keep_tombstones;
    else
        live = keydir_live_slot(merge->keydir, hash, position) != SIZE_MAX;
    if (!live)
        return 0;
    /* as it is: a collision stays marked (2.I13) */
    rc = segment_append(merge->to, record->type, record->key, record->value, &offset, err);
    if (rc < 0 || segment_is_delete(record->type))
        return rc;
    move = array_add(&merge->moves, &merge->count, &merge->capacity, sizeof *move, err);
    if (!move)
        return STRATA_ERR_NO_MEMORY;
    *move = (struct move){hash, position, offset};
    return 0;
}

static void apply_moves(const struct merge *merge)
{
    struct index *index = &merge->keydir->index;
    for (size_t i = 0; i < merge->count; i++) {
        const struct move *move = &merge->moves[i];
        size_t slot = keydir_live_slot(merge->keydir, move->hash, move->from);
        assert(slot != SIZE_MAX);
        index->slots[slot].position = position_make(merge->to->last, move->offset);
    }
}

/* No descriptor was left to open a file with: it may be another time. */
static bool lacks_files(int rc, const struct strata_error *err)
{
    return rc == STRATA_ERR_IO && (err->sys == EMFILE || err->sys == ENFILE);
}

static bool older_dead(const struct segments *set, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (set->list[i]->dead)
            return true;
    return false;
}

/* Copies the live records, and finds a segment that cannot be read. */
static int copy_all(struct merge *merge, size_t at, size_t count, struct strata_error *err)
{
    const struct segments *set = &merge->keydir->segments;
    int rc = 0;

    for (size_t i = at; rc == 0 && i < at + count; i++) {
        struct segment *from = set->list[i];
        assert(from->sealed);
        rc = segment_read(set, from, merge_record, merge, err);
        /* what failed in writing has failed the new file (fs.h, I1) */
        from->unreadable = rc < 0 && !lacks_files(rc, err) && rc != STRATA_ERR_NO_MEMORY &&
                           !merge->to->at.file->failed;
        merge->tolerable |= from->unreadable;
    }
    return rc;
}

static size_t closed_count(const struct segments *set)
{
    return segments_active(set) ? set->count - 1 : set->count;
}

int merge_run(struct keydir *keydir, size_t at, size_t count, bool *tolerable,
              struct strata_error *err)
{
    struct segments *set = &keydir->segments;
    struct merge merge = {.keydir = keydir, .keep_tombstones = older_dead(set, at)};
    int closed, rc = segment_create(set, set->list[at]->first, set->list[at + count - 1]->last,
                                    &merge.to, err);

    *tolerable = lacks_files(rc, err);
    if (rc < 0)
        return rc;
    assert(count && at + count <= closed_count(set)); /* 2.I9 */
    rc = copy_all(&merge, at, count, err);
    *tolerable = merge.tolerable || lacks_files(rc, err);
    if (rc == 0)
        rc = segment_seal(merge.to, err);
    if (rc == 0 && count == 1 && (set->durable || set->list[at]->refs > 1))
        rc = segment_set_aside(set, set->list[at], err);
    /* until now the hints stay: a segment that cannot be read may be opened by its hint */
    for (size_t i = at; rc == 0 && i < at + count; i++)
        rc = segment_remove_file(set, set->list[i], ".hint", err); /* stage 3 has none */
    if (rc == 0)
        rc = segment_publish(set, merge.to, err); /* the commit */
    if (rc == 0) {
        apply_moves(&merge); /* 2.I12 */
        rc = segments_replace(set, at, count, merge.to, err);
        closed = fs_pooled_retire(&merge.to->at, rc == 0 ? err : NULL);
        rc = rc < 0 ? rc : closed;
    } else {
        segment_discard(set, merge.to);
    }
    free(merge.moves);
    return rc;
}

/* ---- What to merge --------------------------------------------------------------------- */

/* Records of a segment that a merge would drop: tombstones only where 2.I11 does not keep them. */
static uint64_t gone_records(const struct segment *segment, bool keep_tombstones)
{
    return segment->dead + (keep_tombstones ? 0 : segment->tombstones);
}

/* About how many bytes of a segment would be copied. */
static uint64_t live_bytes(const struct segment *segment, bool keep_tombstones)
{
    uint64_t gone = gone_records(segment, keep_tombstones);
    if (segment->sum.records == 0 || gone >= segment->sum.records)
        return 0;
    return (uint64_t)((double)segment->end * (double)(segment->sum.records - gone) /
                      (double)segment->sum.records);
}

/* Neighbours whose live data fits into one segment: at least one. */
struct run {
    size_t at, count;
    uint64_t gone, records; /* records that a merge would drop, of so many */
};

/* The longest run from list[at] on; `sound`: without segments that a merge could not read. */
static struct run run_at(const struct segments *set, size_t at, bool keep_tombstones, bool sound)
{
    struct run run = {.at = at};
    uint64_t bytes = 0;

    for (size_t i = at; i < closed_count(set); i++) {
        const struct segment *segment = set->list[i];
        bytes += live_bytes(segment, keep_tombstones);
        if ((sound && segment->unreadable) || (i > at && bytes > set->env->options->segment_bytes))
            break;
        run.gone += gone_records(segment, keep_tombstones);
        run.records += segment->sum.records;
        run.count++;
    }
    return run;
}

bool merge_next_run(const struct keydir *keydir, size_t *at, size_t *count)
{
    const struct segments *set = &keydir->segments;
    bool keep_tombstones = older_dead(set, *at);

    for (; *at < closed_count(set); ++*at) {
        struct run run = run_at(set, *at, keep_tombstones, false);
        *count = run.count;
        if (run.count > 1 || run.gone)
            return true;
        keep_tombstones |= set->list[*at]->dead > 0;
    }
    return false;
}

/* Costs O(segments) for each of them that begins a run of many, as one of empty segments does. */
bool merge_worst_run(const struct keydir *keydir, size_t *at, size_t *count)
{
    const struct segments *set = &keydir->segments;
    bool keep_tombstones = false;
    double worst = 0;

    *count = 0;
    for (size_t i = 0; i < closed_count(set); i++) {
        struct run run = run_at(set, i, keep_tombstones, true);
        double gone = run.records ? (double)run.gone / (double)run.records : 0;
        keep_tombstones |= set->list[i]->dead > 0;
        /* of equal ones the first: it begins with what is empty, else each would leave a file */
        if (gone < 0.5 || gone <= worst)
            continue;
        worst = gone;
        *at = i;
        *count = run.count;
    }
    return *count > 0;
}
