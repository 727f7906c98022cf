/* scan.c: an iterator over a keydir: every live key, sorted when it is made; values are read when
 * asked for. It holds the segments as they were, so that their files stay open, and readable, when
 * they are merged away. */
#include "01_append_log/sorted.h"
#include "keydir.h"

#include <assert.h>
#include <stdlib.h>

/* What an iterator reads from: the segments as they were when it was made. */
static void release(void *arg)
{
    struct segments *set = arg;
    segments_close(set, NULL);
    free(set);
}

static int read_value(void *arg, uint64_t position, struct strata_slice key,
                      struct strata_buffer *value, struct strata_error *err)
{
    const struct segments *set = arg;
    const struct segment *segment = segments_find(set, position_segment(position));
    int rc;

    assert(segment); /* its records were read when the iterator was made, and it is held */
    rc = fs_pooled_use(&segment->at, err);
    if (rc < 0)
        return rc;
    rc = record_value(segment->at.file, segment_id(segment), position_offset(position),
                      segment->end, set->max_type, key, value, err);
    fs_pooled_done(&segment->at);
    return rc;
}

struct collector {
    const struct keydir *keydir;
    struct sorted list;
};

/* Takes the key of a live put. */
static int collect(void *arg, const struct segment *segment, const struct record *record,
                   uint64_t hash, struct strata_error *err)
{
    struct collector *c = arg;
    uint64_t position = position_make(segment->last, record->offset);

    if (!segment_is_put(record->type) || keydir_live_slot(c->keydir, hash, position) == SIZE_MAX)
        return 0;
    return sorted_add(&c->list, record->key, position, false, err);
}

static int pin_segments(const struct segments *set, struct segments **out, struct strata_error *err)
{
    struct segments *pinned = malloc(sizeof *pinned);
    struct segment **list = malloc((set->count + 1) * sizeof *list);

    if (!pinned || !list) {
        free(pinned);
        free(list);
        return strata_fail_memory(err, set->count * sizeof *list);
    }
    *pinned = *set;
    pinned->list = list;
    pinned->pool = NULL;
    for (size_t i = 0; i < set->count; i++) {
        list[i] = set->list[i];
        list[i]->refs++;
    }
    *out = pinned;
    return 0;
}

int keydir_iter(const struct keydir *keydir, struct strata_iter **out, struct strata_error *err)
{
    const struct segments *set = &keydir->segments;
    struct collector c = {.keydir = keydir};
    struct sorted_source source = {read_value, release, NULL};
    struct segments *pinned = NULL;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < set->count; i++)
        rc = segment_read(set, set->list[i], collect, &c, err);
    if (rc == 0)
        rc = pin_segments(set, &pinned, err);
    if (rc < 0) {
        sorted_free(&c.list);
        return rc;
    }
    source.arg = pinned;
    return sorted_iter_new(&c.list, &source, out, err);
}
