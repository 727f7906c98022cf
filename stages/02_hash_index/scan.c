/* scan.c: an iterator over a keydir: every live key, sorted when it is made; values are read when
 * asked for. It holds the segments as they were, so that their files stay open, and readable, when
 * they are merged away. */
#include "01_append_log/sorted.h"
#include "keydir.h"

#include <stdlib.h>

/* What an iterator reads from: the segments as they were when it was made (I3). */
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
    int rc = segment_use(segment, err);

    if (rc < 0)
        return rc;
    rc = record_value(segment->file, segment_id(segment), position_offset(position), segment->end,
                      set->max_type, key, value, err);
    segment_done(segment);
    return rc;
}

/* The live keys of a segment. One whose record was replaced by another valid one would go missing
 * without a word, but for the sum. */
static int collect(const struct keydir *keydir, const struct segment *segment, struct sorted *list,
                   struct strata_error *err)
{
    struct segment_sum sum = {0};
    struct record_reader reader;
    struct record record;
    int rc = segment_use(segment, err);

    if (rc < 0)
        return rc;
    record_reader_init(&reader, segment->file, segment_id(segment), segment->end);
    reader.max_type = keydir->segments.max_type;
    while ((rc = record_next(&reader, &record, err)) == 0) {
        uint64_t position = position_make(segment->last, record.offset);
        uint64_t hash = index_hash(record.key);
        segment_add(&sum, &record, hash);
        if (segment_is_put(record.type) && keydir_live_slot(keydir, hash, position) != SIZE_MAX)
            rc = sorted_add(list, record.key, position, false, err);
        if (rc < 0)
            break;
    }
    record_reader_free(&reader);
    if (rc >= 0)
        rc = segment_check(segment, &sum, reader.at, err);
    segment_done(segment);
    return rc < 0 ? rc : 0;
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
    pinned->files = NULL;
    for (size_t i = 0; i < set->count; i++)
        segment_ref(list[i] = set->list[i]);
    *out = pinned;
    return 0;
}

int keydir_iter(const struct keydir *keydir, struct strata_iter **out, struct strata_error *err)
{
    const struct segments *set = &keydir->segments;
    struct sorted list = {0};
    struct sorted_source source = {read_value, release, NULL};
    struct segments *pinned = NULL;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < set->count; i++)
        rc = collect(keydir, set->list[i], &list, err);
    if (rc == 0)
        rc = pin_segments(set, &pinned, err);
    if (rc < 0) {
        sorted_free(&list);
        return rc;
    }
    source.arg = pinned;
    return sorted_iter_new(&list, &source, out, err);
}
