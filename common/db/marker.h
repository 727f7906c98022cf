/* marker.h: the file that makes a directory a database and says which stage wrote it. */
#ifndef STRATA_COMMON_MARKER_H
#define STRATA_COMMON_MARKER_H

#include "fs/fs.h"
#include "strata_engine.h"

#define MARKER_NAME "STRATA"
#define MARKER_MAGIC "STRATADB"
#define MARKER_BYTES 32
/* Offsets in it. */
#define MARKER_STATE 14
#define MARKER_RESERVED 15
#define MARKER_CHECK 28

/* A database is made in two steps, so that a missing data file is known from one not yet made:
 * the marker is written as CREATING before any data, and as READY once the stage has made its
 * files. A write is acknowledged only in READY. FILLING is for a copy that is still going on,
 * whose directory opens for the copier alone, and for a removal (destroy.c). */
enum marker_state { MARKER_CREATING = 1, MARKER_READY = 2, MARKER_FILLING = 3 };

struct marker {
    unsigned stage;  /* that wrote the directory */
    unsigned format; /* version of that stage's files */
    enum marker_state state;
};

/* STRATA_NOT_FOUND: there is no marker. CORRUPT, IO. */
int marker_read(struct strata_fs *fs, const char *dir, struct marker *marker,
                struct strata_error *err);
/* The same. `*lost` after CORRUPT: its check does not hold, so that nothing is lost with it (else
 * it is of a version that this build does not know); then marker->state is what it had, as far as
 * it can be recovered. */
int marker_read_lost(struct strata_fs *fs, const char *dir, struct marker *marker, bool *lost,
                     struct strata_error *err);
/* Replaces the marker in one step; `durable` as in fs_replace. */
int marker_write(struct strata_fs *fs, const char *dir, const struct marker *marker, bool durable,
                 struct strata_error *err);

/* The marker that these bytes are. CORRUPT: at the offset of what is wrong. */
int marker_decode(struct strata_slice bytes, const char *path, struct marker *marker,
                  struct strata_error *err);

extern const struct strata_format
    marker_format; /* for `strata inspect`: inspect/marker_inspect.c */

#endif
