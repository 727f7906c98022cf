/* fs_sim_trace.h: what was called, with enough of it to do it again. Inside fs_sim only. */
#ifndef STRATA_COMMON_FS_SIM_TRACE_H
#define STRATA_COMMON_FS_SIM_TRACE_H

#include "crash/sim/fs_sim_tree.h"

enum fs_sim_record_kind { FS_SIM_CALL, FS_SIM_START, FS_SIM_ACK };

/* What a call did to the node `id`, apart from names. */
enum fs_sim_effect {
    FS_SIM_NOTHING,
    FS_SIM_WRITES,   /* `size` bytes at `offset`, from the blob at `at` */
    FS_SIM_RESIZES,  /* to `size` */
    FS_SIM_SYNCS,    /* its bytes */
    FS_SIM_DROPS,    /* its unsynced bytes never reach the device */
    FS_SIM_SYNCS_DIR /* its entries */
};

/* In directory `dir`, `name` now means `id`, or nothing (FS_SIM_NONE). */
struct fs_sim_change {
    uint32_t dir, id;
    struct fs_sim_text *name;
};

struct fs_sim_record {
    enum fs_sim_record_kind kind;
    enum fs_call call;
    int64_t result;
    struct fs_sim_text *path, *to; /* NULL: none */
    const struct fs_site *site;

    enum fs_sim_effect effect;
    uint32_t id;
    uint64_t offset, size; /* also of calls without effect */
    struct fs_sim_blob *blob;
    uint64_t at;

    bool makes_file, makes_directory; /* the node changes[0].id is new */
    unsigned change_count;
    struct fs_sim_change changes[2];

    uint64_t call_number; /* of a call, from 1; of a mark: the next one's */
    uint64_t n;           /* of a mark */
    bool synced;          /* of an ACK */
};

/* Numbers of the last START, ACK, and ACK as synced. */
struct fs_sim_marks {
    uint64_t issued, acked, synced;
};
void fs_sim_marks_take(struct fs_sim_marks *marks, const struct fs_sim_record *mark);

struct fs_sim_trace {
    struct fs_sim_tree start;  /* the tree when recording began */
    struct fs_sim_marks marks; /* and the marks */
    struct fs_sim_record *records;
    size_t count, capacity;
    uint64_t calls;
};

void fs_sim_record_free(struct fs_sim_record *record); /* what it holds, not itself */

int fs_sim_trace_init(struct fs_sim_trace *trace, const struct fs_sim_tree *tree);
void fs_sim_trace_free(struct fs_sim_trace *trace);
int fs_sim_trace_reserve(struct fs_sim_trace *trace, size_t more);
/* Takes the record over. Room was reserved. */
void fs_sim_trace_push(struct fs_sim_trace *trace, const struct fs_sim_record *record);

/* The recorded effect on a file's bytes; of a write, its first `prefix` bytes only. */
int fs_sim_record_apply(const struct fs_sim_record *record, uint64_t prefix,
                        struct fs_sim_bytes *bytes);

#endif
