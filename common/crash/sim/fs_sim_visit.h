/* fs_sim_visit.h: one state of a crash: known by its hash, built and visited if it is new.
 * Inside fs_sim only; which states there are is fs_sim_states.c's. */
#ifndef STRATA_COMMON_FS_SIM_VISIT_H
#define STRATA_COMMON_FS_SIM_VISIT_H

#include "crash/sim/fs_sim_replay.h"

typedef int fs_sim_visitor(void *arg, struct strata_fs *state, const struct fs_sim_state *info);

/* One place where a file with choices is named. */
struct fs_sim_occurrence {
    uint64_t path_hash;
    size_t file; /* index in fs_sim_explorer.ids */
};

/* Keys of the states seen, by open addressing; never more than half full. */
struct fs_sim_seen {
    struct fs_sim_hash *keys; /* all zero: free */
    size_t capacity, count;
};

struct fs_sim_met {
    struct fs_sim_seen trees, shapes;
};

struct fs_sim_explorer {
    struct fs_sim_plan plan;
    fs_sim_visitor *visit;
    void *arg;
    struct fs_sim_totals *totals;
    uint64_t disk_bytes, clock_ns, boot;

    struct fs_sim_replay replay;
    struct fs_sim_seen seen;
    struct fs_sim_met own, *met; /* own: when the plan names none */

    /* The crash point. */
    const struct fs_sim_record *cut; /* the call being made, or NULL: after all */
    uint64_t call, ordinal;
    bool finished;      /* the plan ends before here */
    bool changed;       /* since the last crash point */
    uint64_t last_made; /* ordinals and states of that one */
    uint64_t last_states;
    char names_text[FS_SIM_CHOICE_BYTES / 2];
    const char *prefix_text; /* of kill: how much of the call was done */

    /* The namespace, and the files with choices in it. */
    struct fs_sim_tree *names;
    struct fs_sim_hash sum; /* of all else */
    struct fs_sim_hash shape;
    uint32_t *ids;
    size_t *picks; /* the choice of each */
    size_t file_count, file_capacity;
    struct fs_sim_occurrence *occurrences;
    size_t occurrence_count, occurrence_capacity;
    size_t *slots; /* by id: index in ids + 1, or 0 */
    size_t slot_count;

    /* build() */
    struct fs_sim *made;
    uint32_t *made_ids; /* by id: the node made for it, or FS_SIM_NONE */
};

/* Looks through a namespace: which files with choices are in it, and the hash of all else. It is
 * borrowed until the next survey. Every file's first choice is picked. */
int fs_sim_visit_survey(struct fs_sim_explorer *e, struct fs_sim_tree *names);
/* Looks at the state that the namespace and e->picks make; visits it if it is new. Returns what
 * the visitor returned. */
int fs_sim_visit_state(struct fs_sim_explorer *e);
/* Counts states made for the cut at e->call. */
void fs_sim_visit_count(struct fs_sim_explorer *e, uint64_t states, uint64_t distinct,
                        uint64_t fresh);
void fs_sim_visit_free(struct fs_sim_explorer *e); /* what this header's functions allocated */

/* What a path ends in. */
const char *fs_sim_visit_base_name(const struct fs_sim_text *path);
/* Appends to a string in an array of `capacity` bytes. What does not fit as a whole is left out,
 * and "..." is written instead. */
void fs_sim_visit_text(char *to, size_t capacity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
