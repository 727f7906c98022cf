/* keydir.h: the index together with the segments it points into: finding a key, and keeping the
 * index in step with the log, while it is written and when it is replayed.
 *
 * The index knows hashes only. Hash collisions are rare by chance and easy to make on purpose (XXH3
 * promises nothing against that). So a writer first reads the key at the position, and a record
 * written while another live key has its hash is marked as a collision.
 * Replaying may then trust the hash of every record that is not marked:
 *
 *   2.I5: when a put or delete without that mark is replayed, an entry with its hash is its own
 * key. It holds when the record is written, and merging keeps it: it drops only dead puts, and
 *   deletes that no older put needs any more, and never takes a mark away.
 */
#ifndef STRATA_02_KEYDIR_H
#define STRATA_02_KEYDIR_H

#include "index.h"
#include "segment.h"

struct keydir {
    struct index index;
    struct segments segments;
    uint64_t hints_used, segments_read; /* by opening: it knew so many segments, and had to read */
};

/* Where a key was looked for. */
struct keydir_match {
    uint64_t hash;
    size_t slot;   /* of the key in the index; SIZE_MAX: it has none */
    bool collides; /* another live key has this hash */
};

/* Looks for `key`. With `body`, the whole record is read and checked, and its key and value are
 * put there (*record describes it; record may be NULL); without, head and key only, and nothing
 * when no entry has the hash. 0, STRATA_NOT_FOUND, CORRUPT (also: the record there holds a key of
 * another hash), IO. */
int keydir_find(const struct keydir *keydir, struct strata_slice key, struct keydir_match *match,
                struct strata_buffer *body, struct record *record, struct strata_error *err);

/* The record type that a put or delete of the matched key must have. */
unsigned keydir_type(const struct keydir_match *match, enum strata_op_type type);
/* The key's record is now at `position`. Room must be reserved (index_reserve). */
void keydir_put(struct keydir *keydir, const struct keydir_match *match, uint64_t position);
void keydir_remove(struct keydir *keydir, const struct keydir_match *match);

/* Applies a record found in `segment`, in the log's order. `key` is needed for collisions only;
 * with no key (data NULL) it is read from the record. */
int keydir_replay(struct keydir *keydir, const struct segment *segment, unsigned type,
                  uint64_t hash, uint64_t offset, struct strata_slice key,
                  struct strata_error *err);
/* The slot of the live put at this position, or SIZE_MAX: it is dead. */
size_t keydir_live_slot(const struct keydir *keydir, uint64_t hash, uint64_t position);

/* ---- Opening (load.c) ------------------------------------------------------------------ */

/* Opens the segments and fills the index. A torn record at the end of the last one is dropped;
 * hints that are missing or do not fit are written anew (not when read-only). With a database
 * that may be written there is an active segment afterwards. CORRUPT, IO, NO_MEMORY; then
 * keydir's parts are still to be freed. */
int load_keydir(struct keydir *keydir, const struct strata_env *env, struct strata_error *err);
/* Begins a segment after the last one, and notes that it is there. IO, NO_MEMORY, NOT_SUPPORTED. */
int load_start(struct segments *set, struct strata_error *err);

/* ---- Reading everything ---------------------------------------------------------------- */

/* An iterator over the live keys, scan.c. Reads every segment once: O(data). */
int keydir_iter(const struct keydir *keydir, struct strata_iter **out, struct strata_error *err);

/* Reads every segment whole and checks it against its seal, and the index against them all. */
int keydir_verify(const struct keydir *keydir, const struct strata_progress *progress,
                  struct strata_error *err);
/* Keys, memory, segments, dead records. */
void keydir_stats(const struct keydir *keydir,
                  void (*each)(void *arg, const struct strata_stat *stat), void *arg);

#endif
