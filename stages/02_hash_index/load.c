/* load.c: opening: the index is made anew, from the hints of closed segments where they fit, and
 * from the segments themselves where not. Of the segment that was being written, whatever its end
 * looks like, the records themselves tell.
 *
 * 2.I14: TAIL names a segment only once that is there, and before a write in it is acknowledged. So
 * it is missing when it is not there: neither a kill nor a close can leave that. */
#include "keydir.h"
#include "hint.h"
#include "tail.h"

#include <inttypes.h>

struct loader {
    struct keydir *keydir;
    struct segment *segment; /* being loaded */
};

/* A record of a closed segment, as its hint says. */
static int replay_hinted(void *arg, const struct segment *segment, const struct record *record,
                         uint64_t hash, struct strata_error *err)
{
    struct loader *l = arg;
    l->segment->tombstones += segment_is_delete(record->type);
    return keydir_replay(l->keydir, segment, record->type, hash, record->offset, record->key, err);
}

/* A crash in the middle of an append leaves a torn record, which was never acknowledged. */
static int drop_torn_tail(struct loader *l, struct segment *segment, struct strata_error *err)
{
    const struct strata_env *env = l->keydir->segments.env;
    bool read_only = env->options->read_only;
    strata_env_log(env, STRATA_LOG_WARNING,
                   "%s @%" PRIu64 ": %s a torn record of %" PRIu64 " bytes", segment->path,
                   segment->end, read_only ? "ignored" : "dropped",
                   segment->at.file->end - segment->end);
    return read_only ? 0 : fs_truncate(segment->at.file, segment->end, err);
}

static int replay_record(struct loader *l, const struct record *record, struct strata_error *err)
{
    struct segment *segment = l->segment;
    uint64_t hash = index_hash(record->key);
    struct record seal;

    if (segment->sealed)
        return strata_fail(err, STRATA_ERR_CORRUPT, segment->path, record->offset,
                           "a record follows the segment's seal");
    if (record->type == SEGMENT_SEAL) {
        segment->sealed = true;
        return segment_read_seal(segment, record->offset, SEGMENT_DELETE_COLLIDING, &seal, err);
    }
    segment_count(segment, hash, record->offset, record->type);
    return keydir_replay(l->keydir, segment, record->type, hash, record->offset, record->key, err);
}

/* Reads the segment itself. Whether it is sealed shows at its end: what looks like a seal there may
 * be bytes of a value. */
static int read_segment(struct loader *l, bool last, struct strata_error *err)
{
    struct segment *segment = l->segment;
    struct record_reader reader;
    struct record record;
    int rc;

    segment->sealed = false;
    segment->sum = (struct segment_sum){0};
    record_reader_init(&reader, segment->at.file, segment_id(segment), segment->at.file->end);
    reader.max_type = l->keydir->segments.max_type;
    while ((rc = record_next(&reader, &record, err)) == 0) {
        rc = replay_record(l, &record, err);
        if (rc < 0)
            break;
    }
    segment->end = reader.at;
    record_reader_free(&reader);
    if (rc < 0)
        return rc;
    if (last && !segment->sealed)
        return rc == RECORD_TORN ? drop_torn_tail(l, segment, err) : 0;
    if (rc == RECORD_TORN || !segment->sealed)
        return strata_fail(err, STRATA_ERR_CORRUPT, segment->path, segment->end,
                           "a closed segment ends here without its seal");
    return 0;
}

static int load_segment(struct loader *l, bool last, struct strata_error *err)
{
    const struct segments *set = &l->keydir->segments;
    struct segment *segment = l->segment;
    int rc = segment->sealed ? hint_read(set, segment, replay_hinted, l, err) : STRATA_NOT_FOUND;

    if (rc != STRATA_NOT_FOUND) {
        l->keydir->hints_used++;
        return rc;
    }
    l->keydir->segments_read++;
    rc = fs_pooled_use(&segment->at, err);
    if (rc < 0)
        return rc;
    rc = read_segment(l, last, err);
    fs_pooled_done(&segment->at);
    segment->unhinted = segment->sealed;
    return rc;
}

/* Only once all of it was read: what does not open is left as it was found. */
static void write_hints(const struct segments *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->list[i]->unhinted)
            hint_try(set, set->list[i]);
}

/* Left by a hint that was not written to its end. */
static bool is_cut_hint(const void *arg, const char *name)
{
    uint32_t first, last;

    (void)arg;
    return segment_parse_name(name, ".hint.tmp", &first, &last);
}

/* ---- The newest segment ---------------------------------------------------------------- */

static int note_last(const struct segments *set, struct strata_error *err)
{
    struct tail tail = {.segment = set->list[set->count - 1]->last, .version = TAIL_VERSION};
    return tail_write(set->env, &tail, false, err);
}

int load_start(struct segments *set, struct strata_error *err)
{
    int rc = segments_start(set, err);
    return rc < 0 ? rc : note_last(set, err); /* 2.I14 */
}

/* `*noted` is the newest by TAIL; 0: there is none, as in a database of an older build. */
static int check_last(const struct segments *set, uint64_t *noted, struct strata_error *err)
{
    struct tail tail = {0};
    int rc = set->env->is_new ? STRATA_NOT_FOUND : tail_read(set->env, TAIL_VERSION, &tail, err);

    *noted = rc == 0 ? tail.segment : 0;
    return rc < 0 ? rc : tail_check_last(&tail, set->env, set->list[set->count - 1]->last, err);
}

int load_keydir(struct keydir *keydir, const struct strata_env *env, struct strata_error *err)
{
    struct loader l = {keydir, NULL};
    struct segments *set = &keydir->segments;
    uint64_t noted = 0;
    int rc = segments_open(set, env, err);

    if (rc == 0)
        rc = check_last(set, &noted, err);
    for (size_t i = 0; rc == 0 && i < set->count; i++) {
        l.segment = set->list[i];
        rc = load_segment(&l, i + 1 == set->count, err);
    }
    if (rc < 0 || env->options->read_only)
        return rc;
    write_hints(set);
    rc = fs_remove_dead(env->fs, env->dir, is_cut_hint, NULL, err);
    if (rc < 0)
        return rc;
    if (!segments_active(set))
        return load_start(set, err);
    return noted == set->list[set->count - 1]->last ? 0 : note_last(set, err);
}
