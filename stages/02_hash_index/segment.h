/* segment.h: the log cut into segments: files that are filled one after another and, once
 * closed, never change. Because closed ones never change they can be merged while they still
 * answer, and be dropped when the merged one is there.
 *
 * A segment covers a range of segment numbers, `first` to `last`: one number when it was filled
 * by writes, more when it came out of a merge. All segments together cover 1, 2, 3, ... without
 * a gap and without overlap, and a position names its segment by `last`. */
#ifndef STRATA_02_SEGMENT_H
#define STRATA_02_SEGMENT_H

#include "01_append_log/record.h"
#include "fs/fs_pool.h"
#include "strata_engine.h"

#include <stdatomic.h>

#define SEGMENT_MAGIC "STRATSEG"
#define SEGMENT_MAX ((uint32_t)1 << 24) /* numbers are below */

/* Record types beyond put and delete. Colliding: of a key whose 64-bit hash another live
 * key had at that time: replaying it must compare keys, not hashes only. */
enum segment_record {
    SEGMENT_SEAL = 3, /* the last record of a closed segment: struct segment_sum */
    SEGMENT_PUT_COLLIDING = 4,
    SEGMENT_DELETE_COLLIDING = 5
};

/* What a closed segment's seal says of the records before it. */
struct segment_sum {
    uint64_t records;
    uint64_t digest; /* sum of segment_digest over all of them: their order does not matter */
};
uint64_t segment_digest(uint64_t hash, uint64_t offset, unsigned type);

struct segment {
    _Atomic unsigned refs; /* of the set, and of iterators that still read it */
    uint32_t first, last;
    struct fs_pooled at; /* its file, which is open when it is read or written */
    struct strata_fs *fs;
    char *path;
    char *aside;          /* another name of its file, or NULL */
    bool obsolete;        /* merged away: its last reader removes the file */
    _Atomic uint64_t end; /* of its valid records, the seal included, bytes; iterators read it */
    bool sealed;
    bool unhinted;          /* it was found without a hint that fits */
    bool unreadable;        /* a merge could not read it: only one that was asked for tries again */
    struct segment_sum sum; /* so far, or as sealed */
    uint64_t dead;          /* puts in it that are no longer live */
    uint64_t tombstones;    /* deletes in it */
};

struct segments {
    const struct strata_env *env;
    struct fs_pool *pool;  /* NULL: borrowed, as an iterator does */
    bool durable;          /* creating and removing is synced (stage 3) */
    unsigned ahead;        /* FS_AHEAD, FS_MAPPED: how appended files are opened (stage 3) */
    const char *magic;     /* of the files, 8 bytes */
    unsigned max_type;     /* of the records in them */
    struct segment **list; /* ascending; the last one may be open for writing */
    size_t count, capacity;
};

uint64_t segment_id(const struct segment *segment); /* file number in the checks' seeds */
static inline bool segment_is_put(unsigned type)
{
    return type == STRATA_OP_PUT || type == SEGMENT_PUT_COLLIDING;
}
static inline bool segment_is_delete(unsigned type)
{
    return type == STRATA_OP_DELETE || type == SEGMENT_DELETE_COLLIDING;
}

/* Finds the segments in env->dir, removes what a cut merge left (not when read-only), opens them
 * and checks their headers, and that they cover all numbers; `sealed` is a guess until the
 * segment is read. With env->is_new removes every one instead. Records are not read yet. CORRUPT,
 * IO. */
int segments_open(struct segments *set, const struct strata_env *env, struct strata_error *err);
/* Frees everything. The first error of closing a file is returned. */
int segments_close(struct segments *set, struct strata_error *err);

/* The segment that is written to: the last one when it is not sealed, else NULL. */
struct segment *segments_active(const struct segments *set);
struct segment *segments_find(const struct segments *set, uint32_t number);
uint64_t segments_bytes(const struct segments *set); /* of all of them */

/* Makes an empty segment after the last one, written under a temporary name and renamed. The last
 * one's file is closed until it is read. */
int segments_start(struct segments *set, struct strata_error *err);
/* The same, outside the list, for the range first..last; still under its temporary name. */
int segment_create(const struct segments *set, uint32_t first, uint32_t last, struct segment **out,
                   struct strata_error *err);
/* Gives it its name. */
int segment_publish(const struct segments *set, struct segment *segment, struct strata_error *err);
/* Removes its file with this suffix, as its hint (".hint"), if it is there. IO, NO_MEMORY. */
int segment_remove_file(const struct segments *set, const struct segment *segment,
                        const char *suffix, struct strata_error *err);
/* Drops one that was not published, with its file. */
void segment_discard(const struct segments *set, struct segment *segment);

/* Appends a record and counts it if it is a put or delete; `*offset` is its offset. */
int segment_append(struct segment *segment, unsigned type, struct strata_slice key,
                   struct strata_slice value, uint64_t *offset, struct strata_error *err);
/* Counts a record that was found by reading. */
void segment_count(struct segment *segment, uint64_t hash, uint64_t offset, unsigned type);
/* Is it the segment's sum? CORRUPT, at `end`, where the reading ended. */
int segment_check(const struct segment *segment, const struct segment_sum *sum, uint64_t end,
                  struct strata_error *err);
/* Calls `each` for every put and delete of a segment, in the log's order, and stops where it
 * returns < 0. CORRUPT: also when these are not the records that were written, though each is
 * valid (a sector of an earlier file of that name): their sum is not the segment's. IO, NO_MEMORY.
 */
typedef int segment_each(void *arg, const struct segment *segment, const struct record *record,
                         uint64_t hash, struct strata_error *err);
int segment_read(const struct segments *set, const struct segment *segment, segment_each *each,
                 void *arg, struct strata_error *err);
/* Appends the seal: nothing is appended after it. */
int segment_seal(struct segment *segment, struct strata_error *err);
/* Reads the seal at `offset`. CORRUPT: also when it is none, or its sum is not the segment's. */
int segment_read_seal(const struct segment *segment, uint64_t offset, unsigned max_type,
                      struct record *seal, struct strata_error *err);

/* "000003.log", "000001-000004.log", of the range, with this suffix. */
#define SEGMENT_NAME 32
void segment_name(uint32_t first, uint32_t last, const char *suffix, char name[SEGMENT_NAME]);
/* The range in the name of a segment's file (".log") or of one that goes with it (".hint"); false:
 * not a name that is ever made, so the file is somebody else's and no business of ours. */
bool segment_parse_name(const char *name, const char *suffix, uint32_t *first, uint32_t *last);

/* For segments.c: a segment with no file yet, NULL: out of memory; whether the file ends with a
 * seal. */
struct segment *segment_new(const struct segments *set, uint32_t first, uint32_t last);
int segment_look_for_seal(struct segment *segment, unsigned max_type, struct strata_error *err);

/* Its name is about to be another's: it can be read all the same, as long as it lives. */
int segment_set_aside(const struct segments *set, struct segment *segment,
                      struct strata_error *err);
int segment_unref(struct segment *segment, struct strata_error *err); /* the last one closes it */

/* Replaces the `count` segments from list[at] on by `merged`, which covers the same numbers, and
 * removes their files, oldest first; one that an iterator still reads has another name until it is
 * done. */
int segments_replace(struct segments *set, size_t at, size_t count, struct segment *merged,
                     struct strata_error *err);

extern const struct strata_format segment_format; /* inspect.c */

#endif
