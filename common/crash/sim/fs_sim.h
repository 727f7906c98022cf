/* fs_sim.h: a file system in memory, for tests: the same behaviour as fs_posix.h, and besides
 *
 *   - it records every raw call, with the test's own marks between them;
 *   - it fails the k-th call on request, and has a disk that fills up;
 *   - it makes, from a recorded trace, every state that a kill or a power cut may leave.
 *
 * It is deterministic: no clock, no randomness, no address decides anything. Everything here
 * takes the struct strata_fs that fs_sim_new, fs_sim_copy or a visitor handed out.
 * Functions return 0 or -errno unless their comment says otherwise; -ENOMEM changes nothing, except
 * that parent directories may have been made.
 *
 * Paths: there is one root directory, which always exists; "/db", "db" and "./db" are the same.
 *
 * Threads: many may use one fs_sim. An fs_sim, its copies and its states share bytes: they must
 * not be used at the same time as each other. */
#ifndef STRATA_COMMON_FS_SIM_H
#define STRATA_COMMON_FS_SIM_H

#include "fs/fs.h"

/* ---- Making one, looking into it ------------------------------------------------------- */

/* An empty file system; ended by fs_free, when all its files are closed. NULL: out of memory. */
struct strata_fs *fs_sim_new(void);
/* A new one with the same files and directories as they are now, the same disk size and clock;
 * no open file, lock, fault or trace. Bytes are shared until one side writes: it costs the
 * number of files, not their size. NULL: out of memory. */
struct strata_fs *fs_sim_copy(struct strata_fs *fs);

/* The four that follow are no calls: they are neither recorded, counted nor failed. */

/* Puts `bytes` at `path`, in place of what the file had; makes the directories on the way.
 * EBUSY while recording. */
int fs_sim_put(struct strata_fs *fs, const char *path, struct strata_slice bytes);
/* Makes a directory and those on the way, if they are not there. EBUSY while recording. */
int fs_sim_put_directory(struct strata_fs *fs, const char *path);
/* The whole file, in place of what the buffer had. */
int fs_sim_get(struct strata_fs *fs, const char *path, struct strata_buffer *to);
/* Every path below directory `dir`, as seen from there; parents first, names in a directory
 * sorted; directories end with '/'. Ended by fs_names_free, after a failure too. */
int fs_sim_paths(struct strata_fs *fs, const char *dir, struct fs_names *paths);

/* Copies the tree below `dir` of another file system (fs_posix, say) to directory `to`, made if
 * it is missing; EBUSY as STRATA_ERR_IO while recording. Returns an enum strata_code. */
int fs_sim_read_in(struct strata_fs *fs, const char *to, struct strata_fs *from, const char *dir,
                   struct strata_error *err);
/* The other way: makes directory `dir`, which may exist, of `to`, and in it the tree below
 * `from`. Returns an enum strata_code. */
int fs_sim_write_out(struct strata_fs *fs, const char *from, struct strata_fs *to, const char *dir,
                     struct strata_error *err);

/* Names and bytes of a whole tree in 128 bits: equal for equal trees, whatever calls made them.
 * Two hard links count as two files. */
struct fs_sim_hash {
    uint64_t low, high;
};
struct fs_sim_hash fs_sim_hash_of(struct strata_fs *fs);

size_t fs_sim_open_files(struct strata_fs *fs); /* files and locks that were not closed */
uint64_t fs_sim_calls(struct strata_fs *fs);    /* raw calls made so far; `now` is none */

/* Lets time pass. By itself the clock advances by a microsecond at each call. */
void fs_sim_advance(struct strata_fs *fs, uint64_t ns);
/* The machine is started again (fs_boot), and nothing was lost. A state that a power cut leaves is
 * of another start than the run, one that a kill leaves is of the same. */
void fs_sim_restart(struct strata_fs *fs);
/* Sets the size of the disk in bytes of files (4 GiB by default). A write that does not fit is
 * short, the next one ENOSPC. What is there already stays. */
void fs_sim_set_disk(struct strata_fs *fs, uint64_t bytes);

/* ---- Failing calls --------------------------------------------------------------------- */

/* What a fault does, and the calls it can hit. */
enum fs_sim_fault_kind {
    FS_SIM_EIO,    /* any call */
    FS_SIM_ENOSPC, /* append, write, sync, truncate, allocate, rename, link, mkdir, and open
                    * and lock when they may create */
    FS_SIM_EMFILE, /* what needs a descriptor: open, lock, list, sync_dir */
    FS_SIM_SHORT,  /* read, append, write of two bytes or more: half of them are done */
    FS_SIM_EINTR,  /* all but size, map, rename, link, remove, mkdir. `for_ever`: every other such
                    * call, as callers try again */
    FS_SIM_SYNC_DROPS /* sync: EIO, and what the file had unsynced never gets to the device,
                       * though reads still see it and the next sync succeeds: what Linux does */
};
#define FS_SIM_FAULT_KINDS 6

/* A call that fails has no effect, but for close, which closes. */
struct fs_sim_fault {
    enum fs_sim_fault_kind kind;
    uint64_t at;    /* which of the calls that it can hit: 1 is the next */
    bool for_ever;  /* and all those that follow */
    unsigned calls; /* only these: bits 1u << enum fs_call; 0: all */
};
/* Arms `fault`, NULL: none, in place of an earlier one; counting starts anew. */
void fs_sim_fail(struct strata_fs *fs, const struct fs_sim_fault *fault);
/* How often the armed fault has struck. Still 0 at the end of a run: `at` was beyond the run. */
uint64_t fs_sim_failed(struct strata_fs *fs);
/* The call that it struck first, FS_CALL_COUNT: none; and its number as fs_sim_calls counts. */
enum fs_call fs_sim_struck(struct strata_fs *fs, uint64_t *number);

/* ---- Recording ------------------------------------------------------------------------- */

/* Begins a trace, in place of an earlier one. What there is now counts as durable. */
int fs_sim_record(struct strata_fs *fs);
/* Ends recording; the trace stays until fs_sim_record or fs_free. */
void fs_sim_record_stop(struct strata_fs *fs);

/* Marks of the driver, for the oracle. Those made before recording count when it begins, as a
 * write may be under way.
 * START(n): operation number `n`, counted from 1, is about to be issued.
 * ACK(n): the operations up to `n` are acknowledged; `synced`: as safe from a power cut. */
int fs_sim_start(struct strata_fs *fs, uint64_t n);
int fs_sim_ack(struct strata_fs *fs, uint64_t n, bool synced);

/* One recorded call; the strings are borrowed until the trace ends. */
struct fs_sim_call {
    enum fs_call kind;
    const char *path;           /* as given; for a call on a file, the path it was opened by */
    const char *to;             /* of rename and link; else "" */
    uint64_t offset;            /* of read, append, write */
    uint64_t size;              /* bytes moved, or the size asked for */
    int64_t result;             /* as the raw call returned it */
    const struct fs_site *site; /* that made it; NULL: not known */
};
uint64_t fs_sim_trace_calls(struct strata_fs *fs); /* how many were recorded */
/* Recorded call `number`, counted from 1. EINVAL: there is none. */
int fs_sim_trace_call(struct strata_fs *fs, uint64_t number, struct fs_sim_call *call);

/* ---- The states of a crash ------------------------------------------------------------- */

enum fs_sim_model {
    /* kill -9: the calls that returned have their effect; of the write being made, any prefix. */
    FS_SIM_KILL,
    /* A power cut on a journalling file system: of the directory operations that no sync
     * followed, any prefix in the order they were made; a sync of any file or directory makes
     * all earlier ones durable. Of unsynced bytes: see below. */
    FS_SIM_ORDERED,
    /* A power cut and no more than POSIX promises: an entry of a directory is durable after
     * sync_dir of that directory; of the others any subset is there: all 2^d for d <= 5, else
     * prefixes, single ones, all but one. A rename is one operation within a directory, two
     * between directories (so the file may have both names, or none). */
    FS_SIM_POSIX
};

/* Of a file with unsynced bytes a power cut leaves: nothing of them; all; the new size and
 * zeros; the first 512-byte sector of them; that, then zeros; half; all but that first sector,
 * which stays as it was (a hole); and, where it was cut shorter before, only the cut, or all but
 * the cut. Where bytes were overwritten, a sector is old or new in the same way. The same choice
 * for every such file, then up to `deviating` files choose for themselves. With at most
 * FS_SIM_TINY unsynced operations (and 4,096 combinations): each choice of each file with each of
 * the others, and among the choices any number of the first operations, the same with zeros up to
 * the new size, and any subset of up to four sectors. */
#define FS_SIM_SECTOR 512
#define FS_SIM_TINY 4

/* The states met by several walks. A state is fresh when none before it had the same tree, nor
 * the same names with files of the same size, written by writes of the same sizes at the same
 * places: states that differ only in the bytes that were written are fresh once. */
struct fs_sim_met;
struct fs_sim_met *fs_sim_met_new(void); /* NULL: out of memory */
void fs_sim_met_free(struct fs_sim_met *met);

/* How many states were made for a cut at one call; as in fs_sim_totals. */
struct fs_sim_cut {
    uint64_t states, distinct, fresh;
};

/* What to enumerate. All zero but the model is a good start. */
struct fs_sim_plan {
    enum fs_sim_model model;
    uint64_t from, to;       /* cuts at calls `from` to `to`, from 1; 0: the first; the end */
    unsigned deviating;      /* 0 counts as 1 */
    uint64_t prefix_limit;   /* kill: of a write of more bytes than this, the 64 shortest prefixes,
                              * the 64 longest and 64 between; 0: all prefixes of every write */
    uint64_t stride, seed;   /* make about one state in `stride` (0, 1: all), `seed` says which */
    struct fs_sim_cut *cuts; /* counts by call, number 1 first; added to. May be NULL */
    size_t cut_count;        /* its elements; calls + 1 are of use */
    struct fs_sim_met *met;  /* NULL: of this walk alone */
};

#define FS_SIM_CHOICE_BYTES 800 /* of a choice as text, with the NUL, at most */

/* One state of a crash. The strings are borrowed for the visit. */
struct fs_sim_state {
    uint64_t call;           /* number of the call being made; one more than there are: after all */
    enum fs_call kind;       /* FS_CALL_COUNT: after all */
    const char *path;        /* "" after all */
    const char *choice;      /* for people: "names: none; 000001.log: half" */
    uint64_t ordinal;        /* which state of that call, from 0; does not depend on from and to */
    uint64_t issued;         /* n of the last START before the crash */
    uint64_t acked;          /* ... of the last ACK */
    uint64_t synced;         /* ... of the last ACK as synced */
    struct fs_sim_hash hash; /* fs_sim_hash_of the state */
    bool fresh;
};

/* `states` were made and looked at: `distinct` ones visited, `duplicates` not, as a state with
 * the same tree, issued, acked and synced had been. */
struct fs_sim_totals {
    uint64_t states, distinct, duplicates, fresh;
};

/* Hands each state of a crash during the recorded trace to `visit`, as a file system of its own
 * in which all is durable. The visitor may use it as it likes, record and cut it too; it is
 * freed after the visit, so the visitor closes its files, and may keep an fs_sim_copy. `visit`
 * returns 0 to continue; anything else ends the walk and is returned.
 *
 * A cut comes at each call and at the end; where ACKs were recorded between two calls they
 * count, as the stricter case; a START does not until a call follows it.
 *
 * `totals` is filled, whatever is returned. EINVAL: there is no trace. */
int fs_sim_states(struct strata_fs *fs, const struct fs_sim_plan *plan,
                  int (*visit)(void *arg, struct strata_fs *state, const struct fs_sim_state *info),
                  void *arg, struct fs_sim_totals *totals);

#endif
