/* salvage.h: what can be read of a damaged table: the entries of every block that is whole, in key
 * order, and between which keys entries are missing.
 *
 *   the index can be read     it says where the blocks are
 *   it cannot                 they are searched in the whole file (find_blocks.h)
 *
 * How index, blocks and entries are read is the business of a salvage kind, one for each kind of
 * table. */
#ifndef STRATA_08_SALVAGE_H
#define STRATA_08_SALVAGE_H

#include "04_memtable_sstable/run/sstable.h"
#include "08_backup_repair/salvage/find_blocks.h"

struct salvage_kind;

/* A damaged table that is being read. The first member of every kind's. */
struct salvage {
    const struct salvage_kind *kind;
    /* With its size, and, if `knows_properties`, counts, sequence numbers, keys and notes. */
    struct sstable *table;
    struct fs_file *file; /* the table's */
    bool knows_properties;
    uint64_t blocks_end;           /* no block of entries is behind this offset */
    uint32_t indexed;              /* blocks that the index lists; 0: it cannot be read */
    uint32_t n;                    /* of them: the next one */
    struct block_finder finder;    /* without an index */
    struct strata_buffer contents; /* of the file, for the finder */
    struct strata_buffer block;    /* the present one, uncompressed */
};

/* One entry of the present block, borrowed until the next call. */
struct salvage_entry {
    unsigned type; /* 0: it cannot be read */
    struct strata_slice key, value;
};

struct salvage_kind {
    const struct sstable_kind *table;
    size_t bytes;       /* of its struct salvage */
    size_t table_bytes; /* of its struct sstable */
    /* Reads what the table says of itself into salvage->table, and its index: sets
     * `knows_properties`, `blocks_end` and `indexed`. CORRUPT: one of them is damaged, and those
     * before it are set; IO, NO_MEMORY. */
    int (*read_parts)(struct salvage *salvage, struct strata_error *err);
    /* Block n of the index to salvage->block. CORRUPT, IO, NO_MEMORY. */
    int (*load)(struct salvage *salvage, uint32_t n, struct strata_error *err);
    /* As block_finder.classify; `arg` is the salvage. */
    int (*classify)(void *arg, struct strata_slice bytes, uint64_t offset,
                    struct strata_error *err);
    /* To before the first entry of salvage->block, which is whole. NO_MEMORY. */
    int (*enter)(struct salvage *salvage, struct strata_error *err);
    /* The next entry of it; keys ascend. NOT_FOUND: there are no more; NO_MEMORY. */
    int (*next)(struct salvage *salvage, struct salvage_entry *entry, struct strata_error *err);
    /* Frees what is the kind's, also of one that was only begun. */
    void (*free_parts)(struct salvage *salvage);
    /* How the tables' user codes values: NULL, or what is wrong with one of a table whose last
     * operation is `last`. NULL: they have none. */
    const char *(*check_coded)(struct strata_slice coded, uint64_t last);
    /* Can what such a value of this key refers to, in files beside the tables, be read? `common` is
     * the tables'. NULL: they refer to nothing. */
    bool (*can_read)(void *common, struct strata_slice key, struct strata_slice coded);
};

/* Takes what is found. What a function returns below 0 ends the reading. */
struct salvage_sink {
    int (*entry)(void *arg, unsigned type, struct strata_slice key, struct strata_slice value,
                 struct strata_error *err);
    /* Entries between these keys are missing. */
    void (*gap)(void *arg, struct strata_slice after, struct strata_slice before);
    void *arg;
};

/* Opens the file of table `number`. What is wrong with its properties or its index is reported in
 * `why`, and is no error. CORRUPT: the file is missing; IO, NO_MEMORY. */
int salvage_open(const struct salvage_kind *kind, const struct strata_env *env, uint64_t number,
                 struct salvage **out, struct strata_error *why, struct strata_error *err);
/* Reads all that can be read, once. salvage->table->sum.last is set, to what the properties say, or
 * the manifest. `smallest` and `largest`: keys of the table, as it says itself
 * or as the manifest does. IO, NO_MEMORY, and what the sink returned. */
int salvage_read(struct salvage *salvage, struct strata_slice smallest, struct strata_slice largest,
                 const struct salvage_sink *to, struct strata_error *err);
void salvage_close(struct salvage *salvage);

#endif
