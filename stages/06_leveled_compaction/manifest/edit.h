/* edit.h: a version edit: what changes in the list of a database's files, as the manifest keeps it
 * (LevelDB's VersionEdit: doc/impl.md). All numbers of files come from one row. */
#ifndef STRATA_06_EDIT_H
#define STRATA_06_EDIT_H

#include "04_memtable_sstable/run/sstable.h"
#include "04_memtable_sstable/tables.h"
#include "base/coding.h"

#define LEVELS 7
/* A name that begins with a larger number is not one of a database's files: behind it there would
 * be no numbers for new ones. */
#define EDIT_NAME_MOST (CODING_NUMBER_MAX / 2)

/* A table as an edit adds it. */
struct edit_table {
    uint32_t level;                        /* < LEVELS */
    uint64_t number;                       /* of its file */
    uint64_t bytes;                        /* of its file */
    struct sstable_sum sum;                /* `coded` and `old_bytes` are not written */
    struct strata_slice smallest, largest; /* keys */
    struct sstable *table; /* it is open: borrowed; NULL: it is not, as of an edit that was read */
};

struct edit_removed {
    uint32_t level;
    uint64_t number;
};

/* All zero is a valid edit that changes nothing. The arrays are the edit's own, keys are borrowed:
 * of a decoded edit from the bytes it was decoded from. */
struct edit {
    uint64_t ordinal; /* in its manifest: 1, 2, ... */
    uint64_t offset;  /* of the record that it was read from; 0: it was not read */
    uint64_t next;    /* file numbers from here on were never given away: above all in it */
    bool has_logs;    /* the live logs are now these, the oldest first: one or two */
    struct live_log logs[2];
    uint32_t log_count;
    struct edit_removed *removed;
    struct edit_table *added;
    bool has_cursor[LEVELS]; /* the next compaction of a level begins behind this key */
    struct strata_slice cursors[LEVELS];
    size_t removed_count, added_count;
    size_t removed_room, added_room;
};

void edit_free(struct edit *edit);
/* NO_MEMORY: nothing was changed. */
int edit_remove(struct edit *edit, uint32_t level, uint64_t number, struct strata_error *err);
int edit_add(struct edit *edit, const struct edit_table *table, struct strata_error *err);
void edit_set_cursor(struct edit *edit, uint32_t level, struct strata_slice key);

/* Appends its bytes. INVALID: a number is above CODING_NUMBER_MAX, so that decode would refuse the
 * bytes. NO_MEMORY. */
int edit_encode(const struct edit *edit, struct strata_buffer *to, struct strata_error *err);
/* What is right of an edit by itself is checked: levels, numbers against `next`, key sizes, ranges,
 * the logs' order; what its state makes of it (a table twice, an overlap) is the version's matter.
 * Takes no memory by a number that it reads, but by what is left of the bytes: at most 8 times
 * their size. To be freed in any case. CORRUPT: they are no edit, or not the only bytes that would
 * say so (err->offset is the place within them, err->file is empty); NO_MEMORY. */
int edit_decode(struct strata_slice bytes, struct edit *edit, struct strata_error *err);

#endif
