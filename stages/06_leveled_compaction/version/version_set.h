/* version_set.h: the current version, and the manifest that records it (LevelDB's VersionSet). A
 * change is an edit: it is checked against the version, then written, and then it counts.
 *
 * 6.I20: an edit is checked against the version before it is written: what could not be read again
 *     is not written.
 * 6.I21: when an edit could not be written it is not known which version is durable: the files of
 *     both stay.
 * 6.I23: a file number is used once. */
#ifndef STRATA_06_VERSION_SET_H
#define STRATA_06_VERSION_SET_H

#include "03_wal/wal.h"
#include "06_leveled_compaction/manifest/manifest.h"
#include "version.h"

/* All zero, but for env and kind, is one of no files. */
struct version_set {
    const struct strata_env *env;
    const struct sstable_kind *kind; /* of its tables */
    const struct wal_kind *log;      /* of its logs; NULL: frames only */
    struct version *current;         /* as the manifest says */
    struct manifest manifest;
    _Atomic uint64_t next;     /* number of the next file */
    _Atomic bool uncertain;    /* 6.I21: no file is removed, and nothing is written any more */
    bool keep_replaced;        /* a manifest that another replaces is not removed here: */
    _Atomic uint64_t replaced; /* number of the last one; 0: none */
    uint64_t earlier_bytes;    /* written to manifests before the present one */
    _Atomic uint64_t written;  /* bytes, to all manifests and CURRENT since open */
};

/* Reads the manifest that CURRENT names; its edits together make the current version. To be freed
 * in any case. CORRUPT, IO, NO_MEMORY. */
int version_set_recover(struct version_set *set, struct strata_error *err);
void version_set_free(struct version_set *set);

/* The version that the edit makes of the current one (6.I20), and sets edit->next. CORRUPT,
 * NO_MEMORY. One reference is the caller's. */
int version_set_prepare(const struct version_set *set, struct edit *edit, struct version **out,
                        struct strata_error *err);
/* Writes the edit, or, when many have gathered, a new manifest with this version: it is durable.
 * The caller then sets `current`. IO: 6.I21; NO_MEMORY: nothing was written. */
int version_set_write(struct version_set *set, struct edit *edit, const struct version *version,
                      struct strata_error *err);
/* A new manifest, with the whole version in its first edit, replaces the present one. As above. */
int version_set_write_manifest(struct version_set *set, const struct version *version,
                               struct strata_error *err);
/* At a clean close: manifest_settle. */
int version_set_settle(struct version_set *set, struct strata_error *err);

/* Does the manifest, read again, say the current version? CORRUPT, IO, NO_MEMORY. */
int version_set_verify(const struct version_set *set, struct strata_error *err);

/* ---- Files by their names (version_files.c) -------------------------------------------------- */

/* Is it a name that a tree makes, and of no file that the manifest names? */
bool version_set_is_obsolete(const struct version_set *set, const char *name);
/* Removes those of the names that are. IO, NO_MEMORY. */
int version_set_remove_obsolete(const struct version_set *set, const struct fs_names *names,
                                struct strata_error *err);
/* No number that a file's name begins with is given away again (6.I23). Names above EDIT_NAME_MOST
 * are a stranger's. */
void version_set_pass_numbers(struct version_set *set, const struct fs_names *names);
/* CORRUPT: a log behind those that are named holds operations (6.I26). IO, NO_MEMORY. */
int version_set_check_logs(const struct version_set *set, const struct fs_names *names,
                           struct strata_error *err);

#endif
