/* repair.h: makes a damaged database usable again, of all that can still be read. What the parts of
 * the module share; what a repair promises is in strata.h (strata_repair).
 *
 *   examine    repair_tables.c, repair_manifest.c, repair_logs.c    every file, and what it holds
 *   choose     repair_choose.c, repair_order.c      which tables are live, and on which level
 *   write      repair_write.c           new tables, a log, and the manifest that commits all of it
 *   report     repair_report.c          what became of each file
 */
#ifndef STRATA_08_REPAIR_H
#define STRATA_08_REPAIR_H

#include "07_paced_compaction/tree/parts.h"
#include "08_backup_repair/lineage/lineage.h"
#include "08_backup_repair/salvage/salvage.h"

/* What the engine of the database hands in. */
struct repair_parts {
    const struct strata_engine *engine; /* `self` is a struct tree */
    const struct tree_parts *tree;
    const struct salvage_kind *salvage; /* of the tree's tables, whose user properties are their
                                         * lineage */
};

enum repair_condition {
    REPAIR_WHOLE,
    REPAIR_DAMAGED,    /* its properties are known, but not all of it can be read */
    REPAIR_UNREADABLE, /* nothing is known of it */
    REPAIR_MISSING     /* the manifest names it, and it is not there */
};

/* A table: a file, or one that the manifest names. */
struct repair_table {
    struct edit_table entry; /* as the table says itself, or else the manifest */
    struct strata_buffer smallest, largest;
    struct lineage lineage;
    enum repair_condition condition;
    bool named;                    /* by the manifest, as far as that can be read, on entry.level */
    bool obsolete;                 /* all that it holds is in others */
    bool live;                     /* it is to be in the new state */
    bool leftover;                 /* of a repair that was cut short */
    bool removed;                  /* an edit of the manifest removes it */
    uint64_t salvaged_as;          /* number of the table that replaces it; 0: none does */
    struct strata_error why;       /* of one that is not whole */
    struct strata_error notes_why; /* its notes cannot be read: where it came from is not known */
};

struct repair_log {
    uint64_t number;
    bool named;           /* by the manifest */
    bool present;         /* its file is there */
    bool damaged;         /* something in it cannot be read */
    bool cut;             /* its end is lost */
    uint64_t first, next; /* sequence numbers that it holds (0: unknown), and after the last */
    uint64_t operations;  /* that it holds */
    uint64_t taken;       /* of them into the memtable */
    uint64_t end;         /* bytes, up to which it was read */
    struct strata_error why;
};

struct repair {
    const struct strata_env *env;
    const struct repair_parts *parts;
    const struct sstable_kind *kind; /* of the tables: one of the parts */
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
    bool exact;              /* it says which files are live */
    uint64_t next;           /* number of the next file */

    bool keep_logs;            /* they are as the manifest says */
    struct memtable *memtable; /* what was taken from the logs; NULL: nothing yet */
    uint64_t floor;            /* all operations up to it are in live tables */
    uint64_t sequence;         /* of the next operation */
};

/* The slot `repair` of strata_engine.h, for an engine of these parts. */
int repair_database(const struct strata_env *env, const struct repair_parts *parts,
                    const struct strata_repair *to, struct strata_repair_sum *sum,
                    struct strata_error *err);

/* All below: IO, NO_MEMORY. A dry run writes nothing. */

/* repair_tables.c. */
int repair_examine_tables(struct repair *repair, struct strata_error *err);
struct repair_table *repair_find(const struct repair *repair, uint64_t number);
int repair_add_table(struct repair *repair, uint64_t number, struct repair_table **out,
                     struct strata_error *err);
/* The entry, with copies of its keys, is the table's. NO_MEMORY. */
int repair_take_entry(struct repair_table *table, const struct edit_table *entry,
                      struct strata_error *err);

/* repair_manifest.c. */
int repair_examine_manifest(struct repair *repair, struct strata_error *err);
/* What the manifest says, as far as it can be read: nothing, if there is none. */
const struct version *repair_version(const struct repair *repair);

/* repair_logs.c: what the logs hold; and then what of it is in no table. */
int repair_examine_logs(struct repair *repair, struct strata_error *err);
int repair_take_logs(struct repair *repair, struct strata_error *err);

/* repair_choose.c: which tables are live. CORRUPT: they have no order. */
int repair_choose(struct repair *repair, struct strata_error *err);
/* repair_order.c: on which level each is. CORRUPT, as above. */
int repair_place(struct repair *repair, struct strata_error *err);
/* Is `a` newer than `b`, which it overlaps with? */
bool repair_is_newer(const struct repair_table *a, const struct repair_table *b);
bool repair_overlap(const struct repair_table *a, const struct repair_table *b);

/* repair_write.c. */
int repair_write(struct repair *repair, struct strata_error *err);

/* repair_report.c: a file's fate, by its number and suffix, is reported; of a table, counted too;
 * and keys of a table that may be missing: a bound that is not known is NULL. */
void repair_report(struct repair *repair, uint64_t number, const char *suffix,
                   enum strata_fate fate, const char *why);
void repair_report_table(struct repair *repair, const struct repair_table *table,
                         enum strata_fate fate, const char *why);
void repair_report_range(struct repair *repair, const struct repair_table *table,
                         const struct strata_slice *after, const struct strata_slice *before);

/* What was found and chosen, of all files; and of a database that is healthy. */
void repair_report_found(struct repair *repair);
void repair_report_healthy(struct repair *repair, const struct version *version);

static inline bool repair_is_dry(const struct repair *repair)
{
    return repair->env->options->read_only;
}

/* Something of it can be read. */
static inline bool repair_is_readable(const struct repair_table *table)
{
    return table->condition == REPAIR_WHOLE || table->condition == REPAIR_DAMAGED;
}

#endif
