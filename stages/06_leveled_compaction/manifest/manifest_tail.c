/* manifest_tail.c: what is where the edits of a manifest end: nothing, a torn tail, or damage.
 *
 *   [header][edit 1] ... [edit n][ed|
 *                                ^ X: the valid part ends
 *
 * What is at X is a torn tail, which was never acknowledged as durable, iff
 *   - X is not below what CURRENT knows to be durable, and an edit is before it;
 *   - a crash leaves such bytes: the file ends inside a record (kill -9, or a power cut that left
 *     less), or it has the record's length and one of its sectors was never written, and is zeros;
 *   - no edit follows, nor a cut one whose head is whole: it would have been written after a sync
 *     of this one (6.I5).
 * Everything else is damage: one flipped bit leaves no sector of zeros. */
#include "01_append_log/record.h"
#include "manifest.h"

#include <inttypes.h>
#include <string.h>

#define SECTOR 512 /* bytes that a device writes whole */

/* Is there a sector between `from` and the file's end that has only zeros there? */
static int find_lost_sector(struct fs_file *file, uint64_t from, bool *lost,
                            struct strata_error *err)
{
    static const uint8_t zeros[SECTOR];
    uint8_t bytes[SECTOR];
    int rc = 0;

    *lost = false;
    while (rc == 0 && !*lost && from < file->end) {
        size_t got, size = SECTOR - (size_t)(from % SECTOR);
        rc = fs_read_at(file, from, bytes, size, &got, err);
        *lost = rc == 0 && got > 0 && memcmp(bytes, zeros, got) == 0;
        from += size;
    }
    return rc;
}

/* Is there a record behind this offset, which is before the file's end? Also one that was cut. */
static int find_record(struct record_reader *reader, uint64_t from, bool *found,
                       struct strata_error *err)
{
    struct record record;

    for (uint64_t at = from + 1; reader->limit - at >= RECORD_HEAD; at++) {
        int rc;
        reader->at = at;
        rc = record_next(reader, &record, err);
        if (rc == STRATA_ERR_CORRUPT)
            continue;
        *found = rc >= 0;
        return rc < 0 ? rc : 0;
    }
    return 0;
}

/* The file does not end inside a record: what is here is none. */
static int is_torn(const struct manifest *m, struct record_reader *reader, bool *torn,
                   struct strata_error *err)
{
    uint64_t at = reader->at;
    bool followed = false;
    int rc = find_lost_sector(m->file, at, torn, err);

    if (rc == 0 && *torn)
        rc = find_record(reader, at, &followed, err);
    *torn = *torn && !followed;
    return rc;
}

int manifest_tail(struct manifest *m, struct record_reader *reader, int rc,
                  const struct strata_error *why, struct strata_error *err)
{
    uint64_t at = reader->at;
    bool torn = rc == RECORD_TORN;

    if (rc > 0 && (at < m->known || !m->ordinal))
        return strata_fail(err, STRATA_ERR_CORRUPT, m->file->path, at,
                           "the manifest ends here, after %" PRIu64 " edits; %" PRIu64
                           " bytes of it were once on the device",
                           m->ordinal, m->known);
    if (rc == STRATA_ERR_CORRUPT && at >= m->known && m->ordinal) {
        int judged = is_torn(m, reader, &torn, err);
        if (judged < 0)
            return judged;
    }
    if (torn)
        m->torn = m->file->end - at;
    else if (rc < 0 && err)
        *err = *why;
    return torn || rc > 0 ? 0 : rc;
}
