/* segments.c: the segments of one database: which files count, in which order, and what a cut
 * merge or creation left. The invariants 2.I6 to 2.I9 are in segment.c. */
#include "segment.h"
#include "tail.h"
#include "base/array.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int add_segment(struct segments *set, struct segment *segment, struct strata_error *err)
{
    struct segment **added =
        array_add(&set->list, &set->count, &set->capacity, sizeof(struct segment *), err);

    if (!added)
        return STRATA_ERR_NO_MEMORY;
    *added = segment;
    return 0;
}

/* By last number; of two with one last number the wider, which supersedes the other, last. */
static int compare_ranges(const void *a, const void *b)
{
    const struct segment *x = *(struct segment *const *)a, *y = *(struct segment *const *)b;
    if (x->last != y->last)
        return x->last < y->last ? -1 : 1;
    return (x->first < y->first) - (x->first > y->first);
}

static int list_segments(struct segments *set, const struct fs_names *names,
                         struct strata_error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        uint32_t first, last;
        struct segment *segment;
        int rc;

        if (!segment_parse_name(names->names[i], ".log", &first, &last))
            continue;
        segment = segment_new(set, first, last);
        if (!segment)
            return strata_fail_memory(err, sizeof *segment);
        rc = add_segment(set, segment, err);
        if (rc < 0) {
            segment_unref(segment, NULL);
            return rc;
        }
    }
    if (set->count)
        qsort(set->list, set->count, sizeof(struct segment *), compare_ranges);
    return 0;
}

/* 2.I7: a segment supersedes those before it that begin where it begins, or later. */
static int drop_superseded(struct segments *set, struct strata_error *err)
{
    bool writes = !set->env->options->read_only;
    size_t kept = 0;
    int rc = 0;

    for (size_t i = 0; i < set->count; i++) {
        struct segment *segment = set->list[i];
        while (kept && set->list[kept - 1]->first >= segment->first) {
            struct segment *old = set->list[--kept];
            if (rc == 0 && writes)
                rc = segment_remove_file(set, old, ".hint", err);
            if (rc == 0 && writes)
                rc = fs_remove(set->env->fs, old->path, err);
            segment_unref(old, NULL); /* not open yet */
        }
        set->list[kept++] = segment;
    }
    set->count = kept;
    return rc;
}

/* 2.I8. */
static int check_cover(const struct segments *set, struct strata_error *err)
{
    uint32_t next = 1;
    for (size_t i = 0; i < set->count; i++) {
        if (set->list[i]->first != next)
            return strata_fail(err, STRATA_ERR_CORRUPT, set->env->dir, STRATA_NO_OFFSET,
                               "segment %06" PRIu32 " is missing: the next one is %s", next,
                               set->list[i]->path);
        next = set->list[i]->last + 1;
    }
    if (set->count == 0)
        return strata_fail(err, STRATA_ERR_CORRUPT, set->env->dir, STRATA_NO_OFFSET,
                           "segment 000001 is missing");
    return 0;
}

static int open_segment(struct segments *set, struct segment *segment, bool last,
                        struct strata_error *err)
{
    struct fs_file *file;
    int rc = 0;

    if (last && !set->env->options->read_only) {
        rc = fs_open(set->env->fs, segment->path, FS_WRITE | set->ahead, &file, err);
        segment->at.file = file;
    }
    if (rc == 0)
        rc = fs_pooled_use(&segment->at, err);
    if (rc < 0)
        return rc;
    rc = record_check_kind(segment->at.file, set->magic, segment_id(segment), err);
    segment->end = segment->at.file->end;
    if (rc == 0)
        rc = segment_look_for_seal(segment, set->max_type, err);
    fs_pooled_done(&segment->at);
    return rc;
}

/* What cut makings of files left, and what nobody reads any more. */
static int remove_temporaries(const struct segments *set, const struct fs_names *names,
                              struct strata_error *err)
{
    uint32_t first, last;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < names->count; i++)
        if (segment_parse_name(names->names[i], ".log.tmp", &first, &last) ||
            segment_parse_name(names->names[i], ".log.old", &first, &last) ||
            strcmp(names->names[i], TAIL_NAME ".tmp") == 0)
            rc = fs_remove_if_there(set->env->fs, set->env->dir, names->names[i], err);
    return rc;
}

static int forget(struct segments *set, struct strata_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < set->count; i++) {
        int closed = segment_unref(set->list[i], rc == 0 ? err : NULL);
        rc = rc < 0 ? rc : closed;
    }
    free(set->list);
    set->list = NULL;
    set->count = set->capacity = 0;
    return rc;
}

/* A creation that was cut begins anew: no write was ever acknowledged. */
static int start_anew(struct segments *set, struct strata_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < set->count; i++)
        rc = fs_remove(set->env->fs, set->list[i]->path, err);
    if (rc < 0)
        return rc;
    forget(set, NULL);
    return segments_start(set, err);
}

int segments_open(struct segments *set, const struct strata_env *env, struct strata_error *err)
{
    struct fs_names names;
    int rc;

    set->env = env;
    rc = fs_pool_new(env->fs, &set->pool, err);
    if (rc == 0)
        rc = fs_list(env->fs, env->dir, &names, err);
    if (rc < 0)
        return rc;
    if (!env->options->read_only)
        rc = remove_temporaries(set, &names, err);
    if (rc == 0)
        rc = list_segments(set, &names, err);
    fs_names_free(&names);
    if (rc == 0 && env->is_new)
        return start_anew(set, err);
    if (rc == 0)
        rc = drop_superseded(set, err);
    if (rc == 0)
        rc = check_cover(set, err);
    for (size_t i = 0; rc == 0 && i < set->count; i++)
        rc = open_segment(set, set->list[i], i + 1 == set->count, err);
    return rc;
}

int segments_close(struct segments *set, struct strata_error *err)
{
    int rc = forget(set, err);
    fs_pool_del(set->pool);
    set->pool = NULL;
    return rc;
}

struct segment *segments_active(const struct segments *set)
{
    struct segment *last = set->count ? set->list[set->count - 1] : NULL;
    return last && !last->sealed ? last : NULL;
}

struct segment *segments_find(const struct segments *set, uint32_t number)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->list[middle]->last < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->count && set->list[low]->last == number ? set->list[low] : NULL;
}

uint64_t segments_bytes(const struct segments *set)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < set->count; i++)
        bytes += set->list[i]->end;
    return bytes;
}

int segments_start(struct segments *set, struct strata_error *err)
{
    uint32_t number = set->count ? set->list[set->count - 1]->last + 1 : 1;
    struct segment *segment;
    int rc = 0;

    assert(!segments_active(set)); /* 2.I9 */
    if (number >= SEGMENT_MAX)
        return strata_fail(err, STRATA_ERR_NOT_SUPPORTED, set->env->dir, STRATA_NO_OFFSET,
                           "segment numbers are used up: migrate to a new directory");
    if (set->count)
        rc = fs_pooled_retire(&set->list[set->count - 1]->at, err);
    if (rc == 0)
        rc = segment_create(set, number, number, &segment, err);
    if (rc < 0)
        return rc;
    rc = add_segment(set, segment, err);
    if (rc == 0) {
        assert(segments_active(set) == segment); /* 2.I9 */
        rc = segment_publish(set, segment, err);
        set->count -= rc < 0;
    }
    if (rc < 0)
        segment_discard(set, segment);
    return rc;
}

/* An iterator goes on with it by another name: under its own it would be found again, and believed,
 * where the merged one is lost. */
static void rename_for_readers(const struct segments *set, struct segment *old)
{
    struct strata_error why;

    old->obsolete = segment_set_aside(set, old, &why) < 0;
    if (old->obsolete)
        strata_env_warn(set->env, &why, "%s keeps its name while it is read", old->path);
}

int segments_replace(struct segments *set, size_t at, size_t count, struct segment *merged,
                     struct strata_error *err)
{
    int rc = 0;

    assert(count && merged->first == set->list[at]->first); /* 2.I8 */
    assert(merged->last == set->list[at + count - 1]->last);
    for (size_t i = at; i < at + count; i++) {
        struct segment *old = set->list[i];
        if (strcmp(old->path, merged->path) != 0) {
            if (old->refs > 1)
                rename_for_readers(set, old);
            if (rc == 0 && !old->obsolete)
                rc = fs_remove(set->env->fs, old->path, err);
        }
        segment_unref(old, NULL); /* only read: closing it loses nothing */
    }
    set->list[at] = merged;
    memmove(set->list + at + 1, set->list + at + count,
            (set->count - at - count) * sizeof(struct segment *));
    set->count -= count - 1;
    return rc;
}
