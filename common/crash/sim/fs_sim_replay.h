/* fs_sim_replay.h: walks along a trace and knows at each point what is durable and what is pending.
 * Inside fs_sim only. */
#ifndef STRATA_COMMON_FS_SIM_REPLAY_H
#define STRATA_COMMON_FS_SIM_REPLAY_H

#include "crash/sim/fs_sim_trace.h"

/* What a power cut leaves alike in every file; see fs_sim.h. */
enum fs_sim_left {
    FS_SIM_LEFT_NOTHING,
    FS_SIM_LEFT_ALL,
    FS_SIM_LEFT_ZEROS,
    FS_SIM_LEFT_TORN,
    FS_SIM_LEFT_TORN_ZEROS,
    FS_SIM_LEFT_HALF,
    FS_SIM_LEFT_HOLE,
    FS_SIM_LEFT_CUT,
    FS_SIM_LEFT_UNCUT /* the same as ALL, where the file was cut no shorter than it was */
};
#define FS_SIM_LEFT_COUNT 9

#define FS_SIM_CHOICE_NAME 72

/* What may be left of one file. */
struct fs_sim_choice {
    struct fs_sim_bytes bytes;
    char name[FS_SIM_CHOICE_NAME];
};

/* A file's unsynced operations, oldest first, and what may be left of it, each content once. */
struct fs_sim_pending {
    const struct fs_sim_record **operations;
    size_t count, capacity;

    bool named;       /* scratch of fs_sim_states.c */
    bool fresh, tiny; /* the choices are those of the operations, with all that tiny has */
    struct fs_sim_choice *choices;
    size_t choice_count, choice_capacity;
    size_t left[FS_SIM_LEFT_COUNT]; /* the choice that is this one */
};

/* One or both changes of a call that were not synced yet. */
struct fs_sim_pending_name {
    const struct fs_sim_record *record;
    unsigned first, count; /* which of record->changes */
};

struct fs_sim_replay {
    const struct fs_sim_trace *trace;
    enum fs_sim_model model;
    struct fs_sim_tree disk;      /* what is durable; for kill: everything that was done */
    struct fs_sim_pending *files; /* by id; disk.count of them */
    size_t file_capacity;
    struct fs_sim_pending_name *names; /* oldest first */
    size_t name_count, name_capacity;
    struct fs_sim_marks marks;
};

/* At the beginning of the trace, which must outlive it. Ended by fs_sim_replay_free, after a
 * failure too. */
int fs_sim_replay_init(struct fs_sim_replay *replay, const struct fs_sim_trace *trace,
                       enum fs_sim_model model);
void fs_sim_replay_free(struct fs_sim_replay *replay);
/* Makes one record happen. `*changed`: set if there may be other states now than before. */
int fs_sim_replay_step(struct fs_sim_replay *replay, const struct fs_sim_record *record,
                       bool *changed);

/* Applies pending change number `index` to directories. */
int fs_sim_replay_apply_name(const struct fs_sim_replay *replay, size_t index,
                             struct fs_sim_tree *tree);

/* fs_sim_choices.c: fills pending->choices for a file whose durable content is `durable`. */
int fs_sim_choices_make(struct fs_sim_pending *pending, const struct fs_sim_bytes *durable,
                        bool tiny);
void fs_sim_choices_clear(struct fs_sim_pending *pending);

#endif
