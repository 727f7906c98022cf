/* repair.h: a database made anew of the files that can be read. What the parts of it share; what it
 * promises stands in strata.h. */
#ifndef STRATA_08_REPAIR_H
#define STRATA_08_REPAIR_H

#include "lineage.h"
#include "06_leveled_compaction/manifest.h"
#include "06_leveled_compaction/version/version.h"
#include "04_memtable_sstable/memtable/memtable.h"

enum repair_found {
    REPAIR_WHOLE,
    REPAIR_DAMAGED,    /* what it holds is known, but not all of it can be read */
    REPAIR_UNREADABLE, /* nothing is known of it */
    REPAIR_MISSING     /* the manifest names it, and it is not there */
};

/* A table: a file, or one that the manifest names. */
struct repair_table {
    struct edit_table entry; /* of a whole or damaged one, or as the manifest tells */
    struct strata_buffer smallest, largest;
    struct lineage lineage;
    enum repair_found found;
    bool named;              /* the manifest, as far as it can be read, names it, on entry.level */
    bool removed;            /* ... names it no more */
    bool counts;             /* it is to be in the new state */
    bool own;                /* of an earlier repair that was cut short */
    bool unnoted;            /* its notes cannot be read */
    uint64_t made;           /* number of the table that takes its place; 0: it stays */
    struct strata_error why; /* of one that is not whole */
};

struct repair_log {
    uint64_t number;
    bool named;           /* the manifest names it */
    bool there;           /* its file is */
    bool damaged;         /* something of it cannot be read */
    bool cut;             /* its end is lost */
    uint64_t first, next; /* sequence numbers that it holds, 0: none is known; behind the last */
    uint64_t operations;  /* that it holds */
    uint64_t taken;       /* of them into the memtable */
    uint64_t end;         /* bytes, up to which it was read */
    struct strata_error why;
};

struct repair {
    const struct strata_env *env;
    const struct strata_repair *to;
    struct strata_repair_sum *sum;
    void *common; /* of the tables */
    struct fs_names names;

    struct repair_table *tables; /* by number */
    size_t count, room;
    struct repair_log *logs; /* by number */
    size_t log_count, log_room;
    struct version *version; /* as far as the manifest can be read; or NULL */
    uint64_t manifest;       /* its number; 0: there is none */
    bool current;            /* CURRENT names it */
    bool manifest_whole;     /* to its end */
    struct strata_error why; /* else */
    uint64_t *removed;       /* numbers of tables that it had named and names no more */
    size_t removed_count, removed_room;
    bool exact;    /* it tells which files count */
    uint64_t next; /* number of the next file */

    bool keep_logs;            /* they are as the manifest says */
    struct memtable *memtable; /* what was taken from the logs */
    uint64_t floor;            /* all operations up to it are in tables that count */
    uint64_t sequence;         /* of the next operation */
    uint64_t log_table;        /* number of the table with what was taken; 0: none */
};

/* What the manifest says, as far as it can be read: nothing, if there is none. */
const struct version *repair_version(const struct repair *r);

/* strata_repair, as in strata_engine.h. */
int repair_database(const struct strata_env *env, const struct strata_repair *to,
                    struct strata_repair_sum *sum, struct strata_error *err);

/* Below: IO, NO_MEMORY; a dry run writes nothing. */

/* repair_look.c: what there is. */
int repair_look_at_tables(struct repair *repair, struct strata_error *err);
int repair_look_at_manifest(struct repair *repair, struct strata_error *err);
struct repair_table *repair_find(const struct repair *repair, uint64_t number);
int repair_add_table(struct repair *repair, uint64_t number, struct repair_table **out,
                     struct strata_error *err);

/* repair_log.c: what the logs hold; and then what is taken of it. */
int repair_look_at_logs(struct repair *repair, struct strata_error *err);
int repair_take_logs(struct repair *repair, struct strata_error *err);

/* repair_choose.c: which tables count. CORRUPT: there is no order of them. */
int repair_choose(struct repair *repair, struct strata_error *err);
/* repair_place.c: on which level each stands. */
int repair_place(struct repair *repair, struct strata_error *err);
/* Is `a` newer than `b`, with which it overlaps? */
bool repair_is_newer(const struct repair_table *a, const struct repair_table *b);
bool repair_overlap(const struct repair_table *a, const struct repair_table *b);

/* repair_salvage.c: of damaged tables that count new ones are made; in a dry run they are only
 * read.
 */
int repair_salvage(struct repair *repair, struct strata_error *err);
/* Of the table that was written: its entry, whose keys stand in the two buffers. */
int repair_take_made(struct repair *repair, struct edit_table *entry,
                     struct strata_buffer *smallest, struct strata_buffer *largest, uint64_t number,
                     struct strata_error *err);

static inline bool repair_is_dry(const struct repair *repair)
{
    return repair->env->options->read_only;
}

/* repair_write.c: the new tables, log and manifest; and what does not count any more is set aside.
 */
int repair_write(struct repair *repair, struct strata_error *err);

#endif
