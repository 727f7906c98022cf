/* script.h: the steps that a driver does: writes, and between them reopening, reading, and the
 * other operations of the stage under test. The crash tests run scripts on fs_sim and cut them
 * everywhere. Knows nothing of cmocka.
 *
 * Steps that the stage does not promise (sync, flush, compact) are passed over, so that one
 * script serves every stage. */
#ifndef STRATA_COMMON_CRASH_SCRIPT_H
#define STRATA_COMMON_CRASH_SCRIPT_H

#include "fs/fs.h"
#include "crash/history.h"
#include "crash/judge.h"

enum script_step {
    SCRIPT_WRITE,  /* the history's next write */
    SCRIPT_REOPEN, /* close, and open again */
    SCRIPT_READ,   /* read everything, as judge_all does */
    SCRIPT_SYNC,
    SCRIPT_FLUSH,
    SCRIPT_COMPACT,
    SCRIPT_HOLD,    /* make an iterator and keep it; and a snapshot, if the stage has them */
    SCRIPT_RELEASE, /* check that they show the state of when they were made, and free them */
    SCRIPT_SYNCED   /* the next write is synced (STRATA_WRITE_SYNC), whatever the others are */
};

/* All zero is a valid empty script. */
struct script {
    struct history history; /* its writes */
    enum script_step *steps;
    size_t count, capacity;
    size_t settled; /* so many steps run first, and what they did is durable */
    bool unsynced;  /* writes are acknowledged before they are synced, as STRATA_SYNC_NEVER */
};

void script_free(struct script *script);
void script_put(struct script *script, const char *key, const char *value);
void script_put_bytes(struct script *script, struct strata_slice key, struct strata_slice value);
void script_delete(struct script *script, const char *key);
void script_add(struct script *script, enum script_step step); /* any but SCRIPT_WRITE */

/* Adds step number `index` of `from`; if it is a write, that is number `n` of its history. */
void script_copy_step(struct script *script, const struct script *from, size_t index, size_t n);
/* What the steps so far did is durable when the recording begins. */
void script_settle(struct script *script);

/* The scripts that the crash tests share. Adds the steps of number `index`, from 0, to `script`
 * and returns its name; NULL past the last one. */
const char *script_builtin(size_t index, struct script *script);

/* A longer one, drawn by `seed`: the same few keys written, overwritten and deleted, batches where
 * the stage promises them, syncs, compactions, and several lives of the handle. */
void script_mixed(struct script *script, uint64_t seed);

/* ---- Running one ----------------------------------------------------------------------- */

/* What the calls of the file layer are made for. */
enum script_doing {
    SCRIPT_CREATE, /* the first opening */
    SCRIPT_OPEN,
    SCRIPT_PUT,
    SCRIPT_DELETE,
    SCRIPT_BATCH,
    SCRIPT_READING,
    SCRIPT_SYNCING,
    SCRIPT_FLUSHING,
    SCRIPT_COMPACTING,
    SCRIPT_CLOSE,
    SCRIPT_DOINGS
};
const char *script_doing_name(enum script_doing doing); /* "put" */

struct script_run {
    const struct script *script; /* borrowed, as the next two */
    struct strata_fs *fs;
    const char *dir;
    bool sim;                              /* `fs` is an fs_sim: its trace gets START and ACK */
    struct strata *db;                     /* NULL: closed */
    struct strata_iter *held;              /* of SCRIPT_HOLD; NULL: none */
    struct strata_snapshot *snapshot;      /* likewise */
    uint64_t held_at;                      /* number of the last write that it must show */
    bool sync_next;                        /* SCRIPT_SYNCED */
    size_t at;                             /* index of the next step */
    uint64_t issued, acknowledged, synced; /* numbers of writes */
    struct strata_error err;               /* of the last failure */
    struct answers answers;                /* to the READ steps; errors are in `err` too */
    bool made;                             /* the database was opened once */
    uint64_t marks_from;                   /* added to the numbers of START and ACK */
    /* Called before each of them. May be NULL. */
    void (*about_to)(void *arg, enum script_doing doing);
    void *arg;
};

void script_run_init(struct script_run *run, const struct script *script, struct strata_fs *fs,
                     const char *dir, bool sim);
/* Does the next step, with the database opened first when it is closed (and made, when there is
 * none): 0, or < 0 as what failed, and then the step is still the next one. STRATA_NOT_FOUND:
 * there is none. */
int script_step(struct script_run *run);
/* Passes over the next step: a write of it counts as acknowledged. */
void script_skip(struct script_run *run);
/* The settled steps: 0, or < 0 as the one that failed. */
int script_settle_run(struct script_run *run);
int script_close(struct script_run *run); /* 0 when closed already */
/* All steps, up to the first failure; closed afterwards. */
int script_run(struct script_run *run);

#endif
