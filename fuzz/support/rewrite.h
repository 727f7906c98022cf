/* rewrite.h: the records of a file, read one by one and written to a new file by the writer of
 * their module, make the same bytes again: what a reader takes, a writer could have written. */
#ifndef STRATA_FUZZ_REWRITE_H
#define STRATA_FUZZ_REWRITE_H

#include "01_append_log/record.h"
#include "database.h"

/* The number of a log segment that was filled by writes (02_hash_index/segment.c). */
#define REWRITE_NUMBER(segment) ((uint64_t)(segment) << 32 | (segment))
/* Does the header of a log tell this number? */
bool rewrite_has_number(struct strata_slice bytes, uint64_t number);

struct rewrite_kind {
    const char *magic;
    uint64_t number;   /* of the file */
    unsigned max_type; /* of its records */
};

/* Does so with the file at db->path, whose header is known to be right. Returns how many of its
 * bytes are whole records. */
uint64_t rewrite_records(const struct database *db, const struct rewrite_kind *kind);

/* Stages 1 and 2, where a log may end anywhere: at db->path, cut short by some bytes, it opens
 * too. And a tail that was dropped begins with no head, or with one that may be written. */
void rewrite_check_tail(const struct database *db, const struct rewrite_kind *kind,
                        uint64_t valid_bytes);

/* A record is valid in its place alone, and by itself: records read at any offset and below any
 * limit, as the ones that come after another one, and behind one that is larger than a reader's
 * window. */
void rewrite_check_places(const struct database *db, const struct rewrite_kind *kind);

/* The type of the file's last record; 0: it has none. */
unsigned rewrite_last_type(const struct database *db, const struct rewrite_kind *kind);

/* The value of a record that record_at read: the bytes after its key. */
struct strata_slice rewrite_value(const struct strata_buffer *body, const struct record *record);

/* The file "again" that was written anew is the beginning of the one at db->path. */
void rewrite_compare(const struct database *db);

#endif
