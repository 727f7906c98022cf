/* manifest.h: the durable log of version edits, and CURRENT, which names the file that it is. */
#ifndef STRATA_06_MANIFEST_H
#define STRATA_06_MANIFEST_H

#include "edit.h"
#include "fs.h"

#define MANIFEST_MAGIC "STRATMAN"
#define MANIFEST_EDIT 8 /* record type of an edit */
#define CURRENT_NAME "CURRENT"
#define CURRENT_MAGIC "STRATCUR"

struct manifest {
    const struct strata_env *env;
    struct fs_file *file;
    char *path;
    uint64_t number;
    uint64_t ordinal;        /* of the last edit in it */
    uint64_t snapshot_bytes; /* of the file, when it was made */
    struct strata_buffer bytes; /* of one edit */
};

/* Makes manifest `number` with one edit, the whole state, and then CURRENT that names it; all
 * durable. To be closed, also when it failed. IO (then CURRENT names the one or the other; the caller must not write
 * any more), NO_MEMORY. */
int manifest_create(struct manifest *manifest, const struct strata_env *env, uint64_t number,
                    struct edit *state, struct strata_error *err);
/* Sets the edit's ordinal, appends it and syncs. IO: it may be on the device or not. NO_MEMORY: it
 * is not. */
int manifest_append(struct manifest *manifest, struct edit *edit, struct strata_error *err);
/* So many edits have gathered that a new manifest is due. */
bool manifest_is_long(const struct manifest *manifest);
void manifest_close(struct manifest *manifest);
/* Removes the file of a manifest that CURRENT names no more. */

/* What CURRENT names. CORRUPT, also when it is missing; IO, NO_MEMORY. */
int manifest_current(const struct strata_env *env, uint64_t *number, struct strata_error *err);
/* Reads the manifest that CURRENT names and tells each edit, in order, to `apply`, whose error ends it (a CORRUPT one
 * without a file gets the manifest's name and the record's offset). `*torn`: bytes of a cut last record, which was
 * dropped: then it must not be appended to. Opened for appending unless read-only or torn. To be closed in any
 * case. CORRUPT, IO, NO_MEMORY. */
int manifest_open(struct manifest *manifest, const struct strata_env *env,
                  int (*apply)(void *arg, const struct edit *edit, struct strata_error *err),
                  void *arg, uint64_t *torn, struct strata_error *err);
/* "DIR/000001.manifest", on the heap; NULL: no memory. */
char *manifest_path(const struct strata_env *env, uint64_t number);

extern const struct strata_format manifest_format, current_format; /* inspect.c */

#endif
