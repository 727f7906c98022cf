/* fs_sim_inside.h: the simulated file system's own struct, and what its files share. */
#ifndef STRATA_COMMON_FS_SIM_INSIDE_H
#define STRATA_COMMON_FS_SIM_INSIDE_H

#include "threads/sync.h"
#include "crash/sim/fs_sim_trace.h"

struct fs_sim {
    struct strata_fs base;
    struct sync_mutex mutex; /* around everything below */
    struct fs_sim_tree tree;
    uint64_t calls, clock_ns;
    uint64_t boot;                   /* of fs_boot: another one after a power cut */
    _Atomic uint64_t draws;          /* of random numbers */
    uint64_t disk_bytes, used_bytes; /* the sum of the sizes of all files */
    size_t open_files;

    bool armed;
    struct fs_sim_fault fault;
    uint64_t fault_calls, fault_strikes; /* calls it could hit, and those it did */
    enum fs_call struck;                 /* the first of those, and its number */
    uint64_t struck_at;
    bool fault_pauses; /* EINTR for ever: lets the next one through */

    struct fs_sim_marks marks; /* the last ones, recorded or not */
    bool recording, has_trace;
    struct fs_sim_trace trace;
};

#define FS_SIM_CALL_NS 1000u

static inline struct fs_sim *fs_sim_from(struct strata_fs *fs)
{
    return (struct fs_sim *)fs;
}

/* How many bytes of a write fit: less than `size` when the disk is full. */
uint64_t fs_sim_fitting(const struct fs_sim *sim, const struct fs_sim_bytes *bytes, uint64_t offset,
                        uint64_t size);
/* Frees the node and its room on the disk if nothing names or opens it any more. */
void fs_sim_let_go(struct fs_sim *sim, uint32_t id);

/* A file system whose tree is all zero, for the caller to fill. NULL: out of memory. */
struct fs_sim *fs_sim_without_tree(void);

/* A handle. */
struct fs_sim_file {
    struct fs_file base;
    uint32_t id;
    bool writable;
    bool shared, exclusive; /* the lock it holds */
    struct fs_sim_text *path;
};

/* A call under way (fs_sim_run.c). */
struct fs_sim_run {
    struct fs_sim *sim;
    struct fs_sim_record record;
    bool recorded;
    bool strikes; /* the fault does, in a way that the call itself has to make: half, or dropped */
};

/* Begins a call on one path or two, or on a file: the mutex is held until fs_sim_end, which is
 * called whatever is returned. Less than 0: the call fails with that. */
int fs_sim_begin(struct fs_sim_run *run, struct strata_fs *fs, enum fs_call call, const char *path,
                 const char *to, bool may_create);
int fs_sim_begin_file(struct fs_sim_run *run, struct fs_file *file, enum fs_call call,
                      uint64_t offset, uint64_t size);
int64_t fs_sim_end(struct fs_sim_run *run, int64_t result); /* returns the result */

/* fs_sim_names.c: calls by path. Each returns 0 or -errno, and notes its changes in the record when
 * it returns 0. */
int fs_sim_name_open(struct fs_sim *sim, const char *path, unsigned flags, uint32_t *id,
                     struct fs_sim_record *record);
int fs_sim_name_rename(struct fs_sim *sim, const char *from, const char *to,
                       struct fs_sim_record *record);
int fs_sim_name_link(struct fs_sim *sim, const char *from, const char *to,
                     struct fs_sim_record *record);
int fs_sim_name_remove(struct fs_sim *sim, const char *path, struct fs_sim_record *record);
int fs_sim_name_mkdir(struct fs_sim *sim, const char *path, struct fs_sim_record *record);
int fs_sim_name_directory(const struct fs_sim *sim, const char *path, uint32_t *id);

#endif
