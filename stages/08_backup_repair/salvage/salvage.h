/* salvage.h: what can be read of a damaged table: the entries of every block that is whole, in key
 * order, and between which keys entries are missing. How its blocks are found and read is the
 * business of a salvage kind, one for each kind of table. */
#ifndef STRATA_08_SALVAGE_H
#define STRATA_08_SALVAGE_H

#include "04_memtable_sstable/run/sstable.h"

struct salvage_kind;

/* A damaged table that is being read. The first member of every kind's. */
struct salvage {
    const struct salvage_kind *kind;
    /* With its size, and, if `knows_properties`, counts, sequence numbers, keys and notes. */
    const struct sstable *table;
    bool knows_properties;
};

/* One entry of it, borrowed until the next call. */
struct salvage_entry {
    unsigned type;
    struct strata_slice key, value;
    bool gap; /* bytes before it could not be read */
};

struct salvage_kind {
    /* Opens the file of table `number`. What is wrong with its properties or its index is reported
     * in `why`, and is no error. CORRUPT: the file is missing; IO, NO_MEMORY. */
    int (*open)(const struct strata_env *env, uint64_t number, struct salvage **out,
                struct strata_error *why, struct strata_error *err);
    /* The next entry of a block that is whole; keys ascend within a block. A block that cannot be
     * read makes a gap. NOT_FOUND: there are no more, and entry->gap is of the end; IO, NO_MEMORY.
     */
    int (*next)(struct salvage *salvage, struct salvage_entry *entry, struct strata_error *err);
    void (*close)(struct salvage *salvage);
};

/* Whoever takes what is found. What a function returns below 0 ends the reading. */
struct salvage_sink {
    int (*entry)(void *arg, unsigned type, struct strata_slice key, struct strata_slice value,
                 struct strata_error *err);
    /* Entries between these keys are missing. */
    void (*gap)(void *arg, struct strata_slice after, struct strata_slice before);
    void *arg;
};

/* For the kinds: opens the table's file and takes its size; nothing of it is checked. CORRUPT: it
 * is missing; IO. */
int salvage_open_file(struct sstable *table, struct fs_file **out, struct strata_error *err);
/* Reads its first `size` bytes: all, or CORRUPT; IO, NO_MEMORY. */
int salvage_read_file(const struct sstable *table, struct fs_file *file, uint64_t size,
                      struct strata_buffer *to, struct strata_error *err);

/* Reads all that can be read. `smallest` and `largest`: keys of the table, as it says itself or as
 * the manifest does. IO, NO_MEMORY, and what the sink returned. */
int salvage_read(struct salvage *salvage, struct strata_slice smallest, struct strata_slice largest,
                 const struct salvage_sink *to, struct strata_error *err);

#endif
